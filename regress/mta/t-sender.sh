#!/bin/sh
# The sender that a rule sees is the one that the MTA sends as, whatever else
# stands between the brackets of MAIL FROM.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
reject user "man" sender { "ceo@example.test", "man@mta.test" } message "not you"
reject user "news" sender not from { "*@example.test", "<>" } message "not that"
pass
E

# What an MTA may itself take for no address.
none='^50[01] |^553 '

from() {	# USER ARGUMENT-OF-MAIL-FROM; the reply
	printf 'MAIL FROM:%s\n' "$2" | smtp "$1" 127.0.0.1 | said
}

plan 51

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
<"ceo"@example.test.>
<@x:"ceo"@example.test.>
E
while read -r sender; do
	like "$(from man "$sender")" "^550 5\\.7\\.1 not you\$|$none" \
	    "the denied one, if any, as $sender"
done <<'E'
""<ceo@example.test>
"%"<ceo@example.test>(@else.test
(%)ceo@example.test(@else.test
<ceo%example.test>
<"example.test!ceo">
%:ceo@example.test;
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
<(%)evil@else.test(@example.test>
(%)<evil@else.test>(@example.test
(%)evil@else.test(@example.test
<(!)evil@else.test (x@example.test>
<((%)x)evil@else.test(@example.test>
<"evil%example.test"@localhost.>
<"evil x%example.test">
<evil%example.test%localhost>
<localhost!example.test!evil>
,evil%example.test@localhost
"%@example.test"<evil@else.test>
x<evil%example.test@localhost>
E
while read -r sender; do
	like "$(from news "$sender")" '^250 ' "one of his as $sender"
done <<'E'
<a@example.test>
<a@example.test.>
<"a b"@example.test>
<>
E
# Without a domain it is the MTA's own, in Postfix at once; and there an @ in
# quotes is one like any other.
if [ "$ONLY" = postfix ]; then
	while read -r sender; do
		is "$(from man "$sender")" '550 5.7.1 not you' \
		    "the denied one, in Postfix, as $sender"
	done <<'E'
<man>
<"man">
(%)man(@else.test
<"ceo@example.test">
E
else
	skip 4 'what only Postfix takes for the denied one'
fi
ok 'the log has the one that would have been in the envelope' \
    grep -q 'sender=evil@else.test ' "$LOG"
finish
