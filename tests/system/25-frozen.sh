#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs with a shim are the daemon's first choice: it has them swapped to their own images where
# there is no swap at all, verifies it, brings them back when there is plenty, notices what others
# do, and thaws what it froze before it leaves.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

script_memory 50
empty_sockets
for uid in "$OURS" "$SPARED"; do
	install -d -m 700 -o "$uid" "/run/swapify/$uid" "$WORK/images-$uid"
done
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"

start_attached first 64
start_attached second 48
start_holder plain 32
AS=$SPARED start_attached spared 32
start_daemon --madvise.enabled=no "--protect.uids=0 $SPARED" --swapify.enabled=yes
await_dump "attached: programs=3 .*pid=${PID[first]} uid=$OURS state=running"
remember first second plain spared

# -- hungry: out they go, to images, and without any swap ------------------------------------------
memory 5
await "first to be frozen" is_frozen first
await "second to be frozen" is_frozen second
await_said "swapped pid=${PID[first]} name=${OWN}first bytes=6[0-9.]+MiB .*backend=swapify"
for name in first second; do
	image=$WORK/images-$OURS/${PID[$name]}.swap
	expect "no image of $name" [ -s "$image" ]
	expect "image of $name is readable by others" [ "$(stat -c %a:%u "$image")" = "600:$OURS" ]
done
untouched plain spared
await_dump "held: processes=2 bytes=11[0-9.]+MiB"
expect_dump "held: pid=${PID[first]} name=${OWN}first bytes=6[0-9.]+MiB since=[^ ]+ backend=swapify"
expect_dump "attached: pid=${PID[second]} uid=$OURS state=swapped held=4[0-9.]+MiB since=[^ ]+ by=us"

# -- plenty: back, one per cooldown, with every byte ------------------------------------------------
memory 90
await "first to run" runs first
await "second to run" runs second
await_said "unswapped pid=${PID[first]} .* backend=swapify"
await_said "unswapped pid=${PID[second]} .* backend=swapify"
verify first second
expect "an image is left" [ -z "$(ls "$WORK/images-$OURS")" ]
await_dump 'held: processes=0'

# -- by somebody else's hand: noticed, counted, and brought back by nobody but when there's plenty --
memory 50
tell second 1
expect "it can't be swapped by hand" [ "$REPLY" = 0 ]
await_dump "attached: pid=${PID[second]} uid=$OURS state=swapped held=4[0-9.]+MiB since=[0-9a-z]+
"
expect_dump 'swapped_by_others=1 unswapped_by_others=0'
expect_dump 'held: processes=1'
tell second 2
await_dump "attached: pid=${PID[second]} uid=$OURS state=running"
expect_dump 'swapped_by_others=1 unswapped_by_others=1'
verify second

# -- another daemon finds what an earlier one has left ----------------------------------------------
kill -KILL "$DAEMON"
wait "$DAEMON" || :
tell first 1
# --once waits for it to tell
expect_status 0 "$BUILD/swapify-policy" --once "${OPTIONS[@]}" "--protect.uids=0 $SPARED"
printed " ${PID[first]} ${OWN}first .* frozen\$"
printed '^ +1 +frozen '
start_daemon --madvise.enabled=no "--protect.uids=0 $SPARED" --swapify.enabled=yes
await_dump 'held: processes=1 bytes=6[0-9.]+MiB'
expect_dump "held: pid=${PID[first]} .*backend=swapify"
expect_dump 'passed over:.* frozen=1'
expect_dump 'swapped_by_others=1 unswapped_by_others=0'
# ... and brings back at its end what an earlier one has swapped, but nothing of others
memory 5
await "second to be frozen by a daemon" is_frozen second
kill -KILL "$DAEMON"
wait "$DAEMON" || :
memory 50
start_daemon --madvise.enabled=no "--protect.uids=0 $SPARED" --swapify.enabled=yes
await_dump "attached: pid=${PID[second]} uid=$OURS state=swapped held=4[0-9.]+MiB since=[^ ]+ by=us"
await_dump 'held: processes=2'
expect_dump 'swapped_by_others=1 unswapped_by_others=0'
stop_daemon
await "what an earlier daemon has swapped to run" runs second
is_frozen first || fail "what others have swapped was brought back"
verify second
start_daemon --madvise.enabled=no "--protect.uids=0 $SPARED" --swapify.enabled=yes
await_dump 'held: processes=1 '
tell first 2

