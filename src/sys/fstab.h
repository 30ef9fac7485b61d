/* SPDX-License-Identifier: MIT */
/* /etc/fstab, as far as swap areas are concerned. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FSTAB_PATH "/etc/fstab"

struct fstab_entry {
	char spec[PATH_MAX]; /* a path, or "UUID=..." and the like */
	char type[64];
	char options[1024]; /* apart by commas */
};

/*
 * Takes one line (without its newline) apart. 1, 0 where it is blank or a comment, -EBADMSG where
 * it has fewer than three fields or one is too long or holds a NUL; *ret is undefined unless 1.
 */
int fstab_parse_line(const char *line, size_t len, struct fstab_entry *ret);

/* Looks for "name" or "name=VALUE" in options; the last one counts. The value, which is empty where
 * there is none, goes to ret of cap bytes where ret isn't NULL, cut if need be. */
bool fstab_option(const char *options, const char *name, char *ret, size_t cap);

/* Calls entry for each entry of type swap, in order, as long as that returns 0. What it returned
 * last, or -errno. Lines that make no sense are passed over, as mount(8) does. */
int fstab_each_swap(const char *path, int (*entry)(void *ctx, const struct fstab_entry *entry),
		    void *ctx);
