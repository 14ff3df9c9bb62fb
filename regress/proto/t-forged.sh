#!/bin/sh
# Copies of our header that came with a message are deleted, from the last to
# the first and before ours is inserted.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=101 program=list
S
fake_start <<S
pass user "man" keep header
S

name=X-Sender-Process-Info
tag="insert 0 $name: user=games program=telnet"

forged() {	# PORT HEADERS...
	_from=$1
	shift
	printf '%s\n' quiet "session $_from" 'mail <a@example.test>' \
	    'rcpt <b@example.test>' 'header Subject x' "$@" 'macro E i Q1' \
	    'quiet 0' eom | milter
}

deleted() {	# FIRST LAST
	seq "$1" -1 "$2" | sed "s/.*/delete & $name/"
}

plan 31

is "$(forged '127.0.0.1 2501')" "$tag
eom: continue" 'none'
for n in 1 3 40; do
	is "$(forged '127.0.0.1 2501' "copies $n $name")" "$(deleted "$n" 1)
$tag
eom: continue" "$n, then ours"
done
is "$(forged '127.0.0.1 2501' 'copies 1 x-sender-process-info' \
    'copies 1 X-SENDER-PROCESS-INFO')" "$(deleted 2 1)
$tag
eom: continue" 'in other cases'
is "$(forged '127.0.0.1 2501' "header $name user=root\\n\\tprogram=x" \
    "header $name" "header $name \\n\\tfolded" "header $name   x  ")" \
    "$(deleted 4 1)
$tag
eom: continue" 'folded, empty, blanks'
is "$(forged '127.0.0.1 2501' "copies 2 $name-2" 'copies 1 X-Sender-Process' \
    "copies 1 Old-$name" 'copies 1 X-Sender-Process_Info')" "$tag
eom: continue" 'other names stay'
is "$(forged '127.0.0.1 2501' "copies 1 $name" 'header Received x' \
    "copies 1 $name")" "$(deleted 2 1)
$tag
eom: continue" 'among other headers'
like "$(logged | tail -n 1)" ' recipients=1 stripped=2$' 'the log counts them'
is "$(logged | head -n 1 | grep -c stripped)" 0 'but no absent ones'

is "$(forged '192.0.2.1 2501' "copies 3 $name")" "$(deleted 3 1)
eom: continue" 'remote mail: deleted, and none inserted'
is "$(logged | tail -n 1)" 'queue=Q1 action=strip stripped=3' 'and logged'
lines=$(logged | wc -l)
is "$(forged '192.0.2.1 2501')" 'eom: continue' 'remote mail without'
is "$(logged | wc -l)" "$lines" 'is not logged'
is "$(forged '127.0.0.1 0' "copies 2 $name")" "$(deleted 2 1)
eom: continue" 'port 0'
is "$(forged '- 0' "copies 2 $name")" "$(deleted 2 1)
eom: continue" 'no address'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' "message" \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 2 $name" abort \
    'mail <a@example.test>' 'rcpt <b@example.test>' "copies 1 $name" \
    'quiet 0' eom | milter | tail -n 3)" \
    "$(deleted 1 1)
$tag
eom: continue" 'what was before RSET is not counted'

is "$(forged '127.0.0.1 2502')" "insert 0 $name: user=man program=list
eom: continue" 'keep header: none came, ours is inserted'
is "$(forged '127.0.0.1 2502' "copies 1 $name")" 'eom: continue' \
    'one came and is kept'
like "$(logged | tail -n 1)" ' recipients=1 stripped=0 kept=yes$' \
    'the log says so'
is "$(forged '127.0.0.1 2502' "copies 3 $name")" "$(deleted 3 2)
eom: continue" 'only the topmost one is kept'
like "$(logged | tail -n 1)" ' recipients=1 stripped=2 kept=yes$' \
    'the log says so'

# Another name, and remote mail is spared.
printf '%s\n' 'header "X-Origin" fields { user }' 'strip local' | conf_write
is "$(ctl reload 2>&1)" '' 'reload'
is "$(forged '127.0.0.1 2501' "copies 2 $name" 'copies 1 x-origin')" \
    'delete 1 X-Origin
insert 0 X-Origin: user=games
eom: continue' 'a header of another name'
is "$(printf '%s\n' 'session 192.0.2.1 2501' 'mail <a@example.test>' |
    milter)" 'mail: accept' 'strip local: remote mail is not looked at'
is "$(printf '%s\n' 'session 192.0.2.1 2501' 'mail <a@example.test>' \
    'mail <b@example.test>' | milter | tail -n 1)" 'mail: accept' \
    'nor is the next of the session'
is "$(forged '127.0.0.1 2501' 'copies 1 X-Origin')" 'delete 1 X-Origin
insert 0 X-Origin: user=games
eom: continue' 'local mail is'
is "$(forged '127.0.0.1 0' 'copies 1 X-Origin')" 'delete 1 X-Origin
eom: continue' 'port 0 is'
is "$(forged '- 0' 'copies 1 X-Origin')" 'delete 1 X-Origin
eom: continue' 'no address is'
is "$(counter stripped)" 66 'all are counted'
ok 'the daemon stops' daemon_stop
finish
