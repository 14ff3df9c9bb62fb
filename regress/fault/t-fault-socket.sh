#!/bin/sh
# A worker shuts the socket down that all share, as one that was broken into
# might: there is a new one, and nobody of before is left.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/fault/fault.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start </dev/null
plan 28

said='milter-sysuser: a worker has shut its socket down: it gets a new one'
again() {		# DESCRIPTION PATH
	old=$(pids worker | tr '\n' ' ')
	"$DO" shut "${old%% *}" "$2" 2>err ||
	    skip_all "can't take a descriptor: $(cat err)"
	ok "$1: workers are replaced" wait_for all_run $old
	ok "$1: mail is tagged" wait_for tagged
}

again 'a socket' "$MILTER"
is "$(grep -cx "$said" "$LOG")" 1 'the log says so'
is "$(stat -c '%F %a' "$MILTER")" 'socket 660' 'its mode is the same'
again 'once more' "$MILTER"
is "$(grep -cx "$said" "$LOG")" 2 'the log says so'

# The new one can't be had at once.
old=$(pids worker | tr '\n' ' ')
mv "$MILTER" aside
: >"$MILTER"
"$DO" shut "${old%% *}" "$MILTER"
ok 'something is in its place: the log says so' wait_for grep -q \
    "$MILTER: is there and is no socket" "$LOG"
ok 'the parent goes on' eval 'ctl status >status.out'
rm -f "$MILTER" aside
# shellcheck disable=SC2086
ok 'it is gone: workers are replaced' wait_for all_run $old
ok 'mail is tagged' wait_for tagged

# Control's own.
old=$(pid_of control)
"$DO" shut "$old" "$CONTROL"
ok "control's: it is replaced" wait_for all_run "$old"
ok 'mail is tagged' tagged
like "$(cat "$LOG")" 'a control has shut its socket down' 'the log says so'

# The lock knows which sockets are ours.
is "$(head -n 1 state/lock)" "$DAEMON" 'the lock has the pid'
is "$(sed -n 's/^socket //p' state/lock)" "$(for s in "$MILTER" "$CONTROL"; do
    stat -c '%d %i' "$s"; done)" 'and the new sockets'
all=$(processes | sed 's/.*=//')
kill -KILL "$DAEMON"
wait_for gone $all
wait_for test -s daemon.rc
DAEMON=
ok 'a parent is killed, another one takes the sockets over' daemon_start
ok 'mail is tagged' tagged
ok 'the daemon stops' daemon_stop
ok 'and takes its sockets away' test ! -e "$MILTER" -a ! -e "$CONTROL"

# The same with TCP.
port=$(free_port)
sed "s/^listen on .*/listen on inet \"127.0.0.1\" port $port insecure/" \
    "$CONF" >inet.conf
ok 'TCP: it starts' daemon_start "$T/inet.conf"
MILTER=127.0.0.1:$port
ok 'TCP: mail is tagged' tagged
again 'TCP' inet
is "$(grep -cx "$said" "$LOG")" 1 'TCP: the log says so'
# An open session of a worker before does not keep the next socket away.
mkfifo go
{
	printf '%s\n' 'session 127.0.0.1 2501' 'mail <a@b.test>'
	cat go
} | milter >out 2>&1 &
mta=$!
exec 5>go
wait_for grep -q '^mail: ' out
again 'TCP, with a session' inet
exec 5>&-
wait "$mta"
ok 'TCP: the daemon stops' daemon_stop
finish
