#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Never another file than the one that is mapped: replaced, deleted, in a container, on file systems
# whose files have another device in maps; none that others serve or own.
# shellcheck source=tests/system/prelock-lib.sh
. "$(dirname "$0")/prelock-lib.sh"

inode_of_places() {
	awk -v "path=$LIB/$1" '$6 == path { print $5 }' "/proc/$DAEMON/maps"
}

library one.so
library two.so
start_caller one one.so
start_daemon "${PRELOCK[@]}"
await "the library to be locked" is_locked one.so
first=$(stat -c %i "$LIB/one.so")
expect "another file is locked" [ "$(inode_of_places one.so)" = "$first" ]

# Replaced under its name, as an upgrade does: let go, and the new one isn't taken for it.
mv "$LIB/two.so" "$LIB/one.so"
await "it to be let go" is_let_go one.so
await_dump 'prelock: left out replaced=1'
expect_dump "prelock: left out reason=replaced sharers=1 .* file=$LIB/one.so"
expect "something of it is mapped still" is_let_go one.so
# whoever starts the new one has it locked, beside the old one's process
start_caller new one.so
await "the new one to be locked" is_locked one.so
expect "the old file is locked" [ "$(inode_of_places one.so)" = "$(stat -c %i "$LIB/one.so")" ]
await_dump 'prelock: files=1 .*left out replaced=1'

# Replaced between two looks, again and again: the file behind the name is always the one that is
# mapped by somebody, or none is.
for _ in {1..20}; do
	cp "$LIB/one.so" "$LIB/next.so"
	mv "$LIB/next.so" "$LIB/one.so"
	for inode in $(inode_of_places one.so); do
		expect "a file that nobody runs is locked" [ "$inode" != "$(stat -c %i "$LIB/one.so")" ]
	done
done
await "it to be let go" is_let_go one.so

# Deleted.
library three.so
start_caller three three.so
await "the third to be locked" is_locked three.so
rm "$LIB/three.so"
await "it to be let go" is_let_go three.so
scans 2
expect "a deleted file is locked" is_let_go three.so
end_ours one new three

# In a container, under the same name: another file, or one that isn't there for us.
library four.so
mkdir "$WORK/other"
cp "$LIB/four.so" "$WORK/other/four.so"
cp "$LIB/four.so" "$WORK/other/five.so"
start_ours_in_container() {
	cat > "$WORK/container" <<-END
		#!/bin/bash
		mount --bind "$WORK/other" "$LIB"
		exec "\$@"
	END
	chmod 755 "$WORK/container"
	WITH="unshare -m $WORK/container" start_caller "$@"
}
start_ours_in_container four four.so
start_ours_in_container five five.so
scans 1
await_dump 'prelock: left out replaced=2'
expect "a file of a container is locked" is_let_go four.so
expect "a file of a container is locked" is_let_go five.so
end_ours four five

# Not root's: who owns it could make it anything, and what is in memory of it isn't told.
library foreign.so
chown "$OURS" "$LIB/foreign.so"
start_caller foreign foreign.so
await_dump "prelock: left out reason=foreign sharers=1 .* file=$LIB/foreign.so"
end_ours foreign

# Where maps has another device than stat: by map_files.
on_file_system() {
	local type=$1
	truncate -s 300M "$WORK/$type.img"
	"mkfs.$type" -q "$WORK/$type.img" > "$WORK/mkfs.out" 2>&1 &&
		mkdir "$LIB/$type" && mount -o loop "$WORK/$type.img" "$LIB/$type" || return 1
	cleanup "umount $LIB/$type"
}
for type in btrfs xfs; do
	if ! command -v mkfs.$type > /dev/null || ! on_file_system $type; then
		echo "no $type: not tried"
		continue
	fi
	library $type/lib.so
	start_caller $type $type/lib.so
	call $type 0 200
	await "the library on $type to be locked" is_locked $type/lib.so
	expect_status 0 setpriv --bounding-set -checkpoint_restore,-sys_admin --inh-caps -checkpoint_restore,-sys_admin \
		"$BUILD/swapify-policy" -c /dev/null --prelock-once -v "--prelock.paths=$LIB/$type" "--prelock.names=$OWN*"
	printed " 1  $([ $type = btrfs ] && echo unknown || echo locked) +$LIB/$type/lib\.so\$"
	cp "$LIB/$type/lib.so" "$LIB/$type/new.so"
	mv "$LIB/$type/new.so" "$LIB/$type/lib.so"
	await "that on $type to be let go" is_let_go $type/lib.so
	scans 1
	expect "another one on $type is locked" is_let_go $type/lib.so
	end_ours $type
done
mkdir "$WORK"/{lower,upper,work} "$LIB/overlay"
library lib.so
mv "$LIB/lib.so" "$WORK/lower/lib.so"
if mount -t overlay overlay -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/work" "$LIB/overlay"; then
	cleanup "umount $LIB/overlay"
	start_caller overlay overlay/lib.so
	await "the library on overlay to be locked" is_locked overlay/lib.so
	end_ours overlay
	await "that on overlay to be let go" is_let_go overlay/lib.so
fi

# Served by a process, which may be swapped out or stopped: left alone.
mkdir "$LIB/fuse"
mkfifo "$WORK/fuse.in"
python3 "$(dirname "$0")/../tools/fusefile.py" "$LIB/fuse" "$BUILD/tools/biglib.so" \
	0<>"$WORK/fuse.in" > "$WORK/fuse.out" 2>&1 {NEVER}<&- &
fuse=$!
STARTED+=("$fuse")
answered() { [ -s "$WORK/fuse.out" ]; }
await "the FUSE file system" answered
if grep -qx ready "$WORK/fuse.out"; then
	start_caller fuse fuse/file
	await_dump "prelock: left out reason=served sharers=1 .* file=$LIB/fuse/file"
	expect "a served file is locked" is_let_go fuse/file
	scans 2
	expect_times 1 'files on network and FUSE file systems are not locked: files=1$'
	end_ours fuse
	umount "$LIB/fuse"
	await "its server to end" gone $fuse
else
	echo "no FUSE here: $(cat "$WORK/fuse.out")"
fi
stop_daemon
