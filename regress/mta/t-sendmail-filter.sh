#!/bin/sh
# Sendmail alone: what F= says happens to mail while the milter is away, the
# lines of README, sendmail -bs for inetd, which knows no daemon, and mail that
# waited in the queue of sendmail(1).

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/sendmail.sh"
. "$TOP/regress/owner/owner.sh"

need pgrep
netns_self

# A listener for each flag, and the lines of README with their paths and port.
filter() {		# NAME PORT FLAG
	echo "MAIL_FILTER(\`$1', \`S=local:$MILTER, F=$3')dnl"
	echo "DAEMON_OPTIONS(\`Name=$1, Family=inet, Addr=127.0.0.1," \
	    "Port=$2, InputMailFilters=$1')dnl"
}
sm_filter() {
	sed -n "/^ *INPUT_MAIL_FILTER/s,\`S=local:[^']*',\`S=local:$MILTER',p
	    /^ *DAEMON_OPTIONS/{s/Port=[a-z]*/Port=2500/;p;}" "$TOP/README"
	filter later 2501 T
	filter never 2502 R
	filter close 2503 4
}
mta_up <<'E'
header "X-Sender-Process-Info" fields { user }
pass
E

# The reply to MAIL, or to the end of the message if it is taken.
send() {		# PORT SUBJECT
	message "$2" 'X-Sender-Process-Info: user=forged' |
	    (PORT=$1 && smtp games 127.0.0.1) | said |
	    grep -Ev '^(250 2\.1\.|354 )' | head -n 1
}

plan 28

is "$(grep -c 'Port=2500' "$MTA/etc/sendmail.mc") $(
    grep -c '^INPUT_MAIL_FILTER\|^ *INPUT_MAIL_FILTER' "$MTA/etc/sendmail.mc")" \
    '1 1' "README has the lines for Sendmail's .mc"
for p in 2500 2501 2502 2503; do
	like "$(send $p "before-$p")" "$QUEUED" "port $p: taken"
	is "$(tag_of "before-$p")" 'user=games' "port $p: tagged"
done

ok 'the milter stops' daemon_stop
like "$(send 2500 away)" "$QUEUED" 'no F=: mail is taken'
is "$(tag_of away)" 'user=forged' 'as it is'
is "$(send 2501 x)" '451 4.3.2 Please try again later' 'F=T: later'
like "$(send 2502 x)" '^554 .* not accepting messages$' 'F=R: refused'
like "$(send 2503 x)" '^421 .* closing connection$' 'F=4: the session is ended'
is "$(mail_count)" 5 'nothing else was delivered'

ok 'it starts again' daemon_start
for p in 2500 2501 2502 2503; do
	like "$(send $p "after-$p")" "$QUEUED" "port $p: taken"
done
is "$(tag_of after-2500)$(tag_of after-2503)" \
    'user=gamesuser=games' 'and tagged'

# Sessions that are open when the workers die stay without the milter, also when
# there are new ones; the next ones don't.
{
	message open-1
	echo "!wait $T/dead"
	message open-2
	echo "!wait $T/back"
	message open-3
} | (PORT=2500 && smtp games 127.0.0.1) >open &
open=$!
{
	message later-1
	echo "!wait $T/dead"
	message later-2 | head -n 1
	echo "!wait $T/back"
	message later-3 | head -n 1
} | (PORT=2501 && smtp games 127.0.0.1) >later &
later=$!
wait_for eval '[ -n "$(queued open)" ] && [ -n "$(queued later)" ]'
for p in $(pgrep -P "$DAEMON"); do
	case $(readlink "/proc/$p/exe") in
	*/milterd) kill -KILL "$p" ;;
	esac
done
: >dead
wait_for mail_find open-2
wait_for grep -q '^451' later
again() {
	n=$((${n:-0} + 1))
	send 2500 "again-$n" >/dev/null
	[ -n "$(tag_of "again-$n" | grep -v forged)" ]
}
ok 'killed workers: the next session is tagged again' wait_for again
: >back
wait "$open" "$later"
is "$(for i in 1 2 3; do echo "$(tag_of "open-$i"):"; done)" \
    'user=games:
:
:' 'no F=: the open session goes on without'
is "$(said <later | grep '^451')" '451 4.3.2 Please try again later
451 4.3.2 Please try again later' 'F=T: the open session is put off'

# One connection for sendmail -bs, as inetd makes it.
inetd() {		# ADDRESS
	# shellcheck disable=SC2046
	perl -MIO::Socket::IP -e '
		my $l = IO::Socket::IP->new(LocalHost => shift,
		    LocalPort => 2510, Listen => 1, ReuseAddr => 1) or die;
		open my $ready, ">", "inetd.ready";
		close $ready;
		my $s = $l->accept;
		open STDIN, "<&", $s;
		open STDOUT, ">&", $s;
		exec @ARGV' "$1" env -i $(sm_env) "$MTA/bin/sendmail" \
	    -C "$MTA/etc/sendmail.cf" -Am -bs &
	AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
	wait_for test -e inetd.ready
	rm inetd.ready
}
for a in 127.0.0.1 192.0.2.2; do
	inetd "$a"
	message "inetd-$a" 'X-Sender-Process-Info: user=forged' |
	    (PORT=2510 && smtp games "$a") >out
	is "$(tag_of "inetd-$a")" 'user=unknown reason=ambiguous' \
	    "inetd, $a: Sendmail does not tell its own end"
done

message waits 'X-Sender-Process-Info: user=forged' | sed '1,3d;/^\.$/d' |
    mta_sendmail games -odq box@rcpt.test
sm_run mail -C "$MTA/etc/submit.cf" -Ac -q
is "$(tag_of waits)" 'user=mail' \
    'from the queue of sendmail(1): who runs that is who sends'
finish
