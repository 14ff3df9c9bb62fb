#!/bin/sh
# What a rule says is what the MTA gets, to the letter.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=7 holder=100 program=telnet
127.0.0.1 2504 uid=9 holder=100 program=telnet
127.0.0.1 2505 uid=10 holder=100 program=perl5
127.0.0.1 2506 uid=13 holder=100 program=telnet
127.0.0.1 2507 uid=33 holder=100 program=telnet
127.0.0.1 2508 uid=34 holder=100 program=telnet
127.0.0.1 2509 uid=38 holder=100 program=telnet
127.0.0.1 2510 uid=54321 holder=100 program=telnet
127.0.0.1 2511 uid=39 holder=100 program=telnet
127.0.0.1 2512 uid=5000 holder=100 program=telnet
127.0.0.1 2520 sock=none server=none
127.0.0.1 2521 uid=2 holder=100 program=telnet
127.0.0.1 2522 uid=2 holder=100/0 program=sshd exe=/usr/sbin/sshd
127.0.0.1 2523 uid=2 program=telnet
S
long=$(printf 'x%.0s' $(seq 200))
cr=$(printf '\r')
fake_start <<E
reject user "games"
tempfail user "man"
reject user "lp" message "100% of %s and %n: \\"no\\\\more\\""
discard user "news"
reject user "uucp" program "perl*" message "no mail from perl, please"
tempfail user "proxy" message "later%"
quarantine user "www-data"
quarantine user "backup" message "held: 100% %s"
reject user "list" message "$long"
reject uid 54321
reject group "irc" message "a${cr}250 b"
reject uid 5000 - 5001 message " blanks  "
reject user "bin" exe "*/sshd" message "not through sshd"
reject user "bin" not program "telnet" message "only telnet"
tempfail unknown message "who are you?"
E

mail() {	# PORT
	printf '%s\n' "session 127.0.0.1 $1" 'mail <a@example.test>' | milter
}

eom() {		# PORT
	printf '%s\n' quiet "session 127.0.0.1 $1" 'mail <a@example.test>' \
	    'rcpt <b@example.test>' "copies 2 X-Sender-Process-Info" \
	    'macro E i Q1' 'quiet 0' eom | milter
}

plan 33

is "$(mail 2501)" \
    'mail: 550 5.7.1 User games is blocked from sending mail' 'reject'
is "$(mail 2502)" \
    "mail: 451 4.7.1 User man can't send mail now, try again later" 'tempfail'
# The MTA makes one % of two.
is "$(mail 2503)" \
    'mail: 550 5.7.1 100%% of %%s and %%n: "no\x5cmore"' \
    'a message with % and \'
is "$(mail 2505)" 'mail: 550 5.7.1 no mail from perl, please' \
    'user and program'
is "$(mail 2506)" 'mail: 451 4.7.1 later%%' 'tempfail with a message'
is "$(mail 2509)" "mail: 550 5.7.1 $long" 'a long message'
is "$(mail 2510)" 'mail: 550 5.7.1 User #54321 is blocked from sending mail' \
    'a user without an account'
is "$(mail 2511)" 'mail: 550 5.7.1 a 250 b' 'CR is a blank'
is "$(mail 2512)" 'mail: 550 5.7.1  blanks  ' 'blanks are themselves'
is "$(mail 2520)" 'mail: 451 4.7.1 who are you?' 'an unknown owner'
is "$(mail 2522)" 'mail: 550 5.7.1 not through sshd' 'a program file'
is "$(mail 2523)" 'mail: continue' \
    'not program: of a process that is not known nothing is true'
is "$(mail 2521)" 'mail: continue' 'no rule: pass'

is "$(logged | head -n 1)" 'queue=- action=reject rule=1 user=games uid=5 login=- pid=100 program=telnet exe=- cwd=- unit=- sender=a@example.test recipients=0' \
    'a refusal in the log'
is "$(logged | wc -l)" 11 'each refusal is in the log'
is "$(logged | grep -c action=tempfail)" 3 'by its name'

is "$(printf '%s\n' 'session 127.0.0.1 2501' 'mail <a@example.test>' \
    'mail <>' abort 'mail <c@example.test>' | milter | sort | uniq -c |
    sed 's/^ *//')" '3 mail: 550 5.7.1 User games is blocked from sending mail' \
    'every attempt of a session is refused'
is "$(logged | wc -l)" 14 'and logged'

is "$(eom 2504)" 'eom: discard' 'discard: nothing else is said'
is "$(logged | tail -n 1 | cut -d ' ' -f 1-4)" \
    'queue=Q1 action=discard rule=4 user=news' 'but logged'
is "$(logged | tail -n 1 | grep -c stripped)" 0 \
    'without a word on headers that nobody deleted'
is "$(eom 2507)" 'delete 2 X-Sender-Process-Info
delete 1 X-Sender-Process-Info
insert 0 X-Sender-Process-Info: user=www-data program=telnet
quarantine: User www-data is blocked from sending mail
eom: continue' 'quarantine: with our header'
is "$(logged | tail -n 1 | cut -d ' ' -f 1-4)" \
    'queue=Q1 action=quarantine rule=7 user=www-data' 'and logged'
is "$(eom 2508 | grep quar)" 'quarantine: held: 100% %s' \
    'quarantine with a message'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2504' 'mail <a@example.test>' \
    abort 'mail <a@example.test>' quit | milter)" '' 'no end, no message'
is "$(logged | grep -c action=discard)" 1 'and no line'

is "$(counter refused)" 14 'refusals are counted'

# A reload is for new sessions: one session sees one policy.
printf 'tempfail user "games" message "new"\npass' | conf_write
milter >out 2>&1 <<E
session 127.0.0.1 2501
mail <a@example.test>
run $OBJ/sysuserctl -s $CONTROL reload
mail <a@example.test>
session 127.0.0.1 2501
mail <a@example.test>
E
is "$(cat out)" 'mail: 550 5.7.1 User games is blocked from sending mail
mail: 550 5.7.1 User games is blocked from sending mail
mail: 451 4.7.1 new' 'after a reload the session keeps its rules'

printf 'reject user "games" message "caf\303\251"\n' | conf_write
ok 'reload of a message with 8-bit characters fails' eval '! ctl reload 2>err'
line=$(grep -n message "$CONF" | cut -d : -f 1)
is "$(cat err)" "sysuserctl: $CONF:$line: message is not plain ASCII" 'and why'
is "$(mail 2501)" 'mail: 451 4.7.1 new' 'the old rules stay'

printf 'reject\n' | conf_write
ctl reload
is "$(mail 2520)" 'mail: 550 5.7.1 The sending process is not known' \
    'a rule without a condition is for unknown owners, too'
ok 'the daemon stops' daemon_stop
finish
