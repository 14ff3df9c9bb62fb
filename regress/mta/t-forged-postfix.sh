#!/bin/sh
# Copies of our header that came with the message go, however they are written:
# from a local user, from another host, and through sendmail(1).

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/postfix.sh"

mta_up 'smtpd_authorized_xclient_hosts = 127.0.0.0/8' \
    "non_smtpd_milters = \$smtpd_milters" <<E
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

plan 8

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

{
	printf '%s\n' 'EHLO client.test' 'XCLIENT ADDR=192.0.2.77 PORT=4711' \
	    'EHLO remote.test'
	forged remote
} | smtp games 127.0.0.1 >out
file=$(mail_find remote)
like "$(cat "$file")" '192\.0\.2\.77' 'remote: it counts as that host'
is "$(left "$file")" "$kept" 'remote: no copy is left, and none is ours'

# sendmail(1): no SMTP connection, so nobody to be named
forged pipe | sed '1,3d;/^\.$/d' |
    pf_run sendmail -f pipe@sender.test box@rcpt.test
is "$(left "$(mail_find pipe)")" "$kept" 'sendmail: no copy, none is ours'

{
	echo 'HELO client.test'
	forged batch
	echo QUIT
} | sed 's/$/\r/' | pf_run sendmail -bs >out 2>&1
ok 'sendmail -bs takes the message' grep -q 'queued as' out
is "$(left "$(mail_find batch)")" "$kept" 'sendmail -bs: no copy, none is ours'
finish
