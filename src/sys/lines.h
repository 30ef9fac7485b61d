/* SPDX-License-Identifier: MIT */
/* A file of /proc that is too large to hold, line by line. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>

struct lines {
	int fd;
	size_t at, len;
	bool in_line; /* that didn't fit, and whose beginning was told already */
	char buf[PROCFS_FILE_MAX];
};

/* Starts to read PID/name; lines_close when done. 0 or -errno (ESRCH: no such process or file). */
int lines_open(const struct procfs *procfs, pid_t pid, const char *name, struct lines *ret);
void lines_close(struct lines *lines);

/*
 * The next line without its newline, valid until the next call. Of one that is longer than the
 * buffer only the beginning: names of files may be (each odd character takes four), and nobody
 * needs the rest of them. 1, 0 at the end, -EBADMSG where the text ends within a line, -errno.
 */
int lines_next(struct lines *lines, const char **ret_line, size_t *ret_len);
