#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The launcher: what it starts is what it would be without it, but for LD_PRELOAD; what can't be
# attached runs all the same and is told of; mistakes start nothing.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# Where another user reaches them; shim and sockets of this test stay in its own directory.
install -d "$WORK/bin"
install -m 755 "$BUILD/swapify" "$WORK/bin"
install -m 644 "$BUILD/libswapify.so" "$WORK/bin"
mkdir -m 700 "$WORK/images" "$WORK/sockets"
export SWAPIFY_IMAGE_DIR=$WORK/images SWAPIFY_SOCKET_DIR=$WORK/sockets
swapify=$WORK/bin/swapify
shim=$WORK/bin/libswapify.so
user=(setpriv --reuid "$OURS" --regid "$OURS" --clear-groups)
lib=lib/$(gcc -print-multiarch)

silent() { expect "it said: $(cat "$WORK/err")" [ ! -s "$WORK/err" ]; }
# prints TEXT: just that, on standard output
prints() { [ "$(cat "$WORK/out")" = "$1" ] || fail "printed '$(cat "$WORK/out")', not '$1'"; }
# warned REGEX: one line on standard error, which matches
warned() {
	expect "not one line" [ "$(wc -l < "$WORK/err")" = 1 ]
	printed "^swapify: $1\$"
}
# refused STATUS REGEX ARGUMENT...: nothing is started
refused() {
	local status=$1 message=$2
	shift 2
	expect_status "$status" "$swapify" "$@" touch "$WORK/started"
	warned "$message"
	expect "it was started" [ ! -e "$WORK/started" ]
}
# program NAME [OPTION...]: compiled from standard input
program() {
	local name=$1
	shift
	gcc -x c -o "$WORK/$name" "$@" - 2> "$WORK/gcc.err"
}
script() {
	printf '%b' "$2" > "$WORK/$1"
	chmod 755 "$WORK/$1"
}

# -- usage ----------------------------------------------------------------------------------------

expect_status 0 "$swapify" --help
expect "help takes more than a screen" [ "$(wc -l < "$WORK/out")" -le 24 ]
expect "help is too wide" [ "$(wc -L < "$WORK/out")" -le 80 ]
expect_status 0 "$swapify" -V
printed '^swapify [0-9]+\.[0-9]'
expect_status 2 "$swapify"
warned 'no command is given; see --help'
for option in --nonsense -x --name --image-dir --no-follow=1; do
	expect_status 2 "$swapify" "$option"
	expect "$option: no message" [ -s "$WORK/err" ]
done
for name in '' . .x a/b 'a b' aaaaaaaaaaaaaaaa $'a\nb' ä '*'; do
	refused 2 '--name .*: a name has 1 to 15 .*' --name "$name"
done
for name in a aaaaaaaaaaaaaaa a.b_c-9 -a; do
	expect_status 0 "$swapify" "--name=$name" true
	silent
done
# A full disk is a failure, a closed stream too.
expect_status 1 sh -c "'$swapify' -V > /dev/full"
expect_status 1 sh -c "'$swapify' -h >&-"

# -- what is started is what it would be ----------------------------------------------------------

# shellcheck disable=SC2016 # for the shell that is started
show='echo "$LD_PRELOAD"'
expect_status 0 "$swapify" sh -c "$show"
silent
prints "$shim"
expect_status 0 "$swapify" -- sh -c "$show"
prints "$shim"
LD_PRELOAD=libm.so.6 expect_status 0 "$swapify" sh -c "$show"
prints "$shim:libm.so.6"
LD_PRELOAD=" libm.so.6 :$shim:libdl.so.2" expect_status 0 "$swapify" sh -c "$show"
prints "$shim:libm.so.6:libdl.so.2"
# a program that another launcher's shim is in, too, would have two helpers
mkdir "$WORK/other-shim"
cp "$shim" "$WORK/other-shim"
LD_PRELOAD="$WORK/other-shim/libswapify.so:libm.so.6" expect_status 0 "$swapify" sh -c "$show"
prints "$shim:libm.so.6"
LD_PRELOAD='' expect_status 0 "$swapify" sh -c "$show"
prints "$shim"
expect_status 0 "$swapify" "$swapify" --name x "$swapify" sh -c "$show"
prints "$shim"
(cd "$WORK" && expect_status 0 bin/swapify sh -c "$show") # by a relative path
prints "$shim"
expect_status 0 "$swapify" printf '%s,' -h '' 'a b' --name
prints '-h,,a b,--name,'

