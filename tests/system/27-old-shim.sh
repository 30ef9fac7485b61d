#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs whose shim is the original's, which knows three commands, answers with one byte, and
# unmaps what it has written: the daemon swaps them and brings them back all the same, and what they
# hold is what was seen to move.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2034 # lib.sh reads it
TOTAL_MIB=100 # so that memory 5 wants 25 MiB, less than one of them has
script_memory 50
empty_sockets
readonly IMAGES=$WORK/images
install -d -m 700 -o "$OURS" "$SOCKETS" "$IMAGES"

# start_old NAME MODE MIB
start_old() {
	start_ours "$1" oldshim "$2" "$SOCKETS" "$IMAGES/$1" "$3"
}

# What a status question gets is one byte, and the daemon takes it for what it is.
start_old closing close 48
start_old keeping open 40
tell closing 3
expect "an old one knows status" [ "$REPLY" = 1 ]
start_daemon --madvise.enabled=no --memory.cooldown=1s --memory.cooldown_max=1s
for name in closing keeping; do
	await_dump "attached: pid=${PID[$name]} uid=$OURS state=running held=0[^ ]* since=[^ ]+
"
done
remember closing keeping

# -- out: all of it goes, whatever was wanted, and that is what is held -------------------------------
memory 5
await "closing to be frozen" is_frozen closing
await_said "swapped pid=${PID[closing]} name=${OWN}closing bytes=4[78][0-9.]*MiB .*backend=swapify"
await_dump "attached: pid=${PID[closing]} uid=$OURS state=swapped held=4[78][0-9.]*MiB since=[^ ]+ by=us"
expect_dump "held: pid=${PID[closing]} name=${OWN}closing bytes=4[78]"

# the one that keeps its connection open, too
await "keeping to be frozen" is_frozen keeping
await_said "swapped pid=${PID[keeping]} name=${OWN}keeping bytes=(39|40)[0-9.]*MiB .*backend=swapify"
await_dump "held: processes=2 bytes=8[78][0-9.]*MiB"
expect_dump "attached: pid=${PID[keeping]} uid=$OURS state=swapped held=(39|40)[0-9.]*MiB since=[^ ]+ by=us"

# -- another daemon has nobody to ask: it goes by what the first has left -------------------------------
memory 50
leave_daemon
start_daemon --madvise.enabled=no --memory.cooldown=1s --memory.cooldown_max=1s
await_dump "held: processes=2 bytes=8[78][0-9.]*MiB"
for name in closing keeping; do
	expect_dump "attached: pid=${PID[$name]} uid=$OURS state=swapped held=[34][0-9.]+MiB since=[^ ]+ by=us"
done

# -- back: when there is room for all of it -----------------------------------------------------------
memory 90
await "closing to run" runs closing
await "keeping to run" runs keeping
await_said "unswapped pid=${PID[closing]} .*backend=swapify"
await_said "unswapped pid=${PID[keeping]} .*backend=swapify"
verify closing keeping
expect "an image is left" [ -z "$(ls "$IMAGES")" ]
await_dump 'held: processes=0'

# -- somebody else brings it back: an old one can't tell, but it can be seen --------------------------
memory 5
await "closing to be frozen again" is_frozen closing
memory 50
await_dump "attached: pid=${PID[closing]} uid=$OURS state=swapped"
await_dump "in_flight=0"
tell closing 2
expect "it can't be unswapped by hand" [ "$REPLY" = 0 ]
await_dump "attached: pid=${PID[closing]} uid=$OURS state=running"

# -- the end: what we froze is thawed ------------------------------------------------------------------
if is_frozen keeping; then tell keeping 2; fi
memory 5
await "keeping to be frozen again" is_frozen keeping
await "closing to be frozen a third time" is_frozen closing
memory 99
stop_daemon
await "closing to run at the end" runs closing
await "keeping to run at the end" runs keeping
verify closing keeping
