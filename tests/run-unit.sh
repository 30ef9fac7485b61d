#!/bin/sh
# SPDX-License-Identifier: MIT
# run-unit.sh DIR NAME...: runs the unit tests DIR/NAME, counts them, fails where one fails.
dir=$1; shift
passed=0; failed=0
for name; do
	if "$dir/$name" > "$dir/$name.log" 2>&1; then
		passed=$((passed + 1))
		sed -n '/^[0-9]*%: /p; /^skipped/p' "$dir/$name.log" | sed "s|^|ok   $name: |"
	else
		failed=$((failed + 1))
		echo "FAIL $name"; cat "$dir/$name.log"
	fi
done
echo "unit tests: $passed programs passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
