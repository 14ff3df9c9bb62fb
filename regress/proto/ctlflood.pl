# ctlflood.pl SOCKET HEADER N KIND...: clients of the control socket that are no
# friends, N of each kind, until stdin ends; HEADER is sysuser.h, where the
# numbers of messages are. Prints "there N" when all are connected, and in the
# end how many replies it had.
#
#	status top tables test	ask, and ask again as soon as it is answered
#	deaf			ask for top and never read
#	silent			say HELLO and no more
#	garbage			bytes that are no message
#	wrong			messages that a client may not send

use strict;
use warnings;
use IO::Poll qw(POLLIN);
use IO::Socket::UNIX;

my ($path, $header, $n, @kinds) = @ARGV;
my (%number, $version, %client, $there, $replies);

$SIG{PIPE} = "IGNORE";
$| = 1;
srand 1;

open my $h, "<", $header or die "$header: $!\n";
while (<$h>) {
	if (/^enum imsg/ .. /^};/) {
		$number{$1} = keys %number while /IMSG_(\w+)/g;
	}
	$version = $1 if /^#define PROTOCOL_VERSION\s+(\d+)/;
}

sub packet {
	my ($name, $payload) = @_;
	return pack "N N N a*", $number{$name}, length $payload, 7, $payload;
}

# A sender of whom nothing is known but the uid.
my $owner = pack "C3 N5 Q> n a9", 1, 0, 0, 5, 5, 2 ** 32 - 1, 2 ** 32 - 1, 0,
    0, 0, "";
my %ask = (
	status => packet("CTL_STATUS", ""),
	top => packet("CTL_TOP", pack "n", 500),
	tables => packet("CTL_TABLES", ""),
	test => packet("CTL_TEST", pack("n/a*", "a\@b.test") . $owner),
	deaf => packet("CTL_TOP", pack "n", 500),
);
my @wrong = map { packet(@$_) } ["CHARGE", ""], ["CTL_HELLO", "xx"],
    ["CTL_TOP", ""], ["CTL_TEST", "x" x 44], ["CTL_TEST", "\xff" x 3000],
    ["CTL_BLOCK", "\xff" x 10], ["CTL_OK", "\0\0"], ["TABLE", "x" x 13],
    ["EVENT", "\0" x 60], ["CTL_MONITOR", "x"], ["CTL_STATUS", ""];
my %last = map { $number{$_} => 1 } qw(CTL_OK CTL_FAIL CTL_TESTED);

sub say_it {
	my ($s, $kind) = @_;
	if ($kind eq "garbage") {
		syswrite $s, join "", map { chr rand 256 } 1 .. 1 + rand 300;
	} elsif ($kind eq "wrong") {
		syswrite $s, $wrong[rand @wrong] for 1 .. 3;
	} elsif ($ask{$kind}) {
		syswrite $s, $ask{$kind};
	}
}

my $poll = IO::Poll->new;
sub attach {
	my ($kind) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $path, Type => 5) or return 0;
	$s->blocking(0);
	syswrite $s, packet("CTL_HELLO", pack "N", $version)
	    unless $kind eq "garbage";
	say_it($s, $kind);
	$client{$s} = $kind;
	$poll->mask($s => $kind eq "deaf" ? 0 : POLLIN);
	return 1;
}

for my $kind (@kinds) {
	$there += attach($kind) for 1 .. $n;
}
print "there $there\n";
$poll->mask(\*STDIN => POLLIN);
while ($poll->poll(10) > 0) {
	for my $s ($poll->handles) {
		next unless $poll->events($s);
		if ($s == \*STDIN) {
			print "replies ", $replies // 0, "\n";
			exit 0;
		}
		my $kind = $client{$s};
		if (!sysread $s, my $buf, 9000) {
			$poll->remove($s);
			delete $client{$s};
			close $s;
			attach($kind);
		} elsif ($last{unpack "N", $buf}) {
			$replies++;
			say_it($s, $kind);
		}
	}
}
