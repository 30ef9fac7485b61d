/* SPDX-License-Identifier: MIT */
/* "swapping: 3 of 7 done", on a terminal, for what takes over a second. */
#pragma once
#include "cli/swap_args.h"

struct swap_progress {
	const char *doing; /* NULL: shown to nobody */
	size_t of, shown;
	uint64_t due_ns; /* when it is shown first */
	int width;	 /* of what stands there; 0: nothing */
};

void swap_progress_start(struct swap_progress *progress, enum swap_action action, size_t of);
void swap_progress_show(struct swap_progress *progress, size_t done);
/* Takes the line away. */
void swap_progress_end(struct swap_progress *progress);

/* When the line should come, as clock_now_ns says; UINT64_MAX where it is there, or never comes. */
uint64_t swap_progress_due_ns(const struct swap_progress *progress);
