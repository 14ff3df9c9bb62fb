#!/bin/sh
# What the worker asks the MTA for, and what it does if the MTA has less.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
S
fake_start </dev/null

# ADDHDRS CHGHDRS QUARANTINE; NOHELO NOBODY NOEOH NR_HDR NOUNKNOWN NODATA
# NR_CONN NR_RCPT
asked='negotiate: 6 0x31 0x93d2 [0: {daemon_addr} {daemon_port} {if_addr} {if_name}] [2: i f {auth_authen} {mail_addr}] [5: i]'

plan 15

is "$(printf '%s\n' open negotiate | milter)" "$asked" \
    'actions, steps and macros'
is "$(printf '%s\n' open 'negotiate 1ff 1fffff 6' | milter)" "$asked" \
    'all that today'"'"'s MTAs offer'
is "$(printf '%s\n' open 'negotiate 131 93d2' | milter)" "$asked" \
    'no more than that'

# Without one that we need.
n=0
for lack in '1fe 1fffff' '1ef 1fffff' '1df 1fffff' '1ff 1ffffd' '1ff 1fffef' \
    '1ff 1fffbf' '1ff 1ffeff' '1ff 1ffdff' '0 0'; do
	milter >>out <<E
open
negotiate $lack
E
	n=$((n + 1))
done
is "$(sed 's/0x[0-9a-f]*$/steps/' out | sort -u)" 'negotiate: 6 0 steps' \
    'an MTA that can do less: we ask for nothing'
is "$(grep -c "the MTA can't do what we need" "$LOG")" "$n" 'the log says so'
like "$(cat "$LOG")" "^worker: the MTA can't do what we need \\(it has actions\
 0x1fe and steps 0x[0-9a-f]+\\): mail goes on without us; Postfix wants \
milter_protocol = 6\$" 'and what it has'
is "$(printf '%s\n' open 'negotiate 1ff 1fffff 1' | milter)" \
    'negotiate: closed' 'version 1 of the protocol'

is "$(printf '%s\n' open 'quiet 2' 'negotiate 1ff f7f' 'quiet 0' \
    'macro C {daemon_addr} 127.0.0.1 {daemon_port} 25' \
    'connect localhost 127.0.0.1 2501' message | milter)" 'connect: continue
mail: continue
rcpt: continue
header: continue
insert 0 X-Sender-Process-Info: user=games program=telnet
eom: continue' 'an MTA that awaits an answer to everything gets them'

is "$(printf '%s\n' 'session 127.0.0.1 2501' message | milter)" \
    'mail: continue
insert 0 X-Sender-Process-Info: user=games program=telnet
eom: continue' 'the next MTA is served'
is "$(counter sessions)" 0 'no session is left open'

# Macros that nobody asked for, and none at all.
is "$(printf '%s\n' 'session 127.0.0.1 2501' \
    'macro M {mail_addr} a@example.test i Q1 {auth_authen} joe' message |
    milter | tail -n 1)" 'eom: continue' 'other macros do no harm'
is "$(logged | tail -n 1 | sed 's/ user.* rec/ rec/')" \
    'queue=QUEUE1 action=pass rule=- recipients=1 auth=joe' \
    'the login name is in the log'
printf '%s\n' 'session 127.0.0.1 2501' 'macro M i S1' 'mail <a@example.test>' \
    'rcpt <b@example.test>' eom 'macro M i S2' 'mail <a@example.test>' \
    'rcpt <b@example.test>' eom | milter >/dev/null
is "$(logged | tail -n 2 | sed 's/ .*//')" 'queue=S1
queue=S2' 'a queue id that is there at MAIL'
is "$(printf '%s\n' open 'quiet 2' negotiate 'quiet 0' \
    'connect localhost 127.0.0.1 2501' 'mail <a@example.test>' \
    'rcpt <b@example.test>' eom | milter)" \
    'mail: continue
insert 0 X-Sender-Process-Info: user=unknown reason=ambiguous
eom: continue' 'no macro of the server: no guess'
ok 'the daemon stops' daemon_stop
finish
