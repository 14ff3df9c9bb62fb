#!/usr/bin/perl
# coverage.pl DIRECTORY FILE TRUSTED...: sums of an lcov tracefile, for each
# source below the directory; exit status 1 if a trusted one is too low.

use strict;
use warnings;
use Cwd qw(realpath);

my $least = 90;
my ($dir, $info, @trusted) = @ARGV;
my $top = realpath("$dir/common") =~ s,/common$,,r;
my (%line, %branch, $file);

open my $f, "<", $info or die "$info: $!\n";
while (<$f>) {
	if (/^SF:(.*)/) {
		$file = (realpath($1) // $1) =~ s,^\Q$top/,,r;
	} elsif (/^DA:(\d+),(\d+)/) {
		$line{$file}{$1} += $2;
	} elsif (/^BRDA:(\d+),(\d+),(\d+),(\d+|-)/) {
		$branch{$file}{"$1 $2 $3"} += $4 eq "-" ? 0 : $4;
	}
}

sub percent {
	my ($counts) = @_;
	my $all = values %$counts or return 100;
	return 100 * (grep { $_ > 0 } values %$counts) / $all;
}

my $low = 0;
for my $name (sort grep { !/^regress|^obj/ } keys %line) {
	my $trusted = grep { $_ eq $name } @trusted;
	my $lines = percent($line{$name});
	my $bad = $trusted && $lines < $least;
	my @missed = sort { $a <=> $b }
	    grep { $line{$name}{$_} == 0 } keys %{$line{$name}};
	printf "%-26s %5.1f %% of lines, %5.1f %% of branches%s\n", $name,
	    $lines, percent($branch{$name} // {}),
	    $bad ? "  too low" : $trusted ? "  trusted" : "";
	print "    not reached: @missed\n" if $bad || $ENV{MISSED};
	$low += $bad;
}
for my $name (grep { !$line{$_} } @trusted) {
	print "$name: nothing is known of it\n";
	$low++;
}
exit($low > 0);
