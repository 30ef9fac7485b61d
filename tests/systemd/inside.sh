#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the container, as root, with the packages, what they need, and holder beside it; see
# tests/system/90-systemd.sh. A check that fails is said and counted; the others go on.
set -u
export LC_ALL=C SYSTEMD_PAGER="" SYSTEMD_COLORS=0
readonly unit=swapify-policy.service config=/etc/swapify-policy.conf
readonly drop_in=/etc/systemd/system/$unit.d/test.conf swap=/scratch/swap
readonly deadline=60 # seconds for each thing that is waited for: a loaded machine is slow, not broken
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

# DIRECTORY [PACKAGE...]: as an administrator does it
install_packages() {
	local files=("${@:2}")
	[ $# -gt 1 ] || files=(libswapify1 swapify swapify-policy)
	files=("${files[@]/%/.deb}")
	apt-get install -qq -y --no-install-recommends "${files[@]/#/$PWD/$1/}" >apt.log 2>&1 || {
		cat apt.log
		return 1
	}
}

remove_packages() { # remove|purge PACKAGE...
	apt-get "$1" -qq -y "${@:2}" >apt.log 2>&1 || {
		cat apt.log
		return 1
	}
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

make_area() { # FILE MIB [OPTION...]
	dd if=/dev/zero "of=$1" bs=1M "count=$2" status=none &&
		chmod 600 "$1" && mkswap "$1" >/dev/null && swapon "${@:3}" "$1"
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

# Enabled and started, as any daemon of Debian's
try_installation() {
	dpkg -i needs/*.deb >apt.log 2>&1 || cat apt.log
	check 'the packages are installed' install_packages .
	check 'systemctl finds the unit' property_is LoadState loaded
	check 'it lies where packages put units' test -e /usr/lib/systemd/system/$unit
	check 'it is enabled' systemctl is-enabled -q $unit
	check 'and active' systemctl is-active -q $unit
	check 'the configuration is in /etc' test -e $config
	check 'the shipped configuration is accepted' \
		sh -c 'swapify-policy --print-config | grep -q "^lower_freelimit"'
	check 'systemd has nothing to say against the unit' unit_is_clean
	check 'the start is told to the journal' soon journal_says '^started version=.* backend=swapify'
	check_fails 'its own filter for system calls fits into that of the unit' \
		journal_says "system calls can't be filtered"
	check 'sockets of services have their place' test "$(stat -c %a:%u /run/swapify)" = 1777:0
	check 'what the daemon keeps has a place' test "$(stat -c %a:%u /var/lib/swapify-policy)" = 700:0
	check 'disable --now' systemctl disable -q --now $unit
	check 'it is inactive' property_is ActiveState inactive
	check 'enable --now' systemctl enable -q --now $unit
	check 'is-active' systemctl is-active -q $unit
	check 'it is wanted by multi-user.target' \
		test -e /etc/systemd/system/multi-user.target.wants/$unit
	if pressure_can_wake; then
		check_fails 'memory pressure can wake it' journal_says "memory pressure can't wake"
	fi
	check 'systemctl status shows the state' \
		soon status_says 'steady, [0-9]+% of memory available, 0 processes swapped'
	check 'it starts again and again' starts_again
}

# How long that takes, from the command to its end, is only told: others run on this machine, too.
starts_again() {
	local best_us=999999999 from_us us _
	for _ in 1 2 3 4 5; do
		systemctl stop $unit
		systemctl reset-failed $unit # which counts starts
		from_us=${EPOCHREALTIME/./}
		systemctl start $unit || return 1
		us=$((${EPOCHREALTIME/./} - from_us))
		[ $us -ge $best_us ] || best_us=$us
	done
	echo "     systemctl start took $best_us us, the best of five"
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
	check 'that is eight capabilities at most' test $((0x$bounding & ~0x10001a84024)) = 0
	check 'no new privileges' test "$(status_field NoNewPrivs)" = 1
	check 'a filter for system calls' test "$(status_field Seccomp)" = 2
	check 'its memory is locked' test "$(status_field VmLck | tr -dc 0-9)" -gt 0
	check 'the lock is where it belongs' test -e /run/swapify-policy/lock
	check 'a second one by hand refuses' refuses_second
}

refuses_second() {
	local said
	said=$(timeout 10 swapify-policy 2>&1)
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

# PROGRAM: -v by a drop-in, as systemctl edit makes it. RestartSec only saves time, and starting it so
# often is the test's way.
write_drop_in() {
	mkdir -p ${drop_in%/*}
	cat >$drop_in <<-EOF
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		ExecStart=
		ExecStart=$1 -v --daemon.interval=250ms
		RestartSec=500ms
	EOF
}

try_drop_in() {
	write_drop_in /usr/sbin/swapify-policy
	mark
	check 'daemon-reload with a drop-in' systemctl daemon-reload
	check 'restart' systemctl restart $unit
	check 'restart stops the old one in good order' soon journal_says '^stopped$'
	check 'and starts a new one' soon journal_says '^started version='
}

try_to_move_memory() {
	local available
	mkdir -p ${swap%/*}
	make_area $swap $((holder_mib * 3)) -p 32767 # before an area of the machine, which all containers share
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

# -- attached programs -----------------------------------------------------------------------------

game_state() { sed 's/.*) //; s/ .*//' "/proc/$game/stat"; }
game_is_frozen() { [ "$(game_state)" = t ] && [ "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$game/status")" -lt 4096 ]; }
game_runs() { [ "$(game_state)" = S ]; }
game_is_right() {
	local lines
	lines=$(wc -l <game.out)
	echo verify 1<>game.in
	soon answered game $((lines + 1)) && [ "$(tail -n 1 game.out)" = ok ]
}

# A program of a normal user, started by swapify: the daemon's first choice, and it needs no swap
start_game() {
	install -d -m 700 -o 65533 -g 65533 /scratch/images
	mkfifo game.in
	: >game.out
	cp holder /usr/local/bin/holder-game
	setpriv --reuid 65533 --regid 65533 --clear-groups swapify --image-dir /scratch/images \
		/usr/local/bin/holder-game $holder_mib 0<>game.in >>game.out &
	game=$!
	check 'a program of a normal user starts under swapify' soon answered game 1
	check 'and has a socket' soon test -S "/run/swapify/65533/$game.sock"
}

end_game() {
	kill $game
	# shellcheck disable=SC2016 # that shell's
	check 'and nothing of it is left' soon sh -c '[ -z "$(ls /run/swapify/65533 /scratch/images | grep -v :)" ]'
	rm game.in
}

# Memory is short until the game is frozen, and neither short nor plenty then
freeze_game() {
	local available
	available=$(available_percent)
	mark
	write_config 99 100 100
	check 'reload' systemctl reload $unit
	check 'it is frozen by the sandboxed daemon' soon journal_says "^swapped pid=$game .*backend=swapify"
	check 'by the figures of the kernel, too' soon game_is_frozen
	write_config $((available / 4)) $((available / 2)) 100
	check 'reload' systemctl reload $unit
	# others may have gone, too, where there is swap
	check 'systemctl status says so' soon status_says '.*, [1-9][0-9]* process(es)? swapped'
}

try_attached() {
	local available
	start_game
	available=$(available_percent)
	freeze_game
	check 'it has an image of its own' test -s "/scratch/images/$game.swap"
	check 'swap lists it' sh -c "swap -l | grep -q '$game .*swapped'"
	mark
	write_config $((available / 4)) $((available / 3)) $((available / 2))
	check 'reload' systemctl reload $unit
	check 'it is brought back' soon journal_says "^unswapped pid=$game .*backend=swapify"
	check 'and runs' soon game_runs
	check 'every byte of it is right' game_is_right
	end_game
}

# Whoever comes after whom: what is frozen stays so, is the next one's, and comes back at the end
try_one_after_the_other() {
	local main
	start_game
	freeze_game
	main=$(property MainPID)
	check 'kill -s KILL' systemctl kill -s KILL $unit
	check 'it comes back by itself' soon main_pid_is_not "$main"
	check 'once' property_is NRestarts 1
	check 'and is ready' soon systemctl is-active -q $unit
	check 'the game is its own now' soon game_is_held
	check 'restart' systemctl restart $unit
	check 'is a stop in good order' property_is Result success
	check 'and leaves the game frozen' game_is_frozen
	check 'the game is its own now' soon game_is_held

	main=$(property MainPID)
	check 'upgrade' install_packages next
	check 'to the next version' test "$(dpkg-query -W -f '${Version}' swapify-policy)" = "$version+next"
	check 'another daemon runs' main_pid_is_not "$main"
	check 'it is the new program' runs_what_is_installed
	check 'the configuration is the old one' grep -q '^freetarget' $config
	check 'the game is frozen still' game_is_frozen
	check 'the game is its own now' soon game_is_held
	mark
	check 'stop' systemctl stop $unit
	check 'brings it back' journal_says "^unswapped pid=$game .*backend=swapify"
	check 'with the shim of before, and it runs' soon game_runs
	check 'every byte of it is right' game_is_right
	end_game
	check 'start' systemctl start $unit
}

runs_what_is_installed() { [ "/proc/$(property MainPID)/exe" -ef /usr/sbin/swapify-policy ]; }

game_is_held() {
	mark
	systemctl kill -s USR1 $unit
	soon journal_says '^end of dump$'
	journal_says "^attached: pid=$game uid=65533 state=swapped .* by=us"
}

# Its own memory is some 2 MiB; what is locked of bash and libc comes on top
rss_is_over() { [ "$(status_field VmRSS | tr -dc 0-9)" -gt "$1" ]; }

try_prelock() {
	local before
	before=$(status_field VmRSS | tr -dc 0-9)
	mark
	write_config 10 20 30
	printf '[prelock]\nenabled = yes\ninterval = 500ms\n' >>$config
	check 'reload' systemctl reload $unit
	check 'files of critical processes are locked' soon journal_says '^locked files=[1-9].* bytes=[1-9]'
	check 'in the memory of the daemon' soon rss_is_over $((before + 2048))
	systemctl kill -s USR1 $unit
	check 'the dump names them' soon journal_says '^prelock: sharers=[1-9].* file=/usr/'
	check_fails 'nothing was forbidden meanwhile' \
		journal_says 'not permitted|EPERM|^cannot |left out (refused|unknown|unreadable)'
	check 'by --prelock-once it is the same' sh -c 'swapify-policy --prelock-once -v | grep -q "  locked  *.*/libc\.so"'
	mark
	write_config 10 20 30
	check 'reload' systemctl reload $unit
	check 'switched off, all is let go' soon journal_says '^locked files=0 bytes=0B'
	check_fails 'and its memory is as before' rss_is_over $((before + 1024))
}

# For the configuration: small areas, one after the other
want_swap() {
	printf '%s\n' '[swapspace]' 'enabled = yes' 'cooldown = 1s' 'max_swapsize = 16M' 'lower_freelimit = 99' \
		'freetarget = 99' 'upper_freelimit = 100'
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
	{ want_swap; echo 'swappath = /scratch/areas'; } >>$config
	check 'reload with swap space' systemctl reload $unit
	check 'an area is added inside of the sandbox' soon journal_says '^swap area added file=/scratch/areas/swap-1 bytes=16.0MiB'
	check 'it is in use' grep -q '/swap-1 ' /proc/swaps
	write_config 0 1 100
	printf '%s\n' '[swapspace]' 'enabled = yes' 'swappath = /scratch/areas' 'cooldown = 1s' \
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

# Five seconds only save time.
try_watchdog() {
	local main fed
	sed -i 's/^RestartSec=.*/&\nWatchdogSec=5s/' $drop_in
	systemctl daemon-reload
	systemctl restart $unit
	main=$(property MainPID) fed=$(property WatchdogTimestampMonotonic)
	is_fed() { ! property_is WatchdogTimestampMonotonic "$fed"; }
	check 'the watchdog is told that it works' soon is_fed
	kill -STOP "$main"
	check 'one that does not answer is killed, and started again' soon main_pid_is_not "$main"
	check 'by the watchdog' property_is NRestarts 1
	sed -i '/^WatchdogSec=/d' $drop_in
	systemctl daemon-reload
	check 'and works on' systemctl restart $unit
}

try_ends() {
	mark
	check 'stop' systemctl stop $unit
	check 'is told to the journal' soon journal_says '^stopped$'
	check 'is a success' property_is Result success
	check 'with exit status 0' property_is ExecMainStatus 0
	check 'and inactive' property_is ActiveState inactive
	check 'disable' systemctl disable -q $unit
	check_fails 'is-enabled no more' systemctl is-enabled -q $unit
	check 'upgrade of one that was disabled' install_packages next
	check_fails 'leaves it disabled' systemctl is-enabled -q $unit
	check 'and inactive' property_is ActiveState inactive
}

# -- the end ---------------------------------------------------------------------------------------

# Programs come back and swap files are given up first, whatever is configured. The area is made by the
# service, in its mount namespace, which is gone by then; the administrator's lies beside it.
try_removal() {
	local own=/var/lib/swapify-policy
	mkdir -m 700 /scratch/own
	mount --bind /scratch/own $own # swap files can't lie on the container's own root
	check 'enable --now' systemctl enable -q --now $unit
	# before the service makes as many as the kernel has places for
	check 'an administrator makes a swap file' make_area $own/mine 8
	start_game
	freeze_game
	write_config 0 1 100
	printf '[daemon]\non_exit = leave\n' >>$config
	cp $config plain
	want_swap >>$config
	mark
	check 'reload' systemctl reload $unit
	check 'it makes a swap file' soon journal_says "^swap area added file=$own/swap-1 "
	mark
	cp plain $config
	check 'reload' systemctl reload $unit
	check 'and no more' soon journal_says '^configuration read again'
	echo 'neither a setting nor a section' >>$config
	check 'remove' remove_packages remove swapify-policy
	check 'stops it' property_is ActiveState inactive
	check 'and brings programs back' soon game_runs
	game_runs || cat apt.log
	check 'every byte of it is right' game_is_right
	check 'and gives up its swap files' fails compgen -G "$own/swap-*"
	check 'but no other' grep -q "^$own/mine " /proc/swaps
	check 'the configuration stays' test -e $config
	check 'purge with a swap file in use' remove_packages purge swapify-policy
	check 'says that it stays' grep -q "^swapify-policy: $own stays" apt.log
	check 'which it does' grep -q "^$own/mine " /proc/swaps
	check_fails 'and nothing else of it' dpkg-query -s swapify-policy
	swapoff $own/mine
	umount $own
	rm -r /scratch/own

	check 'by hand it works without the daemon' sh -c "swap -a swap $game | grep -q Success"
	check 'remove swapify' remove_packages remove swapify libswapify1
	check 'brings back what was swapped by hand' soon game_runs
	check 'every byte of it is right' game_is_right
	end_game
	try_purge_with_orphan
	check 'once more, and as shipped' install_packages .
	check 'purge' remove_packages purge swapify-policy swapify libswapify1
	check 'leaves nothing' nothing_is_left
}

# A program of root's whose helper was killed, on a machine that has no room for it just then: its image
# is all that it has.
try_purge_with_orphan() {
	local image
	check 'swapify again' install_packages . libswapify1 swapify
	cp /usr/bin/swap later # swap, when the package has gone
	mkfifo game.in
	: >game.out
	swapify /usr/local/bin/holder-game $holder_mib 0<>game.in >>game.out &
	game=$!
	image=/var/lib/swapify/$game.swap
	check 'a program of root starts under swapify' soon answered game 1
	check 'it is swapped' soon sh -c "swap -a swap $game | grep -q Success"
	check 'to an image' test -s "$image"
	check 'its helper is killed' kill -KILL "$(awk '$1 == "TracerPid:" { print $2 }' /proc/$game/status)"
	check 'it is an orphan' soon sh -c "swap -l | grep -q '$game .*orphaned'"
	sed 's/^\(MemAvailable:\).*/\1 1024 kB/' /proc/meminfo >short
	check 'purge, when memory is short' while_short remove_packages purge swapify libswapify1
	check 'says that it stays swapped' grep -q '^swapify: some programs stay swapped' apt.log
	check 'and that its image stays' grep -q "^swapify: $image stays" apt.log
	check 'which it does' test -s "$image"
	check 'with another swap it comes back' ./later -a unswap -f $game
	check 'every byte of it is right' game_is_right
	end_game
}

# shellcheck disable=SC2016,SC2317 # that shell's; called by check
while_short() {
	declare -fx remove_packages
	unshare --mount bash -c 'mount --bind short /proc/meminfo && "$@"' - "$@"
}

nothing_is_left() {
	find / -xdev -name '*swapify*' ! -path '/proc/*' ! -path "$PWD/*" ! -path '/sys/*' -print >left
	find /run -name '*swapify*' -print >>left
	rm -rf "${drop_in%/*}" # the test's own
	grep -v "^${drop_in%/*}" left >really_left || return 0
	cat really_left
	return 1
}

# -- from source -----------------------------------------------------------------------------------

# make TARGET, of what was built outside: there is no compiler here
from_source() {
	local prefix lib
	read -r prefix lib <source/build/prefix
	./make -s -C source -o all -o shim "prefix=$prefix" "SHIM_LIB=$lib" "$1"
}

try_source() {
	local prefix
	read -r prefix _ <source/build/prefix
	check 'make install' from_source install
	check 'sockets of services have their place at once' test "$(stat -c %a:%u /run/swapify)" = 1777:0
	check 'what the daemon keeps has a place' test "$(stat -c %a:%u /var/lib/swapify-policy)" = 700:0
	write_drop_in "$prefix/sbin/swapify-policy"
	systemctl daemon-reload
	check 'enable --now' systemctl enable -q --now $unit
	start_game
	freeze_game
	printf '[daemon]\non_exit = leave\n' >>$config
	mark
	check 'reload' systemctl reload $unit
	check 'it leaves programs as they are' soon journal_says '^configuration read again'
	echo 'neither a setting nor a section' >>$config
	check 'make uninstall' from_source uninstall
	check 'stops it' property_is ActiveState inactive
	check 'and brings programs back' soon game_runs
	check 'every byte of it is right' game_is_right
	end_game
	check 'the programs are gone' fails compgen -G "$prefix/*bin/swap*"
	check 'the configuration stays' test -e $config
}

# -- -----------------------------------------------------------------------------------------------

cursor=
version=$(dpkg-deb -f swapify-policy.deb Version)
export DEBIAN_FRONTEND=noninteractive
try_installation
try_sandbox
try_dump
try_drop_in
try_to_move_memory
try_attached
try_prelock
try_one_after_the_other
try_swapspace
try_bad_configuration
try_watchdog
try_ends
swapoff $swap
try_removal
try_source

if [ $failed != 0 ]; then
	echo '--- what the unit said:'
	cursor=
	journal
fi
echo "$passed passed, $failed failed in $SECONDS s"
[ $failed = 0 ]