env -u _ env | sort > "$WORK/expected"
expect_status 0 env -u _ "$swapify" env
diff "$WORK/expected" <(sort "$WORK/out" | grep -v '^LD_PRELOAD=') || fail "the environment is another"

expect_status 7 "$swapify" sh -c 'exit 7'
# shellcheck disable=SC2016
expect_status 137 "$swapify" sh -c 'kill -9 $$'
# The same process
# shellcheck disable=SC2016
expect_status 0 sh -c 'echo $$; exec "$0" sh -c "echo \$\$"' "$swapify"
expect "another process id" [ "$(sort -u "$WORK/out" | wc -l)" = 1 ]

# Signals: dispositions and mask
# shellcheck disable=SC2016
state='grep -E "^Sig(Blk|Ign)" /proc/self/status'
for prefix in '' 'trap "" HUP INT PIPE;' 'trap "" CHLD TERM;'; do
	sh -c "$prefix exec $state" > "$WORK/expected"
	expect_status 0 sh -c "$prefix exec '$swapify' $state"
	diff "$WORK/expected" "$WORK/out" || fail "signals are others: $prefix"
done

# Descriptors, open and closed
# shellcheck disable=SC2016
fds='for fd in /proc/self/fd/*; do readlink "$fd" || :; done | grep -v -e /fd -e pipe: -e socket: | sort'
for redirect in '7< /etc/passwd 9> /dev/null' '0<&-' '1>&2' '0<&- 9< /etc/passwd' '5<> /dev/zero'; do
	sh -c "exec $redirect; exec sh -c '$fds'" > "$WORK/out" 2>&1
	cp "$WORK/out" "$WORK/expected"
	sh -c "exec $redirect; exec '$swapify' sh -c '$fds'" > "$WORK/out" 2>&1
	diff "$WORK/expected" "$WORK/out" || fail "descriptors are others: $redirect"
done
for redirect in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	expect_status 7 sh -c "exec '$swapify' sh -c 'exit 7' $redirect"
done
expect_status 0 sh -c "'$swapify' cat < /etc/passwd"
diff /etc/passwd "$WORK/out"

# -- what can't be executed -----------------------------------------------------------------------

script plain 'exit 9\n'
script good '#! /bin/sh -e\n'"$show"'\nexit 8\n'
script missing '#!/nowhere/sh\n'
script crlf '#!/bin/sh\r\n'
script loop "#!$WORK/loop\n"
script empty ''
script no_name '#!\nexit 6\n'
script data '#!/etc/passwd\n'
script 'a b' '#!/bin/sh\nexit 5\n'
printf 'x' > "$WORK/data_file"

expect_status 127 "$swapify" no-such-command
warned 'no-such-command: not found'
expect_status 127 "$swapify" "$WORK/none"
warned "$WORK/none: not found"
expect_status 127 "$swapify" ''
warned ': not found'
expect_status 126 "$swapify" "$WORK"
warned "$WORK can't be executed: Permission denied"
expect_status 126 "$swapify" "$WORK/data_file"
warned "$WORK/data_file can't be executed: Permission denied"
expect_status 126 "$swapify" "$WORK/data_file/x"
warned "$WORK/data_file/x can't be executed: Not a directory"
expect_status 126 "$swapify" "$WORK/missing"
warned "$WORK/missing can't be executed: its interpreter /nowhere/sh isn't there"
expect_status 126 "$swapify" "$WORK/crlf"
warned "$WORK/crlf can't be executed: its interpreter /bin/sh\\? isn't there"
expect_status 126 "$swapify" "$WORK/loop"
printed 'Too many levels of symbolic links'
expect_status 126 "$swapify" "$WORK/data"
warned "$WORK/data, or its interpreter /etc/passwd, can't be executed: Permission denied"
expect_status 8 "$swapify" "$WORK/good"
silent
prints "$shim"
# As execvp(3) does, and with it env(1): no first line, then it is one of the shell
for row in '9 plain' '0 empty' '6 no_name' '5 a b'; do
	expect_status "${row%% *}" "$swapify" "$WORK/${row#* }"
	silent
	expect_status "${row%% *}" env PATH="/nowhere::$WORK" "$swapify" "${row#* }"
	silent
done
(cd "$WORK" && expect_status 9 env PATH= "$swapify" plain)
# The first that may be executed
mkdir "$WORK/first" "$WORK/first/good"
cp "$WORK/good" "$WORK/first/plain"
chmod 644 "$WORK/first/plain"
for name in 'good 8' 'plain 9'; do
	expect_status "${name#* }" env PATH="$WORK/first:$WORK:$PATH" "$swapify" "${name% *}"
	silent
