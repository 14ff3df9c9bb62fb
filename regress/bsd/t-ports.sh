#!/bin/sh
# The skeletons of the ports have every program and manual, and scripts that
# are no nonsense.  Nobody has built them on their system yet.

. "$(dirname "$0")/../lib.sh"

cd "$TOP" || exit 1
programs=$(sed -n '/^PROGRAMS =/,/[^\\]$/p' Makefile | grep -o 'obj/[a-z-]*' |
    sed 's,obj/,,')
manuals=$(ls *.[1-8])

has() {		# FILE NAME...; those that it has not
	_f=$1
	shift
	for _n; do
		grep -Eq "(^|[/ ])$_n(\.gz)?$" "$_f" || echo "$_n"
	done
}

# The lines of the port's makefile that have the distribution install its rc
# script, as that system's make would run them.
installs() {	# OS PORT
	WRKSRC=$TOP
	STAGEDIR=$T/$1 WRKINST=$T/$1
	PREFIX=/usr/opt TRUEPREFIX=/usr/opt
	MAKE_CMD="make OS=$1" MAKE_PROGRAM="make OS=$1"
	export WRKSRC STAGEDIR WRKINST PREFIX TRUEPREFIX MAKE_CMD MAKE_PROGRAM
	sed -n '/^	cd /,/[^\\]$/p' "$2/Makefile" |
	    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS sh -e >"$T/make.log" 2>&1
}

need make
plan 14
ok 'there are programs and manuals' test "$(echo $programs $manuals | wc -w)" \
    -ge 9
for os in freebsd openbsd; do
	port=dist/ports/$os
	[ "$os" = freebsd ] && list=$port/pkg-plist || list=$port/pkg/PLIST
	[ "$os" = freebsd ] && rc=usr/opt/etc/rc.d/milter_sysuser ||
	    rc=etc/rc.d/milter_sysuser
	is "$(has "$list" $programs $manuals)" '' "$os: all is in the list"
	ok "$os: the port installs an rc script" installs "$os" "$port" ||
	    diag "$(cat "$T/make.log")"
	is "$(cd "$T/$os" && find . -type f)" "./$rc" '... and nothing else'
	ok '... that is a script' sh -n "$T/$os/$rc"
	ok '... in the list' grep -q '[/}]milter_sysuser$' "$list"
	missing=$(for a in $(sed -n 's/^#*[a-z]* *user "\(_[a-z]*\)".*/\1/p' \
	    dist/milter-sysuser.conf); do
		cat "$port"/[MR]* "$list" | grep -q "\b$a\b" || echo "$a"
	done)
	is "$missing" '' "$os: the accounts of the configuration are made"
done
# With the paths that the programs are built with.
is "$(sed -n 's/.*STATE_DIR[^"]*"\(.*\)"/\1/p' common/freebsd/defaults.h)" \
    "$(sed -n 's/^:.*statedir:=\(.*\)}"/\1/p' dist/rc.freebsd)" \
    'the pid is where rc(8) looks'
finish
