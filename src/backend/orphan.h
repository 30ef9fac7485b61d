/* SPDX-License-Identifier: MIT */
/* A program that is swapped and whose helper was killed: it is made to start another one. */
#pragma once
#include "backend/attached.h"

/*
 * Starts a child that does it, for it takes waiting: for the image, which may lie on a file system
 * that doesn't answer, timeout_ns at most. Its pid, or -errno. The child ends of SIGALRM then; else
 * with status 0, or the errno of what went wrong: ENOENT where it's no orphan, but just stopped.
 */
pid_t orphan_revive(const struct procfs *procfs, const struct attached *entry, uint64_t timeout_ns);
