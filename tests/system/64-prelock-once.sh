#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What would be locked, told without locking: --prelock-once, --once, -n; as root and as nobody.
# shellcheck source=tests/system/prelock-lib.sh
. "$(dirname "$0")/prelock-lib.sh"

library one.so
library two.so
start_caller one one.so
start_caller two one.so
start_caller three two.so
call one 0 400
once=("$BUILD/swapify-policy" -c /dev/null "--prelock.paths=$LIB" "--prelock.names=${OWN}one ${OWN}two")

# off as it is, and all the same it tells; nothing is read for it
resident "$LIB/one.so"
before=$PAGES
expect_status 0 "${once[@]}" --prelock-once -v
printed '^What \[prelock\] would lock, if it were enabled:$'
printed '^Limits: 50\.0MiB of one file, 250MiB in all \(max_total\); mode resident\.$'
printed "^ +[0-9.]+MiB +16\.[0-9]MiB +2  locked +$LIB/one\.so$"
printed '^Total: [0-9.]+MiB of 16\.[0-9]MiB that are mapped, in 1 files, for 2 critical processes of [0-9]+\.$'
printed '^Looking took [0-9a-z]+, [0-9]+us of a CPU\.$'
expect "it tells of others: $(cat "$WORK/out")" [ "$(grep -c '\.so' "$WORK/out")" = 1 ]
bytes=$(awk '/one\.so/ { print $1 }' "$WORK/out")
resident "$LIB/one.so"
expect "it was read: $PAGES, not $before pages" [ "$PAGES" = "$before" ]
expect_status 0 "${once[@]}" --prelock-once -v --prelock.enabled=yes --prelock.mode=whole --prelock.max_file=1M
printed '^What \[prelock\] would lock:$'
printed "^ +16\.[0-9]MiB +16\.[0-9]MiB +2  max_file +$LIB/one\.so$"
printed '^ +1  max_file +more of it would be locked than max_file$'
expect_status 0 "${once[@]}" --prelock-once "--prelock.names=$OWN*" "--prelock.paths=/ $LIB"
expect "not sixteen files at most" [ "$(grep -cE '^ +[0-9.]+[KM]?i?B ' "$WORK/out")" -le 16 ]
# by control group: a pattern or a regular expression
group=$(sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' "/proc/${PID[one]}/cgroup" | awk 'length > 1' | head -n 1)
if [ -n "$group" ]; then
	expect_status 0 "${once[@]}" --prelock-once -v --prelock.names= "--prelock.cgroups=^/.*${group: -3}\$"
	printed "locked +$LIB/two\.so$"
fi

# part of --once where it is enabled, and only there
expect_status 0 "${once[@]}" --once -n --daemon.interval=10ms
! grep prelock "$WORK/out" || fail "it tells of what is off"
expect_status 0 "${once[@]}" --once -n --daemon.interval=10ms --prelock.enabled=yes
printed "^ +$bytes +16\.[0-9]MiB +2  locked +$LIB/one\.so$"

# nobody sees his own processes only
AS=$OURS start_ours mine caller "$LIB/one.so"
expect_status 0 setpriv --reuid "$OURS" --regid "$OURS" --clear-groups "${once[@]}" --prelock-once -v \
	"--prelock.names=$OWN*"
printed "^ +16\.[0-9]MiB +16\.[0-9]MiB +1  locked +$LIB/one\.so$"
printed '^The maps of 3 critical processes can.t be read: run as root\.$'
end_ours mine

# -n says what it would do, time and again
start_daemon "${PRELOCK[@]}" "--prelock.names=${OWN}one ${OWN}two" -n
await_log "would be locked files=1 bytes=$bytes mapped=16\.[0-9]MiB critical=2 "
scans 2
expect "something is mapped" is_let_go one.so
await_dump "prelock: sharers=2 bytes=$bytes mapped=16.[0-9]MiB since=- file=$LIB/one.so"
expect_dump 'need: [^ ]+ in_flight=0B prelocked=0B'
stop_daemon

# mistakes
expect_status 2 "${once[@]}" --prelock-once --prelock.cgroups='^('
expect_status 2 "${once[@]}" --prelock-once --prelock.mode=half
expect_status 2 "${once[@]}" --prelock-once -d
printed "-d doesn't go with an option that exits"
