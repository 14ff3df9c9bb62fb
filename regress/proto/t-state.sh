#!/bin/sh
# Who is blocked at run time stays so, whatever is started again; and a file of
# them that is damaged, or can't be written, keeps nobody from working.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=7 holder=100 program=telnet
S
games=$(getent passwd 5 | cut -d : -f 1)
man=$(getent passwd 6 | cut -d : -f 1)
lp=$(getent passwd 7 | cut -d : -f 1)
STATE=$T/state/blocks
: >"$LOG"

blocked() {		# the rows of <blocked-now>: name and uid
	ctl tables | sed -n '2,/^$/s/^  *//p' | awk '{ print $1, $2 }' | sort
}

send() {		# PORT; what the MAIL of that user got
	printf '%s\n' "session 127.0.0.1 $1" 'mail <a@example.test>' quit |
	    milter | sed -n 's/^mail: //p'
}

sent() {		# what all three got
	echo "$(send 2501)/$(send 2502)/$(send 2503)"
}

no() {			# USER
	echo "550 5.7.1 User $1 is blocked from sending mail"
}

restarted() {		# PID; another control than this one is running
	[ -n "$(pids control)" ] && [ "$(pids control)" != "$1" ]
}

plan 43

fake_start <<E
pass
E
ok 'no file: nothing is said of it' eval '! grep -q blocks "$LOG"'
ok 'nor is there one' test ! -e "$STATE"
is "$(sent)" 'continue/continue/continue' 'nobody is blocked'

ctl block "$games" >/dev/null
ctl block "$man" for 1h >/dev/null
ctl block uid 7 >/dev/null
ctl block 'nobody at all' >/dev/null 2>&1
all="$games 5
$man 6
nobody+20at+20all -
uid 7"
is "$(blocked)" "$(echo "$all" | sort)" 'four are blocked'
is "$(stat -c '%a %u %F' "$STATE")" '600 0 regular file' 'the file is closed'
is "$(sed 's/ [0-9]\{10,\}$/ SOON/' "$STATE" | sort)" "$(sort <<E
milter-sysuser blocks 1
block - 7 -
block $games 5 -
block $man 6 SOON
block nobody+20at+20all - -
end 4
E
)" 'and has them all'
is "$(sent)" "$(no "$games")/$(no "$man")/$(no "$lp")" 'their mail is refused'

#
# Others come
#
control=$(pids control)
kill -9 "$control"
ok 'control is started again' wait_for restarted "$control"
is "$(blocked)" "$(echo "$all" | sort)" 'it knows them all'
is "$(grep -cx 'milter-sysuser: control was restarted: .* they begin anew' \
    "$LOG")" 1 'the log says what it does not know'
is "$(sent)" "$(no "$games")/$(no "$man")/$(no "$lp")" 'they stay blocked'
kill -9 "$(pids worker | head -n 1)"
is "$(sent)" "$(no "$games")/$(no "$man")/$(no "$lp")" \
    'also for a worker that is new'
ctl unblock "$man" >/dev/null
ok 'the daemon stops' daemon_stop
daemon_start || bail 'no daemon'
is "$(sent)" "$(no "$games")/continue/$(no "$lp")" \
    'another daemon: who was unblocked may send, the others may not'
is "$(blocked)" "$(echo "$all" | grep -v "^$man " | sort)" \
    'it knows who is left'
is "$(grep -c 'begin anew' "$LOG")" 0 'nothing is lost by a good start'

ctl block "$man" >/dev/null
kill -9 "$DAEMON"
wait_for test -s "$T/daemon.rc"
DAEMON=
daemon_start || bail 'no daemon'
is "$(sent)" "$(no "$games")/$(no "$man")/$(no "$lp")" \
    'nor does a crash free anybody'

#
# Time
#
ctl block "$man" for 2s >/dev/null
ctl block "$games" for 1h >/dev/null
is "$(sent)" "$(no "$games")/$(no "$man")/$(no "$lp")" 'for two seconds'
ok 'the daemon stops' daemon_stop
sleep 2
daemon_start || bail 'no daemon'
is "$(sent)" "$(no "$games")/continue/$(no "$lp")" 'which are over'
is "$(blocked | grep -c "^$man ")" 0 'and forgotten'

#
# Writing fails
#
cp "$STATE" before
mkdir "$STATE.new"
is "$(ctl block "$man" 2>&1; echo $?)" \
    "sysuserctl: in force, but not kept: $STATE: File exists
1" 'a file that can not be written is said'
is "$(send 2502)" "$(no "$man")" 'but he is blocked'
ok 'the old file is as it was' cmp "$STATE" before
is "$(grep -c "^milter-sysuser: $STATE: File exists$" "$LOG")" 1 \
    'the log says it, too'
control=$(pids control)
kill -9 "$control"
wait_for restarted "$control"
is "$(blocked | grep -c "^$man ")" 1 'another control knows of him'
rmdir "$STATE.new"
ctl unblock 'nobody at all' >/dev/null
is "$(grep -c "^block $man 6 -$" "$STATE") $(tail -n 1 "$STATE")" '1 end 3' \
    'the next change writes him as well'
ok 'nothing else is left behind' eval '
    [ "$(ls "$T/state" | tr "\n" " ")" = "blocks lock " ]'

#
# Damage
#
ok 'the daemon stops' daemon_stop
sed -n '1,2p; 3s/ .*//p' "$STATE" >cut
cat cut >"$STATE"
daemon_start || bail 'no daemon'
is "$(grep -c "$STATE" "$LOG") $(grep -cxF "milter-sysuser: $STATE:3: is not \
\"block NAME UID EXPIRES\": it is set aside as $STATE.bad, 1 blocks that stand \
before are used" "$LOG")" '1 1' 'a cut file: one warning'
ok 'it is kept for people' cmp cut "$STATE.bad"
is "$(cat "$STATE")" 'milter-sysuser blocks 1
block - 7 -
end 1' 'and what was whole is written anew'
is "$(sent)" "continue/continue/$(no "$lp")" 'and in force'
ok 'the daemon stops' daemon_stop

chmod 620 "$STATE"
daemon_start || bail 'no daemon'
is "$(grep -cxF "milter-sysuser: $STATE: must not be writable by group or \
others: it is set aside as $STATE.bad, 0 blocks that stand before are used" \
    "$LOG")" 1 'a file that others may write: one warning'
is "$(sent)" 'continue/continue/continue' 'and nobody is blocked'
ok 'the daemon stops' daemon_stop
ln -s "$T/elsewhere" "$STATE"
daemon_start || bail 'no daemon'
is "$(grep -c "$STATE: Too many levels of symbolic links: it is set aside" \
    "$LOG")" 1 'a symbolic link: one warning'
ctl block "$man" >/dev/null
ok 'the new file is one' eval 'test -f "$STATE" -a ! -L "$STATE" &&
    test ! -e elsewhere'
ok 'the daemon stops' daemon_stop
rm "$STATE" "$STATE.bad"
mkfifo "$STATE"
ok 'not even a pipe delays the start' daemon_start
is "$(grep -c "$STATE: is no regular file: it is set aside" "$LOG")" 1 \
    'but it is said'
ok 'the daemon stops' daemon_stop
finish
