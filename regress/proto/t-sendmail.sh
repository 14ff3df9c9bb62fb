#!/bin/sh
# The server's address, as Postfix and as Sendmail tell it in macros.  A wrong
# one makes the resolver fail here, so the header shows what it was asked.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 to=127.0.0.1/25
127.0.0.1 2502 uid=5 to=127.0.0.2/25
::1 2503 uid=5 to=::1/25
10.99.0.1 2504 uid=5 to=10.99.0.1/25
fd99::1 2505 uid=5 to=fd99::1/25
::1 2506 uid=5 to=::1/2530
10.99.0.1 2507 sock=none
10.99.0.1 2508 sock=failed
10.99.0.1 2509 delay=3000
192.0.2.1 2510 sock=failed local=no
192.0.2.1 2511 sock=none local=unknown
10.99.0.1 25 sock=none
S
fake_start <<S
lookup timeout 2000
S

zero=IPv6:0:0:0:0:0:0:0:0
p='{daemon_port} 25'
found='user=games program=unknown'
ambiguous='user=unknown reason=ambiguous'

# CLIENT PORT|MACROS|the header, empty for none
plan 36
while IFS='|' read -r client macros value what; do
	is "$(printf '%s\n' quiet open negotiate ${macros:+"macro C $macros"} \
	    "connect client.test $client" message | milter |
	    sed -n 's/insert 0 X-Sender-Process-Info: //p')" "$value" "$what"
done <<E
127.0.0.1 2501|{daemon_addr} 127.0.0.1 $p|$found|Postfix
127.0.0.1 2502|{daemon_addr} 127.0.0.2 $p|$found|Postfix, another address
::1 2503|{daemon_addr} ::1 $p|$found|Postfix, IPv6
127.0.0.1 2501|{daemon_addr} 127.0.0.1 $p {if_name} localhost|$found|Sendmail, Addr=127.0.0.1
::1 2506|{daemon_addr} IPv6:0:0:0:0:0:0:0:1 {daemon_port} 2530 {if_name} [IPv6:0:0:0:0:0:0:0:1]|$found|Sendmail, Addr=::1
127.0.0.1 2502|{daemon_addr} $zero $p {if_name} [127.0.0.2]|$found|Sendmail, wildcard, address without a name
::1 2503|{daemon_addr} $zero $p {if_name} [IPv6:0:0:0:0:0:0:0:1]|$found|the same, IPv6
10.99.0.1 2504|{daemon_addr} $zero $p {if_addr} 10.99.0.1 {if_name} [10.99.0.1]|$found|Sendmail, wildcard, not loopback
10.99.0.1 2504|{daemon_addr} 0.0.0.0 $p {if_addr} 10.99.0.1 {if_name} host.test|$found|the same, IPv4 wildcard
fd99::1 2505|{daemon_addr} $zero $p {if_addr} IPv6:fd99:0:0:0:0:0:0:1|$found|the same, IPv6
fd99::1 2505|{daemon_addr} fd99::2 $p {if_addr} ipv6:FD99::1|$found|{if_addr} goes before {daemon_addr}
127.0.0.1 2501|{daemon_addr} $zero $p {if_name} localhost|$ambiguous|Sendmail, wildcard, a name: no guess
127.0.0.1 2501|{daemon_addr} 0.0.0.0 $p|$ambiguous|no {if_name}
127.0.0.1 2501|{daemon_addr} 0.0.0.0 $p {if_name} 127.0.0.1|$ambiguous|an address that may be a name
127.0.0.1 2501|{daemon_addr} :: $p {if_name} [::]|$ambiguous|nothing but wildcards
::1 2503|{daemon_addr} :: $p {if_name} ::1|$ambiguous|IPv6
127.0.0.1 2501|{daemon_addr} 127.0.0.1|$ambiguous|no port
127.0.0.1 2501|{daemon_addr} 127.0.0.1 {daemon_port} 0|$ambiguous|port 0
127.0.0.1 2501|{daemon_addr} 127.0.0.1 {daemon_port} 65561|$ambiguous|a port that is none
127.0.0.1 2501|{daemon_addr} 127.0.0.1 {daemon_port} smtp|$ambiguous|a port by its name
127.0.0.1 2501|{daemon_port} 25|$ambiguous|no address
127.0.0.1 2501|{daemon_addr} localhost $p|$ambiguous|a name of the server
127.0.0.1 2501|{daemon_addr} [127.0.0.1 $p|$ambiguous|half a bracket
127.0.0.1 2501|{daemon_addr} inet $p {if_name} []|$ambiguous|empty brackets
127.0.0.1 2501||$ambiguous|no macros
10.99.0.1 2504|{daemon_addr} 0.0.0.0 $p {if_name} localhost|$ambiguous|an own address, to loopback: it is of this host
10.99.0.1 2507|{daemon_addr} 0.0.0.0 $p {if_name} localhost|$ambiguous|the same, and gone
10.99.0.1 25|{daemon_addr} 0.0.0.0 $p {if_name} localhost|$ambiguous|the same, from port 25
fd99::1 2505||$ambiguous|the same, no macros
192.0.2.1 2501|{daemon_addr} 0.0.0.0 $p {if_name} localhost||a redirected one from elsewhere
10.99.0.1 2508|{daemon_addr} 0.0.0.0 $p {if_name} localhost||the resolver does not know: perhaps from elsewhere
192.0.2.1 2510|{daemon_addr} 0.0.0.0 $p {if_name} localhost||nor of another
192.0.2.1 2511|{daemon_addr} 0.0.0.0 $p {if_name} localhost||nor whose address it is
10.99.0.1 2509|{daemon_addr} 0.0.0.0 $p {if_name} localhost||the resolver is late
E
wait_for eval '[ "$(counter lookups)" -ge 20 ]'
is "$(counter lookups)" 20 'no lookup of loopback without both ends'
ok 'the daemon stops' daemon_stop
finish
