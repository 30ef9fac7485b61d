/* SPDX-License-Identifier: MIT */
/*
 * Sockets that lie in a directory of somebody's, who may be hostile: whatever is in there is his
 * to forge, and nothing of it leads anywhere else. No call blocks, but for a file system that does.
 */
#pragma once
#include <sys/types.h>

/* Who listens, as the kernel says */
struct unixsock_peer {
	pid_t pid; /* 0: not to be seen from our pid namespace */
	uid_t uid;
	gid_t gid;
};

/*
 * Opens the directory at path, from the working directory on where it isn't absolute, component by
 * component and without following a link. It has to be owner's and nobody else's to write. The
 * descriptor, or -errno: -ENOTDIR a link or no directory, -EPERM somebody else's or to be written
 * by others.
 */
int unixsock_open_dir(const char *path, uid_t owner);

/*
 * Connects to the stream socket name in that directory, without blocking: -EAGAIN where the
 * listener has a queue, come back later; -ECONNREFUSED where nobody listens. Then owner's it is,
 * and so is who listens: -ENOTSOCK a link or no socket, -EPERM somebody else's or listened to by
 * somebody else. The descriptor, which doesn't block, or -errno.
 */
int unixsock_connect(int dir_fd, const char *name, uid_t owner, struct unixsock_peer *ret_peer);
