/* SPDX-License-Identifier: MIT */
/* What tests share: the shipped defaults, an ordinary process, a fixed random series, a runner. */
#pragma once
#include "base/units.h"
#include "policy/params.h"
#include "policy/snapshot.h"

#include <check.h>
#include <stdint.h>

#define ROWS(table) (sizeof(table) / sizeof *(table))

/* A long uptime, so that no test depends on the first hours after boot by chance. */
#define LATER (1000 * NS_PER_H)

static inline struct machine_params default_machine_params(void)
{
	return (struct machine_params){
		.lower_freelimit_percent = 20,
		.freetarget_percent = 30,
		.upper_freelimit_percent = 60,
		.buffer_elasticity_percent = 30,
		.cache_elasticity_percent = 80,
		.cooldown_ns = 5 * NS_PER_MIN,
		.cooldown_max_ns = NS_PER_H,
	};
}

static inline struct idle_params default_idle_params(void)
{
	return (struct idle_params){
		.idle_cpu_permyriad = 100,
		.min_idle_ns = 2 * NS_PER_MIN,
		.min_rss_bytes = 12 * MIB,
		.min_resident_ns = 10 * NS_PER_MIN,
		.backoff_max_ns = NS_PER_H,
		.backoff_forgive_ns = NS_PER_H,
		.scan_interval_ns = NS_PER_MIN,
		.scan_interval_near_ns = 10 * NS_PER_S,
	};
}

/* A process with 100 MiB that has been idle for an hour at now_ns and that backend 0 takes. */
static inline struct proc idle_proc(int32_t pid, uint64_t now_ns)
{
	return (struct proc){
		.facts =
			{
				.id = {.pid = pid, .start_ticks = 1000 + (uint64_t)pid},
				.ppid = 1,
				.flags = PROC_FULL,
				.mm_tag = 0x1000,
				.cpu_ns = NS_PER_S,
				.rss_bytes = 110 * MIB,
				.anon_bytes = 100 * MIB,
				.uid = 1000,
				.state = 'S',
				.comm = "program",
			},
		.past =
			{
				.seen_ns = now_ns,
				.cpu_ns = NS_PER_S,
				.idle_since_ns = now_ns - NS_PER_H,
				.mm_tag = 0x1000,
				.held_by = BACKEND_NONE,
			},
		.reclaimable_bytes = 100 * MIB,
	};
}

/* xorshift64*, so that a failure comes again with the seed that it names. */
struct series {
	uint64_t seed, state;
};

static inline struct series series_start(uint64_t seed)
{
	return (struct series){.seed = seed, .state = seed};
}

static inline uint64_t series_next(struct series *series)
{
	series->state ^= series->state >> 12;
	series->state ^= series->state << 25;
	series->state ^= series->state >> 27;
	return series->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to below - 1 */
static inline uint64_t series_below(struct series *series, uint64_t below)
{
	return (series_next(series) >> 16) % below;
}

/* A number of any size, small ones as often as large ones */
static inline uint64_t series_any(struct series *series)
{
	unsigned shift = (unsigned)series_below(series, 64);

	return series_next(series) >> shift;
}

/* Runs the tests as one suite; the exit status of main. */
static inline int run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 600); /* against a hang only; a sanitizer on a busy host is slow */
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
#define RUN_TESTS(name, tests) run_tests((name), (tests), ROWS(tests))
