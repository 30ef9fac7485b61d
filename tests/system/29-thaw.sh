#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The way out, and --thaw, bring back all that was frozen: more programs than fit into one plan, and
# those whose helper was killed. Of those that stay it says so.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly SECOND=61236 EACH_USER=35
script_memory 50
empty_sockets
for uid in "$OURS" "$SECOND"; do
	install -d -m 700 -o "$uid" "/run/swapify/$uid" "$WORK/images-$uid"
done
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"
readonly HERE=(--madvise.enabled=no "--protect.uids=0 $SPARED" --idle.min_rss=4M)

# all_are runs|is_frozen NAME...
all_are() {
	local what=$1 name
	shift
	for name; do "$what" "$name" || return 1; done
}

# freeze NAME...: by the daemon that runs
freeze() {
	memory 5
	await "$* to be frozen" all_are is_frozen "$@"
	memory 50
}

# -- more than one plan holds, and than one user may have -------------------------------------------
many=()
for ((i = 0; i < EACH_USER; i++)); do
	start_attached "a$i" 5
	AS=$SECOND start_attached "b$i" 5
	many+=("a$i" "b$i")
done
start_daemon "${HERE[@]}"
freeze "${many[@]}"
stop_daemon
await "all to run" all_are runs "${many[@]}"
start_daemon "${HERE[@]}" --daemon.on_exit=leave
freeze "${many[@]}"
stop_daemon
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
await "all to be thawed" all_are runs "${many[@]}"
verify "${many[@]}"
end_ours "${many[@]}"

# -- a helper that was killed: another one brings the program back ----------------------------------
# kill_helper NAME: of one that is frozen
kill_helper() {
	local helper
	helper=$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[$1]}/status")
	kill -KILL "$helper"
	await "the helper of $1 to be gone" is_state "${PID[$1]}" T
}
start_attached first 32
start_attached second 24
# ... that daemon sees it at its next look, which is far off
start_daemon "${HERE[@]}"
freeze first second
leave_daemon
start_daemon "${HERE[@]}" --idle.scan_interval=1h --idle.scan_interval_near=1h
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped .* by=us"
await_dump "attached: pid=${PID[second]} uid=$OURS state=swapped .* by=us"
skip_log
kill_helper first
kill_helper second
stop_daemon
await "first to run" runs first
await "second to run" runs second
expect_times 1 "it has another one now pid=${PID[first]}\$"
expect_times 1 "it has another one now pid=${PID[second]}\$"
# ... and without a daemon
start_daemon "${HERE[@]}"
freeze first second
leave_daemon
kill_helper first
kill_helper second
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
printed "it has another one now pid=${PID[first]}\$"
printed "it has another one now pid=${PID[second]}\$"
await "first to be thawed" runs first
await "second to be thawed" runs second
verify first second
# two helpers would both have their hands in it
tell first 1
expect "it can't be swapped" [ "$REPLY" = 0 ]
tell first 2
expect "it can't be unswapped" [ "$REPLY" = 0 ]
verify first

# -- of those that stay it says so ------------------------------------------------------------------
start_daemon "${HERE[@]}"
freeze first
: > "$FACTS"
await_log 'cannot read /proc/meminfo'
stop_daemon
await_said "stays swapped: pid=${PID[first]} name=${OWN}first; swap -a unswap brings it back\$"
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
printed 'cannot read /proc/meminfo: .*; nobody is brought back$'
printed "stays swapped: pid=${PID[first]} name=${OWN}first;"
memory 50
helper=$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[first]}/status")
kill -STOP "$helper"
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
printed "stays swapped, it doesn't answer: pid=${PID[first]} name=${OWN}first;"
is_frozen first
kill -CONT "$helper"
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
await "first to be thawed at last" runs first
verify first

# -- silent until just now: it is asked once more ---------------------------------------------------
start_daemon "${HERE[@]}"
freeze first
leave_daemon
helper=$(sed -n 's/^TracerPid:\t//p' "/proc/${PID[first]}/status")
kill -STOP "$helper"
start_daemon "${HERE[@]}" --idle.scan_interval=1h --idle.scan_interval_near=1h
await_dump "attached: pid=${PID[first]} uid=$OURS state=unknown .* silent=yes"
kill -CONT "$helper"
stop_daemon
await "first to run once it answers" runs first
verify first
