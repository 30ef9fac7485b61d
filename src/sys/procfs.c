/* SPDX-License-Identifier: MIT */
#include "sys/procfs.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

int procfs_open(const char *root, struct procfs *ret)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret->root_fd = fd;
	return 0;
}

void procfs_close(struct procfs *procfs)
{
	close_fd(&procfs->root_fd);
}

int procfs_open_file(const struct procfs *procfs, const char *name)
{
	int fd = openat(procfs->root_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int procfs_open_pid_file(const struct procfs *procfs, pid_t pid, const char *name)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	fd = procfs_open_file(procfs, path);
	return fd == -ENOENT ? -ESRCH : fd;
}

ssize_t procfs_read_fd(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = pread(fd, buf + len, cap - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len == cap)
			return -EFBIG;
		if (n == 0)
			break;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t procfs_read_kept(const struct procfs *procfs, int *fd, const char *name, char *buf,
			 size_t cap)
{
	if (*fd < 0)
		*fd = procfs_open_file(procfs, name);
	return *fd < 0 ? *fd : procfs_read_fd(*fd, buf, cap);
}

ssize_t procfs_read(const struct procfs *procfs, pid_t pid, const char *name, char *buf, size_t cap)
{
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, pid, name);

	return fd < 0 ? fd : procfs_read_fd(fd, buf, cap);
}

/* Copies what belongs to short lines of the next piece behind *len bytes of buf. line_len is how
 * much of the current line came before. False where buf is full. */
static bool take_short_lines(const char *piece, size_t piece_len, char *buf, size_t cap,
			     size_t *len, size_t *line_len)
{
	for (size_t i = 0; i < piece_len; i++) {
		if (*line_len < PROCFS_LINE_MAX) {
			if (*len + 1 >= cap)
				return false;
			buf[(*len)++] = piece[i];
		}
		(*line_len)++;
		if (*line_len == PROCFS_LINE_MAX)
			*len -= PROCFS_LINE_MAX; /* too long after all */
		if (piece[i] == '\n')
			*line_len = 0;
	}
	return true;
}

ssize_t procfs_read_short_lines(const struct procfs *procfs, pid_t pid, const char *name, char *buf,
				size_t cap)
{
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, pid, name);
	size_t len = 0, line_len = 0;
	char piece[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!take_short_lines(piece, (size_t)n, buf, cap, &len, &line_len))
			return -EFBIG;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t procfs_read_link(const struct procfs *procfs, pid_t pid, const char *name, char *buf,
			 size_t cap)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof path, "%d/%s", (int)pid, name);
	n = readlinkat(procfs->root_fd, path, buf, cap);
	if (n < 0)
		return -errno;
	if ((size_t)n == cap)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return n;
}
