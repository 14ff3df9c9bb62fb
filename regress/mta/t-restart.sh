#!/bin/sh
# Whichever process is killed: mail is accepted meanwhile, and soon tagged
# again. When it is the parent, nothing of it stays, and it can be started anew.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

need pgrep
mta_up <<E
pass
E

n=0
send() {		# leaves the replies in out
	n=$((n + 1))
	message "mail-$n" | timeout 10 perl -e "$SMTP" 127.0.0.1 "$PORT" >out
}

accepted() {
	send && tail -n 1 out | grep -Eq "$QUEUED"
}

tagged() {
	accepted && header "$(mail_find "mail-$n")" | head -n 1 |
	    grep -qx 'X-Sender-Process-Info: user=root program=perl'
}

ok 'to begin with: tagged' tagged
for child in $(pgrep -P "$DAEMON"); do
	name=$(readlink "/proc/$child/exe")
	name=${name##*/}
	kill -KILL "$child"
	ok "$name killed: mail is accepted within 10 s" accepted
	ok "$name killed: tagged again" wait_for tagged
	ok "$name killed: the daemon runs" kill -0 "$DAEMON"
done

children=$(pgrep -P "$DAEMON")
kill -KILL "$DAEMON"
ok 'parent killed: mail is accepted within 10 s' accepted
# shellcheck disable=SC2086
ok 'parent killed: its children leave' wait_for gone $children
wait_for test -s daemon.rc
DAEMON=
ok 'it starts over what it left' daemon_start
ok 'and tags' tagged
ok 'exit 0' daemon_stop
plan "$tests"
finish
