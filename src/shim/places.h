/* SPDX-License-Identifier: MIT */
/* Where this program's socket and image belong (proto/names.h), and who it is. */
#pragma once
#include "shim/shim.h"

/* Fills uid, socket_dir and image_dir from the environment and the system. Called in the program.
 */
void places_choose(struct shim *shim, char *const *environment);

/* Fills program, name and what tells this life of this process from others. Called in the helper,
 * for it takes a while. 0 or -errno. */
int places_identify(struct shim *shim);

/* The name of a process, safe to be printed; "unnamed" where it isn't told. Uses shim->text. */
void places_read_name(struct shim *shim, int pid, char ret[IMAGE_COMM_SIZE]);

/* Whether the value of a variable begins with our pid, behind which it moves *value. */
bool places_own(const char **value);

/* The value of an environment variable, or NULL. */
const char *places_environment(char *const *environment, const char *name);
