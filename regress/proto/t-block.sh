#!/bin/sh
# Who is blocked is so at the next MAIL, in sessions that are open as well,
# until his time is over or he is unblocked.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=54321 holder=100 program=telnet
127.0.0.1 2504 sock=forgotten
S
admin_start 4 root <<E
limit user any to 1000 messages per 1h
pass user "games"
reject user "man" sender "*@reject.test"
E
plan 42

sockets() {		# of each worker
	for _p in $(pids worker); do
		ls -l "/proc/$_p/fd" | grep -c socket:
	done
}

# Sessions that are open; MAIL in each of them.
n=100
open() {
	for i in $(seq $n); do
		echo "session 127.0.0.1 $1"
	done
}
mails() {
	for i in $(seq $n); do
		printf '%s\n' "use $i" 'mail <a@example.test>' abort
	done
}
c="run '$OBJ/sysuserctl' -s '$CONTROL'"
no='550 5.7.1 User games is blocked from sending mail'

sockets >idle
mkfifo go
{
	open 2501
	mails
	cat go
} | milter >out 2>&1 &
mta=$!
exec 3>go
wait_for eval '[ "$(grep -c "mail: continue" out)" -eq $n ]'
is "$(sockets | paste -d ' ' idle - | awk '$2 > $1' | wc -l)" 4 \
    'sessions are open in all four workers'
{
	echo "$c block games"
	mails
	echo "$c unblock games"
	mails
	echo "$c block uid 5 for 1h"
	mails
} >&3
exec 3>&-
wait "$mta"
is "$(uniq -c out | sed 's/^ *//')" "$n mail: continue
1 games is blocked
$n mail: $no
1 games is no longer blocked
$n mail: continue
1 uid 5 is blocked for 1h
$n mail: $no" 'a block is in force when the command ends, everywhere'
is "$(logged | grep -c '^queue=- action=reject rule=blocked-now user=games ')" \
    $((2 * n)) 'the log names no rule, but the table'
is "$(grep '^control: .*blocked' "$LOG")" 'control: blocked: user=games for good
control: unblocked: user=games
control: blocked: user=#5 for 3600s' 'and who was blocked, and when not'
is "$(send 2502)" continue 'others are not'
is "$(send 2504)" continue 'nor who is not known'

is "$(ctl unblock games 2>&1; echo $?)" \
    'sysuserctl: nobody of that name is blocked by sysuserctl
1' 'a uid is not unblocked by its name'
is "$(send 2501)" "$no" 'so it is not'
ctl block games >/dev/null
is "$(ctl unblock uid 5; send 2501)" "uid 5 is no longer blocked
$no" 'nor a name by its uid'
is "$(ctl unblock games; send 2501)" 'games is no longer blocked
continue' 'both'

# Names.
is "$(ctl block nobody-has-it 2>&1 >out; echo $?; cat out)" 'sysuserctl: '\
'nobody has the name "nobody-has-it" now: blocked as soon as somebody has
0
nobody-has-it will be blocked as soon as somebody has this name' \
    'a name that nobody has'
is "$(ctl block nobody-has-it for 2h 2>/dev/null)" 'nobody-has-it will be '\
'blocked as soon as somebody has this name, if that is within 2h' \
    'and for how long'
ctl block nobody-has-it >/dev/null 2>&1
is "$(ctl block uid 54321)" 'uid 54321 is blocked' 'a uid that has no name'
is "$(send 2503)" '550 5.7.1 User #54321 is blocked from sending mail' \
    'and its reply'
is "$(ctl tables)" '<blocked-now>
  nobody-has-it          -  for good  has no uid now
  uid 54321          54321  for good' 'both in the table'
is "$(ctl unblock '#54321')" 'uid 54321 is no longer blocked' \
    'and out of it, with the words of top and of the log'
is "$(send 2503)" continue 'it is'
is "$(ctl block '#54321' for 1h; ctl tables | grep -c ' uid 54321 ')" \
    'uid 54321 is blocked for 1h
