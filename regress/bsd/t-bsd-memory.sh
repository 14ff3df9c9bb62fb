#!/bin/sh
# The backends for the BSDs make no error with memory in all that their unit
# tests ask of them.

. "$(dirname "$0")/../lib.sh"

quiet() {	# COMMAND...
	"$@" >out 2>&1 && return
	diag "$(tail -n 20 out)"
	return 1
}

need valgrind
plan 4
for os in freebsd openbsd; do
	ok "$os: AddressSanitizer" quiet "$OBJ/regress/asan/t-os-$os"
	ok "$os: valgrind" quiet valgrind -q --error-exitcode=9 \
	    "$OBJ/regress/t-os-$os"
done
finish
