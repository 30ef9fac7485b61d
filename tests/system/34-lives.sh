#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs under the shim live and end as they would without it: outputs, exit statuses, descriptors,
# signals, environment. Pipes reach their end, nothing hangs, and nothing is left of any of them.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/shim.sh
. "$(dirname "$0")/shim.sh"

readonly PATIENCE=120 # seconds, for what hangs
tool lives
lives=$WORK/bin/lives
ulimit -c 0

# run NAME COMMAND...: its output through a pipe, up to the end of that, into $WORK/NAME.out, errors
# and exit status beside it.
run() {
	local name=$1 kind
	shift
	{
		timeout --foreground -k 5 $PATIENCE "$@" 2> "$WORK/run.err" < /dev/null {NEVER}<&- &&
			echo 0 > "$WORK/run.status" || echo $? > "$WORK/run.status"
	} | cat > "$WORK/run.out"
	for kind in out err status; do mv "$WORK/run.$kind" "$WORK/$name.$kind"; done
}

differ() {
	fail "not the same under the shim: $*: $kind: $(diff "$WORK/plain.$kind" "$WORK/shimmed.$kind" || :)"
}

# same COMMAND...: under the shim as without. ORDERED= where lines may come in any order
same() {
	local kind
	run plain "$@"
	run shimmed env "LD_PRELOAD=$SHIM" "$@"
	for kind in out err status; do
		[ -n "${ORDERED-yes}" ] || sort -o "$WORK/plain.$kind" "$WORK/plain.$kind"
		[ -n "${ORDERED-yes}" ] || sort -o "$WORK/shimmed.$kind" "$WORK/shimmed.$kind"
		cmp -s "$WORK/plain.$kind" "$WORK/shimmed.$kind" || differ "$@"
	done
}

# ended STATUS [TEXT]: how the last two did
ended() {
	expect "ended with $(cat "$WORK/shimmed.status"): $(cat "$WORK/shimmed.err")" \
		[ "$(cat "$WORK/shimmed.status")" = "$1" ]
	[ -z "${2:-}" ] || grep -qx -- "$2" "$WORK/shimmed.out" || fail "not printed: $2: $(cat "$WORK/shimmed.out")"
}

# -- what it starts with --------------------------------------------------------------------------

same "$lives" state
ended 0 'children -1 No child processes -1 No child processes'
# shellcheck disable=SC2016 # for the shells that are started
{
	same sh -c 'trap "" HUP INT PIPE CHLD; umask 027; ulimit -n 200; exec "$0" state' "$lives"
	ended 0
	same sh -c 'exec "$0" state 7< /etc/passwd 9> /dev/null 2>&-' "$lives"
	ended 0 'descriptor 7 /etc/passwd 0 8000'
	same sh -c 'exec "$0" state 0<&-' "$lives"
}
same env -i PATH="$PATH" B=1 A=2 "$lives" state
same sh -c 'ls /proc/self/fd; ls /proc/self/task | wc -l'
ended 0
same sh -c 'env -u _ | grep -v ^LD_PRELOAD='
for status in 0 1 7 255; do
	same "$lives" end "$status"
	ended "$status"
done
for signal in 1 2 3 6 9 11 14 15; do
	same "$lives" signal "$signal"
	ended $((128 + signal))
done
all_gone

# -- pipes and shells -----------------------------------------------------------------------------

# shellcheck disable=SC2016 # for the shells that are started
{
	same sh -c 'yes | head -n 3; echo "$?"'
	same bash -c 'yes | head -n 3; echo "${PIPESTATUS[@]}"'
	ended 0 '141 0'
	same bash -c 'for ((i = 0; i < 20; i++)); do x=$(echo "$i" | cat); echo "$x $(echo sub) $?"; done'
	same bash -c 'cat <(echo one) <(echo two | tr a-z A-Z); coproc cat; echo in >&"${COPROC[1]}"
		read -r line <&"${COPROC[0]}"; echo "$line"; exec {COPROC[1]}>&-; wait; echo "$?"'
	same sh -c 'sh -c "exit 3" & wait $!; echo $?; (exit 4); echo $?; sh -c "kill -9 \$\$"; echo $?'
	same bash -c 'trap "echo trapped" TERM; kill $$; (trap "echo inner; exit 5" EXIT; true); echo $?'
	same bash -c 'seq 1000 | while read -r x; do echo $((x * x)); done | sort -n | tail -n 1'
}
for scene in closefrom "workers 40" "exec sh -c 'exit 9'" spawn vfork rawfork system popen threads reap; do
	eval "same '$lives' $scene"
