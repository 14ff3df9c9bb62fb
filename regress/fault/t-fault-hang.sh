#!/bin/sh
# A process that stands still without anybody being told: the parent finds out
# and replaces it; mail flows meanwhile.  Nobody else is to blame for a parent
# that stood still itself.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/fault/fault.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start <<E
lookup timeout 500
limit user any to 1000 messages per 1h
E
plan 32

for name in resolver control worker-1 names-1; do
	pid=$(pid_of $name)
	mkfifo hold
	"$DO" hold "$pid" <hold >held &
	holder=$!
	exec 5>hold
	AT_EXIT='exec 5>&-'
	wait_for test -s held || skip_all 'may not trace'
	rm hold held
	ok "$name hangs: mail flows" flows
	label=$(echo $name | tr - ' ')
	if [ $name = names-1 ]; then
		# Nobody waits for it, and a directory may take its time.
		sleep 8
		is "$(pid_of $name)" "$pid" "$name hangs: it is left alone"
		exec 5>&-
	else
		ok "$name hangs: it is replaced" wait_for all_run "$pid"
		is "$(grep -cx "milter-sysuser: $label does not answer: \
killing it" "$LOG")" 1 "$name hangs: the log says so"
		exec 5>&-
	fi
	wait "$holder"
	ok "$name hung: mail is tagged" wait_for tagged
done
is "$(grep -c 'does not answer' "$LOG")" 3 'nobody else was killed'

# SIGSTOP is seen at once.
for name in resolver control worker-1 worker-2 names-1 names-2; do
	pid=$(pid_of $name)
	kill -STOP "$pid"
	ok "$name stopped: it is replaced" wait_for all_run "$pid"
	ok "$name stopped: mail is tagged" wait_for tagged
done
is "$(grep -c 'was stopped: killing it' "$LOG")" 6 'the log says so'

# The parent, for longer than it gives others: with a child that can't answer
# while nobody asks.
processes >before
kill -STOP "$DAEMON"
sleep 7
ok 'the parent stands still: mail is tagged' tagged
kill -CONT "$DAEMON"
sleep 2
processes >after
ok 'it goes on: with the same children' cmp -s before after
ok 'the daemon stops' daemon_stop
finish
