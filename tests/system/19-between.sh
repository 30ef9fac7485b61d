#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What happens between plan and action: who woke, became another program or ended meanwhile is
# left alone, who only forked isn't. The daemon is stopped amid a large process, when the others
# are planned but their turn hasn't come.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

names=(large wakes execs ends forks)

start_all() {
	start_holder large 300
	start_holder wakes 64
	start_ours execs mapper heap 24
	start_holder ends 24
	start_ours forks mapper heap 16
}

all_are_victims() {
	local name
	dump
	for name in "${names[@]}"; do
		[[ $DUMP =~ pid=${PID[$name]}\ [^$'\n']*verdict=\"victim\" ]] || return 1
	done
}

large_is_leaving() {
	look large
	[ "$SWAP" -gt $((SWAP_BEFORE[large] + 4096)) ]
}

# Stops the daemon while large is on its way out; no where it was too quick.
stop_amid() {
	local end=$((SECONDS + DEADLINE))
	memory 5
	until large_is_leaving; do [ "$SECONDS" -lt $end ] || fail "large isn't moved out"; done
	kill -STOP "$DAEMON"
	! said "swapped pid=${PID[large]} "
}

swap_on swap 768
TOTAL_MIB=2000
script_memory 50
start_daemon --madvise.step=1M
for attempt in 1 2 3 4 5; do
	start_all
	await "all to be victims" all_are_victims
	remember "${names[@]}"
	! stop_amid || break
	[ $attempt -lt 5 ] || skip "this disk is too fast to get in between"
	kill -CONT "$DAEMON"
	memory 50
	await_log 'hungry -> steady'
	end_ours "${names[@]}"
done

skip_log
cpu_ticks() {
	local -a stat
	read -ra stat < "/proc/$1/stat"
	echo $((stat[13] + stat[14]))
}
before=$(cpu_ticks "${PID[wakes]}")
while [ $(($(cpu_ticks "${PID[wakes]}") - before)) -lt 8 ]; do verify wakes; done
ask execs exec
[ "$ANSWER" = ready ] || fail "execs: $ANSWER"
gone_pid=${PID[ends]}
end_ours ends
ask forks fork
[ "$ANSWER" = ok ] || fail "forks: $ANSWER"
remember wakes execs
kill -CONT "$DAEMON"

await_said "swapped pid=${PID[large]} "
await_said "did not swap: (used the CPU in the last interval|idle for less than min_idle) pid=${PID[wakes]} name=${OWN}wakes"
await_said "did not swap: gone pid=${PID[execs]} name=${OWN}execs"
await_said "did not swap: gone pid=$gone_pid name=${OWN}ends"
await_said "swapped pid=${PID[forks]} "
expect_times 0 'cannot swap'
# Later, idle again, their turn comes: after that.
for name in wakes execs; do
	await_said "swapped pid=${PID[$name]} .* idle=[1-9]"
	first=$(grep -nE "swap(ped|: .*) pid=${PID[$name]} " "$LOG" | head -n 1)
	[[ $first =~ "did not swap" ]] || fail "$name was moved out all the same: $first"
done
memory 50
verify large wakes execs forks
dump
expect_dump 'gone=2 refused=1 failed=0'
stop_daemon
