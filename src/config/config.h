/* SPDX-License-Identifier: MIT */
/* Settings from defaults, one file and the command line, checked as a whole or not taken at all. */
#pragma once
#include "base/text.h"
#include "config/options.h"
#include "policy/params.h"

#include <stdio.h>

#define CONFIG_PATH SYSCONFDIR "/swapify-policy.conf"

enum config_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ARGV };

/* Where the value of each option came from, by its place in the option table. */
struct config_origin {
	enum config_source source;
	unsigned line; /* of the file; 0 otherwise */
};

struct config {
	struct params params;
	char path[4096]; /* the file that was read; "" where there was none */
	struct config_origin origin[CONFIG_OPTIONS_MAX];
	char *strings[CONFIG_OPTIONS_MAX]; /* of settings that are not default; owned */
};

/* One message for people: what is wrong, in which file and line, and what may have been meant. */
struct config_error {
	char message[512];
};

/*
 * Builds *ret from the defaults, the file at path, and n "--section.key=value" overrides, in that
 * order; the last override of a key wins. A missing file is an error where required, otherwise
 * the defaults stand, as they do for /dev/null. Where we are root, the file must be root's and
 * nobody else's to write. Returns 0; -EINVAL for anything wrong with file or overrides (unreadable,
 * unknown section or key, duplicate, bad value, out of range, crossed limits, a line that is too
 * long or makes no sense); -ENOMEM; both with *error filled and *ret untouched. On success the
 * caller owns *ret: config_free.
 */
int config_load(const char *path, bool required, char *const *overrides, size_t n,
		struct config *ret, struct config_error *error);

void config_free(struct config *config);

/* The effective settings in the file's own format, so that they can be read back, each with its
 * meaning and its source as comments. Returns 0 or -EIO. */
int config_print(const struct config *config, FILE *out);
