# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the tests share: a directory on a disk, since an image on tmpfs would only move memory, and a
# program that knows what its memory has to hold.
set -eu

work=$(mktemp -d -p /var/tmp swapify-autopkgtest.XXXXXX)
program='' daemon=''

finish() {
	status=$?
	[ -z "$daemon" ] || kill "$daemon" || status=1
	[ -z "$program" ] || kill -KILL "$program" || status=1
	wait
	[ $status = 0 ] || cat "$work"/*.log
	rm -rf "$work"
	exit $status
}
trap finish EXIT

fail() {
	echo "FAILED: $*" | tee "$work/failed.log" >&2
	exit 1
}

# await WHAT COMMAND...: for a minute at most
await() {
	what=$1 tries=600
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited in vain for $what"
		sleep 0.1
	done
}

said() {
	grep -qsE -- "$2" "$work/$1.log"
}

# state PID: its letter, in /proc/PID/stat
state() {
	sed 's/.*) //; s/ .*//' "/proc/$1/stat"
}
is_in_state() {
	[ "$(state "$1")" = "$2" ]
}

resident_kib() {
	awk '$1 == "RssAnon:" { print $2 }' "/proc/$1/status"
}

# Its pid goes into program; what it says, into program.log
start_program() {
	export SWAPIFY_SOCKET_DIR="$work/sockets" SWAPIFY_IMAGE_DIR="$work/images"
	[ -z "${DEFAULT_SOCKETS:-}" ] || unset SWAPIFY_SOCKET_DIR
	mkdir -m 700 "$work/sockets" "$work/images"
	mkfifo "$work/in"
	swapify --name autopkgtest python3 -c '
import hashlib, os, sys
data = os.urandom(64 << 20)
digest = hashlib.sha256(data).digest()
print("ready", flush=True)
for line in sys.stdin:
	print("same" if hashlib.sha256(data).digest() == digest else "other", flush=True)
' <> "$work/in" > "$work/program.log" 2>&1 &
	program=$!
	await "the program" said program '^ready$'
}

# Whether every byte is what it was
is_the_same() {
	echo > "$work/in"
	await "its answer" said program '^(same|other)$'
	said program '^same$'
}
