#!/bin/bash
# SPDX-License-Identifier: MIT
# host processes: kernel threads are seen from outside only
#
# What memadvise can't do it says in a line that helps; the other targets still go.
# shellcheck source=tests/system/memadvise-lib.sh
. "$(dirname "$0")/memadvise-lib.sh"

start_holder mine 16
AS=$SPARED start_holder theirs 16

# Usage: nothing is done.
while IFS='|' read -r options message; do
	# shellcheck disable=SC2086 # words
	expect_status 2 "$MEMADVISE" $options
	printed "memadvise: .*$message"
	expect "$options: something on standard output" [ ! -s "$WORK/out" ]
done <<END
|no target
-d|no target
-t ,|no target
${PID[mine]}|name processes with -t
-t ${PID[mine]} -p 0|percent '0': .* 1 to 100
-t ${PID[mine]} -p 101|percent '101': .* 1 to 100
-t ${PID[mine]} -p ten|percent 'ten': .* 1 to 100
-t ${PID[mine]} -m warm|unknown mode 'warm': it is cold or pageout
-t ${PID[mine]} -b 1Z|max-bytes '1Z': not a size
-t ${PID[mine]} -b 0|max-bytes '0': nothing would be done
-t ${PID[mine]} --watch 0|watch '0': .*seconds
-t ${PID[mine]} -m cold --willneed|contradict
-t ${PID[mine]} --nonsense|unrecognized option
-t|requires an argument
END
expect_status 0 "$MEMADVISE" -V
printed '^memadvise [0-9]'
expect_status 0 "$MEMADVISE" --help
expect "help takes more than a screen" [ "$(wc -l < "$WORK/out")" -le 24 ]

# Completion knows modes, options, and processes, also behind a comma.
completes() { # WORD... = EXPECTED...
	local -a COMPREPLY
	COMP_WORDS=()
	while [ "$1" != '=>' ]; do COMP_WORDS+=("$1") && shift; done
	shift
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_memadvise
	expect "${COMP_WORDS[*]}: ${COMPREPLY[*]}" [ "${COMPREPLY[*]}" = "$*" ]
}
# shellcheck source=etc/completion/memadvise
# shellcheck disable=SC1091
. "$(dirname "$0")/../../etc/completion/memadvise"
completes memadvise -m '' '=>' cold pageout
completes memadvise --mode = p '=>' pageout
completes memadvise --wi '=>' --willneed
completes memadvise -t "${PID[mine]}" '=>' "${PID[mine]}"
completes memadvise -t "1,${PID[mine]}" '=>' "1,${PID[mine]}"
completes memadvise -t 1 "${PID[mine]}" '=>' "${PID[mine]}"
completes memadvise -t 2x '=>'

