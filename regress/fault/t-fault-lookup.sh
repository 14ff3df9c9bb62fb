#!/bin/sh
# Each call that can fail fails once while the resolver looks for the owners of
# connections, with the connect-time record and without: what it says of them
# is right, or left out.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/owner/owner.sh"
. "$TOP/regress/fault/loop.sh"

calls_need
id lp >/dev/null 2>&1 || skip_all 'needs a user lp'

# Other processes than before: what is known of those does not help.
prepare() {
	exec 6>&-
	rm -f over scene
	mkfifo over
	perl "$TOP/regress/fault/scene.pl" games lp <over >scene 2>&1 &
	exec 6>over
	wait_for eval '[ "$(wc -l <scene)" -eq 6 ]' || bail "$(cat scene)"
	server=$(tail -n 1 scene)
}
AT_EXIT="exec 6>&-; $AT_EXIT"

# With @ for the pid that is to be there.
work() {
	awk -v server="$server" 'NF == 2 {
		print "127.0.0.1", $2, "127.0.0.1", server }' scene |
	    { timeout 20 "$OBJ/sysuserctl" -s "$CONTROL" lookup - 2>&1
	    [ $? -ne 124 ] || echo hangs; } |
	    awk 'NR == FNR { pid[NR] = $1; next }
		/^verdict=/ { sub(" pid=" pid[++n] " ", " pid=@ ") } { print }' \
	    scene -
}

# Not answered, unknown, or as it is but for what is missing: and what is not
# known of a process is not said of another one.
amiss() {
	awk '
		NR == FNR { right[NR] = $0; next }
		/^sysuserctl: / { if (n++ > 0) print "says too much"; next }
		{ i = ++line }
		# a moment ago the kernel may still have known who closed it
		i == 4 && right[i] !~ /^verdict=owned / { i = 1 }
		$0 == right[i] || /^verdict=unknown reason=/ { next }
		right[i] !~ /^verdict=owned / { print "wrong: " $0; next }
		{
			split("", is)
			k = split(right[i], list)
			for (j = 1; j <= k; j++) {
				at = index(list[j], "=")
				key = substr(list[j], 1, at - 1)
				is[key] = substr(list[j], at + 1)
			}
			for (j = 1; j <= NF; j++) {
				key = substr($j, 1, index($j, "=") - 1)
				value = substr($j, index($j, "=") + 1)
				if (key == "source" || key == "holders" ||
				    value == is[key])
					continue
				if (key == "user" && value == "#" is["uid"])
					continue
				if (key == "holder" && value ~ /^#/)
					continue
				print "not " $j ": " $0
			}
		}' right did
}

for backend in proc bpf; do
	[ $backend = proc ] || have_record || {
		skip 2 "$WHY"
		continue
	}
	backend $backend | conf_write
	fresh
	is "$(grep -c '^verdict=owned .* pid=@ program=perl ' right)" \
	    $([ $backend = proc ] && echo 3 || echo 4) \
	    "$backend: they are known when nothing fails" || diag "$(cat right)"
	loop resolver "$backend: calls of the resolver"
	calls_end
done
plan "$tests"
finish
