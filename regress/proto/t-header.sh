#!/bin/sh
# The header: its place, its exact text, and who gets none.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
long=$(printf 'p%.0s' $(seq 64))
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet exe=/usr/bin/telnet
::1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=54321 holder=100 program=telnet
127.0.0.1 2503 uid=5
127.0.0.1 2504 uid=5 sock=orphan holder=100 program=telnet
127.0.0.1 2505 uid=5 holder=100 holder=101 gone=1 program=second
127.0.0.1 2506 uid=5 holder=100 holder=101 gone=2 program=none
127.0.0.1 2507 uid=5 holder=100 same=no program=another
127.0.0.1 2508 uid=5 holder=100/6 program=sshd
127.0.0.1 2509 uid=0 holder=1 program=init
127.0.0.1 2510 uid=5 holder=100 program=a\\x20b=c+d\\x0d\\x0aX-Evil:\\x20y\\xff%s\\x7f\\x09
127.0.0.1 2511 uid=5 holder=100 program=$long
127.0.0.1 2512 uid=5 holder=100 program=${long}q
127.0.0.1 2513 uid=5 holder=100 program=unknown\\x20reason=closed
127.0.0.1 2514 uid=5 holder=100 program=-
127.0.0.1 2515 uid=5 holder=100 program=+2E+2E
192.0.2.1 2501 sock=none local=no
192.0.2.2 2501 sock=none local=yes server=none
192.0.2.3 2501 uid=5 holder=100 program=telnet
S
fake_start </dev/null

tag() {		# ADDRESS PORT; the whole answer to a message
	milter <<-E
	session $1 $2
	message
	E
}

tagged() {	# VALUE; what that looks like
	cat <<-E
	mail: continue
	insert 0 X-Sender-Process-Info: $1
	eom: continue
	E
}

untagged='mail: continue
eom: continue'

plan 29

is "$(tag 127.0.0.1 2501)" "$(tagged 'user=games program=telnet')" \
    'user and program, inserted first of all'
is "$(tag ::1 2501)" "$(tagged 'user=games program=telnet')" 'IPv6'
is "$(tag ::ffff:127.0.0.1 2501)" "$(tagged 'user=games program=telnet')" \
    'IPv4 told as IPv6'
is "$(tag 127.0.0.1 2502)" "$(tagged 'user=#54321 program=telnet')" \
    'a uid without an account'
is "$(tag 127.0.0.1 2503)" "$(tagged 'user=games program=unknown')" \
    'no process'
is "$(tag 127.0.0.1 2504)" "$(tagged 'user=games program=unknown')" \
    'a socket that no process has any more'
is "$(tag 127.0.0.1 2505)" "$(tagged 'user=games program=second')" \
    'the oldest process has ended: the next one'
is "$(tag 127.0.0.1 2506)" "$(tagged 'user=games program=unknown')" \
    'all have ended'
is "$(tag 127.0.0.1 2507)" "$(tagged 'user=games program=unknown')" \
    'the socket is another one in the end: no process'
is "$(tag 127.0.0.1 2508)" "$(tagged 'user=games program=sshd')" \
    'the process is of another user: the socket counts'
is "$(tag 127.0.0.1 2509)" "$(tagged 'user=root program=init')" 'root'

is "$(tag 127.0.0.1 2510)" "$(tagged \
    'user=games\x0a\x09program=a+20b+3Dc+2Bd+0D+0AX-Evil:+20y+FF%s+7F+09')" \
    'a hostile name of a program is encoded'
is "$(tag 127.0.0.1 2511)" "$(tagged "user=games\\x0a\\x09program=$long")" \
    '64 bytes of a program, folded'
is "$(tag 127.0.0.1 2512)" "$(tagged \
    "user=games\\x0a\\x09program=$long+2E+2E")" 'one more is cut, and seen'
is "$(tag 127.0.0.1 2513)" "$(tagged \
    'user=games program=unknown+20reason+3Dclosed')" \
    'a program cannot look like an unknown owner'
is "$(tag 127.0.0.1 2514)" "$(tagged 'user=games program=+2D')" \
    'a program called - is not an absent one'
is "$(tag 127.0.0.1 2515)" "$(tagged 'user=games program=+2B2E+2B2E')" \
    'one cannot look like one that was cut'

is "$(tag 192.0.2.1 2501)" "$untagged" 'a remote client: no header'
is "$(tag 192.0.2.2 2501)" "$(tagged 'user=unknown reason=closed')" \
    "a client with this host's own address that has gone"
is "$(tag 192.0.2.3 2501)" "$(tagged 'user=games program=telnet')" \
    "a client with this host's own address"

asked=$(counter lookups)
is "$asked" 20 'one lookup for each session'
is "$(tag 127.0.0.1 0)" "$untagged" 'port 0: no header'
is "$(tag ::1 0)" "$untagged" 'over IPv6'
is "$(tag - 0)" "$untagged" 'no address: no header'
is "$(printf '%s\n' open 'quiet 2' negotiate 'quiet 0' \
    'macro C {daemon_addr} 127.0.0.1 {daemon_port} 25' \
    'raw 0000000f 43 6c6f63616c00 4c 0000 2f782f7900' message | milter)" \
    "$untagged" 'a client on a socket of its own: no header'
is "$(counter lookups)" "$asked" 'and no lookup for any of these'

is "$(printf '%s\n' 'session 127.0.0.1 2501 0.0.0.0' message |
    milter)" "$(tagged 'user=unknown reason=ambiguous')" \
    'an unknown address of the server'
is "$(logged | wc -l) $(logged | grep -c action=pass)" '20 20' \
    'a line for each message of this host'
ok 'the daemon stops' daemon_stop
finish
