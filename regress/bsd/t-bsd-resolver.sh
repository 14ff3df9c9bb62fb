#!/bin/sh
# The whole daemon with the resolver of FreeBSD and of OpenBSD, over a kernel
# that plays theirs: the rows that Linux answers, as far as those can know.

. "$(dirname "$0")/../lib.sh"

need_root
# Both resolvers go to live in /var/empty, which is not there on every system.
unshare -m mount -t tmpfs none /var 2>/dev/null ||
    skip_all 'no mount namespaces here'
cat >"$T/inside" <<'E2'
#!/bin/sh
mount -t tmpfs none /var && mkdir -m 755 /var/empty && exec "$@"
E2
chmod 755 "$T/inside"

# As lib.sh has it, but for the namespace.
daemon_run() {		# CONFIGFILE
	unshare -m "$T/inside" "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

games=$(id -u games)
news=$(id -u news)
cat >kernel.script <<E2
addr 192.0.2.1
proc 25 comm=smtpd fd=900
tcp 900 0.0.0.0 25 0.0.0.0 0 state=1 accepted=1
# IPv4, IPv6, the public address
proc 1001 uid=$games start=5 comm=telnet exe=/usr/bin/telnet fd=1 fd=3 fd=5
tcp 1 127.0.0.1 40001 127.0.0.1 25 uid=$games
tcp 2 127.0.0.1 25 127.0.0.1 40001 accepted=1
tcp 3 ::1 40001 ::1 25 uid=$games
tcp 4 ::1 25 ::1 40001 accepted=1
tcp 5 192.0.2.1 40001 192.0.2.1 25 uid=$games
tcp 6 192.0.2.1 25 192.0.2.1 40001 accepted=1
# root; and what looks like root
proc 1002 comm=cron exe=/usr/sbin/cron fd=11
tcp 11 127.0.0.1 40002 127.0.0.1 25
tcp 12 127.0.0.1 25 127.0.0.1 40002 accepted=1
tcp 13 127.0.0.1 40003 127.0.0.1 25 detached=1 state=9
tcp 14 127.0.0.1 25 127.0.0.1 40003 accepted=1 state=5
# passed to another user
proc 1003 uid=$news start=9 comm=inn exe=/usr/bin/inn fd=21
tcp 21 127.0.0.1 40004 127.0.0.1 25 uid=$games
tcp 22 127.0.0.1 25 127.0.0.1 40004 accepted=1
# the port is used again, and waits
tcp 31 127.0.0.1 40005 127.0.0.1 25 uid=$games
tcp 32 127.0.0.1 25 127.0.0.1 40005 accepted=1 queued=1
# redirected
tcp 41 127.0.0.1 40006 192.0.2.7 25 uid=$games
tcp 42 127.0.0.1 25 127.0.0.1 40006 accepted=1
# a mail from outside
tcp 52 192.0.2.1 25 192.0.2.9 40007 accepted=1
# one that hung up: known as long as the kernel has it
tcp 61 127.0.0.1 40008 127.0.0.1 25 uid=$games closed=1 state=9
tcp 62 127.0.0.1 25 127.0.0.1 40008 accepted=1 state=5
E2

cat >all <<E2
127.0.0.1 40001 127.0.0.1 25	verdict=owned user=games uid=$games pid=1001 program=telnet exe=/usr/bin/telnet holders=1 source=scan
::1 40001 ::1 25	verdict=owned user=games uid=$games pid=1001 program=telnet exe=/usr/bin/telnet holders=1 source=scan
192.0.2.1 40001 192.0.2.1 25	verdict=owned user=games uid=$games pid=1001 program=telnet exe=/usr/bin/telnet holders=1 source=scan
127.0.0.1 40002 127.0.0.1 25	verdict=owned user=root uid=0 pid=1002 program=cron exe=/usr/sbin/cron holders=1 source=scan
127.0.0.1 40003 127.0.0.1 25	verdict=unknown reason=closed
127.0.0.1 40004 127.0.0.1 25	verdict=owned user=games uid=$games pid=1003 program=inn exe=/usr/bin/inn holders=1 holder=news source=scan
127.0.0.1 40005 127.0.0.1 25	verdict=unknown reason=reused
127.0.0.1 40006 127.0.0.1 25	verdict=unknown reason=redirected
192.0.2.9 40007 192.0.2.1 25	verdict=remote
127.0.0.1 40008 127.0.0.1 25	verdict=owned user=games uid=$games source=uid-only
127.0.0.1 25 127.0.0.1 40001	verdict=unknown reason=ambiguous
127.0.0.1 40009 127.0.0.1 25	verdict=unknown reason=closed
E2
# OpenBSD has no path of a program.
sed 's/ exe=[^ ]*//' all >no-exe

plan 30
for os in freebsd openbsd; do
	LIBEXEC=$OBJ/regress/bsd/$os
	[ -x "$LIBEXEC/resolver" ] || bail "$LIBEXEC/resolver: run make"
	[ "$os" = freebsd ] && table=all || table=no-exe
	echo pass | conf_write
	ok "$os: the daemon starts" daemon_start || exit 1
	cut -f 1 "$table" | ctl lookup - >out
	n=0
	while IFS='	' read -r question answer; do
		n=$((n + 1))
		is "$(sed -n "${n}p" out)" "$answer" "$os: $question"
	done <"$table"
	like "$(cat "$LOG")" 'not known on this system: login uids' \
	    "$os: says what it can't know"
	ok "$os: the daemon stops" daemon_stop
done
finish
