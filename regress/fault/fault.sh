# Sourced after proto/milter.sh: what the tests of faults share.

DO=$OBJ/regress/fault/do

# One line for each process that runs: NAME[-INSTANCE]=PID.
processes() {
	ctl status 2>/dev/null | awk '/ running$/ {
		print $1 ~ /worker|names/ ? $1 "-" $2 "=" $3 : $1 "=" $2 }'
}

pid_of() {		# NAME[-INSTANCE]
	processes | sed -n "s/^$1=//p"
}

# As many as there should be, and none of these pids is among them.
all_run() {		# [PID...]
	processes >all.now
	[ "$(wc -l <all.now)" -eq "${ALL:-7}" ] || return 1
	for _p; do
		! grep -q "=$_p\$" all.now || return 1
	done
}

# The tag that the next message gets; "closed" and the like are no tags.
tag() {			# [PORT]
	printf '%s\n' "session 127.0.0.1 ${1:-2501}" message | milter |
	    sed -n 's/^insert 0 X-Sender-Process-Info: //p'
}

# What became of the next message: the MTA goes on, with its default action
# if the milter goes away.
flows() {		# [PORT]
	printf '%s\n' "session 127.0.0.1 ${1:-2501}" message |
	    timeout 20 perl "$TOP/regress/proto/milter.pl" "$MILTER" >flow.out \
	    2>&1
	[ $? -ne 124 ] && ! grep -q 'm: [45]' flow.out
}

tagged() {		# [PORT [TAG]]; the next eight are
	for _i in 1 2 3 4 5 6 7 8; do
		[ "$(tag "${1:-2501}")" = "${2:-user=games program=telnet}" ] ||
		    return 1
	done
}

# How long it takes until a command is true, in ms.
time_until() {		# COMMAND...
	_from=$(date +%s%3N)
	WAIT=30 wait_for "$@" || return 1
	took=$(($(date +%s%3N) - _from))
}