done
same "$lives" closefrom
ended 3 before
same "$lives" exec sh -c 'echo executed; exit 9'
ended 9 executed
same "$lives" system
ended 16 'in the shell'
same "$lives" reap
ended 18 '1 children, then No child processes'
same "$lives" subreaper "$lives" reap
ended 18 '1 children, then No child processes'
# as process 1, where the helper would be its child
same unshare --pid --fork --kill-child --mount-proc "$lives" reap
ended 18 '1 children, then No child processes'
all_gone

# an interactive one, on a terminal
jobs=("$TOP/tests/tools/jobs.py" "$WORK/bin/shimcall" "$SOCKETS")
expect_status 0 /usr/bin/python3 "${jobs[@]}"
SHELL_PRELOAD=$SHIM expect_status 0 /usr/bin/python3 "${jobs[@]}"
printed '^ok$'
all_gone

# -- git and make ---------------------------------------------------------------------------------

mkdir "$WORK/home"
cat > "$WORK/git.sh" <<'END'
set -e
export HOME=$1/home GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='1700000000 +0000' \
	GIT_COMMITTER_DATE='1700000000 +0000' GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@b
rm -rf "$1/git"
mkdir "$1/git"
cd "$1/git"
git init -q --bare -b main bare.git
printf '#!/bin/sh\necho hook\ncat > /dev/null\n' > bare.git/hooks/post-receive
chmod 755 bare.git/hooks/post-receive
git init -q -b main work
cd work
for i in 1 2 3 4 5; do
	seq "$i" "${i}000" > "file$i"
	git add .
	git commit -q -m "commit $i"
	git push ../bare.git main
done
git clone -q ../bare.git ../clone
cd ../clone
git log --format='%H %s' --stat
git fsck
git gc -q
git push origin --delete nothing
END
same sh "$WORK/git.sh" "$WORK"
grep -q '^remote: hook' "$WORK/shimmed.err" || fail "no push: $(cat "$WORK/shimmed.err")"
expect "no clone" [ "$(grep -c 'commit [1-5]$' "$WORK/shimmed.out")" = 5 ]
all_gone

mkdir "$WORK/project"
for i in 1 2 3 4 5 6 7 8 9 10; do
	printf '#include <stdio.h>\nvoid part%d(void);\nvoid part%d(void) { printf("part %%d\\n", %d); }\n' \
		"$i" "$i" "$i" > "$WORK/project/part$i.c"
	echo "void part$i(void);" >> "$WORK/project/parts.h"
	echo "part$i();" >> "$WORK/project/calls.h"
done
printf '#include "parts.h"\nint main(void) {\n#include "calls.h"\nreturn 0; }\n' > "$WORK/project/main.c"
cat > "$WORK/project/Makefile" <<'END'
sources := $(wildcard *.c)
all: program
	./program
program: $(sources:.c=.o)
	$(CC) -o $@ $(sort $^)
	@echo "$(shell echo linked)"
%.o: %.c
	$(CC) -c -o $@ $<
clean:
	rm -f *.o program
wrong: all
	false
END
make=(env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -C "$WORK/project" -j4)
ORDERED='' same sh -c '"$@" clean && "$@"' sh "${make[@]}"
ended 0 linked
ended 0 'part 10'
same "${make[@]}" wrong
ended 2
all_gone

# -- going away, and staying ----------------------------------------------------------------------

# the_only_helper: that of the last call, once others have seen that their program is another now
is_only() { [ "$(helpers)" = "$1" ]; }
the_only_helper() {
	await "one helper" is_only "$(said_line helper)"
}

# right_after_swap PID
right_after_swap() {
	must swap "$1"
	must unswap "$1"
}

