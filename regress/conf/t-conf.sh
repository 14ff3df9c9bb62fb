#!/bin/sh
# The configuration file: what is understood and how it is printed (good/), what
# is refused with which words (bad/), and who may have written it.

. "${0%/*}/../lib.sh"

[ -x "$OBJ/milter-sysuser" ] || bail "$OBJ/milter-sysuser: run make"
cp -R "$TOP/regress/conf/good" "$TOP/regress/conf/bad" "$T" || bail "no copy"
chmod -R go-w "$T"		# the checkout may be anybody's
here=$(pwd -P)

minimal='listen on socket "/run/milter.sock"
user "nobody"
resolver user "daemon"'

check() {	# OPTION FILE; fills $out, $err and $rc
	timeout 20 "$OBJ/milter-sysuser" "$1" -f "$2" >stdout 2>stderr
	rc=$?
	out=$(cat stdout)
	err=$(cat stderr)
}

wanted() {	# FILE DEFAULT
	if [ -f "$1" ]; then
		cat "$1"
	else
		echo "$2"
	fi
}

accepted() {	# FILE DESCRIPTION
	check -n "$1"
	is "$rc $out $err" "0  configuration OK" "$2"
}

refused() {	# FILE DESCRIPTION FIRST-LINE-OF-STDERR
	check -n "$1"
	is "$rc $out $(head -n 1 stderr)" "1  $3" "$2"
}

