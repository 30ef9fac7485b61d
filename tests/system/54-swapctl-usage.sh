#!/bin/bash
# SPDX-License-Identifier: MIT
#
# swapctl's command line, and those who may only look.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/areas.sh
. "$(dirname "$0")/areas.sh"

while IFS='|' read -r options message; do
	# shellcheck disable=SC2086 # words
	ctl 2 $options
	printed "$message"
done <<'END'
|say what to do: -a, -d, -l, -s, -m or -u; see --help
name|say what to do
-l -s|only one of
-a|-a needs the NAME
-d|-d needs a NAME, or the number
-l name|'name' is one operand too many
-m name|'name' is one operand too many
-a name 0 1M more|'more' is one operand too many
-d name 0 more|'more' is one operand too many
-a name x|LOW 'x' is no number of 512-byte blocks
-a name 0 1X|LEN '1X' is no number
-a name -1|invalid option
-a -v none name|VLEN 'none' is no number
-a -p 32768 name|priority '32768' is none: 0 to 32767
-a -p high name|priority 'high' is none
-a --discard=twice name|--discard=twice: it is all, once or pages
-d -p 1 name|-p goes with -a
-l -v 1|-v goes with -a
-m --discard|--discard goes with -a
-s -n|-n goes with -l
-a -f name|-f goes with -l
-d -b name|-b goes with -l and -s
-u --json|--json goes with -l and -s
-l -b --json|--json counts bytes
-l -i|-i goes with -a, -d, -m and -u
-x|invalid option
--nonsense|unrecognized option
END
[ -z "$(own_areas)" ] || fail "something was added: $(own_areas)"

ctl 0 -h
expect "help takes more than a screen" [ "$(wc -l < "$WORK/out")" -le 24 ]
expect "help is wider than a screen" [ "$(wc -L < "$WORK/out")" -le 80 ]
ctl 0 --version
printed '^swapctl [0-9]'

# Short and long forms, together and apart
for options in -l -ln '-l -f -n -b' -lfnb '--list --full --numeric --blocks' '-l --json' '--list --json' \
	-s -sb '--summary --blocks' '-s --json'; do
	# shellcheck disable=SC2086 # words
	ctl 0 $options
done
ctl 0 -s
printed '^total: [0-9]+ allocated \+ [0-9]+ reserved = [0-9]+ blocks used, [0-9]+ blocks available$'
printed '^limit: [0-9]+ blocks, (not )?kept by the kernel \(vm.overcommit_memory=[012]\)$'
ctl 0 -s --json
python3 - "$WORK/out" <<'END' || fail "the sum isn't right"
import json, sys
s = json.load(open(sys.argv[1]))
assert s["used_bytes"] == s["allocated_bytes"] + s["reserved_bytes"], s
assert s["available_bytes"] == max(0, s["limit_bytes"] - s["used_bytes"]), s
END

# On a terminal there are units, unless blocks are asked for
on_terminal() {
	script -qec "'$SWAPCTL' $1" /dev/null > "$WORK/out" < /dev/null {NEVER}<&-
	: > "$WORK/err"
}
dd if=/dev/zero "of=$WORK/areas/swap" bs=1M count=8 status=none
chmod 600 "$WORK/areas/swap"
ctl 0 -a swap
on_terminal -l
printed '^lswap +path .* size '
printed "$WORK/areas/swap +.* 7\\.9MiB "
on_terminal -lb
printed "$WORK/areas/swap +.* 16376 "
on_terminal -s
printed '^total: [0-9.]+[KMGT]?i?B allocated .* available'

# Who isn't root may look
mkdir -m 755 "$WORK/bin"
install -m 755 "$SWAPCTL" "$WORK/bin/swapctl"
as_user() {
	local wanted=$1
	shift
	expect_status "$wanted" setpriv --reuid "$OURS" --regid "$OURS" --clear-groups "$WORK/bin/swapctl" "$@"
}
as_user 0 -l
[ "$(column by "$WORK/areas/swap")" = '?' ] || fail "who made it may not be known"
as_user 0 -s
as_user 1 -d "$WORK/areas/swap"
printed 'swapoff: Operation not permitted; only root can do this'
as_user 1 -a "$WORK/areas/swap"
printed 'cannot open it: Permission denied; only root can do this'
grep -q "^$WORK/areas/swap " /proc/swaps || fail "a user has deleted it"
ctl 0 -d swap

# Nowhere to write to isn't success
expect_status 1 sh -c "'$SWAPCTL' -l > /dev/full"
printed 'cannot write: No space left'

# bash completes options by mode, and areas
top=$(cd "$(dirname "$0")/../.." && pwd)
complete_words() {
	# shellcheck disable=SC2016 # of that shell
	PATH=$BUILD:$PATH bash -c '
		. "$1/etc/completion/swapctl"
		shift
		COMP_WORDS=(swapctl "$@") COMP_CWORD=$#
		_swapctl
		printf "%s\n" "${COMPREPLY[@]}"' - "$top" "$@" 2>/dev/null
}
[ "$(complete_words --del | tr '\n' ' ')" = '--delete --delete-all ' ] || fail "completion: --del"
[ "$(complete_words -l --j)" = --json ] || fail "completion: -l --j"
[ "$(complete_words -a --dis | wc -l)" = 3 ] || fail "completion: -a --dis"
[ -z "$(complete_words -d --j)" ] || fail "completion: -d --j"
ctl 0 -a swap
[ "$(complete_words -d "$WORK/areas/")" = "$WORK/areas/swap" ] || fail "completion of areas"
ctl 0 -d swap
