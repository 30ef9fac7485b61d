# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of an attached program's mishaps share: programs with the shim, asked through
# their sockets without a client in between.
# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly TOP SOCKETS=$WORK/sockets IMAGES=$WORK/images
mkdir -p "$WORK/bin" "$SOCKETS" "$IMAGES"
chmod 700 "$SOCKETS" "$IMAGES"
chown "$OURS:$OURS" "$SOCKETS" "$IMAGES"
install -m 755 "$BUILD/libswapify.so" "$WORK/bin/libswapify.so"
install -m 755 "$BUILD/swap" "$WORK/bin/swap"
install -m 755 "$TOP/tests/tools/shimtalk.py" "$TOP/tests/tools/imagetool.py" "$WORK/bin"

as_user() {
	setpriv --reuid "$OURS" --regid "$OURS" --clear-groups "$@"
}

REPLY_BYTE=	# of the last question to a shim
REPLY_TEXT=	# what came behind it
HELPER=		# a helper's pid, by helper_of

# -- programs -------------------------------------------------------------------------------------

# (a shell's child in the background would ignore SIGINT and SIGQUIT)
# attach NAME TOOL [ARG...]: runs it as $OURS, or AS, with the shim, and waits until it is ready
# and can be reached. EXTRA are variables for it, NO_IMAGES=1 keeps the image
# directory from it, ALONE=1 says that it won't be reached.
attach() {
	local name=$1 program=$2 bin=${BIN:-$WORK/bin} as=${AS:-$OURS}
	local -a extra
	read -ra extra <<< "${EXTRA:-}"
	[ -n "${NO_IMAGES:-}" ] || extra=("SWAPIFY_IMAGE_DIR=$IMAGES" "${extra[@]}")
	shift 2
	tool "$program"
	mkdir -p "$bin"
	ln -f "$WORK/bin/$program" "$bin/$OWN$name"
	[ -p "$WORK/$name.in" ] || mkfifo "$WORK/$name.in"
	: > "$WORK/$name.out"
	setpriv --reuid "$as" --regid "$as" --clear-groups env -u HOME --default-signal "SWAPIFY_SOCKET_DIR=$SOCKETS" \
		"${extra[@]}" "LD_PRELOAD=$WORK/bin/libswapify.so" \
		"$bin/$OWN$name" "$@" 0<>"$WORK/$name.in" >> "$WORK/$name.out" 2>&1 {NEVER}<&- &
	# shellcheck disable=SC2004 # it is no arithmetic: see lib.sh
	PID[$name]=$!
	STARTED+=($!)
	await "$name to be ready" lines_of "$WORK/$name.out" 1
	[ "$(head -n 1 "$WORK/$name.out")" = ready ] || fail "$name: $(cat "$WORK/$name.out")"
	[ -n "${ALONE:-}" ] || await "$name to be attached" answers "$name"
}

