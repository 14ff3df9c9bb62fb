# Sourced by postfix.sh and sendmail.sh: what a test needs of either of them.
# Each gives, besides mta_fetch, mta_start and mta_stop,
#	MTA_NAME
#	QUEUED		what it answers to a message that it takes, a regular
#			expression with the queue id in \1
#	REFUSED		the queue id of what is refused at MAIL FROM, likewise
#	mta_sendmail	sendmail(1) for USER, the message is on stdin
#	SUBMITTED	the line that this makes if USER is games, or nothing
#	mta_bs		an SMTP session with its sendmail -bs, as smtp
#	mta_held	the queue id of each message that is in quarantine
#	mta_header	the header of such a message, from what is in the queue
#	mta_auth	lines for its configuration: STARTTLS with what is in $KEYS,
#			AUTH with $SASLDB and the libraries in $SASL
#	SASLDB		where it can read that; $SASL_ROOT is its / then
#	SASL_CONF	where it looks for what sasl_conf prints
# Whatever it listens on, no@rcpt.test is a recipient that it refuses.

MTA=$T/${MTA_DIR:-mta}
MTA_PID=
INBOX=$MTA/mail/inbox/new	# every message, whoever it is for
MAILLOG=$MTA/maillog
LISTEN=			# where to listen: ADDRESS (at $PORT) or ADDRESS/PORT
KEYS=$MTA/keys
SASL=$OBJ/mta/sasl	# unpacked, what AUTH takes

# Returns 1 with the reason in $WHY.
deb_fetch() {		# DIR below $OBJ, PACKAGE...
	WHY="needs dpkg and apt-get, to unpack $MTA_NAME"
	command -v dpkg >/dev/null && command -v apt-get >/dev/null &&
	    command -v flock >/dev/null || return 1
	WHY="cannot write to $OBJ"
	mkdir -p "$OBJ/mta" || return 1
	(
		# tests in parallel: one fetches, the others wait
		flock 9 && { [ -d "$1" ] || deb_unpack "$@"; }
	) 9>"$OBJ/mta/lock" >"$T/fetch.log" 2>&1
	WHY="could not fetch $MTA_NAME: $(tail -n 1 "$T/fetch.log")"
	[ -d "$1" ]
}

# Packages and those libraries they need that are not installed, without their
# set-user-ID bits. The first try uses apt's own package lists, the second one
# lists of our own: a new machine has none, and old ones name files that are
# gone.
deb_unpack() {		# DIR PACKAGE...
	_dir=$1
	shift
	rm -rf "$_dir.tmp"
	mkdir -p "$_dir.tmp/deb" "$_dir.tmp/lists/partial" "$_dir.tmp/archives" &&
	    cd "$_dir.tmp/deb" || return 1
	_lists=
	deb_download "$@" || { _lists=$_dir.tmp/lists && apt update &&
	    deb_download "$@"; } || return 1
	mkdir "$_dir.tmp/root"
	for _deb in *.deb; do
		dpkg -x "$_deb" "$_dir.tmp/root" || return 1
	done
	find "$_dir.tmp/root" -type f -perm /6000 -exec chmod ug-s {} +
	cd "$T" && mv "$_dir.tmp/root" "$_dir" && rm -rf "$_dir.tmp"
}

deb_download() {	# PACKAGE...
	_debs=$(apt -s install --no-install-recommends "$@" |
	    sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' | grep -v '^libc6')
	# shellcheck disable=SC2086
	apt download "$@" $_debs
}

apt() {			# apt-get, but with its caches and logs in our place
	apt-get -q -o APT::Sandbox::User=root -o Acquire::Languages=none \
	    -o Acquire::http::Timeout=15 -o "Dir::Cache=$_dir.tmp" \
	    -o "Dir::Log=$_dir.tmp" \
	    ${_lists:+-o "Dir::State::Lists=$_lists"} "$@"
}

libraries() {		# DIR; a path for LD_LIBRARY_PATH
	find "$1" -name 'lib*.so*' | sed 's,/[^/]*$,,' | sort -u | tr '\n' :
}

# Where AUTH looks for mechanisms, if it was fetched.
sasl_plugins() {
	find "$SASL" -name libplain.so -exec dirname {} \; 2>/dev/null
}

# What SASL is to do: no other mechanism, no other way to a password.
sasl_conf() {
	cat <<-E
	pwcheck_method: auxprop
	auxprop_plugin: sasldb
	mech_list: PLAIN
	sasldb_path: ${SASLDB#"$SASL_ROOT"}
	E
}

# Not before it is asked for: a test may go on in a namespace of its own.
listen_list() {
	echo "${LISTEN:-127.0.0.1$(have_v6 && echo ' ::1')}"
}

# For the tests: the MTA and a daemon with the rules of stdin, or SKIP.
mta_up() {		# more lines for its configuration
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

# All processes of the MTA are in one group.
mta_end() {
	[ -n "$MTA_PID" ] || return 0
	kill "$@" 2>/dev/null
	wait "$MTA_PID" 2>/dev/null
	wait_for eval '! kill -0 -- "-$MTA_PID"'
	MTA_PID=
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

# The header as the queue has it: without what virtual(8) put on top.
header() {		# FILE
	sed -e '/^$/q' "$1" |
	    sed -E '1,3{/^(Return-Path|X-Original-To|Delivered-To):/d;}'
}

# Replies without the greeting, and without the address that Sendmail puts before
# a text that is about one.
said() {
	sed -E '/^pid /d; /^220 /d; s/^([0-9]+ [0-9.]+) .*\.\.\. /\1 /'
}

queued() {		# FILE of replies; the queue ids in it
	sed -nE "s/$QUEUED/\1/p" "$1"
}

# One SMTP session as USER, a command per line of stdin; prints the replies.
# FROM is the client's own address, if it matters.
SMTP=$(cat "$TOP/regress/mta/smtp.pl")
smtp() {		# USER HOST [FROM]
	as "$1" perl -e "$SMTP" "$2" "$PORT" "${3-}"
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
