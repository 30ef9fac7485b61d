/* SPDX-License-Identifier: MIT */
/* What the daemon knows, as text: the dump, and the line for the service manager. */
#pragma once
#include "daemon/daemon.h"

#define STATUS_HELD_MAX 16 /* processes listed of those held */
#define STATUS_NEXT_MAX 10 /* and of the next victims */

/* One line per fact, without newlines, to emit; at most about 80. Call daemon_survey before. */
void status_dump(const struct daemon *daemon, uint64_t now_ns,
		 void (*emit)(void *ctx, const char *line), void *ctx);

/* "steady, 87% of memory available, 3 processes swapped (512MiB)" */
void status_line(const struct daemon *daemon, struct text *ret);

/* The rank table of --once and of the dump share these words: "young, in 1min 20s". */
void status_verdict(const struct daemon *daemon, const struct proc *proc, uint64_t now_ns,
		    struct text *ret);
