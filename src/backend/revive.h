/* SPDX-License-Identifier: MIT */
/*
 * A helper for a swapped program whose helper was killed, started from outside by the program
 * itself: its main thread, or where that has ended another one, stopped as it is, is made to run a
 * function that the shim has ready (struct image_header, revive_pc) on a stack that was never
 * swapped, and to stand there again as if nothing had been. The function ends with a call of
 * getppid(2), whose first argument is the result: 0 or an errno.
 *
 * The shim has to leave the page of the main thread's rseq(2) area where it is, readable and
 * writable, as PTRACE_GET_RSEQ_CONFIGURATION tells it: without it the kernel lets the thread run no
 * instruction.
 */
#pragma once
#include "base/text.h"
#include "proto/image.h"

#include <sys/types.h>

/*
 * Does it, which takes milliseconds, and 7 s at most. 0; or -errno and in why the reason, a
 * sentence without a full stop: -ESRCH the program has ended, -EBUSY it isn't stopped or has a
 * tracer, -EPERM it may not be traced, -ENOTSUP it is of another machine than we are, -ETIMEDOUT,
 * -EIO, or what the function says. The program is as before then, but where why says otherwise.
 */
int revive(pid_t pid, const struct image_header *header, struct text *why);
