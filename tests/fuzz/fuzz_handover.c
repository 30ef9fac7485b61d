/* SPDX-License-Identifier: MIT */
/* What is read of the file can be written again, and is the same then. */
#include "daemon/handover_text.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handover_record found[HANDOVER_MAX], again[HANDOVER_MAX];
	static char written[HANDOVER_TEXT_MAX];
	struct text text = TEXT_OVER(written);
	char *copy = malloc(size + 1);
	size_t n;

	HOLDS(copy);
	memcpy(copy, data, size);
	copy[size] = '\0';
	n = handover_parse(copy, found);
	free(copy);
	HOLDS(n <= HANDOVER_MAX && n <= size / strlen("paged 1 1 1\n"));
	handover_begin(&text);
	for (size_t i = 0; i < n; i++) {
		HOLDS(found[i].id.pid > 0 && found[i].id.start_ticks > 0);
		handover_add(&text, &found[i]);
	}
	HOLDS(!text.cut && handover_parse(written, again) == n);
	for (size_t i = 0; i < n; i++)
		HOLDS(again[i].id.pid == found[i].id.pid &&
		      again[i].id.start_ticks == found[i].id.start_ticks &&
		      again[i].bytes == found[i].bytes && again[i].frozen == found[i].frozen);
	return 0;
}
