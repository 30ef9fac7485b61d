/* SPDX-License-Identifier: MIT */
/* The plan: what is to be done to whom, and why not to the others. */
#pragma once
#include "policy/params.h"
#include "policy/snapshot.h"

#define PLAN_MAX 64 /* actions of one tick; what is left over waits for the next */

enum action_verb { ACTION_RECLAIM, ACTION_RESTORE };

struct action {
	enum action_verb verb;
	struct proc_id id;
	uint8_t backend;
	uint32_t uid;	  /* whose process it is */
	uint64_t bytes;	  /* to move, at most */
	uint64_t idle_ns; /* when it was chosen */
	uint64_t mm_tag;  /* of the program that was chosen */
	char comm[COMM_SIZE];
};

struct plan {
	struct action actions[PLAN_MAX];
	size_t n_actions;
	uint64_t bytes;			 /* sum over the actions */
	uint64_t missing_bytes;		 /* wanted, and found nowhere */
	uint32_t passed_over[REASON__N]; /* processes by reason, those never followed included */
};

/* Victims in rank order until need_bytes are met. The last one gives only what is missing,
 * but no crumbs; nor are there any in the room that is left. */
void plan_reclaim(const struct snapshot *snapshot, const struct idle_params *params,
		  uint64_t need_bytes, struct plan *ret);

/* One process to bring back whose held bytes fit into spare_bytes, or none. What was moved out
 * less than settle_ns ago stays out unless it is wanted, and so does what isn't to be tried yet: on
 * diet nothing else keeps a process from being moved to and fro. */
void plan_restore(const struct snapshot *snapshot, uint64_t settle_ns, uint64_t spare_bytes,
		  struct plan *ret);

/*
 * The first cap processes in rank order that are victims, or would be if they stayed idle:
 * their indices in snapshot->procs. Returns how many there are, at most cap.
 */
size_t plan_next(const struct snapshot *snapshot, const struct idle_params *params,
		 uint32_t *ret_index, size_t cap);
