/* SPDX-License-Identifier: MIT */
#include "policy/plan.h"

#include "policy/idle.h"
#include "policy/rank.h"
#include "unit/builders.h"

#include <string.h>

#define MIN NS_PER_MIN
#define PROCS_MAX 300

/* A machine of n idle processes, pids from 100, and all the room that one can wish for. */
struct machine_room {
	struct proc procs[PROCS_MAX];
	struct snapshot snapshot;
};

static struct snapshot *fill(struct machine_room *room, size_t n)
{
	room->snapshot = (struct snapshot){.now_ns = LATER, .procs = room->procs, .n_procs = n};
	for (size_t i = 0; i < n; i++)
		room->procs[i] = idle_proc(100 + (int32_t)i, LATER);
	for (size_t i = 0; i < BACKEND_MAX; i++)
		room->snapshot.room_bytes[i] = TIB;
	return &room->snapshot;
}

static struct plan reclaim(const struct snapshot *snapshot, uint64_t need_bytes)
{
	struct idle_params params = default_idle_params();
	struct plan plan;

	memset(&plan, 0xff, sizeof plan); /* whatever was there before is overwritten */
	plan_reclaim(snapshot, &params, need_bytes, &plan);
	return plan;
}

static struct plan restore(const struct snapshot *snapshot, uint64_t spare_bytes)
{
	struct plan plan;

	memset(&plan, 0xff, sizeof plan);
	plan_restore(snapshot, 0, spare_bytes, &plan);
	return plan;
}

/* What holds for any plan to move memory out. */
static void assert_adds_up(const struct plan *plan, const struct snapshot *snapshot,
			   uint64_t need_bytes)
{
	uint64_t bytes = 0, room[BACKEND_MAX] = {0}, processes = plan->n_actions, followed = 0;

	ck_assert_uint_le(plan->n_actions, PLAN_MAX);
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct action *action = &plan->actions[i];

		ck_assert_int_eq(action->verb, ACTION_RECLAIM);
		ck_assert_uint_gt(action->bytes, 0);
		ck_assert_uint_lt(action->backend, BACKEND_MAX);
		bytes += action->bytes;
		room[action->backend] += action->bytes;
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(action->id.pid, plan->actions[j].id.pid);
	}
	for (size_t i = 0; i < BACKEND_MAX; i++)
		ck_assert_uint_le(room[i], snapshot->room_bytes[i]);
	for (int i = 0; i < REASON__N; i++) {
		processes += plan->passed_over[i];
		followed += snapshot->not_followed[i];
	}
	ck_assert_uint_eq(bytes, plan->bytes);
	/* the last one may round a crumb up */
	ck_assert_uint_ge(bytes + plan->missing_bytes, need_bytes);
	ck_assert_uint_lt(u64_sub_sat(bytes + plan->missing_bytes, need_bytes), CRUMB_BYTES);
	ck_assert_uint_eq(processes, snapshot->n_procs + followed);
	ck_assert_uint_eq(plan->passed_over[REASON_VICTIM], 0);
}

START_TEST(exact_amounts)
{
	static const struct {
		const char *name;
		uint64_t need_bytes;
		size_t n_actions;
		uint64_t last_bytes, missing_bytes;
	} rows[] = {
		{"nothing", 0, 0, 0, 0},
		{"a byte: no crumbs", 1, 1, MIB, 0},
		{"less than the first", 60 * MIB, 1, 60 * MIB, 0},
		{"all of the first", 100 * MIB, 1, 100 * MIB, 0},
		{"a byte more: no crumbs", 100 * MIB + 1, 2, MIB, 0},
		{"the last gives what is missing", 250 * MIB, 3, 50 * MIB, 0},
		{"all there is", 300 * MIB, 3, 100 * MIB, 0},
		{"a byte more than there is", 300 * MIB + 1, 3, 100 * MIB, 1},
		{"more than anybody has", UINT64_MAX, 3, 100 * MIB, UINT64_MAX - 300 * MIB},
	};
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 3);

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct plan plan = reclaim(snapshot, rows[i].need_bytes);

		assert_adds_up(&plan, snapshot, rows[i].need_bytes);
		ck_assert_msg(plan.n_actions == rows[i].n_actions, "%s: %zu actions", rows[i].name,
			      plan.n_actions);
		ck_assert_msg(plan.n_actions == 0 ||
				      plan.actions[plan.n_actions - 1].bytes == rows[i].last_bytes,
			      "%s: the last one gives another amount", rows[i].name);
		ck_assert_msg(plan.missing_bytes == rows[i].missing_bytes, "%s: %llu missing",
			      rows[i].name, (unsigned long long)plan.missing_bytes);
		ck_assert_msg(plan.passed_over[REASON_NOT_NEEDED] == 3 - rows[i].n_actions,
			      "%s: %u not needed", rows[i].name,
			      plan.passed_over[REASON_NOT_NEEDED]);
	}
}
END_TEST

