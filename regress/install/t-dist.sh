#!/bin/sh
# The release is the same bytes whoever packs it, whenever, wherever, and from
# the release itself as well.

. "$(dirname "$0")/../lib.sh"

need tar gzip
tar --version 2>/dev/null | grep -q GNU || skip_all 'needs GNU tar'
version=$(sed -n '1s/ .*//p' "$TOP/CHANGES")
tar=milter-sysuser-$version.tar.gz

if [ -e "$TOP/.git" ] && command -v git >/dev/null; then
	git -C "$TOP" -c safe.directory='*' ls-files
else
	(cd "$TOP" && find . -path ./obj -prune -o -type f -print |
	    sed 's,^\./,,')
fi | sort >files

copy() {	# DIRECTORY
	mkdir "$1"
	tar -C "$TOP" -cf - -T "$T/files" | tar -xf - -C "$1"
}

plan 9
copy one
packs() {	# DIRECTORY
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$1" dist >make.log 2>&1
}

ok 'make dist' packs one
mkdir odd
(
	umask 077
	cd odd || exit 1
	copy two
	find two -exec touch -d '2001-02-03 04:05' {} +
	find two -type f ! -perm -100 -exec chmod 600 {} +
	mkdir two/obj
	echo >two/obj/stray
	TZ=Asia/Tokyo LC_ALL=C.UTF-8 packs two
)
ok 'other times, modes, zone, place: the same bytes' \
    cmp one/obj/"$tar" odd/two/obj/"$tar"
is "$(tar -tzf "one/obj/$tar" | sed "s,^milter-sysuser-$version/,," | sort)" \
    "$(cat files)" 'it is what is under version control'
is "$(tar -tvzf "one/obj/$tar" | awk '{ print $2, $4 }' | sort -u)" \
    "0/0 $(sed -n '1s/.*(\(.*\))/\1/p' "$TOP/CHANGES")" \
    'nobody owns it, and it has the date of CHANGES'
is "$(tar -tvzf "one/obj/$tar" | cut -c1-10 | sort -u | tr '\n' ' ')" \
    '-rw-r--r-- -rwxr-xr-x ' 'and its modes'
tar -xzf "one/obj/$tar"
ok 'make dist in what was unpacked' \
    packs "milter-sysuser-$version"
ok '... makes the same again' \
    cmp "one/obj/$tar" "milter-sysuser-$version/obj/$tar"
is "$(ls one/obj)" "$tar" 'nothing else is left in obj'
like "$(sed -n 1p "$TOP/dist/debian/changelog")" \
    "^milter-sysuser \\($version-[0-9]+\\) " 'the package has this version'
finish
