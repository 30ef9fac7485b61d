/* SPDX-License-Identifier: MIT */
/*
 * The policy at work on a model machine: processes with written habits, memory that follows a
 * written trace, and the tick of the daemon in between. Hundreds of hours pass in a second; what
 * must hold in every one of them is asserted as it happens.
 */
#include "base/units.h"
#include "policy/fsm.h"
#include "policy/idle.h"
#include "policy/need.h"
#include "policy/plan.h"
#include "policy/rank.h"

#include "unit/builders.h"

#include <string.h>

#define TOTAL (16 * GIB)
#define PROCS_MAX 200
#define S NS_PER_S
#define MIN NS_PER_MIN
#define H NS_PER_H
#define TICK_NS (10 * NS_PER_MS) /* in which /proc counts CPU time */

/* What a process does all day. */
enum habit {
	HABIT_IDLE,	 /* nothing, ever */
	HABIT_BUSY,	 /* always something */
	HABIT_PERIODIC,	 /* works for a while, then sleeps until its period is over */
	HABIT_DAY,	 /* works now and then from 8 to 20 o'clock */
	HABIT_NIGHT,	 /* the other way round */
	HABIT_TICKER,	 /* wakes every few seconds for next to nothing */
	HABIT_LEAK,	 /* idle but for a growing heap */
	HABIT_PROTECTED, /* idle, and named by a protect rule */
	HABIT__N
};

/* The truth about a process, of which the policy sees only what /proc would tell. */
struct model {
	enum habit habit;
	uint64_t period_ns, work_ns, phase_ns;
	unsigned touch_percent;		       /* of what is out, when it works for a tick */
	uint64_t anon_bytes, first_anon_bytes; /* resident and swapped out; at the start */
	uint64_t worked_ns;		       /* when it last did */
	uint64_t reversed_ns;		       /* when we last undid what we had done to it */
	enum { TOUCHED_NEVER, TOUCHED_OUT, TOUCHED_BACK } touched; /* our last action */
	bool judged;	  /* the last choice was called wrong already */
	bool verdict_due; /* it needed its memory within the window: that has to be noticed */
	unsigned wrong;	  /* choices that were judged wrong */
};

/* Available memory as it would be with nothing swapped out, in permyriad of the total. */
typedef unsigned trace_fn(uint64_t now_ns, struct series *series);

struct scenario {
	const char *name;
	trace_fn *trace;
	uint64_t hours, tick_ns;
	size_t n_procs;
	uint64_t room_bytes[2];
	uint64_t cooldown_ns, min_resident_ns; /* 0: as shipped */
	uint64_t suspend_every_ns, suspend_ns;
	uint64_t seed; /* 0: one for all */
};

struct world {
	const struct scenario *scenario;
	struct machine_params params;
	struct idle_params idle;
	struct machine machine;
	struct series series;
	uint64_t start_ns, now_ns, scanned_ns, suspended_ns;
	unsigned permyriad; /* what the trace says now */
	unsigned pinned;    /* instead of the trace; 0: not */
	bool diet_requested;
	unsigned reclaims, restores, diets;
	struct model models[PROCS_MAX];
	struct proc procs[PROCS_MAX];
	struct snapshot snapshot;
};

/* Not ck_assert_msg, which writes a mark to a pipe for each of the millions that hold. */
#define HOLDS(world, condition, format, ...)                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s, at %llu s, seed %llx: " format, (world)->scenario->name, \
				     (unsigned long long)((world)->now_ns / S),                    \
				     (unsigned long long)(world)->series.seed, __VA_ARGS__);       \
	} while (0)

/* -- the world ---------------------------------------------------------------------------- */

static void make_process(struct world *world, size_t i)
{
	static const uint64_t periods_min[] = {1, 3, 5, 7, 10, 15, 20, 30, 45, 55, 90, 240};
	struct model *model = &world->models[i];
	struct proc *proc = &world->procs[i];

	*model = (struct model){
		.habit = (enum habit)(i % HABIT__N),
		.work_ns = 20 * S,
		.touch_percent = i % 5 == 0 ? 20 : 100,
		.worked_ns = world->now_ns,
	};
	model->period_ns = periods_min[series_below(&world->series, ROWS(periods_min))] * MIN;
	model->phase_ns = series_below(&world->series, H);
	model->anon_bytes = (20 + series_below(&world->series, 100)) * MIB;
	if (series_below(&world->series, 3) == 0)
		model->habit = HABIT_PERIODIC; /* the most troublesome ones */
	model->first_anon_bytes = model->anon_bytes;
	*proc = (struct proc){
		.facts = {.id = {.pid = 1000 + (int32_t)i, .start_ticks = i + 1},
			  .flags = PROC_FULL,
			  .mm_tag = 1,
			  .state = 'S',
			  .comm = "model"},
		.backend = i % 4 == 3,
	};
	if (model->habit == HABIT_PROTECTED)
		proc->facts.flags |= PROC_PROTECTED;
}

