#!/bin/sh
# Names that lie. Whatever a process, its program file, its working directory
# or its unit is called: an answer stays one line with its fields, a message
# has one header of ours, the log one line.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/postfix.sh"
. "$TOP/regress/owner/owner.sh"

mta_up <<'E'
header "X-Sender-Process-Info" fields { user, program, exe, cwd, unit }
log fields { user, program, exe, cwd, unit }
pass
E

# RFC 3461 xtext of at most so many bytes.
xtext() {		# TEXT BYTES
	perl -e '
		my ($s, $max) = @ARGV;
		my $cut = length $s > $max ? "+2E+2E" : "";
		$s = substr $s, 0, $max;
		$s =~ s/([^!-~]|[=+])/sprintf "+%02X", ord $1/ge;
		print $s, $cut' "$1" "$2"
}

bytes() {		# FORMAT of printf(1)
	# shellcheck disable=SC2059
	printf "$1"
}

unit_out() {		# drop the unit, wherever this test runs
	sed 's/ unit=[^ ]*$//'
}

# One session of a client, asked about; it waits until we say go. Leaves what
# lookup says in $answer, and the name of the sender in $subject.
count=0
session() {		# OPTION=VALUE ... of client.pl
	count=$((count + 1))
	subject=case$count
	{
		echo "!wait $T/$subject.go"
		message "$subject"
	} >in
	client "$subject" games 127.0.0.1 "$PORT" "$@" <in || return 1
	# A busy machine may take more than one search.
	wait_for eval 'ctl lookup 127.0.0.1 "$port" 127.0.0.1 "$PORT" >answer
	    grep -q " pid=" answer'
	answer=$(cat answer)
}

go() {			# now it sends its message
	: >"$subject.go"
}

# Three tests of one session.
same() {		# DESCRIPTION PROGRAM EXE CWD, encoded
	_exe=${3:+ exe=$3}
	is "$(wc -l <answer) $(sed 's/ login=[0-9]*//
	    s/ source=[a-z]*$//' answer)" "1 verdict=owned user=games uid=$(
	    id -u games) pid=$pid program=$2$_exe holders=1" "$1: the answer"
	go
	is "$(tag_of "$subject" | unit_out)" \
	    "user=games program=$2 exe=${3:-unknown} cwd=${4:-unknown}" \
	    "$1: the header"
	_line=$(grep " sender=$subject@" "$LOG")
	is "$(printf '%s\n' "$_line" |
	    sed 's/.* \(user=.* cwd=[^ ]*\) unit=[^ ]* sender=.*/\1/')" \
	    "user=games program=$2 exe=${3:--} cwd=${4:--}" "$1: the log"
}

# Where a user may run things.
mkdir odd
cp "$(readlink -f "$(command -v perl)")" odd/perl
# The path as the daemon sees it, should all this run in a chroot.
session "dir=$T/odd" exec=perl
here=$(sed -n 's/.* exe=\([^ ]*\)\/perl .*/\1/p' answer)
odd=${here:-$T/odd}

