#!/bin/sh
# Many ask for the status while a process is slow to tell its counters: each
# is answered, nobody is killed for it.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 delay=2500 uid=5 holder=100 program=late
127.0.0.1 2502 search=1800 uid=6 holder=101 program=busy
S
fake_start <<S
lookup timeout 500
S

all() {			# the pids of all processes and their restarts
	ctl status | awk '/running$/ { print $(NF - 4), $(NF - 1) }'
}

asked=0
status() {		# in the background
	asked=$((asked + 1))
	(
		ctl status >"status.$asked" 2>&1
		echo $? >"rc.$asked"
	) &
}

answered() {		# every status is there, and whole
	cat rc.* | grep -c . | grep -qx "$asked"
}

plan 10

slow() {		# PORT DESCRIPTION
	asked=0
	rm -f rc.* status.*
	printf '%s\n' "session 127.0.0.1 $1" 'sleep 3' | milter >out &
	mta=$!
	sleep 0.3
	# two at once; two more when those have had their time, and so on
	for i in 1 2 3; do
		status
		status
		kill -USR1 "$DAEMON"
		sleep 0.6
	done
	ok "$2: each is answered" wait_for answered
	is "$(cat rc.* | sort -u)" 0 "$2: and well"
	is "$(for i in status.*; do grep -c ' running$' "$i"; done | sort -u)" \
	    7 "$2: with all processes"
	wait "$mta"
}

before=$(all)
slow 2501 'a resolver that is late'
is "$(all)" "$before" 'nobody was started again'
slow 2502 'a resolver that searches'
is "$(all)" "$before" 'nor here'
is "$(grep -c 'bad message\|killing\|was ended' "$LOG")" 0 'nor killed'
ok 'the daemon stops' daemon_stop
finish
