/* SPDX-License-Identifier: MIT */
/* Loop devices: a part of a file or device as a block device of its own. */
#pragma once
#include "sys/procfs.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

struct loopdev {
	char backing[PATH_MAX];		    /* as it was called when it was attached */
	uint64_t offset_bytes, limit_bytes; /* limit 0: to the end */
};

/* What /sys says of the loop device of that number. 0, -ENOENT where it is no loop device or has no
 * file behind it, or -errno. */
int loopdev_look(const struct procfs *sys, dev_t device, struct loopdev *ret);

/* Which file or device stands behind the open loop device: its st_dev and st_ino, and st_rdev where
 * it is a device. */
struct loopdev_backing {
	dev_t dev, rdev;
	ino_t ino;
};
int loopdev_backing(int fd, struct loopdev_backing *ret);

/*
 * Makes a free loop device one of bytes from offset_bytes (multiples of 512) of the open file or
 * device. It goes by itself when its last user does: until then the descriptor that is returned
 * keeps it. ret_path gets its name. The descriptor, or -errno (-ENOENT: there are no loop devices
 * here).
 */
#define LOOPDEV_PATH_MAX 32
int loopdev_attach(int backing_fd, uint64_t offset_bytes, uint64_t bytes,
		   char ret_path[LOOPDEV_PATH_MAX]);
