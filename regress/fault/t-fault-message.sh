#!/bin/sh
# Each call that can fail fails once while a message is on its way: it goes
# through, and with "on failure tempfail" it comes again if it has no tag.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/fault/loop.sh"

calls_need
work() {
	printf '%s\n' "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" \
	    'mail <a@b.test>' stop 'rcpt <b@c.test>' stop 'header Subject x' \
	    stop 'macro E i Q1' eom quit |
	    timeout 30 perl "$TOP/regress/proto/milter.pl" "$MILTER" ||
	    echo hangs
}
conf() {
	conf_write <<-S
	on failure $1
	reject user "mail"
	pass group "news"
	limit user any to 1000000 messages per 1h
	S
}
# "closed" leaves it to the MTA, which is told to accept.
through() {
	grep -v '^insert 0 X-Sender-Process-Info: \|: continue$\|: accept$' did |
	    grep -v ': closed$'
}

conf accept
amiss() {
	through
}
loop milterd 'a message: calls of a worker'
loop resolver 'a message: calls of the resolver'
loop control 'a message: calls of control'
calls_end

conf tempfail
amiss() {
	through | grep -v '^[a-z]*: tempfail$\|^[a-z]*: 4[0-9]* 4\.'
	grep -q '^insert\|: tempfail$\|: 4\|: closed' did ||
	    echo 'has no tag and is not deferred'
}
loop milterd 'a message, on failure tempfail: calls of a worker'
loop resolver 'a message, on failure tempfail: calls of the resolver'
loop control 'a message, on failure tempfail: calls of control'
loop_end
