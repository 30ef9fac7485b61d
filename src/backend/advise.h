/* SPDX-License-Identifier: MIT */
/*
 * The engine behind advice: walks the regions of a process, finds the pages that are there (or
 * swapped out), and gives advice about just these, a step at a time and to the page. Ranges the
 * kernel refuses (locked, device, huge-TLB) are passed over, counted, and cost nothing of the
 * budget.
 */
#pragma once
#include "sys/pagemap.h"
#include "sys/procmadv.h"
#include "sys/regions.h"

enum advise_verb {
	ADVISE_COLD,	/* offer resident pages */
	ADVISE_PAGEOUT, /* move resident pages out */
	ADVISE_BACK	/* read swapped pages back in and map them */
};

/* A part of a process's memory that was chosen beforehand. */
struct advise_span {
	uint64_t start, end;
};

struct advise_walk {
	pid_t pid;
	int pidfd; /* borrowed */
	enum advise_verb verb;
	uint64_t budget_bytes;		 /* what is left of it */
	bool listed;			 /* goes by spans, else by regions */
	const struct advise_span *spans; /* borrowed; those that are left */
	size_t n_spans;
	struct regions regions;
	struct pagemap map;
	struct region region; /* the one we are in, from at on */
	uint64_t at;
	bool in_region;
	struct iovec ranges[PROCMADV_RANGES_MAX];
	size_t n_ranges;
	uint32_t looks_in_vain;
	/* the report */
	uint64_t advised_bytes; /* by the kernel's count */
	uint64_t refused_bytes;
	uint32_t refused_ranges;
	uint32_t regions_seen[REGION__N];
	int refused_error; /* of the last refused range, -errno */
	bool touch_denied; /* pages were read in but could not be mapped: Yama or no permission */
};

/*
 * Begins a walk over the process that pidfd holds; at most budget_bytes are advised. 0 or -errno:
 * -ESRCH where it ended. advise_close when done.
 */
int advise_open(struct advise_walk *walk, const struct procfs *procfs, pid_t pid, int pidfd,
		enum advise_verb verb, uint64_t budget_bytes);

/* As advise_open, over the n_spans parts at spans in their order. They are borrowed until
 * advise_close, and read of regions that are eligible. */
int advise_open_spans(struct advise_walk *walk, const struct procfs *procfs, pid_t pid, int pidfd,
		      enum advise_verb verb, uint64_t budget_bytes, const struct advise_span *spans,
		      size_t n_spans);

void advise_close(struct advise_walk *walk);

/* Advises at most max_bytes. 1 where there is more to do, 0 at the end of the process, of the
 * budget, or of the patience with mappings that hold nothing, or -errno where nothing further can
 * come of it (-ESRCH, -EPERM, -ENOSYS). */
int advise_step(struct advise_walk *walk, uint64_t max_bytes);
