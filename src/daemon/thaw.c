/* SPDX-License-Identifier: MIT */
#include "daemon/thaw.h"

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "daemon/frozen.h"
#include "sys/clock.h"

#define THAW_NS (60 * NS_PER_S)	  /* systemd gives 90 s to end in */
#define FREEZE_NS (15 * NS_PER_S) /* of it, for what is on its way out */
#define HEAR_NS (30 * NS_PER_S)	  /* for all answers together */
#define ROUND_NS (10 * NS_PER_S)  /* then those that have answered come back first */
#define HEAR_STEP_NS (10 * NS_PER_MS)

/* Runs what is under way, and hears those that are asked, until neither is to be waited for: who
 * doesn't answer isn't. False where waiting fails. */
static bool run_and_hear(struct daemon *daemon, struct loop *loop, uint64_t end_ns,
			 uint64_t heard_ns)
{
	bool more = true;

	for (;;) {
		uint64_t now_ns = clock_now_ns(), wake_ns = now_ns + NS_PER_S;
		struct loop_events events;
		bool hears;

		frozen_update(daemon, now_ns);
		hears = now_ns < heard_ns && frozen_unheard(daemon, now_ns);
		if (now_ns >= end_ns || (!hears && !executor_moving(&daemon->executor)))
			return true;
		if (hears)
			wake_ns = now_ns + HEAR_STEP_NS;
		wake_ns = u64_min(wake_ns, executor_deadline_ns(&daemon->executor));
		if (loop_wait(loop, more ? 0 : wake_ns, &events) < 0)
			return false;
		for (size_t i = 0; i < events.n_ready; i++)
			executor_ready(&daemon->executor, events.ready[i]);
		more = executor_run(&daemon->executor, clock_now_ns());
	}
}

/* Has those brought back that are known by now. Whether there are any. */
static bool thaw_known(struct daemon *daemon)
{
	int r;

	/* whoever waits still stands behind one that doesn't answer */
	if (!executor_moving(&daemon->executor))
		(void)executor_cancel_queued(&daemon->executor);
	/* who answers can be planned for when he is followed */
	daemon_survey(daemon, clock_now_ns());
	r = sampler_read_memory(&daemon->sampler, clock_now_ns());
	if (r < 0 && !daemon->said.bad_memory && frozen_left(daemon)) {
		daemon->said.bad_memory = true;
		log_warning("cannot read /proc/meminfo: %s; nobody is brought back",
			    text_error(-r));
	}
	if (r < 0)
		return false;
	frozen_plan_exit(daemon, &daemon->plan);
	executor_submit(&daemon->executor, &daemon->plan);
	return daemon->plan.n_actions > 0;
}

/* In rounds: a plan takes so many and no more, and others have answered, or gone all the way out,
 * meanwhile. What the next look at the sockets finds new is waited for only where somebody is
 * missed: others can have something new there each time. */
void thaw_all(struct daemon *daemon, struct loop *loop)
{
	uint64_t start_ns = clock_now_ns(), end_ns = start_ns + THAW_NS, now_ns = start_ns;
	uint64_t heard_ns = start_ns + HEAR_NS, until_ns = start_ns + FREEZE_NS;
	bool more = true;

	/* what is being frozen goes through with it, and can be thawed only then */
	executor_abort_verb(&daemon->executor, ACTION_RECLAIM, now_ns);
	executor_abort_verb(&daemon->executor, ACTION_RESTORE, now_ns);
	frozen_ask_again(daemon);
	frozen_scan(daemon);
	while (more && now_ns < end_ns) {
		bool misses;

		more = run_and_hear(daemon, loop, until_ns, u64_min(now_ns + ROUND_NS, heard_ns));
		until_ns = end_ns;
		now_ns = clock_now_ns();
		misses = handover_awaits_frozen(daemon) || frozen_unheard(daemon, now_ns);
		more = more && (thaw_known(daemon) || executor_moving(&daemon->executor) ||
				(misses && now_ns < heard_ns && frozen_unheard(daemon, now_ns)));
	}
	frozen_say_left(daemon);
}
