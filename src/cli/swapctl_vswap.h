/* SPDX-License-Identifier: MIT */
/*
 * Virtual swap space (-v): what may be promised beyond what an area has. Linux knows no such thing
 * of an area; where it keeps a limit (vm.overcommit_memory=2), the limit is raised by as much, and
 * what was done is remembered in a file until the next boot, so that it can be undone.
 */
#pragma once
#include "cli/swapctl_identity.h"
#include "sys/procfs.h"
#include "sys/swaps.h"

#include <stdint.h>

#define VSWAP_DIRECTORY "/run/swapctl"
#define VSWAP_PATH VSWAP_DIRECTORY "/vswap"

struct vswap_entry {
	struct identity behind;
	uint64_t low_bytes, vlen_bytes;
	uint64_t raised_kib;
};

struct vswap {
	struct vswap_entry entries[SWAPS_MAX];
	size_t n;
	uint64_t base_kib;   /* the limit without swap before the first was raised */
	uint64_t base_ratio; /* vm.overcommit_ratio then; 0: vm.overcommit_kbytes counted */
};

/* The file's text and back. 0, -EBADMSG or -E2BIG; ret->n is 0 on failure. print writes to buf of
 * cap, at most VSWAP_TEXT_MAX, and returns the length. */
#define VSWAP_TEXT_MAX 4096
int vswap_parse(const char *text, size_t len, struct vswap *ret);
size_t vswap_print(const struct vswap *vswap, char *buf, size_t cap);

/* What was remembered; nothing where there is no file, or none of ours. */
void vswap_load(struct vswap *ret);

/* NULL where nothing is remembered of that area. */
const struct vswap_entry *vswap_find(const struct vswap *vswap, const struct identity *behind,
				     uint64_t low_bytes);

/* Raises the limit by what vlen is over len, and remembers it. Complains, and returns -errno, where
 * that can't be done; says that it means nothing, and returns 0, where no limit is kept. */
int vswap_raise(const struct procfs *proc, const struct identity *behind, uint64_t low_bytes,
		uint64_t len_bytes, uint64_t vlen_bytes);

struct listing;

/* Undoes what was done for areas that are not in the listing any more, however they went. */
void vswap_settle(const struct procfs *proc, const struct listing *listing);
