# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of [prelock] share: programs with a large library of their own, and looks at what is
# in memory of it.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

tool caller
LIB=$WORK/lib
mkdir -p "$LIB"
# its own file system, which reads ahead as most do: where a disk reads megabytes ahead, all of a
# library is in use at once
truncate -s 300M "$WORK/lib.img"
mkfs.ext4 -q "$WORK/lib.img"
mount -o loop "$WORK/lib.img" "$LIB" || skip "no loop device"
cleanup "umount $LIB"
blockdev --setra 256 "$(findmnt -n -o SOURCE "$LIB")"
# only what a test asks for: not the libraries of this machine
# shellcheck disable=SC2034
PRELOCK=(--prelock.enabled=yes --prelock.interval=100ms "--prelock.paths=$LIB" "--prelock.names=$OWN*")

# library NAME: one of 16 MiB, of which nothing is in memory.
library() {
	[ -x "$BUILD/tools/biglib.so" ] || fail "$BUILD/tools/biglib.so isn't built"
	cp "$BUILD/tools/biglib.so" "$LIB/$1"
	sync "$LIB/$1"
	forget "$LIB/$1"
}

# forget FILE: has the kernel drop what nobody has mapped of it.
forget() {
	dd "if=$1" iflag=nocache count=0 status=none
}

# start_caller NAME LIBRARY [ARG...]
start_caller() {
	local name=$1 library=$2
	shift 2
	AS=0 start_ours "$name" caller "$LIB/$library" "$@"
}

# call NAME FROM N: FAULTS and US of that.
FAULTS='' US=''
# shellcheck disable=SC2034
call() {
	ask "$1" "call $2 $3"
	[[ $ANSWER == "ok "* ]] || fail "$1: $ANSWER"
	read -r _ FAULTS US <<< "$ANSWER"
}

# resident FILE: pages of it in memory, into PAGES, of ALL.
PAGES='' ALL=''
# shellcheck disable=SC2034
resident() {
	read -r PAGES ALL < <("$BUILD/tools/caller" --resident "$1")
	[ -n "$ALL" ] || fail "can't look at $1"
}

# places NAME: where the daemon has mapped what lies in LIB under that name.
places() {
	grep -F " $LIB/$1" "/proc/$DAEMON/maps" | cut -d ' ' -f 1
}

is_locked() {
	[ -n "$(places "$1")" ]
}

is_let_go() {
	[ -z "$(places "$1")" ]
}

# scans N: until the daemon has done so many more, each begun after this call.
scans() {
	local i
	skip_log
	for ((i = 0; i <= $1; i++)); do await_log '(locked|would be locked) files='; done
}

# squeeze: the cgroup gives up what it can; false where there is no such thing here.
GROUP=
make_memory_group() {
	local base=/sys/fs/cgroup/memory
	[ -d $base ] || base=/sys/fs/cgroup
	GROUP=$base/$SWAPIFY_TEST
	mkdir "$GROUP" 2>/dev/null || return 1
	cleanup "rmdir $GROUP"
	# files are what it shall give up, not data
	[ ! -e "$GROUP/memory.swappiness" ] || echo 0 > "$GROUP/memory.swappiness"
	[ ! -e "$GROUP/memory.swap.max" ] || echo 0 > "$GROUP/memory.swap.max"
	[ -e "$GROUP/memory.force_empty" ] || [ -e "$GROUP/memory.reclaim" ]
}

squeeze() {
	if [ -e "$GROUP/memory.force_empty" ]; then
		echo 0 > "$GROUP/memory.force_empty" || :
	else
		echo 512M > "$GROUP/memory.reclaim" || :
	fi 2>/dev/null
}
