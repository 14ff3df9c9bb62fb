#!/bin/sh
# A packet filter that redirects connections hides who they come from: then he
# is unknown, or, with the connect-time record, known. And whoever borrows the
# source port of somebody else is never taken for him, nor he for the other.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/postfix.sh"
. "$TOP/regress/owner/owner.sh"

need nft
netns_self
mta_up <<'E'
backend proc
pass
E
six=
have_v6 && six=yes
mta_listen 127.0.0.5 127.0.0.6 192.0.2.2 ${six:+'[2001:db8::2]'}

# By port alone one would be the other, so both ports are the same.
have_range() {
	perl -MSocket -e 'socket my $s, AF_INET, SOCK_STREAM, 0 or exit 1;
	    exit !setsockopt $s, 0, 51, pack "L", 0'
}

# What Sendmail tells of where it was connected to, for a connection that
# Postfix has in truth.
sendmail() {		# PORT MACRO VALUE ...
	_p=$1
	shift
	printf '%s\n' open quiet negotiate \
	    "macro C {daemon_port} $PORT $*" \
	    "connect client.test 127.0.0.1 $_p" 'quiet 0' message |
	    perl "$TOP/regress/proto/milter.pl" "$MILTER" |
	    sed -n 's/^insert 0 X-Sender-Process-Info: //p'
}

closed() {		# PORT SERVER
	ctl lookup 127.0.0.1 "$1" "$2" "$PORT" | grep -q reason=closed
}

# Not yet right, for a reason.
todo() {		# 0 if it is wrong, DESCRIPTION REASON
	tests=$((tests + 1))
	_not='not '
	[ "$1" -eq 0 ] || _not=
	echo "${_not}ok $tests - $2 # TODO $3"
}

lookup() {		# verdict, reason and user
	ctl lookup "$@" | sed 's/ \(uid\|owner\|login\)=.*//'
}

# What is said of a redirected connection of USER: with and without a record.
tag() {			# USER
	if [ $BACKEND = bpf ]; then
		echo "user=$1 program=perl"
	else
		echo 'user=unknown reason=redirected'
	fi
}

said() {		# USER
	if [ $BACKEND = bpf ]; then
		echo "verdict=owned user=$1"
	else
		echo 'verdict=unknown reason=redirected'
	fi
}

# Through the filter, with the port of somebody who is connected already: then
# the later one has another port on its way, which nothing ties to him.
borrowed() {
	echo "!wait $T/nat-over" >in
	client victim2 games 127.0.0.1 "$PORT" <in
	p=$port
	{
		message thief2
		echo "!wait $T/nat-over"
	} >in
	client thief2 news 127.0.0.1 25 "from=$p" <in
	is "$port" "$p" 'a redirected thief with the port of a victim'
	is "$(tag_of thief2)" 'user=unknown reason=redirected' \
	    'is not the victim'
	is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
	    'verdict=owned user=games' 'and the victim is the victim'

	# The other way round: the victim gets the port of the thief. Now the
	# kernel has a socket of the victim's with just the addresses that
	# the MTA sees of the thief.
	echo "!wait $T/nat-over" >in
	client thief3 news 127.0.0.1 25 <in
	p=$port
	is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
	    "$(said news)" 'a thief who is there first'
	{
		message victim3
		echo "!wait $T/nat-over"
	} >in
	client victim3 games 127.0.0.1 "$PORT" "from=$p" <in
	is "$port" "$p" 'a victim with the port of a thief'
	is "$(tag_of victim3)" 'user=unknown reason=redirected' \
	    'the victim is not the thief'
	_is='he is not named if it is asked about the thief now'
	if [ $BACKEND = bpf ]; then
		is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
		    'verdict=unknown reason=redirected' "$_is"
		return
	fi
	ctl lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT" | grep -q user=games
	todo $? "$_is" \
	    'the kernel does not tell us that packets of both are rewritten'
}

