/* SPDX-License-Identifier: MIT */
#include "policy/swapsize.h"

#include "base/units.h"

typedef unsigned __int128 wide;

uint64_t swapsize_missing_bytes(uint64_t total_bytes, uint64_t free_bytes, unsigned percent)
{
	wide wanted = (wide)total_bytes * percent, have = (wide)free_bytes * 100;
	unsigned rest = 100 - percent;
	wide missing = wanted > have ? (wanted - have + rest - 1) / rest : 0;

	return missing > UINT64_MAX ? UINT64_MAX : (uint64_t)missing;
}

uint64_t swapsize_spare_bytes(uint64_t total_bytes, uint64_t free_bytes, unsigned percent)
{
	wide wanted = (wide)total_bytes * percent, have = (wide)free_bytes * 100;
	uint64_t spare = have > wanted ? (uint64_t)((have - wanted) / (100 - percent)) : 0;

	return u64_min(spare, free_bytes);
}

static uint64_t round_down(uint64_t bytes, uint64_t page_bytes)
{
	return bytes - bytes % page_bytes;
}

static uint64_t round_up(uint64_t bytes, uint64_t page_bytes)
{
	return round_down(u64_add_sat(bytes, page_bytes - 1), page_bytes);
}

uint64_t swapsize_area_bytes(uint64_t wanted_bytes, uint64_t page_bytes,
			     const struct swapspace_params *params,
			     const struct swapsize_disk *disk)
{
	uint64_t reserve_bytes = u64_percent(disk->total_bytes, params->reserve_percent);
	uint64_t room_bytes = round_down(u64_sub_sat(disk->free_bytes, reserve_bytes), page_bytes);
	uint64_t min_bytes = round_up(params->min_bytes, page_bytes);
	uint64_t bytes = u64_min(round_up(wanted_bytes, page_bytes),
				 round_down(params->max_bytes, page_bytes));

	bytes = u64_min(u64_max(bytes, min_bytes), room_bytes);
	return bytes < min_bytes ? 0 : bytes;
}

uint64_t swapsize_room_bytes(uint64_t total_bytes, uint64_t available_bytes,
			     unsigned margin_percent)
{
	return u64_sub_sat(available_bytes, u64_percent(total_bytes, margin_percent));
}

static bool goes_before(const struct swapsize_area *a, const struct swapsize_area *b)
{
	return a->used_bytes != b->used_bytes ? a->used_bytes < b->used_bytes
					      : a->size_bytes > b->size_bytes;
}

size_t swapsize_retire(const struct swapsize_area *areas, size_t n, uint64_t spare_bytes,
		       uint64_t room_bytes)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (!areas[i].fixed && areas[i].size_bytes <= spare_bytes &&
		    areas[i].used_bytes <= room_bytes &&
		    (best == n || goes_before(&areas[i], &areas[best])))
			best = i;
	return best;
}
