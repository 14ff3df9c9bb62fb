# Sourced by the tests and the demo: TAP, a private directory, the daemon.
# Nothing outside $T and $OBJ is written; only our own children are ended.

set -u
umask 022
unset CDPATH
export LC_ALL=C PATH="/usr/sbin:/sbin:/usr/bin:/bin:$PATH"

TOP=$(cd "$(dirname "$0")" && pwd -P)
SELF=$TOP/${0##*/}
until [ -f "$TOP/regress/lib.sh" ]; do
	TOP=${TOP%/*}
	[ -n "$TOP" ] || { echo "Bail out! where is regress/lib.sh?"; exit 1; }
done
OBJ=${OBJ:-$TOP/obj}
case $OBJ in
/*)	;;
*)	OBJ=$PWD/$OBJ ;;
esac

# Always /tmp: the checkout and $TMPDIR may be closed to the users we send as.
T=$(mktemp -d /tmp/milter-sysuser.XXXXXX) || exit 1
chmod 755 "$T"
cd "$T" || exit 1
export MAIL_CONFIG="$T/none"	# -n is not to look at this machine's Postfix

CONF=$T/milter-sysuser.conf
CONTROL=$T/control.sock
LOG=$T/daemon.log
MILTER=$T/milter.sock		# a private MTA moves it below its queue
GROUP=$(id -gn)			# may connect to $MILTER
PORT=				# where the MTA listens
AT_EXIT=			# commands of mta/*.sh
DAEMON=				# pid while it runs

# What a build with sanitizers has found, it says there.
flawed() {
	grep -Eqs 'ERROR: [A-Za-z]*Sanitizer|WARNING: ThreadSanitizer|runtime error:' \
	    "$T"/*.log || return 1
	grep -Eh -A 20 'Sanitizer|runtime error:' "$T"/*.log | head -n 60 |
	    sed 's/^/# /'
}

cleanup() {
	rc=$?
	trap '' HUP INT TERM PIPE
	trap - EXIT
	eval "$AT_EXIT"
	if [ -n "$DAEMON" ]; then
		kill "$DAEMON" 2>/dev/null
		wait_for gone "$DAEMON" || kill -KILL "$DAEMON"
	fi
	flawed && rc=1
	cd /
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $T"
	else
		rm -rf "$T"
	fi
	exit "$rc"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM PIPE		# PIPE: the harness went away

#
# TAP
#
tests=0
failed=0

plan() {
	echo "1..$1"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

bail() {
	diag "$*"
	exit 1
}

result() {	# STATUS DESCRIPTION
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failed=$((failed + 1))
	fi
	return "$1"
}

ok() {		# DESCRIPTION COMMAND...
	_d=$1
	shift
	if "$@"; then
		result 0 "$_d"
	else
		result 1 "$_d"
		diag "failed: $*"
		return 1
	fi
}

is() {		# GOT WANTED DESCRIPTION
	if [ "$1" = "$2" ]; then
		result 0 "$3"
	else
		result 1 "$3"
		diag "     got: $1"
		diag "expected: $2"
		return 1
	fi
}

like() {	# GOT EXTENDED-REGEX DESCRIPTION; some line of GOT matches
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		result 0 "$3"
	else
		result 1 "$3"
		diag "     got: $1"
		diag "expected: /$2/"
		return 1
	fi
}

skip() {	# COUNT REASON
	_i=0
	while [ $((_i += 1)) -le "$1" ]; do
		tests=$((tests + 1))
		echo "ok $tests # SKIP $2"
	done
}

# Last line of a test: what the daemon and the MTA said, if that may help.
finish() {
	[ "$failed" -eq 0 ] && exit 0
	for _f in "$LOG" "$T"/*/maillog; do
		[ -f "$_f" ] && diag "the end of ${_f##*/}:" &&
		    diag "$(tail -n 25 "$_f")"
	done
	exit 1
}

need() {	# COMMAND...
	for _c; do
		command -v "$_c" >/dev/null || skip_all "needs $_c"
	done
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root: mail is sent as other users"
	need setpriv
}

have_v6() {
	perl -MIO::Socket::IP -e 'exit !IO::Socket::IP->new(
	    LocalHost => "::1", Listen => 1)' 2>/dev/null
}

#
# Waiting and processes
#
wait_for() {	# COMMAND... until it is true, $WAIT seconds at most
	_end=$(($(date +%s) + ${WAIT:-20}))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$_end" ] || return 1
		sleep 0.05
	done
}

# A port that nobody uses, 127.0.0.1 and ::1, below those that clients get.
free_port() {
	perl -MIO::Socket::IP -e '
	try: for (1 .. 200) {
		my $p = 20000 + int rand 12000;
		for my $h ("127.0.0.1", "::1") {
			IO::Socket::IP->new(LocalHost => $h, LocalPort => $p,
			    Listen => 1) or $!{EADDRINUSE} ? next try : next;
		}
		print $p;
		exit 0;
	}
	exit 1;'
}

# With nothing of root's environment (a .curlrc, a proxy).
as() {		# USER COMMAND...
	(
		_u=$1
		shift
		cd / && exec env -i PATH="$PATH" LC_ALL=C HOME=/nonexistent \
		    setpriv --reuid "$_u" --regid "$(id -g "$_u")" \
		    --clear-groups "$@"
	)
}

gone() {	# PID...
	for _p; do
		kill -0 "$_p" 2>/dev/null && return 1
	done
	return 0
}

#
# The daemon
#
conf_write() {	# the rules come on stdin
	mkdir -p "$T/state"
	{
		cat <<-E
		listen on socket "$MILTER" mode 0660 group "$GROUP"
		control socket "$CONTROL"
		user "nobody"
		resolver user "daemon"
		chroot "$T/empty"
		state directory "$T/state"
		prefork 2
		E
		cat
	} >"$CONF"
}

daemon_run() {	# CONFIGFILE; in the foreground of a subshell
	"${PARENT:-$OBJ/milter-sysuser}" -d -L "${LIBEXEC:-$OBJ}" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

ready() {
	grep -Eq '(^|[ :])ready$' "$LOG" || [ -s "$T/daemon.rc" ]
}

daemon_start() {	# [CONFIGFILE]
	[ -x "$OBJ/milter-sysuser" ] || bail "$OBJ/milter-sysuser: run make"
	rm -f "$T/daemon.pid" "$T/daemon.rc"
	flawed && bail "the daemon before this one had flaws"
	: >"$LOG"
	(daemon_run "${1:-$CONF}") &
	wait_for test -s "$T/daemon.pid" || bail "no daemon"
	read -r DAEMON <"$T/daemon.pid"
	wait_for ready && [ ! -s "$T/daemon.rc" ] && return 0
	[ ! -s "$T/daemon.rc" ] || DAEMON=
	diag "the daemon is not ready:"
	diag "$(tail -n 25 "$LOG")"
	return 1
}

daemon_stop() {		# true if it exits 0
	[ -n "$DAEMON" ] && kill "$DAEMON" || return 1
	WAIT=30 wait_for test -s "$T/daemon.rc" || return 1
	DAEMON=
	[ "$(cat "$T/daemon.rc")" -eq 0 ]
}

ctl() {
	"$OBJ/sysuserctl" -s "$CONTROL" "$@"
}
