#!/bin/bash
# SPDX-License-Identifier: MIT
#
# memadvise meets its budget to the page, on memory of every kind, and nothing is lost.
# shellcheck source=tests/system/memadvise-lib.sh
. "$(dirname "$0")/memadvise-lib.sh"

swap_on swap 1024
start_holder one 64
start_ours regions mapper regions 5000
start_ours sparse mapper sparse 256
start_ours locked mapper locked 16
start_ours shared mapper shared 16
start_ours heap mapper heap 16
start_ours two mapper two 16
kinds=(one regions sparse locked shared heap two)
declare -A planned

# A dry run tells of the same plan, and touches nothing.
for kind in "${kinds[@]}"; do
	before=$(pages "$kind")
	for mode in cold pageout; do
		advise "$kind" -d -m $mode
		expect "$kind: after in a dry run" [ "${J[rss_after_bytes]} ${J[advised_bytes]}" = 'null null' ]
		planned[$kind]=${J[budget_bytes]}
	done
	advise "$kind" -d --willneed
	expect "$kind: something in swap already" [ "${J[budget_bytes]}" = 0 ]
	expect "$kind: a dry run touched it" [ "$before" = "$(pages "$kind")" ]
done

# Offered: nothing moves.
for kind in "${kinds[@]}"; do
	advise "$kind"
	expect "$kind: not cold" [ "${J[mode]}" = cold ]
	expect "$kind: advised ${J[advised_bytes]} of ${J[budget_bytes]}" [ "${J[advised_bytes]}" = "${J[budget_bytes]}" ]
	expect "$kind: not what was planned" [ "${J[budget_bytes]}" = "${planned[$kind]}" ]
done

# Moved out, 30 % of it, and contents are the same.
for kind in "${kinds[@]}"; do
	advise "$kind" -m pageout
	exact
	expect "$kind: not what was planned" [ "${J[budget_bytes]}" = "${planned[$kind]}" ]
	verify "$kind"
done

# Where status doesn't count every page (before Linux 6.16) smaps_rollup does, to the same result.
for as in '' --uname-2.6; do
	# shellcheck disable=SC2086 # a word or none
	expect_status 0 setarch "$(uname -m)" $as "$MEMADVISE" -j -m pageout -b 2M -t "${PID[one]}"
	parse < "$WORK/out"
	within "reclaimed as '$as'" "${J[reclaimed_bytes]}" $((2 << 20)) $((256 * 1024))
	within "swapped as '$as'" $((J[swap_after_bytes] - J[swap_before_bytes])) $((2 << 20)) $((256 * 1024))
done
verify one

# One page of each of many regions, more than a call takes.
advise regions -m pageout -p 50
exact 50
expect "${J[regions]} regions" [ "${J[regions]}" -ge 2400 ]
expect "${J[eligible_bytes]} eligible" [ "${J[eligible_bytes]}" -ge $((5000 * 4096)) ]
verify regions

# 256 MiB reserved and 4 MiB used: 4 MiB count, and no more is used afterwards.
remember sparse
advise sparse -m pageout -p 100
exact 100
within "eligible of sparse" "${J[eligible_bytes]}" $((4 << 20)) $((256 * 1024))
weigh sparse
expect "sparse grew" [ $((ANON + SWAP)) -le $((ANON_BEFORE[sparse] + SWAP_BEFORE[sparse] + 256)) ]
verify sparse

# A quarter of it is locked: it isn't counted, not advised about, and stays.
advise locked -m pageout -p 100
exact 100
expect "locked isn't told" [ "${J[skipped.locked]}" = 1 ]
within "eligible of locked" "${J[eligible_bytes]}" $((12 << 20)) $((256 * 1024))
expect "locked memory was moved" [ "${J[anon_after_bytes]}" -ge $((4 << 20)) ]
verify locked

shmem() { awk '/^RssShmem:/ { print $2 }' "/proc/${PID[shared]}/status"; }
before=$(shmem)
advise shared -m pageout -p 100
exact 100
expect "shared isn't told" [ "${J[skipped.shared]}" = 1 ]
within "eligible of shared" "${J[eligible_bytes]}" $((16 << 20)) $((256 * 1024))
within "shared memory" "$(shmem)" "$before" 256
expect "the stack isn't passed over" [ "${J[skipped.stack]}" = 1 ]
verify shared

