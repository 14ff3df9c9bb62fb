#!/bin/sh
# Each call that can fail fails once while the daemon starts: then it says why
# and exits 1, or it serves.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"

calls_need
NUMBERS='1 4 9 16 30 50 80 120 170 230 300 400 500'
conf_write <<E
table <t> { "games" }
pass user <t>
limit user any to 1000000 messages per 1h
E

# What became of it: $what; false if that is not as it should be.
try() {			# PROGRAM N [TIMES [FUNCTION]]
	arm "$@"
	: >tags
	if daemon_start >said 2>&1; then
		all=$(family)
		what='serves'
		WAIT=30 wait_for all_tagged || what='does not tag'
		[ -z "$(wrong_tags)" ] || what="names $(wrong_tags)"
		wait_for all_run || what='is not complete'
		calls_end
		# shellcheck disable=SC2086
		wait_for gone $all || what='leaves processes'
		[ "$(cat daemon.rc)" = 0 ] || what='does not end well'
	elif [ -n "$DAEMON" ]; then
		what='hangs'
		kill -9 "$DAEMON"
		wait_for test -s daemon.rc
		DAEMON=
	else
		what='gives up'
		[ "$(cat daemon.rc)" = 1 ] || what="exit $(cat daemon.rc)"
		[ -s "$LOG" ] || what='says nothing'
		# and others may have a word to it, before they leave
		[ "$(grep -vc ': not known on this system: ' \
		    "$LOG")" -le 8 ] || what='says too much'
	fi
	[ "$what" = serves ] || [ "$what" = 'gives up' ] && return 0
	# who can't say it says nothing
	set -- $(armed)
	[ "$what" = 'says nothing' ] && [ "$3" = write: ]
}

for program in milter-sysuser resolver names control milterd; do
	arm $program 0
	daemon_start || bail 'no daemon'
	set -- $(armed)
	calls_end
	total=$1 failures=0
	: >failed
	for n in $(numbers); do
		[ "$n" -le "$total" ] || break
		try $program "$n" && echo "$what" >>all && continue
		echo "call $n ($(armed)): $what: $(tail -n 5 "$LOG")" >>failed
		failures=$((failures + 1))
	done
	is "$failures" 0 "$program: calls at start" || diag "$(cat failed)"
	diag "$program: $total calls"
done
diag "$(sort all | uniq -c)"

# What only fails once is not taken for a kernel that can't tell.
for call in send recv; do
	try resolver 1 1 $call
	is "$? $(armed | cut -d ' ' -f 2,3)" "0 1 $call:" \
	    "the kernel is asked, $call fails: what, then" ||
	    diag "$what: $(tail -n 5 "$LOG")"
done

# Whoever can't give up what root has does not run.
for call in chroot chdir setgroups setresgid setresuid cap_set_proc; do
	arm control 1 1 $call
	daemon_start >said 2>&1 && daemon_stop
	set -- $(armed)
	is "$2 $(cat daemon.rc) $(grep -c '^control: ' "$LOG")" '1 1 1' \
	    "$call fails: it does not start, and says why" ||
	    diag "$(cat "$LOG")"
done
plan "$tests"
finish
