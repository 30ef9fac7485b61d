/* SPDX-License-Identifier: MIT */
/* The command line. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARGS_OVERRIDES_MAX 64
#define ARGS_PATH_MAX 4096

enum mode {
	MODE_DAEMON,
	MODE_ONCE,
	MODE_INSPECT,
	MODE_PRINT_CONFIG,
	MODE_ERASE,
	MODE_HELP,
	MODE_VERSION
};

struct args {
	enum mode mode;
	const char *config;  /* NULL: the usual place, where a missing file is no error */
	const char *pidfile; /* NULL: none */
	bool background, verbose, quiet, dry_run;
	char *overrides[ARGS_OVERRIDES_MAX]; /* --section.key=value, in order */
	size_t n_overrides;
	char absolute[2][ARGS_PATH_MAX]; /* what config and pidfile point to, with background */
};

/* Takes argv apart, complaining on stderr. 0 or -EINVAL. */
int args_parse(int argc, char **argv, struct args *ret);

void args_help(FILE *out);
