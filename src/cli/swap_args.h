/* SPDX-License-Identifier: MIT */
/* The command line of swap. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum swap_action {
	ACTION_NONE,
	ACTION_SWAP,
	ACTION_UNSWAP,
	ACTION_EXIT,
	ACTION_STATUS,
	ACTION_LIST,
	ACTION_HELP,
	ACTION_VERSION
};

/* Whom it is about: by pid, or by name where that isn't NULL */
struct swap_wanted {
	pid_t pid;
	const char *name;
};

struct swap_args {
	enum swap_action action;
	bool force, json;
	const char *socket_dir, *image_dir; /* NULL: the usual ones */
	uint64_t timeout_ns;
	struct swap_wanted *wanted; /* as many as argv has room for; swap_args_free */
	size_t n_wanted;
};

/* Takes argv apart, complaining on stderr. 0, -EINVAL or -ENOMEM. */
int swap_args_parse(int argc, char **argv, struct swap_args *ret);
void swap_args_free(struct swap_args *args);

void swap_args_help(FILE *out);

/* Whether the action ends with the program's memory being back, so that there has to be room. */
bool swap_brings_back(enum swap_action action);
