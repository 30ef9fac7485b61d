/* SPDX-License-Identifier: MIT */
/* The daemon: joins facts, policy and backends. A tick is sample, step, plan, execute. */
#pragma once
#include "backend/madvise.h"
#include "backend/swapify.h"
#include "config/config.h"
#include "daemon/executor.h"
#include "daemon/handover.h"
#include "daemon/prelock.h"
#include "daemon/sampler.h"
#include "daemon/swapspace.h"
#include "policy/fsm.h"

/* Things that are said once and then counted, until they are over. */
struct said {
	bool bad_memory, no_room, nothing_found, table_full, attached_full, no_prelock,
		waits_for_room, swapify_off;
	int failed; /* the last error of an action that was told */
};

struct daemon {
	struct config config; /* owned */
	bool dry_run;
	struct sampler sampler;
	struct executor executor;
	struct machine machine;
	struct swapspace swapspace;
	struct plan plan; /* the last one; too large for a stack */
	struct attached_table attached;
	struct swapify swapify;
	bool swapify_on;      /* enabled, or off and not all back yet that was frozen before */
	int32_t reviving_pid; /* of the program whose helper is being started anew; 0: none */
	pid_t reviver;	      /* the child that does it */
	struct madvise madvise;
	struct prelock *prelock;
	struct backend real_swapify, real_madvise; /* what a dry run stands for */
	struct handover handover;
	struct lookout lookout;
	struct said said;
	bool diet_requested;
	int64_t need_bytes;	 /* at the last tick */
	uint64_t promised_bytes; /* offered, or only seemingly moved: counts for one cooldown */
	uint64_t promised_ns;	 /* since the first of them */
	uint64_t started_ns;
	uint64_t scanned_all_ns;     /* when every process was last looked at */
	uint64_t planned_ns;	     /* last plan for a reclaim that found nobody; 0: it did */
	uint64_t restore_planned_ns; /* the same for a restore */
	uint64_t held_still;	     /* ticks with facts that could not be believed */
	uint64_t no_room_count, ticks;
};

/*
 * Makes the daemon ready: tables, sampler under root ("/proc"), backends. It has to be zeroed, and
 * isn't here: what isn't touched of it isn't resident. Takes the config over in any case. 0 or
 * -errno, logged.
 */
int daemon_open(struct daemon *daemon, const char *root, struct config *config, bool dry_run,
		int epoll_fd, uint64_t data_base, uint64_t now_ns);
void daemon_close(struct daemon *daemon);

/* Takes a new configuration over; the states of machine and processes stay. */
void daemon_reconfigure(struct daemon *daemon, struct config *config);

/* One tick at now_ns. */
void daemon_tick(struct daemon *daemon, uint64_t now_ns);

/* Looks at every process, and gives all that are followed full facts, a backend and an estimate:
 * for the dump and --once. */
void daemon_survey(struct daemon *daemon, uint64_t now_ns);

/* Bytes moved out by us that are out still, and in how many processes. */
uint64_t daemon_held_bytes(const struct daemon *daemon, size_t *ret_processes);

/* Bytes that can be had without moving anything out. */
uint64_t daemon_available_bytes(const struct daemon *daemon);

/* What the executor asks and tells; the owner is a struct daemon. */
enum reason daemon_admit(void *owner, struct action *action, struct proc_facts *ret_facts);
void daemon_done(void *owner, const struct outcome *outcome);

/* Gives the process the first backend that takes it, and its estimate. */
void daemon_estimate(struct daemon *daemon, struct proc *proc);
