/* SPDX-License-Identifier: MIT */
#include "policy/fsm.h"

#include "base/units.h"

struct edge {
	enum machine_state next;
	enum machine_effect effect;
	bool reset; /* the timer */
};

#define STAY(state)                       \
	{                                 \
		state, EFFECT_NONE, false \
	}
#define GO(state)                        \
	{                                \
		state, EFFECT_NONE, true \
	}

/*
 * With plenty but nothing held a machine behaves as with enough, so that isn't an event of its
 * own. An overfed machine whose cooldown ends when it no longer is has nothing to restore.
 */
static const struct edge edges[STATE__N][EVENT__N] =
	{
		[STATE_STEADY] =
			{
				[EVENT_DIET] = GO(STATE_DIET),
				[EVENT_SHORT] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_SHORT_LATE] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_ENOUGH] = STAY(STATE_STEADY),
				[EVENT_ENOUGH_LATE] = GO(STATE_STEADY),
				[EVENT_PLENTY] = GO(STATE_OVERFED),
				[EVENT_PLENTY_LATE] = GO(STATE_STEADY),
			},
		[STATE_HUNGRY] =
			{
				[EVENT_DIET] = GO(STATE_DIET),
				[EVENT_SHORT] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_SHORT_LATE] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_ENOUGH] = STAY(STATE_HUNGRY),
				[EVENT_ENOUGH_LATE] = GO(STATE_STEADY),
				[EVENT_PLENTY] = STAY(STATE_HUNGRY),
				[EVENT_PLENTY_LATE] = GO(STATE_STEADY),
			},
		[STATE_OVERFED] =
			{
				[EVENT_DIET] = GO(STATE_DIET),
				[EVENT_SHORT] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_SHORT_LATE] = {STATE_HUNGRY, EFFECT_RECLAIM, true},
				[EVENT_ENOUGH] = GO(STATE_STEADY),
				[EVENT_ENOUGH_LATE] = GO(STATE_STEADY),
				[EVENT_PLENTY] = STAY(STATE_OVERFED),
				[EVENT_PLENTY_LATE] = {STATE_STEADY, EFFECT_RESTORE, true},
			},
		[STATE_DIET] =
			{
				[EVENT_DIET] = GO(STATE_DIET),
				[EVENT_SHORT] = STAY(STATE_DIET),
				[EVENT_SHORT_LATE] = GO(STATE_STEADY),
				[EVENT_ENOUGH] = STAY(STATE_DIET),
				[EVENT_ENOUGH_LATE] = GO(STATE_STEADY),
				[EVENT_PLENTY] = {STATE_DIET, EFFECT_RESTORE, false},
				[EVENT_PLENTY_LATE] = GO(STATE_STEADY),
			},
};

struct machine machine_start(uint64_t now_ns, const struct machine_params *params)
{
	return (struct machine){
		.state = STATE_STEADY,
		.since_ns = now_ns,
		.timer_ns = now_ns,
		.cooldown_ns = params->cooldown_ns,
		.quiet_ns = now_ns,
	};
}

uint64_t machine_timer_left_ns(const struct machine *machine, uint64_t now_ns)
{
	return u64_sub_sat(machine->cooldown_ns, u64_sub_sat(now_ns, machine->timer_ns));
}

static enum machine_event classify(const struct machine_facts *facts, bool late)
{
	if (facts->diet_requested)
		return EVENT_DIET;
	if (facts->need_bytes > 0)
		return late ? EVENT_SHORT_LATE : EVENT_SHORT;
	if (facts->need_bytes < 0 && facts->held_bytes > 0)
		return late ? EVENT_PLENTY_LATE : EVENT_PLENTY;
	return late ? EVENT_ENOUGH_LATE : EVENT_ENOUGH;
}

/* A restore undone within one cooldown came too early: wait longer with the next. After two
 * cooldowns in which nothing moved, wait less again. */
static void adapt_cooldown(struct machine *machine, enum machine_effect effect, uint64_t now_ns,
			   const struct machine_params *params)
{
	if (effect == EFFECT_RECLAIM) {
		if (machine->restored_ns != 0 &&
		    u64_sub_sat(now_ns, machine->restored_ns) < machine->cooldown_ns)
			machine->cooldown_ns =
				u64_add_sat(machine->cooldown_ns, machine->cooldown_ns);
		machine->restored_ns = 0;
		machine->quiet_ns = now_ns;
	} else if (u64_sub_sat(now_ns, machine->quiet_ns) / 2 >= machine->cooldown_ns) {
		machine->cooldown_ns /= 2;
		machine->quiet_ns = now_ns;
	}
	/* also takes the limits of a reload */
	machine->cooldown_ns = u64_min(machine->cooldown_ns, params->cooldown_max_ns);
	machine->cooldown_ns = u64_max(machine->cooldown_ns, params->cooldown_ns);
}

struct machine_step machine_step(struct machine *machine, const struct machine_facts *facts,
				 const struct machine_params *params)
{
	bool late = machine_timer_left_ns(machine, facts->now_ns) == 0;
	enum machine_event event = classify(facts, late);
	const struct edge *edge = &edges[machine->state][event];
	struct machine_step step = {
		.from = machine->state, .to = edge->next, .event = event, .effect = edge->effect};

	if (step.effect == EFFECT_RECLAIM)
		step.bytes = (uint64_t)facts->need_bytes;
	else if (step.effect == EFFECT_RESTORE)
		step.bytes = -(uint64_t)facts->need_bytes;

	adapt_cooldown(machine, step.effect, facts->now_ns, params);
	if (edge->reset)
		machine->timer_ns = facts->now_ns;
	if (step.from != step.to)
		machine->since_ns = facts->now_ns;
	machine->state = step.to;
	return step;
}

void machine_note_restore(struct machine *machine, uint64_t now_ns)
{
	machine->restored_ns = now_ns;
	machine->quiet_ns = now_ns;
}

const char *machine_state_word(enum machine_state state)
{
	static const char *const words[STATE__N] = {"steady", "hungry", "overfed", "diet"};

	return words[state];
}
