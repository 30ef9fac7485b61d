#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A program with a large library of its own: what it uses of it is locked, and stays while the page
# cache is dropped and squeezed; its neighbour's is gone.
# shellcheck source=tests/system/prelock-lib.sh
. "$(dirname "$0")/prelock-lib.sh"

has_memory_group=yes
make_memory_group || has_memory_group=no
library kept.so
library gone.so
for name in kept gone; do
	start_caller $name $name.so ${GROUP:+"$GROUP/cgroup.procs"}
	call $name 0 400
done
resident "$LIB/kept.so"
before=$PAGES
expect "$before of $ALL pages of the library are in use" [ $((before * 10)) -ge "$ALL" ]
expect "$before of $ALL pages of the library are in use" [ $((before * 2)) -lt "$ALL" ]

start_daemon "${PRELOCK[@]}" "--prelock.names=${OWN}kept"
await_log 'locked files=1 bytes=[0-9.]+MiB mapped=16\.[0-9]MiB critical=1 '
expect "the neighbour's is mapped" is_let_go gone.so
expect "the library isn't" is_locked kept.so
# locked is what was in use, not all of it, and nothing was read for it
resident "$LIB/kept.so"
expect "$PAGES pages are in memory after it was locked, $before before" [ "$PAGES" = "$before" ]
dump
value 'prelock: sharers=1 bytes=([0-9.]+)MiB mapped=16\.[0-9]MiB since=[0-9a-z]+ file='
expect_dump "file=$LIB/kept.so"
expect_dump 'prelock: files=1 bytes=[0-9.]+MiB mapped=16.[0-9]MiB room=250MiB limit=max_total critical=1 scanned=[0-9a-z]+ took=[0-9a-z]+ cpu=[0-9]+us'
# need and its own memory tell of it
expect_dump "need: [^ ]+ in_flight=0B prelocked=${VALUE}MiB"
expect_dump "daemon: resident=[0-9.]+MiB prelocked=${VALUE}MiB own=[0-9.]+MiB"
[[ $DUMP =~ own=([0-9])\.[0-9]MiB ]] || fail "its own memory isn't some MiB: $DUMP"
expect "its own memory is ${BASH_REMATCH[1]} MiB and more" [ "${BASH_REMATCH[1]}" -le 3 ]
# (Locked in smaps is the share of each page)
locked_kib=$(awk '/^Rss:/ { kib = $2 } /^VmFlags:.* lo / { print kib + 0; exit }' \
	<(grep -A 25 -F " $LIB/kept.so" "/proc/$DAEMON/smaps"))
expect "$locked_kib KiB are locked, of $((before * 4))" [ "$locked_kib" -ge $((before * 4 - 256)) ]

# Dropped: both give their code up, and the kernel drops what nobody has mapped.
for name in kept gone; do
	ask $name drop
	forget "$LIB/$name.so"
done
resident "$LIB/kept.so"
expect "$PAGES pages of $before are left of the locked one" [ "$PAGES" -ge $((before * 95 / 100)) ]
resident "$LIB/gone.so"
expect "$PAGES pages of $before are left of the neighbour's" [ "$PAGES" -le $((before / 4)) ]
call kept 0 400
expect "$FAULTS times it waited for the disk, in $US us" [ "$FAULTS" = 0 ]
kept_us=$US
call gone 0 400
expect "the neighbour didn't wait for the disk" [ "$FAULTS" -gt 0 ]
echo "400 calls: $kept_us us with, $US us without"

# Squeezed: the kernel takes what is mapped as well.
is_squeezed() {
	squeeze
	resident "$LIB/gone.so"
	[ "$PAGES" -le $((before / 4)) ]
}
if [ $has_memory_group = yes ]; then
	for name in kept gone; do
		call $name 0 400
		expect "it isn't there" [ "$(wc -l < "$GROUP/cgroup.procs")" = 2 ]
	done
	await "the neighbour's library to be squeezed out" is_squeezed
	resident "$LIB/kept.so"
	expect "$PAGES pages of $before are left of the locked one" [ "$PAGES" -ge $((before * 95 / 100)) ]
	# the program itself isn't locked here: it reads itself in again
	call kept 0 1
	call kept 0 400
	expect "$FAULTS times it waited for the disk" [ "$FAULTS" = 0 ]
	call gone 0 400
	expect "the neighbour didn't wait for the disk" [ "$FAULTS" -gt 0 ]
else
	echo "no control group for memory here: not squeezed"
fi

# What is used later is locked by the next scan.
call kept 2000 300
resident "$LIB/kept.so"
now=$PAGES
follows() {
	dump_says "prelocked=([0-9]+)(\.[0-9])?MiB" && [ "${BASH_REMATCH[1]}" -ge $((now * 4 / 1024 - 1)) ]
}
expect "nothing was read" [ "$now" -gt $((before + 200)) ]
await "more of it to be locked" follows
scans 1 # it tells whole MiB: now all of it is
ask kept drop
forget "$LIB/kept.so"
call kept 2000 300
expect "$FAULTS times it waited for the disk" [ "$FAULTS" = 0 ]

# Its owner ends: let go after three scans.
end_ours kept
await "the library to be let go" is_let_go kept.so
dump
expect_dump 'prelocked=0B'
forget "$LIB/kept.so"
resident "$LIB/kept.so"
expect "$PAGES pages of it are in memory still" [ "$PAGES" -lt 64 ]
stop_daemon
