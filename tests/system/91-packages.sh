#!/bin/bash
# SPDX-License-Identifier: MIT
# host processes
#
# The Debian packages by themselves: built twice they are the same, lintian has nothing to say, they
# hold what they should and are small. 90-systemd.sh installs them.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
command -v dpkg-buildpackage > /dev/null || skip "no dpkg-buildpackage"
arch=$(dpkg --print-architecture)
version=$(sed -n 's/^VERSION := //p' "$top/Makefile")

REPRODUCE=1 "$top/tests/build-deb.sh" "$BUILD/deb" || fail "the packages can't be built, or differ when built again"
expect "the changelog has another version than the Makefile" \
	[ "$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version)" = "$version" ]

# Pedantry included: what it is wrong about is overridden, with a reason, in debian/
if command -v lintian > /dev/null; then
	lintian --pedantic --allow-root "$BUILD/deb/swapify-policy_${version}_$arch.changes" > "$WORK/out" 2>&1 || :
	[ ! -s "$WORK/out" ] || {
		cat "$WORK/out"
		fail "lintian has something to say"
	}
fi

# holds PACKAGE FILE...: just these, but for what every package has
holds() {
	local package=$1
	shift
	dpkg-deb -c "$BUILD/deb/${package}_${version}_$arch.deb" |
		sed -n 's:^[^d].* \./:/:; /share.\(doc\|lintian\)/d; /^[/]/p' | sort > "$WORK/holds"
	diff "$WORK/holds" <(printf '%s\n' "$@" | sort) || fail "$package holds something else"
}

units=$(pkg-config --variable=systemdsystemunitdir systemd)
share=/usr/share
holds swapify-policy /etc/swapify-policy.conf "$units/swapify-policy.service" \
	/usr/lib/tmpfiles.d/swapify-policy.conf /usr/bin/memadvise /usr/sbin/swapctl /usr/sbin/swapify-policy \
	$share/bash-completion/completions/{memadvise,swapctl} $share/man/man1/memadvise.1.gz \
	$share/man/man5/swapify-policy.conf.5.gz $share/man/man8/{swapctl,swapify-policy}.8.gz
holds swapify /usr/lib/tmpfiles.d/swapify.conf /usr/bin/{swap,swapify} \
	$share/bash-completion/completions/{swap,swapify} $share/man/man1/{swap,swapify}.1.gz $share/man/man7/swapify.7.gz
# for one kind of machine only, whatever this one could build beside it
holds libswapify1 "/usr/lib/$(gcc -print-multiarch)/libswapify.so"

size_kib=0
for package in swapify-policy swapify libswapify1; do
	field() { dpkg-deb -f "$BUILD/deb/${package}_${version}_$arch.deb" "$1"; }
	size_kib=$((size_kib + $(field Installed-Size)))
	expect "no debug symbols of $package" test -e "$BUILD/deb/$package-dbgsym_${version}_$arch.deb"
	[ $package = libswapify1 ] || continue
	expect "only one $package can be installed" [ "$(field Multi-Arch)" = same ]
done
echo "installed: $size_kib KiB"
expect "$size_kib KiB when installed" [ "$size_kib" -le 1024 ]
expect "the configuration is no conffile" \
	[ "$(dpkg-deb -I "$BUILD/deb/swapify-policy_${version}_$arch.deb" conffiles)" = /etc/swapify-policy.conf ]
