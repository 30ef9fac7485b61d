#!/bin/bash
# SPDX-License-Identifier: MIT
#
# swap against programs that answer as they should, and as they shouldn't; against sockets that
# lead elsewhere; against programs whose helper was killed.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

TOP=$(cd "$(dirname "$0")/../.." && pwd)
readonly TOP
mount -t tmpfs tmpfs /run
mkdir -p "$WORK/bin" "$WORK/home" "$WORK/images" "/run/user/$OURS" /run/user/0 /var/lib
mount -t tmpfs tmpfs /var/lib
chmod 700 "/run/user/$OURS" "$WORK/home" "$WORK/images"
chown "$OURS:$OURS" "/run/user/$OURS" "$WORK/home" "$WORK/images"
install -m 755 "$BUILD/swap" "$WORK/bin/swap"
install -m 755 "$TOP/tests/tools/fakeshim.py" "$WORK/bin/fakeshim.py"
readonly SOCKETS=/run/user/$OURS/swapify
readonly -a AS_USER=(setpriv --reuid "$OURS" --regid "$OURS" --clear-groups env "HOME=$WORK/home")
user() { "${AS_USER[@]}" "$@"; }
user mkdir -m 700 "$SOCKETS"
readonly -a SWAP=("${AS_USER[@]}" "$WORK/bin/swap")

PIDS=()	# of the programs that the last fakes started
FAKES=()

