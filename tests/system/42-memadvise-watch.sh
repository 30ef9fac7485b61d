#!/bin/bash
# SPDX-License-Identifier: MIT
#
# memadvise again and again, and over processes that end meanwhile.
# shellcheck source=tests/system/memadvise-lib.sh
. "$(dirname "$0")/memadvise-lib.sh"

swap_on swap 1024
start_holder one 32
start_holder two 16

# watch OPTION...: in the background, as WATCHER; lines go to $WORK/watched.
watch() {
	"$MEMADVISE" --watch 100ms "$@" > "$WORK/watched" 2> "$WORK/watched.err" {NEVER}<&- &
	WATCHER=$!
	STARTED+=("$WATCHER")
}
watcher_left() { # STATUS
	local status=0
	wait "$WATCHER" || status=$?
	expect "the watch left with $status, not $1: $(cat "$WORK/watched.err")" [ "$status" = "$1" ]
}
rounds() { # NAME N: so many lines of it
	[ "$(grep -cE "[ :]${PID[$1]}[ ,]" "$WORK/watched")" -ge "$2" ]
}

# Half of what is left, each time; the end of one is told, the end of all is the end.
watch -m pageout -p 50 -t "${PID[one]},${PID[two]}"
await "three rounds" rounds one 3
await "three rounds" rounds two 3
verify one two
end_process "${PID[two]}"
said_so() { grep -q "^memadvise: $1 (.*): it has ended meanwhile\$" "$WORK/watched.err"; }
await "the end of two to be told" said_so "${PID[two]}"
n=$(grep -cE " ${PID[one]} " "$WORK/watched")
await "one to go on" rounds one $((n + 2))
verify one
end_process "${PID[one]}"
watcher_left 0
mv "$WORK/watched" "$WORK/out"
expect "no head" [ "$(head -n 1 "$WORK/out" | tr -s ' ')" = 'TIME PID NAME ADVISED RECLAIMED RESIDENT IN SWAP TOOK' ]
printed "^[0-9]{2}:[0-9]{2}:[0-9]{2} +${PID[one]} ${OWN}one +16\\.[01]MiB +1[56]\\.[0-9]MiB +1[678]\\.[0-9]MiB +1[56]\\.[0-9]MiB +[0-9.]+m?s$"
expect "lines wider than 80" narrow "$WORK/out"
expect "two heads" [ "$(grep -c TIME "$WORK/out")" = 1 ]

# In JSON; a dry run touches nothing however often.
start_holder three 16
before=$(pages three)
watch -j -d -t "${PID[three]}"
await "five rounds" rounds three 5
expect "a dry run touched it" [ "$before" = "$(pages three)" ]
end_process "${PID[three]}"
watcher_left 0
while read -r line; do
	parse <<< "$line"
	case ${J[error]} in null | 'it has ended meanwhile') ;; *) fail "error ${J[error]}" ;; esac
done < "$WORK/watched"
expect "its end isn't told" [ "${J[error]}" = 'it has ended meanwhile' ]

# Nobody to watch: a failure, and no wait for the next round.
watch -t 2147483647
watcher_left 1
grep -q '2147483647: no such process' "$WORK/watched.err" || fail "not told"

# A signal ends it, and what it did stays.
start_holder four 16
watch -t "${PID[four]}"
await "a round" rounds four 1
kill -TERM "$WATCHER"
watcher_left 143
verify four

# Ends between two targets: while the first one's report waits for its reader.
start_ours regions mapper regions 5000
start_holder five 16
mkfifo "$WORK/report"
"$MEMADVISE" -j -v -p 100 -t "${PID[regions]},${PID[five]}" > "$WORK/report" 2> "$WORK/err" {NEVER}<&- &
WATCHER=$!
STARTED+=("$WATCHER")
exec {report}< "$WORK/report"
dd bs=1 count=1 <&"$report" > "$WORK/out" 2>/dev/null # it is at it; what is left doesn't fit into a pipe
end_process "${PID[five]}"
cat <&"$report" >> "$WORK/out"
exec {report}<&-
watcher_left 1
expect "not two objects" [ "$(wc -l < "$WORK/out")" = 2 ]
parse < <(sed -n 1p "$WORK/out")
expect "regions: ${J[error]}" [ "${J[error]} ${J[take_bytes]}" = "null ${J[advised_bytes]}" ]
expect "${J[regions]} regions" [ "${J[regions]}" -ge 5000 ]
parse < <(sed -n 2p "$WORK/out")
expect "five: ${J[error]}" [ "${J[error]}" = 'no such process' ]

# Ends in the middle of it: what was done until then is told, and nothing goes wrong.
swapped() {
	local kib
	kib=$(sed -n 's/^VmSwap:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ "${kib:-0}" -gt 0 ]
}
for name in six seven eight; do
	start_holder $name 256
	"$MEMADVISE" -j -m pageout -p 100 -t "${PID[$name]}" > "$WORK/out" 2> "$WORK/err" {NEVER}<&- &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until swapped "${PID[$name]}" || gone "$WATCHER"; do :; done
	end_process "${PID[$name]}"
	status=0
	wait "$WATCHER" || status=$?
	parse < "$WORK/out"
	case $status in
	0) expect "$name: ${J[error]}" [ "${J[error]}" = null ] ;;
	1) expect "$name: ${J[error]}" [ "${J[error]} ${J[rss_after_bytes]}" = 'it has ended meanwhile null' ] ;;
	*) fail "status $status" ;;
	esac
	expect "$name: ${J[advised_bytes]} advised" [ "${J[advised_bytes]}" -le "${J[budget_bytes]}" ]
done
