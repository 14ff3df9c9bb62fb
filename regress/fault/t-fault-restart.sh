#!/bin/sh
# A child is killed, and each call that can fail fails once while another one
# takes its place: mail flows meanwhile, and in the end all is as before.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/fault/loop.sh"

calls_need
conf_write <<E
table <t> { "news", "mail" }
reject user <t>
limit user any to 1000000 messages per 1h
E

# Each try takes seconds, for the second death of a child within a minute is
# waited for; so there are fewer of them, and none before.
WARM=0
NUMBERS='1 20 110 400'

message() {
	printf '%s\n' "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" \
	    'mail <a@b.test>' stop 'rcpt <b@c.test>' stop 'header Subject x' \
	    stop 'macro E i Q1' eom quit |
	    timeout 30 perl "$TOP/regress/proto/milter.pl" "$MILTER" ||
	    echo hangs
}
work() {
	_pid=$(sed -n "s/^$KILLED=//p" before)
	kill -KILL "$_pid"
	message
	WAIT=25 wait_for all_run "$_pid" || echo 'it does not come back'
	message
}
# "closed" leaves it to the MTA, which is told to accept.
amiss() {
	grep -v '^insert 0 X-Sender-Process-Info: \|: continue$\|: accept$' \
	    did | grep -v ': closed$'
}

for KILLED in resolver control names-1 worker-1; do
	case $KILLED in
	worker-1) program=milterd ;;
	*)	program=${KILLED%-*} ;;
	esac
	fresh
	loop $program "$KILLED is killed: calls of $program"
	loop milter-sysuser "$KILLED is killed: calls of the parent"
done

# To be told of a death twice is not to be counted on.
fresh
arm milter-sysuser 1 1 waitpid
_pid=$(pid_of control)
kill -KILL "$_pid"
ok 'waitpid is interrupted: control is buried and comes back' \
    wait_for all_run "$_pid"
set -- $(armed)
arm none 0
is "$2 $3" '1 waitpid:' 'it was'

# Workers, which have sessions, don't die because another process that comes
# back has no memory for them.
for KILLED in control resolver; do
	costs= n=0
	while [ $((n += 1)) -le 20 ]; do
		fresh
		arm $KILLED $n 1 event_add
		_pid=$(sed -n "s/^$KILLED=//p" before)
		kill -KILL "$_pid"
		WAIT=30 wait_for all_run "$_pid" || costs="$costs $n: gone"
		set -- $(armed)
		arm none 0
		processes >now
		grep '^worker' before | grep -vxFf now >gone &&
		    costs="$costs $n: $(tr '\n' ' ' <gone)"
		[ "$2" = 1 ] || break
	done
	is "$costs" '' "$KILLED has no memory for a channel: workers stay"
	ok 'all of its channels were tried' test "$n" -gt 3
done
loop_end
