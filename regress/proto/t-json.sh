#!/bin/sh
# With -j each verb prints valid JSON with the keys that are documented, and
# tables shows what is in them.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/proto/milter.sh"
. "$TOP/regress/proto/admin.sh"

fake_need
fake_script <<S
127.0.0.1 2501 uid=5 holder=100 program=\\x1b"\\\\\\xff exe=/bin/x login=6
127.0.0.1 2502 sock=forgotten
S
cat >users <<E
# a comment
games
no-such-one
uid 7 - 9	# a range
E
admin_start 2 root <<E
table <empty> { }
table <file> file "$T/users"
table <mixed> { "games", "man", "nobody-has-it", uid 17 }
limit user <mixed> to 100 messages per 1h
reject user any sender "x*" message "a \\"b\\" \\\\c"
E
plan 24

# The value of a path into the one object of stdin: the keys of an object,
# sorted, or the value; a list says what is at its place, or its length.
at() {			# [KEY...]
	perl -MJSON::PP -e '
		local $/;
		my $o = JSON::PP->new->decode(<STDIN>);
		$o = ref $o eq "ARRAY" ? $o->[$_] : $o->{$_} for @ARGV;
		print ref $o eq "HASH" ? join(" ", sort keys %$o) :
		    ref $o eq "ARRAY" ? "[" . @$o . "]" :
		    JSON::PP::is_bool($o) ? ($o ? "true" : "false") :
		    defined $o ? $o : "null", "\n"' "$@" 2>&1
}

send 2501 >/dev/null
ctl -j status >out
is "$(at <out) $(at processes 0 <out)" 'counters lookup_time processes '\
'sources pid process protections restarts running seconds uid unprotected' \
    'status'
is "$(at processes <out) $(at processes 0 process <out) $(
    at processes 0 running <out) $(at lookup_time <out)" \
    '[7] parent true p50_us p99_us' 'its processes'
is "$(at counters <out)" 'limited lookups messages owned refused remote '\
'sessions stripped tagged uncounted unknown with-process' 'its counters'
is "$(at counters messages <out) $(at sources <out)" \
    '1 bpf cache cgroup scan uid-only' 'its sources'
is "$(ctl -j metrics | at)" "$(at <out)" 'metrics is status'
ctl -j top >out
is "$(at <out) $(at rows 0 <out) $(at rows 0 hour <out)" 'rows day hour '\
'minute program uid user deferred messages recipients rejected' 'top'
is "$(at rows 0 program <out)" '+1B"\\+FF' 'a program'

ctl -j block games for 1h >out
is "$(cat out)" '{"ok":true}' 'block'
is "$(ctl -j block nobody-has-it | at note)" \
    'nobody has the name "nobody-has-it" now: blocked as soon as somebody has' \
    'with a note'
ctl -j block uid 17 >/dev/null
ctl -j tables >out
is "$(at <out) $(at blocked-now <out) $(at blocked-now 0 <out) $(
    at blocked-now 2 <out)" 'blocked-now tables [3] seconds uid user '\
'seconds uid' 'tables: <blocked-now>'
is "$(at blocked-now 0 user <out) $(at blocked-now 1 uid <out) $(
    at blocked-now 2 seconds <out)" 'games null null' 'and its values'
is "$(at tables <out) $(at tables 1 <out) $(at tables 1 file <out) $(
    at tables 2 file <out)" "[3] entries file no-account table $T/users null" \
    'and the tables of the configuration'
is "$(for i in 0 1 2; do
	for k in table entries no-account; do
		at tables $i $k <out
	done
    done | tr '\n' ' ')" 'empty 0 0 file 3 1 mixed 4 1 ' 'and their values'
is "$(ctl tables | sed 's/  *\(1h\|[0-9]*m[0-9]*s\)$/ 1h/')" "<blocked-now>
  games                  5 1h
  nobody-has-it          -  for good  has no uid now
  uid 17                17  for good

TABLE           ENTRIES NO ACCOUNT  FILE
<empty>               0          0  -
<file>                3          1  $T/users
<mixed>               4          1  -" 'the same for people'
is "$(ctl -j unblock games)" '{"ok":true}' 'unblock'

ctl -j test user games sender x >out
is "$(at <out) $(at rules 0 <out) $(at rules 1 <out)" 'action limit reply '\
'rule rules outcome rule text outcome rule text' 'test'
is "$(at rules 1 text <out) $(at rules 0 outcome <out) $(at reply <out)" \
    'reject user any sender "x*" message "a \"b\" \\c" counts '\
'550 5.7.1 a "b" \c' 'its texts'
is "$(ctl -j test unknown | at rules 1 matcher)" user 'its matcher'

is "$(ctl -j lookup 127.0.0.1 2501 127.0.0.1 25 | at)" 'exe holders login '\
'pid program source uid user verdict' 'lookup'
is "$(printf '%s\n' '127.0.0.1 2502 127.0.0.1 25' 'x y' | ctl -j lookup - |
    while read -r line; do
	echo "$line" | at
	echo "$line" | at reason
    done | tr '\n' ' ')" 'reason verdict closed reason verdict syntax ' \
    'lookup -: an object on each line'
ctl -j selftest >out
is "$(at <out) $(at can <out) $(at connections 0 <out) $(
    at connections 0 answer <out)" 'can connections ok hung-up login '\
'namespaces process record unit user answer connection found verdict' \
    'selftest'
is "$(ctl -j reload)" '{"ok":true}' 'reload'
sed 's/^prefork 2/prefork 3/' "$CONF" >new
mv new "$CONF"
like "$(ctl -j reload | at note)" \
    '^takes effect at the next start only: .*prefork' 'with a note'
is "$(ctl -j stop)" '{"ok":true}' 'stop'
wait_for test -s "$T/daemon.rc"
DAEMON=
finish
