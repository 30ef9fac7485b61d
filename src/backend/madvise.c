/* SPDX-License-Identifier: MIT */
#include "backend/madvise.h"

#include "base/text.h"
#include "base/units.h"
#include "sys/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* A step takes a tenth of a second, on a disk that is slow and busy some seconds. Longer, and the
 * process holds it up: that costs nobody anything but this backend. */
#define BACK_MAX_NS (5 * NS_PER_S)
#define OUT_MAX_NS                                                                     \
	(30 * NS_PER_S) /* a disk may be that slow at writing, and nobody waits for it \
			 */

/* Disks and sticks are faster even when busy. */
#define SLOWEST_BYTES_PER_S (4 * MIB)

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
		text_addf(why, "process_madvise: %s", text_error(-r));
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

int madvise_start(struct madvise *madvise)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++)
		if (!madvise->threads[i].started)
			r = advise_thread_start(&madvise->threads[i]);
	return r;
}

void madvise_stop(struct madvise *madvise)
{
	for (size_t i = 0; i < 2; i++)
		advise_thread_stop(&madvise->threads[i]);
}

static struct advise_thread *thread_of(struct madvise *madvise, const struct job *job)
{
	return &madvise->threads[job->action.verb];
}

static uint64_t deadline_ns(const struct advise_thread *thread, const struct job *job)
{
	return u64_add_sat(thread->since_ns,
			   job->action.verb == ACTION_RESTORE ? BACK_MAX_NS : OUT_MAX_NS);
}

/* Of all its steps together: else a process could hold up each for just less than that. */
static uint64_t end_ns(const struct madvise *madvise, const struct job *job)
{
	uint64_t moving_ns = job->action.bytes / SLOWEST_BYTES_PER_S * NS_PER_S;

	return u64_add_sat(madvise->started_ns, u64_add_sat(OUT_MAX_NS, moving_ns));
}

static int madvise_begin(void *ctx, struct job *job)
{
	struct madvise *madvise = ctx;
	struct advise_thread *thread = thread_of(madvise, job);
	bool cold = madvise->params->advice == ADVICE_COLD;

	job->effect = cold && job->action.verb == ACTION_RECLAIM ? JOB_OFFERS : JOB_MOVES;
	madvise->begun = madvise->asked = false;
	madvise->started_ns = clock_now_ns();
	if (advise_thread_works(thread) && clock_now_ns() >= deadline_ns(thread, job)) {
		job->why = "still held up by another process";
		return -EBUSY;
	}
	return 0;
}

/* For what is under way, also of a job that was stopped before. */
static int wait_for(const struct madvise *madvise, const struct advise_thread *thread,
		    struct job *job)
{
	if (job->expired) {
		job->why = "held up, by the process itself or a slow disk";
		return -ETIMEDOUT;
	}
	job->wait_fd = thread->done_fd;
	job->wait_events = EPOLLIN;
	job->deadline_ns = u64_min(deadline_ns(thread, job), end_ns(madvise, job));
	return STEP_WAIT;
}

static int begin_walk(struct madvise *madvise, const struct job *job)
{
	enum advise_verb verb = job->action.verb == ACTION_RESTORE ? ADVISE_BACK
				: job->effect == JOB_OFFERS	   ? ADVISE_COLD
								   : ADVISE_PAGEOUT;
	int r = advise_thread_begin(thread_of(madvise, job), madvise->procfs, job->action.id.pid,
				    job->pidfd, verb, job->action.bytes);

	madvise->begun = r == 0;
	return r;
}

static int madvise_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns)
{
	struct madvise *madvise = ctx;
	struct advise_thread *thread = thread_of(madvise, job);
	int r;

	if (advise_thread_works(thread))
		return wait_for(madvise, thread, job);
	if (madvise->asked) {
		madvise->asked = false;
		r = thread->result;
		job->done_bytes = thread->walk.advised_bytes;
		if (r >= 0 && thread->walk.touch_denied) {
			job->why = "reading its memory is not permitted";
			return -EPERM;
		}
		return r < 0 ? r : r > 0 ? STEP_MORE : STEP_DONE;
	}
	r = madvise->begun ? 0 : begin_walk(madvise, job);
	if (r < 0)
		return r;
	advise_thread_step(thread, max_bytes, now_ns);
	madvise->asked = true;
	job->expired = false;
	return wait_for(madvise, thread, job);
}

static void madvise_end(void *ctx, struct job *job)
{
	struct madvise *madvise = ctx;

	if (madvise->begun)
		advise_thread_end(thread_of(madvise, job));
	madvise->begun = madvise->asked = false;
}

const struct reclaim_ops reclaim_madvise = {
	.name = "madvise",
	.parallel = 1,
	.probe = madvise_probe,
	.estimate = madvise_estimate,
	.room = madvise_room,
	.begin = madvise_begin,
	.step = madvise_step,
	.end = madvise_end,
};
