#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-docs.sh [PROGRAM [TOOL...]]: what is written about the program says what the program says.
# PROGRAM (default: build/swapify-policy) is only asked, by --print-config and --help. Prints one
# line for each difference and exits 1 where there is one.
# Of each TOOL, man/TOOL.1 or .8 is compared with --help as below, and etc/completion/TOOL has to know
# every long option.
#
# etc/swapify-policy.conf: each [section] in order, in it for each option its help and its default,
# as PROGRAM prints them, the default commented out, and nothing else behind the first header:
#	# memory is short when less than this percentage of it is available
#	#lower_freelimit = 20
#
# man/swapify-policy.conf.5, mdoc source: each section is a subsection with one list, whose items
# are the options of that section. The item gives its default; one that is empty reads
# "Default: none."; of a list of more than five words the item has to hold each word somewhere.
#	.Ss [memory]
#	.Bl -tag -width Ds
#	.It Cm lower_freelimit Ns = Ns Ar percent
#	What it means. Lists inside an item are fine.
#	Default:
#	.Cm 20 .
#	.El
#
# man/swapify-policy.8, mdoc source: each option of --help is an item, and no other is; a long one
# with a dot in it (--section.key) stands for all settings and isn't looked at.
#	.It Fl c Ar file , Fl \-config Ar file
set -u
LC_ALL=C
export LC_ALL
root=$(dirname "$0")/..
program=${1:-$root/build/swapify-policy}
[ $# = 0 ] || shift
conf=$root/etc/swapify-policy.conf
conf_page=$root/man/swapify-policy.conf.5
page=$root/man/swapify-policy.8
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

ask() { # OUTPUT ARGUMENT...
	output=$1
	shift
	"$program" "$@" > "$output" 2> "$work/errors" && [ -s "$output" ] && return 0
	echo "$program $*: failed or said nothing: $(head -n 1 "$work/errors")"
	exit 1
}

# From the settings as printed: section, key, default, help, apart by tabs
list_printed() {
	awk '
	/^\[/ { section = substr($0, 2, length($0) - 2); next }
	/^# / { help = substr($0, 3); next }
	/^[a-z_]+ =/ {
		key = $1
		value = $0
		sub(/^[a-z_]+ = ?/, "", value)
		sub(/ ?# default$/, "", value)
		print section "\t" key "\t" value "\t" help
		help = ""
	}' "$1"
}

# Likewise from the shipped file; what has no place there goes to standard error
list_shipped() {
	awk -v name="${conf##*/}" '
	/^\[/ { section = substr($0, 2, length($0) - 2); help = ""; next }
	section == "" && /^(#|$)/ { next }
	/^$/ { next }
	/^# / { help = help (help == "" ? "" : " ") substr($0, 3); next }
	/^#[a-z_]+ =/ {
		key = substr($1, 2)
		value = $0
		sub(/^#[a-z_]+ = ?/, "", value)
		print section "\t" key "\t" value "\t" help
		help = ""
		next
	}
	{ print name ":" NR ": neither header, help nor commented default: " $0 > "/dev/stderr" }
	' "$conf"
}

# Reads two lists; the second is of the shipped file
compare_shipped() {
	awk -F '\t' -v name="${conf##*/}" '
	{ id = "[" $1 "] " $2 }
	NR == FNR { value[id] = $3; help[id] = $4; order[++n] = id; next }
	!(id in value) { print name ": " id ": unknown to the program"; next }
	id in seen { print name ": " id ": there twice"; next }
	{ seen[id] = 1 }
	++m && order[m] != id { if (!moved++) print name ": " id ": not in the order of --print-config" }
	value[id] != $3 { print name ": " id ": \"" $3 "\", but the default is \"" value[id] "\"" }
	help[id] != $4 { print name ": " id ": help \"" $4 "\", but should be \"" help[id] "\"" }
	END {
		for (i = 1; i <= n; i++)
			if (!(order[i] in seen))
				print name ": " order[i] ": missing"
	}' "$1" "$2"
}

# From the page of the file: section, key, and all text of the item, apart by tabs; defaults are
# marked as <default>
list_items() {
	awk '
	function flush() {
		if (key != "")
			print section "\t" key "\t" text " "
		key = text = ""
	}
	{ gsub(/\\-/, "-"); gsub(/\\&/, ""); gsub(/\\\(ti/, "~"); gsub(/\\(e|\(rs)/, "\\"); gsub(/\t/, " ") }
	/^\.(Sh|Ss) / {
		flush()
		section = $1 == ".Ss" && $2 ~ /^\[.*\]$/ ? substr($2, 2, length($2) - 2) : ""
		depth = 0
		next
	}
	/^\.Bl/ { depth++ }
	/^\.El/ { depth--; if (depth == 0) flush() }
	section != "" && depth == 1 && /^\.It Cm / { flush(); key = $3; next }
	key == "" { next }
	/^Default: none\.?$/ { text = text " <default> </default>"; next }
	/^Default:$/ { expected = 1; next }
	expected && /^\.Cm / {
		value = substr($0, 5)
		sub(/ *\.$/, "", value)
		text = text " <default>" value "</default> " value
		expected = 0
		next
	}
	{ expected = 0; text = text " " $0 }
	END { flush() }' "$conf_page"
}

compare_items() {
	awk -F '\t' -v name="${conf_page##*/}" '
	{ id = "[" $1 "] " $2 }
	NR == FNR { value[id] = $3; order[++n] = id; next }
	!(id in value) { print name ": " id ": unknown to the program"; next }
	id in seen { print name ": " id ": there twice"; next }
	{
		seen[id] = 1
		words = split(value[id], word, " ")
		if (words <= 5) {
			shown = value[id] == "" ? " " : value[id]
			if (index($3, "<default>" shown "</default>") == 0)
				print name ": " id ": does not give its default \"" value[id] "\""
			next
		}
		for (i = 1; i <= words; i++)
			if (index($3, " " word[i] " ") == 0)
				print name ": " id ": does not name " word[i]
	}
	END {
		for (i = 1; i <= n; i++)
			if (!(order[i] in seen))
				print name ": " order[i] ": missing"
	}' "$1" "$2"
}

# The options in a text: -x and --long, one a line
list_help() {
	tr -s ' \t,|()' '\n' < "$1" | tr -d '[]' |
		sed -n -e 's/^\(--[a-z][a-z0-9-]*\)\(=.*\)\{0,1\}$/\1/p' -e 's/^\(-[A-Za-z0-9]\)$/\1/p' |
		sort -u
}

list_flags() {
	sed -n -e 's/\\-/-/g' -e '/^\.It .*Fl /p' "$page" |
		awk '{ for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' |
		grep -v '\..' | sort -u
}

check_conf() {
	list_printed "$work/config" > "$work/printed"
	[ -s "$work/printed" ] || echo "$program --print-config: prints no settings"
	if [ ! -f "$conf" ]; then
		echo "${conf##*/}: missing"
		return
	fi
	{ list_shipped > "$work/shipped"; } 2>&1
	grep '^\[' "$conf" | uniq > "$work/headers"
	grep '^\[' "$work/config" | cmp -s - "$work/headers" ||
		echo "${conf##*/}: other section headers than --print-config has"
	compare_shipped "$work/printed" "$work/shipped"
}

check_conf_page() {
	if [ ! -f "$conf_page" ]; then
		echo "${conf_page##*/}: missing"
		return
	fi
	list_items > "$work/items"
	compare_items "$work/printed" "$work/items"
}

check_page() {
	if [ ! -f "$page" ]; then
		echo "${page##*/}: missing"
		return
	fi
	list_help "$work/help" > "$work/options"
	list_flags > "$work/flags"
	comm -23 "$work/options" "$work/flags" | sed "s|.*|${page##*/}: --help has &, but it is no item|"
	comm -13 "$work/options" "$work/flags" | sed "s|.*|${page##*/}: & is an item, but not in --help|"
}

check_completion() {
	completion=$root/etc/completion/${program##*/}
	if [ ! -f "$completion" ]; then
		echo "completion/${program##*/}: missing"
		return
	fi
	grep -e '^--' "$work/options" | while read -r option; do
		grep -qwe "$option" "$completion" || echo "completion/${program##*/}: doesn't know $option"
	done
}

ask "$work/config" --print-config -c /dev/null
ask "$work/help" --help
{
	check_conf
	check_conf_page
	check_page
} > "$work/differences"
for program; do
	page=$root/man/${program##*/}.1
	[ -f "$page" ] || page=${page%1}8
	ask "$work/help" --help
	{
		check_page
		check_completion
	} >> "$work/differences"
done
cat "$work/differences"
[ ! -s "$work/differences" ]
