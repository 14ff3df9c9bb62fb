#!/bin/sh
# make install and uninstall, with GNU make and bmake, from a copy of the tree
# into a private root: what is there, with which modes, naming which paths.

. "$(dirname "$0")/../lib.sh"

need_root
need make bmake perl
[ "$(uname -s)" = Linux ] || skip_all 'the list of files is that of Linux'
umask 077		# what is installed must not depend on it

# Another PREFIX builds anew; the obj of the other tests is not for that.
mkdir src
(cd "$TOP" && tar -cf - --exclude=./obj --exclude=./.git .) | tar -xf - -C src
mkdir src/obj
for f in milter-sysuser resolver names milterd control sysuserctl parse.c; do
	cp -p "$OBJ/$f" src/obj || bail "$OBJ/$f: run make"
done

files() {	# DIRECTORY: what is there, with modes
	(cd "$1" && find . ! -type d -printf '%m %P\n' | sort -k 2)
}

wanted() {	# PREFIX SYSCONFDIR, without the leading slash
	for f in docker milter-sysuser old-script shared-hosting university; do
		echo "644 $1/share/examples/milter-sysuser/$f.conf"
	done
	for f in CHANGES LICENSE README SECURITY docker.txt old-script.txt \
	    shared-hosting.txt university.txt; do
		echo "644 $1/share/doc/milter-sysuser/$f"
	done
	for f in control milterd names resolver; do
		echo "755 $1/libexec/milter-sysuser/$f"
	done
	cat <<-E2
	755 $1/bin/sysuserctl
	755 $1/sbin/milter-sysuser
	644 $1/share/man/man5/milter-sysuser.conf.5
	644 $1/share/man/man8/milter-sysuser.8
	644 $1/share/man/man8/sysuserctl.8
	644 $1/share/bash-completion/completions/sysuserctl
	644 $1/share/zsh/site-functions/_sysuserctl
	644 $1/lib/systemd/system/milter-sysuser.service
	644 $1/lib/sysusers.d/milter-sysuser.conf
	644 $1/lib/tmpfiles.d/milter-sysuser.conf
	644 $2/milter-sysuser.conf
	E2
}

# As a user would, not as a part of "make check".
run_make() {	# MAKE ARGUMENT...
	_m=$1
	shift
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS "$_m" -C src "$@" \
	    >make.log 2>&1 || { diag "$(tail -n 20 make.log)"; return 1; }
}

#
# Both makes, to the usual place
#
for make in make bmake; do
	ok "$make install" run_make $make install "DESTDIR=$T/root"
	is "$(files root)" "$(wanted usr/local etc | sort -k 2)" \
	    "$make: all is there, and for everybody"
	is "$(find root -type d ! -perm 755)" '' '... the directories as well'
	ok "$make uninstall" run_make $make uninstall "DESTDIR=$T/root"
	is "$(files root)" '' "$make: nothing is left"
	is "$(find root -name '*milter*')" '' '... no directory either'

	run_make $make install "DESTDIR=$T/root"
	echo '# mine' >>root/etc/milter-sysuser.conf
	run_make $make install "DESTDIR=$T/root"
	is "$(tail -n 1 root/etc/milter-sysuser.conf)" '# mine' \
	    "$make: a configuration that is there stays"
	run_make $make uninstall "DESTDIR=$T/root"
	is "$(files root)" '644 etc/milter-sysuser.conf' \
	    "$make: ... when all else goes"
	rm -rf root
done

#
# Elsewhere: what is installed knows
#
chmod 755 src		# nothing below is for others to read, but run
ok 'another prefix, with -j' run_make make -j 2 install \
    "PREFIX=$T/usr" "SYSCONFDIR=$T/etc"
is "$( (cd "$T" && files . | grep -E '^[0-9]+ (usr|etc)/') )" \
    "$(wanted usr etc | sort -k 2)" 'all is there'
usual='[^ "]*(/usr/local/(s?bin|libexec|share/ex)|/etc/milter-sysuser)'
is "$(cd usr && grep -rhoE "$usual" bin sbin libexec lib share/man share/doc \
    share/examples | grep -vx "$T/etc/milter-sysuser" |
    grep -v '^[^/]*/usr/local' | sort -u)" '' 'nothing names the usual place'
