#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Victims that end, exec, fork and wake at any moment, before, during and after what is done to
# them, while memory is short for hundreds of ticks. Nobody loses a byte, and the daemon goes on.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 512
script_memory 50
start_holder calm1 24
start_holder calm2 24
start_ours churn churn 12
start_daemon --daemon.interval=10ms --idle.min_idle=100ms --idle.scan_interval=100ms \
	--idle.scan_interval_near=100ms --idle.min_resident=0 --memory.cooldown=1s --madvise.step=1M
# short, and plenty, and short: out and back all the time
for ((round = 0; round < 3; round++)); do
	memory 5
	ticks 200
	memory 90
	kill -USR2 "$DAEMON" # gives back at once
	ticks 100
done
memory 5
ticks 50
ask churn stop
[[ $ANSWER =~ ^ok ]] || fail "churn: $ANSWER"
value 'backend madvise: out=([0-9]+) '
echo "moved out $VALUE times; churn: $ANSWER"
expect "hardly anybody was moved out" [ "$VALUE" -ge 20 ]
expect_dump 'backend madvise: .*failed=0 timeout=0'
expect_times 0 'cannot (un)?swap|error: '
memory 50
verify calm1 calm2
# what has ended is forgotten
await_dump 'held: processes=[0-2] '
stop_daemon
