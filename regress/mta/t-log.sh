#!/bin/sh
# The log has one line for each message, and everything on it.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<'E'
reject user "news"
pass
E

line() {		# of the log, by the queue id
	grep " queue=$1 \|^queue=$1 " "$LOG"
}

field() {		# NAME, of $entry
	printf '%s\n' "$entry" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

plan 24

{
	message first
	# two recipients, one that is refused, one that is taken back
	printf '%s\n' 'MAIL FROM:<never@sender.test>' RSET
	message second | sed '/^RCPT/{
		p
		s/<.*/<other@rcpt.test>/
		p
		s/<.*/<no@rcpt.test>/
	}'
	message third | sed 's/^MAIL.*/MAIL FROM:<"a b=c+d"@sender.test>/'
} | smtp games 127.0.0.1 >out
mail_find third >/dev/null
pid=$(sed -n 's/^pid //p' out)
# shellcheck disable=SC2046
set -- $(queued out)
is $# 3 'three messages are queued'

wait_for line "$3"
entry=$(line "$1")
is "$(line "$1" | wc -l)" 1 'first message: one line'
like "$(cat "$(mail_find first)")" "^	(by .*|)id $1\$|SMTP id $1\$" \
    'its queue id is that of the MTA'
is "$(field action)" pass action=pass
like "$(field rule)" '^[0-9]+$' 'rule='
is "$(field user)" games user=games
is "$(field uid)" "$(id -u games)" 'uid='
is "$(field pid)" "$pid" 'pid= is that of the client'
is "$(field program)" perl program=perl
# If all this runs in a chroot, the path begins outside of it.
like "$(field exe)" "^(/.+)?$(readlink -f "$(command -v perl)")\$" 'exe='
is "$(field sender)" first@sender.test 'sender='
is "$(field recipients)" 1 recipients=1

entry=$(line "$2")
is "$(line "$2" | wc -l)" 1 'second message: one line'
is "$(field recipients)" 2 'recipients= are those that were accepted'
is "$(field pid)" "$pid" 'the same pid='
entry=$(line "$3")
is "$(line "$3" | wc -l)" 1 'third message: one line'
is "$(field sender)" '"a+20b+3Dc+2Bd"@sender.test' 'an odd sender is encoded'
is "$(grep -c never@sender.test "$LOG")" 0 'RSET: no line'

message blocked | head -n 1 | smtp news 127.0.0.1 >out
pid=$(sed -n 's/^pid //p' out)
wait_for grep -q action=reject "$LOG"
entry=$(grep action=reject "$LOG")
is "$(printf '%s\n' "$entry" | wc -l)" 1 'a refused message: one line'
like "$(field queue)" "^$REFUSED\$" 'its queue id, if it has one'
is "$(field user) $(field uid) $(field pid) $(field program)" \
    "news $(id -u news) $pid perl" 'user=, uid=, pid=, program='
is "$(field sender)" blocked@sender.test 'sender='
is "$(field rule)" 1 'rule=1'
is "$(grep -c ' action=' "$LOG")" 4 'four lines in all'
finish
