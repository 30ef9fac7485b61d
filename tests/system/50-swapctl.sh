#!/bin/bash
# SPDX-License-Identifier: MIT
#
# swapctl with real areas: files, devices, parts of both; what is refused, and what is then done.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"

# A file of 50 MB that wasn't there
file=$WORK/areas/swap50
ctl 0 -a -p 5 swap50 0 50M
expect "not 50 MiB" [ "$(stat -c '%s %a %u %h' "$file")" = '52428800 600 0 1' ]
expect "it has holes" [ "$(stat -c %b "$file")" -ge 102400 ]
expect "blkid knows it not" [ "$(blkid -p -o value -s TYPE "$file")" = swap ]
listed "$file" pri 5 swaplo 0 blocks 102392 free 102392 maxswap 102400 vswap 0 type file \
	label swapctl by swapctl flags - uuid "$(blkid -p -o value -s UUID "$file")" \
	dev "$(stat -c '%Hd,%Ld' "$file")"
as_swapon_says
ctl 1 -a swap50
printed "cannot add 'swap50': it is swapped to already, as $file"
ctl 1 -a swap50 2048
printed 'is swapped to already'
ctl 0 -d swap50
not_listed "$file"
expect "the file is gone" [ -e "$file" ]
ctl 1 -d swap50
printed 'it is no swap area'

# The file again, as it is; then a shorter one, with the same UUID
uuid=$(blkid -p -o value -s UUID "$file")
ctl 0 -a "$file"
listed "$file" blocks 102392
ctl 0 -d "$file"
ctl 0 -a ../areas/swap50 0 2048
listed "$file" blocks 2040 maxswap 102400 uuid "$uuid"
ctl 0 -d ./swap50 0

# What mkswap made is taken as it is, and swapon takes what we made
mkswap -q -L theirs -U 11111111-2222-4333-8444-555555555555 "$file" > /dev/null
ctl 0 -a swap50
listed "$file" label theirs uuid 11111111-2222-4333-8444-555555555555 by - blocks 102392
ctl 0 -d swap50
ctl 0 -a swap50 0 20M
ctl 0 -d swap50
swapon "$file"
listed "$file" blocks 40952 label theirs
ctl 0 -d swap50

# 10K at an offset of a device, and other parts of it
device disk 20
ctl 0 -a "$DEVICE" 2048 20
listed "$DEVICE" swaplo 2048 blocks 8 free 8 maxswap 38912 type loop by swapctl flags -
ctl 0 -a "$DEVICE" 4M 4M
ctl 0 -a "$DEVICE" 0 2048
ctl 0 -a "$DEVICE" 16383 4096
ctl 0 -l
expect "not 4 areas of it" [ "$(awk -v d="$DEVICE" '$2 == d' "$WORK/out" | wc -l)" = 4 ]
expect "not those offsets" [ "$(awk -v d="$DEVICE" '$2 == d { print $5 }' "$WORK/out" | sort -n | xargs)" = '0 2048 8192 16384' ]
as_swapon_says
for part in '2048 16' '2047 16' '0 4096' '4M 8K' '6M 16M' '16384 8192'; do
	# shellcheck disable=SC2086 # words
	ctl 1 -a "$DEVICE" $part
done
ctl 1 -a "$DEVICE"
printed 'is swapped to already'
ctl 1 -a "$DEVICE" 30M 1M
printed 'is too small: it has 40960 blocks, and the area would end at block 63488'
ctl 1 -d "$DEVICE"
printed 'there are 4 areas in it; say which one'
ctl 1 -d "$DEVICE" 2056
printed 'it is no swap area at that offset'
ctl 0 -l -n
loop=$(own_areas | awk '$3 == 4 { print $1 }')
expect "-n hasn't the kernel's name" [ "$(column swaplo "$loop")" = 2048 ]
ctl 0 -d "$loop"
ctl 0 -d "$DEVICE" 4M
ctl 0 -d "$DEVICE" 16383
ctl 0 -d "$DEVICE"
not_listed "$DEVICE"
[ -z "$(own_areas)" ] || fail "left: $(own_areas)"
loops() { losetup -n -O NAME -j "$WORK/disk"; }
loops_gone() { [ "$(loops | wc -l)" = 1 ]; }
await "the loop devices to go" loops_gone

