/* SPDX-License-Identifier: MIT */
#include "policy/idle.h"

#include "unit/builders.h"

#define S NS_PER_S
#define MIN NS_PER_MIN
#define COOLDOWN (5 * NS_PER_MIN)

/* -- observing ---------------------------------------------------------------------------- */

/* Seen at LATER for the first time, with 1000 s of CPU time. */
static struct proc_history seen_once(const struct idle_params *params)
{
	struct proc_facts facts = {.cpu_ns = 1000 * S, .mm_tag = 1};
	struct proc_history past = {0};

	idle_observe(&past, &facts, LATER, params);
	return past;
}

static void observe(struct proc_history *past, uint64_t now_ns, uint64_t cpu_ns)
{
	struct idle_params params = default_idle_params();
	struct proc_facts facts = {.cpu_ns = cpu_ns, .mm_tag = 1};

	idle_observe(past, &facts, now_ns, &params);
}

START_TEST(one_look_says_nothing)
{
	struct idle_params params = default_idle_params();
	struct proc_history past = seen_once(&params);

	ck_assert_uint_eq(past.idle_since_ns, 0);
	ck_assert_uint_eq(idle_ns(&past, LATER + 100 * MIN), 0);
	ck_assert_uint_eq(past.seen_ns, LATER);
	ck_assert_uint_eq(past.cpu_ns, 1000 * S);
	ck_assert_uint_eq(past.mm_tag, 1);
}
END_TEST

