#!/bin/sh
# Root may do all, the socket's group may look, others not even that.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
getent group games >/dev/null || skip_all 'needs a group games'
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
admin_start 2 games <<E
table <some> { "games" }
limit user <some> to 100 messages per 1h
E
cp "$OBJ/sysuserctl" "$T/sysuserctl"
plan 37

ask() {			# USER VERB...; exit status, and the first line
	_u=$1
	shift
	as "$_u" timeout 30 "$T/sysuserctl" -s "$CONTROL" "$@" >out 2>&1
	echo "$? $(head -n 1 out)"
}
all='status
top
tables
metrics
test
block man
unblock man
reload
lookup 127.0.0.1 1 127.0.0.1 2
selftest
stop
monitor'

# Others.
echo "$all" | while read -r verb; do
	ask news $verb
done >outs
is "$(sort outs | uniq -c | sed 's/^ *//')" \
    "11 1 sysuserctl: $CONTROL: only root and the group of the socket may use it
1 2 sysuserctl: $CONTROL: only root and the group of the socket may use it" \
    'others can not connect'

# The group.
send 2501 >/dev/null
for j in '' -j; do
	like "$(ask games $j status)" '^0 (PROCESS |\{"processes":)' \
	    "group: $j status"
	like "$(ask games $j top)" '^0 (USER |\{"rows":\[\{"user":"games")' \
	    "group: $j top"
	like "$(ask games $j tables)" '^0 (<blocked-now> is empty|\{"bl)' \
	    "group: $j tables"
	like "$(ask games $j metrics)" '^0 (# TYPE |\{"processes":)' \
	    "group: $j metrics"
	like "$(ask games $j test)" '^0 (rule 1 .* counts here|\{"rules":)' \
	    "group: $j test"
	for verb in 'block man' 'block uid 6 for 1h' 'unblock man' \
	    'unblock uid 6' reload selftest stop; do
		is "$(ask games $j $verb)" \
		    '1 sysuserctl: only root may do that' \
		    "group: $j $verb: not allowed"
	done
	is "$(ask games $j lookup 127.0.0.1 1 127.0.0.1 2)" \
	    '2 sysuserctl: only root may do that' \
	    "group: $j lookup: not allowed"
done
as games "$T/sysuserctl" -s "$CONTROL" monitor >mon 2>&1 &
mon=$!
wait_for eval 'send 2501 >/dev/null; grep -q queue=Q1 mon'
ok 'group: monitor' grep -q '^event=message .* queue=Q1 action=pass ' mon
kill "$mon"
wait "$mon" 2>/dev/null
is "$(ctl tables | head -n 1; send 2501)" '<blocked-now> is empty
continue' 'nothing of that had an effect'
ok 'and it still runs' running parent

# Another client than sysuserctl: the daemon is who decides.
cat >raw.pl <<'P'
use IO::Socket::UNIX;
my ($path, $header, $verb, $payload) = @ARGV;
my %n;
open my $f, "<", $header or die;
while (<$f>) {
	if (/^enum imsg/ .. /^};/) {
		$n{$1} = keys %n while /IMSG_(\w+)/g;
	}
	$version = $1 if /PROTOCOL_VERSION\s+(\d+)/;
}
my $s = IO::Socket::UNIX->new(Peer => $path, Type => 5) or die;
syswrite $s, pack "N N N N", $n{CTL_HELLO}, 4, 0, $version;
$payload = pack "H*", $payload;
syswrite $s, pack "N N N a*", $n{$verb}, length $payload, 7, $payload;
sysread $s, my $reply, 9000;
my ($type, $len, $id, $error, $text) = unpack "N N N N n/a*", $reply;
my %name = reverse %n;
print length $reply ? "$name{$type} $text\n" : "closed\n";
P
raw() {
	as games perl "$T/raw.pl" "$CONTROL" "$T/sysuser.h" "$@" 2>&1
}
cp "$TOP/common/sysuser.h" .
no='CTL_FAIL only root may do that'
is "$(raw CTL_BLOCK 00036d616e0000000600000000)" "$no" 'CTL_BLOCK'
is "$(raw CTL_UNBLOCK 00036d616e00000006)" "$no" 'CTL_UNBLOCK'
is "$(raw CTL_RELOAD; raw CTL_STOP; raw CTL_CAPS_GET)" "$no
$no
$no" 'CTL_RELOAD, CTL_STOP, CTL_CAPS_GET'
is "$(raw SAVE 0100036d616e01000000060000000000000000; raw CHARGE; raw TABLE)" \
    'closed
closed
closed' 'what is not for clients at all'
is "$(ctl tables | head -n 1)" '<blocked-now> is empty' 'without an effect'

# Root.
echo "$all" | while read -r verb; do
	case $verb in
	selftest | monitor) ;;	# the resolver is none that knows us
	*)	ctl $verb >out 2>&1
		echo "$? $verb" ;;
	esac
done >outs
is "$(grep -v ^0 outs)" '1 lookup 127.0.0.1 1 127.0.0.1 2' 'root may do all'
wait_for test -s "$T/daemon.rc"
is "$(cat "$T/daemon.rc")" 0 'and it has stopped'
DAEMON=
finish
