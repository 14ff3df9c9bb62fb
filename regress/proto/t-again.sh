#!/bin/sh
# sysuserctl stop is done when the next daemon can start; and the lock has the
# pid of the one that runs, in the background too.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script </dev/null
conf_write </dev/null

rounds=10
plan $((4 * rounds + 8))

# Its own log and status, so that nothing of the one before gets in there.
start() {		# NUMBER
	LOG=$T/daemon.log.$1
	: >"$LOG"
	(
		"$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$CONF" </dev/null \
		    >>"$LOG" 2>&1 &
		echo $! >"$T/pid.$1"
		wait $!
		echo $? >"$T/rc.$1"
	) &
	wait_for test -s "$T/pid.$1" || bail 'no daemon'
	read -r DAEMON <"$T/pid.$1"
	wait_for eval "grep -Eq '(^|[ :])ready\$' '$LOG' ||
	    [ -s '$T/rc.$1' ]"
	[ ! -s "$T/rc.$1" ]
}

i=0
while [ $((i += 1)) -le $rounds ]; do
	ok "$i: it starts" start $i || diag "$(cat "$LOG")"
	is "$(head -n 1 state/lock)" "$DAEMON" "$i: the lock has its pid"
	ok "$i: stop" ctl stop
	kill -0 "$DAEMON" 2>/dev/null
	is $? 1 "$i: it is gone"
done
WAIT=5 wait_for eval "[ \"\$(cat rc.*)\" = \"$(seq $rounds |
    sed 's/.*/0/')\" ]"
is "$(cat rc.* | sort | uniq -c | tr -s ' ')" " $rounds 0" 'all ended well'
DAEMON=

# In the background, with or without a syslogd.  The fake resolver looks for its
# script where it was started, and that is / now.
LIBEXEC=$OBJ
ok 'it starts in the background' timeout 20 "$OBJ/milter-sysuser" -L \
    "$LIBEXEC" -f "$CONF" </dev/null 2>/dev/null
WAIT=10 wait_for eval 'ctl status | grep -q "^worker .* running$"'
parent=$(pids parent)
DAEMON=$parent
ok 'it runs' eval 'ctl status | grep -q "^worker .* running$"'
is "$(head -n 1 state/lock)" "$parent" 'the lock has its pid'
is "$(readlink "/proc/${parent:-0}/exe")" "$(readlink -f \
    "$OBJ/milter-sysuser")" 'which is the daemon'
is "$(timeout 10 "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$CONF" 2>&1)" \
    "milter-sysuser: $T/state/lock: another milter-sysuser is running: stop \
it, or say another state directory" \
    'a second one does not start'
is "$(head -n 1 state/lock)" "$parent" 'nor does it change the lock'
ok 'stop' ctl stop
gone "${parent:-0}" && DAEMON=
finish
