/* SPDX-License-Identifier: MIT */
/*
 * Strict numbers from text. All of them take a NUL-terminated string that must
 * be used up whole (no leading or trailing blanks, no sign where none makes
 * sense), return 0, -EINVAL (not such a number) or -ERANGE (too large to hold),
 * and leave *ret untouched on failure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

int num_u64(const char *text, uint64_t *ret);
int num_i64(const char *text, int64_t *ret);

/* Bytes: a number with an optional K, M, G or T (1024-based; "KiB" and "KB" are not taken). */
int num_bytes(const char *text, uint64_t *ret_bytes);

/* A span of time: one or several of "90s", "1h 30min", "250ms"; a bare number counts seconds. */
int num_duration(const char *text, uint64_t *ret_ns);

/* A share: "20", "20%", "0.5%" in percent, to hundredths of a percent; at most 100 %. */
int num_permyriad(const char *text, unsigned *ret_permyriad);

/* "yes", "no", "on", "off", "true", "false", "1", "0". */
int num_bool(const char *text, int *ret);

/* The bytes of "   1234 kB", as tables in /proc have it, between at and end; -EBADMSG. */
int num_scan_kib(const char *at, const char *end, uint64_t *ret_bytes);

/* Decimal digits at *at, up to end; advances *at past them. -EINVAL where there is no digit. */
int num_scan_u64(const char **at, const char *end, uint64_t *ret);
