/* SPDX-License-Identifier: MIT */
/* Files that say that somebody runs. */
#pragma once
#include <sys/types.h>

/*
 * Opens and locks the file at path until the descriptor is closed, making its directory (one
 * level, 0755) where missing. Returns the descriptor, -EWOULDBLOCK where somebody else holds it,
 * or -errno. The pid is written into it for root; others can't open it, or they could lock it.
 */
int lockfile_take(const char *path);

/* Writes pid and a newline to a new file at path, replacing an older one. 0 or -errno. */
int lockfile_write_pid(const char *path, pid_t pid);