# The list of a device's bad pages, here of one, isn't lost with the header that holds it
mkswap -q -L theirs "$DEVICE" > /dev/null
python3 - "$DEVICE" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as area:
    area.seek(1024 + 8)
    area.write(struct.pack("<I", 1))
    area.seek(1536)
    area.write(struct.pack("<I", 100))
END
ctl 0 -a "$DEVICE"
listed "$DEVICE" blocks 40944
ctl 0 -d "$DEVICE"
ctl 1 -a "$DEVICE" 0 10M
printed 'has bad pages \(1\), which would be used: .* another length; -i does it all the same'
ctl 0 -a "$DEVICE" 0 20M
listed "$DEVICE" blocks 40944
ctl 0 -d "$DEVICE"
ctl 0 -a -i "$DEVICE" 0 10M
listed "$DEVICE" blocks 20472 label theirs
ctl 0 -d "$DEVICE"

# A file by way of two loop devices, or of one and by itself: never the same blocks twice
dd if=/dev/zero of="$WORK/areas/both" bs=1M count=8 status=none
chmod 600 "$WORK/areas/both"
device areas/both 8
ctl 0 -a "$DEVICE" 0 1M
ctl 1 -a both
printed "is swapped to already, as $DEVICE"
ctl 1 -a both 0 4M
ctl 0 -a both 4M 1M
ctl 1 -a both 4M 1M
ctl 0 -d "$DEVICE"
ctl 1 -a "$DEVICE"
printed "is swapped to already, as /dev/loop"
ctl 0 -a "$DEVICE" 0 1M
ctl 0 -d "$DEVICE"
ctl 0 -d both
losetup -d "$DEVICE"
CLEANUP=("${CLEANUP[@]/%*losetup -d $DEVICE/:}")
ctl 0 -a both
DEVICE=$(losetup --find --show "$WORK/areas/both")
cleanup "all_off && losetup -d $DEVICE"
ctl 1 -a "$DEVICE"
printed "is swapped to already, as $WORK/areas/both"
ctl 1 -a "$DEVICE" 4M 1M
ctl 0 -d both
# which is idle now, but has it open
ctl 1 -a -i both
printed "is in use: $DEVICE stands on it, see losetup"
losetup -d "$DEVICE"
CLEANUP=("${CLEANUP[@]/%*losetup -d $DEVICE/:}")

# The same of a file
dd if=/dev/zero of="$WORK/areas/part" bs=1M count=8 status=none
chmod 600 "$WORK/areas/part"
ctl 0 -a part 1M 1M
ctl 0 -a part 4M
listed "$WORK/areas/part" swaplo 2048 type loop
ctl 0 -a part 0 1M
ctl 1 -d part
ctl 0 -d part 0
ctl 0 -d part 1M
ctl 0 -d part

# By number, where there is nothing but ours
ctl 0 -a swap50
ctl 0 -a part
show_only_own
first=$(awk 'NR == 2 { print $1 }' "$WORK/swaps")
listed "$first" lswap 1
ctl 1 -d 3
printed 'there are 2'
ctl 1 -d 0
ctl 1 -d 1 4096
printed 'begins at another offset'
ctl 0 -d 1
printed "area 1 is '$first'"
show_only_own
not_listed "$first"
ctl 0 -d 1 0
show_only_own
[ -z "$(own_areas)" ] || fail "left: $(own_areas)"
umount /proc/swaps

# What is refused says what helps, and that helps
chmod 644 "$file"
ctl 1 -a swap50
printed "has mode 0644, .*: chmod 600 '$file'; -i does it all the same"
eval "$(sed -n "s/.*: \(chmod 600 '[^']*'\).*/\1/p" "$WORK/err")"
ctl 0 -a swap50
ctl 0 -d swap50
chmod 640 "$file"
ctl 0 -a -i swap50
ctl 0 -d swap50
chmod 600 "$file"
chown "$OURS" "$file"
ctl 1 -a swap50
printed "belongs to user $OURS, .*chown 0:0 '$file'"
chown 0:0 "$file"

# A lock is anybody's who may read it: it isn't waited for without end. Two who add the same take turns.
exec {lock}< "$file"
flock "$lock"
expect_status 1 timeout 60 "$SWAPCTL" -a "$file"
printed "cannot add '$file': somebody holds a lock on it; see lslocks"
exec {lock}<&-
for _ in 1 2 3 4; do
	added=
	for i in 1 2 3; do
		"$SWAPCTL" -a "$file" 2> "$WORK/err$i" {NEVER}<&- {SWAPS}<&- &
		STARTED+=($!)
	done
	for pid in "${STARTED[@]: -3}"; do ! wait "$pid" || added=$added+; done
	[ "$added" = + ] || fail "not added once, but $added: $(cat "$WORK"/err[123])"
	ctl 0 -d "$file"
