#!/bin/sh
# The matchers: each alone, negated, in lists, of known and unknown owners; and
# sysuserctl test says the same of each case.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet exe=/usr/bin/telnet cwd=/srv/www/a unit=apache2.service
127.0.0.1 2502 uid=6 holder=100 program=perl exe=/usr/bin/perl cwd=/home/man unit=session-1.scope
127.0.0.1 2503 uid=9 holder=100 program=php7 exe=/opt/php cwd=/ unit=cron.service
127.0.0.1 2504 uid=54321 holder=100 program=php8 exe=/opt/php cwd=/ unit=cron.service
127.0.0.1 2505 uid=54399 holder=100 program=exim exe=/opt/php cwd=/ unit=cron.service
127.0.0.1 2506 uid=60000 holder=100 program=exim exe=/opt/php cwd=/ unit=cron.service
127.0.0.1 2507 sock=forgotten
127.0.0.1 2508 uid=10 program=none
127.0.0.1 2509 uid=13 holder=100 program=telnet
127.0.0.1 2510 uid=38 holder=100 program=telnet
S
r=@example.test
admin_start 2 root <<E
table <some> { "news", uid 54321 - 54330 }
reject user "games" sender "*@bad.test" message "01"
reject user { "games", "proxy" } sender { "a@*", "b@*", "<>" } message "02"
reject user "proxy" sender not from { "*@example.test", "*@*.example.test" } message "03"
reject program "perl" cwd { "/var/*", "/home/*" } unit "session-?.scope" message "04"
reject user <some> not program { "perl*", "php8" } message "05"
reject uid { 54390 - 54399, 1 } message "06"
reject group { "list", "games" } unit "apache2.*" sender "unit@*" message "07"
reject group "list" not sender from "l@*" message "08"
reject unknown sender "*" message "not to be seen"
reject not user "games" not unknown exe "/opt/*" program "exim" message "09"
tempfail unknown message "10"
reject user "uucp" not program "telnet" message "not to be seen"
reject user "uucp" not sender "u@*" message "11"
pass user "games" sender "last@*"
reject user "games" sender "[l]ast*" message "12"
reject user "games" sender "q?x@*" message "13"
discard user <some> sender "discard@*"
E

plan 63

