#!/bin/sh
# What keeps the daemon from starting is one clear line and exit 1; and what
# runs when it has started has the rights that it should have.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

need_root
need ps
LIBEXEC=$OBJ
conf_write </dev/null
cp "$CONF" good.conf

start() {	# FILE; a daemon that should not start
	timeout 20 "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$1" </dev/null \
	    >out 2>&1
	rc=$?
}

fails() {	# REGEX DESCRIPTION; with the lines on stdin changed in $CONF
	sed -f /dev/stdin good.conf >"$CONF"
	start "$CONF"
	is "$rc $(grep -Ecx -e "$1" out) $(wc -l <out)" '1 1 1' "$2" ||
	    diag "said: $(cat out)" "expected: $1"
}

p=milter-sysuser
plan 69

#
# Why not
#
cp "$OBJ/milter-sysuser" "$T/milter-sysuser"
as nobody "$T/milter-sysuser" -d -L "$LIBEXEC" -f "$CONF" >out 2>&1
is "$? $(cat out)" "1 $p: must be started as root" 'not root'
"$OBJ/milter-sysuser" -x >out 2>&1
is "$? $(grep -c '^usage: ' out)" '1 1' 'an unknown option'
"$OBJ/milter-sysuser" -d more >out 2>&1
is "$? $(grep -c '^usage: ' out)" '1 1' 'an argument'
start "$T/none.conf"
is "$rc $(cat out)" "1 $T/none.conf: is not there: make it, or correct its \
name" 'no configuration'

fails "$CONF:3: unknown user \"no-such-one\": make that account, as README \
says" \
    'an unknown user' <<E
s/^user .*/user "no-such-one"/
E
fails "$CONF:4: unknown user \"no-such-one\": make that account, as README \
says" \
    'an unknown resolver user' <<E
s/^resolver user .*/resolver user "no-such-one"/
E
fails "$CONF:[0-9]*: unknown user \"no-such-one\": make that account, as \
README says" \
    'an unknown control user' <<E
\$a\\
control user "no-such-one"
E
fails "$CONF:4: resolver user \"nobody\" must not be the same as user: name \
another" \
    'the same account for both' <<E
s/^resolver user .*/resolver user "nobody"/
E
fails "$CONF:3: user \"root\" has uid 0: name another" 'root as user' <<E
s/^user .*/user "root"/
E
fails "$CONF:1: unknown group \"no-such-one\": is the mail server \
installed\?  Sendmail needs none: say mode 0600" 'an unknown group' <<E
s/^\\(listen .* group\\) .*/\\1 "no-such-one"/
E
fails "$CONF:1: mode 0666 would open the socket to everybody: say 0660 and a \
group" \
    'a socket for everybody' <<E
s/mode 0660/mode 0666/
E

cp good.conf "$CONF"
chmod 664 "$CONF"
start "$CONF"
is "$rc $(cat out)" "1 $CONF: must not be writable by group or others: use \
chmod go-w" \
    'configuration: group can write'
chmod 646 "$CONF"
start "$CONF"
is "$rc $(cat out)" "1 $CONF: must not be writable by group or others: use \
chmod go-w" \
    'configuration: others can write'
chmod 644 "$CONF"
chown daemon "$CONF"
start "$CONF"
is "$rc $(cat out)" "1 $CONF: must be owned by root: use chown" \
    "configuration: not root's"
chown root "$CONF"

bad="must be root's and writable by nobody else; type: chown root .*"
mkdir -m 775 empty
fails "$p: $T/empty: $bad" 'chroot: group can write' </dev/null
chmod 757 empty
fails "$p: $T/empty: $bad" 'chroot: others can write' </dev/null
chmod 755 empty
chown daemon empty
fails "$p: $T/empty: $bad" "chroot: not root's" </dev/null
chown root empty
: >empty/file
fails "$p: $T/empty: must be empty for chroot, but has \"file\": remove that, \
or name another" \
    'chroot: not empty' </dev/null
rm -r empty
: >empty
fails "$p: $T/empty: is not a directory: name another" \
    'chroot: a file' </dev/null
rm empty
mkdir real
ln -s real empty
fails "$p: $T/empty: is not a directory: name another" \
    'chroot: a symbolic link' </dev/null
rm empty
fails "$p: /nowhere/empty: can't be made; type: mkdir -p /nowhere/empty" \
    'chroot: nowhere' <<E
s,^chroot .*,chroot "/nowhere/empty",
E
rm -rf state
mkdir -m 777 state
fails "$p: $T/state: $bad" 'state directory: others can write' </dev/null
rm -rf state
mkdir -m 700 state
ln -s /dev/null state/lock
fails "$p: $T/state/lock: Too many levels of symbolic links" \
    'lock: a symbolic link' </dev/null
rm state/lock

long=$T/$(printf 'x%.0s' $(seq 100))
fails "$CONF:1: path of socket is longer than [0-9]* bytes" \
    'a path too long for a socket' <<E
s,$MILTER,$long,
E
: >"$MILTER"
fails "$p: $MILTER: is there and is no socket: remove it, or name another" \
    'a file for a socket' </dev/null
