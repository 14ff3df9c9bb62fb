#!/bin/sh
# Copies of our header that came with the message go, however they are written:
# through SMTP and through sendmail(1).

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
pass
E

tab=$(printf '\t')

forged() {		# SUBJECT
	message "$1" \
	    'X-Sender-Process-Info: user=forged1 program=sshd' \
	    'X-Kept-1: user=fine' \
	    'x-sender-process-info: user=forged2' \
	    'X-SENDER-PROCESS-INFO:user=forged3' \
	    'X-Sender-Process-Info:' \
	    "${tab}user=forged4" \
	    ' program=forged4' \
	    'X-Sender-Process-Info : user=forged5' \
	    'X-Sender-Process-Info: user=forged6' \
	    'X-Sender-Process-Info: user=forged6' \
	    'X-Sender-Process-Info-2: user=fine' \
	    'From: fine@sender.test' \
	    'x-SENDER-process-INFO: user=forged7' \
	    '' \
	    'X-Sender-Process-Info: user=fine in the body'
}

# What is left of them: copies, parts of copies, and those lines to be kept.
left() {		# FILE
	grep -Ei '^x-sender-process-info *:|forged[0-9]|fine' "$1"
}
kept='X-Kept-1: user=fine
X-Sender-Process-Info-2: user=fine
From: fine@sender.test
X-Sender-Process-Info: user=fine in the body'

plan 6

forged local | smtp games 127.0.0.1 >out
is "$(left "$(mail_find local)")" \
    "X-Sender-Process-Info: user=games program=perl
$kept" 'local: ours is the only copy'

# The second message of a session is a message like the first.
{ forged twice1; forged twice2; } | smtp news 127.0.0.1 >out
for s in twice1 twice2; do
	is "$(left "$(mail_find $s)")" \
	    "X-Sender-Process-Info: user=news program=perl
$kept" "$s of one session: ours is the only copy"
done

forged pipe | sed '1,3d;/^\.$/d' |
    mta_sendmail games -f pipe@sender.test box@rcpt.test
is "$(left "$(mail_find pipe)")" "$SUBMITTED$kept" 'sendmail: no copy'

# No SMTP connection, so nobody to be named.
{
	echo 'HELO client.test'
	forged batch
	echo QUIT
} | mta_bs >out 2>&1
like "$(cat out)" "$QUEUED" 'sendmail -bs takes the message'
is "$(left "$(mail_find batch)")" "$kept" 'sendmail -bs: no copy, none is ours'
finish