done
expect_status 126 env PATH="$WORK/first" "$swapify" plain
mkfifo "$WORK/fifo"
chmod 755 "$WORK/fifo"
expect_status 126 timeout 10 "$swapify" "$WORK/fifo"

# -- what can't be attached -----------------------------------------------------------------------

# A stand-in for the shim that says that it is there, so that what is said here can be held against
# what the dynamic loader does; and that leaves the variables that the shim takes out.
export MARK=$WORK/mark
install -D -m 755 "$BUILD/swapify" "$WORK/alone/swapify"
stand_in() { # NAME [OPTION...]
	mkdir -p "$(dirname "$WORK/$1")"
	program "$@" -shared -fPIC <<'END'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void leave_mark(void)
{
	int fd = open(getenv("MARK"), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (write(fd, "attached\n", 9) < 0)
		_exit(99);
	close(fd);
}
END
}
stand_in alone/libswapify.so || fail "$(cat "$WORK/gcc.err")"

mark() { [ -s "$MARK" ]; }
clear_mark() {
	: > "$MARK"
	chmod 666 "$MARK"
}
# attached STATUS COMMAND...: it is, and nothing is said. AS is who runs it.
attached() {
	local status=$1
	shift
	clear_mark
	expect_status "$status" "${AS[@]}" "$swapify" "$@"
	silent
	expect "it isn't attached: $*" mark
}
# unattached REASON STATUS COMMAND...: it isn't, and that is said.
unattached() {
	local reason=$1 status=$2
	shift 2
	clear_mark
	expect_status "$status" "${AS[@]}" "$swapify" "$@"
	warned "$1 can't be attached: $reason; it runs without the shim"
	! mark || fail "it is attached: $*"
}
swapify=$WORK/alone/swapify
shim=$WORK/alone/libswapify.so
AS=()
foreign='it is for another kind of machine, and no shim for that is installed'
rights="it runs with another user's or group's rights"

attached 0 /bin/true
attached 8 "$WORK/good"
attached 9 "$WORK/plain"
echo 'int main(int n, char **v) { return n > 1 ? execvp(v[1], v + 1) : 4; }' > "$WORK/start.c"
for kind in static static-pie; do
	program $kind -w -$kind < "$WORK/start.c" || fail "$(cat "$WORK/gcc.err")"
	unattached 'it is statically linked' 4 "$WORK/$kind"
	# What it starts is attached, under its own name; or with --no-follow isn't
	# shellcheck disable=SC2016
	expect_status 0 "$swapify" --name x "$WORK/$kind" sh -c 'echo "$LD_PRELOAD,$SWAPIFY_NAME"'
	prints "$shim,"
	# shellcheck disable=SC2016
	expect_status 0 "$swapify" --no-follow "$WORK/$kind" sh -c 'echo "$LD_PRELOAD,$SWAPIFY_NO_FOLLOW"'
	prints ,
done
echo 'int main(void) { return 5; }' | program five -static
script by_static "#!$WORK/five\n"
script by_script "#!$WORK/by_static\n"
for name in by_static by_script; do
	unattached "its interpreter $WORK/five is statically linked" 5 "$WORK/$name"
done

# Other loaders. LD_PRELOAD isn't set: they would take offence.
loader=$(readelf -l /bin/true | sed -n 's/.*interpreter: \(.*\)\]$/\1/p')
attached 0 "$loader" /bin/true
cp -L "$loader" "$WORK/ld-musl-test.so.1"
program other -w "-Wl,--dynamic-linker=$WORK/ld-musl-test.so.1" < "$WORK/start.c"
unattached 'it uses another C library than glibc' 4 "$WORK/other"
expect_status 0 "$swapify" "$WORK/other" sh -c "$show"
prints ''
program none -w -Wl,--dynamic-linker=/nowhere/ld-linux.so.2 < "$WORK/start.c"
expect_status 126 "$swapify" "$WORK/none"
warned "$WORK/none can't be executed: its interpreter /nowhere/ld-linux.so.2 isn't there"

# $LIB: a shim for each kind of machine
install -D -m 755 "$BUILD/swapify" "$WORK/multi/swapify"
install -D -m 755 "$BUILD/swapify" "$WORK/tree/bin/swapify"
for dir in multi tree; do stand_in "$dir/$lib/libswapify.so"; done
if program narrow -w -m32 < "$WORK/start.c" && "$WORK/narrow" /bin/true; then
	unattached "$foreign" 4 "$WORK/narrow"
	expect_status 0 "$swapify" "$WORK/narrow" sh -c "$show"
	prints ''
	swapify=$WORK/multi/swapify
	unattached "$foreign" 4 "$WORK/narrow"
	narrow_loader=$(readelf -l "$WORK/narrow" | sed -n 's/.*interpreter: \(.*\)\]$/\1/p')
	narrow_lib=$("$narrow_loader" --list-diagnostics | sed -n 's/^dl_dst_lib="\(.*\)"$/\1/p')
	stand_in "multi/$narrow_lib/libswapify.so" -m32
	attached 4 "$WORK/narrow"
	attached 0 "$WORK/narrow" sh -c "$show"
fi
for dir in multi tree/bin; do
	swapify=$WORK/$dir/swapify
	attached 0 sh -c "$show"
	# shellcheck disable=SC2016 # that's what it is
	prints "$WORK/${dir%/bin}"'/$LIB/libswapify.so'
done
swapify=$WORK/alone/swapify

# Who gets other rights by being executed
plain_copy() { # NAME OWNER MODE
	install -m 755 /bin/true "$WORK/$1"
	chown "$2" "$WORK/$1"
	chmod "$3" "$WORK/$1"
}
plain_copy setuid 0:0 4755
plain_copy setgid 0:0 2755
plain_copy locking 0:0 2745
plain_copy mine "$OURS:$OURS" 6755
plain_copy unreadable 0:0 711
plain_copy capable 0:0 755
python3 - "$WORK/capable" <<'END' && capable=yes || capable=no
import os, struct, sys
os.setxattr(sys.argv[1], "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
END
for name in setuid setgid locking capable; do attached 0 "$WORK/$name"; done
unattached "$rights" 0 "$WORK/mine"
AS=("${user[@]}")
for name in mine locking unreadable; do attached 0 "$WORK/$name"; done
case ,$(findmnt -n -o OPTIONS -T "$WORK"), in
*,nosuid,*) echo "set-id bits have no effect in $WORK" ;;
*)
	for name in setuid setgid; do unattached "$rights" 0 "$WORK/$name"; done
	if [ "$capable" = yes ]; then
		unattached 'it has file capabilities' 0 "$WORK/capable"
		# they don't come, but the loader is careful all the same
		AS=("${user[@]}" --no-new-privs)
		unattached 'it has file capabilities' 0 "$WORK/capable"
	fi
	;;
