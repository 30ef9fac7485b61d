/* SPDX-License-Identifier: MIT */
/* Sockets that ended programs have left. */
#pragma once
#include "cli/swap_dirs.h"

/* Removes the socket of that pid and the links to it, where the directory is the caller's own and
 * nobody listens. The process is known to be gone. Whether it did. */
bool swap_stale_remove(const struct swap_dir *dir, pid_t pid);
