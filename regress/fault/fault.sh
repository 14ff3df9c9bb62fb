# Sourced after proto/milter.sh: what the tests of faults share.

DO=$OBJ/regress/fault/do

# One line for each process that runs: NAME[-INSTANCE]=PID.
processes() {
	ctl status 2>/dev/null | awk '/ running$/ {
		print $1 ~ /worker|names/ ? $1 "-" $2 "=" $3 : $1 "=" $2 }'
}

pid_of() {		# NAME[-INSTANCE]
	processes | sed -n "s/^$1=//p"
}

# As many as there should be, and none of these pids is among them.
all_run() {		# [PID...]
	processes >all.now
	[ "$(wc -l <all.now)" -eq "${ALL:-7}" ] || return 1
	for _p; do
		! grep -q "=$_p\$" all.now || return 1
	done
}

# The tag that the next message gets; "closed" and the like are no tags.
tag() {			# [PORT]
	printf '%s\n' "session 127.0.0.1 ${1:-2501}" message | milter |
	    sed -n 's/^insert 0 X-Sender-Process-Info: //p'
}

# What became of the next message: the MTA goes on, with its default action
# if the milter goes away.
flows() {		# [PORT]
	printf '%s\n' "session 127.0.0.1 ${1:-2501}" message |
	    timeout 20 perl "$TOP/regress/proto/milter.pl" "$MILTER" >flow.out \
	    2>&1
	[ $? -ne 124 ] && ! grep -q 'm: [45]' flow.out
}

tagged() {		# [PORT [TAG]]; the next eight are
	for _i in 1 2 3 4 5 6 7 8; do
		[ "$(tag "${1:-2501}")" = "${2:-user=games program=telnet}" ] ||
		    return 1
	done
}

# How long it takes until a command is true, in ms.
time_until() {		# COMMAND...
	_from=$(date +%s%3N)
	WAIT=30 wait_for "$@" || return 1
	took=$(($(date +%s%3N) - _from))
}

#
# Calls that fail: see fault.c.
#

# Programs of our own, with a file beside them that says which call fails; and
# a connection of a user, to ask for.
calls_need() {
	need_root
	need perl
	id games >/dev/null 2>&1 || skip_all 'needs a user games'
	mkdir calls
	for _p in milter-sysuser resolver names control milterd sysuserctl; do
		cp "$OBJ/regress/fault/$_p" calls ||
		    bail "$OBJ/regress/fault/$_p: run make"
	done
	PARENT=$T/calls/milter-sysuser
	LIBEXEC=$T/calls
	perl -e 'print "\0" x 104' >calls/fault
	perl -MIO::Socket::INET -e '
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
		    Listen => 1) or die;
		$) = $( = shift; $> = $< = shift;
		my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		    PeerPort => $l->sockport) or die;
		my $s = $l->accept or die;
		$| = 1;
		print $c->sockport, " ", $l->sockport, "\n";
		sleep 3600' "$(id -g games)" "$(id -u games)" >ports &
	AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
	wait_for test -s ports || bail 'no connection to ask for'
	read -r CPORT SPORT <ports
}

# Its Nth call from now on fails, and so many of them; of that function only,
# and with that errno.
arm() {			# PROGRAM N [TIMES [FUNCTION [ERRNO]]]
	perl -MErrno -e 'my ($file, $program, $n, $times, $only, $as) = @ARGV;
	    open my $f, "+<", $file or die;
	    syswrite $f, pack "Z16 Z24 q L L L L l Z32 l", $program,
	    $only // "", 0, $n, $times // 1, 0, 0, 0, "",
	    $as ? Errno->can($as)->() : 0' calls/fault "$@"
}

jump() {		# SECONDS that the clock on the wall is wrong
	perl -e 'open my $f, "+<", shift or die;
	    syswrite $f, pack "x16 x24 q", shift' calls/fault "$1"
}

armed() {		# how many calls there were, did it fail, and which
	perl -e 'open my $f, "<", shift or die; sysread $f, my $b, 104;
	    my ($n, $fired, $error, $what) = (unpack "x48 L L L L l Z32",
	    $b)[2 .. 5]; $! = $error; print "$n $fired $what: $!\n"' calls/fault
}

# Nothing may be left of it for the next one, whatever it did.
calls_end() {
	_pid=$DAEMON
	daemon_end
	[ -s daemon.rc ] && return 0
	kill -9 "$_pid"
	wait_for test -s daemon.rc
	sleep 1
	echo hangs >daemon.rc
}

# Six sessions: all tags that came are kept in the file tags.  A machine that is
# too busy may not always have the time to look for the process.
RIGHT='user=games program=perl'
all_tagged() {
	for _i in 1 2 3 4 5 6; do
		printf '%s\n' \
		    "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" message quit
	done | timeout 30 perl "$TOP/regress/proto/milter.pl" "$MILTER" \
	    >got 2>&1
	sed -n 's/^insert 0 X-Sender-Process-Info: //p' got >got.tags
	cat got.tags >>tags
	[ "$(grep -c '^user=games program=\(perl\|unknown\)$' got.tags)" -eq 6 ] &&
	    grep -qx "$RIGHT" got.tags
}

# Nobody else is named, whatever happened.
wrong_tags() {
	grep -v '^user=\(games\|#5\) program=\(perl\|unknown\)$' tags |
	    grep -v '^user=unknown reason='
}

# Which calls are to fail, the same ones each time: the first of them are near
# to each other.  With FAULTS=N each of the first N.
numbers() {
	if [ -n "${FAULTS:-}" ]; then
		seq 1 "$FAULTS"
	else
		echo ${NUMBERS:-1 3 7 17 41 97 233 569 1361}
	fi
}
