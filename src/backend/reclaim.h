/* SPDX-License-Identifier: MIT */
/*
 * What a backend is: a way to move a process's memory out and back. The executor drives it from
 * the daemon's loop: begin, then step until it is done, then end. No call blocks for longer than
 * a step of max_bytes takes; a backend that has to wait for somebody (a reply, a child, a thread)
 * says so and names the descriptor. What a backend says it did is a claim: the executor reads the
 * process before and after.
 */
#pragma once
#include "base/text.h"
#include "policy/plan.h"

enum step {
	STEP_MORE, /* call again when there is time */
	STEP_WAIT, /* call again when wait_fd is ready or deadline_ns has passed */
	STEP_DONE
};

/* What the kernel can be expected to show afterwards */
enum job_effect {
	JOB_MOVES,   /* less resident, or more */
	JOB_OFFERS,  /* nothing yet: the kernel takes it when it wants memory */
	JOB_PRETENDS /* nothing at all: a dry run */
};

struct job {
	struct action action;
	int pidfd;     /* pinned by the executor, which closes it */
	unsigned slot; /* 0 to parallel - 1, nobody else's while the job runs */
	enum job_effect effect;
	uint64_t done_bytes;  /* so far, by the backend's count */
	int wait_fd;	      /* STEP_WAIT: what to wait for; the backend's to close */
	uint32_t wait_events; /* EPOLLIN and the like */
	uint64_t deadline_ns; /* CLOCK_BOOTTIME */
	bool expired;	      /* the deadline has passed before wait_fd was ready */
	const char *why;      /* of an error: what errno can't say, or NULL */
};

struct reclaim_ops {
	const char *name;
	unsigned parallel; /* jobs at a time */
	unsigned per_user; /* and of one user, whose processes may keep us waiting; 0: as many */
	bool freezes;	   /* stops the processes it moves out; can't be called back half-way */

	/* 0, or -errno with the reason and what to do in *why: it can't work on this machine now.
	 */
	int (*probe)(void *ctx, struct text *why);
	/* Bytes it could move out of this process now; 0: not its business. Pure. */
	uint64_t (*estimate)(void *ctx, const struct proc *proc);
	/* Bytes it has room for in all. Pure. */
	uint64_t (*room)(void *ctx, const struct mem_facts *mem);

	/* 0 or -errno. end follows in any case, also after an error of begin or step. */
	int (*begin)(void *ctx, struct job *job);
	/* An enum step, or -errno. How long it takes until STEP_MORE, waiting included, decides how
	 * large the next max_bytes is. */
	int (*step)(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns);
	void (*end)(void *ctx, struct job *job);
};

struct backend {
	const struct reclaim_ops *ops;
	void *ctx;
};
