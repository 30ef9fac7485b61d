/* SPDX-License-Identifier: MIT */
#include "policy/need.h"

#include "unit/builders.h"

#define UNIT (100 * 128 * MIB) /* so that a whole percent is a whole number of bytes */
#define PERCENT (UNIT / 100)
#define TWO_63 (UINT64_C(1) << 63)

START_TEST(sane_or_not)
{
	static const struct {
		const char *name;
		struct mem_facts mem;
		bool sane;
	} rows[] = {
		{"nothing read", {.total_bytes = 0}, false},
		{"nothing free", {.total_bytes = GIB}, true},
		{"all free", {.total_bytes = GIB, .free_bytes = GIB}, true},
		{"more free than there is", {.total_bytes = GIB, .free_bytes = GIB + 1}, false},
		{"all available",
		 {.total_bytes = GIB, .available_bytes = GIB, .has_available = true},
		 true},
		{"more available than there is",
		 {.total_bytes = GIB, .available_bytes = GIB + 1, .has_available = true},
		 false},
		{"a field that the kernel doesn't have",
		 {.total_bytes = GIB, .available_bytes = GIB + 1},
		 true},
		{"no swap", {.total_bytes = GIB}, true},
		{"all swap free",
		 {.total_bytes = GIB, .swap_total_bytes = GIB, .swap_free_bytes = GIB},
		 true},
		{"more swap free than there is",
		 {.total_bytes = GIB, .swap_total_bytes = GIB, .swap_free_bytes = GIB + 1},
		 false},
		{"swap free, but none there", {.total_bytes = GIB, .swap_free_bytes = 1}, false},
		{"the largest", {.total_bytes = UINT64_MAX, .free_bytes = UINT64_MAX}, true},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(mem_facts_sane(&rows[i].mem) == rows[i].sane, "%s", rows[i].name);
}
END_TEST

START_TEST(unmapped_swap_cache)
{
	static const struct {
		const char *name;
		uint64_t lru, mapped, shmem, cached, expected;
	} rows[] = {
		{"nothing", 0, 0, 0, 0, 0},
		{"all mapped", 4 * GIB, 4 * GIB, 0, GIB, 0},
		{"256 MiB paged out", 4 * GIB + 256 * MIB, 4 * GIB, 0, 256 * MIB, 256 * MIB},
		{"shared memory is no swap cache", 4 * GIB + 256 * MIB, 4 * GIB, 256 * MIB, GIB, 0},
		{"at most the swap cache", 8 * GIB, 4 * GIB, 0, GIB, GIB},
		{"locked pages are not in the lists: errs low", GIB, 4 * GIB, 0, GIB, 0},
		{"sum of the mapped saturates", GIB, UINT64_MAX, GIB, GIB, 0},
		{"largest", UINT64_MAX, 0, 0, UINT64_MAX, UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct mem_facts mem = {
			.anon_lru_bytes = rows[i].lru,
			.anon_mapped_bytes = rows[i].mapped,
			.shmem_bytes = rows[i].shmem,
			.swap_cached_bytes = rows[i].cached,
		};

		ck_assert_msg(mem_unmapped_swap_cache_bytes(&mem) == rows[i].expected, "%s: %llu",
			      rows[i].name,
			      (unsigned long long)mem_unmapped_swap_cache_bytes(&mem));
	}
}
END_TEST

START_TEST(available)
{
	static const struct {
		const char *name;
		struct mem_facts mem;
		uint64_t expected;
	} rows[] = {
		{"the kernel's word",
		 {.total_bytes = UNIT,
		  .has_available = true,
		  .available_bytes = 3 * GIB,
		  .free_bytes = GIB,
		  .buffers_bytes = GIB,
		  .cached_bytes = GIB},
		 3 * GIB},
		{"none available at all", {.total_bytes = UNIT, .has_available = true}, 0},
		{"and the swap cache that nobody maps",
		 {.total_bytes = UNIT,
		  .has_available = true,
		  .available_bytes = 3 * GIB,
		  .anon_lru_bytes = 2 * GIB,
		  .anon_mapped_bytes = GIB,
		  .swap_cached_bytes = 5 * GIB},
		 4 * GIB},
		{"at most all memory",
		 {.total_bytes = UNIT,
		  .has_available = true,
		  .available_bytes = UNIT - 1,
		  .anon_lru_bytes = GIB,
		  .swap_cached_bytes = GIB},
		 UNIT},
		{"old kernel: free only",
		 {.total_bytes = UNIT, .available_bytes = 9 * GIB, .free_bytes = GIB},
		 GIB},
		{"old kernel: 30 % of buffers, 80 % of clean cache",
		 {.total_bytes = UNIT,
		  .free_bytes = 100 * MIB,
		  .buffers_bytes = 100 * MIB,
		  .cached_bytes = 1000 * MIB,
		  .dirty_bytes = 100 * MIB,
		  .writeback_bytes = 200 * MIB,
		  .shmem_bytes = 300 * MIB},
		 100 * MIB + 30 * MIB + 320 * MIB},
		{"old kernel: more dirty than cached",
		 {.total_bytes = UNIT,
		  .free_bytes = GIB,
		  .cached_bytes = MIB,
		  .dirty_bytes = MIB,
		  .shmem_bytes = MIB},
		 GIB},
		{"old kernel: what is fixed saturates",
		 {.total_bytes = UNIT,
		  .free_bytes = GIB,
		  .cached_bytes = GIB,
		  .dirty_bytes = UINT64_MAX,
		  .writeback_bytes = UINT64_MAX},
		 GIB},
		{"old kernel: less what is locked of the cache",
		 {.total_bytes = UNIT,
		  .free_bytes = GIB,
		  .cached_bytes = GIB,
		  .prelocked_bytes = GIB},
		 GIB},
		{"the kernel leaves out what is locked by itself",
		 {.total_bytes = UNIT,
		  .has_available = true,
		  .available_bytes = 3 * GIB,
		  .prelocked_bytes = GIB},
		 3 * GIB},
		{"old kernel: the sum saturates",
		 {.total_bytes = UINT64_MAX,
		  .free_bytes = UINT64_MAX,
		  .buffers_bytes = UINT64_MAX,
		  .cached_bytes = UINT64_MAX},
		 UINT64_MAX},
	};
	struct machine_params params = default_machine_params();

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(mem_available_bytes(&rows[i].mem, &params) == rows[i].expected,
			      "%s: %llu", rows[i].name,
			      (unsigned long long)mem_available_bytes(&rows[i].mem, &params));
}
END_TEST

START_TEST(elasticity_from_none_to_all)
{
	struct mem_facts mem = {
		.total_bytes = UNIT, .free_bytes = 1, .buffers_bytes = GIB, .cached_bytes = GIB};
	struct machine_params params = {.buffer_elasticity_percent = 0};

	ck_assert_uint_eq(mem_available_bytes(&mem, &params), 1);
	params.buffer_elasticity_percent = params.cache_elasticity_percent = 100;
	ck_assert_uint_eq(mem_available_bytes(&mem, &params), 2 * GIB + 1);
}
END_TEST

START_TEST(need_at_the_limits)
{
	static const struct {
		const char *name;
		uint64_t available, in_flight;
		int64_t expected;
	} rows[] = {
		{"nothing at all", 0, 0, 30 * (int64_t)PERCENT},
		{"one byte", 1, 0, 30 * (int64_t)PERCENT - 1},
		{"a byte under the lower limit", 20 * PERCENT - 1, 0, 10 * (int64_t)PERCENT + 1},
		{"at the lower limit", 20 * PERCENT, 0, 0},
		{"at the target", 30 * PERCENT, 0, 0},
		{"at the upper limit", 60 * PERCENT, 0, 0},
		{"a byte over the upper limit", 60 * PERCENT + 1, 0, -30 * (int64_t)PERCENT - 1},
		{"everything", UNIT, 0, -70 * (int64_t)PERCENT},
		{"in flight counts", 10 * PERCENT, 5 * PERCENT, 15 * (int64_t)PERCENT},
		{"in flight is just enough", 10 * PERCENT, 10 * PERCENT, 0},
		{"in flight is a byte too little", 10 * PERCENT, 10 * PERCENT - 1,
		 10 * (int64_t)PERCENT + 1},
		{"in flight makes plenty", 30 * PERCENT, 31 * PERCENT, -31 * (int64_t)PERCENT},
		{"more in flight than there is memory", 30 * PERCENT, UINT64_MAX,
		 -70 * (int64_t)PERCENT},
		{"more available than there is memory", UINT64_MAX, 0, -70 * (int64_t)PERCENT},
	};
	struct machine_params params = default_machine_params();

	for (size_t i = 0; i < ROWS(rows); i++) {
		int64_t need = need_bytes(UNIT, rows[i].available, rows[i].in_flight, &params);

		ck_assert_msg(need == rows[i].expected, "%s: %lld, not %lld", rows[i].name,
			      (long long)need, (long long)rows[i].expected);
	}
}
END_TEST

START_TEST(need_at_the_edges)
{
	static const struct {
		const char *name;
		uint64_t total, available;
		unsigned lower, target, upper;
		int64_t expected;
	} rows[] = {
		{"no memory", 0, 0, 20, 30, 60, 0},
		{"a lower limit of 0 is never met", UNIT, 0, 0, 30, 60, 0},
		{"an upper limit of 100 is never passed", UNIT, UNIT, 20, 30, 100, 0},
		{"all limits the same, below", UNIT, 50 * PERCENT - 1, 50, 50, 50, 1},
		{"all limits the same, at", UNIT, 50 * PERCENT, 50, 50, 50, 0},
		{"all limits the same, above", UNIT, 50 * PERCENT + 1, 50, 50, 50, -1},
		{"2^63, none available", TWO_63, 0, 20, 50, 60, INT64_C(1) << 62},
		{"2^63, all available", TWO_63, TWO_63, 20, 50, 60, -(INT64_C(1) << 62)},
		{"2^63 wanted", TWO_63, 0, 99, 100, 100, INT64_MAX},
		{"2^63 to spare", TWO_63, TWO_63, 0, 0, 1, -INT64_MAX},
		{"2^64 - 1 wanted", UINT64_MAX, 0, 99, 100, 100, INT64_MAX},
		{"2^64 - 1 to spare", UINT64_MAX, UINT64_MAX, 0, 0, 1, -INT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct machine_params params = {
			.lower_freelimit_percent = rows[i].lower,
			.freetarget_percent = rows[i].target,
			.upper_freelimit_percent = rows[i].upper,
		};
		int64_t need = need_bytes(rows[i].total, rows[i].available, 0, &params);

		ck_assert_msg(need == rows[i].expected, "%s: %lld, not %lld", rows[i].name,
			      (long long)need, (long long)rows[i].expected);
	}
}
END_TEST

/* More available never means more wanted; what is in flight counts as if it were available;
 * what is asked for leads to the target, so that the same isn't asked for again. */
START_TEST(need_on_random_machines)
{
	struct series series = series_start(0x6e656564);

	for (int i = 0; i < 50000; i++) {
		struct machine_params params = {.lower_freelimit_percent =
							(unsigned)series_below(&series, 100)};
		uint64_t total = 1 + series_any(&series) / 2;
		uint64_t less = series_below(&series, total), more = less;
		uint64_t target;
		int64_t need_less, need_more;

		params.freetarget_percent =
			params.lower_freelimit_percent +
			(unsigned)series_below(&series, 101 - params.lower_freelimit_percent);
		params.upper_freelimit_percent =
			params.freetarget_percent +
			(unsigned)series_below(&series, 101 - params.freetarget_percent);
		more += series_below(&series, total - less + 1);
		need_less = need_bytes(total, less, 0, &params);
		need_more = need_bytes(total, more, 0, &params);
		target = u64_percent(total, params.freetarget_percent);
		ck_assert_msg(need_less >= need_more, "round %d, seed %llx", i,
			      (unsigned long long)series.seed);
		ck_assert_msg(need_bytes(total, less, more - less, &params) == need_more,
			      "round %d, seed %llx: in flight", i, (unsigned long long)series.seed);
		ck_assert_msg(need_less == 0 || less + (uint64_t)need_less == target,
			      "round %d, seed %llx: misses the target", i,
			      (unsigned long long)series.seed);
		ck_assert_msg(need_bytes(total, target, 0, &params) == 0,
			      "round %d, seed %llx: not content at the target", i,
			      (unsigned long long)series.seed);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		sane_or_not,
		unmapped_swap_cache,
		available,
		elasticity_from_none_to_all,
		need_at_the_limits,
		need_at_the_edges,
		need_on_random_machines,
	};

	return RUN_TESTS("need", tests);
}
