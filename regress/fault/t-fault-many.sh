#!/bin/sh
# Much of everything: sessions, headers, recipients, bytes; and an MTA that is
# gone in the middle of any of it.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/fault/fault.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start <<E
lookup timeout 5000
limit user any to 20000 recipients per 1d
E
RIGHT='insert 0 X-Sender-Process-Info: user=games program=telnet'

kib() {			# of both workers
	for _p in $(pids worker); do
		sed -n 's/^Private_[A-Z][a-z]*: *\([0-9]*\) kB/\1/p' \
		    "/proc/$_p/smaps_rollup"
	done | awk '{ n += $1 } END { print n }'
}
descriptors() {
	for _p in $(pids worker); do
		ls "/proc/$_p/fd"
	done | wc -l
}
idle() {
	[ "$(counter sessions)" -eq 0 ] && [ "$(descriptors)" -le "$fds" ]
}
tagged
pids worker >workers
fds=$(descriptors) before=$(kib)

# Idle sessions: the last one is served, and they cost little.
for n in 500 5000; do
	ulimit -S -n $((n + 100)) 2>/dev/null || {
		skip 5 "may not have $n connections"
		continue
	}
	rm -f hold
	mkfifo hold
	{
		echo quiet
		i=0
		while [ $((i += 1)) -le $n ]; do
			echo 'session 127.0.0.1 2501'
		done
		echo 'run echo there'
		cat hold
		echo message
	} | timeout 100 perl "$TOP/regress/proto/milter.pl" "$MILTER" \
	    >many.out 2>&1 &
	many=$!
	exec 5>hold
	AT_EXIT='exec 5>&-'
	WAIT=60 ok "$n sessions: all are accepted" wait_for eval \
	    "[ \$(counter sessions) -eq $n ]"
	each=$((($(kib) - before) * 1024 / n))
	ok "$n sessions: they cost little ($each bytes each)" \
	    test "$each" -lt $((n < 1000 ? 8192 : 2048))
	ok "$n sessions: the next one is tagged" tagged
	exec 5>&-
	wait "$many"
	is "$(grep -c "^$RIGHT" many.out)" 1 "$n sessions: the last one, too"
	ok "$n sessions: nothing is left of them" wait_for idle
done

# 100,000 headers, some of them copies of ours; 10,000 recipients; 50 MB.
{
	printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <a@b.test>'
	seq 10000 | sed 's/.*/rcpt <b&@c.test>/'
	seq 100000 | awk '$1 % 10000 == 0 {
		print "header X-Sender-Process-Info user=root" }
		{ print "header X-" $1 " some value" }'
	echo eom
} | milter >out
is "$(grep -c '^delete [0-9]* X-Sender-Process-Info$' out)" 10 \
    'a large message: the copies are deleted' || diag "$(tail -n 3 out)"
is "$(grep -c "^$RIGHT" out)" 1 'a large message: it is tagged'
like "$(logged | tail -n 1)" ' recipients=10000' \
    'a large message: all recipients are counted'
# Body that nobody asked for.
{
	printf '%s\n' quiet 'session 127.0.0.1 2501' 'mail <a@b.test>' \
	    'rcpt <b@c.test>' 'header Subject x' 'bulk 800' eom
} | milter >out
is "$(grep -c "^$RIGHT" out)" 1 '50 MB of a body: it is tagged' ||
    diag "$(head -n 5 out)"
ok 'no more memory than before' test $(($(kib) - before)) -lt 8192

# The MTA goes after each of its words.
printf '%s\n' 'session 127.0.0.1 2501' 'macro M i Q1' 'mail <a@b.test>' \
    'rcpt <b@c.test>' 'header Subject x' 'macro E i Q1' 'eom' abort \
    'mail <d@b.test>' 'raw 00000005' >words
i=0
while [ $((i += 1)) -le "$(wc -l <words)" ]; do
	for again in 1 2 3 4; do
		head -n $i words | milter >/dev/null
	done
done
ok 'the MTA goes: nothing is left' wait_for idle
ok 'the MTA goes: the next message is tagged' tagged
is "$(pids worker)" "$(cat workers)" 'the workers are the same'
ok 'it stops' daemon_stop
plan "$tests"
finish