START_TEST(actions_say_who_and_why)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 1);
	struct plan plan;

	room.procs[0].facts.id.start_ticks = 4711;
	room.procs[0].facts.mm_tag = 0xabc;
	room.procs[0].backend = 2;
	memcpy(room.procs[0].facts.comm, "fifteen-letters", COMM_SIZE);
	plan = reclaim(snapshot, GIB);
	ck_assert_uint_eq(plan.n_actions, 1);
	ck_assert_int_eq(plan.actions[0].id.pid, 100);
	ck_assert_uint_eq(plan.actions[0].id.start_ticks, 4711);
	ck_assert_uint_eq(plan.actions[0].mm_tag, 0xabc);
	ck_assert_uint_eq(plan.actions[0].backend, 2);
	ck_assert_uint_eq(plan.actions[0].idle_ns, NS_PER_H);
	ck_assert_str_eq(plan.actions[0].comm, "fifteen-letters");
}
END_TEST

START_TEST(in_rank_order)
{
	static const uint64_t idle_minutes[] = {3, 100, 5, 5, 17, 2, 100};
	static const uint64_t sizes[] = {900, 10, 20, 30, 40, 999, 11};
	static const int32_t order[] = {106, 101, 104, 103, 102, 105, 100};
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, ROWS(sizes));
	struct plan plan;

	for (size_t i = 0; i < ROWS(sizes); i++) {
		room.procs[i].past.idle_since_ns = LATER - idle_minutes[i] * MIN;
		room.procs[i].reclaimable_bytes = sizes[i] * MIB;
	}
	plan = reclaim(snapshot, UINT64_MAX);
	ck_assert_uint_eq(plan.n_actions, ROWS(order));
	for (size_t i = 0; i < ROWS(order); i++)
		ck_assert_msg(plan.actions[i].id.pid == order[i], "place %zu: %d", i,
			      plan.actions[i].id.pid);
}
END_TEST

START_TEST(room_of_each_backend)
{
	static const struct {
		const char *name;
		uint64_t room_0, room_1;
		uint64_t moved[4]; /* by the processes, of which the odd ones are backend 1's */
		uint32_t no_room;
	} rows[] = {
		{"enough", TIB, TIB, {100, 100, 100, 100}, 0},
		{"none", 0, 0, {0, 0, 0, 0}, 4},
		{"one has none", 0, TIB, {0, 100, 0, 100}, 2},
		{"for half a process", 50 * MIB, TIB, {50, 100, 0, 100}, 1},
		{"exactly", 200 * MIB, 200 * MIB, {100, 100, 100, 100}, 0},
		{"for one and a half", 150 * MIB, 150 * MIB, {100, 100, 50, 50}, 0},
		{"for a crumb", MIB - 1, 8 * KIB, {0, 0, 0, 0}, 4},
		{"for the least", MIB, TIB, {1, 100, 0, 100}, 1},
		{"for one and a crumb", 100 * MIB + MIB - 1, TIB, {100, 100, 0, 100}, 1},
		{"for one and the least", 101 * MIB, TIB, {100, 100, 1, 100}, 0},
	};
	static struct machine_room room;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct snapshot *snapshot = fill(&room, 4);
		uint64_t moved[4] = {0};
		struct plan plan;

		room.procs[1].backend = room.procs[3].backend = 1;
		snapshot->room_bytes[0] = rows[i].room_0;
		snapshot->room_bytes[1] = rows[i].room_1;
		plan = reclaim(snapshot, GIB);
		assert_adds_up(&plan, snapshot, GIB);
		for (size_t j = 0; j < plan.n_actions; j++)
			moved[plan.actions[j].id.pid - 100] = plan.actions[j].bytes / MIB;
		ck_assert_msg(memcmp(moved, rows[i].moved, sizeof moved) == 0, "%s", rows[i].name);
		ck_assert_msg(plan.passed_over[REASON_NO_ROOM] == rows[i].no_room, "%s: %u",
			      rows[i].name, plan.passed_over[REASON_NO_ROOM]);
	}
}
END_TEST

