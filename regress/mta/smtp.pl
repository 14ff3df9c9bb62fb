# smtp.pl HOST PORT: an SMTP session that a shell can drive. Reads commands from
# stdin, sends each when the one before is answered, prints the replies. From
# DATA to "." nothing is awaited. "!wait FILE" waits until FILE exists.
# Run with perl -e: the users we send as need not reach this file.

use strict;
use warnings;
use IO::Socket::IP;

my ($host, $port) = @ARGV;
my $data = 0;

$| = 1;
alarm 60;
my $s = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port) or
    die "connect to $host port $port: $@\n";

sub reply {
	while (my $line = <$s>) {
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
	print $s "$line\r\n";
	$data = 0 if $line eq ".";
	next if $data;
	$data = reply() eq "354" && uc $line eq "DATA";
}
