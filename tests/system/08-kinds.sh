#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Kinds of memory: locked, shared, hardly touched, in thousands of regions between guard pages,
# from brk. All of it keeps its contents, and nobody holds more after a round trip than before.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 512
script_memory 50
start_ours locked mapper locked 16
start_ours shared mapper shared 16
start_ours sparse mapper sparse 1024
start_ours regions mapper regions 6000
start_ours heap mapper heap 16
kinds=(locked shared sparse regions heap)

shmem() {
	awk '/^RssShmem:/ { print $2 }' "/proc/${PID[shared]}/status"
}

# All of it together is no more than it was, but for a page here and there.
expect_no_growth() {
	local kind
	for kind in "${kinds[@]}"; do
		weigh "$kind"
		[ $((ANON + SWAP)) -le $((ANON_BEFORE[$kind] + SWAP_BEFORE[$kind] + 256)) ] ||
			fail "$kind grew from ${ANON_BEFORE[$kind]} + ${SWAP_BEFORE[$kind]} KiB to $ANON + $SWAP KiB"
	done
}

TOTAL_MIB=4000
start_daemon --memory.cooldown=1s --idle.min_resident=0 --idle.min_rss=1M
remember "${kinds[@]}"
shared_before=$(shmem)

all_out() {
	local kind
	for kind in "${kinds[@]}"; do
		await_log_again "swapped pid=${PID[$kind]} "
	done
}

# In any order, behind line $from.
await_log_again() {
	await "$1" said_since "$1"
}

said_since() {
	tail -n +$((from + 1)) "$LOG" | grep -qE -- "$1"
}

from=0
memory 5
all_out
await "half of locked to be out" moved_out locked 8
look locked
expect "locked memory was moved" [ "$ANON" -ge $((4 * 1024)) ]
await "shared to be out" moved_out shared 13
expect "shared memory was touched" [ "$(shmem)" -ge $((shared_before - 256)) ]
await "sparse to be out" moved_out sparse 13
await "regions to be out" moved_out regions 20
await "heap to be out" moved_out heap 13
expect_no_growth

# Back by the daemon.
memory 90
kill -USR2 "$DAEMON"
await_dump 'held: processes=0 '
for kind in "${kinds[@]}"; do expect "$kind wasn't restored" said "unswapped pid=${PID[$kind]} "; done
look sparse
expect "sparse isn't back" [ "$ANON" -ge $((15 * 1024)) ]
expect_no_growth
verify "${kinds[@]}"
expect_no_growth

# And by their owners, a child of theirs among them.
from=$(wc -l < "$LOG")
memory 5
all_out
memory 50
for kind in "${kinds[@]}"; do
	ask "$kind" fork
	expect "$kind: $ANSWER" [ "$ANSWER" = ok ]
done
verify "${kinds[@]}"
expect_no_growth
expect_times 0 'cannot (un)?swap|error: '
stop_daemon
