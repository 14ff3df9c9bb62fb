# Sourced after lib.sh: a private, throw-away Postfix as Debian sets it up
# (smtpd and cleanup in a chroot). Its programs are unpacked below $OBJ, its
# configuration, queue and mail live in $T/mta. Nothing is installed; a Postfix
# that is installed and running does not notice.
#
# No account is made either: Postfix insists on two of its own, and Debian has
# "uucp" and the group "proxy" for nobody. Tests don't send as these.

. "$TOP/regress/mta/mta.sh"

MTA_NAME=Postfix
MTA_OWNER=uucp
MTA_SETGID=proxy
PF=$OBJ/mta/postfix		# the unpacked packages
MILTER=$MTA/queue/private/milter.sock
GROUP=$MTA_OWNER
QUEUED='^250 2\.0\.0 Ok: queued as (.*)'
REFUSED=-
SASL_CONF=$MTA/etc/sasl/smtpd.conf
SASL_ROOT=$MTA/queue		# of smtpd, when it asks for a password
SASLDB=$SASL_ROOT/sasldb2

# Returns 1 with the reason in $WHY.
mta_fetch() {
	WHY="needs the accounts $MTA_OWNER and $MTA_SETGID"
	id "$MTA_OWNER" >/dev/null 2>&1 &&
	    getent group "$MTA_SETGID" >/dev/null || return 1
	deb_fetch "$PF" postfix || return 1
	PF_LIBS=$(libraries "$PF")
	WHY="the unpacked Postfix does not run"
	pf_run postconf -d mail_version >/dev/null 2>&1
}

pf_run() {		# PROGRAM of Postfix, ARGUMENT...
	_prog=$1
	shift
	LD_LIBRARY_PATH=$PF_LIBS MAIL_CONFIG=$MTA/etc \
	    "$PF/usr/sbin/$_prog" "$@"
}

mta_conf() {
	cat <<-E
	compatibility_level = 3.6
	queue_directory = $MTA/queue
	data_directory = $MTA/data
	meta_directory = $MTA/etc
	daemon_directory = $PF/usr/lib/postfix/sbin
	shlib_directory = $PF/usr/lib/postfix
	command_directory = $PF/usr/sbin
	import_environment = MAIL_CONFIG TZ LANG=C POSTLOG_SERVICE
	    POSTLOG_HOSTNAME LD_LIBRARY_PATH=$PF_LIBS
	    SASL_PATH=$(sasl_plugins)
	export_environment = MAIL_CONFIG TZ LD_LIBRARY_PATH
	mail_owner = $MTA_OWNER
	setgid_group = $MTA_SETGID
	maillog_file = $MAILLOG
	maillog_file_prefixes = $MTA
	myhostname = mta.test
	mydestination = localhost
	local_transport = virtual
	mynetworks = 127.0.0.0/8 [::1]/128
	inet_interfaces = loopback-only
	inet_protocols = $1
	smtpd_relay_restrictions =
	    permit_mynetworks, permit_auth_destination, reject
	smtpd_recipient_restrictions = check_recipient_access
	    inline:{ { no@rcpt.test = REJECT } }, permit
	# all mail to one Maildir, without a single table or alias file
	alias_maps =
	alias_database =
	local_recipient_maps =
	transport_maps = inline:{ { discard.test = discard: } }
	virtual_mailbox_domains = static:all
	virtual_mailbox_base = $MTA/mail
	virtual_mailbox_maps = static:inbox/
	virtual_uid_maps = static:$(id -u mail)
	virtual_gid_maps = static:$(id -g mail)
	virtual_minimum_uid = 1
	# nothing that could wait for a name server
	disable_dns_lookups = yes
	smtpd_peername_lookup = no
	# not the subject here: limits for one client
	smtpd_client_event_limit_exceptions = static:all
	default_process_limit = 250
	in_flow_delay = 0
	biff = no
	milter_default_action = accept
	smtpd_milters = unix:${MILTER#"$MTA/queue/"}
	non_smtpd_milters = \$smtpd_milters
	E
}

# Returns 1 with the reason in $WHY, 2 if Postfix fails to start.
mta_start() {		# more lines for main.cf
	mta_fetch || return 1
	WHY="no free port"
	PORT=$(free_port) || return 1
	mkdir -p "$MTA/etc" "$MTA/data" "$MTA/queue/pid" "$MTA/mail/inbox/new" \
	    "$MTA/mail/inbox/cur" "$MTA/mail/inbox/tmp"
	for _d in active bounce corrupt defer deferred flush hold incoming \
	    private saved trace maildrop public; do
		mkdir -m 700 "$MTA/queue/$_d"
	done
	# postfix(1) would do this, but wants to be installed
	chown "$MTA_OWNER" "$MTA/data" "$MTA"/queue/[!p]* "$MTA/queue/private"
	chown "$MTA_OWNER:$MTA_SETGID" "$MTA/queue/maildrop" "$MTA/queue/public"
	chmod 730 "$MTA/queue/maildrop"
	chmod 710 "$MTA/queue/public"
	chown -R mail:mail "$MTA/mail"

	_proto=ipv4
	! have_v6 || _proto=all
	mta_conf "$_proto" >"$MTA/etc/main.cf"
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$MTA/etc/main.cf"
	sed '/^#/d; /^smtp  *inet/d; /^maildrop/,$d' \
	    "$PF/usr/share/postfix/master.cf.dist" >"$MTA/etc/master.cf"
	for _l in $(listen_list); do
		_a=${_l%/*}
		_p=$PORT
		[ "$_a" = "$_l" ] || _p=${_l#*/}
		case $_a in
		*:*)	_a="[$_a]" ;;
		esac
		echo "$_a:$_p inet n - y - - smtpd" >>"$MTA/etc/master.cf"
	done

	WHY="Postfix does not start"
	AT_EXIT="mta_stop; $AT_EXIT"
	# A group of its own, for master ends its group; -e: should this test
	# be killed, Postfix goes on its own, $LIFE seconds after its start.
	LD_LIBRARY_PATH=$PF_LIBS MAIL_CONFIG=$MTA/etc setsid \
	    "$PF/usr/lib/postfix/sbin/master" -d -e "${LIFE:-600}" -c "$MTA/etc" \
	    </dev/null >"$T/master.log" 2>&1 &
	MTA_PID=$!
	wait_for grep -q 'daemon started' "$MAILLOG" && return 0
	diag "$(cat "$T/master.log" "$MAILLOG" 2>/dev/null)"
	return 2
}

mta_stop() {
	mta_end "$MTA_PID"
}

mta_auth() {
	chown "$MTA_OWNER" "$SASLDB"
	cat <<-E
	smtpd_tls_security_level = may
	smtpd_tls_cert_file = $KEYS/cert.pem
	smtpd_tls_key_file = $KEYS/key.pem
	smtpd_sasl_auth_enable = yes
	E
}

# It makes no connection.
SUBMITTED=

# As root: for another one it would need a set-group-ID program.
mta_sendmail() {	# USER ARGUMENT...
	shift
	pf_run sendmail "$@"
}

mta_bs() {
	LD_LIBRARY_PATH=$PF_LIBS MAIL_CONFIG=$MTA/etc perl -e "$SMTP" - \
	    "$PF/usr/sbin/sendmail" -bs
}

mta_held() {
	ls "$MTA/queue/hold"
}

mta_header() {		# QUEUE-ID
	pf_run postcat -h -q "$1"
}
