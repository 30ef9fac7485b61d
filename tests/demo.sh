#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh BUILD: shows on this machine what swapify-policy does. Three idle programs, one of them by
# swapify, and a busy one are started, then the daemon, with limits a little above what is available
# just now: memory is short for it, and it moves the idle programs out: that of swapify to its own
# image, the others to swap. Then the limits are lowered far below what is available: there is
# plenty, and it brings them back. Takes about 20 seconds, needs root, and a temporary swap file
# where the machine has no swap with enough room.
#
# Exits 0 if all of it happened as measured in /proc, 1 if not, 2 if it can't be shown here.
# Nothing is left behind, also after Ctrl-C. NO_COLOR is honoured.
set -uo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

# Names begin with this: what is protected from the daemon is everything else, see protect_others.
readonly prefix=swapdemo- programs=(frozen idle1 idle2 busy) idle=(frozen idle1 idle2)
readonly deadline=60 # seconds for each thing that is waited for
build=${1:-build}
work='' images='' swap_file='' daemon='' log='' seen='' uid=''
declare -A pid=() in=()
declare -A resident=() swapped=() # kB by moment,program; the moments are first, short and plenty
declare -A image=()		  # the same of its image, nothing where it has none
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
	wait_until uid_is_free || clean=no
	remove_swap_file || clean=no
	rm -rf "$work" "$images"
	for process in $daemon "${pid[@]}"; do [ ! -d "/proc/$process" ] || clean=no; done
	if [ -e "$work" ] || [ -e "$images" ] || { [ -n "$swap_file" ] && grep -q "^$swap_file " /proc/swaps; }; then clean=no; fi
	if [ $clean = yes ]; then
		say 'Nothing is left behind: no process, no swap area, no file.'
	else
		say "${red}Something is left behind, see above.$plain"
		[ "$status" != 0 ] || status=1
	fi
	exit "$status"
}

# A helper goes when its program has gone, and removes socket and image before.
uid_is_free() { [ -z "$uid" ] || ! uids | grep -qx "$uid"; }

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

# Sockets lie under /run: in one of its own, where the daemon finds none of other programs.
with_own_run() { # SCRIPT ARGUMENT...
	[ -z "${DEMO_OWN_RUN:-}" ] || return 0
	unshare --mount true 2>/dev/null || impossible 'needs a mount namespace: unshare --mount is not permitted'
	DEMO_OWN_RUN=yes exec unshare --mount "$@"
}

make_own_run() {
	mount -t tmpfs -o mode=755 none /run || impossible 'no /run of its own can be mounted'
	mkdir -m 1777 /run/swapify
}

# On a disk, as an image in memory would be of no use, and where that user gets to
make_images() { # MIB
	local base room_mib
	for base in "${TMPDIR:-/tmp}" /var/tmp /var/lib; do
		case $(stat -f -c %T "$base" 2>/dev/null) in
			tmpfs | ramfs | '') continue ;;
		esac
		room_mib=$(df --output=avail -BM "$base" | tail -n 1 | tr -dc 0-9)
		[ "${room_mib:-0}" -ge $(($1 + 64)) ] || continue
		images=$(mktemp -d "$base/swapify-policy-images.XXXXXX") || continue
		chown "$uid:$uid" "$images"
		setpriv --reuid "$uid" --regid "$uid" --clear-groups test -w "$images" && return
		rm -rf "$images"
	done
	impossible "no directory on a disk for an image of $1 MiB: tried /tmp, /var/tmp and /var/lib"
}

uids() { cat /proc/[0-9]*/status 2>/dev/null | awk '$1 == "Uid:" { print $2 }' | sort -nu; }

make_work() {
	local base
	for base in "${TMPDIR:-/tmp}" /var/tmp /run; do
		work=$(mktemp -d "$base/swapify-policy-demo.XXXXXX") || continue
		chmod 755 "$work"
		install -m 755 "$build/tools/holder" "$build/swapify" "$build/libswapify.so" "$work"
		"$work/holder" 2>/dev/null # fails with its usage
		[ $? != 2 ] || return 0
		rm -rf "$work" # a file system that is mounted noexec
	done
	impossible 'no directory for temporary programs: /tmp, /var/tmp and /run are full or noexec'
}

start_program() { # NAME MIB [busy]
	start_with '' "$@"
}

# Not in the foreground of this terminal: the daemon freezes nobody who may be talked to. So it gets
# a process group of its own.
start_attached() { # NAME MIB
	set -m
	start_with "$work/swapify --image-dir $images" "$@"
	set +m
	wait_until [ -S "/run/swapify/$uid/${pid[$1]}.sock" ] || impossible "$prefix$1 could not be attached"
}

start_with() { # COMMAND NAME MIB [busy]
	local name=$2 file=$work/$prefix$2 in_fd command
	read -ra command <<<"$1"
	shift
	cp "$work/holder" "$file"
	mkfifo "$work/$name.in"
	: >"$work/$name.out"
	exec {in_fd}<>"$work/$name.in"
	in[$name]=$in_fd
	# should this script be killed, nobody stays
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --pdeathsig KILL \
		"${command[@]}" "$file" "${@:2}" <"$work/$name.in" >>"$work/$name.out" &
	pid[$name]=$!
	wait_until has_answered "$name" 1
	[ "$(answer "$name" 1)" = ready ] || impossible "cannot start a program of $2 MiB as user $uid"
	printf '      %-15s pid %-7d %5d MiB  %s\n' "$prefix$name" "${pid[$name]}" "$2" \
		"${3:-idle}${command:+, started by swapify}"
}

answer() { sed -n "$2p" "$work/$1.out"; } # NAME NUMBER
has_answered() { [ -n "$(answer "$1" "$2")" ] || ! is_running "${pid[$1]}"; }

