# client.pl HOST PORT [OPTION=VALUE ...]: an SMTP session that a shell drives,
# of a client with something odd about it. Prints "port N pid N" once it is
# greeted; then it sends the lines of stdin, each when the one before is
# answered, and prints the replies; from DATA to "." nothing is awaited.
#
#	from=PORT	the port to connect from, though another connection
#			to elsewhere may have it
#	dir=NAME	change to that directory first; may be repeated
#	exec=FILE	go on as this copy of perl
#	name=TEXT	what the process calls itself
#
# Among the lines:
#	!wait FILE	wait until FILE exists
#	!blind		from now on nothing is awaited
#	!reset		reset the connection and leave
#
# Run with perl -e: the users we send as need not reach this file.

use strict;
use warnings;
use IO::Socket::IP;
use Socket qw(IPPROTO_IP SOL_SOCKET SO_LINGER);

use constant IP_LOCAL_PORT_RANGE => 51;

my ($code, $host, $port, @options) = @ARGV;
my ($blind, $data, $from) = (0, 0);

$| = 1;
alarm 150;
while (defined(my $option = shift @options)) {
	my ($key, $value) = $option =~ /^(\w+)=(.*)/s or die "$option?\n";
	if ($key eq "from") {
		$from = $value;
	} elsif ($key eq "dir") {
		chdir $value or die "$value: $!\n";
	} elsif ($key eq "exec") {
		exec { "./$value" } "perl", "-e", $code, $code, $host, $port,
		    @options;
		die "$value: $!\n";
	} elsif ($key eq "name") {
		open my $fd, ">", "/proc/self/comm" or die "comm: $!\n";
		syswrite $fd, $value;
	}
}

my $s = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port,
    $from ? (Sockopts => [ [ IPPROTO_IP, IP_LOCAL_PORT_RANGE,
    pack "L", $from << 16 | $from ] ]) : ()) or
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

reply();
printf "port %d pid %d\n", $s->sockport, $$;
while (my $line = <STDIN>) {
	chomp $line;
	if ($line =~ /^!wait (.*)/) {
		select undef, undef, undef, 0.02 until -e $1;
	} elsif ($line eq "!blind") {
		$blind = 1;
	} elsif ($line eq "!reset") {
		setsockopt $s, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0;
		close $s;
		exit 0;
	} else {
		print $s "$line\r\n";
		$data = 0 if $line eq ".";
		next if $data;
		$data = 1 if $blind && uc $line eq "DATA";
		$data = reply() eq "354" && uc $line eq "DATA" if !$blind;
	}
}
