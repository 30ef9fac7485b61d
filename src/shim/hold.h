/* SPDX-License-Identifier: MIT */
/*
 * Holding the program: SIGSTOP, which stays in force when the helper dies, and on top of it a
 * trace of every thread, so that a SIGCONT from outside doesn't let it run on what isn't there.
 */
#pragma once
#include "shim/shim.h"

/* Stops the program and waits, 2 s at most, until every thread stands still. 0 or a failure, with
 * the program running as before. */
int hold_stop(struct shim *shim);

/* Takes hold of every thread, and tells regions_keep what the kernel needs of each. 0 or a
 * failure: then hold_release is still to be called. */
int hold_seize(struct shim *shim);

/* Takes hold of every thread again, for a helper that goes on where another ended. */
int hold_seize_again(struct shim *shim);

/* Takes in what has happened to the threads; sets continued and wanted. Never waits. */
void hold_look(struct shim *shim);

/* Lets go of the threads and, where it was we who stopped the program, lets it run. */
void hold_release(struct shim *shim);

/* Puts a program that was continued from outside back under SIGSTOP, still held. */
void hold_stop_again(struct shim *shim);