START_TEST(more_victims_than_actions)
{
	static const size_t counts[] = {PLAN_MAX - 1, PLAN_MAX, PLAN_MAX + 1, 2 * PLAN_MAX, 300};
	static struct machine_room room;

	for (size_t i = 0; i < ROWS(counts); i++) {
		struct snapshot *snapshot = fill(&room, counts[i]);
		uint32_t limit = counts[i] > PLAN_MAX ? (uint32_t)counts[i] - PLAN_MAX : 0;
		struct plan plan;

		/* the last of the list are the largest, so the first have to make way */
		for (size_t j = 0; j < counts[i]; j++)
			room.procs[j].reclaimable_bytes = (j + 1) * MIB;
		plan = reclaim(snapshot, TIB);
		assert_adds_up(&plan, snapshot, TIB);
		ck_assert_uint_eq(plan.n_actions, counts[i] - limit);
		ck_assert_uint_eq(plan.passed_over[REASON_LIMIT], limit);
		for (size_t j = 0; j < plan.n_actions; j++)
			ck_assert_uint_eq(plan.actions[j].bytes, (counts[i] - j) * MIB);
	}
}
END_TEST

/* The best of one backend may be many: that it is full must not starve the others. */
START_TEST(a_full_backend_leaves_the_others_their_turn)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, PLAN_MAX + 10);
	struct plan plan;

	for (size_t i = PLAN_MAX; i < snapshot->n_procs; i++) {
		room.procs[i].backend = 1;
		room.procs[i].past.idle_since_ns = LATER - 3 * MIN; /* the worst of all */
	}
	snapshot->room_bytes[0] = 0;
	plan = reclaim(snapshot, 500 * MIB);
	assert_adds_up(&plan, snapshot, 500 * MIB);
	ck_assert_uint_eq(plan.missing_bytes, 0);
	ck_assert_uint_eq(plan.n_actions, 5);
	ck_assert_uint_eq(plan.passed_over[REASON_NO_ROOM], PLAN_MAX);
}
END_TEST

START_TEST(passed_over_adds_up)
{
	static struct machine_room room;
	struct series series = series_start(0x706c616e);

	for (int round = 0; round < 2000; round++) {
		struct snapshot *snapshot = fill(&room, series_below(&series, PROCS_MAX + 1));
		uint64_t need_bytes = series_any(&series);
		struct plan plan;

		for (int i = 1; i < REASON__N; i++)
			snapshot->not_followed[i] = (uint32_t)series_below(&series, 50);
		for (size_t i = 0; i < BACKEND_MAX; i++)
			snapshot->room_bytes[i] = series_below(&series, 3) * GIB;
		for (size_t i = 0; i < snapshot->n_procs; i++) {
			struct proc *proc = &room.procs[i];

			proc->facts.flags |=
				(uint32_t)(series_next(&series) & series_next(&series) &
					   series_next(&series)) &
				(PROC_FULL - 1);
			proc->facts.anon_bytes = series_below(&series, 200) * MIB;
			proc->reclaimable_bytes = proc->facts.anon_bytes;
			proc->past.idle_since_ns = LATER - series_below(&series, 200) * MIN;
			proc->backend = series_below(&series, 8) == 0
						? BACKEND_NONE
						: (uint8_t)series_below(&series, BACKEND_MAX);
		}
		plan = reclaim(snapshot, need_bytes);
		assert_adds_up(&plan, snapshot, need_bytes);
	}
}
END_TEST

START_TEST(nobody_there)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 0);
	struct plan plan = reclaim(snapshot, GIB);

	assert_adds_up(&plan, snapshot, GIB);
	ck_assert_uint_eq(plan.n_actions, 0);
	ck_assert_uint_eq(plan.missing_bytes, GIB);
	plan = restore(snapshot, GIB);
	ck_assert_uint_eq(plan.n_actions, 0);
	ck_assert_uint_eq(plan.bytes, 0);
}
END_TEST

