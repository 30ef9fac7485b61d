/* SPDX-License-Identifier: MIT */
#include "policy/rank.h"

#include "base/units.h"
#include "policy/idle.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* What a process is, whatever it does. */
static enum reason verdict_by_kind(const struct proc_facts *facts)
{
	if (facts->id.pid == 1)
		return REASON_INIT;
	if (facts->flags & PROC_KERNEL)
		return REASON_KERNEL;
	if (facts->state == 'Z' || facts->state == 'X')
		return REASON_ZOMBIE;
	if (facts->state == 'D')
		return REASON_UNINTERRUPTIBLE;
	if (facts->state == 'T')
		return REASON_STOPPED;
	if (facts->state == 't' || facts->tracer_pid != 0)
		return REASON_TRACED;
	if (facts->flags & (PROC_REALTIME | PROC_REALTIME_THREAD))
		return REASON_REALTIME;
	if (facts->flags & PROC_PROTECTED)
		return REASON_PROTECTED;
	if (facts->flags & PROC_UNREADABLE)
		return REASON_UNREADABLE;
	if (facts->flags & PROC_OOM_PROTECTED)
		return REASON_OOM_PROTECTED;
	return REASON_VICTIM;
}

static enum reason verdict_by_size(const struct proc *proc, const struct idle_params *params)
{
	bool full = proc->facts.flags & PROC_FULL;
	uint64_t bytes = full ? proc->facts.anon_bytes : proc->facts.rss_bytes;

	if (bytes < params->min_rss_bytes)
		return REASON_SMALL;
	if (proc->backend == BACKEND_NONE)
		return REASON_NO_BACKEND;
	return REASON_VICTIM;
}

enum reason rank_freezing_verdict(const struct proc_facts *facts)
{
	if (facts->flags & PROC_FOREGROUND)
		return REASON_FOREGROUND;
	if (facts->flags & PROC_SESSION_LEADER)
		return REASON_SESSION_LEADER;
	if (facts->flags & PROC_WATCHDOG)
		return REASON_WATCHDOG;
	if (facts->flags & PROC_ASYNC_IO)
		return REASON_ASYNC_IO;
	return REASON_VICTIM;
}

static enum reason verdict_by_time(const struct proc *proc, uint64_t now_ns,
				   const struct idle_params *params)
{
	const struct proc_history *past = &proc->past;
	uint64_t idle = idle_ns(past, now_ns);

	if (past->idle_since_ns == 0)
		return REASON_ACTIVE;
	if (idle < params->min_idle_ns)
		return REASON_YOUNG;
	if (idle < idle_minimum_ns(past, params))
		return REASON_BACKOFF;
	if (past->restored_ns != 0 &&
	    u64_sub_sat(now_ns, past->restored_ns) < params->min_resident_ns)
		return REASON_RESTORED;
	if (now_ns < past->retry_ns || proc->reclaimable_bytes == 0)
		return REASON_SPENT;
	return REASON_VICTIM;
}

enum reason rank_verdict(const struct proc *proc, uint64_t now_ns, const struct idle_params *params)
{
	enum reason reason = verdict_by_kind(&proc->facts);

	/* its helper has stopped it, and is its tracer */
	if ((reason == REASON_STOPPED || reason == REASON_TRACED) && proc->past.frozen_bytes > 0)
		reason = REASON_FROZEN;
	if (reason == REASON_VICTIM)
		reason = verdict_by_size(proc, params);
	if (reason == REASON_VICTIM && proc->freezing)
		reason = rank_freezing_verdict(&proc->facts);
	if (reason == REASON_VICTIM)
		reason = verdict_by_time(proc, now_ns, params);
	return reason;
}

bool rank_only_waits(enum reason reason)
{
	return reason == REASON_YOUNG || reason == REASON_BACKOFF || reason == REASON_RESTORED ||
	       reason == REASON_SPENT;
}

uint64_t rank_wait_ns(const struct proc *proc, uint64_t now_ns, const struct idle_params *params)
{
	const struct proc_history *past = &proc->past;
	uint64_t wait_ns = u64_sub_sat(idle_minimum_ns(past, params), idle_ns(past, now_ns));

	if (!rank_only_waits(rank_verdict(proc, now_ns, params)))
		return 0;
	if (past->restored_ns != 0)
		wait_ns =
			u64_max(wait_ns,
				u64_sub_sat(u64_add_sat(past->restored_ns, params->min_resident_ns),
					    now_ns));
	return u64_max(wait_ns, u64_sub_sat(past->retry_ns, now_ns));
}

unsigned rank_idle_bucket(uint64_t idle_ns)
{
	uint64_t minutes = idle_ns / NS_PER_MIN;

	return minutes < 2 ? 0 : 63 - (unsigned)__builtin_clzll(minutes);
}

int rank_compare_out(const struct proc *a, const struct proc *b, uint64_t now_ns)
{
	unsigned bucket_a = rank_idle_bucket(idle_ns(&a->past, now_ns));
	unsigned bucket_b = rank_idle_bucket(idle_ns(&b->past, now_ns));
	int order = COMPARE(b->freezing, a->freezing);

	/* who never does what he's told doesn't take the turn of those who do */
	if (order == 0)
		order = COMPARE(a->past.refusals, b->past.refusals);
	if (order == 0)
		order = COMPARE(bucket_b, bucket_a);
	if (order == 0)
		order = COMPARE(b->reclaimable_bytes, a->reclaimable_bytes);
	return order != 0 ? order : COMPARE(a->facts.id.pid, b->facts.id.pid);
}

int rank_compare_back(const struct proc *a, const struct proc *b)
{
	int order = COMPARE(b->past.wanted, a->past.wanted);

	/* what can't be brought back doesn't keep the others out */
	if (order == 0)
		order = COMPARE(a->past.vain_ns, b->past.vain_ns);
	if (order == 0)
		order = COMPARE(b->past.out_since_ns, a->past.out_since_ns);
	return order != 0 ? order : COMPARE(a->facts.id.pid, b->facts.id.pid);
}
