#!/bin/sh
# Whoever speaks nonsense to the milter loses his connection, and nobody else
# notices.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start </dev/null

garbage() {	# KIND [N]
	perl "$TOP/regress/proto/garbage.pl" "$MILTER" "$@" 2>&1
}

good() {
	is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message message |
	    milter)" 'insert 0 X-Sender-Process-Info: user=games program=telnet
insert 0 X-Sender-Process-Info: user=games program=telnet' \
	    "$1: the next session is tagged"
}

descriptors() {
	for _p in $(pids worker); do
		ls "/proc/$_p/fd"
	done | wc -l
}

idle() {
	[ "$(counter sessions)" -eq 0 ] && [ "$(descriptors)" -le "$fds" ]
}

plan 21
good 'before'
workers=$(pids worker)
fds=$(descriptors)
for kind in 'random 100' 'bits 200' flawed half; do
	is "$(garbage $kind)" closed "${kind% *}: the connection is closed"
	good "${kind% *}"
	is "$(pids worker)" "$workers" "${kind% *}: the workers are the same"
done
is "$(garbage slow)" 'user=games program=telnet' 'a slow session is served'

mkfifo hold
garbage silent 300 <hold >out &
silent=$!
exec 3>hold
ok '300 connections without a word' wait_for grep -q silent out
good '300 silent ones'
exec 3>&-
wait "$silent"
ok 'all are forgotten, and no descriptor is left' wait_for idle
is "$(pids worker)" "$workers" 'the workers are still the same'
is "$(ctl status | awk '/running$/ { n += $(NF - 1) } END { print n }')" 0 \
    'nobody had to be started again'
is "$(grep -vc '^worker: \(libmilter: \|the MTA can.t do \|queue=\)\|^ready$' \
    "$LOG")" 0 'nothing else is in the log'
ok 'the daemon stops' daemon_stop
finish
