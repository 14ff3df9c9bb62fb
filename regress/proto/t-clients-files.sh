#!/bin/sh
# Whoever may only look at the status can't take the descriptors that control
# needs for root, the workers and the parent, however few there are.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
getent group games >/dev/null || skip_all 'needs a group games'
fake_script </dev/null
PARENT=$T/few
cp "$OBJ/sysuserctl" "$T/sysuserctl"

# Connect N times and say nothing until stdin ends.  How many of them are
# still connected then.
silent='use IO::Socket::UNIX;
    my ($path, $n) = @ARGV;
    my @all;
    $SIG{PIPE} = "IGNORE";
    $| = 1;
    for (1 .. $n) {
	my $s = IO::Socket::UNIX->new(Peer => $path, Type => 5);
	last unless $s;
	push @all, $s;
    }
    print scalar @all, "\n";
    <STDIN>;
    my $open = grep { $_->blocking(0); my $r = sysread $_, my $b, 100;
	!defined $r && $!{EAGAIN} } @all;
    print "$open\n";'

few() {			# ULIMIT-OPTION
	printf '#!/bin/sh\nulimit %s || exit 1\nexec "%s" "$@"\n' "$1" \
	    "$OBJ/milter-sysuser" >few
	chmod 755 few
	admin_start 2 games </dev/null
}

clients() {		# NAME
	mkfifo hold
	as games perl -e "$silent" "$CONTROL" 700 <hold >clients 2>&1 &
	pid=$!
	AT_EXIT="kill $pid 2>/dev/null"
	exec 5>hold
	is "$(wait_for test -s clients; cat clients)" 700 "$1: 700 clients"
	is "$(for i in 1 2 3 4 5; do
	    timeout 10 "$OBJ/sysuserctl" -s "$CONTROL" status >/dev/null &&
	    echo good; done | grep -c good)" 5 "$1: root's status works"
	control=$(pids control)
	for i in 1 2 3; do
		old=$(pids worker | tr '\n' ' ')
		# shellcheck disable=SC2086
		kill -KILL $old
		# shellcheck disable=SC2086
		ok "$1: workers are back" wait_for running worker $old
	done
	old=$(pids resolver)
	kill -KILL "$old"
	ok "$1: a resolver, too" wait_for running resolver "$old"
	is "$(pids control)" "$control" "$1: control is the same"
	exec 5>&-
	wait "$pid"
	AT_EXIT=
	open=$(tail -n 1 clients)
	rm hold clients
}

plan 22

few '-Sn 64'
clients 'a low soft limit'
ok 'a low soft limit: there is room for 500' test "$open" -eq 500
ok 'a low soft limit: the group sees the status' wait_for eval \
    'as games timeout 5 "$T/sysuserctl" -s "$CONTROL" status >/dev/null'
is "$(awk '/^Max open files/ { print $4 }' "/proc/$(pids control)/limits")" \
    1256 'a low soft limit: control has what it needs'
ok 'the daemon stops' daemon_stop

few '-n 40'
clients 'a low hard limit'
ok 'a low hard limit: there is room for some' test "$open" -ge 1
ok 'a low hard limit: the group sees the status' wait_for eval \
    'as games timeout 5 "$T/sysuserctl" -s "$CONTROL" status >/dev/null'
is "$(grep -c 'control.*left\|control.*makes no sense' "$LOG")" 0 \
    'a low hard limit: nothing is said of control'
ok 'the daemon stops' daemon_stop
finish
