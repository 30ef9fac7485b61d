/* SPDX-License-Identifier: MIT */
#include "policy/fsm.h"

#include "unit/builders.h"

#include <stdio.h>

#define NEED ((int64_t)(3 * GIB))
#define SPARE ((int64_t)(2 * GIB))
#define COOLDOWN (5 * NS_PER_MIN)

/* A machine that is in this state since LATER, with a timer that ran for elapsed_ns at LATER. */
static struct machine machine_in(enum machine_state state, uint64_t elapsed_ns)
{
	return (struct machine){
		.state = state,
		.since_ns = LATER - elapsed_ns,
		.timer_ns = LATER - elapsed_ns,
		.cooldown_ns = COOLDOWN,
		.quiet_ns = LATER - elapsed_ns,
	};
}

static struct machine_step step_at(struct machine *machine, uint64_t now_ns, int64_t need_bytes,
				   uint64_t held_bytes, bool diet)
{
	struct machine_params params = default_machine_params();
	struct machine_facts facts = {.now_ns = now_ns,
				      .need_bytes = need_bytes,
				      .held_bytes = held_bytes,
				      .diet_requested = diet};

	return machine_step(machine, &facts, &params);
}

static void assert_step(struct machine_step step, enum machine_state to, enum machine_effect effect,
			uint64_t bytes, const char *name)
{
	ck_assert_msg(step.to == to, "%s: goes to %s, not %s", name, machine_state_word(step.to),
		      machine_state_word(to));
	ck_assert_msg(step.effect == effect, "%s: effect %d, not %d", name, step.effect, effect);
	ck_assert_msg(step.bytes == bytes, "%s: %llu bytes", name, (unsigned long long)step.bytes);
}

/* -- the table, cell by cell -------------------------------------------------------------- */

#define NONE EFFECT_NONE
#define RECLAIM EFFECT_RECLAIM
#define RESTORE EFFECT_RESTORE

static const struct cell {
	enum machine_state from;
	enum machine_event event;
	enum machine_state to;
	enum machine_effect effect;
	bool reset;
} cells[] = {
	{STATE_STEADY, EVENT_DIET, STATE_DIET, NONE, true},
	{STATE_STEADY, EVENT_SHORT, STATE_HUNGRY, RECLAIM, true},
	{STATE_STEADY, EVENT_SHORT_LATE, STATE_HUNGRY, RECLAIM, true},
	{STATE_STEADY, EVENT_ENOUGH, STATE_STEADY, NONE, false},
	{STATE_STEADY, EVENT_ENOUGH_LATE, STATE_STEADY, NONE, true},
	{STATE_STEADY, EVENT_PLENTY, STATE_OVERFED, NONE, true},
	{STATE_STEADY, EVENT_PLENTY_LATE, STATE_STEADY, NONE, true},

	{STATE_HUNGRY, EVENT_DIET, STATE_DIET, NONE, true},
	{STATE_HUNGRY, EVENT_SHORT, STATE_HUNGRY, RECLAIM, true},
	{STATE_HUNGRY, EVENT_SHORT_LATE, STATE_HUNGRY, RECLAIM, true},
	{STATE_HUNGRY, EVENT_ENOUGH, STATE_HUNGRY, NONE, false},
	{STATE_HUNGRY, EVENT_ENOUGH_LATE, STATE_STEADY, NONE, true},
	{STATE_HUNGRY, EVENT_PLENTY, STATE_HUNGRY, NONE, false},
	{STATE_HUNGRY, EVENT_PLENTY_LATE, STATE_STEADY, NONE, true},

	{STATE_OVERFED, EVENT_DIET, STATE_DIET, NONE, true},
	{STATE_OVERFED, EVENT_SHORT, STATE_HUNGRY, RECLAIM, true},
	{STATE_OVERFED, EVENT_SHORT_LATE, STATE_HUNGRY, RECLAIM, true},
	{STATE_OVERFED, EVENT_ENOUGH, STATE_STEADY, NONE, true},
	{STATE_OVERFED, EVENT_ENOUGH_LATE, STATE_STEADY, NONE, true},
	{STATE_OVERFED, EVENT_PLENTY, STATE_OVERFED, NONE, false},
	{STATE_OVERFED, EVENT_PLENTY_LATE, STATE_STEADY, RESTORE, true},

	{STATE_DIET, EVENT_DIET, STATE_DIET, NONE, true},
	{STATE_DIET, EVENT_SHORT, STATE_DIET, NONE, false},
	{STATE_DIET, EVENT_SHORT_LATE, STATE_STEADY, NONE, true},
	{STATE_DIET, EVENT_ENOUGH, STATE_DIET, NONE, false},
	{STATE_DIET, EVENT_ENOUGH_LATE, STATE_STEADY, NONE, true},
	{STATE_DIET, EVENT_PLENTY, STATE_DIET, RESTORE, false},
	{STATE_DIET, EVENT_PLENTY_LATE, STATE_STEADY, NONE, true},
};

