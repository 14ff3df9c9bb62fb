#!/bin/sh
# A message that brings more copies of our headers than any honest one does is
# refused for good, before the MTA is told to delete a single one.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=list
127.0.0.1 2503 sock=forgotten
127.0.0.1 2504 uid=9 holder=100 program=telnet
127.0.0.1 2505 uid=10 holder=100 program=telnet
127.0.0.1 2506 uid=13 holder=100 program=telnet
127.0.0.1 2507 uid=33 holder=100 program=telnet
127.0.0.1 2508 uid=34 holder=100 program=telnet
127.0.0.1 2509 uid=38 holder=100 program=telnet
S
name=X-Sender-Process-Info
percent=X-100%s
admin_start 2 root <<E
header "$name" fields { user, program }
header "$percent" value "%u"
header "X-Gone" none
pass user "man" keep header
quarantine user "news"
discard user "uucp"
pass user "proxy" header none
limit user "www-data" to 2 messages per 1h
quarantine user "backup" message "not these words"
tempfail user "list" message "later"
E
plan 55

# What comes of a message of that client: how many headers were deleted, and
# all that is said beside that.
mail() {	# "ADDRESS PORT" COMMAND...
	_from=$1
	shift
	printf '%s\n' quiet "session $_from" 'mail <a@example.test>' \
	    'rcpt <b@example.test>' 'header Subject x' "$@" 'macro E i Q1' \
	    'quiet 0' eom | milter | summary
}
summary() {
	awk '/^delete/ { n++; next }
	    n { print "deleted", n; n = 0 }
	    { print }'
}
ours="insert 0 $percent: games
insert 0 $name: user=games program=telnet
eom: continue"
many="eom: 550 5.7.1 Too many header fields $name"
last() {
	logged | tail -n 1
}

#
# 100 are deleted, of one more none is.
#
is "$(mail '127.0.0.1 2501' "copies 100 $name")" "deleted 100
$ours" '100 copies go, ours is there'
like "$(last)" '^queue=Q1 action=pass rule=- user=games .* stripped=100$' \
    'and are logged'
is "$(mail '127.0.0.1 2501' "copies 101 $name")" "$many" '101: refused'
is "$(last)" 'queue=Q1 action=reject rule=copies user=games uid=5 login=- pid=100 program=telnet exe=- cwd=- unit=- sender=a@example.test recipients=1 copies=101' \
    'and logged'
is "$(mail '127.0.0.1 2501' 'copies 51 x-sender-process-INFO' \
    'header Received x' "copies 50 $name")" "$many" 'in any case, anywhere'
is "$(mail '127.0.0.1 2501' "copies 300 $name-2" 'copies 300 X-Sender')" \
    "$ours" 'as many as you like of other names'
is "$(mail '127.0.0.1 2501' "copies 20000 $name")" "$many" '20000'
like "$(last)" ' copies=20000$' 'all of them are logged'
is "$(counter messages) $(counter refused) $(counter tagged) $(counter stripped
    ) $(counter limited)" '2 3 2 100 0' 'counted as refused, not as gone on'

#
# All names together; the most of one names it.
#
is "$(mail '127.0.0.1 2501' "copies 40 $name" "copies 40 $percent" \
    'copies 20 X-Gone')" "deleted 100
$ours" '100 of three names'
is "$(mail '127.0.0.1 2501' "copies 40 $name" "copies 40 $percent" \
    'copies 21 X-Gone')" "$many" '101 of three names'
is "$(mail '127.0.0.1 2501' "copies 1 $name" 'copies 101 X-Gone')" \
    'eom: 550 5.7.1 Too many header fields X-Gone' \
    'the one that there are most of is told'
# The MTA makes one % of two.
is "$(mail '127.0.0.1 2501' "copies 3 $name" "copies 101 $percent")" \
    'eom: 550 5.7.1 Too many header fields X-100%%s' 'a name with %'

#
# Each message has its own count.
#
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 100 $name" \
    'macro E i Q1' 'quiet 0' eom 'quiet 1' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 100 $name" \
    'macro E i Q2' 'quiet 0' eom | milter | summary)" "deleted 100
$ours
deleted 100
$ours" 'twice 100 in a session'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 101 $name" \
    'macro E i Q1' 'quiet 0' eom 'quiet 1' \
    'mail <a@example.test>' 'rcpt <b@example.test>' \
    'macro E i Q2' 'quiet 0' eom 'quiet 1' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 101 $name" \
    'macro E i Q3' 'quiet 0' eom | milter | summary)" "$many
$ours
$many" 'what comes after one that is refused is a message like others'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 500 $name" abort \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 100 $name" \
    'quiet 0' eom | milter | summary)" "deleted 100
