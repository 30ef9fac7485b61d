#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs whose memory can't be taken away behind their back, which are told so and left alone,
# until they stop doing it; and programs that lie, or are called, where they shouldn't.
# beside others
# shellcheck source=tests/system/shim-faults.sh
. "$(dirname "$0")/shim-faults.sh"

# -- what the kernel or another may write to ------------------------------------------------------

attach a awkward
round_trip a
while read -r on off errno reason; do
	echo "$on"
	do_so a "$on" || continue
	swap_refused a "$errno" "$reason"
	swap_refused a "$errno" "$reason"
	do_so a "$off"
	round_trip a
done <<'CASES'
uring uring-off EINPROGRESS io_uring
aio aio-off EINPROGRESS AIO
uffd uffd-off EBUSY userfaultfd
vfork vfork-off EBUSY (did.not.stop|shares.its.memory)
share share-off EBUSY shares.its.memory
CASES
# the ring lives on in its mapping
if do_so a uring; then
	do_so a uring-close
	swap_refused a EINPROGRESS io_uring
	do_so a uring-off
	round_trip a
fi
# a process of another user may be looked into by root, whose helper it would be
do_so a undump
swap_refused a '(EPERM|EACCES)' undumpable
request a status
expect "it says: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
do_so a dump
round_trip a
quit a

# -- a tracer -------------------------------------------------------------------------------------

attach a checker -t 4 -m 2
: > "$WORK/strace.err"
if command -v strace > /dev/null; then
	strace -f -o /dev/null -p "${PID[a]}" 2> "$WORK/strace.err" {NEVER}<&- &
	TAMPER=$!
	STARTED+=("$TAMPER")
	await "strace to hold a" tampers
	swap_refused a EBUSY debugger
	untamper
	round_trip a
	# nobody takes it from the helper
	swap_out a
	expect_status 1 strace -o /dev/null -p "${PID[a]}"
	expect_state a swapped
	stands a || fail "a is in state $STATE"
	bring_back a
fi
if command -v gdb > /dev/null; then
	mkfifo "$WORK/gdb.in"
	gdb -q -nx -p "${PID[a]}" 0<>"$WORK/gdb.in" > "$WORK/gdb.out" 2>&1 {NEVER}<&- &
	gdb=$!
	STARTED+=("$gdb")
	await "gdb to hold a" is_traced a
	refused a swap EBUSY debugger
	is_traced a || fail "a is in state $STATE"
	echo 'continue &' 1<>"$WORK/gdb.in"
	await "gdb to continue a" runs a
	swap_refused a EBUSY debugger
	end_process "$gdb"
	await "a to be let go" runs a
	round_trip a
fi
quit a

# -- sealed memory --------------------------------------------------------------------------------

attach a awkward
resident() {
	sed -n 's/^RssAnon:\s*\([0-9]*\) kB/\1/p' "/proc/${PID[$1]}/status"
}
if do_so a seal; then
	swap_out a
	kib=$(resident a)
	[ "$kib" -ge 1024 ] || fail "1 MiB is sealed, and $kib KiB are left"
	[ "$kib" -lt 4096 ] || fail "$kib KiB are left"
	bring_back a
fi
# who may make nothing executable has his code left alone
if do_so a mdwe; then
	round_trip a
	round_trip a
fi
quit a
attach a awkward filtered
grep -q "^Seccomp:.2" "/proc/${PID[a]}/status" || fail "it has no filter"
round_trip a
round_trip a
quit a

# -- filters for system calls -----------------------------------------------------------------------

# without kcmp it shows otherwise who shares its memory, and who doesn't
attach a awkward no-kcmp
round_trip a
do_so a share
swap_refused a EBUSY shares.its.memory
do_so a share-off
do_so a 'fork child'
round_trip a
do_so a fork-off
do_so a vfork
swap_refused a EBUSY '(did.not.stop|shares.its.memory)'
do_so a vfork-off
round_trip a
quit a
# one that kills is found out before any harm is done
for call in kcmp ptrace; do
	attach a awkward "kill-$call"
	swap_refused a EPERM "seccomp.*$call"
	helper_of a
	before=$HELPER
	swap_refused a EPERM "seccomp.*$call"
	helper_of a
	[ "$HELPER" = "$before" ] || fail "the helper of a was killed"
	quit a
