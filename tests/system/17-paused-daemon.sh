#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A daemon that didn't run for a while, as in a suspend, doesn't take that for idleness of others.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

swap_on swap 256
script_memory 50
start_holder idle 32
# only a gap could make anybody idle for so long: it counts as three scan intervals, 600 ms
start_daemon --idle.min_idle=5s
dump
kill -STOP "$DAEMON"
# until the clock says so, not for so long
end=$((SECONDS + 7))
while [ "$SECONDS" -lt $end ]; do breathe; done
memory 5
kill -CONT "$DAEMON"
await_log 'steady -> hungry'
await_log 'there is nobody to move out: .* young=1'
expect_times 0 'swapped pid='
dump
expect_dump "pid=${PID[idle]} name=${OWN}idle idle=([0-4]s|[0-9]+ms) "
# and goes on from there
await_log "swapped pid=${PID[idle]} .* idle=[5-9]s"
verify idle
stop_daemon
