#!/bin/sh
# Who sends most: exact sums where it is piped; on a terminal a screen that
# leaves nothing behind, whatever programs are called.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
need script stty
esc=$(printf '\033')
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=5 holder=100 program=\\x1b[2J\\x07evil
127.0.0.1 2503 uid=6 holder=100 program=perl
127.0.0.1 2504 sock=forgotten
127.0.0.1 2505 uid=54321 holder=100 program=-
127.0.0.1 2506 uid=9
127.0.0.1 2507 uid=13 holder=100 program=$(printf 'p%.0s' $(seq 64))
S
admin_start 2 games <<E
reject user "games" sender "r@*"
tempfail user "games" sender "t@*"
quarantine user "games" sender "q@*"
discard user "games" sender "d@*"
limit user "man" to 2 messages per 1h
E
plan 37

is "$(ctl top)" 'USER     PROGRAM   MSGS/m  RCPT/m   REJ/m   DEF/m  MSGS/h  '\
'RCPT/h   REJ/h   DEF/h  MSGS/d  RCPT/d   REJ/d   DEF/d' 'no mail yet'
is "$(ctl -j top)" '{"rows":[]}' 'nor with -j'

for s in a@x r@x t@x t@x q@x d@x; do
	send 2501 $s 3
done >/dev/null
send 2502 >/dev/null
for i in 1 2 3 4 5; do
	send 2503 a@x 2
done >/dev/null
for p in 2504 2505 2506 2507; do
	send $p >/dev/null
done
p=$(printf 'p%.0s' $(seq 64))
# Of the hour and of the day; a minute may be over by now.
is "$(ctl top | awk 'NR > 1 { print $1, $2, $7, $8, $9, $10, $11, $12, $13,
    $14 }')" "games telnet 3 9 1 2 3 9 1 2
