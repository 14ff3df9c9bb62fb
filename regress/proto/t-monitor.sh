#!/bin/sh
# Who watches sees each message once, is told what he missed, and can't keep
# anybody from anything by not looking.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=\\x1b[2J\\x07"\\\\x=+\\xc3\\xa9 exe=/bin/a\\x0ab login=7
127.0.0.1 2502 uid=6 holder=100/0 program=telnet cwd=/home/a=b unit=session-1.scope
127.0.0.1 2503 sock=forgotten
127.0.0.1 2504 uid=9 holder=100 program=telnet
192.0.2.1 2505 sock=none local=no
S
admin_start 2 root <<E
limit user "games" to 2 messages per 1h
reject user "man"
limit unknown to 1 message per 1d
E
plan 23

AT_EXIT='kill -9 $(cat watchers) 2>/dev/null'
: >watchers
monitor() {		# NAME [-j]; leaves its pid in $pid
	"$OBJ/sysuserctl" -s "$CONTROL" ${2:-} monitor >"$1" 2>"$1.err" &
	pid=$!
	echo "$pid" >>watchers
}
# Each of these sees what comes from now on.
seen=0
look() {		# FILE...; until all of them see
	seen=$((seen + 1))
	for _f; do
		wait_for eval 'send 2504 "look$seen" >/dev/null;
		    grep -q "look$seen\"\{0,1\}[ ,]" "$_f"'
	done
}
events() {		# FILE; without those of look()
	grep -v '[:=]"\{0,1\}look' "$1"
}

monitor text
text=$pid
monitor json -j
json=$pid
monitor third
third=$pid
look text json third
kill "$third"
wait "$third"
is "$? $(cat third.err)" '0 ' 'SIGTERM is a good end'

{
	for i in 1 2; do
		printf '%s\n' 'session 127.0.0.1 2501' 'mail <a@b=c+>' \
		    'rcpt <c@d>' 'rcpt <e@f>' "macro E i Q$i" eom
	done
	printf '%s\n' 'session 127.0.0.1 2501' 'mail <>' 'mail <>' \
	    'session 127.0.0.1 2502' \
	    'macro M {auth_authen} lo=g' 'mail <a@b>' \
	    'session 127.0.0.1 2503' 'mail <u@v>' 'rcpt <c@d>' \
	    'macro E i Q5' eom 'mail <u@v>' \
	    'session 127.0.0.1 2504' 'mail <abort@x>' 'rcpt <c@d>' abort \
	    'session 192.0.2.1 2505' 'mail <remote@x>' 'rcpt <c@d>' \
	    'macro E i Q6' eom
} | milter >/dev/null
look text json

is "$(events text | sed 's/ time=[0-9-]*T[0-9:]*Z / /; s/ends=.*/ends=N/')" \
    'event=message queue=Q1 action=pass rule=none user=games uid=5 login=7 pid=100 program=+1B[2J+07"\\x+3D+2B+C3+A9 exe=/bin/a+0Ab holders=1 source=scan sender=a@b+3Dc+2B recipients=2
