#!/bin/bash
# SPDX-License-Identifier: MIT
# host processes
#
# The main job, among all processes of the machine: when memory is short the idle go out to a real
# swap file and only they; when there is plenty they come back, one per cooldown; nothing is lost.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

swap_on swap 512
script_memory 50

# A control group that a rule names, in the hierarchy that the daemon goes by.
make_cgroup() {
	local root=/sys/fs/cgroup/unified
	[ -d $root ] || root=/sys/fs/cgroup
	CGROUP=$root/$SWAPIFY_TEST
	mkdir "$CGROUP" 2>/dev/null && cleanup "rmdir $CGROUP" && [ -e "$CGROUP/cgroup.procs" ]
}

score=$(cat /proc/self/oom_score_adj)
[ "$score" -le 800 ] || score=800
start_holder idle1 96
start_holder idle2 64
start_holder busy 48 busy
start_holder byname 16
BIN=$WORK/apart start_holder bypath 16
start_holder bycgroup 16
AS=$SPARED start_holder byuid 16
start_holder byoom 16
start_holder stopped 16
start_holder realtime 16
spared=(byname bypath byuid byoom stopped)
for name in idle1 idle2 busy byname bypath bycgroup byuid stopped realtime; do
	echo $((score + 200)) > "/proc/${PID[$name]}/oom_score_adj"
done
kill -STOP "${PID[stopped]}"
if make_cgroup && echo "${PID[bycgroup]}" > "$CGROUP/cgroup.procs"; then
	spared+=(bycgroup)
else
	echo "no control group can be made here: that rule isn't tested"
	end_ours bycgroup
fi
if chrt -f -p 1 "${PID[realtime]}" 2>/dev/null; then
	spared+=(realtime)
else
	echo "no real-time class here: that rule isn't tested"
	end_ours realtime
fi

start_daemon "--protect.more_names=$OTHERS ${OWN}byname" "--protect.paths=$WORK/apart/*" \
	"--protect.cgroups=*/$SWAPIFY_TEST" "--protect.uids=0 $SPARED" \
	--protect.oom_score_adj=$((score + 100))
echo "$((score + 100))" > "/proc/${PID[byoom]}/oom_score_adj"

both_are_victims() {
	dump
	[[ $DUMP =~ pid=${PID[idle1]}\ [^$'\n']*verdict=\"victim\" ]] &&
		[[ $DUMP =~ pid=${PID[idle2]}\ [^$'\n']*verdict=\"victim\" ]]
}
await "both idle ones to be victims" both_are_victims
expect_dump 'state: steady'
expect_times 0 'hungry'

# Short: out they go.
remember idle1 idle2 busy "${spared[@]}"
memory 5
await_log 'steady -> hungry: memory is short need=25.MiB available=50.0MiB'
await_said "swapped pid=${PID[idle1]} name=${OWN}idle1 .* backend=madvise"
await_said "swapped pid=${PID[idle2]} name=${OWN}idle2 .* backend=madvise"
await_out idle1 idle2
expect "idle1 isn't in swap" moved_out idle1 85
expect "idle2 isn't in swap" moved_out idle2 50
await_log 'memory is short and there is nobody to move out: need='
untouched busy "${spared[@]}"

# The dump knows it all.
dump
for line in 'swapify-policy [0-9.]+: uptime=.* ticks=[0-9]+ held_still=0' \
	'state: hungry since=.* timer_left=.* cooldown=2s no_room=0' \
	'thresholds: 20% < 5% < 60% freetarget=30%' \
	'core: total=1000MiB used=950MiB available=50.0MiB' \
	'swap: total=4.0GiB used=0B free=4.0GiB' \
	'total: total=.* used=.* free=' \
	'pressure: (some_avg10=.* full_avg10=.* some_total=|not told)' \
	'need: 250MiB in_flight=0B' \
	'backend madvise: out=[2-9] out_bytes=1[456][0-9]MiB back=0 back_bytes=0B gone=0 refused=0 failed=0 timeout=0 wrong_choices=0 last_error=none' \
	'held: processes=2 bytes=1[456][0-9]MiB' \
	"held: pid=${PID[idle1]} name=${OWN}idle1 bytes=[89][0-9]\\.[0-9]MiB since=.* backend=madvise" \
	'next: (nobody|rank=1 )' \
	'passed over: self=[0-9]+ .*stopped=[1-9].* protected=[0-9]+ .*oom-protected=[0-9]+ .*small=[0-9]+ (active|young)='; do
	[[ $DUMP =~ $line ]] || { echo "$DUMP"; fail "not in the dump: $line"; }
done
if [ -n "${PID[realtime]:-}" ]; then expect_dump 'realtime=[1-9]'; fi
if kernel_thread; then expect_dump 'kernel=[1-9]'; fi

# Enough: hungry gives nothing back; what its owner wants comes back by itself, as it was.
memory 50
await_log 'hungry -> steady: the cooldown is over'
remember idle2
verify idle2
expect "idle2 isn't back" moved_back idle2 50
expect_times 0 'unswapped pid='

# Plenty: what is still out comes back, and the machine rests.
remember idle1
memory 90
await_log 'steady -> overfed: there is plenty'
await_log 'overfed -> steady: the cooldown is over spare='
await_log "unswapped pid=${PID[idle1]} name=${OWN}idle1 "
expect "idle1 isn't back" moved_back idle1 85
await_dump 'held: processes=0 bytes=0B'
expect_dump 'back=[12] back_bytes=[89][0-9]\.' # a crumb of idle2 may have been out still
verify idle1

# And once more, now read from where it lies.
memory 5
await_log 'steady -> hungry'
await_said "swapped pid=${PID[idle1]} .* idle=[1-9]s"
await_out idle1
memory 50
remember idle1
verify idle1
kill -CONT "${PID[stopped]}"
untouched busy "${spared[@]}"
verify idle2 busy "${spared[@]}"
expect_times 0 'error: |cannot (un)?swap|did not (un)?swap'
stop_daemon
