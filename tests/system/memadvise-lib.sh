# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of memadvise share, on top of lib.sh.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly MEMADVISE=$BUILD/memadvise
declare -A J=()	# the last object: numbers and words by key, those of skipped as skipped.KEY

# parse: one JSON object from standard input into J. All keys have to be there, in every object.
parse() {
	local key value
	J=()
	while IFS=$'\t' read -r key value; do J[$key]=$value; done < <(python3 -c '
import json, sys
keys = """pid name mode dry_run percent max_bytes eligible_bytes budget_bytes advised_bytes
    refused_bytes refused_ranges reclaimed_bytes rss_before_bytes rss_after_bytes anon_before_bytes
    anon_after_bytes swap_before_bytes swap_after_bytes swap_free_bytes regions skipped duration_ns
    warnings error""".split()
text = sys.stdin.buffer.read()
assert text.endswith(b"\n") and text.count(b"\n") == 1, text
object = json.loads(text.decode())
listed = object.pop("region_list", None)
assert list(object) == keys, list(object)
skipped = object.pop("skipped")
if skipped is not None:
    assert list(skipped) == "shared file executable readonly stack kernel locked hugetlb device empty".split()
    object.update({"skipped." + k: v for k, v in skipped.items()})
object["warnings"] = "; ".join(object["warnings"])
for r in listed or []:
    assert list(r) == "start end eligible_bytes referenced_bytes take_bytes".split(), r
if listed is not None:
    object["take_bytes"] = sum(r["take_bytes"] for r in listed)
    object["listed"] = " ".join(r["start"] for r in listed)
for key, value in object.items():
    print(key, value if isinstance(value, str) else json.dumps(value), sep="\t")
')
	[ "${#J[@]}" -gt 20 ] || fail "no object: $(cat "$WORK/out" "$WORK/err")"
}

# advise NAME OPTION...: what it says of that process into J.
advise() {
	local name=$1
	shift
	expect_status 0 "$MEMADVISE" -j -t "${PID[$name]}" "$@"
	parse < "$WORK/out"
	[ "${J[pid]}" = "${PID[$name]}" ] || fail "of another process: ${J[pid]}"
	[ "${J[error]}" = null ] || fail "error: ${J[error]}"
}

# within WHAT A B SLACK: A and B are SLACK apart at most.
within() {
	local apart=$(($2 - $3))
	[ "${apart#-}" -le "$4" ] || fail "$1: $2 and $3 are more than $4 apart"
}

# exact [PERCENT]: the budget is the percentage of what is eligible, advised to the page, and gone but
# for a page here and there that the kernel was busy with.
exact() {
	local budget=$((J[eligible_bytes] * ${1:-30} / 100 / 4096 * 4096))
	expect "a budget of ${J[budget_bytes]}, not $budget" [ "${J[budget_bytes]}" = "$budget" ]
	expect "advised ${J[advised_bytes]} of $budget" [ "${J[advised_bytes]}" = "$budget" ]
	expect "refused ${J[refused_bytes]}" [ "${J[refused_bytes]}" = 0 ]
	within reclaimed "${J[reclaimed_bytes]}" "$budget" $((512 * 1024))
	within "moved to swap" $((J[swap_after_bytes] - J[swap_before_bytes])) "$budget" $((512 * 1024))
	within "less anonymous memory" $((J[anon_before_bytes] - J[anon_after_bytes])) "$budget" $((512 * 1024))
}

# narrow FILE: fits a terminal.
narrow() {
	! grep -qE '^.{81}' "$1"
}

# pages NAME: which of its pages are there, in swap, or not at all, as one number
pages() {
	python3 - "${PID[$1]}" <<'END'
import hashlib, struct, sys
digest = hashlib.sha256()
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/pagemap", "rb") as pagemap:
    for line in maps:
        if "[vsyscall]" in line:
            continue
        start, end = (int(x, 16) // 4096 for x in line.split()[0].split("-"))
        pagemap.seek(start * 8)
        for (entry,) in struct.iter_unpack("Q", pagemap.read((end - start) * 8)):
            # where a page lies may change behind everybody's back; where it lies in swap doesn't
            digest.update(struct.pack("Q", entry if entry >> 62 == 1 else entry >> 61))
print(digest.hexdigest())
END
}
