#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh BUILD: shows on this machine what swapify-policy does. Two idle programs and a busy one
# are started, then the daemon, with limits a little above what is available just now: memory is
# short for it, and it moves the idle programs out. Then the limits are lowered far below what is
# available: there is plenty, and it brings them back. Takes about 20 seconds, needs root, and a
# temporary swap file where the machine has no swap with enough room.
#
# Exits 0 if all of it happened as measured in /proc, 1 if not, 2 if it can't be shown here.
# Nothing is left behind, also after Ctrl-C. NO_COLOR is honoured.
set -uo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

# Names begin with this: what is protected from the daemon is everything else, see protect_others.
readonly prefix=swapdemo- programs=(idle1 idle2 busy)
readonly deadline=60 # seconds for each thing that is waited for
build=${1:-build}
work='' swap_file='' daemon='' log='' seen=''
declare -A pid=() in=()
declare -A resident=() swapped=() # kB by moment,program; the moments are first, short and plenty
failures=()

bold='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

say() { printf '      %s\n' "$*"; }
step() { printf '%s\n' "$bold$*$plain"; }
fail() { failures+=("$*"); }
impossible() {
	printf 'demo: %s\n' "$*" >&2
	exit 2
}

# No read -t here: in bash 5.2 a trap that exits leaves its alarm on, which then kills the script
# while it cleans up. So waiting is asking again.
wait_until() { # COMMAND...
	local end=$((SECONDS + deadline))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# -- nothing stays behind --------------------------------------------------------------------------

remove_swap_file() {
	[ -n "$swap_file" ] || return 0
	if grep -q "^$swap_file " /proc/swaps && ! swapoff "$swap_file"; then
		say "${red}the swap file $swap_file is still in use; later: swapoff and rm it$plain"
		return 1
	fi
	rm -f "$swap_file"
}

clean_up() {
	local status=$? process clean=yes
	trap '' INT TERM HUP PIPE
	trap - EXIT
	[ -n "$work" ] || exit "$status"
	[ -z "$daemon" ] || end_daemon
	for process in "${pid[@]}"; do kill -KILL "$process" 2>/dev/null; done
	wait 2>/dev/null
	remove_swap_file || clean=no
	rm -rf "$work"
	for process in $daemon "${pid[@]}"; do [ ! -d "/proc/$process" ] || clean=no; done
	if [ -e "$work" ] || { [ -n "$swap_file" ] && grep -q "^$swap_file " /proc/swaps; }; then clean=no; fi
	if [ $clean = yes ]; then
		say 'Nothing is left behind: no process, no swap area, no file.'
	else
		say "${red}Something is left behind, see above.$plain"
		[ "$status" != 0 ] || status=1
	fi
	exit "$status"
}

is_running() { [[ $(status_of "$1" State) == [RSDTt] ]]; }

end_daemon() {
	local i
	kill "$daemon" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		is_running "$daemon" || return
		sleep 0.1
	done
	kill -KILL "$daemon" 2>/dev/null
}

# -- the machine -------------------------------------------------------------------------------------

meminfo_kb() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }
status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status" 2>/dev/null; }

# swapon accepts it on some file systems only; on btrfs it must not be copied on write
make_swap_file() { # DIRECTORY MIB
	local file room_mib why
	room_mib=$(df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9)
	if [ "${room_mib:-0}" -lt $(($2 * 2)) ]; then
		say "no swap file in $1: only ${room_mib:-0} MiB are free"
		return 1
	fi
	case $(stat -f -c %T "$1") in
		tmpfs | ramfs | overlayfs | nfs | fuseblk)
			say "no swap file in $1: its file system can't hold one"
			return 1
			;;
	esac
	swap_file=$(umask 077 && mktemp "$1/swapify-policy-demo.XXXXXX") || return 1
	chattr +C "$swap_file" 2>/dev/null
	why=$(dd if=/dev/zero of="$swap_file" bs=1M count="$2" status=none 2>&1 &&
		mkswap "$swap_file" 2>&1 >/dev/null && swapon "$swap_file" 2>&1) && return 0
	say "no swap file in $1: ${why##*$'\n'}"
	rm -f "$swap_file"
	swap_file=
	return 1
}

