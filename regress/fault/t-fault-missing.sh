#!/bin/sh
# What the system lacks, or loses while we run: /proc, the kernel's table of
# sockets, a syslogd.  (hidepid=2 is in owner/t-matrix.sh.)

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"

calls_need
need unshare nsenter
unshare -m true 2>/dev/null || skip_all 'needs mount namespaces'
conf_write <<E
limit user any to 1000000 messages per 1h
E

# The daemon in a mount namespace of its own, after the commands of stdin.
INSIDE=$T/inside
inside() {
	{
		echo '#!/bin/sh'
		cat
		echo 'exec "$@"'
	} >"$INSIDE"
	chmod +x "$INSIDE"
}
daemon_run() {
	# shellcheck disable=SC2086
	unshare -m "$INSIDE" "$PARENT" ${DEBUG--d} -L "$LIBEXEC" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}
there() {		# COMMAND...: where the daemon is
	nsenter "--mount=/proc/$DAEMON/ns/mnt" "$@"
}
next_tag() {
	all_tagged
	sort -u got.tags
}

# No /proc at all: who sent it is known, from which process not.
inside <<'E'
umount -l /proc
E
ok 'no /proc: it starts' daemon_start
is "$(next_tag)" 'user=games program=unknown' 'no /proc: the user is named'
is "$(grep -c 'not known on this system: processes of other users' "$LOG")" 1 \
    'no /proc: the log says what is not known' || diag "$(cat "$LOG")"
ok 'no /proc: it stops' daemon_stop

# It goes while we run: who has it open goes on; who comes later has none.
inside </dev/null
ok 'it starts' daemon_start
ok '/proc goes: it does' there umount -l /proc
ok '/proc goes: mail is tagged as before' all_tagged
old=$(pid_of resolver)
kill -KILL "$old"
ok '/proc has gone: the next resolver is there' wait_for all_run "$old"
ok '/proc has gone: the user is named' wait_for eval \
    '[ "$(next_tag)" = "user=games program=unknown" ]'
ok '/proc is back: it does' there mount -t proc proc /proc
old=$(pid_of resolver)
kill -KILL "$old"
ok '/proc is back: mail is tagged' wait_for eval 'all_run "$old" && all_tagged'
is "$(wrong_tags)" '' '/proc: nobody else was named'
ok '/proc: it stops' daemon_stop

# No sock_diag: the resolver's second socket is for that.
: >tags
arm resolver 2 1000 socket EPROTONOSUPPORT
ok 'no sock_diag: it starts' daemon_start
is "$(next_tag)" 'user=unknown reason=unsupported' 'no sock_diag: mail flows'
is "$(grep -c 'sock_diag: nobody can be named: Protocol not supported' \
    "$LOG")" 1 'no sock_diag: the log says so' || diag "$(cat "$LOG")"
like "$(grep 'not known on this system' "$LOG")" \
    'whose a connection is: every sender is unknown' \
    'no sock_diag: and what that means'
like "$(ctl lookup 127.0.0.1 "$CPORT" 127.0.0.1 "$SPORT")" \
    '^verdict=unknown reason=unsupported$' 'no sock_diag: a lookup'
# Its module is loaded later: a reload does not help, a new life does.
arm none 0
old=$(pid_of resolver)
kill -KILL "$old"
ok 'sock_diag is there: mail is tagged' wait_for eval \
    'all_run "$old" && all_tagged'
ok 'sock_diag: it stops' daemon_stop

# A kernel without filters for system calls: that is told, and no more.
: >tags
for program in milter-sysuser resolver names control milterd; do
	arm $program 1 1000 seccomp_attr_set EINVAL
	ok "no seccomp, $program: it starts" daemon_start
	ok "no seccomp, $program: mail is tagged" wait_for all_tagged
	is "$(grep -c '^milter-sysuser: not protected .*seccomp of' "$LOG")" 1 \
	    "no seccomp, $program: the log says so" || diag "$(cat "$LOG")"
	ok "no seccomp, $program: it stops" daemon_stop
done
echo 'sandbox required' >>"$CONF"
is "$(daemon_start >said 2>&1; cat daemon.rc)" 1 \
    'no seccomp, sandbox required: it does not start'
sed -i '/^sandbox required/d' "$CONF"
arm none 0

# A syslogd that goes, and comes back with another socket.  Only there is it at
# /dev/log, in a /dev of its own.
mkdir dev
mknod -m 666 dev/null c 1 3 && mknod -m 666 dev/urandom c 1 9 || bail 'no nodes'
inside <<E
mount --bind "$T/dev" /dev
E
syslogd() {
	rm -f dev/log
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
		    Local => "dev/log") or die;
		chmod 0666, "dev/log";
		$| = 1;
		print "$_\n" while defined $s->recv($_, 8192)' >>syslog &
	SYSLOGD=$!
	AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
	wait_for test -S dev/log
}
DEBUG=
: >syslog
: >tags
syslogd
rm -f daemon.rc
(daemon_run "$CONF") &
wait_for test -s daemon.rc
is "$(cat daemon.rc)" 0 'syslog: it starts in the background' ||
    diag "$(cat "$LOG")"
wait_for all_run || bail 'no daemon'
DAEMON=$(pid_of parent)
ok 'syslog: mail is tagged' all_tagged
ok 'syslog: and logged' wait_for grep -q 'worker.*: queue=' syslog
kill "$SYSLOGD"
wait "$SYSLOGD" 2>/dev/null
rm dev/log
ok 'syslog is gone: mail is tagged' all_tagged
old=$(processes | sed -n '/^worker-1\|^resolver\|^control/s/.*=//p')
# shellcheck disable=SC2086
kill -KILL $old
# shellcheck disable=SC2086
ok 'syslog is gone: who died is back' wait_for all_run $old
ok 'syslog is gone: mail is tagged still' wait_for all_tagged
: >syslog
syslogd
both_log() {
	all_tagged
	[ "$(sed -n 's/.*worker\[\([0-9]*\)\]: queue.*/\1/p' syslog |
	    sort -u | wc -l)" -eq 2 ]
}
ok 'syslog is back: all log there, those of before and the new ones' \
    wait_for both_log
is "$(wrong_tags)" '' 'syslog: nobody else was named'
ok 'syslog: it stops' ctl stop
gone "$DAEMON" && DAEMON=
plan "$tests"
finish
