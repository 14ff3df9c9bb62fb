#!/bin/sh
# A configuration that is many messages: all children get it, at start, on
# reload, and in their next life.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=1000001 holder=100 program=P1
127.0.0.1 2503 uid=1003000 holder=100 program=P3000
127.0.0.1 2504 uid=1003000 holder=100 program=P1
127.0.0.1 2505 uid=1001500 holder=100 program=Q1500
S

rules() {		# LETTER
	awk -v letter="$1" 'BEGIN { for (i = 1; i <= 3000; i++)
		printf "reject uid %d program \"%s%d\"\n", 1000000 + i,
		    letter, i }'
}

# Said of the sender at each of these ports: how often of eight times.
said() {
	{
		echo quiet
		for p in 2501 2502 2503 2504 2505; do
			# whichever worker it is
			for i in 1 2 3 4 5 6 7 8; do
				printf '%s\n' "session 127.0.0.1 $p" \
				    'mail <a@example.test>' quit
			done
		done
	} | milter | sort | uniq -c | sed 's/^ *//; s/mail: //'
}

blocked='is blocked from sending mail'
plan 13

rules P | conf_write
ok '3000 rules: it starts' daemon_start || bail "$(tail "$LOG")"
P="8 550 5.7.1 User #1000001 $blocked
8 550 5.7.1 User #1003000 $blocked"
is "$(said)" "$P" 'the first and the last of them count'
ok 'reload' ctl reload
is "$(said)" "$P" 'they still do'
rules Q | conf_write
ok 'reload with others' ctl reload
Q="8 550 5.7.1 User #1001500 $blocked"
is "$(said)" "$Q" 'now the others do'
kill -HUP "$DAEMON"
ok 'by a signal' wait_for eval \
    '[ "$(grep -c "configuration loaded" "$LOG")" -eq 3 ]'

killed=$(pids worker)
# shellcheck disable=SC2086
kill -KILL $killed $(pids resolver)
restarted() {
	[ "$(ctl status | awk '/^(worker|resolver) .* running$/ &&
	    $(NF - 1) == 1 { n++ } END { print n + 0 }')" -eq 3 ]
}
ok 'workers and resolver that were killed come back' wait_for restarted
is "$(said)" "$Q" 'and have all rules'
ok 'reload after that' ctl reload
is "$(said)" "$Q" 'changes nothing'
is "$(grep 'ENOBUFS\|No buffer\|does not read\|killing it\|too long' \
    "$LOG")" '' 'nothing was too much'
ok 'the daemon stops' daemon_stop
finish
