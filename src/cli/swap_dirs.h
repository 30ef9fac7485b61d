/* SPDX-License-Identifier: MIT */
/* Where swap looks for sockets and images, proto/names.h. */
#pragma once
#include "cli/swap_args.h"

#include <limits.h>

struct swap_dir {
	char path[PATH_MAX];
	uid_t uid; /* whose it is */
	int fd;
};

struct swap_dirs {
	struct swap_dir *dirs;
	size_t n;
};

/*
 * Opens the directories of sockets: the one that -P names; or all that the caller may have, or
 * root anybody. Those that aren't there are passed over, those that must not be used too, with a
 * word on stderr. 0 or -errno, where that of -P can't be used, which was said.
 */
int swap_dirs_open_sockets(const struct swap_args *args, struct swap_dirs *ret);

/* Those of the images of uid's programs: the one that -S names, or all of proto/names.h. What
 * can't be used is passed over. 0 or -ENOMEM. */
int swap_dirs_open_images(const struct swap_args *args, uid_t uid, struct swap_dirs *ret);

void swap_dirs_close(struct swap_dirs *dirs);

/* The number in "123.sock", as we write it: no sign, no zero in front. 0 where it's none. */
pid_t swap_number_before(const char *name, const char *suffix);
