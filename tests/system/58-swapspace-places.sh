#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where areas may lie: each file system, a full disk, and what is refused with its reason, while the
# daemon goes on without.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"
# shellcheck source=tests/system/swapspace.sh
. "$(dirname "$0")/swapspace.sh"

script_memory 25
tried=
for type in ext4 xfs btrfs; do
	command -v mkfs.$type > /dev/null || { echo "no mkfs.$type: not tried"; continue; }
	grep -qw $type /proc/filesystems || modprobe $type 2>/dev/null ||
		{ echo "this kernel has no $type: not tried"; continue; }
	image $type 400 mkfs.$type -q || { echo "$type can't be mounted: $(cat "$WORK/mount.err")"; continue; }
	tried="$tried $type"
	DIR=$WORK/mnt-$type/space

	# it makes the directory itself
	machine 25 1000 500
	start_daemon "--swapspace.swappath=$DIR"
	await_log "swap areas: path=$DIR fs=$type areas=0 "
	expect "its mode" [ "$(stat -c %a "$DIR")" = 700 ]
	machine 25 300 0
	await_log "swap area added file=$DIR/swap-1 bytes=200MiB"
	is_area "$DIR/swap-1" "$(rule 25)"
	[ $type != btrfs ] || expect "it copies on write" [ "$(lsattr "$DIR/swap-1" | cut -d ' ' -f 1 | tr -dc C)" = C ]
	! said 'written_over=yes' || fail "the kernel took its space for holes"

	# full: diet, one warning, nothing left; another try after each cooldown, until there is room
	machine 25 1000 0
	await_log 'swap area added .* areas=2 ' # what there is room for
	machine 25 1001 0
	await_log 'warning: cannot add a swap area: cannot make its file: No space left on device; free some of the disk, or lower \[swapspace\] reserve: path=.* wanted=[^ ]* disk_free='
	await_log 'swapspace hungry -> diet: a limit was met'
	await_log 'swapspace diet -> steady: the cooldown is over'
	await_log 'swapspace hungry -> diet'
	expect_times 1 'cannot add a swap area'
	# (where free space is an estimate it took some more to fill it)
	areas=$(times 'swap area added')
	space_holds "$(seq -f 'swap-%g' -s ' ' "$areas")"
	dump
	expect_dump "swapspace: path=[^ ]* fs=[^ ]* areas=$areas .*failed=[2-9] last_error=ENOSPC"
	machine 80 1001 1000
	for ((i = 0; i < areas; i++)); do await_log 'swap area retired '; done
	space_holds '*'
	# the reserve stays
	stop_daemon
	machine 25 1000 0
	skip_log
	start_daemon "--swapspace.swappath=$DIR" --swapspace.reserve=50
	await_log 'swap area added '
	stop_daemon
	sync -f "$DIR"
	df --output=avail,size -B 1 "$DIR" | awk 'NR == 2 { exit !($1 >= $2 * 0.45) }' || fail "the reserve: $(df "$DIR")"
	expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" "--swapspace.swappath=$DIR" --erase
	skip_log
	: > "$LOG"
	LOG_AT=0
done
[ -n "$tried" ] || skip "no file system could be made"
echo "tried:$tried"

# refused PATH REASON: said once, no area comes, and the first machine goes on; --inspect says it too.
refused() {
	local path=$1 reason=$2
	: > "$LOG"
	LOG_AT=0
	machine 25 1000 0
	start_daemon "--swapspace.swappath=$path"
	await_log "warning: no swap area can be made: $path $reason; going on without"
	machine 5 1000 0
	await_log 'steady -> hungry'
	ticks 25 # more than a cooldown
	expect_times 1 'no swap area can be made'
	expect_times 0 'swapspace .* -> '
	dump
	expect_dump 'swapspace: path=[^ ]* fs=[^ ]* refused=yes areas=0'
	expect "an area came" [ -z "$(own_areas)" ]
	expect_status 1 "$BUILD/swapify-policy" "${OPTIONS[@]}" "--swapspace.swappath=$path" --inspect
	printed "^FAILS  swap space +$path $reason\$"
}

