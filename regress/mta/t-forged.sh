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

plan 21

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

# What an MTA may take for the end of the header, or for no header, or mend: in
# the header of what is delivered there is one of ours, or all is in the body.
n=0
while IFS= read -r line; do
	message "odd-$((n += 1))" "X-Sender-Process-Info: user=forged1" \
	    "$(printf "$line")" "X-Sender-Process-Info: user=forged2" "$line"
done >odd <<E
From forged@sender.test Mon Nov 23 00:00:00 2026
>From forged@sender.test Mon Nov 23 00:00:00 2026
$(printf 'X%.0s' $(seq 101)): a name that is too long
X-Sender-Process-Info\t: user=forged3
X-Sender-Process-Info \t : user=forged3
?F?X-Sender-Process-Info: user=forged3
Text: x
no colon
: no name
 no header before\nX-Sender-Process-Info: user=forged3
\t
X-\344: x
X-Sender-Process-Info\344: user=forged3
X-Long: $(printf '%01990d' 0)X-Sender-Process-Info: user=forged3
From: box@sender.test\nFrom: box@sender.test
E
smtp games 127.0.0.1 <odd >out
for i in $(seq $n); do
	is "$(sed '/^$/q' "$(mail_find "odd-$i")" |
	    grep -Eai '^x-sender-process-info[[:space:]]*:')" \
	    'X-Sender-Process-Info: user=games program=perl' \
	    "before and after $(sed -n "/^Subject: odd-$i\$/{n;n;p;}" odd |
	    cut -c 1-40 | tr -c ' -~\n' '?')"
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
