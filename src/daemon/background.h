/* SPDX-License-Identifier: MIT */
/* Going to the background so that whoever started us learns how it went. */
#pragma once

/*
 * Forks away from the terminal and session. The first process waits for background_ready and
 * exits with its status; the daemon returns here with *ret_ready_fd. 0 or -errno.
 */
int background_start(int *ret_ready_fd);

/* Tells the first process the exit status to leave with, and lets go of stdin, stdout, stderr. */
void background_ready(int *ready_fd, int status);
