/* SPDX-License-Identifier: MIT */
/* How long a process has been idle, and how often that was misjudged. */
#pragma once
#include "policy/params.h"
#include "policy/snapshot.h"

/*
 * Takes a new sample of a process into its history. Over the interval since the last sample the
 * process was idle when its CPU time grew by less than idle_cpu of it. Where that is under two of
 * the 10 ms steps in which CPU time comes, a process that used some goes on being observed. A gap
 * of more than three of the longest intervals between two looks (suspend, a stopped daemon) counts
 * as three: nobody could use the program then, so it proves nothing. A clock or a CPU time that
 * goes back, or an exec, starts afresh.
 */
void idle_observe(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns,
		  const struct idle_params *params);

/* How long it has been idle, in ns; 0: it isn't. */
uint64_t idle_ns(const struct proc_history *past, uint64_t now_ns);

/* Its own minimum idle time: min_idle, doubled for each wrong choice, at most backoff_max. */
uint64_t idle_minimum_ns(const struct proc_history *past, const struct idle_params *params);

/*
 * Looks at what became of memory that was moved out (needs PROC_FULL facts): takes note of what
 * the process faulted back, or gave up. True where the choice turns out wrong: an eighth of it, and
 * at least 1 MiB, was faulted back before the longer of its own minimum idle time and cooldown_ns
 * had passed. Then its minimum idle time has been doubled; it is halved again for every
 * backoff_forgive without such an event. Each page-out is judged wrong once. Who has faulted some
 * back is wanted until the rest is back, or more is moved out.
 */
bool idle_judge(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns,
		uint64_t cooldown_ns, const struct idle_params *params);

/* After an action, with the facts read back from the kernel: moved_bytes were moved out and
 * VmSwap is as in facts. Adds to what is held. */
void idle_note_out(struct proc_history *past, const struct proc_facts *facts, uint64_t moved_bytes,
		   uint64_t now_ns);

/* After a restore, with the facts read back: what is still out is held on; protects the rest. */
void idle_note_back(struct proc_history *past, const struct proc_facts *facts, uint64_t now_ns);

/* Bytes of this process that we moved out and could give back now; crumbs count for nothing. */
uint64_t idle_held_bytes(const struct proc *proc);
