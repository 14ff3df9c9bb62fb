# Sourced after lib.sh: each call of a program fails, one after the other, while
# the daemon does something.  Which is what the test says:
#
#	begin		once for each daemon, before anything fails; sets up
#	prepare		before each try, when nothing fails yet
#	work		what is done; it prints what comes of it
#	amiss		prints what may not come of it, of the file did; the
#			file right has what comes of it when nothing fails
#	afterwards	when nothing fails any more; false if it is not as
#			before
#
# Each time nobody else may be named, nothing may hang, and in the end the
# daemon does what it did, with the descriptors that it had.  What came of it
# was right, or somebody said why, in few lines.
#
# The Nth call for each of numbers(), until there are no more of them; for no
# more than USES of them with the same daemon, if that is set.

. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"
. "$TOP/regress/fault/fault.sh"

begin() { :; }
prepare() { :; }
amiss() { :; }
afterwards() { :; }

# What each process has open but /proc/PID and what is kept of it, which comes
# and goes: NAME COUNT.  Threads and children, too.
open_now() {
	processes >open.procs
	sed 's/[=-]/ /g' open.procs | while read -r _name _rest; do
		_pid=${_rest##* }
		echo "$_name-${_rest%"$_pid"}: $(find "/proc/$_pid/fd" \
		    -type l -printf '%l\n' | sed 's/ (deleted)$//' |
		    grep -Evc '/[0-9]+(/([a-z]+|fd/[0-9]+))?$')"
	done
	echo "children: $(wc -w <"/proc/$DAEMON/task/$DAEMON/children")"
}

# No more of anything than at first; of the resolver, known processes but 64.
none_leaked() {
	open_now >open.new
	awk 'NR == FNR { was[$1] = $2; next }
	    $2 > was[$1] { bad = 1; print $0 ", was " was[$1] }
	    END { exit bad }' open.was open.new >leaked
}

# If not, $ill is what is wrong.
all_well() {
	ill='not all run' && all_run &&
	    ill='it does not tag' && [ "$(right_tag)" = "$RIGHT" ] &&
	    ill='it does not do what it did' && afterwards &&
	    ill='open:' && none_leaked
}

right_tag() {
	printf '%s\n' "session 127.0.0.1 $CPORT 127.0.0.1 $SPORT" message quit |
	    timeout 30 perl "$TOP/regress/proto/milter.pl" "$MILTER" 2>&1 |
	    sed -n 's/^insert 0 X-Sender-Process-Info: //p'
}

# A daemon that has done it all twice, or as often as $WARM says.
fresh() {
	[ -z "$DAEMON" ] || calls_end
	used=0
	arm none 0
	ALL=7 daemon_start >said 2>&1 || bail "no daemon: $(tail -n 5 "$LOG")"
	begin
	: >right
	for _try in $(seq "${WARM:-2}"); do
		prepare
		work >right 2>&1
	done
	wait_for eval 'all_run && [ "$(right_tag)" = "$RIGHT" ] && afterwards' ||
	    bail "nothing fails, but it is not well: $(cat right)"
	# sessions end when they like
	sleep 0.3
	open_now >open.was
	cp open.procs before
}

# What the log has since, but of mail.
told() {
	tail -n "+$((mark + 1))" "$LOG" | grep -v '^worker: queue='
}

# Whoever has died for what is wrong in another one.  The parent may replace
# whom it can't hear.
died() {		# PROGRAM
	case $1 in
	milter-sysuser) return ;;
	milterd) _own=worker ;;
	*)	_own=$1 ;;
	esac
	processes >now
	grep -Ev "^(${KILLED:-none}|$_own)[-=]" before | grep -vxF -f now
}

# One try: $fired says which call it was, if any, and $what is empty if all is
# as it should be.
once() {		# PROGRAM N
	mark=$(wc -l <"$LOG")
	: >tags
	what=
	program=$1
	prepare
	arm "$1" "$2"
	work >did 2>&1
	set -- $(armed)
	arm none 0
	[ "$2" = 0 ] && fired= || { shift 2; fired=$*; }
	sed -n 's/^insert 0 X-Sender-Process-Info: //p' did >>tags
	_bad=$(amiss)
	_wrong=$(wrong_tags)
	if [ -s daemon.rc ]; then
		what='it ends'
	elif [ -n "$_wrong" ]; then
		what="names $_wrong"
	elif [ -n "$_bad" ]; then
		what="$_bad"
	elif [ -n "$(died "$program")" ]; then
		what="costs the life of $(died "$program")"
	elif ! WAIT=30 wait_for all_well; then
		[ "$ill" != open: ] || ill="$ill $(tr '\n' ' ' <leaked)"
		what="is not well: $ill"
	elif [ "$(told | wc -l)" -gt "${WORDS:-10}" ]; then
		what='says too much'
	elif [ -n "$fired" ] && [ -s right ] && ! cmp -s right did &&
	    [ "$(told | wc -l)" -eq 0 ] && ! grep -q "$EXCUSE" did; then
		what='says nothing'
	fi
}
EXCUSE='^sysuserctl: \|reason=\|program=unknown'

# The daemon runs, and ends with the test.
loop() {		# PROGRAM DESCRIPTION
	failures=0 missed=0 tries=0
	: >failed
	for n in $(numbers); do
		[ -n "$DAEMON" ] && [ ! -s daemon.rc ] &&
		    [ "$used" -lt "${USES:-9999}" ] || fresh
		used=$((used + 1))
		once "$1" "$n"
		if [ -n "$what" ]; then
			failures=$((failures + 1))
			{
				echo "call $n ($fired): $what"
				cat did
				echo "log: $(told)"
			} >>failed
		fi
		# Deaths are counted, and the next life comes later.
		processes >now
		if [ -n "$what" ] || ! cmp -s before now; then
			fresh
		fi
		if [ -n "$fired" ]; then
			missed=0 tries=$((tries + 1))
		else
			# as many are not made each time
			missed=$((missed + 1))
			[ $missed -lt $((${FAULTS:+2} + 1)) ] || break
		fi
	done
	is "$failures" 0 "$2" || diag "$(cat failed)"
	diag "$1: $tries calls"
	[ "$tries" -gt 0 ] || ok 'there are calls' false
}

loop_end() {
	fresh
	ok 'it stops' daemon_stop
	plan "$tests"
	finish
}
