#!/bin/sh
# A kernel with BPF but without BTF: who opened a connection is looked at first,
# and nobody else is named than by the search.

. "$(dirname "$0")/../lib.sh"

need_root
MATRIX=$OBJ/regress/matrix
[ -x "$MATRIX" ] || bail "$MATRIX: run make"
cat >"$T/plain" <<'E'
#!/bin/sh
mount -t tmpfs none /sys/kernel/btf && exec "$@"
E
chmod 755 "$T/plain"
unshare -m "$T/plain" true 2>/dev/null || skip_all 'can not hide BTF'

# As lib.sh has it, but for the mount namespace.
daemon_run() {		# CONFIGFILE
	unshare -m "$T/plain" "$OBJ/milter-sysuser" -d -L "$OBJ" -f "$1" \
	    </dev/null >>"$LOG" 2>&1 &
	echo $! >"$T/daemon.pid"
	wait $!
	echo $? >"$T/daemon.rc"
}

{
	echo 'backend bpf'
	echo 'record ports any'
} | conf_write
daemon_start || {
	grep -q 'takes no BPF\|no BTF' "$LOG" && skip_all 'no BPF here'
	bail 'no daemon'
}
like "$(cat "$LOG")" 'connect-time record: of open connections only' \
    'the log says what is recorded'
ok 'selftest is content' eval 'ctl selftest >out'
like "$(cat out)" '^who hung up long ago .* no$' 'and knows what is not'
is "$(grep -c '^IPv.* user and process: .* source=bpf$' out)" \
    "$(grep -c '^IPv.* user' out)" 'the record leads to the process'
"$MATRIX" -c "$OBJ/sysuserctl" -s "$CONTROL" -d "$T" -g m >rows.out
rc=$?
cat rows.out
tests=$((tests + $(grep -Ec '^(not )?ok ' rows.out)))
failed=$((failed + rc))
ok 'the daemon stops' daemon_stop
plan "$tests"
finish
