/* SPDX-License-Identifier: MIT */
#include "sys/regions.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <string.h>

static int scan_hex(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		if (value >> 60)
			return -EBADMSG;
		value = value << 4 | digit;
	}
	if (p == *at)
		return -EBADMSG;
	*at = p;
	*ret = value;
	return 0;
}

static bool skip_char(const char **at, const char *end, char c)
{
	if (*at >= end || **at != c)
		return false;
	(*at)++;
	return true;
}

static bool starts(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

static enum region_kind classify(const char *permissions, bool has_file, const char *name,
				 const char *end)
{
	if (permissions[3] != 'p')
		return REGION_SHARED;
	if (has_file)
		return REGION_FILE;
	if (permissions[2] == 'x')
		return REGION_EXECUTABLE;
	if (permissions[1] != 'w')
		return REGION_READONLY;
	if (starts(name, end, "[stack"))
		return REGION_STACK;
	if (name == end || starts(name, end, "[heap]") || starts(name, end, "[anon:"))
		return REGION_ELIGIBLE;
	return REGION_KERNEL;
}

/* "start-end rwxp offset major:minor inode   name" */
int region_parse(const char *line, size_t len, struct region *ret)
{
	const char *at = line, *end = line + len, *permissions;
	uint64_t start, stop, offset, major, minor, inode;

	if (scan_hex(&at, end, &start) < 0 || !skip_char(&at, end, '-') ||
	    scan_hex(&at, end, &stop) < 0 || !skip_char(&at, end, ' ') || end - at < 5)
		return -EBADMSG;
	permissions = at;
	at += 4;
	if (!skip_char(&at, end, ' ') || scan_hex(&at, end, &offset) < 0 ||
	    !skip_char(&at, end, ' ') || scan_hex(&at, end, &major) < 0 ||
	    !skip_char(&at, end, ':') || scan_hex(&at, end, &minor) < 0 ||
	    !skip_char(&at, end, ' ') || num_scan_u64(&at, end, &inode) < 0 || start >= stop)
		return -EBADMSG;
	while (at < end && *at == ' ')
		at++;
	*ret = (struct region){start, stop, classify(permissions, inode != 0, at, end)};
	return 0;
}

int regions_open(const struct procfs *procfs, pid_t pid, struct regions *ret)
{
	int fd = procfs_open_pid_file(procfs, pid, "maps");

	if (fd < 0)
		return fd;
	ret->fd = fd;
	ret->at = ret->len = 0;
	ret->in_name = false;
	return 0;
}

void regions_close(struct regions *regions)
{
	close_fd(&regions->fd);
}

/* Moves what is left to the front and reads on. Bytes read, 0 at the end, -errno. */
static ssize_t refill(struct regions *regions)
{
	size_t left = regions->len - regions->at;
	ssize_t n;

	memmove(regions->buf, regions->buf + regions->at, left);
	regions->at = 0;
	regions->len = left;
	do
		n = read(regions->fd, regions->buf + left, sizeof regions->buf - left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	regions->len += (size_t)n;
	return n;
}

/* The next line, or as much of it as fits: names of files may be longer than the buffer (each odd
 * character takes four), and nothing of them is needed but their beginning. 1, 0 at the end,
 * -errno. */
static int next_line(struct regions *regions, const char **ret_line, size_t *ret_len)
{
	for (;;) {
		const char *line = regions->buf + regions->at;
		size_t left = regions->len - regions->at;
		const char *end = memchr(line, '\n', left);
		bool in_name = regions->in_name;
		ssize_t n;

		if (end || left == sizeof regions->buf) {
			*ret_line = line;
			*ret_len = end ? (size_t)(end - line) : left;
			regions->at += end ? *ret_len + 1 : left;
			regions->in_name = !end;
			if (in_name)
				continue;
			return 1;
		}
		n = refill(regions);
		if (n <= 0)
			return n < 0 ? (int)n : regions->len > 0 ? -EBADMSG : 0;
	}
}

int regions_next(struct regions *regions, struct region *ret)
{
	const char *line;
	size_t len;
	int r = next_line(regions, &line, &len);

	return r == 1 && region_parse(line, len, ret) < 0 ? -EBADMSG : r;
}
