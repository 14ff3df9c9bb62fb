#!/bin/sh
# The metrics are OpenMetrics, and say what the status says.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=\\x1b[2J"\\n
127.0.0.1 2502 uid=6
127.0.0.1 2503 sock=forgotten
127.0.0.1 2504 uid=9 holder=100 delay=50
192.0.2.1 2505 sock=none local=no
S
admin_start 2 root <<E
limit user "games" to 1 message per 1h
reject user "man"
E
plan 8

# Reads a page, dies of what is wrong, and prints sums: family, sample, value.
cat >check.pl <<'P'
use strict;
use warnings;
my (%type, %done, %seen, $family, $eof, @buckets);
my %suffix = (gauge => [""], counter => ["_total"],
    histogram => ["_bucket", "_count", "_sum"]);
while (<STDIN>) {
	chomp;
	die "after EOF: $_" if $eof;
	die "blank line" if $_ eq "";
	die "not ASCII: $_" if /[^ -~]/;
	if (/^# EOF$/) {
		$eof = 1;
	} elsif (/^# (TYPE|UNIT|HELP) ([a-z][a-z0-9_]*) (.+)$/) {
		my ($word, $name, $text) = ($1, $2, $3);
		die "no prefix: $_" unless $name =~ /^milter_sysuser_/;
		die "a counter's name: $_" if $name =~ /_total$/;
		if (!defined $family || $family ne $name) {
			die "twice: $_" if $done{$name}++;
			die "TYPE is not first: $_" unless $word eq "TYPE";
			$family = $name;
		}
		die "twice: $_" if $seen{"$word $name"}++;
		$type{$name} = $text if $word eq "TYPE";
		die "no such type: $_" unless $suffix{$type{$name}};
		die "no unit: $_" if $word eq "UNIT" && $name !~ /_$text$/;
	} elsif (/^([a-z0-9_]+)(?:\{([a-z]+)="([^"\\\n]*)"\})? (\S+)$/) {
		my ($name, $key, $label, $value) = ($1, $2, $3 // "", $4);
		die "of no family: $_" unless defined $family &&
		    grep { $name eq $family . $_ } @{$suffix{$type{$family}}};
		die "twice: $_" if $seen{"$name $label"}++;
		die "no number: $_" unless $value =~ /^\d+$/;
		if ($type{$family} eq "histogram") {
			die "no le: $_" unless $key eq "le";
			my $le = $label eq "+Inf" ? 9e99 : $label + 0;
			die "not in order: $_" if @buckets &&
			    ($le <= $buckets[-1][0] || $value < $buckets[-1][1]);
			push @buckets, [$le, $value];
		}
		print "$name $label $value\n";
	} else {
		die "what is that? $_";
	}
}
die "no EOF" unless $eof;
die "no +Inf" unless @buckets && $buckets[-1][0] == 9e99;
P
page() {
	ctl metrics >page && perl check.pl <page >samples
}
value() {		# NAME [LABEL]
	sed -n "s/^milter_sysuser_$1 ${2:-} *\([0-9]*\)$/\1/p" samples
}

ok 'a page of a daemon that had nothing to do' page
for i in 2501 2501 2502 2503 2504; do
	send $i
done >out
printf '%s\n' 'session 192.0.2.1 2505' 'mail <a@b>' 'rcpt <c@d>' eom |
    milter >out
mkfifo go
{ echo 'session 127.0.0.1 2502'; cat go; } | milter &
mta=$!
exec 3>go
wait_for eval '[ "$(counter sessions)" -eq 1 ] &&
    [ "$(counter lookups)" -eq 7 ]'
replace names
ok 'a page of one that had' page
# Nothing changes meanwhile.
ctl -j status >json
is "$(for i in messages tagged refused limited stripped uncounted; do
	echo "$i $(value "${i}_total")"
    done; echo "sessions $(value sessions)"
    for i in owned unknown remote; do
	echo "$i $(value lookups_total $i)"
    done; for i in uid-only scan cache cgroup bpf; do
	echo "$i $(value processes_found_total $i)"
    done; for i in control 'worker 1' 'names 2'; do
	echo "$i $(value process_up "$i") $(value process_restarts_total "$i")"
    done)" "$(perl -MJSON::PP -e '
	my $o = decode_json(join "", <STDIN>);
	my ($c, $s) = @{$o}{qw(counters sources)};
	my %p = map { $_->{process} => $_ } @{$o->{processes}};
	print "$_ $c->{$_}\n" for qw(messages tagged refused limited stripped
	    uncounted sessions owned unknown remote);
	print "$_ $s->{$_}\n" for qw(uid-only scan cache cgroup bpf);
	print "$_ ", $p{$_}{running} ? 1 : 0, " $p{$_}{restarts}\n"
	    for "control", "worker 1", "names 2";' <json)" \
    'the numbers of the status'
is "$(value messages_total) $(value tagged_total) $(value refused_total) $(
    value limited_total) $(value sessions)" '3 3 2 1 1' 'which are right'
is "$(value process_restarts_total 'names 1')" 1 'and a restart'
is "$(value lookup_seconds_bucket +Inf)" "$(($(value lookups_total owned) +
    $(value lookups_total unknown) + $(value lookups_total remote)))" \
    'each lookup of a worker has its time'
slow=$(awk '/lookup_seconds_bucket [0-9]/ && $2 < 0.05 { n = $3 }
    END { print n }' samples)
ok 'and one of them took 50 ms' \
    test "$(($(value lookup_seconds_bucket +Inf) - slow))" -ge 1 ||
    diag "$(grep seconds samples)"
exec 3>&-
wait "$mta"
ok 'the daemon stops' daemon_stop
finish
