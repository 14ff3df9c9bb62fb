#!/bin/sh
# The connect-time record: who closes, resets or exits at once is named, and
# who is in another network namespace; and no other user can push a record
# out, or plant one.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/owner/owner.sh"

need_root
need ip perl capsh bpftool nft
# A host of our own, with fixed ports.
if [ -z "${OWN_NET:-}" ]; then
	unshare -n true 2>/dev/null || skip_all 'needs network namespaces'
	OWN_NET=1 unshare -n "$TOP/regress/owner/${0##*/}"
	exit $?
fi
PORT=2525
OTHER=2526
SPRAYED='2531 2532 2533 2534'	# so that no port comes twice
LATE=2535
COUNT=${SPRAY:-200}	# of who sprays
FLOOD=${FLOOD:-150000}	# connections of another user
INSIDE=			# what the daemon is started by
NS=			# pid in the network namespace of clients, or none

# As lib.sh has it, but for what it is started by.
daemon_run() {		# CONFIGFILE
	# shellcheck disable=SC2086
	$INSIDE "$OBJ/milter-sysuser" -d -L "${LIBEXEC:-$OBJ}" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

# As lib.sh has it, but for the namespace; and without another process.
become() {		# USER COMMAND...
	_u=$1
	shift
	cd / && exec ${NS:+nsenter "--net=/proc/$NS/ns/net"} env -i \
	    PATH="$PATH" LC_ALL=C HOME=/nonexistent setpriv --reuid "$_u" \
	    --regid "$(id -g "$_u")" --clear-groups "$@"
}
as() {			# USER COMMAND...
	(become "$@")
}

# In the background; its pid is $!.
run() {			# USER COMMAND...
	(become "$@") &
	AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
}

conf() {		# BACKEND [PORT...]
	{
		echo "backend $1"
		shift
		[ $# -eq 0 ] || echo "record ports { $(echo "$*" |
		    tr ' ' ,) }"
		cat <<-E
		header "X-Sender-Process-Info" fields { user, unit, container }
		pass
		E
	} | conf_write
}

# USER PID SOURCE, or all that is said.
said() {		# CADDR CPORT SADDR [SPORT]
	ctl lookup "$1" "$2" "$3" "${4:-$PORT}" | sed -E 's/^verdict=owned '\
'user=([^ ]*) .* pid=([0-9]*) .* source=([a-z]*)$/\1 \2 \3/'
}

# What a search says of it; no process, where that would take too long.
found() {		# PID
	echo "^games $1 (scan|cache|cgroup)\$${SLOW:+|source=uid-only\$}"
}