/* Facts that lead to each event, more than one where the event joins several. */
static const struct cause {
	enum machine_event event;
	const char *name;
	bool late, diet;
	int64_t need_bytes;
	uint64_t held_bytes;
} causes[] = {
	{EVENT_DIET, "diet", false, true, 0, 0},
	{EVENT_DIET, "diet, late", true, true, 0, 0},
	{EVENT_DIET, "diet and short", false, true, NEED, GIB},
	{EVENT_DIET, "diet and plenty, late", true, true, -SPARE, GIB},
	{EVENT_SHORT, "short", false, false, NEED, 0},
	{EVENT_SHORT, "short with something held", false, false, NEED, GIB},
	{EVENT_SHORT_LATE, "short, late", true, false, NEED, 0},
	{EVENT_SHORT_LATE, "short with something held, late", true, false, NEED, GIB},
	{EVENT_ENOUGH, "enough", false, false, 0, 0},
	{EVENT_ENOUGH, "enough with something held", false, false, 0, GIB},
	{EVENT_ENOUGH, "plenty, but nothing held", false, false, -SPARE, 0},
	{EVENT_ENOUGH_LATE, "enough, late", true, false, 0, 0},
	{EVENT_ENOUGH_LATE, "enough with something held, late", true, false, 0, GIB},
	{EVENT_ENOUGH_LATE, "plenty, but nothing held, late", true, false, -SPARE, 0},
	{EVENT_PLENTY, "plenty", false, false, -SPARE, GIB},
	{EVENT_PLENTY, "a byte of plenty", false, false, -1, 1},
	{EVENT_PLENTY_LATE, "plenty, late", true, false, -SPARE, GIB},
};

static void check_cell(const struct cell *cell, const struct cause *cause)
{
	struct machine machine = machine_in(cell->from, cause->late ? COOLDOWN : COOLDOWN - 1);
	uint64_t timer_ns = machine.timer_ns, since_ns = machine.since_ns, bytes = 0;
	struct machine_step step =
		step_at(&machine, LATER, cause->need_bytes, cause->held_bytes, cause->diet);
	char name[96];

	snprintf(name, sizeof name, "%s, %s", machine_state_word(cell->from), cause->name);
	if (cell->effect == EFFECT_RECLAIM)
		bytes = (uint64_t)cause->need_bytes;
	if (cell->effect == EFFECT_RESTORE)
		bytes = (uint64_t)-cause->need_bytes;
	ck_assert_msg(step.event == cause->event, "%s: is event %d", name, step.event);
	ck_assert_msg(step.from == cell->from, "%s: comes from %d", name, step.from);
	assert_step(step, cell->to, cell->effect, bytes, name);
	ck_assert_msg(machine.state == cell->to, "%s: machine is elsewhere", name);
	ck_assert_msg(machine.timer_ns == (cell->reset ? LATER : timer_ns), "%s: timer %s", name,
		      cell->reset ? "goes on" : "is reset");
	ck_assert_msg(machine.since_ns == (cell->from != cell->to ? LATER : since_ns),
		      "%s: wrong since", name);
}

