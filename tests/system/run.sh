#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [TEST...]: runs the system tests (NN-NAME, or just NN; all of them by default)
# against the programs in BUILD, on the real kernel, as root. Each has namespaces and a directory
# of its own, and must leave nothing behind. Exit status of a test: 0, 77 (skipped), else failed.
# Those with "# beside others" need nothing that there is once, swap above all, and run beside the
# rest, one after the other as these.
set -u
export LC_ALL=C
# under a service manager the daemon would log to the journal
unset INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET
here=$(cd "$(dirname "$0")" && pwd)
TIMEOUT=600 # generous: a loaded machine is slow, not broken

build=$(cd "${1:?usage: run.sh BUILD [TEST...]}" && pwd) || exit 1
shift

# A swap file needs a real file system, and the tools are run from there.
work_base() {
	local dir
	for dir in "${TMPDIR:-}" /var/tmp /tmp "$build"; do
		[ -d "$dir" ] || continue
		case $(stat -f -c %T "$dir") in
		tmpfs | ramfs | overlayfs | nfs | fuseblk) continue ;;
		esac
		case ,$(findmnt -n -o OPTIONS -T "$dir"), in
		*,noexec,*) continue ;;
		esac
		echo "$dir"
		return
	done
	return 1
}

# What a test could leave in places that everybody shares. Others may come and go at the same
# time: only what bears the test's mark counts.
leftovers() {
	local work=$1 mark=$2 environ
	awk -v work="$work/" 'index($1, work) == 1 { print "swap area " $1 }' /proc/swaps
	awk -v work="$work" 'index($5, work) == 1 { print "mount " $5 }' /proc/self/mountinfo
	for environ in /proc/[0-9]*/environ; do
		if grep -qsz "^SWAPIFY_TEST=$mark\$" "$environ"; then
			environ=${environ%/environ}
			echo "process ${environ#/proc/} $(cat "$environ/comm" 2>/dev/null)"
		fi
	done
	losetup -n -O NAME,BACK-FILE 2>/dev/null | grep -F "$work/" | sed 's/^/loop device /'
	find /sys/fs/cgroup -maxdepth 3 -name "*$mark*" 2>/dev/null | sed 's/^/control group /'
	if [ -e "$work/zram" ]; then
		echo "zram device $(cat "$work/zram")"
	fi
}

# Puts right what a test left, so that the next one has a chance.
clear_up() {
	local work=$1 area
	local -a areas
	mapfile -t areas < /proc/swaps # before it gets shorter
	for area in "${areas[@]%% *}"; do
		case $area in
		"$work"/*) swapoff "$area" ;;
		esac
	done
	rm -rf --one-file-system "$work"
}

run_test() {
	local test=$1 name status=0 left watched=/run/swapify-policy present=no
	local -a namespaces=(--mount --pid --fork --kill-child --mount-proc)
	name=$(basename "$test" .sh)
	grep -q '^# host processes' "$test" && namespaces=(--mount)
	[ -e $watched ] && present=yes

	work=$(mktemp -d "$base/swapify-system.XXXXXX") || exit 1
	chmod 755 "$work"
	mark=$(basename "$work")
	log=$work.log
	SWAPIFY_TEST=$mark BUILD=$build WORK=$work timeout -k 20 $TIMEOUT \
		unshare "${namespaces[@]}" bash "$test" > "$log" 2>&1 < /dev/null {lock}<&- &
	runner=$!
	wait $runner || status=$?
	runner=
	left=$(leftovers "$work" "$mark")
	[ $present = yes ] || [ ! -e $watched ] || left="$left $watched"
	[ "$status" != 77 ] || reason=$(cat "$work/skipped" 2>/dev/null)
	clear_up "$work"
	[ ! -e "$work" ] || left="$left $work"
	work=

	if [ -n "$left" ]; then
		echo "LEFT BEHIND: $left" >> "$log"
		status=1
	fi
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $name: $reason"
		;;
	*)
		failed=$((failed + 1))
		[ "$status" != 124 ] || echo "FAILED: not done after $TIMEOUT s" >> "$log"
		echo "FAIL $name"
		sed 's/^/    /' "$log"
		;;
	esac
	rm -f "$log"
}

wanted() {
	local name=$1 pattern
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		case $name in
		"$pattern" | "$pattern"-*) return 0 ;;
		esac
	done
	return 1
}

if [ "$(id -u)" != 0 ]; then
	echo "system tests: need root" >&2
	exit 1
fi
base=$(work_base) || {
	echo "system tests: need a directory on a disk: set TMPDIR" >&2
	exit 1
}
interrupted() {
	if [ -n "$runner" ]; then
		kill -TERM "$runner"
		wait "$runner" 2>/dev/null
	fi
	[ -z "$work" ] || clear_up "$work"
	[ -z "$log" ] || rm -f "$log"
	exit 1
}

# run_lane TEST...: one after the other; adds their counts to the results.
run_lane() {
	local test passed=0 failed=0 skipped=0 work='' log='' reason='' runner='' start=$SECONDS began
	trap interrupted INT TERM HUP
	for test; do
		began=$SECONDS
		run_test "$test"
		[ -z "${TIMES:-}" ] || echo "   took $((SECONDS - began)) s"
	done
	[ -z "${TIMES:-}" ] || echo "all took $((SECONDS - start)) s"
	echo "$passed $failed $skipped" >> "$results/counts"
}

alone=() beside=()
for test in "$here"/[0-9][0-9]-*.sh; do
	wanted "$(basename "$test" .sh)" "$@" || continue
	if grep -q '^# beside others' "$test"; then beside+=("$test"); else alone+=("$test"); fi
done

# Two runs at a time would take each other's swap
exec {lock}< "$base"
flock -n $lock || {
	echo "another run is under way; waiting for it" >&2
	flock $lock
}
results=$(mktemp -d) || exit 1
lanes=()
stop() {
	kill -TERM "${lanes[@]}" 2>/dev/null
	wait
	rm -rf "$results"
	exit 1
}
trap stop INT TERM HUP
run_lane "${beside[@]}" > "$results/beside" 2>&1 &
lanes+=($!)
run_lane "${alone[@]}" &
lanes+=($!)
wait "${lanes[1]}"
tail -n +1 -f --pid "${lanes[0]}" "$results/beside" &
wait $!
wait
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }' "$results/counts")
[ "$(wc -l < "$results/counts")" = 2 ] || failed=$((failed + 1)) # a lane didn't get to its end
rm -rf "$results"
echo "system tests: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
