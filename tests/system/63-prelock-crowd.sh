#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Many: processes that come and go while they are looked at, and 3,000 files.
# shellcheck source=tests/system/prelock-lib.sh
. "$(dirname "$0")/prelock-lib.sh"

FILES=3000
anonymous_kib() { awk '/^RssAnon:/ { print $2 }' "/proc/$DAEMON/status"; }

library lib.so
start_daemon "${PRELOCK[@]}"
scans 2
before=$(anonymous_kib)

# Vanishing all the time: each is critical, runs a moment, and is gone.
program=$LIB/${OWN}short
cp "$WORK/bin/caller" "$program"
stop=$WORK/stop
vanish() {
	exec {NEVER}<&-
	while [ ! -e "$stop" ]; do
		for _ in 1 2 3 4; do "$program" --resident "$LIB/lib.so" > /dev/null & done
		wait
	done
}
vanish &
churn=$!
STARTED+=("$churn")
await "one of them to be met" is_locked "${program##*/}"
scans 15
: > "$stop"
wait "$churn"
await "their program to be let go" is_let_go "${program##*/}"
! said 'warning|error' || fail "something was said of it: $(grep -E 'warning|error' "$LOG")"
expect "the daemon is gone" [ -d "/proc/$DAEMON" ]

# 3,000 files, each of a page, beside them one that is left out
mkdir "$LIB/many"
for ((i = 0; i < FILES; i++)); do echo "$i" > "$LIB/many/$i"; done
AS=0 start_ours many caller --map "$LIB/many" $FILES
await_dump "prelock: files=$FILES bytes=11\.7MiB"
expect "not $FILES files are mapped" [ "$(grep -cF " $LIB/many/" "/proc/$DAEMON/maps")" = $FILES ]
scans 2
grown=$(($(anonymous_kib) - before))
echo "$grown KiB for $FILES files, $((grown * 1024 / FILES)) bytes for each"
expect "the daemon has grown by $grown KiB" [ $((grown * 1024 / FILES)) -le 300 ]
# it doesn't grow any further
scans 10
expect "it grows with each scan" [ $(($(anonymous_kib) - before)) -le $((grown + 16)) ]

# some are replaced, some deleted
for ((i = 0; i < 100; i++)); do
	echo new > "$LIB/next"
	mv "$LIB/next" "$LIB/many/$i"
	rm "$LIB/many/$((i + 1000))"
done
await_dump "prelock: files=$((FILES - 200)) .*left out replaced=200"
# and all go when their owner does
end_ours many
none() { ! grep -qF " $LIB/many/" "/proc/$DAEMON/maps"; }
await "all of them to be let go" none
stop_daemon
