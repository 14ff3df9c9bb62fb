#!/bin/sh
# sysuserctl by itself: what is wrong is one clear line, whatever its
# descriptors are, its words, the socket, or the one who listens there.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script </dev/null
admin_start 2 root </dev/null
plan 36

#
# Its descriptors
#
bad='sysuserctl: stdout: Bad file descriptor'
if [ -n "${PROFILED:-}" ]; then
	skip 4 'its profile takes the place of a closed descriptor'
else
	is "$(ctl status 2>&1 >&-; echo $?)" "$bad
1" 'stdout is closed: that is told'
	is "$(ctl -j tables 2>&1 >&-; echo $?)" "$bad
1" 'with -j, too'
	like "$(ctl status <&- 2>&-; echo $?)" '^PROCESS ' \
	    'stdin and stderr are closed'
	is "$(ctl lookup - <&-; echo $?)" 0 'nothing to read'
fi
ctl status <&- >&- 2>&-
is $? 1 'all are closed'
ctl unblock games >&- 2>&-
is $? 1 'nor goes an error to the daemon'
is "$(ctl status >/dev/full 2>&1; ctl status 2>&1 >/dev/full; echo $?)" \
    'sysuserctl: stdout: No space left on device
1' 'stdout takes nothing'

#
# Its words
#
while IFS='|' read -r rc words line; do
	ctl $words >out 2>&1
	is "$? $(head -n 1 out) $(sed -n 2p out | cut -d ' ' -f 1)" \
	    "$rc sysuserctl: $line usage:" "${words:-no words}"
done <<'W'
1||needs a command
1|stauts|unknown command "stauts"
1|top 10|top: takes no argument
1|status -j|-j: stands before the command
1|top -s x|-s: stands before the command
1|block games -j|-j: stands before the command
1|block -j|-j: stands before the command
1|test -j|-j: stands before the command
1|test usr games|test: what is "usr"?
1|test games|test: what is "games"?
1|test program|test: "program" needs a value
1|test unknown user games|test: the user is told twice
1|block|block: needs a user
1|block uid 5 for 1h x|block: what is "x"?
2|lookup|lookup: needs two addresses, each with its port
2|lookup 127.0.0.1 25|lookup: needs two addresses, each with its port
2|lookup 1 2 3 4 5|lookup: what is "5"?
W
ctl "$(printf 'a\033[2J')" >out 2>&1
is "$(head -n 1 out)" 'sysuserctl: unknown command "a?[2J"' \
    'what a terminal would obey'
ctl -x status >out 2>&1
is "$? $(wc -l <out) $(sed -n 2p out | cut -d ' ' -f 1)" \
    "1 $(($(ctl stauts 2>&1 | wc -l))) usage:" 'an option that it has not'
is "$(ctl test program -j sender -s >out 2>&1; echo $?)" 0 \
    'a value may look like an option'

#
# The socket
#
at() {			# PATH
	"$OBJ/sysuserctl" -s "$1" status 2>&1
	echo $?
}
no='is not the control socket of milter-sysuser: name that with -s'
is "$(at "$T/none")" "sysuserctl: $T/none: is milter-sysuser running? \
Start it, or name its control socket with -s
1" 'nothing is there'
is "$(at "$CONF")" "sysuserctl: $CONF: $no
1" 'a file'
is "$(at "$T")" "sysuserctl: $T: $no
1" 'a directory'
is "$(at "$MILTER")" "sysuserctl: $MILTER: $no
1" 'the other socket'
cp "$OBJ/sysuserctl" "$T/sysuserctl"
is "$(as news "$T/sysuserctl" -s "$CONTROL" status 2>&1; echo $?)" \
    "sysuserctl: $CONTROL: only root and the group of the socket may use it
1" 'one who may not'
daemon_stop || bail 'it does not stop'

#
# A bad daemon: so many rows for whatever it is asked, and OK at the end.
#
cat >bad.pl <<'P'
use IO::Socket::UNIX;
my ($path, $header, $row, $rows, $payload) = @ARGV;
my (%n, $buf);
open my $f, "<", $header or die;
while (<$f>) {
	if (/^enum imsg/ .. /^};/) {
		$n{$1} = keys %n while /IMSG_(\w+)/g;
	}
}
$payload = pack "H*", $payload;
my $l = IO::Socket::UNIX->new(Local => $path, Listen => 1, Type => 5) or die;
open $f, ">", "$path.ready";
my $s = $l->accept;
sysread $s, $buf, 9000;
sysread $s, $buf, 9000;
my ($type, $len, $id) = unpack "N N N", $buf;
$SIG{PIPE} = "IGNORE";
$payload = pack "N N N a*", $n{$row}, length $payload, $id, $payload;
while ($rows-- != 0) {
	syswrite $s, $payload or exit;
}
syswrite $s, pack "N N N n", $n{CTL_OK}, 2, $id, 0;
sysread $s, $buf, 1;
P
cp "$TOP/common/sysuser.h" .
rows() {		# VERB TYPE PAYLOAD ROWS
	rm -f bad.sock*
	perl bad.pl "$T/bad.sock" sysuser.h "$2" "$4" "$3" &
	wait_for test -e bad.sock.ready
	timeout 20 "$OBJ/sysuserctl" -s "$T/bad.sock" "$1" 2>&1 >out
	echo "$? $(wc -l <out)"
	wait $!
}
proc=$(printf '%01096d' 0)
table=0001610000$(printf '%016d' 0)
is "$(rows status CTL_PROC "$proc" -1)" 'sysuserctl: nonsense from the daemon
1 0' 'status without an end'
is "$(rows tables CTL_TABLEROW "$table" -1)" \
    'sysuserctl: nonsense from the daemon
1 0' 'tables'
is "$(rows test CTL_TESTROW "0000000100000000" -1)" \
    'sysuserctl: nonsense from the daemon
1 0' 'test'
is "$(rows tables CTL_TABLEROW "$table" 10000)" '0 10003' \
    'the most rows that it takes'
finish
