#!/bin/sh
# A directory that stalls, fails or lies: who is known stays known, others are
# #uid and wait no longer than half the lookup timeout.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/owner/nss.sh"

nss_need
nss_script
fake_start <<S
lookup timeout 1000
log fields { user, uid, holder }
S

# What may be asked of a busy machine.
in_time() {
	[ "$took" -le 750 ]
}
at_once() {
	[ "$took" -le 250 ]
}

is_who() {		# NAME PORT DESCRIPTION [in_time|at_once]
	ask "$2"
	is "$who" "$1" "$3"
	ok "$3: in time (${took:-?} ms)" "${4:-in_time}"
}

plan 121

is_who ldap1 2001 'it works'
is_who ldap2 2002 'it works, for others too'
is_who games 1005 'a local account'
is "$(user 2999)" '' 'nobody'		# of this host

# It stalls.
say stall
is_who ldap1 2001 'stalled: a known one' at_once
is_who games 1005 'stalled: a known local one' at_once
is_who '#70011' 2011 'stalled: an unknown one'
is_who '#70011' 2011 'stalled: the same again' at_once
is_who '#70012' 2012 'stalled: another one'
is_who '#70012' 2012 'stalled: that one again' at_once
is_who '#9' 1009 'stalled: a local one, not known yet'
is_who ldap1 3001 'stalled: a process of a known one' at_once
is_who '#70013' 3013 'stalled: the process of an unknown one is another'\''s'
like "$(logged | tail -n 1)" ' user=#70013 uid=70013 holder=#70014 ' \
    'stalled: which the log says'
# Many at once.
seq 20 59 | while read -r n; do
	echo "session 127.0.0.1 $((2000 + n))"
done >many
{
	printf '%s\n' quiet time
	cat many
	seq 1 40 | sed 's/.*/use &\nmessage/'
	echo time
} | milter >out
is "$(grep -c 'Info: user=#700[2-5][0-9] ' out)" 40 'stalled: 40 at once'
took=$(sed -n '/ ms$/{s///p}' out | tail -n 1)
ok "stalled: they wait at the same time ($took ms)" test "$took" -lt 1500
is_who ldap2 2002 'stalled: the known ones are still known' at_once
is "$(ctl status | grep -c ' running$')" 7 'stalled: nobody was killed'

# It recovers.
say ok
for n in 11 12 13 14 20 59; do
	ok "recovered: ldap$n" soon "ldap$n" $((2000 + n))
done
ok 'recovered: a local one' soon news 1009
is_who ldap60 2060 'recovered: a new one'
is_who ldap13 3013 'recovered: a process of another user'
like "$(logged | tail -n 1)" ' user=ldap13 uid=70013 holder=ldap14 ' \
    'recovered: he has a name'

# It fails: EAGAIN, EIO, ECONNREFUSED, ETIMEDOUT.
n=70
for error in 'unavail 11' 'unavail 5' 'unavail 111' 'unavail 110' \
    'tryagain 11'; do
	# shellcheck disable=SC2086
	say $error
	is_who "#$((70000 + n))" $((2000 + n)) "$error: an unknown one"
	is_who ldap1 2001 "$error: a known one" at_once
	is_who games 1005 "$error: a local one" at_once
	say ok
	is_who "ldap$n" $((2000 + n)) "$error: recovered"
	n=$((n + 1))
done

# It lies.
x=$(printf 'n%.0s' $(seq 64))
while read -r word expected; do
	say "$word"
	is_who "$(echo "$expected" | sed "s/UID/$((70000 + n))/")" \
	    $((2000 + n)) "it says $word"
	is "$(grep -c '^insert' ask.out) $(grep -c 'Injected: ' ask.out)" \
	    '1 0' "$word: one header"
	n=$((n + 1))
done <<E
long ${x}+2E+2E
empty #UID
hash #UID
newline x+0D+0AX-Injected:+20yes+0A
blanks x+20uid+3D0+20user+3Droot
wrong #UID
notfound #UID
E
say ok
is_who ldap1 2001 'who was known is still known' at_once
is "$(logged | grep -c ' action=')" "$(logged | grep -c '')" \
    'the log has lines of messages'
is "$(tr -d '\12\40-\176' <"$LOG" | wc -c)" 0 'and nothing not printable'

# One name hangs: only that one is not known.
say hang ldap90
is_who '#70090' 2090 'one hangs'
for n in 91 92 93 94; do
	is_who "ldap$n" $((2000 + n)) 'one hangs: another one'
done
say ok
ok 'it hangs no more' soon ldap90 2090
is "$(ctl status | awk '/running$/ { n += $(NF - 1) } END { print n }')" 0 \
    'nobody had to be started again'
ok 'the daemon stops' daemon_stop
finish
