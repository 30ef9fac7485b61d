/* SPDX-License-Identifier: MIT */
/* Which kind of file system, and whether a swap file may lie on it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct fstype {
	const char *name;     /* "ext4"; "unknown" where it is none that we know */
	const char *unfit;    /* why no swap file may lie there; NULL: it may */
	bool copies_on_write; /* btrfs: unless told otherwise; and FIEMAP knows no place on the disk
			       */
};

/* By the magic number of statfs(2). Never NULL. */
const struct fstype *fstype_by_magic(uint64_t magic);

/* Of an open file, or of the directory of a path that doesn't exist yet. 0 or -errno. */
int fstype_of_fd(int fd, const struct fstype **ret);
int fstype_of_parent(const char *path, const struct fstype **ret);