find_swap() { # MIB
	local directory mib=$(($1 + 64))
	if [ $(($(meminfo_kb SwapFree) / 1024)) -ge $mib ]; then
		say "Swap: this machine's own, $(($(meminfo_kb SwapFree) / 1024)) MiB are free."
		return 0
	fi
	for directory in /var/tmp /var/lib /root; do
		# without links, as /proc/swaps will show it
		make_swap_file "$(realpath $directory)" $mib || continue
		say "Swap: a temporary file of $mib MiB, $swap_file."
		return 0
	done
	impossible "no swap with $mib MiB free, and no place for a swap file: add swap and try again"
}

# -- the programs ----------------------------------------------------------------------------------

# They run under a user number that nobody has: the daemon then meets what it meets in real life,
# and they have no rights here.
find_uid() {
	local candidate
	for ((candidate = 65533; candidate > 60000; candidate--)); do
		getent passwd "$candidate" >/dev/null || uids | grep -qx "$candidate" || break
	done
	echo "$candidate"
}

uids() { cat /proc/[0-9]*/status 2>/dev/null | awk '$1 == "Uid:" { print $2 }' | sort -nu; }

make_work() {
	local base
	for base in "${TMPDIR:-/tmp}" /var/tmp /run; do
		work=$(mktemp -d "$base/swapify-policy-demo.XXXXXX") || continue
		chmod 755 "$work"
		install -m 755 "$build/tools/holder" "$work/holder"
		"$work/holder" 2>/dev/null # fails with its usage
		[ $? != 2 ] || return 0
		rm -rf "$work" # a file system that is mounted noexec
	done
	impossible 'no directory for temporary programs: /tmp, /var/tmp and /run are full or noexec'
}

start_program() { # NAME MIB [busy]
	local name=$1 file=$work/$prefix$1 in_fd
	cp "$work/holder" "$file"
	mkfifo "$work/$name.in"
	: >"$work/$name.out"
	exec {in_fd}<>"$work/$name.in"
	in[$name]=$in_fd
	# should this script be killed, nobody stays
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --pdeathsig KILL \
		"$file" "${@:2}" <"$work/$name.in" >>"$work/$name.out" &
	pid[$name]=$!
	wait_until has_answered "$name" 1
	[ "$(answer "$name" 1)" = ready ] || impossible "cannot start a program of $2 MiB as user $uid"
	printf '      %-15s pid %-7d %5d MiB  %s\n' "$prefix$name" "${pid[$name]}" "$2" "${3:-idle}"
}

answer() { sed -n "$2p" "$work/$1.out"; } # NAME NUMBER
has_answered() { [ -n "$(answer "$1" "$2")" ] || ! is_running "${pid[$1]}"; }

measure() { # MOMENT
	local name
	for name in "${programs[@]}"; do
		resident[$1,$name]=$(status_of "${pid[$name]}" RssAnon)
		swapped[$1,$name]=$(status_of "${pid[$name]}" VmSwap)
	done
}

# -- the daemon --------------------------------------------------------------------------------------

