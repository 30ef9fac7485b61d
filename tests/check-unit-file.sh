#!/bin/bash
# SPDX-License-Identifier: MIT
# check-unit-file.sh: the unit is valid, its exposure is at most 3.0, every capability in it has its reason.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
# verify wants the program to be there
sed "s|@sbindir@|$work|" etc/swapify-policy.service > "$work/swapify-policy.service"
install -m 755 /bin/true "$work/swapify-policy"
output=$(systemd-analyze verify --man=no "$work/swapify-policy.service" 2>&1) || { echo "$output"; exit 1; }
if grep swapify-policy <<<"$output"; then exit 1; fi
exposure=$(systemd-analyze security --offline=true "$work/swapify-policy.service" |
	sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
echo "unit: exposure $exposure"
awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 3.0) }' || { echo "exposure over 3.0"; exit 1; }
# shellcheck disable=SC2013 # words are wanted
for cap in $(sed -n 's/^CapabilityBoundingSet=//p' etc/swapify-policy.service); do
	grep -q "^# $cap: " etc/swapify-policy.service || { echo "$cap: no reason given"; exit 1; }
done
