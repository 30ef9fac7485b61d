#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mode = cold only offers memory to the kernel: said so, not repeated within the cooldown, and
# counted as on its way until then.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0 # it needs none
script_memory 50
start_holder one 64
start_holder two 48
start_daemon --madvise.mode=cold --memory.cooldown=5s
await_dump "pid=${PID[two]} [^
]*verdict=\"victim\""
remember one two
began=$SECONDS
memory 5
await_said "offered to the kernel pid=${PID[one]} name=${OWN}one bytes=6[34].* backend=madvise"
await_said "offered to the kernel pid=${PID[two]} "
await_dump 'need: 1[34][0-9]MiB ' # 250 less what was offered
expect_dump 'held: processes=0 bytes=0B'
ticks 10
offers=$(times 'offered to the kernel pid=')
# where the cooldown can't be over yet
[ $((SECONDS - began)) -ge 4 ] || expect "it was repeated: $offers offers" [ "$offers" = 2 ]
await_log 'memory is short and there is nobody to move out: .* spent=2'
expect_times 0 'no room'

offered_again() {
	[ "$(times "offered to the kernel pid=${PID[one]} ")" -ge 2 ]
}
await "another offer after the cooldown" offered_again
expect_times 0 'swapped pid='
for name in one two; do
	weigh "$name"
	expect "$name lost memory" [ $((ANON + SWAP)) -ge $((ANON_BEFORE[$name] - 256)) ]
done
verify one two
stop_daemon
