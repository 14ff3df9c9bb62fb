#!/bin/sh
# The unit under a real systemd, as the first process of a bare Debian: it is
# started, sends mail within its sandbox, is reloaded, and comes back when it
# hangs.

. "$(dirname "$0")/../../lib.sh"
. "$TOP/regress/install/bare.sh"

bare_need
need nsenter
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
cgroup=$cgroups/milter-sysuser-test.$$
[ -n "$cgroups" ] && mkdir "$cgroup" 2>/dev/null ||
    skip_all 'needs a cgroup2 to write to'
AT_EXIT="boot_end; $AT_EXIT"
BOOT=

boot_end() {	# the first process takes all others with it
	[ -z "$BOOT" ] || kill -KILL "$BOOT" 2>/dev/null
	wait_for eval '! grep -q . "$cgroup/cgroup.procs"'
	find "$cgroup" -depth -type d -exec rmdir {} \;
}

bare_package || bail 'no package'
bare_fetch || skip_all 'no bare Debian'
bare_layer
cp "$DEB"/milter-sysuser_*_*.deb up/root
logged online apt-get -qq update && logged online sh -c 'apt-get -qqy \
    --no-install-recommends install postfix netbase perl systemd-sysv dbus \
    /root/milter-sysuser_*.deb' || bail 'not installed'
rm up/usr/sbin/policy-rc.d

# What can be known here without systemd's sandbox.
can() {		# FILE that selftest wrote
	sed -n 's/  *\(yes\|no\)$/ \1/p' "$1"
}
offline timeout 60 sh -c 'milter-sysuser
    until sysuserctl selftest; do sleep 0.1; done' >byhand 2>&1 || diag "$(cat byhand)"

#
# Boot
#
cat >init <<E2
. "$T/layer"
cd "$T/root" || exit 1
ip link set lo up
mount -t proc none proc && mount -t sysfs none sys &&
    mount -t cgroup2 none sys/fs/cgroup || exit 1
for d in run tmp dev; do
	mount -t tmpfs none \$d || exit 1
done
for d in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 dev/\${d%:*} c 1 \${d#*:}
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 none dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . mnt && umount -l /mnt
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target
E2
sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare -mpfinuC --kill-child \
    sh "$2"' sh "$cgroup" "$T/init" </dev/null >boot.log 2>&1 &
holder=$!

first() {	# its pid here; unshare has no other child
	BOOT=$(ps -o pid= --ppid "$holder" | tr -d ' ')
	[ -n "$BOOT" ]
}

in_it() {	# COMMAND...
	nsenter -t "$BOOT" -m -p -i -n -u -C -r -w env -i LC_ALL=C \
	    SYSTEMD_PAGER= PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}

show() {	# PROPERTY
	in_it systemctl show -P "$1" milter-sysuser
}

shows() {	# PROPERTY VALUE
	[ "$(show "$1")" = "$2" ]
}

wait_for first
WAIT=60 wait_for shows ActiveState active
result $? 'it is started' || { diag "$(cat boot.log)"; diag "$(in_it \
    journalctl -u milter-sysuser | tail -n 20)"; plan 1; finish; }
is "$(show StatusText)" 'serving, with /etc/milter-sysuser.conf' \
    'its status'
main=$(show MainPID)
like "$(in_it cat "/proc/$main/status" | grep -E '^(Seccomp|NoNewPrivs):')" \
    '^Seccomp:	2' 'it is in its sandbox'

#
# Mail, in that sandbox
#
in_it sh /root/mail >mail.log 2>&1
result $? 'mail has its tag' || diag "$(cat mail.log)"
like "$(can mail.log)" '^the process: pid, program, exe yes$' \
    'processes are found'
is "$(can mail.log)" "$(can byhand)" 'the sandbox costs nothing of that' &&
    diag "$(can mail.log)"
is "$(in_it nsenter -t "$main" -m sh -c 'touch /etc/x /usr/x /home/x /var/x \
    2>&1' | grep -c 'Read-only')" 4 'it can write to nothing else'

#
# Reload
#
ok 'a reload' in_it systemctl reload milter-sysuser
ok '... is done' wait_for shows StatusText 'configuration loaded'
in_it sh -c 'echo frobnicate >>/etc/milter-sysuser.conf'
in_it systemctl reload milter-sysuser >reload.log 2>&1
is "$?" 1 'one with an error fails'
like "$(in_it journalctl -u milter-sysuser)" \
    'milter-sysuser.conf:[0-9]*: syntax error near "frobnicate"' \
    '... and says why'
is "$(show ActiveState) $(show MainPID)" "active $main" '... to no harm'
in_it sed -i '$d' /etc/milter-sysuser.conf

#
# It hangs, is upgraded, stops
#
in_it sh -c "kill -STOP $main"
WAIT=90 wait_for eval '! shows MainPID "$main" && ! shows MainPID 0 &&
    shows ActiveState active'
result $? 'one that hangs is started again'
like "$(in_it journalctl -u milter-sysuser)" \
    'Watchdog|watchdog' '... by the watchdog' ||
    diag "$(in_it journalctl | grep -i milter-sysuser | tail -n 20)"
main=$(show MainPID)
ok 'it is installed again' logged in_it sh -c \
    'dpkg -i /root/milter-sysuser_*.deb'
ok '... and restarted' eval '! shows MainPID "$main" &&
    shows ActiveState active'
ok 'stop' in_it systemctl stop milter-sysuser
is "$(show ActiveState) $(show Result)" 'inactive success' '... well'
is "$(in_it sh -c 'ls -d /run/milter-sysuser.sock \
    /var/spool/postfix/private/milter-sysuser.sock' 2>/dev/null)" '' \
    '... and no socket is left'
plan "$tests"
finish
