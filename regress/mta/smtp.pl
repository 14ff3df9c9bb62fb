# smtp.pl HOST PORT [FROM], or - COMMAND...: an SMTP session that a shell can
# drive, with a server (from that address) or with a program that speaks it on
# stdin and stdout. Reads commands from stdin, sends each when the one before is
# answered, prints the replies. From DATA to "." nothing is awaited. "!wait FILE"
# waits until FILE exists. Run with perl -e: the users we send as need not reach
# this file.

use strict;
use warnings;
use IO::Handle;
use IO::Socket::IP;
use IPC::Open2;

my ($host, $port, $own) = @ARGV;
my ($from, $to);
my $data = 0;

$| = 1;
alarm 60;
if ($host eq "-") {
	open2($from, $to, @ARGV[1 .. $#ARGV]);
	$to->autoflush;
} else {
	$from = $to = IO::Socket::IP->new(PeerHost => $host,
	    PeerPort => $port, $own ? (LocalHost => $own) : ()) or
	    die "connect to $host port $port: $@\n";
}

sub reply {
	while (my $line = <$from>) {
		$line =~ s/\r?\n$//;
		print "$line\n";
		return substr($line, 0, 3) if $line !~ /^\d{3}-/;
	}
	print "connection closed\n";
	exit 1;
}

print "pid $$\n";
reply();
while (my $line = <STDIN>) {
	chomp $line;
	if ($line =~ /^!wait (.*)/) {
		select undef, undef, undef, 0.02 until -e $1;
		next;
	}
	print $to "$line\r\n";
	$data = 0 if $line eq ".";
	next if $data;
	$data = reply() eq "354" && uc $line eq "DATA";
}
