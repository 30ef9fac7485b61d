/* SPDX-License-Identifier: MIT */
#include "sys/lines.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

int lines_open(const struct procfs *procfs, pid_t pid, const char *name, struct lines *ret)
{
	int fd = procfs_open_pid_file(procfs, pid, name);

	if (fd < 0)
		return fd;
	ret->fd = fd;
	ret->at = ret->len = 0;
	ret->in_line = false;
	return 0;
}

void lines_close(struct lines *lines)
{
	close_fd(&lines->fd);
}

/* Moves what is left to the front and reads on. Bytes read, 0 at the end, -errno. */
static ssize_t refill(struct lines *lines)
{
	size_t left = lines->len - lines->at;
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->at, left);
	lines->at = 0;
	lines->len = left;
	do
		n = read(lines->fd, lines->buf + left, sizeof lines->buf - left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->len += (size_t)n;
	return n;
}

int lines_next(struct lines *lines, const char **ret_line, size_t *ret_len)
{
	for (;;) {
		const char *line = lines->buf + lines->at;
		size_t left = lines->len - lines->at;
		const char *end = memchr(line, '\n', left);
		bool in_line = lines->in_line;
		ssize_t n;

		if (end || left == sizeof lines->buf) {
			*ret_line = line;
			*ret_len = end ? (size_t)(end - line) : left;
			lines->at += end ? *ret_len + 1 : left;
			lines->in_line = !end;
			if (in_line)
				continue;
			return 1;
		}
		n = refill(lines);
		if (n <= 0)
			return n < 0 ? (int)n : lines->len > 0 ? -EBADMSG : 0;
	}
}
