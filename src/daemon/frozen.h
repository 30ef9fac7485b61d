/* SPDX-License-Identifier: MIT */
/* The programs with a shim, as the daemon sees them: who there is, and who is swapped to its own
 * image, by us or by somebody else. */
#pragma once
#include "daemon/daemon.h"

/* Looks for sockets; before a scan, which then follows those that are swapped. */
void frozen_scan(struct daemon *daemon);

/* Whether the first backend is to be there: [swapify] is enabled, or something that it has frozen
 * is left. Where that is news, whoever stands behind it moves, and the backends are to be added
 * anew: true. Nothing may be under way. */
bool frozen_switch(struct daemon *daemon);

/* Takes answers in, asks, and tells the followed processes what they have out. Every tick. */
void frozen_update(struct daemon *daemon, uint64_t now_ns);

/* The same for one process, from what is known. */
void frozen_note(struct daemon *daemon, struct proc *proc, uint64_t now_ns);

/* The same for what an action has been seen to move out. */
void frozen_note_moved(struct daemon *daemon, const struct outcome *outcome);

/* Has all that we froze asked anew: their helpers may have ended since. For the end. */
void frozen_ask_again(struct daemon *daemon);

/* Whether an answer is awaited, or will be within a second, or a new helper. For the end. */
bool frozen_unheard(const struct daemon *daemon, uint64_t now_ns);

/* Whether anybody is still frozen by this daemon, or one before it. */
bool frozen_left(const struct daemon *daemon);

/* Plans to bring back what this daemon or an earlier one has frozen and that leaves 5 % of memory
 * available, each one once, as many as a plan holds; what doesn't fit is said, and stays. Those
 * that don't answer come when there is nobody else. For the end. */
void frozen_plan_exit(struct daemon *daemon, struct plan *ret);

/* Says who stays swapped, but for whom that was said. For the end. */
void frozen_say_left(const struct daemon *daemon);
