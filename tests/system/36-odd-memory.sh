#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Memory that not everybody may read, or that isn't what it seems to be: it goes and comes as other
# memory does, and is afterwards what it was.
# beside others
# shellcheck source=tests/system/shim-faults.sh
. "$(dirname "$0")/shim-faults.sh"

# -- protection keys ------------------------------------------------------------------------------

attach a awkward
if do_so a key; then
	round_trip a
	round_trip a
fi
quit a

# -- memory that was never touched ----------------------------------------------------------------

# promised NAME: it may be touched, and the kernel has promised memory for it: "ac", accountable
promised() {
	awk '$2 ~ /^[r-][w-][x-][ps]$/ { access = $2 }
		$1 == "Size:" { kib = $2 }
		$1 == "VmFlags:" && kib == 524288 { exit !(access == "rw-p" && / ac( |$)/) }
		END { if (kib != 524288) exit 1 }' "/proc/${PID[$1]}/smaps"
}

attach a awkward
if do_so a untouched; then
	expect "untouched memory isn't there" promised a
	swap_out a
	expect "the promise isn't kept while it is swapped" promised a
	bring_back a
	expect "the promise is forgotten" promised a
	round_trip a
fi
quit a

# -- guards ---------------------------------------------------------------------------------------

# by either way to look at pages
attach a awkward
if do_so a guard; then
	round_trip a
	round_trip a
	if command -v strace > /dev/null; then
		helper_of a
		tamper ioctl:error=ENOTTY
		round_trip a
		untamper
	fi
fi
quit a
