/* SPDX-License-Identifier: MIT */
/* Where the blocks of a file lie (FIEMAP), as far as it matters to the kernel's swap code. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct extents {
	bool known; /* the file system tells; otherwise the rest is a guess from the file's blocks
		     */
	bool hole, shared, encoded, inlined;
	uint64_t hole_bytes;	       /* where the first hole begins */
	uint64_t first_physical_bytes; /* where the file begins on its device */
};

/* Looks at the first bytes of the file; reserved but never written space is no hole. 0 or -errno.
 */
int extents_look(int fd, uint64_t bytes, struct extents *ret);
