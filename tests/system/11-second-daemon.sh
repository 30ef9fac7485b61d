#!/bin/bash
# SPDX-License-Identifier: MIT
#
# There is one daemon: a second one refuses and says who is in its way; a dead one isn't.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

start_daemon
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}"
printed "error: another swapify-policy runs: it holds $WORK/lock; stop it first"
expect "the lock names another process" [ "$(cat "$WORK/lock")" = "$DAEMON" ]
# a dry run touches nothing, so it may run beside
"$BUILD/swapify-policy" "${OPTIONS[@]}" -n 2> "$WORK/beside.log" {NEVER}<&- &
beside=$!
STARTED+=("$beside")
await "the dry run beside it" grep -q 'started .*dry_run=yes' "$WORK/beside.log"
end_process "$beside"
expect "the daemon has gone" [ -d "/proc/$DAEMON" ]

# Killed without a word: its lock went with it.
end_process "$DAEMON"
DAEMON=
skip_log
start_daemon
ticks 3
stop_daemon

# A lock that can't be had is an error that names it.
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --daemon.lockfile=/proc/nowhere/lock
printed 'error: cannot take the lock /proc/nowhere/lock: '
ln -s "$WORK/elsewhere" "$WORK/link"
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" "--daemon.lockfile=$WORK/link"
expect "a link was followed" [ ! -e "$WORK/elsewhere" ]
