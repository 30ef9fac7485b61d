/* SPDX-License-Identifier: MIT */
/*
 * Carries plans out, a step at a time, so that the loop stays awake: actions wait in a queue, as
 * many run at once as their backends allow, and those that wait for somebody are polled. Every
 * action is pinned and judged afresh before it starts, and what it did is read from the kernel.
 */
#pragma once
#include "backend/reclaim.h"
#include "policy/plan.h"
#include "sys/procstat.h"

#define EXECUTOR_JOBS_MAX 8

enum outcome_kind {
	OUTCOME_DONE,
	OUTCOME_GONE,	  /* ended, or became another program, before or meanwhile */
	OUTCOME_REFUSED,  /* no longer a victim when its turn came: see reason */
	OUTCOME_FAILED,	  /* see error */
	OUTCOME_TIMEOUT,  /* the deadline passed */
	OUTCOME_CANCELED, /* by us: no longer wanted, the settings change, or the daemon stops */
	OUTCOME__N
};

struct outcome {
	struct action action;
	enum outcome_kind kind;
	enum job_effect effect;
	enum reason reason;
	int error;		/* -errno */
	const char *why;	/* what errno can't say of it, or NULL */
	uint64_t claimed_bytes; /* by the backend's count */
	uint64_t moved_bytes;	/* resident anonymous memory: less of it, or swap: less of it */
	/* full facts; where it never began (REFUSED, and some that are GONE or FAILED) there are
	 * none, where it wasn't verified after is before and what the backend claims */
	struct proc_facts before, after;
	bool verified; /* after is what the kernel said */
	uint64_t elapsed_ns;
};

/* It has changed something: come to its end, or as far as it was when we stopped it. */
static inline bool outcome_counts(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_DONE ||
	       (outcome->kind == OUTCOME_CANCELED && outcome->moved_bytes > 0);
}

struct backend_stats {
	uint64_t out_actions, back_actions, out_bytes, back_bytes;
	uint64_t outcomes[OUTCOME__N];
	uint64_t wrong_choices;
	int last_error;
};

/* What the executor asks of its owner. */
struct executor_hooks {
	/* Reads the process afresh: REASON_VICTIM and *ret_facts (full), or why it is to be left
	 * alone; REASON_ZOMBIE where it is gone. May lower what is to be moved. */
	enum reason (*admit)(void *owner, struct action *action, struct proc_facts *ret_facts);
	void (*done)(void *owner, const struct outcome *outcome);
	void *owner;
};

struct running {
	bool active, waiting;
	bool stepping; /* a step has begun, and waits or goes on after a wait */
	bool held_up;  /* it has waited for so long that nobody should count on it */
	struct job job;
	struct proc_facts before;
	uint64_t started_ns, step_ns; /* when it began, and its last step */
};

struct executor {
	const struct procfs *procfs;
	struct lookout *lookout; /* NULL: none is kept */
	struct procstat_units units;
	struct backend backends[BACKEND_MAX];
	struct backend_stats stats[BACKEND_MAX];
	size_t n_backends;
	struct executor_hooks hooks;
	int epoll_fd; /* where jobs that wait are registered, with their index + data_base */
	uint64_t data_base;
	uint64_t step_bytes, step_max_bytes;
	struct action queue[PLAN_MAX];
	size_t queue_len;
	struct running running[EXECUTOR_JOBS_MAX];
	unsigned last_run; /* whose turn it was */
};

/* Backends are set by the owner, before; epoll_fd is borrowed. */
void executor_init(struct executor *executor, const struct procfs *procfs,
		   const struct executor_hooks *hooks, int epoll_fd, uint64_t data_base);

/* Queues the plan's actions; those for processes that are queued or running already are dropped,
 * and what is beyond PLAN_MAX. */
void executor_submit(struct executor *executor, const struct plan *plan);

/* Forgets what has not begun. Returns how many actions that were. */
size_t executor_cancel_queued(struct executor *executor);

/* Starts what can start and runs one step of one job. True while there is more that needn't wait:
 * then the loop comes back without sleeping. */
bool executor_run(struct executor *executor, uint64_t now_ns);

/* The descriptor of the job with this index is ready. */
void executor_ready(struct executor *executor, uint64_t index);

/* When the first deadline passes; UINT64_MAX: nobody waits. */
uint64_t executor_deadline_ns(const struct executor *executor);

/* Ends what goes one way where it is, and forgets what is queued of it. A process that is being
 * frozen or thawed goes through with it. */
void executor_abort_verb(struct executor *executor, enum action_verb verb, uint64_t now_ns);

/* The same both ways. */
void executor_abort(struct executor *executor, uint64_t now_ns);

/* Bytes that are being moved out by a backend, BACKEND_NONE: by any, or will be: not to be asked
 * for again. What a process has been
 * asked for half a minute ago isn't among it, nor what waits for that. */
uint64_t executor_in_flight_bytes(const struct executor *executor, unsigned backend);

/* Whether something is under way that can be counted on in the same sense. */
bool executor_moving(const struct executor *executor);

bool executor_busy(const struct executor *executor);

const char *outcome_word(enum outcome_kind kind);
