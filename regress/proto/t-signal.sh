#!/bin/sh
# Signals that a worker itself gets, from whomever: only the parent ends it.
# Sessions that are open go on, and others can begin.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start </dev/null

games='insert 0 X-Sender-Process-Info: user=games program=telnet'
workers=$(pids worker | tr '\n' ' ')
others="$(pids resolver) $(pids control) $(pids names | tr '\n' ' ')"

plan 12

for signal in TERM HUP INT USR1; do
	milter >out <<-E
	quiet
	session 127.0.0.1 2501
	mail <a@example.test>
	run kill -$signal $workers $others
	sleep 0.3
	rcpt <b@example.test>
	macro E i QUEUE1
	eom
	message
	session 127.0.0.1 2501
	message
	E
	is "$(cat out)" "$games
$games
$games" "$signal: the session goes on, another one begins"
	is "$(pids worker | tr '\n' ' ')" "$workers" "$signal: it is the same"
done
# One right after another, while sessions come and go.
{
	echo quiet
	for i in 1 2 3 4 5 6 7 8 9 10; do
		printf '%s\n' "run kill -TERM $workers; kill -HUP $workers" \
		    'session 127.0.0.1 2501' "run kill -INT $workers" message \
		    "run kill -TERM $workers" quit
	done
} | milter >out
is "$(sort out | uniq -c | sed 's/^ *//')" "10 $games" 'many signals'
is "$(pids worker | tr '\n' ' ')$(pids resolver) $(pids control) $(
    pids names | tr '\n' ' ')" "$workers$others" 'nobody has left'
is "$(grep -c 'left with\|was ended\|killing' "$LOG")" 0 'says the log, too'
ok 'the daemon stops' daemon_stop
finish
