#!/bin/sh
# selftest says what can be known here, and that the daemon knows who asks.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/owner/owner.sh"

need_root

try() {			# BACKEND YES-OR-NO
	{
		backend "$1"
		echo 'pass'
	} | conf_write
	daemon_start || bail 'no daemon'
	ok "$1: it is content" eval 'ctl selftest >out'
	like "$(cat out)" '^the user of a connection +yes$' \
	    "$1: the user can be known"
	like "$(cat out)" '^the process: pid, program, exe +yes$' \
	    "$1: the process, too"
	like "$(cat out)" "^clients in other network namespaces +$2\$" \
	    "$1: what only a record knows is there as well"
	like "$(cat out)" "^who hung up long ago \\(needs a BPF record\\) +$2\$" \
	    "$1: and this"
	is "$(grep -c '^IPv4.* user and process: verdict=owned user=root uid=0 pid=' \
	    out)" 2 "$1: IPv4, and IPv4 from an IPv6 socket"
	is "$(grep -c '^IPv4.* source=bpf$' out)" \
	    "$([ "$2" = no ] && echo 0 || echo 2)" "$1: and how it is known"
	ok "$1: the daemon stops" daemon_stop
}

plan 16
try proc no
if have_record; then
	try bpf yes
else
	skip 8 "$WHY"
fi
finish
