#!/bin/bash
# SPDX-License-Identifier: MIT
# host processes
#
# The unit under a real systemd, in a container: BUILD is installed there, then tests/systemd/inside.sh
# tries what an administrator does, and whether the daemon can do its work in the unit's sandbox.
# Boots with the harness in SYSTEMD_TEST, or beside the repository; is skipped where there is none.
set -euo pipefail
: "${BUILD:?}"
repository=$(cd "$(dirname "$0")/../.." && pwd)
harness=${SYSTEMD_TEST:-$repository/../shared/tools/systemd-test.sh}

skip() {
	echo "$*"
	[ -z "${WORK:-}" ] || echo "$*" >"$WORK/skipped"
	exit 77
}

[ -f "$harness" ] || skip "no harness that boots a systemd: set SYSTEMD_TEST"
[ "$(id -u)" = 0 ] || skip "needs root"
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT

# What the build needs and the container may not have; run takes what is missing there.
add_libraries() {
	local library
	mkdir "$payload/lib"
	while read -r library; do
		cp -L "$library" "$payload/lib/"
	done < <(ldd "$BUILD/swapify-policy" "$BUILD/swap" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
		grep -v '/\(libc\|libm\|libpthread\|ld-linux[^/]*\)\.so')
}

make --no-print-directory -s -C "$repository" "B=$BUILD" prefix=/usr "DESTDIR=$payload/tree" install
add_libraries
cp "$BUILD/tools/holder" "$payload/"
install -m 755 "$repository/tests/systemd/inside.sh" "$payload/run"

status=0
SWAP=1 TMO=220 bash "$harness" nspawn "$payload" || status=$?
case $status in
	0 | 1) ;;
	*) echo "the container didn't come up, or was stopped: status $status" ;;
esac
exit $((status != 0))