static struct world *world_start(const struct scenario *scenario)
{
	static struct world world;

	world = (struct world){
		.scenario = scenario,
		.params = default_machine_params(),
		.idle = default_idle_params(),
		.series = series_start(scenario->seed ? scenario->seed : 0x73696d),
		.start_ns = MIN, /* just booted */
		.now_ns = MIN,
	};
	if (scenario->cooldown_ns > 0)
		world.params.cooldown_ns = scenario->cooldown_ns;
	if (scenario->min_resident_ns > 0)
		world.idle.min_resident_ns = scenario->min_resident_ns;
	world.params.cooldown_max_ns =
		u64_max(world.params.cooldown_max_ns, world.params.cooldown_ns);
	/* as the configuration hands it out */
	world.idle.min_resident_ns = u64_max(world.idle.min_resident_ns, world.params.cooldown_ns);
	world.machine = machine_start(world.now_ns, &world.params);
	for (size_t i = 0; i < scenario->n_procs; i++)
		make_process(&world, i);
	world.snapshot = (struct snapshot){.procs = world.procs, .n_procs = scenario->n_procs};
	return &world;
}

static bool works_now(const struct model *model, uint64_t now_ns)
{
	uint64_t hour = now_ns / H % 24;
	bool day = hour >= 8 && hour < 20;
	bool turn = (now_ns + model->phase_ns) % model->period_ns < model->work_ns;

	switch (model->habit) {
	case HABIT_BUSY: return true;
	case HABIT_PERIODIC: return turn;
	case HABIT_DAY: return day && turn;
	case HABIT_NIGHT: return !day && turn;
	default: return false;
	}
}

/* It works: so it needs its memory, whether that is here or not. */
static void work(struct world *world, struct model *model, struct proc *proc, uint64_t for_ns)
{
	/* before it is looked at, a mistake may be forgiven and the cooldown halved: at least this
	 */
	struct proc_history past = proc->past;
	uint64_t window_ns, back_bytes;
	uint64_t seen_ns = world->now_ns + world->idle.scan_interval_ns + world->scenario->tick_ns;

	if (past.backoff > 0)
		past.backoff--;
	window_ns = u64_max(idle_minimum_ns(&past, &world->idle), world->params.cooldown_ns);
	proc->facts.cpu_ns += for_ns;
	model->worked_ns = world->now_ns;
	if (proc->facts.swap_bytes == 0)
		return;
	back_bytes = u64_percent(proc->facts.swap_bytes + 99, model->touch_percent);
	if (back_bytes >= u64_max(past.out_bytes / 8, MIB) && !model->judged &&
	    model->touched == TOUCHED_OUT && seen_ns < past.out_since_ns + window_ns &&
	    world->suspended_ns < past.out_since_ns)
		model->verdict_due = true;
	proc->facts.major_faults += 1 + back_bytes / (32 * KIB);
	proc->facts.swap_bytes = u64_sub_sat(proc->facts.swap_bytes, back_bytes);
}

static void world_pass(struct world *world)
{
	const struct scenario *scenario = world->scenario;
	uint64_t tick_ns = scenario->tick_ns;

	world->now_ns += tick_ns;
	if (scenario->suspend_ns > 0 && !world->pinned &&
	    world->now_ns / scenario->suspend_every_ns !=
		    (world->now_ns - tick_ns) / scenario->suspend_every_ns) {
		world->now_ns += scenario->suspend_ns;
		world->suspended_ns = world->now_ns;
	}
	for (size_t i = 0; i < scenario->n_procs; i++) {
		struct model *model = &world->models[i];
		struct proc *proc = &world->procs[i];

		if (works_now(model, world->now_ns))
			work(world, model, proc, tick_ns);
		else if (model->habit == HABIT_TICKER && world->now_ns / S % 5 == 0)
			proc->facts.cpu_ns += TICK_NS;
		else if (model->habit == HABIT_LEAK && model->anon_bytes < 256 * MIB)
			model->anon_bytes += 20 * KIB * (tick_ns / S);
		proc->facts.anon_bytes = model->anon_bytes - proc->facts.swap_bytes;
		proc->facts.rss_bytes = proc->facts.anon_bytes;
		proc->reclaimable_bytes = proc->facts.anon_bytes;
	}
	world->permyriad =
		world->pinned ? world->pinned : scenario->trace(world->now_ns, &world->series);
}

