/* SPDX-License-Identifier: MIT */
/* Switches an area off in a process of its own, and watches. */
#pragma once
#include "cli/swapctl_context.h"

/*
 * swapoff(2) of path in a child. On a terminal (stderr) it shows how much is still to be read back.
 * SIGINT, SIGTERM or SIGHUP end it safely: what has been read back is in memory, the rest where it
 * was, the area in use. So does our own end. 0; -EINTR where it was ended so; -errno.
 */
int off_and_watch(const struct context *context, const char *path);