done
# where no child can be made that would find out nothing is risked
attach a awkward no-fork
swap_refused a EAGAIN "seccomp.*can't be tried"
swap_refused a EAGAIN "seccomp.*can't be tried"
quit a
# a helper that is there before isn't concerned; that of a child is
attach a awkward
do_so a kill-ptrace
do_so a kill-kcmp
do_so a share
swap_refused a EBUSY shares.its.memory
do_so a share-off
round_trip a
do_so a 'fork child'
PID[child]=${ANSWER#ok }
await "the child to be attached" answers child
refused child swap EPERM 'seccomp.*(ptrace|kcmp)'
unset "PID[child]"
do_so a fork-off
round_trip a
quit a

# -- places ---------------------------------------------------------------------------------------

# without a home and a directory for its images
NO_IMAGES=1 attach a checker -t 2 -m 1
swap_refused a ENOENT 'neither HOME nor'
quit a
mkdir -m 700 "$WORK/home"
chown "$OURS" "$WORK/home"
NO_IMAGES=1 EXTRA="HOME=$WORK/home" attach a checker -t 2 -m 1
swap_out a
expect "no image in the home" [ -e "$WORK/home/.swapify/${PID[a]}.swap" ]
[ "$(stat -c %a:%u "$WORK/home/.swapify")" = "700:$OURS" ] || fail "$(stat "$WORK/home/.swapify")"
[ "$(stat -c %a:%u "$WORK/home/.swapify/${PID[a]}.swap")" = "600:$OURS" ] || fail "$(ls -l "$WORK/home/.swapify")"
bring_back a
quit a
rmdir "$WORK/home/.swapify"

unattached() {
	[ -z "$(helpers)" ]
}

# alone NAME: it runs, and nobody is beside it.
alone() {
	verify "$1"
	await "no helper beside $1" unattached
	expect "sockets: $(ls -A "$SOCKETS")" [ -z "$(ls -A "$SOCKETS")" ]
	end_ours "$1"
}

for how in "chown $SPARED" 'chmod 770' 'chmod 702' 'chmod 500' 'chmod 0'; do
	$how "$SOCKETS"
	ALONE=1 attach a checker -t 2 -m 1
	alone a
	chown "$OURS" "$SOCKETS"
	chmod 700 "$SOCKETS"
done
mv "$SOCKETS" "$WORK/moved"
for how in 'ln -s moved' 'touch' 'true'; do
	# shellcheck disable=SC2086 # words
	$how "$SOCKETS"
	ALONE=1 attach a checker -t 2 -m 1
	verify a
	await "no helper beside a" unattached
	end_ours a
	expect "sockets: $(ls -A "$WORK/moved")" [ -z "$(ls -A "$WORK/moved")" ]
	rm -f "$SOCKETS"
done
mv "$WORK/moved" "$SOCKETS"
EXTRA=SWAPIFY_SOCKET_DIR=relative ALONE=1 attach a checker -t 2 -m 1
alone a
EXTRA="SWAPIFY_SOCKET_DIR=$SOCKETS/$(printf '%0300d' 0)" ALONE=1 attach a checker -t 2 -m 1
alone a
expect_nothing

# what is in the way of the socket is of an earlier life; the name of another isn't touched
attach a checker -t 2 -m 1
attach b checker -t 2 -m 1
for name in a b; do
	[ "$(readlink "$SOCKETS/$OWN$name.${PID[$name]}.sock")" = "${PID[$name]}.sock" ] || fail "$(ls -l "$SOCKETS")"
	[ "$(stat -c %u "$SOCKETS/${PID[$name]}.sock")" = "$OURS" ] || fail "$(ls -l "$SOCKETS")"
done
# a socket that was removed, and one in whose place something else lies, which stays
rm "$SOCKETS/${PID[a]}.sock" "$SOCKETS/${PID[b]}.sock"
touch "$SOCKETS/${PID[b]}.sock"
mine=${PID[b]}.sock
end_ours a b
await "helpers to leave" unattached
expect "removed: $mine" [ -e "$SOCKETS/$mine" ]
rm "$SOCKETS/$mine"
expect "sockets: $(ls -A "$SOCKETS")" [ -z "$(ls -A "$SOCKETS")" ]
expect_nothing

# -- names ----------------------------------------------------------------------------------------

# two of the same name
attach a checker -t 2 -m 1
mkdir "$WORK/bin/other"
first=${PID[a]}
mv "$WORK/a.in" "$WORK/first.in"
mv "$WORK/a.out" "$WORK/first.out"
BIN=$WORK/bin/other attach a checker -t 2 -m 1
PID[first]=$first
for pid in "$first" "${PID[a]}"; do
	[ "$(readlink "$SOCKETS/${OWN}a.$pid.sock")" = "$pid.sock" ] || fail "$(ls -l "$SOCKETS")"
done
swap_out a
swap_out first
expect_state a swapped
bring_back first
expect_state a swapped
end_ours first
bring_back a
quit a

# names that aren't made for a directory
linked() {
	[ "$(readlink "$SOCKETS/$1.$2.sock")" = "$2.sock" ]
}

gone_with() {
	gone "$1" && [ "$(find "$SOCKETS" | wc -l)" = 3 ]
}

attach a awkward
while read -r name link; do
	do_so a "fork $name"
	child=${ANSWER#ok }
	await "a link $link.$child.sock" linked "$link" "$child"
	# this and that of the program, no more
	[ "$(find "$SOCKETS" | wc -l)" = 5 ] || fail "$(find "$SOCKETS" -ls)"
	do_so a fork-off
	await "the child's helper to leave" gone_with "$child"
done <<'NAMES'
a%0ab a
a%2fb a?b
%2f%2e%2e%2fetc%2fx ?..?etc?x
%2e%2e ..
%2e .
a%20%09b%0a a??b
%7f%1b[2J ??[2J
%ff%c3%a9 ???
123456789012345 123456789012345
99 99
1%2esock 1.sock
* *
NAMES
quit a

# as the file of the program, from its first moment on
for name in $'new\nline' 'with blank' '123456789012345678901234567890' '-rf' '*'; do
	ln -f "$WORK/bin/checker" "$WORK/bin/$name"
	link=${name:0:15}
	link=${link%%$'\n'*}
	link=${link// /?}
	mkfifo "$WORK/named.in"
	: > "$WORK/named.out"
	setpriv --reuid "$OURS" --regid "$OURS" --clear-groups env "SWAPIFY_SOCKET_DIR=$SOCKETS" "SWAPIFY_IMAGE_DIR=$IMAGES" \
		"LD_PRELOAD=$WORK/bin/libswapify.so" "$WORK/bin/$name" -t 1 -m 1 \
		0<>"$WORK/named.in" > "$WORK/named.out" 2>&1 {NEVER}<&- &
	PID[named]=$!
	STARTED+=($!)
	await "it to be attached" answers named
	await "its link" linked "$link" "${PID[named]}"
	swap_out named
	bring_back named
	quit named
	rm "$WORK/bin/$name"
done
expect_nothing
