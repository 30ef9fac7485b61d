#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What can happen to a swapped program and its helper from outside: signals to the one, the end of
# the other at any step, clients that don't behave.
# beside others
# shellcheck source=tests/system/shim-faults.sh
. "$(dirname "$0")/shim-faults.sh"

can_tamper
readonly -a SWAP=(setpriv --reuid "$OURS" --regid "$OURS" --clear-groups "$WORK/bin/swap" -P "$SOCKETS" -S "$IMAGES")

is_running() { runs "$1"; }
await_running() {
	await "$1 to run" is_running "$1"
	verify "$1"
	await_state "$1" running
	expect "an image is left" [ ! -e "$IMAGES/${PID[$1]}.swap" ]
}

# -- signals to the program -----------------------------------------------------------------------

attach a checker -t 4 -m 2
swap_out a
kill -CONT "${PID[a]}"
await_running a
# signals that don't end it wait for it
swap_out a
kill -WINCH "${PID[a]}"
kill -CHLD "${PID[a]}"
kill -URG "${PID[a]}"
kill -STOP "${PID[a]}"
expect_state a swapped
stands a || fail "it is in state $STATE"
bring_back a
swap_out a
kill -STOP "${PID[a]}"
kill -CONT "${PID[a]}"
await_running a
# one that was stopped before stays so
kill -STOP "${PID[a]}"
await "it to stop" stands a
swap_out a
request a unswap
expect "not unswapped: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
await "it to stand still, as before" stands a
swap_out a
kill -CONT "${PID[a]}"
await_running a
for signal in TERM INT HUP QUIT KILL; do
	[ -n "${PID[a]:-}" ] || attach a checker -t 4 -m 2
	swap_out a
	kill -"$signal" "${PID[a]}"
	ended a $((128 + $(kill -l "$signal")))
	expect_nothing
done

attach b awkward handle-term
swap_out b
n=$(wc -l < "$WORK/b.out")
kill -TERM "${PID[b]}"
await "the signal's handler" lines_of "$WORK/b.out" $((n + 1))
expect "it says $(tail -n 1 "$WORK/b.out")" [ "$(tail -n 1 "$WORK/b.out")" = term ]
await_running b

# -- signals to the helper ------------------------------------------------------------------------

helper_of b
for signal in TERM INT HUP USR1 USR2 PIPE ALRM QUIT CHLD CONT; do
	kill -"$signal" "$HELPER"
	as_user kill -"$signal" "$HELPER"
done
expect_state b running
swap_out b
for signal in TERM USR1 CHLD CONT; do kill -"$signal" "$HELPER"; done
expect_state b swapped
stands b || fail "b is in state $STATE"
bring_back b
field helper
expect "it is another helper" [ "$VALUE" = "$HELPER" ]
kill -STOP "$HELPER"
kill -CONT "$HELPER"
expect_state b running

# -- threads that stop too late to be let go ------------------------------------------------------

# The freezer keeps the program's from it; its helper is in no such group.
group=/sys/fs/cgroup/freezer/$SWAPIFY_TEST
freezer() {
	echo "$1" > "$group/freezer.state"
	await "the group to be $1" grep -qx "$1" "$group/freezer.state"
}
if [ -d "${group%/*}" ] && mkdir "$group" 2> /dev/null; then
	cleanup "rmdir $group"
	attach a checker -t 1 -m 1
	echo "${PID[a]}" > "$group/cgroup.procs"
	swap_out a
	freezer FROZEN
	request a unswap
	freezer THAWED
	expect "not unswapped: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
	await "a to run" runs a
	verify a
	round_trip a
	end_ours a
else
	echo "not looked at: there is no freezer of cgroup v1"
fi

# -- clients --------------------------------------------------------------------------------------

for request in 4 77 255; do
	refused b "$request" EINVAL 'no such request'
done
for request in swap swap unswap unswap exit; do
	request b status
	field state
	was=$VALUE
	talk b rude "$request"
	case $was$request in
	runningswap) await_state b swapped ;;
	swappedunswap) await_state b running ;;
	esac
done
await "the helper to leave" gone "$HELPER"
verify b
quit b

