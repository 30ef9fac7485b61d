/* SPDX-License-Identifier: MIT */
/*
 * For targets that try the shim. They take its sources in as they are, and so reach what is static:
 * its objects can't be linked, for they bring a memcpy of their own. The kernel that these sources
 * call is ours: it has one file, which is read in pieces, and the target says the rest.
 */
#pragma once
#include "fuzz/fuzz.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <stdint.h>

#pragma clang diagnostic ignored "-Wunused-function"

/* What the target has the kernel say to all calls but open, read and close; -errno */
static long other_call(long number, const long args[6]);

static struct {
	const uint8_t *data;
	size_t size, at;
	size_t piece; /* that a read returns at most */
} file;

static long kernel(long number, long a, long b, long c, long d, long e, long f)
{
	const long args[6] = {a, b, c, d, e, f};
	size_t n;

	switch (number) {
	case SYS_openat: file.at = 0; return 100;
	case SYS_close: return 0;
	case SYS_read:
		n = file.size - file.at;
		n = n < (size_t)c ? n : (size_t)c;
		n = n < file.piece ? n : file.piece;
		memcpy((void *)b, file.data + file.at, n);
		file.at += n;
		return (long)n;
	default: return other_call(number, args);
	}
}

/* where the daemon has one of that name */
#define regions_open shim_regions_open
#define raw6 kernel
#define memcpy shim_memcpy
#define memset shim_memset
#define memcmp shim_memcmp
#include "shim/shim.c"
#undef memcpy
#undef memset
#undef memcmp
#include "shim/words.c"
