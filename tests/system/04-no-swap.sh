#!/bin/bash
# SPDX-License-Identifier: MIT
#
# No swap: it says what is missing, once; after each cooldown it tries again; then swap appears.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0
script_memory 50
start_holder idle 48
start_daemon --memory.cooldown=1s --madvise.swap_margin=64M
await_dump "pid=${PID[idle]} [^
]*verdict=\"victim\""
remember idle
memory 5
await_log 'steady -> hungry: memory is short'
await_log 'warning: no room to move memory out to: swap_total=0B swap_free=0B swap_margin=64.0MiB; add swap, '
await_log 'hungry -> diet: a limit was met'
await_log 'diet -> steady: the cooldown is over'
await_log 'steady -> hungry: memory is short'
await_log 'hungry -> diet'
await_log 'hungry -> diet'
await_dump 'no_room=([3-9]|[1-9][0-9])'
expect_dump 'backend madvise: out=0 out_bytes=0B .* failed=0 '
expect_dump 'swap: total=0B used=0B free=0B'
expect_times 1 'no room to move'
untouched idle

# All of it is margin: no room either, and nothing new to say.
SWAP_TOTAL_MIB=64 SWAP_FREE_MIB=64
memory 5
value 'no_room=([0-9]+)'
tried=$VALUE
tried_again() {
	dump
	value 'no_room=([0-9]+)'
	[ "$VALUE" -ge $((tried + 2)) ]
}
await "two more tries" tried_again
expect_times 1 'no room to move'
untouched idle

swap_on swap 256
SWAP_TOTAL_MIB=256 SWAP_FREE_MIB=256
memory 5
await_log "swapped pid=${PID[idle]} "
await_out idle
expect_times 1 'no room to move'

# It is gone again (somebody else took it): that is news.
memory 50
start_holder late 48
remember late
SWAP_FREE_MIB=10
memory 5
await_log 'warning: no room to move memory out to: swap_total=256MiB swap_free=10.0MiB .*; add more swap, '
expect_times 2 'no room to move'
untouched late
memory 50
verify idle late
stop_daemon
