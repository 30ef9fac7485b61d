#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon is killed while it makes, activates or retires an area: what is left is understood by the
# next one, adopted or removed. Likewise where its mount namespace has gone with it.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"
# shellcheck source=tests/system/swapspace.sh
. "$(dirname "$0")/swapspace.sh"

command -v strace > /dev/null || skip "no strace, which holds the children up"

# slow_daemon CALL: children wait before that system call, and say that they came to it. (A
# trace that begins with the daemon, since a child's is over soon.)
slow_daemon() {
	: > "$WORK/trace"
	strace -f -qq -o "$WORK/trace" -e "trace=$1" -e "inject=$1:delay_enter=3600s" \
		"$BUILD/swapify-policy" "${OPTIONS[@]}" 2>> "$LOG" {NEVER}<&- {SWAPS}<&- &
	TRACER=$!
	STARTED+=("$TRACER")
	await_log 'started version='
	DAEMON=$(cat "$WORK/lock")
	STARTED+=("$DAEMON")
}

# Whoever has the name of such a child
child_named() {
	CHILD=$(pgrep -x "$1" --parent "$DAEMON") && [ -n "$CHILD" ]
}

in_call() { # where its tracer holds it
	grep -q "^$CHILD *$1(" "$WORK/trace"
}

kill_all() {
	kill -KILL "$DAEMON"
	await "the daemon to end" gone "$DAEMON"
	[ -z "${TRACER:-}" ] || end_process "$TRACER"
	TRACER='' DAEMON=
	skip_log
}

# What was added counts for a cooldown: for all of the test, where it doesn't wait for one.
LASTING=--swapspace.cooldown=1h

script_memory 25
for call in fallocate fsync linkat swapon; do
	machine 25 1000 0
	slow_daemon $call
	await_log 'swapspace steady -> hungry'
	await "a child that makes an area" child_named swapify-make
	making=$CHILD
	await "it to come to $call" in_call $call
	kill_all
	# it goes with the daemon
	await "the child to end" gone "$making"
	expect "$call: an area is active" [ -z "$(own_areas)" ]
	# only a finished file has a name
	if [ $call = swapon ]; then
		space_holds swap-1
		removed=1
	else
		space_holds '*'
		removed=0
	fi
	machine 25 1000 500
	start_daemon
	await_log "swap areas: path=$SPACE .* areas=0 .* removed=$removed"
	space_holds '*'
	stop_daemon
	skip_log
done

# Killed with an area in use: it is adopted, and counts as its own.
machine 25 1000 0
start_daemon $LASTING
await_log 'swap area added .* areas=1 '
kill_all
expect "the area has gone" is_active "$SPACE/swap-1"
machine 25 1500 500
start_daemon
await_log "swap areas: path=$SPACE .* areas=1 bytes=500MiB used=[^ ]* removed=0"
stop_daemon
skip_log

# Killed before swapoff, in the child's hands: the child goes on, or is killed, too.
for kills in daemon both; do
	machine 80 1500 1500
	slow_daemon swapoff
	await_log 'retiring a swap area file='
	await "a child that retires it" child_named swapify-retire
	retiring=$CHILD
	STARTED+=("$retiring")
	await "it to come to swapoff" in_call swapoff
	[ $kills = daemon ] || kill -KILL "$retiring"
	kill -KILL "$DAEMON"
	await "the daemon to end" gone "$DAEMON"
	end_process "$TRACER" # lets the child go
	TRACER='' DAEMON=
	skip_log
	await "the child to end" gone "$retiring"
	# (a tracer's end may interrupt swapoff, if anything is in the area: then it is as if killed)
	if [ $kills = both ] || is_active "$SPACE/swap-1"; then
		expect "the area has gone" is_active "$SPACE/swap-1"
		machine 25 1500 500
		start_daemon
		await_log 'swap areas: .* areas=1 .* removed=0'
	else
		expect "the area is still there" is_off "$SPACE/swap-1"
		space_holds '*'
		machine 25 1000 500
		start_daemon $LASTING
		await_log 'swap areas: .* areas=0 .* removed=0'
		machine 25 1000 0
		await_log 'swap area added .* areas=1 '
	fi
	stop_daemon
	skip_log
done

