/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_identity.h"

struct identity identity_of(const struct stat *st)
{
	bool is_device = S_ISBLK(st->st_mode);

	return (struct identity){
		.known = is_device || S_ISREG(st->st_mode),
		.is_device = is_device,
		.device = is_device ? st->st_rdev : st->st_dev,
		.inode = is_device ? 0 : st->st_ino,
	};
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->known && b->known && a->is_device == b->is_device && a->device == b->device &&
	       a->inode == b->inode;
}
