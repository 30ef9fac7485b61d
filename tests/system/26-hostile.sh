#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A user who forges whatever lies in his socket directories: links, crowds, sockets that answer
# wrong or not at all, claims on others. The daemon keeps its pace, swaps and brings back what an
# honest user has, sends nothing to anybody who isn't concerned, and keeps no descriptor.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly MALLORY=61236 CROWDED=61243 LINKED=61240 FOREIGN=61241 OPEN=61242
# shellcheck disable=SC2034 # lib.sh reads it
TOTAL_MIB=8000 # more is wanted than there is: all are tried in one go
script_memory 50
mkdir -p /run/swapify /run/user
mount -t tmpfs -o mode=755 none /run/swapify
mount -t tmpfs -o mode=755 none /run/user
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"
mkdir -p "$WORK/bin"
install -m 755 "$(dirname "$0")/../tools/hostile.py" "$WORK/bin/hostile.py"
for uid in "$OURS" "$SPARED" "$MALLORY" "$OPEN" "$CROWDED" "$FOREIGN"; do
	install -d -m 700 -o "$uid" "/run/swapify/$uid" "$WORK/images-$uid"
done
for uid in "$MALLORY" "$CROWDED"; do
	install -d -m 755 "/run/user/$uid"
	install -d -m 700 -o "$uid" "/run/user/$uid/swapify"
done
readonly REQUESTS=$WORK/requests
: > "$REQUESTS"
chmod 666 "$REQUESTS"

# start_hostile NAME DIR MIB KIND...: as AS; the pid of a kind by pid_of
start_hostile() {
	local name=$1 dir=$2 mib=$3 as=${AS:-$MALLORY}
	shift 3
	mkfifo "$WORK/$name.in"
	: > "$WORK/$name.out"
	setpriv --reuid "$as" --regid "$as" --clear-groups /usr/bin/python3 "$WORK/bin/hostile.py" "$dir" \
		"$REQUESTS" "$OWN$name" "$mib" "$@" \
		0<>"$WORK/$name.in" >> "$WORK/$name.out" 2>&1 {NEVER}<&- &
	PID[$name]=$!
	STARTED+=($!)
	await "$name to be ready" lines_of "$WORK/$name.out" $#
	[[ $(head -n 1 "$WORK/$name.out") =~ \ [0-9]+$ ]] || fail "$name: $(cat "$WORK/$name.out")"
}
pid_of() {
	awk -v kind="$2" '$1 == kind { print $2; exit }' "$WORK/$1.out"
}

# Bytes that have come for the kinds that match
requests() {
	grep -cE "^$1 [0-9]+ [0-9]+\$" "$REQUESTS" || :
}
expect_requests() {
	local n
	n=$(requests "$2")
	[ "$n" = "$1" ] || fail "$n requests, not $1, for $2"
}
# Nobody who isn't concerned has got a byte, nor anybody in a directory that is out of order.
strangers_unasked() {
	local pid
	expect_requests 0 'trap:.*'
	for pid in "$(pid_of foreign swap-drip)" "$(pid_of open swap-flood)"; do
		if grep -q " $pid [0-9]*\$" "$REQUESTS"; then fail "asked in a directory that is out of order: $pid"; fi
	done
}
asked() {
	[ "$(requests "$1")" -gt 0 ]
}

helper_of() {
	tell "$1" 3
	sed -n 's/^helper=//p' <<< "$LINES_BEHIND"
}

