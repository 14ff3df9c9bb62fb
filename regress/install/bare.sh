# Sourced after lib.sh: a bare Debian below $OBJ, made once by debootstrap, and
# the package in it. Each test works on a layer above it, with its own mounts
# and processes; nobody else sees what is done there.

BARE=$OBJ/debian
DEB=$TOP/obj/deb

logged() {	# COMMAND...; its words only if it fails
	"$@" >step.log 2>&1 || { diag "$(tail -n 40 step.log)"; return 1; }
}

bare_need() {
	need_root
	need debootstrap dpkg-buildpackage unshare chroot ip
	unshare -mnpf true 2>/dev/null || skip_all 'no namespaces'
}

bare_package() {	# builds it
	logged env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS "$TOP/mk/deb"
}

bare_fetch() {	# this machine's release, from where its packages come
	[ ! -e "$BARE/done" ] || return 0
	rm -rf "$BARE"
	mkdir -p "$BARE"
	_release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016
	_mirror=$(apt-get indextargets --format '$(REPO_URI)' \
	    'Created-By: Packages' "Codename: $_release" | head -n 1)
	logged debootstrap --variant=minbase "$_release" "$BARE/root" \
	    "$_mirror" && : >"$BARE/done"
}

bare_layer() {
	mkdir up work root
	cat >layer <<-E2
	mount -t overlay -o "lowerdir=$BARE/root,upperdir=$T/up,workdir=$T/work" \
	    none "$T/root" || exit 1
	E2
	cat >enter <<-E2
	. "$T/layer"
	mount -t proc none "$T/root/proc" && mount -t sysfs none "$T/root/sys" ||
	    exit 1
	mount -t cgroup2 none "$T/root/sys/fs/cgroup" 2>/dev/null
	exec chroot "$T/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    LC_ALL=C HOME=/root DEBIAN_FRONTEND=noninteractive "\$@"
	E2
	# Nothing is started by being installed.
	mkdir -p up/usr/sbin up/root
	printf '#!/bin/sh\nexit 101\n' >up/usr/sbin/policy-rc.d
	chmod 755 up/usr/sbin/policy-rc.d up up/usr up/usr/sbin
	chmod 700 up/root
	cp "$TOP/dist/debian/tests/mail" up/root
}

online() {	# COMMAND... in there, with this host's network
	unshare -mpf --kill-child sh "$T/enter" "$@" </dev/null
}

offline() {	# COMMAND... in there, with a network that has only lo
	unshare -mnpf --kill-child sh -c 'ip link set lo up && exec "$@"' sh \
	    sh "$T/enter" "$@" </dev/null
}
