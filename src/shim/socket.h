/* SPDX-License-Identifier: MIT */
/* Where the helper is spoken to: DIR/PID.sock, with a link of the program's name to it. */
#pragma once
#include "proto/wire.h"
#include "shim/shim.h"

/* Makes, binds and listens. 0 or a failure. */
int socket_bind(struct shim *shim);

/* Removes socket and link, where they are still ours. */
void socket_unbind(struct shim *shim);

/* Takes the next connection and its request, for which it waits wait_ms at most. Returns the
 * connection, which socket_answer closes, or -errno (-EAGAIN: nobody is there). */
int socket_accept(struct shim *shim, unsigned wait_ms, int *ret_request);

/* Notes who asks by the connection for the program to be swapped. */
void socket_note_asker(struct shim *shim, int connection);

/* Answers and closes. error adds the failure's lines. */
void socket_answer(struct shim *shim, int connection, enum wire_reply reply);
