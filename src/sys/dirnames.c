/* SPDX-License-Identifier: MIT */
#include "sys/dirnames.h"

#include <dirent.h>
#include <unistd.h>

void dirnames_start(int dir_fd, struct dirnames *ret)
{
	ret->dir_fd = lseek(dir_fd, 0, SEEK_SET) < 0 ? -1 : dir_fd;
	ret->at = ret->len = 0;
}

const char *dirnames_next(struct dirnames *names)
{
	const struct dirent64 *entry;

	if (names->at >= names->len) {
		ssize_t n = getdents64(names->dir_fd, names->buf, sizeof names->buf);

		if (n <= 0)
			return NULL;
		names->at = 0;
		names->len = (size_t)n;
	}
	entry = (const struct dirent64 *)(const void *)(names->buf + names->at);
	names->at += entry->d_reclen;
	return entry->d_name;
}
