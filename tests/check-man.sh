#!/bin/bash
# SPDX-License-Identifier: MIT
# check-man.sh [DIRECTORY]: every page in man/ (or DIRECTORY) is sound for mandoc, man and groff alike.
# Prints what is wrong with which page and exits 1 where anything is.
set -euo pipefail
cd "${1:-$(dirname "$0")/../man}"
failed=0
pages=0

faults() { # PAGE OF: each line of standard input is a fault
	while read -r line; do
		echo "$1: $2: $line"
		failed=1
	done
}

run() { # COMMAND...: also says so where it fails without a word
	"$@" 2>&1 || echo "ended with status $?"
}

complaints() { # COMMAND...: the same, of what it says on standard error only
	{ "$@" >/dev/null; } 2>&1 || echo "ended with status $?"
}

# ".Dt NAME 8" in name.8, and the pages of ours that it refers to are there
check_names() {
	local name=${1%.*} section=${1##*.} other
	grep -qx "\.Dt ${name^^} $section" "$1" || echo "no line '.Dt ${name^^} $section'"
	while read -r other; do
		[ -f "$other" ] || echo "refers to $other, which is missing"
	done < <(sed -n 's/^\.Xr \(swapify[^ ]*\) \([0-9]\).*/\1.\2/p' "$1" | sort -u)
}

export LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80
for page in *.[1-9]; do
	[ -f "$page" ] || continue
	pages=$((pages + 1))
	faults "$page" mandoc < <(run mandoc -T lint -W warning "$page")
	faults "$page" man < <(complaints man --warnings -E UTF-8 -P cat -l "$page")
	faults "$page" groff < <(complaints groff -mandoc -Tutf8 -Kutf8 -ww -z "$page")
	faults "$page" names < <(check_names "$page")
done
if [ "$pages" = 0 ]; then
	echo "no pages in $PWD"
	exit 1
fi
echo "man: $pages pages checked"
exit "$failed"
