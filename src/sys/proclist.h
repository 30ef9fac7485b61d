/* SPDX-License-Identifier: MIT */
/*
 * Which processes there are. libproc2 can list them as well, and more, but reads at least stat
 * of each one, takes a heap call per process and brings in libsystemd with its libraries
 * (measured: 18 us a process against 1 us here, and 0.8 MB of resident memory).
 */
#pragma once
#include "sys/procfs.h"

struct proclist {
	int fd; /* the directory, kept open */
	size_t at, len;
	char buf[16384] __attribute__((aligned(8)));
};

/* Opens the list; proclist_close when done. 0 or -errno. */
int proclist_open(const struct procfs *procfs, struct proclist *ret);
void proclist_close(struct proclist *list);

/* Starts again from the first process. */
int proclist_rewind(struct proclist *list);

/* The next pid, ascending; 0 at the end; -errno. */
pid_t proclist_next(struct proclist *list);
