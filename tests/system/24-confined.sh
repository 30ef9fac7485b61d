#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a daemon at work may still do: the calls of the filter, the capabilities of the unit, and no
# more, in all of its threads; what it forks has no more either.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
unit=$(dirname "$0")/../../etc/swapify-policy.service

# field KEY STATUS_FILE
field() {
	sed -n "s/^$1:[[:space:]]*//p" "$2"
}

# The capabilities that the unit names, as a mask, of those that this machine gives at all.
mask=0
# shellcheck disable=SC2013 # words are wanted
for cap in $(sed -n 's/^CapabilityBoundingSet=//p' "$unit"); do
	number=$(awk -v cap="$cap" '$1 == "#define" && $2 == cap { print $3 }' /usr/include/linux/capability.h)
	[ -n "$number" ] || fail "$cap: no such capability"
	mask=$((mask | 1 << number))
done
given=$((0x$(field CapBnd /proc/self/status)))
expected=$(printf '%016x' $((mask & given)))
[ $((mask & given)) != "$given" ] || fail "there is nothing to give up here: $expected"

threads() {
	find "/proc/$DAEMON/task" -mindepth 1 -maxdepth 1 | wc -l
}

# confined SECCOMP: 0 none, 2 a filter
confined() {
	local file key
	for file in /proc/"$DAEMON"/task/*/status; do
		for key in CapEff CapPrm CapBnd; do
			expect "$key of $file" [ "$(field $key "$file")" = "$expected" ]
		done
		for key in CapInh CapAmb; do
			expect "$key of $file" [ "$(field $key "$file")" = 0000000000000000 ]
		done
		expect "$file" [ "$(field NoNewPrivs "$file")" = 1 ]
		expect "$file" [ "$(field Seccomp "$file")" = "$1" ]
	done
}

swap_on swap 128
script_memory 50
for action in off log kill; do
	start_holder "$action" 32
	start_daemon --daemon.seccomp=$action
	# one for the loop, others for page-outs
	expect "threads" [ "$(threads)" -gt 1 ]
	filtered=2
	[ $action != off ] || filtered=0
	confined $filtered
	# it can do its work, out and back
	remember "$action"
	memory 5
	await_log "swapped pid=${PID[$action]} "
	expect "out" moved_out "$action" 16
	remember "$action"
	memory 95
	await_log "unswapped pid=${PID[$action]} "
	verify "$action"
	memory 50
	# a reload changes nothing about it
	kill -HUP "$DAEMON"
	await_log 'configuration read again'
	confined $filtered
	stop_daemon
	end_ours "$action"
done

# Threads that are started later, by a reload, are under it, too.
printf '[madvise]\nenabled = no\n' > "$WORK/conf"
OPTIONS=(-v -c "$WORK/conf" "--daemon.lockfile=$WORK/lock" --daemon.seccomp=kill)
start_daemon
expect "threads" [ "$(threads)" = 1 ]
confined 2
printf '[madvise]\nenabled = yes\n' > "$WORK/conf"
kill -HUP "$DAEMON"
await_log 'configuration read again'
expect "threads" [ "$(threads)" -gt 1 ]
confined 2
stop_daemon
