#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Real demand: a program takes memory in steps, far beyond what it may have of it, in a control group
# that is a small machine. Areas come in time, hold its memory, and go when it has ended.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"
# shellcheck source=tests/system/swapspace.sh
. "$(dirname "$0")/swapspace.sh"

! other_swap || skip "there is other swap, which would be filled first"

LIMIT_MIB=256
# What the group holds and may hold, in either version
if [ -d /sys/fs/cgroup/memory ]; then
	group=/sys/fs/cgroup/memory/$SWAPIFY_TEST
	mkdir "$group" 2>/dev/null || skip "no memory control group can be made here"
	cleanup "rmdir $group"
	usage=memory.usage_in_bytes
	echo $((LIMIT_MIB << 20)) > "$group/memory.limit_in_bytes"
else
	group=/sys/fs/cgroup/$SWAPIFY_TEST
	mkdir "$group" 2>/dev/null || skip "no control group can be made here"
	cleanup "rmdir $group"
	[ -e "$group/memory.max" ] || skip "control groups don't limit memory here"
	usage=memory.current
	echo $((LIMIT_MIB << 20)) > "$group/memory.max"
fi

# The facts of that machine: the limit is its memory, the areas are its swap.
group_facts() {
	local used_kib swap_kib free_kib
	used_kib=$(($(cat "$group/$usage") / 1024))
	read -r swap_kib free_kib < <(own_areas | awk '{ size += $3; used += $4 } END { print size + 0, size - used }')
	awk -v total=$((LIMIT_MIB * 1024)) -v used="$used_kib" -v swap="$swap_kib" -v free="$free_kib" 'BEGIN {
		available = used < total ? total - used : 0
		printf "%-16s%10d kB\n%-16s%10d kB\n%-16s%10d kB\n", "MemTotal:", total, "MemFree:", available, "MemAvailable:", available
		printf "%-16s%10d kB\n%-16s%10d kB\n", "SwapTotal:", swap, "SwapFree:", free
	}'
}
show_group() {
	group_facts > "$WORK/facts"
	write_facts < "$WORK/facts"
}
: > "$FACTS"
show_group
mount --bind "$FACTS" /proc/meminfo

follow_group() {
	while [ -e "$WORK/follow" ]; do
		show_group
		breathe
	done
}
touch "$WORK/follow"
follow_group &
follower=$!
STARTED+=("$follower")

start_daemon --daemon.interval=50ms
await_log 'swap areas: path='

cat > "$WORK/steps.py" <<'END'
import mmap, random, sys
block = random.Random(1).randbytes(1 << 20)
kept = []
def fill(i):
    return (i.to_bytes(8, "little") + block)[:1 << 20]
print("ready", flush=True)
for question in sys.stdin:
    if question == "more\n":
        memory = mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for i in range(32):
            memory[i << 20:(i + 1) << 20] = fill(len(kept) * 32 + i)
        kept.append(memory)
        print("ok", flush=True)
    else:
        bad = [n for n, memory in enumerate(kept) for i in range(32) if memory[i << 20:(i + 1) << 20] != fill(n * 32 + i)]
        print("bad" if bad else "ok", flush=True)
END
mkfifo "$WORK/steps.in"
: > "$WORK/steps.out"
(echo "$BASHPID" > "$group/cgroup.procs" && exec python3 "$WORK/steps.py") 0<> "$WORK/steps.in" >> "$WORK/steps.out" 2>&1 {NEVER}<&- {SWAPS}<&- &
PID[steps]=$!
STARTED+=($!)
await "it to be ready" lines_of "$WORK/steps.out" 1

# Room for the next step is there before it is asked for: 20 % of it all are free, or more is coming.
# Looked at here, for what the daemon was shown last may be of before the last step.
room_for_step() {
	group_facts | awk '/^Mem(Total|Available)|^Swap(Total|Free)/ { value[$1] = $2 }
		END { free = value["MemAvailable:"] + value["SwapFree:"]
		      exit !(free > 32 * 1024 && free * 5 >= value["MemTotal:"] + value["SwapTotal:"]) }'
}
only_own_swap() { # in one reading, for areas come and go
	local -a lines
	local path
	mapfile -t -s 1 lines < "/proc/self/fd/$SWAPS"
	for path in "${lines[@]%% *}"; do is_own "$path" || return 1; done
}
for step in {1..24}; do # 768 MiB, three times the machine
	only_own_swap || skip "other swap came, which is filled first"
	await "room for step $step" room_for_step
	ask steps more
	[ "$ANSWER" = ok ] || fail "step $step: $ANSWER"
done
ask steps verify
[ "$ANSWER" = ok ] || fail "its memory is wrong: $ANSWER"
added=$(times 'swap area added')
expect "only $added areas were added" [ "$added" -ge 2 ]
read -r size used < <(own_areas | awk '{ size += $3; used += $4 } END { print size, used }')
expect "only $used KiB are used" [ "$used" -ge $((400 * 1024)) ]
# as much as it takes, and 30 % of that
expect "$size KiB are far too much for $used" [ "$size" -le $((2048 * 1024)) ]
expect_times 0 'cannot add'
echo "areas: $added, $((size / 1024)) MiB of which $((used / 1024)) MiB are used"

# While it holds its memory nothing goes, however long: it would not fit.
expect_times 0 'swap area retired'

# It ends; all of them go, one per cooldown.
end_process "${PID[steps]}"
unset 'PID[steps]'
while [ -n "$(own_areas)" ]; do await_log 'swap area retired '; done
all_retired() { [ "$(times 'swap area retired')" = "$(times 'swap area added')" ]; }
await "the last of them to be told" all_retired
space_holds '*' # nothing
expect_times 0 'cannot retire'
ticks 3
stop_daemon
rm "$WORK/follow"
wait "$follower"

# The two machines know each other: what is to be moved out waits for an area, which is added first,
# even where there would be enough of memory and swap together. (The second machine alone would never.)
umount /proc/meminfo
: > "$FACTS"
LOG_AT=0
: > "$LOG"
SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0
script_memory 50
start_holder idle 48
start_daemon --madvise.enabled=yes --madvise.swap_margin=16M --swapspace.lower_freelimit=0 --swapspace.min_swapsize=4M
await_dump "pid=${PID[idle]} [^
]*verdict=\"victim\""
remember idle
memory 5
await_log 'swapspace steady -> hungry: memory is to be moved out, and swap has no room'
await_log 'swap area added .* bytes=2[0-9]{2}MiB'
expect_times 1 'waiting for room in swap: missing='
SWAP_TOTAL_MIB=256 SWAP_FREE_MIB=256
memory 5
await_log "swapped pid=${PID[idle]} "
await_out idle
expect_times 0 'no room to move'
expect_times 0 ' -> diet'
memory 50
verify idle
stop_daemon
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --erase
verify idle

# Where none can be added it is as without: a diet, and a warning.
remember idle
SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0
memory 50
skip_log
start_daemon --madvise.enabled=yes --swapspace.lower_freelimit=0 --swapspace.reserve=99
await_dump "pid=${PID[idle]} [^
]*verdict=\"victim\""
memory 5
await_log 'warning: cannot add a swap area: cannot make its file: No space left on device'
await_said 'warning: no room to move memory out to: swap_total=0B'
await_said ' hungry -> diet'
memory 50
verify idle
stop_daemon