# exit brings back what is swapped, and the helper leaves
attach b checker -t 4 -m 2
helper_of b
swap_out b
request b exit
expect "it says: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
field state
expect "it says: $REPLY_TEXT" [ "$VALUE" = running ]
expect_running b
await "the helper to leave" gone "$HELPER"
expect_nothing
quit b

# one command while another is at work; the state is told meanwhile
attach b checker -t 4 -m 8
helper_of b
while read -r command under_way others; do
	in_state b running || bring_back b
	[ "$command" = swap ] || swap_out b
	tamper pwritev:delay_enter=300000 preadv:delay_enter=300000
	talk b ask "$command" > "$WORK/reply" &
	asking=$!
	await_state b "$under_way"
	for other in $others; do
		request b "$other"
		case $REPLY_BYTE in
		1)
			field error
			expect "it says: $REPLY_TEXT" [ "$VALUE" = EBUSY ]
			;;
		0 | 2) break ;;	# it was done by then
		*) fail "no answer to $other: $REPLY_TEXT" ;;
		esac
	done
	untamper
	wait $asking
	expect "it says: $(cat "$WORK/reply")" grep -qx reply=0 "$WORK/reply"
done <<'COMMANDS'
swap swapping swap swap swap
unswap unswapping unswap unswap
swap swapping unswap
unswap unswapping swap
COMMANDS
request b unswap
[[ $REPLY_BYTE == [02] ]] || fail "it says: $REPLY_TEXT"
expect_running b

# a client may take its time, also while a command is at work, which goes on meanwhile
in_state b running || bring_back b
tamper pwritev:delay_enter=300000
talk b ask swap > "$WORK/reply" &
asking=$!
await_state b swapping
REPLY_TEXT=$(talk b slow 150 status)
expect "it says: $REPLY_TEXT" grep -qx reply=0 <<< "$REPLY_TEXT"
field state
[[ $VALUE == swap* ]] || fail "it says: $REPLY_TEXT"
untamper
wait $asking
expect "it says: $(cat "$WORK/reply")" grep -qx reply=0 "$WORK/reply"
REPLY_TEXT=$(talk b slow 150 unswap)
expect "it says: $REPLY_TEXT" grep -qx reply=0 <<< "$REPLY_TEXT"
expect_running b

# many at once: all are answered, and nothing gets mixed up
replies=$(talk b crowd 200 status)
expect "replies: $replies" [ "$replies" = 0=200 ]
replies=$(talk b crowd 200 swap)
[[ $replies =~ ^0=1\ (1=[0-9]+\ ?)?(2=[0-9]+)?$ ]] || fail "replies: $replies"
expect_state b swapped
replies=$(talk b crowd 200 unswap)
[[ $replies =~ ^0=1\ (1=[0-9]+\ ?)?(2=[0-9]+)?$ ]] || fail "replies: $replies"
expect_running b
replies=$(talk b crowd 200 swap unswap status 9)
[[ $replies != *None* ]] || fail "replies: $replies"
request b unswap
[[ $REPLY_BYTE == [02] ]] || fail "it says: $REPLY_TEXT"
expect_running b

# one that says nothing keeps nobody out
mkfifo "$WORK/silent.in"
: > "$WORK/silent.out"
"$WORK/bin/shimtalk.py" "$SOCKETS/${PID[b]}.sock" silent 3 {NEVER}<&- 0<>"$WORK/silent.in" > "$WORK/silent.out" &
silent=$!
STARTED+=("$silent")
await "silent clients" lines_of "$WORK/silent.out" 1
expect_state b running
swap_out b
bring_back b
end_process "$silent"
quit b

# -- the end of the helper ------------------------------------------------------------------------
# Killed before any of its system calls: the program runs, with all its memory, or it stands still
# until another helper brings it back. Who continues it by force sees it crash, at worst.

answered_or_dead() {
	is_zombie "$1" || lines_of "$WORK/$1.out" "$2"
}

