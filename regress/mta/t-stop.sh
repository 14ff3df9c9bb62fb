#!/bin/sh
# SIGTERM: the open session is finished, then nothing is left.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

need pgrep
mta_up <<E
pass
E

plan 10

children=$(pgrep -P "$DAEMON")
# shellcheck disable=SC2086
ok 'the daemon has children' test -n "$children"
{
	message open | head -n 1
	echo "!wait $T/go"
	message open | sed 1d
	echo QUIT
} | smtp games 127.0.0.1 >out &
client=$!
wait_for grep -q '^250 2.1.0 ' out
kill "$DAEMON"
# Nothing shall happen: that takes a moment to see.
sleep 1
ok 'a session between MAIL and DATA holds it' test ! -s daemon.rc
: >go
wait "$client"
like "$(cat out)" "$QUEUED" 'the message is accepted'
is "$(header "$(mail_find open)" | head -n 1)" \
    'X-Sender-Process-Info: user=games program=perl' 'and tagged'

WAIT=15 ok 'then the daemon ends' wait_for test -s daemon.rc
is "$(cat daemon.rc)" 0 'with exit 0'
# shellcheck disable=SC2086
ok 'no process is left' wait_for gone $children
ok 'no socket is left' test ! -e "$MILTER" -a ! -e "$CONTROL"
DAEMON=

ok 'it starts again' daemon_start
message again | smtp games 127.0.0.1 >out
mail_find again >/dev/null
ok 'and ends with exit 0 when nothing is open' daemon_stop
finish
