/* SPDX-License-Identifier: MIT */
/* Waits for what can happen: the timer, a signal, memory pressure, an answer. */
#pragma once
#include "policy/params.h"
#include "sys/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOP_CHILD 50	   /* data of the descriptor of a child */
#define LOOP_JOBS_BASE 100 /* data of jobs' descriptors, by their index */

/* What one wait brought; leave is a stop that lets everything be as it is. */
struct loop_events {
	bool tick, pressure, dump, diet, reload, stop, leave, child;
	uint64_t ready[8]; /* jobs by index */
	size_t n_ready;
};

struct loop {
	int epoll_fd, timer_fd, signal_fd, pressure_fd;
};

/* Opens all of it and blocks the signals it waits for. Call before anything else that would
 * inherit descriptors or signals. 0 or -errno. */
int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Sets the timer, and the pressure trigger where the kernel has one: 0, or -errno of the trigger
 * (the loop works without it). */
int loop_configure(struct loop *loop, const struct procfs *procfs,
		   const struct loop_params *params);

/* Waits until something happened, at most until deadline_ns (CLOCK_BOOTTIME; 0: not at all), and
 * less while there are lines that syslog hasn't taken. 0 or -errno. */
int loop_wait(struct loop *loop, uint64_t deadline_ns, struct loop_events *ret);
