#!/bin/sh
# Limits and blocks with a real Postfix: what it delivers, and what it says.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
limit user "games" to 12 messages per 1h
limit user "news" to 4 recipients per 1h
reject user "man" sender not from { "man@*" }
pass
E

plan 15

# 40 at once: all of them have been heard before the first one is counted.
for i in $(seq 40); do
	message "many-$i" | smtp games 127.0.0.1 >"answer.$i" &
	echo $!
done >pids
# shellcheck disable=SC2046
wait $(cat pids)
# On a busy machine a lookup may be late: who is not known has no limit.
late=$(grep -c 'action=pass .* reason=timeout' "$LOG")
is "$(cat answer.* | grep -Ec "$QUEUED")" $((12 + late)) '12 of 40 are queued'
is "$(cat answer.* | said | grep -c '^451 4\.7\.1 User games is over the limit of 12')" \
    $((28 - late)) 'the others are to try again later'
mail_wait $((12 + late))
is "$(mail_count)" $((12 + late)) 'and 12 are delivered'

refusal() {	# USER SUBJECT
	message "$2" | head -n 1 | smtp "$1" 127.0.0.1 | said | sed -n '/^[45]/p'
}

two() {		# SUBJECT RECIPIENTS; the last reply but that to QUIT
	message "$1" | sed "s/^RCPT.*/$2/" | tr '|' '\n' |
	    smtp news 127.0.0.1 | grep -v '^221' | tail -n 1
}
like "$(two three 'RCPT TO:<a@rcpt.test>|RCPT TO:<b@rcpt.test>|RCPT TO:<c@rcpt.test>')" \
    "$QUEUED" 'three recipients of four'
like "$(two two 'RCPT TO:<a@rcpt.test>|RCPT TO:<b@rcpt.test>')" \
    '^451 4\.7\.1 User news is over the limit of 4 recipients per 1h' \
    'two more are refused when all is said'
like "$(two one 'RCPT TO:<a@rcpt.test>')" "$QUEUED" 'one fits'
like "$(refusal news none)" '^451 4\.7\.1 User news' 'then it is full'
mail_wait $((16 + late))
is "$(mail_count)" $((16 + late)) 'delivered is what was said'
like "$(grep 'user=news' "$LOG" | grep action=limit | head -n 1)" \
    '^worker: queue=[0-9A-Za-z]+ action=limit rule=2 ' 'the log has the queue id'

is "$(refusal man root)" '550 5.7.1 User man is blocked from sending mail' \
    'no sender but his own'
is "$(refusal man man)" '' 'which he may use'

# Sessions that are open when the block comes are not spared.
mkfifo talk
smtp lp 127.0.0.1 <talk >lp.out &
exec 9>talk
message before >&9
wait_for grep -Eq "$QUEUED" lp.out
ctl block lp >/dev/null
message after | head -n 1 >&9
wait_for grep -q '^550' lp.out
ctl unblock lp >/dev/null
message again >&9
exec 9>&-
wait $!
is "$(queued lp.out | wc -l)" 2 'in one session: before a block and after it'
is "$(said <lp.out | grep '^550')" '550 5.7.1 User lp is blocked from sending mail' \
    'and refused while it is in force'
# On a busy machine the process of one or the other may not be known.
is "$(ctl top | awk '$1 == "games" { for (i = 3; i <= 6; i++) n[i] += $i }
    END { print n[3], n[4], n[5], n[6] }')" "12 12 0 $((28 - late))" 'top has counted them'
mail_wait $((18 + late))
is "$(mail_count)" $((18 + late)) 'nothing is lost'
finish
