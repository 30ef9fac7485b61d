/* SPDX-License-Identifier: MIT */
/*
 * What is done to swap areas takes the disk, and swapoff(2) as long as it likes: a child does it
 * and says in shared memory what came of it. One that makes an area goes with the daemon; one that
 * retires an area goes on to its end, whatever becomes of the daemon. (While it reads memory back
 * the kernel's OOM killer takes it first: rather that one than the daemon. The area stays then.)
 */
#pragma once
#include "daemon/swapareas.h"

#include <sys/types.h>

enum swaptask { SWAPTASK_LOOK, SWAPTASK_MAKE, SWAPTASK_RETIRE };

struct swaporder {
	enum swaptask task;
	struct swapareas_place place; /* borrowed */
	unsigned number;	      /* RETIRE: which; LOOK: which is passed over */
	uint64_t wanted_bytes;	      /* MAKE */
};

struct swapreport {
	int error;	 /* 0 or -errno */
	char what[32];	 /* RETIRE, MAKE: the step that failed, as the verb of a sentence */
	char why[320];	 /* LOOK: the end of a sentence that begins with the path */
	bool zeroes;	 /* MAKE: the kernel took it only after it was written over */
	bool unfit;	 /* MAKE: nor then */
	bool retired;	 /* RETIRE: it isn't active any more, whatever came then */
	uint64_t bytes;	 /* MAKE */
	unsigned number; /* MAKE */
	struct swapareas areas;
};

/* Carries the order out here and now. */
void swaptask_run(const struct swaporder *order, struct swapreport *report);

struct swapchild {
	pid_t pid; /* 0: none */
	int pidfd;
	uint64_t begun_ns;
	struct swaporder order;
	struct swapreport *report; /* shared with the child */
};

/* Makes what is shared. 0 or -errno. */
int swapchild_open(struct swapchild *child);

/* Forgets a child that works still. */
void swapchild_close(struct swapchild *child);

/* Starts a child; none may be there. Where epoll_fd isn't -1 that tells of its end with data. 0 or
 * -errno. */
int swapchild_start(struct swapchild *child, const struct swaporder *order, int epoll_fd,
		    uint64_t data, uint64_t now_ns);

/* True where the child has ended, and its report is there to read: once for each. */
bool swapchild_ended(struct swapchild *child);