START_TEST(every_cell)
{
	bool seen[STATE__N][EVENT__N] = {0};

	ck_assert_uint_eq(ROWS(cells), STATE__N * EVENT__N);
	for (size_t i = 0; i < ROWS(cells); i++) {
		seen[cells[i].from][cells[i].event] = true;
		for (size_t j = 0; j < ROWS(causes); j++)
			if (causes[j].event == cells[i].event)
				check_cell(&cells[i], &causes[j]);
	}
	for (int state = 0; state < STATE__N; state++)
		for (int event = 0; event < EVENT__N; event++)
			ck_assert_msg(seen[state][event], "no row for %d, %d", state, event);
}
END_TEST

/* -- the rules, in their order ------------------------------------------------------------ */

START_TEST(rule_1_a_limit_means_diet)
{
	for (int state = 0; state < STATE__N; state++) {
		struct machine machine = machine_in((enum machine_state)state, 1);

		assert_step(step_at(&machine, LATER, 0, 0, true), STATE_DIET, EFFECT_NONE, 0,
			    machine_state_word((enum machine_state)state));
		ck_assert_uint_eq(machine.timer_ns, LATER);
	}
}
END_TEST

START_TEST(rule_2_short_means_hungry_unless_on_diet)
{
	for (int state = 0; state < STATE__N; state++) {
		struct machine machine = machine_in((enum machine_state)state, 1);
		struct machine_step step = step_at(&machine, LATER, NEED, 0, false);

		if (state == STATE_DIET) {
			assert_step(step, STATE_DIET, EFFECT_NONE, 0, "diet");
			continue;
		}
		assert_step(step, STATE_HUNGRY, EFFECT_RECLAIM, (uint64_t)NEED,
			    machine_state_word((enum machine_state)state));
		ck_assert_uint_eq(machine.timer_ns, LATER);
	}
}
END_TEST

START_TEST(rule_3_a_cooldown_of_plenty_gives_back_once)
{
	struct machine machine = machine_in(STATE_OVERFED, COOLDOWN);

	assert_step(step_at(&machine, LATER, -SPARE, GIB, false), STATE_STEADY, EFFECT_RESTORE,
		    (uint64_t)SPARE, "the moment it is over");
	ck_assert_uint_eq(machine.timer_ns, LATER);
	assert_step(step_at(&machine, LATER + 1, -SPARE, GIB, false), STATE_OVERFED, EFFECT_NONE, 0,
		    "and the next wait begins");
	assert_step(step_at(&machine, LATER + 1 + COOLDOWN - 1, -SPARE, GIB, false), STATE_OVERFED,
		    EFFECT_NONE, 0, "a nanosecond early");
	assert_step(step_at(&machine, LATER + 1 + COOLDOWN, -SPARE, GIB, false), STATE_STEADY,
		    EFFECT_RESTORE, (uint64_t)SPARE, "exactly a cooldown later");
}
END_TEST

START_TEST(rule_4_a_cooldown_ends_any_state)
{
	static const enum machine_state states[] = {STATE_STEADY, STATE_HUNGRY, STATE_DIET};

	for (size_t i = 0; i < ROWS(states); i++) {
		struct machine machine = machine_in(states[i], COOLDOWN);

		assert_step(step_at(&machine, LATER, 0, GIB, false), STATE_STEADY, EFFECT_NONE, 0,
			    machine_state_word(states[i]));
		ck_assert_uint_eq(machine.timer_ns, LATER);
		machine = machine_in(states[i], COOLDOWN);
		assert_step(step_at(&machine, LATER, -SPARE, GIB, false), STATE_STEADY, EFFECT_NONE,
			    0, machine_state_word(states[i]));
	}
}
END_TEST

START_TEST(rule_5_diet_gives_back_every_tick)
{
	struct machine machine = machine_in(STATE_DIET, 0);

	for (uint64_t tick = 1; tick < COOLDOWN / NS_PER_S; tick++)
		assert_step(step_at(&machine, LATER + tick * NS_PER_S, -SPARE, GIB, false),
			    STATE_DIET, EFFECT_RESTORE, (uint64_t)SPARE, "a tick on diet");
	ck_assert_uint_eq(machine.timer_ns, LATER); /* giving back doesn't make the diet longer */
	assert_step(step_at(&machine, LATER + COOLDOWN, -SPARE, GIB, false), STATE_STEADY,
		    EFFECT_NONE, 0, "and then it is over");
}
END_TEST

