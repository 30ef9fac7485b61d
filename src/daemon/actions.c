/* SPDX-License-Identifier: MIT */
/* What the daemon answers the executor: whether an action may begin, and what it did. */
#include "base/log.h"
#include "base/units.h"
#include "daemon/daemon.h"
#include "daemon/frozen.h"
#include "policy/rank.h"
#include "sys/clock.h"

#include <errno.h>
#include <string.h>

enum reason daemon_admit(void *owner, struct action *action, struct proc_facts *ret_facts)
{
	struct daemon *daemon = owner;
	struct proc *proc = sampler_find(&daemon->sampler, &action->id);
	uint64_t now_ns = clock_now_ns();
	enum reason reason = REASON_VICTIM;
	int r;

	if (!proc)
		return REASON_ZOMBIE;
	r = sampler_refresh(&daemon->sampler, proc, now_ns);
	if (r == -ESRCH || proc->facts.mm_tag != action->mm_tag)
		return REASON_ZOMBIE;
	if (r < 0)
		return REASON_UNREADABLE;
	frozen_note(daemon, proc, now_ns);
	daemon_estimate(daemon, proc);
	if (action->verb == ACTION_RECLAIM) {
		reason = rank_verdict(proc, now_ns, &daemon->config.params.idle);
		action->bytes = u64_min(action->bytes, proc->reclaimable_bytes);
	}
	*ret_facts = proc->facts;
	proc->past.under_way = reason == REASON_VICTIM;
	return reason;
}

static const char *backend_name(const struct daemon *daemon, const struct action *action)
{
	return daemon->executor.backends[action->backend].ops->name;
}

static void log_moved(const struct daemon *daemon, const struct outcome *outcome)
{
	const struct action *action = &outcome->action;
	bool out = action->verb == ACTION_RECLAIM;
	const char *what = outcome->effect == JOB_OFFERS ? "offered to the kernel"
			   : outcome->effect == JOB_PRETENDS
				   ? out ? "would be swapped" : "would be unswapped"
			   : out ? "swapped"
				 : "unswapped";

	log_notice("%s pid=%d name=%s bytes=%s of=%s idle=%s resident=%s->%s swap=%s->%s "
		   "backend=%s took=%s",
		   what, action->id.pid, FMT_SAFE(action->comm),
		   FMT_BYTES(outcome->effect == JOB_MOVES ? outcome->moved_bytes
							  : outcome->claimed_bytes),
		   FMT_BYTES(action->bytes), FMT_DURATION(action->idle_ns),
		   FMT_BYTES(outcome->before.anon_bytes), FMT_BYTES(outcome->after.anon_bytes),
		   FMT_BYTES(outcome->before.swap_bytes), FMT_BYTES(outcome->after.swap_bytes),
		   backend_name(daemon, action), FMT_DURATION(outcome->elapsed_ns));
}

/* A failure is said once, and again only when another kind of it comes; all are counted. */
static void log_not_done(struct daemon *daemon, const struct outcome *outcome)
{
	const struct action *action = &outcome->action;
	const char *verb = action->verb == ACTION_RECLAIM ? "swap" : "unswap";
	bool failed = outcome->kind == OUTCOME_FAILED || outcome->kind == OUTCOME_TIMEOUT;

	if (failed && outcome->error != daemon->said.failed) {
		daemon->said.failed = outcome->error;
		log_warning("cannot %s: %s pid=%d name=%s backend=%s", verb,
			    outcome->why ? outcome->why : text_error(-outcome->error),
			    action->id.pid, FMT_SAFE(action->comm), backend_name(daemon, action));
	} else {
		log_info("did not %s: %s pid=%d name=%s backend=%s", verb,
			 outcome->kind == OUTCOME_REFUSED ? reason_sentence(outcome->reason)
							  : outcome_word(outcome->kind),
			 action->id.pid, FMT_SAFE(action->comm), backend_name(daemon, action));
	}
}

