/* SPDX-License-Identifier: MIT */
/* What /sys/dev/block says of a block device. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* 0 or -errno; *ret untouched on failure. */
int sysblock_size_bytes(const struct procfs *sys, dev_t device, uint64_t *ret);

/* The name that the device mapper gave it, of /dev/mapper. 0, -ENOENT where it isn't such a device,
 * or -errno. */
int sysblock_mapper_name(const struct procfs *sys, dev_t device, char *ret, size_t cap);

/* It is a disk, or a partition of one, that its driver has given up. */
bool sysblock_is_offline(const struct procfs *sys, dev_t device);

/* It has no heads to move, by what it says of itself; false also where nothing is known. */
bool sysblock_is_solid(const struct procfs *sys, dev_t device);

/* It is compressed memory (zram), and reads or writes failed. */
bool sysblock_has_errors(const struct procfs *sys, dev_t device);