done

truncate -s 1M "$WORK/areas/sparse"
chmod 600 "$WORK/areas/sparse"
ctl 1 -a sparse
printed 'has a hole at byte 0; make another one: swapctl -a NAME 0 LEN'
ctl 1 -a -i sparse
: > "$WORK/areas/empty"
chmod 600 "$WORK/areas/empty"
ctl 1 -a empty
printed 'is too small: it has 0 blocks'
ctl 1 -a missing
printed "cannot add 'missing': it isn't there; .* swapctl -a NAME 0 LEN"
ctl 1 -a missing 8 1M
ctl 1 -a no/such/directory 0 1M
ctl 1 -a missing 0 8
ctl 1 -a missing 0 17T
printed 'would be too large: a swap area takes at most [0-9]+ blocks'
ctl 1 -a .
printed 'is neither a file nor a block device'
ctl 1 -a /dev/null
ctl 1 -a UUID=11111111-0000-4333-8444-555555555555
printed 'there is no such device'
expect "something was made" [ ! -e "$WORK/areas/missing" ]
printf 'not empty%.0s' {1..30000} > "$WORK/areas/data"
chmod 600 "$WORK/areas/data"
ctl 1 -a data
printed 'begins with data of some kind, which would be destroyed; -i'
expect "it was written to" grep -qc 'not empty' "$WORK/areas/data"
ctl 0 -a -i data
ctl 0 -d data

# What is on a device isn't overwritten; what is mounted or held isn't even with -i
device full 64
refused() { # WHAT COMMAND...
	local what=$1
	shift
	wipefs -qa "$DEVICE"
	"$@" > "$WORK/make.out" 2>&1 || fail "$*: $(cat "$WORK/make.out")"
	cksum < "$DEVICE" > "$WORK/before"
	ctl 1 -a "$DEVICE"
	printed "holds $what, which would be destroyed; -i"
	ctl 1 -a "$DEVICE" 8M 1M
	cksum < "$DEVICE" | cmp - "$WORK/before" || fail "$what: it was written to"
}
refused 'a file system \(ext4\)' mkfs.ext4 -q "$DEVICE"
mkdir "$WORK/mnt"
if mount "$DEVICE" "$WORK/mnt"; then
	ctl 1 -a -i "$DEVICE"
	printed "is in use: it is mounted on $WORK/mnt"
	ctl 1 -a -i "$DEVICE" 8M 1M
	printed 'is in use'
	umount "$WORK/mnt"
fi
# Nor is a file system in a file, wherever it is in it
mount_part() { # WHAT OFFSET
	loop=$(losetup --find --show -o "$2" "$1")
	cleanup "losetup -d $loop"
	mkfs.ext4 -q -E nodiscard "$loop"
	mount "$loop" "$WORK/mnt"
	cleanup "umount $WORK/mnt"
}
unmount_part() {
	umount "$WORK/mnt"
	fsck.ext4 -fn "$loop" > "$WORK/fsck" 2>&1 || fail "it was written to: $(cat "$WORK/fsck")"
	losetup -d "$loop"
	CLEANUP=("${CLEANUP[@]:0:${#CLEANUP[@]}-2}")
}
for offset in 0 1M; do
	fallocate -l 16M "$WORK/areas/image" # what was mounted may have punched holes
	chmod 600 "$WORK/areas/image"
	mount_part "$WORK/areas/image" $offset
	for options in '-a' '-a -i'; do
		# shellcheck disable=SC2086 # words
		ctl 1 $options image
		printed "is in use: $loop stands on it"
		# shellcheck disable=SC2086 # words
		ctl 1 $options image 0 512K
	done
	unmount_part
done
# nor one in a part of a device; beside it there is room
wipefs -qa "$DEVICE"
mount_part "$DEVICE" 32M
ctl 1 -a -i "$DEVICE"
printed "is in use: $loop stands on it"
ctl 1 -a -i "$DEVICE" 0 1M
ctl 0 -a -i "$DEVICE" 8M 1M
ctl 1 -a -i "$DEVICE" 31M 2M
printed "is in use: $loop stands on it"
ctl 0 -d "$DEVICE"
unmount_part
# not for those who only have a look
fallocate -l 16M "$WORK/areas/image"
exec {look}< "$WORK/areas/image"
ctl 1 -a image
printed 'is in use: somebody has it open, such as a virtual machine'
exec {look}<&-
ctl 0 -a -i image
ctl 0 -d image

