#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A process that lets whoever reads its memory wait: what it keeps is the one thread that brings
# memory back. The daemon looks on, moves others out, says what is wrong, and leaves when it is told.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 512
script_memory 50
tool trap
setpriv --reuid 0 "$WORK/bin/trap" 1 > "$WORK/try" 2>&1 {NEVER}<&- &
STARTED+=($!)
await "the trap" lines_of "$WORK/try" 1
[ "$(cat "$WORK/try")" = ready ] || skip "no userfaultfd here"
end_process $!

AS=0 start_ours trap trap 128
start_holder other 32
start_daemon --protect.uids= --madvise.step=512M
await_dump "pid=${PID[other]} [^
]*verdict=\"victim\""
remember trap other
memory 5
await_said "swapped pid=${PID[trap]} "
await_said "swapped pid=${PID[other]} "
memory 50
await_log 'hungry -> steady'
verify other
end_ours other
memory 90
kill -USR2 "$DAEMON" # gives back at once
await "the trap to spring" lines_of "$WORK/trap.out" 2
ticks 5
await_log 'steady -> diet'
await_log 'diet -> steady' # while the trap holds its thread
await_log "warning: cannot unswap: held up, by the process itself or a slow disk pid=${PID[trap]} "
dump
expect_dump 'timeout=1 '

# The others' way out is free.
start_holder third 48
await_dump "pid=${PID[third]} [^
]*verdict=\"victim\""
memory 5
await_log "swapped pid=${PID[third]} "
await_out third
# And back it comes by itself, since nobody can fetch it.
memory 90
kill -USR2 "$DAEMON"
# The reason is said once: of this one, or of the trap before, when it was tried again.
await_log "(cannot unswap: still held up by another process|did not unswap: failed) pid=${PID[third]} "
await_said 'cannot unswap: still held up by another process'
verify third
ticks 1 # it doesn't wait, too
stop_daemon
expect "the trap is gone" [ -d "/proc/${PID[trap]}" ]
