#!/bin/sh
# Whoever may only look at the status can't keep root from the daemon.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
getent group games >/dev/null || skip_all 'needs a group games'
fake_script </dev/null
conf_write <<S
prefork 1
S
sed "s/^\(control socket.*\)/\1 mode 0660 group \"games\"/
    /^prefork 2/d" "$CONF" >"$CONF.new"
mv "$CONF.new" "$CONF"
daemon_start || bail 'no daemon'
cp "$OBJ/sysuserctl" "$T/sysuserctl"

# Connect N times, say HELLO if so, and nothing else until stdin ends.
silent='use IO::Socket::UNIX;
    my ($path, $n, $hello) = @ARGV;
    my @all;
    $SIG{PIPE} = "IGNORE";
    for (1 .. $n) {
	my $s = IO::Socket::UNIX->new(Peer => $path, Type => 5);
	last unless $s;
	syswrite $s, pack "N N N N", 31, 4, 0, $hello if $hello;
	push @all, $s;
    }
    $| = 1;
    print scalar @all, "\n";
    <STDIN>;'
games() {		# TIMES [VERSION]; leaves $pid
	mkfifo "hold.$1"
	as games perl -e "$silent" "$CONTROL" "$@" <"hold.$1" >"$1.out" 2>&1 &
	pid=$!
	AT_EXIT="kill $pid 2>/dev/null; $AT_EXIT"
	eval "exec 3>'hold.$1'"
	wait_for test -s "$1.out"
}

plan 12

is "$(as games "$T/sysuserctl" -s "$CONTROL" status | head -n 1 |
    cut -c 1-7)" PROCESS 'the group sees the status'
games 500
is "$(cat 500.out)" 500 '500 silent clients of the group'
is "$(timeout 10 "$OBJ/sysuserctl" -s "$CONTROL" status | head -n 1 |
    cut -c 1-7)" PROCESS "root's status works"
is "$(for i in 1 2 3 4 5 6 7 8 9 10; do
    timeout 5 "$OBJ/sysuserctl" -s "$CONTROL" status >/dev/null && echo good
    done | grep -c good)" 10 'all the time'
ok "root's reload, too" timeout 10 "$OBJ/sysuserctl" -s "$CONTROL" reload
exec 3>&-
wait "$pid"
ok 'when they have left, the group sees the status again' wait_for eval \
    'as games timeout 5 "$T/sysuserctl" -s "$CONTROL" status >/dev/null'

# More than there is room for, by far.
games 3000
ok '3000 clients' test "$(cat 3000.out)" -ge 500
is "$(timeout 10 "$OBJ/sysuserctl" -s "$CONTROL" status | head -n 1 |
    cut -c 1-7)" PROCESS "root's status works"
is "$(timeout 10 "$OBJ/sysuserctl" -s "$CONTROL" lookup 127.0.0.1 1 \
    127.0.0.1 2)" 'verdict=remote' "root's lookup, too"
exec 3>&-
wait "$pid"
ok 'when they have left, the group sees the status again' wait_for eval \
    'as games timeout 5 "$T/sysuserctl" -s "$CONTROL" status >/dev/null'
is "$(pids control; ctl status | awk '$1 == "control" { print $(NF - 1) }')" \
    "$(pids control)
0" 'control was not started again'
ok 'the daemon stops' daemon_stop
finish
