# Sourced after lib.sh: a private, throw-away Sendmail. Its programs and what
# its configuration is made from are unpacked below $OBJ; a copy of it, its
# configuration, queue and mail live in $T/mta. Nothing is installed and no
# account is made; a Sendmail that is installed and running does not notice.
# sendmail.c answers what it would ask this machine.

. "$TOP/regress/mta/mta.sh"

MTA_NAME=Sendmail
SM=$OBJ/mta/sendmail		# the unpacked packages
SM_OURS=$OBJ/mta/ours.so	# of sendmail.c
SM_CF=$SM/usr/share/sendmail/cf
QUEUED='^250 2\.0\.0 ([^ ]+) Message accepted for delivery$'
REFUSED='[0-9A-Za-z]+'
SASL_CONF=$KEYS/Sendmail.conf
SASL_ROOT=
SASLDB=$KEYS/sasldb2

# Returns 1 with the reason in $WHY.
mta_fetch() {
	WHY="needs m4 and a C compiler"
	command -v m4 >/dev/null && command -v cc >/dev/null || return 1
	deb_fetch "$SM" sendmail-bin sendmail-cf || return 1
	WHY="can't compile regress/mta/sendmail.c"
	(flock 9 && sm_compile) 9>"$OBJ/mta/lock"
}

sm_compile() {
	_src=$TOP/regress/mta/sendmail.c
	[ -e "$SM_OURS" ] && [ -z "$(find "$_src" -newer "$SM_OURS")" ] &&
	    return 0
	cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -fPIC -shared \
	    -o "$SM_OURS.tmp" "$_src" && mv "$SM_OURS.tmp" "$SM_OURS"
}

# The users we send as need not reach $OBJ.
sm_copy() {
	cp "$SM/usr/libexec/sendmail/sendmail" "$SM_OURS" "$MTA/bin" &&
	    find "$SM" -name 'lib*.so*' -exec cp {} "$MTA/bin" \;
}

sm_env() {
	echo "PATH=$PATH LD_LIBRARY_PATH=$MTA/bin" \
	    "LD_PRELOAD=$MTA/bin/ours.so MAILLOG=$MAILLOG"
}

# With what its group may do, as if it were set-group-ID like the installed one.
sm_run() {		# USER ARGUMENT...
	(
		_u=$1
		shift
		# shellcheck disable=SC2046
		cd / && exec setpriv --reuid "$_u" --regid mail --clear-groups \
		    env -i $(sm_env) "$MTA/bin/sendmail" "$@"
	)
}

