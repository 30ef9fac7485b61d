#!/bin/bash
# SPDX-License-Identifier: MIT
# host processes
#
# The packages under a real systemd, in a container: tests/systemd/inside.sh installs them there, tries
# what an administrator does, upgrades, removes and purges them, and looks whether the daemon can do its
# whole work in the unit's sandbox; then make installs and uninstalls.
# Boots with the harness in SYSTEMD_TEST, or beside the repository; is skipped where there is none, or none
# that boots the release of SUITE.
set -euo pipefail
: "${BUILD:?}"
repository=$(cd "$(dirname "$0")/../.." && pwd)
harness=${SYSTEMD_TEST:-$repository/../shared/tools/systemd-test.sh}
packages=$BUILD/deb

skip() {
	echo "$*"
	[ -z "${WORK:-}" ] || echo "$*" >"$WORK/skipped"
	exit 77
}

[ -f "$harness" ] || skip "no harness that boots a systemd: set SYSTEMD_TEST"
[ "$(id -u)" = 0 ] || skip "needs root"
# Packages of one release can't be installed on another
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
[ "$release" = bookworm ] || grep -qw SUITE "$harness" ||
	skip "the harness boots Debian 12 (bookworm), this is $release, and it knows of no SUITE"
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT

# The container has no network: what the packages need goes with them. Kept beside them.
add_dependencies() {
	local kept=$packages.needs name
	mkdir -p "$kept" "$payload/needs"
	for name in $(dpkg-deb -f "$payload/swapify-policy.deb" Depends | tr ',' '\n' | awk '/^ *lib/ { print $1 }'); do
		compgen -G "$kept/${name}_*.deb" >/dev/null ||
			(cd "$kept" && apt-get download -qq "$name" 2>"$payload/needs/log") ||
			{ cat "$payload/needs/log"; exit 1; }
		cp "$kept/${name}"_*.deb "$payload/needs/"
	done
	rm -f "$payload/needs/log"
}

# What make has built, and what it takes to install that
add_source() {
	local tree=$payload/source
	mkdir -p "$tree/tests/unit" "$tree/build"
	cp -r "$repository"/{Makefile,etc,man} "$tree/"
	cp "$repository/tests/unit/tests.mk" "$tree/tests/unit/"
	cp "$BUILD"/{prefix,swapify-policy,swapify,libswapify.so,swap,memadvise,swapctl} "$tree/build/"
	cp "$(command -v make)" "$payload/"
}

# The same again as the next version: its control data are all that differs.
add_next_version() {
	local package tree=$payload/tree
	mkdir "$payload/next"
	for package in swapify-policy swapify libswapify1; do
		dpkg-deb -R "$payload/$package.deb" "$tree"
		sed -i 's/^Version: .*/&+next/; s/\(libswapify1 (= [^)]*\))/\1+next)/' "$tree/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone -b "$tree" "$payload/next/$package.deb" >/dev/null
		rm -r "$tree"
	done
}

"$repository/tests/build-deb.sh" "$packages"
for package in swapify-policy swapify libswapify1; do
	cp "$packages/$package"_*.deb "$payload/$package.deb"
done
add_dependencies
add_next_version
add_source
cp "$BUILD/tools/holder" "$payload/"
install -m 755 "$repository/tests/systemd/inside.sh" "$payload/run"

status=0
SUITE=$release SWAP=${SWAP:-1} TMO=220 bash "$harness" nspawn "$payload" || status=$?
case $status in
	0 | 1) ;;
	*) echo "the container didn't come up, or was stopped: status $status" ;;
esac
exit $((status != 0))
