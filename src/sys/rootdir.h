/* SPDX-License-Identifier: MIT */
/* A directory that root alone can look into, on a way that root alone can change. */
#pragma once
#include "base/text.h"

#include <limits.h>

/*
 * Opens it for reading; ret_path becomes its path without symbolic links. Every directory above it
 * has to be root's and nobody else's to write, unless it is sticky, as /tmp. The descriptor, or
 * -errno (-EPERM: it or one above it isn't as it should be) with the reason, and what to do, in
 * *why, as the end of a sentence that begins with its path.
 */
int rootdir_open(const char *path, char ret_path[PATH_MAX], struct text *why);
