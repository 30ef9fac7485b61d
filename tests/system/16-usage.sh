#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What is wrong with the command line or the file: status 2, a line that helps, nothing started.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

daemon=("$BUILD/swapify-policy" "--daemon.lockfile=$WORK/lock")
conf() { printf '%b' "$1" > "$WORK/conf"; }

while IFS='|' read -r text message; do
	conf "$text"
	expect_status 2 "${daemon[@]}" -c "$WORK/conf"
	printed "$WORK/conf:$message"
	expect_status 2 "${daemon[@]}" -i -c "$WORK/conf"
	expect_status 2 "${daemon[@]}" --once -c "$WORK/conf"
done <<'END'
[memory]\nfreetraget = 30\n|2: unknown key 'freetraget' in \[memory\]; did you mean 'freetarget'
[memroy]\n|1: unknown section
[memory]\nfreetarget = 30\nfreetarget = 31\n|3: .*twice|line 2
[memory]\nfreetarget = thirty\n|2: freetarget = thirty is not
[memory]\nfreetarget = 130\n|2: freetarget = 130 .* 0 to 100
[memory]\nlower_freelimit = 50\n|2: lower_freelimit = 50 is above freetarget
[idle]\nmin_rss = 12X\n|2: min_rss = 12X is not a size
[idle]\nmin_idle = 5 minutes\n|2: min_idle = 5 minutes is not a time
[madvise]\nmode = warm\n|2: mode = warm .*cold.*pageout
no section\n|1:
END
conf "[protect]\nnames = $(printf 'x%.0s' {1..1100})\n"
expect_status 2 "${daemon[@]}" -c "$WORK/conf"
printed "$WORK/conf:2: .*10(22|24)"
conf '[memory]\n'
chmod 666 "$WORK/conf"
expect_status 2 "${daemon[@]}" -c "$WORK/conf"
printed 'chmod'
chmod 600 "$WORK/conf"
expect_status 2 "${daemon[@]}" -c "$WORK/missing"
printed "$WORK/missing"
for options in --nonsense -x operand '-v -q' '-p /x' '-d --once' --memory.nonsense=1 --memory.freetarget; do
	# shellcheck disable=SC2086 # words
	expect_status 2 "${daemon[@]}" -c /dev/null $options
	expect "$options: no message" [ -s "$WORK/err" ]
done
expect "something was started" [ ! -e "$WORK/lock" ]

expect_status 0 "${daemon[@]}" -V
printed '^swapify-policy [0-9]'
expect_status 0 "${daemon[@]}" -h
expect "help takes more than a screen" [ "$(wc -l < "$WORK/out")" -le 24 ]

# What is printed is a file, and means the same.
conf '[memory]\nlower_freelimit = 25\n[idle]\nmin_rss=3M # small\n[protect]\nmore_names = "a#b" \n'
expect_status 0 "${daemon[@]}" --print-config -c "$WORK/conf" --memory.freetarget=44
printed '^lower_freelimit = 25 .*line 2'
printed '^freetarget = 44 .*command line'
printed '^upper_freelimit = 60 .*default'
cp "$WORK/out" "$WORK/printed"
expect_status 0 "${daemon[@]}" --print-config -c "$WORK/printed"
diff <(sed 's/ # .*//; /^#/d' "$WORK/printed") <(sed 's/ # .*//; /^#/d' "$WORK/out") ||
	fail "what was printed means something else"

# --inspect: what is switched on and can't work is a failure.
script_memory 50
expect_status 0 "${daemon[@]}" -i -c /dev/null
printed '^ok +backends +swapify: programs that were started with it, and no others$'
printed '^ok +kcmp '
expect_status 0 "${daemon[@]}" -i -c /dev/null --swapify.enabled=no
printed '^note +backends +none is enabled.*\[swapify\] or \[madvise\]$'
expect_status 0 "${daemon[@]}" -i -c /dev/null --madvise.enabled=yes
printed '^ok +backends +swapify, madvise$'
expect_status 0 "${daemon[@]}" -i -c /dev/null --madvise.enabled=yes --swapify.enabled=no
printed '^ok +backends +madvise$'
SWAP_TOTAL_MIB=0 SWAP_FREE_MIB=0 memory 50
expect_status 1 "${daemon[@]}" -i -c /dev/null --madvise.enabled=yes
printed '^FAILS +swap .*add swap'
expect_status 0 "${daemon[@]}" -i -c /dev/null --madvise.enabled=yes --madvise.mode=cold
