#!/bin/sh
# Several headers of ours, long ones too: on top of the message, in the order
# of the configuration, with every value as it is when unfolded, and without
# the copies that came.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<'E'
header "X-Long" fields { user, uid, pid, program, exe, cwd }
header "X-Token" value "%{user}/%{program} 100%%"
header "X-Sender-Process-Info" fields { user, program }
quarantine user "news" message "100% of %s is held; all of it"
pass
E

# A directory with odd bytes in it, and long enough for more than one fold.
long=$T/$(printf 'a%.0s' $(seq 60)):\;/b=c+d\ e
mkdir -p "$long"

# From there, with copies of all of them. On a busy machine the process may not
# be known: then once more.
send() {
	n=$((n + 1))
	message "one-$n" 'X-Token: games' 'x-long: user=root' \
	    'X-Kept: yes' 'X-LONG: user=root' \
	    'X-Sender-Process-Info: user=root' 'x-token:' |
	    as games sh -c 'cd "$0" && exec perl -e "$@"' "$long" "$SMTP" \
	    127.0.0.1 "$PORT" >out
	pid=$(sed -n 's/^pid //p' out)
	grep -q " pid=$pid .* sender=one-$n@" "$LOG"
}
n=0
wait_for send

plan 9

header "$(mail_find "one-$n")" >one
# If all this runs in a chroot, the paths begin outside of it.
exe=$(sed -n 's/.* exe=\([^ ]*\) .*/\1/p' "$LOG" | tail -n 1)
cwd=$(sed -n 's/.* cwd=\([^ ]*\) .*/\1/p' "$LOG" | tail -n 1)
encoded=$(printf '%s' "$long" | sed 's/+/+2B/; s/=/+3D/; s/ /+20/')
is "$(perl -0777 -pe 's/\n[ \t]+/ /g' one | head -n 3)" \
    "X-Long: user=games uid=$(id -u games) pid=$pid program=perl exe=$exe$(
    ) cwd=$cwd
X-Token: games/perl 100%
X-Sender-Process-Info: user=games program=perl" 'the first three lines'
is "${cwd##*/tmp/}" "${encoded##*/tmp/}" 'cwd= is the odd directory'
is "$(awk 'length > 78 && !/(cwd|exe)=/' one | grep -c '^X-Long\|^	')" 0 \
    'none is long but for a value that is'
is "$(grep -Eic '^x-(long|token|sender-process-info):' one)" 3 \
    'no copy is left'
is "$(grep -c '^X-Kept: yes' one)" 1 'what else came is there'
is "$(grep -c '^Received:' one)" 1 'and the Received of the MTA'

# Also in quarantine, where the MTA keeps the header in its own way.
message two 'X-Token: games' | smtp news 127.0.0.1 >out
like "$(cat out)" "$QUEUED" 'quarantine: taken'
is "$(mta_held)" "$(queued out)" 'that one is held'
is "$(mta_header "$(mta_held)" | grep -i '^x-token' |
    sed 's,/[a-z]* ,/P ,')" 'X-Token: news/P 100%' 'with our header alone'
finish
