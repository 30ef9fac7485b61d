/* SPDX-License-Identifier: MIT */
/* Which area is being deleted: the kernel doesn't say, but it counts such an area otherwise. */
#pragma once
#include "sys/swaps.h"

#define INDEL_NONE SIZE_MAX

/*
 * SwapTotal of /proc/meminfo has all of an area in use, but of one that is being deleted only what
 * is still to be read back. before and after are readings of /proc/swaps around the one of
 * swap_total_bytes. The place of the area that accounts for the difference, or INDEL_NONE where
 * there is none, or several could.
 */
size_t indel_find(const struct swaps *before, uint64_t swap_total_bytes, const struct swaps *after);
