#!/bin/sh
# Whatever program a user sends with, over IPv4 and IPv6: the message has our
# header once, naming that user and program, above the MTA's own Received.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

mta_up <<E
pass
E

text() {	# SUBJECT
	printf 'Subject: %s\n\nThis is %s.\n' "$1" "$1"
}

from=from@sender.test to=box@rcpt.test

send_swaks() {		# USER HOST SUBJECT, as in all of these
	as "$1" swaks --silent 3 --helo client.test --server "$2" \
	    --port "$PORT" --from $from --to $to --header "Subject: $3"
}

send_curl() {
	case $2 in
	*:*)	set -- "$1" "[$2]" "$3" ;;
	esac
	text "$3" | as "$1" curl -sS -g --crlf --url "smtp://$2:$PORT/client.test" \
	    --mail-from $from --mail-rcpt $to --upload-file -
}

send_msmtp() {
	text "$3" | as "$1" msmtp --host="$2" --port="$PORT" --tls=off \
	    --auth=off --domain=client.test --from=$from $to
}

send_python3() {
	text "$3" | as "$1" python3 -c '
import smtplib, sys
s = smtplib.SMTP(sys.argv[1], int(sys.argv[2]), "client.test")
s.sendmail(sys.argv[3], [sys.argv[4]], sys.stdin.read())
s.quit()' "$2" "$PORT" $from $to
}

send_perl() {
	message "$3" | smtp "$1" "$2" >/dev/null
}

send_bash() {
	message "$3" | smtp_bash "$1" "$2" >/dev/null
}

program() {		# CLIENT -> the name its process has
	case $1 in
	python3) python3 -c 'print(open("/proc/self/comm").read(), end="")' ;;
	*)	echo "$1" ;;
	esac
}

lacks() {		# CLIENT HOST
	command -v "$1" >/dev/null || { echo "such program"; return; }
	case $1-$2 in
	swaks-*)
		perl -e 'exit !getprotobyname "tcp"' || echo /etc/protocols
		[ "$2" = 127.0.0.1 ] ||
		    perl -MIO::Socket::INET6 -e 1 2>/dev/null ||
		    echo IO::Socket::INET6 ;;
	python3-*)
		python3 -c 'import smtplib' 2>/dev/null || echo smtplib ;;
	esac
}

try() {			# CLIENT USER HOST
	without=$(lacks "$1" "$3" | head -n 1)
	[ -z "$without" ] || { skip 3 "$1: no $without"; return; }
	want="X-Sender-Process-Info: user=$2 program=$(program "$1")"
	ok "$1 to $3 sends" "send_$1" "$2" "$3" "$1-$ip"
	file=$(mail_find "$1-$ip")
	is "$(grep -i '^x-sender-process' "$file")" "$want" \
	    "$1 to $3: one header, $2 and its program"
	is "$(header "$file" | head -n 2 | sed 's/from.*//')" "$want
Received: " "$1 to $3: it is the first line, above Received"
}

plan 36
for ip in v4 v6; do
	host=127.0.0.1
	[ $ip = v4 ] || host=::1
	if [ $ip = v6 ] && ! have_v6; then
		skip 18 "no IPv6 here"
		continue
	fi
	try swaks games $host
	try curl news $host
	try msmtp www-data $host
	try python3 man $host
	try perl lp $host
	try bash irc $host
done
finish