is "$("$T/usr/sbin/milter-sysuser" -n 2>&1 | sed "s,^$T/etc/,,; s/:.*//" |
    sort -u | grep -v OK)" milter-sysuser.conf 'which is not the one it reads'

conf_write </dev/null
cp "$CONF" etc/milter-sysuser.conf
chmod 644 etc/milter-sysuser.conf
chmod 755 usr usr/libexec usr/libexec/milter-sysuser
: >"$LOG"
"$T/usr/sbin/milter-sysuser" -d </dev/null >>"$LOG" 2>&1 &
DAEMON=$!
ok 'the daemon starts, with no option' wait_for grep -qx ready "$LOG"
is "$(ps -o args= --ppid "$DAEMON" | cut -d ' ' -f 1 | sort -u)" \
    "$(printf '%s\n' control: milterd: names: resolver: | sort)" \
    'and has all its children' || ps -o args= --ppid "$DAEMON"
is "$(stat -c %a empty state)" "$(printf '%s\n' 755 700)" \
    'its directories do not depend on the umask'
kill "$DAEMON"
wait "$DAEMON"
DAEMON=

#
# The unit, the accounts, the directories
#
unit=usr/lib/systemd/system/milter-sysuser.service
if command -v systemd-analyze >/dev/null; then
	is "$(systemd-analyze verify --man=no "$unit" 2>&1 |
	    grep milter-sysuser)" '' 'systemd understands the unit'
	systemd-analyze security --no-pager --offline=true --threshold=33 \
	    "$unit" >security 2>&1
	result $? 'its exposure is small' || diag "$(cat security)"
else
	skip 2 'no systemd-analyze'
fi
if command -v systemd-sysusers >/dev/null; then
	mkdir -p accounts/etc
	systemd-sysusers --root="$T/accounts" \
	    "$T/usr/lib/sysusers.d/milter-sysuser.conf" >sysusers.log 2>&1
	is "$(sed -n 's/^\(_sysuser[^:]*\):.*nologin$/\1/p' \
	    accounts/etc/passwd | sort)" \
	    "$(sed -n 's/^[a-z ]*user "\(.*\)"$/\1/p' \
	    "$TOP/dist/milter-sysuser.conf" | sort)" \
	    'the accounts of the sample are made, and nobody can log in' ||
	    diag "$(cat sysusers.log)"
else
	skip 1 'no systemd-sysusers'
fi
if command -v systemd-tmpfiles >/dev/null; then
	mkdir -p tmp
	systemd-tmpfiles --create --root="$T/tmp" \
	    "$T/usr/lib/tmpfiles.d/milter-sysuser.conf" >tmpfiles.log 2>&1
	is "$(cd tmp && find . -name 'milter*' -printf '%m %p\n' | sort)" \
	    "$(printf '%s\n' '700 ./var/lib/milter-sysuser' \
	    '755 ./run/milter-sysuser')" 'two directories' ||
	    diag "$(cat tmpfiles.log)"
else
	skip 1 'no systemd-tmpfiles'
fi

#
# Other systems: what can be seen from here
#
for os in freebsd openbsd; do
	rm -rf root
	ok "make install-$os" run_make make install-$os OS=$os \
	    "DESTDIR=$T/root" SBINDIR=/opt/sbin
	script=$(find root -type f)
	like "$os $script" \
	    '^(freebsd root/usr/local|openbsd root)/etc/rc.d/milter_sysuser$' \
	    '... an rc script'
	is "$(stat -c %a "$script") $(grep -c /opt/sbin/milter-sysuser \
	    "$script")" '755 1' '... that starts what is installed'
	case $os in
	freebsd) conf=/usr/local/etc/milter-sysuser.conf ;;
	*)	conf= ;;		# the one that is built in
	esac
	is "$(grep -o '[^ ={\"]*/milter-sysuser\.conf' "$script" | sort -u)" \
	    "$conf" '... with the configuration of that system'
	ok '... is a script' sh -n "$script"
	run_make make uninstall-$os OS=$os "DESTDIR=$T/root"
	is "$(find root -type f)" '' '... and goes again'
done

plan "$tests"
finish
