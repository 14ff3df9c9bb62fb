#!/bin/sh
# Whoever holds the client's end of a connection, however he came by it and
# whatever state it is in: he is named, or nobody is. The table is in matrix.c.
# It is gone through twice, with and without the connect-time record.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/owner/owner.sh"

need_root
# Alone, or what a search finds in time depends on what else runs here.
if [ -z "${OWN_PIDS:-}" ] &&
    unshare -pm --fork --mount-proc true 2>/dev/null; then
	OWN_PIDS=1 unshare -pm --fork --kill-child=TERM --mount-proc \
	    "$TOP/regress/owner/${0##*/}"
	exit $?
fi
MATRIX=$OBJ/regress/matrix
[ -x "$MATRIX" ] || bail "$MATRIX: run make"
INSIDE=			# what the daemon is started by

# As lib.sh has it, but for the namespaces.
daemon_run() {		# CONFIGFILE
	$INSIDE "$OBJ/milter-sysuser" -d -L "$OBJ" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

# The rows of a group, against a daemon that is started for them.
rows() {		# GROUP [OPTION...]
	_g=$1
	shift
	daemon_start || exit 1
	$INSIDE "$MATRIX" -c "$OBJ/sysuserctl" -s "$CONTROL" -d "$T" \
	    -g "$_g" "$@" >rows.out
	_rc=$?
	cat rows.out
	tests=$((tests + $(grep -Ec '^(not )?ok ' rows.out)))
	failed=$((failed + _rc))
	ok "the daemon stops ($_g, $BACKEND)" daemon_stop
}

# As on a host where users can't see each other's processes, and have uids of
# their own to give to containers.
echo games:100000:65536 >"$T/subuid"
cat >"$T/hidepid" <<E
#!/bin/sh
[ ! -f /etc/subuid ] || mount --bind "$T/subuid" /etc/subuid
mount -t proc -o hidepid=2 proc /proc && exec "\$@"
E
chmod 755 "$T/hidepid"

# A host with addresses of its own, and another one that can reach it.
if command -v ip >/dev/null && netns_new; then
	host=$NETNS
	netns_new && within "$host" ip link add wire type veth \
	    peer name wire netns "$NETNS" && far=$NETNS
	while read -r where command; do
		# shellcheck disable=SC2086
		[ -z "${far:-}" ] || within "$where" $command
	done <<-E
	$host ip addr add 192.0.2.2/24 dev wire
	$host ip addr add 2001:db8::2/64 dev wire nodad
	$host ip link set wire up
	${far:-} ip addr add 192.0.2.3/24 dev wire
	${far:-} ip addr add 2001:db8::3/64 dev wire nodad
	${far:-} ip link set wire up
	E
	# what is sent to port 2525 comes to port 2526
	for family in ip ip6; do
		within "$host" nft -f - 2>nft.err <<-E && nat=-r || nat=
		table $family test_matrix {
			chain output {
				type nat hook output priority -100;
				tcp dport 2525 redirect to :2526
			}
		}
		E
	done
	# both ends of TCP fast open, without cookies
	within "$host" sh -c 'echo 519 >/proc/sys/net/ipv4/tcp_fastopen'
else
	host=
fi

matrix() {		# OPTION...; with the configuration that is there
	INSIDE=
	rows m "$@"
	if unshare -m "$T/hidepid" true 2>/dev/null; then
		INSIDE="unshare -m $T/hidepid"
		rows h $([ ! -f /etc/subuid ] || echo -o) "$@"
	else
		skip 1 'no hidepid here'
	fi
	if [ -n "$host" ]; then
		INSIDE="nsenter --net=/proc/$host/ns/net"
		# shellcheck disable=SC2086
		rows n -n "/proc/${far:-self}/ns/net" $nat "$@"
	else
		skip 1 'no network namespaces here'
	fi
}

for BACKEND in proc bpf; do
	if [ $BACKEND = bpf ] && ! INSIDE='' have_record; then
		skip 1 "$WHY"
		break
	fi
	{
		backend $BACKEND
		echo 'pass'
	} | conf_write
	matrix $([ $BACKEND = proc ] || echo -b)
done
plan "$tests"
finish
