/* SPDX-License-Identifier: MIT */
/* Images that nobody will read any more: of processes that have ended, or of another boot. */
#pragma once
#include "sys/procfs.h"

/*
 * Removes them from an open directory, which belongs to owner as they have to. What a helper holds
 * stays, and what may be another machine's or another pid namespace's. Without a word, for the next
 * one who looks does the same.
 */
void imageclean_dir(int dir_fd, uid_t owner, const struct procfs *procfs);
