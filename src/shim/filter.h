/* SPDX-License-Identifier: MIT */
/* What a filter for system calls, seccomp(2), leaves the helper. */
#pragma once
#include "shim/shim.h"

/* Where the helper was born under a filter: has a child try the calls that swapping takes, before
 * the helper makes them amid a swap. shim->barred is the name of the first that is answered by a
 * kill, or NULL; where no child could try them (shim->untried) any call counts as such, and it is
 * to be called again. */
void filter_probe(struct shim *shim);
