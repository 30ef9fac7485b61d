/* SPDX-License-Identifier: MIT */
#include "policy/rank.h"

#include "policy/idle.h"
#include "unit/builders.h"

#include <string.h>

#define MIN NS_PER_MIN

/* The reasons that rank_verdict gives, in the order in which its rules are tried. */
static const enum reason verdicts[] = {
	REASON_INIT,	   REASON_KERNEL,     REASON_ZOMBIE,	     REASON_UNINTERRUPTIBLE,
	REASON_FROZEN,	   REASON_STOPPED,    REASON_TRACED,	     REASON_REALTIME,
	REASON_PROTECTED,  REASON_UNREADABLE, REASON_OOM_PROTECTED,  REASON_SMALL,
	REASON_NO_BACKEND, REASON_FOREGROUND, REASON_SESSION_LEADER, REASON_WATCHDOG,
	REASON_ASYNC_IO,   REASON_ACTIVE,     REASON_YOUNG,	     REASON_BACKOFF,
	REASON_RESTORED,   REASON_SPENT,
};

static void spoil_flags(struct proc *proc, enum reason reason)
{
	static const struct {
		enum reason reason;
		uint32_t flag;
	} flags[] = {
		{REASON_KERNEL, PROC_KERNEL},
		{REASON_REALTIME, PROC_REALTIME},
		{REASON_PROTECTED, PROC_PROTECTED},
		{REASON_UNREADABLE, PROC_UNREADABLE},
		{REASON_OOM_PROTECTED, PROC_OOM_PROTECTED},
		{REASON_FOREGROUND, PROC_FOREGROUND},
		{REASON_SESSION_LEADER, PROC_SESSION_LEADER},
		{REASON_WATCHDOG, PROC_WATCHDOG},
		{REASON_ASYNC_IO, PROC_ASYNC_IO},
	};

	for (size_t i = 0; i < ROWS(flags); i++)
		if (flags[i].reason == reason)
			proc->facts.flags |= flags[i].flag;
	if (reason >= REASON_FOREGROUND && reason <= REASON_ASYNC_IO)
		proc->freezing = true;
}

/* Gives an idle process the one defect that leads to reason at LATER. */
static void spoil(struct proc *proc, enum reason reason)
{
	spoil_flags(proc, reason);
	switch ((int)reason) {
	case REASON_INIT: proc->facts.id.pid = 1; break;
	case REASON_ZOMBIE: proc->facts.state = 'Z'; break;
	case REASON_UNINTERRUPTIBLE: proc->facts.state = 'D'; break;
	case REASON_FROZEN:
		proc->facts.state = 't';
		proc->past.frozen_bytes = MIB;
		break;
	case REASON_STOPPED: proc->facts.state = 'T'; break;
	case REASON_TRACED: proc->facts.tracer_pid = 4711; break;
	case REASON_SMALL: proc->facts.anon_bytes = 12 * MIB - 1; break;
	case REASON_NO_BACKEND: proc->backend = BACKEND_NONE; break;
	case REASON_ACTIVE: proc->past.idle_since_ns = 0; break;
	case REASON_YOUNG: proc->past.idle_since_ns = LATER - 2 * MIN + 1; break;
	case REASON_BACKOFF:
		proc->past.idle_since_ns = LATER - 3 * MIN;
		proc->past.backoff = 1;
		break;
	case REASON_RESTORED: proc->past.restored_ns = LATER - 10 * MIN + 1; break;
	case REASON_SPENT: proc->past.retry_ns = LATER + 1; break;
	default: break;
	}
}

static void assert_verdict(const struct proc *proc, enum reason expected, const char *name)
{
	struct idle_params params = default_idle_params();
	enum reason reason = rank_verdict(proc, LATER, &params);

	ck_assert_msg(reason == expected, "%s: %s, not %s", name, reason_word(reason),
		      reason_word(expected));
}

START_TEST(each_reason)
{
	struct proc proc = idle_proc(100, LATER);

	assert_verdict(&proc, REASON_VICTIM, "the process that the others are made of");
	for (size_t i = 0; i < ROWS(verdicts); i++) {
		proc = idle_proc(100, LATER);
		spoil(&proc, verdicts[i]);
		assert_verdict(&proc, verdicts[i], "spoilt");
	}
}
END_TEST

