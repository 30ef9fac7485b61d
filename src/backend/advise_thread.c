/* SPDX-License-Identifier: MIT */
#include "backend/advise_thread.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#define STACK_BYTES (256 * KIB) /* address space; some 30 KiB of it are used */

enum { RESTS, WORKS, LEFT }; /* LEFT: it works, and its walk is of no use to anybody */

static void close_walk(struct advise_thread *thread)
{
	if (thread->open)
		advise_close(&thread->walk);
	thread->open = false;
	close_fd(&thread->pidfd);
}

static int step(struct advise_thread *thread)
{
	struct advise_walk *walk = &thread->walk;
	int r;

	if (!thread->open) {
		r = advise_open(walk, thread->procfs, walk->pid, thread->pidfd, walk->verb,
				walk->budget_bytes);
		if (r < 0)
			return r;
		thread->open = true;
	}
	return advise_step(walk, thread->max_bytes);
}

static void *work(void *arg)
{
	struct advise_thread *thread = arg;
	eventfd_t n;

	while (eventfd_read(thread->ask_fd, &n) == 0 && !thread->quit) {
		int works = WORKS;

		thread->result = step(thread);
		if (!atomic_compare_exchange_strong(&thread->state, &works, RESTS)) {
			close_walk(thread);
			atomic_store(&thread->state, RESTS);
		}
		(void)eventfd_write(thread->done_fd, 1);
	}
	return NULL;
}

int advise_thread_start(struct advise_thread *thread)
{
	int r = 0;

	*thread = (struct advise_thread){
		.ask_fd = eventfd(0, EFD_CLOEXEC),
		.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.pidfd = -1,
	};
	if (thread->ask_fd < 0 || thread->done_fd < 0)
		r = -errno;
	if (r == 0)
		r = thread_start(&thread->id, STACK_BYTES, work, thread);
	if (r < 0) {
		close_fd(&thread->ask_fd);
		close_fd(&thread->done_fd);
	}
	thread->started = r == 0;
	return r;
}

void advise_thread_stop(struct advise_thread *thread)
{
	if (!thread->started || advise_thread_works(thread))
		return;
	thread->quit = true;
	(void)eventfd_write(thread->ask_fd, 1);
	(void)pthread_join(thread->id, NULL);
	close_walk(thread);
	close_fd(&thread->ask_fd);
	close_fd(&thread->done_fd);
	thread->started = false;
}

bool advise_thread_works(struct advise_thread *thread)
{
	eventfd_t n;

	if (!thread->started)
		return false;
	/* before the state is looked at: what comes after it is marked again */
	(void)eventfd_read(thread->done_fd, &n);
	return atomic_load(&thread->state) != RESTS;
}

int advise_thread_begin(struct advise_thread *thread, const struct procfs *procfs, pid_t pid,
			int pidfd, enum advise_verb verb, uint64_t budget_bytes)
{
	/* one of its own: the other may be closed, and its number be another file's, amid a step */
	int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	close_walk(thread);
	thread->pidfd = copy;
	thread->procfs = procfs;
	thread->walk = (struct advise_walk){.pid = pid, .verb = verb, .budget_bytes = budget_bytes};
	return 0;
}

void advise_thread_step(struct advise_thread *thread, uint64_t max_bytes, uint64_t now_ns)
{
	thread->max_bytes = max_bytes;
	thread->since_ns = now_ns;
	atomic_store(&thread->state, WORKS);
	(void)eventfd_write(thread->ask_fd, 1);
}

void advise_thread_end(struct advise_thread *thread)
{
	int works = WORKS;

	if (!atomic_compare_exchange_strong(&thread->state, &works, LEFT) && works == RESTS)
		close_walk(thread);
}
