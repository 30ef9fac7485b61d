#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Images that can't be made, and images that can't be read: the first the program doesn't notice,
# the second it waits for, stopped, until they are put right.
# beside others
# shellcheck source=tests/system/shim-faults.sh
. "$(dirname "$0")/shim-faults.sh"

# -- images that can't be read --------------------------------------------------------------------

# damage NAME WHAT...: see imagetool.py
damage() {
	local image=$IMAGES/${PID[$1]}.swap
	shift
	"$WORK/bin/imagetool.py" "$image" damage "$@"
}

# stays NAME: whatever is tried, it doesn't run.
stays() {
	local i
	for ((i = 0; i < 5; i++)); do
		request "$1" status
		field state
		[[ $VALUE == swapped || $VALUE == unswapping ]] || fail "it says: $REPLY_TEXT"
		stands "$1" || fail "$1 was continued from outside, and is in state $STATE"
	done
}

# stuck NAME ERRNO REGEX: it can't be unswapped, for that reason, and nothing makes it run.
stuck() {
	refused "$1" unswap "$2" "$3"
	field state
	expect "it says: $REPLY_TEXT" [ "$VALUE" = swapped ]
	field image_bytes
	expect "it says: $REPLY_TEXT" [ "$VALUE" -gt 0 ]
	stands "$1" || fail "$1 doesn't stand still: $STATE"
	refused "$1" unswap "$2" "$3"
	refused "$1" exit "$2" "$3"
	kill -CONT "${PID[$1]}"
	stays "$1"
	await_state "$1" swapped
}

is_back() {
	request "$1" unswap
	[[ $REPLY_BYTE == [02] ]]
}

# right_again NAME: it runs, when it is asked to, or by itself for the SIGCONT that it was sent.
right_again() {
	await "$1 to come back" is_back "$1"
	expect_running "$1"
	expect "an image is left" [ ! -e "$IMAGES/${PID[$1]}.swap" ]
}

attach bad checker -t 4 -m 2
readonly IMAGE=$IMAGES/${PID[bad]}.swap
while read -r errno reason what; do
	for how in place name; do
		swap_out bad
		cp -p "$IMAGE" "$WORK/good"
		# shellcheck disable=SC2086 # two words
		damage bad $what
		stuck bad "$errno" "$reason"
		case $how in
		place) cat "$WORK/good" > "$IMAGE" ;;
		name) mv "$WORK/good" "$IMAGE" ;;
		esac
		right_again bad
	done
done <<'CASES'
EBADMSG damaged cut
EBADMSG damaged empty
EBADMSG damaged head 0
EBADMSG damaged head 1
EBADMSG damaged head 2
EBADMSG damaged data 0
EBADMSG damaged data 1
EBADMSG damaged data 2
CASES
rm -f "$WORK/good"

# an image of another program in its place isn't taken, nor is one that lies under a link
attach other checker -t 2 -m 1
swap_out other
swap_out bad
cp -p "$IMAGE" "$WORK/good"
damage bad data 1
cp "$IMAGES/${PID[other]}.swap" "$WORK/wrong"
for wrong in "$WORK/wrong" "$IMAGES/${PID[other]}.swap"; do
	rm -f "$IMAGE"
	cp "$wrong" "$IMAGE"
	chown "$OURS" "$IMAGE"
	stuck bad EBADMSG damaged
done
rm "$IMAGE"
ln -s "$WORK/good" "$IMAGE"
stuck bad EBADMSG damaged
rm "$IMAGE"
cp "$WORK/good" "$IMAGE"	# root's
stuck bad EBADMSG damaged
chown "$OURS" "$IMAGE"
right_again bad
bring_back other
end_ours other

# who has the descriptor needs no name and no right to read
for how in rm 'chmod 0' 'damage header'; do
	swap_out bad
	case $how in
	rm) rm "$IMAGE" ;;
	chmod*) chmod 0 "$IMAGE" ;;
	*) damage bad header ;;
	esac
	request bad unswap
	expect "not unswapped: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
	expect_running bad
	rm -f "$IMAGE"
