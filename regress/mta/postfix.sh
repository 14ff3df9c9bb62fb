# Sourced after lib.sh: a private, throw-away Postfix as Debian sets it up
# (smtpd and cleanup in a chroot). Its programs are unpacked below $OBJ, its
# configuration, queue and mail live in $T/mta. Nothing is installed; a Postfix
# that is installed and running does not notice.
#
# No account is made either: Postfix insists on two of its own, and Debian has
# "uucp" and the group "proxy" for nobody. Tests don't send as these.

MTA=$T/mta
MTA_OWNER=uucp
MTA_SETGID=proxy
MTA_PID=
PF=$OBJ/mta/postfix		# the unpacked packages
INBOX=$MTA/mail/inbox/new	# every message, whoever it is for
MAILLOG=$MTA/maillog
MILTER=$MTA/queue/private/milter.sock
GROUP=$MTA_OWNER

# Returns 1 with the reason in $WHY.
mta_fetch() {
	WHY="needs dpkg and apt-get, to unpack a Postfix"
	command -v dpkg >/dev/null && command -v apt-get >/dev/null &&
	    command -v flock >/dev/null || return 1
	WHY="needs the accounts $MTA_OWNER and $MTA_SETGID"
	id "$MTA_OWNER" >/dev/null 2>&1 &&
	    getent group "$MTA_SETGID" >/dev/null || return 1
	WHY="cannot write to $OBJ"
	mkdir -p "$OBJ/mta" || return 1
	(
		# tests in parallel: one fetches, the others wait
		flock 9 && { [ -d "$PF" ] || mta_unpack; }
	) 9>"$OBJ/mta/lock" >"$T/fetch.log" 2>&1
	WHY="could not fetch Postfix: $(tail -n 1 "$T/fetch.log")"
	[ -d "$PF" ] || return 1
	PF_LIBS=$(find "$PF" -name 'lib*.so*' | sed 's,/[^/]*$,,' | sort -u |
	    tr '\n' :)
	WHY="the unpacked Postfix does not run"
	pf_run postconf -d mail_version >/dev/null 2>&1
}

# Postfix and those libraries it needs that are not installed. The first try
# uses apt's own package lists, the second one lists of our own: a new machine
# has none, and old ones name files that are gone.
mta_unpack() {
	rm -rf "$PF.tmp"
	mkdir -p "$PF.tmp/deb" "$PF.tmp/lists/partial" "$PF.tmp/archives" &&
	    cd "$PF.tmp/deb" || return 1
	mta_download || { apt -o "Dir::State::Lists=$PF.tmp/lists" update &&
	    mta_download -o "Dir::State::Lists=$PF.tmp/lists"; } || return 1
	mkdir "$PF.tmp/root"
	for _deb in *.deb; do
		dpkg -x "$_deb" "$PF.tmp/root" || return 1
	done
	cd "$T" && mv "$PF.tmp/root" "$PF" && rm -rf "$PF.tmp"
}

