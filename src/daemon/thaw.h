/* SPDX-License-Identifier: MIT */
/* The way out: what was frozen can't be brought back by anybody who doesn't know of swap(1). */
#pragma once
#include "daemon/daemon.h"
#include "daemon/loop.h"

/* Brings back what this daemon or an earlier one has frozen, as far as it fits, and waits for it,
 * a minute at most. Says what stays; frozen_left() tells whether anything stayed. */
void thaw_all(struct daemon *daemon, struct loop *loop);
