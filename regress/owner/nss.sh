# Sourced after lib.sh and proto/milter.sh: a daemon whose NSS asks a directory
# that does what we say (nss.c).  Only the daemon sees it, in a mount namespace
# of its own that ends with it.

CC=${CC:-cc}

nss_need() {
	fake_need
	need "$CC" unshare ldconfig
	[ -f /etc/nsswitch.conf ] && [ -f /etc/ld.so.cache ] ||
	    skip_all 'needs nsswitch.conf and ld.so.cache'
	mkdir nss
	$CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC \
	    -DSAYS="\"$T/says\"" -o nss/libnss_sutest.so.2 \
	    "$TOP/regress/owner/nss.c" || bail 'the module does not compile'
	{
		grep -v '^\(passwd\|group\|initgroups\):' /etc/nsswitch.conf
		echo 'passwd: files sutest'
		echo 'group: files sutest'
	} >nss/nsswitch.conf
	{
		echo "$T/nss"
		cat /etc/ld.so.conf
	} >nss/ld.so.conf
	(cd /etc && ldconfig -X -C "$T/nss/ld.so.cache" -f \
	    "$T/nss/ld.so.conf") 2>/dev/null || skip_all 'no ldconfig'
	chmod -R go+rX nss
	cat >inside <<-E
	#!/bin/sh
	mount --bind "$T/nss/nsswitch.conf" /etc/nsswitch.conf &&
	    mount --bind "$T/nss/ld.so.cache" /etc/ld.so.cache && exec "\$@"
	E
	chmod 755 inside
	say ok
	[ "$(unshare -m "$T/inside" getent passwd 70001 2>&1 |
	    cut -d : -f 1)" = ldap1 ] || skip_all 'can not give NSS a module'
}

say() {			# WORD [ARGUMENT]: what the directory does from now on
	echo "$*" >says.new
	chmod 644 says.new
	mv says.new says
}

# As lib.sh has it, but for the namespace.
daemon_run() {		# CONFIGFILE
	unshare -m "$T/inside" "${PARENT:-$OBJ/milter-sysuser}" -d -L "$LIBEXEC" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

# Port 2000 + N is ldapN's, 1005 games', 1009 news's.  A process of ldap(N + 1)
# has the socket at port 3000 + N.
nss_script() {
	{
		echo '127.0.0.1 1005 uid=5'
		echo '127.0.0.1 1009 uid=9'
		seq 1 199 | while read -r n; do
			echo "127.0.0.1 $((2000 + n)) uid=$((70000 + n))"
			echo "127.0.0.1 $((3000 + n)) uid=$((70000 + n))" \
			    "holder=100/$((70001 + n)) program=p"
		done
	} | fake_script
}

# Who sent it from there, and how long that took: $who and $took.
ask() {			# PORT
	printf '%s\n' quiet time "session 127.0.0.1 $1" message time |
	    milter >ask.out
	who=$(sed -n 's/.*Info: user=\([^ \\]*\).*/\1/p' ask.out)
	took=$(sed -n '/ ms$/{s///p}' ask.out | tail -n 1)
}

user() {		# PORT
	ask "$1"
	echo "$who"
}

soon() {		# NAME PORT: he is known in the end
	wait_for eval "[ \"\$(user $2)\" = \"$1\" ]"
}

# Refused or not?
mail() {		# PORT
	printf '%s\n' "session 127.0.0.1 $1" 'mail <a@example.test>' | milter |
	    sed 's/^mail: 550 .*/refused/; s/^mail: //'
}
