#!/bin/sh
# Whoever may only look can't keep root from the daemon, nor mail from its
# limits, however many ask how much, or what.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
getent group games >/dev/null || skip_all 'needs a group games'
{
	echo '127.0.0.1 2501 uid=6 holder=100 program=telnet'
	awk 'BEGIN { for (i = 1; i <= 500; i++)
		printf "127.0.0.1 %d uid=%d holder=%d program=p%d\n",
		    10000 + i, 20000 + i % 100, i, i }'
} | fake_script
{
	awk 'BEGIN { for (i = 1; i <= 30; i++)
		print "reject user \"games\" sender \"*@bad.test\" message \"" \
		    "a rule of some length, to have something to tell\"" }'
	echo 'limit user "man" to 36 messages per 1d message "no more"'
} >rules
admin_start 2 games <rules
cp "$OBJ/sysuserctl" "$TOP/common/sysuser.h" "$TOP/regress/proto/ctlflood.pl" .
plan 33

rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(cat control.pid)/status"
}
pids control >control.pid
all=$(ctl status | awk '/running$/ { print $(NF - 4) }')

# Something for top to tell.
awk 'BEGIN { print "quiet"
	for (i = 1; i <= 500; i++)
		printf "session 127.0.0.1 %d\nmail <a@b.test>\n" \
		    "rcpt <c@d.test>\neom\nquit\n", 10000 + i }' | milter >out
is "$(grep -c '^insert' out)" 500 'mail of many users'
is "$(ctl top | wc -l)" 501 'is in top'
before=$(rss)

begin() {		# N KIND...; in the background
	rm -f hold flood.out
	mkfifo hold
	as games perl "$T/ctlflood.pl" "$CONTROL" "$T/sysuser.h" "$@" \
	    <hold >flood.out 2>&1 &
	flood=$!
	exec 5>hold
	AT_EXIT='exec 5>&-'
	wait_for grep -q there flood.out
}
end() {
	exec 5>&-
	wait "$flood"
}

# What root and the MTA want to do meanwhile.
works() {		# DESCRIPTION
	for _i in 1 2 3 4 5; do
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" status
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" top
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" tables
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" test
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" block games
		timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" unblock games
	done >/dev/null 2>err
	is "$(sort err | uniq -c)" '' "$1: root has an answer, always"
	for _i in 1 2 3 4; do
		send 2501
	done | sort | uniq -c | sed 's/^ *//' >out
	is "$(cat out)" '4 continue' "$1: mail flows"
	is "$(counter uncounted)" 0 "$1: and is counted"
}

for kind in status top tables test deaf silent garbage wrong; do
	begin 480 $kind
	works "480 clients, $kind"
	end
done
begin 200 status top test deaf wrong garbage
works '1200 clients of all kinds'
end
if [ -n "${SANITIZED:-}" ]; then
	skip 1 'the sanitizer needs memory, too'
else
	ok 'control needs no more memory than it should' \
	    test $(($(rss) - before)) -lt 65536 || diag "$before $(rss)"
fi
# 36 were let through by now; but who was not known in time has no limit.
i=0 answer=continue
while [ "$answer" = continue ] && [ $((i += 1)) -le 36 ]; do
	answer=$(send 2501)
done
is "$answer $(logged | grep -c ' action=pass .* user=man ')" \
    '451 4.7.1 no more 36' 'the limit holds'
is "$(ctl status | awk '/running$/ { print $(NF - 4) }')" "$all" \
    'nobody had to be started again'
ok 'the daemon stops' daemon_stop
finish
