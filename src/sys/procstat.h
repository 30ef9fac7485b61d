/* SPDX-License-Identifier: MIT */
/* What /proc/PID says of a process: stat for those that are followed, the rest for the few that
 * may be victims (proc(5)). */
#pragma once
#include "policy/snapshot.h"
#include "sys/procfs.h"

/* How the kernel counts; read once. */
struct procstat_units {
	uint64_t page_bytes, tick_ns;
};
struct procstat_units procstat_units(void);

/*
 * The text of /proc/PID/stat into *facts: id, ppid, state, comm, cpu_ns, n_threads, major_faults,
 * rss_bytes, mm_tag and the flags KERNEL, REALTIME, FOREGROUND, SESSION_LEADER, which it sets or
 * clears. Leaves everything else. -EBADMSG where it isn't such a text; *facts untouched then.
 */
int procstat_parse(const char *text, size_t len, const struct procstat_units *units,
		   struct proc_facts *facts);

/* The text of /proc/PID/status into *facts: uid, tracer_pid, anon_bytes, swap_bytes. */
int procstat_parse_status(const char *text, size_t len, struct proc_facts *facts);

/* What status says of the memory of a process. */
struct procstat_memory {
	uint64_t rss_bytes, anon_bytes, swap_bytes;
};

/* The text of /proc/PID/status into *ret. -ENOENT where the process has no memory (any more),
 * -EBADMSG where it isn't such a text; *ret untouched then. */
int procstat_parse_memory(const char *text, size_t len, struct procstat_memory *ret);

/* Whether status of a kernel called release ("6.1.0-18-amd64") counts every page: from Linux 6.16
 * on. Before, up to some dozens for each CPU are missing; smaps_rollup has them all. */
bool procstat_is_exact(const char *release);

/* The path in /proc/PID/cgroup: of the unified hierarchy, or of systemd's own where the machine
 * has cgroup v1 and the unified path says nothing. "" where there is neither. -EBADMSG where it
 * isn't such a text; cut to cap - 1 bytes. */
int procstat_parse_cgroup(const char *text, size_t len, char *ret_path, size_t cap);

/* Reads stat through a kept descriptor (-ESRCH: gone, and nobody else can stand behind it). */
int procstat_read_fd(int fd, const struct procstat_units *units, struct proc_facts *facts);

/* A thread of the process that lives, and its state letter: the main one, or another where that has
 * ended before the others and stays as a zombie. 0 where none does. */
pid_t procstat_living_thread(const struct procfs *procfs, const struct proc_facts *facts,
			     char *ret_state);

/* Reads status and oom_score_adj of facts->id.pid, where it has several threads the first 64 of
 * them for PROC_REALTIME_THREAD, sets PROC_FULL. 0 or -errno. */
#define PROCSTAT_THREADS_MAX 64
int procstat_read_full(const struct procfs *procfs, struct proc_facts *facts);
