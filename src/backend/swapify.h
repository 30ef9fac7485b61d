/* SPDX-License-Identifier: MIT */
/* Has programs that have a shim swapped to their own image, and back: asks, waits, and believes
 * nothing. */
#pragma once
#include "backend/attached.h"
#include "backend/reclaim.h"
#include "backend/wiretext.h"

#define SWAPIFY_PER_USER 2  /* more would only share the disk */
#define SWAPIFY_PARALLEL 6  /* for others, while one user's programs don't answer */
#define SWAPIFY_WHY_MAX 400 /* of a reason: with what a line of the log says beside it, it fits */

struct swapify {
	struct attached_table *table;
	const struct swapify_params *params;
	struct swapify_slot {
		char answer[WIRETEXT_MAX + 1];
		size_t len;
		char why[SWAPIFY_WHY_MAX]; /* job.why */
	} slots[SWAPIFY_PARALLEL];
};

/* Its context is a struct swapify with table and params set. */
extern const struct reclaim_ops reclaim_swapify;
