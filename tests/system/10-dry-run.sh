#!/bin/bash
# SPDX-License-Identifier: MIT
#
# -n says what it would do, and touches nothing; what it would have done is not wanted again.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 256
script_memory 50
start_holder one 96
start_holder two 64
start_daemon -n --memory.cooldown=60s --memory.cooldown_max=60s
expect "a dry run holds the lock" [ ! -e "$WORK/lock" ]
await_dump "pid=${PID[two]} [^
]*verdict=\"victim\""
remember one two
# 30 % - 19 % of 500 MiB are less than the larger one holds
TOTAL_MIB=500
memory 19
await_log 'steady -> hungry: memory is short need=5[45]\.[0-9]MiB'
await_log "would be swapped pid=${PID[one]} name=${OWN}one bytes=5[45]\\.[0-9]MiB of=5[45]\\.[0-9]MiB .* backend=null-madvise"
ticks 20
expect_times 1 'would be swapped'
expect_dump 'need: 0B '
expect_dump 'backend null-madvise: out=1 out_bytes=0B '
# More is wanted: the other one, and no more of the first
memory 5
await_log "would be swapped pid=${PID[two]} name=${OWN}two bytes=6[34]\\.[0-9]MiB "
ticks 20
expect_times 2 'would be swapped'
expect_times 0 'pid=[0-9]+ .*backend=madvise'
for name in one two; do
	weigh "$name"
	expect "$name was moved" [ "$SWAP" = "${SWAP_BEFORE[$name]}" ]
	expect "$name was touched" [ "$ANON" -ge "${ANON_BEFORE[$name]}" ]
done
verify one two
stop_daemon

# --once tells the same, and ends.
expect_status 0 "$BUILD/swapify-policy" --once "${OPTIONS[@]}" --idle.min_idle=0
printed "^ +1 +${PID[one]} ${OWN}one "
printed '^Need: 12[45]MiB, to have 30% available: the machine would be hungry'
printed "^  move 9[0-9.]+MiB of ${OWN}one \\(pid ${PID[one]}\\) out"
