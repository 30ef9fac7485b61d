/* SPDX-License-Identifier: MIT */
/* Swap: the program is stopped, its memory goes to the image, chunk by chunk, and is given up. */
#pragma once
#include "shim/shim.h"

/*
 * 0: it is swapped. Else a failure: the program runs as before, unless what was given up already
 * can't be read back; then it stays stopped, and phase says PHASE_SWAPPED. between is called now
 * and then.
 */
int swap_out(struct shim *shim, void (*between)(struct shim *));
