# Sourced after lib.sh: a daemon whose resolver says what resolver.script tells
# it to (regress/os_fake.c), and the MTA's end of the milter protocol.

LIBEXEC=$OBJ/regress/fake

fake_need() {
	need_root
	[ -x "$LIBEXEC/resolver" ] || bail "$LIBEXEC/resolver: run make"
}

# What the resolver says is on stdin. A line for all others: nobody's.
fake_script() {
	{
		cat
		echo '* sock=none local=no'
	} >"$T/resolver.script"
}

# The rules are on stdin.
fake_start() {
	conf_write
	daemon_start || bail 'no daemon'
}

milter() {	# commands on stdin
	perl "$TOP/regress/proto/milter.pl" "${1:-$MILTER}" 2>&1
}

# What workers log of messages, without the name of the process.
logged() {
	sed -n 's/^worker: queue=/queue=/p' "$LOG"
}

# One column of the status, or one of its counters.
pids() {	# NAME of processes
	ctl status | awk -v name="$1" '$1 == name {
		print $1 ~ /worker|names/ ? $3 : $2 }'
}

counter() {
	ctl status | tr ' ' '\n' | sed -n "s/^$1=//p"
}
