/* SPDX-License-Identifier: MIT */
/* Who may be a victim, and in which order. */
#pragma once
#include "policy/params.h"
#include "policy/snapshot.h"

/*
 * The first rule that keeps a process from being a victim now, or REASON_VICTIM. Facts without
 * PROC_FULL are judged by what they hold: a small resident set is small for sure.
 */
enum reason rank_verdict(const struct proc *proc, uint64_t now_ns,
			 const struct idle_params *params);

/* The first rule that forbids to freeze it: a frozen process can't answer, one that is only paged
 * out can. REASON_VICTIM where there is none. */
enum reason rank_freezing_verdict(const struct proc_facts *facts);

/* True for the reasons that pass by themselves while the process stays as idle as it is. */
bool rank_only_waits(enum reason reason);

/* ns until such a reason is over, 0 for any other. */
uint64_t rank_wait_ns(const struct proc *proc, uint64_t now_ns, const struct idle_params *params);

/* Idle time in powers of two of minutes: 0 under 2 min, 1 for 2-4, 2 for 4-8, ... */
unsigned rank_idle_bucket(uint64_t idle_ns);

/*
 * Total orders over processes at one time; < 0: a goes first.
 * Out: those that can be frozen first, for who attached them wants just that; then those with the
 * fewest refusals in a row, then the idlest bucket, then most reclaimable bytes, then pid.
 * Back: wanted ones first, then those that weren't tried in vain, or longer ago, then the most
 * recently moved out, then pid.
 */
int rank_compare_out(const struct proc *a, const struct proc *b, uint64_t now_ns);
int rank_compare_back(const struct proc *a, const struct proc *b);
