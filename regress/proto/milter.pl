# milter.pl SOCKET: the MTA's end of the milter protocol (version 6), for a
# shell to drive. SOCKET is a path or ADDRESS:PORT. Reads commands from stdin,
# does each when the one before is answered, and prints what the milter says;
# bytes that are not printable, and \, as \xHH.
#
#	open			a new connection; the one before stays open
#	use N			from now on with the Nth connection (from 1)
#	negotiate [A [S [V]]]	offer actions A, steps S (hex), version V
#	macro C NAME VALUE ...	C is the command that they go with
#	connect HOST ADDR PORT	ADDR of either family, or - for none
#	helo NAME
#	mail ARG...		rcpt ARG...	data
#	header NAME VALUE	\n and \t in VALUE are such
#	eoh			body TEXT	eom
#	bulk N			N times 64 KiB of body, whether it is wanted or not
#	abort			quit		quitnc
#	session ADDR PORT [SERVER PORT]	open, negotiate, connect, as Postfix
#	message [SENDER]	mail, rcpt, a header, eom; macro i is QUEUE1
#	copies N NAME		that many headers
#	raw HEX			these bytes; nothing is awaited
#	await			the next reply
#	closed			wait until the milter closes
#	eoms			eom in all connections at once; prints how
#				often each answer came
#	stop			the end, unless the last answer was "continue"
#	quiet [N]		print no answers of "continue" (until quiet 0)
#	run COMMAND		with sh; what it prints is printed
#	sleep SECONDS		time		ms since the last "time"
#
# What the milter asked not to be sent is not sent.

use strict;
use warnings;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(AF_INET6 inet_pton);
use Time::HiRes qw(time sleep);

my ($path) = @ARGV;
my (@conns, $c);
my ($quiet, $last, $refused, $tally) = (0, time, 0);

use constant { NOHELO => 0x2, NORCPT => 0x8, NOBODY => 0x10, NOHDRS => 0x20,
    NOEOH => 0x40, NR_HDR => 0x80, NODATA => 0x200, NR_CONN => 0x1000,
    NR_HELO => 0x2000, NR_MAIL => 0x4000, NR_RCPT => 0x8000,
    NR_DATA => 0x10000, NR_EOH => 0x40000, NR_BODY => 0x80000 };

$| = 1;
$SIG{PIPE} = "IGNORE";
$SIG{ALRM} = sub { print "timeout\n"; exit 1 };

sub show {
	my ($s) = @_;
	$s =~ s/\0\z//;
	$s =~ s/([^ -\[\]-~])/sprintf "\\x%02x", ord $1/ge;
	return $s;
}

sub say {
	if ($tally) {
		$tally->{$_[0]}++;
	} elsif (!$quiet || $_[0] !~ /: continue$/) {
		print "@_\n";
	}
}

sub get {
	my ($n) = @_;
	my $buf = "";
	while (length $buf < $n) {
		my $got = sysread $c->{fd}, $buf, $n - length $buf, length $buf;
		return undef unless $got;
	}
	return $buf;
}

sub packet {
	my $head = get(4);
	my $data = defined $head ? get(unpack "N", $head) : undef;
	return defined $data ? (substr($data, 0, 1), substr $data, 1) : ();
}

sub put {
	my ($cmd, $data) = @_;
	my $out = pack "N a a*", 1 + length $data, $cmd, $data;
	while (length $out) {
		my $n = syswrite $c->{fd}, $out;
		last unless $n;
		substr $out, 0, $n, "";
	}
}

# Everything up to and including the answer.
sub answer {
	my ($what) = @_;
	my %final = (a => "accept", c => "continue", d => "discard",
	    f => "fail", r => "reject", s => "skip", t => "tempfail",
	    4 => "shutdown");
	alarm 30;
	while (my ($cmd, $data) = packet()) {
		alarm 30;
		$refused = $cmd ne "c";
		return say "$what: $final{$cmd}" if $final{$cmd};
		return say "$what: " . show($data) if $cmd eq "y";
		if ($cmd eq "i" || $cmd eq "m") {
			my ($i, $name, $value) = unpack "N Z* Z*", $data;
			say $cmd eq "i" ? "insert $i $name: " . show($value) :
			    $value eq "" ? "delete $i $name" :
			    "change $i $name: " . show($value);
		} elsif ($cmd eq "h") {
			say "add " . join ": ", map { show($_) }
			    unpack "Z* Z*", $data;
		} elsif ($cmd eq "q") {
			say "quarantine: " . show($data);
		} elsif ($cmd ne "p") {
			say "$what: $cmd? " . show($data);
		}
	}
	say "$what: closed";
}

sub step {
	my ($what, $cmd, $data, $no, $nr) = @_;
	return if $c->{steps} & $no;
	put($cmd, $data);
	answer($what) unless $c->{steps} & $nr;
}