/* Of two reasons the first is said, and it is the order of the table that the manual prints. */
START_TEST(first_reason_wins)
{
	for (size_t i = 0; i < ROWS(verdicts); i++)
		for (size_t j = i + 1; j < ROWS(verdicts); j++) {
			struct proc proc = idle_proc(100, LATER);

			ck_assert_int_lt(verdicts[i], verdicts[j]);
			spoil(&proc, verdicts[j]);
			spoil(&proc, verdicts[i]);
			assert_verdict(&proc, verdicts[i], reason_word(verdicts[j]));
		}
}
END_TEST

START_TEST(the_other_reasons_are_the_plans)
{
	/* and the sampler's, of those that are never followed */
	static const enum reason plans[] = {REASON_VICTIM,     REASON_SELF,    REASON_NO_ROOM,
					    REASON_NOT_NEEDED, REASON_HELD_UP, REASON_SHARE,
					    REASON_LIMIT};

	ck_assert_uint_eq(ROWS(plans) + ROWS(verdicts), REASON__N);
	for (int reason = 0; reason < REASON__N; reason++) {
		ck_assert_ptr_nonnull(reason_word((enum reason)reason));
		ck_assert_ptr_nonnull(reason_sentence((enum reason)reason));
		ck_assert(!strpbrk(reason_word((enum reason)reason), " =\""));
		for (int other = 0; other < reason; other++)
			ck_assert_str_ne(reason_word((enum reason)reason),
					 reason_word((enum reason)other));
	}
}
END_TEST

START_TEST(realtime_threads)
{
	struct proc proc = idle_proc(100, LATER);

	proc.facts.flags |= PROC_REALTIME_THREAD;
	assert_verdict(&proc, REASON_REALTIME, "a thread other than the first");
}
END_TEST

START_TEST(states)
{
	static const struct {
		char state;
		enum reason reason;
	} rows[] = {
		{'R', REASON_VICTIM},	       {'S', REASON_VICTIM}, {'I', REASON_VICTIM},
		{'D', REASON_UNINTERRUPTIBLE}, {'Z', REASON_ZOMBIE}, {'X', REASON_ZOMBIE},
		{'T', REASON_STOPPED},	       {'t', REASON_TRACED},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char name[2] = {rows[i].state, '\0'};
		struct proc proc = idle_proc(100, LATER);

		proc.facts.state = rows[i].state;
		assert_verdict(&proc, rows[i].reason, name);
		if (rows[i].reason == REASON_STOPPED || rows[i].reason == REASON_TRACED) {
			proc.past.frozen_bytes = 1;
			assert_verdict(&proc, REASON_FROZEN, name);
		}
	}
}
END_TEST

START_TEST(only_freezing_disturbs)
{
	static const uint32_t flags[] = {PROC_FOREGROUND, PROC_SESSION_LEADER, PROC_WATCHDOG,
					 PROC_ASYNC_IO};

	for (size_t i = 0; i < ROWS(flags); i++) {
		struct proc proc = idle_proc(100, LATER);

		proc.facts.flags |= flags[i];
		assert_verdict(&proc, REASON_VICTIM, "paged out it can still answer");
	}
}
END_TEST

START_TEST(size_before_and_after_the_full_facts)
{
	static const struct {
		const char *name;
		bool full;
		uint64_t rss, anon;
		enum reason reason;
	} rows[] = {
		{"resident set too small", false, 12 * MIB - 1, 0, REASON_SMALL},
		{"resident set just enough", false, 12 * MIB, 0, REASON_VICTIM},
		{"most of it files", true, 100 * MIB, 12 * MIB - 1, REASON_SMALL},
		{"just enough", true, 100 * MIB, 12 * MIB, REASON_VICTIM},
		{"the resident set is only approximate", true, 0, 12 * MIB, REASON_VICTIM},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc proc = idle_proc(100, LATER);

		proc.facts.flags = rows[i].full ? PROC_FULL : 0;
		proc.facts.rss_bytes = rows[i].rss;
		proc.facts.anon_bytes = rows[i].anon;
		assert_verdict(&proc, rows[i].reason, rows[i].name);
	}
}
END_TEST

struct time_row {
	const char *name;
	uint64_t idle_ns; /* 0: busy */
	uint8_t backoff;
	uint64_t restored_ns; /* before now; 0: never */
	int64_t retry_ns;     /* from now */
	uint64_t reclaimable_bytes;
	enum reason reason;
	uint64_t wait_ns;
};

