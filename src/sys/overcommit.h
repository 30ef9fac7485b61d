/* SPDX-License-Identifier: MIT */
/* vm.overcommit_*: how much memory may be promised. */
#pragma once
#include "sys/procfs.h"

#include <stdint.h>

#define OVERCOMMIT_NEVER 2 /* of vm.overcommit_memory: the only mode in which the limit is kept */

struct overcommit {
	uint64_t mode;
	uint64_t kib;	/* vm.overcommit_kbytes; 0: the ratio counts */
	uint64_t ratio; /* vm.overcommit_ratio, percent of memory; 0: the kbytes count */
};

/* 0 or -errno; *ret untouched on failure. */
int overcommit_read(const struct procfs *procfs, struct overcommit *ret);

/* Each sets the other one to 0, says the kernel. 0 or -errno. */
int overcommit_write_kib(const struct procfs *procfs, uint64_t kib);
int overcommit_write_ratio(const struct procfs *procfs, uint64_t percent);
