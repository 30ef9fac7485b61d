/* SPDX-License-Identifier: MIT */
/* /proc/self/mountinfo */
#pragma once
#include "sys/procfs.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mount_point {
	uint64_t id;
	dev_t device; /* of the files in it; btrfs and others make one up */
	char path[PATH_MAX];
	char type[64];
	char source[PATH_MAX];
};

/* Takes one line (without its newline) apart. 0, or -EBADMSG; *ret is undefined then. */
int mountinfo_parse_line(const char *line, size_t len, struct mount_point *ret);

/* Whether another machine or a process serves the files of such a file system ("nfs4",
 * "fuse.sshfs"): whoever reads there may wait for it as long as it likes. */
bool mount_type_is_served(const char *type);

/* Where the block device is mounted, or a file system that names it as its source. 0, -ENOENT where
 * it isn't, or -errno. */
int mountinfo_find_device(const struct procfs *procfs, dev_t device, struct mount_point *ret);

/* The mount that the open file was reached through. As above. */
int mountinfo_find_fd(const struct procfs *procfs, int fd, struct mount_point *ret);
