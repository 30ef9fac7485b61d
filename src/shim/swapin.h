/* SPDX-License-Identifier: MIT */
/* Unswap: the memory comes back from the image, is verified, and the program goes on. */
#pragma once
#include "shim/shim.h"

/* 0: it runs. Else a failure: it stays stopped, its memory where it was, and this can be tried
 * again. between is called now and then. */
int swap_in(struct shim *shim, void (*between)(struct shim *));

/* The first half: reads back and verifies all that was given up, so that it can run. */
int swap_in_memory(struct shim *shim, void (*between)(struct shim *));

/* The second half: lets it run, and removes the image. */
void swap_in_resume(struct shim *shim);
