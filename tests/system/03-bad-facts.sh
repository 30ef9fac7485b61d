#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Facts that can't be believed: the daemon says so once, holds still, and goes on when they make
# sense again. Nobody is touched for them, whatever they seem to say.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

warning='warning: cannot read /proc/meminfo: '
transition=' -> (steady|hungry|overfed|diet):'

swap_on swap 256
start_holder idle 32

# No such file: it starts, waits, and can be asked.
mount -t proc -o subset=pid proc /proc 2> "$WORK/err" || skip "$(cat "$WORK/err")"
start_daemon
await_log "${warning}No such file or directory; holding still until it makes sense"
ticks 5
value 'held_still=([0-9]+)'
expect "it didn't hold still" [ "$VALUE" -ge 5 ]
expect_times 1 "$warning"
stop_daemon
umount /proc

# Nothing in it from the start.
: > "$FACTS"
mount --bind "$FACTS" /proc/meminfo
skip_log
start_daemon --daemon.interval=20ms
await_log "${warning}not its format, or torn; holding still"
memory 50
await_log '/proc/meminfo makes sense again'

HELD=0 # ticks with bad facts, when last asked

held_still_for() {
	dump
	value 'held_still=([0-9]+)'
	[ "$VALUE" -ge $((HELD + $1)) ] && HELD=$VALUE
}

count() {
	WARNINGS=$(times "$warning")
	TRANSITIONS=$(times "$transition")
}

# bad NAME REASON: facts are broken now; it says so once, and does nothing for ten ticks.
bad() {
	await_log "$warning.*$2"
	await "ten ticks of $1" held_still_for 10
	expect_times $((WARNINGS + 1)) "$warning"
	expect_times "$TRANSITIONS" "$transition"
	untouched idle
}

good() {
	memory "$1"
	await_log '/proc/meminfo makes sense again'
	count
}

await_dump "pid=${PID[idle]} [^
]*verdict=\"victim\""
remember idle
count

# All of these say, as far as they say anything, that memory is short.
: > "$FACTS"
bad empty 'not its format, or torn'
good 50
facts 5 | head -c 40 > "$FACTS"
bad "a line torn" 'not its format, or torn'
good 50
facts 5 | head -n 3 > "$FACTS"
bad "keys missing" 'not its format, or torn'
good 50
facts 5 | grep -v MemTotal > "$FACTS"
bad "no MemTotal" 'not its format, or torn'
good 50
facts 5 | sed 's/\(MemAvailable: *\)\([0-9]*\) kB/\199\2 kB/' > "$WORK/more"
write_facts < "$WORK/more"
bad "more available than there is" "figures that can't be true"
good 50
facts 5 | sed 's/MemAvailable:   /MemAvailable:  -/' > "$WORK/negative"
write_facts < "$WORK/negative"
bad "a negative figure" 'not its format, or torn'
good 50
head -c 600 /dev/urandom > "$FACTS"
bad garbage 'not its format, or torn'
good 50

# Bad while memory is short and somebody's turn is coming: not now.
start_holder later 32
remember later
memory 5
await_log 'steady -> hungry'
await_log "swapped pid=${PID[idle]} "
remember idle
facts 5 | sed '$d' | head -c 300 > "$FACTS"
await_log "$warning"
await "ticks enough for later to be idle long enough" held_still_for 100
if ! said "swapped pid=${PID[later]} "; then
	untouched later
	good 5
	await_log "swapped pid=${PID[later]} "
fi
memory 50
verify idle later

# Written in two halves by a clumsy writer, over and over: each is bad news or good news, and
# never a wrong step.
await_log 'hungry -> steady'
count
for ((i = 0; i < 400; i++)); do
	facts 50 > "$FACTS"
done
memory 50
ticks 3
expect_times "$TRANSITIONS" "$transition"

# A read that fails. Each mount lies over the last, so that the kernel's own facts never show.
mount --bind /proc/$$/mem /proc/meminfo
: > "$FACTS" # what it has open still is torn, so that it opens it again
await_log "$warning"
dump
value 'held_still=([0-9]+)'
HELD=$VALUE
await "ten ticks" held_still_for 10
expect_times "$TRANSITIONS" "$transition"
memory 5
mount --bind "$FACTS" /proc/meminfo
await_log '/proc/meminfo makes sense again'
await_log 'steady -> hungry'
await_log "swapped pid=${PID[idle]} "
memory 50
verify idle later
stop_daemon