1' 'blocked with these words'
ctl unblock uid 54321 >/dev/null
is "$(ctl block "$(printf 'a\033[2Jb c')" 2>&1; echo $?)" 'sysuserctl: '\
'nobody has the name "a?[2Jb c" now: blocked as soon as somebody has
a+1B[2Jb+20c will be blocked as soon as somebody has this name
0' 'a name with bytes that a terminal would obey'
like "$(ctl tables)" '^  a\+1B\[2Jb\+20c +-  for good' 'in the table'
like "$(tail -n 1 "$LOG")" ': blocked: user=a\+1B\[2Jb\+20c for good$' \
    'in the log'
ok 'and unblocked' eval 'ctl unblock "$(printf "a\033[2Jb c")" >/dev/null'
for i in 256 257; do
	ctl block "$(printf "%0${i}d" 7 | tr 0 a)" >out 2>&1
	echo "$? $(cut -c 1-20 out | tail -n 1)"
done >outs
is "$(cat outs)" "0 aaaaaaaaaaaaaaaaaaaa
1 sysuserctl: aaaaaaaa" 'a name of 256 bytes, and of one more'
ctl unblock "$(printf '%0256d' 7 | tr 0 a)" >/dev/null

# What makes no sense.
wrong() {		# WORD...; what is said of it
	ctl "$@" >out 2>&1
	echo "$? $(head -n 1 out) $(grep -c '^usage:' out)"
}
for i in '' 'games 1h' 'games for' 'games for 1h x' 'games until 1h' \
    'uid games for' 'uid 1 2' 'games -j'; do
	wrong block $i
done >outs
wrong unblock >>outs
wrong unblock games for >>outs
is "$(cat outs)" '1 sysuserctl: block: needs a user 1
1 sysuserctl: block: say "for" before the time 1
1 sysuserctl: block: "for" needs a time 1
1 sysuserctl: block: what is "x"? 1
1 sysuserctl: block: say "for" before the time 1
1 sysuserctl: block: "for" needs a time 1
1 sysuserctl: block: say "for" before the time 1
1 sysuserctl: -j: stands before the command 1
1 sysuserctl: unblock: needs a user 1
1 sysuserctl: unblock: what is "for"? 1' 'not understood: why, and the usage'
for i in 54321 any '<staff>' '#x'; do
	wrong block "$i"
done >outs
is "$(cat outs)" '1 sysuserctl: 54321: is a number: say "uid 54321" 0
1 sysuserctl: any: is everybody: name one user 0
1 sysuserctl: <staff>: is a table: name one user 0
1 sysuserctl: uid x: is invalid 0' 'what is no name'
for i in 54321 any '<staff>'; do
	ctl unblock "$i" 2>&1
done >outs
is "$(cat outs)" 'sysuserctl: 54321: is a number: say "uid 54321"
sysuserctl: any: is everybody: name one user
sysuserctl: <staff>: is a table: name one user' 'the same of unblock'
for i in 0s 1 h 367d 99999999999h -1s 1.5h '1 h' 1x; do
	ctl block games for "$i" 2>&1
done | sort | uniq -c | sort -n >outs
is "$(grep -c 'is no time such as 30m, 2h or 7d, up to 366d$' outs)" 9 \
    'no times'
for i in -1 4294967295 4294967296 x ''; do
	ctl block uid "$i" 2>&1
done >outs
is "$(grep -c '^sysuserctl: uid .*: is ' outs)" 5 'no uids'
ctl block '' >out 2>&1
is "$? $(cat out)" '1 sysuserctl: : is no name of a user' 'no name'
is "$(send 2501)" continue 'nothing of that blocks him'

# Time.
is "$(ctl block games for 60s)" 'games is blocked for 60s' 'for a minute'
is "$(send 2501)" "$no" 'in force'
like "$(ctl tables)" '^  games +5 +(1m|[1-5][0-9]?s)$' 'and its time in the table'
is "$(ctl block games for 1s)" 'games is blocked for 1s' 'shortened'
ok 'over' wait_for grep -q \
    '^control: unblocked: user=games, its time is over$' "$LOG"
is "$(send 2501)" continue 'and he may send'
is "$(ctl tables | grep -c games)" 0 'it has left the table'
ok 'and the file' wait_for eval '! grep -q games state/blocks'
ctl block games for 1s >/dev/null
ctl block games >/dev/null
ctl block uid 54321 for 1s >/dev/null
wait_for grep -q 'user=#54321, its time' "$LOG"
is "$(send 2501)" "$no" 'made longer, it does not end with the first time'

# All before the first rule, and nothing is counted.
ctl block man >/dev/null
is "$(send 2502 a@reject.test)" \
    '550 5.7.1 User man is blocked from sending mail' 'before the rules'
is "$(ctl top | awk '$1 == "games" { print $7, $9 }')" "3 $((2 * n + 4))" \
    'what was refused is not what was sent'
ok 'the daemon stops' daemon_stop
finish
