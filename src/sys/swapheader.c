/* SPDX-License-Identifier: MIT */
#include "sys/swapheader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* union swap_header of linux/swap.h, behind the 1024 bytes for a boot loader */
#define AT_INFO 1024
#define AT_BAD_PAGES 1536

static const char signature[10] = "SWAPSPACE2";

struct info {
	uint32_t version, last_page, bad_pages;
	uint8_t uuid[SWAP_UUID_BYTES];
	char label[SWAP_LABEL_MAX];
};

int swapheader_parse(const void *page, size_t page_size, struct swapheader *ret)
{
	const char *bytes = page;
	struct info info;

	if (memcmp(bytes + page_size - sizeof signature, signature, sizeof signature) != 0)
		return -ENOENT;
	memcpy(&info, bytes + AT_INFO, sizeof info);
	if (info.version == __builtin_bswap32(1))
		return -ENOENT;
	if (info.version != 1 || info.last_page == 0 ||
	    info.bad_pages > (page_size - sizeof signature - AT_BAD_PAGES) / sizeof(uint32_t) ||
	    info.bad_pages >= info.last_page)
		return -EBADMSG;
	*ret = (struct swapheader){
		.bytes = ((uint64_t)info.last_page + 1) * page_size,
		.bad_pages = info.bad_pages,
	};
	memcpy(ret->uuid, info.uuid, sizeof ret->uuid);
	memcpy(ret->label, info.label, SWAP_LABEL_MAX);
	return 0;
}

void swapheader_fill(void *page, size_t page_size, const struct swapheader *header)
{
	struct info info = {.version = 1, .last_page = (uint32_t)(header->bytes / page_size - 1)};
	char *bytes = page;

	memcpy(info.uuid, header->uuid, sizeof info.uuid);
	memcpy(info.label, header->label, SWAP_LABEL_MAX);
	memset(bytes, 0, page_size);
	memcpy(bytes + AT_INFO, &info, sizeof info);
	memcpy(bytes + page_size - sizeof signature, signature, sizeof signature);
}

struct swapheader swapheader_new(uint64_t bytes, const char *label)
{
	struct swapheader header = {.bytes = bytes};

	/* so early in boot that there is no randomness: an area without a UUID is fine */
	if (getrandom(header.uuid, sizeof header.uuid, GRND_NONBLOCK) == sizeof header.uuid) {
		header.uuid[6] = (uint8_t)((header.uuid[6] & 0x0f) | 0x40); /* RFC 9562: random */
		header.uuid[8] = (uint8_t)((header.uuid[8] & 0x3f) | 0x80);
	}
	(void)snprintf(header.label, sizeof header.label, "%s", label);
	return header;
}

void swapheader_uuid_text(const struct swapheader *header, char ret[SWAP_UUID_TEXT])
{
	size_t len = 0;

	for (size_t i = 0; i < SWAP_UUID_BYTES; i++)
		len += (size_t)snprintf(ret + len, SWAP_UUID_TEXT - len, "%s%02x",
					i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
					header->uuid[i]);
}