# PORT SENDER WANTED WHO...; what comes of it, and of a test with the same.
case_is() {
	_port=$1 _sender=$2 _want=$3
	shift 3
	_got=$(send "$_port" "$_sender")
	_test=$(ctl test "$@" ${_sender:+sender "$_sender"} | tail -n 1 |
	    sed 's/.* reply="\(.*\)"$/\1/; s/^action=discard .*/discard/
	    s/^action=pass .*/continue/')
	is "${_got##* } $_test" "$_want $_got" "$_port $_sender: $_want"
}
games='user games program telnet exe /usr/bin/telnet cwd /srv/www/a unit apache2.service'
man='user man program perl exe /usr/bin/perl cwd /home/man unit session-1.scope'
news='user news program php7 exe /opt/php cwd / unit cron.service'
php8='uid 54321 program php8 exe /opt/php cwd / unit cron.service'
exim='uid 54399 program exim exe /opt/php cwd / unit cron.service'
other='uid 60000 program exim exe /opt/php cwd / unit cron.service'
proxy='user proxy program telnet'
list='user list program telnet'

case_is 2501 x@bad.test 01 $games
case_is 2501 X@BAD.Test 01 $games
case_is 2501 x@bad.test.example continue $games
case_is 2501 a@x 02 $games
case_is 2501 B@x 02 $games
case_is 2501 '<>' 02 $games
case_is 2501 c@x continue $games
case_is 2501 unit@x 07 $games
case_is 2501 last@x continue $games
case_is 2501 lastly@x 12 $games
case_is 2501 qax@x 13 $games
case_is 2501 q.x@x 13 $games
case_is 2501 qx@x continue $games
case_is 2501 'q[x@x' 13 $games
case_is 2509 "c$r" continue $proxy
case_is 2509 c@sub.example.test continue $proxy
case_is 2509 c@example.test.bad 03 $proxy
case_is 2509 example.test 03 $proxy
case_is 2509 'c@EXAMPLE.TEST' continue $proxy
case_is 2502 "c$r" 04 $man
case_is 2503 "c$r" 05 $news
case_is 2504 "c$r" continue $php8
case_is 2504 discard@x discard $php8
case_is 2505 "c$r" 06 $exim
case_is 2506 "c$r" 09 $other
case_is 2510 l@x continue $list
case_is 2510 "c$r" 08 $list
case_is 2507 "c$r" 10 unknown
case_is 2507 '<>' 10 unknown
case_is 2508 u@x continue user uucp
case_is 2508 "c$r" 11 user uucp

# Long ones are matched whole, and cut only in the log.
l=$(printf '%0300d' 7)
is "$(send 2501 "$l@bad.test" | sed 's/^5.* //')" 01 'a long sender'
like "$(logged | tail -n 1)" " sender=0{256}\+2E\+2E recipients=0$" \
    'and in the log'

#
# What test says besides.
#
is "$(ctl test $man 'sender' x@y)" 'rule 1  reject user "games" sender "*@bad.test" message "01"                                   no: user
rule 2  reject user { "games", "proxy" } sender { "a@*", "b@*", "<>" } message "02"            no: user
rule 3  reject user "proxy" not sender { "*@example.test", "*@*.example.test" } message "03"   no: user
rule 4  reject program "perl" cwd { "/var/*", "/home/*" } unit "session-?.scope" message "04"  decides
action=reject rule=4 reply="550 5.7.1 04"' 'each rule that is looked at'
why() {			# RULE WHO...; what is said of that rule
	_rule=$1
	shift
	ctl test "$@" | awk -v n="$_rule" '$1 == "rule" && $2 == n' |
	    sed 's/.*  //'
}
is "$(why 4 user man)" "can't tell: program" 'what is not given is not known'
is "$(why 4 user man program perl cwd /home/x)" "can't tell: unit" \
    'the first that is not known'
is "$(why 4 user man program perl cwd /tmp)" 'no: cwd' 'or not true'
is "$(why 5 user news program perl5)" 'no: program' 'not: it is true'
is "$(why 7 user man group games)" "can't tell: unit" 'a group that is given'
is "$(why 7 user man)" 'no: group' 'and one that is not his'
is "$(why 8 uid 54321 group 38)" "can't tell: group" \
    'of somebody without an account'
is "$(why 11 $games)" 'no: unknown' 'not unknown'
is "$(why 9 unknown)" "can't tell: sender" 'nothing is true of him'
is "$(ctl test unknown | tail -n 1)" 'action=tempfail rule=11 reply="451 4.7.1 10"' \
    'but that he is unknown'
is "$(ctl test | tail -n 1)" 'action=pass rule=none' 'who asks'
is "$(why 8 user list)" "can't tell: sender" 'a sender that is not told'
is "$(why 2 user games)" "can't tell: sender" 'nor here'
is "$(ctl test user games sender '' | tail -n 1)" \
    'action=reject rule=2 reply="550 5.7.1 02"' 'the empty sender'
is "$(ctl test user games sender '<a@x>' | tail -n 1)" \
    'action=reject rule=2 reply="550 5.7.1 02"' 'one in brackets'
is "$(ctl test user '#54321' sender discard@x program php8 | tail -n 1)" \
    'action=discard rule=17' 'a user without a name'
ctl block man >/dev/null
is "$(ctl test $man)" 'action=reject rule=blocked-now reply="550 5.7.1 User man is '\
'blocked from sending mail"' 'one who is blocked'
is "$(ctl test uid 6 | tail -n 1 | cut -d ' ' -f 2)" rule=blocked-now \
    'by his uid, too'
is "$(ctl test uid 54321 sender discard@x program php8 | tail -n 1)" \
    'action=discard rule=17' 'discard has no reply'

for i in 'user' 'user a user b' 'user a uid 1' 'unknown unknown' 'colour red' \
    'program' 'sender'; do
	ctl test $i >out 2>&1
	echo "$? $(head -n 1 out) $(grep -c '^usage:' out)"
done >outs
e=sysuserctl:
is "$(cat outs)" "1 $e test: \"user\" needs a value 1
1 $e test: the user is told twice 1
1 $e test: the user is told twice 1
1 $e test: the user is told twice 1
1 $e test: what is \"colour\"? 1
1 $e test: \"program\" needs a value 1
1 $e test: \"sender\" needs a value 1" 'not understood: why, and the usage'
for i in 54321 any '<some>' ''; do
	ctl test user "$i" 2>&1
done >outs
is "$(cat outs)" "$e 54321: is a number: say \"uid 54321\"
$e any: is everybody: name one user
$e <some>: is a table: name one user
$e : is no name of a user" 'what is no name'
is "$(ctl test user no-such-one 2>&1; echo $?)" \
    "$e no-such-one: no such user: correct it, or say uid
1" 'no such user'
is "$(ctl test group no-such-one 2>&1)" \
    "$e no-such-one: no such group: correct it" 'no such group'
is "$(ctl test unknown program x 2>&1)" \
    "$e of one who is unknown nothing but the sender is known" \
    'an unknown one with a program'
is "$(ctl test program "$(printf '%065d' 1)" 2>&1)" \
    "$e program: longer than 64 bytes" 'a program that is too long'
is "$(ctl test sender "$(printf '%0257d' 1)" 2>&1)" \
    "$e sender: longer than 256 bytes" 'a sender that is too long'
ok 'the longest of all' eval 'ctl test user games \
    program "$(printf "%064d" 1)" exe "$(printf "%0255d" 1)" \
    cwd "$(printf "%0255d" 1)" unit "$(printf "%0255d" 1)" \
    sender "<$(printf "%0256d" 1)>" $(seq -f "group %.0f" 1 128) >/dev/null'
is "$(ctl test $(seq -f "group %.0f" 1 129) 2>&1)" \
    "$e 129: a group too many" 'a group too many'
ok 'the daemon stops' daemon_stop
finish