# forced NAME: continued without its helper.
forced() {
	local n status=0
	n=$(wc -l < "$WORK/$1.out")
	kill -CONT "${PID[$1]}"
	echo verify 1<>"$WORK/$1.in"
	await "$1 to answer or to end" answered_or_dead "$1" $((n + 1))
	is_zombie "$1" || {
		ANSWER=$(sed -n "$((n + 1))p" "$WORK/$1.out")
		[ "$ANSWER" = ok ] || fail "$1 ran on wrong memory ($ANSWER) $CASE"
		return
	}
	wait "${PID[$1]}" 2>/dev/null || status=$?
	[ $status = 139 ] || fail "$1 ended with status $status $CASE"
}

huge_pages() {
	sed -n 's/^THP_enabled:\s*//p' "/proc/${PID[$1]}/status"
}

# settled NAME: all of its threads stand still, or none, and no SIGSTOP is on its way to them.
settled() {
	local states pending
	states=$(sed -n 's/^State:\s*\(.\).*/\1/p' "/proc/${PID[$1]}/task"/*/status | tr -d '\n')
	pending=$(sed -n 's/^ShdPnd:\s*//p' "/proc/${PID[$1]}/status")
	state "$1"
	((!(16#$pending >> 18 & 1))) && { [[ $states =~ ^T+$ ]] || [[ $states =~ ^[SRD]+$ ]]; }
}

# Twice, for a thread may have taken the signal, and not have followed it yet.
await_settled() {
	await "$1 to be itself $CASE" settled "$1"
	breathe
	await "$1 to be itself $CASE" settled "$1"
}

# revived NAME: by the client, and then it's as good as before.
revived() {
	expect_status 0 "${SWAP[@]}" -f -a unswap "${PID[$1]}"
	printed '(Successfully|Already) unswapped' # by the helper itself, where nothing was lost
	runs "$1" || fail "$1 is in state $STATE after its revival $CASE"
	verify "$1"
	expect "it has lost its huge pages $CASE" [ "$(huge_pages "$1")" = "$HUGE" ]
	request "$1" swap
	[ "$REPLY_BYTE" = 0 ] || fail "it can't be swapped again: $REPLY_TEXT $CASE"
	bring_back "$1"
}

no_helpers() {
	[ -z "$(helpers)" ]
}

# bereave REQUEST AFTER SPEC: a helper is killed at REQUEST, where SPEC says. AFTER: revive or force
# it, where it stands still. False: it wasn't killed.
bereave() {
	local asked=$1 after=$2 dead=no
	CASE="($asked, killed at $3)"
	echo "$CASE" # for who reads the log of a failure
	attach v checker -t 2 -m 1
	HUGE=$(huge_pages v)
	[ "$asked" = swap ] || swap_out v
	helper_of v
	tamper "$3"
	request v "$asked"
	if [ "$REPLY_BYTE" = none ]; then await "the helper to be dead $CASE" gone "$HELPER"; fi
	untamper
	if gone "$HELPER"; then
		dead=yes
		await_settled v
	fi
	case $dead$STATE in
	no*)
		request v unswap
		[[ $REPLY_BYTE == [02] ]] || fail "it says: $REPLY_TEXT"
		expect_running v
		;;
	yes[SRD]) verify v ;;
	yesT)
		if [ "$after" = force ]; then forced v; else revived v; fi
		ORPHANS=$((ORPHANS + 1))
		;;
	*) fail "v is in state $STATE $CASE" ;;
	esac
	end_ours v
	await "helpers to leave $CASE" no_helpers
	# what a killed helper has left goes with the client's next look, but for what doesn't yet say
	# what it is
	find "$IMAGES" -name '*.swap' -empty -delete
	expect_status 0 "${SWAP[@]}" -l
	expect_nothing
	[ $dead = yes ]
}

# calls_of REQUEST: how many there are, into N.
calls_of() {
	attach v checker -t 2 -m 1
	[ "$1" = swap ] || swap_out v
	helper_of v
	tamper getpid:delay_enter=1
	request v "$1"
	untamper
	N=$(grep -c "^$HELPER " "$WORK/calls")
	quit v
}

# STRIDE=1 takes every call, and a good while
ORPHANS=0
for asked in swap unswap; do
	calls_of $asked
	[ "$N" -gt 50 ] || fail "$asked takes $N calls?"
	for ((i = 3, stride = ${STRIDE:-N / 10}, k = 0; i < N; i += stride, k++)); do
		after=revive
		[ $((k % 3)) != 2 ] || after=force
		bereave $asked $after "all:signal=SIGKILL:when=$i" || break
	done
