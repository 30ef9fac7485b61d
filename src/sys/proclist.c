/* SPDX-License-Identifier: MIT */
#include "sys/proclist.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

int proclist_open(const struct procfs *procfs, struct proclist *ret)
{
	int fd = openat(procfs->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret->fd = fd;
	ret->at = ret->len = 0;
	return 0;
}

void proclist_close(struct proclist *list)
{
	close_fd(&list->fd);
}

int proclist_rewind(struct proclist *list)
{
	list->at = list->len = 0;
	return lseek(list->fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

pid_t proclist_next(struct proclist *list)
{
	for (;;) {
		const struct dirent64 *entry;
		uint64_t pid;

		if (list->at >= list->len) {
			ssize_t n = getdents64(list->fd, list->buf, sizeof list->buf);

			if (n <= 0)
				return n < 0 ? -errno : 0;
			list->at = 0;
			list->len = (size_t)n;
		}
		entry = (const struct dirent64 *)(const void *)(list->buf + list->at);
		list->at += entry->d_reclen;
		if (num_u64(entry->d_name, &pid) == 0 && pid > 0 && pid <= INT32_MAX)
			return (pid_t)pid;
	}
}
