# load.pl PORT FILE PAUSE USER...: each user sends one message after the other through
# SMTP, as long as FILE is there; each has a subject of its own.  A message that
# was accepted is a line: its subject, which begins with the user.

use strict;
use warnings;
use IO::Socket::IP;

my ($port, $file, $pause, @users) = @ARGV;
my $sender = 0;
my $s;

$| = 1;

sub reply {
	while (my $line = <$s>) {
		return $line if $line !~ /^\d{3}-/;
	}
	return "";
}

sub command {
	print $s "$_[0]\r\n";
	return reply() =~ /^$_[1]/;
}

sub message {
	my ($subject) = @_;
	$s = IO::Socket::IP->new(PeerHost => "127.0.0.1", PeerPort => $port) or
	    return 0;
	return reply() =~ /^220/ && command("HELO client.test", 250) &&
	    command("MAIL FROM:<a\@sender.test>", 250) &&
	    command("RCPT TO:<b\@rcpt.test>", 250) && command("DATA", 354) &&
	    command("Subject: $subject\r\n\r\ntext\r\n.", 250) &&
	    command("QUIT", 221);
}

my @pids;
for my $user (@users) {
	my (undef, undef, $uid, $gid) = getpwnam $user or die "$user?\n";
	$sender++;
	my $pid = fork // die;
	if ($pid == 0) {
		my $me = getppid;
		my $n = 0;
		$) = "$gid $gid";
		$( = $gid;
		($<, $>) = ($uid, $uid);
		local $SIG{PIPE} = "IGNORE";
		while (-e $file && getppid == $me) {
			$n++;
			my $good = eval {
				local $SIG{ALRM} = sub { die };
				alarm 60;
				message("$user-$sender-$n");
			};
			alarm 0;
			# refused mail is tried again, as another message
			print $good ? "sent $user-$sender-$n\n" :
			    "not $user-$sender-$n\n";
			select undef, undef, undef, $pause;
		}
		exit 0;
	}
	push @pids, $pid;
}
waitpid $_, 0 for @pids;
