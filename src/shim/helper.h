/* SPDX-License-Identifier: MIT */
/* The helper: a process of its own in the program's address space, that waits for requests. */
#pragma once
#include "shim/shim.h"

/* Runs until the program ends, becomes another one, or somebody says exit. Does not return to
 * anywhere that uses the program's stacks: the caller ends the process. */
void helper_run(struct shim *shim);
