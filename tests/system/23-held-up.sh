#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A process that holds up whoever looks at it: the service manager kills the daemon then, and after
# two times the next one looks at nobody of that user's any more, and does its work.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

command -v strace > /dev/null || skip "no strace, which holds the daemon up"

script_memory 50
start_holder culprit 32
start_holder accomplice 32
AS=$SPARED start_holder other 32

# held_daemon: one that comes to no end of its look at the culprit
held_daemon() {
	: > "$WORK/trace"
	strace -qq -o "$WORK/trace" -P "/proc/${PID[culprit]}/stat" -e signal=none -e trace=read,pread64 \
		-e inject=read,pread64:delay_enter=3600s "$BUILD/swapify-policy" "${OPTIONS[@]}" 2>> "$LOG" {NEVER}<&- &
	TRACER=$!
	STARTED+=("$TRACER")
	await_log 'started version='
	DAEMON=$(cat "$WORK/lock")
	STARTED+=("$DAEMON")
}

# As WatchdogSec= and WatchdogSignal=SIGKILL of the unit do it
watchdog() {
	kill -KILL "$DAEMON"
	end_process "$TRACER"
	await "the daemon to end" gone "$DAEMON"
	DAEMON=
}

for times in once twice; do
	held_daemon
	await "it to be held up" grep -q . "$WORK/trace"
	watchdog
	start_daemon
	grep -q "warning: the daemon before this one ended while it looked at pid=${PID[culprit]} uid=$OURS times=" "$LOG" ||
		fail "it doesn't say whom it was at: $(tail -n 5 "$LOG")"
	dump
	if [ $times = once ]; then # as if it were killed by chance: nothing follows from that
		expect_dump "next: .*pid=${PID[culprit]} "
	else
		grep -q "warning: programs of a user aren't looked at any more: uid=$OURS pid=${PID[culprit]}; remove $WORK/lock.look" "$LOG" ||
			fail "it doesn't say whom it avoids: $(tail -n 5 "$LOG")"
		expect_dump 'passed over: .*held-up=2'
		for name in culprit accomplice; do
			[[ $DUMP != *"pid=${PID[$name]} "* ]] || fail "$name is looked at"
		done
	fi
	expect_dump "next: .*pid=${PID[other]} "
	stop_daemon
	skip_log
done

# Nothing of his can hold it up now: it isn't read.
held_daemon
await_dump 'passed over: .*held-up=2'
expect "it looks at him: $(cat "$WORK/trace")" [ ! -s "$WORK/trace" ]
kill -TERM "$DAEMON"
await_log 'stopped$'
await "the daemon to end" gone "$DAEMON"
DAEMON=
skip_log

# Forgiven
rm "$WORK/lock.look"
start_daemon
await_dump "next: .*pid=${PID[accomplice]} "
