# Sourced after lib.sh (and an MTA of mta/): network namespaces of a test's
# own, and clients with something odd about them.

# Leaves the pid of a process in a new namespace in $NETNS, or returns 1. The
# namespace has no name, and ends with that process.
netns_new() {
	unshare -n sleep 300 &
	NETNS=$!
	AT_EXIT="kill $NETNS 2>/dev/null; $AT_EXIT"
	WAIT=5 wait_for eval '[ "$(readlink /proc/$NETNS/ns/net)" != \
	    "$(readlink /proc/self/ns/net)" ]' || return 1
	within "$NETNS" ip link set lo up
}

within() {		# PID COMMAND...: in the network namespace of PID
	_n=$1
	shift
	nsenter "--net=/proc/$_n/ns/net" "$@"
}

# Can the connect-time record be had on this machine? Else returns 1 with the
# reason in $WHY.
have_record() {
	echo 'backend bpf' | conf_write
	daemon_start >probe.out && {
		daemon_stop
		return
	}
	WHY=$(sed -n 's/.*backend bpf: /no connect-time record: /p' "$LOG" |
	    head -n 1)
	[ -n "$WHY" ] || {
		cat probe.out
		bail 'the daemon does not say why it has no record'
	}
	return 1
}

# Configuration: the one backend or the other, for a test that has both.
backend() {		# proc|bpf
	echo "backend $1"
	[ "$1" = proc ] || echo 'record ports any'
}

# Go on in a network namespace of our own, where this host is also 192.0.2.2
# and 2001:db8::2. That needs another process: this one waits for it.
netns_self() {
	if [ -z "${OWN_NET:-}" ]; then
		need_root
		need ip
		unshare -n true 2>/dev/null ||
		    skip_all 'needs network namespaces'
		mta_fetch || skip_all "$WHY"	# while there is a network
		OWN_NET=1 unshare -n "$SELF"
		exit $?
	fi
	ip link set lo up
	# a card without a wire, whichever this kernel has
	ip link add card type dummy 2>/dev/null ||
	    ip link add card type veth peer name wire 2>/dev/null ||
	    skip_all 'needs an interface of type dummy or veth'
	ip link set card up
	ip link set wire up 2>/dev/null
	ip addr add 192.0.2.2/24 dev card
	ip addr add 2001:db8::2/64 dev card nodad 2>/dev/null
}

# More addresses for Postfix to listen on, at $PORT.
mta_listen() {		# ADDRESS...
	for _a; do
		echo "$_a:$PORT inet n - y - - smtpd" >>"$MTA/etc/master.cf"
	done
	kill -HUP "$MTA_PID"
	for _a; do
		wait_for perl -MIO::Socket::IP -e 'exit !IO::Socket::IP->new(
		    PeerAddr => $ARGV[0])' "$_a:$PORT" || bail "no $_a"
	done
}

# client.pl as USER in the background, with the commands of stdin; what it
# says goes to NAME.out. Leaves its port in $port and its pid in $pid once it
# is greeted.
CLIENT=$(cat "$TOP/regress/owner/client.pl")
client() {		# NAME USER HOST PORT [OPTION=VALUE...]
	_name=$1
	_user=$2
	shift 2
	cat >"$_name.in"
	as "$_user" perl -e "$CLIENT" "$CLIENT" "$@" <"$_name.in" \
	    >"$_name.out" 2>&1 &
	AT_EXIT="kill $! 2>/dev/null; $AT_EXIT"
	wait_for grep -q '^port ' "$_name.out" || {
		diag "$_name: $(cat "$_name.out")"
		return 1
	}
	port=$(sed -n 's/^port \([0-9]*\) .*/\1/p' "$_name.out")
	pid=$(sed -n 's/^port .* pid //p' "$_name.out")
}

# The value of our header, unfolded; of each if there are more of them.
tag_of() {		# SUBJECT
	perl -0777 -ne '
		my ($head) = /\A(.*?)\n\n/s;
		$head =~ s/\n[ \t]+/ /g;
		print map { "$_\n" }
		    $head =~ /^X-Sender-Process-Info *: *(.*)/gmi;
	' "$(mail_find "$1")"
}