static uint64_t swapped_bytes(const struct world *world, int backend)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < world->scenario->n_procs; i++)
		if (backend < 0 || world->procs[i].backend == backend)
			bytes += world->procs[i].facts.swap_bytes;
	return bytes;
}

static uint64_t available_bytes(const struct world *world)
{
	uint64_t bytes = u64_share(TOTAL, world->permyriad, PERMYRIAD_ONE);
	uint64_t grown_bytes = 0;

	if (world->pinned)
		return bytes;
	for (size_t i = 0; i < world->scenario->n_procs; i++)
		grown_bytes += world->models[i].anon_bytes - world->models[i].first_anon_bytes;
	return u64_min(u64_sub_sat(bytes + swapped_bytes(world, -1), grown_bytes), TOTAL);
}

/* More is in use than there is: a plan for the whole target doesn't reach it then. */
static bool overcommitted(const struct world *world)
{
	return available_bytes(world) == 0;
}

static int64_t need_now(const struct world *world)
{
	return need_bytes(TOTAL, available_bytes(world), 0, &world->params);
}

/* -- the daemon --------------------------------------------------------------------------- */

static void look_at(struct world *world, size_t i)
{
	struct model *model = &world->models[i];
	struct proc *proc = &world->procs[i];
	bool wrong;

	idle_observe(&proc->past, &proc->facts, world->now_ns, &world->idle);
	wrong = idle_judge(&proc->past, &proc->facts, world->now_ns, world->machine.cooldown_ns,
			   &world->idle);
	HOLDS(world, !wrong || !model->judged, "the same choice of %zu is called wrong again", i);
	model->wrong += wrong;
	model->judged |= wrong;
	HOLDS(world, wrong || !model->verdict_due, "a wrong choice of %zu goes unnoticed", i);
	model->verdict_due = false;
	HOLDS(world, idle_ns(&proc->past, world->now_ns) <= world->now_ns - model->worked_ns,
	      "%zu is idle for longer than since it worked", i);
}

static void scan_when_due(struct world *world)
{
	bool near = available_bytes(world) < u64_percent(TOTAL, world->params.freetarget_percent);
	uint64_t interval_ns =
		near ? world->idle.scan_interval_near_ns : world->idle.scan_interval_ns;

	if (world->now_ns - world->scanned_ns < interval_ns)
		return;
	world->scanned_ns = world->now_ns;
	for (size_t i = 0; i < world->scenario->n_procs; i++)
		look_at(world, i);
}

static void take_snapshot(struct world *world)
{
	world->snapshot.now_ns = world->now_ns;
	for (int i = 0; i < 2; i++)
		world->snapshot.room_bytes[i] =
			u64_sub_sat(world->scenario->room_bytes[i], swapped_bytes(world, i));
}

/* Undoing what we did is allowed once per cooldown and process. */
static void note_reversal(struct world *world, struct model *model, size_t i)
{
	HOLDS(world,
	      model->reversed_ns == 0 ||
		      world->now_ns - model->reversed_ns >= world->params.cooldown_ns,
	      "process %zu is moved to and fro: %llu s after %llu s", i,
	      (unsigned long long)(world->now_ns / S),
	      (unsigned long long)(model->reversed_ns / S));
	model->reversed_ns = world->now_ns;
}

static size_t index_of(const struct action *action)
{
	return (size_t)(action->id.pid - 1000);
}

