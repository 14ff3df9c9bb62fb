# scene.pl USER OTHER: connections for a resolver to look at, of this host with
# itself.  Prints "PID PORT" of each client, and last the port of the server,
# which accepts them all; stays until its stdin ends.  They are those of
#
#	1. a process of USER
#	2. one of OTHER
#	3. one of USER that has become OTHER since
#	4. one of USER that has closed it
#	5. nobody: the port is free

use strict;
use warnings;
use IO::Handle;
use IO::Socket::INET;

my ($user, $other) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 9) or
    die "listen: $!\n";
my @open;

sub become {
	my ($uid, $gid) = (getpwnam shift)[2, 3];
	$( = $gid;
	$) = "$gid $gid";
	$< = $> = $uid;
	$< == $uid && $> == $uid or die "uid $uid: $!\n";
}

# A process that has one, and does something with it when it is accepted.
sub client {
	my ($as, $after) = @_;
	pipe my $said, my $say;
	pipe my $hear, my $go;
	pipe my $done, my $did;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		close $_ for $server, @open;
		close $_ for $said, $go, $done;
		my $saved = $<;
		($), $>) = ((getpwnam $as)[3], (getpwnam $as)[2]);
		my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		    PeerPort => $_[2]) or die "connect: $!\n";
		$> = $saved;
		become($as) unless $after;
		syswrite $say, $c->sockport . "\n";
		sysread $hear, my $buf, 1;
		$after->($c) if $after;
		close $did;
		sysread STDIN, $buf, 1;
		exit 0;
	}
	close $_ for $say, $hear, $did;
	chomp(my $port = <$said>);
	push @open, scalar $server->accept;
	close $go;
	sysread $done, my $buf, 1;
	print "$pid $port\n";
}

my $port = $server->sockport;
STDOUT->autoflush(1);
client($user, undef, $port);
client($other, undef, $port);
client($user, sub { become($other) }, $port);
client($user, sub { my ($c) = @_; become($user); close $c }, $port);
my $free = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1);
my $none = $free->sockport;
close $free;
print "0 $none\n$port\n";
sysread STDIN, my $buf, 1;
