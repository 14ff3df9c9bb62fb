#!/bin/sh
# A module of NSS that hangs for good: names is replaced when it has hung for
# longer than any directory may take; here after 2 turns, not 60.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/owner/nss.sh"
. "$TOP/regress/fault/fault.sh"

PARENT=$OBJ/regress/impatient/milter-sysuser
nss_need
nss_script
fake_start <<S
lookup timeout 1000
S
plan 15

is "$(user 2001)" ldap1 'it works'

# Many questions at once, that take longer than one may hang.
say slow
{
	seq 30 59 | sed 's/.*/session 127.0.0.1 20&/'
	seq 1 30 | sed 's/.*/use &\nmessage/'
} | milter >many.out
ok 'a slow one and many questions: all are answered' wait_for eval \
    'soon ldap30 2030 && soon ldap59 2059'
is "$(grep 'does not answer' "$LOG")" '' 'and who works is not killed'
say ok

say hang ldap2
first=$(pid_of names-1) second=$(pid_of names-2)
is "$(user 2002)" '#70002' 'one hangs'
replaced() {
	[ "$(pid_of names-1)" != "$first" ] ||
	    [ "$(pid_of names-2)" != "$second" ]
}
ok 'who looks for it is replaced' wait_for eval 'replaced && all_run'
like "$(cat "$LOG")" \
    '^milter-sysuser: names [12] does not answer: killing it$' \
    'which the log says'
is "$(user 2003)" ldap3 'others are found'
is "$(user 2001)" ldap1 'who was known is known'

# Both of them, more than once.  Nothing is parked for that, nothing ends.
say stall
is "$(user 2004)" '#70004' 'all hang'
is "$(user 2005)" '#70005' 'all hang: another one'
both() {
	[ "$(grep -c '^milter-sysuser: names 1 does not answer' "$LOG")" -ge 1 ] &&
	    [ "$(grep -c '^milter-sysuser: names 2 does not answer' "$LOG")" -ge 1 ]
}
ok 'both are replaced' wait_for eval 'user 2004; user 2005; both'
is "$(user 2001)" ldap1 'who was known is known'
say ok
ok 'it hangs no more: all are found' soon ldap4 2004
ok 'and all run' wait_for all_run
ok 'the daemon stops' daemon_stop
finish