partition() { # TYPE: as a partitioner writes it, with one partition from 1 MiB on
	python3 - "$DEVICE" "$1" <<-'END'
		import struct, sys, uuid, zlib
		sectors = 64 * 2048
		def entry(kind, first, count):
		    return struct.pack('<B3sB3sII', 0, b'\0\2\0', kind, b'\xff' * 3, first, count)
		kind = 0x83 if sys.argv[2] == 'dos' else 0xee
		first = 2048 if kind == 0x83 else 1
		mbr = bytes(446) + entry(kind, first, sectors - first) + bytes(48) + b'\x55\xaa'
		linux = uuid.UUID('0fc63daf-8483-4772-8e79-3d69d8477de4')
		table = (linux.bytes_le + uuid.uuid4().bytes_le + struct.pack('<QQQ', 2048, sectors - 2048, 0) +
		         'part'.encode('utf-16-le').ljust(72, b'\0')).ljust(128 * 128, b'\0')
		disk_id = uuid.uuid4().bytes_le
		def header(here, other, where):
		    def pack(crc):
		        return struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, 92, crc, 0, here, other,
		                           34, sectors - 34, disk_id, where, 128, 128, zlib.crc32(table))
		    return pack(zlib.crc32(pack(0))).ljust(512, b'\0')
		with open(sys.argv[1], 'r+b') as disk:
		    disk.write(mbr)
		    if kind == 0xee:
		        disk.write(header(1, sectors - 1, 2) + table)
		        disk.seek((sectors - 33) * 512)
		        disk.write(table + header(sectors - 1, 1, sectors - 33))
	END
}
refused 'a partition table \(dos\)' partition dos
refused 'a partition table \(gpt\)' partition gpt
refused 'encrypted data \(LUKS\)' sh -c "printf 'LUKS\272\276\000\001' | dd of=$DEVICE conv=notrunc status=none"
lvm_label() { # what pvcreate writes: a label with its CRC in the second sector
	python3 - "$DEVICE" <<-'END'
		import struct, sys
		body = struct.pack('<I8s32s', 32, b'LVM2 001', b'a' * 32)
		body = body.ljust(492, b'\0')
		crc = 0xf597a6cf
		table = []
		for i in range(256):
		    c = i
		    for _ in range(8):
		        c = (c >> 1) ^ (0xedb88320 if c & 1 else 0)
		    table.append(c)
		for b in body:
		    crc = table[(crc ^ b) & 255] ^ (crc >> 8)
		with open(sys.argv[1], 'r+b') as disk:
		    disk.seek(512)
		    disk.write(struct.pack('<8sQI', b'LABELONE', 1, crc) + body)
	END
}
refused 'a part of LVM \(LVM2_member\)' lvm_label
raid_at_the_end() { # version 0.90: its superblock is the last whole 64K
	wipefs -qa "$DEVICE"
	python3 - "$DEVICE" <<-'END'
		import struct, sys
		block = bytearray(4096)
		struct.pack_into('<IIII', block, 0, 0xa92b4efc, 0, 90, 0)
		struct.pack_into('<I', block, 152, sum(struct.unpack('<1024I', bytes(block))) & 0xffffffff)
		with open(sys.argv[1], 'r+b') as disk:
		    disk.seek(64 * 2**20 - 65536)
		    disk.write(block)
	END
}
refused 'a part of a RAID \(linux_raid_member\)' raid_at_the_end
ctl 1 -a "$DEVICE" 0 1M
printed 'a part of a RAID'
dd if=/dev/zero "of=$DEVICE" bs=1M seek=63 count=1 conv=notrunc status=none
refused 'the image of a hibernated system' sh -c \
	"mkswap -q $DEVICE > /dev/null && printf 'S1SUSPEND\000' | dd of=$DEVICE bs=1 seek=4086 conv=notrunc status=none"
ctl 0 -a -i "$DEVICE"
listed "$DEVICE" type device blocks 131064 by swapctl dev "$(stat -c '%Hr,%Lr' "$DEVICE")"
ctl 0 -d "$DEVICE"
