/* SPDX-License-Identifier: MIT */
/* One process: held, looked at, advised about, looked at again. */
#pragma once
#include "cli/memadvise_args.h"
#include "cli/memadvise_plan.h"
#include "cli/memadvise_why.h"
#include "sys/meminfo.h"

struct target {
	pid_t pid; /* 0: none */
	int pidfd; /* opened before anything of the process is read; -1: none */
	uint64_t start_ticks;
	char name[COMM_SIZE];
	bool lost;   /* there is nothing more to be had of it */
	bool ended;  /* for it has ended */
	bool warned; /* once is enough */
};

/* What is told of one round over a target. Figures are the kernel's. */
struct report {
	struct plan plan;
	bool planned; /* plan is there, and with it what was before */
	bool acted;   /* what follows is there */
	uint64_t advised_bytes;
	uint64_t refused_bytes; /* what the kernel would not take advice about */
	uint32_t refused_ranges;
	int refused_error; /* of the last one, -errno */
	bool compared;	   /* after is there */
	struct plan_sums after;
	uint64_t duration_ns;
	bool has_mem;
	struct mem_facts mem;  /* before */
	char expectation[320]; /* a warning beforehand; "": none */
	char surprise[320];    /* a warning afterwards */
	char error[320];
};

struct surroundings {
	const struct procfs *procfs;
	const struct memadvise_args *args;
	struct rights rights;
	uint64_t page_bytes;
	bool exact_status; /* status counts every page, and costs next to nothing */
};

/*
 * Holds the process whose number word is. False with the reason in ret->error where there is none
 * such; target_close in any case.
 */
bool target_open(struct target *target, const struct surroundings *around, const char *word,
		 struct report *ret);
void target_close(struct target *target);

/* Makes the plan and the warning beforehand. False with the reason in ret->error. */
bool target_look(struct target *target, const struct surroundings *around, struct report *ret);

/* Carries the plan out and looks again. False with the reason in ret->error. */
bool target_act(struct target *target, const struct surroundings *around, struct report *ret);

/* Bytes that are resident no more; 0 where it is more than before. */
uint64_t report_reclaimed_bytes(const struct report *report);

/* An empty report is all zero; this lets go of what is in it. */
void report_clear(struct report *report);
