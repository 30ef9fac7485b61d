/* SPDX-License-Identifier: MIT */
/* Moves the memory of any process to the system's swap and back, by advice to the kernel. */
#pragma once
#include "backend/advise.h"
#include "backend/reclaim.h"

#define MADVISE_PARALLEL 1

struct madvise {
	const struct procfs *procfs;
	const struct madvise_params *params;
	struct advise_walk walks[MADVISE_PARALLEL];
};

/* Its context is a struct madvise with procfs and params set. */
extern const struct reclaim_ops reclaim_madvise;
