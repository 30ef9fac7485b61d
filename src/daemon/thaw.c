/* SPDX-License-Identifier: MIT */
#include "daemon/thaw.h"

#include "base/units.h"
#include "daemon/frozen.h"
#include "sys/clock.h"

#define THAW_NS (60 * NS_PER_S)	  /* systemd gives 90 s to end in */
#define FREEZE_NS (15 * NS_PER_S) /* of it, for what is on its way out */
#define HEAR_NS (10 * NS_PER_S)	  /* for all answers together */
#define HEAR_STEP_NS (10 * NS_PER_MS)

static void run_jobs(struct daemon *daemon, struct loop *loop, uint64_t end_ns)
{
	bool more = true;

	/* who doesn't answer isn't waited for */
	while (executor_moving(&daemon->executor) && clock_now_ns() < end_ns) {
		struct loop_events events;

		if (loop_wait(loop,
			      more ? 0 : u64_min(executor_deadline_ns(&daemon->executor), end_ns),
			      &events) < 0)
			break;
		for (size_t i = 0; i < events.n_ready; i++)
			executor_ready(&daemon->executor, events.ready[i]);
		more = executor_run(&daemon->executor, clock_now_ns());
	}
}

static void thaw_since(struct daemon *daemon, struct loop *loop, uint64_t since_ns, uint64_t end_ns)
{
	if (sampler_read_memory(&daemon->sampler, clock_now_ns()) < 0)
		return;
	frozen_plan_exit(daemon, since_ns, &daemon->plan);
	executor_submit(&daemon->executor, &daemon->plan);
	run_jobs(daemon, loop, end_ns);
}

/* Who was frozen by a daemon before us is known when he has answered, and can be planned for when
 * he is followed. */
static void hear_all(struct daemon *daemon, struct loop *loop)
{
	uint64_t end_ns = clock_now_ns() + HEAR_NS;
	struct loop_events events;

	frozen_scan(daemon);
	do
		frozen_update(daemon, clock_now_ns());
	while (frozen_unheard(daemon) && clock_now_ns() < end_ns &&
	       loop_wait(loop, clock_now_ns() + HEAR_STEP_NS, &events) == 0);
	daemon_survey(daemon, clock_now_ns());
}

void thaw_all(struct daemon *daemon, struct loop *loop)
{
	uint64_t start_ns = clock_now_ns(), end_ns = start_ns + THAW_NS;

	/* what is being frozen goes through with it, and can be thawed only then */
	executor_abort_verb(&daemon->executor, ACTION_RECLAIM, clock_now_ns());
	executor_abort_verb(&daemon->executor, ACTION_RESTORE, clock_now_ns());
	run_jobs(daemon, loop, start_ns + FREEZE_NS);
	hear_all(daemon, loop);
	thaw_since(daemon, loop, 0, end_ns);
	/* what took longer to go out than that */
	thaw_since(daemon, loop, start_ns + FREEZE_NS, end_ns);
}
