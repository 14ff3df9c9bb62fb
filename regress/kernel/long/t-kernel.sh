#!/bin/sh
# The connect-time record on other kernels than this one: Debian's own, and the
# one for real time, where the kernel's programs can be preempted. Each runs in
# a machine that is emulated, slowly, and has this one's files to read.

. "$(dirname "$0")/../../lib.sh"
. "$TOP/regress/mta/mta.sh"

need_root
need qemu-system-x86_64 busybox depmod modprobe cpio apt-cache
[ "$(uname -m)" = x86_64 ] || skip_all 'knows kernels for x86_64 only'
TESTS='t-record t-selftest'

# What a kernel is called by whom it depends on it.
package() {		# METAPACKAGE
	apt-cache depends "$1" |
	    awk '$1 == "Depends:" && /linux-image-[0-9]/ { print $2; exit }'
}

# The first files that it sees: busybox, and the modules for all others.
first_files() {		# VERSION
	rm -rf first
	mkdir -p first/bin first/below first/above first/root first/proc \
	    first/sys first/dev first/lib
	cp "$(command -v busybox)" first/bin
	for _c in sh mount insmod mkdir switch_root; do
		ln -s busybox "first/bin/$_c"
	done
	for _m in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$T/root" -S "$1" --show-depends "$_m" || return 1
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	    while read -r _m; do
		cp "$_m" first/lib
		echo "/lib/${_m##*/}"
	done >first/modules
	cp "$TOP/regress/kernel/init" first
	echo "$T" >first/job
	(cd first && find . | cpio -o -H newc) >first.cpio 2>/dev/null
}

kernel() {		# METAPACKAGE
	MTA_NAME=$(package "$1")
	[ -n "$MTA_NAME" ] ||
	    { skip 2 "apt-cache knows no kernel for $1"; return; }
	_version=${MTA_NAME#linux-image-}
	deb_fetch "$OBJ/kernel/$_version" "$MTA_NAME" ||
	    { skip 2 "$WHY"; return; }
	rm -rf root modules
	cp -R "$OBJ/kernel/$_version" root
	depmod -b root "$_version" && first_files "$_version" ||
	    bail "$_version: no modules"
	mv root/lib/modules modules
	timeout -k 5 1500 qemu-system-x86_64 -M q35 -accel tcg -cpu max \
	    -smp 2 -m 2048 -nographic -no-reboot -nic none \
	    -kernel "root/boot/vmlinuz-$_version" -initrd first.cpio \
	    -append 'console=ttyS0 quiet panic=-1' -fsdev \
	    local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
	    -device virtio-9p-pci,fsdev=host,mount_tag=host \
	    </dev/null 2>&1 | tr -d '\r' >console
	like "$(cat console)" "this is $_version$" "$_version: it runs"
	# shellcheck disable=SC2086
	is "$(grep -c '^ok  ' console) $(grep -c '^FAIL' console) $(
	    grep -c 'SKIP no connect-time record' console)" \
	    "$(echo $TESTS | wc -w) 0 0" "$_version: and all tests pass" ||
	    diag "$(tail -n 40 console)"
}

# A tenth of what they do on a quick machine.
cat >job <<J
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
export FLOOD=8000 SPRAY=60 WAIT=100 SLOW=1
ip link set lo up
echo "this is \$(uname -r)"
cd "$TOP"
OBJ=$OBJ regress/run -t 1200 $(for t in $TESTS; do
	echo "regress/owner/$t.sh"
done | tr '\n' ' ')
busybox poweroff -f
J
plan 4
kernel linux-image-amd64
kernel linux-image-rt-amd64
finish
