/* SPDX-License-Identifier: MIT */
#include "cli/owndir.h"
#include "base/cleanup.h"
#include "proto/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* A slash at the end would have a link followed. */
static int without_slashes(const char *path, char ret[static PATH_MAX])
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret, path, len);
	ret[len] = '\0';
	return 0;
}

static int say_not_opened(const char *path, int error, struct text *why)
{
	struct stat buf;

	if (error == ENOENT)
		text_addf(why, "isn't there; make it: mkdir -m 700 %s", path);
	else if (lstat(path, &buf) == 0 && S_ISLNK(buf.st_mode))
		text_add(why, "is a symbolic link; name the directory itself");
	else if (error == ENOTDIR)
		text_add(why, "isn't a directory");
	else
		text_addf(why, "can't be opened: %s", strerror(error));
	return -error;
}

static int check_owner(const char *path, const struct stat *stat, struct text *why)
{
	if (stat->st_uid != geteuid()) {
		text_addf(why, "belongs to uid %u, not to you (uid %u); name one of your own",
			  stat->st_uid, geteuid());
		return -EPERM;
	}
	if (stat->st_mode & (S_IWGRP | S_IWOTH)) {
		text_addf(why, "may be written to by others; forbid it: chmod go-w %s", path);
		return -EPERM;
	}
	return 0;
}

static int check_images(int fd, struct text *why)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0) {
		text_addf(why, "can't be examined: %s", strerror(errno));
		return -errno;
	}
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		return 0;
	text_add(why, "lies in memory (tmpfs or ramfs), where an image would save none; name one "
		      "on a disk");
	return -EINVAL;
}

/* The path of what was checked, whatever was put in its place since. */
static int path_of(int fd, char ret[static PATH_MAX], struct text *why)
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, ret, PATH_MAX - 1);
	if (n < 0) {
		text_addf(why, "has no path: %s: %s", link, strerror(errno));
		return -errno;
	}
	ret[n] = '\0';
	if (n >= NAMES_DIR_MAX) {
		text_addf(why, "has a path of %zd bytes, of at most %d", n, NAMES_DIR_MAX - 1);
		return -ENAMETOOLONG;
	}
	if (access(ret, W_OK | X_OK) < 0) {
		text_addf(why, "can't be written to: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

int owndir_check(const char *path, enum owndir_use use, char ret[static PATH_MAX], struct text *why)
{
	char plain[PATH_MAX];
	struct stat stat;
	int r = without_slashes(path, plain);
	_cleanup_close_ int fd = -1;

	if (r < 0 || !*path) {
		text_add(why, r < 0 ? "is too long a path" : "names no directory");
		return -EINVAL;
	}
	fd = open(plain, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return say_not_opened(plain, errno, why);
	r = check_owner(plain, &stat, why);
	if (r == 0 && use == OWNDIR_IMAGES)
		r = check_images(fd, why);
	return r < 0 ? r : path_of(fd, ret, why);
}
