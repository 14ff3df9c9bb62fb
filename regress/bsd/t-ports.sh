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

plan 8
ok 'there are programs and manuals' test "$(echo $programs $manuals | wc -w)" \
    -ge 9
for os in freebsd openbsd; do
	port=dist/ports/$os
	[ "$os" = freebsd ] && list=$port/pkg-plist || list=$port/pkg/PLIST
	[ "$os" = freebsd ] && rc=$port/files/milter-sysuser.in ||
	    rc=$port/pkg/milter_sysuser.rc
	is "$(has "$list" $programs $manuals)" '' "$os: all is in the list"
	ok "$os: the rc script is a script" sh -n "$rc"
	missing=$(for a in $(sed -n 's/^#*[a-z]* *user "\(_[a-z]*\)".*/\1/p' \
	    dist/milter-sysuser.conf); do
		cat "$port"/[MR]* "$list" | grep -q "\b$a\b" || echo "$a"
	done)
	is "$missing" '' "$os: the accounts of the configuration are made"
done
# With the paths that the programs are built with.
is "$(sed -n 's/.*STATE_DIR[^"]*"\(.*\)"/\1/p' common/freebsd/defaults.h)" \
    "$(sed -n 's/^:.*statedir:="\(.*\)"}/\1/p' \
    dist/ports/freebsd/files/milter-sysuser.in)" 'the pid is where rc(8) looks'
finish
