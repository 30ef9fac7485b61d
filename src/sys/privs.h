/* SPDX-License-Identifier: MIT */
/* What this process may do, and how it protects itself. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>
#include <stddef.h>

/* A capability the daemon uses, and what for; capabilities(7). */
struct privs_cap {
	int number;
	const char *name, *reason;
	bool required; /* without it the daemon can't do its job */
};

extern const struct privs_cap privs_caps[];
extern const size_t privs_n_caps;

bool privs_has(const struct privs_cap *cap);

/* The first required capability that is missing, or NULL. */
const struct privs_cap *privs_missing(void);

/*
 * Gives up, for good, all capabilities that aren't in privs_caps, and any way to others
 * (no_new_privs). For the calling thread and those that it starts. 0 or -errno.
 */
int privs_drop(void);

/*
 * Keeps what this process touches in memory: mlockall(2), pages locked as they are first touched,
 * so that nothing is read in that would not have been. 0 or -errno.
 */
int privs_lock_memory(void);

/* Makes the OOM killer look elsewhere: oom_score_adj down to -900, or as far as may be; one that is
 * lower stays. 0, or -errno where it can't be lowered at all (EACCES: CAP_SYS_RESOURCE is
 * missing). */
int privs_lower_oom_score(const struct procfs *procfs);

/* Raises RLIMIT_NOFILE to its hard limit and returns it. */
size_t privs_raise_open_files(void);
