/* SPDX-License-Identifier: MIT */
/* -d and -u: deletes swap areas. */
#pragma once
#include "cli/swapctl_context.h"
#include "cli/swapctl_listing.h"
#include "cli/swapctl_wish.h"

/* The area that a name or number, and where given low, means: its row, or NULL after a complaint.
 */
const struct row *delete_find(const struct listing *listing, const struct wish *wish);

/* Deletes one area. 0, or -errno after a complaint: then it is in use as before. */
int swapctl_delete(const struct context *context, const struct wish *wish);

/* Deletes all but those that the system needs, which are named; goes on after one that can't be
 * deleted, -errno of which is returned. */
int swapctl_delete_all(const struct context *context, bool force);
