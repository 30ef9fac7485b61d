#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Swap files on each file system that can have them, and what is said of the others.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"

tried=
for type in ext4 xfs btrfs; do
	command -v mkfs.$type > /dev/null || { echo "no mkfs.$type: not tried"; continue; }
	grep -qw $type /proc/filesystems || modprobe $type 2>/dev/null ||
		{ echo "this kernel has no $type: not tried"; continue; }
	image $type 400 mkfs.$type -q || { echo "$type can't be mounted: $(cat "$WORK/mount.err")"; continue; }
	tried="$tried $type"
	mnt=$WORK/mnt-$type

	ctl 0 -a "$mnt/swap" 0 64M
	listed "$mnt/swap" maxswap 131072 type file by swapctl
	# the kernel leaves out what isn't aligned to a page on the device
	expect "it is too small" [ "$(column blocks "$mnt/swap")" -gt 130000 ]
	as_swapon_says
	ctl 0 -d "$mnt/swap"
	expect "wrong mode" [ "$(stat -c %a "$mnt/swap")" = 600 ]
	ctl 0 -a --discard=once "$mnt/swap"
	ctl 0 -d "$mnt/swap"

	# full: nothing is left of the attempt
	ctl 1 -a "$mnt/much" 0 2G
	printed 'cannot make the file: No space left on device'
	expect "something was left" [ "$(find "$mnt" -type f | wc -l)" = 1 ]
	ctl 0 -a "$mnt/swap"
	ctl 0 -d "$mnt/swap"

	# a part of a file by a loop device
	dd if=/dev/zero "of=$mnt/part" bs=1M count=8 status=none
	chmod 600 "$mnt/part"
	ctl 0 -a "$mnt/part" 2M 2M
	listed "$mnt/part" swaplo 4096 blocks 4088 type loop
	ctl 0 -d "$mnt/part"

	case $type in
	btrfs)
		expect "it copies on write" [ "$(lsattr "$mnt/swap" | cut -d ' ' -f 1 | tr -dc C)" = C ]
		dd if=/dev/zero "of=$mnt/cow" bs=1M count=8 status=none
		chmod 600 "$mnt/cow"
		ctl 1 -a "$mnt/cow"
		printed 'copy on write, see chattr \+C\); make another one'
		;;
	xfs)
		cp --reflink=always "$mnt/part" "$mnt/copy"
		ctl 1 -a "$mnt/copy"
		printed 'shares blocks with a copy of itself or a snapshot'
		;;
	esac
done
[ -n "$tried" ] || skip "no file system could be made"
echo "tried:$tried"

mkdir "$WORK/mnt-tmpfs"
mount -t tmpfs none "$WORK/mnt-tmpfs"
cleanup "umount $WORK/mnt-tmpfs"
ctl 1 -a "$WORK/mnt-tmpfs/swap" 0 1M
printed 'lies on tmpfs, where no swap file can be: what lies there is in memory itself'
dd if=/dev/zero "of=$WORK/mnt-tmpfs/there" bs=1M count=2 status=none
chmod 600 "$WORK/mnt-tmpfs/there"
ctl 1 -a "$WORK/mnt-tmpfs/there"
printed 'lies on tmpfs'
# the kernel has the last word, and what was made for it is gone
ctl 1 -a -i "$WORK/mnt-tmpfs/swap" 0 1M
printed 'swapon: Invalid argument; .*dmesg'
expect "something was left" [ ! -e "$WORK/mnt-tmpfs/swap" ]

# more than a header can say, of a device that has it
if truncate -s 18T "$WORK/mnt-tmpfs/huge" && huge=$(losetup --find --show "$WORK/mnt-tmpfs/huge"); then
	cleanup "all_off && losetup -d $huge"
	ctl 1 -a -i "$huge" 0 17T
	printed 'would be too large: a swap area takes at most 34359738360 blocks'
fi

mkdir "$WORK/lower" "$WORK/upper" "$WORK/worker" "$WORK/mnt-overlay"
if mount -t overlay -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/worker" none "$WORK/mnt-overlay" 2>/dev/null; then
	cleanup "umount $WORK/mnt-overlay"
	ctl 1 -a "$WORK/mnt-overlay/swap" 0 1M
	printed 'lies on overlay, where no swap file can be'
fi
