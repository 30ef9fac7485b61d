# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the system tests share. Each test is a process tree of its own, started by run.sh in its own
# mount namespace (and, but for those with "# host processes", its own pid namespace), with
#   BUILD  where the programs under test lie, WORK  its own directory on a real file system,
#   SWAPIFY_TEST  a word that stands in the environment of all that it starts.
# It ends what it started, by pid; at its end whatever is left counts as a failure.
set -euEo pipefail
: "${BUILD:?}" "${WORK:?}" "${SWAPIFY_TEST:?}"

readonly DEADLINE=60	# seconds; generous: a loaded machine is slow, not broken
readonly OURS=61234	# the user whose processes the daemon under test may touch
# shellcheck disable=SC2034
readonly SPARED=61235	# one that a protect rule names
readonly OWN=${WORK##*.}-	# how the names of this test's processes begin

# Patterns of all names but those: nobody else's process is ever touched.
other_names() {
	local i
	for ((i = 0; i < ${#OWN}; i++)); do
		echo -n "${OWN:0:i}[!${OWN:i:1}]* ${OWN:0:i} "
	done
}
OTHERS=$(other_names)
readonly OTHERS

readonly LOG=$WORK/daemon.log
readonly FACTS=$WORK/meminfo
OPTIONS=(-v -c /dev/null --daemon.interval=100ms "--daemon.lockfile=$WORK/lock" --memory.cooldown=2s
	--memory.cooldown_max=10s --idle.min_idle=1s --idle.scan_interval=200ms
	--idle.scan_interval_near=200ms --idle.min_resident=1s --idle.min_rss=8M
	--daemon.seccomp=kill
	--madvise.enabled=yes --madvise.swap_margin=0 --protect.uids=0 "--protect.more_names=$OTHERS")

DAEMON=		# its pid
LOG_AT=0	# how many lines of the log await_log has gone through
DUMP=		# the last dump, by dump
VALUE=		# what value found
ANSWER=		# to the last question
ANON='' SWAP=''	# KiB, by look
declare -A PID=()	# of what start_ours started, by name
STARTED=()	# pids
CLEANUP=()	# commands, run from last to first

# -- the end --------------------------------------------------------------------------------------

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*" > "$WORK/skipped"
	exit 77
}

# Processes of this test that are neither this shell nor its ancestors: "PID NAME" each.
left_processes() {
	local dir pid name
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		case $pid in
		"$$" | "$BASHPID" | "$PPID") continue ;;
		esac
		grep -qsz "^SWAPIFY_TEST=$SWAPIFY_TEST\$" "$dir/environ" || continue
		name=$(cat "$dir/comm" 2>/dev/null) || continue
		echo "$pid $name"
	done
}

end_process() {
	if [ -d "/proc/$1" ]; then kill -KILL "$1" 2>/dev/null || :; fi
	wait "$1" 2>/dev/null || :
}

finish() {
	local status=$? i left
	trap - ERR
	trap '' TERM
	set +e
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [ -e "$LOG" ]; then
		echo "--- the end of the daemon's log:"
		tail -n 60 "$LOG"
	fi
	for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do end_process "${STARTED[i]}"; done
	for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do
		eval "${CLEANUP[i]}" || { echo "LEFT BEHIND: failed: ${CLEANUP[i]}"; status=1; }
	done
	# what ends with its parent, a helper above all, sees that a moment later than we do
	for ((i = 0; i < 100; i++)); do
		left=$(left_processes)
		[ -n "$left" ] || break
		breathe
	done
	if [ -n "$left" ]; then
		echo "LEFT BEHIND: processes: $left"
		status=1
	fi
	exit "$status"
}
trap finish EXIT
trap 'fail "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
trap 'fail "took too long"' TERM

# cleanup COMMAND: runs at the end, before what was registered earlier.
cleanup() {
	CLEANUP+=("$1")
}

# Dumps go to syslog, too: not to the one of this machine
if [ -S /dev/log ]; then mount --bind /dev/null /dev/log; fi

# -- waiting --------------------------------------------------------------------------------------

mkfifo "$WORK/never"
exec {NEVER}<>"$WORK/never"

# A look at the world costs less when it isn't taken all the time.
breathe() {
	read -rt 0.03 -u "$NEVER" || :
}

# await WHAT COMMAND...: until the command says yes.
await() {
	local what=$1 end=$((SECONDS + DEADLINE))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "waited ${DEADLINE} s for $what"
		breathe
	done
}

gone() {
	[ ! -d "/proc/$1" ]
}

# -- checks ---------------------------------------------------------------------------------------

# expect WHAT COMMAND...
expect() {
	local what=$1
	shift
	"$@" || fail "$what ($*)"
}

# expect_status STATUS COMMAND...: what it prints goes to $WORK/out and $WORK/err.
expect_status() {
	local wanted=$1 status=0
	shift
	"$@" > "$WORK/out" 2> "$WORK/err" {NEVER}<&- || status=$?
	[ "$status" = "$wanted" ] || {
		cat "$WORK/out" "$WORK/err"
		fail "exit status $status, not $wanted: $*"
	}
}

# printed REGEX: one line of the last expect_status's output matches.
printed() {
	grep -qE -- "$1" "$WORK/out" "$WORK/err" || {
		cat "$WORK/out" "$WORK/err"
		fail "not printed: $1"
	}
}

# -- the daemon and its log -----------------------------------------------------------------------

# start_daemon [OPTION...]
# shellcheck disable=SC2120
start_daemon() {
	: >> "$LOG"
	"$BUILD/swapify-policy" "${OPTIONS[@]}" "$@" 2>> "$LOG" {NEVER}<&- &
	DAEMON=$!
	STARTED+=("$DAEMON")
	await_log 'started version='
}

# Ends it as an init system does; it has to leave in good order.
stop_daemon() {
	local status=0
	kill -TERM "$DAEMON"
	await_log 'stopped$'
	wait "$DAEMON" || status=$?
	[ "$status" = 0 ] || fail "the daemon left with status $status"
	DAEMON=
}

# As a restart does: it leaves everything to the next one.
leave_daemon() {
	local status=0
	kill -QUIT "$DAEMON"
	await_log 'stopped$'
	wait "$DAEMON" || status=$?
	[ "$status" = 0 ] || fail "the daemon left with status $status"
	DAEMON=
}

next_line() {
	local -a lines
	local line
	mapfile -s "$LOG_AT" lines < "$LOG"
	for line in "${lines[@]}"; do
		[[ $line == *$'\n' ]] || break # the rest of it is to come
		LOG_AT=$((LOG_AT + 1))
		[[ ${line%$'\n'} =~ $1 ]] && return
	done
	[ -z "$DAEMON" ] || [ -d "/proc/$DAEMON" ] || [ "$(wc -l < "$LOG")" -gt "$LOG_AT" ] ||
		fail "the daemon is gone; waited for the log to say: $1"
	return 1
}

# await_log REGEX: the next line that matches, behind the one that the last await_log found.
await_log() {
	await "the log to say: $1" next_line "$1"
}

# From here on await_log looks at new lines only.
skip_log() {
	LOG_AT=$(wc -l < "$LOG")
}

# times REGEX: how many lines of the whole log match.
times() {
	grep -cE -- "$1" "$LOG" || :
}

said() {
	grep -qE -- "$1" "$LOG"
}

# await_said REGEX: a line anywhere in the log.
await_said() {
	await "a line in the log: $1" said "$1"
}

expect_times() {
	local n
	n=$(times "$2")
	[ "$n" = "$1" ] || fail "$n lines, not $1, in the log say: $2"
}

more_dumps() {
	[ "$(times 'end of dump$')" -gt "$1" ]
}

# dump: asks for a dump and reads it into DUMP.
dump() {
	local before
	before=$(times 'end of dump$')
	kill -USR1 "$DAEMON"
	await "a dump" more_dumps "$before"
	DUMP=$(awk '/: uptime=/ { text = "" } { text = text $0 "\n" } /end of dump$/ { last = text }
		END { printf "%s", last }' "$LOG")
}

# value REGEX: its first group in the last dump, into VALUE; no if it isn't there.
value() {
	[[ $DUMP =~ $1 ]] || return 1
	VALUE=${BASH_REMATCH[1]}
}

expect_dump() {
	[[ $DUMP =~ $1 ]] || {
		echo "$DUMP"
		fail "not in the dump: $1"
	}
}

dump_says() {
	dump
	[[ $DUMP =~ $1 ]]
}

await_dump() {
	await "a dump that says: $1" dump_says "$1"
}

ticked() {
	dump
	value 'ticks=([0-9]+)'
	[ "$VALUE" -ge "$1" ]
}

# ticks N: until the daemon has looked at memory N more times.
ticks() {
	dump
	value 'ticks=([0-9]+)'
	await "$1 ticks" ticked $((VALUE + $1))
}

# -- memory, as the daemon is told ----------------------------------------------------------------

TOTAL_MIB=1000
SWAP_TOTAL_MIB=4096
SWAP_FREE_MIB=4096

facts() {
	printf '%-16s%10d kB\n' MemTotal: $((TOTAL_MIB * 1024)) MemFree: $((TOTAL_MIB * 1024 / 200)) \
		MemAvailable: $((TOTAL_MIB * 1024 * $1 / 100)) Buffers: 2048 Cached: 4096 \
		SwapCached: 0 Active: 0 Inactive: 0 'Active(anon):' 0 'Inactive(anon):' 0 \
		SwapTotal: $((SWAP_TOTAL_MIB * 1024)) SwapFree: $((SWAP_FREE_MIB * 1024)) \
		Dirty: 0 Writeback: 0 AnonPages: 0 Shmem: 0
}

# Takes what it reads as the new facts in one write(2), so that nobody sees a half of it. Facts of
# another length are emptied before.
write_facts() {
	dd "of=$FACTS" bs=64K iflag=fullblock conv=notrunc status=none
}

# memory PERCENT: that much is available from now on.
memory() {
	if [ "$(facts "$1" | wc -c)" != "$(stat -c %s "$FACTS" 2>/dev/null)" ]; then : > "$FACTS"; fi
	facts "$1" | write_facts
}

# Puts the scripted facts in the place of the kernel's, in this mount namespace.
script_memory() {
	memory "$1"
	mount --bind "$FACTS" /proc/meminfo
}

# -- processes with memory ------------------------------------------------------------------------

# tool NAME: a program of the suite, where other users can reach it.
tool() {
	[ -x "$BUILD/tools/$1" ] || fail "$BUILD/tools/$1 isn't built"
	mkdir -p "$WORK/bin"
	[ -x "$WORK/bin/$1" ] || install -m 755 "$BUILD/tools/$1" "$WORK/bin/$1"
}

lines_of() {
	[ "$(wc -l < "$1")" -ge "$2" ]
}

# start_ours NAME TOOL [ARG...]: runs it as $OWN$NAME (8 characters at most) and waits until it is
# ready. AS is its user, WITH the command in front, BIN where its executable lies, NEXT_PID the pid
# that it shall have (in a pid namespace of our own).
start_ours() {
	local name=$1 program=$2 bin=${BIN:-$WORK/bin} as=${AS:-$OURS}
	local -a with
	read -ra with <<< "${WITH:-}"
	shift 2
	tool "$program"
	mkdir -p "$bin"
	ln -f "$WORK/bin/$program" "$bin/$OWN$name"
	[ -p "$WORK/$name.in" ] || mkfifo "$WORK/$name.in"
	: > "$WORK/$name.out"
	# nothing that forks in between
	[ -z "${NEXT_PID:-}" ] || echo $((NEXT_PID - 1)) > /proc/sys/kernel/ns_last_pid
	"${with[@]}" setpriv --reuid "$as" --regid "$as" --clear-groups "$bin/$OWN$name" "$@" \
		0<>"$WORK/$name.in" >> "$WORK/$name.out" 2>&1 {NEVER}<&- &
	PID[$name]=$!
	STARTED+=($!)
	await "$name to be ready" lines_of "$WORK/$name.out" 1
	[ "$(head -n 1 "$WORK/$name.out")" = ready ] || fail "$name: $(cat "$WORK/$name.out")"
}

start_holder() {
	local name=$1
	shift
	start_ours "$name" holder "$@"
}

# ask NAME QUESTION: waits for the answer.
ask() {
	local out=$WORK/$1.out n
	n=$(wc -l < "$out")
	echo "$2" 1<>"$WORK/$1.in"
	await "$1 to answer $2" lines_of "$out" $((n + 1))
	ANSWER=$(sed -n "$((n + 1))p" "$out")
}

# verify NAME...: all of their memory holds what they wrote.
verify() {
	local name
	for name; do
		ask "$name" verify
		[ "$ANSWER" = ok ] || fail "the memory of $name is wrong: $ANSWER"
	done
}

end_ours() {
	local name
	for name; do
		end_process "${PID[$name]}"
		rm -f "$WORK/$name.in"
		unset "PID[$name]"
	done
}

# look NAME: what it holds, in KiB, into ANON and SWAP. In one reading, for the kernel makes the text
# anew for each: line by line two of them needn't be of one moment, nor meet where a line begins.
look() {
	local text=''
	IFS= read -r -d '' text < "/proc/${PID[$1]}/status" || : # there is no such delimiter
	[[ $text =~ RssAnon:[[:blank:]]+([0-9]+).*VmSwap:[[:blank:]]+([0-9]+) ]] ||
		fail "$1 has no memory any more"
	ANON=${BASH_REMATCH[1]} SWAP=${BASH_REMATCH[2]}
}

# weigh NAME: the same, but counted page by page: before Linux 6.16 status is some 100 KiB off where
# several CPUs count.
weigh() {
	local text=''
	IFS= read -r -d '' text < "/proc/${PID[$1]}/smaps_rollup" || :
	[[ $text =~ Anonymous:[[:blank:]]+([0-9]+).*[[:space:]]Swap:[[:blank:]]+([0-9]+) ]] ||
		fail "$1 has no memory any more"
	ANON=${BASH_REMATCH[1]} SWAP=${BASH_REMATCH[2]}
}

# kernel_thread: into VALUE the pid of one whose name stays; no where none is seen, as in a container.
kernel_thread() {
	local dir text
	local -a stat
	for dir in /proc/2 /proc/[0-9]*; do
		{ read -r text < "$dir/stat"; } 2>/dev/null || continue
		read -ra stat <<< "${text##*) }"
		if ((stat[6] & 0x200000)) && [[ $text != *"(kworker"* ]]; then # PF_KTHREAD
			VALUE=${dir#/proc/}
			return
		fi
	done
	return 1
}

# is_state PID LETTERS: one of them
is_state() {
	[[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat") == [$2] ]]
}

# -- attached programs ----------------------------------------------------------------------------

SOCKETS=/run/swapify/$OURS # where those of $OURS have their sockets
REPLY=	# the byte that came back when one was told something
LINES_BEHIND=	# and what came behind it, when that was a question

# Where programs have their sockets, there is nobody yet.
empty_sockets() {
	mkdir -p /run/swapify
	mount -t tmpfs -o mode=755 none /run/swapify
	if [ -d /run/user ]; then mount -t tmpfs -o mode=755 none /run/user; fi
}

# start_attached NAME MIB: a holder with the shim, whose images lie in $WORK/images-UID
start_attached() {
	local as=${AS:-$OURS}
	WITH="env LD_PRELOAD=$WORK/libswapify.so SWAPIFY_IMAGE_DIR=$WORK/images-$as ${WITH:-}" \
		start_holder "$@"
	await "a socket of $1" test -S "/run/swapify/$as/${PID[$1]}.sock"
}

# tell NAME REQUEST: by hand, as any client would. Of an answer to another question than for its
# status only the byte is read: an old shim may keep the connection.
tell() {
	LINES_BEHIND=$(python3 - "$SOCKETS/${PID[$1]}.sock" "$2" <<- 'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.send(bytes([int(sys.argv[2])]))
		print(s.recv(1)[0])
		if sys.argv[2] == "3":
		    print(s.makefile().read())
	END
	)
	REPLY=${LINES_BEHIND%%$'\n'*}
}

is_frozen() {
	look "$1"
	is_state "${PID[$1]}" tT && [ "$ANON" -lt 4096 ]
}

# It may be on the CPU at that moment, or wait for what it reads back.
runs() {
	is_state "${PID[$1]}" SRD
}

declare -A ANON_BEFORE=() SWAP_BEFORE=()

# remember NAME...: what they hold now, for the three below.
remember() {
	local name
	for name; do
		weigh "$name"
		ANON_BEFORE[$name]=$ANON SWAP_BEFORE[$name]=$SWAP
	done
}

is_out() {
	look "$1"
	[ "$ANON" -lt 8192 ]
}

# await_out NAME...: all that is worth an action, see min_rss, is out. A page that the kernel is
# busy with it passes over, now and then a lot of them: then it takes another attempt.
await_out() {
	local name
	for name; do
		await "$name to be out" is_out "$name"
	done
}

# moved_out NAME MIB: at least so much less is resident, and more swapped.
moved_out() {
	look "$1"
	[ $((ANON_BEFORE[$1] - ANON)) -ge $(($2 * 1024)) ] &&
		[ $((SWAP - SWAP_BEFORE[$1])) -ge $(($2 * 1024)) ]
}

moved_back() {
	look "$1"
	[ $((ANON - ANON_BEFORE[$1])) -ge $(($2 * 1024)) ] &&
		[ $((SWAP_BEFORE[$1] - SWAP)) -ge $(($2 * 1024)) ]
}

# untouched NAME...: nothing of any account was moved, and the log doesn't say so either.
untouched() {
	local name
	for name; do
		look "$name"
		[ $((ANON_BEFORE[$name] - ANON)) -le 1024 ] ||
			fail "$name was touched: resident $ANON KiB of ${ANON_BEFORE[$name]}"
		! said "(swapped|offered to the kernel) pid=${PID[$name]} " ||
			fail "$name was moved, says the log"
	done
}

# -- swap -----------------------------------------------------------------------------------------

other_swap() {
	[ "$(wc -l < /proc/swaps)" -gt 1 ]
}

# swap_on NAME MIB: a swap file, before all other swap areas.
swap_on() {
	local file=$WORK/$1
	touch "$file"
	chattr +C "$file" 2>/dev/null || : # for btrfs
	fallocate -l "$2M" "$file" 2>/dev/null ||
		dd if=/dev/zero "of=$file" bs=1M "count=$2" status=none
	chmod 600 "$file"
	mkswap "$file" > /dev/null
	swapon -p 32767 "$file" 2> "$WORK/swapon.err" ||
		skip "no swap file can be used here: $(cat "$WORK/swapon.err")"
	cleanup "swap_off $1"
}

swap_off() {
	if grep -q "^$WORK/$1 " /proc/swaps; then swapoff "$WORK/$1"; fi
	rm -f "$WORK/$1"
}
