#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Who takes its memory back soon was the wrong choice: it is recorded, that process is left alone
# for longer, and somebody else goes first.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 256
script_memory 50
start_holder first 64
# the cooldown is the time in which taking memory back proves a choice wrong
start_daemon --idle.min_idle=4s --memory.cooldown=20s --memory.cooldown_max=20s
memory 5
await_log "swapped pid=${PID[first]} .* idle=([4-9]|[1-9][0-9])s"
await_out first
memory 50
remember first
verify first
expect "it isn't back" moved_back first 55
await_log "wrong choice: it takes its memory back pid=${PID[first]} name=${OWN}first min_idle=8s"

times_first=$(times "swapped pid=${PID[first]} ")
# The other one is idle for less long, and smaller: by rank its turn would be the second.
start_holder second 32
await_dump "pid=${PID[second]} "
expect_dump 'wrong_choices=1 '
memory 5
await_log "swapped pid=${PID[second]} "
dump
if ! said "swapped pid=${PID[first]} .* idle=([89]|[1-9][0-9])s"; then
	expect_times "$times_first" "swapped pid=${PID[first]} "
	expect_dump "next: rank=1 pid=${PID[first]} .* verdict=\"(backoff, in [0-9]+m?s|victim)\""
fi
# Its turn comes all the same, when it was idle for twice as long; it may have come before.
await_said "swapped pid=${PID[first]} .* idle=([89]|[1-9][0-9])s"
memory 50
verify first second
stop_daemon