# state NAME: the letter of /proc/PID/stat into STATE; X where there is no such process.
state() {
	local text=
	STATE=X
	read -r -d '' text 2>/dev/null < "/proc/${PID[$1]}/stat" || [ -n "$text" ] || return 0
	text=${text##*) }
	STATE=${text:0:1}
}

stands() {
	state "$1"
	[[ $STATE == [tT] ]]
}

runs() {
	state "$1"
	[[ $STATE == [SRD] ]]
}

is_traced() {
	state "$1"
	[ "$STATE" = t ]
}

# expect_running NAME: it is, and its contents are right.
expect_running() {
	runs "$1" || fail "$1 doesn't run: it is in state $STATE"
	verify "$1"
}

# ended NAME STATUS: waits for its end, with that status.
ended() {
	local status=0
	await "$1 to end" is_zombie "$1"
	wait "${PID[$1]}" 2>/dev/null || status=$?
	[ "$status" = "$2" ] || fail "$1 ended with status $status, not $2"
	rm -f "$WORK/$1.in"
	unset "PID[$1]"
}

# The shell reaps what is its own at some time; until it is asked the status is kept.
is_zombie() {
	state "$1"
	[[ $STATE == [XZ] ]]
}

# quit NAME: ends it, and awaits that nothing is left of it.
quit() {
	end_ours "$1"
	expect_nothing
}

# -- its shim -------------------------------------------------------------------------------------

# talk NAME WORD...: see shimtalk.py
talk() {
	local name=$1
	shift
	"$WORK/bin/shimtalk.py" "$SOCKETS/${PID[$name]}.sock" "$@" {NEVER}<&-
}

# request NAME REQUEST: the answer into REPLY_BYTE and REPLY_TEXT.
request() {
	REPLY_TEXT=$(talk "$1" ask "$2")
	REPLY_BYTE=${REPLY_TEXT%%$'\n'*}
	REPLY_BYTE=${REPLY_BYTE#reply=}
}

# field KEY: of the last answer, into VALUE.
field() {
	VALUE=$(sed -n "s/^$1=//p" <<< "$REPLY_TEXT")
}

answers() {
	request "$1" status
	[ "$REPLY_BYTE" = 0 ]
}

in_state() {
	request "$1" status
	field state
	[ "$VALUE" = "$2" ]
}

await_state() {
	await "$1 to be $2" in_state "$1" "$2"
}

expect_state() {
	in_state "$1" "$2" || fail "$1 says of itself: $REPLY_TEXT"
}

helper_of() {
	request "$1" status
	field helper
	HELPER=$VALUE
	[ -d "/proc/$HELPER" ] || fail "$1 has no helper: $REPLY_TEXT"
}

# swap_out NAME: it is swapped, and stands still.
swap_out() {
	request "$1" swap
	[ "$REPLY_BYTE" = 0 ] || fail "$1 isn't swapped: $REPLY_TEXT"
	stands "$1" || fail "$1 is swapped and in state $STATE"
}

# bring_back NAME: it runs, as before.
bring_back() {
	request "$1" unswap
	[ "$REPLY_BYTE" = 0 ] || fail "$1 isn't unswapped: $REPLY_TEXT"
	expect_running "$1"
	expect "an image is left" [ ! -e "$IMAGES/${PID[$1]}.swap" ]
}

# refused NAME REQUEST ERRNO REGEX: with that reason.
refused() {
	local error
	request "$1" "$2"
	[ "$REPLY_BYTE" = 1 ] || fail "$2 wasn't refused: $REPLY_TEXT"
	field error
	error=$VALUE
	field reason
	[[ $error =~ ^$3$ && $VALUE =~ $4 ]] || fail "not the answer to $2, $3 $4: $REPLY_TEXT"
}

# swap_refused NAME ERRNO REGEX: and the program doesn't notice.
swap_refused() {
	refused "$1" swap "$2" "$3"
	expect_running "$1"
	expect_state "$1" running
}

# do_so NAME COMMAND: of an awkward one; false where this kernel doesn't do it.
do_so() {
	ask "$1" "$2"
	[[ $ANSWER == ok* ]] || { echo "not tried here: $2: $ANSWER"; return 1; }
}

# round_trip NAME: out and back
round_trip() {
	swap_out "$1"
	bring_back "$1"
}

# -- what is left ---------------------------------------------------------------------------------

helpers() {
	grep -lsx swapify-helper /proc/[0-9]*/comm
}

zombies() {
	grep -ls '^State:.Z' /proc/[0-9]*/status
}

nothing_left() {
	[ -z "$(helpers)$(zombies)$(ls -A "$SOCKETS")$(ls -A "$IMAGES")" ]
}

# The helper of a program that is gone leaves after it.
expect_nothing() {
	local end=$((SECONDS + DEADLINE))
	until nothing_left; do
		[ $SECONDS -lt $end ] || fail "left: $(helpers) $(zombies) $(ls -A "$SOCKETS" "$IMAGES")"
		breathe
	done
}

# -- tampering with a helper ----------------------------------------------------------------------

TAMPER=	# strace's pid

# tamper SPEC...: what strace does to the system calls of $HELPER and its threads, see strace(1),
# -e inject. Those that it is told to look at are in $WORK/calls. At the end: untamper.
tamper() {
	local spec
	local -a words=()
	for spec; do words+=(-e "inject=$spec"); done
	: > "$WORK/calls"
	: > "$WORK/strace.err"
	strace -f -o "$WORK/calls" -p "$HELPER" "${words[@]}" 2> "$WORK/strace.err" {NEVER}<&- &
	TAMPER=$!
	STARTED+=("$TAMPER")
	await "strace to hold helper $HELPER" tampers
}

tampers() {
	grep -q ' attached' "$WORK/strace.err" && return
	[ -d "/proc/$TAMPER" ] || fail "strace: $(cat "$WORK/strace.err")"
	return 1
}

untamper() {
	kill -TERM "$TAMPER" 2>/dev/null || :
	wait "$TAMPER" 2>/dev/null || :
	TAMPER=
}

can_tamper() {
	command -v strace > /dev/null || skip "there is no strace"
}