# A client that stays until "over", in the way of client.pl.
open_client() {		# NAME USER HOST [PORT [OPTION...]]
	_n=$1 _who=$2 _h=$3
	_p=${4:-$PORT}
	shift $(($# < 4 ? $# : 4))
	echo "!wait $T/over" >in
	client "$_n" "$_who" "$_h" "$_p" "$@" <in
}

# True if all are named; whoever else is named is noted for good.
sprayed() {		# USER NAME PORT COUNT ANSWER-REGEX
	sed -n "s/^\([0-9]*\) [0-9]*$/127.0.0.1 \1 127.0.0.1 $3/p" \
	    "$2.out" | ctl lookup - >"$2.said"
	grep '^[0-9]* [0-9]*$' "$2.out" | paste -d ' ' - "$2.said" >"$2.both"
	grep ' pid=' "$2.both" |
	    awk -v "user=user=$1" '$4 != user || !index($0, " pid=" $2 " ")' \
	    >>wrong
	[ "$(grep -Ec "^[0-9]+ ([0-9]+) verdict=owned user=$1 .* pid=\1 $5" \
	    "$2.both")" -ge "$4" ]
}

spray() {		# USER NAME PORT HOW COUNT NAMED EXE-REGEX DESCRIPTION
	run "$1" "$T/record" spray "$3" "$5" "$4" >"$2.out"
	wait_for eval "[ \$(grep -c '^[0-9]* [0-9]*$' $2.out) -eq $5 ]"
	[ "$4" != exit ] || wait_for grep -q done "$2.out"
	ok "$8" wait_for sprayed "$1" "$2" "$3" "$6" \
	    "program=record $7source=bpf" || diag "$(grep -v source=bpf \
	    "$2.both" | head -n 3)"
}

resolver() {
	ctl status | awk '$1 == "resolver" { print $2 }'
}

programs() {		# PID; what it has in the kernel
	cat "/proc/$1/fdinfo/"* 2>/dev/null |
	    awk '$1 == "prog_id:" { print $2 }' | sort -u
}

unloaded() {		# ID...
	for _id; do
		! bpftool prog show id "$_id" >/dev/null 2>&1 || return 1
	done
}

ip link set lo up
have_record || skip_all "$WHY"
cp "$OBJ/regress/record" "$T/record" || bail "$OBJ/regress/record: run make"
chmod 755 "$T/record"
netns_new && ip link add wire type veth peer name wire netns "$NETNS" ||
    skip_all 'needs an interface of type veth'
far=$NETNS
ip addr add 192.0.2.2/24 dev wire
ip link set wire up
within "$far" ip addr add 192.0.2.3/24 dev wire
within "$far" ip link set wire up

for p in $PORT $OTHER $SPRAYED; do
	run root "$T/record" serve "$p" >"serve$p.out"
	wait_for grep -q ready "serve$p.out" || bail 'no server'
done
# shellcheck disable=SC2086
conf bpf $PORT $LATE $SPRAYED
daemon_start || bail 'no daemon'
plan 63

#
# Who is gone before anybody asks.
#
: >wrong
spray games exit 2531 exit $COUNT $COUNT '' \
    'written and exited at once: all are named'
spray games close 2532 close $COUNT $COUNT "exe=$T/record " 'closed at once'
spray games reset 2533 reset $COUNT $COUNT "exe=$T/record " 'reset at once'
is "$(cat wrong)" '' 'nobody else ever was'

#
# Another user makes all the connections that he can.
#
open_client open games 127.0.0.1
open=$port open_pid=$pid
client closed games 127.0.0.1 $PORT </dev/null
closed=$port closed_pid=$pid
NS=$far open_client away games 192.0.2.2
away=$port away_pid=$pid
echo '!reset' >in
client reset games 127.0.0.1 $PORT <in
reset=$port reset_pid=$pid began=$(date +%s)
victims() {		# WHEN
	is "$(said 127.0.0.1 "$open" 127.0.0.1)" "games $open_pid bpf" \
	    "$1: the open one"
	is "$(said 127.0.0.1 "$closed" 127.0.0.1)" "games $closed_pid bpf" \
	    "$1: the closed one"
	is "$(said 192.0.2.3 "$away" 192.0.2.2)" "games $away_pid bpf" \
	    "$1: the one of another network namespace"
	# it is believed for a minute
	if [ $(($(date +%s) - began)) -lt 50 ]; then
		is "$(said 127.0.0.1 "$reset" 127.0.0.1)" \
		    "games $reset_pid bpf" "$1: the one that was reset"
	else
		skip 1 'too slow here'
	fi
}
victims before
run news "$T/record" flood $PORT $FLOOD $((FLOOD / 50)) >flood.out
flood=$!
run man "$T/record" flood $PORT $((FLOOD / 5 * 2)) $((FLOOD / 50)) own >own.out
own=$!
wait_for grep -q held flood.out
half=$((COUNT / 2))
spray www-data during 2534 close $half $half "exe=$T/record " \
    'during the flood: who comes then'
diag "not recorded then: $(grep -vc source=bpf during.both) of $half"
ok "$FLOOD connections are made" eval \
    'WAIT=80 wait_for grep -q "done\|Bail" flood.out &&
    grep -q done flood.out' || diag "$(cat flood.out)"
if grep -q 'Bail out! own network' own.out; then
	skip 1 'no user namespaces for users'
else
	ok 'and others in namespaces of the user' eval \
	    'WAIT=80 wait_for grep -q "done\|Bail" own.out &&
	    grep -q done own.out' || diag "$(cat own.out)"
fi
victims after
kill $flood $own
is "$(cat wrong)" '' 'nobody else was named'

#
# Somebody has the same addresses and ports in namespaces of his own.
#
# shellcheck disable=SC2016
PLANT='
use IO::Socket::IP;
$| = 1;
alarm 150;
my ($server, $client, $sport, $cport) = @ARGV;
my $l = IO::Socket::IP->new(LocalHost => $server, LocalPort => $sport,
    Listen => 5, ReuseAddr => 1) or die "listen: $@\n";
my $c = IO::Socket::IP->new(LocalHost => $client, LocalPort => $cport,
    PeerHost => $server, PeerPort => $sport) or die "connect: $@\n";
my $s = $l->accept;
print "planted\n";
sleep 150;'
plant() {		# NAME PORT
	# shellcheck disable=SC2016
	run news unshare -Urn sh -c 'ip link set lo up &&
	    ip addr add 192.0.2.2/32 dev lo &&
	    ip addr add 192.0.2.3/32 dev lo &&
	    exec perl -e "$@"' sh "$PLANT" 192.0.2.2 192.0.2.3 $PORT "$2" \
	    >"$1.out" 2>&1
	wait_for grep -q . "$1.out"
	grep -q planted "$1.out"
}
have_range() {
	perl -MSocket -e 'socket my $s, AF_INET, SOCK_STREAM, 0 or exit 1;
	    exit !setsockopt $s, 0, 51, pack "L", 0'
}
if plant probe 40001 && have_range; then
	# He is there first, and then he is late.
	NS=$far open_client first games 192.0.2.2 $PORT from=40001
	is "$(said 192.0.2.3 40001 192.0.2.2)" "games $pid bpf" \
	    'planted before: the client of the container'
	first=$pid
	NS=$far open_client second games 192.0.2.2
	ok 'the other user can have its port' plant late "$port"
	is "$(said 192.0.2.3 "$port" 192.0.2.2)" "games $pid bpf" \
	    'planted after: the client of the container'
	is "$(said 192.0.2.3 40001 192.0.2.2)" "games $first bpf" \
	    'and the first one still'
	is "$(said 192.0.2.3 40002 192.0.2.2)" 'verdict=remote' \
	    'nothing is planted where there is no connection'
else
	skip 5 "he can't: $(cat probe.out)"
fi

#
# Who is redirected to the server from a port that is not recorded, and resets:
# the server has his mail, and somebody else his port.
#
nft -f - <<E || bail 'no nft'
table ip here {
	chain out {
		type nat hook output priority -100;
		tcp dport 2599 redirect to :$PORT
	}
}
E
echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close
echo "!wait $T/gone" >in
echo '!reset' >>in
client unseen games 127.0.0.1 2599 from=40003 <in
unseen=$pid
is "$(said 127.0.0.1 40003 127.0.0.1)" 'verdict=unknown reason=redirected' \
    'not recorded: he is redirected'
: >gone
wait_for gone "$unseen"
sleep 3		# until the packet filter has forgotten him
open_client heir news 127.0.0.1 $PORT from=40003
is "$port $(said 127.0.0.1 40003 127.0.0.1)" \
    '40003 verdict=unknown reason=reused' 'who has his port is not taken for him'
client next news 127.0.0.1 $PORT </dev/null
is "$(said 127.0.0.1 "$port" 127.0.0.1)" "news $pid bpf" 'nobody else minds'
nft delete table ip here

#
# Another user's connection elsewhere has the sequence numbers of one to the
# server, as if both had been guessed.
#
# shellcheck disable=SC2016
NUMBERS='
use Socket qw(:DEFAULT SOCK_STREAM);
$| = 1;
alarm 60;
my ($port, $watched) = @ARGV;
my ($REPAIR, $QUEUE, $SEQ, $RECV, $SEND) = (19, 20, 21, 1, 2);
sub of {	# a socket of that user
	local $> = getpwnam shift;
	socket my $s, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
	return $s;
}
sub set {
	setsockopt $_[0], 6, $_[1], pack "l", $_[2] or die "no repair: $!\n";
}
sub numbers {	# the next ones to be sent and received
	my ($s, $send, $recv) = @_;
	set($s, $REPAIR, 1);
	set($s, $QUEUE, $SEND);
	set($s, $SEQ, $send);
	if (defined $recv) {
		set($s, $QUEUE, $RECV);
		set($s, $SEQ, $recv);
	}
}
sub number {
	my ($s, $queue) = @_;
	set($s, $REPAIR, 1);
	set($s, $QUEUE, $queue);
	return unpack "L", getsockopt $s, 6, $SEQ;
}
sub elsewhere {
	connect $_[0], sockaddr_in($watched, inet_aton("192.0.2.9")) or
	    die "elsewhere: $!\n";
}'
# shellcheck disable=SC2016
SAME='
my $thief = of("news");
numbers($thief, 1000);
set($thief, $REPAIR, -1);
open my $nft, "|-", "nft -f -" or die;
print $nft "add table ip late; add chain ip late out " .
    "{ type filter hook output priority 0; }; add rule ip late out " .
    "tcp dport $port tcp flags & (syn|ack) == ack drop\n";
close $nft or die "no nft\n";
connect $thief, sockaddr_in($port, inet_aton("127.0.0.1")) or die "thief: $!\n";
my $victim = of("games");
numbers($victim, 1001, number($thief, $RECV));
elsewhere($victim);
system "nft delete table ip late";
set($thief, $REPAIR, -1);
syswrite $thief, "QUIT\r\n";
print "port ", (sockaddr_in getsockname $thief)[0], "\n";
<STDIN>;
set($thief, $REPAIR, 1);
close $thief;		# without a word
print "gone\n";
<STDIN>;'
mkfifo same.in
perl -e "$NUMBERS$SAME" "$OTHER" "$PORT" <same.in >same.out 2>&1 &
AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
exec 7>same.in
if wait_for grep -q . same.out && grep -q '^port' same.out; then
	port=$(sed -n 's/^port //p' same.out)
	is "$(said 127.0.0.1 "$port" 127.0.0.1 $OTHER)" \
	    'verdict=unknown reason=redirected' \
	    'the numbers of another: he is not named'
	echo >&7
	wait_for grep -q gone same.out
	is "$(said 127.0.0.1 "$port" 127.0.0.1 $OTHER)" \
	    'verdict=unknown reason=redirected' 'nor when the thief has gone'
else
	skip 2 "no TCP_REPAIR: $(cat same.out)"
fi
exec 7>&-

#
# Whose record was pushed out while the server's end was not established: who
# does that himself is not taken for one from elsewhere, nor for who made his
# socket.  Other users' connections would push it out; here it is done at once.
#
# shellcheck disable=SC2016
DEFER='
use IO::Socket::IP;
$| = 1;
alarm 150;
my $l = IO::Socket::IP->new(LocalPort => $ARGV[0], Listen => 5,
    LocalHost => "0.0.0.0") or die "listen: $@\n";
setsockopt $l, 6, 9, pack "l", 60 or die "TCP_DEFER_ACCEPT: $!\n";
print "ready\n";
my @all;
while (my $c = $l->accept) {
	push @all, $c;
	print "accepted ", $c->peerport, "\n";
}'
# shellcheck disable=SC2016
LATER='
use IO::Socket::IP;
$| = 1;
alarm 150;
my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or
    die "connect: $@\n";
print "port ", $s->sockport, "\n";
select undef, undef, undef, 0.02 until -e $ARGV[2];
syswrite $s, "QUIT\r\n";
sleep 150;'
# Connected, and known to no server yet.
later() {		# NAME HOST
	run games perl -e "$LATER" "$2" $LATE "$T/pushed" >"$1.out" 2>&1
	wait_for grep -q . "$1.out"
	port=$(sed -n 's/^port //p' "$1.out")
}
# The table of that name of our resolver.
table_of() {		# NAME
	cat "/proc/$(resolver)/fdinfo/"* 2>/dev/null |
	    awk '$1 == "map_id:" { print $2 }' | sort -u | while read -r _id; do
		bpftool map show id "$_id" | grep -q " name $1 " && echo "$_id"
	done
}
push_out() {
	_waiting=$(table_of waiting)
	bpftool -j map dump id "$_waiting" | perl -0777 -ne '
		print "@$_\n" for map { [ /"(0x..)"/g ] }
		    /"key":\[(.*?)\]/g' | while read -r _key; do
			# shellcheck disable=SC2086
			bpftool map delete id "$_waiting" key hex \
			    $(echo "$_key" | sed 's/0x//g') && echo "$_key"
		done
}
run root perl -e "$DEFER" $LATE >deferred.out
wait_for grep -q ready deferred.out || bail 'no server that defers'
NS=$far later there 192.0.2.2
there=$port
later here 127.0.0.1
here=$port
ok 'both wait, and are pushed out' eval '[ "$(push_out | wc -l)" -ge 2 ]'
later waits 127.0.0.1
waits=$port
: >pushed
wait_for eval '[ "$(grep -c accepted deferred.out)" -eq 3 ]'
is "$(said 192.0.2.3 "$there" 192.0.2.2 $LATE)" \
    'verdict=unknown reason=ambiguous' 'pushed out: not from elsewhere'
is "$(said 127.0.0.1 "$here" 127.0.0.1 $LATE)" \
    'verdict=unknown reason=ambiguous' 'nor the one who made the socket'
like "$(said 127.0.0.1 "$waits" 127.0.0.1 $LATE)" '^games [0-9]* bpf$' \
    'who is not pushed out is named'

#
# A connection elsewhere that has the same numbers takes no record away.
#
# shellcheck disable=SC2016
TAKE='
my $s = of("games");
connect $s, sockaddr_in($port, inet_aton("127.0.0.1")) or die "connect: $!\n";
my $taker = of("news");
numbers($taker, number($s, $SEND), number($s, $RECV));
set($s, $REPAIR, -1);
elsewhere($taker);
close $taker;
syswrite $s, "QUIT\r\n";
print "port ", (sockaddr_in getsockname $s)[0], "\n";
sleep 60;'
run root perl -e "$NUMBERS$TAKE" $LATE $PORT >take.out 2>&1
if wait_for grep -q . take.out && grep -q '^port' take.out; then
	port=$(sed -n 's/^port //p' take.out)
	wait_for grep -q "accepted $port" deferred.out
	is "$(said 127.0.0.1 "$port" 127.0.0.1 $LATE)" \
	    'verdict=unknown reason=ambiguous' 'the same numbers, and closed'
else
	skip 1 "no TCP_REPAIR: $(cat take.out)"
fi

#
# The unit and the container of who is recorded.
#
tag() {			# PORT
	printf '%s\n' quiet "session 127.0.0.1 $1 127.0.0.1 $PORT" 'quiet 0' \
	    message | perl "$TOP/regress/proto/milter.pl" "$MILTER" |
	    sed -n 's/^insert 0 X-Sender-Process-Info: //p' | tr -d '\\' |
	    sed 's/x0ax09/ /g'
}
cgroups=$(sed -n 's,^[^ ]* [^ ]* [^ ]* / \([^ ]*\) .* - cgroup2 .*,\1,p' \
    /proc/self/mountinfo | head -n 1)/milter-sysuser.$$
id=$(printf '0123456789abcdef%.0s' 1 2 3 4)
unit=docker-$id.scope
if mkdir "$cgroups" "$cgroups/$unit" 2>/dev/null; then
	AT_EXIT="$AT_EXIT
	    WAIT=5 wait_for rmdir $cgroups/$unit
	    rmdir $cgroups"
	open_client unit games 127.0.0.1
	echo "$pid" >"$cgroups/$unit/cgroup.procs"
	is "$(tag "$port")" "user=games unit=$unit container=$id" \
	    'unit and container'
else
	rmdir "$cgroups" 2>/dev/null
	skip 1 'no cgroups of version 2 here'
fi
is "$(tag "$closed")" 'user=games unit=unknown container=unknown' \
    'a worker is told who has closed'

#
# Which ports are recorded.
#
conf bpf $OTHER
ok 'reload: another port is recorded' ctl reload
open_client unrecorded games 127.0.0.1
like "$(said 127.0.0.1 "$port" 127.0.0.1)" "$(found "$pid")" \
    'the first one is not any more: searched for'
open_client recorded games 127.0.0.1 $OTHER
is "$(said 127.0.0.1 "$port" 127.0.0.1 $OTHER)" "games $pid bpf" \
    'the other one is'
is "$(said 127.0.0.1 "$open" 127.0.0.1)" "games $open_pid bpf" \
    'what was recorded still is'
conf proc
ok 'reload: backend proc' ctl reload
open_client searched games 127.0.0.1 $OTHER
like "$(said 127.0.0.1 "$port" 127.0.0.1 $OTHER)" \
    "$(found "$pid")" 'nothing is recorded'
conf bpf $PORT
ok 'reload: as it was' ctl reload
open_client again games 127.0.0.1
is "$(said 127.0.0.1 "$port" 127.0.0.1)" "games $pid bpf" 'and so it is'

#
# A resolver that is killed.
#
old=$(resolver)
programs=$(programs "$old")
ok 'it has programs in the kernel' test -n "$programs"
kill -KILL "$old"
ok 'killed: a new one comes' wait_for eval \
    '[ "$(resolver)" != "$old" ] && said 127.0.0.1 $open 127.0.0.1 |
    grep -Eq "$(found "$open_pid")"'
# shellcheck disable=SC2086
ok 'and nothing of the old one is left' wait_for unloaded $programs
open_client anew games 127.0.0.1
is "$(said 127.0.0.1 "$port" 127.0.0.1)" "games $pid bpf" \
    'the new one has the record'
programs=$(programs "$(resolver)")
ok 'the daemon stops' daemon_stop
# shellcheck disable=SC2086
ok 'nothing is left in the kernel' wait_for unloaded $programs

#
# Where it can't be had.
#
cat >"$T/unable" <<'E'
#!/bin/sh
exec capsh --drop=cap_sys_admin,cap_bpf,cap_perfmon -- -c 'exec "$0" "$@"' "$@"
E
chmod 755 "$T/unable"

# The reason, and what there is without.
without() {		# NAME REASON
	conf bpf $PORT
	ok "$1: backend bpf does not start" eval '! daemon_start >start.out'
	is "$(cat "$T/daemon.rc") $(grep -c 'backend bpf: ' "$LOG")" '1 1' \
	    "$1: it says so, once"
	like "$(cat "$LOG")" "backend bpf: $2\$" "$1: and why"
	conf auto $PORT
	ok "$1: backend auto starts" daemon_start
	is "$(grep "no connect-time record" "$LOG" |
	    sed 's/.*no connect/no connect/')" \
	    "no connect-time record ($2): processes are searched for" \
	    "$1: one line in the log"
	open_client "$1" games 127.0.0.1
	like "$(said 127.0.0.1 "$port" 127.0.0.1)" \
	    "$(found "$pid")" "$1: owners are searched for"
	is "$(tag "$port" | cut -d ' ' -f 1)" user=games "$1: mail flows"
	ok "$1: the daemon stops" daemon_stop
}
INSIDE=$T/unable
without rights 'the kernel takes no BPF: Operation not permitted'
INSIDE=
LIBEXEC=$OBJ/regress/none
without libbpf 'built without libbpf'
: >over
finish
