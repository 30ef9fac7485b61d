#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installing into a tree, again over a changed configuration, and taking it out.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
root=$WORK/root
# With another prefix than that of $BUILD, which others run from just now: what differs is made in a copy
mkdir "$WORK/build"
cp -a "$BUILD"/{flags,prefix,obj,shim,libswapify.so} "$WORK/build/"
to_tree=(make --no-print-directory -s -C "$top" "B=$WORK/build" prefix=/usr "DESTDIR=$root")
files() { (cd "$root" && find . -type f | sort); }
shim=./usr/lib/$(gcc -print-multiarch)/libswapify.so

"${to_tree[@]}" install
files > "$WORK/first"
sort > "$WORK/expected" <<END
./etc/swapify-policy.conf
./lib/systemd/system/swapify-policy.service
./usr/bin/memadvise
./usr/bin/swap
./usr/bin/swapify
$shim
./usr/lib/tmpfiles.d/swapify-policy.conf
./usr/lib/tmpfiles.d/swapify.conf
./usr/sbin/swapctl
./usr/sbin/swapify-policy
./usr/share/bash-completion/completions/memadvise
./usr/share/bash-completion/completions/swap
./usr/share/bash-completion/completions/swapctl
./usr/share/bash-completion/completions/swapify
./usr/share/man/man1/memadvise.1
./usr/share/man/man1/swap.1
./usr/share/man/man1/swapify.1
./usr/share/man/man5/swapify-policy.conf.5
./usr/share/man/man7/swapify.7
./usr/share/man/man8/swapctl.8
./usr/share/man/man8/swapify-policy.8
END
diff "$WORK/first" "$WORK/expected" || fail "other files were installed"
expect "the unit starts something else" \
	grep -qx 'ExecStart=/usr/sbin/swapify-policy' "$root/lib/systemd/system/swapify-policy.service"
expect_status 0 "$root/usr/sbin/swapify-policy" -V
expect_status 0 "$root/usr/sbin/swapify-policy" --print-config -c "$root/etc/swapify-policy.conf"

# Again: nothing changes, and what was changed by hand stays.
"${to_tree[@]}" install
diff "$WORK/first" <(files) || fail "the second time installs something else"
echo '# mine' >> "$root/etc/swapify-policy.conf"
"${to_tree[@]}" install > "$WORK/out"
grep -q "kept .*the new defaults are in .*\\.new" "$WORK/out" || fail "nothing is said of the new defaults"
expect "the changed configuration is gone" grep -q '# mine' "$root/etc/swapify-policy.conf"
expect "the new defaults aren't there" cmp "$top/etc/swapify-policy.conf" "$root/etc/swapify-policy.conf.new"

"${to_tree[@]}" uninstall > "$WORK/out"
expect "left: $(files)" [ "$(files)" = ./etc/swapify-policy.conf ]
cp "$top/etc/swapify-policy.conf" "$root/etc/swapify-policy.conf"
"${to_tree[@]}" uninstall > "$WORK/out"
expect "left: $(files)" [ -z "$(files)" ]
