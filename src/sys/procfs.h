/* SPDX-License-Identifier: MIT */
/* Reading small files under one root: /proc, or a directory of fixtures. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procfs {
	int root_fd;
};

#define PROCFS_FILE_MAX 8192 /* of stat, status, meminfo and the like; maps are read in pieces */

/* Opens root ("/proc"); procfs_close when done. 0 or -errno. */
int procfs_open(const char *root, struct procfs *ret);
void procfs_close(struct procfs *procfs);

/* Opens a file under the root read-only, "123/stat" or "meminfo". The descriptor or -errno. */
int procfs_open_file(const struct procfs *procfs, const char *name);
int procfs_open_pid_file(const struct procfs *procfs, pid_t pid, const char *name);

/*
 * Reads an open file from its beginning into buf, whole, and ends it with NUL. Returns the
 * length, -EFBIG where it doesn't fit into cap - 1 bytes, or -errno (ESRCH: the process is gone).
 */
ssize_t procfs_read_fd(int fd, char *buf, size_t cap);

/* As procfs_read_fd of a file under the root that is kept open in *fd between calls (-1: opened
 * here). */
ssize_t procfs_read_kept(const struct procfs *procfs, int *fd, const char *name, char *buf,
			 size_t cap);

/* Opens, reads and closes PID/name; as procfs_read_fd. -ESRCH also where there is no such pid. */
ssize_t procfs_read(const struct procfs *procfs, pid_t pid, const char *name, char *buf,
		    size_t cap);

/* As procfs_read, but leaves out lines of PROCFS_LINE_MAX bytes and more, however long. */
#define PROCFS_LINE_MAX 256
ssize_t procfs_read_short_lines(const struct procfs *procfs, pid_t pid, const char *name, char *buf,
				size_t cap);

/* Where the link PID/name points, NUL-terminated; the length or -errno. */
ssize_t procfs_read_link(const struct procfs *procfs, pid_t pid, const char *name, char *buf,
			 size_t cap);
