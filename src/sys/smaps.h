/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/smaps, region by region: as maps, and what of each is there. The kernel looks at every
 * page for it, which costs about 7 ms per GiB; the daemon does without.
 */
#pragma once
#include "sys/regions.h"

/* The kernel's figures, by its own count of pages. */
struct smap {
	struct region region; /* kind by its flags as well: locked, huge-TLB, device, stack */
	uint64_t resident_bytes;
	uint64_t anon_bytes;	   /* of these, anonymous */
	uint64_t referenced_bytes; /* of these, used since the kernel last looked */
	uint64_t swap_bytes;
};

struct smaps {
	struct lines lines;
	struct region next; /* has_next: its head is read already, its figures aren't */
	bool has_next;
};

/* Starts to read the regions of pid; smaps_close when done. 0 or -errno. */
int smaps_open(const struct procfs *procfs, pid_t pid, struct smaps *ret);
void smaps_close(struct smaps *smaps);

/*
 * The next region, by address. 1, 0 at the end, -errno; -EBADMSG where a figure is missing, doubled
 * or no number; *ret untouched then. Lines we don't know are passed over.
 */
int smaps_next(struct smaps *smaps, struct smap *ret);

/* The sums over all regions of pid, from smaps_rollup; no region. 0 or -errno. */
int smaps_sum(const struct procfs *procfs, pid_t pid, struct smap *ret);
