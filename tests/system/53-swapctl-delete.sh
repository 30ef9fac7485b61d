#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An area with something in it: what wouldn't fit isn't begun, what is begun can be interrupted, and
# nothing is lost.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"

SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0
names=(full1 full2 full3 full4 full5 full6 full7 full8)
mib=96 # of each
area=$WORK/areas/swap
ctl 0 -a -p 32767 "$area" 0 832M

# Programs whose memory is in the area, as far as the kernel does as it is told. Several, as it looks
# for a signal only between one and the next.
cat > "$WORK/full.py" <<'END'
import mmap, random, sys
size = int(sys.argv[1]) << 20
block = random.Random(1).randbytes(1 << 20)
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
def fill(i):
    return (i.to_bytes(8, "little") + block)[:1 << 20]
for i in range(size >> 20):
    memory[i << 20:(i + 1) << 20] = fill(i)
print("ready", flush=True)
for question in sys.stdin:
    if question == "out\n":
        memory.madvise(21)  # MADV_PAGEOUT
    elif any(memory[i << 20:(i + 1) << 20] != fill(i) for i in range(size >> 20)):
        print("bad", flush=True)
        continue
    print("ok", flush=True)
END
# A control group by which its memory is really sent out, and comes back slowly: otherwise it may be
# done before anybody can interrupt it. (Version 1; elsewhere it is tried without.)
group=/sys/fs/cgroup/memory/$SWAPIFY_TEST slow=/sys/fs/cgroup/blkio/$SWAPIFY_TEST
make_groups() {
	local device
	device=$(findmnt -n -o MAJ:MIN -T "$WORK")
	mkdir "$group" "$slow" 2>/dev/null && echo "$device 300000000" > "$slow/blkio.throttle.read_bps_device"
}
remove_groups() {
	rmdir "$group" "$slow"
}
is_slow=
if make_groups 2>/dev/null; then is_slow=yes; else rmdir "$group" "$slow" 2>/dev/null || :; fi
[ -z "$is_slow" ] || cleanup remove_groups

enter_groups() {
	[ -z "$is_slow" ] || for one in "$group" "$slow"; do echo "$BASHPID" > "$one/cgroup.procs"; done
}
start_full() { # NAME
	mkfifo "$WORK/$1.in"
	: > "$WORK/$1.out"
	(enter_groups && exec python3 "$WORK/full.py" $mib) 0<> "$WORK/$1.in" >> "$WORK/$1.out" 2>&1 {NEVER}<&- {SWAPS}<&- &
	PID[$1]=$!
	STARTED+=($!)
	await "$1 to be ready" lines_of "$WORK/$1.out" 1
}
for name in "${names[@]}"; do start_full "$name"; done

