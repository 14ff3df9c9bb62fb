#!/bin/sh
# Fifty users take a few ports from each other as fast as they can: whoever is
# named has made the connection; with the connect-time record and without.
# LOOKUPS=1000000 for the long form, by hand.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/owner/owner.sh"

need_root
CHURN=$OBJ/regress/churn
[ -x "$CHURN" ] || bail "$CHURN: run make"
LOOKUPS=${LOOKUPS:-12000}

churn() {		# RESULTS COUNT OPTION...
	_want=$1
	_n=$2
	shift 2
	"$CHURN" -s "$CONTROL" -n "$_n" -t $((40 + _n / 250)) "$@" >churn.out
	_rc=$?
	cat churn.out
	[ "$(grep -Ec '^(not )?ok ' churn.out)" -eq "$_want" ] ||
	    bail 'it ended early'
	tests=$((tests + _want))
	failed=$((failed + _rc))
}

try() {			# BACKEND RESULTS OPTION...
	_backend=$1
	_results=$2
	shift 2
	{
		backend "$_backend"
		echo 'pass'
	} | conf_write
	daemon_start || exit 1
	churn "$_results" "$LOOKUPS" "$@"
	churn "$_results" $((LOOKUPS / 4)) -i "$@"
	is "$(ctl status | awk '/running$|down$/ && $(NF - 1) > 0')" '' \
	    "$_backend: no process was started again"
	ok "$_backend: the daemon stops" daemon_stop
}

try proc 4
if have_record; then
	try bpf 5 -b
else
	skip 1 "$WHY"
fi
plan "$tests"
finish
