#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Limits: of a file, in all, of memory, of locked memory; the most shared first; each said once, and
# the daemon goes on. SIGHUP changes them without letting go what stays.
# shellcheck source=tests/system/prelock-lib.sh
. "$(dirname "$0")/prelock-lib.sh"

locked_are() {
	local name there=
	for name in shared small large; do
		if is_locked $name.so; then there="$there$name "; fi
	done
	[ "$there" = "${*:+$* }" ]
}

# settings LINE...: of [prelock], taken by the daemon at once.
settings() {
	printf '%s\n' '[prelock]' 'enabled = yes' 'interval = 100ms' "paths = $LIB" "names = $OWN*" "$@" > "$WORK/conf"
	[ -z "$DAEMON" ] || kill -HUP "$DAEMON"
}

for name in shared small large; do library $name.so; done
start_caller a shared.so
start_caller b shared.so
start_caller c small.so
start_caller d large.so
call a 0 500
call c 0 1000
call d 0 2500
declare -A kib
for name in shared small large; do
	resident "$LIB/$name.so"
	kib[$name]=$((PAGES * 4))
done
expect "not of the sizes that the test needs: ${kib[*]} KiB" \
	[ $((kib[small] + 1024)) -lt "${kib[large]}" ]

# a file that is too large is passed over, what is smaller isn't
settings "max_file = $((kib[small] + 512))K"
start_daemon -c "$WORK/conf"
await "all but the large one" locked_are shared small
await_dump 'prelock: left out max_file=1'
expect_dump "left out reason=max_file sharers=1 bytes=[0-9.]+MiB mapped=16.[0-9]MiB file=$LIB/large.so"
place=$(places shared.so)

# in all: the shared one first, then what fits; it isn't let go meanwhile
settings "max_total = $((kib[shared] + 512))K"
await "only the shared one" locked_are shared
await_dump 'prelock: left out max_total=2'
settings "max_total = $((kib[shared] + kib[small] + 512))K"
await "what fits beside it" locked_are shared small
settings
await "all of them" locked_are shared small large
settings "mode = whole"
await_dump 'prelock: files=3 bytes=48\.[0-9]MiB mapped=48\.[0-9]MiB'
for name in shared small large; do
	resident "$LIB/$name.so"
	expect "$name isn't all in memory: $PAGES of $ALL" [ "$PAGES" -ge $((ALL * 96 / 100)) ]
done
call d 0 4096
expect "it waited for the disk" [ "$FAULTS" = 0 ]
settings "max_percent = 0"
await "none of them" locked_are
await_dump 'prelock: left out max_percent=3'
expect_dump 'room=0B limit=max_percent'
settings
await "all of them again" locked_are shared small large

# who stays, stays where it is: locked once, and its time goes on
place=$(places small.so)
settings "more_names = other" "max_file = 1G"
await_said 'configuration read again'
scans 2
expect "it was let go meanwhile" [ "$(places small.so)" = "$place" ]
# what the rules don't ask for any more goes at once
sed -i "s|^names = .*|names = ${OWN}c|" "$WORK/conf"
kill -HUP "$DAEMON"
await "only that of c" locked_are small
expect "it was let go meanwhile" [ "$(places small.so)" = "$place" ]
# a file with a mistake changes nothing
settings "cgroups = ^/a("
await_said 'cgroups = \^/a\( is not a list of patterns'
scans 1
expect "something else is locked" locked_are small
# off, and on again
count_threads() { wc -w < <(echo "/proc/$DAEMON/task"/*); }
threads_are() { [ "$(count_threads)" = "$1" ]; }
threads=$(count_threads)
settings "# nothing else"
sed -i 's/^enabled = yes/enabled = no/' "$WORK/conf"
kill -HUP "$DAEMON"
await "none of them" locked_are
await "the thread to end" threads_are $((threads - 1))
dump
! [[ $DUMP == *'prelock: '* ]] || fail "the dump tells of it: $DUMP"
settings
await "all of them once more" locked_are shared small large
stop_daemon

# Locked memory is limited, and CAP_IPC_LOCK is missing: said once, and it goes on.
cat > "$WORK/limited" <<-END
	#!/bin/bash
	ulimit -l 4096
	exec setpriv --bounding-set -ipc_lock,-sys_resource --inh-caps -ipc_lock,-sys_resource "$BUILD/swapify-policy" "\$@"
END
chmod 755 "$WORK/limited"
settings
: > "$LOG"
LOG_AT=0
"$WORK/limited" "${OPTIONS[@]}" -c "$WORK/conf" 2>> "$LOG" {NEVER}<&- &
DAEMON=$!
STARTED+=("$DAEMON")
await_log 'started version='
await_log 'warning: cannot lock files in memory: .* files=3; it takes CAP_IPC_LOCK, or a higher limit of locked memory'
scans 3
expect_times 1 'cannot lock files in memory'
expect "something is locked" locked_are
dump
expect_dump 'prelock: left out refused=3'
stop_daemon
