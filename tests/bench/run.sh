#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD: the figures, measured here and now, side by side where somebody else does the same.
# As root. Takes about eight minutes; STEADY_S=60 is how long the daemons are watched.
set -euo pipefail
build=$(realpath "$1")
top=$(cd "$(dirname "$0")/../.." && pwd)
steady_s=${STEADY_S:-60}
crowd_n=${CROWD:-2000}
[ "$(id -u)" = 0 ] || { echo "make bench needs root: sudo make bench" >&2; exit 1; }

work=$(mktemp -d -p /var/tmp swapify-bench.XXXXXX)
pids=()
cleanup() {
	exec 9>&- 2>/dev/null || true
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	swapoff "$work/swap" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

status() { sed -n "s/^$2:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$1/status"; }
cpu_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; }
heap_calls() { od -An -t u8 -N 8 "$work/heap" | tr -d ' '; }
row() { printf '%-46s %14s %14s %14s  %s\n' "$@"; }

# -- the others, unpacked beside us: nothing is installed ------------------------------------------
(cd "$work" && apt-get download -qq swapspace earlyoom >/dev/null 2>&1 &&
	for deb in ./*.deb; do dpkg-deb -x "$deb" others; done) ||
	{ echo "cannot get swapspace and earlyoom from Debian" >&2; exit 1; }
mkdir -p "$work/swapspace"
chmod 700 "$work/swapspace"

# -- 1. steady ---------------------------------------------------------------------------------------
echo "steady: $crowd_n idle processes more, $steady_s s ..." >&2
mkfifo "$work/crowd"
"$build/tools/crowd" "$crowd_n" < "$work/crowd" > "$work/crowd.out" & pids+=($!)
exec 9> "$work/crowd"
until grep -q ready "$work/crowd.out"; do kill -0 "${pids[0]}"; read -rt 0.1 <> <(:) || true; done

HEAPCOUNT_FILE=$work/heap LD_PRELOAD=$build/tools/heapcount.so "$build/swapify-policy" -c /dev/null \
	--madvise.enabled=yes --daemon.lockfile="$work/lock" 2> "$work/counted.log" & counted=$!; pids+=("$counted")
"$build/swapify-policy" -c /dev/null --madvise.enabled=yes --daemon.lockfile="$work/lock2" 2> "$work/ours.log" &
ours=$!; pids+=("$ours")
"$work"/others/usr/sbin/swapspace -s "$work/swapspace" -c /dev/null > "$work/swapspace.log" 2>&1 & swapspace=$!; pids+=("$swapspace")
"$work"/others/usr/bin/earlyoom -r 0 > "$work/earlyoom.log" 2>&1 & earlyoom=$!; pids+=("$earlyoom")
# start-up isn't steady
for _ in 1 2 3; do read -rt 1 <> <(:) || true; done
for pid in "$ours" "$counted" "$swapspace" "$earlyoom"; do
	kill -0 "$pid" || { cat "$work"/*.log >&2; exit 1; }
done
before=("$(cpu_ns "$ours")" "$(cpu_ns "$swapspace")" "$(cpu_ns "$earlyoom")"); heap_before=$(heap_calls)
rss_before=$(status "$ours" VmRSS)
read -rt "$steady_s" <> <(:) || true
after=("$(cpu_ns "$ours")" "$(cpu_ns "$swapspace")" "$(cpu_ns "$earlyoom")"); heap_after=$(heap_calls)
us() { awk -v a="${before[$1]}" -v b="${after[$1]}" -v s="$steady_s" 'BEGIN { printf "%.0f", (b - a) / 1000 / s }'; }

echo
row "" swapify-policy swapspace earlyoom "reach"
row "steady, $crowd_n processes more: CPU us per second" "$(us 0)" "$(us 1)" "$(us 2)" "<= 300"
row "resident set, KiB" "$(status "$ours" VmRSS)" "$(status "$swapspace" VmRSS)" "$(status "$earlyoom" VmRSS)" "<= 2560"
row "resident set, growth in $steady_s s, KiB" "$(($(status "$ours" VmRSS) - rss_before))" - - "0"
row "heap calls in $steady_s s" "$((heap_after - heap_before))" - - "0"

# -- 2. from facts to action ------------------------------------------------------------------------------
# Facts are a scripted /proc/meminfo; the answer is the victim's memory leaving. With an interval of
# 10 ms what is measured is what the daemon needs once it is awake, among all these processes.
for pid in "$swapspace" "$earlyoom" "$counted" "$ours"; do kill "$pid"; wait "$pid" 2>/dev/null || true; done
fallocate -l 1280M "$work/swap" && chmod 600 "$work/swap" && mkswap -q "$work/swap" && swapon "$work/swap"
latency=$(python3 "$top/tests/bench/latency.py" "$build" "$work" 15)
read -r median worst interval_median <<< "$latency"
row "awake to first action, ms (median; worst of 15)" "$median; $worst" - - "<= 100"
row "facts to first action, interval 1 s, ms (median)" "$interval_median" - - "<= 1000"
read -r median worst < <(python3 "$top/tests/bench/ready.py" "$build" "$work" 15)
row "start to READY=1, ms (median; worst of 15)" "$median; $worst" - - "<= 200"

# -- 3. the engine ----------------------------------------------------------------------------------------
exec 9>&-
"$build/bench/engine" 512 15 > "$work/engine"
read -r _ plain engine ratio < <(grep ^out "$work/engine")
row "page-out, MB/s (engine; one plain call; ratio)" "$engine" "$plain" "$ratio" ">= 0.95"
read -r _ touch engine ratio < <(grep ^back "$work/engine")
row "back in, MB/s (engine; touched by itself; ratio)" "$engine" "$touch" "$ratio" ""

# -- 4. memadvise -----------------------------------------------------------------------------------------
# 4 GiB, or 1 GiB where the machine has no room for that: twice as much swap, for what is in again
# keeps its place there for a while.
swapoff "$work/swap"
mib=4096
if [ "$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)" -lt $((mib * 3 / 2)) ] ||
	[ "$(df --output=avail -m "$work" | tail -n 1)" -lt $((mib * 5 / 2)) ]; then mib=1024; fi
fallocate -l $((mib * 9 / 4))M "$work/swap" && mkswap -q "$work/swap" && swapon "$work/swap"
"$build/bench/memadvise" "$build/memadvise" $mib 2000 9 > "$work/memadvise"
read -r _ plain tool ratio < <(grep ^out "$work/memadvise")
row "memadvise, $mib MiB, MB/s (it; plain loop; ratio)" "$tool" "$plain" "$ratio" ">= 0.95"
read -r _ ms mappings < <(grep ^dry "$work/memadvise")
row "memadvise -d, $mappings mappings, ms" "$ms" - - "<= 150"

# -- 5. attached programs -----------------------------------------------------------------------------------
swapoff "$work/swap"
rm "$work/swap"
python3 "$top/tests/bench/swap.py" "$build" "$work" 15 > "$work/attached"
read -r _ shim raw ratio < <(grep ^swap "$work/attached")
row "swap, 512 MiB, MB/s (shim; raw write; ratio)" "$shim" "$raw" "$ratio" ">= 0.85"
read -r _ shim raw ratio < <(grep ^unswap "$work/attached")
row "unswap, 512 MiB, MB/s (shim; raw read; ratio)" "$shim" "$raw" "$ratio" ">= 0.85"
read -r _ held growth < <(grep ^resident "$work/attached")
row "attached: KiB resident swapped; more afterwards" "$held; $growth" - - "<= 2048; 64"
read -r _ without with more < <("$build/bench/exec" "$build/libswapify.so")
row "exec of /bin/true, ms (shim; without; more)" "$with" "$without" "$more" "<= 3"

# -- 6. swap space, and what stays in memory -------------------------------------------------------------------
python3 "$top/tests/bench/swapspace.py" "$build" "$work"
python3 "$top/tests/bench/prelock.py" "$build" "$work"
echo
python3 "$top/tests/bench/hostile.py" "$build" "$work"
