/* SPDX-License-Identifier: MIT */
#include "sys/overcommit.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int read_number(const struct procfs *procfs, const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = procfs_open_file(procfs, name);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = procfs_read_fd(fd, text, sizeof text);
	if (n < 0)
		return (int)n;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return num_u64(text, ret) < 0 ? -EBADMSG : 0;
}

static int write_number(const struct procfs *procfs, const char *name, uint64_t value)
{
	_cleanup_close_ int fd = openat(procfs->root_fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	char text[32];
	int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)value);

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return -errno;
	return 0;
}

int overcommit_read(const struct procfs *procfs, struct overcommit *ret)
{
	struct overcommit found;
	int r = read_number(procfs, "sys/vm/overcommit_memory", &found.mode);

	if (r == 0)
		r = read_number(procfs, "sys/vm/overcommit_kbytes", &found.kib);
	if (r == 0)
		r = read_number(procfs, "sys/vm/overcommit_ratio", &found.ratio);
	if (r == 0)
		*ret = found;
	return r;
}

int overcommit_write_kib(const struct procfs *procfs, uint64_t kib)
{
	return write_number(procfs, "sys/vm/overcommit_kbytes", kib);
}

int overcommit_write_ratio(const struct procfs *procfs, uint64_t percent)
{
	return write_number(procfs, "sys/vm/overcommit_ratio", percent);
}