/* -- giving back -------------------------------------------------------------------------- */

struct held_row {
	uint64_t held_mib, since; /* later is more recent */
	bool wanted;
};

#define RESTORE_NONE (-1)

START_TEST(what_comes_back)
{
	static const struct {
		const char *name;
		uint64_t spare_mib;
		struct held_row held[3];
		int chosen;
	} rows[] = {
		{"nothing held", 1000, {{0, 9, false}, {0, 8, true}, {0, 7, false}}, RESTORE_NONE},
		{"the latest", 1000, {{10, 1, false}, {10, 3, false}, {10, 2, false}}, 1},
		{"the latest that fits", 50, {{10, 1, false}, {51, 3, false}, {50, 2, false}}, 2},
		{"nothing fits", 9, {{10, 1, false}, {10, 3, false}, {10, 2, true}}, RESTORE_NONE},
		{"no room at all",
		 0,
		 {{10, 1, false}, {10, 3, false}, {10, 2, true}},
		 RESTORE_NONE},
		{"wanted first", 1000, {{10, 1, true}, {10, 3, false}, {10, 2, false}}, 0},
		{"the latest of the wanted",
		 1000,
		 {{10, 1, true}, {10, 3, false}, {10, 2, true}},
		 2},
		{"wanted, but it doesn't fit",
		 50,
		 {{51, 1, true}, {9, 3, false}, {9, 2, false}},
		 1},
		{"wanted, but nothing of it is out",
		 50,
		 {{0, 1, true}, {9, 3, false}, {9, 2, false}},
		 1},
		{"all the same: lowest pid", 50, {{9, 1, false}, {9, 1, false}, {9, 1, false}}, 0},
	};
	static struct machine_room room;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct snapshot *snapshot = fill(&room, 3);
		struct plan plan;

		for (size_t j = 0; j < 3; j++) {
			room.procs[j].facts.swap_bytes = rows[i].held[j].held_mib * MIB;
			room.procs[j].past.out_bytes = GIB;
			room.procs[j].past.out_since_ns = rows[i].held[j].since;
			room.procs[j].past.wanted = rows[i].held[j].wanted;
			room.procs[j].past.held_by = 3;
		}
		plan = restore(snapshot, rows[i].spare_mib * MIB);
		ck_assert_msg(plan.n_actions == (rows[i].chosen != RESTORE_NONE), "%s: %zu actions",
			      rows[i].name, plan.n_actions);
		if (rows[i].chosen == RESTORE_NONE)
			continue;
		ck_assert_msg(plan.actions[0].id.pid == 100 + rows[i].chosen, "%s: %d",
			      rows[i].name, plan.actions[0].id.pid);
		ck_assert_int_eq(plan.actions[0].verb, ACTION_RESTORE);
		ck_assert_uint_eq(plan.actions[0].bytes,
				  rows[i].held[rows[i].chosen].held_mib * MIB);
		ck_assert_uint_eq(plan.bytes, plan.actions[0].bytes);
		/* by the backend that holds it, not the one that would take it now */
		ck_assert_uint_eq(plan.actions[0].backend, 3);
	}
}
END_TEST

START_TEST(only_what_we_moved_out_comes_back)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 2);
	struct plan plan;

	room.procs[0].facts.swap_bytes = GIB; /* the kernel's doing */
	room.procs[1].facts.swap_bytes = GIB;
	room.procs[1].past.out_bytes = 100 * MIB;
	plan = restore(snapshot, 100 * MIB);
	ck_assert_uint_eq(plan.n_actions, 1);
	ck_assert_int_eq(plan.actions[0].id.pid, 101);
	ck_assert_uint_eq(plan.actions[0].bytes, 100 * MIB);
}
END_TEST

START_TEST(what_just_went_out_stays_out)
{
	static const struct {
		const char *name;
		uint64_t out_since_ns;
		bool wanted, back;
	} rows[] = {
		{"just moved out", LATER, false, false},
		{"a nanosecond early", LATER - 5 * MIN + 1, false, false},
		{"a cooldown ago", LATER - 5 * MIN, false, true},
		{"just moved out, and wanted", LATER, true, true},
	};
	static struct machine_room room;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct snapshot *snapshot = fill(&room, 1);
		struct plan plan;

		room.procs[0].facts.swap_bytes = room.procs[0].past.out_bytes = 10 * MIB;
		room.procs[0].past.out_since_ns = rows[i].out_since_ns;
		room.procs[0].past.wanted = rows[i].wanted;
		plan_restore(snapshot, 5 * MIN, GIB, &plan);
		ck_assert_msg(plan.n_actions == rows[i].back, "%s", rows[i].name);
	}
}
END_TEST

