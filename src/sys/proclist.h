/* SPDX-License-Identifier: MIT */
/*
 * Which processes there are: numbers only, 0.5 us each. libproc2 lists them as well, but reads stat
 * of every one (6 us), makes a heap call for every one, and brings libsystemd and its libraries
 * with it (0.8 MB resident, which the daemon would lock). The tests compare with it instead.
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