man perl 2 4 0 3 2 4 0 3
#54321 +2D 1 1 0 0 1 1 0 0
games +1B[2J+07evil 1 1 0 0 1 1 0 0
news - 1 1 0 0 1 1 0 0
proxy $p 1 1 0 0 1 1 0 0
unknown - 1 1 0 0 1 1 0 0" 'each row, busiest first'
is "$(ctl top | awk 'NR > 1 && ($3 > $7 || $4 > $8 || $5 > $9 || $6 > $10)')" \
    '' 'no minute has more than its hour'
is "$(ctl top | awk '{ print length, NF }' | sort -u | wc -l)" 1 \
    'all lines have the same columns'
is "$(ctl -j top | perl -MJSON::PP -e '
	for (@{decode_json(<>)->{rows}}) {
		print join(" ", $_->{user}, $_->{uid} // "null", $_->{program},
		    map { my $w = $_; map { $w->{$_} } qw(messages recipients
		    rejected deferred) } @{$_}{qw(hour day)}), "\n";
	}')" "games 5 telnet 3 9 1 2 3 9 1 2
man 6 perl 2 4 0 3 2 4 0 3
#54321 54321 +2D 1 1 0 0 1 1 0 0
games 5 +1B[2J+07evil 1 1 0 0 1 1 0 0
news 9 - 1 1 0 0 1 1 0 0
proxy 13 $p 1 1 0 0 1 1 0 0
unknown null - 1 1 0 0 1 1 0 0" 'JSON says the same'
is "$(TERM=xterm ctl top </dev/null | head -c 4)" USER 'piped: no screen'

#
# On a terminal of ROWS x COLS: what is typed comes from the FIFO keys; the
# state of the terminal before and after is compared.
#
screen() {		# ROWS COLS [ENVIRONMENT...]; leaves $tty
	_rows=$1 _cols=$2
	shift 2
	rm -f keys typescript before after rc top.pid
	mkfifo keys
	cat >run.sh <<-E
	stty rows $_rows cols $_cols
	stty -a >before
	sh -c 'echo \$\$ >top.pid; exec env TERM=xterm $* \
	    "$OBJ/sysuserctl" -s "$CONTROL" top'
	echo \$? >rc
	stty -a >after
	E
	script -qfc 'sh run.sh' typescript <keys >/dev/null 2>&1 &
	tty=$!
	exec 4>keys
	AT_EXIT="exec 4>&-; kill $tty 2>/dev/null"
}
painted() {		# REGEX
	text | grep -aEq -e "$1"
}
shown() {		# REGEX
	wait_for painted "$1"
}
left() {		# WANTED DESCRIPTION; it has ended, and the terminal is well
	wait_for test -s after
	exec 4>&-
	wait "$tty" 2>/dev/null
	is "$(cat rc) $(cmp before after && tail -c 200 typescript |
	    grep -acF "$esc[?25h$esc[?1049l")" "$1 1" "$2"
}
text() {		# the lines that were painted, without attributes
	sed "/^Script /d; s/$esc\[?*[0-9]*[Hl]/&\n/g" typescript |
	    sed "s/$esc\[[0-9;?]*[a-zA-Z]//g" | tr -d '\r' |
	    sed 's/ *$//'
}

screen 24 100
ok 'it draws' shown '^games '
is "$(grep -aoF "$esc[?1049h" typescript | wc -l)" 1 \
    'on a screen of its own'
ok 'the daemon' shown \
    '^milter-sysuser  up .*s  sessions 0  lookups [0-9]+ +[0-9:]{8}$'
ok 'all users' shown '^1 minute:  messages [0-9]+  recipients [0-9]+  rejected [0-9]+  deferred [0-9]+$'
printf d >&4
ok 'd: sorts by the day' shown '^ .*\[1 day\]'
ok 'and sums' shown \
    '^1 day:  messages 10  recipients 18  rejected 1  deferred 5$'
printf h >&4
ok 'h: by the hour' shown '^ .*\[1 hour\]'
ok 'a row' shown '^games +telnet +[0-9]+ +[0-9]+ +3 +9 +3 +9 +1 +2$'
ok 'what is too long is cut' shown '^proxy +p+\+ +'
printf p >&4
ok 'p: a line for each user' shown '^games +[0-9]+ +[0-9]+ +4 +10 +4 +10 +1 +2$'
is "$(tr -d '\33\r\n' <typescript | tr -d ' -~' | wc -c)" 0 \
    'no other control characters'
is "$(grep -ao "$esc[^a-zA-Z]*[a-zA-Z]" typescript | sort -u |
    sed 's/^.//' | tr '\n' ' ')" '[1m [2J [31m [7m [?1049h [?25l [H [m ' \
    'and no sequences but ours'
printf q >&4
left 0 'q: the end'

screen 24 100 NO_COLOR=1
shown 'games '
is "$(grep -ac "$esc\[[0-9;]+m" typescript)" 0 'NO_COLOR: none'
printf '\003' >&4
left 0 '^C: the end'
screen 24 100
shown 'games '
kill -TERM "$(cat top.pid)"
left 0 'SIGTERM: the end'
screen 10 40
shown 'games '
is "$(text | awk 'length > 40' | wc -l)" 0 '40 columns'
ok 'in short' shown '^up [0-9a-z]+  sessions 0 +[0-9:]{8}$'
printf x >&4
printf q >&4
left 0 'another key does nothing'
screen 5 30
ok 'too small' shown 'too small'
kill "$tty"
ok 'the terminal goes away' wait_for gone "$(cat top.pid)"
exec 4>&-

# The daemon goes and comes back: we stay.
since() {		# BYTES REGEX; it was painted after these
	tail -c "+$1" typescript | tr -d '\r' | grep -aEq -e "$2"
}
now() {
	wc -c <typescript
}
screen 24 100
shown 'games '
replace control
ok 'control starts again: it goes on' wait_for since "$(now)" \
    'milter-sysuser  up .* lookups'
n=$(now)
ok 'with its rows' wait_for eval 'send 2501 >/dev/null
    since "$n" "games +telnet +[1-9]"'
daemon_end
ok 'the daemon stops: it is told' wait_for since "$(now)" \
    'no daemon, trying again +[0-9:]{8}'
n=$(now)
ok 'and tried again' wait_for since "$n" 'no daemon, trying again'
ok 'the rows stay' since "$n" 'games +telnet +[1-9]'
daemon_start || bail 'no daemon'
ok 'until it is back' wait_for since "$(now)" 'milter-sysuser  up .* lookups'
ok 'with new ones' wait_for since "$(now)" 'no mail yet'
daemon_end
wait_for since "$(now)" 'no daemon'
printf q >&4
left 0 'q: the end without a daemon'
is "$(ctl top 2>&1; echo $?)" "sysuserctl: $CONTROL: is milter-sysuser \
running? Start it, or name its control socket with -s
1" 'no screen that begins without one'
finish
