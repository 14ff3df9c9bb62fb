#!/bin/sh
# A configuration that is more than can be handed to a worker is refused, and
# the old one stays; one that is not gets there whatever comes in between.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=1000001 holder=100 program=telnet
S

rules() {		# RULES, of 1001 items each, and the one that counts
	awk -v n="$1" -v uid="$2" 'BEGIN {
		for (i = 1; i <= n; i++) {
			printf "reject sender {"
			for (j = 1; j < 1000; j++)
				printf " \"u%d.%d@example.test\"\n", i, j
			print "}"
		}
		print "reject uid", uid }' | conf_write
}

# It is never there in part.
CONF=$T/one.conf
rules 65 1000001
CONF=$T/two.conf
rules 65 1000002
CONF=$T/milter-sysuser.conf
put() {			# FILE
	cp "$1.conf" new.conf && mv new.conf "$CONF"
}

said() {
	{
		echo quiet
		for i in 1 2 3 4 5 6 7 8; do
			printf '%s\n' 'session 127.0.0.1 2501' \
			    'mail <a@example.test>' quit
		done
	} | milter | sort | uniq -c | sed 's/^ *//; s/mail: //'
}

blocked='8 550 5.7.1 User #1000001 is blocked from sending mail'
many='rules and tables make 80090 items, and a worker takes 65536: '

plan 17

rules 1 1000001
ok 'it starts' daemon_start || bail "$(tail "$LOG")"
is "$(said)" "$blocked" 'a rule is in force'
workers=$(pids worker)

rules 80 1000002
err=$("$OBJ/milter-sysuser" -n -f "$CONF" 2>&1)
is $? 1 '-n refuses what is too much'
like "$err" "$many" 'and says why'
err=$(ctl reload 2>&1)
is $? 1 'so does a reload'
like "$err" "$many" 'in the same words'
is "$(said)" "$blocked" 'the old rule is in force'
is "$(pids worker)" "$workers" 'and nobody had to die'
err=$("$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$CONF" 2>&1)
is $? 1 'nor does it start so'
like "$err" "$many" 'which it says, too'

# Almost as much as there may be, twice and more at the same time.
put one
ok 'what is not too much is loaded' ctl reload
for i in 1 2 3; do
	victim=$(pids worker | awk '$1 > 0' | head -n 1)
	[ -n "$victim" ] || bail 'no worker is left'
	kill -KILL "$victim"
	put two
	kill -HUP "$DAEMON"
	put one
	kill -HUP "$DAEMON"
	ctl block uid "200$i" >/dev/null 2>&1
	wait_for ctl reload
done
ok 'with workers that die in between' wait_for ctl reload
is "$(said)" "$blocked" 'the last one is in force'
is "$(pids worker | wc -w)" 2 'with both workers'
is "$(grep -c 'ENOBUFS\|No buffer\|does not read\|killing it\|too long' \
    "$LOG")" 0 'nothing was too much'
is "$(grep -c 'died .* times' "$LOG")" 0 'and nobody died too often'
ok 'the daemon stops' daemon_stop
finish
