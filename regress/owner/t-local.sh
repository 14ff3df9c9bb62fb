#!/bin/sh
# Local is who is on this host, on whatever address of its own; not who claims
# to be. And whose mail may keep the header that it came with.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/postfix.sh"
. "$TOP/regress/owner/owner.sh"

netns_self
mta_up 'smtpd_authorized_xclient_hosts = 127.0.0.0/8' <<'E'
table <lists> { "list" }
pass user <lists> keep header
pass
E
mta_listen 192.0.2.2 "$(have_v6 && echo '[2001:db8::2]')"

forged='X-Sender-Process-Info: user=first program=forged
X-Kept: yes
x-sender-process-info: user=second program=forged'

with_forged() {		# SUBJECT
	message "$1" "$forged"
}

claims() {		# SUBJECT XCLIENT-ATTRIBUTES
	printf '%s\n' 'EHLO client.test' "XCLIENT $2" 'EHLO other.test'
	with_forged "$1"
}

logged() {		# SUBJECT
	grep "sender=$1@" "$LOG"
}

plan 22

# Every address of this host is this host.
with_forged public | smtp games 192.0.2.2 >out
is "$(tag_of public)" 'user=games program=perl' 'own public address'
if have_v6; then
	with_forged public6 | smtp news 2001:db8::2 >out
	is "$(tag_of public6)" 'user=news program=perl' 'the same over IPv6'
else
	skip 1 'no IPv6 here'
fi

# Who may use XCLIENT says who he is. Another host is not tagged.
for claim in 'ADDR=192.0.2.77 PORT=4711' 'ADDR=IPv6:2001:db8::77 PORT=4711' \
    'ADDR=192.0.2.2 PORT=4711 DESTADDR=198.51.100.1 DESTPORT=25'; do
	n=$((${n:-0} + 1))
	claims "claim$n" "$claim" | smtp games 127.0.0.1 >out
done
is "$(tag_of claim1)" '' 'claimed to be another host: no tag, no forged one'
like "$(cat "$(mail_find claim1)")" '192\.0\.2\.77' 'and that is what it was'
is "$(logged claim1)" '' 'and no line in the log that names anybody'
is "$(tag_of claim2)" '' 'the same over IPv6'
is "$(tag_of claim3)" 'user=unknown reason=closed' \
    'claimed to be this host: nobody is named'

# Loopback, but no such connection.
for claim in 'ADDR=127.0.0.9 PORT=4711' 'ADDR=127.0.0.1 PORT=1' \
    'ADDR=IPv6:::1 PORT=4711'; do
	n=$((n + 1))
	claims "claim$n" "$claim" | smtp games 127.0.0.1 >out
	is "$(tag_of "claim$n")" 'user=unknown reason=closed' \
	    "$claim: nobody is named"
done
like "$(logged claim4)" ' user=unknown reason=closed uid=- login=- pid=- ' \
    'nor in the log'
is "$(logged claim4 | grep -c .)" 1 'which has one line'
is "$(grep -c 'user=games' "$LOG")" 1 'who claimed is never named for it'

# Re-injected mail: only of him, only the topmost, and only if there is one.
with_forged kept | smtp list 127.0.0.1 >out
with_forged other | smtp games 127.0.0.1 >out
message none | smtp list 127.0.0.1 >out
claims remote ADDR=192.0.2.77 | smtp list 127.0.0.1 >out
is "$(tag_of kept)" 'user=first program=forged' 'the topmost is kept for list'
like "$(logged kept)" ' user=list .* stripped=1 kept=yes' 'and the log says so'
is "$(grep -c '^X-Kept: yes' "$(mail_find kept)")" 1 'other headers stay'
is "$(tag_of other)" 'user=games program=perl' 'but not for anybody else'
is "$(logged other | sed 's/.*\( stripped=.*\)/\1/')" ' stripped=2' \
    'and the log says so'
is "$(tag_of none)" 'user=list program=perl' 'list, without one: ours'
is "$(logged none | grep -c 'kept=')" 0 'and nothing was kept'
is "$(tag_of remote)" '' 'another host keeps none'
ok 'the daemon stops' daemon_stop
finish
