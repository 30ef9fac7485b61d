/* SPDX-License-Identifier: MIT */
#include "policy/swapsize.h"

#include "policy/fsm.h"
#include "policy/need.h"
#include "unit/builders.h"

#define PAGE (4 * KIB)

/* -- the rule -------------------------------------------------------------------------------- */

START_TEST(missing_and_spare)
{
	static const struct {
		const char *name;
		uint64_t total, free;
		unsigned percent;
		uint64_t missing, spare;
	} rows[] = {
		{"a tenth of 1000 free, 30 % wanted", 1000, 100, 30, 286, 0},
		{"exactly there", 1000, 300, 30, 0, 0},
		{"one short", 1000, 299, 30, 2, 0},
		{"one more", 1000, 301, 30, 0, 1},
		{"nothing free", 1000, 0, 30, 429, 0},
		{"all free", 1000, 1000, 30, 0, 1000},
		{"half, which is as much again", 1000, 0, 50, 1000, 0},
		{"99 %", 1000, 0, 99, 99000, 0},
		{"nothing wanted", 1000, 0, 0, 0, 0},
		{"nothing wanted, some free", 1000, 7, 0, 0, 7},
		{"nothing at all", 0, 0, 30, 0, 0},
		{"16 GiB, 19 % free", 16 * GIB, 16 * GIB / 100 * 19, 30, 2699693752, 0},
		{"saturates", UINT64_MAX, 0, 99, UINT64_MAX, 0},
		{"the largest, all free", UINT64_MAX, UINT64_MAX, 99, 0, UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ck_assert_msg(swapsize_missing_bytes(rows[i].total, rows[i].free,
						     rows[i].percent) == rows[i].missing,
			      "%s: missing %llu", rows[i].name,
			      (unsigned long long)swapsize_missing_bytes(
				      rows[i].total, rows[i].free, rows[i].percent));
		ck_assert_msg(swapsize_spare_bytes(rows[i].total, rows[i].free, rows[i].percent) ==
				      rows[i].spare,
			      "%s: spare", rows[i].name);
	}
}
END_TEST

static bool is_reached(uint64_t total, uint64_t free, unsigned percent)
{
	return (unsigned __int128)free * 100 >= (unsigned __int128)total * percent;
}

/* With what is missing the target is reached, with a byte less it isn't; likewise what is spare. */
START_TEST(exact_on_random_machines)
{
	struct series series = series_start(0x50a95ace);

	for (size_t round = 0; round < 100000; round++) {
		uint64_t total = 1 + series_below(&series, 1 + series_below(&series, 64 * TIB));
		uint64_t free = series_below(&series, total + 1);
		unsigned percent = (unsigned)series_below(&series, 100);
		uint64_t missing = swapsize_missing_bytes(total, free, percent);
		uint64_t spare = swapsize_spare_bytes(total, free, percent);

		ck_assert(is_reached(total + missing, free + missing, percent));
		ck_assert(missing == 0 ||
			  !is_reached(total + missing - 1, free + missing - 1, percent));
		ck_assert(missing == 0 || spare == 0);
		ck_assert(spare <= free);
		ck_assert(spare == 0 || is_reached(total - spare, free - spare, percent));
		ck_assert(spare == free || missing > 0 ||
			  !is_reached(total - spare - 1, free - spare - 1, percent));
	}
}
END_TEST

/* -- the size of an area --------------------------------------------------------------------- */

START_TEST(area_sizes)
{
	static const struct {
		const char *name;
		uint64_t wanted, min, max;
		unsigned reserve;
		uint64_t disk_total, disk_free, expected;
	} rows[] = {
		{"as wanted", 100 * MIB, 4 * MIB, TIB, 5, TIB, TIB / 2, 100 * MIB},
		{"rounded up to pages", 100 * MIB + 1, 4 * MIB, TIB, 5, TIB, TIB / 2,
		 100 * MIB + PAGE},
		{"no smaller than min", 1, 4 * MIB, TIB, 5, TIB, TIB / 2, 4 * MIB},
		{"min isn't whole pages", 1, 4 * MIB + 1, TIB, 5, TIB, TIB / 2, 4 * MIB + PAGE},
		{"no larger than max", 100 * MIB, 4 * MIB, 64 * MIB, 5, TIB, TIB / 2, 64 * MIB},
		{"max isn't whole pages", 100 * MIB, 4 * MIB, 64 * MIB + 1, 5, TIB, TIB / 2,
		 64 * MIB},
		{"what the disk can spare", 100 * MIB, 4 * MIB, TIB, 10, 400 * MIB, 90 * MIB,
		 50 * MIB},
		{"just min is left", 100 * MIB, 4 * MIB, TIB, 10, 400 * MIB, 44 * MIB, 4 * MIB},
		{"a byte less: none", 100 * MIB, 4 * MIB, TIB, 10, 400 * MIB, 44 * MIB - 1, 0},
		{"the reserve is gone already", 100 * MIB, 4 * MIB, TIB, 10, 400 * MIB, 39 * MIB,
		 0},
		{"no reserve", 100 * MIB, 4 * MIB, TIB, 0, 400 * MIB, 100 * MIB, 100 * MIB},
		{"a full disk", 100 * MIB, 4 * MIB, TIB, 0, 400 * MIB, 0, 0},
		{"all there is", UINT64_MAX, 4 * MIB, TIB, 0, TIB, TIB / 2, TIB / 2},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct swapspace_params params = {.min_bytes = rows[i].min,
							.max_bytes = rows[i].max,
							.reserve_percent = rows[i].reserve};
		const struct swapsize_disk disk = {rows[i].disk_total, rows[i].disk_free};
		uint64_t bytes = swapsize_area_bytes(rows[i].wanted, PAGE, &params, &disk);

		ck_assert_msg(bytes == rows[i].expected, "%s: %llu", rows[i].name,
			      (unsigned long long)bytes);
	}
}
END_TEST

/* -- who goes -------------------------------------------------------------------------------- */

START_TEST(room_in_memory)
{
	ck_assert_uint_eq(swapsize_room_bytes(GIB, GIB / 2, 25), GIB / 4);
	ck_assert_uint_eq(swapsize_room_bytes(GIB, GIB / 4, 25), 0);
	ck_assert_uint_eq(swapsize_room_bytes(GIB, 0, 25), 0);
	ck_assert_uint_eq(swapsize_room_bytes(GIB, GIB, 0), GIB);
}
END_TEST

START_TEST(who_is_retired)
{
	static const struct {
		const char *name;
		struct swapsize_area areas[3];
		size_t n;
		uint64_t spare, room;
		size_t expected;
	} rows[] = {
		{"nobody there", {{0}}, 0, TIB, TIB, 0},
		{"the only one", {{GIB, 0, false}}, 1, GIB, 0, 0},
		{"too large", {{GIB, 0, false}}, 1, GIB - 1, TIB, 1},
		{"fits just so", {{GIB, MIB, false}}, 1, GIB, MIB, 0},
		{"its content doesn't fit", {{GIB, MIB, false}}, 1, GIB, MIB - 1, 1},
		{"it is to stay", {{GIB, 0, true}}, 1, TIB, TIB, 1},
		{"the least content first",
		 {{GIB, 3, false}, {MIB, 1, false}, {GIB, 2, false}},
		 3,
		 TIB,
		 TIB,
		 1},
		{"then the largest",
		 {{MIB, 0, false}, {GIB, 0, false}, {2 * MIB, 0, false}},
		 3,
		 TIB,
		 TIB,
		 1},
		{"the largest that fits",
		 {{MIB, 0, false}, {GIB, 0, false}, {2 * MIB, 0, false}},
		 3,
		 GIB - 1,
		 TIB,
		 2},
		{"alike: the first", {{MIB, 0, false}, {MIB, 0, false}}, 2, TIB, TIB, 0},
		{"all but the fixed", {{MIB, 0, true}, {MIB, 9, false}}, 2, TIB, TIB, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(swapsize_retire(rows[i].areas, rows[i].n, rows[i].spare,
					      rows[i].room) == rows[i].expected,
			      "%s", rows[i].name);
}
END_TEST

/* -- the machine over it, by a script of facts ------------------------------------------------ */

static struct machine_params swapspace_machine(void)
{
	struct machine_params params = default_machine_params();

	params.cooldown_ns = params.cooldown_max_ns = 10 * NS_PER_MIN;
	return params;
}

/* A machine of 1000 MiB; its swap is one area of our own after the other. */
START_TEST(transitions_and_sizes)
{
	static const struct {
		const char *name;
		uint64_t minutes, total_mib, free_mib, held_mib;
		enum machine_state to;
		enum machine_effect effect;
		uint64_t size_kib; /* of the area that is made */
	} rows[] = {
		{"start", 0, 1000, 400, 0, STATE_STEADY, EFFECT_NONE, 0},
		{"just not short", 1, 1000, 200, 0, STATE_STEADY, EFFECT_NONE, 0},
		/* (0.3 * 1000 - 190) / 0.7 = 157.14 MiB */
		{"short", 2, 1000, 190, 0, STATE_HUNGRY, EFFECT_RECLAIM, 160916},
		{"it is there", 3, 1157, 347, 157, STATE_HUNGRY, EFFECT_NONE, 0},
		{"more is used", 4, 1157, 231, 157, STATE_HUNGRY, EFFECT_RECLAIM, 169840},
		{"plenty, too soon", 9, 1323, 900, 323, STATE_HUNGRY, EFFECT_NONE, 0},
		{"the cooldown is over", 14, 1323, 900, 323, STATE_STEADY, EFFECT_NONE, 0},
		{"plenty", 15, 1323, 900, 323, STATE_OVERFED, EFFECT_NONE, 0},
		{"short plenty", 16, 1323, 700, 323, STATE_STEADY, EFFECT_NONE, 0},
		{"plenty again", 17, 1323, 900, 166, STATE_OVERFED, EFFECT_NONE, 0},
		{"a whole cooldown of it", 27, 1323, 900, 166, STATE_STEADY, EFFECT_RESTORE, 0},
		{"the next one", 28, 1157, 735, 157, STATE_OVERFED, EFFECT_NONE, 0},
		{"goes as well", 38, 1157, 735, 157, STATE_STEADY, EFFECT_RESTORE, 0},
		{"none left", 49, 1000, 700, 0, STATE_STEADY, EFFECT_NONE, 0},
		{"short, and the disk is full", 50, 1000, 100, 0, STATE_HUNGRY, EFFECT_RECLAIM,
		 292572},
		{"so it says", 51, 1000, 100, 0, STATE_DIET, EFFECT_NONE, 0},
		{"diet", 52, 1000, 100, 0, STATE_DIET, EFFECT_NONE, 0},
		{"to its end", 61, 1000, 100, 0, STATE_STEADY, EFFECT_NONE, 0},
		{"and again", 62, 1000, 100, 0, STATE_HUNGRY, EFFECT_RECLAIM, 292572},
	};
	const struct machine_params params = swapspace_machine();
	const struct swapspace_params space = {.min_bytes = 4 * MIB, .max_bytes = TIB};
	const struct swapsize_disk disk = {TIB, TIB};
	struct machine machine = machine_start(LATER, &params);

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t total = rows[i].total_mib * MIB, free = rows[i].free_mib * MIB;
		const struct machine_facts facts = {
			.now_ns = LATER + rows[i].minutes * NS_PER_MIN,
			.need_bytes = need_bytes(total, free, 0, &params),
			.held_bytes = rows[i].held_mib * MIB,
			.diet_requested = rows[i].minutes == 51,
		};
		struct machine_step step = machine_step(&machine, &facts, &params);
		uint64_t size =
			step.effect == EFFECT_RECLAIM
				? swapsize_area_bytes(swapsize_missing_bytes(total, free, 30), PAGE,
						      &space, &disk)
				: 0;

		ck_assert_msg(step.to == rows[i].to, "%s: %s", rows[i].name,
			      machine_state_word(step.to));
		ck_assert_msg(step.effect == rows[i].effect, "%s: effect %d", rows[i].name,
			      step.effect);
		ck_assert_msg(size == rows[i].size_kib * KIB, "%s: %llu KiB", rows[i].name,
			      (unsigned long long)(size / KIB));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		missing_and_spare, exact_on_random_machines, area_sizes,
		room_in_memory,	   who_is_retired,	     transitions_and_sizes,
	};

	return RUN_TESTS("swapsize", tests);
}
