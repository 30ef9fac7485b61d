/* SPDX-License-Identifier: MIT */
/* Bounded text in a caller's buffer: cuts off instead of growing, never allocates. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t cap, len; /* len < cap; buf[len] is always NUL */
	bool cut;	 /* something did not fit */
};

/* Starts empty text in buf of cap (> 0) bytes, which it borrows. */
struct text text_over(char *buf, size_t cap);
#define TEXT_OVER(array) text_over((array), sizeof(array))

void text_add(struct text *text, const char *string);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "812KiB", "12.5MiB": three digits or so, rounded down. */
void text_add_bytes(struct text *text, uint64_t bytes);

/* "350ms", "45s", "2min30s", "3h12min": at most two units. */
void text_add_duration(struct text *text, uint64_t ns);

/* Adds string with control characters, blanks, '=' and bytes over 0x7e as '?': names of
 * processes and paths are chosen by strangers and must not forge a log line or its keys. */
void text_add_safe(struct text *text, const char *string);

/* What strerror(3) says of an errno, without its heap calls: from glibc 2.41 on it makes some. */
const char *text_error(int error);

/* A small result of its own for printf arguments: FMT_BYTES(n) lives to the end of the full
 * expression it stands in, so it is never to be stored. */
struct text_small {
	char buf[32];
};
struct text_small text_bytes(uint64_t bytes);
struct text_small text_duration(uint64_t ns);
struct text_small text_safe(const char *string);
#define FMT_BYTES(bytes) (text_bytes(bytes).buf)
#define FMT_DURATION(ns) (text_duration(ns).buf)
#define FMT_SAFE(string) (text_safe(string).buf)
