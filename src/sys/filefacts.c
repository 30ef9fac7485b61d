/* SPDX-License-Identifier: MIT */
#include "sys/filefacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int read_facts(int directory_fd, const char *path, int flags, struct file_facts *ret)
{
	const unsigned wanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_UID;
	struct statx statx_;

	if (statx(directory_fd, path, flags | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, wanted,
		  &statx_) < 0)
		return -errno;
	*ret = (struct file_facts){
		.device = file_device(statx_.stx_dev_major, statx_.stx_dev_minor),
		.inode = statx_.stx_ino,
		.size_bytes = statx_.stx_size,
		.uid = statx_.stx_uid,
		.regular = S_ISREG(statx_.stx_mode),
	};
	return 0;
}

int file_facts_of_path(const char *path, struct file_facts *ret)
{
	return read_facts(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, ret);
}

int file_facts_of_fd(int fd, struct file_facts *ret)
{
	return read_facts(fd, "", AT_EMPTY_PATH, ret);
}

int file_facts_of_mapping(const struct procfs *procfs, pid_t pid, uint64_t start, uint64_t end,
			  struct file_facts *ret)
{
	char path[80];

	(void)snprintf(path, sizeof path, "%d/map_files/%llx-%llx", (int)pid,
		       (unsigned long long)start, (unsigned long long)end);
	return read_facts(procfs->root_fd, path, 0, ret);
}