# As long as the file is said to be; 0: it isn't there
image_kb() { echo $(($(stat -c %s "$images/$1.swap" 2>/dev/null || echo 0) / 1024)); }

measure() { # MOMENT
	local name
	for name in "${programs[@]}"; do
		resident[$1,$name]=$(status_of "${pid[$name]}" RssAnon)
		swapped[$1,$name]=$(status_of "${pid[$name]}" VmSwap)
		image[$1,$name]=$(image_kb "${pid[$name]}")
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
have_said_of_all() { # WHAT
	local name
	for name in "${idle[@]}"; do has_said "$1 pid=${pid[$name]} " || return; done
}

# -- what is expected --------------------------------------------------------------------------------

# 0 where the program has died
resident_kb() { echo $((${resident[$1,$2]:-0})); }
moved_kb() { echo $((${swapped[$1,$2]:-0} - ${swapped[first,$2]:-0})); }
is_over() { [ $(($1 * 100)) -gt $(($3 * $2)) ]; } # PART PERCENT WHOLE

are_out() {
	local name first
	measure short
	for name in "${idle[@]}"; do
		first=$(resident_kb first "$name")
		is_over $((first - $(resident_kb short "$name"))) 80 "$first" || return 1
		[ "$name" = frozen ] || is_over "$(moved_kb short "$name")" 80 "$first" || return 1
	done
	is_over "${image[short,frozen]}" 80 "$(resident_kb first frozen)"
}

are_back() {
	local name
	measure plenty
	for name in "${idle[@]}"; do
		is_over "$(resident_kb plenty "$name")" 80 "$(resident_kb first "$name")" || return 1
	done
	[ "${image[plenty,frozen]}" = 0 ] && runs frozen
}

# The state is t where a tracer, its helper, holds it.
is_held() { [ "$(status_of "${pid[$1]}" State)" = t ] && [ "$(status_of "${pid[$1]}" TracerPid)" != 0 ]; }
runs() { [[ $(status_of "${pid[$1]}" State) == [RS] ]] && [ "$(status_of "${pid[$1]}" TracerPid)" = 0 ]; }

expect_frozen_without_swap() {
	local first moved
	first=$(resident_kb first frozen)
	moved=$(moved_kb short frozen)
	is_held frozen || fail "${prefix}frozen isn't held: state $(status_of "${pid[frozen]}" State)"
	! is_over "$moved" 5 "$first" || fail "${prefix}frozen took $(mib "$moved") MiB of swap"
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
		grep -vxe "${pid[frozen]}" -e "${pid[idle1]}" -e "${pid[idle2]}" | sort -u | tr '\n' ' ')
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

print_row() { printf '      %-15s %10s | %10s %10s %10s | %10s\n' "$@"; }

print_table() {
	local name
	printf '\n      %-15s %10s | %-32s | %10s\n' MiB 'at first' '        memory is short' 'in plenty'
	print_row process resident resident 'in swap' 'in image' resident
	for name in "${programs[@]}"; do
		print_row "$prefix$name" "$(mib "${resident[first,$name]:-}")" \
			"$(mib "${resident[short,$name]:-}")" "$(mib "${swapped[short,$name]:-}")" \
			"$(mib "${image[short,$name]:-}")" "$(mib "${resident[plenty,$name]:-}")"
	done
	echo
}

mib() { awk -v kb="$1" 'BEGIN { if (kb == "") print "-"; else printf "%.1f\n", kb / 1024 }'; }

# -- the demo ----------------------------------------------------------------------------------------

check_prerequisites() {
	local tool
	[ "$(id -u)" = 0 ] || impossible 'needs root, to make a swap file and to run the daemon: sudo make demo'
	for tool in setpriv unshare mount mkswap swapon swapoff mkfifo; do
		command -v $tool >/dev/null || impossible "needs $tool: install util-linux and coreutils"
	done
	for tool in swapify-policy swapify libswapify.so tools/holder; do
		[ -e "$build/$tool" ] || impossible "$build/$tool isn't there: run make demo"
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
	frozen=$small
	busy=$((available_mib - total_mib * 98 / 100))
	busy=$((busy < small / 2 ? small / 2 : busy))
	busy=$((busy < 16 ? 16 : busy))
}

# As in the kernel's figures just now; the daemon computes with whole per cent.
available_percent() { echo $(($(meminfo_kb MemAvailable) * 100 / $(meminfo_kb MemTotal))); }

# Above what is available now, also when the idle ones are out and somebody else ends meanwhile
go_short() {
	local lower=$((available + (big + small + frozen) * 100 / total_mib + 10))
	lower=$((lower > 99 ? 99 : lower))
	write_config $lower $((lower + 1)) $((lower + 1))
	step "2/5 $available % of memory is available. The daemon starts, told that less than $lower % is short."
	start_daemon
	show_until 'steady -> hungry' has_said 'steady -> hungry' || return
	show_until 'all idle programs moved out' have_said_of_all swapped || return
	show_until 'more than 80 % of the idle programs in swap, or in the image' are_out || return
	expect_frozen_without_swap
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
	show_until 'all idle programs brought back' have_said_of_all unswapped || return
	show_until 'more than 80 % of the idle programs resident again' are_back
}

main() {
	local failure
	check_prerequisites
	with_own_run "$0" "$@"
	choose_sizes
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap 'exec >/dev/null; exit 141' PIPE
	make_own_run
	make_work
	uid=$(find_uid)
	make_images $frozen

	step '1/5 Three programs that will do nothing, one of them started by swapify, and one that works.'
	find_swap $((big + small))
	start_attached frozen $frozen
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
	say "${green}The idle programs were moved out, one of them without swap, and brought back; the busy one was left alone.$plain"
}

main "$@"
