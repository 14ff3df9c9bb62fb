#!/bin/sh
# To a service manager that waits for it, the parent says what sd_notify(3) has
# words for; to others nothing. A stand-in listens where systemd would.

. "$(dirname "$0")/../lib.sh"

need_root
need perl ps
conf_write <<'E2'
pass
E2

# Writes what it gets into $T/said, a datagram a line: its lines joined by |.
stand_in() {	# ADDRESS; its pid in $LISTENER
	rm -f said up
	perl -MSocket -e '
		my ($addr) = @ARGV;
		$addr =~ s/^@/\0/;
		socket my $s, AF_UNIX, SOCK_DGRAM, 0 or die $!;
		bind $s, pack_sockaddr_un($addr) or die $!;
		open my $out, ">", "said" or die $!;
		$out->autoflush(1);
		open my $up, ">", "up";
		while (defined recv $s, my $m, 4096, 0) {
			$m =~ s/\n/|/g;
			print $out "$m\n";
		}' "$1" &
	LISTENER=$!
	AT_EXIT="kill $LISTENER; $AT_EXIT"
	wait_for test -e up || bail "no stand-in"
}

said() {	# EXTENDED-REGEX, of a whole line; waits for it
	wait_for grep -Eqx -e "$1" said
}

plan 24
all='6 of 6 processes at work'

#
# A path, in the foreground
#
stand_in "$T/notify.sock"
export NOTIFY_SOCKET="$T/notify.sock"
daemon_start || exit 1
ok 'READY=1 when all is ready' said "READY=1\|STATUS=serving, with $CONF"
is "$(sed -n '/READY/q; p' said | tail -n 1)" "STATUS=$all" \
    'STATUS= before that'
is "$(grep -c WATCHDOG said)" 0 'no WATCHDOG=1 that nobody asked for'

: >said
kill -HUP "$DAEMON"
ok 'a reload ends with READY=1' said 'READY=1\|STATUS=configuration loaded'
now=$(perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e \
    'printf "%d", 1e6 * clock_gettime(CLOCK_MONOTONIC)')
like "$(head -n 1 said)" '^RELOADING=1\|MONOTONIC_USEC=[0-9]+$' \
    '... and begins with RELOADING=1'
at=$(sed -n '1s/.*USEC=//p' said)
ok '... at that time' [ "$at" -lt "$now" -a "$at" -gt $((now - 60000000)) ]

: >said
cp "$CONF" good.conf
echo 'frobnicate' >>"$CONF"
kill -HUP "$DAEMON"
ok 'a flaw is told' said "READY=1\|STATUS=the configuration in force stays: \
$CONF:[0-9]+: syntax error.*"
is "$(sed -n '1s/|.*//p' said)" RELOADING=1 '... and that one was tried as well'
cp good.conf "$CONF"

: >said
kill -KILL "$(ctl status | awk '$1 == "control" { print $2 }')"
ok 'a child that dies is told' said 'STATUS=5 of 6 processes at work'
ok '... and that it came back' said "STATUS=$all"

children=$(ps -o pid= --ppid "$DAEMON")
is "$(for p in $children; do
	tr '\0' '\n' <"/proc/$p/environ" | grep -c '^NOTIFY'
done | tr -d '\n')" 000000 'the six children do not know the socket'

: >said
ok 'it stops' daemon_stop
like "$(cat said)" '^STOPPING=1\|STATUS=.' '... with STOPPING=1'

#
# Without -d it stays where it is, for systemd waits for its own child
#
: >said
"$OBJ/milter-sysuser" -L "$OBJ" -f "$CONF" </dev/null >>"$LOG" 2>&1 &
DAEMON=$!
ok 'without -d: READY=1' said 'READY=1\|.*'
ok '... from the process that was started' kill -0 "$DAEMON"
is "$(head -n 1 state/lock)" "$DAEMON" '... itself'
kill "$DAEMON"
wait "$DAEMON"
is "$?" 0 '... which stops'
DAEMON=

#
# An abstract address, and the watchdog
#
stand_in "@milter-sysuser-test.$$"
export NOTIFY_SOCKET="@milter-sysuser-test.$$" WATCHDOG_USEC=100000
daemon_start || exit 1
ok 'an abstract socket' said 'READY=1\|.*'
ok 'WATCHDOG=1 again and again' \
    wait_for eval '[ "$(grep -cx WATCHDOG=1 said)" -ge 5 ]'
kill -STOP "$DAEMON"
sleep 0.3
: >said
sleep 0.5
is "$(cat said)" '' '... but not from a parent that hangs'
kill -CONT "$DAEMON"
daemon_stop

: >said
export WATCHDOG_PID=1
daemon_start || exit 1
said 'READY=1\|.*'
ok 'it stops again' daemon_stop
is "$(grep -c WATCHDOG said)" 0 'the watchdog of another process'
unset WATCHDOG_PID WATCHDOG_USEC

#
# Nobody there, or nonsense
#
export NOTIFY_SOCKET="$T/nobody.sock"
daemon_start && daemon_stop
is "$(grep -c NOTIFY_SOCKET "$LOG")" 1 'nobody listens: one warning'
export NOTIFY_SOCKET=vsock:2:1234
daemon_start && daemon_stop
is "$(grep -c NOTIFY_SOCKET "$LOG")" 1 'no local socket: one warning'
finish