for scene in daemon stay; do
	file=$WORK/$scene.pid
	# which takes as long as anybody has the pipe; the one that stays has closed it
	if [ $scene = daemon ]; then
		status=0
		out=$(LD_PRELOAD=$SHIM "$lives" daemon "$file" {NEVER}<&-) || status=$?
		[ "$status $out" = '4 gone' ] || fail "the daemon: $status $out"
	else
		LD_PRELOAD=$SHIM "$lives" stay "$file" > >(cat > "$WORK/stay.out") {NEVER}<&- &
		STARTED+=($!)
	fi
	await "$scene's pid" [ -s "$file" ]
	pid=$(cat "$file")
	STARTED+=("$pid")
	await_attached "$pid"
	right_after_swap "$pid"
	kill -USR1 "$pid"
	await "$scene's answer" grep -qx ok "$file"
	await "$scene to end" gone "$pid"
done
await "the end of the pipe" grep -qx gone "$WORK/stay.out"
all_gone

# Another program in its place: another helper, and a socket under its own name.
# shellcheck disable=SC2016
start_shimmed one sh -c 'echo ready; read -r line; exec cat'
pid=${PID[one]}
await_attached "$pid"
before=$(said_line helper)
expect "not called sh" [ "$(readlink "$SOCKETS/sh.$pid.sock")" = "$pid.sock" ]
right_after_swap "$pid"
echo go > "$WORK/one.in"
is_another() {
	[ -L "$SOCKETS/cat.$pid.sock" ] && call status "$pid" && [ "$(said_line helper)" != "$before" ]
}
await "another helper" is_another
await "the first helper to go" gone "$before"
expect "the first one's name is left" [ ! -e "$SOCKETS/sh.$pid.sock" ]
the_only_helper
right_after_swap "$pid"
ask one text
expect "cat says $ANSWER" [ "$ANSWER" = text ]
end_ours one
all_gone

# One that is asked just then, by who knows the first one only: nothing is swapped that isn't the
# program's memory any more.
# shellcheck disable=SC2016
start_shimmed late sh -c 'echo ready; read -r line; exec cat'
pid=${PID[late]}
await_attached "$pid"
helper=$(said_line helper)
STARTED+=("$helper")
kill -STOP "$helper"
"$WORK/bin/shimcall" "$SOCKETS" "$pid" swap > "$WORK/late.reply" 2> "$WORK/late.asked" {NEVER}<&- &
caller=$!
STARTED+=("$caller")
await "the question" [ -s "$WORK/late.asked" ]
echo go > "$WORK/late.in"
await "another helper" [ -L "$SOCKETS/cat.$pid.sock" ]
await_attached "$pid"
kill -CONT "$helper"
if wait "$caller"; then fail "swapped what was: $(cat "$WORK/late.reply")"; fi
await "the first helper to go" gone "$helper"
ask late text
expect "cat says $ANSWER" [ "$ANSWER" = text ]
right_after_swap "$pid"
end_ours late
all_gone

# One that can't be attached in its place: nothing is left of the helper.
gcc -static -x c -o "$WORK/static" - <<'END'
#include <unistd.h>
int main(void)
{
	char c;
	while (read(0, &c, 1) == 1 && write(1, &c, 1) == 1)
		;
	return 0;
}
END
# shellcheck disable=SC2016
start_shimmed two sh -c 'echo ready; read -r line; exec "$0"' "$WORK/static"
await_attached "${PID[two]}"
echo go > "$WORK/two.in"
ask two text
all_gone
expect "it doesn't run" [ "$ANSWER" = text ]
end_ours two

# A worker has a socket of its own, and its memory, too.
start_shimmed three "$lives" worker
await "a worker" lines_of "$WORK/three.out" 1
read -r _ worker < "$WORK/three.out"
STARTED+=("$worker")
await_attached "${PID[three]}" "$worker"
must swap "$worker"
must status "${PID[three]}"
expect "its parent is swapped, too" [ "$(said_line state)" = running ]
must swap "${PID[three]}"
must unswap "$worker"
must unswap "${PID[three]}"
verify three
right_after_swap "$worker"
verify three
echo end > "$WORK/three.in"
status=0
wait "${PID[three]}" || status=$?
expect "it ended with $status" [ "$status" = 6 ]
expect "the worker didn't end well" grep -qx 'worker exited 5' "$WORK/three.out"
all_gone

# -- privileges -----------------------------------------------------------------------------------

# Where the helper looks for its places when nobody names them
mount -t tmpfs tmpfs /run
mkdir -p /run/user/0 "/run/user/$OURS" "$WORK/var"
chown "$OURS:$OURS" "/run/user/$OURS"
[ -d /var/lib ] || mkdir -p /var/lib
mount --bind "$WORK/var" /var/lib
install -d -o "$OURS" -m 700 "$WORK/home/ours"

