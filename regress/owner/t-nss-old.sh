#!/bin/sh
# Names that are older than they should be, while the directory stalls: they
# are better than none.  What it said wrong, it can say right a minute later.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/owner/nss.sh"

nss_need
nss_script
fake_start <<S
lookup timeout 1000
S

plan 16

is "$(user 2001) $(user 1005)" 'ldap1 games' 'they are known'
n=10
for word in empty hash wrong notfound 'unavail 2'; do
	# shellcheck disable=SC2086
	say $word
	is "$(user $((2000 + n)))" "#$((70000 + n))" "it says $word"
	n=$((n + 1))
done
say stall
sleep 62
ask 2001
is "$who" ldap1 'stalled: a name that is a minute old'
ok "in time ($took ms)" test "$took" -le 750
ask 2001
is "$who" ldap1 'stalled: again'
ok "at once ($took ms)" test "$took" -le 250
ask 1005
is "$who" games 'stalled: of a local account'
say ok
n=10
for word in empty hash wrong notfound 'unavail 2'; do
	ok "it said $word: recovered" soon "ldap$n" $((2000 + n))
	n=$((n + 1))
done
finish
