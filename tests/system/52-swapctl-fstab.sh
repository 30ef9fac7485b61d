#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What fstab, hibernation and the limit of what may be promised have to do with it. fstab, the kernel's
# command line and /proc/swaps are files of this test, each put over the real one.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"

[ -e /etc/fstab ] || skip "there is no /etc/fstab to put another one over"
fstab=$WORK/fstab
: > "$fstab"
mount --bind "$fstab" /etc/fstab
cleanup 'umount /etc/fstab'

make() { # NAME MIB: an area that isn't in use
	dd if=/dev/zero "of=$WORK/areas/$1" bs=1M "count=$2" status=none
	chmod 600 "$WORK/areas/$1"
	mkswap -q "$WORK/areas/$1" > /dev/null
}
for name in one 'with blank' manual later; do make "$name" 8; done
device disk 16
mkswap -q -L "t-${OWN%-}" "$DEVICE" > /dev/null

# -m: all but noauto, with their priorities, and none twice
cat > "$fstab" <<END
# a comment
UUID=0a3407de-014b-458b-b5c1-848e92a327a3 none swap sw,nofail 0 0
/dev/none / ext4 errors=remount-ro 0 1
$WORK/areas/one none swap pri=7 0 0
$WORK/areas/with\\040blank none swap sw,pri=3,discard 0 0
$WORK/areas/manual none swap noauto,pri=9 0 0
$DEVICE none swap sw,swaplo=8192,length=4096,pri=2 0 0
nonsense
END
ctl 0 -m
listed "$WORK/areas/one" pri 7
listed "$WORK/areas/with\\040blank" pri 3
listed "$DEVICE" pri 2 swaplo 8192 blocks 4088 type loop
not_listed "$WORK/areas/manual"
expect "not three areas" [ "$(own_areas | wc -l)" = 3 ]
ctl 0 -m
expect "not three areas" [ "$(own_areas | wc -l)" = 3 ]

# -a takes what is said there, but the command line counts more
ctl 0 -a manual
listed "$WORK/areas/manual" pri 9
ctl 0 -d manual
ctl 0 -a -p 11 manual
listed "$WORK/areas/manual" pri 11
ctl 0 -d manual

# of several parts of one only its own line
cat >> "$fstab" <<END
$DEVICE none swap noauto,swaplo=16384,length=2048,pri=4 0 0
END
ctl 0 -a "$DEVICE" 16383
ctl 0 -l
[ "$(awk -v d="$DEVICE" '$2 == d && $5 == 16384 { print $4, $6 }' "$WORK/out")" = '4 2040' ] ||
	fail "not as its line says: $(cat "$WORK/out")"
ctl 0 -d "$DEVICE" 16384

# One that fails isn't the end
cat >> "$fstab" <<END
$WORK/areas/missing none swap sw 0 0
$WORK/areas/manual none swap pri=99999 0 0
$WORK/areas/later none swap sw 0 0
END
ctl 1 -m
printed "cannot add '$WORK/areas/missing' of /etc/fstab: it isn't there"
printed "cannot add '$WORK/areas/manual' of /etc/fstab: .* option pri"
ctl 0 -d later
echo "$WORK/areas/manual none swap pri=99999 0 0" > "$WORK/bad"
mount --bind "$WORK/bad" /etc/fstab
ctl 1 -a manual
printed "option 'pri' of its line in /etc/fstab"
umount /etc/fstab

# -u: the first of fstab stays; so does what a hibernated system would come back from
ctl 0 -a "$WORK/areas/later"
offset=$(filefrag -v -b4096 "$WORK/areas/with blank" | awk '$1 == "0:" { print $4 + 0 }')
under=$(findmnt -n -o SOURCE -T "$WORK/areas/one")
cp /proc/cmdline "$WORK/cmdline"
mount --bind "$WORK/cmdline" /proc/cmdline
cleanup 'umount /proc/cmdline'
hibernates=
if [ -b "$under" ] && [ -n "$offset" ] && [ ! -e /sys/power/resume ]; then
	hibernates=yes
	echo "quiet resume=$under resume_offset=$offset" > "$WORK/cmdline"
fi
show_only_own
cleanup 'umount /proc/swaps'
ctl 0 -u
printed "'$WORK/areas/one' stays: the system comes up with it, see /etc/fstab"
if [ -n "$hibernates" ]; then
	printed "'$WORK/areas/with blank' stays: a hibernated system would come back from it"
	expect "others are left" [ "$(own_areas | wc -l)" = 2 ]
	echo "quiet resume=$under resume_offset=$((offset + 1))" > "$WORK/cmdline"
	show_only_own
	ctl 0 -u
fi
expect "others are left" [ "$(own_areas | cut -d ' ' -f 1)" = "$WORK/areas/one" ]

