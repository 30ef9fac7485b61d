/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps, region by region, and which of them may be moved out. */
#pragma once
#include "sys/lines.h"

#include <stdint.h>

/* Why a region is not ours to move */
enum region_kind {
	REGION_ELIGIBLE,   /* private, anonymous, writable: heap, anonymous maps, named ones */
	REGION_SHARED,	   /* others see the same memory */
	REGION_FILE,	   /* has a file behind it */
	REGION_EXECUTABLE, /* code, of a JIT for instance */
	REGION_READONLY,
	REGION_STACK,
	REGION_KERNEL, /* vdso, vvar, vsyscall and the like */
	/* what only smaps tells, sys/smaps.h */
	REGION_LOCKED,
	REGION_HUGETLB,
	REGION_DEVICE,
	REGION__N
};

struct region {
	uint64_t start, end;
	enum region_kind kind;
};

/* One line of maps, as it stands there. */
struct mapping {
	uint64_t start, end, offset;
	uint64_t major, minor, inode; /* of the file; inode 0: there is none */
	char permissions[4];	      /* "r-xp" */
	const char *name;	      /* in the line, not ended by NUL */
	size_t name_len;
};

struct regions {
	struct lines lines;
};

/* Parses one line of maps without its newline. 0 or -EBADMSG; *ret untouched then. */
int region_parse(const char *line, size_t len, struct region *ret);

/* The same with all that it says; name is borrowed from line. */
int mapping_parse(const char *line, size_t len, struct mapping *ret);

/* Starts to read the regions of pid; regions_close when done. 0 or -errno. */
int regions_open(const struct procfs *procfs, pid_t pid, struct regions *ret);
void regions_close(struct regions *regions);

/* The next region, by address. 1, 0 at the end, or -errno. */
int regions_next(struct regions *regions, struct region *ret);

/* Instead: the next line whole; its name is valid until the next call. */
int regions_next_mapping(struct regions *regions, struct mapping *ret);
