#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD_DIR corpus          builds the fuzz targets and runs each over its corpus
# run.sh BUILD_DIR fuzz [SECONDS [TARGET...]]
#                                  searches with each for SECONDS (60), two at a time, and adds what
#                                  is worth keeping to the corpus
# A finding stays in BUILD_DIR/findings. Needs clang and its runtime libraries.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
usage() { sed -n '3,8s/^# //p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
mkdir -p "$1" || exit 1
build=$(cd "$1" && pwd)
mode=$2
seconds=${3:-60}

sanitize=address,undefined
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1
# per target: the longest input worth trying
declare -A max_len=([args]=300 [cgroup]=600 [config]=1500 [elf]=600 [fstab]=300 [handover]=600 [maps]=2000 [meminfo]=1600 [mountinfo]=300
	[num]=40 [psi]=200 [resume]=200 [script]=300 [shim_answer]=500 [shim_image]=2048 [shim_maps]=2000 [shim_proc]=1600 [smaps]=1500 [stat]=500 [status]=1600 [swapheader]=600 [swaps]=600 [vswap]=600)

targets=("${@:4}")
for source in "$here"/fuzz_*.c; do
	[ $# -le 3 ] || break
	name=$(basename "$source" .c)
	targets+=("${name#fuzz_}")
done

build_all() {
	local objects=() source
	for source in "$root"/src/{base,config,sys}/*.c "$root"/src/backend/{imagefile,wiretext}.c "$root"/src/daemon/{args,handover_text}.c \
		"$root"/src/cli/{elfkind,memadvise_args,swap_args,swapctl_{args,identity,indel,say,sum,vswap,wish}}.c; do
		source=${source#"$root"/src/}
		objects+=("$build/obj/${source%.c}.o")
	done
	# the Makefile's own rules and warnings; only compiler and sanitizers differ
	make --no-print-directory -s -C "$root" B="$build" CC=clang CFLAGS='-O1 -g' \
		SANITIZE="fuzzer-no-link,$sanitize" "${objects[@]}" > "$build/build.log" 2>&1 ||
		{ cat "$build/build.log"; return 1; }
	for name in "${targets[@]}"; do
		[ "$build/fuzz_$name" -nt "$here/fuzz_$name.c" ] && [ "$build/fuzz_$name" -nt "$here/fuzz.h" ] &&
			[ "$build/fuzz_$name" -nt "$here/shim.h" ] &&
			[ -z "$(find "$build/obj" "$root/src/shim" -name '*.[cho]' -newer "$build/fuzz_$name" -print -quit)" ] && continue
		clang -std=gnu17 -D_GNU_SOURCE -I"$root/src" -I"$root/tests" -Wall -Wextra -O1 -g \
			-fsanitize="fuzzer,$sanitize" -fno-sanitize-recover=all -o "$build/fuzz_$name" \
			"$here/fuzz_$name.c" "${objects[@]}" -liniparser -lcap-ng -lseccomp -lblkid || return 1
	done
}

run_target() { # NAME ARGS...: its log is shown where it fails
	local name=$1 log=$build/$1.log
	shift
	if "$build/fuzz_$name" -artifact_prefix="$build/findings/$name-" -timeout=60 -rss_limit_mb=1024 \
		"$@" > "$log" 2>&1; then return 0; fi
	echo "FAIL fuzz $name"
	tail -n 40 "$log"
	return 1
}

corpus() {
	local name files failed=0 all=0
	for name in "${targets[@]}"; do
		files=$(find "$here/corpus/$name" -type f 2>/dev/null | wc -l)
		if [ "$files" = 0 ]; then
			echo "FAIL fuzz $name: no corpus in tests/fuzz/corpus/$name"
			failed=$((failed + 1))
		elif run_target "$name" -runs=0 "$here/corpus/$name"; then
			echo "ok   fuzz $name: $files inputs"
			all=$((all + files))
		else
			failed=$((failed + 1))
		fi
	done
	echo "fuzz: ${#targets[@]} targets, $all inputs passed, $failed failed"
	[ "$failed" = 0 ] && [ "$all" -gt 0 ]
}

# The corpus with what was found, less what adds nothing; files named seed-* stay in any case.
minimise() {
	local name=$1 kept=$build/kept/$1
	rm -rf "$kept"
	mkdir -p "$kept"
	cp "$here/corpus/$name"/seed-* "$kept" 2>/dev/null
	run_target "$name" -merge=1 "$kept" "$here/corpus/$name" "$build/work/$name" || return 1
	rm -rf "$here/corpus/$name"
	cp -r "$kept" "$here/corpus/$name"
}

fuzz_one() {
	local name=$1
	mkdir -p "$build/work/$name" "$here/corpus/$name"
	run_target "$name" -max_total_time="$seconds" -max_len="${max_len[$name]:-4096}" -print_final_stats=1 "$build/work/$name" \
		"$here/corpus/$name" || return 1
	echo "ok   fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") runs in" \
		"${seconds} s"
	minimise "$name"
}

fuzz() {
	local name pid pids=() failed=0
	for name in "${targets[@]}"; do
		if [ "${#pids[@]}" -ge "${FUZZ_PARALLEL:-2}" ]; then
			wait "${pids[0]}" || failed=$((failed + 1))
			pids=("${pids[@]:1}")
		fi
		fuzz_one "$name" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
	echo "fuzz: ${#targets[@]} targets, $failed failed"
	[ "$failed" = 0 ]
}

case $mode in corpus | fuzz) ;; *) usage ;; esac
mkdir -p "$build/findings"
build_all || exit 1
"$mode"