done
swap_out bad
mv "$IMAGES" "$WORK/moved"
mkdir -m 700 "$IMAGES"
chown "$OURS" "$IMAGES"
bring_back bad
rmdir "$IMAGES"
mv "$WORK/moved" "$IMAGES"
expect "an image is left where it was moved" [ ! -e "$IMAGE" ]
# what others have put there isn't removed
swap_out bad
rm "$IMAGE"
echo mine > "$IMAGE"
request bad unswap
expect "not unswapped: $REPLY_TEXT" [ "$REPLY_BYTE" = 0 ]
expect_running bad
expect "a foreign file was removed" [ "$(cat "$IMAGE")" = mine ]
swap_refused bad EEXIST 'exists and is no image'
rm "$IMAGE"

# what is to end it waits for its memory as well, but SIGKILL
swap_out bad
cp -p "$IMAGE" "$WORK/good"
damage bad data 2
stuck bad EBADMSG damaged
kill -TERM "${PID[bad]}"
stays bad
told() {
	request "$1" unswap
	field error
	[ "$VALUE" = "$2" ]
}
await "it to say why it can't be unswapped" told bad EBADMSG
mv "$WORK/good" "$IMAGE"
ended bad 143
expect_nothing
attach bad checker -t 4 -m 2
swap_out bad
request bad swap
expect "it says: $REPLY_TEXT" [ "$REPLY_BYTE" = 2 ]
damage bad data 2
stuck bad EBADMSG damaged
kill -KILL "${PID[bad]}"
ended bad 137
expect_nothing

# -- directories that won't do --------------------------------------------------------------------

attach a checker -t 4 -m 5
# shellcheck disable=SC2034
readonly IMAGE_A=$IMAGES/${PID[a]}.swap
put_aside() { mv "$IMAGES" "$WORK/aside"; }
put_back() { mv "$WORK/aside" "$IMAGES"; }

put_aside
swap_refused a ENOENT 'does not exist'
ln -s "$WORK/aside" "$IMAGES"
swap_refused a '(ELOOP|ENOTDIR)' 'is a link'
rm "$IMAGES"
: > "$IMAGES"
chown "$OURS" "$IMAGES"
swap_refused a ENOTDIR 'no directory'
rm "$IMAGES"
put_back

for mode in 0770 0707 0722 01777; do
	chmod "$mode" "$IMAGES"
	swap_refused a EPERM 'may be written by others'
done
chmod 0500 "$IMAGES"
swap_refused a EACCES 'permission denied'
chmod 0000 "$IMAGES"
swap_refused a EACCES "can't be opened"
chmod 0700 "$IMAGES"
chown "$SPARED" "$IMAGES"
swap_refused a EACCES "can't be opened"
chmod 0755 "$IMAGES"
swap_refused a EPERM 'belongs to another user'
chmod 0700 "$IMAGES"
chown "$OURS" "$IMAGES"

for type in tmpfs ramfs; do
	mount -t "$type" swapify-test "$IMAGES"
	chmod 0700 "$IMAGES"
	chown "$OURS" "$IMAGES"
	swap_refused a EINVAL tmpfs
	umount "$IMAGES"
done
mount --bind "$IMAGES" "$IMAGES"
mount -o remount,bind,ro "$IMAGES"
swap_refused a EROFS read-only
umount "$IMAGES"

echo notes > "$IMAGE_A"
chown "$OURS" "$IMAGE_A"
swap_refused a EEXIST 'exists and is no image'
expect "the file was touched" [ "$(cat "$IMAGE_A")" = notes ]
rm "$IMAGE_A"
mkdir "$IMAGE_A"
swap_refused a '(EEXIST|EISDIR)' 'exists and is no image'
rmdir "$IMAGE_A"
mkfifo "$IMAGE_A"
chown "$OURS" "$IMAGE_A"
swap_refused a EEXIST 'exists and is no image'
rm "$IMAGE_A"
echo notes > "$WORK/notes"
chown "$OURS" "$WORK/notes"
ln -s "$WORK/notes" "$IMAGE_A"
swap_refused a EEXIST 'exists and is no image'
expect "the link was touched" [ "$(cat "$IMAGE_A")" = notes ]
rm "$IMAGE_A"

# of this program, but not from this swap; of another; of nobody
swap_out a
cp -p "$IMAGE_A" "$WORK/good"
bring_back a
for stale in own old empty; do
	cp -p "$WORK/good" "$IMAGE_A"
	case $stale in
	old) "$WORK/bin/imagetool.py" "$IMAGE_A" old ;;
	empty) : > "$IMAGE_A" ;;
	esac
	swap_out a
	bring_back a