START_TEST(rule_6_plenty_makes_overfed)
{
	struct machine machine = machine_in(STATE_STEADY, 1);

	assert_step(step_at(&machine, LATER, -1, 1, false), STATE_OVERFED, EFFECT_NONE, 0,
		    "plenty");
	ck_assert_uint_eq(machine.timer_ns, LATER);
	machine = machine_in(STATE_STEADY, 1);
	assert_step(step_at(&machine, LATER, -SPARE, 0, false), STATE_STEADY, EFFECT_NONE, 0,
		    "nothing held");
	machine = machine_in(STATE_HUNGRY, 1);
	assert_step(step_at(&machine, LATER, -SPARE, GIB, false), STATE_HUNGRY, EFFECT_NONE, 0,
		    "hungry gives nothing back");
}
END_TEST

START_TEST(rule_7_overfed_ends_with_the_plenty)
{
	static const struct {
		const char *name;
		int64_t need_bytes;
		uint64_t held_bytes;
	} rows[] = {
		{"no more plenty", 0, GIB},
		{"nothing held any more", -SPARE, 0},
		{"neither", 0, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine machine = machine_in(STATE_OVERFED, 1);

		assert_step(step_at(&machine, LATER, rows[i].need_bytes, rows[i].held_bytes, false),
			    STATE_STEADY, EFFECT_NONE, 0, rows[i].name);
		ck_assert_uint_eq(machine.timer_ns, LATER);
		machine = machine_in(STATE_OVERFED, COOLDOWN);
		assert_step(step_at(&machine, LATER, rows[i].need_bytes, rows[i].held_bytes, false),
			    STATE_STEADY, EFFECT_NONE, 0, "at the end of the cooldown");
	}
}
END_TEST

START_TEST(rule_8_else_nothing)
{
	static const struct {
		enum machine_state state;
		int64_t need_bytes;
		uint64_t held_bytes;
	} rows[] = {
		{STATE_STEADY, 0, 0},	 {STATE_STEADY, 0, GIB},  {STATE_STEADY, -SPARE, 0},
		{STATE_HUNGRY, 0, GIB},	 {STATE_HUNGRY, -1, GIB}, {STATE_OVERFED, -SPARE, GIB},
		{STATE_DIET, NEED, GIB}, {STATE_DIET, 0, GIB},	  {STATE_DIET, -SPARE, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine machine = machine_in(rows[i].state, 1);
		struct machine before = machine;

		assert_step(step_at(&machine, LATER, rows[i].need_bytes, rows[i].held_bytes, false),
			    rows[i].state, EFFECT_NONE, 0, machine_state_word(rows[i].state));
		ck_assert_uint_eq(machine.timer_ns, before.timer_ns);
		ck_assert_uint_eq(machine.since_ns, before.since_ns);
		ck_assert_uint_eq(machine.cooldown_ns, before.cooldown_ns);
	}
}
END_TEST

/* The rules once more, read from top to bottom instead of looked up. */
static struct machine_step first_rule(enum machine_state state, bool late,
				      const struct machine_facts *facts)
{
	bool plenty = facts->need_bytes < 0 && facts->held_bytes > 0;
	struct machine_step same = {.to = state};

	if (facts->diet_requested)
		return (struct machine_step){.to = STATE_DIET};
	if (facts->need_bytes > 0 && state != STATE_DIET)
		return (struct machine_step){.to = STATE_HUNGRY,
					     .effect = EFFECT_RECLAIM,
					     .bytes = (uint64_t)facts->need_bytes};
	if (late && state == STATE_OVERFED && plenty)
		return (struct machine_step){.to = STATE_STEADY,
					     .effect = EFFECT_RESTORE,
					     .bytes = (uint64_t)-facts->need_bytes};
	if (late)
		return (struct machine_step){.to = STATE_STEADY};
	if (state == STATE_DIET && plenty)
		return (struct machine_step){.to = STATE_DIET,
					     .effect = EFFECT_RESTORE,
					     .bytes = (uint64_t)-facts->need_bytes};
	if (state == STATE_STEADY && plenty)
		return (struct machine_step){.to = STATE_OVERFED};
	if (state == STATE_OVERFED && !plenty)
		return (struct machine_step){.to = STATE_STEADY};
	return same;
}

START_TEST(first_rule_wins)
{
	static const int64_t needs[] = {INT64_MAX, NEED, 1, 0, -1, -SPARE, -INT64_MAX};
	static const uint64_t helds[] = {0, 1, GIB, UINT64_MAX};

	for (unsigned i = 0; i < STATE__N * ROWS(needs) * ROWS(helds) * 4; i++) {
		enum machine_state state = (enum machine_state)(i % STATE__N);
		struct machine_facts facts = {
			.now_ns = LATER,
			.diet_requested = i / STATE__N % 2,
			.need_bytes = needs[i / STATE__N / 4 % ROWS(needs)],
			.held_bytes = helds[i / STATE__N / 4 / ROWS(needs)],
		};
		bool late = i / STATE__N / 2 % 2;
		struct machine machine = machine_in(state, late ? COOLDOWN : COOLDOWN - 1);
		struct machine_step expected = first_rule(state, late, &facts);
		char name[96];

		snprintf(name, sizeof name, "%s, need %lld, held %llu, diet %d, late %d",
			 machine_state_word(state), (long long)facts.need_bytes,
			 (unsigned long long)facts.held_bytes, facts.diet_requested, late);
		assert_step(step_at(&machine, facts.now_ns, facts.need_bytes, facts.held_bytes,
				    facts.diet_requested),
			    expected.to, expected.effect, expected.bytes, name);
	}
}
END_TEST

/* -- time --------------------------------------------------------------------------------- */

START_TEST(starts_steady)
{
	struct machine_params params = default_machine_params();
	struct machine machine = machine_start(LATER, &params);

	ck_assert_int_eq(machine.state, STATE_STEADY);
	ck_assert_uint_eq(machine.since_ns, LATER);
	ck_assert_uint_eq(machine.cooldown_ns, COOLDOWN);
	ck_assert_uint_eq(machine_timer_left_ns(&machine, LATER), COOLDOWN);
	assert_step(step_at(&machine, LATER, NEED, 0, false), STATE_HUNGRY, EFFECT_RECLAIM,
		    (uint64_t)NEED, "ready at once");
}
END_TEST

START_TEST(timer_left)
{
	static const struct {
		uint64_t timer_ns, cooldown_ns, now_ns, expected;
	} rows[] = {
		{100, 50, 100, 50},
		{100, 50, 149, 1},
		{100, 50, 150, 0},
		{100, 50, 151, 0},
		{100, 50, 99, 50}, /* a clock that went back doesn't end a cooldown */
		{100, 50, 0, 50},
		{0, 50, UINT64_MAX, 0},
		{UINT64_MAX, 50, UINT64_MAX, 50},
		{UINT64_MAX - 10, 50, UINT64_MAX, 40},
		{0, UINT64_MAX, UINT64_MAX - 1, 1},
		{0, UINT64_MAX, UINT64_MAX, 0},
		{0, 0, 0, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine machine = {.timer_ns = rows[i].timer_ns,
					  .cooldown_ns = rows[i].cooldown_ns};
		uint64_t left = machine_timer_left_ns(&machine, rows[i].now_ns);

		ck_assert_msg(left == rows[i].expected, "row %zu: %llu", i,
			      (unsigned long long)left);
	}
}
END_TEST

START_TEST(works_at_the_end_of_time)
{
	struct machine_params params = default_machine_params();
	struct machine machine = machine_start(UINT64_MAX, &params);

	assert_step(step_at(&machine, UINT64_MAX, NEED, 0, false), STATE_HUNGRY, EFFECT_RECLAIM,
		    (uint64_t)NEED, "short");
	assert_step(step_at(&machine, UINT64_MAX, 0, 0, false), STATE_HUNGRY, EFFECT_NONE, 0,
		    "time stands still");
	machine = machine_start(0, &params);
	assert_step(step_at(&machine, UINT64_MAX, -INT64_MAX, UINT64_MAX, false), STATE_STEADY,
		    EFFECT_NONE, 0, "all of time in one step");
	assert_step(step_at(&machine, UINT64_MAX, -INT64_MAX, UINT64_MAX, false), STATE_OVERFED,
		    EFFECT_NONE, 0, "plenty");
	params.cooldown_ns = params.cooldown_max_ns = UINT64_MAX;
	machine = machine_start(0, &params);
	machine.state = STATE_OVERFED;
	ck_assert_uint_eq(machine_timer_left_ns(&machine, UINT64_MAX - 1), 1);
}
END_TEST

START_TEST(largest_needs)
{
	struct machine machine = machine_in(STATE_STEADY, 1);

	assert_step(step_at(&machine, LATER, INT64_MAX, 0, false), STATE_HUNGRY, EFFECT_RECLAIM,
		    INT64_MAX, "most");
	machine = machine_in(STATE_OVERFED, COOLDOWN);
	assert_step(step_at(&machine, LATER, -INT64_MAX, GIB, false), STATE_STEADY, EFFECT_RESTORE,
		    INT64_MAX, "least");
	machine = machine_in(STATE_OVERFED, COOLDOWN);
	assert_step(step_at(&machine, LATER, INT64_MIN, GIB, false), STATE_STEADY, EFFECT_RESTORE,
		    UINT64_C(1) << 63, "less than need_bytes ever says");
}
END_TEST

/* -- the cooldown that adapts ------------------------------------------------------------- */

START_TEST(cooldown_doubles_up_to_the_maximum)
{
	static const uint64_t minutes[] = {10, 20, 40, 60, 60};
	struct machine machine = machine_in(STATE_STEADY, 1);
	uint64_t now_ns = LATER;

	for (size_t i = 0; i < ROWS(minutes); i++) {
		machine_note_restore(&machine, now_ns);
		now_ns += NS_PER_MIN;
		step_at(&machine, now_ns, NEED, 0, false);
		ck_assert_msg(machine.cooldown_ns == minutes[i] * NS_PER_MIN, "time %zu: %llu min",
			      i, (unsigned long long)(machine.cooldown_ns / NS_PER_MIN));
		ck_assert_uint_eq(machine_timer_left_ns(&machine, now_ns), machine.cooldown_ns);
	}
}
END_TEST

START_TEST(cooldown_doubles_only_for_a_restore_undone)
{
	static const struct {
		const char *name;
		uint64_t restored_ns; /* before the reclaim; 0: none */
		bool again;	      /* a second reclaim after the first */
		uint64_t expected;
	} rows[] = {
		{"no restore", 0, false, COOLDOWN},
		{"at once", 1, false, 2 * COOLDOWN},
		{"a nanosecond under a cooldown", COOLDOWN - 1, false, 2 * COOLDOWN},
		{"a cooldown", COOLDOWN, false, COOLDOWN},
		{"one restore counts once", NS_PER_S, true, 2 * COOLDOWN},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine machine = machine_in(STATE_STEADY, 1);

		if (rows[i].restored_ns > 0)
			machine_note_restore(&machine, LATER - rows[i].restored_ns);
		step_at(&machine, LATER, NEED, 0, false);
		if (rows[i].again)
			step_at(&machine, LATER + NS_PER_S, NEED, 0, false);
		ck_assert_msg(machine.cooldown_ns == rows[i].expected, "%s: %llu s", rows[i].name,
			      (unsigned long long)(machine.cooldown_ns / NS_PER_S));
	}
}
END_TEST

START_TEST(cooldown_doubles_only_when_something_came_back)
{
	struct machine machine = machine_in(STATE_OVERFED, COOLDOWN);

	/* the effect alone is no restore: perhaps nothing fitted */
	assert_step(step_at(&machine, LATER, -SPARE, GIB, false), STATE_STEADY, EFFECT_RESTORE,
		    (uint64_t)SPARE, "plenty");
	step_at(&machine, LATER + NS_PER_S, NEED, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, COOLDOWN);
}
END_TEST

START_TEST(cooldown_halves_after_two_quiet_ones)
{
	struct machine machine = machine_in(STATE_STEADY, 1);

	machine.cooldown_ns = 4 * COOLDOWN;
	machine.quiet_ns = LATER;
	step_at(&machine, LATER + 8 * COOLDOWN - 1, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 4 * COOLDOWN);
	step_at(&machine, LATER + 8 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 2 * COOLDOWN);
	step_at(&machine, LATER + 12 * COOLDOWN - 1, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 2 * COOLDOWN);
	step_at(&machine, LATER + 12 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, COOLDOWN);
	step_at(&machine, LATER + 100 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, COOLDOWN);
}
END_TEST

START_TEST(cooldown_is_not_quiet_while_something_moves)
{
	struct machine machine = machine_in(STATE_STEADY, 1);

	machine.cooldown_ns = 4 * COOLDOWN;
	machine.quiet_ns = LATER;
	step_at(&machine, LATER + 7 * COOLDOWN, NEED, 0, false);
	step_at(&machine, LATER + 14 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 4 * COOLDOWN);
	machine_note_restore(&machine, LATER + 14 * COOLDOWN);
	step_at(&machine, LATER + 21 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 4 * COOLDOWN);
	step_at(&machine, LATER + 22 * COOLDOWN, 0, 0, false);
	ck_assert_uint_eq(machine.cooldown_ns, 2 * COOLDOWN);
}
END_TEST

START_TEST(cooldown_follows_a_reload)
{
	static const struct {
		const char *name;
		uint64_t before, least, most, after;
	} rows[] = {
		{"the same", 10, 5, 60, 10},
		{"a longer one", 10, 20, 60, 20},
		{"a lower maximum", 40, 5, 30, 30},
		{"no adapting any more", 40, 5, 5, 5},
		{"a maximum under it yields", 10, 20, 15, 20},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine machine = machine_in(STATE_STEADY, 1);
		struct machine_params params = default_machine_params();
		struct machine_facts facts = {.now_ns = LATER};

		machine.cooldown_ns = rows[i].before * NS_PER_MIN;
		params.cooldown_ns = rows[i].least * NS_PER_MIN;
		params.cooldown_max_ns = rows[i].most * NS_PER_MIN;
		machine_step(&machine, &facts, &params);
		ck_assert_msg(machine.cooldown_ns == rows[i].after * NS_PER_MIN, "%s: %llu min",
			      rows[i].name, (unsigned long long)(machine.cooldown_ns / NS_PER_MIN));
	}
}
END_TEST

START_TEST(cooldown_at_the_largest)
{
	struct machine_params params = default_machine_params();
	struct machine_facts facts = {.now_ns = LATER, .need_bytes = NEED};
	struct machine machine = machine_in(STATE_STEADY, 1);

	params.cooldown_max_ns = UINT64_MAX;
	machine.cooldown_ns = UINT64_MAX / 2 + 2;
	machine_note_restore(&machine, LATER - 1);
	machine_step(&machine, &facts, &params);
	ck_assert_uint_eq(machine.cooldown_ns, UINT64_MAX);
}
END_TEST

START_TEST(words)
{
	ck_assert_str_eq(machine_state_word(STATE_STEADY), "steady");
	ck_assert_str_eq(machine_state_word(STATE_HUNGRY), "hungry");
	ck_assert_str_eq(machine_state_word(STATE_OVERFED), "overfed");
	ck_assert_str_eq(machine_state_word(STATE_DIET), "diet");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_cell,
		rule_1_a_limit_means_diet,
		rule_2_short_means_hungry_unless_on_diet,
		rule_3_a_cooldown_of_plenty_gives_back_once,
		rule_4_a_cooldown_ends_any_state,
		rule_5_diet_gives_back_every_tick,
		rule_6_plenty_makes_overfed,
		rule_7_overfed_ends_with_the_plenty,
		rule_8_else_nothing,
		first_rule_wins,
		starts_steady,
		timer_left,
		works_at_the_end_of_time,
		largest_needs,
		cooldown_doubles_up_to_the_maximum,
		cooldown_doubles_only_for_a_restore_undone,
		cooldown_doubles_only_when_something_came_back,
		cooldown_halves_after_two_quiet_ones,
		cooldown_is_not_quiet_while_something_moves,
		cooldown_follows_a_reload,
		cooldown_at_the_largest,
		words,
	};

	return RUN_TESTS("fsm", tests);
}
