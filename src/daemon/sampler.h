/* SPDX-License-Identifier: MIT */
/*
 * Facts from the kernel into a snapshot, at the least cost: all processes are listed at every
 * scan, but only those big enough to matter are followed, through a descriptor of their stat that
 * is kept open (which also pins them: it never shows another process under the same number).
 * The others are looked at again at every fifth scan.
 */
#pragma once
#include "policy/idle.h"
#include "policy/params.h"
#include "policy/snapshot.h"
#include "sys/proclist.h"
#include "sys/procstat.h"

#define SAMPLER_FOLLOWED_MAX 4096
#define SAMPLER_SEEN_MAX (128 * 1024)
#define SAMPLER_ANCESTORS_MAX 32

struct sampler {
	struct procfs procfs;
	const struct params *params; /* borrowed; sampler_reload when it changes */
	struct procstat_units units;
	struct snapshot snapshot;	 /* procs by pid, ascending */
	int *stat_fds;			 /* of snapshot.procs, in the same order */
	size_t followed_max;		 /* as many as there are descriptors for */
	struct seen *seen, *seen_before; /* the others, by pid, ascending */
	size_t n_seen;
	struct proclist list;
	int meminfo_fd, psi_fd;
	unsigned scans;
	uint64_t scanned_ns; /* last scan; 0: none yet */
	struct proc_id ancestors[SAMPLER_ANCESTORS_MAX];
	size_t n_ancestors;
	/* Whether a process is swapped to its own image, however small it is now; NULL: none is */
	bool (*is_frozen)(void *owner, int32_t pid);
	void *owner;
	struct lookout *lookout; /* borrowed; NULL: none is kept */
	uint32_t table_full;	 /* processes that found no place in the last scan */
};

/* How hard a scan looks. */
enum scan_depth {
	SCAN_FOLLOWED, /* small processes when their turn comes */
	SCAN_ALL       /* every process, now */
};

/* Opens what it reads under root ("/proc") and makes its tables; sampler_close. 0 or -errno. */
int sampler_open(struct sampler *sampler, const char *root, const struct params *params);
void sampler_close(struct sampler *sampler);

/* Takes new settings: every protect rule is tried anew. */
void sampler_reload(struct sampler *sampler);

/* Reads memory and pressure into the snapshot. 0, or -errno where meminfo can't be believed; the
 * snapshot keeps the old facts then. Absent pressure is no error. */
int sampler_read_memory(struct sampler *sampler, uint64_t now_ns);

/* Looks at the processes. Afterwards those that have been idle long enough, or of which we hold
 * memory, have full facts. 0 or -errno where processes can't be listed. */
int sampler_scan(struct sampler *sampler, enum scan_depth depth, uint64_t now_ns);

/* Gives every followed process full facts: for the dump and --once. */
void sampler_read_all(struct sampler *sampler);

/* The followed process of this identity, or NULL. Valid until the next scan. */
struct proc *sampler_find(struct sampler *sampler, const struct proc_id *id);

/* Reads one followed process afresh, with full facts, and takes it into its history.
 * 0, -ESRCH where it is gone or has become another program, -errno. */
int sampler_refresh(struct sampler *sampler, struct proc *proc, uint64_t now_ns);