uids_of() {
	awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$1/status"
}

# start_dropping NAME SCENE...: as root, without the test's own directories
start_dropping() {
	local name=$1
	shift
	unset SWAPIFY_SOCKET_DIR SWAPIFY_IMAGE_DIR
	HOME=$WORK/home/ours start_shimmed "$name" "$lives" "$@"
	export SWAPIFY_SOCKET_DIR=$SOCKETS SWAPIFY_IMAGE_DIR=$IMAGES
	await "$name to be ready" lines_of "$WORK/$name.out" 1
}

start_dropping drop drop "$OURS"
pid=${PID[drop]}
SWAPIFY_SOCKET_DIR=/run/user/$OURS/swapify await_attached "$pid"
helper=$(said_line helper)
expect "the helper is of $(uids_of "$helper")" [ "$(uids_of "$helper")" = "$OURS $OURS $OURS $OURS" ]
the_only_helper
expect "root's socket is left" [ -z "$(find /run -path '*/0/*' -name '*.sock')" ]
# It has become undumpable by that, is told so, and goes on.
if SWAPIFY_SOCKET_DIR=/run/user/$OURS/swapify call swap "$pid"; then fail "after setuid: $SAID"; fi
[[ $(said_line reason) == *undumpable* ]] || fail "after setuid: $(said_line reason)"
verify drop
echo end > "$WORK/drop.in"
wait "$pid" || fail "drop ended with $?"

start_dropping restore restore "$OURS"
pid=${PID[restore]}
SWAPIFY_SOCKET_DIR=/run/user/0/swapify await_attached "$pid"
helper=$(said_line helper)
expect "the helper is of $(uids_of "$helper")" [ "$(uids_of "$helper")" = "0 0 0 0" ]
the_only_helper
verify restore
echo end > "$WORK/restore.in"
wait "$pid" || fail "restore ended with $?"

# It has ended by itself, and its number is another's: that one isn't sent away.
if [ -w /proc/sys/kernel/ns_last_pid ]; then
	start_dropping restore restore "$OURS"
	pid=${PID[restore]}
	SWAPIFY_SOCKET_DIR=/run/user/0/swapify await_attached "$pid"
	helper=$(said_line helper)
	SWAPIFY_SOCKET_DIR=/run/user/0/swapify must exit "$pid"
	await "the helper to leave" gone "$helper"
	echo $((helper - 1)) > /proc/sys/kernel/ns_last_pid
	sleep infinity {NEVER}<&- &
	stranger=$!
	STARTED+=("$stranger")
	[ "$stranger" = "$helper" ] || echo "not looked at: somebody else got pid $helper"
	verify restore
	SWAPIFY_SOCKET_DIR=/run/user/0/swapify await_attached "$pid"
	if gone "$stranger" || is_state "$stranger" Z; then fail "a stranger was killed"; fi
	end_process "$stranger"
	echo end > "$WORK/restore.in"
	wait "$pid" || fail "restore ended with $?"
fi

# Rights given up one by one go for the helper, too; the program stays dumpable by that.
caps_of() {
	awk '/^Cap(Prm|Eff):/ { print $2 }' "/proc/$1/status"
}
start_dropping caps capset
pid=${PID[caps]}
SWAPIFY_SOCKET_DIR=/run/user/0/swapify await_attached "$pid"
helper=$(said_line helper)
[ "$(caps_of "$helper")" = "$(caps_of "$pid")" ] || fail "the helper has $(caps_of "$helper")"
[ "$(caps_of "$helper" | sort -u)" = 0000000000000000 ] || fail "it has kept $(caps_of "$pid")"
the_only_helper
SWAPIFY_SOCKET_DIR=/run/user/0/swapify must swap "$pid"
SWAPIFY_SOCKET_DIR=/run/user/0/swapify must unswap "$pid"
verify caps
# where nothing is given up it stays
SWAPIFY_SOCKET_DIR=/run/user/0/swapify must status "$pid"
[ "$(said_line helper)" = "$helper" ] || fail "another helper: $SAID"
echo end > "$WORK/caps.in"
wait "$pid" || fail "caps ended with $?"