ok 'the file is still there' test -f "$MILTER"
rm "$MILTER"
fails "$p: /nowhere/sock: its directory is not there: make it, or is the mail \
server not installed\?" \
    'a socket nowhere' <<E
s,$MILTER,/nowhere/sock,
E
# somebody else's socket
perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Local => shift, Listen => 1,
	    Type => shift eq "stream" ? SOCK_STREAM : 5) or die;
	open my $f, ">", "listening"; close $f; sleep 100' "$MILTER" stream &
other=$!
wait_for test -f listening
fails "$p: $MILTER: a living daemon listens there: stop it, or name another" \
    'a socket in use' </dev/null
ok 'it is still there' test -S "$MILTER"
kill "$other"
wait "$other" 2>/dev/null
rm -f listening

# The same for TCP; the warning comes first.
port=$(free_port)
perl -MIO::Socket::IP -e '
	my $s = IO::Socket::IP->new(LocalHost => "127.0.0.1",
	    LocalPort => shift, Listen => 1) or die;
	open my $f, ">", "listening"; close $f; sleep 100' "$port" &
other=$!
wait_for test -f listening
for a in "127.0.0.1 another program listens there: stop it, or say another port" \
    '192.0.2.77 is no address of this host: say one that is'; do
	sed "1s/.*/listen on inet \"${a%% *}\" port $port insecure/" good.conf \
	    >"$CONF"
	start "$CONF"
	is "$rc $(tail -n 1 out)" "1 $p: ${a%% *}:$port: ${a#* }" \
	    "${a#* }"
done
kill "$other"
wait "$other" 2>/dev/null
rm -f listening

if unshare -m true 2>/dev/null; then
	mkdir ro
	sed "s,^state directory .*,state directory \"$T/ro\"," good.conf \
	    >"$CONF"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs -o ro,mode=755 none ro && exec "$@"' \
	    sh timeout 20 "$OBJ/milter-sysuser" -d -L "$LIBEXEC" -f "$CONF" \
	    </dev/null >out 2>&1
	is "$? $(cat out)" "1 $p: $T/ro/lock: read-only: does the unit of \
systemd need its directory in ReadWritePaths=?" 'a state directory to read only'
else
	skip 1 'no mounts of its own'
fi
ok 'its owner died and left it' test -S "$MILTER"

LIBEXEC=$T/nowhere
fails "$p: $T/nowhere, for the other programs [(]-L[)]: No such file or \
directory" 'no folder of programs' \
    </dev/null
mkdir libexec
LIBEXEC=$T/libexec
cp good.conf "$CONF"
start "$CONF"
is "$rc $(grep -c "^$p: .*: no program $T/libexec/[a-z]*: install it, or say \
-L\$" out) $(
    grep -cx "$p: start-up failed" out) $(wc -l <out)" '1 1 1 2' \
    'no programs in it' || diag "$(cat out)"
ok 'no socket is left behind' test ! -S "$CONTROL"
LIBEXEC=$OBJ

cp good.conf "$CONF"
timeout 5 "$OBJ/milter-sysuser" -d -L "$OBJ" -f "$CONF" </dev/null \
    >/dev/full 2>&1
is $? 1 'stderr that takes nothing'

#
# What runs
#
rm -f "$MILTER" "$CONTROL"
perl -MIO::Socket::UNIX -e '
	IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) &&
	IO::Socket::UNIX->new(Local => $ARGV[1], Listen => 1, Type => 5) or
	    die' "$MILTER" "$CONTROL"
sed "s/^\(listen.*\) group .*/\1 owner \"news\" group \"mail\"/
    s/^\(control socket.*\)/\1 mode 0640 group \"games\"/" good.conf >"$CONF"
# A child of that one has its lock for another moment.
perl -e 'use Fcntl ":flock"; open my $f, ">", "state/lock" or die;
    flock $f, LOCK_EX or die; exit if fork; select undef, undef, undef, 0.3'
ok 'it starts, and takes over the sockets of one that died' daemon_start
is "$(stat -c '%F %a %U %G' "$MILTER")" 'socket 660 news mail' \
    'mode and owner of the milter socket'
is "$(stat -c '%F %a %U %G' "$CONTROL")" 'socket 640 root games' \
    'mode and owner of the control socket'
is "$(stat -c '%F %a %U %G' empty)" 'directory 755 root root' 'the chroot'
is "$(ls empty)" '' 'it is empty'
is "$(stat -c '%a %U' state)" '700 root' 'the state directory'
is "$(head -n 1 state/lock)" "$DAEMON" 'the lock has its pid in it'
sed "s,$MILTER,$MILTER.2,; s,$CONTROL,$CONTROL.2,; s,$T/empty,$T/empty.2," \
    "$CONF" >second.conf
start "$T/second.conf"
is "$rc $(cat out)" "1 $p: $T/state/lock: another milter-sysuser is running: \
stop it, or say another state directory" \
    'a second one with the same state directory'
sed "s,$T/state,$T/state.2,; s,$T/empty,$T/empty.2,
    s,$MILTER,$MILTER.2," "$CONF" >second.conf
