/* SPDX-License-Identifier: MIT */
/* Swap areas of our own making: how large the next one is to be, and which one may go. */
#pragma once
#include "policy/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The x for which (free + x) / (total + x) is percent (under 100), rounded up; 0 where it is that
 * much or more already. Saturates. */
uint64_t swapsize_missing_bytes(uint64_t total_bytes, uint64_t free_bytes, unsigned percent);

/* The y for which (free - y) / (total - y) is percent, rounded down; 0 where it is less already. */
uint64_t swapsize_spare_bytes(uint64_t total_bytes, uint64_t free_bytes, unsigned percent);

/* What there is of the file system in which an area is to lie. */
struct swapsize_disk {
	uint64_t total_bytes, free_bytes; /* free: for us to take */
};

/* The size of one area: what is wanted, rounded up to pages, no less than min and no more than max
 * and the disk less its reserve. 0: there is no room for one of min bytes. */
uint64_t swapsize_area_bytes(uint64_t wanted_bytes, uint64_t page_bytes,
			     const struct swapspace_params *params,
			     const struct swapsize_disk *disk);

/* What can be read back into memory while margin_percent of it stay available. */
uint64_t swapsize_room_bytes(uint64_t total_bytes, uint64_t available_bytes,
			     unsigned margin_percent);

struct swapsize_area {
	uint64_t size_bytes, used_bytes;
	bool fixed; /* it is to stay, or on its way already */
};

/*
 * The area that goes first: of those no larger than spare_bytes whose content fits into room_bytes
 * the one with the least content, for that is the least work; then the largest. Its index, n where
 * there is none.
 */
size_t swapsize_retire(const struct swapsize_area *areas, size_t n, uint64_t spare_bytes,
		       uint64_t room_bytes);
