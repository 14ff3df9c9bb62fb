#!/bin/sh
# Which fields header and log have, and that nothing a user or a client says
# can break a line.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
# 300 bytes that are encoded, threefold
long=$(printf '\\x01%.0s' $(seq 300))
fake_script <<S
127.0.0.1 2501 uid=5 login=1000 holder=100 holder=101 holder=102/0 holders=9 program=a\\x20b exe=/usr/bin/tel=net cwd=/home/games/\\xc3\\xa4 unit=games.service container=c1\\x0aqueue=forged cmdline=telnet\\x20localhost
127.0.0.1 2502 uid=5
127.0.0.1 2503 uid=54321 holder=100/0 program=sshd exe=/usr/sbin/sshd\\x20(deleted)
127.0.0.1 2504 uid=5 holder=100 program=$long exe=$long cwd=$long unit=$long container=$long cmdline=$long
127.0.0.1 2505 sock=none server=none
S
all='user, uid, login, pid, program, exe, holders, holder, source, cwd, unit,
	container'
fake_start <<E
header "X-All" fields { $all }
log fields { $all }
E

header() {	# PORT; the header without its name, unfolded
	printf '%s\n' quiet "session 127.0.0.1 $1" message | milter |
	    sed -n 's/insert 0 X-All: //p' | sed 's/\\x0a\\x09/ /g'
}

line() {	# of the last message: the owner alone
	logged | tail -n 1 | sed 's/.* rule=- //; s/ sender=.*//'
}

plan 27

is "$(header 2501)" 'user=games uid=5 login=1000 pid=100 program=a+20b exe=/usr/bin/tel+3Dnet holders=9 holder=unknown source=scan cwd=/home/games/+C3+A4 unit=games.service container=c1+0Aqueue+3Dforged' \
    'all fields'
is "$(line)" 'user=games uid=5 login=1000 pid=100 program=a+20b exe=/usr/bin/tel+3Dnet holders=9 holder=- source=scan cwd=/home/games/+C3+A4 unit=games.service container=c1+0Aqueue+3Dforged' \
    'in the log, too'
is "$(header 2502)" 'user=games uid=5 login=unknown pid=unknown program=unknown exe=unknown holders=unknown holder=unknown source=uid-only cwd=unknown unit=unknown container=unknown' \
    'a user without a process'
is "$(line)" 'user=games uid=5 login=- pid=- program=- exe=- holders=- holder=- source=uid-only cwd=- unit=- container=-' \
    'in the log: -'
is "$(header 2503)" 'user=#54321 uid=54321 login=unknown pid=100 program=sshd exe=/usr/sbin/sshd+20(deleted) holders=1 holder=root source=scan cwd=unknown unit=unknown container=unknown' \
    'a process of another user'
is "$(line)" 'user=#54321 uid=54321 login=- pid=100 program=sshd exe=/usr/sbin/sshd+20(deleted) holders=1 holder=root source=scan cwd=- unit=- container=-' \
    'in the log once'
p=$(printf '+01%.0s' $(seq 64))+2E+2E
t=$(printf '+01%.0s' $(seq 255))+2E+2E
is "$(header 2504)" "user=games uid=5 login=unknown pid=100 program=$p exe=$t holders=1 holder=unknown source=scan cwd=$t unit=$t container=$t" \
    'the longest header'
is "$(line)" "user=games uid=5 login=- pid=100 program=$p exe=$t holders=1 holder=- source=scan cwd=$t unit=$t container=$t" \
    'the longest line'
is "$(header 2505)" 'user=unknown reason=closed' 'an unknown owner'
is "$(line)" 'user=unknown reason=closed uid=- login=- pid=- program=- exe=- holders=- holder=- source=- cwd=- unit=- container=-' \
    'in the log: all of it'

# The folds: lines of 78 bytes at most, unless one field is longer.
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message | milter)" \
    'insert 0 X-All: user=games uid=5 login=1000 pid=100 program=a+20b\x0a\x09exe=/usr/bin/tel+3Dnet holders=9 holder=unknown source=scan\x0a\x09cwd=/home/games/+C3+A4 unit=games.service\x0a\x09container=c1+0Aqueue+3Dforged' \
    'where it is folded'

# Read only where it is wanted, for that may take time (resolver/os.h).
printf '%s\n' 'header "X-All" fields { cmdline }' \
    'log fields { cmdline, program }' | conf_write
ctl reload
is "$(header 2501)" 'cmdline=telnet+20localhost' 'the command line'
is "$(line)" 'cmdline=telnet+20localhost program=a+20b' 'in the log, too'

# Other fields, another order.
printf '%s\n' 'header "X-Origin" fields { program, user }' \
    'log fields { pid }' | conf_write
is "$(ctl reload 2>&1)" '' 'reload'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2501' message | milter)" \
    'insert 0 X-Origin: program=a+20b user=games' 'their order is as written'
is "$(logged | tail -n 1)" \
    'queue=QUEUE1 action=pass rule=- pid=100 sender=sender@example.test recipients=1' \
    'in the log as well'
is "$(printf '%s\n' quiet 'session 127.0.0.1 2505' message | milter)" \
    'insert 0 X-Origin: user=unknown reason=closed' 'an unknown owner'
printf '%s\n' quiet 'session 127.0.0.1 2503' message | milter >/dev/null
is "$(logged | tail -n 1)" \
    'queue=QUEUE1 action=pass rule=- pid=100 holder=root sender=sender@example.test recipients=1' \
    'that the process is of another user is always logged'

# What the client says.
last() {	# SENDER; with the macros in $M and $E
	printf '%s\n' 'session 127.0.0.1 2501' ${M:+"macro M $M"} "mail $1" \
	    'rcpt <b@example.test>' ${E:+"macro E $E"} eom | milter >/dev/null
	logged | tail -n 1 | sed 's/rule=- pid=100 //'
}
M= E=
esc=$(printf '\033[2J\001')
is "$(last '<a=b+c@example.test> SIZE=100')" \
    'queue=- action=pass sender=a+3Db+2Bc@example.test recipients=1' \
    'a sender with = and +'
is "$(last "<a${esc}b@example.test>")" \
    'queue=- action=pass sender=a+1B[2J+01b@example.test recipients=1' \
    'one with control characters'
is "$(last '<>')" 'queue=- action=pass sender=<> recipients=1' 'none'
is "$(last 'a@example.test')" \
    'queue=- action=pass sender=a@example.test recipients=1' 'without brackets'
is "$(last "<$(printf 'a%.0s' $(seq 256))>")" \
    "queue=- action=pass sender=$(printf 'a%.0s' $(seq 256)) recipients=1" \
    'of 256 bytes'
is "$(last "<$(printf '+%.0s' $(seq 300))>")" \
    "queue=- action=pass sender=$(printf '+2B%.0s' $(seq 256))+2E+2E recipients=1" \
    'a longer one is cut'
is "$(M='{auth_authen} j=o' E='i Q=1'; last '<a@b.test>')" \
    'queue=Q+3D1 action=pass sender=a@b.test recipients=1 auth=j+3Do' \
    'macros of the MTA'
# but what this system, or this build, can't do
is "$(grep -v '^milter-sysuser: not protected on this system by: ' "$LOG" |
    grep -vc '^worker: queue=[^ ]* action=pass rule=- \|^ready$\|loaded$')" 0 \
    'nothing else is in the log'
ok 'the daemon stops' daemon_stop
finish