# Two areas of one path, one of them in another mount namespace: as nobody can tell which is which both
# stay, whatever it was that should be deleted
mkdir "$WORK/areas/sub" "$WORK/other"
make sub/twin 8
make ../other/twin 8
umount /proc/swaps
ctl 0 -a sub/twin
# shellcheck disable=SC2016 # of that shell
unshare --mount sh -c 'mount --bind "$1/other" "$1/areas/sub" && swapon "$1/areas/sub/twin" && exec cat "$1/never"' \
	- "$WORK" > "$WORK/namespace.out" 2>&1 {NEVER}<&- {SWAPS}<&- &
STARTED+=($!)
cleanup "swapoff $WORK/other/twin 2> /dev/null || :"
twins() { [ "$(own_areas | grep -c "^$WORK/areas/sub/twin ")" = 2 ]; }
await "the area of another namespace" twins
show_only_own
ctl 1 -d sub/twin
printed "cannot delete '$WORK/areas/sub/twin': two areas have this path, of which one is of another mount namespace"
ctl 1 -d "$(awk '/twin / { print NR - 1; exit }' "$WORK/swaps")"
printed 'two areas have this path'
cp "$fstab" "$WORK/fstab.before"
echo "$WORK/areas/sub/twin none swap sw 0 0" > "$fstab"
ctl 0 -u
expect "not both were said to stay" [ "$(grep -c "twin' stays: the system comes up with it" "$WORK/err")" = 2 ]
: > "$fstab"
show_only_own
ctl 1 -u
printed 'two areas have this path'
expect "one was deleted" twins
swapoff "$WORK/other/twin"
show_only_own
ctl 0 -d sub/twin
end_process "${STARTED[-1]}"
cat "$WORK/fstab.before" > "$fstab"
show_only_own

# A device, by its label, after fstab has forgotten all
: > "$fstab"
echo "resume=$DEVICE" > "$WORK/cmdline"
umount /proc/swaps
ctl 0 -a "$DEVICE"
show_only_own
if [ ! -e /sys/power/resume ]; then
	ctl 0 -u
	printed "'$DEVICE' stays: a hibernated system"
	expect "others are left" [ "$(own_areas | cut -d ' ' -f 1)" = "$DEVICE" ]
fi
echo quiet > "$WORK/cmdline"
show_only_own
ctl 0 -u
[ -z "$(own_areas)" ] || fail "left: $(own_areas)"
umount /proc/swaps
CLEANUP=("${CLEANUP[@]/umount \/proc\/swaps/:}")

# -v says so where it means nothing
mode=$WORK/mode
cat /proc/sys/vm/overcommit_memory > "$WORK/real-mode"
echo 1 > "$mode"
mount --bind "$mode" /proc/sys/vm/overcommit_memory
cleanup 'umount /proc/sys/vm/overcommit_memory'
ctl 0 -a -v 100M manual
printed 'a virtual length means nothing here: with vm.overcommit_memory=1'
listed "$WORK/areas/manual" vswap 0
ctl 0 -d manual
ctl 1 -a -v 4M manual
printed 'virtual length would be less than its length of 16384 blocks'

# Where a limit is kept it is raised, and lowered again. The numbers are the real ones; they count
# for nothing while the real mode is another one.
[ "$(cat "$WORK/real-mode")" != 2 ] || skip "this machine keeps a limit, which isn't ours to change"
echo 2 > "$mode"
kib() { cat /proc/sys/vm/overcommit_kbytes; }
ratio=$(cat /proc/sys/vm/overcommit_ratio) before=$(kib)
restore() {
	if [ "$before" != 0 ]; then echo "$before" > /proc/sys/vm/overcommit_kbytes
	else echo "$ratio" > /proc/sys/vm/overcommit_ratio; fi
}
cleanup restore
[ ! -e /run/swapctl ] || skip "/run/swapctl is somebody else's"
ctl 0 -a -v 108M manual
raised=$(kib)
expect "nothing was raised" [ "$raised" -gt $((100 * 1024)) ]
listed "$WORK/areas/manual" vswap 221184 blocks 16376
ctl 0 -a later 0 4M
echo "$WORK/areas/one none swap vlength=32768" > "$fstab"
ctl 0 -m
[ "$(kib)" = $((raised + 8 * 1024)) ] || fail "$(kib), not $raised + 8192"
listed "$WORK/areas/one" vswap 32768
ctl 0 -d later
ctl 0 -d manual
[ "$(kib)" = $((raised - 92 * 1024)) ] || fail "$(kib), not $raised - 94208"
# gone without us: settled with the next one
swapoff "$WORK/areas/one"
ctl 0 -a later
[ "$(kib) $(cat /proc/sys/vm/overcommit_ratio)" = "$before $ratio" ] || fail "not as it was: $(kib)"
expect "something is remembered" [ ! -e /run/swapctl ]
ctl 0 -d later
