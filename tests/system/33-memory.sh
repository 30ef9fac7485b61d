#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Memory of every kind is the same after a swap, a thousand times over; what waits inside a system
# call doesn't notice; what isn't the program's alone stays where it is.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/shim.sh
. "$(dirname "$0")/shim.sh"

# image_kib NAME
image_kib() {
	echo $(($(stat -c %s "$(image_of "${PID[$1]}")") / 1024))
}

# marks NAME WORD: how often its image holds it
marks() {
	{ grep -aoF -- "$2" "$(image_of "${PID[$1]}")" || :; } | wc -l
}

resident() {
	rollup "${PID[$1]}" Rss
}

# round_trip NAME: there and back, with the same mappings
round_trip() {
	local pid=${PID[$1]}
	mappings "$pid" > "$WORK/mappings"
	must swap "$pid"
	must unswap "$pid"
	mappings "$pid" | diff "$WORK/mappings" - || fail "the mappings of $1 are others"
}

# -- a thousand times -----------------------------------------------------------------------------

start_tool checker checker -t 8 -m 1 -s 4711
mappings "${PID[checker]}" > "$WORK/mappings"
before=$(resident checker)
cycles checker 1000
mappings "${PID[checker]}" | diff "$WORK/mappings" - || fail "its mappings are others"
after=$(resident checker)
expect "the checker grew from $before to $after KiB" [ "$after" -le $((before + 256)) ]
end_ours checker

start_tool threads checker -t 100 -m 1 -s 815
cycles threads 50
end_ours threads

# -- in the middle of system calls ----------------------------------------------------------------

start_tool waiter waiter "$WORK/waiter.socket"
for _ in 1 2 3 4 5; do round_trip waiter; done
ask waiter go
expect "wrong after the swap: $ANSWER" [ "$ANSWER" = ok ]
wait "${PID[waiter]}"

# -- 32 bits --------------------------------------------------------------------------------------

echo 'int main(void) { return 0; }' > "$WORK/none.c"
if gcc -m32 -pthread -o "$WORK/none" "$WORK/none.c" 2> /dev/null && "$WORK/none"; then
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -s -C "$TOP" "B=$WORK/build32" \
		"$WORK/build32/lib/i386-linux-gnu/libswapify.so" > "$WORK/make.out" 2>&1 || fail "$(cat "$WORK/make.out")"
	for program in checker waiter areas; do
		gcc -m32 -O2 -std=gnu17 -D_GNU_SOURCE -I "$TOP/src" -pthread -o "$WORK/bin/$program.32" \
			"$TOP/tests/tools/$program.c"
	done
	PRELOAD=$WORK/build32/lib/i386-linux-gnu/libswapify.so
	for kind in "checker.32 -t 8 -m 1" "areas.32 zeros 64" "areas.32 leaderless 8"; do
		read -ra words <<< "$kind"
		start_shimmed small "$WORK/bin/${words[0]}" "${words[@]:1}"
		await "a 32-bit program" lines_of "$WORK/small.out" 1
		await_attached "${PID[small]}"
		cycles small 50
		end_ours small
	done
	start_shimmed small "$WORK/bin/waiter.32" "$WORK/small.socket"
	await "a 32-bit program" lines_of "$WORK/small.out" 1
	await_attached "${PID[small]}"
	round_trip small
	ask small go
	expect "wrong after the swap of 32 bits: $ANSWER" [ "$ANSWER" = ok ]
	wait "${PID[small]}"
	rm -f "$WORK/small.in"
	unset "PID[small]" PRELOAD
else
	echo "not looked at: 32-bit programs, which gcc -m32 can't make here"
fi

# -- zeros ----------------------------------------------------------------------------------------

start_tool zeros areas zeros 256
before=$(resident zeros)
must swap "${PID[zeros]}"
expect "zeros were written: $(image_kib zeros) KiB" [ "$(image_kib zeros)" -le 20480 ]
expect "zeros are still there" [ "$(resident zeros)" -le 8192 ]
must unswap "${PID[zeros]}"
expect "zeros grew" [ "$(resident zeros)" -le $((before + 64)) ]
verify zeros
cycles zeros 3
end_ours zeros

# -- huge pages -----------------------------------------------------------------------------------

# The kernel may make whole ones of the rest meanwhile, which isn't our doing: then again.
start_tool huge areas huge 64
for _ in 1 2 3 4 5; do
	ask huge fill
	expect "huge can't be filled: $ANSWER" [ "$ANSWER" = ok ]
	before=$(resident huge)
	round_trip huge
	after=$(resident huge)
	[ "$after" -gt $((before + 64)) ] || break