# -- a helper that was killed: the daemon gives the program another one ------------------------------
tell first 1
helper=$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[first]}/status")
kill -KILL "$helper"
await_said "swapped without a helper, which was killed: it has another one now pid=${PID[first]}\$"
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped"
is_frozen first
tell first 2
expect "it can't be unswapped" [ "$REPLY" = 0 ]
verify first

# -- a full image directory: diet, and the program runs on ------------------------------------------
truncate -s 24M "$WORK/small.ext4"
mkfs.ext4 -q -F "$WORK/small.ext4"
mount -o loop "$WORK/small.ext4" "$WORK/images-$OURS"
cleanup "umount $WORK/images-$OURS"
chown "$OURS" "$WORK/images-$OURS"
chmod 700 "$WORK/images-$OURS"
await_dump "attached: pid=${PID[first]} uid=$OURS state=running"
skip_log
memory 5
await_log 'cannot swap: .*: the disk is full pid='
await_log '-> diet: a limit was met'
await "first to run on" runs first
await "second to run on" runs second
verify first second
memory 50
umount "$WORK/images-$OURS"
CLEANUP=("${CLEANUP[@]/umount $WORK\/images-$OURS/:}")

# -- the end: what we froze is thawed ----------------------------------------------------------------
await_dump 'state: steady'
memory 5
await "first to be frozen again" is_frozen first
await "second to be frozen again" is_frozen second
memory 50
stop_daemon
await "first to run at the end" runs first
await "second to run at the end" runs second
verify first second
expect "an image is left at the end" [ -z "$(ls "$WORK/images-$OURS")" ]

# ... unless it's to stay, or doesn't fit
start_daemon --madvise.enabled=no "--protect.uids=0 $SPARED" --daemon.on_exit=leave
await_dump "attached: pid=${PID[first]} uid=$OURS state=running"
memory 5
await "first to be frozen a third time" is_frozen first
stop_daemon
expect "it was thawed" is_frozen first

# -- one daemon after the other ------------------------------------------------------------------------
# What one has left is the next one's: in good order, by a restart, after a crash
ours="attached: pid=${PID[first]} uid=$OURS state=swapped held=6[0-9.]+MiB since=[^ ]+ by=us"
again=(--madvise.enabled=no "--protect.uids=0 $SPARED")
start_daemon "${again[@]}"
await_dump "$ours"
expect_dump 'swapped_by_others=0'
leave_daemon
expect "it was thawed by a restart" is_frozen first
start_daemon "${again[@]}"
await_dump "$ours"
memory 5
await "second to be frozen, too" is_frozen second
memory 50
kill -KILL "$DAEMON"
wait "$DAEMON" || :
start_daemon "${again[@]}"
await_dump "$ours"
await_dump "attached: pid=${PID[second]} uid=$OURS state=swapped .*by=us"
tell second 2
expect "it can't be unswapped" [ "$REPLY" = 0 ]
await_dump "attached: pid=${PID[second]} uid=$OURS state=running"
tell second 1
await_dump "attached: pid=${PID[second]} uid=$OURS state=swapped held=[^ ]+ since=[^ ]+
"
# told to end before it has looked at anybody
leave_daemon
"$BUILD/swapify-policy" "${OPTIONS[@]}" "${again[@]}" 2>> "$LOG" &
DAEMON=$!
await_log 'started version='
stop_daemon
await "its own to be thawed" runs first
expect "another one's was" is_frozen second
# or when it has only heard of somebody who has shrunk to nothing meanwhile
start_daemon "${again[@]}"
memory 5
await "first to be frozen" is_frozen first
memory 50
leave_daemon
helper=$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[first]}/status")
kill -STOP "$helper"
start_daemon "${again[@]}" --idle.scan_interval=1h --idle.scan_interval_near=1h
dump
kill -CONT "$helper"
for _ in {1..10}; do breathe; done # until it has answered, which nothing tells
stop_daemon
await "its own to be thawed" runs first
tell second 2
verify first second

# Without a daemon, and whatever on_exit says
start_daemon "${again[@]}" --daemon.on_exit=leave
memory 5
await "first to be frozen" is_frozen first
await "second to be frozen" is_frozen second
memory 50
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
stop_daemon
is_frozen first
is_frozen second
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --daemon.on_exit=leave --thaw
await "first to be thawed" runs first
await "second to be thawed" runs second
verify first second
expect "something is left to thaw" [ "$(cat "$WORK/lock.held")" = 'swapify-policy held 1' ]
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
# where there is no room it says so
start_daemon "${again[@]}" --daemon.on_exit=leave
memory 5
await "first to be frozen" is_frozen first
stop_daemon
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
memory 50
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
await "first to be thawed again" runs first