esac
AS=("${user[@]}" --no-new-privs)
for name in setuid setgid; do attached 0 "$WORK/$name"; done
mkdir "$WORK/nosuid"
mount --bind "$WORK" "$WORK/nosuid"
mount -o remount,bind,nosuid "$WORK/nosuid"
AS=("${user[@]}")
for name in setuid setgid capable; do attached 0 "$WORK/nosuid/$name"; done
umount "$WORK/nosuid"
# Somebody else's rights already, whatever is executed
AS=(setpriv --euid "$OURS")
unattached "$rights" 0 /bin/true
AS=()

# The shim's own process would be its child
expect_status 7 unshare --pid --fork --kill-child --mount-proc "$swapify" sh -c 'exit 7'
warned '/.*/sh can.t be attached: it is process 1, or a subreaper; it runs without the shim'

# Nobody reads what is said: it runs all the same, and SIGPIPE is what it was
mkfifo "$WORK/broken"
exec {reader}<> "$WORK/broken"
exec {BROKEN}> "$WORK/broken"
exec {reader}<&-
"$swapify" "$WORK/static" grep ^SigIgn /proc/self/status > "$WORK/out" 2>&"$BROKEN"
grep ^SigIgn /proc/self/status | diff - "$WORK/out" || fail "SIGPIPE isn't what it was"
exec {BROKEN}>&-

# -- variables ------------------------------------------------------------------------------------

# shellcheck disable=SC2016
show_own='echo "${SWAPIFY_NAME#$$:},${SWAPIFY_NO_FOLLOW#$$},$SWAPIFY_IMAGE_DIR,$SWAPIFY_SOCKET_DIR"'
mkdir -m 700 "$WORK/i" "$WORK/s" "$WORK/s/deep"
ln -s s "$WORK/link"
ln -s none "$WORK/dangling"
dirs=$SWAPIFY_IMAGE_DIR,$SWAPIFY_SOCKET_DIR
expect_status 0 "$swapify" sh -c "$show_own"
prints ",,$dirs"
expect_status 0 "$swapify" --name n-1 --no-follow sh -c "$show_own"
prints "n-1,,$dirs"
(
	cd "$WORK" || exit
	for row in i,s i/,./s// "../${WORK##*/}/i,s/deep/.." "$WORK//i,link/../s" .,.; do
		expect_status 0 "$swapify" --image-dir "${row%,*}" --socket-dir "${row#*,}" sh -c "$show_own"
		case $row in
		.,.) prints ",,$WORK,$WORK" ;;
		*) prints ",,$WORK/i,$WORK/s" ;;
		esac
		silent
	done
	# only the last part may not be a link
	expect_status 0 "$swapify" --socket-dir=link/deep sh -c "$show_own"
	prints ",,$SWAPIFY_IMAGE_DIR,$WORK/s/deep"
)

