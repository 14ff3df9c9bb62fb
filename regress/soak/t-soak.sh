#!/bin/sh
# Mail of several users through Postfix, for MINUTES (half of one if it is not
# said), while processes are killed and stopped, the configuration is read
# again, users are blocked and let go, and limits count: no message is lost or
# doubled, none has the tag of somebody else, and nothing is left over: the
# figures are printed.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/mta/postfix.sh"
. "$TOP/regress/fault/fault.sh"

LIBEXEC=$OBJ
GROUP=$MTA_OWNER
need perl
for user in games news man; do
	id $user >/dev/null 2>&1 || skip_all "needs a user $user"
done
# An hour's mail has to fit in /tmp.
seconds=$((${MINUTES:-0} * 60)) pause=0.2
[ "$seconds" -gt 0 ] || seconds=25 pause=0.01
LIFE=$((seconds + 600))
mta_up <<E
lookup timeout 1000
reject user "lp"
limit user any to 1000000 messages per 1h
E

# Processes, descriptors and KiB (PSS) of them all.
figures() {
	n=0 fds=0 kib=0
	for _p in $(processes | sed 's/.*=//'); do
		n=$((n + 1))
		fds=$((fds + $(ls "/proc/$_p/fd" | wc -l)))
		kib=$((kib + $(sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' \
		    "/proc/$_p/smaps_rollup")))
	done
	echo "$n $fds $kib"
}

# Leaves a number below N in $r; the same ones each time.
seed=${SEED:-1}
random() {		# N
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	r=$((seed / 65536 % $1))
}

# Six deaths within a minute are too many: who had four is spared.
times=
spared() {		# NAME
	_now=$(date +%s) _left= _n=0
	for _t in $times; do
		[ "${_t#*@}" -gt $((_now - 70)) ] || continue
		_left="$_left $_t"
		[ "${_t%@*}" != "$1" ] || _n=$((_n + 1))
	done
	times=$_left
	[ "$_n" -ge 4 ]
}

trouble() {
	set -- resolver control worker-1 worker-2 names-1 names-2
	random 6
	shift "$r"
	pid=$(pid_of "$1")
	random 3
	[ "$r" -eq 0 ] && sig=STOP || sig=KILL
	[ -n "$pid" ] && ! spared "$1" || return
	kill -$sig "$pid"
	times="$times $1@$_now"
	deaths=$((deaths + 1))
}

ok 'to begin with: all run' wait_for all_run
: >soak.run
perl "$TOP/regress/soak/load.pl" "$PORT" soak.run "$pause" games news man games news \
    >sent 2>load.err &
load=$!
sleep 2
set -- $(figures)
before="$1 processes, $2 descriptors, $3 KiB"
processes0=$1 fds0=$2 kib0=$3
deaths=0 reloads=0 rounds=0
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$end" ]; do
	rounds=$((rounds + 1))
	[ $((rounds % 4)) -ne 1 ] || trouble
	random 4
	case $r in
	0)	kill -HUP "$DAEMON"
		reloads=$((reloads + 1)) ;;
	1)	ctl block lp for 1h ;;
	2)	ctl unblock lp ;;
	3)	ctl status; ctl top ;;
	esac >/dev/null 2>&1
	sleep 1
done
ok 'in the end: all run' wait_for all_run
sent=$(grep -c '^sent ' sent)
sleep 2
set -- $(figures)
WAIT=60 ok 'mail still flows' wait_for eval '
    test "$(grep -c "^sent " sent)" -gt "$sent"'
rm -f soak.run
wait "$load"
sent=$(grep -c '^sent ' sent)
diag "before: $before" "after: $1 processes, $2 descriptors, $3 KiB" \
    "$sent messages, $deaths deaths, $reloads reloads"
WAIT=60 ok 'no message is lost' mail_wait "$sent"
sleep 1
# Each file: its subject, and whose tag it has.
perl -e '
	my %n;
	opendir my $d, $ARGV[0] or die;
	open my $found, ">", "found" or die;
	for my $name (grep { !/^[.]/ } readdir $d) {
		open my $f, "<", "$ARGV[0]/$name" or die;
		my ($tag, $subject) = ("none");
		while (<$f>) {
			last if /^$/;
			$tag = $1 if /^X-Sender-Process-Info: user=(\S*)/;
			$subject = $1 if /^Subject: (.*)/;
		}
		print $found "$subject\n";
		my ($user) = split /-/, $subject;
		$n{$tag eq $user ? "right" : $tag =~ /^(none|unknown|#.*)$/ ?
		    $1 : "wrong: $tag sent $subject"}++;
	}
	print "$n{$_} $_\n" for sort keys %n' "$INBOX" >tags
sed -n 's/^sent //p' sent | sort >wanted
sort -o found found
ok 'none is doubled' cmp -s wanted found ||
    diag "$(diff wanted found | head -n 20)"
diag "$(cat tags)"
is "$(grep -c wrong tags)" 0 'nobody else is named'
ok 'most are tagged' test "$(awk '$2 == "right" { print $1 }' tags)" -gt \
    $((sent / 2))
is "$1" "$processes0" 'as many processes as before'
ok 'not more descriptors' test "$2" -le $((fds0 + 20))
ok 'not more memory' test "$3" -le $((kib0 + 8192))
is "$(pgrep -c -P "$DAEMON")" 6 'no other child'
message last | smtp games 127.0.0.1 >out
like "$(header "$(mail_find last)" | head -n 1)" 'user=games program=perl' \
    'the next message is tagged'
ok 'the daemon stops' daemon_stop
plan "$tests"
finish
