#!/bin/sh
# SPDX-License-Identifier: MIT
# install-packages.sh PACKAGE...: installs what is missing, with apt, as root. "a,b" is a where the
# release has it, else b. Says nothing and needs nothing where all is there.
set -eu
export DEBIAN_FRONTEND=noninteractive

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for choice; do
	found=
	for package in $(echo "$choice" | tr ',' ' '); do
		if installed "$package"; then found=yes; fi
	done
	[ -n "$found" ] || missing="$missing $choice"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "missing:$missing; this isn't Debian, please install them yourself" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "missing:$missing; run: sudo apt-get install$missing" >&2
	exit 1
fi
echo "installing:$missing" >&2
apt-get update -qq
chosen=
for choice in $missing; do
	name=
	for package in $(echo "$choice" | tr ',' ' '); do
		if [ -z "$name" ] && apt-cache show "$package" >/dev/null 2>&1; then name=$package; fi
	done
	chosen="$chosen ${name:-$choice}"
done
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $chosen >/dev/null