#
# Good ones: exact words, and what is printed is understood the same way
#
for conf in good/*.conf; do
	name=${conf%.conf}
	check -nv "$conf"
	is "$rc $err" "0 $(wanted "$name.err" "configuration OK")" \
	    "$name is accepted"
	is "$(sed "s|$here/||" stdout)" "$(cat "$name.out")" \
	    "$name is printed"
	cp stdout again.conf
	check -nv again.conf
	is "$out" "$(cat again.conf)" "$name as printed parses to itself"
done
accepted good/minimal.conf "-n alone prints no configuration"

#
# Bad ones: each flaw by file and line
#
for conf in bad/*.conf; do
	name=${conf%.conf}
	check -nv "$conf"
	is "$rc $out" "1 " "$name is refused"
	is "$err" "$(cat "$name.err")" "$name: why"
done

#
# Who could have written the file?
#
refused missing.conf "a missing file" \
    "missing.conf: is not there: make it, or correct its name"
refused good "a directory" "good: not a regular file"
refused /dev/null "a device" "/dev/null: not a regular file"
mkfifo fifo.conf
refused fifo.conf "a fifo does not make us wait" \
    "fifo.conf: not a regular file"

cp good/minimal.conf mode.conf
for mode in 0664 0646 0602 0620; do
	chmod $mode mode.conf
	refused mode.conf "a file of mode $mode" \
	    "mode.conf: must not be writable by group or others: use chmod go-w"
done
chmod 0600 mode.conf
accepted mode.conf "a file of mode 0600"
ln -s mode.conf link.conf
accepted link.conf "a symbolic link to a good file"
chmod 0660 mode.conf
refused link.conf "a symbolic link to a writable file" \
    "link.conf: must not be writable by group or others: use chmod go-w"

cp good/minimal.conf inner.conf
cp good/tables/names.txt names.txt
echo 'include "inner.conf"' >outer.conf
printf '%s\ntable <t> file "names.txt"\n' "$minimal" >table.conf
chmod 0664 inner.conf names.txt
refused outer.conf "a writable include" \
    "outer.conf:1: inner.conf: must not be writable by group or others: use \
chmod go-w"
refused table.conf "a writable table file" \
    "table.conf:4: names.txt: must not be writable by group or others: use \
chmod go-w"
chmod 0644 inner.conf names.txt
accepted outer.conf "the include once it is ours alone"
accepted table.conf "the table file once it is ours alone"

if [ "$(id -u)" -eq 0 ]; then
	chown bin inner.conf names.txt
	refused inner.conf "somebody else's file" \
	    "inner.conf: must be owned by root: use chown"
	refused outer.conf "somebody else's include" \
	    "outer.conf:1: inner.conf: must be owned by root: use chown"
	refused table.conf "somebody else's table file" \
	    "table.conf:4: names.txt: must be owned by root: use chown"
else
	skip 3 "needs root to give a file away"
fi

#
# Sizes
#
i=0
while [ $((i += 1)) -le 17 ]; do
	echo "include \"deep$((i + 1))\"" >deep$i
done
echo "$minimal" >deep17
accepted deep1 "includes 16 deep"
echo 'include "deep18"' >deep17
echo "$minimal" >deep18
refused deep1 "includes 17 deep" \
    "deep17:1: includes are nested deeper than 16"

: >nothing.inc
{
	echo "$minimal"
	yes 'include "nothing.inc"' | head -n 256
} >wide.conf
accepted wide.conf "256 includes"
echo 'include "nothing.inc"' >>wide.conf
refused wide.conf "257 includes" "wide.conf:260: more than 256 includes"

yes frob | head -n 1000 >errors.conf
refused errors.conf "a thousand errors" \
    'errors.conf:1: syntax error near "frob"'
is "$(wc -l <stderr) $(tail -n 1 stderr)" \
    "101 errors.conf:100: too many errors" "... are too many to print"

{
	echo "$minimal"
	printf '%08191d' 0 | tr 0 '#'
} >line.conf
accepted line.conf "a line of 8191 bytes"
printf '##' >>line.conf
refused line.conf "a line of 8193 bytes" \
    "line.conf:4: line is longer than 8192 bytes"

printf '%s\n\000\n' "$minimal" >nul.conf
refused nul.conf "a NUL byte" "nul.conf: not a text file"
truncate -s 65M sparse.conf
refused sparse.conf "a file of 65 MiB" "sparse.conf: larger than 64 MiB"

awk 'BEGIN { for (i = 0; i < 100000; i++) print "user-" i }' >many.txt
printf '%s\ntable <t> file "many.txt"\npass user <t>\n' "$minimal" >many.conf
start=$(date +%s)
accepted many.conf "a table file of 100000 lines"
ok "... in no time" [ $(($(date +%s) - start)) -le 2 ]
awk 'BEGIN { for (i = 0; i < 1000001; i++) print "u" i % 10 }' >many.txt
refused many.conf "a table file of 1000001 lines" \
    "many.txt:1000001: more than 1000000 entries in a table"

awk 'BEGIN { for (i = 0; i < 5000; i++)
	print "reject user { \"a\", uid " i " } not program \"p*\"" }' |
    cat good/minimal.conf - >rules.conf
check -nv rules.conf
is "$rc $(tail -n 5000 stdout | sed 's/ # rule [0-9]*$//' | cksum)" \
    "0 $(tail -n 5000 rules.conf | cksum)" "5000 rules"

awk 'BEGIN { for (i = 0; i < 2000; i++)
	print "limit user any to " i + 1 " messages per 1h" }' |
    cat good/minimal.conf - >limits.conf
start=$(date +%s)
accepted limits.conf "2000 limits of the same users"
ok "... in no time" [ $(($(date +%s) - start)) -le 2 ]

start=$(date +%s)
awk 'BEGIN { for (i = 0; i < 15000; i++) {
	print "limit user any to " i + 1 " messages per 1h"
	if (i < 5000) print "reject user { uid " i " }" } }' |
    cat good/minimal.conf - >limits.conf
accepted limits.conf "15000 limits, 5000 lists"
ok "... in no time" [ $(($(date +%s) - start)) -le 3 ]

# What a worker can be handed: 6 items, and 2 for each of these rules.
items() {	# RULES
	cat good/minimal.conf
	yes 'reject unknown' | head -n "$1"
}
too_many() {	# ITEMS
	echo "items.conf:$(wc -l <items.conf): rules and tables make $1 items, \
and a worker takes 65536: join rules, or put users and uids into tables"
}
items 32765 >items.conf
accepted items.conf "as many rules as a worker takes"
echo 'reject unknown' >>items.conf
refused items.conf "a rule more" "$(too_many 65538)"
is "$(wc -l <stderr)" 1 "... is refused once"
# Subordinate uids are counted before anybody knows them: 6448 items.
awk 'BEGIN { for (i = 0; i < 100000; i++) print "u" i }' >users.txt
items 29541 >items.conf
echo 'table <t> file "users.txt"' >>items.conf
accepted items.conf "with a table as many"
echo 'reject unknown' >>items.conf
refused items.conf "... and no more" "$(too_many 65538)"

patterns() {	# NUMBER
	echo "$minimal"
	awk -v n="$1" 'BEGIN { print "reject sender {"
		for (i = 0; i < n; i++) print "u" i "@*"
		print "}" }'
}
patterns 1000 >patterns.conf
accepted patterns.conf "1000 patterns"
patterns 1010 >patterns.conf
refused patterns.conf "1010 patterns" \
    "patterns.conf:1005: more than 1000 patterns in a list"
is "$(wc -l <stderr)" 1 "... are refused once"

awk 'BEGIN { for (i = 0; i < 1001; i++) print "m" i " = x" }' >macros.conf
refused macros.conf "1001 macros" "macros.conf:1001: more than 1000 macros"

#
# The sample: with accounts that exist everywhere
#
sed 's/_sysuserres/daemon/; s/_sysuserctl/bin/; s/_sysuser/nobody/
    s/"postfix"/"bin"/' "$TOP/dist/milter-sysuser.conf" >sample.conf
accepted sample.conf "the sample configuration"
sed 's/^#\([a-z]\)/\1/; /table <blocked> file/d; /^pass user/d
    /^table <lists>/d; /^reject user "www/d; /^tempfail/d; /^limit/d
    /^reject user any/d' sample.conf >all.conf
check -nv all.conf
cp stdout all.out
check -nv sample.conf
is "$(sed '/^control socket/d' stdout)" "$(sed '/^control socket/d' all.out)" \
    "what it has as comments are the defaults"
sed 's/^#\([a-z]\)/\1/; /table <blocked> file/d' sample.conf >examples.conf
accepted examples.conf "... or examples that are understood"

plan "$tests"
finish
