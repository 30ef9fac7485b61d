/* SPDX-License-Identifier: MIT */
/* Which programs are meant: those whose sockets lie in the directories. */
#pragma once
#include "cli/swap_job.h"

struct jobs {
	struct job *jobs;
	size_t n;
};

/*
 * One job for each program that is asked for, however often it is; with ACTION_LIST for each that
 * has a socket, by pid. A name that fits none or several becomes a job that has failed already.
 * 0 or -errno. swap_jobs_free when done; the directories must live on.
 */
int swap_find(const struct swap_args *args, const struct swap_dirs *dirs,
	      const struct procfs *procfs, struct jobs *ret);
void swap_jobs_free(struct jobs *jobs);
