#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Without privileges the daemon says what is missing and ends; --once shows what one may see.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

as_user=(setpriv --reuid "$OURS" --regid "$OURS" --clear-groups)
install -m 755 "$BUILD/swapify-policy" "$WORK/swapify-policy"
mkdir -m 777 "$WORK/open"
mine=(-c /dev/null "--daemon.lockfile=$WORK/open/lock" --daemon.interval=200ms --idle.min_rss=8M)

expect_status 1 "${as_user[@]}" "$WORK/swapify-policy" "${mine[@]}"
printed 'error: CAP_SYS_NICE is missing: it takes it to advise about .*; run as root, or with -n'
expect "it took the lock first" [ ! -e "$WORK/open/lock" ]
# one capability isn't enough
expect_status 1 setpriv --bounding-set=-all,+sys_nice --inh-caps=-all,+sys_nice \
	"$WORK/swapify-policy" "${mine[@]}"
printed 'error: CAP_SYS_PTRACE is missing'

start_holder mine 16
AS=$SPARED start_holder theirs 16
for options in --once '--once -n'; do
	# shellcheck disable=SC2086 # two words
	expect_status 0 "${as_user[@]}" "$WORK/swapify-policy" $options "${mine[@]}"
	printed '^Memory: .* available; short under 20%, plenty over 60%'
	printed "^ +[12] +${PID[mine]} ${OWN}mine +$OURS +[0-9]+m?s +1[56]\\.[0-9]MiB .* young, in "
	printed "^ +[12] +${PID[theirs]} ${OWN}theirs "
done
# A rule that asks for what may not be seen: left alone.
expect_status 0 "${as_user[@]}" "$WORK/swapify-policy" --once -v "${mine[@]}" --protect.paths=/nowhere
printed "^ +1 +${PID[mine]} ${OWN}mine "
printed "^ +- +${PID[theirs]} ${OWN}theirs .* unreadable$"

# Where /proc hides the others, it goes by its own.
mkdir "$WORK/hidden"
mount -t proc -o hidepid=2 proc /proc
expect_status 0 "${as_user[@]}" "$WORK/swapify-policy" --once "${mine[@]}"
printed "^ +1 +${PID[mine]} ${OWN}mine "
! grep -q " ${OWN}theirs " "$WORK/out" || fail "it saw what is hidden"
# root still sees all
expect_status 0 "$WORK/swapify-policy" --once "${mine[@]}"
printed " ${OWN}theirs "
umount /proc
expect_status 1 "${as_user[@]}" "$WORK/swapify-policy" --inspect -c /dev/null
printed '^FAILS +CAP_SYS_NICE +missing'
