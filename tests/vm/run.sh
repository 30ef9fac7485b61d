#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD [WHICH...]: a machine of 512 MiB with eight idle programs and a job that wants
# more than is left, with nothing, Debian's swapspace, Debian's earlyoom and swapify-policy, each on
# a fresh boot; see inside.sh. Prints a table, and fails where the daemon let anything be killed or
# a byte be wrong, or where nothing is killed without it: then the machine wasn't small enough.
# Boots with the harness in SYSTEMD_TEST, or beside the repository, which emulates: a boot takes
# about five minutes. As root. Logs stay in BUILD/vm.
set -euo pipefail
build=$(realpath "${1:?usage: run.sh BUILD [WHICH...]}")
shift
comparisons=("$@")
[ $# -gt 0 ] || comparisons=(nothing swapspace earlyoom swapify-policy)
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
harness=${SYSTEMD_TEST:-$repository/../shared/tools/systemd-test.sh}
readonly memory_mib=512 limit_s=900 # thrashing without a daemon takes its time

[ "$(id -u)" = 0 ] || {
	echo "check-vm needs root: sudo make check-vm" >&2
	exit 1
}
[ -f "$harness" ] || {
	echo "no harness that boots a machine: set SYSTEMD_TEST" >&2
	exit 1
}
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'exit 130' INT TERM
logs=$build/vm
mkdir -p "$logs"

# What the build needs and the machine may not have; inside.sh takes what is missing there
add_libraries() {
	local library
	mkdir "$payload/lib"
	while read -r library; do
		cp -L "$library" "$payload/lib/"
	done < <(ldd "$build/swapify-policy" "$build/swap" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
		grep -v '/\(libc\|libm\|libpthread\|ld-linux[^/]*\)\.so')
}

make_payload() {
	make --no-print-directory -s -C "$repository" "B=$build" prefix=/usr "DESTDIR=$payload/tree" install
	add_libraries
	cp "$build/tools/holder" "$build/tools/steps" "$payload/"
	install -m 755 "$here/inside.sh" "$payload/run"
	# The sandbox of apt cannot write to a directory of root's alone
	(cd "$payload" && apt-get -o APT::Sandbox::User=root download -qq swapspace earlyoom) ||
		{
			echo "cannot get swapspace and earlyoom from Debian" >&2
			exit 1
		}
}

# Judged by its result, which is the last thing it says: the harness misses a status now and then,
# when the machine is off before its line has come
boot() { # WHICH
	local status=0
	echo "$1" >"$payload/which"
	echo "== $1" >&2
	MEM=$memory_mib TMO=$limit_s nice bash "$harness" vm "$payload" >"$logs/$1.log" 2>&1 || status=$?
	if ! grep -q '^result .* watched_s=[0-9]' "$logs/$1.log"; then
		tail -n 60 "$logs/$1.log" >&2
		echo "$1: the machine gave no result: status $status, see $logs/$1.log" >&2
		return 1
	fi
}

value() { # WHICH KEY
	sed -n "s/^result .*\<$2=\([^ ]*\).*/\1/p" "$logs/$1.log" | tr -d '\r'
}
seconds() { awk -v ms="$1" 'BEGIN { if (ms == "-") print "-"; else printf "%.2f s", ms / 1000 }'; }

row() { printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$@"; }
print_table() {
	local which job
	row "" killed "the job" "its longest stall" "first answer, attached" "first answer, other" \
		"memory right" "CPU of the daemon"
	echo '|---|---|---|---|---|---|---|---|'
	for which in "${comparisons[@]}"; do
		job=$(seconds "$(value "$which" job_ms)")
		[ "$(value "$which" job)" = right ] || job="$(value "$which" job) after $job"
		row "$which" "$(value "$which" killed) of 9" "$job" "$(seconds "$(value "$which" stall_ms)")" \
			"$(seconds "$(value "$which" attached_ms)")" "$(seconds "$(value "$which" other_ms)")" \
			"$(value "$which" right) of $(value "$which" asked)" \
			"$(seconds "$(value "$which" cpu_ms)") of $(value "$which" watched_s) s"
	done
}

passed=0 failed=0
check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok   $what"
	else
		failed=$((failed + 1))
		echo "FAIL $what"
	fi
}
judge() { # WHICH
	case $1 in
	nothing) check "nothing: the machine is too small for all" test "$(value "$1" killed)" -gt 0 ;;
	swapify-policy)
		check "$1: nothing is killed" test "$(value "$1" killed)" = 0
		check "$1: the job ends, its memory right" test "$(value "$1" job)" = right
		check "$1: all idle programs answer, their memory right" test "$(value "$1" right)" = 8
		;;
	esac
}

make_payload
for which in "${comparisons[@]}"; do
	boot "$which"
done
print_table
for which in "${comparisons[@]}"; do
	judge "$which"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
