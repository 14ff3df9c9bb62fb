#!/bin/sh
# Another implementation of the MTA's end: miltertest, of OpenDKIM.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
need miltertest
# It chooses the client's port itself.
echo '* uid=5 holder=100 program=telnet' >"$T/resolver.script"
fake_start </dev/null

lua() {		# SCRIPT NAME=VALUE...
	_s=$1
	shift
	for _v; do
		set -- "$@" -D "$_v"
		shift
	done
	timeout 30 miltertest -D "socket=$MILTER" "$@" \
	    -s "$TOP/regress/proto/$_s.lua" >out 2>&1 || {
		diag "$(cat out)"
		return 1
	}
}

plan 6
ok 'the header' lua header 'value=user=games program=telnet'
is "$(logged | sed 's/ user=.* sender/ sender/')" \
    'queue=QUEUE1 action=pass rule=- sender=a@example.test recipients=1 stripped=2
queue=QUEUE2 action=pass rule=- sender=a@example.test recipients=1 stripped=2' \
    'the log'
echo 'reject user "games"' | conf_write
ctl reload
ok 'reject' lua refuse
echo 'tempfail program "tel*" message "100%"' | conf_write
ctl reload
ok 'tempfail' lua refuse
is "$(logged | grep -c 'action=reject') $(logged | grep -c action=tempfail)" \
    '2 2' 'the log'
ok 'the daemon stops' daemon_stop
finish
