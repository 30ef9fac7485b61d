/* SPDX-License-Identifier: MIT */
/* /proc/PID/pagemap: which pages of a range are there, or swapped out. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum pagemap_want {
	PAGEMAP_RESIDENT, /* anonymous and in memory; the shared zero page isn't */
	PAGEMAP_SWAPPED
};

struct pagemap {
	int fd;
	size_t page_bytes;
	bool scan;   /* the kernel has PAGEMAP_SCAN (6.7) */
	bool guards; /* and it tells guard regions apart (6.15) */
};

/* Opens the page map of pid; pagemap_close when done. 0 or -errno. */
int pagemap_open(const struct procfs *procfs, pid_t pid, struct pagemap *ret);
void pagemap_close(struct pagemap *map);

/*
 * Finds pages of the wanted kind in *at to end (both page-aligned), in at most cap ranges and of
 * at most max_bytes together, and moves *at to where it stopped looking. Returns the number of
 * ranges; 0 where there are none up to the place it stopped, which may be before end; -errno.
 */
ssize_t pagemap_find(struct pagemap *map, enum pagemap_want want, uint64_t *at, uint64_t end,
		     uint64_t max_bytes, struct iovec *ret_ranges, size_t cap);
