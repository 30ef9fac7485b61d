#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Thousands of processes: all of them seen, none of them followed, the daemon at work as ever.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

swap_on swap 256
script_memory 50
start_ours crowd crowd 3000
start_holder idle 48
start_daemon
dump
value 'small=([0-9]+)'
expect "only $VALUE small ones" [ "$VALUE" -ge 3000 ]
remember idle
memory 5
await_log "swapped pid=${PID[idle]} "
await_out idle
verify idle
expect_status 0 "$BUILD/swapify-policy" --once -n -c /dev/null --daemon.interval=200ms
printed '^ *30[0-9][0-9] +small +holds less than min_rss'
end_ours crowd
stop_daemon
