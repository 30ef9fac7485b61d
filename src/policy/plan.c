/* SPDX-License-Identifier: MIT */
#include "policy/plan.h"

#include "base/units.h"
#include "policy/idle.h"
#include "policy/rank.h"

#include <string.h>

/* The best cap of the processes that were offered, in order. */
struct ranking {
	uint32_t *index;
	size_t n, cap;
};

/* Insertion from behind: most processes lose against the last one and cost one comparison.
 * Returns false where something fell off the end. */
static bool ranking_offer(struct ranking *ranking, const struct snapshot *snapshot, uint32_t proc)
{
	bool full = ranking->n == ranking->cap;
	size_t at = ranking->n;

	while (at > 0 &&
	       rank_compare_out(&snapshot->procs[proc], &snapshot->procs[ranking->index[at - 1]],
				snapshot->now_ns) < 0)
		at--;
	if (at == ranking->cap)
		return false;
	if (!full)
		ranking->n++;
	memmove(&ranking->index[at + 1], &ranking->index[at],
		(ranking->n - 1 - at) * sizeof *ranking->index);
	ranking->index[at] = proc;
	return !full;
}

static void add_action(struct plan *plan, enum action_verb verb, const struct proc *proc,
		       uint8_t backend, uint64_t bytes, uint64_t now_ns)
{
	struct action *action = &plan->actions[plan->n_actions++];

	*action = (struct action){
		.verb = verb,
		.id = proc->facts.id,
		.backend = backend,
		.uid = proc->facts.uid,
		.bytes = bytes,
		.idle_ns = idle_ns(&proc->past, now_ns),
		.mm_tag = proc->facts.mm_tag,
	};
	memcpy(action->comm, proc->facts.comm, COMM_SIZE);
	plan->bytes += bytes;
}

/* A crumb of room isn't worth an action either: there would be one at every tick. */
static uint64_t usable_room(uint64_t bytes)
{
	return bytes < CRUMB_BYTES ? 0 : bytes;
}

void plan_reclaim(const struct snapshot *snapshot, const struct idle_params *params,
		  uint64_t need_bytes, struct plan *ret)
{
	uint64_t room_bytes[BACKEND_MAX];
	uint32_t index[PLAN_MAX];
	struct ranking ranking = {.index = index, .cap = PLAN_MAX};

	*ret = (struct plan){.missing_bytes = need_bytes};
	memcpy(ret->passed_over, snapshot->not_followed, sizeof ret->passed_over);
	for (size_t i = 0; i < BACKEND_MAX; i++)
		room_bytes[i] = usable_room(snapshot->room_bytes[i]);

	for (uint32_t i = 0; i < snapshot->n_procs; i++) {
		enum reason reason = rank_verdict(&snapshot->procs[i], snapshot->now_ns, params);

		if (reason == REASON_VICTIM && room_bytes[snapshot->procs[i].backend] == 0)
			reason = REASON_NO_ROOM;
		if (reason != REASON_VICTIM)
			ret->passed_over[reason]++;
		else if (!ranking_offer(&ranking, snapshot, i))
			ret->passed_over[REASON_LIMIT]++;
	}
	for (size_t i = 0; i < ranking.n; i++) {
		const struct proc *proc = &snapshot->procs[index[i]];
		uint64_t *room = &room_bytes[proc->backend];
		uint64_t bytes = u64_max(ret->missing_bytes, CRUMB_BYTES);

		bytes = u64_min(u64_min(proc->reclaimable_bytes, bytes), *room);

		if (ret->missing_bytes == 0) {
			ret->passed_over[REASON_NOT_NEEDED]++;
		} else if (bytes == 0) {
			ret->passed_over[REASON_NO_ROOM]++;
		} else {
			add_action(ret, ACTION_RECLAIM, proc, proc->backend, bytes,
				   snapshot->now_ns);
			*room = usable_room(*room - bytes);
			ret->missing_bytes = u64_sub_sat(ret->missing_bytes, bytes);
		}
	}
}

static bool may_come_back(const struct proc *proc, uint64_t now_ns, uint64_t settle_ns)
{
	if (proc->past.under_way || now_ns < proc->past.retry_ns)
		return false;
	return proc->past.wanted || u64_sub_sat(now_ns, proc->past.out_since_ns) >= settle_ns;
}

void plan_restore(const struct snapshot *snapshot, uint64_t settle_ns, uint64_t spare_bytes,
		  struct plan *ret)
{
	const struct proc *best = NULL;

	*ret = (struct plan){0};
	for (size_t i = 0; i < snapshot->n_procs; i++) {
		const struct proc *proc = &snapshot->procs[i];
		uint64_t held_bytes = idle_held_bytes(proc);

		if (held_bytes > 0 && held_bytes <= spare_bytes &&
		    may_come_back(proc, snapshot->now_ns, settle_ns) &&
		    (!best || rank_compare_back(proc, best) < 0))
			best = proc;
	}
	if (best)
		add_action(ret, ACTION_RESTORE, best, best->past.held_by, idle_held_bytes(best),
			   snapshot->now_ns);
}

size_t plan_next(const struct snapshot *snapshot, const struct idle_params *params,
		 uint32_t *ret_index, size_t cap)
{
	struct ranking ranking = {.index = ret_index, .cap = cap};

	for (uint32_t i = 0; i < snapshot->n_procs; i++) {
		enum reason reason = rank_verdict(&snapshot->procs[i], snapshot->now_ns, params);

		if (reason == REASON_VICTIM || rank_only_waits(reason))
			(void)ranking_offer(&ranking, snapshot, i);
	}
	return ranking.n;
}
