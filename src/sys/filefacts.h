/* SPDX-License-Identifier: MIT */
/* Which file a name, a descriptor or a mapping stands for. Nothing here waits for a file system
 * that is served by somebody else: what the kernel knows already is taken. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>

struct file_facts {
	uint64_t device, inode, size_bytes;
	uint32_t uid;
	bool regular;
};

/* A device as struct file_facts and /proc/PID/maps name it, in one number. */
static inline uint64_t file_device(uint64_t major, uint64_t minor)
{
	return major << 32 | minor;
}

/* Of a path, whose last part is no link that is followed; of an open file; of what pid has mapped
 * from start to end (takes CAP_CHECKPOINT_RESTORE). 0 or -errno; *ret untouched then. */
int file_facts_of_path(const char *path, struct file_facts *ret);
int file_facts_of_fd(int fd, struct file_facts *ret);
int file_facts_of_mapping(const struct procfs *procfs, pid_t pid, uint64_t start, uint64_t end,
			  struct file_facts *ret);
