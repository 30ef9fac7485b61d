/* SPDX-License-Identifier: MIT */
/* Units: bytes and nanoseconds inside the program, anything else only at its edges. */
#pragma once
#include <stdint.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS (1000 * NS_PER_US)
#define NS_PER_S (1000 * NS_PER_MS)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_H (60 * NS_PER_MIN)

#define PERMYRIAD_ONE 10000 /* the whole, in hundredths of a percent */

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* a + b, or UINT64_MAX where that would wrap. */
static inline uint64_t u64_add_sat(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* a - b, or 0 where that would wrap. */
static inline uint64_t u64_sub_sat(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* KiB, as /proc prints them, to bytes; saturates. */
static inline uint64_t bytes_from_kib(uint64_t kib)
{
	return kib > UINT64_MAX / KIB ? UINT64_MAX : kib * KIB;
}

/* value * part / whole, rounded down, exact for every value; part <= whole, whole > 0. */
static inline uint64_t u64_share(uint64_t value, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)value * part / whole);
}

/* percent% of value, rounded down; percent is 0 to 100. */
static inline uint64_t u64_percent(uint64_t value, unsigned percent)
{
	return u64_share(value, percent, 100);
}
