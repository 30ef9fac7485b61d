#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The way out, and --thaw, bring back all that was frozen: more programs than fit into one plan.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly SECOND=61236 EACH_USER=35
script_memory 50
empty_sockets
for uid in "$OURS" "$SECOND"; do
	install -d -m 700 -o "$uid" "/run/swapify/$uid" "$WORK/images-$uid"
done
chmod 755 "$WORK"
cp "$BUILD/libswapify.so" "$WORK/libswapify.so"
readonly HERE=(--madvise.enabled=no "--protect.uids=0 $SPARED" --idle.min_rss=4M)

# all_are runs|is_frozen NAME...
all_are() {
	local what=$1 name
	shift
	for name; do "$what" "$name" || return 1; done
}

# freeze NAME...: by the daemon that runs
freeze() {
	memory 5
	await "$* to be frozen" all_are is_frozen "$@"
	memory 50
}

# -- more than one plan holds, and than one user may have -------------------------------------------
many=()
for ((i = 0; i < EACH_USER; i++)); do
	start_attached "a$i" 5
	AS=$SECOND start_attached "b$i" 5
	many+=("a$i" "b$i")
done
start_daemon "${HERE[@]}"
freeze "${many[@]}"
stop_daemon
await "all to run" all_are runs "${many[@]}"
start_daemon "${HERE[@]}" --daemon.on_exit=leave
freeze "${many[@]}"
stop_daemon
expect_status 0 "$BUILD/swapify-policy" "${OPTIONS[@]}" --thaw
await "all to be thawed" all_are runs "${many[@]}"
verify "${many[@]}"
end_ours "${many[@]}"
