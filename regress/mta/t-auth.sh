#!/bin/sh
# STARTTLS and AUTH: who holds the socket is who sends, whatever name somebody
# knows a password for, and each message of such a session has its tag.

. "$(dirname "$0")/../lib.sh"
. "$TOP/regress/mta/both.sh"

need openssl curl msmtp python3
need_root
deb_fetch "$SASL" sasl2-bin libsasl2-modules libsasl2-modules-db ||
    skip_all "$WHY"

# A certificate, and two users of AUTH who are also users of the system.
mkdir -p "$KEYS" "${SASLDB%/*}" "${SASL_CONF%/*}"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=mta.test -keyout "$KEYS/key.pem" -out "$KEYS/cert.pem" \
    2>openssl.log || bail "$(cat openssl.log)"
chmod 600 "$KEYS/key.pem"
for user in games news; do
	echo secret | LD_LIBRARY_PATH=$(libraries "$SASL") \
	    SASL_PATH=$(sasl_plugins) \
	    "$SASL/usr/sbin/saslpasswd2" -c -p -f "$SASLDB" -u mta.test \
	    $user || bail "no account for AUTH"
done
sasl_conf >"$SASL_CONF"

mta_up "$(mta_auth)" <<'E'
reject user "news"
pass
E

from=from@sender.test to=box@rcpt.test
forged='X-Sender-Process-Info: user=root program=init'

text() {		# SUBJECT
	printf '%s\nSubject: %s\n\nHello.\n' "$forged" "$1"
}

send_curl() {		# USER SUBJECT OPTION...
	_u=$1 _s=$2
	shift 2
	text "$_s" | as "$_u" curl -sS --crlf --mail-from $from --mail-rcpt $to \
	    --url "smtp://127.0.0.1:$PORT/client.test" --upload-file - "$@"
}

send_msmtp() {		# USER SUBJECT OPTION...
	_u=$1 _s=$2
	shift 2
	text "$_s" | as "$_u" msmtp --host=127.0.0.1 --port="$PORT" --auth=plain \
	    --domain=client.test --from=$from "$@" $to
}

# Three messages of one session: plain, then with STARTTLS, then with AUTH.
send_python() {		# USER SUBJECT NAME
	as "$1" python3 -c '
import smtplib, sys
port, subject, name, sender, to, forged = sys.argv[1:]
s = smtplib.SMTP("127.0.0.1", int(port), "client.test")
def send(n):
    s.sendmail(sender, [to], "%s\nSubject: %s-%d\n\nHello.\n" %
        (forged, subject, n))
send(1)
s.starttls()
send(2)
s.login(name, "secret")
send(3)
s.quit()' "$PORT" "$2" "$3" $from $to "$forged"
}

tagged() {		# SUBJECT PROGRAM DESCRIPTION
	is "$(header "$(mail_find "$1")" | grep -i '^x-sender-process')" \
	    "X-Sender-Process-Info: user=games program=$2" "$3: one tag"
}

# user= and auth= of the line in the log, by the message's own queue id.
logged() {		# SUBJECT
	id=$(sed -nE 's/^	(.* )?id ([^ ;]*).*/\2/p' "$(mail_find "$1")" |
	    head -n 1)
	wait_for grep -q "queue=$id " "$LOG"
	grep "queue=$id " "$LOG" | grep -oE ' (user|auth)=[^ ]*' | tr -d '\n'
}

# Postfix and Sendmail differ in whether the name has a realm.
named() {		# GOT WANTED DESCRIPTION
	is "$(printf '%s' "$1" | sed 's/@mta\.test$//')" "$2" "$3"
}

plan 17

ok 'STARTTLS: sent' send_curl games tls -k --ssl-reqd
tagged tls curl STARTTLS
named "$(logged tls)" ' user=games' 'STARTTLS: no name in the log'

ok 'AUTH: sent' send_curl games auth --user news:secret
tagged auth curl 'AUTH as another'
named "$(logged auth)" ' user=games auth=news' 'AUTH: both are in the log'

ok 'both: sent' send_msmtp games both --user=news \
    --passwordeval='echo secret' --tls=on --tls-certcheck=off
tagged both msmtp 'both'
named "$(logged both)" ' user=games auth=news' 'both: both are in the log'

python=$(python3 -c 'print(open("/proc/self/comm").read(), end="")')
ok 'one session of three messages' send_python games step news
tagged step-1 "$python" 'before STARTTLS'
tagged step-2 "$python" 'after STARTTLS'
tagged step-3 "$python" 'after AUTH'
named "$(logged step-3)" ' user=games auth=news' 'its last is by name'

send_curl news stolen -k --ssl-reqd --user games:secret >/dev/null 2>&1
ok 'who is blocked stays so with the name of another' [ $? -ne 0 ]
line=$(grep action=reject "$LOG")
like "$line" ' user=news .* auth=games(@mta\.test)?$' 'and the log has both'
is "$(mail_count)" 6 'nothing else was delivered'
finish