$ours" 'what was before RSET is not counted'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 60 $name" abort \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 101 $name" \
    'quiet 0' eom | milter | summary)" "$many" 'what is after it is'
like "$(last)" '^queue=- .* copies=101$' 'without a queue id'

#
# Of whomever it is: nobody is named who is not known.
#
for from in '192.0.2.1 2501' '127.0.0.1 0' '- 0'; do
	is "$(mail "$from" "copies 100 $name")" 'deleted 100
eom: continue' "of nobody here, $from: 100 go"
	is "$(last)" 'queue=Q1 action=strip stripped=100' 'and are logged'
	n=$(counter refused)
	is "$(mail "$from" "copies 101 $name")" "$many" '101: refused'
	is "$(last)" 'queue=Q1 action=reject rule=copies copies=101' \
	    'and logged, without a name'
	is "$(counter refused)" $((n + 1)) 'and counted'
done
# The macro i of the end of the message is "Q user=bob".
for n in 100 101; do
	printf '%s\n' quiet 'session 192.0.2.1 2501' 'mail <a@example.test>' \
	    'rcpt <b@example.test>' "copies $n $name" \
	    'raw 0000000f444569005120757365723d626f6200' eom | milter >out
	like "$(last)" '^queue=Q\+20user\+3Dbob action=(strip|reject) ' \
	    "a queue id of $n copies names nobody"
done
is "$(mail '127.0.0.1 2503' "copies 101 $name")" "$many" 'of an unknown owner'
like "$(last)" 'action=reject rule=copies user=unknown reason=closed ' \
    'the log says that he is'

#
# Whatever rule would have let it go on.
#
is "$(mail '127.0.0.1 2502' "copies 100 $name")" "deleted 99
insert 0 $percent: man
eom: continue" 'keep header: one of 100 stays'
is "$(mail '127.0.0.1 2502' "copies 101 $name")" "$many" '101: refused'
like "$(last)" ' rule=copies user=man .* recipients=1 copies=101$' \
    'none is kept'
is "$(mail '127.0.0.1 2504' "copies 101 $name")" "$many" \
    'quarantine: refused, and not held'
is "$(mail '127.0.0.1 2506' "copies 101 $name")" "$many" \
    'header none: refused'
is "$(mail '127.0.0.1 2508' "copies 101 $name")" "$many" \
    'the words of the rule are for something else'
# Nothing is deleted from what nobody gets, and its sender is to hear nothing.
is "$(mail '127.0.0.1 2505' "copies 101 $name")" 'eom: discard' 'discard'
like "$(last)" ' action=discard rule=3 user=uucp .* recipients=1$' \
    'is logged as ever'
is "$(printf '%s\n' 'session 127.0.0.1 2509' 'mail <a@b>' | milter)" \
    'mail: 451 4.7.1 later' 'what is refused at MAIL comes first'

#
# A limit counts what goes on.
#
for i in 1 2 3; do
	mail '127.0.0.1 2507' "copies 101 $name"
done >out
is "$(sort -u out)" "$many" 'three are refused'
is "$(repeat 3 send 2507)" '1 451 4.7.1 User www-data is over the limit of 2 messages per 1h, try again in N
2 continue' \
    'and the limit of two has room for two'
like "$(ctl top)" '^www-data +telnet .* 2 +2 +3 +1$' 'top counts both'

#
# Who watches sees it.
#
AT_EXIT='kill -9 $watcher $watcher2 2>/dev/null'
ctl monitor >text &
watcher=$!
ctl -j monitor >json &
watcher2=$!
wait_for eval 'send 2501 look@x >/dev/null; grep -q look text &&
    grep -q look json'
mail '127.0.0.1 2501' "copies 101 $name" >/dev/null
wait_for eval 'grep -q copies text && grep -q copies json'
like "$(grep copies text)" \
    ' queue=Q1 action=reject rule=copies user=games uid=5 ' 'the monitor'
like "$(grep copies json)" '"action":"reject","rule":"copies","user":"games"' \
    'in JSON'
kill "$watcher" "$watcher2"
wait "$watcher" "$watcher2"
AT_EXIT=

#
# Remote mail that we do not touch is nothing that we refuse.
#
rules <<E
strip local
E
ctl reload
is "$(printf '%s\n' 'session 192.0.2.1 2501' 'mail <a@example.test>' |
    milter)" 'mail: accept' 'strip local: remote mail is not looked at'
is "$(mail '127.0.0.1 2501' "copies 101 $name")" "$many" 'local mail is'
is "$(mail '127.0.0.1 0' "copies 101 $name")" "$many" 'port 0 is'
ok 'the daemon stops' daemon_stop
finish
