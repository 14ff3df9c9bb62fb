#!/bin/sh
# Each process is killed or stopped while it has much to do: it is back at once,
# mail flows, nobody else is named, and what comes next is tagged.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"
. "$TOP/regress/fault/load.sh"

fake_need
load_script
fake_start <<E
lookup timeout 1000
limit user any to 1000000 messages per 1h
E

for sig in KILL STOP; do
	for name in resolver control worker-1 worker-2 names-1 names-2; do
		pid=$(pid_of $name)
		load_begin
		kill -$sig "$pid"
		time_until all_run "$pid"
		ok "$name, $sig: it is back ($took ms)" test "$took" -lt 5000
		ok "$name, $sig: mail flows" flows
		ok "$name, $sig: and is tagged" wait_for tagged
		load_end
		is "$(load_count other) $(load_count late)" '0 0' \
		    "$name, $sig: nobody else is named, nothing waits"
		cat load.out >>all.out
	done
done
mv all.out load.out
diag "$(cut -d ' ' -f 2 load.out | sort -u | while read -r word; do
    echo "$(load_count "$word") $word"; done)"
ok 'most have their tag' test "$(load_count right)" -gt \
    $((5 * ($(load_count broken) + $(load_count unknown))))

# All at once.
old=$(processes | sed -n '/^parent/!s/.*=//p')
load_begin
# shellcheck disable=SC2086
kill -KILL $old
# shellcheck disable=SC2086
time_until all_run $old
ok "all: they are back ($took ms)" test "$took" -lt 10000
ok 'all: mail is tagged' wait_for tagged
load_end
is "$(load_count other)" 0 'all: nobody else is named' ||
    diag "$(cat load.out)"
ok 'the parent is the same' test ! -s daemon.rc
ok 'it stops' daemon_stop
plan "$tests"
finish
