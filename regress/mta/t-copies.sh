#!/bin/sh
# Who sends our header a hundred times gets it deleted; who sends it thousands
# of times gets his message back, at once and for good.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
lookup timeout 5000
limit user "games" to 2 messages per 1h
pass
E

copies() {	# SUBJECT N
	message "$1" | awk -v n="$2" '{ print }
	    /^Subject:/ { while (n-- > 0) print "X-Sender-Process-Info: x" }'
}

# What is said of the message itself.
reply() {	# FILE
	said <"$1" | grep -v '^221 ' | tail -n 1
}
many='550 5.7.1 Too many header fields X-Sender-Process-Info'

plan 14

copies hundred 100 | smtp games 127.0.0.1 >out
like "$(reply out)" "$QUEUED" 'a message with 100 copies is taken'
is "$(header "$(mail_find hundred)" | grep -i '^x-sender-')" \
    'X-Sender-Process-Info: user=games program=perl' \
    'and delivered with one, the true one'

copies one-more 101 | smtp games 127.0.0.1 >out
is "$(reply out)" "$many" 'one more: refused'
like "$(grep 'rule=copies' "$LOG")" \
    '^worker: queue=[0-9A-Za-z]+ action=reject rule=copies user=games .* recipients=1 copies=101$' \
    'and logged, with the queue id'
copies thousand 1000 | smtp games 127.0.0.1 >out
is "$(reply out)" "$many" '1000: refused'

# A header so large is too much for Sendmail itself.
case $MTA_NAME in
Sendmail)	wanted='552 5.6.0 Headers too large' known=2 ;;
*)		wanted=$many known=3 ;;
esac
copies many 20000 | smtp games 127.0.0.1 >out
like "$(reply out)" "^$wanted" '20000: refused'

# The session goes on, and nothing of it is left.
{ copies first 101; message second; } | smtp games 127.0.0.1 >out
is "$(said <out | grep -c "^$many")" 1 'one message of a session is refused'
is "$(header "$(mail_find second)" | grep -i '^x-sender-')" \
    'X-Sender-Process-Info: user=games program=perl' \
    'the next one is delivered'
is "$(message third | head -n 1 | smtp games 127.0.0.1 | said |
    grep -c '^451 4\.7\.1 User games is over the limit of 2 messages')" 1 \
    'the limit has counted these two'

# Without an SMTP connection there is nobody to name.
{
	echo 'HELO client.test'
	copies batch 101
	echo QUIT
} | mta_bs >out 2>&1
# Postfix takes it before it looks at it, so the sender gets it back.
if grep -Eq "$QUEUED" out; then
	delivered=3
	like "$(cat "$(mail_find 'Undelivered Mail Returned to Sender')")" \
	    "^<box@rcpt.test>: ${many#* * }\$" 'sendmail -bs: sent back'
else
	delivered=2
	is "$(reply out)" "$many" 'sendmail -bs: refused'
fi
like "$(tail -n 1 "$LOG")" \
    '^worker: queue=[0-9A-Za-z]+ action=reject rule=copies copies=101$' \
    'and logged, without a name'

is "$(mail_count)" $delivered 'two messages, and that, are delivered'
is "$(ctl status | tr ' ' '\n' | grep -E '^(messages|refused|stripped)=' |
    paste -s -d ' ' -)" "messages=2 refused=$((known + 3)) stripped=100" \
    'the others were refused before anything was deleted'
is "$(grep -c 'rule=copies' "$LOG")" $((known + 2)) 'each of them is logged'
finish
