# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What the tests of swap areas share, beside lib.sh. No area but the test's own is ever touched, so
# nothing here deletes by number or deletes all, unless /proc/swaps shows nothing but those.

SWAPCTL=$BUILD/swapctl
mkdir "$WORK/areas"

# The real one stays readable when another one is put over it.
exec {SWAPS}< /proc/swaps

# is_own PATH: a file of this test, or a loop device over one, however many are in between.
is_own() {
	local path=$1
	while [[ $path == /dev/loop* ]]; do
		path=$(cat "/sys/block/${path#/dev/}/loop/backing_file" 2>/dev/null) || return 1
	done
	[[ $path == "$WORK"/* ]]
}

# Those of this test: "PATH TYPE SIZE USED PRIORITY" each.
own_areas() {
	local -a lines
	local line path rest
	# in one reading: what is used changes, and with it where the next line begins
	mapfile -t lines < "/proc/self/fd/$SWAPS"
	for line in "${lines[@]}"; do
		read -r path rest <<< "$line"
		! is_own "$path" || echo "$path $rest"
	done
}

all_off() {
	local path _
	own_areas > "$WORK/left"
	while read -r path _; do
		swapoff "$(printf '%b' "${path//\\/\\0}")" # blanks are escaped
	done < "$WORK/left"
}
cleanup all_off

# show_only_own: from now on /proc/swaps is a file that shows what own_areas says at each call.
show_only_own() {
	{ echo 'Filename Type Size Used Priority' && own_areas; } > "$WORK/swaps"
	mountpoint -q /proc/swaps || mount --bind "$WORK/swaps" /proc/swaps
}

# image NAME MIB COMMAND...: a file of that size, made into a file system by the command, which gets
# its name, and mounted on $WORK/mnt-NAME.
image() {
	local name=$1 mib=$2
	shift 2
	truncate -s "${mib}M" "$WORK/$name.img"
	"$@" "$WORK/$name.img" > "$WORK/mkfs.out" 2>&1 || fail "mkfs: $(cat "$WORK/mkfs.out")"
	mkdir "$WORK/mnt-$name"
	mount -o loop "$WORK/$name.img" "$WORK/mnt-$name" 2> "$WORK/mount.err" || return 1
	cleanup "all_off && umount $WORK/mnt-$name"
}

# device NAME MIB: a block device of zeroes in DEVICE.
device() {
	truncate -s "$2M" "$WORK/$1"
	DEVICE=$(losetup --find --show "$WORK/$1" 2> "$WORK/losetup.err") ||
		skip "no loop device: $(cat "$WORK/losetup.err")"
	cleanup "all_off && losetup -d $DEVICE"
	[ -b "$DEVICE" ] || skip "$DEVICE has no device node"
}

# ctl STATUS ARG...: swapctl, from the test's own directory.
ctl() {
	local wanted=$1
	shift
	expect_status "$wanted" env -C "$WORK/areas" "$SWAPCTL" "$@"
}

# column NAME PATH: of the last list printed.
column() {
	NAME=$1 AREA=$2 awk '
		BEGIN { name = ENVIRON["NAME"]; path = ENVIRON["AREA"] }
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$2 == path { print $at[name]; found = 1; exit }
		END { exit !found }' "$WORK/out"
}

# listed PATH [COLUMN VALUE]...
listed() {
	local path=$1 value
	ctl 0 -l -f
	shift
	while [ $# -gt 0 ]; do
		value=$(column "$1" "$path") || fail "$path isn't listed: $(cat "$WORK/out")"
		[ "$value" = "$2" ] || fail "$path: $1 is $value, not $2: $(cat "$WORK/out")"
		shift 2
	done
}

not_listed() {
	ctl 0 -l
	! column path "$1" > /dev/null || fail "$1 is listed still"
}

# as_swapon_says: each own area has the same size, use and priority there as in our JSON.
as_swapon_says() {
	ctl 0 -l --json
	swapon --show=NAME,SIZE,USED,PRIO --bytes --noheadings --raw > "$WORK/swapon"
	own_areas > "$WORK/own"
	python3 - "$WORK/out" "$WORK/swapon" "$WORK/own" <<-'END' || fail "swapon --show says something else"
		import json, sys
		areas = {a["kernel_path"]: a for a in json.load(open(sys.argv[1]))["areas"]}
		own = {line.split()[0] for line in open(sys.argv[3])}
		shown = 0
		for line in open(sys.argv[2]):
		    name, size, used, prio = line.split()
		    if name not in own:
		        continue
		    a = areas[name]
		    shown += 1
		    ours = (a["size_bytes"], a["used_bytes"], a["priority"])
		    # it reports the size with the header
		    assert ours == (int(size), int(used), int(prio)) or \
		        (ours[0] + 4096,) + ours[1:] == (int(size), int(used), int(prio)), (line, a)
		assert shown == len(own), (shown, own)
	END
}