names='a\r\nX-Injected: yes
x pid=1 user=root
user=root
a=b+c
\033[31mred\007
\377\300\200\376
"q" '"'b' \`c\`"'
$(id) %%s %%n
tab\tback\\slash
\n\tuser=root
reason=closed
-
unknown
X-Injected: yes
\001\177\237'
n=$(printf '%s\n' "$names" | grep -c .)

plan $((n * 3 + 22))

is "$answer" "verdict=owned user=games uid=$(id -u games) pid=$pid \
program=perl exe=$odd/perl holders=1 source=${answer##*source=}" \
    'nothing odd: the answer'
go
is "$(tag_of "$subject" | unit_out)" \
    "user=games program=perl exe=$odd/perl cwd=$odd" 'and the header'

# One name for all three of them.
printf '%s\n' "$names" >names
while IFS= read -r format <&3; do
	name=$(bytes "$format")
	mkdir "odd/$name"
	ln odd/perl "odd/$name/$name"
	session "dir=$T/odd" "dir=$name" "exec=$name" "name=$name"
	program=$(xtext "$(printf '%.15s' "$name")" 64)
	x=$(xtext "$name" 255)
	cwd="$odd/$x"
	if [ "$name" = - ]; then
		# the log has - for what is not known
		like "$answer" ' program=- exe=' 'a hyphen: the answer'
		go
		is "$(tag_of "$subject" | unit_out)" \
		    "user=games program=+2D exe=$cwd/$x cwd=$cwd" \
		    'a hyphen: the header'
		like "$(grep "sender=$subject@" "$LOG")" \
		    'user=games program=\+2D exe=' 'a hyphen: the log'
	else
		same "$x" "$program" "$cwd/$x" "$cwd"
	fi
done 3<names

# Paths of nearly 4 kB are cut, longer ones can't be read at all.
long=$(printf 'd+%.0s' $(seq 100))
set --
perl -e 'chdir "odd" or die; for (1 .. 24) {
	mkdir $ARGV[0] or die;
	chdir $ARGV[0] or die;
	link "$ARGV[1]/odd/perl", "perl" or die;
}' "$long" "$T"
while [ $# -lt 19 ]; do
	set -- "$@" "dir=$long"
done
cut=$(xtext "$(printf "$odd/%s/%s" "$long" "$long")" 255)
session "dir=$T/odd" "$@" exec=perl
same '3.9 kB' perl "$cut" "$cut"
session "dir=$T/odd" "$@" "dir=$long" "dir=$long" "dir=$long" exec=perl
same 'more than 4 kB' perl '' ''

# A program that was deleted while it runs.
mkdir odd/gone
ln odd/perl 'odd/gone/was here'
session "dir=$T/odd/gone" 'exec=was here' name=gone
rm -r odd/gone
ctl lookup 127.0.0.1 "$port" 127.0.0.1 "$PORT" >answer
is "$(sed 's/.* \(exe=[^ ]*\) .*/\1/' answer)" \
    "exe=$odd/gone/was+20here+20(deleted)" 'a deleted program: the answer'
go
is "$(tag_of "$subject" | wc -l)" 1 'a deleted program: the header'

# A unit. Its name the system's manager chose, perhaps from a user's words.
cgroup_remove() {
	echo 0 >"$home/cgroup.procs"
	wait_for rmdir "$cgroup/$bad"
	rmdir "$cgroup"
}

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cgroup=$cgroups/milter-sysuser-test.$$
bad=$(bytes 'x pid=1=+ \033[1m"\377.service')
if [ -n "$cgroups" ] && mkdir "$cgroup" 2>/dev/null; then
	home=$cgroups$(sed -n 's/^0:://p' /proc/self/cgroup)
	AT_EXIT="cgroup_remove; $AT_EXIT"
	mkdir "$cgroup/$bad"
	ok 'no line end can be in the name of a cgroup' \
	    eval '! mkdir "$cgroup/a
b.service" 2>/dev/null'
	# Clients are children of this shell.
	echo 0 >"$cgroup/$bad/cgroup.procs"
	session name=unit
	echo 0 >"$home/cgroup.procs"
	go
	is "$(tag_of "$subject" | sed 's/.* program=\([^ ]*\) .* unit=/\1 /')" \
	    "unit $(xtext "$bad" 255)" 'a unit: the header'
	like "$(grep "sender=$subject@" "$LOG" | tr ' ' '\n' |
	    grep -Fx "unit=$(xtext "$bad" 255)")" . 'a unit: the log'
else
	skip 3 'no cgroup can be made here'
fi

# All in all.
mail_wait "$count"
is "$(mail_count)" "$count" 'every message has come'
is "$(cat "$INBOX"/* | grep -ci '^x-sender-process-info')" "$count" \
    'each has one header of ours'
is "$(cat "$INBOX"/* | grep -ci '^X-Injected\|^user=\|^.user=root')" 0 \
    'nothing has got into a line of its own'
is "$(cat "$INBOX"/* | tr -d '\11\12\40-\176' | wc -c)" 0 \
    'nor a byte that is not printable into a message'
is "$(grep -c ' action=' "$LOG")" "$count" 'the log has a line for each'
is "$(grep -vc '^[a-z-]*: [a-z]\|^ready$' "$LOG")" 0 'and no others'
is "$(tr -d '\12\40-\176' <"$LOG" | wc -c)" 0 'and nothing not printable'
is "$(sed -n 's/^worker: \(queue=.*\)/\1/p' "$LOG" | tr ' ' '\n' |
    grep -Evc '^[a-z]+=[^=]*$')" 0 'and nothing but key=value'
ok 'the daemon stops' daemon_stop
finish
