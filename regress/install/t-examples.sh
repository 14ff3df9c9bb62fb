#!/bin/sh
# What the documents show as a configuration is one: each file in dist/examples,
# and each block in README, doc and the manuals, is checked with -n.

. "$(dirname "$0")/../lib.sh"

need perl
[ -x "$OBJ/milter-sysuser" ] || bail "$OBJ/milter-sysuser: run make"

# Accounts that exist everywhere, and a file for each table.
printf '%s\n' bob carol >blocked
known() {
	sed 's/_sysuserres/daemon/; s/_sysuserctl/bin/; s/_sysuser/nobody/
	    s/group "postfix"/group "bin"/; s/group "adm"/group "bin"/
	    s,"/etc/milter-sysuser.blocked","blocked",'
}

# Tables that another block of the same page defines.
needed() {	# FILE
	grep -o 'user <[a-z_]*>' "$1" | sed 's/user //' | sort -u |
	    while read -r t; do
		grep -q "table *$t" "$1" || echo "table $t { }"
	    done
}

accepted() {	# FILE DESCRIPTION
	known <"$1" >known.conf
	{
		grep -q '^listen on' known.conf ||
		    echo 'listen on socket "/run/x.sock"'
		grep -q '^user' known.conf || echo 'user "nobody"'
		grep -q '^resolver' known.conf || echo 'resolver user "daemon"'
		needed known.conf
		cat known.conf
	} >whole.conf
	chmod 644 whole.conf blocked
	"$OBJ/milter-sysuser" -n -f whole.conf >out 2>&1
	is "$? $(grep -v warning: out)" \
	    '0 configuration OK' "$2" || diag "$(cat whole.conf)"
}

# The blocks, each into a file: indented by four in a text, a display in a
# manual. A configuration begins with one of its words.
blocks() {	# FILE
	perl -e '
		my $words = qr/^(?:(?:listen|control|user|resolver|header|log
		    |table|limit|pass|reject|tempfail|discard|quarantine|on
		    |strip|lookup|timeout|include|prefork|backend|record)\s+["<a-z{](?!\w+:)
		    |[a-z]+\ =\ ")/x;
		my ($file, $manual) = (@ARGV, $ARGV[0] =~ /\.[58]$/);
		my (@blocks, $open);
		open my $in, "<", $file or die;
		while (<$in>) {
			if ($manual && /^\.Bd -literal/) {
				push @blocks, "";
				$open = 1;
			} elsif ($manual && /^\.Dl (.*)/) {
				push @blocks, "$1\n" =~ s/\\\(dq/"/gr;
			} elsif ($manual && /^\.Ed/) {
				$open = 0;
			} elsif ($manual) {
				$blocks[-1] .= s/\\e/\\/gr if $open;
			} elsif (/^    (.*)/) {
				push @blocks, "" unless $open;
				$open = 1;
				$blocks[-1] .= "$1\n";
			} elsif (/^$/ && $open) {
				$blocks[-1] .= "\n";
			} else {
				$open = 0;
			}
		}
		my $n = 0;
		for (@blocks) {
			my ($first) = grep { !/^\s*(#|$)/ } split /\n/;
			next unless ($first // "") =~ $words;
			open my $out, ">", sprintf "block.%02d", ++$n;
			print $out $_;
		}' "$1"
}

for f in "$TOP"/dist/examples/*.conf; do
	accepted "$f" "dist/examples/${f##*/}"
done
for f in README:2 milter-sysuser.conf.5:15 milter-sysuser.8:2 \
    doc/docker.txt:4 doc/old-script.txt:1 doc/shared-hosting.txt:3 \
    doc/university.txt:5; do
	name=${f%:*}
	rm -f block.*
	blocks "$TOP/$name"
	n=0
	for b in block.*; do
		[ -f "$b" ] || break
		n=$((n + 1))
		accepted "$b" "$name: block $n, $(head -n 1 "$b" | cut -c1-40)"
	done
	ok "$name: ${f#*:} blocks and more, not $n" [ "$n" -ge "${f#*:}" ]
done

# examples/old-script.conf and its page say the same.
blocks "$TOP/doc/old-script.txt"
is "$(known <block.01 | grep -v '^$' | tr -s ' \t' ' ')" \
    "$(known <"$TOP/dist/examples/old-script.conf" | grep -v '^#' |
    grep -v '^$' | tr -s ' \t' ' ')" 'the old settings, in both places'
plan "$tests"
finish
