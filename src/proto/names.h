/* SPDX-License-Identifier: MIT */
/*
 * Where sockets and images lie and what they are called.
 *
 * Sockets: DIR/PID.sock, and a symbolic link COMM.PID.sock to it in the same directory, for
 * people. DIR is the first of
 *   $SWAPIFY_SOCKET_DIR
 *   /run/user/UID/swapify   where /run/user/UID exists; made by the shim, 0700
 *   /run/swapify/UID        for services; made by the shim where /run/swapify lets it, 0700
 * Images: DIR/PID.swap, 0600. DIR is the first of
 *   $SWAPIFY_IMAGE_DIR
 *   /var/lib/swapify        for uid 0; made by the shim, 0700
 *   $HOME/.swapify          made by the shim, 0700
 * A directory given by the environment isn't made. Every one of them has to be a directory of the
 * program's effective user, not a link, and nobody else's to write.
 */
#pragma once

#define NAMES_RUN_USER "/run/user" /* /run/user/UID/swapify */
#define NAMES_RUN_USER_SUB "swapify"
#define NAMES_RUN_SERVICES "/run/swapify" /* /run/swapify/UID */
#define NAMES_IMAGES_ROOT "/var/lib/swapify"
#define NAMES_IMAGES_HOME ".swapify" /* under $HOME */

#define NAMES_SOCKET_SUFFIX ".sock"
#define NAMES_IMAGE_SUFFIX ".swap"
#define NAMES_HELPER "swapify-helper" /* the helper's comm */
#define NAMES_SHIM "libswapify.so"
#define NAMES_DAEMON "swapify-policy" /* the daemon's comm */

#define NAMES_ENV_SOCKET_DIR "SWAPIFY_SOCKET_DIR"
#define NAMES_ENV_IMAGE_DIR "SWAPIFY_IMAGE_DIR"
/* For the program that is started, not for those it starts: "PID" and "PID:NAME", for the pid stays
 * the same when it execs ("#!/usr/bin/env python3"), and is another one in its children. The shim
 * of those takes them out of their environment. */
#define NAMES_ENV_NAME "SWAPIFY_NAME" /* NAME: in the place of COMM in the link */
/* Children aren't attached, and lose LD_PRELOAD */
#define NAMES_ENV_NO_FOLLOW "SWAPIFY_NO_FOLLOW"

#define NAMES_DIR_MAX 256 /* a directory's path, with its NUL; a longer one is refused */