# end_hostile NAME: with the sockets that it leaves
end_hostile() {
	local pid
	end_process "${PID[$1]}"
	while read -r _ pid; do
		await "$1 to end" gone "$pid"
		rm -f "/run/swapify/$MALLORY/$pid".sock*
	done < "$WORK/$1.out"
	rm -f "$WORK/$1.in"
	unset "PID[$1]"
}
# On the way out it isn't the daemon's log that counts
all_hostile_gone() {
	local out pid
	for out in "$WORK"/*.out; do
		while read -r _ pid; do
			if [ -n "$pid" ]; then await "$out to end" gone "$pid"; fi
		done < "$out"
	done
}

# The daemon's descriptors that may come and go: sockets and pidfds
passing_fds() {
	find "/proc/$DAEMON/fd" -lname 'socket:*' -o -lname '*pidfd*' | wc -l
}
has_passing_fds() {
	[ "$(passing_fds)" = "$1" ]
}

# round NAME...: the honest ones go out and come back, whatever else goes on
round() {
	local name
	memory 5
	for name; do await "$name to be frozen" is_frozen "$name"; done
	memory 90
	for name; do await "$name to run" runs "$name"; done
	memory 50
	verify "$@"
	ticks 3
}

# crowd DIR OWNER: 10,000 sockets, 10,000 plain files, and names that aren't any
crowd() {
	python3 - "$@" <<- 'END'
		import os, socket, sys
		directory, owner = sys.argv[1], int(sys.argv[2])
		os.chdir(directory)
		odd = ["00012.sock", "12.sock.sock", "99999999999.sock", "4294967297.sock", "-1.sock", "0.sock", "+5.sock",
		       " 5.sock", "0x5.sock", ".sock", "5.", "5", "1.sock", "5.sock ", "5.SOCK", "9" * 250 + ".sock", "\n5.sock",
		       "\033[31m.sock", "18446744073709551617.sock"]
		for name in odd + [f"{pid}.sock" for pid in range(100000, 110000)]:
		    s = socket.socket(socket.AF_UNIX)
		    s.bind("s")
		    os.rename("s", name)
		    os.chown(name, owner, owner)
		    s.close()
		for pid in range(120000, 130000):
		    os.close(os.open(f"{pid}.sock", os.O_CREAT, 0o666))
		    os.chown(f"{pid}.sock", owner, owner)
	END
}

readonly HERE=("--protect.uids=0 $SPARED" --madvise.enabled=no --idle.min_rss=4M --memory.cooldown=1s
	--memory.cooldown_max=1s)
cleanup all_hostile_gone

# -- an empty stage, and what somebody can put there before anybody is attached ---------------------------
start_daemon "${HERE[@]}" --swapify.timeout=1s
dump
PASSING=$(passing_fds)
crowd "/run/swapify/$CROWDED" "$CROWDED"
crowd "/run/user/$CROWDED/swapify" "$CROWDED"
ln -s "/run/swapify/$OURS" "/run/swapify/$LINKED"
install -d -m 755 "/run/user/$LINKED"
ln -s "/run/swapify/$OURS" "/run/user/$LINKED/swapify"
ln -s / /run/swapify/999999
: > /run/swapify/5
# a claim on the pid that an honest program will have; read before that one's directory
start_hostile claim "/run/user/$MALLORY/swapify" 1 at:5000
await_dump 'attached: programs=[0-9]+ left_out=[1-9]'

# What stands for another user's socket and for a system service's: the daemon has to do with neither
install -d -m 755 /run/swapify/elsewhere /run/swapify/elsewhere/spared
chown "$SPARED" /run/swapify/elsewhere/spared
readonly SERVICE=/run/swapify/elsewhere/service ALIEN=/run/swapify/elsewhere/spared/77.sock
AS=0 start_hostile service / 0 "trap:$SERVICE"
AS=$SPARED start_hostile alien / 0 "trap:$ALIEN"
# Those who'd be asked if their directory were in order
AS=$FOREIGN start_hostile foreign "/run/swapify/$FOREIGN" 16 swap-drip
chown "$MALLORY" "/run/swapify/$FOREIGN"
AS=$OPEN start_hostile open "/run/swapify/$OPEN" 16 swap-flood
chmod 770 "/run/swapify/$OPEN"
ticks 1
: > "$REQUESTS" # until then it may have asked them

NEXT_PID=5000 start_attached alpha 16
[ "${PID[alpha]}" = 5000 ] || fail "alpha isn't where it is expected"
start_attached beta 12
AS=$SPARED start_attached spared 16
AS=$SPARED start_hostile sparedtoo "/run/swapify/$SPARED" 16 done-0
AS=$MALLORY start_holder plain 16 # not attached
remember spared plain
round alpha beta
expect_requests 0 at:5000

# -- all at once ------------------------------------------------------------------------------------------
kinds=(deaf left orphan busy says-9223372036854775808 says-20000000 stuck-20000000 stuck-20000001
	done-33554432 done-9223372036854775808 "at:${PID[plain]}" "at:${PID[beta]}" at:1 "at:$DAEMON"
	"link:$SERVICE" "link:$ALIEN" "link:/run/swapify/$OURS/${PID[beta]}.sock" "flip:$SERVICE" "flip:$ALIEN"
	none)
bad=(silent flood drip half short long bytes nuls doubled numbers endless word lines)
for what in close "${bad[@]}"; do kinds+=("all-$what" "swap-$what"); done
for error in EIO ETIMEDOUT EINPROGRESS EAGAIN ENOTANERROR ''; do kinds+=("swap-error=$error"); done
start_hostile crowd "/run/swapify/$MALLORY" 32 "${kinds[@]}"
# what no user can do where links are protected
ln "$SERVICE" "/run/swapify/$MALLORY/$(pid_of crowd none).sock"
ticks 5
for kind in "${kinds[@]}"; do
	case $kind in
	at:* | link:* | left | orphan | none | deaf | flip:* | all-close) continue ;;
	esac
	await "$kind to be asked" asked "$kind"
done
await "all-close to be tried" grep -q '^all-close [0-9]* connected' "$REQUESTS"
# after one that doesn't answer the others of its user are spared for a while
told() {
	grep -qE "^swap-$1 [0-9]+ 1\$" "$REQUESTS"
}
for what in "${bad[@]}"; do
	for ((i = 0; i < 20; i++)); do
		if told "$what"; then break; fi
		round alpha beta
	done
	expect "swap-$what was never told to swap" told "$what"
done
round alpha beta
for kind in 'at:.*' 'link:.*' left orphan none; do expect_requests 0 "$kind"; done
untouched spared plain
if grep -qE '^done-0 [0-9]+ [012]$' "$REQUESTS"; then fail "one that is protected was told something"; fi
if said 'bytes=[0-9.]+[TPE]iB.*backend=swapify'; then fail "a claim stands in the log as a fact"; fi
if grep -q $'\302\233' "$LOG"; then fail "a stranger's control characters stand in the log"; fi

# one that is stopped, says that it is swapped, and can't be unswapped: it isn't always its turn
AS=$MALLORY start_ours stuck oldshim stuck "/run/swapify/$MALLORY" "$WORK/none" 24
await "stuck to be asked" is_state "${PID[stuck]}" T
round alpha beta
end_ours stuck

# nothing is left of it in the daemon
end_hostile crowd
await "all descriptors to be closed" has_passing_fds "$PASSING"
stop_daemon

# -- a program that has more rights than its user, who has stopped it: nobody starts a helper in it ----------
# by a dead socket, and an image of its own that says where
start_deputy() {
	tool deputy
	install -m 4755 "$WORK/bin/deputy" "$WORK/bin/${OWN}deputy"
	: > "$WORK/deputy.out"
	setpriv --reuid "$MALLORY" --regid "$MALLORY" --clear-groups \
		env "SWAPIFY_IMAGE_DIR=$WORK/images-$MALLORY" "$WORK/bin/${OWN}deputy" wait "$WORK/diverted" \
		>> "$WORK/deputy.out" 2>&1 {NEVER}<&- &
	PID[deputy]=$!
	STARTED+=($!)
	await "deputy to be ready" lines_of "$WORK/deputy.out" 1
	read -r _ PC SP < "$WORK/deputy.out"
	kill -STOP "${PID[deputy]}"
	await "deputy to stop" is_state "${PID[deputy]}" T
	setpriv --reuid "$MALLORY" --regid "$MALLORY" --clear-groups \
		"$WORK/bin/deputy" forge "$WORK/images-$MALLORY" "${PID[deputy]}" "$PC" "$SP"
	setpriv --reuid "$MALLORY" --regid "$MALLORY" --clear-groups /usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "/run/swapify/$MALLORY/${PID[deputy]}.sock"
}
start_daemon "${HERE[@]}" --swapify.timeout=1s
start_deputy
if [ "$(awk '$1 == "Uid:" { print $3 }' "/proc/${PID[deputy]}/status")" = 0 ]; then
	await_dump "attached: pid=${PID[deputy]} uid=$MALLORY state=unknown .*silent=yes"
	ticks 5
	expect "a stranger's code has run with more rights than his" [ ! -e "$WORK/diverted" ]
	expect "it isn't stopped any more" is_state "${PID[deputy]}" T
else
	echo "no program can have more rights than its user here: $WORK is nosuid"
fi
end_ours deputy
rm "/run/swapify/$MALLORY"/*

# -- an orphan whose images lie where nobody answers: it doesn't keep another one from its helper -----------
# hang DIR: every access to it waits for ever; its server has the descriptor, and says nothing
hang() {
	mkdir "$1"
	mkfifo "$WORK/hang.in"
	python3 -c 'import ctypes, os, sys
fd = os.open("/dev/fuse", os.O_RDWR)
if ctypes.CDLL(None).mount(b"hang", sys.argv[1].encode(), b"fuse", 0,
        b"fd=%d,rootmode=40700,user_id=0,group_id=0,allow_other" % fd):
    sys.exit(1)
sys.stdin.read()' "$1" 0<>"$WORK/hang.in" {NEVER}<&- &
	SERVER=$!
	STARTED+=($!)
	await "$1 to be mounted" grep -q " $1 fuse" /proc/mounts
}
if [ -c /dev/fuse ]; then
	hang "$WORK/hang"
	WITH="env SWAPIFY_IMAGE_DIR=$WORK/hang" AS=$MALLORY start_holder hung 1
	kill -STOP "${PID[hung]}"
	await "hung to stop" is_state "${PID[hung]}" T
	setpriv --reuid "$MALLORY" --regid "$MALLORY" --clear-groups /usr/bin/python3 -c 'import os, socket, sys
os.umask(0) # as the shim: the daemon has no rights to override that
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "/run/swapify/$MALLORY/${PID[hung]}.sock"
	await_said "another one can't be started: Connection timed out pid=${PID[hung]};"
	tell alpha 1
	kill -KILL "$(helper_of alpha)"
	await_said "it has another one now pid=${PID[alpha]}\$"
	tell alpha 2
	[ "$REPLY" = 0 ] || fail "alpha can't be unswapped"
	end_process "$SERVER"
	umount "$WORK/hang"
	end_ours hung
	rm "/run/swapify/$MALLORY"/*
fi
stop_daemon

# -- words of the daemon's own out of a stranger's mouth: one attempt each, as with any other -------------
strangers_unasked
: > "$REQUESTS"
AS=$MALLORY start_hostile words "/run/swapify/$MALLORY" 32 swap-error={ESRCH,ECANCELED,ETIMEDOUT,EINPROGRESS,EIO}
start_daemon "${HERE[@]}" --memory.cooldown=1h --memory.cooldown_max=1h
for name in ESRCH ECANCELED ETIMEDOUT EINPROGRESS EIO; do await "$name to be asked" asked "swap-error=$name"; done
memory 5
for name in alpha beta; do await "$name to be frozen" is_frozen "$name"; done
for name in ESRCH ECANCELED ETIMEDOUT EINPROGRESS EIO; do
	await "$name to be told" grep -qE "^swap-error=$name [0-9]+ 1\$" "$REQUESTS"
done
ticks 20
for name in ESRCH ECANCELED ETIMEDOUT EINPROGRESS EIO; do
	n=$(grep -cE "^swap-error=$name [0-9]+ 1\$" "$REQUESTS" || :)
	[ "$n" = 1 ] || fail "$n attempts with one that says $name"
done
memory 99
stop_daemon
for name in alpha beta; do expect "$name isn't thawed at the end" runs "$name"; done
verify alpha beta
end_hostile words

# -- one user's programs that never do what they are told: they don't take the others' turn ----------------
# little is wanted, and they are larger: they come first, two at a time, and would for ever
TOTAL_MIB=100
strangers_unasked
for what in silent error=ENOSPC; do
	: > "$REQUESTS"
	memory 50
	AS=$MALLORY start_hostile stubborn "/run/swapify/$MALLORY" 32 swap-$what swap-$what swap-$what swap-$what \
		swap-$what swap-$what
	cooldown=1s
	[ "$what" != silent ] || cooldown=1h
	start_daemon "${HERE[@]}" --swapify.timeout=1s --memory.cooldown=$cooldown --memory.cooldown_max=$cooldown
	await "swap-$what to be asked" asked "swap-$what"
	await_dump "attached: pid=${PID[alpha]} uid=$OURS state=running"
	memory 5
	await "swap-$what to be told" grep -qE "^swap-$what [0-9]+ 1\$" "$REQUESTS"
	await "alpha to be frozen all the same" is_frozen alpha
	n=$(grep -cE "^swap-$what [0-9]+ 1\$" "$REQUESTS")
	[ "$what" != silent ] || [ "$n" -le 2 ] || fail "$n programs of that user had to be tried before"
	memory 99
	stop_daemon
	expect "alpha isn't thawed at the end" runs alpha
	end_hostile stubborn
done
TOTAL_MIB=8000
memory 50

# -- a helper that is stopped: the deadline passes; what it does later is seen and put right --------------
start_daemon "${HERE[@]}" --swapify.timeout=1s
memory 50
await_dump "attached: pid=${PID[alpha]} uid=$OURS state=running"
HELPER=$(helper_of alpha)
kill -STOP "$HELPER"
skip_log
memory 5
await_log "(cannot|did not) swap: (Connection timed out|timeout)( pid=${PID[alpha]} |.* pid=${PID[alpha]} )"
await "beta to be frozen" is_frozen beta
memory 50
ticks 2
kill -CONT "$HELPER"
await "the helper to carry out what it was told" is_frozen alpha
await_dump "attached: pid=${PID[alpha]} uid=$OURS state=swapped"
memory 90
await "alpha to run" runs alpha
await "beta to run" runs beta
memory 50
verify alpha beta
stop_daemon

# -- ends in the middle: of a helper, of a program, of what the program was -------------------------------
start_changing() {
	local name=$1
	mkfifo "$WORK/$name.in"
	: > "$WORK/$name.out"
	ln -f "$WORK/bin/holder" "$WORK/bin/$OWN$name"
	env "LD_PRELOAD=$WORK/libswapify.so" "SWAPIFY_IMAGE_DIR=$WORK/images-$OURS" \
		setpriv --reuid "$OURS" --regid "$OURS" --clear-groups /usr/bin/python3 -c '
import os, sys
memory = bytearray(os.urandom(4096)) * 4096
open("/proc/self/comm", "w").write(os.path.basename(sys.argv[1]))
print("ready", flush=True)
os.read(0, 1)
os.execv(sys.argv[1], [sys.argv[1], "16"])' "$WORK/bin/$OWN$name" \
		0<>"$WORK/$name.in" >> "$WORK/$name.out" 2>&1 {NEVER}<&- &
	PID[$name]=$!
	STARTED+=($!)
	await "$name to be ready" lines_of "$WORK/$name.out" 1
	await "a socket of $name" test -S "/run/swapify/$OURS/${PID[$name]}.sock"
}
start_daemon "${HERE[@]}" --swapify.timeout=1h

# in_the_middle NAME...: the daemon waits for their helpers, of which the last one's is HELPER
in_the_middle() {
	local name
	for name; do
		await_dump "attached: pid=${PID[$name]} uid=$OURS state=running"
		HELPER=$(helper_of "$name")
		kill -STOP "$HELPER"
	done
	skip_log
	memory 5
	for name; do await_dump "attached: pid=${PID[$name]} uid=$OURS state=busy"; done
}
in_the_middle beta
kill -KILL "$HELPER"
await_log "(cannot|did not) swap: .*pid=${PID[beta]} "
runs beta
verify beta
end_ours beta
memory 90
await "alpha to run" runs alpha
memory 50

start_attached gamma 24
in_the_middle gamma
end_ours gamma
ticks 2
kill -CONT "$HELPER"
await_log 'did not swap: gone pid=[0-9]+ name=[^ ]*gamma'
memory 90
await "alpha to run" runs alpha
memory 50

start_changing delta
in_the_middle delta
echo 1<>"$WORK/delta.in"
await "delta to be another program" lines_of "$WORK/delta.out" 2
kill -CONT "$HELPER"
await_log "did not swap: gone pid=${PID[delta]} "
await "a socket of what delta is now" test -S "/run/swapify/$OURS/${PID[delta]}.sock"
await "delta to be frozen" is_frozen delta
memory 90
await "alpha to run" runs alpha
await "delta to run" runs delta
memory 50
verify alpha delta
end_ours delta

# -- a pid that is used again, behind the daemon's back ----------------------------------------------------
NEXT_PID=6000 start_attached first 16
await_dump "attached: pid=6000 uid=$OURS state=running"
kill -STOP "$DAEMON"
end_ours first
await "the socket of the first to go" test ! -e "/run/swapify/$OURS/6000.sock"
NEXT_PID=6000 start_attached second 16
[ "${PID[second]}" = 6000 ] || fail "the second isn't where the first was"
kill -CONT "$DAEMON"
round alpha second
# ... and by one that isn't attached, at a socket that was left
await_dump "attached: pid=6000 uid=$OURS state=running"
kill -KILL "$(helper_of second)"
kill -STOP "$DAEMON"
end_ours second
expect "no socket is left" test -S "/run/swapify/$OURS/6000.sock"
NEXT_PID=6000 start_holder third 16
[ "${PID[third]}" = 6000 ] || fail "the third isn't where the second was"
remember third
kill -CONT "$DAEMON"
round alpha
untouched spared plain
look third
[ $((ANON_BEFORE[third] - ANON)) -le 1024 ] || fail "one that isn't attached was touched"
if said "swapped pid=6000 name=${OWN}third"; then fail "one that isn't attached was swapped"; fi

# -- the end: who doesn't answer keeps nobody else frozen ------------------------------------------------
start_attached epsilon 24
in_the_middle epsilon
await "alpha to be frozen" is_frozen alpha
memory 50
kill -TERM "$DAEMON"
await "alpha to run though epsilon doesn't answer" runs alpha
kill -CONT "$HELPER"
await_log 'stopped$'
wait "$DAEMON" || fail "the daemon left with status $?"
DAEMON=
await "epsilon to run" runs epsilon
verify alpha epsilon

# -- nobody who isn't concerned has heard a thing, and would it have been noticed? ---------------
verify alpha third
strangers_unasked
python3 -c 'import socket, sys
for path in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.send(b"x")' "$SERVICE" "$ALIEN"
for path in "$SERVICE" "$ALIEN"; do await "a trap to snap" asked "trap:$path"; done
for name in service alien foreign open claim sparedtoo; do end_hostile "$name"; done