# The same for the daemon and for the program that submits.
sm_common() {
	cat <<-E
	divert(0)dnl
	define(\`_USE_ETC_MAIL_')dnl
	define(\`MAIL_SETTINGS_DIR', \`$MTA/etc/')dnl
	OSTYPE(\`linux')dnl
	define(\`confSERVICE_SWITCH_FILE', \`$MTA/etc/service.switch')dnl
	define(\`confHOSTS_FILE', \`$MTA/etc/empty')dnl
	define(\`confTO_IDENT', \`0s')dnl
	define(\`confDONT_PROBE_INTERFACES', \`True')dnl
	define(\`confDEF_USER_ID', \`mail:mail')dnl
	define(\`STATUS_FILE', \`$MTA/statistics')dnl
	define(\`HELP_FILE', \`$MTA/etc/empty')dnl
	define(\`confCW_FILE', \`$MTA/etc/empty')dnl
	define(\`confCT_FILE', \`$MTA/etc/empty')dnl
	define(\`confLOG_LEVEL', \`12')dnl
	dnl all of it is below /tmp
	define(\`confDONT_BLAME_SENDMAIL', \`TrustStickyBit,GroupWritableDirPathSafe,RunProgramInUnsafeDirPath')dnl
	dnl whatever else this machine is doing
	define(\`confQUEUE_LA', \`9999')dnl
	define(\`confREFUSE_LA', \`9999')dnl
	define(\`confDELAY_LA', \`0')dnl
	E
}

# All mail to one Maildir. Each message is delivered before the next command of
# its session is heard, so that no process is left behind.
sm_daemon() {		# more lines
	sm_common
	cat <<-E
	define(\`confPID_FILE', \`$MTA/pid')dnl
	define(\`QUEUE_DIR', \`$MTA/queue')dnl
	undefine(\`ALIAS_FILE')dnl
	define(\`confDELIVERY_MODE', \`interactive')dnl
	define(\`confMILTER_LOG_LEVEL', \`9')dnl
	define(\`confBAD_RCPT_THROTTLE', \`0')dnl
	define(\`LOCAL_MAILER_PATH', \`$MTA/bin/deliver')dnl
	define(\`LOCAL_MAILER_ARGS', \`deliver \$u')dnl
	define(\`LOCAL_MAILER_FLAGS', \`n9')dnl
	MODIFY_MAILER_FLAGS(\`LOCAL', \`-w5:/|@m')dnl
	define(\`LOCAL_SHELL_PATH', \`/bin/false')dnl
	FEATURE(\`no_default_msa')dnl
	FEATURE(\`nouucp', \`reject')dnl
	FEATURE(\`accept_unresolvable_domains')dnl
	E
	[ $# -eq 0 ] || printf '%s\n' "$@"
	cat <<-E
	MAILER(\`local')dnl
	LOCAL_CONFIG
	Cwmta.test localhost
	CRrcpt.test
	LOCAL_RULE_0
	R\$+ < @ discard.test > \$*	\$#discard \$: discard
	R\$+ < @ discard.test . > \$*	\$#discard \$: discard
	R\$+ < @ \$* > \$*	\$#local \$: \$1
	R\$+	\$#local \$: \$1
	LOCAL_RULESETS
	SLocal_check_rcpt
	R\$*	\$: \$>canonify \$1
	R\$* < @ rcpt.test . > \$*	\$1 < @ rcpt.test > \$2
	Rno < @ rcpt.test > \$*	\$#error \$@ 5.7.1 \$: "554 refused"
	E
}

sm_submit() {
	sm_common
	cat <<-E
	define(\`confPID_FILE', \`$MTA/submit.pid')dnl
	define(\`MSP_QUEUE_DIR', \`$MTA/clientqueue')dnl
	define(\`confRUN_AS_USER', \`mail:mail')dnl
	define(\`confTRUSTED_USER', \`mail')dnl
	define(\`confDELIVERY_MODE', \`interactive')dnl
	define(\`RELAY_MAILER_ARGS', \`TCP \$h $PORT')dnl
	FEATURE(\`msp', \`[127.0.0.1]')dnl
	E
}

sm_listeners() {
	_n=0
	for _l in $(listen_list); do
		_a=${_l%/*}
		_p=$PORT
		[ "$_a" = "$_l" ] || _p=${_l#*/}
		_family=inet
		case $_a in
		*:*)	_family=inet6 ;;
		esac
		echo "DAEMON_OPTIONS(\`Name=MTA$((_n += 1)), Family=$_family," \
		    "Addr=$_a, Port=$_p, Listen=250')dnl"
	done
}

sm_filter() {
	echo "INPUT_MAIL_FILTER(\`sysuser', \`S=local:$MILTER')dnl"
}

sm_make() {		# NAME; its .mc is on stdin
	cat >"$MTA/etc/$1.mc"
	m4 -D_CF_DIR_="$SM_CF/" "$SM_CF/m4/cf.m4" "$MTA/etc/$1.mc" \
	    >"$MTA/etc/$1.cf"
}

# Returns 1 with the reason in $WHY, 2 if Sendmail fails to start.
mta_start() {		# more lines for its .mc
	mta_fetch || return 1
	WHY="no free port"
	PORT=$(free_port) || return 1
	mkdir -p "$MTA/bin" "$MTA/etc" "$MTA/queue" "$MTA/clientqueue" \
	    "$MTA/mail/inbox/new" "$MTA/mail/inbox/tmp"
	chmod 700 "$MTA/queue"
	chmod 770 "$MTA/clientqueue"
	chown mail:mail "$MTA/clientqueue"
	chown -R mail:mail "$MTA/mail"
	: >"$MTA/etc/empty"
	: >"$MAILLOG"
	chmod 666 "$MAILLOG"
	printf '%s\n' 'hosts files' 'aliases files' 'passwd files' \
	    >"$MTA/etc/service.switch"
	cat >"$MTA/bin/deliver" <<-E
	#!/bin/sh
	cat >"$MTA/mail/inbox/tmp/\$\$" &&
	    mv "$MTA/mail/inbox/tmp/\$\$" "$MTA/mail/inbox/new/\$\$.$(
	    )\$(date +%s%N)"
	E
	chmod 755 "$MTA/bin/deliver"

	WHY="Sendmail can't be made"
	sm_copy || return 2
	sm_daemon "$(sm_listeners)" "$(sm_filter)" "$@" | sm_make sendmail &&
	    sm_submit | sm_make submit || return 2

	WHY="Sendmail does not start"
	AT_EXIT="mta_stop; $AT_EXIT"
	# shellcheck disable=SC2046
	setsid env -i $(sm_env) "$MTA/bin/sendmail" -C "$MTA/etc/sendmail.cf" -bD \
	    </dev/null >"$T/sendmail.log" 2>&1 &
	MTA_PID=$!
	wait_for grep -q 'starting daemon' "$MAILLOG" && return 0
	diag "$(cat "$T/sendmail.log" "$MAILLOG" 2>/dev/null)"
	return 2
}

mta_stop() {
	mta_end -- "-$MTA_PID"
}

# E sets the environment, which it clears otherwise.
mta_auth() {
	cat <<-E
	define(\`confCACERT', \`$KEYS/cert.pem')dnl
	define(\`confCACERT_PATH', \`$KEYS')dnl
	define(\`confSERVER_CERT', \`$KEYS/cert.pem')dnl
	define(\`confSERVER_KEY', \`$KEYS/key.pem')dnl
	define(\`confAUTH_MECHANISMS', \`PLAIN')dnl
	define(\`confTLS_SRV_OPTIONS', \`V')dnl
	LOCAL_CONFIG
	ESASL_PATH=$(sasl_plugins)
	ESASL_CONF_PATH=$KEYS
	divert(0)dnl
	E
}

# It speaks SMTP with the daemon, so there is a connection, and it is USER's.
SUBMITTED='X-Sender-Process-Info: user=games program=sendmail
'
mta_sendmail() {	# USER ARGUMENT...
	_user=$1
	shift
	sm_run "$_user" -C "$MTA/etc/submit.cf" -Ac "$@"
}

mta_bs() {
	# shellcheck disable=SC2046
	perl -e "$SMTP" - env -i $(sm_env) "$MTA/bin/sendmail" \
	    -C "$MTA/etc/sendmail.cf" -Am -bs
}

mta_held() {
	ls "$MTA/queue" | sed -n 's/^hf//p'
}

mta_header() {		# QUEUE-ID
	sed -n '/^H?P?/d; s/^H?[^?]*?//p' "$MTA/queue/hf$1"
}