static void move_out(struct world *world, const struct action *action)
{
	size_t i = index_of(action);
	struct model *model = &world->models[i];
	struct proc *proc = &world->procs[i];

	HOLDS(world, model->habit != HABIT_BUSY && model->habit != HABIT_PROTECTED,
	      "process %zu may never be a victim", i);
	HOLDS(world, world->now_ns - model->worked_ns >= world->idle.min_idle_ns,
	      "process %zu worked %llu s ago", i,
	      (unsigned long long)((world->now_ns - model->worked_ns) / S));
	HOLDS(world, action->bytes <= proc->facts.anon_bytes, "process %zu hasn't that much", i);
	if (model->touched == TOUCHED_BACK)
		note_reversal(world, model, i);
	model->touched = TOUCHED_OUT;
	model->judged = false;
	proc->facts.swap_bytes += action->bytes;
	proc->facts.anon_bytes -= action->bytes;
	proc->reclaimable_bytes = proc->facts.anon_bytes;
	idle_note_out(&proc->past, &proc->facts, action->bytes, world->now_ns);
	proc->past.held_by = action->backend;
}

static void bring_back(struct world *world, const struct action *action)
{
	size_t i = index_of(action);
	struct model *model = &world->models[i];
	struct proc *proc = &world->procs[i];

	/* one that is just now fetching its memory by itself is helped, not disturbed */
	if (model->touched == TOUCHED_OUT && !proc->past.wanted)
		note_reversal(world, model, i);
	model->touched = TOUCHED_BACK;
	proc->facts.swap_bytes -= action->bytes;
	proc->facts.anon_bytes += action->bytes;
	proc->reclaimable_bytes = proc->facts.anon_bytes;
	idle_note_back(&proc->past, &proc->facts, world->now_ns);
	HOLDS(world, idle_held_bytes(proc) == 0, "process %zu was brought back only in part", i);
}

/* Who is on the list is read afresh; who woke up meanwhile makes way for the next. */
static void plan_with_fresh_facts(struct world *world, uint64_t need, struct plan *plan)
{
	bool dropped = true;

	for (int round = 0; dropped; round++) {
		HOLDS(world, round < 10, "no end of planning after %d rounds", round);
		plan_reclaim(&world->snapshot, &world->idle, need, plan);
		dropped = false;
		for (size_t i = 0; i < plan->n_actions; i++) {
			size_t proc = index_of(&plan->actions[i]);

			look_at(world, proc);
			dropped |= rank_verdict(&world->procs[proc], world->now_ns, &world->idle) !=
				   REASON_VICTIM;
		}
	}
}

/* Where there is less room than memory, a crumb of it may be left. */
static uint64_t without_crumbs(uint64_t bytes, uint64_t room_bytes)
{
	return bytes <= room_bytes ? bytes : u64_sub_sat(room_bytes, CRUMB_BYTES - 1);
}

/* What the eligible could give into the room there is, if there was no limit to a plan; at least
 * *ret_least. */
static uint64_t obtainable_bytes(const struct world *world, uint64_t *ret_least, size_t *ret_n)
{
	uint64_t bytes[2] = {0};

	*ret_n = 0;
	for (size_t i = 0; i < world->scenario->n_procs; i++) {
		const struct proc *proc = &world->procs[i];

		if (rank_verdict(proc, world->now_ns, &world->idle) != REASON_VICTIM)
			continue;
		bytes[proc->backend] += proc->reclaimable_bytes;
		(*ret_n)++;
	}
	*ret_least = without_crumbs(bytes[0], world->snapshot.room_bytes[0]) +
		     without_crumbs(bytes[1], world->snapshot.room_bytes[1]);
	return u64_min(bytes[0], world->snapshot.room_bytes[0]) +
	       u64_min(bytes[1], world->snapshot.room_bytes[1]);
}

static void reclaim(struct world *world, uint64_t need)
{
	static struct plan plan;
	bool reachable = !overcommitted(world);
	uint64_t obtainable, least;
	size_t eligible;

	HOLDS(world, world->machine.state == STATE_HUNGRY, "moves out in state %d",
	      world->machine.state);
	plan_with_fresh_facts(world, need, &plan);
	obtainable = obtainable_bytes(world, &least, &eligible);
	if (eligible <= PLAN_MAX)
		HOLDS(world,
		      plan.bytes >= u64_min(need, least) &&
			      plan.bytes < u64_min(need, obtainable) + CRUMB_BYTES,
		      "wanted %llu, obtainable %llu, planned %llu", (unsigned long long)need,
		      (unsigned long long)obtainable, (unsigned long long)plan.bytes);
	for (size_t i = 0; i < plan.n_actions; i++)
		move_out(world, &plan.actions[i]);
	if (plan.missing_bytes == 0 && reachable)
		HOLDS(world, need_now(world) == 0, "need is %lld after a plan for all of it",
		      (long long)need_now(world));
	world->diet_requested = plan.missing_bytes > 0 && plan.passed_over[REASON_NO_ROOM] > 0;
	world->reclaims++;
}

