# garbage.pl SOCKET KIND [N]: what no MTA sends, on the milter's socket. Prints
# "closed" if the milter ended each connection, else what it did.
#
#	random N	N connections with random bytes, always the same
#	bits N		a good session in which some bits are turned
#	flawed		packets that break the protocol, one connection each
#	half		a packet whose second half never comes, at each length
#	slow		a good session, a byte at a time; prints the answer
#	silent N	N connections without a word, until stdin ends

use strict;
use warnings;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep);

my ($path, $kind, $n) = @ARGV;
$n //= 1;
$SIG{PIPE} = "IGNORE";
$SIG{ALRM} = sub { print "timeout\n"; exit 1 };
alarm 100;
srand 1;
$| = 1;

sub attach {
	my $s = $path =~ m,^/, ? IO::Socket::UNIX->new(Peer => $path) :
	    IO::Socket::IP->new(PeerAddr => $path);
	die "connect: $!\n" unless $s;
	return $s;
}

sub p { my ($cmd, $data) = @_; pack "N a a*", 1 + length $data, $cmd, $data }

sub negotiate { p("O", pack "NNN", 6, 0x1ff, 0x1fffff) }

sub session {
	return (negotiate(), p("D", "C{daemon_addr}\000127.0.0.1\0" .
	    "{daemon_port}\00025\0"),
	    p("C", pack "Z* a n Z*", "c.test", "4", 2501, "127.0.0.1"),
	    p("M", "<a\@b.test>\0"), p("R", "<c\@d.test>\0"),
	    p("L", "Subject\0x\0"), p("E", ""));
}

# Send, say that no more comes, and read until the other end closes, too.
sub done {
	my ($s, @out) = @_;
	my $got = "";
	for my $out (@out) {
		last unless defined syswrite $s, $out;
	}
	shutdown $s, 1;
	1 while sysread $s, $got, 65536, length $got;
	return $got;
}

my %flawed = (
	"no length" => "", "length 0" => "\0\0\0\0",
	"length 2^32 - 1" => "\xff\xff\xff\xffO",
	"length 2^31" => "\x80\0\0\0O", "length 65537" => "\0\1\0\1O",
	"an unknown command" => p("!", "x"), "command 0" => p("\0", ""),
	"options of 0 bytes" => p("O", ""),
	"options of 11 bytes" => p("O", "x" x 11),
	"version 0" => p("O", pack "NNN", 0, 0x1ff, 0x1fffff),
	"MAIL first" => p("M", "<a\@b.test>\0"), "EOM first" => p("E", ""),
	"no host" => negotiate() . p("C", ""),
	"half a host" => negotiate() . p("C", "host"),
	"a host alone" => negotiate() . p("C", "host\0"),
	"no port" => negotiate() . p("C", "host\0004"),
	"half a port" => negotiate() . p("C", "host\0004\1"),
	"no address" => negotiate() . p("C", "host\0004\1\2"),
	"address without end" => negotiate() . p("C", "host\0004\1\2127.0.0.1"),
	"no such address" => negotiate() . p("C", "host\0004\1\2localhost\0"),
	"IPv6 that is none" => negotiate() . p("C", "host\0006\1\2:::1\0"),
	"no such family" => negotiate() . p("C", "host\0X\1\2x\0"),
	"MAIL without arguments" => negotiate() .
	    p("C", "host\0U") . p("M", ""),
	"MAIL without end" => negotiate() . p("C", "host\0U") . p("M", "<a>"),
	"MAIL of nothing" => negotiate() . p("C", "host\0U") . p("M", "\0"),
	"RCPT without arguments" => negotiate() .
	    p("C", "host\0U") . p("M", "<a>\0") . p("R", ""),
	"a header without value" => negotiate() . p("C", "host\0U") .
	    p("M", "<a>\0") . p("R", "<b>\0") . p("L", "Subject\0"),
	"a header of nothing" => negotiate() . p("C", "host\0U") .
	    p("M", "<a>\0") . p("R", "<b>\0") . p("L", ""),
	"a header of 60000 bytes" => negotiate() . p("C", "host\0U") .
	    p("M", "<a>\0") . p("R", "<b>\0") . p("L", "A\0" . "x" x 60000),
	"macros without command" => negotiate() . p("D", ""),
	"a macro without value" => negotiate() . p("D", "C{if_addr}\0"),
	"a macro without end" => negotiate() . p("D", "C{if_addr}\000127.0"),
	"macros of nothing" => negotiate() . p("D", "C" . "\0" x 1000),
	"10000 macros" => negotiate() . p("D", "C" . "a\0b\0" x 10000),
	"negotiate twice" => negotiate() x 2,
	"ABORT only" => negotiate() . p("A", "") x 100,
	"connect twice" => negotiate() . p("C", "host\0U") x 2,
);

if ($kind eq "random") {
	done(attach(), join "", map { chr rand 256 } 1 .. rand 3000)
	    for 1 .. $n;
	print "closed\n";
} elsif ($kind eq "bits") {
	for (1 .. $n) {
		my @out = session();
		for (1 .. 1 + rand 4) {
			my $i = int rand @out;
			my $at = int rand length $out[$i];
			substr($out[$i], $at, 1) ^= chr 1 << int rand 8;
		}
		done(attach(), @out);
	}
	print "closed\n";
} elsif ($kind eq "flawed") {
	done(attach(), $flawed{$_}) for sort keys %flawed;
	print "closed\n";
} elsif ($kind eq "half") {
	my $all = join "", session();
	done(attach(), substr $all, 0, $_) for 1 .. length($all) - 1;
	print "closed\n";
} elsif ($kind eq "slow") {
	my $s = attach();
	for my $byte (split //, join "", session()) {
		syswrite $s, $byte;
		sleep 0.005;
	}
	my $got = done($s);
	print $got =~ /(user=[ -~]*)/ ? "$1\n" : "no header\n";
} elsif ($kind eq "silent") {
	my @all = map { attach() } 1 .. $n;
	print "silent\n";
	1 while <STDIN>;
}