# Targets that are none: a line each, and the one in between still goes.
(sleep 0 & exec sleep 1000) {NEVER}<&- & # never waits for the first one
STARTED+=($!)
parent=$!
zombie() {
	ZOMBIE=$(pgrep -P "$parent") && grep -q '^State:.*Z' "/proc/$ZOMBIE/status"
}
await "a zombie" zombie
python3 -c 'import threading, time; threading.Thread(target=time.sleep, args=(1000,)).start()' {NEVER}<&- &
STARTED+=($!)
threaded=$!
two_threads() { [ "$(find "/proc/$threaded/task" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]; }
await "a thread" two_threads
thread=$(find "/proc/$threaded/task" -mindepth 1 -maxdepth 1 ! -name "$threaded" -printf '%f')

kernel='' n_lines=7
if kernel_thread; then
	kernel=$VALUE n_lines=8
else
	echo "no kernel thread is seen here: not tried with one"
fi
expect_status 1 "$MEMADVISE" -t "0,-7,x9,99999999999,2147483647,${kernel:+$kernel,}$ZOMBIE,$thread,${PID[mine]}"
printed "^memadvise: '0' is not the number of a process$"
printed "^memadvise: '-7' is not the number of a process$"
printed "^memadvise: 'x9' is not the number of a process$"
printed "^memadvise: '99999999999' is not the number of a process$"
printed '^memadvise: 2147483647: no such process$'
[ -z "$kernel" ] || printed "^memadvise: $kernel \\($(cat "/proc/$kernel/comm")\\): a kernel thread"
printed "^memadvise: $ZOMBIE \\(.*\\): it has ended"
printed "^memadvise: $thread: the number of a thread: name its process"
expect "not a line each" [ "$(wc -l < "$WORK/err")" = $n_lines ]
printed "^${PID[mine]} ${OWN}mine: cold 30%$"

# A word that is too long is no number, however its first digits would read.
expect_status 1 "$MEMADVISE" -t "$(printf '%063d' "${PID[mine]}")7"
printed "^memadvise: '0.*\\.\\.\\.' is not the number of a process$"

# The first thread has ended, another goes on. (The number of the call is that of one machine.)
if [ "$(uname -m)" = x86_64 ]; then
	python3 -c 'import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).syscall(60, 0)' {NEVER}<&- &
	STARTED+=($!)
	headless=$!
	await "its first thread to end" is_state "$headless" Z
	expect_status 1 "$MEMADVISE" -t "$headless"
	printed "^memadvise: $headless \\(.*\\): its first thread has ended"
fi

# In JSON an object for each of them, in order
expect_status 1 "$MEMADVISE" -j -t "x9 2147483647,${PID[mine]}"
expect "on standard error as well: $(cat "$WORK/err")" [ ! -s "$WORK/err" ]
expect "not three objects" [ "$(wc -l < "$WORK/out")" = 3 ]
parse < <(sed -n 1p "$WORK/out")
expect "x9: ${J[error]}" [ "${J[pid]} ${J[error]}" = "null 'x9' is not the number of a process" ]
parse < <(sed -n 2p "$WORK/out")
expect "2147483647: ${J[error]}" [ "${J[pid]} ${J[error]} ${J[advised_bytes]}" = '2147483647 no such process null' ]
parse < <(sed -n 3p "$WORK/out")
expect "mine: ${J[error]}" [ "${J[pid]} ${J[error]}" = "${PID[mine]} null" ]

# Names may be anything.
odd=$WORK/bin/$'a"\\\n\xc3\xa9= '
ln "$WORK/bin/holder" "$odd"
mkfifo "$WORK/odd.in"
"$odd" 8 0<>"$WORK/odd.in" > "$WORK/odd.out" {NEVER}<&- &
PID[odd]=$!
STARTED+=($!)
await "the odd one" lines_of "$WORK/odd.out" 1
expect_status 0 "$MEMADVISE" -t "${PID[odd]}"
printed "^${PID[odd]} a\\?.*\\?\\?\\?.*: cold 30%$"
advise odd
expect "name ${J[name]}" [ "${J[name]}" = 'a"\???= ' ]

# Without privileges: a dry run over one's own, and else what is missing.
install -m 755 "$MEMADVISE" "$WORK/memadvise"
as_user=(setpriv --reuid "$OURS" --regid "$OURS" --clear-groups "$WORK/memadvise")
with_caps() { # CAPS COMMAND...
	local caps=$1
	shift
	setpriv --reuid "$OURS" --regid "$OURS" --clear-groups --inh-caps "-all,$caps" --ambient-caps "-all,$caps" "$@"
}
expect_status 0 "${as_user[@]}" -d -t "${PID[mine]}"
printed 'would advise 4\.[0-9]MiB of 1[56]\.[0-9]MiB'
expect_status 1 "${as_user[@]}" -t "${PID[theirs]}"
printed "^memadvise: ${PID[theirs]} .*memory map is not permitted: it takes CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_NICE, which root has$"
expect_status 1 "${as_user[@]}" -d -t "${PID[theirs]},${PID[mine]}"
printed 'not permitted: it takes CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, which root has$'
printed "^${PID[mine]} .*dry run$"
expect_status 1 with_caps +sys_ptrace "$WORK/memadvise" -t "${PID[theirs]}"
printed 'page map is not permitted: it takes CAP_DAC_READ_SEARCH, CAP_SYS_NICE, which root has$'
expect_status 1 with_caps +sys_ptrace,+dac_read_search "$WORK/memadvise" -t "${PID[theirs]}"
printed 'advising about its memory is not permitted: it takes CAP_SYS_NICE, which root has$'
expect_status 0 with_caps +sys_ptrace,+dac_read_search,+sys_nice "$WORK/memadvise" -t "${PID[theirs]}"

mkdir -p "$WORK/proc"
mount -t proc -o hidepid=2 proc /proc
expect_status 1 "${as_user[@]}" -d -t "${PID[theirs]}"
printed "^memadvise: ${PID[theirs]}: it can't be seen: /proc is mounted with hidepid"
umount /proc

# On kernels that lack something
tool without
for number in 440 434; do # process_madvise, pidfd_open; the same everywhere
	expect_status 1 "$WORK/bin/without" $number "$MEMADVISE" -t "${PID[mine]}"
	printed "^memadvise: ${PID[mine]}.*: this kernel has no process_madvise: it takes Linux 5.10$"
done
expect_status 0 "$WORK/bin/without" 440 "$MEMADVISE" -d -t "${PID[mine]}"
[ ! -e /proc/sys/kernel/yama ] || mount --bind /dev/null /proc/sys/kernel/yama/ptrace_scope

# No swap, or too little of it: said beforehand, and what can be done is done.
SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0 script_memory 50
for dry in '' -d; do
	advise mine -m pageout $dry
	expect "warnings: ${J[warnings]}" [ "${J[warnings]}" = 'there is no swap, so nothing can be moved out: add some with swapon(8)' ]
	advise mine $dry
	expect "a warning for cold: ${J[warnings]}" [ -z "${J[warnings]}" ]
done
expect_status 0 "$MEMADVISE" -m pageout -t "${PID[mine]}"
printed "^memadvise: warning: ${PID[mine]} .*: there is no swap"
SWAP_TOTAL_MIB=4 SWAP_FREE_MIB=1 memory 50
advise mine -m pageout -p 50
expect "warnings: ${J[warnings]}" [ "${J[warnings]%% for *}" = 'only 1.0MiB of swap is free' ]
expect "swap_free_bytes" [ "${J[swap_free_bytes]}" = 1048576 ]
expect "not done" [ "${J[advised_bytes]}" = "${J[budget_bytes]}" ]
umount /proc/meminfo

for options in -V -h "-j -t ${PID[mine]}" "-t ${PID[mine]}"; do
	status=0
	# shellcheck disable=SC2086 # words
	"$MEMADVISE" $options > /dev/full 2> "$WORK/err" {NEVER}<&- || status=$?
	expect "$options: status $status on a full disk" [ "$status" = 1 ]
	printed '^memadvise: cannot write to standard output'
done
verify mine theirs
