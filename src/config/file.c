/* SPDX-License-Identifier: MIT */
#include "config/file.h"

#include "base/cleanup.h"
#include "config/why.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int refuse(struct text *why, const char *path, const char *what)
{
	why_add_place(why, path, 0);
	text_add(why, what);
	return -EINVAL;
}

static int refuse_errno(struct text *why, const char *path, const char *what, int error)
{
	why_add_place(why, path, 0);
	text_addf(why, "%s: %s", what, strerror(error));
	return -EINVAL;
}

static bool is_dev_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Whoever can write to the settings of a root daemon can have it act for him. */
static int check_owner(const char *path, const struct stat *st, struct text *why)
{
	if (geteuid() != 0)
		return 0;
	if (st->st_uid != 0) {
		why_add_place(why, path, 0);
		text_addf(why, "belongs to user %u, and root must own it: chown root ",
			  (unsigned)st->st_uid);
		why_add_path(why, path);
		return -EINVAL;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		why_add_place(why, path, 0);
		text_addf(why, "others than root can write to it (mode %04o): chmod go-w ",
			  (unsigned)st->st_mode & 07777);
		why_add_path(why, path);
		return -EINVAL;
	}
	return 0;
}

static int check_file(const char *path, const struct stat *st, struct text *why)
{
	if (!S_ISREG(st->st_mode))
		return refuse(why, path, "not a regular file");
	if (st->st_size > CONFIG_FILE_MAX)
		return refuse(why, path, "larger than 1 MiB");
	return check_owner(path, st, why);
}

static int read_whole(const char *path, int fd, char **ret_bytes, size_t *ret_len, struct text *why)
{
	_cleanup_free_ char *bytes = malloc(CONFIG_FILE_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	do {
		n = read(fd, bytes + len, CONFIG_FILE_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			return refuse_errno(why, path, "cannot read it", errno);
		if (n > 0)
			len += (size_t)n;
		if (len > CONFIG_FILE_MAX)
			return refuse(why, path, "larger than 1 MiB");
	} while (n != 0);
	*ret_bytes = bytes;
	*ret_len = len;
	bytes = NULL;
	return 0;
}

int config_file_open(const char *path, bool required, struct config_file *ret, struct text *why)
{
	/* Not to wait for a FIFO's writer, nor to get a terminal */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct config_file file = CONFIG_FILE_NONE;
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT && !required) {
		*ret = file;
		return 0;
	}
	if (fd < 0)
		return refuse_errno(why, path, "cannot open it", errno);
	if (fstat(fd, &st) < 0)
		return refuse_errno(why, path, "cannot look at it", errno);
	if (is_dev_null(&st)) {
		*ret = file;
		return 0;
	}
	r = check_file(path, &st, why);
	if (r < 0)
		return r;
	r = read_whole(path, fd, &file.bytes, &file.len, why);
	if (r < 0)
		return r;
	file.fd = take_fd(&fd);
	*ret = file;
	return 0;
}

void config_file_close(struct config_file *file)
{
	close_fd(&file->fd);
	free(file->bytes);
	*file = CONFIG_FILE_NONE;
}
