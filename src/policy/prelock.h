/* SPDX-License-Identifier: MIT */
/*
 * Which files are kept in memory: those that critical processes have mapped, the most shared first,
 * as far as the limits go.
 */
#pragma once
#include "policy/params.h"

#include <stddef.h>
#include <stdint.h>

#define PRELOCK_MISSED_MAX 3 /* scans in which nobody had it mapped; then it is let go */

/* What becomes of a file: code, word in dump and lists, sentence. */
#define PRELOCK_TABLE(X)                                                                           \
	X(PRELOCK_LOCKED, "locked", "kept in memory")                                              \
	X(PRELOCK_NOT_RESIDENT, "not_resident", "nothing of it is in memory now")                  \
	X(PRELOCK_OVER_FILE, "max_file", "more of it would be locked than max_file")               \
	X(PRELOCK_OVER_TOTAL, "max_total",                                                         \
	  "more would be locked than max_total, with those before it")                             \
	X(PRELOCK_OVER_PERCENT, "max_percent", "the same for max_percent of memory")               \
	X(PRELOCK_REPLACED, "replaced", "its name is another file's now, or nobody's")             \
	X(PRELOCK_UNKNOWN, "unknown", "it takes CAP_CHECKPOINT_RESTORE to tell which file it is")  \
	X(PRELOCK_SERVED, "served", "it lies on a network or FUSE file system")                    \
	X(PRELOCK_FOREIGN, "foreign", "it isn't root's, who alone learns what of it is in memory") \
	X(PRELOCK_REFUSED, "refused", "the kernel would not lock it")                              \
	X(PRELOCK_UNREADABLE, "unreadable", "it can't be opened")                                  \
	X(PRELOCK_UNUSED, "unused", "nobody has had it mapped for three scans, or may any more")

enum prelock_verdict {
#define X(code, word, sentence) code,
	PRELOCK_TABLE(X)
#undef X
		PRELOCK__N
};

const char *prelock_word(enum prelock_verdict verdict);
const char *prelock_sentence(enum prelock_verdict verdict);

/* A file that critical processes have mapped, or had in one of the last scans. */
struct prelock_file {
	uint64_t device, inode; /* as /proc/PID/maps names it */
	uint64_t start, end;	/* of its code and read-only data: offsets, whole pages */
	uint32_t path;		/* where its path begins among all paths */
	uint32_t path_hash;
	uint32_t seen_by; /* the last process that was found to have it, counted from 1 */
	uint32_t sharers; /* processes that have it, as of the last scan */
	/* the file behind its path */
	uint64_t real_device, real_inode;
	uint64_t wanted_bytes; /* what would be locked of it now */
	uint64_t locked_bytes; /* what is */
	uint64_t since_ns;     /* locked since */
	void *map;	       /* NULL: it isn't mapped by us */
	uint64_t map_start, map_end;
	uint8_t missed;	 /* scans in a row in which nobody had it */
	uint8_t verdict; /* enum prelock_verdict; of what may be locked, PRELOCK_LOCKED */
};

/* How much may be locked in all, and which of the limits says so. */
struct prelock_room {
	uint64_t bytes;
	enum prelock_verdict limit;
};
struct prelock_room prelock_room(const struct prelock_params *params, uint64_t total_bytes);

/*
 * Takes note of a scan's end: who was missed, and who is forgotten by it (PRELOCK_UNUSED). Where
 * the rules are other ones than those of the scan before, whoever was missed is.
 */
void prelock_judge(struct prelock_file *files, size_t n, bool rules_changed);

/*
 * Decides: of those whose verdict is PRELOCK_LOCKED, all that is over a limit or has nothing to
 * lock gets another verdict. order (n places) gets all files, most shared first; among equals those
 * that are locked already, then the smaller. What doesn't fit is passed over; smaller ones behind
 * it may.
 */
void prelock_plan(struct prelock_file *files, size_t n, const struct prelock_params *params,
		  uint64_t total_bytes, uint16_t *order);
