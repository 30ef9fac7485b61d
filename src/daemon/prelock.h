/* SPDX-License-Identifier: MIT */
/*
 * [prelock] in the daemon: a scan at its own interval, by a thread of its own, for which nobody
 * waits. All functions are for the one owner. Nothing is allocated while it is switched off, and
 * after it was switched on nothing but for regular expressions.
 */
#pragma once
#include "daemon/prelock_scan.h"

struct prelock; /* NULL: it is off */

/* Every tick: begins a scan where one is due, and tells what the last one brought. 0, or -errno
 * where there is no thread for it. */
int prelock_tick(struct prelock **prelock, const struct procfs *procfs,
		 const struct prelock_params *params, bool dry_run, uint64_t total_bytes,
		 uint64_t now_ns);

/* There are new settings: the next tick takes them. What they ask for as well stays locked. */
void prelock_reload(struct prelock *prelock);

/* Lets everything go; where a scan is held up just now, the end of the process does. */
void prelock_close(struct prelock **prelock);

/* Of the last scan that was done; NULL: there is none. Valid until the next tick. */
const struct prelock_report *prelock_last(const struct prelock *prelock);

/* What is locked, as of the last scan. */
uint64_t prelock_locked_bytes(const struct prelock *prelock);

/* How long the scan that is under way has taken until now; 0: none is. */
uint64_t prelock_scanning_ns(const struct prelock *prelock, uint64_t now_ns);
