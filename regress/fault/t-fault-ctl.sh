#!/bin/sh
# Each call that can fail fails once while the administrator is served: each
# command does all that it says, or says why not and exits 1; and who was
# blocked is blocked by all that know of it, or by nobody.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/fault/loop.sh"

calls_need
conf_write <<E
table <t> { "news" }
reject user <t>
limit user any to 1000000 messages per 1h
E

# After 16 changes of who is blocked the next ones take a second each.  There are
# four in a try, and six before the first.
USES=2

# What comes of each: "VERB: " with all that it prints, then its status.
verb() {		# VERB...
	timeout 25 "$T/calls/sysuserctl" -s "$CONTROL" "$@" >verb.out 2>verb.err
	_rc=$?
	case $1 in
	status)	# that one does not run is what it is there to tell
		sed -n '2,/^$/s/ .*//p' verb.out >verb.new
		mv verb.new verb.out ;;
	lookup)	# a process may be left out (t-fault-lookup.sh)
		sed -i 's/=#5 /=games /; s/ pid=.*//; s/ source=.*//' \
		    verb.out ;;
	top|metrics)
		: >verb.out ;;
	esac
	sed "s/^/$1: /" verb.out verb.err
	echo "$1: $_rc"
}
work() {
	verb status
	verb top
	verb metrics
	verb block lp
	verb tables
	verb test user games
	verb lookup 127.0.0.1 "$CPORT" 127.0.0.1 "$SPORT"
	verb unblock lp
}

amiss() {
	awk '
		function ended(verb, status) {
			# it says that it is so for a reason; and the tables
			# are as block has said
			if (status == 0 && said[verb] != was[verb] &&
			    !why[verb] && !(verb == "tables" && why["block"]))
				print verb ": is not whole, but exits 0"
			if (status > (verb == "lookup" ? 2 : 1))
				print verb ": exits " status
			if (status != 0 && why[verb] == 0)
				print verb ": does not say why"
			if (why[verb] > 2)
				print verb ": says too much"
		}
		{ at = index($0, ": "); v = substr($0, 1, at - 1) }
		NR == FNR { was[v] = was[v] $0 "\n"; next }
		{ said[v] = said[v] $0 "\n" }
		/^[a-z]*: (sysuserctl: |verdict=unknown)/ { why[v]++ }
		/^[a-z]*: [0-9]+$/ { ended(v, $2) }' right did
}

blocked() {
	ctl tables | grep -c '^  lp '
}
afterwards() {
	ctl block lp >/dev/null && [ "$(blocked)" = 1 ] &&
	    ctl unblock lp >/dev/null && [ "$(blocked)" = 0 ]
}

for program in control milter-sysuser milterd resolver names sysuserctl; do
	loop $program "commands: calls of $program"
done
loop_end
