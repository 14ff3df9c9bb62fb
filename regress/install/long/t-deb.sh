#!/bin/sh
# The Debian package: it is built, lintian has nothing to say, and in a bare
# Debian below obj/ it is installed, sends mail, is upgraded and purged. What is
# done there is seen by nobody: own mounts, own processes, own network.

. "$(dirname "$0")/../../lib.sh"
. "$TOP/regress/install/bare.sh"

bare_need
need lintian

#
# Build
#
bare_package
result $? 'the package is built' || { plan 1; finish; }
is "$(lintian --allow-root --fail-on none "$DEB"/*.changes 2>&1)" '' \
    'lintian has nothing to say'
is "$("$TOP/regress/deps" list | tr ' ' '\n' |
    grep -vxE 'make|gcc|libc6-dev' | while read -r p; do
	grep -qw -- "$p" "$TOP/dist/debian/control" || echo "$p"
done)" '' 'it names all that is needed to build'
cp "$DEB"/milter-sysuser_*_*.deb new.deb
is "$(dpkg-deb -f new.deb Version)" \
    "$(sed -n '1s/ .*//p' "$TOP/CHANGES")-1" 'it is the version of CHANGES'

# The same again, as if it were the next one.
dpkg-deb -R new.deb next
sed -i 's/^Version: .*/&+next/' next/DEBIAN/control
logged dpkg-deb -b next next.deb

bare_fetch || { skip 1 'no bare Debian'; plan "$tests"; finish; }
bare_layer
cp new.deb next.deb up/root

#
# Install
#
ok 'its lists of packages' logged online apt-get -qq update
ok 'it is installed, with Postfix' logged online apt-get -qqy \
    --no-install-recommends install postfix netbase perl /root/new.deb
is "$(grep -c '^_sysuser.*nologin$' up/etc/passwd)" 3 'it has its accounts'
ok 'it is enabled' test -L \
    up/etc/systemd/system/multi-user.target.wants/milter-sysuser.service
is "$(online dpkg-query -W -f '${Conffiles}\n' milter-sysuser |
    awk 'NF { print $1 }')" /etc/milter-sysuser.conf 'it has one conffile'
like "$(offline milter-sysuser -n 2>&1)" 'configuration OK' \
    'its configuration suits this Postfix'

#
# Mail
#
offline sh /root/mail >mail.log 2>&1
result $? 'the three lines of README, and mail has its tag' ||
    diag "$(cat mail.log)"
diag "$(grep '^X-Sender' mail.log)"

#
# Upgrade, remove, purge
#
echo '# mine' >>up/etc/milter-sysuser.conf
echo kept >up/var/lib/milter-sysuser/kept
ok 'it is upgraded' logged online dpkg -i /root/next.deb
is "$(online dpkg-query -W -f '${Version}' milter-sysuser)" \
    "$(dpkg-deb -f next.deb Version)" '... to the next version'
is "$(tail -n 1 up/etc/milter-sysuser.conf)" '# mine' \
    '... and what was changed stays'
ok 'it is removed' logged online dpkg -r milter-sysuser
is "$(tail -n 1 up/etc/milter-sysuser.conf)$(
    cat up/var/lib/milter-sysuser/kept)" '# minekept' \
    '... and keeps its configuration and its state'
ok 'it is purged' logged online dpkg -P milter-sysuser
is "$(online find / -xdev '(' -path /root -o -path /proc ')' -prune -o \
    -name '*milter-sysuser*' -print -o -name '*sysuserctl*' -print)" '' \
    '... and nothing of it is left'
plan "$tests"
finish
