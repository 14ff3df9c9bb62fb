#!/bin/sh
# Completion: both shells know the commands that sysuserctl has, no others; and
# what bash offers behind each of them.

. "$(dirname "$0")/../lib.sh"

need bash
bash=$TOP/dist/completion/sysuserctl
zsh=$TOP/dist/completion/_sysuserctl

# The words that "sysuserctl WORDS" and Tab would show; the last one is begun.
offers() {	# WORD...
	# shellcheck disable=SC2016
	PATH="$T/bin:$PATH" bash -c '
		. "$1"
		shift
		compopt() { :; }	# it wants a real command line
		COMP_WORDS=(sysuserctl "$@") COMP_CWORD=$#
		_sysuserctl
		printf "%s\n" "${COMPREPLY[@]}"' sh "$bash" "$@" |
	    tr '\n' ' ' | sed 's/ *$//'
}

# Somebody is blocked; -s, if it is there, is passed on.
mkdir bin
cat >bin/sysuserctl <<'E2'
#!/bin/sh
[ "$1" = -s ] && { echo "$2" >>asked; shift 2; }
[ "$1" = tables ] && printf '%s\n' '<blocked-now>' '  bob   1000  1d' \
    '  carol 1001' '' 'TABLE           ENTRIES NO ACCOUNT  FILE' \
    '<blocked>             3          1  /etc/x'
E2
chmod +x bin/sysuserctl

verbs=$(sed -n 's/^	{ "\([a-z]*\)",.*verb_.*/\1/p' \
    "$TOP/control/sysuserctl.c" | sort | tr '\n' ' ' | sed 's/ $//')
plan 16
like "$verbs" 'block .* unblock$' 'the commands of sysuserctl'
is "$(offers '')" "-j -s $verbs" 'bash offers them'
is "$(sed -n "s/^		'\\([a-z]*\\):.*/\\1/p" "$zsh" | sort |
    tr '\n' ' ' | sed 's/ $//')" "$verbs" 'zsh has them'
is "$(offers t)" 'tables test top' 'a command that is begun'
is "$(offers -j s)" 'selftest status stop' 'after an option'
is "$(offers -s /run/x.sock u)" unblock 'after an option with an argument'
is "$(offers block roo)" root 'block: users'
is "$(offers block u | tr ' ' '\n' | grep -x uid)" uid '... or uid'
is "$(offers block root '')" for '... then for'
is "$(offers block root for 2)" 2h '... and a time'
is "$(offers unblock '')" 'uid bob carol' 'unblock: who is blocked'
is "$(offers -s /a/b unblock c; cat asked)" "carol/a/b" \
    '... at the socket that was said'
is "$(offers lookup '')" - 'lookup'
is "$(offers test '')" 'cwd exe group program sender uid unit unknown user' \
    'test: its words'
is "$(offers test user root group roo)" root '... and groups'
if command -v zsh >/dev/null; then
	ok 'zsh can read its file' zsh -n "$zsh"
else
	skip 1 'no zsh'
fi
finish
