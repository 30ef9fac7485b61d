/* SPDX-License-Identifier: MIT */
/* Text without a library: bounded, never allocates. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text that grows in buf of cap bytes and is cut off at its end; always NUL-terminated. */
struct words {
	char *buf;
	size_t cap, len;
	bool cut;
};

/* Starts empty in buf of cap (> 0) bytes, which it borrows. */
struct words words_over(char *buf, size_t cap);
void words_add(struct words *words, const char *string);
void words_add_number(struct words *words, uint64_t number);
/* The same with ' ' and control characters as '?': names come from anywhere. */
void words_add_safe(struct words *words, const char *string);

/* The same with control characters alone as '?': what has to stay one line. */
void words_add_printable(struct words *words, const char *string);

bool words_equal(const char *a, const char *b);
/* What follows prefix in string, or NULL where it doesn't begin so. */
const char *words_after(const char *string, const char *prefix);

/* Reads a number at *at in base 10 or 16 and moves *at behind it. False where there is none, or
 * it doesn't fit. */
bool words_number(const char **at, unsigned base, uint64_t *ret);

/* "ENOSPC" for -ENOSPC or ENOSPC; NULL for those that nobody here knows. */
const char *words_errno(int error);
