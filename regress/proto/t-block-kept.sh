#!/bin/sh
# A block outlives whatever dies, and a state file that is damaged.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=telnet
127.0.0.1 2502 uid=6 holder=100 program=telnet
127.0.0.1 2503 uid=54321 holder=100 program=telnet
S
admin_start 2 root </dev/null
no='550 5.7.1 User games is blocked from sending mail'
plan 46

ctl block games >/dev/null
ctl block man for 1h >/dev/null
ctl block uid 54321 >/dev/null
ctl block lp >/dev/null
ctl unblock lp >/dev/null

all() {			# what each of them is told, and the table
	for _i in 2501 2502 2503; do
		send $_i
	done
	ctl tables | awk '/^  / { print $NF == "good" ? "good" : "time" }'
}
blocked="$no
550 5.7.1 User man is blocked from sending mail
550 5.7.1 User #54321 is blocked from sending mail
good
good
time"
same() {		# DESCRIPTION
	is "$(all | sort)" "$(echo "$blocked" | sort)" "$1"
}

same 'three are blocked'
is "$(stat -c '%a %U' state/blocks)" '600 root' "the file is root's alone"
is "$(ls state)" "$(printf 'blocks\nlock')" 'and no other is left'
ctl reload
same 'after a reload'
replace control
same 'after the death of control'
replace worker
same 'of all workers'
replace names
same 'of names'
replace resolver
same 'of the resolver'
daemon_stop
daemon_start
same 'after a restart'
parent_kill
daemon_start
same 'and after the death of the parent'
is "$(grep -c 'set aside' "$LOG")" 0 'without a complaint'

# While they die, nobody slips through: not with a large table either.
daemon_end
cp state/blocks good
many() {		# N
	echo 'milter-sysuser blocks 1'
	awk -v n="$1" 'BEGIN {
		for (i = 1; i < n; i++)
			print "block -", 100000 + i, "-"
		print "block games 5 -\nend", n }'
}
for n in 2000 30000; do
	many $n >state/blocks
	daemon_start
	is "$(send 2501)" "$no" "one of $n"
	{
		echo 'session 127.0.0.1 2501'
		while [ ! -e enough ]; do
			echo 'mail <a@example.test>'
			echo 'mail <a@example.test>'
		done
	} | milter >out 2>&1 &
	mta=$!
	replace control
	ctl block lp >/dev/null
	: >enough
	wait "$mta"
	is "$(sort out | uniq -c | sed 's/^ *[0-9]* //')" "mail: $no" \
	    "all the time that control is away and comes back"
	replace worker
	is "$(repeat 6 send 2501)" "6 $no" 'and with new workers'
	ctl unblock games >/dev/null
	is "$(repeat 6 send 2501)" '6 continue' 'until he is unblocked'
	is "$(tail -n 1 state/blocks)" "end $n" 'all others are kept'
	rm enough
	daemon_end
done

# Many whose time is over in the same second, as when a clock is set.
many 8000 | sed "s/-\$/$(($(date +%s) + 2))/" >state/blocks
daemon_start
ok 'their time is over' wait_for eval 'ctl tables | grep -q "is empty"'
is "$(send 2501)" continue 'for the last of them, too'
ctl block games >/dev/null
is "$(repeat 6 send 2501)" "6 $no" 'and workers hear of the next block'
daemon_end

#
# What is wrong with the file is told; what came before that is in force.
#
damage() {		# LINES REGEX DESCRIPTION; the damage is on stdin
	cp good state/blocks
	chmod 600 state/blocks
	rm -rf state/blocks.bad
	. /dev/stdin
	daemon_start
	is "$(ctl tables | awk 'NR == 1 && / is empty/ || /^  /' | wc -l) $(
	    grep -Ec "^milter-sysuser: $T/state/blocks$2: it is set aside as \
$T/state/blocks.bad, [0-9] blocks that stand before are used: \
block the others anew\$" "$LOG")" \
	    "$1 1" "$3" || diag "$(cat "$LOG")"
	daemon_end
}
# The table is sorted: #54321, games, man.
sed 's/54321 -/54321 x/' good >time
damage 1 ':[1-5]: has no end' 'a file that is empty' <<'E'
: >state/blocks
E
damage 2 ':4: is cut, too long or has a NUL' 'one that ends early' <<'E'
head -n 3 good >state/blocks
printf 'block ma' >>state/blocks
E
damage 3 ':5: has no end' 'one whose end is missing' <<'E'
head -n 4 good >state/blocks
E
damage 3 ':5: is not the number of entries' 'one with another number' <<'E'
sed 's/^end .*/end 2/' good >state/blocks
E
damage 1 ':2: has no good time' 'a time that is none' <<'E'
cp time state/blocks
E
damage 2 ':4: is not "block NAME UID EXPIRES"' 'a line of something else' <<'E'
sed '4s/.*/reject man/' good >state/blocks
E
damage 1 ':1: is not "milter-sysuser blocks 1"' 'a file of another version' <<'E'
sed '1s/1/2/' good >state/blocks
E
damage 1 ':1: is cut, too long or has a NUL' 'not a text' <<'E'
head -c 5000 /dev/zero >state/blocks
E
damage 1 ': is no regular file' 'a FIFO' <<'E'
rm state/blocks
mkfifo state/blocks
E
damage 1 ': is no regular file' 'a directory' <<'E'
rm state/blocks
mkdir -p state/blocks/x
E
damage 1 ': .*' 'a symbolic link' <<'E'
rm state/blocks
ln -s ../good state/blocks
E
damage 1 ": must be root's" 'the file of a user' <<'E'
chown games state/blocks
E
damage 1 ': must not be writable by group or others' 'one for all' <<'E'
chmod 666 state/blocks
E
rm -rf state/blocks.bad state/blocks

# What could be read is kept at once; and the rest is there to look at.
sed '4s/.*/reject man/' good >state/blocks
cp state/blocks was
daemon_start
is "$(cmp was state/blocks.bad && head -n 3 good | cat - state/blocks |
    sort | uniq -u)" 'end 2' 'the part that is good is written anew'
is "$(send 2501; send 2502; send 2503 | cut -c 1-3)" "$no
continue
550" 'and in force'
parent_kill
daemon_start
is "$(send 2501)" "$no" 'and stays so'

#
# Nothing can be written.
#
mkdir -p state/blocks.new/x
why="in force, but not kept: $T/state/blocks: File exists"
ctl block man >out 2>&1
is "$? $(cat out)" "1 sysuserctl: $why" 'block: in force and not kept'
is "$(send 2502)" '550 5.7.1 User man is blocked from sending mail' \
    'it is in force'
ctl -j unblock games >out 2>&1
is "$? $(cat out)" "1 sysuserctl: $why" 'unblock likewise'
is "$(send 2501)" continue 'in force, too'
rm -r state/blocks.new
ctl block lp >/dev/null
replace control
is "$(awk '$1 == "block" { print $2 }' state/blocks; send 2501; send 2502)" \
    "-
lp
man
continue
550 5.7.1 User man is blocked from sending mail" 'the next change keeps all'
ok 'the daemon stops' daemon_stop
finish
