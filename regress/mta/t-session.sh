#!/bin/sh
# Every message of a session is tagged, and sessions are not mixed up: 200 at
# once, of eight users, each by a program of another name.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
pass
E

plan 11

{
	printf '%s\n' 'EHLO client.test'
	message one
	message two
	echo 'MAIL FROM:<dropped@sender.test>'
	echo RSET
	message three
	message dropped2 | sed '/^DATA/,$d'
	echo RSET
	echo NOOP
	message four
	echo QUIT
} | smtp games 127.0.0.1 >out
for s in one two three four; do
	is "$(grep -i '^x-sender-process' "$(mail_find $s)")" \
	    'X-Sender-Process-Info: user=games program=perl' \
	    "one session, message $s"
done
is "$(mail_count)" 4 'no message came of those ended by RSET'

# All sessions are open before the first one says MAIL.
cat >many.pl <<'E'
use strict;
use warnings;
use IO::Socket::IP;

my ($port, $n, @users) = @ARGV;
my $bad = 0;

sub session {
	my ($name, $user, $ready, $go) = @_;
	my ($uid, $gid) = (getpwnam $user)[2, 3];

	$0 = $name;		# the kernel's name for the process, too
	$) = "$gid $gid";
	$( = $gid;
	($<, $>) = ($uid, $uid);
	alarm 90;
	my $s = IO::Socket::IP->new(PeerHost => "127.0.0.1",
	    PeerPort => $port) or die "$name: connect: $@";
	<$s> =~ /^220 / or die "$name: no greeting";
	syswrite $ready, "x";
	close $ready;
	sysread $go, my $end, 1;
	for ("MAIL FROM:<$user\@sender.test>", "RCPT TO:<box\@rcpt.test>",
	    "DATA", "Subject: $name\r\nX-Expect: user=$user program=$name\r\n" .
	    "\r\nHello.\r\n.") {
		print $s "$_\r\n";
		my $r = <$s> // "closed";
		$r =~ /^[23]/ or die "$name: $r";
	}
	exit 0;
}

pipe my $ready_r, my $ready_w or die;
pipe my $go_r, my $go_w or die;
for my $i (1 .. $n) {
	next if fork;
	close $go_w;
	close $ready_r;
	session("client$i", $users[$i % @users], $ready_w, $go_r);
}
close $ready_w;
my $open = 0;
$open++ while sysread $ready_r, my $x, 1;
close $go_w;
$bad += $? != 0 while wait != -1;
print "$open open at once, $bad failed\n";
E
is "$(timeout 90 perl many.pl "$PORT" 200 games news www-data man lp irc list \
    backup)" '200 open at once, 0 failed' '200 sessions at once'
mail_wait 204
is "$(mail_count)" 204 'all are delivered'
is "$(grep -L '^X-Expect: ' "$INBOX"/* | wc -l)" 4 'of each its own'
for f in "$INBOX"/*; do
	want=$(sed -n 's/^X-Expect: //p' "$f")
	got=$(sed -n 's/^X-Sender-Process-Info: //p' "$f")
	[ -z "$want" ] || [ "$got" = "$want" ] || echo "$want: $got"
done >wrong
# The worst first: a name that is another's, then one that is missing.
is "$(grep -Ev 'user=([^ ]*) .*: user=\1 |: user=unknown reason=timeout$' \
    wrong)" '' 'each has its own user'
is "$(grep -Ev 'program=unknown$|reason=timeout$' wrong)" '' \
    'none has another program'
# On a busy machine a few can be late, and that is what they say then.
ok "nearly each has its own program ($(wc -l <wrong) of 200 have none)" \
    test "$(wc -l <wrong)" -le 20
finish