# A child does so: its parent's helper has nothing to do with that.
for how in fork vfork raw; do
	start_dropping child child-drop $how "$OURS"
	pid=${PID[child]}
	SWAPIFY_SOCKET_DIR=/run/user/0/swapify await_attached "$pid"
	expect "$how: not of root" [ "$(uids_of "$(said_line helper)")" = "0 0 0 0" ]
	the_only_helper
	SWAPIFY_SOCKET_DIR=/run/user/0/swapify right_after_swap "$pid"
	verify child
	echo end > "$WORK/child.in"
	wait "$pid" || fail "child-drop $how ended with $?"
	await "its socket to be removed" [ ! -e "/run/user/0/swapify/$pid.sock" ]
done
nothing_in_run() { [ -z "$(find /run /var/lib -name '*.sock' -o -name '*.swap')" ]; }
await "sockets and images to be removed" nothing_in_run
all_gone

# Another root: without its directories there, and with them.
mkdir "$WORK/root" "$WORK/root/empty"
start_dropping chroot chroot "$WORK/root"
verify chroot
await "no helper in a root without places" nothing_in_run
echo end > "$WORK/chroot.in"
wait "${PID[chroot]}" || fail "chroot ended with $?"
mkdir -p "$WORK/root$SOCKETS" "$WORK/root$IMAGES" "$WORK/root/proc"
chmod 700 "$WORK/root$SOCKETS" "$WORK/root$IMAGES"
mount -t proc proc "$WORK/root/proc"
start_shimmed chroot "$lives" chroot "$WORK/root"
await "chroot to be ready" lines_of "$WORK/chroot.out" 1
pid=${PID[chroot]}
SWAPIFY_SOCKET_DIR=$WORK/root$SOCKETS await_attached "$pid"
SWAPIFY_SOCKET_DIR=$WORK/root$SOCKETS must swap "$pid"
expect "no image in the other root" [ -s "$WORK/root$(image_of "$pid")" ]
SWAPIFY_SOCKET_DIR=$WORK/root$SOCKETS must unswap "$pid"
verify chroot
echo end > "$WORK/chroot.in"
wait "$pid" || fail "chroot ended with $?"
all_gone
expect "something is left in the other root" [ -z "$(find "$WORK/root$WORK" -type s -o -type l -o -type f)" ]
umount "$WORK/root/proc"

# -- who isn't to be attached, and names ----------------------------------------------------------

# By its pid, which stays through execs; a child has none of it.
# shellcheck disable=SC2016
named='export SWAPIFY_NAME=$$:boss; [ -z "$1" ] || export SWAPIFY_NO_FOLLOW=$$; export LD_PRELOAD=$0
	exec sh -c "sh -c \"env; exec cat\"; exit 5"'
for follow in yes ''; do
	mkfifo "$WORK/named.in"
	: > "$WORK/named.out"
	sh -c "$named" "$SHIM" "$([ -n "$follow" ] || echo no)" 0<>"$WORK/named.in" > "$WORK/named.out" {NEVER}<&- &
	pid=$!
	STARTED+=("$pid")
	await "the environment" grep -q ^PATH= "$WORK/named.out"
	await_attached "$pid"
	expect "not by its name" [ "$(readlink "$SOCKETS/boss.$pid.sock")" = "$pid.sock" ]
	echo said 1<>"$WORK/named.in"
	await "cat to say it" grep -qx said "$WORK/named.out"
	if grep '^SWAPIFY_N' "$WORK/named.out"; then fail "its children have that, too"; fi
	if [ -n "$follow" ]; then
		expect "its children aren't attached" grep -qx "LD_PRELOAD=$SHIM" "$WORK/named.out"
		two() { [ "$(find "$SOCKETS" -type s | wc -l)" = 2 ]; }
		await "its child's socket" two
		expect "by its name" [ "$(find "$SOCKETS" -name 'boss.*' | wc -l)" = 1 ]
	else
		if grep '^LD_PRELOAD' "$WORK/named.out"; then fail "its children are to be attached"; fi
		the_only_helper
	fi
	right_after_swap "$pid"
	child=$(cat "/proc/$pid/task/$pid/children")
	kill -TERM "${child% }"
	status=0
	wait "$pid" || status=$?
	expect "it ended with $status" [ "$status" = 5 ]
	rm "$WORK/named.in"
	all_gone
done
