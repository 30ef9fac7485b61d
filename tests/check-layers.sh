#!/bin/bash
# SPDX-License-Identifier: MIT
# check-layers.sh: which room of the house may look into which. Anything else fails.
set -euo pipefail
cd "$(dirname "$0")/../src"

declare -A allowed=(
	[proto]=""
	[base]=""
	[policy]="base"
	[config]="base policy/params.h"
	[sys]="base policy/snapshot.h"
	[backend]="base sys proto policy/plan.h"
	[daemon]="base policy config sys backend proto"
	[cli]="base proto sys backend"
	[shim]="proto"
)
failed=0
includes=0
for file in */*.[ch]; do
	room=${file%%/*}
	if [ -z "${allowed[$room]+set}" ]; then
		echo "$file: '$room' is no room of this house"; failed=1; continue
	fi
	while read -r target; do
		includes=$((includes + 1))
		fits=no
		for may in "$room" ${allowed[$room]}; do
			case $target in "$may" | "$may"/*) fits=yes ;; esac
		done
		[ -e "$target" ] || { echo "$file: includes $target, which isn't there"; failed=1; }
		[ $fits = yes ] || { echo "$file: $room must not include $target"; failed=1; }
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\(.*\)".*/\1/p' "$file")
done
# The functional core: no clock, no I/O, no log, no heap
if grep -nE '\b(malloc|calloc|realloc|free|f?printf|open|read|write|clock_gettime|time|gettimeofday|syslog|log_[a-z]+)\(' policy/*.c; then
	echo "policy must be pure"; failed=1
fi
if grep -nE '#include <(stdio|stdlib|unistd|time|fcntl|syslog|sys/[a-z]+)\.h>' policy/*.[ch]; then
	echo "policy must not know the system"; failed=1
fi
[ "$includes" -gt 50 ] || { echo "only $includes includes were found: the check is broken"; failed=1; }
echo "layers: $includes includes checked"
exit $failed
