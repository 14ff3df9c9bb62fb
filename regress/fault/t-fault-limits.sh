#!/bin/sh
# What there is not enough of: descriptors, processes, room on the disk.  And a
# clock on the wall that jumps.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"

calls_need
need unshare
conf_write <<E
pass user "news"
limit user any to 200 messages per 1d
E

# fork fails, again and again: the last one of a child is gone for a while.
ok 'it starts' daemon_start
arm milter-sysuser 1 3 fork
old=$(pids worker | tr '\n' ' ')
# shellcheck disable=SC2086
kill -KILL $old
ok 'no fork: no worker' wait_for grep -q 'fork: Resource' "$LOG"
ok 'no fork: they are back in the end' wait_for all_run $old
ok 'no fork: mail is tagged' wait_for all_tagged
is "$(armed | cut -d ' ' -f 2-3)" '3 fork:' 'no fork: thrice'
ok 'it is the same daemon' test ! -s daemon.rc

# The clock jumps, ten years on and back.  At least 30 of the 200 messages are
# counted.
arm none 0
ctl block lp for 1h >/dev/null
ctl block irc >/dev/null
for years in 10 -10; do
	jump $((years * 31557600))
	ok "clock, $years years: mail is tagged" wait_for all_tagged
	ok "clock, $years years: reload" ctl reload
	like "$(ctl tables)" 'irc' "clock, $years years: blocked for good"
	pid=$(pid_of resolver)
	kill -KILL "$pid"
	ok "clock, $years years: who died is back" wait_for all_run "$pid"
	kill -STOP "$(pid_of worker-1)"
	ok "clock, $years years: who stopped, too" \
	    wait_for eval 'all_run && all_tagged'
done
jump 0
i=0
while [ $((i += 1)) -le 195 ]; do
	printf '%s\n' "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" \
	    'mail <a@b.test>' stop 'rcpt <b@c.test>' eom quit
done | milter >out
like "$(tail -n 1 out)" 'mail: 451 4.7.1 User games is over the limit' \
    'clock: what limits had counted is not forgotten'
calls_end

# 30 descriptors for each of them: more sessions than a worker can have.
PARENT=$T/few LIBEXEC=$OBJ
cat >few <<E
#!/bin/sh
ulimit -n 30
exec "$OBJ/milter-sysuser" "\$@"
E
chmod +x few
conf_write </dev/null
ok 'few descriptors: it starts' daemon_start
mkfifo hold
{
	echo quiet
	i=0
	while [ $((i += 1)) -le 100 ]; do
		echo open
	done
	cat hold
} | milter >open.out &
opened=$!
exec 5>hold
AT_EXIT="exec 5>&-; $AT_EXIT"
sleep 2
ok 'few descriptors: status' eval 'ctl status >/dev/null'
exec 5>&-
wait "$opened"
ok 'few descriptors: mail is tagged when they have gone' wait_for all_tagged
is "$(processes | wc -l)" 7 'few descriptors: all run'
old=$(pid_of control)
kill -KILL "$old"
ok 'few descriptors: who died is back' wait_for all_run "$old"
ok 'few descriptors: it stops' daemon_stop

# The disk is full; the parent alone writes there.
cat >small <<E
#!/bin/sh
mount -t tmpfs -o size=16k,mode=700 none "$T/state" || exit 1
[ ! -e "$T/fill" ] || head -c 16384 /dev/zero >"$T/state/full"
exec "$OBJ/milter-sysuser" "\$@"
E
chmod +x small
daemon_run() {
	unshare -m "$T/small" -d -L "$LIBEXEC" -f "$1" </dev/null \
	    >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}
state() {		# COMMAND...: where the daemon sees it
	nsenter "--mount=/proc/$DAEMON/ns/mnt" "$@"
}
: >fill
daemon_start >said 2>&1
is "$(cat daemon.rc) $(grep -c '^milter-sysuser: .*No space left' "$LOG")" \
    '1 1' 'full disk: it does not start, and says why' || diag "$(cat "$LOG")"
rm fill
ok 'a small disk: it starts' daemon_start
state sh -c "head -c 16384 /dev/zero >$T/state/full" 2>/dev/null
ctl block www-data >out 2>&1
is "$? $(grep -c 'in force, but not kept: .*No space left' out)" '1 1' \
    'full disk: a block is in force, but not kept' || diag "$(cat out)"
ok 'full disk: mail is tagged' all_tagged
state rm "$T/state/full"
ok 'room again: a block is kept' ctl block www-data
is "$(state grep -c '^block www-data ' "$T/state/blocks")" 1 \
    'room again: it is in the file' || diag "$(state ls -l "$T/state")"
ok 'full disk: it stops' daemon_stop
plan "$tests"
finish
