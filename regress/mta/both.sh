# Sourced after lib.sh by a test that is the same for either MTA. It runs once
# for each, as a process of its own; what they say becomes one TAP. For one
# only: ONLY=sendmail regress/mta/t-x.sh

if [ -n "${ONLY:-}" ]; then
	. "$TOP/regress/mta/$ONLY.sh"
	return
fi

need perl
perl -e '
	use strict;
	use warnings;

	my ($self, @names) = @ARGV;
	my ($tests, $failed) = (0, 0);

	sub result {
		my ($not, $text) = @_;
		$tests++;
		$failed += $not ne "";
		print "${not}ok $tests $text\n";
	}

	$| = 1;
	for my $name (@names) {
		my ($n, $bad, $plan) = (0, 0, -1);

		local $ENV{ONLY} = $name;
		open my $out, "-|", $self or die "$self: $!\n";
		while (my $line = <$out>) {
			if ($line =~ /^(not )?ok \d+ (?:- )?(.*)/) {
				$n++;
				$bad += defined $1;
				result(defined $1 ? "not " : "",
				    substr($2, 0, 1) eq "#" ? $2 : "- $name: $2");
			} elsif ($line =~ /^1\.\.0 # SKIP (.*)/) {
				result("", "# SKIP $name: $1");
				$n = $plan = 0;
			} elsif ($line =~ /^1\.\.(\d+)/) {
				$plan = $1;
			} else {
				print $line;
			}
		}
		close $out;
		result("not ", "- $name: wait status $?, $n tests of $plan")
		    if ($? && !$bad) || (!$? && $n != $plan);
	}
	print "1..$tests\n";
	exit($failed > 0)' "$SELF" postfix sendmail
exit $?
