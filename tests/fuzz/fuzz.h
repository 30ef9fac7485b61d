/* SPDX-License-Identifier: MIT */
/* What fuzz targets share. A target says what must hold of any input, not only that nothing
 * crashes; libFuzzer hands inputs over in a buffer of just their size. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds, or this input is a finding. */
#define HOLDS(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* A result before the call, to see afterwards whether it was touched. */
#define PATTERN 0x5a

static inline int is_untouched(const void *object, size_t size)
{
	const unsigned char *bytes = object;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != PATTERN)
			return 0;
	return 1;
}
