/* SPDX-License-Identifier: MIT */
#include "sys/unixsock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STEP_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Puts the next component of *path into name and moves *path behind it. 1, 0 where there is none,
 * -ENAMETOOLONG. */
static int next_component(const char **path, char name[NAME_MAX + 1])
{
	const char *start = *path + strspn(*path, "/");
	size_t len = strcspn(start, "/");

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	*path = start + len;
	return len > 0;
}

/* In the place of *fd, what name in it is. */
static int descend(int *fd, const char *name)
{
	int next = openat(*fd, name, STEP_FLAGS);

	if (next < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	(void)close(*fd);
	*fd = next;
	return 0;
}

static int check_dir(int fd, uid_t owner)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return -errno;
	return stat.st_uid == owner && !(stat.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

int unixsock_open_dir(const char *path, uid_t owner)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];
	int r, readable;

	if (*path == '\0')
		return -ENOENT;
	fd = open(*path == '/' ? "/" : ".", STEP_FLAGS);
	if (fd < 0)
		return -errno;
	while ((r = next_component(&path, name)) > 0) {
		r = descend(&fd, name);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = check_dir(fd, owner);
	if (r < 0)
		return r;
	/* one that can be listed and locked; it's the same, whatever lies at path by now */
	readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return readable < 0 ? -errno : readable;
}

static int check_socket(int dir_fd, const char *name, uid_t owner)
{
	struct stat stat;

	if (*name == '\0' || strchr(name, '/'))
		return -EINVAL;
	if (fstatat(dir_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -ENOTSOCK;
	return stat.st_uid == owner ? 0 : -EPERM;
}

/* Between the look and the connection a link can have come to lie there: what counts in the end is
 * who listens. */
static int check_peer(int fd, uid_t owner, struct unixsock_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (cred.uid != owner)
		return -EPERM;
	*ret = (struct unixsock_peer){.pid = cred.pid, .uid = cred.uid, .gid = cred.gid};
	return 0;
}

int unixsock_connect(int dir_fd, const char *name, uid_t owner, struct unixsock_peer *ret_peer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	int r = check_socket(dir_fd, name, owner), len;

	if (r < 0)
		return r;
	len = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd,
		       name);
	if (len < 0 || (size_t)len >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	r = check_peer(fd, owner, ret_peer);
	return r < 0 ? r : take_fd(&fd);
}