static void note_out(struct daemon *daemon, struct proc *proc, const struct outcome *outcome,
		     uint64_t now_ns)
{
	uint64_t swapped_bytes = u64_sub_sat(outcome->after.swap_bytes, outcome->before.swap_bytes);
	/* stopped by us says nothing about what it would have given */
	bool poor =
		outcome->kind != OUTCOME_CANCELED &&
		(outcome->kind != OUTCOME_DONE || outcome->moved_bytes < outcome->action.bytes / 2);

	if (outcome->moved_bytes > 0)
		proc->past.refusals = 0;
	else if (outcome->effect == JOB_MOVES && outcome->kind != OUTCOME_CANCELED &&
		 proc->past.refusals < UINT8_MAX)
		proc->past.refusals++;
	if (proc->past.frozen_bytes > 0)
		proc->past.out_since_ns = now_ns;
	if (swapped_bytes > 0) {
		idle_note_out(&proc->past, &outcome->after, swapped_bytes, now_ns);
		proc->past.held_by = outcome->action.backend;
	}
	if (outcome->effect != JOB_MOVES && outcome->kind == OUTCOME_DONE) {
		/* one clock for all: further ones must not keep the first alive */
		if (daemon->promised_bytes == 0)
			daemon->promised_ns = now_ns;
		daemon->promised_bytes =
			u64_add_sat(daemon->promised_bytes, outcome->claimed_bytes);
	}
	/* it keeps what is left for some time; also what was offered, or only seemingly done */
	if (poor || outcome->effect != JOB_MOVES)
		proc->past.retry_ns = now_ns + daemon->machine.cooldown_ns;
}

static void note_back(struct daemon *daemon, struct proc *proc, const struct outcome *outcome,
		      uint64_t now_ns)
{
	bool moved = outcome->moved_bytes > 0;

	if (outcome->kind == OUTCOME_CANCELED && outcome->verified && !moved)
		return;
	if (outcome->error == -EBUSY && !moved) { /* another one's fault */
		proc->past.retry_ns = now_ns + daemon->machine.cooldown_ns;
		return;
	}
	idle_note_back(&proc->past, &outcome->after, now_ns);
	proc->past.vain_ns = moved ? 0 : now_ns;
	/* what doesn't come back by our doing comes back when the process touches it */
	if (outcome->verified && !moved)
		proc->past.out_bytes = 0;
	else if (moved)
		machine_note_restore(&daemon->machine, now_ns);
}

/* There was no room for an image: others of that user won't fare better at once. */
static bool is_full(const struct outcome *outcome)
{
	return outcome->action.verb == ACTION_RECLAIM && outcome->kind == OUTCOME_FAILED &&
	       (outcome->error == -ENOSPC || outcome->error == -EDQUOT || outcome->error == -EFBIG);
}

/* Leaves the others of that user alone for a while. False: there is nobody but them. */
static bool spare_user(struct daemon *daemon, uint32_t uid, uint64_t now_ns)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	bool others = false;

	for (size_t i = 0; i < snapshot->n_procs; i++) {
		struct proc *proc = &snapshot->procs[i];

		if (proc->facts.uid == uid && proc->freezing)
			proc->past.retry_ns = now_ns + daemon->machine.cooldown_ns;
		else if (rank_verdict(proc, now_ns, &daemon->config.params.idle) == REASON_VICTIM)
			others = true;
	}
	return others;
}

void daemon_done(void *owner, const struct outcome *outcome)
{
	struct daemon *daemon = owner;
	struct proc *proc = sampler_find(&daemon->sampler, &outcome->action.id);
	uint64_t now_ns = clock_now_ns();

	if (outcome_counts(outcome)) {
		log_moved(daemon, outcome);
		daemon->said.failed = 0;
		daemon->said.no_room = daemon->said.no_room && outcome->moved_bytes == 0;
	} else {
		log_not_done(daemon, outcome);
	}
	if (is_full(outcome) && !spare_user(daemon, outcome->before.uid, now_ns)) {
		daemon->diet_requested = true;
		daemon->no_room_count++;
	}
	/* its user's others would keep us waiting as long, one after the other */
	if (outcome->kind == OUTCOME_TIMEOUT && outcome->action.verb == ACTION_RECLAIM)
		(void)spare_user(daemon, outcome->before.uid, now_ns);
	if (proc)
		proc->past.under_way = false;
	if (!proc || outcome->kind == OUTCOME_GONE || outcome->kind == OUTCOME_REFUSED)
		return;
	if (!(outcome->after.flags & PROC_FULL)) { /* it never began */
		proc->past.retry_ns = now_ns + daemon->machine.cooldown_ns;
		return;
	}
	proc->facts = outcome->after;
	if (outcome->verified && outcome->action.verb == ACTION_RECLAIM)
		frozen_note_moved(daemon, outcome);
	frozen_note(daemon, proc, now_ns);
	if (outcome->action.verb == ACTION_RECLAIM)
		note_out(daemon, proc, outcome, now_ns);
	else
		note_back(daemon, proc, outcome, now_ns);
}
