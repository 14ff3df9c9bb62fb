#!/bin/sh
# Subordinate uids are their owner's for blocks, rules and limits; but who has
# an account of his own is himself, whoever's range he is in.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
need unshare
printf '%s\n' games:54300:100 man:54380:100 >"$T/subuid"
{
	cat /etc/passwd
	echo 'alice:x:54350:60::/:/bin/sh'
} >"$T/passwd"
cat >"$T/inside" <<E
#!/bin/sh
mount --bind "$T/passwd" /etc/passwd || exit 1
[ -f /etc/subuid ] || exit 1
mount --bind "$T/subuid" /etc/subuid && exec "\$@"
E
chmod 755 "$T/inside"
unshare -m "$T/inside" true 2>/dev/null ||
    skip_all 'no mount namespaces, or no /etc/subuid here'

# As lib.sh has it, but with accounts of our own.
daemon_run() {		# CONFIGFILE
	unshare -m "$T/inside" "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=54300 holder=100 program=telnet
127.0.0.1 2503 uid=54350 holder=100 program=telnet
127.0.0.1 2504 uid=54390 holder=100 program=telnet
127.0.0.1 2505 uid=54400 holder=100 program=telnet
127.0.0.1 2506 uid=54301 holder=100 program=telnet
127.0.0.1 2507 uid=54302 holder=100 program=telnet
S

mail() {	# PORT
	printf '%s\n' "session 127.0.0.1 $1" 'mail <a@example.test>' |
	    milter | sed 's/^mail: //; s/User [^ ]*/User/'
}

end() {		# PORT
	printf '%s\n' quiet "session 127.0.0.1 $1" 'mail <a@example.test>' stop \
	    'rcpt <b@example.test>' 'quiet 0' eom | milter |
	    sed -n 's/^[maileo]*: //p' | cut -c 1-15
}

# The answers for games, his subordinate, alice, one in two ranges, man's.
five() {
	for _p in 2501 2502 2503 2504 2505; do
		mail $_p
	done | sed 's/^550.*/no/' | tr '\n' ' '
}

plan 9

fake_start <<E
pass
E
is "$(five)" 'continue continue continue continue continue ' 'all may'
ctl block games >/dev/null
is "$(five)" 'no no continue continue continue ' 'a block by name'
ctl unblock games >/dev/null
ctl block uid 5 >/dev/null
is "$(five)" 'no no continue continue continue ' 'a block by uid'
ok 'the daemon stops' daemon_stop

rm -f "$T/state/blocks"
fake_start <<E
reject user "games"
E
is "$(five)" 'no no continue continue continue ' 'a rule by name'
ok 'the daemon stops' daemon_stop

fake_start <<E
limit user any to 2 messages per 1d
reject not user "games" message "others"
E
is "$(five)" 'continue continue no no no ' 'not'
is "$(end 2506; end 2507; end 2501)" 'continue
continue
451 4.7.1 User ' 'a limit counts them together'
like "$(grep 'limit reached' "$LOG")" 'user=games rule=1 ' \
    'and is said to be the owner'"'"'s'
finish
