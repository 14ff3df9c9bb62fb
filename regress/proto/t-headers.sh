#!/bin/sh
# Several headers, other texts, none at all: what is ours is on top, what was
# forged is gone, and one session has the headers of one policy.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=a%u\x0d\x0aX-Evil:+1
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 sock=forgotten
127.0.0.1 2504 uid=54321
127.0.0.1 2505 uid=9 holder=100 program=telnet
127.0.0.1 2506 uid=13 holder=100 program=telnet
127.0.0.1 2507 uid=33 holder=100 program=telnet
127.0.0.1 2508 uid=10 holder=100 program=telnet
S
admin_start 2 root <<E
header "X-First" fields { user, uid }
header "X-AuthUser" value "%u"
header "X-Text" value "100%% %{program} by %u (%{uid}) in %{cwd}"
header "X-Gone" none
header none
quarantine user "news" header none message "held"
pass user "proxy" keep header
quarantine user "www-data" message "why not"
discard user "uucp"
pass user "man" header none
E
plan 19

mail() {		# PORT; a message with forged copies of all headers
	printf '%s\n' quiet "session 127.0.0.1 $1" 'mail <a@example.test>' \
	    'rcpt <b@example.test>' 'header X-First: forged' \
	    'copies 1 X-First' 'copies 2 x-authuser' 'copies 1 X-Gone' \
	    'copies 2 X-Sender-Process-Info' 'copies 1 X-Firsts' \
	    'macro E i Q1' 'quiet 0' eom | milter
}
deleted='delete 1 X-First
delete 2 X-AuthUser
delete 1 X-AuthUser
delete 1 X-Gone
delete 2 X-Sender-Process-Info
delete 1 X-Sender-Process-Info'

# The last that is inserted at 0 is the topmost.
is "$(mail 2501)" "$deleted
insert 0 X-Text: 100% a%u+0D+0AX-Evil:+2B1 by games (5) in unknown
insert 0 X-AuthUser: games
insert 0 X-First: user=games uid=5
eom: continue" 'three headers, in their order from the top'
like "$(logged | tail -n 1)" ' stripped=6$' 'the copies are counted'
is "$(mail 2503)" "$deleted
insert 0 X-Text: 100% unknown by unknown (unknown) in unknown
insert 0 X-AuthUser: unknown
insert 0 X-First: user=unknown reason=closed
eom: continue" 'of somebody who is not known'
is "$(mail 2504 | grep insert)" 'insert 0 X-Text: 100% unknown by #54321 (54321) in unknown
insert 0 X-AuthUser: #54321
insert 0 X-First: user=#54321 uid=54321' 'without an account and a process'
is "$(mail 2502)" "$deleted
eom: continue" 'header none in a rule: copies go all the same'
like "$(logged | tail -n 1)" 'action=pass rule=5 user=man uid=6 .*=telnet ' \
    'and the log tells the sender'
is "$(mail 2505)" "$deleted
quarantine: held
eom: continue" 'quarantine without header'
is "$(mail 2507)" "$deleted
insert 0 X-Text: 100% telnet by www-data (33) in unknown
insert 0 X-AuthUser: www-data
insert 0 X-First: user=www-data uid=33
quarantine: why not
eom: continue" 'quarantine with header'
is "$(mail 2508)" 'eom: discard' 'discard: nothing to write'
# Of those that he may keep, the topmost of each name stays.
is "$(mail 2506)" 'delete 2 X-AuthUser
delete 2 X-Sender-Process-Info
insert 0 X-Text: 100% telnet by proxy (13) in unknown
eom: continue' 'keep header: one of each name stays, what is missing is added'
like "$(logged | tail -n 1)" ' stripped=2 kept=yes$' 'and the log says so'

#
# A session has one policy, from its first byte to its last.
#
rules <<E
header "X-Second" value "new %u"
tempfail user "man" message "new"
E
{
	printf '%s\n' quiet 'session 127.0.0.1 2501' \
	    'mail <a@example.test>' 'rcpt <b@example.test>' \
	    'copies 1 X-First' "run $OBJ/sysuserctl -s $CONTROL reload" \
	    'copies 1 X-Second' 'macro E i Q2' 'quiet 0' eom 'quiet 1' \
	    'mail <a@example.test>' 'rcpt <b@example.test>' \
	    'copies 1 X-Second' 'quiet 0' eom \
	    'session 127.0.0.1 2502' 'mail <a@example.test>' \
	    'session 127.0.0.1 2501' 'quiet 1' 'mail <a@example.test>' \
	    'rcpt <b@example.test>' 'copies 1 X-First' 'copies 1 X-Second' \
	    'macro E i Q3' 'quiet 0' eom 'use 1' 'quiet 1' \
	    'mail <a@example.test>' 'rcpt <b@example.test>' 'quiet 0' eom
} | milter >out
old='insert 0 X-Text: 100% a%u+0D+0AX-Evil:+2B1 by games (5) in unknown
insert 0 X-AuthUser: games
insert 0 X-First: user=games uid=5
eom: continue'
is "$(cat out)" "delete 1 X-First
$old
$old
mail: 451 4.7.1 new
delete 1 X-Second
insert 0 X-Second: new games
eom: continue
$old" 'the old ones in sessions that are open, the new ones in new ones'

# Many sessions while it is reloaded again and again: old or new, never both.
cp "$CONF" new
rules <<E
header "X-One" value "1"
header "X-Two" value "1"
reject user "man" message "1"
E
cp "$CONF" one
sed 's/"1"/"2"/' one >two
{
	echo quiet
	for i in $(seq 60); do
		[ $((i % 4)) -ne 0 ] ||
			echo "run cp two '$CONF'; kill -HUP $DAEMON"
		[ $((i % 4)) -ne 2 ] ||
			echo "run cp one '$CONF'; kill -HUP $DAEMON"
		printf '%s\n' 'session 127.0.0.1 2501' 'mail <a@b>' 'rcpt <c@d>' eom
	done
} >in
ctl reload
milter <in >out
is "$(paste -s -d ' \n' out | grep -Ec '^insert 0 X-Two: . insert 0 X-One: .$')" \
    60 'all have both headers'
is "$(paste -s -d ' \n' out | awk '$4 != $8')" '' 'of one policy'
ok 'reloaded' wait_for eval '[ $(grep -c "configuration loaded" "$LOG") -gt 1 ]'

cp one "$CONF"
printf 'header none\n' | rules
ctl reload
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <a@b>' 'rcpt <c@d>' \
    'copies 2 X-Sender-Process-Info' 'quiet 0' eom | milter)" \
    'delete 2 X-Sender-Process-Info
delete 1 X-Sender-Process-Info
eom: continue' 'header none: forged copies go, and that is all'
printf 'header "X-U" value "%%u%%%%%%{exe}"\n' | rules
ctl reload
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <a@b>' 'rcpt <c@d>' \
    'copies 1 X-Sender-Process-Info' 'quiet 0' eom | milter)" \
    'insert 0 X-U: games%unknown
eom: continue' 'another name: that of the default means nothing'
is "$(counter tagged)" "$(($(grep -c 'action=pass\|action=quarantine' \
    "$LOG") - 3))" 'messages that got a header are counted once'
ok 'the daemon stops' daemon_stop
finish