done
expect "huge grew from $before to $after KiB" [ "$after" -le $((before + 64)) ]
verify huge
cycles huge 3
end_ours huge

# -- locked ---------------------------------------------------------------------------------------

start_tool locked areas locked 16
expect "nothing is locked" [ "$(field "${PID[locked]}" VmLck)" -ge 16384 ]
must swap "${PID[locked]}"
expect "locked memory was moved" [ "$(rollup "${PID[locked]}" Anonymous)" -ge 16384 ]
expect "what isn't locked wasn't moved" [ "$(rollup "${PID[locked]}" Anonymous)" -le 24576 ]
expect "locked memory is in the image" [ "$(image_kib locked)" -le 20480 ]
must unswap "${PID[locked]}"
expect "it isn't locked any more" [ "$(field "${PID[locked]}" VmLck)" -ge 16384 ]
verify locked
cycles locked 3
end_ours locked

# -- shared ---------------------------------------------------------------------------------------

start_tool shared areas shared 8 "$WORK/shared.file"
sum=$(cksum < "$WORK/shared.file")
must swap "${PID[shared]}"
expect "its own memory isn't in the image" [ "$(marks shared 'private!')" -ge 2048 ]
expect "shared memory is in the image" [ "$(marks shared 'shared!!')" -lt 16 ]
expect "shared memory was given up" [ "$(field "${PID[shared]}" RssShmem)" -ge $((3 * 8192 - 256)) ]
must unswap "${PID[shared]}"
verify shared
cycles shared 3
expect "the file was written to" [ "$sum" = "$(cksum < "$WORK/shared.file")" ]
end_ours shared

# A child that was forked before has its own.
start_tool forked areas forked 8
ask forked child
expect "before the swap: $ANSWER" [ "$ANSWER" = ok ]
for _ in 1 2 3; do
	must swap "${PID[forked]}"
	must unswap "${PID[forked]}"
	ask forked child
	expect "after the swap: $ANSWER" [ "$ANSWER" = ok ]
	verify forked
done
end_ours forked

# -- the main thread has ended --------------------------------------------------------------------

start_tool leaderless areas leaderless 8
cycles leaderless 20
# its helper is killed: others start another one
swapped_says() {
	"$BUILD/swap" -P "$SOCKETS" -S "$IMAGES" -a status "${PID[leaderless]}" > "$WORK/status" && grep -q "$1" "$WORK/status"
}
must swap "${PID[leaderless]}"
expect "leaderless isn't swapped" swapped_says ': swapped'
kill -KILL "$(said_line helper)"
await "leaderless to be an orphan" swapped_says ': orphaned'
expect_status 0 "$BUILD/swap" -P "$SOCKETS" -S "$IMAGES" -a unswap -f "${PID[leaderless]}"
verify leaderless
cycles leaderless 3
end_ours leaderless

# -- stopped by somebody else ---------------------------------------------------------------------

# All threads of it, but for a main one that has ended
stopped() {
	local stat
	for stat in "/proc/$1/task"/*/stat; do
		case $(sed 's/.*) //; s/ .*//' "$stat") in [TZ]) ;; *) return 1 ;; esac
	done
}
for kind in zeros leaderless; do
	start_tool stopped areas $kind 8
	pid=${PID[stopped]}
	kill -STOP "$pid"
	await "it to be stopped" stopped "$pid"
	for _ in 1 2 3; do
		must swap "$pid"
		must unswap "$pid"
		await "$kind to be stopped again" stopped "$pid"
	done
	kill -CONT "$pid"
	verify stopped
	end_ours stopped
done
all_gone

# -- in the system's swap before ------------------------------------------------------------------

swap_on swap 128
start_tool paged areas paged 32
pid=${PID[paged]}
paged_out() {
	ask paged pageout
	[ "$(rollup "$pid" Swap)" -ge 8192 ]
}
held() { awk '/^(Rss|Swap):/ { kib += $2 } END { print kib }' "/proc/$1/smaps_rollup"; }
await "half of it to be in the swap file" paged_out
before=$(held "$pid")
must swap "$pid"
expect "it's still in the swap file" [ "$(rollup "$pid" Swap)" -le 1024 ]
expect "not all of it is in the image" [ "$(image_kib paged)" -ge 32768 ]
must unswap "$pid"
after=$(held "$pid")
expect "paged grew from $before to $after KiB" [ "$after" -le $((before + 64)) ]
verify paged
cycles paged 3
end_ours paged
all_gone