# A cap, to the page.
for bytes in 1M 4096 5000 3M; do
	advise one -m pageout -p 100 -b $bytes
	case $bytes in 1M) n=1048576 ;; 3M) n=3145728 ;; *) n=4096 ;; esac
	expect "advised ${J[advised_bytes]} for $bytes" [ "${J[advised_bytes]} ${J[budget_bytes]}" = "$n $n" ]
	expect "the cap isn't told" [ "${J[max_bytes]}" -ge "$n" ]
done
advise one -m pageout -p 100 -b 4095
expect "less than a page" [ "${J[advised_bytes]} ${J[regions]}" = '0 0' ]
verify one

# Back, and only what was asked for.
advise one -m pageout -p 100
exact 100
advise one --willneed -b 8M
expect "not 8 MiB back" [ "${J[advised_bytes]} ${J[mode]}" = "$((8 << 20)) willneed" ]
within "back in" $((J[anon_after_bytes] - J[anon_before_bytes])) $((8 << 20)) $((512 * 1024))
advise one --willneed
expect "${J[swap_after_bytes]} still in swap" [ "${J[swap_after_bytes]}" -le $((512 * 1024)) ]
within "all back in" "${J[anon_after_bytes]}" $((64 << 20)) $((1024 * 1024))
verify one

# The part that nobody used goes first, wherever it lies; by address on request.
echo 1 > "/proc/${PID[two]}/clear_refs"
ask two touch
advise two -m pageout -p 40 -v
expect "the used half went" [ "${J[regions]}" -le 3 ]
hot=$(awk -v size=16384 '/^[0-9a-f]+-/ { start = $1 } $1 == "Size:" && $2 == size { print start; exit }' \
	"/proc/${PID[two]}/smaps")
expect "no such region" [ -n "$hot" ]
case " ${J[listed]} " in *" ${hot%%-*} "*) fail "the used half, $hot, is among ${J[listed]}" ;; esac
expect "the regions are ${J[take_bytes]} together" [ "${J[take_bytes]}" = "${J[budget_bytes]}" ]
exact 40
verify two
advise two -p 100 --no-coldest -d -v
expect "not by address: ${J[listed]}" [ "$(tr ' ' '\n' <<< "${J[listed]}")" = "$(tr ' ' '\n' <<< "${J[listed]}" | sort)" ]

# Their owners go on with it, and a child of theirs.
for kind in "${kinds[@]}"; do advise "$kind" -m pageout -p 100; done
for kind in regions sparse locked shared heap two; do
	ask "$kind" fork
	expect "$kind: $ANSWER" [ "$ANSWER" = ok ]
done
verify "${kinds[@]}"

# For people: several at once, quoted or not, each told once; what is listed adds up.
expect_status 0 "$MEMADVISE" -m pageout -v -t "${PID[one]} ${PID[heap]}" "${PID[two]}" "${PID[one]}"
expect "not three of them" [ "$(grep -c ': pageout 30%$' "$WORK/out")" = 3 ]
printed "^${PID[one]} ${OWN}one: pageout 30%$"
printed '^ +BEFORE +AFTER +CHANGE$'
printed '^  resident +6[0-9]\.[0-9]MiB +4[0-9]\.[0-9]MiB +-19\.[0-9]MiB$|^  resident +6.* -1[89]'
printed '^  in swap .* \+1[89]\.[0-9]MiB$'
printed '^  REGION +RESIDENT REFERENCED +TAKE$'
printed '^  [0-9a-f]{16}-[0-9a-f]{16} +[0-9.]+[KM]iB +[0-9]+% +[0-9.]+[KM]iB$'
printed '^  advised 1[89]\.[0-9]MiB of 6[0-9]\.[0-9]MiB eligible in [1-9] regions?, 1[89]\.[0-9]MiB reclaimed, took [0-9.]+m?s$'
printed '^  passed over: .*[0-9]+ file.*, 1 stack'
expect "on standard error: $(cat "$WORK/err")" [ ! -s "$WORK/err" ]
expect "lines wider than 80" narrow "$WORK/out"
verify "${kinds[@]}"
