/* SPDX-License-Identifier: MIT */
#include "sys/swaps.h"

#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdbool.h>

static size_t lines_of(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct swaps swaps;
	const char *text = (const char *)data;
	int r = swaps_parse(text, size, &swaps);

	if (r < 0) {
		HOLDS((r == -EBADMSG || r == -E2BIG) && swaps.n == 0);
		return 0;
	}
	HOLDS(r == 0 && size > 0 && text[size - 1] == '\n');
	HOLDS(swaps.n <= SWAPS_MAX && swaps.n == lines_of(text, size) - 1);
	for (size_t i = 0; i < swaps.n; i++) {
		const struct swap_area *area = &swaps.areas[i];

		HOLDS(*area->path && memchr(area->path, '\0', sizeof area->path));
		HOLDS(area->used_bytes <= area->size_bytes && area->size_bytes % 1024 == 0);
		HOLDS(area->kind == SWAP_FILE || area->kind == SWAP_PARTITION);
		HOLDS(!area->deleted || area->kind == SWAP_FILE);
		if (!area->deleted)
			HOLDS(swaps_find(&swaps, area->path) != NULL);
	}
	HOLDS(swaps_used_bytes(&swaps) <= swaps_size_bytes(&swaps));
	/* without its last byte it is torn */
	HOLDS(swaps_parse(text, size - 1, &swaps) < 0);
	return 0;
}