done
cp -p "$WORK/good" "$IMAGE_A"
"$WORK/bin/imagetool.py" "$IMAGE_A" damage header
swap_refused a EEXIST 'exists and is no image'
rm "$IMAGE_A" "$WORK/good"
nothing_in_images() { [ -z "$(ls -A "$IMAGES")" ]; }
expect "images are left" nothing_in_images

# -- limits ---------------------------------------------------------------------------------------

helper_of a
for bytes in 0 4096 8192 1000000 8000000; do
	as_user prlimit --pid "$HELPER" --fsize=$bytes:
	swap_refused a EFBIG 'larger than the limit'
	expect "an image is left" nothing_in_images
done
as_user prlimit --pid "$HELPER" --fsize=unlimited:
# without a descriptor to be had it refuses, at whichever point that comes
open=$(find "/proc/$HELPER/fd" -mindepth 1 | wc -l)
for ((more = 1; more <= 8; more++)); do
	as_user prlimit --pid "$HELPER" --nofile=$((open + more)):
	request a swap
	as_user prlimit --pid "$HELPER" --nofile=1024:
	if [ "$REPLY_BYTE" = 0 ]; then
		bring_back a
		continue
	fi
	expect_running a
	expect_state a running
	expect "an image is left with $more descriptors" nothing_in_images
done
swap_out a
bring_back a

# -- disks ----------------------------------------------------------------------------------------

# disk BACKING MIB [FEATURE]: an ext4 in the place of the images
disk() {
	truncate -s "$2M" "$1"
	mkfs.ext4 -q -F -b 4096 -m 0 -O "^has_journal${3:+,$3}" "$1"
	mount -o loop "$1" "$IMAGES"
	chown "$OURS:$OURS" "$IMAGES"
	chmod 700 "$IMAGES"
	rmdir "$IMAGES/lost+found"
}

no_disk() {
	if mountpoint -q "$IMAGES"; then umount "$IMAGES"; fi
}
cleanup no_disk

# full: known before anything is given up
disk "$WORK/small" 8
swap_refused a ENOSPC 'the disk is full'
expect "an image is left" nothing_in_images
as_user dd if=/dev/zero "of=$IMAGES/filler" bs=4096 2>/dev/null || :
swap_refused a ENOSPC 'the disk is full'
rm "$IMAGES/filler"
expect "an image is left" nothing_in_images
no_disk
# no inode left
truncate -s 32M "$WORK/small"
mkfs.ext4 -q -F -b 4096 -m 0 -N 16 "$WORK/small"
mount -o loop "$WORK/small" "$IMAGES"
chown "$OURS:$OURS" "$IMAGES"
chmod 700 "$IMAGES"
n=0
while as_user touch "$IMAGES/$n" 2>/dev/null; do n=$((n + 1)); done
swap_refused a ENOSPC 'the disk is full'
rm "$IMAGES/0"
swap_out a
bring_back a
no_disk
rm "$WORK/small"

# without room reserved before (block maps can't): what is out by then comes back
disk "$WORK/small" 10 ^extent,^64bit
request a swap
[ "$REPLY_BYTE" = 1 ] || fail "it was swapped to a disk that is too small: $REPLY_TEXT"
refused a swap ENOSPC "can't be written: the disk is full"
expect_running a
expect_state a running
expect "an image is left" nothing_in_images
no_disk
disk "$WORK/small" 64 ^extent,^64bit
swap_out a
bring_back a
no_disk
rm "$WORK/small"

# one that can't read any more: behind the end of its backing file a loop device says EIO
disk "$WORK/small" 64
swap_out a
sync -f "$IMAGES"
cp --sparse=always "$WORK/small" "$WORK/good"
truncate -s 4096 "$WORK/small"
stuck a EIO 'input/output error'
cat "$WORK/good" > "$WORK/small"
right_again a
no_disk
rm "$WORK/good" "$WORK/small"