event=message queue=Q2 action=pass rule=none user=games uid=5 login=7 pid=100 program=+1B[2J+07"\\x+3D+2B+C3+A9 exe=/bin/a+0Ab holders=1 source=scan sender=a@b+3Dc+2B recipients=2
event=limit user=games uid=5 rule=1 most=2 unit=messages window=1h ends=N
event=message queue=- action=limit rule=1 user=games uid=5 login=7 pid=100 program=+1B[2J+07"\\x+3D+2B+C3+A9 exe=/bin/a+0Ab holders=1 source=scan sender=<> recipients=0
event=message queue=- action=limit rule=1 user=games uid=5 login=7 pid=100 program=+1B[2J+07"\\x+3D+2B+C3+A9 exe=/bin/a+0Ab holders=1 source=scan sender=<> recipients=0
event=message queue=- action=reject rule=2 user=man uid=6 pid=100 program=telnet holders=1 holder=root source=scan cwd=/home/a+3Db unit=session-1.scope sender=a@b recipients=0 auth=lo+3Dg
event=message queue=Q5 action=pass rule=none user=unknown reason=closed sender=u@v recipients=1
event=limit user=unknown rule=3 most=1 unit=messages window=1d ends=N
event=message queue=- action=limit rule=3 user=unknown reason=closed sender=u@v recipients=0' \
    'a line for each message that ends, and for each limit'
like "$(grep '"limit"' json)" ',"most":2,"unit":"messages","window":"1h","ends":[0-9]+}' \
    'numbers are numbers'
like "$(head -n 1 text)" \
    ' time=[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z ' \
    'with the time'
is "$(tr -d ' -~\n' <text | wc -c)" 0 'nothing that a terminal obeys'
is "$(perl -MJSON::PP -ne '
	my $o = JSON::PP->new->decode($_);
	(delete $o->{time}) =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ or die;
	$o->{ends} = "N" if $o->{ends};
	next if ($o->{sender} // "") =~ /^look/;
	print join(" ", map { "$_=$o->{$_}" } grep { exists $o->{$_} }
	    qw(event queue action), $o->{event} eq "limit" ?
	    qw(user uid rule most unit window ends) : qw(rule user reason uid
	    login pid program exe holders holder source cwd unit sender
	    recipients auth)), "\n";
    ' json)" "$(events text | sed 's/ time=[^ ]*//; s/ends=.*/ends=N/')" \
    'JSON: the same, an object on each line'

# One who does not look.
kill -STOP "$text"
n=0
while [ $((n += 200)) -le 2000 ]; do
	{
		echo quiet
		for i in $(seq 200); do
			printf '%s\n' 'session 127.0.0.1 2502' \
			    'mail <many@x>' quit
		done
	} | milter
	# who looks has his turn
	wait_for eval '[ $(grep -c many@x json) -ge $n ]'
done >out
is "$(sort out | uniq -c | sed 's/^ *//')" '2000 mail: 550 5.7.1 User man is blocked from sending mail' \
    'messages that somebody does not look at'
is "$(grep -c many@x json) $(grep -c '"lost"' json)" '2000 0' \
    'who looks sees all'
kill -CONT "$text"
look text
n=$(grep -c many@x text) lost=$(sed -n 's/^event=lost count=//p' text)
ok 'the other one does not' test "${lost:-0}" -gt 0
is "$((n + ${lost:-0}))" 2000 'and is told of how many'
ok 'once' eval '[ $(grep -c event=lost text) -eq 1 ]'

# As many as may be.
i=2
while [ $((i += 1)) -le 32 ]; do
	monitor "m$i"
done
look text json $(seq -f m%.0f 3 32)
ctl monitor >out 2>&1
is "$? $(cat out)" '1 sysuserctl: too many monitors: end one' \
    'the 33rd is refused'
kill "$pid"
wait "$pid"
monitor again
look again
ok 'until another one leaves' test -s again
kill "$pid"
wait "$pid"

# The reader goes.
ctl monitor 2>err | head -n 1 >out &
wait_for eval 'send 2504 x@y >/dev/null; test -s out'
send 2504 x@y >/dev/null
wait $!
is "$? $(cat err)" '0 ' 'nobody reads: an end without a word'
ctl monitor 2>err >/dev/full &
pid=$!
wait_for eval 'send 2504 x@y >/dev/null; gone $pid'
wait "$pid"
is "$? $(cat err)" '1 sysuserctl: stdout: No space left on device' \
    'a disk that is full'

# None of them looks: control keeps no more than it must.
kill -STOP $(cat watchers) 2>/dev/null
before=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pids control)/status")
{
	echo quiet
	for i in $(seq 2000); do
		printf '%s\n' 'session 127.0.0.1 2502' 'mail <deaf@x>' quit
	done
} | milter | sort -u >out
is "$(cat out)" 'mail: 550 5.7.1 User man is blocked from sending mail' \
    'none of them looks: mail flows'
after=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pids control)/status")
ok 'which takes little memory' test $((after - before)) -lt 16384 ||
    diag "$before $after"
ok "root's status works" eval 'timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" \
    status >/dev/null'
ctl block nobody >/dev/null
ok 'and a block' eval 'ctl tables | grep -q "^  nobody "'
kill -CONT $(cat watchers) 2>/dev/null
look json m3
ok 'they go on where they can' eval '[ $(grep -c event=lost m3) -eq 1 ]'
is "$(sort -u *.err)" '' 'nobody was dropped'

# The end.
ok 'the daemon stops' daemon_stop
wait "$json"
is "$? $(cat json.err)" '1 sysuserctl: the daemon closed the connection' \
    'who looks is told that it is the end'
finish
