/* SPDX-License-Identifier: MIT */
/* Settings: every one has a row in the option table (config/options.c), with default and range. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* One instance of the machine: over RAM, or over RAM and swap. */
struct machine_params {
	unsigned lower_freelimit_percent, freetarget_percent, upper_freelimit_percent;
	unsigned buffer_elasticity_percent, cache_elasticity_percent;
	uint64_t cooldown_ns, cooldown_max_ns;
};

struct idle_params {
	unsigned idle_cpu_permyriad;
	uint64_t min_idle_ns, min_rss_bytes, min_resident_ns;
	uint64_t backoff_max_ns, backoff_forgive_ns;
	uint64_t scan_interval_ns, scan_interval_near_ns;
	uint64_t tick_ns; /* [daemon] interval: processes aren't looked at more often */
};

/* Lists are patterns as of glob(7), separated by blanks; never NULL. */
struct protect_params {
	const char *names, *more_names, *paths, *cgroups, *uids;
	int64_t oom_score_adj;
};

enum advice { ADVICE_COLD, ADVICE_PAGEOUT };

struct madvise_params {
	bool enabled;
	unsigned advice; /* enum advice */
	unsigned percent;
	uint64_t max_bytes; /* of one process; 0: no limit */
	uint64_t swap_margin_bytes, step_bytes;
};

struct swapify_params {
	bool enabled;
	uint64_t timeout_ns;
};

/* Swap areas of our own making, and the machine over RAM and swap that wants them. */
struct swapspace_params {
	bool enabled, paranoid;
	const char *path;
	uint64_t min_bytes, max_bytes; /* of one area */
	unsigned reserve_percent;      /* of the file system, stays free */
	struct machine_params machine;
};

enum on_exit { ON_EXIT_UNSWAP, ON_EXIT_LEAVE };

struct loop_params {
	uint64_t interval_ns;
	uint64_t psi_stall_ns; /* 0: no trigger */
	uint64_t psi_window_ns;
	const char *lockfile;
	unsigned on_exit;   /* enum on_exit */
	unsigned log_level; /* enum log_words */
};

enum log_words { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

struct params {
	struct machine_params memory;
	struct idle_params idle;
	struct protect_params protect;
	struct swapify_params swapify;
	struct madvise_params madvise;
	struct swapspace_params swapspace;
	struct loop_params daemon;
};
