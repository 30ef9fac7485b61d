/* SPDX-License-Identifier: MIT */
/* /proc/meminfo */
#pragma once
#include "policy/snapshot.h"
#include "sys/procfs.h"

/*
 * Parses the text of /proc/meminfo. -EBADMSG where a line we use is doubled, isn't a number of
 * kB, or is missing (MemTotal, MemFree, SwapTotal, SwapFree, and MemAvailable or Buffers and
 * Cached), or where the text ends in the middle of a line.
 */
int meminfo_parse(const char *text, size_t len, struct mem_facts *ret);

/* Reads it through *fd, which is kept open between calls (-1: opened here) and given up after an
 * error, so that the next call starts afresh. 0 or -errno; *ret untouched on failure. */
int meminfo_read(const struct procfs *procfs, int *fd, struct mem_facts *ret);
