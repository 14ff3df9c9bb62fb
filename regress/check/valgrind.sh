#!/bin/sh
# All processes of a daemon under memcheck, then under helgrind: a lookup,
# sessions, a limit, a block, a reload and the stop.  What each process says
# goes to a file that it opens before it gives up root; valgrind.supp has what
# is not ours, and why.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

need valgrind
fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=101 program=mail
S

rules() {
	conf_write <<S
reject user "man" sender "*@refused.test"
limit user any to 3 messages per 1h
pass
S
}

# In place of lib.sh's, which starts the daemon itself.
daemon_run() {
	valgrind --tool="$tool" --quiet --trace-children=yes --vgdb=no \
	    --error-exitcode=99 --log-file="$T/$tool.%p" \
	    --suppressions="$TOP/regress/check/valgrind.supp" $options \
	    "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

sessions() {
	printf '%s\n' quiet 'session 127.0.0.1 2502' \
	    'message <x@refused.test>' message | milter
	printf '%s\n' quiet 'session 127.0.0.1 2501' message message message |
	    milter
}

round() {	# TOOL OPTION...
	tool=$1
	shift
	options=$*
	rules
	rm -f "$T/$tool".*
	# It gives its children 10 s to start, which may be too short here.
	WAIT=120 daemon_start || WAIT=120 daemon_start ||
	    bail "no daemon under $tool"
	sessions >out 2>&1
	ok "$tool: sessions" grep -q 'user=games program=telnet' out
	like "$(ctl lookup 127.0.0.1 2501 127.0.0.1 25)" 'user=games' \
	    "$tool: a lookup"
	ok "$tool: a block" eval 'ctl block daemon >/dev/null'
	ok "$tool: a reload" ctl reload
	sessions >out 2>&1
	ok "$tool: status" eval 'ctl status >/dev/null'
	ok "$tool: top" eval 'ctl top >/dev/null'
	ok "$tool: tables" eval 'ctl tables >/dev/null'
	ok "$tool: the stop" daemon_stop
	# but that it does not know all system calls
	is "$(cat "$T/$tool".* | grep -v '^--[0-9]*-- ')" '' \
	    "$tool: nothing to say"
	is "$(ls "$T/$tool".* | wc -l)" "$processes" "$tool: of all processes"
}

processes=7	# parent, resolver, names x 2, control, milterd x 2
plan 20
round memcheck --leak-check=no
round helgrind --history-level=approx
finish