static const struct time_row time_rows[] = {
	{"busy", 0, 0, 0, 0, GIB, REASON_ACTIVE, 0},
	{"just idle", 1, 0, 0, 0, GIB, REASON_YOUNG, 2 * MIN - 1},
	{"nearly long enough", 2 * MIN - 1, 0, 0, 0, GIB, REASON_YOUNG, 1},
	{"long enough", 2 * MIN, 0, 0, 0, GIB, REASON_VICTIM, 0},
	{"young, with a minimum of its own", MIN, 2, 0, 0, GIB, REASON_YOUNG, 7 * MIN},
	{"long enough for others", 2 * MIN, 2, 0, 0, GIB, REASON_BACKOFF, 6 * MIN},
	{"nearly long enough for it", 8 * MIN - 1, 2, 0, 0, GIB, REASON_BACKOFF, 1},
	{"long enough for it", 8 * MIN, 2, 0, 0, GIB, REASON_VICTIM, 0},
	{"at the maximum", 60 * MIN - 1, 9, 0, 0, GIB, REASON_BACKOFF, 1},
	{"over the maximum", 60 * MIN, 9, 0, 0, GIB, REASON_VICTIM, 0},
	{"just restored", 90 * MIN, 0, 1, 0, GIB, REASON_RESTORED, 10 * MIN - 1},
	{"restored a while ago", 90 * MIN, 0, 10 * MIN - 1, 0, GIB, REASON_RESTORED, 1},
	{"restored long ago", 90 * MIN, 0, 10 * MIN, 0, GIB, REASON_VICTIM, 0},
	{"young and restored: the longer wait", MIN, 0, MIN, 0, GIB, REASON_YOUNG, 9 * MIN},
	{"restored and young: the longer wait", MIN, 4, 9 * MIN, 0, GIB, REASON_YOUNG, 31 * MIN},
	{"tried in vain", 90 * MIN, 0, 0, 1, GIB, REASON_SPENT, 1},
	{"may be tried again", 90 * MIN, 0, 0, 0, GIB, REASON_VICTIM, 0},
	{"could long be tried again", 90 * MIN, 0, 0, -(int64_t)MIN, GIB, REASON_VICTIM, 0},
	{"nothing left to give", 90 * MIN, 0, 0, 0, 0, REASON_SPENT, 0},
	{"all at once", MIN, 1, MIN, (int64_t)NS_PER_H, 0, REASON_YOUNG, NS_PER_H},
};

static struct proc proc_of(const struct time_row *row)
{
	struct proc proc = idle_proc(100, LATER);

	proc.past.idle_since_ns = row->idle_ns == 0 ? 0 : LATER - row->idle_ns;
	proc.past.backoff = row->backoff;
	proc.past.restored_ns = row->restored_ns == 0 ? 0 : LATER - row->restored_ns;
	proc.past.retry_ns = LATER + (uint64_t)row->retry_ns;
	proc.reclaimable_bytes = row->reclaimable_bytes;
	return proc;
}

START_TEST(verdicts_by_time)
{
	for (size_t i = 0; i < ROWS(time_rows); i++) {
		struct proc proc = proc_of(&time_rows[i]);

		assert_verdict(&proc, time_rows[i].reason, time_rows[i].name);
	}
}
END_TEST

START_TEST(waits_end_when_they_say)
{
	struct idle_params params = default_idle_params();

	for (size_t i = 0; i < ROWS(time_rows); i++) {
		struct proc proc = proc_of(&time_rows[i]);
		uint64_t wait_ns = rank_wait_ns(&proc, LATER, &params);

		ck_assert_msg(wait_ns == time_rows[i].wait_ns, "%s: %llu ns", time_rows[i].name,
			      (unsigned long long)wait_ns);
		if (wait_ns == 0 || proc.reclaimable_bytes == 0)
			continue;
		ck_assert_msg(rank_verdict(&proc, LATER + wait_ns - 1, &params) != REASON_VICTIM,
			      "%s: a victim before that", time_rows[i].name);
		ck_assert_msg(rank_verdict(&proc, LATER + wait_ns, &params) == REASON_VICTIM,
			      "%s: no victim after that", time_rows[i].name);
	}
}
END_TEST

