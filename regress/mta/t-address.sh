#!/bin/sh
# Whichever address a client connects to, and from, and however the MTA listens
# there: the right user, or it is said why not. Who is on another host is not
# named, and none of his copies of our header is left.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"
. "$TOP/regress/owner/owner.sh"

netns_self
LISTEN="127.0.0.1 127.0.0.5 192.0.2.2 0.0.0.0/2504 0.0.0.0/2507"
! have_v6 || LISTEN="$LISTEN ::1 2001:db8::2 ::/2506 ::1/2507"
mta_up <<'E'
header "X-Sender-Process-Info" fields { user }
pass
E

forged='X-Sender-Process-Info: user=first program=forged
X-Kept: yes
x-sender-process-info: user=second program=forged'

own='user=games'
ambiguous='user=unknown reason=ambiguous'

# Of the wildcard Sendmail tells the address only if it is not the loopback, or
# has no name.
wild=$own
[ $MTA_NAME = Postfix ] || wild=$ambiguous

# The number of our headers in the message, and the first one.
try() {			# PORT HOST FROM WANTED DESCRIPTION
	n=$((${n:-0} + 1))
	message "try-$n" "$forged" |
	    (PORT=${1:-$PORT} && smtp games "$2" "$3") >out
	tag_of "try-$n" >tags
	is "$(wc -l <tags) $(cat tags)" "1 $4" "$5"
}

plan 29

try '' 127.0.0.1 '' "$own" 'loopback'
try '' 127.0.0.5 '' "$own" 'another address of it'
try '' 127.0.0.1 127.0.0.7 "$own" 'from another'
try '' 192.0.2.2 '' "$own" 'own address'
try '' 192.0.2.2 127.0.0.1 "$own" 'from the loopback to it'
try '' 127.0.0.1 192.0.2.2 "$own" 'from it to the loopback'
try 2504 127.0.0.1 '' "$wild" 'wildcard: loopback'
try 2504 127.0.0.1 192.0.2.2 "$wild" 'wildcard: from an own address to it'
try 2504 127.0.0.5 '' "$own" 'wildcard: another address of it'
try 2504 192.0.2.2 '' "$own" 'wildcard: own address'
try 2507 127.0.0.1 '' "$wild" 'wildcard beside another listener: loopback'
try 2507 192.0.2.2 '' "$own" 'wildcard beside another listener: own address'
if have_v6; then
	try '' ::1 '' "$own" 'IPv6: loopback'
	try '' 2001:db8::2 '' "$own" 'IPv6: own address'
	try '' ::1 2001:db8::2 "$own" 'IPv6: from it to the loopback'
	try 2506 ::1 '' "$wild" 'IPv6 wildcard: loopback'
	try 2506 ::1 2001:db8::2 "$wild" \
	    'IPv6 wildcard: from an own address to it'
	try 2506 2001:db8::2 '' "$own" 'IPv6 wildcard: own address'
	try 2507 ::1 '' "$own" 'IPv6: that other listener, on the same port'
	try 2507 ::1 2001:db8::2 "$own" '... from an own address to it'
else
	skip 8 'no IPv6 here'
fi

# Sendmail also takes IPv4 there.
if [ $MTA_NAME = Sendmail ] && have_v6; then
	try 2506 127.0.0.1 '' "$wild" 'mapped: loopback'
	try 2506 127.0.0.5 '' "$own" 'mapped: another address of it'
	try 2506 192.0.2.2 '' "$own" 'mapped: own address'
else
	skip 3 'IPv6 listeners take IPv6 alone'
fi

# Who can't be named can be refused; who is on another host is not one of them.
echo 'tempfail unknown' | conf_write
ctl reload
first() {		# PORT HOST FROM; the reply to MAIL
	message first | head -n 1 | (PORT=$1 && smtp games "$2" "$3") | said
}
[ $MTA_NAME = Postfix ] && reply='^250 ' || reply='^451 4\.7\.1 '
like "$(first 2504 127.0.0.1 '')" "$reply" 'wildcard, loopback: as one unknown'
like "$(first 2504 127.0.0.1 192.0.2.2)" "$reply" 'from an own address, too'

if netns_new && ip link add wire1 type veth peer name wire2 &&
    ip link set wire2 netns "$NETNS"; then
	ip addr add 198.51.100.1/24 dev wire1
	ip link set wire1 up
	within "$NETNS" ip addr add 198.51.100.2/24 dev wire2
	within "$NETNS" ip link set wire2 up
	{
		message remote "$forged"
		message again
	} | within "$NETNS" perl -e "$SMTP" 198.51.100.1 2504 >out
	is "$(queued out | wc -l)" 2 'another host: its mail is taken'
	file=$(mail_find remote)
	is "$(grep -Ei '^x-(sender-process-info|kept)' "$file")" 'X-Kept: yes' \
	    'no copy is left, and none is ours'
	is "$(grep -ci '^x-sender-process-info' "$(mail_find again)")" \
	    0 'nor in the next message'
	is "$(grep -c 'sender=remote' "$LOG")" 0 \
	    'and no line in the log that names anybody'
else
	skip 4 'no pair of interfaces'
fi
finish
