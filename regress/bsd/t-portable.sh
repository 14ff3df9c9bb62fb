#!/bin/sh
# What only one system has is used only in files named after it; and every file
# of the builds for the BSDs is read by a compiler.

. "$(dirname "$0")/../lib.sh"

need pkg-config perl
cd "$TOP" || exit 1

# Comments and texts may speak of anything; /proc and headers are looked for
# before the texts go.
cat >"$T/look.pl" <<'E2'
use strict;
use warnings;

my ($list, @files) = @ARGV;
my @rules = ([ "linux,bpf,connect.h",
    qr{"/(?:proc|sys)\b[^"]*"|<linux/[^>]*>} ], [ "nowhere", qr{<bsd/[^>]*>} ]);
my %text;

open(my $l, "<", $list) or die "$list: $!";
while (<$l>) {
	push @rules, [ $1, qr{\b(?:$2)\b} ] if /^([^#\t]+)\t+(\S+)$/;
}
for my $file (@files) {
	open(my $f, "<", $file) or die "$file: $!";
	my $c = do { local $/; <$f> };
	$c =~ s{/\*.*?\*/}{$& =~ s/[^\n]//gr}gse;
	for my $i (0 .. $#rules) {
		my ($words, $bad) = @{$rules[$i]};
		next if grep { index($file, $_) >= 0 } split /,/, $words;
		$c =~ s{"(?:\\.|[^"\\\n])*"}{""}g if $i == 2;
		my $n = 0;
		for my $line (split /\n/, $c) {
			$n++;
			print "$file:$n: $1\n" if $line =~ /($bad)/;
		}
	}
}
E2
check() {
	perl "$T/look.pl" regress/bsd/forbidden "$@"
}

plan 6
is "$(check $(find parent resolver milterd control common -name '*.[chy]'))" '' \
    'no file uses what its name does not say'

# The check itself sees what it should.
mkdir "$T/common"
printf '%s\n' 'int fd = accept4(s, 0, 0, 0); /* pipe2 */' 'x("prctl");' \
    'open("/proc/self");' '#include <linux/tcp.h>' '#ifdef __linux__' \
    'sysctl(1);' >"$T/common/a.c"
cp "$T/common/a.c" "$T/common/a_linux.c"
is "$(check "$T/common/a.c" | sed 's/.*a.c:\([0-9]\).*/\1/' | sort |
    tr '\n' ' ')" '1 3 4 5 6 ' 'a file of all systems may have none of it'
is "$(check "$T/common/a_linux.c" | sed 's/.*linux.c:\([0-9]\).*/\1/' | sort |
    tr '\n' ' ')" '5 6 ' 'a file for Linux, what Linux has'

for os in freebsd openbsd linux; do
	env -u MAKEFLAGS make -s OS=$os syntax >"$T/out" 2>&1
	is "$(grep -c "^$os: [1-9][0-9]* files" "$T/out")" 1 "syntax of $os" ||
	    diag "$(tail -n 20 "$T/out")"
done
finish
