/* SPDX-License-Identifier: MIT */
#pragma once
#include <pthread.h>
#include <stddef.h>

/*
 * Starts a thread with a small stack of its own. No signal is for it: they go to whoever waits for
 * them. 0 or -errno; *ret is the caller's to join.
 */
int thread_start(pthread_t *ret, size_t stack_bytes, void *(*work)(void *), void *argument);