START_TEST(the_threshold)
{
	static const struct {
		const char *name;
		unsigned permyriad;
		uint64_t interval_ns, used_ns;
		bool idle;
	} rows[] = {
		{"nothing used", 100, 60 * S, 0, true},
		{"half of it", 100, 60 * S, 300 * NS_PER_MS, true},
		{"a nanosecond under it", 100, 60 * S, 600 * NS_PER_MS - 1, true},
		{"exactly it", 100, 60 * S, 600 * NS_PER_MS, false},
		{"over it", 100, 60 * S, 600 * NS_PER_MS + 1, false},
		{"all of one CPU", 100, 60 * S, 60 * S, false},
		{"many threads", 100, 60 * S, 600 * S, false},
		{"0.01 %, a tick in a minute", 1, 60 * S, 10 * NS_PER_MS, false},
		{"0.01 %, a tick in two minutes: too early to tell", 1, 120 * S, 10 * NS_PER_MS,
		 false},
		{"0.01 %, a tick in three minutes", 1, 180 * S, 10 * NS_PER_MS, true},
		{"100 %, nearly", 10000, 60 * S, 60 * S - 1, true},
		{"100 %", 10000, 60 * S, 60 * S, false},
		{"under a tick, nothing used", 100, 5 * NS_PER_MS, 0, true},
		{"a tick where less than one was allowed", 100, 5 * NS_PER_MS, 10 * NS_PER_MS,
		 false},
		{"a tick in a second: too early to tell", 100, S, 10 * NS_PER_MS, false},
		{"a tick in two seconds", 100, 2 * S, 10 * NS_PER_MS, true},
		{"two ticks in two seconds: one of them by chance", 100, 2 * S, 20 * NS_PER_MS,
		 true},
		{"three ticks in two seconds", 100, 2 * S, 30 * NS_PER_MS, false},
		{"two ticks in a second", 100, S, 20 * NS_PER_MS, false},
		{"one nanosecond, nothing used", 100, 1, 0, true},
		{"one nanosecond, one used: too early to tell", 100, 1, 1, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_facts facts = {.cpu_ns = 1000 * S + rows[i].used_ns, .mm_tag = 1};
		uint64_t now_ns = LATER + rows[i].interval_ns;
		struct proc_history past;

		params.idle_cpu_permyriad = rows[i].permyriad;
		past = seen_once(&params);
		idle_observe(&past, &facts, now_ns, &params);
		ck_assert_msg(idle_ns(&past, now_ns) == (rows[i].idle ? rows[i].interval_ns : 0),
			      "%s: idle for %llu ns", rows[i].name,
			      (unsigned long long)idle_ns(&past, now_ns));
	}
}
END_TEST

/* CPU time comes in ticks of 10 ms: looked at every second, a program that uses 0.9 % of a CPU
 * shows one in nearly each of them. It is idle all the same, and one that uses 2 % isn't. */
START_TEST(ticks_in_short_intervals)
{
	struct idle_params params = default_idle_params();
	struct proc_history light = seen_once(&params), heavy = seen_once(&params);

	for (uint64_t second = 1; second <= 300; second++) {
		uint64_t now_ns = LATER + second * S;

		observe(&light, now_ns, 1000 * S + second * 9 / 10 * 10 * NS_PER_MS);
		observe(&heavy, now_ns, 1000 * S + second * 20 * NS_PER_MS);
		ck_assert_uint_eq(heavy.idle_since_ns, 0);
	}
	ck_assert_uint_ge(idle_ns(&light, LATER + 300 * S), 290 * S);
}
END_TEST

START_TEST(idle_time_begins_with_the_first_idle_interval)
{
	struct idle_params params = default_idle_params();
	struct proc_history past = seen_once(&params);

	observe(&past, LATER + 60 * S, 1030 * S); /* busy */
	ck_assert_uint_eq(past.idle_since_ns, 0);
	observe(&past, LATER + 120 * S, 1030 * S);
	ck_assert_uint_eq(past.idle_since_ns, LATER + 60 * S);
	observe(&past, LATER + 180 * S, 1030 * S);
	ck_assert_uint_eq(past.idle_since_ns, LATER + 60 * S);
	ck_assert_uint_eq(idle_ns(&past, LATER + 180 * S), 120 * S);
	observe(&past, LATER + 240 * S, 1060 * S); /* busy again */
	ck_assert_uint_eq(idle_ns(&past, LATER + 240 * S), 0);
	observe(&past, LATER + 300 * S, 1060 * S);
	ck_assert_uint_eq(idle_ns(&past, LATER + 300 * S), 60 * S);
}
END_TEST

START_TEST(two_looks_at_one_time_are_one)
{
	struct idle_params params = default_idle_params();
	struct proc_history past = seen_once(&params), before;

	observe(&past, LATER + 60 * S, 1000 * S);
	before = past;
	observe(&past, LATER + 60 * S, 1000 * S);
	ck_assert_uint_eq(past.idle_since_ns, before.idle_since_ns);
	/* what was used shows in the next interval, and isn't lost */
	observe(&past, LATER + 60 * S, 1050 * S);
	observe(&past, LATER + 61 * S, 1050 * S);
	ck_assert_uint_eq(past.idle_since_ns, 0);
}
END_TEST

/* Over a gap nobody could use the program, so it proves no more than three scan intervals. */
START_TEST(gaps)
{
	static const struct {
		const char *name;
		uint64_t idle_before_ns, gap_ns, expected_ns;
	} rows[] = {
		{"three intervals are no gap", 0, 3 * MIN, 3 * MIN},
		{"a nanosecond more", 0, 3 * MIN + 1, 3 * MIN},
		{"a night", 0, 8 * NS_PER_H, 3 * MIN},
		{"three intervals, idle before", 10 * MIN, 3 * MIN, 13 * MIN},
		{"a night, idle before", 10 * MIN, 8 * NS_PER_H, 13 * MIN},
		{"a year, idle before", 10 * MIN, 8766 * NS_PER_H, 13 * MIN},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_history past = seen_once(&params);
		uint64_t now_ns = LATER;

		for (; now_ns < LATER + rows[i].idle_before_ns; now_ns += MIN)
			observe(&past, now_ns + MIN, 1000 * S);
		now_ns += rows[i].gap_ns;
		observe(&past, now_ns, 1000 * S);
		ck_assert_msg(idle_ns(&past, now_ns) == rows[i].expected_ns, "%s: %llu s",
			      rows[i].name, (unsigned long long)(idle_ns(&past, now_ns) / S));
	}
}
END_TEST

/* Whatever the longest interval is: what is usual is no gap. */
START_TEST(any_interval_may_be_the_longest)
{
	static const uint64_t intervals[][3] = {
		{S, S, S}, {MIN, S, S}, {S, MIN, S}, {S, S, MIN}, {0, 0, 0}};

	for (size_t i = 0; i < ROWS(intervals); i++) {
		struct idle_params params = default_idle_params();
		uint64_t longest =
			u64_max(u64_max(intervals[i][0], intervals[i][1]), intervals[i][2]);
		struct proc_facts facts = {.cpu_ns = 1000 * S, .mm_tag = 1};
		struct proc_history past = {0};
		uint64_t now_ns = LATER;

		params.scan_interval_ns = intervals[i][0];
		params.scan_interval_near_ns = intervals[i][1];
		params.tick_ns = intervals[i][2];
		for (int looks = 0; looks <= 10; looks++, now_ns += longest)
			idle_observe(&past, &facts, now_ns, &params);
		now_ns -= longest;
		ck_assert_uint_eq(idle_ns(&past, now_ns), 10 * longest);
		idle_observe(&past, &facts, now_ns + 8 * NS_PER_H, &params);
		ck_assert_uint_eq(idle_ns(&past, now_ns + 8 * NS_PER_H), 13 * longest);
	}
}
END_TEST

/* Busy until the lid closed: a long sleep must not thin that out until it looks like idleness. */
START_TEST(busy_around_a_gap)
{
	static const struct {
		const char *name;
		uint64_t gap_ns, used_ns;
		bool idle;
	} rows[] = {
		{"a minute of work, then a night", 8 * NS_PER_H, 60 * S, false},
		{"two seconds of work, then a night", 8 * NS_PER_H, 2 * S, false},
		{"1 % of three intervals", 8 * NS_PER_H, 1800 * NS_PER_MS, false},
		{"a tick, then a night", 8 * NS_PER_H, 10 * NS_PER_MS, true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_history past = seen_once(&params);

		observe(&past, LATER + MIN, 1000 * S);
		observe(&past, LATER + MIN + rows[i].gap_ns, 1000 * S + rows[i].used_ns);
		ck_assert_msg((past.idle_since_ns != 0) == rows[i].idle, "%s", rows[i].name);
	}
}
END_TEST

START_TEST(whatever_goes_back_starts_afresh)
{
	static const struct {
		const char *name;
		uint64_t now_ns, cpu_ns;
	} rows[] = {
		{"the clock", LATER + MIN - 1, 1000 * S},
		{"the clock, far", 1, 1000 * S},
		{"CPU time", LATER + 2 * MIN, 1000 * S - 1},
		{"CPU time, wrapped", LATER + 2 * MIN, 0},
		{"both", LATER, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_history past = seen_once(&params);

		observe(&past, LATER + MIN, 1000 * S);
		ck_assert_uint_ne(past.idle_since_ns, 0);
		past.out_bytes = GIB;
		past.backoff = 3;
		observe(&past, rows[i].now_ns, rows[i].cpu_ns);
		ck_assert_msg(past.idle_since_ns == 0, "%s: still idle", rows[i].name);
		ck_assert_msg(past.seen_ns == rows[i].now_ns && past.cpu_ns == rows[i].cpu_ns,
			      "%s: not taken", rows[i].name);
		ck_assert_msg(past.out_bytes == GIB && past.backoff == 3, "%s: forgets too much",
			      rows[i].name);
		observe(&past, rows[i].now_ns + MIN, rows[i].cpu_ns);
		ck_assert_msg(idle_ns(&past, rows[i].now_ns + MIN) == MIN, "%s: never idle again",
			      rows[i].name);
	}
}
END_TEST

START_TEST(exec_is_another_program)
{
	static const struct {
		const char *name;
		uint64_t cpu_ns;
		uint64_t mm_tag;
	} rows[] = {
		{"at rest", 1000 * S, 2},
		{"busy", 1020 * S, 2},
		{"not permitted any more", 1000 * S, 0},
		{"and CPU time went back", 999 * S, 2},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_facts facts = {.cpu_ns = rows[i].cpu_ns, .mm_tag = rows[i].mm_tag};
		struct proc_history past = seen_once(&params);

		observe(&past, LATER + MIN, 1000 * S);
		past.out_bytes = GIB;
		past.wanted = true;
		past.retry_ns = LATER + NS_PER_H;
		idle_observe(&past, &facts, LATER + 2 * MIN, &params);
		ck_assert_msg(past.idle_since_ns == 0, "%s: still idle", rows[i].name);
		ck_assert_msg(past.out_bytes == 0 && !past.wanted, "%s: holds memory that is gone",
			      rows[i].name);
		ck_assert_msg(past.retry_ns == 0, "%s: pays for the old one", rows[i].name);
		ck_assert_msg(past.mm_tag == rows[i].mm_tag, "%s: tag", rows[i].name);
	}
}
END_TEST

START_TEST(idle_time_never_runs_backwards)
{
	struct proc_history past = {.idle_since_ns = LATER};

	ck_assert_uint_eq(idle_ns(&past, LATER), 0);
	ck_assert_uint_eq(idle_ns(&past, LATER - 1), 0);
	ck_assert_uint_eq(idle_ns(&past, UINT64_MAX), UINT64_MAX - LATER);
}
END_TEST

/* However it is looked at, idle time is never more than what passed since it was last busy. */
START_TEST(random_looks)
{
	struct series series = series_start(0x69646c65);
	struct idle_params params = default_idle_params();

	for (int round = 0; round < 200; round++) {
		struct proc_history past = {0};
		struct proc_facts facts = {.mm_tag = 1};
		uint64_t now_ns = 1 + series_next(&series) % LATER, first_ns = now_ns;
		uint64_t busy_ns = now_ns;

		for (int look = 0; look < 200; look++) {
			idle_observe(&past, &facts, now_ns, &params);
			ck_assert_msg(idle_ns(&past, now_ns) <= now_ns - first_ns,
				      "seed %llx, round %d: idle before its first sight",
				      (unsigned long long)series.seed, round);
			ck_assert_msg(idle_ns(&past, now_ns) <= now_ns - busy_ns,
				      "seed %llx, round %d: idle while busy",
				      (unsigned long long)series.seed, round);
			now_ns += series_below(&series, 5 * MIN);
			if (series_below(&series, 8) == 0) {
				facts.cpu_ns += 10 * S;
				busy_ns = now_ns;
			}
		}
	}
}
END_TEST

/* -- its own minimum ---------------------------------------------------------------------- */

START_TEST(minimum_doubles_up_to_the_maximum)
{
	static const struct {
		uint64_t min_ns, max_ns;
		uint8_t backoff;
		uint64_t expected_ns;
	} rows[] = {
		{2 * MIN, 60 * MIN, 0, 2 * MIN},
		{2 * MIN, 60 * MIN, 1, 4 * MIN},
		{2 * MIN, 60 * MIN, 2, 8 * MIN},
		{2 * MIN, 60 * MIN, 4, 32 * MIN},
		{2 * MIN, 60 * MIN, 5, 60 * MIN},
		{2 * MIN, 60 * MIN, 6, 60 * MIN},
		{2 * MIN, 60 * MIN, 16, 60 * MIN},
		{2 * MIN, 60 * MIN, 64, 60 * MIN}, /* no shift by as many bits as there are */
		{2 * MIN, 60 * MIN, 255, 60 * MIN},
		{2 * MIN, 64 * MIN, 5, 64 * MIN}, /* exactly */
		{2 * MIN, 64 * MIN, 6, 64 * MIN},
		{2 * MIN, 0, 0, 2 * MIN}, /* a maximum under it is none */
		{2 * MIN, 0, 3, 2 * MIN},
		{2 * MIN, MIN, 255, 2 * MIN},
		{168 * NS_PER_H, 168 * NS_PER_H, 5, 168 * NS_PER_H},
		{S, 168 * NS_PER_H, 15, 32768 * S},
		{S, 168 * NS_PER_H, 16, 65536 * S},
		{0, 60 * MIN, 0, 0},
		{UINT64_MAX, UINT64_MAX, 1, UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = {.min_idle_ns = rows[i].min_ns,
					     .backoff_max_ns = rows[i].max_ns};
		struct proc_history past = {.backoff = rows[i].backoff};
		uint64_t minimum_ns = idle_minimum_ns(&past, &params);

		ck_assert_msg(minimum_ns == rows[i].expected_ns, "row %zu: %llu s", i,
			      (unsigned long long)(minimum_ns / S));
	}
}
END_TEST

/* -- judging ------------------------------------------------------------------------------ */

#define OUT (64 * MIB) /* an eighth of it is 8 MiB */

/* 64 MiB of it were moved out at LATER, and 100 major faults seen by then. */
static struct proc_history moved_out(void)
{
	struct proc_facts facts = {.swap_bytes = OUT, .major_faults = 100};
	struct proc_history past = {.idle_since_ns = LATER - 10 * MIN};

	idle_note_out(&past, &facts, OUT, LATER);
	return past;
}

static bool judge(struct proc_history *past, uint64_t now_ns, uint64_t swap_bytes, uint64_t faults)
{
	struct idle_params params = default_idle_params();
	struct proc_facts facts = {.swap_bytes = swap_bytes, .major_faults = faults};

	return idle_judge(past, &facts, now_ns, COOLDOWN, &params);
}

START_TEST(judged_by_what_came_back)
{
	static const struct {
		const char *name;
		uint64_t after_ns, swap_bytes, faults;
		bool wrong, wanted;
		uint64_t out_bytes;
	} rows[] = {
		{"nothing came back", MIN, OUT, 100, false, false, OUT},
		{"an eighth", MIN, OUT - 8 * MIB, 101, true, true, OUT - 8 * MIB},
		{"a byte less", MIN, OUT - 8 * MIB + 1, 101, false, false, OUT},
		{"all of it", MIN, 0, 5000, true, true, 0},
		{"less swap without a fault: it gave the memory up", MIN, 0, 100, false, false, 0},
		{"gave half of it up", MIN, OUT / 2, 100, false, false, OUT / 2},
		{"gave it up long after", 100 * MIN, 0, 100, false, false, 0},
		{"gave up next to nothing", MIN, OUT - MIB, 100, false, false, OUT},
		{"faults, but of files", MIN, OUT, 5000, false, false, OUT},
		{"fault count went back", MIN, 0, 99, false, false, 0},
		{"more swapped by the kernel", MIN, 2 * OUT, 101, false, false, OUT},
		{"a nanosecond before the window ends", COOLDOWN - 1, 0, 101, true, true, 0},
		{"as the window ends", COOLDOWN, 0, 101, false, true, 0},
		{"long after", 100 * MIN, 0, 101, false, true, 0},
		{"at once", 0, 0, 101, true, true, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_history past = moved_out();
		uint64_t now_ns = LATER + rows[i].after_ns;
		bool wrong = judge(&past, now_ns, rows[i].swap_bytes, rows[i].faults);

		ck_assert_msg(wrong == rows[i].wrong, "%s: verdict", rows[i].name);
		ck_assert_msg(past.wanted == rows[i].wanted, "%s: wanted", rows[i].name);
		ck_assert_msg(past.backoff == rows[i].wrong, "%s: backoff", rows[i].name);
		ck_assert_msg(past.wrong_count == rows[i].wrong, "%s: count", rows[i].name);
		ck_assert_msg(past.wrong_ns == (rows[i].wrong ? now_ns : 0), "%s: time",
			      rows[i].name);
		ck_assert_msg(past.out_bytes == rows[i].out_bytes, "%s: %llu still out",
			      rows[i].name, (unsigned long long)past.out_bytes);
	}
}
END_TEST

/* What is still in the swap cache comes back without a read, and counts all the same. */
START_TEST(judged_by_what_came_from_the_swap_cache)
{
	struct idle_params params = default_idle_params();
	struct proc_facts facts = {.swap_bytes = 0, .major_faults = 100, .anon_bytes = OUT / 2};
	struct proc_history back = moved_out(), freed = moved_out();

	ck_assert(idle_judge(&back, &facts, LATER + MIN, COOLDOWN, &params));
	facts.anon_bytes--;
	ck_assert(!idle_judge(&freed, &facts, LATER + MIN, COOLDOWN, &params));
}
END_TEST

START_TEST(judged_by_no_less_than_a_mebibyte)
{
	static const struct {
		uint64_t out_bytes, back_bytes;
		bool wrong;
	} rows[] = {
		{2 * MIB, MIB - 1, false}, /* an eighth is less, but a mebibyte is the least */
		{2 * MIB, MIB, true},	   {8 * MIB, MIB - 1, false}, {8 * MIB, MIB, true},
		{16 * MIB, MIB, false},	   {16 * MIB, 2 * MIB, true}, {MIB / 2, MIB / 2, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_facts facts = {.swap_bytes = rows[i].out_bytes};
		struct proc_history past = {0};

		idle_note_out(&past, &facts, rows[i].out_bytes, LATER);
		ck_assert_msg(judge(&past, LATER + MIN, rows[i].out_bytes - rows[i].back_bytes,
				    1) == rows[i].wrong,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(window_is_the_longer_of_minimum_and_cooldown)
{
	static const struct {
		uint8_t backoff;
		uint64_t cooldown_ns, window_ns;
	} rows[] = {
		{0, 5 * MIN, 5 * MIN},	{0, MIN, 2 * MIN},	 {2, 5 * MIN, 8 * MIN},
		{5, 5 * MIN, 60 * MIN}, {0, 60 * MIN, 60 * MIN}, {0, 0, 2 * MIN},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_facts back = {.swap_bytes = 0, .major_faults = 101};
		struct proc_history early = moved_out(), late = moved_out();

		/* a wrong choice not long ago, so that nothing is forgiven */
		early.backoff = late.backoff = rows[i].backoff;
		early.wrong_ns = late.wrong_ns = LATER;
		params.backoff_forgive_ns = 1000 * NS_PER_H;
		ck_assert_msg(idle_judge(&early, &back, LATER + rows[i].window_ns - 1,
					 rows[i].cooldown_ns, &params),
			      "row %zu, just within", i);
		ck_assert_msg(!idle_judge(&late, &back, LATER + rows[i].window_ns,
					  rows[i].cooldown_ns, &params),
			      "row %zu, just out", i);
	}
}
END_TEST

/* Given up first, taken back later: only the latter counts, from what was out then. */
START_TEST(given_up_then_taken_back)
{
	struct proc_history past = moved_out();

	ck_assert(!judge(&past, LATER + MIN, OUT / 2, 100));
	ck_assert(!judge(&past, LATER + MIN + S, OUT / 2 - 4 * MIB + 1, 101));
	ck_assert(judge(&past, LATER + MIN + 2 * S, OUT / 2 - 4 * MIB, 101));
	ck_assert_uint_eq(past.out_bytes, OUT / 2 - 4 * MIB);
}
END_TEST

/* Memory comes back bit by bit: that is still one mistake. */
START_TEST(each_page_out_is_judged_wrong_once)
{
	static const struct {
		const char *name;
		uint8_t backoff;
		uint64_t cooldown_ns, uptime_ns, between_ns;
	} rows[] = {
		{"long up, cooldown is longer", 0, 5 * MIN, LATER, 30 * S},
		{"long up, minimum is longer and has just doubled", 2, 5 * MIN, LATER, 30 * S},
		{"long up, looked at every second", 3, S, LATER, S},
		{"just booted, window longer than that", 0, 60 * MIN, 5 * MIN, 30 * S},
		{"just booted, backing off", 3, 5 * MIN, 5 * MIN, 30 * S},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct idle_params params = default_idle_params();
		struct proc_facts facts = {.swap_bytes = OUT, .major_faults = 100};
		struct proc_history past = {.backoff = rows[i].backoff,
					    .wrong_ns = rows[i].uptime_ns};
		uint64_t now_ns = rows[i].uptime_ns;
		int wrong = 0;

		idle_note_out(&past, &facts, OUT, now_ns);
		while (facts.swap_bytes > 0) {
			now_ns += rows[i].between_ns;
			facts.swap_bytes -= 16 * MIB;
			facts.major_faults += 1000;
			wrong += idle_judge(&past, &facts, now_ns, rows[i].cooldown_ns, &params);
			ck_assert_msg(past.wanted, "%s: not wanted", rows[i].name);
		}
		ck_assert_msg(wrong == 1, "%s: judged wrong %d times", rows[i].name, wrong);
		ck_assert_msg(past.backoff == rows[i].backoff + 1, "%s: backoff %u", rows[i].name,
			      past.backoff);
		ck_assert_msg(past.out_bytes == 0, "%s: holds %llu", rows[i].name,
			      (unsigned long long)past.out_bytes);
		/* the next page-out is judged anew */
		facts.swap_bytes = OUT;
		idle_note_out(&past, &facts, OUT, now_ns + 1);
		facts.swap_bytes = 0;
		facts.major_faults++;
		ck_assert_msg(idle_judge(&past, &facts, now_ns + 2, rows[i].cooldown_ns, &params),
			      "%s: the next is not judged", rows[i].name);
	}
}
END_TEST

/* Which one was moved out last decides who comes back first: a verdict doesn't change that. */
START_TEST(a_verdict_leaves_the_time_of_the_page_out)
{
	struct proc_history past = moved_out();

	ck_assert(judge(&past, LATER + MIN, OUT / 2, 101));
	ck_assert_uint_eq(past.out_since_ns, LATER);
	ck_assert_uint_eq(past.out_bytes, OUT / 2);
}
END_TEST

/* However often it is looked at: the one before the restore is a look as well. */
START_TEST(wanted_until_there_is_nothing_to_want)
{
	struct proc_history past = moved_out(), again;

	ck_assert(!past.wanted);
	judge(&past, LATER + MIN, OUT / 2, 200);
	ck_assert(past.wanted);
	for (uint64_t i = 2; i < 10; i++)
		judge(&past, LATER + i * MIN, OUT / 2, 200);
	ck_assert(past.wanted);
	again = past;
	judge(&past, LATER + 10 * MIN, 0, 300);
	judge(&past, LATER + 11 * MIN, 0, 300);
	ck_assert(!past.wanted);
	judge(&again, LATER + 10 * MIN, 0, 200); /* given up */
	judge(&again, LATER + 11 * MIN, 0, 200);
	ck_assert(!again.wanted);
}
END_TEST

START_TEST(nothing_out_nothing_to_judge)
{
	struct proc_history past = {.wanted = true};

	ck_assert(!judge(&past, LATER, 0, 1000));
	ck_assert(!past.wanted);
	ck_assert_uint_eq(past.wrong_count, 0);
}
END_TEST

START_TEST(backoff_stops_at_the_maximum)
{
	struct proc_history past = {0};
	struct proc_facts facts = {0};
	uint64_t now_ns = LATER;

	for (int i = 0; i < 300; i++) {
		facts.swap_bytes = OUT;
		idle_note_out(&past, &facts, OUT, now_ns);
		now_ns += S;
		ck_assert_msg(judge(&past, now_ns, 0, ++facts.major_faults), "time %d", i);
		ck_assert_uint_eq(past.backoff, (unsigned)u64_min((uint64_t)i + 1, 5));
		ck_assert_uint_eq(past.wrong_ns, now_ns);
	}
	ck_assert_uint_eq(past.wrong_count, UINT8_MAX); /* 300 would have wrapped to 44 */
}
END_TEST

/* A minimum of 0 doubled is still 0; wrong choices have to keep it off all the same, step by step.
 */
START_TEST(backoff_without_a_minimum)
{
	struct idle_params params = default_idle_params();
	struct proc_history past = {0};
	struct proc_facts facts = {0};
	uint64_t before_ns = 0, now_ns = LATER;

	params.min_idle_ns = 0;
	for (int i = 0; i < 20; i++) {
		uint64_t minimum_ns;

		facts.swap_bytes = OUT;
		idle_note_out(&past, &facts, OUT, now_ns);
		facts.swap_bytes = 0;
		facts.major_faults++;
		ck_assert(idle_judge(&past, &facts, ++now_ns, COOLDOWN, &params));
		minimum_ns = idle_minimum_ns(&past, &params);
		ck_assert_msg(minimum_ns > before_ns || minimum_ns == params.backoff_max_ns,
			      "wrong choice %d changes nothing", i + 1);
		ck_assert_msg(i == 0 || minimum_ns <= 2 * before_ns,
			      "choice %d: %llu s after %llu s", i + 1,
			      (unsigned long long)(minimum_ns / S),
			      (unsigned long long)(before_ns / S));
		before_ns = minimum_ns;
	}
	ck_assert_uint_eq(before_ns, params.backoff_max_ns);
}
END_TEST

START_TEST(forgiven_slowly)
{
	static const struct {
		uint64_t after_ns;
		uint8_t backoff;
	} rows[] = {
		{0, 3},
		{NS_PER_H - 1, 3},
		{NS_PER_H, 2},
		{2 * NS_PER_H - 1, 2},
		{2 * NS_PER_H, 1},
		{3 * NS_PER_H, 0},
		{1000 * NS_PER_H, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_history past = {.backoff = 3, .wrong_ns = LATER, .wrong_count = 3};
		struct proc_history often = past;

		judge(&past, LATER + rows[i].after_ns, 0, 0);
		ck_assert_msg(past.backoff == rows[i].backoff, "row %zu: %u", i, past.backoff);
		ck_assert_uint_eq(past.wrong_count, 3); /* the record stays */
		for (uint64_t ns = 0; ns <= u64_min(rows[i].after_ns, 5 * NS_PER_H); ns += MIN)
			judge(&often, LATER + ns, 0, 0);
		judge(&often, LATER + rows[i].after_ns, 0, 0);
		ck_assert_msg(often.backoff == rows[i].backoff, "row %zu, looked at often: %u", i,
			      often.backoff);
	}
}
END_TEST

START_TEST(a_wrong_choice_delays_forgiveness)
{
	struct proc_history past = moved_out();

	past.backoff = 1;
	past.wrong_ns = LATER - NS_PER_H + MIN;
	ck_assert(judge(&past, LATER + MIN - 1, 0, 101));
	ck_assert_uint_eq(past.backoff, 2);
	judge(&past, LATER + NS_PER_H, 0, 101);
	ck_assert_uint_eq(past.backoff, 2);
	judge(&past, LATER + MIN - 1 + NS_PER_H, 0, 101);
	ck_assert_uint_eq(past.backoff, 1);
}
END_TEST

/* -- noting what was done ----------------------------------------------------------------- */

START_TEST(note_out)
{
	static const struct {
		const char *name;
		uint64_t before, moved, swap, expected;
	} rows[] = {
		{"first", 0, OUT, OUT, OUT},
		{"more", OUT, OUT, 2 * OUT, 2 * OUT},
		{"never more than is in swap", OUT, OUT, OUT + MIB, OUT + MIB},
		{"some was the kernel's", 0, OUT, 5 * OUT, OUT},
		{"nothing moved", OUT, 0, OUT, OUT},
		{"nothing there", 0, OUT, 0, 0},
		{"saturates", UINT64_MAX, OUT, UINT64_MAX, UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_history past = {.out_bytes = rows[i].before, .wanted = true};
		struct proc_facts facts = {.swap_bytes = rows[i].swap, .major_faults = 7};
		struct proc proc = {.facts = facts};

		idle_note_out(&past, &facts, rows[i].moved, LATER);
		proc.past = past;
		ck_assert_msg(past.out_bytes == rows[i].expected, "%s: %llu", rows[i].name,
			      (unsigned long long)past.out_bytes);
		ck_assert_msg(past.out_since_ns == LATER && past.out_swap_bytes == rows[i].swap &&
				      past.out_major_faults == 7 && !past.wanted,
			      "%s: what it is judged by later", rows[i].name);
		ck_assert_msg(idle_held_bytes(&proc) == rows[i].expected, "%s: held", rows[i].name);
	}
}
END_TEST

START_TEST(note_back)
{
	static const struct {
		const char *name;
		uint64_t out, swap_before, swap_after, expected;
	} rows[] = {
		{"all", OUT, OUT, 0, 0},
		{"half of it", OUT, OUT, OUT / 2, OUT / 2},
		{"none", OUT, OUT, OUT, OUT},
		{"all of ours, the kernel's stays", OUT, 3 * OUT, 2 * OUT, 0},
		{"half of ours, the kernel's stays", OUT, 3 * OUT, 2 * OUT + OUT / 2, OUT / 2},
		{"more than ours", OUT, 3 * OUT, OUT / 2, 0},
		{"the kernel moved more out meanwhile", OUT, OUT, 2 * OUT, OUT},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_facts facts = {.swap_bytes = rows[i].swap_before};
		struct proc proc = {.past = {.wanted = true}};

		idle_note_out(&proc.past, &facts, rows[i].out, LATER);
		facts.swap_bytes = rows[i].swap_after;
		facts.major_faults = 9;
		idle_note_back(&proc.past, &facts, LATER + MIN);
		proc.facts = facts;
		ck_assert_msg(idle_held_bytes(&proc) == rows[i].expected, "%s: holds %llu",
			      rows[i].name, (unsigned long long)idle_held_bytes(&proc));
		ck_assert_msg(proc.past.restored_ns == LATER + MIN && !proc.past.wanted,
			      "%s: protection", rows[i].name);
		ck_assert_msg(!judge(&proc.past, LATER + 2 * MIN, rows[i].swap_after, 10),
			      "%s: our own restore counts as a wrong choice", rows[i].name);
	}
}
END_TEST

START_TEST(held_is_no_more_than_what_is_out)
{
	struct proc proc = {.past = {.out_bytes = OUT}, .facts = {.swap_bytes = OUT / 2}};

	ck_assert_uint_eq(idle_held_bytes(&proc), OUT / 2);
	proc.facts.swap_bytes = 0;
	ck_assert_uint_eq(idle_held_bytes(&proc), 0);
	proc.facts.swap_bytes = UINT64_MAX;
	ck_assert_uint_eq(idle_held_bytes(&proc), OUT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		one_look_says_nothing,
		the_threshold,
		ticks_in_short_intervals,
		idle_time_begins_with_the_first_idle_interval,
		two_looks_at_one_time_are_one,
		gaps,
		any_interval_may_be_the_longest,
		busy_around_a_gap,
		whatever_goes_back_starts_afresh,
		exec_is_another_program,
		idle_time_never_runs_backwards,
		random_looks,
		minimum_doubles_up_to_the_maximum,
		judged_by_what_came_back,
		judged_by_what_came_from_the_swap_cache,
		judged_by_no_less_than_a_mebibyte,
		window_is_the_longer_of_minimum_and_cooldown,
		given_up_then_taken_back,
		each_page_out_is_judged_wrong_once,
		a_verdict_leaves_the_time_of_the_page_out,
		wanted_until_there_is_nothing_to_want,
		nothing_out_nothing_to_judge,
		backoff_stops_at_the_maximum,
		backoff_without_a_minimum,
		forgiven_slowly,
		a_wrong_choice_delays_forgiveness,
		note_out,
		note_back,
		held_is_no_more_than_what_is_out,
	};

	return RUN_TESTS("idle", tests);
}
