#!/bin/sh
# Who has had his share waits, and only he; what we refuse costs nothing.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=9 holder=100 program=perl
127.0.0.1 2504 uid=54321 holder=100 program=perl
127.0.0.1 2505 sock=forgotten
127.0.0.1 2506 uid=13 holder=100 program=perl
127.0.0.1 2507 uid=13 holder=100 program=telnet
127.0.0.1 2508 uid=10 holder=100 program=telnet
127.0.0.1 2509 uid=33 holder=100 program=telnet
127.0.0.1 2510 uid=34 holder=100 program=telnet
S
fake_start <<E
limit user "news" to 5 messages per 1h
limit user "proxy" program "perl" to 1 message per 1h message "one a day"
limit user "uucp" to 2 messages per 1d, 100 messages per 1h
reject user any sender not from { "*@example.test", "<>" }
limit user "www-data" to 4 recipients per 90s
discard user "backup"
limit user any to 3 messages, 10 recipients per 1h
pass
E

# What comes of a message: the reply that refuses it, or the last one.
send() {	# PORT [RECIPIENTS [SENDER]]
	_i=0
	{
		printf '%s\n' quiet "session 127.0.0.1 $1" \
		    "mail <${3-a@example.test}>" stop
		while [ $((_i += 1)) -le "${2:-1}" ]; do
			echo "rcpt <b$_i@example.test>"
		done
		printf '%s\n' 'macro E i Q1' 'quiet 0' eom
	} | milter | sed -n 's/^\(mail\|eom\): //p' | head -n 1
}

repeat() {	# N COMMAND...; how many times it printed what
	_n=$1
	shift
	while [ $((_n -= 1)) -ge 0 ]; do
		"$@"
	done | sed 's/in [0-9]* [a-z]*$/in N/' | sort | uniq -c | sed 's/^ *//'
}

plan 18

over='451 4.7.1 User games is over the limit of 3 messages per 1h, try again in N'
is "$(repeat 5 send 2501)" "2 $over
3 continue" 'three messages, and no more'
is "$(repeat 4 send 2502 | sort -r | head -n 1)" '3 continue' \
    'another user has a share of his own'
is "$(repeat 6 send 2503)" "1 451 4.7.1 User news is over the limit of 5 \
messages per 1h, try again in N
5 continue" 'a user with a rule of his own before the one for all'
is "$(repeat 2 send 2506)" "1 451 4.7.1 one a day
1 continue" 'only the first limit that matches counts; a message of its own'
is "$(repeat 4 send 2507)" "$(echo "$over" | sed 's/games/proxy/; s/^/1 /')
3 continue" 'another program of that user counts elsewhere'
is "$(repeat 3 send 2508)" "1 451 4.7.1 User uucp is over the limit of 2 \
messages per 1d, try again in N
2 continue" 'of several windows any may be full'
is "$(repeat 5 send 2505)" '5 continue' 'who is not known has no limit'
is "$(repeat 4 send 2504)" "$(echo "$over" | sed 's/games/#54321/; s/^/1 /')
3 continue" 'a uid without an account'

is "$(send 2509 5)" "451 4.7.1 User www-data is over the limit of 4 \
recipients per 90s with this message alone" 'more recipients than ever'
is "$(send 2509 3)" continue 'that was not counted'
like "$(send 2509 2)" ' over the limit of 4 recipients per 90s, ' \
    'and not what is too much now'
is "$(send 2509 1)" continue 'but what fits, does'
like "$(send 2509 1)" '^451 ' 'no more'

is "$(repeat 3 send 2510 1 a@elsewhere.test | sed 's/User.*/X/')" \
    '3 550 5.7.1 X' 'refused by a rule'
is "$(send 2510)" discard 'and that cost nothing'
{
	printf '%s\n' quiet 'session 127.0.0.1 2510'
	for i in 1 2 3 4; do
		printf '%s\n' 'mail <a@example.test>' 'rcpt <b@c>' abort
	done
} | milter
is "$(send 2510 1 '<>')" discard 'nor do messages that are given up'

is "$(grep -c '^control: limit reached: user=games rule=7 3 messages per 1h,' \
    "$LOG")" 1 'one warning for each user and window'
is "$(sed -n 's/.*\(action=[^ ]* rule=[^ ]* user=games\) .*/\1/p' "$LOG" |
    sort | uniq -c | sed 's/^ *//')" '2 action=limit rule=7 user=games
3 action=pass rule=8 user=games' 'the log names the rule'
finish