START_TEST(only_some_reasons_pass_by_themselves)
{
	struct idle_params params = default_idle_params();

	for (int i = 0; i < REASON__N; i++) {
		bool waits = i == REASON_YOUNG || i == REASON_BACKOFF || i == REASON_RESTORED ||
			     i == REASON_SPENT;
		struct proc proc = idle_proc(100, LATER);

		ck_assert_msg(rank_only_waits((enum reason)i) == waits, "%s",
			      reason_word((enum reason)i));
		/* a process that waits for an hour as well, but for something else first */
		proc.past.retry_ns = LATER + NS_PER_H;
		spoil(&proc, (enum reason)i);
		if (rank_verdict(&proc, LATER, &params) == (enum reason)i)
			ck_assert_msg((rank_wait_ns(&proc, LATER, &params) > 0) == waits, "%s",
				      reason_word((enum reason)i));
	}
}
END_TEST

START_TEST(time_at_its_ends)
{
	struct idle_params params = default_idle_params();
	struct proc proc = idle_proc(100, LATER);

	ck_assert_int_eq(rank_verdict(&proc, UINT64_MAX, &params), REASON_VICTIM);
	ck_assert_int_eq(rank_verdict(&proc, 0, &params), REASON_YOUNG);
	proc.past.restored_ns = UINT64_MAX - 1;
	ck_assert_int_eq(rank_verdict(&proc, UINT64_MAX, &params), REASON_RESTORED);
	ck_assert_uint_eq(rank_wait_ns(&proc, UINT64_MAX, &params), 0);
	proc.past.retry_ns = UINT64_MAX;
	ck_assert_int_eq(rank_verdict(&proc, UINT64_MAX - 1, &params), REASON_RESTORED);
	ck_assert_uint_eq(rank_wait_ns(&proc, UINT64_MAX - 1, &params), 1);
}
END_TEST

/* Never restored is not restored at boot. */
START_TEST(just_booted)
{
	struct idle_params params = default_idle_params();
	struct proc proc = idle_proc(100, NS_PER_H);

	proc.past.idle_since_ns = 1;
	ck_assert_int_eq(rank_verdict(&proc, 3 * MIN, &params), REASON_VICTIM);
	ck_assert_uint_eq(rank_wait_ns(&proc, 2 * MIN, &params), 1);
	proc.past.restored_ns = 1;
	ck_assert_int_eq(rank_verdict(&proc, 3 * MIN, &params), REASON_RESTORED);
}
END_TEST

START_TEST(buckets_at_powers_of_two)
{
	static const struct {
		uint64_t idle_ns;
		unsigned bucket;
	} rows[] = {
		{0, 0},		  {MIN, 0},	    {2 * MIN - 1, 0},
		{2 * MIN, 1},	  {4 * MIN - 1, 1}, {4 * MIN, 2},
		{8 * MIN - 1, 2}, {8 * MIN, 3},	    {64 * MIN - 1, 5},
		{64 * MIN, 6},	  {UINT64_MAX, 28},
	};
	unsigned before = 0;

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(rank_idle_bucket(rows[i].idle_ns) == rows[i].bucket, "row %zu: %u", i,
			      rank_idle_bucket(rows[i].idle_ns));
	for (unsigned power = 1; power < 28; power++) {
		uint64_t edge_ns = (UINT64_C(1) << power) * MIN;

		ck_assert_uint_eq(rank_idle_bucket(edge_ns - 1), before);
		ck_assert_uint_eq(rank_idle_bucket(edge_ns), power);
		before = power;
	}
}
END_TEST