static void restore(struct world *world, uint64_t spare)
{
	static struct plan plan;

	plan_restore(&world->snapshot, world->params.cooldown_ns, spare, &plan);
	if (plan.n_actions > 0) {
		/* read afresh as well: it may have fetched some of it by now */
		look_at(world, index_of(&plan.actions[0]));
		plan_restore(&world->snapshot, world->params.cooldown_ns, spare, &plan);
	}
	HOLDS(world, plan.n_actions <= 1 && plan.bytes <= spare, "brings back %zu", plan.n_actions);
	if (plan.n_actions == 0)
		return;
	bring_back(world, &plan.actions[0]);
	machine_note_restore(&world->machine, world->now_ns);
	HOLDS(world, need_now(world) <= 0, "need is %lld after a restore",
	      (long long)need_now(world));
	world->restores++;
}

static struct machine_step tick(struct world *world)
{
	struct machine_facts facts = {.diet_requested = world->diet_requested};
	struct machine_step step;

	world_pass(world);
	scan_when_due(world);
	take_snapshot(world);
	facts.now_ns = world->now_ns;
	facts.need_bytes = need_now(world);
	for (size_t i = 0; i < world->scenario->n_procs; i++)
		facts.held_bytes += idle_held_bytes(&world->procs[i]);
	world->diet_requested = false;
	step = machine_step(&world->machine, &facts, &world->params);
	world->diets += step.to == STATE_DIET && step.from != STATE_DIET;
	if (step.effect == EFFECT_RECLAIM)
		reclaim(world, step.bytes);
	else if (step.effect == EFFECT_RESTORE)
		restore(world, step.bytes);
	HOLDS(world, step.from != STATE_DIET || step.effect != EFFECT_RECLAIM, "%s",
	      "moves out on diet");
	/* no state outlasts its cooldown; a step may come late by a tick, or by a suspend */
	HOLDS(world, world->now_ns - world->machine.timer_ns <= world->params.cooldown_max_ns,
	      "in state %s for too long", machine_state_word(world->machine.state));
	return step;
}

/* -- the bounds over a whole run ----------------------------------------------------------- */

/* Who sleeps less than backoff_max at a time is misjudged a few times, and once for each time
 * that was forgiven. */
static void check_wrong_choices(const struct world *world)
{
	uint64_t run_ns = world->now_ns - world->start_ns;
	uint64_t forgiven = run_ns / world->idle.backoff_forgive_ns;
	unsigned steps = 0;

	for (uint64_t ns = world->idle.min_idle_ns; ns < world->idle.backoff_max_ns; ns *= 2)
		steps++;
	for (size_t i = 0; i < world->scenario->n_procs; i++) {
		const struct model *model = &world->models[i];

		if (model->habit == HABIT_PERIODIC && model->period_ns < world->idle.backoff_max_ns)
			HOLDS(world, model->wrong <= steps + forgiven,
			      "process %zu, period %llu min, misjudged %u times", i,
			      (unsigned long long)(model->period_ns / MIN), model->wrong);
	}
}

/* When nothing is wanted any more the machine comes to rest, and stays there. */
static void check_calm(struct world *world)
{
	uint64_t end_ns;

	world->pinned = 4000; /* between the limits */
	for (end_ns = world->now_ns + world->params.cooldown_max_ns + 2 * world->scenario->tick_ns;
	     world->now_ns < end_ns;)
		tick(world);
	HOLDS(world, world->machine.state == STATE_STEADY, "still %s",
	      machine_state_word(world->machine.state));
	for (end_ns = world->now_ns + 3 * H; world->now_ns < end_ns;) {
		struct machine_step step = tick(world);

		HOLDS(world, step.to == STATE_STEADY && step.effect == EFFECT_NONE,
		      "not at rest: %s", machine_state_word(step.to));
	}
	HOLDS(world,
	      world->machine.cooldown_ns == world->params.cooldown_ns ||
		      world->params.cooldown_ns * 4 > 3 * H,
	      "cooldown still %llu s", (unsigned long long)(world->machine.cooldown_ns / S));
}

