/* SPDX-License-Identifier: MIT */
/* A directory for sockets or images that the user names. */
#pragma once
#include "base/text.h"

#include <limits.h>

enum owndir_use { OWNDIR_IMAGES, OWNDIR_SOCKETS };

/* Whether the shim will take it: a directory, no link, ours, nobody else's to write, with room for
 * what goes there. 0 and its absolute path, or -errno and in why what is wrong and what to do. */
int owndir_check(const char *path, enum owndir_use use, char ret[static PATH_MAX],
		 struct text *why);
