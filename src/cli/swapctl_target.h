/* SPDX-License-Identifier: MIT */
/* Looks at what shall be swapped to. */
#pragma once
#include "cli/swapctl_check.h"
#include "cli/swapctl_context.h"
#include "cli/swapctl_identity.h"
#include "cli/swapctl_listing.h"

struct target {
	struct listing *listing; /* of the areas in use, while nobody else adds this one */
	int fd;			 /* -1 where there is nothing of that name yet */
	int write_error;	 /* 0; -errno where fd can only be read */
	struct target_facts facts;
	struct identity identity;
	struct part beneath;   /* of a loop device: what it stands on */
	char path[PATH_MAX];   /* absolute, without links */
	char in_use[PATH_MAX]; /* what facts.in_use points to */
};

/* Fills *ret for the wish; 0, or -errno after a complaint. target_close in any case. */
int target_open(const struct wish *wish, const struct context *context, struct target *ret);
void target_close(struct target *target);
