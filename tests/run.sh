#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD TARGET... [-- TARGET]: runs the parts of the test suite, each as a make target, and
# sums up. The one behind -- runs beside the others: it waits more than it works.
set -u
build=$1; shift
passed=0; failed=0; names=
beside=
run() { make --no-print-directory B="$build" "$1"; }
judge() { # STATUS TARGET
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)); names="$names $2"
	fi
}
finish() {
	[ -z "$beside" ] || kill "$beside" 2>/dev/null
	exit 1
}
trap finish INT TERM HUP

targets=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do targets+=("$1"); shift; done
if [ $# = 2 ]; then
	log=$build/$2.log
	run "$2" > "$log" 2>&1 & beside=$!
fi
for target in "${targets[@]}"; do
	echo "== $target"
	run "$target"
	judge $? "$target"
done
if [ -n "$beside" ]; then
	echo "== $2"
	tail -n +1 -f --pid "$beside" "$log"
	wait "$beside"
	judge $? "$2"
	beside=
fi
[ -z "$names" ] || echo "failed:$names"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
