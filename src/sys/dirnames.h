/* SPDX-License-Identifier: MIT */
/* The names in a directory, without the heap. */
#pragma once
#include <stddef.h>

struct dirnames {
	int dir_fd; /* borrowed; its position moves */
	size_t at, len;
	char buf[4096] __attribute__((aligned(8)));
};

/* Starts at the first name of an open directory. */
void dirnames_start(int dir_fd, struct dirnames *ret);

/* The next name, valid until the next call; "." and ".." too. NULL at the end, or where it can't
 * be read. */
const char *dirnames_next(struct dirnames *names);
