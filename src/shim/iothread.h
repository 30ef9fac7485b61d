/* SPDX-License-Identifier: MIT */
/*
 * A thread of the helper that reads or writes while the helper sums up, faults in or gives up the
 * next or the last piece: a disk is kept busy that way. There is one job at a time, shim->io.
 */
#pragma once
#include "shim/shim.h"

/* Without a thread (the kernel has none to give) jobs are done in io_submit. */
void io_start(struct shim *shim);
void io_stop(struct shim *shim);

/* Empties the job; io_add adds memory to it, and io_submit starts it. */
void io_begin(struct shim *shim, int fd, bool write, uint64_t offset);
void io_add(struct shim *shim, uint64_t address, uint64_t bytes);
void io_submit(struct shim *shim);
/* The job's end: 0; -EBADMSG where the file ended before; -errno. */
int io_wait(struct shim *shim);

/* The same at once, in the caller's thread, of one piece of memory. */
int io_now(int fd, bool write, void *memory, uint64_t bytes, uint64_t offset);