# fakes MODE [KEY=VALUE...]: as AS, in IN; end_fakes ends all of them.
fakes() {
	local n=${#FAKES[@]}
	mkfifo "$WORK/fake$n.in"
	: > "$WORK/fake$n.out"
	setpriv --reuid "${AS:-$OURS}" --regid "${AS:-$OURS}" --clear-groups \
		/usr/bin/python3 "$WORK/bin/fakeshim.py" "${IN:-$SOCKETS}" "$@" \
		0<>"$WORK/fake$n.in" > "$WORK/fake$n.out" 2>&1 {NEVER}<&- &
	FAKES+=($!)
	STARTED+=($!)
	await "fake programs" lines_of "$WORK/fake$n.out" 1
	read -ra PIDS < "$WORK/fake$n.out"
	[ "${PIDS[0]}" = ready ] || fail "$(cat "$WORK/fake$n.out")"
	PIDS=("${PIDS[@]:1}")
	STARTED+=("${PIDS[@]}")
}

end_fakes() {
	local i pid pids
	for i in "${!FAKES[@]}"; do
		end_process "${FAKES[i]}"
		read -ra pids < "$WORK/fake$i.out"
		for pid in "${pids[@]:1}"; do end_process "$pid"; done
		rm -f "$WORK/fake$i.in" "$WORK/fake$i.out"
	done
	FAKES=()
	rm -rf "${SOCKETS:?}"/*
}

stdout_is() { [ "$(cat "$WORK/out")" = "$1" ] || fail "printed: $(cat "$WORK/out" "$WORK/err"), not: $1"; }
stderr_is() { [ "$(cat "$WORK/err")" = "$1" ] || fail "said: $(cat "$WORK/err"), not: $1"; }
json() { python3 -c "import json, sys; d = [json.loads(l) for l in sys.stdin]; print($1)" < "$WORK/out"; }

# -- the command line -----------------------------------------------------------------------------

while IFS='|' read -r words message; do
	# shellcheck disable=SC2086 # words
	expect_status 2 "${SWAP[@]}" $words
	printed "$message"
	expect "on stdout: $words" [ ! -s "$WORK/out" ]
done <<'END'
|^swap: what is to be done\?
12|^swap: what is to be done\?
-a swap|^swap: which program\?
-a freeze 12|'freeze' is no action; swap, unswap, exit and status are
-a swap -a swap 12|only one action
-l -a status 12|only one action
-l 12|-l lists all
-a swap 0|'0' is no process id
-a swap 12x|'12x' is no process id
-a swap -p -1|'-1' is no process id
-a swap -- -1|'-1' is no process id
-a swap 99999999999|is no process id
-a swap -s a/b|'a/b' is no file name
-a swap -f 12|-f goes with unswap and exit
-a swap --timeout 0 12|--timeout 0 is not a time
-a swap --timeout soon 12|--timeout soon is not a time
-a swap -x 12|invalid option
-a|requires an argument
END
expect_status 0 "${SWAP[@]}" -h
expect "help takes more than a screen" [ "$(wc -l < "$WORK/out")" -le 24 ]
# the page has every option that the help has, and no other
page=$TOP/man/swap.1
diff <(grep -oE -- '(^|[ ,])--?[a-zA-Z][a-z-]*' "$WORK/out" | tr -d ' ,' | sort -u) \
	<(sed -n 's/\\-/-/g; /^\.It .*Fl /p' "$page" |
		awk '{ for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' | sort -u) ||
	fail "swap.1 and --help have other options"
expect_status 0 "${SWAP[@]}" --version
printed '^swap [0-9]'

# -- one program ----------------------------------------------------------------------------------

expect_status 0 "${SWAP[@]}" -l
stdout_is 'No attached programs.'
fakes good name=java
one=${PIDS[0]}
expect_status 0 "${SWAP[@]}" -a swap -p "$one"
stdout_is 'Successfully swapped.'
expect_status 0 "${SWAP[@]}" -a swap "$one"
stdout_is 'Already swapped.'
expect_status 0 "${SWAP[@]}" -a status -s java
printed "^$one java: swapped for [0-9]+m?s, resident [0-9.]+[KM]iB, image 4.0KiB, 1.0MiB to come back, eager$"
expect_status 0 "${SWAP[@]}" -a unswap -s "java.$one.sock"
stdout_is 'Successfully unswapped.'
expect_status 0 "${SWAP[@]}" -a unswap -s "$one.sock"
stdout_is 'Already unswapped.'
expect_status 0 "${SWAP[@]}" -l
printed '^ *PID +NAME +STATE +RESIDENT +IMAGE +SINCE$'
printed "^ *$one +java +running +[0-9.]+[KM]iB +- +[0-9]+m?s$"
expect_status 0 "${SWAP[@]}" -a exit "$one"
stdout_is 'Successfully detached.'
expect_status 0 "${SWAP[@]}" -P "$SOCKETS/" -l
printed "^ *$one +java "
expect_status 0 env -C "$SOCKETS/.." "${SWAP[@]}" -P swapify -a status "$one"
# asked for in three ways, it's one
expect_status 0 "${SWAP[@]}" -a swap "$one" -p "$one" -s "$one.so" -s ja
stdout_is 'Successfully swapped.'
expect_status 1 "${SWAP[@]}" -a swap -s jav -s perl
stdout_is 'Swapped 0, already swapped 1, failed 1.'
stderr_is 'perl: no socket of an attached program begins with that'
expect_status 1 "${SWAP[@]}" -a swap 4000000
stderr_is "Couldn't swap process. There is no such process (ESRCH)."
expect_status 1 "${SWAP[@]}" -a swap $$
printed "^Couldn't swap process. It isn't attached"
expect_status 1 "${SWAP[@]}" -P "$WORK/nowhere" -l
printed "$WORK/nowhere No such file"

fakes error name=full
expect_status 1 "${SWAP[@]}" -a swap "${PIDS[0]}"
stderr_is "Couldn't swap process. The image directory is full (ENOSPC)."
expect "on stdout" [ ! -s "$WORK/out" ]
fakes error name=hostile "reason=$(printf 'x\033]0;y\a=%0900d' 0)" error=E
expect_status 1 "${SWAP[@]}" -a swap "${PIDS[0]}"
printed "isn't the answer of a shim"

# -- programs that don't behave -------------------------------------------------------------------

# as fast as they come, and none of them takes anything from the others
end_fakes
fakes good name=fine
fine=${PIDS[0]}
while read -r mode timeout message; do
	fakes "$mode" "name=$mode"
	expect_status 1 "${SWAP[@]}" -a swap --timeout "$timeout" "${PIDS[0]}" "$fine"
	printed "^${PIDS[0]} $mode: .*$message"
	expect_status 0 "${SWAP[@]}" -a unswap "$fine"
done <<'END'
silent 300ms no answer within 300ms; it may be at it still \(ETIMEDOUT\)
deaf 300ms no answer within 300ms
flood 30s isn't the answer of a shim
close 30s closed the connection without an answer \(ECONNRESET\)
wrong 30s isn't the answer of a shim
torn 30s isn't the answer of a shim
lonely 30s its helper is gone, so it isn't attached any more \(ECONNREFUSED\)
END
expect_status 1 "${SWAP[@]}" -l --timeout 3s
printed "^ *$fine +fine +running "
printed '^ *[0-9]+ +silent +unknown '
printed '^[0-9]+ silent: no answer'
end_fakes

# an older one: a byte, and the end or silence
for mode in old oldopen; do
	fakes "$mode" name=old "log=$WORK/log"
	: > "$WORK/log"
	chmod 666 "$WORK/log"
	expect_status 0 "${SWAP[@]}" -a swap "${PIDS[0]}"
	stdout_is 'Successfully swapped.'
	expect_status 0 "${SWAP[@]}" -a swap "${PIDS[0]}"
	stdout_is 'Already swapped.'
	expect_status 0 "${SWAP[@]}" -a unswap "${PIDS[0]}"
	stdout_is 'Successfully unswapped.'
	expect_status 0 "${SWAP[@]}" -a status "${PIDS[0]}"
	printed 'old: running, .*by an older shim'
	expect_status 0 "${SWAP[@]}" -a unswap -f "${PIDS[0]}"
	stdout_is 'Already unswapped.'
	[ "$(sed 's/.* //' "$WORK/log" | tr -d '\n')" = 113232 ] || fail "asked for: $(cat "$WORK/log")"
done
end_fakes

# -- many -----------------------------------------------------------------------------------------

fakes good name=many count=50 delay=1
start=$SECONDS
expect_status 0 "${SWAP[@]}" -a swap "${PIDS[@]}"
stdout_is 'Swapped 50.'
expect "one after the other: $((SECONDS - start)) s" [ $((SECONDS - start)) -le 15 ]
expect_status 0 "${SWAP[@]}" -l --json
[ "$(python3 -c 'import json, sys; l = json.load(sys.stdin); print(len(l), l[0]["state"], l[49]["held_bytes"])' \
	< "$WORK/out")" = '50 swapped 1048576' ] || fail "$(cat "$WORK/out")"
expect_status 1 "${SWAP[@]}" -a unswap -s many
printed "Couldn't unswap process. Several sockets begin with that: many\\.[0-9]+\\.sock, .* and 44 more\\.$"
# with few descriptors they take turns
expect_status 0 bash -c 'ulimit -n 80; exec "$@"' - "${SWAP[@]}" -a unswap "${PIDS[@]}"
stdout_is 'Unswapped 50.'
expect_status 1 "${SWAP[@]}" -a swap --json "${PIDS[@]:0:3}" 4000000
[ "$(json '[(o["result"], o["error"], o["action"]) for o in d]')" = \
	"[('ok', None, 'swap'), ('ok', None, 'swap'), ('ok', None, 'swap'), ('failed', 'ESRCH', 'swap')]" ] ||
	fail "$(cat "$WORK/out")"
expect "on stderr" [ ! -s "$WORK/err" ]
# progress, on a terminal only
expect_status 0 script -qec "$(printf '%q ' "${SWAP[@]}" -a unswap "${PIDS[@]:0:3}")" /dev/null
expect_status 0 script -qec "$(printf '%q ' "${SWAP[@]}" -a swap --timeout 30 "${PIDS[@]:0:3}")" /dev/null
printed 'swapping: [0-3] of 3 done'
end_fakes

# -- names ----------------------------------------------------------------------------------------

name=$(printf 'a\nb\033[31m =é"x')
fakes good "name=$name"
expect_status 0 "${SWAP[@]}" -l
printed '^ *[0-9]+ +a\?b\?\[31m\?\?\?\?\?x +running '
expect_status 0 "${SWAP[@]}" -a status -s "$name"
expect_status 0 "${SWAP[@]}" -a status --json -s a
json 'd[0]["name"]' > "$WORK/name"
[ "$(cat "$WORK/name")" = 'a?b?[31m?????x' ] || fail "$(cat "$WORK/name")"
user touch "$SOCKETS/123.sock" "$SOCKETS/0124.sock" "$SOCKETS/x.sock" "$SOCKETS/.sock"
expect_status 1 "${SWAP[@]}" -a swap -s 123.sock
expect_status 1 "${SWAP[@]}" -a swap -s 0124
printed 'No socket of an attached program'
end_fakes

# -- completion -----------------------------------------------------------------------------------

fakes good name=python
# shellcheck disable=SC2016 # a name
user /usr/bin/python3 -c '
import os, socket, sys
os.chdir(sys.argv[1])
socket.socket(socket.AF_UNIX).bind("p$(touch pwned).1.sock")' "$SOCKETS"
# shellcheck disable=SC2016 # the inner shell's
completed() { # WORD...: what the last one may become
	user env -C "$SOCKETS" bash -c '. "$1"; COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)); _swap
		echo "${COMPREPLY[*]}"' - "$TOP/etc/completion/swap" swap "$@"
}
[ "$(completed -a u)" = unswap ] || fail "$(completed -a u)"
[ "$(completed --action = s)" = 'swap status' ] || fail "$(completed --action = s)"
[ "$(completed -a swap -s p)" = "python.${PIDS[0]}.sock" ] || fail "$(completed -a swap -s p)"
[ "$(completed -a swap '')" = "${PIDS[0]}" ] || fail "$(completed -a swap '')"
[ "$(completed --js)" = --json ] || fail "$(completed --js)"
expect "a name was executed" [ ! -e "$SOCKETS/pwned" ]
for option in $("${SWAP[@]}" -h | grep -oE -- '--[a-z-]+'); do
	[ "$(completed "$option")" != '' ] || fail "$option isn't completed"
done
end_fakes

# -- what leads elsewhere -------------------------------------------------------------------------

readonly THEIRS=/run/user/$SPARED/swapify
install -d -m 700 -o "$SPARED" -g "$SPARED" "/run/user/$SPARED" "$THEIRS"
AS=$SPARED IN=$THEIRS fakes good name=theirs "log=$WORK/theirs.log"
theirs=${PIDS[0]}
: > "$WORK/theirs.log"
chmod 666 "$WORK/theirs.log"
expect_status 1 "${SWAP[@]}" -a swap "$theirs"
printed "isn't attached"
expect_status 1 "${SWAP[@]}" -P "$THEIRS" -a swap "$theirs"
chmod 755 "/run/user/$SPARED" "$THEIRS"
expect_status 1 "${SWAP[@]}" -P "$THEIRS" -a swap "$theirs"
printed "$THEIRS belongs to another user"
# a link of the user's own to it, for root to follow
user ln -s "$THEIRS/$theirs.sock" "$SOCKETS/$theirs.sock"
user ln -s "$THEIRS/$theirs.sock" "$SOCKETS/web.$theirs.sock"
user ln -s "../../$SPARED/swapify/$theirs.sock" "$SOCKETS/rel.$theirs.sock"
expect_status 1 "${SWAP[@]}" -a swap "$theirs"
printed "Its socket isn't one|another user"
expect_status 1 "${SWAP[@]}" -a swap -s web
expect_status 1 "${SWAP[@]}" -a swap -s rel
# root takes the owner's
expect_status 0 "$WORK/bin/swap" -a status "$theirs"
printed "^$theirs theirs: running"
rm "${SOCKETS:?}"/*
# the user's own directory is a link to another's
user mv "$SOCKETS" "$SOCKETS.away"
user ln -s "$THEIRS" "$SOCKETS"
: > "$WORK/theirs.log"
expect_status 0 "${SWAP[@]}" -l
stdout_is 'No attached programs.'
printed "^swap: $SOCKETS is a link"
expect_status 0 "$WORK/bin/swap" -l
printed "^ *$theirs +theirs "
printed "^swap: $SOCKETS is a link"
expect "asked more than once" [ "$(wc -l < "$WORK/theirs.log")" = 1 ]
rm "$SOCKETS"
mv "$SOCKETS.away" "$SOCKETS"
# others may write to it
chmod 777 "$SOCKETS"
expect_status 0 "${SWAP[@]}" -l
printed "^swap: $SOCKETS .*may be written to by others"
chmod 700 "$SOCKETS"
# a socket of somebody else's in the user's own; root's
IN=$SOCKETS AS=0 fakes good name=root "log=$WORK/theirs.log"
root=${PIDS[0]}
expect_status 1 "${SWAP[@]}" -a swap "$root"
printed "another user"
# the user's socket under the name of a program that isn't his
fakes good name=mine "log=$WORK/theirs.log"
user mv "$SOCKETS/${PIDS[0]}.sock" "$SOCKETS/$theirs.sock"
: > "$WORK/theirs.log"
expect_status 1 "$WORK/bin/swap" -P "$SOCKETS" -a swap "$theirs"
printed "its socket is another user's|Its socket is another user's"
expect "was asked: $(cat "$WORK/theirs.log")" [ ! -s "$WORK/theirs.log" ]
end_fakes
rm -rf "$THEIRS"

# root sees everybody's, services too
install -d -m 700 -o "$OURS" -g "$OURS" "/run/swapify/$OURS"
install -d -m 700 /run/swapify/0
fakes good name=desktop
IN=/run/swapify/$OURS fakes good name=service
AS=0 IN=/run/swapify/0 fakes good name=system
expect_status 0 "$WORK/bin/swap" -l
for name in desktop service system; do printed " $name +running"; done
expect_status 0 "${SWAP[@]}" -l
for name in desktop service; do printed " $name +running"; done
! grep -q system "$WORK/out" || fail "a user sees root's"
expect_status 0 "$WORK/bin/swap" -a swap -s desk -s serv -s sys
stdout_is 'Swapped 3.'
end_fakes
rm -rf /run/swapify

# -- room -----------------------------------------------------------------------------------------

script_memory 50 # of 1000 MiB; 50 have to stay
fakes good name=small state=swapped held=$((200 << 20)) count=3
small=("${PIDS[@]}")
fakes good name=large state=swapped held=$((460 << 20))
expect_status 1 "${SWAP[@]}" -a unswap "${PIDS[0]}"
printed "^Couldn't unswap process\\. Not enough memory: it takes 460MiB of the 500MiB available, of which 50\\.0MiB have to stay; -f doesn't ask \\(ENOMEM\\)\\.$"
expect_status 1 "${SWAP[@]}" -a exit "${PIDS[0]}"
expect_status 1 "${SWAP[@]}" -a unswap "${PIDS[0]}" "${small[@]}"
stdout_is 'Unswapped 2, failed 2.'
printed "^${PIDS[0]} large: not enough"
printed "^${small[2]} small: not enough .* 400MiB are for others"
expect_status 0 "${SWAP[@]}" -a unswap -f "${PIDS[0]}"
stdout_is 'Successfully unswapped.'
# of an older shim the image says it, whatever is in it
fakes old name=older state=swapped
user truncate -s 460M "$WORK/images/${PIDS[0]}.swap"
kill -STOP "${PIDS[0]}"
expect_status 1 "${SWAP[@]}" -S "$WORK/images" -a unswap "${PIDS[0]}"
printed 'it takes 460MiB'
expect_status 0 "${SWAP[@]}" -S "$WORK/images" -a unswap -f "${PIDS[0]}"
rm "$WORK/images/${PIDS[0]}.swap"
umount /proc/meminfo
end_fakes

# -- what was left behind -------------------------------------------------------------------------

fakes stale name=dead
dead=${PIDS[0]}
expect_status 0 "$WORK/bin/swap" -l
expect "root removed another's" [ -S "$SOCKETS/$dead.sock" ]
expect_status 1 "${SWAP[@]}" -a swap "$dead"
stderr_is "Couldn't swap process. The program has ended; removed its socket (ESRCH)."
expect "left: $(ls "$SOCKETS")" [ -z "$(ls "$SOCKETS")" ]
fakes stale name=dead count=3
expect_status 0 "${SWAP[@]}" -l
stdout_is 'No attached programs.'
[ "$(grep -c 'has ended; removed its socket' "$WORK/err")" = 3 ] || fail "$(cat "$WORK/err")"
expect "left: $(ls "$SOCKETS")" [ -z "$(ls "$SOCKETS")" ]
end_fakes

# -- a killed helper ------------------------------------------------------------------------------

tool victim
start_victim() { # HOW THREADS [PROGRAM]
	rm -f "$WORK/victim.in" "$WORK/victim.out"
	mkfifo "$WORK/victim.in"
	: > "$WORK/victim.out"
	"${AS_USER[@]}" "${3:-$WORK/bin/victim}" "$SOCKETS" "$WORK/images" "$1" "$2" \
		0<>"$WORK/victim.in" > "$WORK/victim.out" 2>&1 {NEVER}<&- &
	VICTIM=$!
	STARTED+=("$VICTIM")
	await "the victim" lines_of "$WORK/victim.out" 1
	breathe
	kill -STOP "$VICTIM"
	await "it to stop" grep -q '^State:.T' "/proc/$VICTIM/status"
}

victims=("$WORK/bin/victim")
if gcc -m32 -std=gnu17 -D_GNU_SOURCE "-I$TOP/src" -O2 -w -o "$WORK/bin/victim32" \
	"$TOP/tests/tools/victim.c" -pthread 2>/dev/null; then
	victims+=("$WORK/bin/victim32")
else
	echo "no 32-bit compiler: not tried with a 32-bit program"
fi
for victim in "${victims[@]}"; do
	for how in 'sleep 1' 'read 1' 'sleep 10' 'read 10'; do
		# shellcheck disable=SC2086 # two words
		start_victim $how "$victim"
		expect_status 0 "${SWAP[@]}" -S "$WORK/images" -a status "$VICTIM"
		printed "^$VICTIM victim(32)?: orphaned for .*, 1\\.0MiB to come back"
		expect_status 0 "${SWAP[@]}" -S "$WORK/images" -l
		printed "^ *$VICTIM +victim(32)? +orphaned "
		expect_status 0 "${SWAP[@]}" -S "$WORK/images" -a swap "$VICTIM"
		stdout_is 'Already swapped.'
		expect_status 1 "${SWAP[@]}" -a swap "$VICTIM"
		printed 'its helper is gone|Its helper is gone'
		expect_status 0 "${SWAP[@]}" -S "$WORK/images" -a unswap "$VICTIM"
		stdout_is 'Successfully unswapped.'
		echo 1<>"$WORK/victim.in"
		await "it to end" gone "$VICTIM"
		[ "$(tail -n 1 "$WORK/victim.out")" = undisturbed ] || fail "$how: $(cat "$WORK/victim.out")"
	done
done
# root, for whom it is another's
start_victim read 2
expect_status 0 "$WORK/bin/swap" -S "$WORK/images" -a unswap "$VICTIM"
stdout_is 'Successfully unswapped.'
end_process "$VICTIM"
# not whole, or of another: no orphan
start_victim read 1
printf '\1' | dd of="$WORK/images/$VICTIM.swap" bs=1 seek=0 conv=notrunc status=none
expect_status 1 "${SWAP[@]}" -S "$WORK/images" -a unswap "$VICTIM"
printed 'helper is gone'
end_process "$VICTIM"
rm -f "$WORK/images"/* "${SOCKETS:?}"/*

# stale images go at the end of any action, but not one whose process /proc hides, as it does from
# its user in another group, nor one that somebody holds
start_victim read 1
hidden() {
	# shellcheck disable=SC2016 # for the shell that is started
	unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"' \
		setpriv --reuid "$OURS" --regid "$SPARED" --clear-groups env "HOME=$WORK/home" "$@"
}
expect_status 1 hidden test -e "/proc/$VICTIM"
expect_status 0 hidden "$WORK/bin/swap" -S "$WORK/images" -l
expect "removed while its process was hidden" [ -e "$WORK/images/$VICTIM.swap" ]
cp -p "$WORK/images/$VICTIM.swap" "$WORK/copy"
end_process "$VICTIM"
rm -f "${SOCKETS:?}"/*
exec {held}< "$WORK/images/$VICTIM.swap"
flock "$held"
expect_status 0 "${SWAP[@]}" -S "$WORK/images" -l
expect "removed while it was held" [ -e "$WORK/images/$VICTIM.swap" ]
exec {held}<&-
expect_status 0 "$WORK/bin/swap" -S "$WORK/images" -l
expect "root removed another's" [ -e "$WORK/images/$VICTIM.swap" ]
user touch "$WORK/images/notes.swap" "$WORK/images/12.swap" "$WORK/images/12.swap.old"
expect_status 0 "${SWAP[@]}" -S "$WORK/images" -l
expect "nothing printed but: $(cat "$WORK/err")" [ ! -s "$WORK/err" ]
[ "$(cd "$WORK/images" && echo *)" = '12.swap 12.swap.old notes.swap' ] || fail "left: $(ls "$WORK/images")"
# by itself where images lie: in the home
user mkdir -m 700 "$WORK/home/.swapify"
cp -p "$WORK/copy" "$WORK/home/.swapify/$VICTIM.swap"
chown "$OURS" "$WORK/home/.swapify/$VICTIM.swap"
expect_status 0 "${SWAP[@]}" -l
expect "not removed" [ ! -e "$WORK/home/.swapify/$VICTIM.swap" ]
