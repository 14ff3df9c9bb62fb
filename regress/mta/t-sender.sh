#!/bin/sh
# The sender that a rule sees is the one that the MTA sends as, whatever else
# stands between the brackets of MAIL FROM.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
reject user "man" sender "ceo@example.test" message "not you"
reject user "news" sender not from { "*@example.test", "<>" } message "not that"
pass
E

# What an MTA may itself take for no address.
none='^50[01] |^553 '

from() {	# USER ARGUMENT-OF-MAIL-FROM; the reply
	printf 'MAIL FROM:%s\n' "$2" | smtp "$1" 127.0.0.1 | said
}

plan 27

while read -r sender; do
	is "$(from man "$sender")" '550 5.7.1 not you' "the denied one as $sender"
done <<'E'
<ceo@example.test>
<CEO@Example.Test>
<@x:ceo@example.test>
<"ceo"@example.test>
<ceo@example.test.>
< ceo@example.test>
<c\eo@example.test>
<ceo@example.test(x)>
<(x)ceo@example.test>
ceo@example.test
<"c\eo"@example.test>
E
like "$(from man '<not-ceo@example.test>')" '^250 ' 'another one'
while read -r sender; do
	like "$(from news "$sender")" "^550 5\\.7\\.1 not that\$|$none" \
	    "none of his as $sender"
done <<'E'
<evil@else.test>
<evil@else.test(@example.test>
<"x@example.test"@else.test>
<@example.test:evil@else.test>
<evil%example.test@localhost>
<example.test!evil@localhost>
<"evil@example.test"@localhost>
<evil%example.test@localhost(@example.test>
<(@example.test)evil%example.test@localhost>
<<evil@else.test>@example.test>
E
while read -r sender; do
	like "$(from news "$sender")" '^250 ' "one of his as $sender"
done <<'E'
<a@example.test>
<a@example.test.>
<"a b"@example.test>
<>
E
ok 'the log has the one that would have been in the envelope' \
    grep -q 'sender=evil@else.test ' "$LOG"
finish
