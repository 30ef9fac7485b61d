# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What the tests of [swapspace] share, beside lib.sh and areas.sh.

: > "$LOG"
SPACE=$WORK/space
mkdir -m 700 "$SPACE"
OPTIONS+=(--swapspace.enabled=yes "--swapspace.swappath=$SPACE" --swapspace.cooldown=2s --swapspace.reserve=0
	--swapspace.min_swapsize=1M --madvise.enabled=no)

# By file, for the kernel may know them by a path that isn't any more. (The test's shell has no job
# of its own that retires one.)
space_off() {
	local file
	for file in "$SPACE"/swap-* "$WORK"/mnt-*/space/swap-*; do
		[ ! -f "$file" ] || swapoff "$file" 2>/dev/null || :
	done
	all_off
}
cleanup space_off

# machine AVAILABLE_PERCENT SWAP_TOTAL_MIB SWAP_FREE_MIB: what the daemon is told from now on.
machine() {
	SWAP_TOTAL_MIB=$2 SWAP_FREE_MIB=$3
	memory "$1"
}

# rule: the size in bytes of the area that is missing now, in whole pages.
rule() {
	local available=$((TOTAL_MIB * 1024 * $1 / 100)) total free bytes
	total=$((TOTAL_MIB * 1024 + SWAP_TOTAL_MIB * 1024)) free=$((available + SWAP_FREE_MIB * 1024))
	bytes=$(((total * 1024 * 30 - free * 1024 * 100 + 69) / 70))
	echo $(((bytes + 4095) / 4096 * 4096))
}

is_active() {
	grep -q "^$1 " "/proc/self/fd/$SWAPS"
}

is_off() {
	! is_active "$1"
}

# is_area FILE BYTES: a finished one, and the kernel swaps to it.
is_area() {
	[ "$(stat -c '%a %u %s' "$1")" = "600 0 $2" ] || fail "$1: $(stat -c '%a %u %s' "$1"), not 600 0 $2"
	[ "$(blkid -p -s LABEL -s TYPE -o value "$1" | sort | xargs)" = 'swap swapify-policy' ] ||
		fail "$1: $(blkid -p "$1")"
	is_active "$1" || fail "$1 isn't active: $(cat "/proc/self/fd/$SWAPS")"
}

# What is in the directory, by name.
space_holds() {
	local found
	found=$(cd "${DIR:-$SPACE}" && echo *)
	[ "$found" = "$1" ] || fail "in the directory: $found, not $1"
}

transitions() {
	grep -o 'swapspace [a-z]* -> [a-z]*' "$LOG" | cut -d ' ' -f 2- || :
}
