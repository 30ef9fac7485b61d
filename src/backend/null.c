/* SPDX-License-Identifier: MIT */
#include "backend/null.h"

static int null_probe(void *ctx, struct text *why)
{
	(void)ctx;
	(void)why;
	return 0;
}

static uint64_t null_estimate(void *ctx, const struct proc *proc)
{
	const struct backend *of = ctx;

	return of->ops->estimate(of->ctx, proc);
}

static uint64_t null_room(void *ctx, const struct mem_facts *mem)
{
	const struct backend *of = ctx;

	return of->ops->room(of->ctx, mem);
}

static int null_begin(void *ctx, struct job *job)
{
	(void)ctx;
	job->effect = JOB_PRETENDS;
	return 0;
}

static int null_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns)
{
	(void)ctx;
	(void)max_bytes;
	(void)now_ns;
	job->done_bytes = job->action.bytes;
	return STEP_DONE;
}

static void null_end(void *ctx, struct job *job)
{
	(void)ctx;
	(void)job;
}

#define NULL_OPS(of, stops)                                                                 \
	{                                                                                   \
		.name = "null-" of, .parallel = 1, .freezes = (stops), .probe = null_probe, \
		.estimate = null_estimate, .room = null_room, .begin = null_begin,          \
		.step = null_step, .end = null_end                                          \
	}

const struct reclaim_ops reclaim_null_madvise = NULL_OPS("madvise", false);
const struct reclaim_ops reclaim_null_swapify = NULL_OPS("swapify", true);