done
while read -r asked after when calls; do
	for call in $calls; do
		bereave "$asked" "$after" "$call:signal=SIGKILL:when=$when" || [ "$when" -gt 2 ] || fail "not killed $CASE"
	done
done <<'CASES'
swap force 1 pidfd_send_signal
swap revive 1 pidfd_send_signal ptrace fallocate ftruncate pwritev mprotect madvise openat
swap revive 2 ptrace pwritev wait4
swap force 2 pwritev
swap revive 90 mprotect
swap force 90 mprotect
unswap force 1 preadv
unswap revive 1 preadv mprotect madvise prctl pidfd_send_signal ptrace unlinkat sendto
unswap force 2 preadv
unswap revive 2 preadv
unswap force 90 madvise
unswap revive 90 madvise
CASES
expect "only $ORPHANS orphans" [ $ORPHANS -ge 15 ]

# on what is back already it must not run either: a thread whose stack came first would find the
# rest of the memory empty
for when in 2 3 4; do
	attach v awkward watch
	swap_out v
	helper_of v
	tamper "accept4:signal=SIGKILL:when=$when" # which it does after each chunk
	request v unswap
	await "the helper to be dead" gone "$HELPER"
	untamper
	kill -CONT "${PID[v]}"
	ended v 139
	expect_status 0 "${SWAP[@]}" -l
	expect_nothing
done

# killed, brought back by the client to an image that is damaged, killed again while it reads the one
# that was put right
attach v checker -t 2 -m 1
HUGE=$(huge_pages v) CASE=
swap_out v
cp -p "$IMAGES/${PID[v]}.swap" "$WORK/good"
"$WORK/bin/imagetool.py" "$IMAGES/${PID[v]}.swap" damage data 1
helper_of v
kill -KILL "$HELPER"
await "the helper to be dead" gone "$HELPER"
expect_status 1 "${SWAP[@]}" -f -a unswap "${PID[v]}"
printed EBADMSG
stands v || fail "v is in state $STATE"
expect_state v swapped
mv "$WORK/good" "$IMAGES/${PID[v]}.swap"
helper_of v
tamper "preadv:signal=SIGKILL:when=2"
request v unswap
await "the helper to be dead" gone "$HELPER"
untamper
await_settled v
revived v
quit v

# -- the end of the program -----------------------------------------------------------------------
# At any step of its helper, which is held there meanwhile: it cleans up and leaves.

held_or_done() {
	grep -q 'stopped by SIGSTOP' "$WORK/calls" || ! [ -d "/proc/$asking" ]
}

# end_at REQUEST SPEC: the program is killed while the helper is about to make that call. False: it
# doesn't come.
end_at() {
	local held=no
	CASE="($1, ended at $2)"
	echo "$CASE"
	attach v checker -t 2 -m 1
	[ "$1" = swap ] || swap_out v
	helper_of v
	tamper "$2"
	talk v ask "$1" > "$WORK/reply" &
	asking=$!
	await "the helper to be held $CASE" held_or_done
	if grep -q 'stopped by SIGSTOP' "$WORK/calls"; then held=yes; fi
	untamper
	kill -KILL "${PID[v]}"
	kill -CONT "$HELPER"
	await "the helper to leave $CASE" gone "$HELPER"
	wait $asking
	ended v 137
	expect_nothing
	[ $held = yes ]
}

for asked in swap unswap; do
	calls_of $asked
	for ((i = 2, stride = ${STRIDE:-N / 5}; i < N; i += stride)); do
		end_at $asked "all:signal=SIGSTOP:when=$i" || break
	done
done
while read -r asked when calls; do
	for call in $calls; do
		end_at "$asked" "$call:signal=SIGSTOP:when=$when" || fail "not held $CASE"
	done
done <<'CASES'
swap 1 pidfd_send_signal ptrace fallocate pwritev mprotect
swap 2 ptrace pwritev
unswap 1 preadv mprotect pidfd_send_signal ptrace unlinkat
CASES
expect_nothing
