/* SPDX-License-Identifier: MIT */
/* A small file of this program's own that is kept open and written anew in place. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

/* Opens the file at path, empty where it wasn't there. The descriptor, or -errno; -EPERM where it
 * is no plain file of this user's alone: somebody else could have written it. */
int heldfile_open(const char *path);

/* Reads all of it, with a NUL behind it. Its length, -EFBIG where size isn't more, or -errno. */
ssize_t heldfile_read(int fd, char *ret, size_t size);

/* Has it hold just this. 0 or -errno. */
int heldfile_write(int fd, const char *text, size_t len);
