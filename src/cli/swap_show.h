/* SPDX-License-Identifier: MIT */
/* What swap says of what came of it: to people, and as JSON. */
#pragma once
#include "cli/swap_find.h"

/* "Successfully swapped.", or counts and what failed; lines of -a status; the table of -l. What
 * went well goes to stdout, what didn't to stderr. */
void swap_show(const struct swap_args *args, const struct jobs *jobs, uint64_t now_ns);

/* The same as JSON on stdout. 0 or -ENOMEM. */
int swap_show_json(const struct swap_args *args, const struct jobs *jobs, uint64_t now_ns);
