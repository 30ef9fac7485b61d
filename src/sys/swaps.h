/* SPDX-License-Identifier: MIT */
/* /proc/swaps: the active swap areas. */
#pragma once
#include "sys/procfs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define SWAPS_MAX 32 /* MAX_SWAPFILES of the kernel, less what it keeps for itself */

enum swap_kind { SWAP_FILE, SWAP_PARTITION };

struct swap_area {
	char path[PATH_MAX]; /* as the kernel names it, in its mount namespace */
	enum swap_kind kind;
	bool deleted; /* the file has no name any more; path is the last one */
	int32_t priority;
	uint64_t size_bytes; /* without the header */
	uint64_t used_bytes;
};

struct swaps {
	struct swap_area areas[SWAPS_MAX]; /* in the kernel's order */
	size_t n;
};

/* Parses the text of /proc/swaps. 0, -EBADMSG where a line isn't as the kernel writes it or the
 * text ends in the middle of one, -E2BIG for more areas than there can be; ret->n is 0 on failure.
 */
int swaps_parse(const char *text, size_t len, struct swaps *ret);

/* Reads it; as swaps_parse, or -errno (-ENOENT: a kernel without swap). */
int swaps_read(const struct procfs *procfs, struct swaps *ret);

/* The area of that path, or NULL. Areas of deleted files have none. */
const struct swap_area *swaps_find(const struct swaps *swaps, const char *path);

/* The sum over all areas. */
uint64_t swaps_size_bytes(const struct swaps *swaps);
uint64_t swaps_used_bytes(const struct swaps *swaps);
