/* SPDX-License-Identifier: MIT */
/* A directory of files to read instead of /proc or /sys. */
#pragma once
#include "sys/procfs.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char directory[32];
	struct procfs root;
};

static inline void fixture_open(struct fixture *fixture)
{
	(void)snprintf(fixture->directory, sizeof fixture->directory, "/tmp/fixture.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
	ck_assert_int_eq(procfs_open(fixture->directory, &fixture->root), 0);
}

/* Writes a file, making its directories. */
static inline void fixture_write(const struct fixture *fixture, const char *name, const char *text)
{
	char path[256];
	int fd;

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
		(void)mkdirat(fixture->root.root_fd, path, 0755);
	}
	fd = openat(fixture->root.root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fixture_close(struct fixture *fixture)
{
	procfs_close(&fixture->root);
	ck_assert_int_eq(nftw(fixture->directory, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}
