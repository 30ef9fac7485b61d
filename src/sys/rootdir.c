/* SPDX-License-Identifier: MIT */
#include "sys/rootdir.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STEP_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int fail(struct text *why, int error)
{
	if (error == ENOENT)
		text_add(why, "isn't there; make it, with mode 700");
	else if (error == ENOTDIR)
		text_add(why, "isn't a directory");
	else
		text_addf(why, "can't be opened: %s", strerror(error));
	return -error;
}

/* Whoever may write to a directory can put another one in the place of what is in it. */
static int check_above(int fd, struct text *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(why, errno);
	if (st.st_uid == 0 && (!(st.st_mode & (S_IWGRP | S_IWOTH)) || st.st_mode & S_ISVTX))
		return 0;
	text_add(why, "lies in a directory that others than root may write to: chown root and "
		      "chmod go-w that one");
	return -EPERM;
}

static int check_itself(int fd, struct text *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(why, errno);
	if (st.st_uid != 0)
		text_addf(why, "belongs to user %u: chown root it", (unsigned)st.st_uid);
	else if (st.st_mode & 077)
		text_addf(why, "has mode %04o, so that others get into it: chmod 700 it",
			  (unsigned)st.st_mode & 07777);
	else
		return 0;
	return -EPERM;
}

/* Goes down by one name, in the place of *fd. */
static int descend(int *fd, const char *name, struct text *why)
{
	int next, r = check_above(*fd, why);

	if (r < 0)
		return r;
	next = openat(*fd, name, STEP_FLAGS);
	if (next < 0)
		return fail(why, errno == ELOOP ? ENOTDIR : errno);
	(void)close(*fd);
	*fd = next;
	return 0;
}

int rootdir_open(const char *path, char ret_path[PATH_MAX], struct text *why)
{
	_cleanup_close_ int fd = open("/", STEP_FLAGS);
	char names[PATH_MAX], *rest = names, *name;
	int readable, r = fd < 0 ? -errno : 0;

	if (r < 0 || !realpath(path, ret_path))
		return fail(why, r < 0 ? -r : errno);
	memcpy(names, ret_path, strlen(ret_path) + 1);
	while (r == 0 && (name = strsep(&rest, "/")))
		if (*name)
			r = descend(&fd, name, why);
	if (r == 0)
		r = check_itself(fd, why);
	if (r < 0)
		return r;
	readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return readable < 0 ? fail(why, errno) : readable;
}
