#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the machine, as root, with the file `which`, the installed tree, libraries, tools and the
# others' packages beside it; see tests/vm/run.sh. Says what it does, and in the end one line of
# result KEY=VALUE...
set -u
export LC_ALL=C SYSTEMD_PAGER="" SYSTEMD_COLORS=0 DEBIAN_FRONTEND=noninteractive
readonly each_mib=40 job_mib=300 rounds=3 pause_ms=25
readonly idle_s=150	# longer than min_idle, and than the look at processes that follows on it
readonly deadline_s=120 # for one answer
readonly programs=(attached1 other1 attached2 other2 attached3 other3 attached4 other4)
readonly group=/sys/fs/cgroup/programs
declare -A pid=() in=() out=()
which=$(cat which) unit=''

say() { echo "[$(cut -d' ' -f1 /proc/uptime)] $*"; }
fail() {
	say "FAILED: $*"
	exit 1
}

install_ours() {
	local library
	# /lib and the like are links here
	tar -C tree -cf - . | tar -C / --keep-directory-symlink --no-overwrite-dir -xf -
	for library in lib/*; do
		ldconfig -p | grep -q "${library#lib/} " || install -m 644 "$library" /usr/lib/
	done
	ldconfig
	systemctl daemon-reload
	systemd-tmpfiles --create swapify.conf
}

# As shipped, but for one switch in each of the sections
enable_in_config() { # SECTION...
	local section
	for section; do
		sed -i "/^\[$section\]/,/^\[/ s/^#enabled = no/enabled = yes/" /etc/swapify-policy.conf
		swapify-policy --print-config | sed -n "/^\[$section\]/,/^\[/p" | grep -q '^enabled = yes' ||
			fail "cannot enable [$section]"
	done
}

# Each as its package or its makefile installs it, started by its own unit
start_daemon() {
	case $which in
	nothing) return ;;
	swapspace | earlyoom)
		unit=$which.service
		# (earlyoom depends on lsb-base, which is empty)
		dpkg --force-depends -i "$which"_*.deb >/dev/null || fail "cannot install $which"
		systemctl start "$unit"
		;;
	swapify-policy)
		unit=$which.service
		enable_in_config madvise swapspace
		systemctl enable -q --now "$unit"
		;;
	*) fail "what is $which?" ;;
	esac
	systemctl is-active -q "$unit" || fail "$unit isn't active"
	say "$unit runs"
}

cpu_ms() { [ -z "$unit" ] && echo 0 || echo $(($(systemctl show -P CPUUsageNSec "$unit") / 1000000)); }

# A program of a user's, in a session and a control group of its own: this unit would be stopped
# when the kernel kills one of its processes
run_program() { # COMMAND...
	echo $BASHPID >$group/cgroup.procs
	exec setsid setpriv --reuid idler --regid idler --init-groups env HOME=/home/idler "$@"
}

start_program() { # NAME
	local launcher=() from to
	[[ $1 = other* ]] || launcher=(swapify --name "$1")
	mkfifo "$1.in" "$1.out"
	exec {from}<>"$1.in" {to}<>"$1.out"
	in[$1]=$from out[$1]=$to
	run_program "${launcher[@]}" holder $each_mib <&"$from" >&"$to" &
	pid[$1]=$!
	answer "$1" ready || say "$1 didn't come up"
}

# Without a process of its own, for that takes time here which would be counted as the answer's
look_at() { # NAME, sets state
	{ read -r state <"/proc/${pid[$1]}/stat"; } 2>/dev/null || state=') X'
	state=${state##*) }
	state=${state%% *}
}
lives() {
	look_at "$1"
	[[ $state = [^ZX] ]]
}

# Waits for a line, as long as there is somebody to say it
answer() { # NAME EXPECTED
	local line end=$((SECONDS + deadline_s))
	while [ $SECONDS -lt $end ]; do
		if read -r -t 1 -u "${out[$1]}" line; then
			[ "$line" = "$2" ] || say "$1 says: $line"
			[ "$line" = "$2" ]
			return
		fi
		lives "$1" || return 1
	done
	say "$1 doesn't answer"
	return 1
}

# One that stands still, put away to its image, is brought back as its user would: by swap(1)
ask() { # NAME QUESTION
	look_at "$1"
	if [ "$state" = t ]; then
		until swap -a unswap -p "${pid[$1]}" >unswap.log 2>&1; do
			[ $SECONDS -lt $give_up ] || fail "cannot unswap $1: $(cat unswap.log)"
			sleep 0.1
		done
	fi
	echo "$2" >&"${in[$1]}"
	answer "$1" ok
}

tell_memory() {
	local name
	say "$(awk '{ mib[$1] = int($2 / 1024) } END {
		printf "available %d of %d MiB; swap free %d of %d MiB", mib["MemAvailable:"],
			mib["MemTotal:"], mib["SwapFree:"], mib["SwapTotal:"] }' /proc/meminfo)"
	for name in "${programs[@]}"; do
		! lives "$name" || awk -v name="$name" '{ word[$1] = $2 } END {
			printf "  %s %s resident %d kB, swapped %d kB\n", name, word["State:"],
				word["VmRSS:"], word["VmSwap:"] }' "/proc/${pid[$name]}/status"
	done
}

# Sets job_result, job_ms, job_stall_ms
run_job() {
	local start=${EPOCHREALTIME/./} job status
	run_program steps $job_mib $rounds $pause_ms >steps.out 2>&1 </dev/null &
	job=$!
	wait $job
	status=$?
	job_ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	cat steps.out
	job_stall_ms=$(sed -n 's/.*stall_ms=//p' steps.out | sort -n | tail -n 1)
	job_result=wrong
	if [ $status -ge 128 ]; then job_result=killed; fi
	if [ $status = 0 ] && grep -qx right steps.out; then job_result=right; fi
	say "the job: $job_result (status $status) after $job_ms ms"
}

count_killed() {
	local name
	killed=0
	for name in "${programs[@]}"; do
		lives "$name" || killed=$((killed + 1))
	done
}

# Sets worst[attached] and worst[other], in ms; - where none of them lives
first_answers() {
	local name start took kind
	declare -gA worst=([attached]=- [other]=-)
	for name in "${programs[@]}"; do
		lives "$name" || continue
		start=${EPOCHREALTIME/./} give_up=$((SECONDS + deadline_s))
		ask "$name" touch || fail "$name gives no answer"
		took=$(((${EPOCHREALTIME/./} - start) / 1000)) kind=${name%?}
		say "$name answers after $took ms"
		if [ "${worst[$kind]}" = - ] || [ $took -gt "${worst[$kind]}" ]; then worst[$kind]=$took; fi
	done
}

# Sets right and asked
verify_all() {
	local name
	right=0 asked=0
	for name in "${programs[@]}"; do
		lives "$name" || continue
		asked=$((asked + 1)) give_up=$((SECONDS + deadline_s))
		if ask "$name" verify; then right=$((right + 1)); fi
	done
}

install_ours
useradd -m idler
mkdir $group
install -m 755 holder steps /usr/local/bin
start_daemon
cpu_before_ms=$(cpu_ms)
for name in "${programs[@]}"; do start_program "$name"; done
tell_memory
say "idle for $idle_s s"
sleep $idle_s
tell_memory
oom_before=$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)
run_job
cpu_used_ms=$(($(cpu_ms) - cpu_before_ms)) watched_s=$SECONDS
tell_memory
count_killed
[ "$job_result" != killed ] || killed=$((killed + 1))
first_answers
verify_all
tell_memory
cat /proc/swaps
[ -z "$unit" ] || journalctl --no-pager -q -o short-monotonic -u "$unit" | tail -n 60
say "the kernel killed $(($(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat) - oom_before))"
echo "result killed=$killed job=$job_result job_ms=$job_ms stall_ms=${job_stall_ms:--}" \
	"attached_ms=${worst[attached]} other_ms=${worst[other]} right=$right asked=$asked" \
	"cpu_ms=$cpu_used_ms watched_s=$watched_s"
