/* SPDX-License-Identifier: MIT */
/* Holding on to a process: the pidfd is opened before anything else of it is read, so that
 * whatever is read while it is alive is read of the same process. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* A pidfd of pid, or -errno (ESRCH: gone). */
int pidpin_open(pid_t pid);

/* True while the process behind the pidfd has not ended. */
bool pidpin_alive(int pidfd);

/* Whether two processes share their address space (kcmp(2)): 1, 0, or -errno. Both have to be
 * pinned for the answer to mean anything. */
int pidpin_same_memory(pid_t a, pid_t b);
