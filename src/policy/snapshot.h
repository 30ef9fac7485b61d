/* SPDX-License-Identifier: MIT */
/* Facts: what one sample of the machine says. Bytes and nanoseconds throughout. */
#pragma once
#include "policy/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMM_SIZE 16 /* TASK_COMM_LEN, with its NUL */

/* /proc/meminfo, proc(5) */
struct mem_facts {
	uint64_t total_bytes, free_bytes;
	uint64_t available_bytes; /* MemAvailable, kernels from 3.14; see has_available */
	uint64_t buffers_bytes, cached_bytes, dirty_bytes, writeback_bytes, shmem_bytes;
	uint64_t swap_total_bytes, swap_free_bytes, swap_cached_bytes;
	uint64_t anon_lru_bytes;		      /* Active(anon) + Inactive(anon) */
	uint64_t anon_mapped_bytes;		      /* AnonPages */
	uint64_t commit_limit_bytes, committed_bytes; /* 0 where the kernel doesn't tell */
	uint64_t
		prelocked_bytes; /* of Cached, locked by us; MemAvailable leaves it out by itself */
	bool has_available;
};

/* /proc/pressure/memory */
struct psi_facts {
	bool present;
	unsigned some_avg10_permyriad, full_avg10_permyriad;
	uint64_t some_total_us, full_total_us;
};

/* A process is a pid and when it started; the pid alone is used again. */
struct proc_id {
	int32_t pid;
	uint64_t start_ticks;
};

/* What the backends need to know of a process beside its memory. */
enum proc_flag {
	PROC_KERNEL = 1 << 0,	       /* kernel thread */
	PROC_REALTIME = 1 << 1,	       /* SCHED_FIFO, SCHED_RR, SCHED_DEADLINE: its main thread */
	PROC_REALTIME_THREAD = 1 << 2, /* or another one; as of the last full look */
	PROC_FOREGROUND = 1 << 3,      /* in the foreground process group of its terminal */
	PROC_SESSION_LEADER = 1 << 4,  /* of a session with a terminal */
	PROC_WATCHDOG = 1 << 5,	       /* a service manager expects signs of life from it */
	PROC_ASYNC_IO = 1 << 6,	       /* the kernel may write to its memory behind its back */
	PROC_PROTECTED = 1 << 7,       /* a protect rule names it */
	PROC_UNREADABLE = 1 << 8,      /* what the rules ask for could not be read */
	PROC_OOM_PROTECTED = 1 << 9,   /* oom_score_adj at or under protect.oom_score_adj */
	PROC_FULL = 1 << 10, /* the facts of /proc/PID/status and the like are there too */
};

/* One process, from /proc/PID/stat; from status and oom_score_adj where PROC_FULL. */
struct proc_facts {
	struct proc_id id;
	int32_t ppid;
	uint32_t flags;	 /* enum proc_flag */
	uint64_t mm_tag; /* where code and stack lie: changes with every exec; 0: not permitted */
	uint64_t cpu_ns; /* user + system, all threads */
	uint64_t major_faults;
	uint64_t rss_bytes;  /* resident set, approximate */
	uint64_t anon_bytes; /* RssAnon */
	uint64_t swap_bytes; /* VmSwap */
	uint32_t uid;
	int32_t tracer_pid;
	uint32_t n_threads;
	int16_t oom_score_adj;
	char state; /* proc(5): R S D Z T t X I */
	char comm[COMM_SIZE];
};

/* What is remembered of a process between samples; all zero at first sight. */
struct proc_history {
	uint64_t seen_ns;	/* of the last sample; 0: none yet */
	uint64_t cpu_ns;	/* at seen_ns */
	uint64_t idle_since_ns; /* 0: busy in the last interval, or not known yet */
	uint64_t mm_tag;
	uint64_t out_bytes;	 /* what we moved out and it has not yet taken back */
	uint64_t out_since_ns;	 /* when that was, last */
	uint64_t out_swap_bytes; /* its VmSwap right after */
	uint64_t out_anon_bytes; /* its resident anonymous memory right after */
	uint64_t out_major_faults;
	uint64_t frozen_bytes; /* what it has in its own image, stopped; 0: it runs */
	uint64_t vain_ns;      /* the last attempt to bring it back that failed; 0: none */
	uint64_t restored_ns;  /* when we brought it back; 0: never */
	uint64_t retry_ns;     /* not worth another attempt before, out or back */
	uint64_t wrong_ns;     /* last wrong choice, or last forgiveness */
	uint8_t backoff;       /* its minimum idle time is min_idle << backoff */
	uint8_t wrong_count;   /* saturates */
	uint8_t refusals;      /* attempts in a row that moved nothing out of it; saturates */
	uint8_t held_by;       /* the backend that moved out_bytes */
	bool judged;	       /* the last page-out turned out wrong already */
	bool wanted;	       /* has faulted some of what is out back */
	bool under_way;	       /* an action on it runs: it is kept, however small it gets */
};

#define CRUMB_BYTES (UINT64_C(1) << 20) /* less than this isn't worth an action */

#define BACKEND_MAX 4
#define BACKEND_NONE UINT8_MAX

/* A process that could become a victim. */
struct proc {
	struct proc_facts facts;
	struct proc_history past;
	uint64_t reclaimable_bytes; /* the backend's estimate */
	uint8_t backend;	    /* which one takes it, or BACKEND_NONE */
	bool freezing;		    /* that backend stops the process */
};

struct snapshot {
	uint64_t now_ns; /* CLOCK_BOOTTIME */
	struct mem_facts mem;
	struct psi_facts psi;
	struct proc *procs;
	size_t n_procs;
	uint64_t room_bytes[BACKEND_MAX]; /* what each backend can still move out */
	uint32_t not_followed[REASON__N]; /* processes seen, and why not among procs */
};
