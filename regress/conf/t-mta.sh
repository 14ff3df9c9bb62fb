#!/bin/sh
# -n says whether Postfix and the socket fit together, and what to type if not.

. "$(dirname "$0")/../lib.sh"

need_root

OWNER='uucp'		# what mail_owner is here, with a group of its name
id "$OWNER" >/dev/null 2>&1 || skip_all "needs the account $OWNER"
MILTER=$T/queue/private/milter.sock GROUP=$OWNER
mkdir -p queue/private postfix
chown "$OWNER" queue/private
chmod 700 queue/private
conf_write <<'E2'
pass
E2
cp "$CONF" good.conf

run() {		# what -n says; $CONF, postfix/main.cf and postfix/master.cf
	MAIL_CONFIG=$T/postfix "$OBJ/milter-sysuser" -n -f "$CONF" 2>&1
}

master() {	# CHROOT OPTION...
	_c=$1
	shift
	printf '%s\n' 'smtp inet n - '"$_c"' - - smtpd' "$@" \
	    'pickup unix n - y 60 1 pickup' >postfix/master.cf
}

main() {	# LINE...
	printf '%s\n' "queue_directory = $T/queue" "mail_owner = $OWNER" \
	    'compatibility_level = 3.6' "$@" >postfix/main.cf
}

at=$T/postfix/main.cf
good='smtpd_milters = unix:private/milter.sock'
accept='milter_default_action = accept'
here="$at:4: smtpd_milters leads to this milter"
advice="postconf -e 'smtpd_milters = unix:private/milter.sock"
OK='configuration OK'

said() {	# DESCRIPTION LINE... that -n says, and then OK
	_d=$1
	shift
	is "$(run)" "$(printf '%s\n' "$@" "$OK")" "$_d"
}

master y
main "$good" "$accept"

plan 44

#
# The way
#
said 'all is well' "$here"
master n
said 'without chroot as well' "$here"
master y
main "smtpd_milters = inet:127.0.0.1:11332, unix:private/milter.sock" "$accept"
said 'as one of several' "$here"
main 'ours = unix:private/milter.sock' 'smtpd_milters = ${ours}, $other' \
    "$accept"
said 'through a macro' "$at:5: smtpd_milters leads to this milter"
main 'smtpd_milters = { unix:private/milter.sock, default_action=accept }'
said 'with settings in braces' "$here"
main 'smtpd_milters =' '# not this' '  unix:private/milter.sock' "$accept"
said 'in a line below' "$here"
main 'smtpd_milters = unix:elsewhere' "$good" "$accept"
said 'the last one counts' "$at:5: smtpd_milters leads to this milter"
main "smtpd_milters = unix:$MILTER" "$accept"
master n
said 'an absolute path, without chroot' "$here"
master y
said 'an absolute path, with chroot' "$at:4: smtpd looks for \
$T/queue$MILTER, but the socket is $MILTER; name it \
unix:private/milter.sock in smtpd_milters"
main 'smtpd_milters = unix:/private/milter.sock' "$accept"
said 'a path as seen from the chroot' "$here"
ln -s queue link
main "$good" "$accept" "queue_directory = $T/link"
said 'through a symbolic link' "$here"

main "$accept"
said 'no smtpd_milters' \
    "$at: smtpd_milters does not lead to this milter; type: $advice'"
main 'smtpd_milters = unix:opendkim/sock' "$accept"
said 'those of others only' "$at:4: smtpd_milters does not lead to this \
milter; type: $advice, unix:opendkim/sock'"
main 'smtpd_milters = ${x?yes}' "$accept"
said 'a condition' "$at:4: smtpd_milters has a condition: see yourself \
whether it leads to this milter"
main 'a = $b' 'b = $a' 'smtpd_milters = $a' "$accept"
said 'a circle' "$at:6: smtpd_milters has a condition: see yourself \
whether it leads to this milter"

sed "s,$MILTER,$T/other/milter.sock," good.conf >"$CONF"
mkdir other
main "$accept"
said 'a socket that smtpd cannot reach' "$CONF:1: smtpd is locked into \
$T/queue and can't reach this socket; say: listen on socket \
\"$T/queue/private/milter-sysuser.sock\" mode 0660 group \"$OWNER\""
master n
said '... but without chroot it can' "$at: smtpd_milters does not lead to \
this milter; type: postconf -e 'smtpd_milters = unix:$T/other/milter.sock'"
master -
said '... which is what a new Postfix means by -' "$at: smtpd_milters does \
not lead to this milter; type: postconf -e 'smtpd_milters = \
unix:$T/other/milter.sock'"
sed -i /compat/d postfix/main.cf
like "$(run)" 'is locked into' '... but not an old one'
# A link that is shorter than what it leads to, below the queue.
deep=var/deep/down/below/$(printf 'd%.0s' $(seq 120))/private
mkdir -p "queue/$deep"
chmod -R go+rx queue/var
ln -s "queue/$deep" s
master y
sed "s,$MILTER,$T/s/m," good.conf >"$CONF"
main "$accept"
said 'a link into the queue' "$at: smtpd_milters does not lead to this \
milter; type: postconf -e 'smtpd_milters = unix:$deep/m'"
chmod 700 queue/var/deep
said '... to what is closed' "$at: smtpd_milters does not lead to this \
milter; type: postconf -e 'smtpd_milters = unix:$deep/m'" \
    "$T/queue/var/deep: Postfix is \"$OWNER\", who may not look into this \
directory; type: chmod o+x $T/queue/var/deep"
sed "s,$MILTER,$T/other/milter.sock," good.conf >"$CONF"
rm postfix/master.cf
main "smtpd_milters = unix:$T/other/milter.sock" "$accept"
said 'no master.cf' "$here"

