# Sourced after milter.sh: what the tests of the administrator's verbs share.

# What comes of a message: the reply that refuses it, or that to its end.
send() {	# PORT [SENDER [RECIPIENTS]]
	_i=0
	{
		printf '%s\n' "session 127.0.0.1 $1" \
		    "mail <${2-a@example.test}>" stop
		while [ $((_i += 1)) -le "${3:-1}" ]; do
			echo "rcpt <b$_i@example.test>"
		done
		printf '%s\n' 'macro E i Q1' eom
	} | milter | sed -n 's/^mail: \([^c]\)/\1/p; s/^eom: //p'
}

repeat() {	# N COMMAND...; how many times it printed what
	_n=$1
	shift
	while [ $((_n -= 1)) -ge 0 ]; do
		"$@"
	done | seconds | sort | uniq -c | sed 's/^ *//'
}

# Times that pass while we look.
seconds() {
	sed 's/try again in [0-9]* [a-z]*$/try again in N/'
}

# A daemon of so many workers whose control socket is for a group, too.
admin_start() {	# WORKERS GROUP; rules on stdin
	conf_write
	sed "s/^\(control socket .*\)/\1 mode 0660 group \"$2\"/
	    s/^prefork .*/prefork $1/" "$CONF" >"$CONF.new"
	mv "$CONF.new" "$CONF"
	daemon_start || bail 'no daemon'
}

# As conf_write, but only the rules change.
rules() {
	_keep=$(sed -n '1,/^prefork/p' "$CONF")
	{
		printf '%s\n' "$_keep"
		cat
	} >"$CONF"
}

# All processes of that name run, and none of these pids is among them.
running() {	# NAME [PID...]
	_name=$1
	shift
	ctl status 2>/dev/null | awk -v name="$_name" -v old=" $* " '
	    $1 == name {
		n++
		if ($NF != "running" ||
		    index(old, " " $(name ~ /worker|names/ ? 3 : 2) " "))
			bad = 1
	    }
	    END { exit !n || bad }'
}

# Kill what has that name, and wait until others have taken its place.
replace() {	# NAME
	_old=$(pids "$1" | tr '\n' ' ')
	kill -9 $_old
	wait_for running "$1" $_old
}

# Stop it at once: the second order does not wait for sessions.
daemon_end() {
	kill "$DAEMON"
	wait_for grep -q '^milter-sysuser: stopping$' "$LOG"
	kill "$DAEMON" 2>/dev/null
	wait_for test -s "$T/daemon.rc"
	DAEMON=
}

# The pids of all that a dead parent left, so that we can wait for their end.
family() {
	ctl status | awk '$NF == "running" { print $(NF - 4) }'
}

# Kill the parent; its children leave by themselves.
parent_kill() {
	_all=$(family)
	kill -9 "$DAEMON"
	wait_for gone $_all
	wait_for test -s "$T/daemon.rc"
	DAEMON=
}