#
# Without a packet filter: the thief goes to another address of the server.
#
theft() {
	{
		echo "!wait $T/theft-over"
		message victim
	} >in
	client victim games 127.0.0.1 "$PORT" <in
	p=$port
	is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
	    'verdict=owned user=games' 'the victim, before'

	# One that stays, and sends in his own name.
	{
		message thief
		echo "!wait $T/thief-over"
	} >in
	client thief news 127.0.0.5 "$PORT" "from=$p" <in
	is "$port" "$p" 'the thief has the same port'
	is "$(lookup 127.0.0.1 "$p" 127.0.0.5 "$PORT")" \
	    'verdict=owned user=news' 'the thief is the thief'
	is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
	    'verdict=owned user=games' 'the victim is the victim'
	is "$(tag_of thief)" 'user=news program=perl' 'so his mail says'

	# Sendmail, which listens on all addresses, says of loopback at the
	# most the name of it.
	is "$(sendmail "$p" '{daemon_addr}' IPv6:0:0:0:0:0:0:0:0 \
	    '{if_name}' localhost)" 'user=unknown reason=ambiguous' \
	    'Sendmail, wildcard: nobody is named'
	is "$(sendmail "$p" '{daemon_addr}' 0.0.0.0)" \
	    'user=unknown reason=ambiguous' 'the same over IPv4'
	is "$(sendmail "$p" '{daemon_addr}' IPv6:0:0:0:0:0:0:0:0 \
	    '{if_name}' '[127.0.0.5]')" 'user=news program=perl' \
	    'Sendmail says where: the thief'
	is "$(sendmail "$p" '{daemon_addr}' IPv6:0:0:0:0:0:0:0:0 \
	    '{if_name}' '[127.0.0.1]')" 'user=games program=perl' \
	    'or the victim'
	is "$(sendmail "$p" '{daemon_addr}' 127.0.0.1)" \
	    'user=games program=perl' 'Sendmail with Addr=127.0.0.1'

	# One that sends all at once and resets.
	{
		echo '!blind'
		message hit-and-run
		echo '!reset'
	} >in
	for n in 1 2 3 4 5; do
		sed "s/hit-and-run/hit$n/" in >"in$n"
		client "hit$n" man 127.0.0.6 "$PORT" "from=$p" <"in$n"
	done
	wait_for closed "$p" 127.0.0.6
	is "$(lookup 127.0.0.1 "$p" 127.0.0.1 "$PORT")" \
	    'verdict=owned user=games' 'after a thief that resets: the victim'
	: >theft-over
	is "$(tag_of victim)" 'user=games program=perl' \
	    'the mail of the victim is his'
	: >thief-over
	wait_for closed "$p" 127.0.0.5
	is "$(lookup 127.0.0.1 "$p" 127.0.0.5 "$PORT")" \
	    'verdict=unknown reason=closed' 'the thief has gone: nobody'
	is "$(sendmail "$p" '{daemon_addr}' IPv6:0:0:0:0:0:0:0:0 \
	    '{if_name}' '[127.0.0.5]')" 'user=unknown reason=closed' \
	    'nor through Sendmail'
	# What came through of it all names nobody but who sent it.
	is "$(for f in $(grep -l '^Subject: hit' "$INBOX"/*); do
	    grep '^X-Sender-Process' "$f"; done | grep -v 'user=unknown \|
	    user=man ')" '' 'mail of a thief that reset names no other'
	is "$(grep 'sender=hit' "$LOG" |
	    grep -v ' user=unknown \| user=man ')" '' 'nor does the log'
}

#
# With one: port 25 of this host, and of another one, comes to Postfix.
#
rules() {
	cat <<-E
	table ip test_redirect {
		chain output {
			type nat hook output priority -100;
			ip daddr 127.0.0.1 tcp dport 25 redirect to :$PORT
			ip daddr 192.0.2.99 tcp dport 25 dnat to 192.0.2.2:$PORT
			ip daddr 192.0.2.98 tcp dport 25 redirect to :$PORT
		}
	}
	E
	[ -n "$six" ] && cat <<-E
	table ip6 test_redirect {
		chain output {
			type nat hook output priority -100;
			ip6 daddr ::1 tcp dport 25 redirect to :$PORT
			ip6 daddr 2001:db8::99 tcp dport 25 \
			    dnat to [2001:db8::2]:$PORT
		}
	}
	E
}
redirected() {
	for to in 127.0.0.1 192.0.2.99 192.0.2.98 ${six:+::1 2001:db8::99}; do
		name=nat$(echo "$to" | tr -d .:)
		message "$name" >in
		echo "!wait $T/nat-over" >>in
		client "$name" games "$to" 25 <in
		is "$(tag_of "$name")" "$(tag games)" "to port 25 of $to"
	done
	[ -n "$six" ] || skip 2 'no IPv6 here'
	is "$(grep -c " $(tag games | cut -d ' ' -f 1).* sender=nat" "$LOG")" \
	    "$((3 + ${six:+2} + 0))" 'and so says the log'
	message direct | smtp games 127.0.0.1 >out
	is "$(tag_of direct)" 'user=games program=perl' \
	    'a connection that is not redirected'

	[ $BACKEND = proc ] || clockless
	if have_range; then
		borrowed
	else
		skip 7 'no IP_LOCAL_PORT_RANGE before Linux 6.3'
	fi
	: >nat-over
}

# Without a clock, or with one that is no secret, nothing ties him to it.
clockless() {
	for how in 0 2; do
		echo $how >/proc/sys/net/ipv4/tcp_timestamps
		{
			message "clock$how"
			echo "!wait $T/nat-over"
		} >in
		client "clock$how" games 192.0.2.98 25 <in
		is "$(tag_of "clock$how")" 'user=unknown reason=redirected' \
		    "redirected, net.ipv4.tcp_timestamps=$how"
		message "plain$how" | smtp games 127.0.0.1 >out
		is "$(tag_of "plain$how")" 'user=games program=perl' \
		    "not redirected, net.ipv4.tcp_timestamps=$how"
	done
	echo 1 >/proc/sys/net/ipv4/tcp_timestamps
}

each() {
	rm -f -- *.out ./*-over "$INBOX"/*
	if have_range; then
		theft
	else
		skip 16 'no IP_LOCAL_PORT_RANGE before Linux 6.3'
	fi
	nft delete table ip test_redirect 2>/dev/null
	nft delete table ip6 test_redirect 2>/dev/null
	if rules | nft -f - 2>nft.err; then
		redirected
	else
		skip $([ $BACKEND = proc ] && echo 14 || echo 18) \
		    "no nat here: $(head -n 1 nft.err)"
	fi
	ok 'the daemon stops' daemon_stop
}

plan 66
BACKEND=proc
each
if have_record; then
	BACKEND=bpf
	{
		backend bpf
		echo pass
	} | conf_write
	daemon_start || bail 'no daemon'
	each
else
	skip 35 "$WHY"
fi
finish
