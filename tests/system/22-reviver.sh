#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The child that gives a program another helper doesn't outlive the daemon: it keeps no lock from the
# next one, and isn't left to be killed amid its work.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

command -v strace > /dev/null || skip "no strace, which holds the child up"

script_memory 50
empty_sockets
install -d -m 700 -o "$OURS" "/run/swapify/$OURS" "$WORK/images-$OURS"
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"
OPTIONS+=(--madvise.enabled=no "--protect.uids=0 $SPARED" --swapify.enabled=yes)
start_attached first 32
remember first

: > "$WORK/trace"
strace -f -qq -o "$WORK/trace" -e trace=ptrace -e inject=ptrace:delay_enter=3600s \
	"$BUILD/swapify-policy" "${OPTIONS[@]}" 2>> "$LOG" {NEVER}<&- &
tracer=$!
STARTED+=("$tracer")
await_log 'started version='
DAEMON=$(cat "$WORK/lock")
STARTED+=("$DAEMON")
await_dump "attached: programs=1 .*pid=${PID[first]} uid=$OURS state=running"
tell first 1
# else its question may be what dies with the helper, and the next comes a good while later
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped"
kill -KILL "$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[first]}/status")"
begins() { CHILD=$(awk '/ ptrace\(/ { print $1; exit }' "$WORK/trace") && [ -n "$CHILD" ]; }
await "a child that starts another helper" begins
expect "it has the lock" [ -z "$(find "/proc/$CHILD/fd" -lname "$WORK/lock*")" ]

kill -QUIT "$DAEMON"
await_log 'stopped$'
asked() { # SIGTERM is waiting for it
	[ $((16#$(awk '$1 == "ShdPnd:" { print $2 }' "/proc/$CHILD/status") >> 14 & 1)) = 1 ]
}
await "the child to be asked to end" asked
! gone "$DAEMON" || fail "the daemon didn't wait for it"
end_process "$tracer"
await "the daemon to end" gone "$DAEMON"
expect "the child is left" gone "$CHILD"
DAEMON=

start_daemon
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped"
tell first 2
expect "it can't be unswapped" [ "$REPLY" = 0 ]
verify first
