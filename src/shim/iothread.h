/* SPDX-License-Identifier: MIT */
/*
 * Threads of the helper that read or write while the helper sums up, faults in or gives up another
 * piece. There are several jobs, shim->io, so that the disk always has a request it can begin with.
 */
#pragma once
#include "shim/shim.h"

/* Without threads (the kernel has none to give) jobs are done in io_submit. */
void io_start(struct shim *shim);
/* Jobs that are under way end first. The memory of all jobs, the header and the slots are given
 * back to the kernel: the program is to hold no more afterwards than before. */
void io_stop(struct shim *shim);

/* The job of a chunk of the image, emptied: it has to be idle or waited for. io_add adds memory to
 * it, and io_submit starts it. */
struct io_job *io_begin(struct shim *shim, uint32_t index, bool write, uint64_t offset);
void io_add(struct io_job *job, uint64_t address, uint64_t bytes);
void io_submit(struct io_job *job);
/* The end of the job of that chunk: 0; -EBADMSG where the file ended before; -errno. */
int io_wait(struct shim *shim, uint32_t index);

/* The same at once, in the caller's thread, of one piece of memory. */
int io_now(int fd, bool write, void *memory, uint64_t bytes, uint64_t offset);
