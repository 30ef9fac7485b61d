/* SPDX-License-Identifier: MIT */
/* What is on a device, by libblkid. The daemon does without: nothing but swapctl links this. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blkprobe {
	bool found;
	bool swap;     /* a swap area, of whatever kind */
	char what[96]; /* "an ext4 file system" */
};

/* Looks for file systems, partition tables, LVM, LUKS, RAID and the like in bytes (0: to the end)
 * behind offset_bytes of an open device or file. 0, or -errno (-EIO: it couldn't be read). */
int blkprobe_look(int fd, uint64_t offset_bytes, uint64_t bytes, struct blkprobe *ret);

/* The device of "UUID=...", "LABEL=..." and the like; a path stands for itself. 0 or -ENOENT. */
int blkprobe_resolve(const char *spec, char ret[PATH_MAX]);
