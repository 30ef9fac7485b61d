#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Swap that is full before a process is out: a part of it moves, the rest stays, nothing is lost,
# and the daemon goes on a diet instead of trying at every tick.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

! other_swap || skip "another swap area would take what doesn't fit: $(tail -n 1 /proc/swaps)"
swap_on swap 64
# the facts it goes by say that there is room for all
SWAP_TOTAL_MIB=1024 SWAP_FREE_MIB=1024
script_memory 50
start_holder large 200
# a cooldown in which this shell surely gets to say something
start_daemon --memory.cooldown=5s
await_dump "pid=${PID[large]} [^
]*verdict=\"victim\""
remember large
memory 5
await_log "swapped pid=${PID[large]} .* bytes=[0-9.]+MiB of=200MiB "
expect "nothing of it moved" moved_out large 16
weigh large
expect "more was moved than there is room for" [ $((SWAP - SWAP_BEFORE[large])) -le 65536 ]
expect "memory is missing" [ $((ANON + SWAP)) -ge $((200 * 1024)) ]

# The attempt fell short: it isn't repeated within the cooldown.
await_log 'memory is short and there is nobody to move out: .* spent=1'
# Now the facts tell of the full swap.
SWAP_FREE_MIB=0
memory 5
await_log 'warning: no room to move memory out to: swap_total=1.0GiB swap_free=0B'
await_log 'hungry -> diet: a limit was met'
expect_times 1 "swapped pid=${PID[large]} "
expect_times 0 'cannot swap'
verify large

# A diet gives back at once where there is room.
await_log 'steady -> hungry' # another try
await_log 'hungry -> diet'
memory 90
remember large
await_dump 'held: processes=0 |held: processes=1 bytes=[0-9.]+KiB'
verify large
weigh large
expect "it grew" [ $((ANON + SWAP)) -le $((201 * 1024)) ]
stop_daemon
