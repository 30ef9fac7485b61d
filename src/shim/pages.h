/* SPDX-License-Identifier: MIT */
/* Which pages of the regions exist: in memory or in a swap area, not of a file, not the page of
 * zeros that a read of untouched memory gets, nor a guard (madvise(2), MADV_GUARD_INSTALL), which
 * seems to be swapped and stays where it is. */
#pragma once
#include "shim/shim.h"

struct page_run {
	uint64_t start, end;
};

/* A walk over all pages of all regions, by address. */
struct pages {
	int fd;
	bool scan;	      /* the kernel has PAGEMAP_SCAN (6.7) */
	uint64_t passed_over; /* by that */
	struct cursor at;
	uint32_t region; /* of the runs */
	unsigned next, n_runs;
	struct page_run runs[64];
	uint64_t entries[256]; /* of the page map, where there's no PAGEMAP_SCAN */
};

/* Starts at the first region. 0 or a failure; pages_close when done. */
int pages_open(struct shim *shim, struct pages *ret);
void pages_close(struct pages *pages);

/* The next run of pages: 1, 0 at the end, or a failure. It comes again until it is taken. */
int pages_peek(struct shim *shim, struct pages *pages, struct page_run *ret);

/* Takes the run up to end. */
void pages_take(struct pages *pages, uint64_t end);
