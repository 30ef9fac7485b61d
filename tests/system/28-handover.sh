#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What is frozen isn't forgotten, whatever comes between: a stranger's crowd of directories before
# the next daemon starts, a socket that can't be found, a configuration that swaps nobody any more.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

script_memory 50
empty_sockets
install -d -m 700 -o "$OURS" "/run/swapify/$OURS" "$WORK/images-$OURS"
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"
readonly AWAY=/run/swapify/away HERE=(--madvise.enabled=no "--protect.uids=0 $SPARED")

# is_held NAME: it stands in the file for the next daemon
is_held() {
	grep -qE "^frozen ${PID[$1]} [0-9]+ [0-9]+\$" "$WORK/lock.held"
}

# crowd N: so many directories, of as many users, which are found before that of ours
crowd() {
	python3 - "$1" <<- 'END'
		import os, sys
		for uid in range(100000, 100000 + int(sys.argv[1])):
		    os.mkdir(f"/run/swapify/{uid}", 0o700)
		    os.chown(f"/run/swapify/{uid}", uid, uid)
	END
}

start_attached first 32
start_daemon "${HERE[@]}"
memory 5
await "first to be frozen" is_frozen first
memory 50
leave_daemon
is_held first

# -- behind a crowd of others' directories ----------------------------------------------------------
crowd 2200
start_daemon "${HERE[@]}"
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped .* by=us"
expect "it's forgotten" is_held first

# -- its socket is gone, and comes again ------------------------------------------------------------
mv "$SOCKETS" "$AWAY"
ticks 5
expect "it's forgotten without its socket" is_held first
leave_daemon
expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
printed "stays swapped, its socket can't be found: pid=${PID[first]} name=${OWN}first;"
start_daemon "${HERE[@]}"
ticks 5
expect "the next daemon has forgotten it without its socket" is_held first
is_frozen first
mv "$AWAY" "$SOCKETS"
await_dump "attached: pid=${PID[first]} uid=$OURS state=swapped .* by=us"
stop_daemon
await "first to run" runs first
verify first
expect "something is left" [ "$(cat "$WORK/lock.held")" = 'swapify-policy held 1' ]

# -- what has ended, or runs, is nobody's any more --------------------------------------------------
start_attached second 32
start_daemon "${HERE[@]}"
memory 5
await "first to be frozen" is_frozen first
await "second to be frozen" is_frozen second
memory 50
leave_daemon
mv "$SOCKETS" "$AWAY"
SOCKETS=$AWAY tell first 2
end_ours second
start_daemon "${HERE[@]}"
await_said "has ended pid=[0-9]+\$"
await_said "runs again pid=${PID[first]} name=${OWN}first"
stop_daemon
expect "something is left" [ "$(cat "$WORK/lock.held")" = 'swapify-policy held 1' ]
mv "$AWAY" "$SOCKETS"
verify first

# -- switched off: nobody is frozen any more, and who is comes back as before -----------------------
# swapify yes|no: in the configuration
swapify() {
	printf '[swapify]\nenabled = %s\n' "$1" > "$WORK/conf"
}
reload() {
	swapify "$1"
	kill -HUP "$DAEMON"
	await_log 'configuration read again'
}
unattached() {
	dump
	[[ $DUMP != *attached:* ]]
}
start_attached third 32
swapify yes
start_daemon "${HERE[@]}" -c "$WORK/conf"
memory 5
await "first to be frozen" is_frozen first
await "third to be frozen" is_frozen third
memory 50
reload no
expect "it's forgotten" is_held first
expect_times 1 '\[swapify\] is off: '
tell third 2
await_dump "attached: pid=${PID[third]} uid=$OURS state=running"
memory 5
await_dump "next: rank=1 pid=${PID[third]} [^
]* bytes=0B verdict=\"spent\""
ticks 5
runs third
is_frozen first
memory 90
await "first to run" runs first
await_log "unswapped pid=${PID[first]} .* backend=swapify"
await_dump 'held: processes=0'
await "it to be off" unattached
memory 50
reload yes
memory 5
await "first to be frozen again" is_frozen first
await "third to be frozen again" is_frozen third
memory 50
reload no
stop_daemon
await "first to run at the end" runs first
await "third to run at the end" runs third
verify first third
# ... also where it was off from the start
start_daemon "${HERE[@]}"
memory 5
await "first to be frozen for another daemon" is_frozen first
await "third to be frozen for another daemon" is_frozen third
memory 50
leave_daemon
start_daemon "${HERE[@]}" -c "$WORK/conf"
ticks 3
expect "it's forgotten" is_held first
stop_daemon
await "first to run at the end of another" runs first
await "third to run at the end of another" runs third
verify first third

# -- without the file everybody is asked ------------------------------------------------------------
start_daemon "${HERE[@]}"
memory 5
await "first to be frozen for nobody" is_frozen first
await "third to be frozen for nobody" is_frozen third
memory 50
leave_daemon
rm "$WORK/lock.held"
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
await "first to be thawed" runs first
await "third to be thawed" runs third
verify first third
