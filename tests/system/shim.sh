# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of the shim share, beside lib.sh: programs under the shim, with sockets and images
# in the test's own directories, and the question whether anything is left of them.

readonly SHIM=$WORK/libswapify.so # where other users reach it, and nobody builds it anew
readonly SOCKETS=$WORK/sockets IMAGES=$WORK/images
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for the tests
readonly TOP
install -m 644 "$BUILD/libswapify.so" "$SHIM"
mkdir -m 700 "$SOCKETS" "$IMAGES"
export SWAPIFY_SOCKET_DIR=$SOCKETS SWAPIFY_IMAGE_DIR=$IMAGES
tool shimcall

SAID=''		# all that the last call came back with

# call ACTION PID: into SAID; fails unless it is a success.
call() {
	SAID=$("$WORK/bin/shimcall" "$SWAPIFY_SOCKET_DIR" "$2" "$1" 2> /dev/null)
}

# must ACTION PID...
must() {
	local action=$1 pid
	shift
	for pid; do call "$action" "$pid" || fail "$action $pid: $SAID"; done
}

# said_line KEY: its value in SAID
said_line() {
	sed -n "s/^$1=//p" <<< "$SAID"
}

attached() {
	[ -S "$SWAPIFY_SOCKET_DIR/$1.sock" ] && call status "$1"
}

await_attached() {
	local pid
	for pid; do await "$pid to be attached" attached "$pid"; done
}

# start_shimmed NAME COMMAND...: under the shim, which it inherits by LD_PRELOAD. Standard input is
# the pipe $WORK/NAME.in, output the file NAME.out, and errors NAME.err.
start_shimmed() {
	local name=$1
	shift
	[ -p "$WORK/$name.in" ] || mkfifo "$WORK/$name.in"
	: > "$WORK/$name.out"
	LD_PRELOAD=${PRELOAD:-$SHIM} "$@" 0<>"$WORK/$name.in" > "$WORK/$name.out" 2> "$WORK/$name.err" {NEVER}<&- &
	# shellcheck disable=SC2004 # lib.sh has it by names
	PID[$name]=$!
	STARTED+=($!)
}

# start_tool NAME TOOL [ARG...]: one of the suite's, until it is ready and attached.
start_tool() {
	local name=$1 program=$2
	shift 2
	tool "$program"
	start_shimmed "$name" "$WORK/bin/$program" "$@"
	await "$name to be ready" lines_of "$WORK/$name.out" 1
	[ "$(head -n 1 "$WORK/$name.out")" = ready ] || fail "$name: $(cat "$WORK/$name.out" "$WORK/$name.err")"
	await_attached "${PID[$name]}"
}

# cycles NAME N: swap and unswap and verify
cycles() {
	"$WORK/bin/shimcall" "$SOCKETS" "${PID[$1]}" cycles "$2" "$WORK/$1.in" "$WORK/$1.out" > "$WORK/cycles" ||
		fail "$1: $(cat "$WORK/cycles")"
}

# field PID KEY: a number of its status
field() {
	awk -v "key=$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

# rollup PID KEY: KiB of all its mappings together, counted page by page, which status isn't
rollup() {
	awk -v "key=$2:" '$1 == key { print $2 }' "/proc/$1/smaps_rollup"
}

# mappings PID: the program's, where neighbours of one kind count as one
mappings() {
	awk '!/\[anon:swapify\]|libswapify/ {
		split($1, range, "-")
		name = $6
		for (i = 7; i <= NF; i++) name = name " " $i
		kind = $2 " " $4 " " $5 " " name
		if (range[1] != last || kind != was || $5 != 0) {
			if (was != "") print start "-" last, was
			start = range[1]
		}
		last = range[2]; was = kind
	} END { print start "-" last, was }' "/proc/$1/maps"
}

image_of() {
	echo "$IMAGES/$1.swap"
}

# -- the end --------------------------------------------------------------------------------------

# Processes of this namespace by name or state: "PID" each
helpers() {
	local dir name
	for dir in /proc/[0-9]*; do
		name=$(cat "$dir/comm" 2>/dev/null) || continue
		[ "$name" != swapify-helper ] || echo "${dir#/proc/}"
	done
}

zombies() {
	local dir
	for dir in /proc/[0-9]*; do
		if grep -qs '^State:.Z' "$dir/status"; then echo "${dir#/proc/} $(cat "$dir/comm" 2>/dev/null)"; fi
	done
}

# What the shims have left by now
left_by_shims() {
	local what
	what=$(helpers)
	[ -z "$what" ] || echo "helpers: $what"
	what=$(zombies)
	[ -z "$what" ] || echo "zombies: $what"
	find "$SOCKETS" "$IMAGES" -mindepth 1
}

nothing_left() {
	LEFT=$(left_by_shims)
	[ -z "$LEFT" ]
}

# all_gone: once all programs have ended nothing is there of theirs. Helpers may be at it still.
all_gone() {
	local end=$((SECONDS + DEADLINE))
	until nothing_left; do
		[ "$SECONDS" -lt "$end" ] || fail "left by the shim: $LEFT"
		breathe
	done
}
