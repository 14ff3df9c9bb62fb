#!/bin/sh
# The resolver is late, or can't tell: mail from other hosts goes on as if we
# were not there.  What is certainly of this host is unknown.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
# What the port stands for, whoever the client is.
for a in 203.0.113.5 203.0.113.6 192.0.2.2 127.0.0.1 127.0.0.9 2001:db8::5 \
    2001:db8::2 ::1; do
	cat <<-S
	$a 2501 delay=1100 uid=5 holder=100 program=late
	$a 2502 sock=denied
	$a 2503 sock=unsupported
	$a 2504 sock=failed
	$a 2505 sock=none established=0
	$a 2506 uid=5 holder=100 program=telnet
	$a 2507 sock=none local=no
	S
done >lines
fake_script <lines

session() {		# CLIENT PORT SERVER [EXPECTED]: what becomes of a message
	{
		printf '%s\n' quiet "session $1 $2 $3 25" \
		    'mail <sender@example.test>'
		case ${4:-} in
		mail:*)	;;		# no more after that
		*)	printf '%s\n' 'rcpt <rcpt@example.test>' \
			    'header X-Sender-Process-Info user=root' \
			    'header Subject test' 'macro E i QUEUE1' eom ;;
		esac
	} | milter
	# a question that waits behind a late one is too old itself
	[ "$2" -ne 2501 ] || sleep 0.7
}

forged='delete 1 X-Sender-Process-Info'
header='insert 0 X-Sender-Process-Info: user'
refusal='The sending process is not known'

remote() {		# RULES EXPECTED of a client who has closed
	while read -r client server; do
		for port in 2501 2502 2503 2504 2507; do
			is "$(session "$client" "$port" "$server")" "$forged" \
			    "$1: $client to $server, $port: not ours"
		done
		# the resolver knows: it is of this host
		is "$(session "$client" 2505 "$server" "$2" | tail -n 1)" \
		    "$2" "$1: $client to $server, closed"
		is "$(session "$client" 2506 "$server" | tail -n 1)" \
		    "$header=games program=telnet" \
		    "$1: $client to $server, known"
	done <<-E
	203.0.113.5 192.0.2.2
	203.0.113.5 127.0.0.1
	203.0.113.5 203.0.113.6
	2001:db8::5 2001:db8::2
	2001:db8::5 192.0.2.2
	E
}

own() {			# RULES EXPECTED, with the reason for REASON
	while read -r client server; do
		for reason in 2501=timeout 2502=denied 2503=unsupported \
		    2504=failed 2505=closed; do
			expected=$(printf '%s\n' "$2" |
			    sed "s/REASON/${reason#*=}/")
			is "$(session "$client" "${reason%=*}" "$server" \
			    "$expected" | tail -n 1)" "$expected" \
			    "$1: $client to $server: ${reason#*=}"
		done
		is "$(session "$client" 2507 "$server")" "$forged" \
		    "$1: $client to $server: not ours, says the resolver"
	done <<-E
	127.0.0.1 127.0.0.1
	127.0.0.9 192.0.2.2
	192.0.2.2 192.0.2.2
	::1 ::1
	2001:db8::2 2001:db8::2
	E
}

rules() {		# RULE DESCRIPTION EXPECTED of remote and own
	fake_start <<-E
	lookup timeout 500
	$1
	E
	remote "$2" "$3"
	own "$2" "$4"
	is "$(logged | grep -c 'action=strip')" 30 \
	    "$2: of what is not ours the log has that a header was deleted"
	is "$(logged | grep -vc 'action=strip')" 35 "$2: and no more"
	ok "$2: the daemon stops" daemon_stop
}

plan 204
rules '' 'no rules' "$header=unknown reason=closed" \
    "$header=unknown reason=REASON"
rules 'reject unknown' reject "mail: 550 5.7.1 $refusal" \
    "mail: 550 5.7.1 $refusal"
rules 'tempfail unknown' tempfail \
    "mail: 451 4.7.1 $refusal, try again later" \
    "mail: 451 4.7.1 $refusal, try again later"
finish
