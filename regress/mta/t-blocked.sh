#!/bin/sh
# What a rule says is what the client of that user gets, and nobody else.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<'E'
table <blocked> { "games", "man" }
reject user <blocked>
reject user "news" message "100% of %s and %n: no\more"
tempfail user "lp"
discard user "irc"
quarantine user "list"
reject user "backup" program "perl*" message "no mail from perl, please"
pass
E

# The replies to MAIL and to the end of the message, both or what there is.
try() {			# USER HOST SUBJECT
	message "$3" | smtp "$1" "$2" >out
	sed -n '3p; $p' out
}

plan 17

is "$(message x | head -n 1 | smtp games 127.0.0.1 | said)" \
    '550 5.7.1 User games is blocked from sending mail' \
    'blocked user: refused at MAIL FROM'
if have_v6; then
	is "$(message x | head -n 1 | smtp man ::1 | said)" \
	    '550 5.7.1 User man is blocked from sending mail' \
	    'another one, over IPv6'
else
	skip 1 'no IPv6 here'
fi
is "$(printf '%s\n' 'MAIL FROM:<a@b.test>' 'MAIL FROM:<>' RSET \
    'MAIL FROM:<c@d.test>' NOOP | smtp games 127.0.0.1 | said |
    sed 's/^250 .*/250/')" \
    '550 5.7.1 User games is blocked from sending mail
550 5.7.1 User games is blocked from sending mail
250
550 5.7.1 User games is blocked from sending mail
250' 'every attempt of the session is, and the session goes on'

is "$(message x | head -n 1 | smtp news 127.0.0.1 | said)" \
    '550 5.7.1 100% of %s and %n: no\more' 'the message of the rule, as it is'
is "$(message x | head -n 1 | smtp backup 127.0.0.1 | said)" \
    '550 5.7.1 no mail from perl, please' 'user and program'
like "$(message x | head -n 1 | smtp lp 127.0.0.1 | said)" \
    '^451 4\.7\.1 ' 'tempfail'

like "$(try irc 127.0.0.1 discarded)" '^250 ' 'discard: accepted'
like "$(cat out)" '^250 2\.0\.0 ' 'discard: to the end'
like "$(try list 127.0.0.1 held)" "$QUEUED" 'quarantine: accepted'
like "$(try www-data 127.0.0.1 plain)" "$QUEUED" 'somebody else: accepted'

# Once the last one is there, so would be the others.
file=$(mail_find plain)
is "$(header "$file" | head -n 1)" \
    'X-Sender-Process-Info: user=www-data program=perl' 'and tagged'
is "$(mail_count)" 1 'nothing else was delivered'
held=$(mta_held)
is "$(echo "$held" | grep -c .)" 1 'one message is in quarantine'
is "$(mta_header "$held" | head -n 1)" \
    'X-Sender-Process-Info: user=list program=perl' 'and tagged'
is "$(grep -c 'action=reject' "$LOG") $(grep -c 'action=tempfail' "$LOG") $(
    grep -c 'action=discard' "$LOG") $(grep -c 'action=quarantine' "$LOG") $(
    grep -c 'action=pass' "$LOG")" "$(have_v6 && echo 7 || echo 6) 1 1 1 1" \
    'each is in the log once'

# A CR or LF in a message: refused when it is read, or never sent.
printf 'reject user "games" message "a\r250 b\n250 c"\npass\n' | conf_write
if "$OBJ/milter-sysuser" -n -f "$CONF" 2>err; then
	ctl reload
	is "$(printf '%s\n' 'MAIL FROM:<a@b.test>' NOOP | smtp games 127.0.0.1 |
	    sed 1,2d | cut -c 1-9 | tr -d '\r')" '550 5.7.1
250 2.0.0' 'a message with CR LF is one reply of one line'
	ok 'without CR' eval '! grep -q "$(printf "\r")" out'
else
	like "$(cat err)" "^$CONF:[0-9]+: " 'a message with CR LF is refused'
	skip 1 'and so it is never sent'
fi
finish
