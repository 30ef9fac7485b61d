#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh BUILD TARGET...: runs the parts of the test suite, each as a make target, and sums up.
set -u
build=$1; shift
passed=0; failed=0; names=
for target; do
	echo "== $target"
	if make --no-print-directory B="$build" "$target"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)); names="$names $target"
	fi
done
[ -z "$names" ] || echo "failed:$names"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
