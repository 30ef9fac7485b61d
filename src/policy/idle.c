/* SPDX-License-Identifier: MIT */
#include "policy/idle.h"

#include "base/units.h"

#define GAP_MAX_INTERVALS 3
/* CPU time comes in steps of 10 ms (USER_HZ is 100 on every architecture). */
#define CPU_STEP_NS (10 * NS_PER_MS)
#define WRONG_SHARE 8
#define BACKOFF_BASE_NS NS_PER_S /* a min_idle of 0 doubled would stay 0 */
#define BACKOFF_SHIFT_MAX 20	 /* from 1 s to more than the 168 h that can be configured */

static void start_afresh(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns)
{
	past->seen_ns = now_ns;
	past->cpu_ns = facts->cpu_ns;
	past->mm_tag = facts->mm_tag;
	past->idle_since_ns = 0;
}

/* What a busy process has used at least where limit_ns are allowed. In short intervals a step that
 * happened to fall into them must not decide: 10 ms in a second would be 1 %, whatever was used. */
static uint64_t busy_ns(uint64_t limit_ns)
{
	if (limit_ns >= 10 * CPU_STEP_NS)
		return limit_ns;
	return u64_max(limit_ns + CPU_STEP_NS, 2 * CPU_STEP_NS);
}

/* The longest time between two looks that is nothing out of the common. */
static uint64_t longest_interval_ns(const struct idle_params *params)
{
	return u64_max(u64_max(params->scan_interval_ns, params->scan_interval_near_ns),
		       params->tick_ns);
}

void idle_observe(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns,
		  const struct idle_params *params)
{
	uint64_t gap_max_ns = GAP_MAX_INTERVALS * longest_interval_ns(params);
	uint64_t interval_ns, used_ns, limit_ns;

	if (past->seen_ns != 0 && facts->mm_tag != past->mm_tag) {
		/* exec: the memory that was moved out is gone with the old program */
		past->out_bytes = 0;
		past->frozen_bytes = 0;
		past->retry_ns = 0;
		past->wanted = false;
		start_afresh(past, facts, now_ns);
		return;
	}
	if (past->seen_ns == 0 || now_ns < past->seen_ns || facts->cpu_ns < past->cpu_ns) {
		start_afresh(past, facts, now_ns);
		return;
	}
	interval_ns = now_ns - past->seen_ns;
	if (interval_ns == 0)
		return;
	used_ns = facts->cpu_ns - past->cpu_ns;
	limit_ns = u64_share(u64_min(interval_ns, gap_max_ns), params->idle_cpu_permyriad,
			     PERMYRIAD_ONE);

	if (used_ns > 0 && used_ns >= busy_ns(limit_ns))
		past->idle_since_ns = 0;
	else if (used_ns > 0 && limit_ns < 2 * CPU_STEP_NS && interval_ns < gap_max_ns)
		return; /* too short an interval to tell: let it go on */
	else if (past->idle_since_ns == 0)
		past->idle_since_ns = now_ns - u64_min(interval_ns, gap_max_ns);
	else if (interval_ns > gap_max_ns)
		past->idle_since_ns += interval_ns - gap_max_ns;
	past->seen_ns = now_ns;
	past->cpu_ns = facts->cpu_ns;
}

uint64_t idle_ns(const struct proc_history *past, uint64_t now_ns)
{
	return past->idle_since_ns == 0 ? 0 : u64_sub_sat(now_ns, past->idle_since_ns);
}

uint64_t idle_minimum_ns(const struct proc_history *past, const struct idle_params *params)
{
	uint64_t cap_ns = u64_max(params->backoff_max_ns, params->min_idle_ns);
	uint64_t base_ns = u64_max(params->min_idle_ns, BACKOFF_BASE_NS);

	if (past->backoff == 0)
		return params->min_idle_ns;
	if (past->backoff > BACKOFF_SHIFT_MAX || base_ns > cap_ns >> past->backoff)
		return cap_ns;
	return base_ns << past->backoff;
}

static void forgive(struct proc_history *past, uint64_t now_ns, const struct idle_params *params)
{
	while (past->backoff > 0 &&
	       u64_sub_sat(now_ns, past->wrong_ns) >= params->backoff_forgive_ns) {
		past->backoff--;
		past->wrong_ns += params->backoff_forgive_ns;
	}
}

static void remember_out(struct proc_history *past, const struct proc_facts *facts)
{
	past->out_swap_bytes = facts->swap_bytes;
	past->out_anon_bytes = facts->anon_bytes;
	past->out_major_faults = facts->major_faults;
}

/* Swap that was given back without being read, by munmap(2) for instance, leaves neither trace:
 * faults that had to read, or, from the swap cache, as much more resident memory. */
static bool faulted_back(const struct proc_history *past, const struct proc_facts *facts,
			 uint64_t back_bytes)
{
	return facts->major_faults > past->out_major_faults ||
	       u64_sub_sat(facts->anon_bytes, past->out_anon_bytes) >= back_bytes / 2;
}

bool idle_judge(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns,
		uint64_t cooldown_ns, const struct idle_params *params)
{
	uint64_t back_bytes, threshold_bytes, window_ns;
	bool back;

	forgive(past, now_ns, params);
	if (past->out_bytes == 0) {
		past->wanted = false;
		return false;
	}
	back_bytes = u64_sub_sat(past->out_swap_bytes, facts->swap_bytes);
	threshold_bytes = u64_max(past->out_bytes / WRONG_SHARE, CRUMB_BYTES);
	window_ns = u64_max(idle_minimum_ns(past, params), cooldown_ns);
	if (back_bytes < threshold_bytes)
		return false;

	/* from here on count from what is out now */
	back = faulted_back(past, facts, back_bytes);
	past->out_bytes = u64_sub_sat(past->out_bytes, back_bytes);
	remember_out(past, facts);
	if (!back)
		return false; /* given up: it is neither out any more nor wanted */
	past->wanted = true;
	if (past->judged || u64_sub_sat(now_ns, past->out_since_ns) >= window_ns)
		return false;
	past->judged = true;
	if (idle_minimum_ns(past, params) < params->backoff_max_ns &&
	    past->backoff < BACKOFF_SHIFT_MAX)
		past->backoff++;
	if (past->wrong_count < UINT8_MAX)
		past->wrong_count++;
	past->wrong_ns = now_ns;
	return true;
}

void idle_note_out(struct proc_history *past, const struct proc_facts *facts, uint64_t moved_bytes,
		   uint64_t now_ns)
{
	past->out_bytes = u64_min(u64_add_sat(past->out_bytes, moved_bytes), facts->swap_bytes);
	past->out_since_ns = now_ns;
	past->judged = false;
	remember_out(past, facts);
	past->wanted = false;
}

void idle_note_back(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns)
{
	uint64_t back_bytes = u64_sub_sat(past->out_swap_bytes, facts->swap_bytes);

	past->out_bytes = u64_min(u64_sub_sat(past->out_bytes, back_bytes), facts->swap_bytes);
	remember_out(past, facts);
	past->restored_ns = now_ns;
	past->wanted = false;
}

uint64_t idle_held_bytes(const struct proc *proc)
{
	uint64_t bytes = u64_max(proc->past.frozen_bytes,
				 u64_min(proc->past.out_bytes, proc->facts.swap_bytes));

	return bytes < CRUMB_BYTES ? 0 : bytes;
}
