#!/bin/sh
# selftest says what can be known here, and that the daemon knows who asks.

. "$(dirname "$0")/../lib.sh"

need_root
echo 'pass' | conf_write
daemon_start || bail 'no daemon'
plan 6
ok 'it is content' eval 'ctl selftest >out'
like "$(cat out)" '^the user of a connection +yes$' 'the user can be known'
like "$(cat out)" '^the process: pid, program, exe +yes$' 'the process, too'
like "$(cat out)" '^clients in other network namespaces +no$' \
    'what can not be known is there as well'
is "$(grep -c '^IPv4.* user and process: verdict=owned user=root uid=0 pid=' \
    out)" 2 'IPv4, and IPv4 from an IPv6 socket'
ok 'the daemon stops' daemon_stop
finish
