#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Out to compressed memory instead of a disk, and back.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

control=/sys/class/zram-control
[ -e $control/hot_add ] || modprobe zram 2>/dev/null || :
[ -e $control/hot_add ] || skip "this kernel has no zram"

remove_zram() {
	local id
	id=$(cat "$WORK/zram")
	if grep -q "^/dev/zram$id " /proc/swaps; then swapoff "/dev/zram$id"; fi
	# whoever looks at new devices may hold it for a moment
	await "zram$id to be let go" reset_zram "$id"
	rm "$WORK/zram"
}

reset_zram() {
	{ echo 1 > "/sys/block/zram$1/reset" && echo "$1" > $control/hot_remove; } 2>/dev/null
}

id=$(cat $control/hot_add) || skip "no zram device can be added"
echo "$id" > "$WORK/zram"
cleanup remove_zram
echo 256M > "/sys/block/zram$id/disksize"
[ -b "/dev/zram$id" ] || skip "zram$id has no device node"
mkswap "/dev/zram$id" > /dev/null
swapon -p 32767 "/dev/zram$id" 2> "$WORK/swapon.err" || skip "$(cat "$WORK/swapon.err")"

script_memory 50
start_holder idle1 80
start_holder idle2 32
remember idle1 idle2
start_daemon --madvise.step=4M
memory 5
await_said "swapped pid=${PID[idle1]} "
await_said "swapped pid=${PID[idle2]} "
await_out idle1 idle2
expect "it isn't in zram" [ "$(awk '{ print $1 }' "/sys/block/zram$id/mm_stat")" -gt $((90 << 20)) ]
memory 50
verify idle2
remember idle1
memory 90
await_log "unswapped pid=${PID[idle1]} "
expect "idle1 isn't back" moved_back idle1 70
verify idle1 idle2
stop_daemon
