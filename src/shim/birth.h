/* SPDX-License-Identifier: MIT */
/* How a helper comes into the world, and is sent away. */
#pragma once
#include "shim/shim.h"

/* Starts a helper on what shim says. Called in a thread of the program, with no helper there.
 * 0 or -errno; the program goes on in any case. */
int birth(struct shim *shim);

/* Sends the helper away and waits until it is gone. */
void birth_dismiss(struct shim *shim);

/* Where a thread of the stopped program starts another helper when one was killed: its registers
 * are set to it from outside (see image_header). Ends with getppid(0 or errno), which the tracer
 * waits for, and does not return. */
void birth_again(void);

/* The one shim of this process; NULL: it isn't attached. birth_again finds it here. */
extern struct shim *the_shim __attribute__((visibility("hidden")));
