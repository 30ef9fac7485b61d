/* SPDX-License-Identifier: MIT */
/* What [prelock] would do, as text: looks once, locks nothing. */
#pragma once
#include "daemon/prelock_scan.h"

#include <stdio.h>

/* The part of --once: the first files of the plan, all where verbose, and the totals. 0 or -errno,
 * logged. */
int prelock_print(const struct procfs *procfs, const struct prelock_params *params,
		  uint64_t total_bytes, bool verbose, FILE *out);

/* --prelock-once: the same, also where [prelock] is switched off. */
int prelock_print_once(const struct params *params, bool verbose, FILE *out);
