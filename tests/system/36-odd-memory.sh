#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Memory that not everybody may read, or that isn't what it seems to be: it goes and comes as other
# memory does, and is afterwards what it was.
# shellcheck source=tests/system/shim-faults.sh
. "$(dirname "$0")/shim-faults.sh"

# -- protection keys ------------------------------------------------------------------------------

attach a awkward
if do_so a key; then
	round_trip a
	round_trip a
fi
quit a
