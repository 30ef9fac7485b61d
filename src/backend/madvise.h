/* SPDX-License-Identifier: MIT */
/* Moves the memory of any process to the system's swap and back, by advice to the kernel. */
#pragma once
#include "backend/advise_thread.h"
#include "backend/reclaim.h"

struct madvise {
	const struct procfs *procfs;
	const struct madvise_params *params;
	/* by enum action_verb: reading back is held up more easily, and moving out goes on then */
	struct advise_thread threads[2];
	uint64_t started_ns; /* of the one job */
	bool begun, asked;   /* its walk; its step, of which no result was taken */
};

/* Makes its threads, where they aren't there yet: before a job begins. 0 or -errno. */
int madvise_start(struct madvise *madvise);
void madvise_stop(struct madvise *madvise);

/* Its context is a struct madvise with procfs and params set. */
extern const struct reclaim_ops reclaim_madvise;