/* With plenty, one process comes back per cooldown, until nothing is held. */
static void check_plenty(struct world *world)
{
	uint64_t end_ns = world->now_ns + world->params.cooldown_max_ns * 2;

	world->pinned = 9500;
	end_ns += world->scenario->n_procs *
		  (world->params.cooldown_ns + 3 * world->scenario->tick_ns);
	while (world->now_ns < end_ns)
		tick(world);
	for (size_t i = 0; i < world->scenario->n_procs; i++)
		HOLDS(world, idle_held_bytes(&world->procs[i]) == 0, "process %zu is still out", i);
	HOLDS(world, world->machine.state == STATE_STEADY, "still %s",
	      machine_state_word(world->machine.state));
}

static void run(const struct scenario *scenario)
{
	struct world *world = world_start(scenario);
	uint64_t end_ns = world->now_ns + scenario->hours * H;

	while (world->now_ns < end_ns)
		tick(world);
	check_wrong_choices(world);
	HOLDS(world, world->reclaims > 0, "%s", "the trace never asked for anything");
	check_calm(world);
	check_plenty(world);
}

/* -- traces -------------------------------------------------------------------------------- */

/* From low to high and back to low again over one period. */
static unsigned wave(uint64_t now_ns, uint64_t period_ns, unsigned low, unsigned high)
{
	uint64_t at = now_ns % period_ns;
	uint64_t up = at < period_ns / 2 ? at : period_ns - at;

	return low + (unsigned)(up * 2 * (high - low) / period_ns);
}

static unsigned trace_growth(uint64_t now_ns, struct series *series)
{
	uint64_t hours = u64_min(now_ns / H, 100);

	(void)series;
	return 7000 - (unsigned)(hours * 65);
}

static unsigned trace_sawtooth(uint64_t now_ns, struct series *series)
{
	(void)series;
	return 6500 - (unsigned)(now_ns % (30 * MIN) * 5500 / (30 * MIN));
}

static unsigned trace_fast_sawtooth(uint64_t now_ns, struct series *series)
{
	(void)series;
	return 7000 - (unsigned)(now_ns % (7 * MIN) * 5500 / (7 * MIN));
}

/* 90 s of need every two hours, and plenty for the rest */
static unsigned trace_spike(uint64_t now_ns, struct series *series)
{
	(void)series;
	return now_ns % (2 * H) < 90 * S ? 500 : 7000;
}

/* the same, and as often as a process may be moved out again */
static unsigned trace_many_spikes(uint64_t now_ns, struct series *series)
{
	(void)series;
	return now_ns % (11 * MIN) < 20 * S ? 500 : 8000;
}

static unsigned trace_day_night(uint64_t now_ns, struct series *series)
{
	uint64_t hour = now_ns / H % 24;

	return (hour >= 8 && hour < 20 ? 1500 : 7000) + (unsigned)series_below(series, 100);
}

/* something else leaks and is started again every 11 hours */
static unsigned trace_leak(uint64_t now_ns, struct series *series)
{
	return 7500 - (unsigned)(now_ns % (11 * H) * 7000 / (11 * H)) +
	       (unsigned)series_below(series, 50);
}

static unsigned trace_at_lower(uint64_t now_ns, struct series *series)
{
	return wave(now_ns, 40 * S, 1900, 2100) + (unsigned)series_below(series, 20);
}

static unsigned trace_at_target(uint64_t now_ns, struct series *series)
{
	return wave(now_ns, 3 * MIN, 1950, 3100) + (unsigned)series_below(series, 20);
}

static unsigned trace_at_upper(uint64_t now_ns, struct series *series)
{
	/* short once, so that something is held, then around the upper limit for ever */
	return now_ns < H ? 1000
			  : wave(now_ns, 29 * MIN, 3500, 5500) + (unsigned)series_below(series, 20);
}

static unsigned trace_between_all(uint64_t now_ns, struct series *series)
{
	return wave(now_ns, 17 * MIN, 1000, 7000) + (unsigned)series_below(series, 50);
}