mta_download() {	# OPTION...
	_debs=$(apt -s "$@" install --no-install-recommends postfix |
	    sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' | grep -v '^libc6')
	# shellcheck disable=SC2086
	apt "$@" download postfix $_debs
}

apt() {			# apt-get, but with its caches and logs in our place
	apt-get -q -o APT::Sandbox::User=root -o Acquire::Languages=none \
	    -o Acquire::http::Timeout=15 -o "Dir::Cache=$PF.tmp" \
	    -o "Dir::Log=$PF.tmp" "$@"
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
	export_environment = MAIL_CONFIG TZ LD_LIBRARY_PATH
	mail_owner = $MTA_OWNER
	setgid_group = $MTA_SETGID
	maillog_file = $MAILLOG
	maillog_file_prefixes = $MTA
	myhostname = mta.test
	mydestination =
	mynetworks = 127.0.0.0/8 [::1]/128
	inet_interfaces = loopback-only
	inet_protocols = $1
	smtpd_relay_restrictions =
	    permit_mynetworks, permit_auth_destination, reject
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

	_listen=127.0.0.1:$PORT _proto=ipv4
	have_v6 && _listen="$_listen [::1]:$PORT" _proto=all
	mta_conf "$_proto" >"$MTA/etc/main.cf"
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$MTA/etc/main.cf"
	sed '/^#/d; /^smtp  *inet/d; /^maildrop/,$d' \
	    "$PF/usr/share/postfix/master.cf.dist" >"$MTA/etc/master.cf"
	for _l in $_listen; do
		echo "$_l inet n - y - - smtpd" >>"$MTA/etc/master.cf"
	done

	WHY="Postfix does not start"
	AT_EXIT="mta_stop; $AT_EXIT"
	# A group of its own, for master ends its group; -e: should this test
	# be killed, Postfix goes on its own.
	LD_LIBRARY_PATH=$PF_LIBS MAIL_CONFIG=$MTA/etc setsid \
	    "$PF/usr/lib/postfix/sbin/master" -d -e 600 -c "$MTA/etc" \
	    </dev/null >"$T/master.log" 2>&1 &
	MTA_PID=$!
	wait_for grep -q 'daemon started' "$MAILLOG" && return 0
	diag "$(cat "$T/master.log" "$MAILLOG" 2>/dev/null)"
	return 2
}

mta_stop() {
	[ -n "$MTA_PID" ] || return 0
	kill "$MTA_PID" 2>/dev/null
	wait "$MTA_PID" 2>/dev/null
	wait_for eval '! kill -0 -- "-$MTA_PID"'	# all of its group
	MTA_PID=
}

# For the tests: Postfix and a daemon with the rules of stdin, or SKIP.
mta_up() {		# more lines for main.cf
	need_root
	need perl
	_rules=$(cat)
	mta_start "$@"
	case $? in
	1)	skip_all "$WHY" ;;
	2)	bail "$WHY" ;;
	esac
	printf '%s\n' "$_rules" | conf_write
	daemon_start || exit 1
}

mail_count() {
	ls "$INBOX" | wc -l
}

mail_wait() {		# COUNT messages delivered
	wait_for eval "[ \$(mail_count) -ge $1 ]"
}

# The file of the one message with that subject; waits for it.
mail_find() {		# SUBJECT
	wait_for grep -Fqrx "Subject: $1" "$INBOX"
	grep -Flrx "Subject: $1" "$INBOX"
}

# The header as Postfix's queue has it: without what virtual(8) put on top.
header() {		# FILE
	sed -e '/^$/q' "$1" |
	    sed -E '1,3{/^(Return-Path|X-Original-To|Delivered-To):/d;}'
}

# One SMTP session as USER, a command per line of stdin; prints the replies.
SMTP=$(cat "$TOP/regress/mta/smtp.pl")
smtp() {		# USER HOST
	as "$1" perl -e "$SMTP" "$2" "$PORT"
}

# The same, by a program that few would call a mail client.
smtp_bash() {		# USER HOST
	# shellcheck disable=SC2016
	as "$1" bash -c '
		reply() {
			IFS= read -r line <&3 && echo "${line%?}"
		}
		exec 3<>"/dev/tcp/$0/$1" && reply || exit 1
		data=
		while IFS= read -r command; do
			printf "%s\r\n" "$command" >&3
			[ "$command" != . ] || data=
			[ "$data" ] || reply || exit 1
			[ "$command" != DATA ] || data=1
		done' "$2" "$PORT"
}

# The commands for one message; SUBJECT also is the local part of the sender.
message() {		# SUBJECT [HEADERLINE...]
	_s=$1
	shift
	printf '%s\n' "MAIL FROM:<$_s@sender.test>" 'RCPT TO:<box@rcpt.test>' \
	    DATA "Subject: $_s" "$@" '' "This is $_s." .
}
