/* SPDX-License-Identifier: MIT */
#include "sys/lockfile.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int write_pid(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d\n", (int)pid);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) < 0)
		return -errno;
	return 0;
}

static int make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[4096];

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof directory)
		return 0;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	return mkdir(directory, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int lockfile_take(const char *path)
{
	_cleanup_close_ int fd = -1;
	int r = make_parent(path);

	if (r < 0)
		return r;
	/* whoever may open it may lock it */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	r = write_pid(fd, getpid());
	return r < 0 ? r : take_fd(&fd);
}

int lockfile_write_pid(const char *path, pid_t pid)
{
	_cleanup_close_ int fd = -1;

	/* a new file, never one that somebody put there for us to write to */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : write_pid(fd, pid);
}
