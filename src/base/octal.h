/* SPDX-License-Identifier: MIT */
/* The octal escapes ("\040") by which /proc/swaps, mountinfo and fstab keep blanks out of a path.
 */
#pragma once
#include "base/text.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * The first len bytes of text into out of cap (> 0) bytes, without escapes and NUL-terminated. A
 * backslash that begins no escape stands for itself. Returns the length, -EBADMSG where a NUL would
 * come out, -ENAMETOOLONG where it doesn't fit; out is undefined then.
 */
ssize_t octal_unescape(const char *text, size_t len, char *out, size_t cap);

/* Adds path with blanks, control characters and backslashes escaped, so that it is one word of one
 * line, and the terminal stays as it is. */
void octal_escape(struct text *text, const char *path);
