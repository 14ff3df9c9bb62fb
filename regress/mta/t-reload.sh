#!/bin/sh
# SIGHUP and `sysuserctl reload`: the next session meets the new rules; of a
# broken file nothing is taken, and it is said which line is wrong.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
pass
E

mail() {		# the reply to MAIL, of a session of its own
	echo 'MAIL FROM:<a@b.test>' | smtp games 127.0.0.1 | said
}

refused() {
	mail | grep -q '^550 '
}

broken() {		# a configuration; the number of its wrong line
	printf 'reject user "games"\nreject usr "games"\npass\n' | conf_write
	bad=$CONF:$(sed -n '/usr/=' "$CONF"):
}

accepted='^250 2\.1\.0 '
blocked='550 5.7.1 User games is blocked from sending mail'

plan 15

like "$(mail)" "$accepted" 'to begin with: accepted'

echo 'reject user "games"' | conf_write
kill -HUP "$DAEMON"
ok 'SIGHUP: the new rule is in force' wait_for refused
is "$(mail)" "$blocked" 'and stays'

echo pass | conf_write
ok 'sysuserctl reload succeeds' ctl reload
like "$(mail)" "$accepted" 'the next session meets the new rules'

# A session keeps the rules that it began with.
{
	echo 'EHLO client.test'
	echo "!wait $T/go"
	echo 'MAIL FROM:<a@b.test>'
} | smtp games 127.0.0.1 >open &
wait_for grep -q '^250 ' open
echo 'reject user "games"' | conf_write
ctl reload
is "$(mail)" "$blocked" 'again'
: >go
wait $!
like "$(tail -n 1 open)" "$accepted" 'an open session keeps the rules it had'

echo pass | conf_write
ctl reload
broken
ctl reload >err 2>&1
is $? 1 'sysuserctl reload of a broken file exits 1'
is "$(wc -l <err)" 1 'with one line'
like "$(cat err "$LOG")" "$bad " 'file and line are named'
like "$(mail)" "$accepted" 'the old rules stay'
: >"$LOG.before"
cp "$LOG" "$LOG.before"
count() {
	grep -cF "$bad " "$1"
}
kill -HUP "$DAEMON"
ok 'SIGHUP: file and line are in the log' \
    wait_for eval '[ $(count "$LOG") -gt $(count "$LOG.before") ]'
like "$(mail)" "$accepted" 'the old rules stay'

message last | smtp games 127.0.0.1 >out
is "$(header "$(mail_find last)" | head -n 1)" \
    'X-Sender-Process-Info: user=games program=perl' 'after all that: tagged'
ok 'exit 0' daemon_stop
finish