# thin_disk FREE_MIB MKFS_OPTION... -- MOUNT_OPTIONS: one that promises more than it has: of what is
# written to it and was never before only so much finds room, the rest fails
thin_disk() {
	local free=$1
	local -a options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	mkdir "$WORK/thin"
	mount -t tmpfs -o size=64m none "$WORK/thin"
	truncate -s 128M "$WORK/thin/disk"
	mkfs.ext4 -q -F -b 4096 -m 0 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "${options[@]}" "$WORK/thin/disk"
	mount -o "loop,$2" "$WORK/thin/disk" "$IMAGES"
	chown "$OURS:$OURS" "$IMAGES"
	chmod 700 "$IMAGES"
	rmdir "$IMAGES/lost+found"
	sync -f "$IMAGES"
	mount -o "remount,size=$(($(du -k "$WORK/thin/disk" | cut -f 1) + free * 1024))k" "$WORK/thin"
}

no_thin_disk() {
	no_disk
	if mountpoint -q "$WORK/thin"; then umount "$WORK/thin"; fi
	rmdir "$WORK/thin"
}

# what the page cache has taken and the disk doesn't isn't given up: where the file system refuses
# to do without the cache, and where it only seems to do without
can_tamper
helper_of a
thin_disk 6 -O ^has_journal -- rw
tamper pwritev:error=EINVAL:when=2
refused a swap '(EIO|ENOSPC|EROFS)' "can't be written"
untamper
expect_running a
expect_state a running
expect "an image is left" nothing_in_images
no_thin_disk
# (which is read-only from then on, journal and all)
thin_disk 6 -J size=4 -- data=journal
refused a swap '(EIO|ENOSPC|EROFS)' "can't be written"
expect_running a
expect_state a running
no_thin_disk
# and with room goes there all the same
thin_disk 40 -J size=4 -- data=journal
swap_out a
bring_back a
no_thin_disk

# -- calls that fail ------------------------------------------------------------------------------
# Whatever the kernel refuses to the helper: the program runs, as before, or it stands still until
# it is asked for again.

# come_through REQUEST SPEC...
come_through() {
	local asked=$1
	shift
	tamper "$@"
	request a "$asked"
	untamper
	field state
	case $asked$REPLY_BYTE$VALUE in
	swap0swapped | swap1swapped | unswap1swapped)
		stands a || fail "a is $VALUE and in state $STATE after $asked with $*"
		bring_back a
		;;
	swap1running | unswap0running)
		expect_running a
		expect "an image is left after $asked with $*" nothing_in_images
		;;
	*) fail "after $asked with $*: $REPLY_TEXT" ;;
	esac
}

while read -r calls; do
	# shellcheck disable=SC2086 # words
	come_through swap $calls
done <<'CALLS'
fallocate:error=ENOSPC
fallocate:error=EOPNOTSUPP
fallocate:error=EIO
ftruncate:error=EIO
pwritev:error=EIO:when=1
pwritev:error=ENOSPC:when=2
pwritev:error=ENOSPC:when=3
pwritev:error=EDQUOT:when=4
pwritev:error=EINTR:when=2
pwritev:error=EINVAL:when=2
pwritev:error=ENOSPC:when=3 preadv:error=EIO
clone:error=EAGAIN
pidfd_send_signal:error=EPERM:when=1
ptrace:error=EPERM:when=1
ptrace:error=EPERM:when=4
ioctl:error=ENOTTY
ioctl:error=ENOTTY:when=1
ioctl:error=ENOMEM:when=3
madvise:error=ENOMEM:when=1
madvise:error=EHWPOISON:when=9
madvise:error=EINVAL:when=400+
mprotect:error=ENOMEM:when=1
mprotect:error=ENOMEM:when=300
mprotect:error=ENOMEM:when=700
mmap:error=ENOMEM
openat:error=EMFILE:when=2
openat:error=EMFILE:when=6
openat:error=EMFILE:when=20
statx:error=EIO:when=1
read:error=EIO:when=5
CALLS
while read -r calls; do
	swap_out a
	# shellcheck disable=SC2086 # words
	come_through unswap $calls
done <<'CALLS'
preadv:error=EIO:when=1
preadv:error=EIO:when=2
preadv:error=EIO:when=3
preadv:error=EINTR:when=1
preadv:error=EINVAL:when=2
preadv:error=EINVAL
preadv:retval=0:when=3
clone:error=EAGAIN
mprotect:error=ENOMEM:when=1
mprotect:error=ENOMEM:when=50
mprotect:error=ENOMEM:when=100
madvise:error=ENOMEM
madvise:error=EINVAL
prctl:error=EPERM
CALLS

swap_out a
bring_back a
quit a
