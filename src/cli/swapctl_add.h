/* SPDX-License-Identifier: MIT */
/* -a and -m: adds swap areas. */
#pragma once
#include "cli/swapctl_context.h"
#include "cli/swapctl_wish.h"

/* Adds one area, with what fstab says of that name where the wish says nothing. 0, or -errno after
 * a complaint: then nothing was added, and what was made for it is gone. */
int swapctl_add(const struct context *context, const struct wish *wish);

/* Adds all areas of fstab but those with noauto and those in use already; goes on after one that
 * can't be added, -errno of which is returned. */
int swapctl_add_fstab(const struct context *context, bool force);
