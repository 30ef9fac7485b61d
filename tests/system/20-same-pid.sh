#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A process that gets the number of one that was followed is another one: nothing is held of it,
# and it has been idle since its own start only.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

[ -w /proc/sys/kernel/ns_last_pid ] || skip "this kernel doesn't let us choose a pid"
swap_on swap 256
script_memory 50
start_holder old 48
start_daemon
memory 5
await_log "swapped pid=${PID[old]} "
memory 50
await_dump "pid=${PID[old]} .*
"
expect_dump 'held: processes=1 '

idle_for_long() {
	dump
	[[ $DUMP =~ held:\ pid=${PID[old]}\ [^$'\n']*since=([6-9]|[1-9][0-9]+)s ]]
}
await "old to be idle for six seconds" idle_for_long
kill -STOP "$DAEMON"
pid=${PID[old]}
began=$SECONDS
end_ours old
NEXT_PID=$pid start_holder new 64
[ "${PID[new]}" = "$pid" ] || skip "somebody else got pid $pid"
remember new
kill -CONT "$DAEMON"
dump
took=$((SECONDS - began + 1))
expect_dump 'held: processes=0 bytes=0B'
if value "pid=$pid name=${OWN}new idle=([0-9]+)s"; then
	expect "idle for $VALUE s, after $took" [ "$VALUE" -le "$took" ]
fi
memory 5
await_log "swapped pid=$pid name=${OWN}new .* idle=([0-9]+)s"
await_out new
memory 50
verify new
stop_daemon
