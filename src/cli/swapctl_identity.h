/* SPDX-License-Identifier: MIT */
/* Which file or device it is, whatever it is called. */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct identity {
	bool known, is_device;
	dev_t device; /* the block device itself, or the one that the file lies on */
	ino_t inode;  /* 0 for a device */
};

/* Of a file or block device; unknown for anything else. */
struct identity identity_of(const struct stat *st);

/* Both are known, and the same. */
bool identity_equal(const struct identity *a, const struct identity *b);
