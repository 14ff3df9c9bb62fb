#!/bin/sh
# The tables of a configuration and a directory that does not answer: who was
# in one stays in it, and nobody is refused for not being in one that lacks
# names.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/owner/nss.sh"

nss_need
nss_script

allowed() {		# [NAME...]: more than two may send; ldap2 may not
	conf_write <<-S
	lookup timeout 400
	table <ok> { "ldap1", "games"$(printf ', "%s"' "$@" |
	    sed 's/^, ""$//') }
	table <blocked> { "ldap2", "ldap5" }
	reject user <blocked>
	reject not user <ok>
	S
}

# What becomes of mail of ldap1, games, of the blocked ldap2, of ldap3.
sent() {
	for p in 2001 1005 2002 2003; do
		mail $p
	done | tr '\n' ' '
}
good='continue continue refused refused '
lacking='continue continue refused continue '

reload() {		# DESCRIPTION
	ok "$1: reload" timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" reload
}

plan 55

allowed
daemon_start || bail 'no daemon'
is "$(sent)" "$good" 'it works'
reload 'it works'
is "$(sent)" "$good" 'it still does'

# Nothing new in the file, once, twice, three times.
say stall
for n in 1 2 3; do
	reload "stalled $n"
	is "$(sent)" "$good" "stalled $n: who was in a table still is"
done
kill -HUP "$DAEMON"
wait_for eval '[ "$(grep -c "configuration loaded" "$LOG")" -ge 5 ]'
is "$(sent)" "$good" 'stalled, by a signal'
allowed ldap6
reload 'stalled, a new name'
is "$(sent)" "$lacking" 'stalled, a new name: who lacks is not refused'
is "$(mail 2006)" continue 'stalled, a new name: nor is he'
# A killed worker gets the same.
# shellcheck disable=SC2046
kill -KILL $(pids worker)
WAIT=10 wait_for eval '[ "$(ctl status |
    grep -c "^worker .* running$")" -eq 2 ]'
is "$(sent)" "$lacking" 'stalled: a new worker has these tables'
say ok
ok 'recovered' wait_for eval '[ "$(sent)" = "$good" ]'
is "$(mail 2006)" continue 'recovered: the new one may send'
allowed
reload 'recovered'
is "$(sent) $(mail 2006)" "$good refused" 'recovered: he no longer may'

# Every way to fail.  Nobody may be lost for it.
for error in 'unavail 11' 'unavail 5' 'unavail 111' 'tryagain 11' \
    'unavail 2'; do
	# shellcheck disable=SC2086
	say $error
	for n in 1 2; do
		reload "$error, $n"
		is "$(sent)" "$good" "$error, $n: who was in a table still is"
	done
done
say ok
reload 'recovered'
is "$(sent)" "$good" 'recovered'
ok 'the daemon stops' daemon_stop

# At start.
say stall
allowed
ok 'stalled: it starts' daemon_start || bail 'no daemon'
is "$(mail 2001) $(mail 1005) $(mail 2003)" 'continue continue continue' \
    'stalled at start: nobody is refused'
say ok
ok 'recovered: all are known' wait_for eval '[ "$(sent)" = "$good" ]'
ok 'the daemon stops' daemon_stop

# One name hangs, wherever it stands: all others are known.
for first in ldap90 ldap7; do
	[ $first = ldap90 ] && seventh=ldap7 || seventh=ldap90
	say hang ldap90
	conf_write <<-S
	lookup timeout 400
	table <many> { "$first", "ldap2", "ldap3", "ldap4", "ldap5", "ldap6",
	    "$seventh", "ldap8", "ldap9", "games", "ldap10" }
	reject user <many>
	S
	ok "one hangs ($first first): it starts" daemon_start ||
	    bail 'no daemon'
	many() {
		for p in 2002 2003 2004 2005 2006 2008 2009 1005 2010; do
			mail $p
		done | uniq -c | tr -s ' '
	}
	WAIT=10
	wait_for eval '[ "$(many)" = " 9 refused" ]'
	is "$(mail 2007) $(many)" 'refused  9 refused' \
	    "one hangs ($first first): the others count"
	WAIT=20
	# names asks for both, the parent and the resolver
	for n in 91 92 93 94; do
		user $((2000 + n))
	done >users
	is "$(tr '\n' ' ' <users)" 'ldap91 ldap92 ldap93 ldap94 ' \
	    "one hangs ($first first): later names are known"
	say ok
	ok "one hangs ($first first): no more" wait_for eval \
	    '[ "$(mail 2090)" = refused ]'
	ok 'the daemon stops' daemon_stop
done
finish
