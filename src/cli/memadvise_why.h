/* SPDX-License-Identifier: MIT */
/* Why something of a process couldn't be done, in words that help. */
#pragma once
#include "base/text.h"
#include "sys/procfs.h"

/* In the order in which it is done */
enum doing {
	DOING_FIND,	/* opening a pidfd, reading stat */
	DOING_READ_MAP, /* smaps, smaps_rollup */
	DOING_READ_PAGES,
	DOING_ADVISE,
	DOING_MAP /* touching what was read in */
};

/* What permits looking at other processes, and advising about them. */
struct rights {
	bool cap_sys_nice, cap_sys_ptrace, cap_dac_read_search;
	unsigned yama_scope; /* /proc/sys/kernel/yama/ptrace_scope; 0: none */
};

struct rights rights_read(const struct procfs *procfs);

/*
 * Says what failed with error (-errno) and what to do about it. hidden: with ESRCH, the process is
 * there, and its file in /proc isn't. dry_run: no advice is to follow, so that nothing is asked for
 * it. Pure.
 */
void why_failed(struct text *out, enum doing doing, int error, bool hidden, bool dry_run,
		const struct rights *rights);