# Between swapoff and the removal
machine 80 1500 1500
slow_daemon unlinkat
await_log 'retiring a swap area file='
await "a child that retires it" child_named swapify-retire
retiring=$CHILD
STARTED+=("$retiring")
await "swapoff" is_off "$SPACE/swap-1"
kill -KILL "$retiring"
kill_all
space_holds swap-1
machine 25 1000 500
start_daemon
await_log 'swap areas: .* areas=0 .* removed=1'
space_holds '*'
stop_daemon
skip_log

# What a file system without nameless files could leave: reserved, without a header; a stump. And what
# isn't ours.
fallocate -l 4M "$SPACE/swap-1"
: > "$SPACE/swap-2"
fallocate -l 4M "$SPACE/swap-3"
mkswap -q -L other "$SPACE/swap-3" 2>/dev/null
head -c 8192 /dev/urandom > "$SPACE/swap-4"
fallocate -l 4M "$SPACE/swap-05"
ln -s swap-3 "$SPACE/swap-6"
mkdir "$SPACE/swap-7"
fallocate -l 4M "$SPACE/swap-8"
chown $OURS "$SPACE/swap-8"
echo 'a line' > "$SPACE/swap-9"
{ head -c 1M /dev/zero && echo 'a file system may begin like this'; } > "$SPACE/swap-10"
head -c 1M /dev/zero > "$SPACE/swap-11"
chmod 600 "$SPACE"/swap-[1-4] "$SPACE"/swap-9 "$SPACE"/swap-1[01]
start_daemon
await_log 'swap areas: .* areas=0 .* removed=3'
space_holds 'swap-05 swap-10 swap-3 swap-4 swap-6 swap-7 swap-8 swap-9'
stop_daemon
skip_log
rm -r "${SPACE:?}"/*

# The mount namespace in which it was added is gone, as after a unit's restart: the kernel calls it by
# a path that leads nowhere. It is found all the same, and can be retired.
machine 25 1000 0
cat > "$WORK/inside.sh" <<'END'
mount --bind "$1" "$1" && shift && exec "$@"
END
unshare --mount bash "$WORK/inside.sh" "$SPACE" "$BUILD/swapify-policy" "${OPTIONS[@]}" $LASTING 2>> "$LOG" {NEVER}<&- {SWAPS}<&- &
DAEMON=$!
STARTED+=("$DAEMON")
await_log 'swap area added .* areas=1 '
kill_all
lost() { grep -q '^/swap-1 ' "/proc/self/fd/$SWAPS"; }
await "its path to be lost" lost
# Of two paths that end so nobody knows which is which: it may be full, and stays where that matters.
cat > "$WORK/other.sh" <<'END'
mount --bind "$1" "$1" && swapon "$1/swap-1"
END
mkdir -m 700 "$WORK/mnt-other" "$WORK/mnt-other/space"
fallocate -l 8M "$WORK/mnt-other/space/swap-1"
chmod 600 "$WORK/mnt-other/space/swap-1"
mkswap -q "$WORK/mnt-other/space/swap-1"
unshare --mount bash "$WORK/other.sh" "$WORK/mnt-other/space"
both_lost() { [ "$(grep -c '^/swap-1 ' "/proc/self/fd/$SWAPS")" = 2 ]; }
await "the other's path to be lost" both_lost
machine 25 1500 500
start_daemon
await_log 'swap areas: .* areas=1 bytes=500MiB used=500MiB removed=0'
stop_daemon
skip_log
swapoff "$WORK/mnt-other/space/swap-1"
machine 25 1500 500
start_daemon
await_log 'swap areas: .* areas=1 bytes=500MiB used=0B removed=0'
machine 80 1500 1500
await_log "swap area retired file=$SPACE/swap-1"
! lost || fail "it is active still"
space_holds '*'
stop_daemon
skip_log

# Somebody else switches one off: its file goes, and it isn't asked for again.
machine 25 1000 0
start_daemon $LASTING
await_log 'swap area added .* areas=1 '
machine 25 1500 500
ticks 2
skip_log
swapoff "$SPACE/swap-1"
machine 25 1000 500
await_log 'swap areas: .* areas=0 .* removed=1'
space_holds '*'
stop_daemon
