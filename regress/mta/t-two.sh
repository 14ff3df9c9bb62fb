#!/bin/sh
# Postfix and Sendmail on one milter at the same time: each message has the tag
# of its own sender, a limit counts both, and when one of them is stopped in the
# middle of a session the other goes on.

. "$(dirname "$0")/../lib.sh"

# From here on, what is said to an MTA is said to that one.
use() {			# postfix|sendmail
	eval "${MTA_DIR:-none}_pid=\${MTA_PID:-} ${MTA_DIR:-none}_port=$PORT"
	MTA_DIR=$1
	. "$TOP/regress/mta/$1.sh"
	eval "MTA_PID=\${${1}_pid:-} PORT=\${${1}_port:-}"
}
at_exit() {
	for m in postfix sendmail; do
		use $m
		mta_stop
	done
}

need_root
need perl
use postfix
for m in postfix sendmail; do
	use $m
	mta_start
	case $? in
	1)	skip_all "$WHY" ;;
	2)	bail "$WHY" ;;
	esac
	AT_EXIT=at_exit
done
conf_write <<'E'
limit user "lp" to 2 messages per 1h
reject user "man"
pass
E
daemon_start || exit 1

send() {		# MTA USER SUBJECT DESCRIPTION
	use "$1"
	message "$3" 'X-Sender-Process-Info: user=forged' |
	    smtp "$2" 127.0.0.1 >out
	like "$(tail -n 1 out)" "$QUEUED" "$4"
}

tagged() {		# MTA USER SUBJECT DESCRIPTION
	use "$1"
	is "$(grep -i '^x-sender-process' "$(mail_find "$3")")" \
	    "X-Sender-Process-Info: user=$2 program=perl" "$4"
}

# A session that is held after MAIL until the file exists.
held() {		# MTA USER SUBJECT FILE
	use "$1"
	{
		message "$3" | head -n 1
		echo "!wait $T/$4"
		message "$3" | sed 1d
	} | smtp "$2" 127.0.0.1 >"$3.out" &
	eval "$1_client=$!"
	wait_for grep -q '^250 2.1.0 ' "$3.out"
}

plan 17

for m in postfix sendmail; do
	send $m games "first-$m" "$m: its mail is taken"
	tagged $m games "first-$m" "$m: tagged"
	is "$(message x | head -n 1 | smtp man 127.0.0.1 | said)" \
	    '550 5.7.1 User man is blocked from sending mail' \
	    "$m: who is refused is refused"
done

held postfix news both-1 go
held sendmail www-data both-2 go
: >go
wait "$postfix_client" "$sendmail_client"
tagged postfix news both-1 'both at once: one sender in Postfix'
tagged sendmail www-data both-2 'both at once: another one in Sendmail'
use postfix
is "$(mail_count)" 2 'Postfix has its own mail'
use sendmail
is "$(mail_count)" 2 'and Sendmail its own'

send postfix lp limit-1 'a limit: one through Postfix'
send sendmail lp limit-2 'a limit: one through Sendmail'
use postfix
like "$(message x | head -n 1 | smtp lp 127.0.0.1 | said)" '^451 4\.7\.1 ' \
    'and no third one'

held postfix irc never never
held sendmail games open open
use postfix
mta_stop
use sendmail
: >open
wait "$sendmail_client"
tagged sendmail games open 'Postfix is stopped: the session goes on'
send sendmail news last 'the next one as well'
tagged sendmail news last 'it is tagged'
: >never
wait "$postfix_client"
ok 'exit 0' daemon_stop
finish
