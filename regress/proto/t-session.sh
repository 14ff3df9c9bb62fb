#!/bin/sh
# One session, many messages; one channel, many sessions; and their ends.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=101 program=mail
127.0.0.1 2503 uid=7 holder=102 program=one
127.0.0.1 2503 uid=8 holder=103 program=two
S
fake_start <<S
reject user "man"
S

games='insert 0 X-Sender-Process-Info: user=games program=telnet'

plan 17

is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' 'helo me.test' \
    'message <a@example.test>' 'message <>' 'message <c@example.test>' |
    milter)" "$games
$games
$games" 'three messages'
is "$(counter lookups)" 1 'and one lookup'
is "$(logged | sed 's/.* sender/sender/')" \
    'sender=a@example.test recipients=1
sender=<> recipients=1
sender=c@example.test recipients=1' 'and three lines'

is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <lost@example.test>' \
    'rcpt <b@example.test>' 'rcpt <c@example.test>' abort \
    'mail <lost@example.test>' abort abort 'mail <lost@example.test>' \
    'rcpt <b@example.test>' 'header Subject x' abort \
    'message <last@example.test>' | milter)" "$games" 'RSET, at each place'
is "$(logged | grep -c lost)" 0 'what was aborted is not logged'
is "$(logged | tail -n 1 | sed 's/.* sender/sender/')" \
    'sender=last@example.test recipients=1' 'nor are its recipients counted'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <a@example.test>' \
    'rcpt <b@example.test>' 'rcpt <c@example.test> NOTIFY=NEVER' \
    'rcpt <d@example.test>' eom | milter)" "$games" 'several recipients'
is "$(logged | tail -n 1 | sed 's/.* sender/sender/')" \
    'sender=a@example.test recipients=3' 'are counted'

# The channel stays for the next session, of somebody else (QUIT_NC).  This
# libmilter takes it after a message or an ABORT only.
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message quitnc \
    'macro C {daemon_addr} 127.0.0.1 {daemon_port} 25' \
    'connect next.test 192.0.2.1 2502' message quitnc \
    'macro C {daemon_addr} 127.0.0.1 {daemon_port} 25' \
    'connect next.test 127.0.0.1 2501' message 'mail <a@example.test>' abort \
    quitnc 'macro C {daemon_addr} 127.0.0.1 {daemon_port} 25' \
    'connect next.test 127.0.0.1 2502' 'mail <a@example.test>' |
    milter)" "$games
$games
mail: 550 5.7.1 User man is blocked from sending mail" \
    'sessions that share a channel have nothing else in common'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message quitnc \
    'connect next.test 127.0.0.1 2501' message | milter | tail -n 1)" \
    'insert 0 X-Sender-Process-Info: user=unknown reason=ambiguous' \
    'nor the macros of the first'

# A port that is used again by another user.
is "$(printf '%s\n' quiet 'session 127.0.0.1 2503' message \
    'session 127.0.0.1 2503' message 'use 1' message 'use 2' message | milter |
    sed 's/.* user/user/')" 'user=lp program=one
user=mail program=two
user=lp program=one
user=mail program=two' 'two sessions, one after the other from one port'

# Left without a word, at each place.
{
	for last in '' 'mail <a@example.test>' 'rcpt <b@example.test>' \
	    'header Subject x' 'macro E i Q'; do
		printf '%s\n' 'session 127.0.0.1 2501'
		[ -z "$last" ] || echo 'mail <a@example.test>'
		[ -z "$last" ] || echo "$last"
	done
	printf '%s\n' open open negotiate
} | milter >/dev/null
ok 'sessions that are left are closed' wait_for eval '
    test "$(counter sessions)" = 0'

# Many at once.
awk 'BEGIN { print "quiet"
	for (i = 0; i < 200; i++) print "session 127.0.0.1 2501"
	print "run '"$OBJ/sysuserctl -s $CONTROL"' status | tail -n 1"
	for (i = 1; i <= 200; i++) print "use " i "\nmessage" }' |
    milter >out
is "$(sort out | uniq -c | sed 's/^ *//' | tail -n 2 | grep -c "^200 $games")" \
    1 '200 sessions at once'
like "$(cat out)" ' sessions=200 ' 'are counted'
ok 'and gone' wait_for eval 'test "$(counter sessions)" = 0'
is "$(ctl status | awk '/running$/ { n += $(NF - 1) } END { print n }')" 0 \
    'nobody had to be started again'
ok 'the daemon stops' daemon_stop
finish
