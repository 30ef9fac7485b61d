#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Areas go only if what is in them fits into memory, and nothing is lost; one that stalls keeps
# nothing else. --erase, paranoid, reload, a dry run.
# shellcheck source=tests/system/lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"
# shellcheck source=tests/system/swapspace.sh
. "$(dirname "$0")/swapspace.sh"

! other_swap || skip "there is other swap, which would be filled first"
command -v strace > /dev/null || skip "no strace, which holds children up"

# A program with 128 MiB, most of which is sent to the area
cat > "$WORK/full.py" <<'END'
import mmap, random, sys
block = random.Random(1).randbytes(1 << 20)
memory = mmap.mmap(-1, 128 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
def fill(i):
    return (i.to_bytes(8, "little") + block)[:1 << 20]
for i in range(128):
    memory[i << 20:(i + 1) << 20] = fill(i)
print("ready", flush=True)
for question in sys.stdin:
    if question == "out\n":
        memory.madvise(21)  # MADV_PAGEOUT
        print("ok", flush=True)
    else:
        print("ok" if all(memory[i << 20:(i + 1) << 20] == fill(i) for i in range(128)) else "bad", flush=True)
END
mkfifo "$WORK/full.in"
: > "$WORK/full.out"
python3 "$WORK/full.py" 0<> "$WORK/full.in" >> "$WORK/full.out" 2>&1 {NEVER}<&- {SWAPS}<&- &
PID[full]=$!
STARTED+=($!)
await "it to be ready" lines_of "$WORK/full.out" 1

used_kib() { own_areas | awk '{ used += $4 } END { print used + 0 }'; }
is_sent_out() { # what was missed another attempt takes
	ask full out
	[ "$(used_kib)" -ge $((96 * 1024)) ]
}

# The signals are as a careless caller leaves them.
erase() { # STATUS OPTION...
	local wanted=$1
	shift
	expect_status "$wanted" env --ignore-signal=CHLD "$BUILD/swapify-policy" "${OPTIONS[@]}" "$@" --erase
}

# Nothing there, not even the directory
script_memory 25
rmdir "$SPACE"
erase 0
printed "there are no swap areas: $SPACE isn't there"
expect "it was made" [ ! -e "$SPACE" ]
mkdir -m 700 "$SPACE"
erase 0

# A dry run does nothing, and says what it would; --once and --inspect tell as well.
machine 25 1000 0
start_daemon -n --swapspace.cooldown=60s # what it would have added counts as long
await_log "would add a swap area path=$SPACE bytes=500MiB"
ticks 3
expect_times 1 'would add'
expect_times 0 'swap area added'
stop_daemon
space_holds '*'
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --once
printed '^Swap space: 250MiB of 1\.9GiB of memory and swap free; an area of 500MiB would be added, to have 30% free\.$'
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --inspect
printed "^ok     swap space +$SPACE on [a-z0-9]+: .* free, 0% of .* are left; areas=0 bytes=0B"
printed '^ok     CAP_SYS_ADMIN '

# An area with something in it
skip_log
start_daemon
await_log 'swap area added .* areas=1 '
machine 25 1500 500
await "memory to be in the area" is_sent_out
# Plenty, but not of memory: it would not fit, of which [memory] freetarget is to stay
machine 35 4000 3900
ticks 30
expect_times 0 'swapspace .* -> overfed'
expect_times 0 'retiring a swap area'
dump
[[ $DUMP =~ file=swap-1\ bytes=500MiB\ used=([0-9]+)[.0-9]*MiB\ state=active ]] || fail "$DUMP"
expect "only ${BASH_REMATCH[1]} MiB are used" [ "${BASH_REMATCH[1]}" -ge 96 ]

# It isn't for --erase while a daemon runs, nor where it doesn't fit.
erase 1
printed 'error: another swapify-policy runs'
stop_daemon
machine 10 4000 3900
erase 1
printed "error: file=$SPACE/swap-1 stays: the [0-9.]+MiB in it would not fit into memory, where there is room for 50.0MiB"
expect "it has gone" is_active "$SPACE/swap-1"

# Broken off: nothing is lost, and it stays.
machine 80 4000 3900
: > "$WORK/trace"
# shellcheck disable=SC2016 # the inner shell's
strace -f -qq -o "$WORK/trace" -e trace=swapoff -e inject=swapoff:delay_enter=3600s \
	sh -c '"$@"; echo $? > "$0"' "$WORK/status" nohup "$BUILD/swapify-policy" "${OPTIONS[@]}" --erase \
	> "$WORK/out" 2> "$WORK/err" {NEVER}<&- {SWAPS}<&- &
tracer=$!
STARTED+=("$tracer")
comes_to() { grep -q "^[0-9]* *$1(" "$WORK/trace"; }
await "it to come to swapoff" comes_to swapoff
STARTED+=("$(cat "$WORK/lock")")
child=$(awk '/ swapoff\(/ { print $1 }' "$WORK/trace")
killed() { # PF_SIGNALED: it dies, as far as its tracer lets it
	[ ! -d "/proc/$child" ] || [ $(($(awk '{ print $9 }' "/proc/$child/stat") & 0x400)) != 0 ]
}
# a hangup doesn't concern it under nohup(1)
kill -HUP "$(cat "$WORK/lock")"
pending() { # among those that are blocked and have come
	[ $((16#$(awk -v mask="$1" '$1 == mask":" { print $2 }' "/proc/$(cat "$WORK/lock")/status") & 1)) != 0 ]
}
! pending SigBlk || fail "it waits for hangups"
! killed || fail "the hangup has broken it off"
kill -TERM "$(cat "$WORK/lock")"
await "its child to be killed" killed
end_process "$tracer" # it would keep the dead one for an hour
await "it to end" test -s "$WORK/status"
expect "exit status $(cat "$WORK/status")" [ "$(cat "$WORK/status")" = 1 ]
printed 'error: cannot come to the end: Interrupted system call: .*; it stays in use'
expect "it has gone" is_active "$SPACE/swap-1"
ask full verify
[ "$ANSWER" = ok ] || fail "its memory is wrong: $ANSWER"
await "memory to be in the area" is_sent_out

# The daemon retires it where it fits. It stalls; that is said, the daemon goes on, makes another area
# meanwhile.
: > "$WORK/trace"
skip_log
strace -f -qq -o "$WORK/trace" -e trace=swapoff -e inject=swapoff:delay_enter=3600s \
	"$BUILD/swapify-policy" "${OPTIONS[@]}" 2>> "$LOG" {NEVER}<&- {SWAPS}<&- &
tracer=$!
STARTED+=("$tracer")
await_log 'started version='
DAEMON=$(cat "$WORK/lock")
STARTED+=("$DAEMON")
await_log "retiring a swap area file=$SPACE/swap-1 bytes=500MiB used=[0-9.]+MiB"
await_log "warning: retiring a swap area stalls: file=$SPACE/swap-1 left=[0-9.]+MiB since=[0-9]+s"
dump
expect_dump 'file=swap-1 bytes=500MiB used=[0-9.]+MiB state=retiring'
machine 25 1000 0
await_log "swap area added file=$SPACE/swap-2 "
expect_times 1 'retiring a swap area stalls'
machine 25 2000 1000
# Let go by a tracer's end it is interrupted: it stays, for now, with all that is in it.
end_process $tracer
await_log "warning: cannot retire a swap area: cannot switch it off: Interrupted system call; it was ended, .* stays in use: file=$SPACE/swap-1"
expect "it has gone" is_active "$SPACE/swap-1"
machine 80 2000 1900
# least in it, least work
await_log "swap area retired file=$SPACE/swap-2 bytes=500MiB areas=1 took="
await_log "swap area retired file=$SPACE/swap-1 bytes=500MiB areas=0 took="
ask full verify
[ "$ANSWER" = ok ] || fail "its memory is wrong: $ANSWER"
space_holds '*'
machine 25 1000 0
await_log "swap area added file=$SPACE/swap-1 "
machine 25 1500 500
kill -TERM "$DAEMON"
await "the daemon to end" gone "$DAEMON"
DAEMON=

# Everything of ours goes, and nothing else; what wasn't active goes as well.
fallocate -l 4M "$SPACE/swap-7"
chmod 600 "$SPACE/swap-7"
fallocate -l 8M "$SPACE/theirs"
chmod 600 "$SPACE/theirs"
mkswap -q -L swapify-policy "$SPACE/theirs"
swapon "$SPACE/theirs"
machine 80 1500 1500
ask full out
erase 0
printed 'removed what wasn.t active: files=1'
printed "retiring file=$SPACE/swap-1 bytes="
space_holds theirs
expect "theirs was touched" is_active "$SPACE/theirs"
swapoff "$SPACE/theirs"
rm "$SPACE/theirs"
ask full verify
[ "$ANSWER" = ok ] || fail "its memory is wrong: $ANSWER"

# Overwritten before it is removed, by the daemon and by --erase: a second name shows what became of it.
for way in daemon erase plain; do
	machine 25 300 0
	skip_log
	paranoid=--swapspace.paranoid=yes
	[ $way != plain ] || paranoid=--swapspace.paranoid=no
	start_daemon $paranoid
	await_log 'swap area added .* areas=1 '
	machine 25 500 200
	ln "$SPACE/swap-1" "$WORK/second"
	await_out_of_it() { ask full out && [ "$(used_kib)" -gt 1024 ]; }
	await "memory to be in the area" await_out_of_it
	if [ $way = daemon ]; then
		machine 80 500 450
		await_log "swap area retired file=$SPACE/swap-1 "
		stop_daemon
	else
		stop_daemon
		machine 80 500 450
		erase 0 $paranoid
	fi
	space_holds '*'
	bytes=$(stat -c %s "$WORK/second")
	expect "its size" [ "$bytes" -gt $((100 << 20)) ]
	if [ $way = plain ]; then
		! cmp -s -n "$bytes" "$WORK/second" /dev/zero || fail "it was overwritten"
	else
		cmp -n "$bytes" "$WORK/second" /dev/zero || fail "$way: it wasn't overwritten"
	fi
	rm "$WORK/second"
done
end_process "${PID[full]}"
unset 'PID[full]'

# Settings that are read again
conf() { # KEY=VALUE...
	{ echo '[swapspace]' && printf '%s\n' "$@"; } > "$WORK/conf"
	[ -z "$DAEMON" ] || kill -HUP "$DAEMON"
}
for ((i = 0; i < ${#OPTIONS[@]}; i++)); do # the command line would go over them
	case ${OPTIONS[i]} in --swapspace.*) unset "OPTIONS[$i]" ;; esac
done
OPTIONS=("${OPTIONS[@]}")
mkdir -m 700 "$WORK/other"
machine 25 1000 0
conf 'enabled = no' "swappath = $SPACE"
skip_log
start_daemon -c "$WORK/conf"
await_dump 'swapspace: off'
conf 'enabled = yes' "swappath = $SPACE" 'reserve = 0' 'cooldown = 2s' 'max_swapsize = 64M'
await_log 'configuration read again'
await_log "swap area added file=$SPACE/swap-1 bytes=64.0MiB"
machine 25 1064 500
conf 'enabled = yes' "swappath = $WORK/other" 'reserve = 0' 'cooldown = 2s' 'lower_freelimit = 50' 'freetarget = 60' 'upper_freelimit = 70'
await_log 'configuration read again'
await_log "swap areas: path=$WORK/other .* areas=0 "
await_log "swap area added file=$WORK/other/swap-1 bytes=1\.1GiB"
machine 25 2285 1721
expect "the old one has gone" is_active "$SPACE/swap-1"
conf 'enabled = yes' 'swappath = nowhere'
await_log "error: $WORK/conf:3: swappath = nowhere is not a path that begins with /"
await_log 'the old settings stay'
conf 'lower_freelimit = 50' 'freetarget = 40'
await_log 'error: .*freetarget = 40 is below lower_freelimit'
conf 'enabled = no'
await_log 'swap areas stay as they are: areas=1 path='
await_dump 'swapspace: off'
machine 25 2285 0
ticks 5
expect_times 1 "swap area added file=$WORK/other"
stop_daemon
for path in "$SPACE" "$WORK/other"; do erase 0 "--swapspace.swappath=$path"; done
expect "areas are left" [ -z "$(own_areas)" ]