START_TEST(order_out)
{
	static const struct {
		const char *name;
		uint64_t idle_a, bytes_a;
		int32_t pid_a;
		uint64_t idle_b, bytes_b;
		int32_t pid_b;
	} rows[] = {
		{"idler, though smaller and younger by pid", 4 * MIN, 1, 9, 4 * MIN - 1, GIB, 1},
		{"same bucket: larger, though less idle", 4 * MIN, 2, 9, 8 * MIN - 1, 1, 1},
		{"same bucket and size: lower pid", 4 * MIN, 1, 1, 8 * MIN - 1, 1, 2},
		{"the largest sizes", 4 * MIN, UINT64_MAX, 9, 4 * MIN, UINT64_MAX - 1, 1},
		{"busy ones last", 2 * MIN, 1, 9, 0, GIB, 1},
		{"the ends of pid", 4 * MIN, 1, INT32_MIN, 4 * MIN, 1, INT32_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc a = idle_proc(rows[i].pid_a, LATER);
		struct proc b = idle_proc(rows[i].pid_b, LATER);

		a.past.idle_since_ns = LATER - rows[i].idle_a;
		b.past.idle_since_ns = rows[i].idle_b == 0 ? 0 : LATER - rows[i].idle_b;
		a.reclaimable_bytes = rows[i].bytes_a;
		b.reclaimable_bytes = rows[i].bytes_b;
		ck_assert_msg(rank_compare_out(&a, &b, LATER) < 0, "%s", rows[i].name);
		ck_assert_msg(rank_compare_out(&b, &a, LATER) > 0, "%s, turned round",
			      rows[i].name);
		ck_assert_msg(rank_compare_out(&a, &a, LATER) == 0, "%s, itself", rows[i].name);
	}
}
END_TEST

START_TEST(order_back)
{
	static const struct {
		const char *name;
		bool wanted_a, wanted_b;
		uint64_t out_a, out_b;
		int32_t pid_a, pid_b;
	} rows[] = {
		{"wanted, though out for longer", true, false, 1, 100, 9, 1},
		{"both wanted: the later one", true, true, 100, 99, 9, 1},
		{"none wanted: the later one", false, false, 100, 99, 9, 1},
		{"same time: lower pid", false, false, 100, 100, 1, 9},
		{"the ends of time", false, false, UINT64_MAX, 0, 9, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc a = idle_proc(rows[i].pid_a, LATER);
		struct proc b = idle_proc(rows[i].pid_b, LATER);

		a.past.wanted = rows[i].wanted_a;
		b.past.wanted = rows[i].wanted_b;
		a.past.out_since_ns = rows[i].out_a;
		b.past.out_since_ns = rows[i].out_b;
		ck_assert_msg(rank_compare_back(&a, &b) < 0, "%s", rows[i].name);
		ck_assert_msg(rank_compare_back(&b, &a) > 0, "%s, turned round", rows[i].name);
		ck_assert_msg(rank_compare_back(&a, &a) == 0, "%s, itself", rows[i].name);
	}
}
END_TEST

/* Few different values, so that ties are frequent. */
static struct proc random_proc(struct series *series)
{
	struct proc proc = idle_proc((int32_t)series_below(series, 4), LATER);

	proc.past.idle_since_ns =
		series_below(series, 4) == 0 ? 0 : LATER - series_below(series, 10) * MIN;
	proc.reclaimable_bytes = series_below(series, 3) * GIB;
	proc.past.wanted = series_below(series, 2);
	proc.past.out_since_ns = series_below(series, 3);
	return proc;
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void assert_total(const int ab, const int ba, const int bc, const int ac, bool same_pid,
			 const char *name, int round)
{
	ck_assert_msg(sign(ab) == -sign(ba), "%s, round %d: not antisymmetric", name, round);
	ck_assert_msg(!(ab <= 0 && bc <= 0) || ac <= 0, "%s, round %d: not transitive", name,
		      round);
	ck_assert_msg(!(ab < 0 && bc <= 0) || ac < 0, "%s, round %d: not strictly transitive", name,
		      round);
	ck_assert_msg(ab != 0 || same_pid, "%s, round %d: two different ones are equal", name,
		      round);
}

START_TEST(orders_are_total)
{
	struct series series = series_start(0x72616e6b);

	for (int round = 0; round < 100000; round++) {
		struct proc a = random_proc(&series), b = random_proc(&series);
		struct proc c = random_proc(&series);
		bool same_pid = a.facts.id.pid == b.facts.id.pid;

		assert_total(rank_compare_out(&a, &b, LATER), rank_compare_out(&b, &a, LATER),
			     rank_compare_out(&b, &c, LATER), rank_compare_out(&a, &c, LATER),
			     same_pid, "out, seed 72616e6b", round);
		assert_total(rank_compare_back(&a, &b), rank_compare_back(&b, &a),
			     rank_compare_back(&b, &c), rank_compare_back(&a, &c), same_pid,
			     "back, seed 72616e6b", round);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_reason,
		first_reason_wins,
		the_other_reasons_are_the_plans,
		realtime_threads,
		states,
		only_freezing_disturbs,
		size_before_and_after_the_full_facts,
		verdicts_by_time,
		waits_end_when_they_say,
		only_some_reasons_pass_by_themselves,
		time_at_its_ends,
		just_booted,
		buckets_at_powers_of_two,
		order_out,
		order_back,
		orders_are_total,
	};

	return RUN_TESTS("rank", tests);
}