# This is somebody's machine: only the programs above may be touched. The daemon has rules for whom
# to leave alone, none for whom to take. So all others are protected, twice: by patterns that match
# together every name that doesn't begin with the prefix ([!s]* s s[!w]* sw ...), which holds for
# programs that start later, too; and by the numbers of all users who have processes now.
protect_others() {
	local i patterns=''
	for ((i = 0; i < ${#prefix}; i++)); do
		patterns+="${prefix:0:i}[!${prefix:i:1}]* ${prefix:0:i} "
	done
	echo '[protect]'
	echo "more_names = $patterns"
	# a setting is a line of at most 900 bytes
	echo "uids = $(uids | grep -vx "$uid" | head -n 80 | tr '\n' ' ')"
}

write_config() { # LOWER TARGET UPPER
	{
		printf '[memory]\nlower_freelimit = %d\nfreetarget = %d\nupper_freelimit = %d\n' "$@"
		echo 'cooldown = 3s'
		printf '[idle]\nmin_idle = 2s\nscan_interval = 500ms\nscan_interval_near = 500ms\n'
		printf '[madvise]\nenabled = yes\nswap_margin = 16M\n'
		printf '[daemon]\ninterval = 250ms\nlockfile = %s\n' "$work/lock"
		protect_others
	} >"$work/new"
	mv "$work/new" "$work/demo.conf"
}

start_daemon() {
	: >"$work/log"
	exec {log}<"$work/log"
	setpriv --pdeathsig TERM "$build/swapify-policy" -v -c "$work/demo.conf" >>"$work/log" 2>&1 &
	daemon=$!
}

# Shows what the daemon has said since the last time, all of it at its end.
show_lines() {
	local line
	while read -r line <&"$log"; do
		seen+=$line$'\n'
		say "| ${line#swapify-policy: }"
	done
}

# Shows what the daemon says until a command succeeds.
show_until() { # WHAT COMMAND...
	local what=$1
	shift
	wait_until show_or_end "$@"
	"$@" && return
	if is_running "$daemon"; then
		fail "$what: not within $deadline seconds"
	else
		fail "$what: the daemon has ended"
	fi
	return 1
}

show_or_end() { # COMMAND...
	local running=yes
	is_running "$daemon" || running=no
	show_lines
	[ $running = no ] || "$@"
}

has_said() { [[ $seen == *"swapify-policy: $1"* ]]; }
have_said_of_both() { has_said "$1 pid=${pid[idle1]} " && has_said "$1 pid=${pid[idle2]} "; }

# -- what is expected --------------------------------------------------------------------------------

# 0 where the program has died
resident_kb() { echo $((${resident[$1,$2]:-0})); }
moved_kb() { echo $((${swapped[$1,$2]:-0} - ${swapped[first,$2]:-0})); }
is_over() { [ $(($1 * 100)) -gt $(($3 * $2)) ]; } # PART PERCENT WHOLE

are_out() {
	local name first
	measure short
	for name in idle1 idle2; do
		first=$(resident_kb first $name)
		is_over $((first - $(resident_kb short $name))) 80 "$first" || return 1
		is_over "$(moved_kb short $name)" 80 "$first" || return 1
	done
}

are_back() {
	local name
	measure plenty
	for name in idle1 idle2; do
		is_over "$(resident_kb plenty $name)" 80 "$(resident_kb first $name)" || return 1
	done
}

expect_busy_untouched() {
	local first now
	first=$(resident_kb first busy)
	now=$(resident_kb short busy)
	if ! is_over "$now" 95 "$first" || is_over "$(moved_kb short busy)" 5 "$first"; then
		fail "the busy program lost memory: $(mib "$first") -> $(mib "$now") MiB resident"
	fi
}

expect_nobody_else_moved() {
	local others
	others=$(sed -n 's/^swapify-policy: \(un\)\{0,1\}swapped pid=\([0-9]*\) .*/\2/p' <<<"$seen" |
		grep -vxe "${pid[idle1]}" -e "${pid[idle2]}" | sort -u | tr '\n' ' ')
	[ -z "$others" ] || fail "other processes were moved: pid $others"
}

expect_contents() {
	local name got
	for name in "${programs[@]}"; do
		echo verify >&"${in[$name]}"
		wait_until has_answered "$name" 2
		got=$(answer "$name" 2)
		if [ "$got" = ok ]; then
			say "$prefix$name: every byte is right"
		else
			fail "contents of $prefix$name: ${got:-no answer}"
		fi
	done
}

# Shows the rest, and waits for the end.
stop_daemon() {
	local status
	kill "$daemon" 2>/dev/null
	wait "$daemon"
	status=$?
	daemon=
	show_lines
	[ $status = 0 ] || fail "the daemon ended with exit status $status"
	has_said stopped || fail "the daemon didn't say that it stopped"
}

print_row() { printf '      %-15s %10s | %10s %10s | %10s\n' "$@"; }

print_table() {
	local name
	printf '\n      %-15s %10s | %-21s | %10s\n' MiB 'at first' '   memory is short' 'in plenty'
	print_row process resident resident swapped resident
	for name in "${programs[@]}"; do
		print_row "$prefix$name" "$(mib "${resident[first,$name]:-}")" \
			"$(mib "${resident[short,$name]:-}")" "$(mib "${swapped[short,$name]:-}")" \
			"$(mib "${resident[plenty,$name]:-}")"
	done
	echo
}

mib() { awk -v kb="$1" 'BEGIN { if (kb == "") print "-"; else printf "%.1f\n", kb / 1024 }'; }

# -- the demo ----------------------------------------------------------------------------------------

check_prerequisites() {
	local tool
	[ "$(id -u)" = 0 ] || impossible 'needs root, to make a swap file and to run the daemon: sudo make demo'
	for tool in setpriv mkswap swapon swapoff mkfifo; do
		command -v $tool >/dev/null || impossible "needs $tool: install util-linux and coreutils"
	done
	for tool in swapify-policy tools/holder; do
		[ -x "$build/$tool" ] || impossible "$build/$tool isn't there: run make demo"
	done
	[ -n "$(meminfo_kb MemAvailable)" ] || impossible 'this kernel has no MemAvailable'
}

# Sizes: at most 5 % of what is available for each. The busy one makes sure that less than 98 % is
# available when the others are out: a limit is 99 % at most.
choose_sizes() {
	total_mib=$(($(meminfo_kb MemTotal) / 1024))
	local available_mib=$(($(meminfo_kb MemAvailable) / 1024))
	if [ $((available_mib * 100 / total_mib)) -lt 10 ] || [ $available_mib -lt 128 ]; then
		impossible "only $available_mib of $total_mib MiB are available: this machine needs its memory"
	fi
	big=$((available_mib / 20 < 200 ? available_mib / 20 : 200))
	big=$((big < 16 ? 16 : big))
	small=$((big * 3 / 5 < 16 ? 16 : big * 3 / 5))
	busy=$((available_mib - total_mib * 98 / 100))
	busy=$((busy < small / 2 ? small / 2 : busy))
	busy=$((busy < 16 ? 16 : busy))
}

# As in the kernel's figures just now; the daemon computes with whole per cent.
available_percent() { echo $(($(meminfo_kb MemAvailable) * 100 / $(meminfo_kb MemTotal))); }

# Above what is available now, also when both idle ones are out and somebody else ends meanwhile
go_short() {
	local lower=$((available + (big + small) * 100 / total_mib + 10))
	lower=$((lower > 99 ? 99 : lower))
	write_config $lower $((lower + 1)) $((lower + 1))
	step "2/5 $available % of memory is available. The daemon starts, told that less than $lower % is short."
	start_daemon
	show_until 'steady -> hungry' has_said 'steady -> hungry' || return
	show_until 'both idle programs moved out' have_said_of_both swapped || return
	show_until 'more than 80 % of both idle programs in swap' are_out || return
	expect_busy_untouched
}

show_state() {
	step '3/5 The state of the daemon, on SIGUSR1.'
	kill -USR1 "$daemon" 2>/dev/null
	show_until 'a dump on SIGUSR1' has_said 'end of dump'
}

go_plenty() {
	local upper=$((available / 2))
	write_config $((upper / 3)) $((upper / 2)) $upper
	step "4/5 The settings change: over $upper % is plenty. SIGHUP makes the daemon read them."
	kill -HUP "$daemon" 2>/dev/null
	show_until 'steady -> overfed' has_said 'steady -> overfed' || return
	show_until 'both idle programs brought back' have_said_of_both unswapped || return
	show_until 'more than 80 % of both idle programs resident again' are_back
}

main() {
	local failure
	check_prerequisites
	choose_sizes
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap 'exec >/dev/null; exit 141' PIPE
	make_work
	uid=$(find_uid)

	step '1/5 Two programs that will do nothing, and one that works.'
	find_swap $((big + small))
	start_program idle1 $big
	start_program idle2 $small
	start_program busy $busy busy
	measure first
	available=$(available_percent)

	go_short && show_state && go_plenty
	stop_daemon
	step '5/5 Is it still the same memory?'
	expect_contents
	expect_nobody_else_moved
	print_table
	for failure in "${failures[@]}"; do say "${red}FAILED: $failure$plain"; done
	[ ${#failures[@]} = 0 ] || exit 1
	say "${green}The idle programs were moved out and brought back, the busy one was left alone.$plain"
}

main