start "$T/second.conf"
is "$rc $(cat out)" "1 $p: $CONTROL: a living daemon listens there: stop it, \
or name another" \
    'one with the same control socket'
ok 'the first one does not mind' eval 'ctl status >/dev/null'

title() {
	ps -o args= -p "$1" | sed 's/ *\.* *$//'
}
cap() {		# PID NAME
	sed -n "s/^Cap$2:[^0-9a-f]*0*//p" "/proc/$1/status"
}
rights() {	# PID; uids, gids, groups, what of capabilities is not nothing
	awk '$1 == "Uid:" || $1 == "Gid:" { printf "%s %s %s %s ", $2, $3, $4,
	    $5 } $1 == "Groups:" { printf "[%s] ", $2 }
	    $1 == "NoNewPrivs:" { print $2 }' "/proc/$1/status"
	for _c in Inh Prm Eff Bnd Amb; do
		echo "$_c=$(cap "$1" $_c)"
	done
}
both=$(printf '%x' $((1 << 19 | 1 << 2)))	# SYS_PTRACE, DAC_READ_SEARCH
n=$(id -u nobody) g=$(id -g nobody) d=$(id -u daemon) e=$(id -g daemon)
none="Inh=
Prm=
Eff=
Bnd=
Amb="
is "$(title "$DAEMON")" "$p: parent [$CONF]" 'title: parent'
is "$(title "$(pids resolver)")" 'resolver: answers lookups [linux]' \
    'title: resolver'
is "$(for i in $(pids names); do title "$i"; done)" 'names: answers names
names: answers names' 'title: names'
is "$(title "$(pids control)")" 'control: serves sysuserctl' 'title: control'
is "$(for i in $(pids worker); do title "$i"; done)" 'milterd: worker 1
milterd: worker 2' 'title: milterd'
is "$(rights "$(pids resolver)")" "$d $d $d $d $e $e $e $e [$e] 1
Inh=
Prm=$both
Eff=$both
Bnd=
Amb=" 'rights: resolver'
for i in $(pids names) $(pids control) $(pids worker); do
	rights "$i"
done >out
is "$(sort -u out)" "$(printf '%s\n' \
    "$n $n $n $n $g $g $g $g [$g] 1" "$none" | sort -u)" \
    'rights: names, control and workers have none'
for i in $(pids control) $(pids worker); do
	readlink "/proc/$i/root"
done >out
is "$(sort -u out)" "$T/empty" 'control and workers are in the chroot'
is "$(readlink "/proc/$(pids resolver)/root")" /proc 'the resolver in /proc'
for i in $(pids resolver) $(pids names) $(pids control) $(pids worker); do
	tr '\0' '\n' <"/proc/$i/environ"
	ls "/proc/$i/fd" | wc -l >>fds
done >out
is "$(sort -u out | grep -v '^PATH=\|^MALLOC_')" '' \
    'nothing of our environment came with them'
# The resolver has some 30: netlink, maps of the record, processes that it knows.
ok 'nor descriptors' test "$(sort -n fds | tail -n 1)" -lt 48

#
# Who may ask
#
cp "$OBJ/sysuserctl" "$T/sysuserctl"
ask() {		# USER VERB...
	_u=$1
	shift
	as "$_u" "$T/sysuserctl" -s "$CONTROL" "$@" >out 2>&1
	echo "$? $(head -n 1 out)"
}
is "$(ask nobody status)" "1 sysuserctl: $CONTROL: only root and the group \
of the socket may use it" 'nobody: no status'
chmod 660 "$CONTROL"
like "$(ask games status)" '^0 PROCESS ' "the socket's group: status"
is "$(ask games reload)" '1 sysuserctl: only root may do that' 'no reload'
is "$(ask games stop)" '1 sysuserctl: only root may do that' 'no stop'
is "$(ask games lookup 127.0.0.1 1 127.0.0.1 2)" \
    '2 sysuserctl: only root may do that' 'no lookup'
ok 'it still runs' eval 'ctl status >/dev/null'
ok 'it stops' daemon_stop
ok 'and takes its sockets away' test ! -e "$MILTER" -a ! -e "$CONTROL"
is "$(ctl status 2>&1; echo $?)" \
    "sysuserctl: $CONTROL: is milter-sysuser running? Start it, or name \
its control socket with -s
1" 'sysuserctl without a daemon'

# The parent is killed; children may still be busy with a session.
daemon_start || bail 'no daemon'
{
	printf '%s\n' 'session 192.0.2.1 2501' 'mail <a@example.test>'
	WAIT=60 wait_for test -e go
	printf '%s\n' 'rcpt <b@example.test>' eom quit
} | milter >out &
mta=$!
wait_for grep -q '^mail: ' out
kill -9 "$DAEMON"
wait_for test -s "$T/daemon.rc" 2>/dev/null
DAEMON=
ok 'another one starts where the first was killed' daemon_start
: >go
wait "$mta"
is "$(cat out)" 'mail: continue
eom: continue' 'the session that was open ends well'
[ -z "$DAEMON" ] || daemon_stop
finish
