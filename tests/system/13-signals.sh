#!/bin/bash
# SPDX-License-Identifier: MIT
#
# USR1 in a storm, USR2, HUP with good and bad files, TERM.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

printf '[memory]\nlower_freelimit = 10\n' > "$WORK/conf"
script_memory 50
start_daemon -c "$WORK/conf"
dump
expect_dump 'thresholds: 10% < 50% < 60% freetarget=30%'

# Thousands of requests make some dumps, not thousands, and the daemon works on.
before=$(times 'end of dump$')
for ((i = 0; i < 5000; i++)); do kill -USR1 "$DAEMON"; done
await "a dump after the storm" more_dumps "$before"
ticks 3
after=$(times 'end of dump$')
expect "the storm made $((after - before)) dumps" [ $((after - before)) -lt 100 ]
memory 5
await_log 'steady -> hungry'
memory 50
await_log 'hungry -> steady'

# A diet, now.
kill -USR2 "$DAEMON"
await_log 'steady -> diet: a limit was met, or SIGUSR2'
memory 5
ticks 5
memory 50
await_log 'diet -> steady: the cooldown is over'
expect "it was hungry on diet" [ "$(awk '/-> diet/ { n = 0 } /-> hungry/ { n++ } /diet -> steady/ { print n }' "$LOG")" = 0 ]

# New settings are taken, as a whole or not at all; what the command line says stays.
printf '[memory]\nlower_freelimit = 15\nfreetarget = 55\n[idle]\nmin_rss = 99M\n' > "$WORK/conf"
kill -HUP "$DAEMON"
await_log "configuration read again file=$WORK/conf"
dump
expect_dump 'thresholds: 15% < 50% < 60% freetarget=55%'
printf '[memory]\nlower_freelimit = 12\nfreetraget = 40\n' > "$WORK/conf"
kill -HUP "$DAEMON"
await_log "error: $WORK/conf:3: unknown key 'freetraget' in \\[memory\\]; did you mean 'freetarget'\\?"
await_log 'the old settings stay'
dump
expect_dump 'thresholds: 15% < 50% < 60% freetarget=55%'
rm "$WORK/conf"
kill -HUP "$DAEMON"
await_log 'the old settings stay'
ticks 2
stop_daemon

# INT does the same.
skip_log
start_daemon
kill -INT "$DAEMON"
await_log 'stopped$'
status=0
wait "$DAEMON" || status=$?
expect "INT: status $status" [ "$status" = 0 ]
DAEMON=