/* -- the next ones ------------------------------------------------------------------------ */

START_TEST(what_is_not_to_be_tried_yet_stays_out)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 1);
	struct proc *proc = &room.procs[0];

	proc->facts.swap_bytes = proc->past.out_bytes = 10 * MIB;
	proc->past.wanted = true;
	proc->past.retry_ns = LATER + 1;
	ck_assert_uint_eq(restore(snapshot, GIB).n_actions, 0);
	proc->past.retry_ns = LATER;
	ck_assert_uint_eq(restore(snapshot, GIB).n_actions, 1);
	proc->past.under_way = true;
	ck_assert_uint_eq(restore(snapshot, GIB).n_actions, 0);
}
END_TEST

START_TEST(next_includes_those_that_wait)
{
	static struct machine_room room;
	struct snapshot *snapshot = fill(&room, 8);
	struct idle_params params = default_idle_params();
	static const uint32_t expected[] = {2, 7, 5, 1, 4};
	uint32_t index[8];
	size_t n;

	room.procs[0].facts.flags |= PROC_PROTECTED;
	room.procs[1].past.idle_since_ns = LATER - 8 * MIN; /* backing off */
	room.procs[1].past.backoff = 3;
	room.procs[2].past.restored_ns = LATER - MIN;
	room.procs[2].reclaimable_bytes = GIB;
	room.procs[3].past.idle_since_ns = 0;		/* busy */
	room.procs[4].past.idle_since_ns = LATER - MIN; /* young */
	room.procs[5].reclaimable_bytes = 0;		/* spent */
	room.procs[6].backend = BACKEND_NONE;
	n = plan_next(snapshot, &params, index, ROWS(index));
	ck_assert_uint_eq(n, ROWS(expected));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(index[i] == expected[i], "place %zu: %u", i, index[i]);
}
END_TEST

START_TEST(next_keeps_the_best)
{
	static struct machine_room room;
	struct idle_params params = default_idle_params();
	struct series series = series_start(0x6e657874);

	for (int round = 0; round < 500; round++) {
		struct snapshot *snapshot = fill(&room, 1 + series_below(&series, 100));
		size_t cap = series_below(&series, 20), n;
		uint32_t all[PROCS_MAX], index[21];

		for (size_t i = 0; i < snapshot->n_procs; i++) {
			room.procs[i].past.idle_since_ns = LATER - series_below(&series, 40) * MIN;
			room.procs[i].reclaimable_bytes = series_below(&series, 5) * GIB;
		}
		index[cap] = UINT32_MAX; /* not ours to write */
		n = plan_next(snapshot, &params, index, cap);
		ck_assert_uint_eq(plan_next(snapshot, &params, all, PROCS_MAX), snapshot->n_procs);
		ck_assert_uint_eq(n, u64_min(cap, snapshot->n_procs));
		ck_assert_uint_eq(index[cap], UINT32_MAX);
		ck_assert_msg(memcmp(index, all, n * sizeof *index) == 0,
			      "round %d, seed %llx: not the best %zu", round,
			      (unsigned long long)series.seed, cap);
		for (size_t i = 1; i < snapshot->n_procs; i++)
			ck_assert_int_lt(rank_compare_out(&room.procs[all[i - 1]],
							  &room.procs[all[i]], LATER),
					 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		exact_amounts,
		actions_say_who_and_why,
		in_rank_order,
		room_of_each_backend,
		more_victims_than_actions,
		a_full_backend_leaves_the_others_their_turn,
		passed_over_adds_up,
		nobody_there,
		what_comes_back,
		only_what_we_moved_out_comes_back,
		what_just_went_out_stays_out,
		what_is_not_to_be_tried_yet_stays_out,
		next_includes_those_that_wait,
		next_keeps_the_best,
	};

	return RUN_TESTS("plan", tests);
}
