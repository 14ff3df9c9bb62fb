#!/bin/sh
# Each reason why an owner is unknown is told, and the answer never comes late.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"

fake_need
fake_script <<S
127.0.0.1 2500 uid=5 holder=100 program=telnet
127.0.0.1 2501 sock=none established=0
127.0.0.1 2502 sock=forgotten
127.0.0.1 2503 sock=denied
127.0.0.1 2504 sock=unsupported
127.0.0.1 2505 sock=failed
127.0.0.1 2506 uid=5 server=orphan
127.0.0.1 2507 uid=5 server=forgotten
127.0.0.1 2508 uid=5 server=none
127.0.0.1 2509 uid=5 server=none serverlocal=no holder=100 program=telnet
127.0.0.1 2510 sock=none
127.0.0.1 2511 sock=none local=unknown
127.0.0.1 2512 sock=none server=forgotten
127.0.0.1 2520 uid=6 search=60 holder=100 program=slow
127.0.0.1 2521 uid=6 holder=100 program=quick
127.0.0.1 2522 uid=5 holder=100 program=telnet
127.0.0.1 2530 delay=1200 uid=5 holder=100 program=late
127.0.0.1 2531 delay=3000 uid=5 holder=100 program=later
127.0.0.1 2540 crash=yes
S
fake_start <<S
lookup timeout 500
S

tag() {		# PORT
	printf '%s\n' "session 127.0.0.1 $1" message | milter |
	    sed -n 's/insert 0 X-Sender-Process-Info: //p'
}

between() {	# MILLISECONDS LEAST MOST
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

plan 29

while read -r port value; do
	is "$(tag "$port")" "$value" "$port: $value"
done <<E
2501 user=unknown reason=closed
2502 user=unknown reason=closed
2503 user=unknown reason=denied
2504 user=unknown reason=unsupported
2505 user=unknown reason=failed
2506 user=unknown reason=reused
2507 user=unknown reason=reused
2508 user=unknown reason=reused
2509 user=games program=telnet
2510 user=unknown reason=redirected
2511 user=unknown reason=failed
2512 user=unknown reason=closed
E
is "$(logged | head -n 1)" 'queue=QUEUE1 action=pass rule=- user=unknown reason=closed uid=- login=- pid=- program=- exe=- cwd=- unit=- sender=sender@example.test recipients=1' \
    'an unknown owner in the log'

# An answer that comes too late.
milter >out <<E
session 127.0.0.1 2531
time
message
time
message
time
session 127.0.0.1 2500
message
E
is "$(grep -v ' ms$' out)" 'mail: continue
insert 0 X-Sender-Process-Info: user=unknown reason=timeout
eom: continue
mail: continue
insert 0 X-Sender-Process-Info: user=unknown reason=timeout
eom: continue
mail: continue
insert 0 X-Sender-Process-Info: user=unknown reason=timeout
eom: continue' 'too late: unknown, for all messages of the session'
first=$(sed -n '/ ms$/{s///p}' out | sed -n 2p)
second=$(sed -n '/ ms$/{s///p}' out | sed -n 3p)
ok "the first waits for 500 ms ($first)" between "$first" 450 2000
ok "the second does not wait ($second)" between "$second" 0 400
ok 'then the resolver answers again' wait_for eval '
    test "$(tag 2500)" = "user=games program=telnet"'
is "$(grep -c 'bad message' "$LOG")" 0 'the late answer is nobody'"'"'s'

# The time counts from connect: a client that is slow itself is not delayed.
milter >out <<E
session 127.0.0.1 2530
sleep 1.3
time
mail <a@example.test>
time
E
took=$(sed -n '/ ms$/{s///p}' out | tail -n 1)
ok "waiting begins at connect ($took)" between "$took" 0 400
is "$(grep -c . out)" 3 'and MAIL is answered'
ok 'a session that ends before its answer' eval 'printf "%s\n" \
    "session 127.0.0.1 2530" quit | milter'
is "$(sleep 1.3; counter sessions)" 0 'is gone'

# The resolver dies of a question: only who asked it suffers.
before=$(pids resolver)
milter >out <<E
session 127.0.0.1 2540
time
message
time
E
took=$(sed -n '/ ms$/{s///p}' out | tail -n 1)
is "$(sed -n 's/.*Info: //p' out)" 'user=unknown reason=failed' \
    'the resolver dies of it, twice: unknown'
ok "within the same time ($took)" between "$took" 0 900
ok 'another resolver is there' wait_for eval '
    test "$(tag 2500)" = "user=games program=telnet"'
ok 'it is another one' test "$before" != "$(pids resolver)"
ok 'the daemon stops' daemon_stop

# Nobody keeps the resolver busy with searches for his own processes.  On a
# busy machine such a search takes its time.
fake_start <<S
lookup timeout 5000
S
is "$(printf '%s\n' quiet 'session 127.0.0.1 2520' message \
    'session 127.0.0.1 2521' message 'session 127.0.0.1 2522' message \
    'sleep 1.1' 'session 127.0.0.1 2521' message | milter |
    sed -n 's/.*Info: //p')" 'user=man program=slow
user=man program=unknown
user=games program=telnet
user=man program=quick' "a search that takes too long costs its own user's"
ok 'it stops again' daemon_stop
finish
