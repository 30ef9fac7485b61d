/* SPDX-License-Identifier: MIT */
/*
 * One scan of [prelock]: which files critical processes have mapped, which of them are locked, and
 * the locks themselves. A scan waits where a file system or a process makes it wait: whoever must
 * not leaves it to a thread, see prelock.h.
 */
#pragma once
#include "daemon/prelock_rules.h"
#include "policy/prelock.h"
#include "sys/mountinfo.h"
#include "sys/proclist.h"
#include "sys/regions.h"

#include <limits.h>

#define PRELOCK_FILES_MAX 8192
#define PRELOCK_PATHS_BYTES (PRELOCK_FILES_MAX * 128)
#define PRELOCK_SLOTS_MAX (2 * PRELOCK_FILES_MAX)
#define PRELOCK_SHOWN_MAX 16 /* files in a report */
#define PRELOCK_LEFT_MAX 8   /* and of those that were left out */
#define PRELOCK_PATH_SHOWN 160

struct prelock_shown {
	uint64_t bytes, mapped_bytes, since_ns;
	uint32_t sharers;
	uint8_t verdict;
	char path[PRELOCK_PATH_SHOWN]; /* its end, where it is longer */
};

/* What a scan found and did. */
struct prelock_report {
	uint64_t at_ns, took_ns, cpu_ns;
	uint32_t scans;
	uint32_t processes, critical; /* looked at; of those, the critical ones */
	uint32_t unreadable;	      /* critical ones whose maps could not be read */
	uint32_t table_full;	      /* files that found no place */
	uint32_t files[PRELOCK__N];   /* by verdict */
	uint64_t bytes[PRELOCK__N];   /* locked, or what would have been; of a dry run as well */
	uint64_t mapped_bytes;	      /* of those locked: all of their code and read-only data */
	uint64_t locked_bytes;	      /* really: nothing in a dry run */
	int refused;		      /* why the kernel would not lock, -errno; 0: it did */
	int list_error;		      /* processes could not be listed, -errno */
	struct prelock_room room;
	struct prelock_shown shown[PRELOCK_SHOWN_MAX], left[PRELOCK_LEFT_MAX];
	size_t n_shown, n_left;
};

/* Of one file of a process what its maps have told so far. */
struct prelock_group {
	struct mapping first;
	uint64_t start, end;
	bool executable;
	char path[PATH_MAX];
};

/* Large; address space that takes memory as it is used. */
struct prelock_scan {
	const struct procfs *procfs; /* borrowed */
	const struct prelock_settings *settings;
	struct proclist list;
	struct regions maps;
	struct lines mounts;
	struct mount_point mount;
	uint64_t known_device; /* of which known_served tells */
	bool known_served;
	struct prelock_rules rules;
	struct prelock_group group;
	struct prelock_report report;
	size_t n_files, paths_len, n_slots;
	struct prelock_file files[PRELOCK_FILES_MAX];
	uint16_t order[PRELOCK_FILES_MAX];
	uint16_t slots[PRELOCK_SLOTS_MAX]; /* places in files by hash, counted from 1; 0: empty */
	char paths[PRELOCK_PATHS_BYTES];   /* in the order of files */
};

/* 0 or -errno. Closing lets everything go. */
int prelock_scan_open(const struct procfs *procfs, struct prelock_scan **ret);
void prelock_scan_close(struct prelock_scan *scan);

/* Looks, and locks or lets go. Where the rules are other ones than at the last scan, what they
 * don't ask for any more is let go at once; with [prelock] switched off, everything. Afterwards
 * report and files tell of it, order is that of the plan. */
void prelock_scan_run(struct prelock_scan *scan, const struct prelock_settings *settings,
		      bool rules_changed, uint64_t now_ns);

const char *prelock_scan_path(const struct prelock_scan *scan, const struct prelock_file *file);
