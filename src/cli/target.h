/* SPDX-License-Identifier: MIT */
/* What will be executed for a command, and whether a shim can get into it. Looks only. */
#pragma once
#include "cli/elfkind.h"

#include <limits.h>
#include <stdbool.h>

enum target_kind {
	TARGET_UNKNOWN, /* not to be found, not to be read, or nothing that we know */
	TARGET_LOADER,	/* glibc's dynamic loader itself, which preloads as for any program */
	TARGET_DYNAMIC, /* loaded by glibc's */
	TARGET_OTHER,	/* loaded by that of another C library */
	TARGET_STATIC,
	TARGET_PRIVILEGED /* set-id or with file capabilities: nothing is preloaded from a path */
};

struct target {
	enum target_kind kind;
	bool found;		/* there is a file for the command */
	bool by_script;		/* which is a script, and program its interpreter */
	bool has_capabilities;	/* with TARGET_PRIVILEGED: that's why, not a set-id bit */
	struct elf_abi abi;	/* but for TARGET_UNKNOWN */
	char path[PATH_MAX];	/* of the command */
	char program[PATH_MAX]; /* what the kernel executes in the end */
	char loader[PATH_MAX];	/* its dynamic loader, without symbolic links; may be empty */
	char missing[PATH_MAX]; /* an interpreter or loader that isn't there; may be empty */
};

/* command is looked for as execvp(3) does. */
void target_examine(const char *command, struct target *ret);

/* What kind of machine a program or library is built for: 0, -EBADMSG, -ENOEXEC or another -errno.
 */
int target_read_abi(const char *path, struct elf_abi *ret);
