/* SPDX-License-Identifier: MIT */
/* Working on all jobs at once. */
#pragma once
#include "cli/swap_find.h"

/* Does what args ask for with each job, until all are done, showing progress on a terminal. 0 or
 * -ENOMEM. */
int swap_work(const struct swap_args *args, const struct procfs *procfs, struct jobs *jobs);