mkdir "$WORK/mnt-tmpfs"
mount -t tmpfs -o mode=755 none "$WORK/mnt-tmpfs"
cleanup "umount $WORK/mnt-tmpfs"
mkdir -m 700 "$WORK/mnt-tmpfs/space"
refused "$WORK/mnt-tmpfs/space" 'lies on tmpfs, where no swap file can be: what lies there is in memory itself'
stop_daemon
mkdir "$WORK/lower" "$WORK/upper" "$WORK/worker" "$WORK/mnt-overlay"
if mount -t overlay -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/worker" none "$WORK/mnt-overlay" 2>/dev/null; then
	cleanup "umount $WORK/mnt-overlay"
	mkdir -m 700 "$WORK/mnt-overlay/space"
	refused "$WORK/mnt-overlay/space" 'lies on overlay, where no swap file can be: a file there has no blocks of its own on a disk'
	stop_daemon
fi

mkdir "$WORK/wide"
refused "$WORK/wide" 'has mode 0755, so that others get into it: chmod 700 it'
# put right, it is found to be so after a cooldown
chmod 700 "$WORK/wide"
await_log "swap areas can be made now path=$WORK/wide"
await_log 'swapspace steady -> hungry'
await_log "swap area added file=$WORK/wide/swap-1"
stop_daemon
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" "--swapspace.swappath=$WORK/wide" --erase

mkdir -m 700 "$WORK/others"
chown $OURS "$WORK/others"
refused "$WORK/others" "belongs to user $OURS: chown root it"
stop_daemon
mkdir -m 777 "$WORK/open" && chmod 777 "$WORK/open"
mkdir -m 700 "$WORK/open/space"
refused "$WORK/open/space" 'lies in a directory that others than root may write to: chown root and chmod go-w that one'
stop_daemon
: > "$WORK/file"
refused "$WORK/file" "isn't a directory"
stop_daemon
refused "$WORK/no/where" "isn't there; make it, with mode 700"
stop_daemon
# a link is followed, and what it leads to counts
ln -s wide "$WORK/link"
machine 25 1000 500
skip_log
start_daemon "--swapspace.swappath=$WORK/link"
await_log "swap areas: path=$WORK/wide "
stop_daemon

# The capabilities that the unit grants are enough.
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$(dirname "$0")/../../etc/swapify-policy.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
machine 25 1000 0
skip_log
setpriv --no-new-privs "--bounding-set=-all,$caps" "$BUILD/swapify-policy" "${OPTIONS[@]}" \
	"--swapspace.swappath=$WORK/bounded" --swapspace.paranoid=yes 2>> "$LOG" {NEVER}<&- {SWAPS}<&- &
DAEMON=$!
STARTED+=("$DAEMON")
await_log "swap area added file=$WORK/bounded/swap-1 "
machine 80 1500 1500
await_log "swap area retired file=$WORK/bounded/swap-1 "
all_retired() { [ -z "$(ls "$WORK/bounded")" ]; } # those, too, that came before there was enough
await "the directory to be empty" all_retired
stop_daemon
# without the one it is said, and a diet
setpriv --bounding-set=-all,+sys_nice,+sys_ptrace,+dac_read_search "$BUILD/swapify-policy" "${OPTIONS[@]}" \
	"--swapspace.swappath=$WORK/bounded" 2>> "$LOG" {NEVER}<&- {SWAPS}<&- &
DAEMON=$!
STARTED+=("$DAEMON")
machine 25 1000 0
await_log 'warning: cannot add a swap area: cannot swap to it: Operation not permitted; it takes CAP_SYS_ADMIN'
await_log 'swapspace hungry -> diet'
DIR=$WORK/bounded space_holds '*'
stop_daemon
