/* SPDX-License-Identifier: MIT */
#include "cli/swap_stale.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "proto/names.h"
#include "sys/unixsock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_TRIES 50 /* 10 ms each; a shim holds the lock while it makes its socket */

static bool lock(int fd)
{
	const struct timespec pause = {.tv_nsec = 10 * (long)NS_PER_MS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static bool leads_to(int dir_fd, const char *link, const char *name)
{
	char target[32];
	ssize_t n = readlinkat(dir_fd, link, target, sizeof target);

	return n > 0 && (size_t)n == strlen(name) && memcmp(target, name, (size_t)n) == 0;
}

static void remove_links(int dir_fd, const char *name)
{
	int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;

	if (!stream) {
		close_fd(&list_fd);
		return;
	}
	while ((entry = readdir(stream)))
		if (leads_to(dir_fd, entry->d_name, name))
			(void)unlinkat(dir_fd, entry->d_name, 0);
	(void)closedir(stream);
}

bool swap_stale_remove(const struct swap_dir *dir, pid_t pid)
{
	/* a descriptor of its own, which the lock goes with */
	_cleanup_close_ int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unixsock_peer peer;
	char name[32];
	int peer_fd;

	if (dir->uid != geteuid() || fd < 0 || !lock(fd))
		return false;
	(void)snprintf(name, sizeof name, "%d" NAMES_SOCKET_SUFFIX, (int)pid);
	/* one that has just started may have the pid, and the name */
	peer_fd = unixsock_connect(fd, name, dir->uid, &peer);
	if (peer_fd >= 0)
		(void)close(peer_fd);
	if (peer_fd != -ECONNREFUSED || unlinkat(fd, name, 0) < 0)
		return false;
	remove_links(fd, name);
	return true;
}
