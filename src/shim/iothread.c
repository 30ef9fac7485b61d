/* SPDX-License-Identifier: MIT */
#include "shim/iothread.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>

enum { IO_IDLE, IO_ASKED, IO_DONE, IO_QUIT };

static void set_state(struct io_job *job, int state)
{
	atomic_store(&job->state, state);
	(void)RAW_4(SYS_futex, &job->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL);
}

static int await_change(struct io_job *job, int from)
{
	int state;

	while ((state = atomic_load(&job->state)) == from)
		(void)RAW_4(SYS_futex, &job->state, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, from, NULL);
	return state;
}

/* Removes n bytes from the front of the parts. */
static void advance(struct iovec **parts, unsigned *n_parts, size_t n)
{
	while (*n_parts && n >= (*parts)->iov_len) {
		n -= (*parts)->iov_len;
		(*parts)++;
		(*n_parts)--;
	}
	if (*n_parts) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + n;
		(*parts)->iov_len -= n;
	}
}

/* File systems and positions that can't do without the page cache say EINVAL. */
static void without_direct(int fd)
{
	long flags = RAW_3(SYS_fcntl, fd, F_GETFL, 0);

	if (flags >= 0)
		(void)RAW_3(SYS_fcntl, fd, F_SETFL, flags & ~(long)O_DIRECT);
}

static int transfer(int fd, bool write, struct iovec *parts, unsigned n_parts, uint64_t offset)
{
	bool refused = false;

	while (n_parts) {
		long n = RAW_5(write ? SYS_pwritev : SYS_preadv, fd, parts, n_parts,
			       (unsigned long)offset, (unsigned long)(offset >> 32));

		if (n == -EINVAL && !refused) {
			without_direct(fd);
			refused = true;
			continue;
		}
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EBADMSG;
		offset += (uint64_t)n;
		advance(&parts, &n_parts, (size_t)n);
	}
	return 0;
}

static void work(void *argument)
{
	struct io_job *job = argument;
	int state;

	while ((state = await_change(job, IO_IDLE)) != IO_QUIT) {
		if (state == IO_ASKED) {
			job->error = transfer(job->fd, job->write, job->parts, job->n_parts,
					      job->offset);
			set_state(job, IO_DONE);
		}
		if (await_change(job, IO_DONE) == IO_QUIT)
			break;
	}
}

void io_start(struct shim *shim)
{
	const unsigned long flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	for (int i = 0; i < SHIM_IO_JOBS; i++) {
		struct io_job *job = &shim->io[i];

		atomic_store(&job->state, IO_IDLE);
		job->tid = 1; /* cleared by the kernel when the thread has ended */
		if (raw_clone(flags, job->stack + sizeof(job->stack), work, job, NULL, &job->tid) <
		    0)
			job->tid = 0;
	}
}

/* Stacks and buffers; what stays is all zero, as it was at first. */
static void drop_memory(struct shim *shim)
{
	const uintptr_t page = shim->page_bytes;
	uintptr_t start = ((uintptr_t)shim->io + page - 1) / page * page;
	uintptr_t end = (uintptr_t)(shim->slots + SHIM_SLOTS) / page * page;

	(void)RAW_3(SYS_madvise, start, end - start, MADV_DONTNEED);
}

void io_stop(struct shim *shim)
{
	for (int i = 0; i < SHIM_IO_JOBS; i++) {
		struct io_job *job = &shim->io[i];
		int tid;

		(void)await_change(job, IO_ASKED);
		set_state(job, IO_QUIT);
		while ((tid = __atomic_load_n(&job->tid, __ATOMIC_ACQUIRE)) != 0)
			(void)RAW_4(SYS_futex, &job->tid, FUTEX_WAIT, tid, NULL);
	}
	drop_memory(shim);
}

struct io_job *io_begin(struct shim *shim, uint32_t index, bool write, uint64_t offset)
{
	struct io_job *job = &shim->io[index % SHIM_IO_JOBS];

	job->fd = shim->fd.image;
	job->write = write;
	job->offset = offset;
	job->n_parts = 0;
	job->error = 0;
	return job;
}

void io_add(struct io_job *job, uint64_t address, uint64_t bytes)
{
	job->parts[job->n_parts++] =
		(struct iovec){.iov_base = (void *)(uintptr_t)address, .iov_len = (size_t)bytes};
}

void io_submit(struct io_job *job)
{
	if (job->tid) {
		set_state(job, IO_ASKED);
		return;
	}
	job->error = transfer(job->fd, job->write, job->parts, job->n_parts, job->offset);
	atomic_store(&job->state, IO_DONE);
}

int io_wait(struct shim *shim, uint32_t index)
{
	struct io_job *job = &shim->io[index % SHIM_IO_JOBS];

	(void)await_change(job, IO_ASKED);
	set_state(job, IO_IDLE);
	return job->error;
}

int io_now(int fd, bool write, void *memory, uint64_t bytes, uint64_t offset)
{
	struct iovec part = {.iov_base = memory, .iov_len = (size_t)bytes};

	return transfer(fd, write, &part, 1, offset);
}
