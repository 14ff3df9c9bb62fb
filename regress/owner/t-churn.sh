#!/bin/sh
# Fifty users take a few ports from each other as fast as they can: whoever is
# named has made the connection. LOOKUPS=1000000 for the long form, by hand.

. "$(dirname "$0")/../lib.sh"

need_root
CHURN=$OBJ/regress/churn
[ -x "$CHURN" ] || bail "$CHURN: run make"
LOOKUPS=${LOOKUPS:-20000}

churn() {		# COUNT OPTION...
	_n=$1
	shift
	"$CHURN" -s "$CONTROL" -n "$_n" -t $((40 + _n / 250)) "$@" >churn.out
	_rc=$?
	cat churn.out
	[ "$(grep -Ec '^(not )?ok ' churn.out)" -eq 4 ] || bail 'it ended early'
	tests=$((tests + 4))
	failed=$((failed + _rc))
}

echo 'pass' | conf_write
daemon_start || exit 1
churn "$LOOKUPS"
churn $((LOOKUPS / 4)) -i
is "$(ctl status | awk '/running$|down$/ && $(NF - 1) > 0')" '' \
    'no process was started again'
ok 'the daemon stops' daemon_stop
plan "$tests"
finish
