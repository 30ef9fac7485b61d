/* SPDX-License-Identifier: MIT */
/* Which areas -u leaves alone. */
#pragma once
#include "cli/swapctl_context.h"
#include "cli/swapctl_listing.h"

/* Why each area stays, by its place in the listing: NULL, or half a sentence. */
struct keep {
	const char *why[SWAPS_MAX];
};

/* The one that the system came up with: of those in use the first that fstab has without noauto.
 * And those that a hibernated system would come back from. */
void keep_find(const struct context *context, const struct listing *listing, struct keep *ret);
