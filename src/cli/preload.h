/* SPDX-License-Identifier: MIT */
/* The shim: where it lies, what it fits, its place in LD_PRELOAD. */
#pragma once
#include "base/text.h"
#include "cli/elfkind.h"

#include <limits.h>
#include <stdbool.h>

/* "$LIB" in it stands for what the dynamic loader of each program puts in its place, so that
 * programs of another kind of machine find a shim of theirs. */
struct preload {
	char path[PATH_MAX];
};

/* 0, or -errno and a sentence in why. */
int preload_find(struct preload *ret, struct text *why);

/* Whether there is a shim for programs of that abi with that dynamic loader; its path may be empty,
 * it is then taken for one as ours. */
bool preload_fits(const struct preload *preload, const struct elf_abi *abi, const char *loader);

/* Puts it in front of LD_PRELOAD, and takes other shims out of it. 0 or -ENOMEM. */
int preload_export(const struct preload *preload);