#
# Services with their own settings
#
claim='can claim the connection of any user: list only whom you trust'
cp good.conf "$CONF"
main "$good" "$accept" 'no_milters ='
master y '  -o smtpd_milters='
said 'the only service has no milters' "$T/postfix/master.cf:1: smtp has \
smtpd_milters of its own: what comes in there is not seen by this milter; name \
it there, unless you mean that"
master y '127.0.0.1:10025 inet n - n - - smtpd -o syslog_name=x' \
    '  -o { smtpd_milters = $no_milters }'
said 'one of two has none' "$T/postfix/master.cf:2: 127.0.0.1:10025 has \
smtpd_milters of its own: what comes in there is not seen by this milter; name \
it there, unless you mean that" \
    "$here"
master y '127.0.0.1:10025 inet n - n - - smtpd' \
    '  -o smtpd_authorized_xclient_hosts=127.0.0.0/8'
said 'one of two trusts XCLIENT' "$T/postfix/master.cf:2: whoever may use \
smtpd_authorized_xclient_hosts $claim" "$here"

#
# Rights
#
master y
main "$good" "$accept"
wants="say: listen on socket \"$MILTER\" mode 0660 group \"$OWNER\""
sed "s/ group \"$OWNER\"/ group \"root\"/" good.conf >"$CONF"
said 'the group of somebody else' "$here" \
    "$CONF:1: Postfix is \"$OWNER\", who may not use this socket; $wants"
sed "s/ mode 0660/ mode 0640/" good.conf >"$CONF"
said 'a group that may not write' "$here" \
    "$CONF:1: Postfix is \"$OWNER\", who may not use this socket; $wants"
sed "s/ mode 0660 group.*/ mode 0600 owner \"$OWNER\"/" good.conf >"$CONF"
said 'its own socket' "$here"
cp good.conf "$CONF"
chown root queue/private
said 'a directory that is closed' "$here" "$T/queue/private: Postfix is \
\"$OWNER\", who may not look into this directory; type: chmod o+x \
$T/queue/private"
chown "$OWNER" queue/private
sed "s,private,none," good.conf >"$CONF"
main 'smtpd_milters = unix:none/milter.sock' "$accept"
said 'a directory that is not there' "$here" "$CONF:1: the directory \
$T/queue/none is not there; type: mkdir -p $T/queue/none"
cp good.conf "$CONF"

#
# When we are away
#
away='no mail while this milter is away'
main "$good"
said 'no milter_default_action' "$here" \
    "$at: milter_default_action is tempfail: $away; type: postconf -e \
milter_default_action=accept"
main "$good" 'milter_default_action = reject'
said 'a bad one' "$here" "$at:5: milter_default_action is reject: $away; \
type: postconf -e milter_default_action=accept"
main 'smtpd_milters = { unix:private/milter.sock, default_action=tempfail }' \
    "$accept"
said 'a bad one of our own' "$here" \
    "$at:4: default_action=tempfail: $away; say: default_action=accept"
echo 'on failure tempfail' >>"$CONF"
main "$good"
said 'who wants mail to wait' "$here"
cp good.conf "$CONF"

main "$good" "$accept" 'milter_protocol = 2' 'smtpd_milter_maps = cidr:/x'
said 'what else is in the way' "$here" \
    "$at:6: milter_protocol is below 6; type: postconf -e milter_protocol=6" \
    "$at:7: smtpd_milter_maps may lead some clients past this milter: see \
that no address of this host is there"

#
# An inet socket
#
sed '1s/.*/listen on inet "127.0.0.1" port 7357 insecure/' good.conf >"$CONF"
insecure="$CONF:1: warning: any local user can connect to this socket and lie"
main 'smtpd_milters = inet:127.0.0.1:7357' "$accept"
said 'an inet socket' "$insecure" "$here"
main 'smtpd_milters = inet:localhost:7357' "$accept"
said '... by name' "$insecure" "$here"
main 'smtpd_milters = inet:127.0.0.2:7357' "$accept"
said '... another one' "$insecure" "$at:4: smtpd_milters does not lead to \
this milter; type: postconf -e 'smtpd_milters = inet:127.0.0.1:7357, \
inet:127.0.0.2:7357'"
cp good.conf "$CONF"

#
# Who may choose the connection
#
main "$good" "$accept" '# smtpd_authorized_xclient_hosts = 127.0.0.1' \
    'smtpd_authorized_xclient_hosts =' \
    'xsmtpd_authorized_xclient_hosts = 127.0.0.1'
said 'nobody' "$here"
main "$good" "$accept" 'smtpd_authorized_xclient_hosts=' '# no' '  127.0.0.1'
said 'XCLIENT' "$at:6: whoever may use smtpd_authorized_xclient_hosts $claim" \
    "$here"
main "$good" "$accept" 'smtpd_upstream_proxy_protocol = haproxy'
said 'PROXY for smtpd' \
    "$at:6: whoever may use smtpd_upstream_proxy_protocol $claim" "$here"
main "$good" "$accept" 'postscreen_upstream_proxy_protocol = haproxy'
said 'PROXY for postscreen' \
    "$at:6: whoever may use postscreen_upstream_proxy_protocol $claim" "$here"

#
# Noise
#
head -c 100000 /dev/urandom >postfix/main.cf
head -c 100000 /dev/urandom | tr '\200-\377' ' -~\n' >postfix/master.cf
is "$(run | tail -n 1)" "$OK" 'files of noise'
rm postfix/main.cf postfix/master.cf
said 'no Postfix'
finish
