#!/bin/bash
# SPDX-License-Identifier: MIT
# build-deb.sh DIR: builds the Debian packages and leaves them in DIR, which holds just these, a log and
# what they were made of: nothing is done where they were made of the same before. Without the unit tests,
# which are run elsewhere. REPRODUCE=1 builds twice, in other places, at other times, and compares.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
mkdir -p "${1:?usage: build-deb.sh DIR}"
dir=$(cd "$1" && pwd)
work=

# The project, without what debian/source/options leaves out of the source package
pack() {
	tar -C "$top" --exclude=./build --exclude=./.git "$@" -cf - .
}

# All that goes into the packages, that of the source included, and what makes them
sum() {
	{
		pack --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner
		dpkg-query -W gcc debhelper dpkg-dev 2>/dev/null || :
		dpkg --print-architecture
	} | sha256sum | cut -d' ' -f1
}

end() {
	[ -z "$work" ] || rm -rf "$work"
}
trap end EXIT

# build WHERE [OPTION]: in a copy, since a package's build begins with "make clean"; the option is tar's
build() {
	local source=$1/swapify-policy
	mkdir -p "$source"
	pack | tar -C "$source" -xf - ${2:+"$2"}
	if ! (cd "$source" && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u WERROR -u CFLAGS -u LDFLAGS \
		DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc) >"$1/log" 2>&1; then
		tail -n 40 "$1/log"
		echo "packages: the build failed, see above" >&2
		exit 1
	fi
	rm -rf "$source"
}

# The second one elsewhere, of files that are younger, with another umask, time zone and language
compare() {
	local first=$1 second=$2/somewhere/else package
	mkdir -p "$second"
	(umask 0002 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 build "$second" --touch)
	for package in "$first"/*.deb "$first"/*.tar.*; do
		cmp "$package" "$second/${package##*/}"
	done
}

key=$(sum)
if [ "$(cat "$dir/key" 2>/dev/null)" != "$key" ]; then
	work=$(mktemp -d)
	build "$work/first"
	rm -rf "${dir:?}"/*
	mv "$work/first"/* "$dir"
	echo "$key" >"$dir/key"
fi
if [ -n "${REPRODUCE:-}" ] && [ ! -e "$dir/reproduced" ]; then
	work=${work:-$(mktemp -d)}
	compare "$dir" "$work"
	touch "$dir/reproduced"
fi
