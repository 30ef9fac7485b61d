#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the background: who starts it learns how it went; the dump arrives at a real syslog daemon.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# a /dev of our own with nothing of the machine's log in it
mkdir "$WORK/dev"
mount -t tmpfs tmpfs "$WORK/dev"
cp -a /dev/null /dev/zero /dev/urandom /dev/full "$WORK/dev/"
mount --bind "$WORK/dev" /dev
busybox syslogd -n -O "$WORK/syslog" > "$WORK/syslogd.out" 2>&1 {NEVER}<&- &
STARTED+=($!)
await "syslogd" [ -S /dev/log ]

in_syslog() { grep -qE -- "swapify-policy\\[$pid\\]: $1" "$WORK/syslog" 2>/dev/null; }

cd "$WORK"
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" -d -p pid
pid=$(cat "$WORK/pid")
STARTED+=("$pid")
expect "the pid file names no daemon" [ "$(cat "/proc/$pid/comm")" = swapify-policy ]
expect "it has a terminal still" [ "$(cut -d' ' -f7 "/proc/$pid/stat")" = 0 ]
expect "it is in a directory" [ "$(readlink "/proc/$pid/cwd")" = / ]
for fd in 0 1 2; do expect "fd $fd is open" [ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ]; done
await "the start in syslog" in_syslog 'started version='
kill -USR1 "$pid"
await "the dump in syslog" in_syslog 'end of dump'
for line in 'state: steady ' 'thresholds: ' 'core: total=' 'swap: total=' 'held: processes=0' 'passed over:'; do
	expect "not in syslog: $line" in_syslog "$line"
done
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" -d -p "$WORK/second"
printed 'another swapify-policy runs'
expect "a pid file of nobody" [ ! -e "$WORK/second" ]
kill -TERM "$pid"
await "its end" gone "$pid"
await "the end in syslog" in_syslog 'stopped'
expect "the pid file is still there" [ ! -e "$WORK/pid" ]

# Started without any standard file: its own don't take their places.
"$BUILD/swapify-policy" "${OPTIONS[@]}" -d -p "$WORK/bare" {NEVER}<&- <&- >&- 2>&-
pid=$(cat "$WORK/bare")
STARTED+=("$pid")
for fd in 0 1 2; do expect "fd $fd is open" [ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ]; done
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}"
printed 'another swapify-policy runs'
kill -USR1 "$pid"
await "its dump in syslog" in_syslog 'end of dump'
kill -TERM "$pid"
await "its end" gone "$pid"

# A start that fails is told to whoever started it.
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" -d -p "$WORK/nowhere/pid"
printed "cannot write the pid file $WORK/nowhere/pid"
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" -d --daemon.lockfile=/proc/nowhere/lock
printed 'cannot take the lock /proc/nowhere/lock'
expect_status 2 "$BUILD/swapify-policy" "${OPTIONS[@]}" -d --memory.freetarget=5
umount -l /dev "$WORK/dev"
