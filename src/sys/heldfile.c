/* SPDX-License-Identifier: MIT */
#include "sys/heldfile.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int heldfile_open(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode) || stat.st_uid != geteuid() || stat.st_nlink != 1 ||
	    (stat.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return take_fd(&fd);
}

ssize_t heldfile_read(int fd, char *ret, size_t size)
{
	ssize_t n = pread(fd, ret, size, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EFBIG;
	ret[n] = '\0';
	return n;
}

int heldfile_write(int fd, const char *text, size_t len)
{
	ssize_t n = pwrite(fd, text, len, 0);

	if (n < 0 || (size_t)n != len)
		return n < 0 ? -errno : -ENOSPC;
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}
