/* SPDX-License-Identifier: MIT */
/* The clocks we use. */
#pragma once
#include <stdint.h>

/* CLOCK_BOOTTIME in ns: goes on in suspend, is never set. */
uint64_t clock_now_ns(void);

/* CLOCK_MONOTONIC in ns, as systemd counts. */
uint64_t clock_monotonic_ns(void);

/* CPU time of the calling thread. */
uint64_t clock_thread_cpu_ns(void);
