#!/bin/sh
# How the listening socket reaches libmilter: as "fd:N", or in the place of a
# socket of its own; for each family.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
dup=$OBJ/regress/dup/milterd
[ -x "$dup" ] || bail "$dup: run make"
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
mkdir "$T/libexec"
ln -s "$LIBEXEC/resolver" "$LIBEXEC/names" "$LIBEXEC/control" "$dup" \
    "$T/libexec"

tagged() {	# ADDRESS
	[ "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message |
	    milter "$1")" = \
	    'insert 0 X-Sender-Process-Info: user=games program=telnet' ]
}

often() {	# ADDRESS; so that each worker has its share
	_n=0
	while [ $((_n += 1)) -le 8 ]; do
		tagged "$1" || return 1
	done
}

try() {		# NAME ADDRESS
	ok "$1: the daemon starts" daemon_start || return
	ok "$1: mail is tagged" often "$2"
	is "$(ls "$T/empty")" '' "$1: the chroot is empty"
	_pid=$(pids worker | head -n 1)
	kill -9 "$_pid"
	ok "$1: a worker that died is replaced" wait_for eval '
	    test "$(pids worker | grep -c "^[1-9]")" = 2 &&
	    ! pids worker | grep -q "^'"$_pid"'$" &&
	    test "$(ctl status | grep -c "worker.*running")" = 2'
	ok "$1: and mail goes on" often "$2"
	ok "$1: no new session while it stops, and the open one ends" \
	    drained "$2"
}

# One session is open when the daemon is told to stop.
drained() {
	milter "$1" >out <<-E
	session 127.0.0.1 2501
	mail <a@example.test>
	run kill $DAEMON
	sleep 0.5
	rcpt <b@example.test>
	eom
	quit
	E
	WAIT=30 wait_for test -s "$T/daemon.rc" || return 1
	DAEMON=
	[ "$(cat "$T/daemon.rc")" = 0 ] && [ "$(cat out)" = 'mail: continue
insert 0 X-Sender-Process-Info: user=games program=telnet
eom: continue' ] && ! tagged "$1"
}

inet() {	# ADDRESS PORT
	conf_write </dev/null
	sed "s/^listen .*/listen on inet \"$1\" port $2 insecure/" "$CONF" \
	    >"$CONF.new" && mv "$CONF.new" "$CONF"
}

plan 36
fd=$LIBEXEC
for way in fd dup; do
	[ "$way" = fd ] && LIBEXEC=$fd || LIBEXEC=$T/libexec
	conf_write </dev/null
	try "$way, unix" "$MILTER"
	port=$(free_port)
	inet 127.0.0.1 "$port"
	try "$way, inet" "127.0.0.1:$port"
	if have_v6; then
		port=$(free_port)
		inet ::1 "$port"
		try "$way, inet6" "[::1]:$port"
	else
		skip 6 'no IPv6 here'
	fi
done
finish
