#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the container, as root, with the installed tree, libraries and holder beside it; see
# tests/system/90-systemd.sh. A check that fails is said and counted; the others go on.
set -u
export LC_ALL=C SYSTEMD_PAGER="" SYSTEMD_COLORS=0
readonly unit=swapify-policy.service config=/etc/swapify-policy.conf
readonly drop_in=/etc/systemd/system/$unit.d/test.conf swap=/scratch/swap
readonly deadline=20 # seconds for each thing that is waited for
readonly holder_mib=64
passed=0 failed=0

# -- checks ----------------------------------------------------------------------------------------

check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok   $what"
	else
		failed=$((failed + 1))
		echo "FAIL $what"
	fi
}

check_fails() { # WHAT COMMAND...
	local what=$1
	shift
	check "$what" fails "$@"
}

fails() { ! "$@"; }

soon() { # COMMAND...
	local end=$((SECONDS + deadline))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# For what must not happen: that it doesn't for so long
never_within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	while [ $SECONDS -le $end ]; do
		! "$@" || return 1
		sleep 0.1
	done
}

property() { systemctl show -P "$1" $unit; }
property_is() { [ "$(property "$1")" = "$2" ]; }
main_pid_is_not() { ! property_is MainPID "$1" && ! property_is MainPID 0; }
status_says() { systemctl status --no-pager --lines=0 $unit | grep -qE "^ *Status: \"$1"; }

# The journal of the unit since the last mark
mark() { cursor=$(journalctl -n 0 --show-cursor -q | sed -n 's/^-- cursor: //p'); }
journal() { journalctl --no-pager -q -o cat -u $unit ${cursor:+--after-cursor="$cursor"}; }
journal_says() { journal | grep -qE -- "$1"; }
syslog_says() { grep -qE -- "swapify-policy\[$(property MainPID)\]: $1" /var/log/syslog; }

# -- the machine -----------------------------------------------------------------------------------

