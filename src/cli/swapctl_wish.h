/* SPDX-License-Identifier: MIT */
/* What somebody wants of a swap area, on the command line or in fstab. */
#pragma once
#include "sys/swapfile.h"

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_BYTES 512

struct wish {
	const char *name;
	bool has_low, has_len, has_vlen, has_discard;
	uint64_t low_bytes, len_bytes, vlen_bytes;
	int priority; /* SWAP_PRIORITY_NONE: the kernel's choice */
	enum swap_discard discard;
	bool force;
};

/* An amount of space: a bare number counts 512-byte blocks, one with K, M, G or T bytes. 0, -EINVAL
 * or -ERANGE; *ret_bytes untouched on failure. */
int wish_amount(const char *text, uint64_t *ret_bytes);

/* Where the area begins: low_bytes rounded up to a page; saturates. */
uint64_t wish_low_bytes(const struct wish *wish);

/* 0 to 32767. 0 or -EINVAL. */
int wish_priority(const char *text, int *ret);

/* "" (all), "once", "pages". 0 or -EINVAL. */
int wish_discard(const char *text, enum swap_discard *ret);

/*
 * Fills what the wish leaves open from the options of an fstab entry: pri, discard, swaplo, length
 * and vlength. NULL, or the name of the option whose value makes no sense.
 */
const char *wish_take_options(struct wish *wish, const char *options);
