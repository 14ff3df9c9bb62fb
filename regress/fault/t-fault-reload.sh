#!/bin/sh
# Each call that can fail fails once during a reload: all have the new
# configuration, or it is said why not, and mail is judged by the one or the
# other.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/fault/loop.sh"

calls_need
# What is refused is of another sender each time: <NOW@b.test>.
turn=0
conf() {
	conf_write <<-E
	table <t> { "news", "mail" }
	reject group "mail"
	reject user <t>
	reject user any sender "$1@b.test"
	limit user any to 1000000 messages per 1h
	E
}
conf a

# From all workers: which of the two senders is refused, and what else there is.
refused() {
	for _s in a b; do
		for _i in 1 2 3 4; do
			printf '%s\n' "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" \
			    "mail <$_s@b.test>" quit
		done | timeout 30 perl "$TOP/regress/proto/milter.pl" "$MILTER" \
		    2>&1 | sed -n "s/^mail: \(550\).*/$_s/p; s/^mail: [4a-bt-z].*/?&/p
		    s/^timeout/hangs/p"
	done | sort | awk '/^[?]/ || !seen[$0]++' | tr '\n' ' '
}

prepare() {
	new=$([ "$new" = a ] && echo b || echo a)
	sed -i "s/sender \"[ab]@/sender \"$new@/" "$CONF"
}
new=a
work() {
	timeout 25 "$OBJ/sysuserctl" -s "$CONTROL" reload
	echo "reload: $?"
	echo "refused: $(refused)"
}
# If it went well it is in force, everywhere; nothing but a refusal by one of
# the two comes of any.  But a worker without memory lets that one mail go on,
# and says so.
GOES_ON="no memory for a (session|message): this mail goes on without a header"
amiss() {
	_spared=0
	[ "$program" != milterd ] ||
	    _spared=$(told | grep -Ecx "worker: $GOES_ON")
	awk -v new="$new" -v spared="$_spared" '
		/^sysuserctl: / { why++ }
		/^reload: / {
			rc = $2
			if (rc > 1)
				print "reload: exits " rc
			if (rc == 1 && !why)
				print "reload: does not say why"
		}
		/^refused: / {
			if (gsub(/[?]mail: accept /, "") != spared ||
			    spared > 1)
				print "not the mail goes on that is said to"
			if (rc == 0 && $0 != "refused: " new " ")
				print "after the reload " $0
			if ($0 ~ /[?]|hangs/)
				print
		}' did
}
# Whatever it was, the next one goes well.
afterwards() {
	ctl reload >/dev/null && [ "$(refused)" = "$new " ]
}

for program in milter-sysuser names resolver milterd control; do
	loop $program "a reload: calls of $program"
done

# The file is open while there is no memory for it.
fresh
failures=0
for n in $(seq 20); do
	arm milter-sysuser "$n" 1 calloc
	ctl reload >/dev/null 2>&1 || failures=$((failures + 1))
done
arm none 0
ok 'no memory for reloads: they fail' test "$failures" -gt 2
ok 'and leave nothing open' wait_for none_leaked || diag "$(cat leaked)"
loop_end
