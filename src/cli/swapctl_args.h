/* SPDX-License-Identifier: MIT */
/* The command line of swapctl. */
#pragma once
#include "cli/swapctl_wish.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum swapctl_mode {
	SWAPCTL_NONE,
	SWAPCTL_ADD,
	SWAPCTL_DELETE,
	SWAPCTL_LIST,
	SWAPCTL_SUMMARY,
	SWAPCTL_FSTAB,
	SWAPCTL_DELETE_ALL,
	SWAPCTL_HELP,
	SWAPCTL_VERSION
};

struct swapctl_args {
	enum swapctl_mode mode;
	bool force, numeric, full, blocks, json;
	const char *priority, *vlen, *discard; /* as given; NULL: not */
	struct wish wish; /* of -a and -d: name, low, len and what goes with them */
};

/* Takes argv apart, complaining on stderr. 0 or -EINVAL. */
int swapctl_args_parse(int argc, char **argv, struct swapctl_args *ret);

void swapctl_help(FILE *out);