install_tree() {
	local library
	# /lib and the like are links in the container
	tar -C tree -cf - . | tar -C / --keep-directory-symlink --no-overwrite-dir -xf -
	for library in lib/*; do
		ldconfig -p | grep -q "${library#lib/} " || install -m 644 "$library" /usr/lib/
	done
	ldconfig
	systemctl daemon-reload
	systemd-tmpfiles --create swapify.conf
}

available_percent() {
	awk '$1 == "MemTotal:" { total = $2 } $1 == "MemAvailable:" { free = $2 }
		END { print int(free * 100 / total) }' /proc/meminfo
}

# Less than 98 % has to be available: no limit is above 99 %.
take_some_memory() {
	local mib
	mib=$(awk '$1 == "MemTotal:" { total = $2 } $1 == "MemAvailable:" { free = $2 }
		END { print int((free - total * 0.975) / 1024) }' /proc/meminfo)
	[ "$mib" -gt 0 ] || return 0
	start_program taken "$mib" busy
}

make_swap() {
	mkdir -p ${swap%/*}
	dd if=/dev/zero of=$swap bs=1M count=$((holder_mib * 3)) status=none
	chmod 600 $swap
	mkswap $swap >/dev/null
	swapon -p 32767 $swap # before an area of the machine, which all containers share
}

start_program() { # NAME MIB [busy]
	mkfifo "$1.in"
	: >"$1.out"
	cp holder "/usr/local/bin/holder-$1"
	setpriv --reuid 65533 --regid 65533 --clear-groups \
		"/usr/local/bin/holder-$1" "${@:2}" 0<>"$1.in" >>"$1.out" &
	pid=$!
	soon answered "$1" 1
}

answered() { [ "$(wc -l <"$1.out")" -ge "$2" ]; } # NAME LINES

contents_are_right() {
	echo verify 1<>idle.in
	soon answered idle 2 && [ "$(tail -n 1 idle.out)" = ok ]
}

kb() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$idle/status"; }

is_out() {
	[ $(((resident_kb - $(kb RssAnon)) * 100)) -gt $((resident_kb * 80)) ] &&
		[ $((($(kb VmSwap) - swapped_kb) * 100)) -gt $((resident_kb * 80)) ]
}

is_back() {
	[ $(($(kb RssAnon) * 100)) -gt $((resident_kb * 80)) ] &&
		[ $((($(kb VmSwap) - swapped_kb) * 100)) -lt $((resident_kb * 20)) ]
}

write_config() { # LOWER TARGET UPPER
	{
		printf '[memory]\nlower_freelimit = %d\nfreetarget = %d\nupper_freelimit = %d\n' "$@"
		echo 'cooldown = 2s'
		printf '[idle]\nmin_idle = 2s\nmin_rss = 32M\n'
		printf 'scan_interval = 500ms\nscan_interval_near = 500ms\n'
		printf '[madvise]\nenabled = yes\nswap_margin = 0\n'
	} >$config
}

# -- what is tried ---------------------------------------------------------------------------------

try_installation() {
	check 'systemctl finds the unit' property_is LoadState loaded
	check 'it lies where packages put units' test -e /usr/lib/systemd/system/$unit
	check 'the program is in /usr/sbin' test -x /usr/sbin/swapify-policy
	check 'the configuration is in /etc' test -e $config
	check 'the shipped configuration is accepted' \
		sh -c 'swapify-policy --print-config | grep -q "^lower_freelimit"'
	check 'systemd has nothing to say against the unit' unit_is_clean
	check 'enable --now' systemctl enable -q --now $unit
	check 'is-active' systemctl is-active -q $unit
	check 'is-enabled' systemctl is-enabled -q $unit
	check 'it is wanted by multi-user.target' \
		test -e /etc/systemd/system/multi-user.target.wants/$unit
	check 'the start is told to the journal' soon journal_says '^started version=.* backend=swapify'
	check 'sockets of services have their place' test "$(stat -c %a:%u /run/swapify)" = 1777:0
	if pressure_can_wake; then
		check_fails 'memory pressure can wake it' journal_says "memory pressure can't wake"
	fi
	check 'systemctl status shows the state' \
		soon status_says 'steady, [0-9]+% of memory available, 0 processes swapped'
}

unit_is_clean() { ! systemd-analyze verify --man=no $unit 2>&1 | grep swapify-policy; }

# What root may do here outside of the sandbox
pressure_can_wake() { { printf 'some 100000 2000000\n' 1<>/proc/pressure/memory; } 2>/dev/null; }

status_field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(property MainPID)/status"; }

# Nothing beyond the bounding set, which is checked against its reasons elsewhere
try_sandbox() {
	local bounding
	bounding=$(status_field CapBnd)
	check 'it runs as root with the bounding set' test "$(status_field CapEff)" = "$bounding"
	check 'that is six capabilities at most' test $((0x$bounding & ~0x1a84004)) = 0
	check 'no new privileges' test "$(status_field NoNewPrivs)" = 1
	check 'a filter for system calls' test "$(status_field Seccomp)" = 2
	check 'its memory is locked' test "$(status_field VmLck | tr -dc 0-9)" -gt 0
	check 'the lock is where it belongs' test -e /run/swapify-policy/lock
	check 'a second one by hand refuses' refuses_second
}

refuses_second() {
	local said
	said=$(setsid swapify-policy 2>&1)
	[ $? = 1 ] && [[ $said == *'another swapify-policy runs'* ]]
}

try_dump() {
	mark
	check 'kill -s USR1' systemctl kill -s USR1 $unit
	check 'the dump is in the journal' soon journal_says '^end of dump$'
	check 'with its state' journal_says '^state: steady since='
	check 'and its thresholds' journal_says '^thresholds: 20% < [0-9]+% < 60%'
	check 'the dump is in /var/log/syslog' soon syslog_says 'end of dump$'
	check 'with its state, too' syslog_says 'state: steady since='
}

# -v by a drop-in, as systemctl edit makes it. RestartSec only saves time.
try_drop_in() {
	mkdir -p ${drop_in%/*}
	cat >$drop_in <<-EOF
		[Service]
		ExecStart=
		ExecStart=/usr/sbin/swapify-policy -v --daemon.interval=250ms
		RestartSec=500ms
	EOF
	mark
	check 'daemon-reload with a drop-in' systemctl daemon-reload
	check 'restart' systemctl restart $unit
	check 'restart stops the old one in good order' soon journal_says '^stopped$'
	check 'and starts a new one' soon journal_says '^started version='
}

try_to_move_memory() {
	local available
	make_swap
	take_some_memory
	start_program idle $holder_mib
	idle=$pid
	resident_kb=$(kb RssAnon) swapped_kb=$(kb VmSwap)
	available=$(available_percent)

	mark
	write_config 99 100 100 # short, also when it is moved out
	check 'reload' systemctl reload $unit
	check 'the new configuration is read' soon journal_says '^configuration read again'
	check 'steady -> hungry is in the journal' soon journal_says '^steady -> hungry: memory is short'
	check 'the idle program is moved out' soon journal_says "^swapped pid=$idle "
	check "its memory is in swap, by the kernel's figures" soon is_out
	check 'systemctl status says so' soon status_says 'hungry, .*, [1-9][0-9]* process(es)? swapped'

	mark
	write_config $((available / 4)) $((available / 3)) $((available / 2))
	check 'reload' systemctl reload $unit
	check 'steady -> overfed is in the journal' soon journal_says '^steady -> overfed: '
	check 'the idle program is brought back' soon journal_says "^unswapped pid=$idle "
	check "its memory is resident, by the kernel's figures" soon is_back
	check 'every byte of it is right' contents_are_right
	check 'it is steady again' soon status_says 'steady, '
	cursor=
	check_fails 'nothing was forbidden meanwhile' \
		journal_says 'not permitted|EPERM|^cannot |failed=[1-9]|memory can.t be locked'
}

game_state() { sed 's/.*) //; s/ .*//' "/proc/$game/stat"; }
game_is_frozen() { [ "$(game_state)" = t ] && [ "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$game/status")" -lt 4096 ]; }
game_runs() { [ "$(game_state)" = S ]; }
game_is_right() {
	echo verify 1<>game.in
	soon answered game 2 && [ "$(tail -n 1 game.out)" = ok ]
}

# A program of a normal user, started by swapify: the daemon's first choice, and it needs no swap
try_attached() {
	local available
	install -d -m 700 -o 65533 -g 65533 /scratch/images
	mkfifo game.in
	: >game.out
	cp holder /usr/local/bin/holder-game
	setpriv --reuid 65533 --regid 65533 --clear-groups swapify --image-dir /scratch/images \
		/usr/local/bin/holder-game $holder_mib 0<>game.in >>game.out &
	game=$!
	check 'a program of a normal user starts under swapify' soon answered game 1
	check 'and has a socket' soon test -S "/run/swapify/65533/$game.sock"
	available=$(available_percent)
	mark
	write_config 99 100 100
	check 'reload' systemctl reload $unit
	check 'it is frozen by the sandboxed daemon' soon journal_says "^swapped pid=$game .*backend=swapify"
	check 'by the figures of the kernel, too' soon game_is_frozen
	check 'with an image of its own' test -s "/scratch/images/$game.swap"
	check 'swap lists it' sh -c "swap -l | grep -q '$game .*swapped'"
	write_config $((available / 4)) $((available / 3)) $((available / 2))
	check 'reload' systemctl reload $unit
	check 'it is brought back' soon journal_says "^unswapped pid=$game .*backend=swapify"
	check 'and runs' soon game_runs
	check 'every byte of it is right' game_is_right
	kill $game
	# shellcheck disable=SC2016 # that shell's
	check 'and nothing of it is left' soon sh -c '[ -z "$(ls /run/swapify/65533 /scratch/images | grep -v :)" ]'
}

no_area_is_left() { [ -z "$(ls -A /scratch/areas)" ]; }

# In another place than the default, which lies on an overlay here: that takes a path of its own. The
# first limits always find it short, the others never.
try_swapspace() {
	mkdir -m 700 /scratch/areas
	printf '[Service]\nReadWritePaths=/scratch\n' >${drop_in%/*}/areas.conf
	systemctl daemon-reload
	systemctl restart $unit
	mark
	write_config 0 1 100
	printf '[swapspace]\nenabled = yes\nswappath = /scratch/areas\ncooldown = 1s\nmax_swapsize = 16M\n%s\n' \
		'lower_freelimit = 99' 'freetarget = 99' 'upper_freelimit = 100' >>$config
	check 'reload with swap space' systemctl reload $unit
	check 'an area is added inside of the sandbox' soon journal_says '^swap area added file=/scratch/areas/swap-1 bytes=16.0MiB'
	check 'it is in use' grep -q '/swap-1 ' /proc/swaps
	write_config 0 1 100
	printf '[swapspace]\nenabled = yes\nswappath = /scratch/areas\ncooldown = 1s\n%s\n' \
		'lower_freelimit = 0' 'freetarget = 1' 'upper_freelimit = 2' >>$config
	check 'reload with plenty' systemctl reload $unit
	check 'an area is retired inside of the sandbox' soon journal_says '^swap area retired file=/scratch/areas/swap-'
	systemctl stop $unit
	check 'what is left goes with --erase, whose namespace is another' swapify-policy --erase
	check 'nothing is left' no_area_is_left
	mark
	write_config 10 20 30
	printf '[swapspace]\nenabled = yes\n' >>$config
	systemctl start $unit
	check 'the default place has its directory' test "$(stat -c %a:%u /var/lib/swapify-policy)" = 700:0
	check 'on an overlay no area can be made' soon journal_says '^no swap area can be made: /var/lib/swapify-policy lies on overlay'
	rm ${drop_in%/*}/areas.conf
	write_config 10 20 30
	systemctl daemon-reload
	systemctl restart $unit
}

try_bad_configuration() {
	local main
	main=$(property MainPID)
	mark
	write_config 50 40 60
	check 'reload with a bad configuration' systemctl reload $unit
	check 'names file, line and fault' \
		soon journal_says 'swapify-policy\.conf:[0-9]+: .*freetarget.* below lower_freelimit'
	check 'and says that the old settings stay' soon journal_says 'the old settings stay'
	check 'the daemon goes on' property_is MainPID "$main"

	mark
	check_fails 'it does not start with it' systemctl restart $unit
	check 'with exit status 2' property_is ExecMainStatus 2
	check 'and the reason in the journal' soon journal_says 'freetarget.* below lower_freelimit'
	check 'and is not started over and over' never_within 2 is_restarted
	check 'but has failed' property_is ActiveState failed
	systemctl stop $unit

	write_config 10 20 30
	systemctl reset-failed $unit
	check 'it starts when that is put right' systemctl start $unit
}

is_restarted() { ! property_is NRestarts 0 || property_is ActiveState activating; }

try_ends() {
	local main
	main=$(property MainPID)
	check 'kill -s KILL' systemctl kill -s KILL $unit
	check 'it comes back by itself' soon main_pid_is_not "$main"
	check 'once' property_is NRestarts 1
	check 'and is ready' soon systemctl is-active -q $unit

	mark
	check 'stop' systemctl stop $unit
	check 'is told to the journal' soon journal_says '^stopped$'
	check 'is a success' property_is Result success
	check 'with exit status 0' property_is ExecMainStatus 0
	check 'and inactive' property_is ActiveState inactive
	check 'disable' systemctl disable -q $unit
	check_fails 'is-enabled no more' systemctl is-enabled -q $unit
}

# -- -----------------------------------------------------------------------------------------------

cursor=
install_tree
try_installation
try_sandbox
try_dump
try_drop_in
try_to_move_memory
try_attached
try_swapspace
try_bad_configuration
try_ends
swapoff $swap

if [ $failed != 0 ]; then
	echo '--- what the unit said:'
	cursor=
	journal
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