my %do;
%do = (
	open => sub {
		my $fd = $path =~ m,^/, ?
		    IO::Socket::UNIX->new(Peer => $path) :
		    IO::Socket::IP->new(PeerAddr => $path);
		if (!$fd) {
			print "open: $!\n";
			exit 1;
		}
		push @conns, $c = { fd => $fd, steps => 0 };
	},
	use => sub { $c = $conns[$_[0] - 1] },
	negotiate => sub {
		my ($actions, $steps, $version) = @_;
		put("O", pack "NNN", $version // 6, hex($actions // "1ff"),
		    hex($steps // "1fffff"));
		alarm 30;
		my ($cmd, $data) = packet();
		return say "negotiate: closed" unless defined $data;
		my ($v, $a, $s, $rest) = unpack "NNN a*", $data;
		my $out = sprintf "negotiate: %d %#x %#x", $v, $a, $s;
		while (length $rest >= 4) {
			my ($stage, $list) = unpack "N Z*", $rest;
			$out .= " [$stage: $list]";
			substr $rest, 0, 5 + length $list, "";
		}
		$c->{steps} = $s;
		print "$out\n" unless $quiet;
	},
	macro => sub {
		my ($cmd, @list) = @_;
		put("D", $cmd . join "", map { "$_\0" } @list);
	},
	connect => sub {
		my ($host, $addr, $port) = @_;
		step("connect", "C", $addr eq "-" ? "$host\0U" :
		    pack("Z* a n Z*", $host, $addr =~ /:/ ? "6" : "4", $port,
		    $addr =~ /:/ ? "IPv6:$addr" : $addr), 0, NR_CONN);
	},
	helo => sub { step("helo", "H", "$_[0]\0", NOHELO, NR_HELO) },
	mail => sub {
		step("mail", "M", join("", map { "$_\0" } @_), 0, NR_MAIL);
	},
	rcpt => sub {
		step("rcpt", "R", join("", map { "$_\0" } @_), NORCPT, NR_RCPT);
	},
	data => sub { step("data", "T", "", NODATA, NR_DATA) },
	header => sub {
		my ($name, @value) = @_;
		my $value = "@value";
		$value =~ s/\\n/\n/g;
		$value =~ s/\\t/\t/g;
		step("header", "L", "$name\0$value\0", NOHDRS, NR_HDR);
	},
	eoh => sub { step("eoh", "N", "", NOEOH, NR_EOH) },
	body => sub { step("body", "B", "@_", NOBODY, NR_BODY) },
	bulk => sub {
		for (1 .. $_[0]) {
			put("B", "x" x 65534);
			answer("body");
		}
	},
	eom => sub { step("eom", "E", "", 0, 0) },
	abort => sub { put("A", "") },
	quit => sub { put("Q", "") },
	quitnc => sub { put("K", "") },
	session => sub {
		my ($addr, $port, $saddr, $sport) = @_;
		$do{open}->();
		$quiet++;
		$do{negotiate}->();
		$quiet--;
		$do{macro}->("C", "{daemon_addr}", $saddr // "127.0.0.1",
		    "{daemon_port}", $sport // 25);
		$do{connect}->("client.test", $addr, $port);
	},
	message => sub {
		$do{mail}->($_[0] // "<sender\@example.test>");
		$do{rcpt}->("<rcpt\@example.test>");
		$do{header}->("Subject", "test");
		$do{macro}->("E", "i", "QUEUE1");
		$do{eom}->();
	},
	copies => sub {
		my ($n, $name) = @_;
		$do{header}->($name, "user=root program=forged$_")
		    for 1 .. $n;
	},
	raw => sub { syswrite $c->{fd}, pack "H*", join "", @_ },
	await => sub { answer("await") },
	closed => sub {
		alarm 30;
		1 while sysread $c->{fd}, my $buf, 4096;
		print "closed\n";
	},
	eoms => sub {
		$tally = {};
		for (@conns) {
			$c = $_;
			put("E", "");
		}
		for (@conns) {
			$c = $_;
			answer("eom");
		}
		printf "%d %s\n", $tally->{$_}, $_
		    for grep { /^eom/ } sort keys %$tally;
		$tally = undef;
	},
	stop => sub { exit 0 if $refused },
	quiet => sub { $quiet = $_[0] // 1 },
	run => sub { system "@_" },
	sleep => sub { sleep $_[0] },
	time => sub {
		printf "%d ms\n", 1000 * (time - $last);
		$last = time;
	},
);

while (my $line = <STDIN>) {
	chomp $line;
	next if $line eq "";
	my ($cmd, @args) = split " ", $line;
	# blanks of a header's value are its own
	@args = split / /, $line =~ s/^\w+ //r, 2 if $cmd eq "header";
	die "milter.pl: what is \"$cmd\"?\n" unless $do{$cmd};
	$do{$cmd}->(@args);
}
