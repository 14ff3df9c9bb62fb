#!/bin/sh
# -n warns of a Postfix that lets others choose the connection. It looks at the
# machine's main.cf, so that is another one here, in a mount namespace.

. "$(dirname "$0")/../lib.sh"

need_root
need unshare
unshare -m true 2>/dev/null || skip_all "no mount namespaces"

conf_write <<'E2'
pass
E2

check() {	# main.cf is on stdin; what -n says
	cat >main.cf
	mkdir -p postfix
	unshare -m sh -c '
		if [ -d /etc/postfix ]; then
			mount --bind "$1" /etc/postfix
		else
			mkdir -p up work && mount -t tmpfs none up &&
			    mkdir up/u up/w && mount -t overlay -o \
			    "lowerdir=/etc,upperdir=up/u,workdir=up/w" none /etc &&
			    mkdir /etc/postfix && mount --bind "$1" /etc/postfix
		fi || exit 77
		cp main.cf /etc/postfix/main.cf
		exec "$2" -n -f "$3"' sh "$T/postfix" "$OBJ/milter-sysuser" \
	    "$CONF" 2>&1
}

check </dev/null >out
[ $? -ne 77 ] || skip_all "can't have another /etc/postfix"

plan 6
is "$(check <<'E2'
# smtpd_authorized_xclient_hosts = 127.0.0.1
mydestination = localhost
smtpd_milters = unix:private/milter.sock
smtpd_authorized_xclient_hosts =
xsmtpd_authorized_xclient_hosts = 127.0.0.1
E2
)" 'configuration OK' 'nothing to say'
at=/etc/postfix/main.cf
claim='can claim the connection of any user'
is "$(echo 'smtpd_authorized_xclient_hosts = 127.0.0.0/8' | check)" \
"$at:1: whoever may use smtpd_authorized_xclient_hosts $claim
configuration OK" 'XCLIENT'
is "$(printf '%s\n' 'a = b' 'smtpd_authorized_xclient_hosts=' '# no' \
    '  127.0.0.1' | check)" \
"$at:2: whoever may use smtpd_authorized_xclient_hosts $claim
configuration OK" 'in a line below'
is "$(echo 'smtpd_upstream_proxy_protocol = haproxy' | check)" \
"$at:1: whoever may use smtpd_upstream_proxy_protocol $claim
configuration OK" 'PROXY for smtpd'
is "$(echo 'postscreen_upstream_proxy_protocol = haproxy' | check)" \
"$at:1: whoever may use postscreen_upstream_proxy_protocol $claim
configuration OK" 'PROXY for postscreen'
is "$(head -c 100000 /dev/urandom | check | tail -n 1)" 'configuration OK' \
    'a file of noise'
finish
