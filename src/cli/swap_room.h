/* SPDX-License-Identifier: MIT */
/* The memory that programs may have back without it getting short. */
#pragma once
#include "cli/swap_job.h"

/* All zero at first */
struct swap_room {
	bool known;
	uint64_t left_bytes;	  /* that may still be taken */
	uint64_t available_bytes; /* when the first one asked */
	uint64_t stays_bytes;	  /* of those */
};

/* Takes what the job needs; false where it has failed, because that isn't there. */
bool swap_room_take(struct swap_room *room, const struct procfs *procfs, struct job *job);
