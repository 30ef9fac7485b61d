/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_indel.h"

#include <string.h>

static bool same_areas(const struct swaps *a, const struct swaps *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->areas[i].path, b->areas[i].path) != 0 ||
		    a->areas[i].size_bytes != b->areas[i].size_bytes)
			return false;
	return true;
}

size_t indel_find(const struct swaps *before, uint64_t swap_total_bytes, const struct swaps *after)
{
	uint64_t size_bytes = swaps_size_bytes(before), missing_bytes;
	size_t found = INDEL_NONE;

	if (!same_areas(before, after) || swap_total_bytes >= size_bytes)
		return INDEL_NONE;
	missing_bytes = size_bytes - swap_total_bytes;
	for (size_t i = 0; i < before->n; i++) {
		/* it is only ever emptied meanwhile */
		uint64_t size = before->areas[i].size_bytes;
		uint64_t free_before = size - before->areas[i].used_bytes;
		uint64_t free_after = size - after->areas[i].used_bytes;

		if (missing_bytes < free_before || missing_bytes > free_after)
			continue;
		if (found != INDEL_NONE)
			return INDEL_NONE;
		found = i;
	}
	return found;
}
