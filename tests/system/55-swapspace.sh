#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Swap areas come and go by the rules: transitions, sizes and files on scripted facts. What isn't the
# daemon's is left alone.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"
# shellcheck source=tests/system/swapspace.sh
. "$(dirname "$0")/swapspace.sh"

# Somebody else's, in its directory and out of it, with its label or under such a name. (Set apart
# by priority: below each of them it has to be.)
swap_file() { # PATH MIB LABEL PRIORITY
	fallocate -l "$2M" "$1"
	chmod 600 "$1"
	mkswap -q -L "$3" "$1"
	swapon -p "$4" "$1"
}
swap_file "$SPACE/swap-2" 8 other 9
swap_file "$SPACE/mine" 8 swapify-policy 8
swap_file "$WORK/elsewhere" 8 swapify-policy 7
swapon "$(fallocate -l 8M "$WORK/low" && chmod 600 "$WORK/low" && mkswap -q "$WORK/low" && echo "$WORK/low")"
# (the kernel chooses the priority of low, and another one when an area goes)
foreign() { own_areas | awk '{ print $1, $3, $5 < 0 ? "auto" : $5 }'; }
foreign=$(foreign)
echo notes > "$SPACE/notes"

# a cooldown in which this shell surely gets to say something
OPTIONS+=(--swapspace.cooldown=4s)
script_memory 25
machine 25 1000 500
start_daemon
await_log "swap areas: path=$SPACE fs=[a-z0-9]+ areas=0 "
ticks 3
expect_times 0 'swapspace .* -> '

# 15 % are free. As the facts don't show the area, none is added on top of it within a cooldown.
machine 25 1000 50
await_log 'swapspace steady -> hungry: memory and swap are short need=428MiB free=300MiB of=1\.9GiB'
await_log "swap area added file=$SPACE/swap-1 bytes=428MiB wanted=428MiB areas=1 "
is_area "$SPACE/swap-1" "$(rule 25)"
lowest=$(awk 'NR > 1 { print $5 }' "/proc/self/fd/$SWAPS" | sort -n | head -n 1)
expect "it isn't the lowest" [ "$(awk -v p="$SPACE/swap-1" '$1 == p { print $5 }' "/proc/self/fd/$SWAPS")" = "$lowest" ]

# It shows: 30 % are free, and that is enough.
machine 25 1428 478
await_log 'swapspace hungry -> steady: the cooldown is over need=0B'
expect_times 1 'swap area added'
dump
expect_dump 'swapspace: steady since=[^ ]* timer_left=[^ ]* thresholds: 20% < 29% < 60% freetarget=30%'
expect_dump "swapspace: path=$SPACE fs=[a-z0-9]+ areas=1 bytes=428MiB used=0B made=1 retired=0 failed=0 last_error=none"
expect_dump 'swapspace: file=swap-1 bytes=428MiB used=0B state=active'

# Short again while it is short of plenty: a second one, under a name that is free
machine 25 1428 100
await_log 'swapspace steady -> hungry'
await_log "swap area added file=$SPACE/swap-3 bytes=540MiB wanted=540MiB areas=2 "
is_area "$SPACE/swap-3" "$(rule 25)"

# Plenty: a cooldown of hungry, one of overfed, and the largest of the empty ones goes; then the other.
machine 80 1968 1900
await_log 'swapspace hungry -> steady: the cooldown is over'
await_log 'swapspace steady -> overfed: there is plenty, and an area to retire'
await_log 'swapspace overfed -> steady: the cooldown is over'
await_log "swap area retired file=$SPACE/swap-3 bytes=540MiB areas=1 "
expect "it is active" is_off "$SPACE/swap-3"
machine 80 1428 1400
# plenty that doesn't last
await_log 'swapspace steady -> overfed'
machine 40 1428 900
await_log 'swapspace overfed -> steady: plenty is over, or no area is left to retire'
machine 80 1428 1400
await_log 'swapspace steady -> overfed'
await_log 'swapspace overfed -> steady'
await_log "swap area retired file=$SPACE/swap-1 bytes=428MiB areas=0 "
expect "it is active" is_off "$SPACE/swap-1"
machine 80 1000 1000
ticks 30
cat > "$WORK/expected" <<'END'
steady -> hungry
hungry -> steady
steady -> hungry
hungry -> steady
steady -> overfed
overfed -> steady
steady -> overfed
overfed -> steady
steady -> overfed
overfed -> steady
END
transitions | diff - "$WORK/expected" || fail "other transitions"
space_holds 'mine notes swap-2'
[ "$(foreign)" = "$foreign" ] || fail "others were touched: $(own_areas)"

# SIGUSR2 is a diet of both, and no area comes in it.
kill -USR2 "$DAEMON"
await_log 'swapspace steady -> diet: a limit was met, or SIGUSR2'
machine 25 1000 0
await_log 'swapspace diet -> steady: the cooldown is over'
expect "an area was added on diet" [ "$(awk '/-> diet/ { n = 0 } /swap area added/ { n++ } /swapspace diet -> steady/ { print n }' "$LOG")" = 0 ]
await_log 'swapspace steady -> hungry'
await_log 'swap area added .* areas=1 '
machine 25 1500 500
stop_daemon

# What stays at the end is found again; a cap on the size makes several of one.
skip_log
machine 25 1500 500
start_daemon --swapspace.max_swapsize=64M --swapspace.min_swapsize=8M
await_log "swap areas: path=$SPACE .* areas=1 bytes=500MiB used=[^ ]* removed=0"
machine 25 1500 170
await_log 'swap area added .* bytes=64.0MiB wanted=471MiB'
await_log 'swap area added .* bytes=64.0MiB wanted='
machine 25 1628 500
ticks 3
stop_daemon
space_holds 'mine notes swap-1 swap-2 swap-3 swap-4'

# fstab and hibernation have a claim to what bears our label
cp /etc/fstab "$WORK/fstab" 2>/dev/null || : > "$WORK/fstab"
printf 'UUID=%s none swap sw 0 0\n' "$(blkid -p -s UUID -o value "$SPACE/swap-1")" >> "$WORK/fstab"
printf '%s none swap sw 0 0\n' "$SPACE/swap-3" >> "$WORK/fstab"
[ -e /etc/fstab ] || fail "no /etc/fstab"
mount --bind "$WORK/fstab" /etc/fstab
offset=$(filefrag -v "$SPACE/swap-4" | awk '$1 == "0:" { sub(/\.\.$/, "", $4); print $4; exit }')
if [ ! -e /sys/power/resume ] && [ -n "$offset" ]; then
	echo "resume=/dev/some resume_offset=$offset" > "$WORK/cmdline"
	mount --bind "$WORK/cmdline" /proc/cmdline
	kept4='kept why="a hibernated system would come back from it \(resume=\)"'
else
	echo "this kernel can hibernate: a claim of its own isn't tried"
	kept4=active
fi
skip_log
machine 80 1628 1600
start_daemon
await_dump "file=swap-4 bytes=64.0MiB used=[^ ]* state=$kept4"
expect_dump 'file=swap-1 bytes=500MiB used=[^ ]* state=kept why="it stands in /etc/fstab"'
expect_dump 'file=swap-3 bytes=64.0MiB used=[^ ]* state=kept why="it stands in /etc/fstab"'
ticks 40
if [ "$kept4" != active ]; then
	expect_times 2 'swap area retired' # those of before
	expect "it was retired" is_active "$SPACE/swap-4"
fi
stop_daemon