/* A walk that keeps its step for a while, made of the clock alone. */
static unsigned trace_walk(uint64_t now_ns, struct series *series)
{
	struct series step = series_start(series->seed ^ (now_ns / (4 * MIN) * 2 + 1));

	(void)series_next(&step);
	(void)series_next(&step);
	return 500 + (unsigned)series_below(&step, 8000);
}

/* -- the runs ------------------------------------------------------------------------------ */

/* clang-format off */
#define AMPLE {TIB, TIB}
#define TIGHT {GIB, GIB / 2}
/* clang-format on */

static void run_all(const struct scenario *scenarios, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run(&scenarios[i]);
}
#define RUN_ALL(scenarios) run_all((scenarios), ROWS(scenarios))

START_TEST(growth)
{
	static const struct scenario rows[] = {
		{"growth", trace_growth, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"growth, every second", trace_growth, 110, S, 50, AMPLE, 0, 0, 0, 0, 0},
		{"growth, little room", trace_growth, 200, 5 * S, 120, TIGHT, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(sawtooth)
{
	static const struct scenario rows[] = {
		{"sawtooth", trace_sawtooth, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"fast sawtooth", trace_fast_sawtooth, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(sawtooth_with_little_room)
{
	static const struct scenario rows[] = {
		{"sawtooth", trace_sawtooth, 200, 5 * S, 120, TIGHT, 0, 0, 0, 0, 0},
		{"fast sawtooth", trace_fast_sawtooth, 200, 5 * S, 120, TIGHT, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(spikes)
{
	static const struct scenario rows[] = {
		{"spike", trace_spike, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"many spikes", trace_many_spikes, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(spikes_with_little_room)
{
	static const struct scenario rows[] = {
		{"spike", trace_spike, 200, 5 * S, 120, TIGHT, 0, 0, 0, 0, 0},
		{"many spikes", trace_many_spikes, 200, S, 60, TIGHT, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(day_and_night)
{
	static const struct scenario rows[] = {
		{"day and night", trace_day_night, 400, 10 * S, 200, AMPLE, 0, 0, 0, 0, 0},
		{"little room", trace_day_night, 200, 10 * S, 200, TIGHT, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(leak)
{
	static const struct scenario rows[] = {
		{"leak", trace_leak, 200, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"leak, little room", trace_leak, 200, 5 * S, 120, TIGHT, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(around_each_limit)
{
	static const struct scenario rows[] = {
		{"at lower", trace_at_lower, 150, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"at target", trace_at_target, 150, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"at upper", trace_at_upper, 150, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
		{"between all", trace_between_all, 150, 5 * S, 120, AMPLE, 0, 0, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(suspends)
{
	static const struct scenario rows[] = {
		{"nights", trace_between_all, 400, 5 * S, 120, AMPLE, 0, 0, 9 * H, 8 * H, 0},
		{"naps", trace_sawtooth, 200, 5 * S, 120, TIGHT, 0, 0, 20 * MIN, 4 * MIN, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(other_cooldowns)
{
	static const struct scenario rows[] = {
		{"short", trace_between_all, 150, 5 * S, 120, AMPLE, 30 * S, 0, 0, 0, 0},
		{"as long as min_resident", trace_sawtooth, 150, 5 * S, 120, TIGHT, 10 * MIN, 0, 0,
		 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(cooldown_longer_than_min_resident)
{
	static const struct scenario rows[] = {
		{"long cooldown", trace_walk, 150, 5 * S, 120, AMPLE, 20 * MIN, S, 0, 0, 0},
		{"and little room", trace_walk, 150, 5 * S, 120, TIGHT, 20 * MIN, S, 0, 0, 0},
	};

	RUN_ALL(rows);
}
END_TEST

START_TEST(random_walks)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct scenario scenario = {
			.name = "walk",
			.trace = trace_walk,
			.hours = 30,
			.tick_ns = (1 + seed % 10) * S,
			.n_procs = 40 + 8 * seed,
			.room_bytes = {seed * GIB / 4, seed * GIB / 8},
			.cooldown_ns = seed % 5 * 2 * MIN,
			.seed = seed * 0x9e3779b9,
		};

		run(&scenario);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		growth,
		sawtooth,
		sawtooth_with_little_room,
		spikes,
		spikes_with_little_room,
		day_and_night,
		leak,
		around_each_limit,
		suspends,
		other_cooldowns,
		cooldown_longer_than_min_resident,
		random_walks,
	};

	return RUN_TESTS("traces", tests);
}