# -- directories that aren't fit ------------------------------------------------------------------

install -d -m 777 "$WORK/open"
install -d -m 720 "$WORK/group"
install -d -m 700 -o "$OURS" "$WORK/foreign" "$WORK/memory" "$WORK/readonly"
mount -t tmpfs -o mode=700 none "$WORK/memory"
cleanup "umount $WORK/memory"
mount -t tmpfs -o ro,mode=700 none "$WORK/readonly"
cleanup "umount $WORK/readonly"
touch "$WORK/file"
long=$WORK/$(printf 'x%.0s' {1..200})/$(printf 'y%.0s' {1..60})
mkdir -p "$long"
for option in --image-dir --socket-dir; do
	while IFS='|' read -r dir message; do
		refused 1 "$option: '.*' $message" $option "$dir"
	done <<-END
		$WORK/nowhere|isn't there; make it: mkdir -m 700 $WORK/nowhere
		|names no directory
		$WORK/file|isn't a directory
		$WORK/file/x|isn't a directory
		$WORK/link|is a symbolic link; name the directory itself
		$WORK/link/|is a symbolic link; name the directory itself
		$WORK/dangling|is a symbolic link; name the directory itself
		$WORK/open|may be written to by others; forbid it: chmod go-w $WORK/open
		$WORK/group|may be written to by others; forbid it: chmod go-w $WORK/group
		$WORK/foreign|belongs to uid $OURS, not to you \\(uid 0\\); name one of your own
		$long|has a path of [0-9]+ bytes, of at most 255
	END
done
refused 1 "--image-dir: '.*' lies in memory .*; name one on a disk" --image-dir "$WORK/memory"
refused 1 "--socket-dir: '.*' can't be written to: Read-only file system" --socket-dir "$WORK/readonly"
expect_status 0 "$swapify" --socket-dir "$WORK/memory" true
silent
# The first of both that isn't fit, and before anything else
refused 1 "--socket-dir: '.*' isn't a directory" --image-dir "$WORK/i" --socket-dir "$WORK/file"
expect_status 1 "${user[@]}" "$swapify" --image-dir "$WORK/i" true
warned "--image-dir: '$WORK/i' belongs to uid 0, not to you \\(uid $OURS\\); name one of your own"
expect_status 1 "${user[@]}" "$swapify" --image-dir "$WORK/i/x" true
warned "--image-dir: '$WORK/i/x' can't be opened: Permission denied"

# -- shims that aren't there, or can't be preloaded -----------------------------------------------

# shellcheck disable=SC2016
for dir in 'c d' c:d 'c$LIB' 'c$LIB/d'; do
	install -D -m 755 "$BUILD/swapify" "$WORK/$dir/swapify"
	cp "$shim" "$WORK/$dir"
	swapify=$WORK/$dir/swapify
	refused 1 "$WORK/.*/libswapify.so can't be preloaded: .*; put both files elsewhere"
done
if [ -z "$(find /usr/lib /usr/local/lib -name libswapify.so -print -quit)" ]; then
	install -D -m 755 "$BUILD/swapify" "$WORK/lonely/swapify"
	swapify=$WORK/lonely/swapify
	refused 1 "libswapify.so is neither beside this program, in $WORK/lonely, nor in .*; install it there"
	mkdir "$WORK/lonely/libswapify.so"
	refused 1 'libswapify.so is neither .*'
fi

# -- with the shim itself -------------------------------------------------------------------------

swapify=$WORK/bin/swapify
# what it becomes by exec is still the program; what it starts isn't, and knows of nothing
# shellcheck disable=SC2016
expect_status 0 "$swapify" --name x --no-follow sh -c 'exec sh -c "
	[ \"\$SWAPIFY_NAME\" = \$\$:x ] && [ \"\$SWAPIFY_NO_FOLLOW\" = \$\$ ] || echo lost
	env | grep -E \"^(LD_PRELOAD|SWAPIFY_NAME|SWAPIFY_NO_FOLLOW)=\"; :"'
silent
prints ""
expect_status 7 "$swapify" sh -c 'sh -c "exit 7"'
nothing_left() { [ -z "$(left_processes)" ]; }
await "the helpers to leave" nothing_left
