#!/bin/sh
# Each call that can fail fails once while the daemon serves: it goes on, mail
# flows, and the next messages are tagged.  With FAULTS=N as many as that for
# each program.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"

calls_need
conf_write <<E
table <t> { "games" }
pass user "news"
limit user any to 1000000 messages per 1h
E

# Some of all that it does.
work() {
	all_tagged
	for verb in status top tables 'block www-data' 'unblock www-data' \
	    "lookup 127.0.0.1 $CPORT 127.0.0.1 $SPORT" 'test user games' \
	    reload; do
		# shellcheck disable=SC2086
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" $verb
	done >/dev/null 2>&1
	for _p in $(sed -n 's/^\(worker-1\|names-2\|resolver\)=//p' before); do
		kill -9 "$_p"
	done
	all_tagged
	kill -USR1 "$DAEMON"
	WAIT=5 wait_for all_run $(sed -n \
	    's/^\(worker-1\|names-2\|resolver\)=//p' before)
	all_tagged
}

try() {			# PROGRAM N
	arm none 0
	: >tags
	daemon_start >said 2>&1 || { what='does not start'; return 1; }
	processes >before
	arm "$1" "$2"
	work
	what='serves'
	WAIT=40 wait_for all_run || what='is not complete'
	WAIT=40 wait_for all_tagged || what='does not tag'
	[ -z "$(wrong_tags)" ] || what="names $(wrong_tags)"
	[ ! -s daemon.rc ] || what="ends: $(tail -n 1 "$LOG")"
	if [ "$what" = serves ]; then
		arm none 0
		ctl reload >/dev/null 2>&1 || what='does not reload'
		all=$(family)
		calls_end
		# shellcheck disable=SC2086
		wait_for gone $all || what='leaves processes'
		[ "$(cat daemon.rc)" = 0 ] || what='does not end well'
	elif [ -n "$DAEMON" ]; then
		kill -9 "$DAEMON" 2>/dev/null
		wait_for test -s daemon.rc
		DAEMON=
		sleep 2
	fi
	[ "$what" = serves ]
}

for program in milter-sysuser resolver names control milterd; do
	try $program 0 || bail "nothing fails, but it $what"
	daemon_start || bail 'no daemon'
	processes >before
	arm $program 0
	work
	set -- $(armed)
	calls_end
	total=$1 failures=0
	for n in $(which_calls "$total" 5); do
		try $program "$n" && continue
		diag "$program: call $n ($(armed)): $what" "$(tail -n 5 "$LOG")"
		failures=$((failures + 1))
	done
	is "$failures" 0 "$program: $total calls at work"
done
plan "$tests"
finish
