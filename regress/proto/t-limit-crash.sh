#!/bin/sh
# What limits have counted outlives a reload and any death but that of control,
# which is told; while control is away, mail flows.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=9 holder=100 program=telnet
127.0.0.1 2504 uid=13 holder=100 program=telnet
127.0.0.1 2505 sock=forgotten
127.0.0.1 2506 sock=denied
S
admin_start 2 root <<E
limit user "games" to 3 messages per 1d
E
plan 39

over() {		# USER AMOUNT
	echo "451 4.7.1 User $1 is over the limit of $2 messages per 1d, \
try again in N"
}
left() {		# PORT; how many messages go through now
	repeat 10 send "$1" | sed -n 's/ continue//p'
}

is "$(repeat 2 send 2501)" '2 continue' 'two messages are counted'
ctl reload
is "$(repeat 2 send 2501)" "1 $(over games 3)
1 continue" 'a reload forgets none of them'
{
	echo 'pass user "lp"'
	echo 'limit user "man" to 1 message per 1d'
	echo 'limit user "games" to 5 messages per 1d'
} | rules
ctl reload
is "$(repeat 3 send 2501)" "1 $(over games 5)
2 continue" 'a greater amount, after other rules: two more'
like "$(tail -n 1 "$LOG")" ' action=limit rule=3 user=games ' \
    'by its new number'
echo 'limit user "games" to 4 messages per 1d' | rules
ctl reload
is "$(repeat 2 send 2501)" "2 $(over games 4)" 'a smaller amount: none'
printf '%s\n' 'limit user "games" to 7 messages, 9 recipients per 1d' | rules
ctl reload
is "$(send 2501 a@b.test 5 | seconds)" "451 4.7.1 User games is over the limit \
of 9 recipients per 1d, try again in N" 'recipients were counted as well'
is "$(left 2501)" 2 'and what was refused was not'

echo 'limit user any to 10 messages per 1d' | rules
ctl reload
is "$(repeat 1 send 2501)" '1 continue' 'other matchers are another limit'
rules <<E
limit unknown to 3 messages per 1d
limit user any to 10 messages per 1d
quarantine user "news" sender "q*"
discard user "news" sender "d*"
reject user "news" sender "r*"
tempfail user "news" sender "t*"
E
ctl reload

# Deaths.
is "$(repeat 2 send 2502)" '2 continue' 'two messages of another user'
replace worker
is "$(repeat 1 send 2502)" '1 continue' 'a third after the workers'
replace resolver
is "$(repeat 1 send 2502)" '1 continue' 'one after the resolver'
replace names
is "$(repeat 1 send 2502)" '1 continue' 'one after names'
is "$(left 2502)" 5 'all ten were counted'

# A worker dies while it has a message; MTA and user try again.
mkfifo go
{
	printf '%s\n' 'session 127.0.0.1 2504' 'mail <a@b.test>' \
	    'rcpt <c@d.test>'
	cat go
	printf '%s\n' eom
} | milter >out 2>&1 &
mta=$!
exec 3>go
wait_for grep -q '^mail: ' out
replace worker
exec 3>&-
wait "$mta"
is "$(cat out)" 'mail: continue
eom: closed' 'a worker dies while it has a message'
is "$(left 2504)" 10 'which costs nothing'

# What counts.
for i in q1 d1 r1 r2 t1 q2 d2 p1; do
	send 2503 "$i@b.test" | seconds
done >out
is "$(cut -c 1-3 out | tr '\n' ' ')" 'con dis 550 550 451 con dis con ' \
    'all that can become of a message'
is "$(left 2503)" 5 'five of them count'
is "$(repeat 2 send 2505; repeat 2 send 2506)" "2 continue
1 451 4.7.1 The sending process is over the limit of 3 messages per 1d, try \
again in N
1 continue" 'all who are not known share one count'

# control.
was=$(pids control)
replace control
is "$(grep "$was" "$LOG" | tail -n 1)" \
    "milter-sysuser: control (pid $was) was ended by signal 9" 'control dies'
lost='control was restarted: what limits had counted is lost, they begin anew'
is "$(grep -cx "milter-sysuser: $lost" "$LOG")" 1 'the loss is in the log'
is "$(left 2502)" 10 'and they begin anew'
is "$(repeat 4 send 2505 | head -n 1 | cut -c 1-5)" '1 451' \
    'all of them'
daemon_stop
daemon_start
is "$(left 2502)" 10 'so they do after a restart'

# A stopped control is killed; but if nobody can do that, mail does not wait.
old=$(pids control)
kill -STOP "$old"
ok 'a control that was stopped is replaced' wait_for running control "$old"
is "$(left 2502)" 10 'and its counts are lost, too'
is "$(grep -c "$lost" "$LOG")" 1 'which is said'

control=$(pids control)
worker=$(pids worker | tr '\n' ' ')
kill -STOP "$DAEMON" "$control"
{
	printf '%s\n' quiet 'session 127.0.0.1 2504' 'quiet 0' time \
	    'mail <a@b.test>' time 'rcpt <c@d.test>' 'macro E i Q9' eom time
} | milter >out
is "$(grep -v ' ms$' out)" 'mail: continue
insert 0 X-Sender-Process-Info: user=proxy program=telnet
eom: continue' 'control hangs: mail flows'
is "$(sed -n 's/ ms$//p' out | awk 'NR > 1 && ($1 < 900 || $1 > 10000)')" '' \
    'after the second that it waits' || diag "$(cat out)"
why='control does not tell what is counted: mail goes on without limit'
is "$(grep -cx "worker: rule 2: $why" "$LOG")" 2 'and a warning each time'
kill -CONT "$control"
kill -CONT "$DAEMON"
ok 'it goes on' wait_for running control
is "$(pids control) $(pids worker | tr '\n' ' ')" "$control $worker" \
    'nobody had to be replaced'
is "$(counter uncounted)" 2 'two questions had no answer'
# The charge of that message came late, and still counts.
is "$(left 2504)" 9 'what was let through was counted after all'
is "$(left 2504)" '' 'and limits are in force'

# Many at once while control dies and comes back, which may take longer than
# they wait: what nobody counted is known.
{
	for i in $(seq 40); do
		printf '%s\n' 'session 127.0.0.1 2503' 'mail <p@b.test>' \
		    'rcpt <c@d.test>'
	done
	printf '%s\n' "run kill -9 $control" eoms
} | milter >out 2>&1
ok 'control is back' wait_for running control "$control"
n=$(sed -n 's/ eom: continue//p' out)
ok 'each message has its answer' test "$(awk '/ eom: / { n += $1 }
    END { print n }' out)" -eq 40 || diag "$(grep -v '^mail: c' out)"
ok 'not more than both could let through, and those that nobody counted' \
    test "${n:-0}" -le $((20 + $(counter uncounted) - 2))
left 2503 >out
is "$(left 2503)" '' 'and the limit is in force'

ok 'the daemon stops' daemon_stop
finish
