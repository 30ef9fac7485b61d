/* SPDX-License-Identifier: MIT */
/*
 * A walk that a thread of its own carries out, a step at a time, so that nobody else waits for it.
 * A process can hold up whoever looks into its memory for as long as it likes: by a page that it
 * serves itself (FUSE, userfaultfd), or by its mmap_lock meanwhile. Such a wait ends when the
 * process lets go or ends, or when this one does.
 *
 * All functions are for the one owner. Nothing is allocated after the start.
 */
#pragma once
#include "backend/advise.h"

#include <pthread.h>
#include <stdatomic.h>

struct advise_thread {
	bool started;
	pthread_t id;
	atomic_int state;
	int ask_fd, done_fd; /* eventfds; done_fd is readable after a step */
	uint64_t since_ns;   /* when the last step began */
	/* the thread's while it works, else the owner's */
	struct advise_walk walk;
	bool open;
	const struct procfs *procfs; /* borrowed */
	int pidfd;
	uint64_t max_bytes;
	int result; /* of the last step, as of advise_step */
	bool quit;
};

/* Makes the thread. 0 or -errno. */
int advise_thread_start(struct advise_thread *thread);

/* Ends it, where it doesn't work just now: else it ends with the process. */
void advise_thread_stop(struct advise_thread *thread);

/* True while a step is under way. Takes the mark off done_fd: call it when that is readable. */
bool advise_thread_works(struct advise_thread *thread);

/* A new walk, as advise_open; only while no step is under way. The files are opened with the first
 * step, pidfd is copied. 0 or -errno. */
int advise_thread_begin(struct advise_thread *thread, const struct procfs *procfs, pid_t pid,
			int pidfd, enum advise_verb verb, uint64_t budget_bytes);

/* Begins a step; only while none is under way. */
void advise_thread_step(struct advise_thread *thread, uint64_t max_bytes, uint64_t now_ns);

/* The end of the walk; a step that is under way ends it when it is done. */
void advise_thread_end(struct advise_thread *thread);