used_kib() { own_areas | awk -v path="$area" '$1 == path { print $4 }'; }
is_out() { # half of it is plenty, and another attempt takes what was missed
	local name
	for name in "${names[@]}"; do ask "$name" out; done
	[ -z "$is_slow" ] || echo 0 > "$group/memory.force_empty"
	[ "$(used_kib)" -ge $((mib * 512 * ${#names[@]})) ]
}
await "memory to be in the area" is_out
as_swapon_says

# It wouldn't fit
script_memory 50
memory 30
ctl 1 -d "$area"
printed "cannot delete '$area': the [0-9.]+MiB in it would not fit into memory: 300MiB available, of which 50.0MiB stay free"
expect "it was begun" [ "$(used_kib)" -gt 0 ]
show_only_own
ctl 1 -u
printed 'would not fit into memory'
umount /proc/swaps
umount /proc/meminfo

# Interrupted by what ends us, caught or not: it stays, and nothing is lost. (A script's background is
# deaf to SIGINT; it is the same as SIGTERM.) Where it was quicker than we are, again.
interrupt() { # SIGNAL [COMMAND...]
	local status=0 pid
	env -C "$WORK/areas" "${@:2}" "$SWAPCTL" -d "$area" > "$WORK/out" 2> "$WORK/err" {NEVER}<&- {SWAPS}<&- &
	pid=$!
	STARTED+=("$pid")
	until [ "$(grep -c . "/proc/$pid/task/$pid/children" 2>/dev/null)" = 1 ] || gone "$pid"; do :; done
	kill -"$1" "$pid" 2>/dev/null || :
	wait $pid || status=$?
	[ $status != 0 ]
}
children_gone() { [ "$(left_processes | grep -c swapctl)" = 0 ]; }
for signal in TERM HUP KILL; do
	caught=
	for attempt in 1 2 3 4 5; do
		interrupted=
		! interrupt $signal || interrupted=yes
		# what we can wait for is gone, its child may still get it done
		await "its child to end" children_gone
		if [ -n "$interrupted" ] && [ -n "$(used_kib)" ]; then
			caught=yes
			break
		fi
		[ -n "$(used_kib)" ] || ctl 0 -a -p 32767 "$area"
		await "memory to be in the area" is_out
	done
	if [ -z "$caught" ]; then
		[ -z "$is_slow" ] || fail "it could not be interrupted by $signal"
		echo "it is too quick to be interrupted here: that isn't tested"
		break
	fi
	[ $signal = KILL ] || printed "interrupted: '$area' stays in use, with [0-9.]+[KMG]iB in it"
	listed "$area" flags - pri 32767
	verify "${names[@]}"
	await "memory to be in the area" is_out
done

# Who ignores the hangup, as nohup makes it, goes on. Nor does it matter who ignores the end of a child.
! interrupt HUP env --ignore-signal=HUP || fail "it was ended by a hangup: $(cat "$WORK/err")"
expect "it is there still" [ -z "$(used_kib)" ]
verify "${names[@]}"
ctl 0 -a -p 32767 "$area"
await "memory to be in the area" is_out
expect_status 0 timeout -k 5 $DEADLINE env --ignore-signal=CHLD "$SWAPCTL" -d "$area"
verify "${names[@]}"
ctl 0 -a -p 32767 "$area"
await "memory to be in the area" is_out

# On a terminal it shows how far it is; somebody else sees that it is going on
indel() {
	env -C "$WORK/areas" "$SWAPCTL" -l > "$WORK/list" {NEVER}<&-
	grep -q "$area .* INDEL\$" "$WORK/list" && echo seen > "$WORK/seen"
	gone "$1"
}
for attempt in 1 2 3 4 5; do
	rm -f "$WORK/seen"
	script -qec "'$SWAPCTL' -d '$area'" "$WORK/typescript" > /dev/null < /dev/null {NEVER}<&- {SWAPS}<&- &
	STARTED+=($!)
	await "it to be deleted" indel $!
	expect "it is there still" [ -z "$(used_kib)" ]
	verify "${names[@]}"
	if [ -e "$WORK/seen" ] && grep -q "^.*$area: .*MiB of [0-9.]*MiB still to be read back" "$WORK/typescript"; then
		break
	fi
	if [ $attempt = 5 ]; then
		[ -z "$is_slow" ] || fail "no progress was shown: $(cat -v "$WORK/typescript")"
		echo "it is too quick to show progress here: that isn't tested"
		break
	fi
	ctl 0 -a -p 32767 "$area"
	await "memory to be in the area" is_out
done

# -i tries where it wouldn't fit, as far as it knows
ctl 0 -a -p 32767 "$area"
await "memory to be in the area" is_out
script_memory 50
memory 30
ctl 0 -d -i "$area"
umount /proc/meminfo
verify "${names[@]}"
end_ours "${names[@]}"

# Something else has taken the place of the file's name
ctl 0 -a "$area"
mount --bind /dev/null "$area"
listed "$area" flags GONE dev - by '?'
ctl 1 -d "$area"
umount "$area"
listed "$area" flags -
ctl 0 -d "$area"
