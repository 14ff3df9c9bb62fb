#!/bin/sh
# With -d: somebody who should read the log, and stands still, holds up nothing.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/fault/fault.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
conf_write </dev/null
plan 10

# What it says goes into a pipe; nobody reads it but us, by descriptor 7.
mkfifo log.pipe
exec 7<>log.pipe
: >"$LOG"
echo "exec \"$OBJ/milter-sysuser\" \"\$@\" 2>log.pipe 7>&-" >piped
chmod 755 piped
daemon_run() {		# CONFIGFILE
	sh ./piped -d -L "$LIBEXEC" -f "$1" </dev/null >/dev/null 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}
read_log() {		# all that is in the pipe
	timeout 1 cat <&7 >>"$LOG"
}
ready() {
	read_log
	grep -Eq '(^|[ :])ready$' "$LOG" || [ -s "$T/daemon.rc" ]
}
fill() {
	perl -MFcntl -e 'sysopen my $f, shift, O_WRONLY | O_NONBLOCK or die;
	    for my $n (4096, 1) { 1 while syswrite $f, "\n" x $n; }' log.pipe
}
quick() {		# COMMAND...
	timeout 20 "$@" >/dev/null 2>&1
}

ok 'it starts' daemon_start
is "$(tag)" 'user=games program=telnet' 'mail is tagged'
read_log
is "$(grep -c '^worker: queue=QUEUE1' "$LOG")" 1 'and the log says so'
fill
ok 'nobody reads: mail flows' flows
for i in 1 2 3 4 5 6 7 8 9 10; do tag; done >tags
is "$(sort -u tags) $(wc -l <tags)" 'user=games program=telnet 10' \
    'nobody reads: mail is tagged'
ok 'nobody reads: status' quick "$OBJ/sysuserctl" -s "$CONTROL" status
old=$(pid_of control)
kill -KILL "$old"
ok 'nobody reads: who died is back' wait_for all_run "$old"
read_log
is "$(tag)" 'user=games program=telnet' 'somebody reads: mail is tagged'
told() {		# the worker that gets this message had lost some
	tag
	read_log
	grep -q '^worker: lines lost, for nobody read them: [1-9]' "$LOG"
}
ok 'somebody reads: is told what was lost' wait_for told
fill
ok 'nobody reads: it stops' daemon_stop
finish
