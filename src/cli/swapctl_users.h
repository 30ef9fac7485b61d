/* SPDX-License-Identifier: MIT */
/* Who else uses what shall be swapped to? */
#pragma once
#include "cli/swapctl_context.h"
#include "cli/swapctl_target.h"

/* Of a target that is open, with its identity, beneath and region: sets in its facts area,
 * area_is_direct, by_loop and in_use. Waits for those who are about to go. */
void users_look(const struct context *context, struct target *target);

/* As many pauses are together as long as somebody may take who does what we do. */
#define USERS_ATTEMPTS 100
void users_pause(void);
