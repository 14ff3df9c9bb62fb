#!/bin/sh
# The programs are built as Debian builds its own: nothing of them lies where
# an attacker expects it, and what overflows is noticed.

. "$(dirname "$0")/../lib.sh"
need readelf objdump

programs='milter-sysuser resolver names control milterd sysuserctl'

has() {		# PROGRAM READELF-OPTION EXTENDED-REGEX
	readelf -W "$2" "$OBJ/$1" 2>/dev/null | grep -Eq -e "$3"
}

lacks() {
	! has "$@"
}

# The note of a program says that all of it is: also the start files and the
# libraries, which in Debian 12 are not. Our own part must be in any case.
checks_jumps() {	# PROGRAM
	has "$1" -n 'x86 feature:.*IBT, SHSTK' ||
	    objdump -d --no-show-raw-insn --disassemble=main "$OBJ/$1" |
	    grep -A 1 '<main>:' | grep -q endbr64
}

plan 48
for p in $programs; do
	[ -x "$OBJ/$p" ] || bail "$OBJ/$p: run make"
	ok "$p: position independent" has "$p" -h 'Type:.*DYN'
	ok "$p: and a program, not a library" has "$p" -d 'FLAGS_1.*PIE'
	ok "$p: tables of the linker are read only" has "$p" -l GNU_RELRO
	ok "$p: all of them" has "$p" -d 'BIND_NOW|FLAGS_1.*NOW'
	ok "$p: no stack that can be executed" lacks "$p" -l 'GNU_STACK.*E '
	ok "$p: guarded stack" has "$p" --dyn-syms '__stack_chk_fail'
	ok "$p: checked calls" has "$p" --dyn-syms '__[a-z]+_chk(@| |$)'
	if [ "$(uname -m)" = x86_64 ]; then
		ok "$p: checked jumps" checks_jumps "$p"
	else
		skip 1 'no such protection on this machine'
	fi
done
finish
