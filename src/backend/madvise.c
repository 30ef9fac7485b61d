/* SPDX-License-Identifier: MIT */
#include "backend/madvise.h"

#include "base/units.h"

#include <errno.h>
#include <string.h>

static int madvise_probe(void *ctx, struct text *why)
{
	int r = procmadv_probe();

	(void)ctx;
	if (r == -ENOSYS)
		text_add(why, "this kernel has no process_madvise (Linux 5.10)");
	else if (r == -EPERM || r == -EACCES)
		text_add(why, "advising other processes is not permitted: it takes CAP_SYS_NICE "
			      "and CAP_SYS_PTRACE, which root has");
	else if (r < 0)
		text_addf(why, "process_madvise: %s", strerror(-r));
	return r;
}

/* percent counts what is out already, so that it stays the same share however often it is asked */
static uint64_t madvise_estimate(void *ctx, const struct proc *proc)
{
	const struct madvise_params *params = ((struct madvise *)ctx)->params;
	uint64_t out_bytes = proc->past.out_bytes;
	uint64_t bytes =
		u64_percent(u64_add_sat(proc->facts.anon_bytes, out_bytes), params->percent);

	if (params->max_bytes > 0)
		bytes = u64_min(bytes, params->max_bytes);
	bytes = u64_sub_sat(bytes, out_bytes);
	return bytes < CRUMB_BYTES ? 0 : bytes;
}

static uint64_t madvise_room(void *ctx, const struct mem_facts *mem)
{
	const struct madvise_params *params = ((struct madvise *)ctx)->params;

	if (params->advice == ADVICE_COLD)
		return UINT64_MAX;
	return u64_sub_sat(mem->swap_free_bytes, params->swap_margin_bytes);
}

static int madvise_begin(void *ctx, struct job *job)
{
	struct madvise *madvise = ctx;
	bool cold = madvise->params->advice == ADVICE_COLD;
	bool back = job->action.verb == ACTION_RESTORE;

	job->effect = cold && !back ? JOB_OFFERS : JOB_MOVES;
	return advise_open(&madvise->walks[job->slot], madvise->procfs, job->action.id.pid,
			   job->pidfd,
			   back	  ? ADVISE_BACK
			   : cold ? ADVISE_COLD
				  : ADVISE_PAGEOUT,
			   job->action.bytes);
}

static int madvise_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns)
{
	struct advise_walk *walk = &((struct madvise *)ctx)->walks[job->slot];
	int r = advise_step(walk, max_bytes);

	(void)now_ns;
	job->done_bytes = walk->advised_bytes;
	return r < 0 ? r : r > 0 ? STEP_MORE : STEP_DONE;
}

static void madvise_end(void *ctx, struct job *job)
{
	advise_close(&((struct madvise *)ctx)->walks[job->slot]);
}

const struct reclaim_ops reclaim_madvise = {
	.name = "madvise",
	.parallel = MADVISE_PARALLEL,
	.probe = madvise_probe,
	.estimate = madvise_estimate,
	.room = madvise_room,
	.begin = madvise_begin,
	.step = madvise_step,
	.end = madvise_end,
};
