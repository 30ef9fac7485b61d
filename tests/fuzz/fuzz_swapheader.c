/* SPDX-License-Identifier: MIT */
/* A page of 4 or 64 KiB with the input where the header's own part lies, and a signature: without
 * one there is nothing to see. */
#include "sys/swapheader.h"

#include "fuzz/fuzz.h"

#include <errno.h>

#define AT_INFO 1024
#define SIGNATURE "SWAPSPACE2"

static void try_page(const uint8_t *data, size_t size, size_t page_bytes)
{
	char *page = calloc(1, page_bytes), text[SWAP_UUID_TEXT];
	size_t room = page_bytes - AT_INFO - strlen(SIGNATURE);
	struct swapheader header, again;
	int r;

	HOLDS(page);
	memcpy(page + AT_INFO, data, size < room ? size : room);
	HOLDS(swapheader_parse(page, page_bytes, &again) == -ENOENT);
	memcpy(page + page_bytes - strlen(SIGNATURE), SIGNATURE, strlen(SIGNATURE));
	memset(&header, PATTERN, sizeof header);
	r = swapheader_parse(page, page_bytes, &header);
	if (r < 0) {
		HOLDS((r == -ENOENT || r == -EBADMSG) && is_untouched(&header, sizeof header));
	} else {
		HOLDS(header.bytes % page_bytes == 0 && header.bytes >= 2 * page_bytes);
		HOLDS(header.bad_pages < header.bytes / page_bytes - 1);
		HOLDS(memchr(header.label, '\0', sizeof header.label));
		swapheader_uuid_text(&header, text);
		HOLDS(strlen(text) == SWAP_UUID_TEXT - 1);
		swapheader_fill(page, page_bytes, &header);
		HOLDS(swapheader_parse(page, page_bytes, &again) == 0);
		HOLDS(again.bytes == header.bytes && again.bad_pages == 0);
		HOLDS(strcmp(again.label, header.label) == 0);
		HOLDS(memcmp(again.uuid, header.uuid, sizeof again.uuid) == 0);
	}
	free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_page(data, size, 4096);
	try_page(data, size, 65536);
	return 0;
}
