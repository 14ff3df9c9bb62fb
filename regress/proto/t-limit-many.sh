#!/bin/sh
# 500 messages of one user, in sessions of all workers, come to their end at
# the same time: so many get through as are allowed, and not one more.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
S
fake_start <<E
limit user "games" to 200 messages per 1h message "messages"
limit user "man" to 700 recipients per 1h message "recipients"
E

many() {	# PORT RECIPIENTS
	{
		echo quiet
		for _i in $(seq 500); do
			printf '%s\n' "session 127.0.0.1 $1" \
			    'mail <a@example.test>'
			for _r in $(seq "$2"); do
				echo "rcpt <$_r@example.test>"
			done
		done
		echo eoms
	} | milter
}

plan 5

is "$(many 2501 1)" '300 eom: 451 4.7.1 messages
200 eom: continue' '200 messages of 500 get through'
is "$(many 2502 3)" '267 eom: 451 4.7.1 recipients
233 eom: continue' '233 messages with 3 recipients each make 699'
is "$(printf '%s\n' 'session 127.0.0.1 2502' 'mail <a@example.test>' \
    'rcpt <b@example.test>' eoms | milter)" 'mail: continue
1 eom: continue' 'there is room for one recipient more'
is "$(grep -c 'action=pass .*user=games' "$LOG")" 200 'the log says the same'
is "$(grep -c 'limit reached' "$LOG")" 2 'and warns once for each'
finish
