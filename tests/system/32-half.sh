#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A program that has touched half of a mapping holds half after a round trip, and its image no more
# than that; neither does the helper take much while it works.
# beside others
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/shim.sh
. "$(dirname "$0")/shim.sh"

readonly MIB=1024 HALF=$((512 * 1024)) # of it, in KiB

start_tool half areas half $MIB
pid=${PID[half]}

# Where the program's own memory lies, before a swap: all but what stands between guard pages of its
# own, or says so by its name, which takes a kernel that has names.
programs_memory() {
	awk '{
		split($1, range, "-")
		if (held != "" && !($2 == "---p" && range[1] == end)) print held
		held = ""
		guarded = was == "---p" && range[1] == end
		if ($2 == "rw-p" && $5 == 0 && $6 != "[heap]" && guarded) held = range[1] " " range[2]
		else print range[1], range[2]
		was = $2; end = range[2]
	}' "/proc/$pid/maps"
}

# What all other memory holds by now, in KiB
helper_memory() {
	awk 'function long(address) { return substr("0000000000000000" address, length(address) + 1) }
		FILENAME != smaps { from[++n] = long($1); to[n] = long($2); next }
		/^[0-9a-f]+-[0-9a-f]+ / {
			split($1, range, "-")
			ours = 1
			for (i = 1; i <= n; i++)
				if (long(range[1]) < to[i] && long(range[2]) > from[i]) ours = 0
		}
		ours && /^Rss:/ { sum += $2 }
		END { print sum + 0 }' "smaps=/proc/$pid/smaps" "$WORK/program" "/proc/$pid/smaps"
}

# Swaps it, and looks at the helper's memory all the while; the most of it into MOST.
swap_and_look() {
	local now caller
	"$WORK/bin/shimcall" "$SOCKETS" "$pid" swap > "$WORK/swap.out" 2>&1 &
	caller=$!
	while [ -d "/proc/$caller" ]; do
		now=$(helper_memory)
		[ "$now" -le "$MOST" ] || MOST=$now
	done
	wait "$caller" || fail "swap: $(cat "$WORK/swap.out")"
	now=$(helper_memory)
	[ "$now" -le "$MOST" ] || MOST=$now
}

for round in first second; do
	MOST=0
	resident=$(rollup "$pid" Rss)
	mappings "$pid" > "$WORK/mappings"
	programs_memory > "$WORK/program"
	expect "it holds $resident KiB before the $round" [ "$resident" -ge "$HALF" ]
	swap_and_look
	echo "$round: $resident KiB resident before, helper took $MOST KiB"
	expect "the helper took $MOST KiB" [ "$MOST" -le 2048 ]
	expect "the helper's memory wasn't found" [ "$MOST" -ge 16 ]

	bytes=$(stat -c %s "$(image_of "$pid")")
	blocks=$(stat -c %b "$(image_of "$pid")")
	echo "$round: image of $bytes bytes in $blocks blocks"
	expect "the image holds less than half" [ "$bytes" -ge $((HALF * 1024)) ]
	expect "the image holds more than half" [ "$bytes" -le $(((HALF + 8192) * 1024)) ]
	expect "the image takes more than half" [ "$blocks" -le $(((HALF + 8192) * 2)) ]
	after=$(rollup "$pid" Anonymous)
	expect "swapped, it holds $after KiB" [ "$after" -le 1024 ]
	expect "it was swapped by the system" [ "$(rollup "$pid" Swap)" = 0 ]

	must unswap "$pid"
	after=$(rollup "$pid" Rss)
	echo "$round: $after KiB resident after"
	expect "it held $resident KiB and holds $after after the $round" [ "$after" -le $((resident + 64)) ]
	expect "it holds less than half" [ "$after" -ge "$HALF" ]
	mappings "$pid" | diff "$WORK/mappings" - || fail "its mappings are others"
	# which reads the untouched half, too: that is no memory either
	verify half
done

end_ours half

# Images of a few chunks, fewer than there are heads ahead and more: 4 MiB are one.
for mib in 2 6 8 10 14 16 18 24 32 34 40 66; do
	start_tool "of$mib" areas half "$mib"
	for round in first second; do
		must swap "${PID[of$mib]}"
		must unswap "${PID[of$mib]}"
		verify "of$mib"
	done
	end_ours "of$mib"
done
all_gone
