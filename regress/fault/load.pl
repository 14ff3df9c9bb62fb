# load.pl SOCKET FILE PORT USER...: mail of several users at the same time,
# each through one milter session after the other, as long as FILE is there and
# its parent lives.  In the end: how many messages had the tag of their user, or
# his number, for names had died; were unknown; had none (the MTA would go on
# without); of somebody else.

use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $file, @users) = @ARGV;
my $parent = getppid;
my $c;

sub put {
	my ($cmd, $data) = @_;
	local $SIG{PIPE} = "IGNORE";
	syswrite $c, pack "N a a*", 1 + length $data, $cmd, $data or die;
}

sub get {
	my ($n) = @_;
	my $buf = "";
	while (length $buf < $n) {
		sysread $c, $buf, $n - length $buf, length $buf or die;
	}
	return $buf;
}

# Until the reply to a command that has one; the tag if there was one.
sub answer {
	my $tag = "";
	for (;;) {
		my ($cmd, $data) = unpack "a a*", get(unpack "N", get(4));
		$tag = $1 if $cmd eq "i" && $data =~ /\0 ?(user=[^\0]*)/;
		return $tag if index("catryd", $cmd) >= 0;
	}
}

sub session {
	my ($port, $say) = @_;
	$c = IO::Socket::UNIX->new(Peer => $path) or die;
	put("O", pack "NNN", 6, 0x1ff, 0x1fffff);
	my $steps = unpack "x8 N", substr get(unpack "N", get(4)), 1;
	put("D", "C" . join "", map { "$_\0" }
	    "{daemon_addr}", "127.0.0.1", "{daemon_port}", 25);
	put("C", pack "Z* a n Z*", "client.test", "4", $port, "127.0.0.1");
	answer() unless $steps & 0x1000;
	for (1 .. 3) {
		put("M", "<sender\@example.test>\0");
		answer() unless $steps & 0x4000;
		if (!($steps & 0x8)) {
			put("R", "<rcpt\@example.test>\0");
			answer() unless $steps & 0x8000;
		}
		put("E", "");
		$say->(answer());
	}
	put("Q", "");
}

my @kids;
while (my ($port, $user) = splice @users, 0, 2) {
	my $uid = getpwnam $user // die "$user?\n";
	pipe my $r, my $w or die;
	my $pid = fork // die;
	if ($pid == 0) {
		close $r;
		my %n;
		my $me = getppid;
		alarm 600;
		while (-e $file && getppid == $me) {
			eval {
				local $SIG{ALRM} = sub { die "late" };
				alarm 20;
				session($port, sub {
					$n{$_[0] eq "" ? "none" :
					    $_[0] =~ /^user=$user / ? "right" :
					    $_[0] =~ /^user=#$uid / ? "number" :
					    $_[0] =~ /^user=unknown/ ?
					    "unknown" : "other $_[0]"}++;
				});
				1;
			} or do {
				$n{$@ =~ /^late/ ? "late" : "broken"}++;
				select undef, undef, undef, 0.01;
			};
		}
		print $w "$n{$_} $_\n" for keys %n;
		exit 0;
	}
	close $w;
	push @kids, $r;
}
my %sum;
for my $r (@kids) {
	while (<$r>) {
		/^(\d+) (.*)/ and $sum{$2} += $1;
	}
}
print "$sum{$_} $_\n" for sort keys %sum;
