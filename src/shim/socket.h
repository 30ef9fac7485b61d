/* SPDX-License-Identifier: MIT */
/* Where the helper is spoken to: DIR/PID.sock, with a link of the program's name to it. */
#pragma once
#include "proto/wire.h"
#include "shim/shim.h"

/* Makes, binds and listens. 0 or a failure. */
int socket_bind(struct shim *shim);

/* Removes socket and link, where they are still ours. */
void socket_unbind(struct shim *shim);

/* Takes the request of the next caller. Returns its connection, which socket_answer closes, or
 * -errno (-EAGAIN: nobody is there, or has said anything yet). Never waits: a caller who says
 * nothing keeps the next one waiting for a second, and nobody else. */
int socket_accept(struct shim *shim, int *ret_request);

/* The descriptor that is readable when socket_accept has something to do, and the time until it has
 * so anyway; -1: none. */
int socket_waits_for(const struct shim *shim);
long socket_patience_ms(const struct shim *shim);

/* Notes who asks by the connection for the program to be swapped. */
void socket_note_asker(struct shim *shim, int connection);

/* Answers and closes. error adds the failure's lines. */
void socket_answer(struct shim *shim, int connection, enum wire_reply reply);
