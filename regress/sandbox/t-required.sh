#!/bin/sh
# What protects whom is told; what is missing is one warning or, if it is
# required, no start.  The worker of obj/regress/bare was built without.

. "$(dirname "$0")/../lib.sh"

need_root
BARE=$OBJ/regress/bare
[ -x "$BARE/milterd" ] || bail "$BARE/milterd: run make"
plan 20

protection() {		# NAME; its line of the status
	ctl status | awk -v name="$1" '$1 == name { $1 = $1; print }'
}

conf_write </dev/null
daemon_start || bail 'no daemon'
ctl status | awk '$1 == "PROTECTION" { on = 1 } on && !NF { exit } on' >shown
is "$(awk '{ print $1 }' shown | tr '\n' ' ')" 'PROTECTION chroot '\
'capabilities no-new-privs no-core rlimits seccomp landlock landlock-net '\
'landlock-scope ' 'status: all protections'
is "$(head -n 1 shown | tr -s ' ')" \
    'PROTECTION parent resolver names control worker' 'of all processes'
is "$(protection chroot)" 'chroot - yes - yes yes' 'chroot'
is "$(protection capabilities)" 'capabilities yes yes yes yes yes' \
    'capabilities'
is "$(protection no-core)" 'no-core yes yes yes yes yes' 'no-core'
is "$(protection rlimits)" 'rlimits - yes yes yes yes' 'limits'

# What the kernel says of each process is what the status says.
kernel() {		# PID
	sed -n 's/^NoNewPrivs:\t1/no-new-privs/p; s/^Seccomp:\t2/seccomp/p' \
	    "/proc/$1/status" | tr '\n' ' '
}
ctl status | awk '$NF == "running" { print $(NF - 4) }' >all
is "$(while read -r pid; do kernel "$pid"; echo; done <all | sort | uniq -c |
    sed 's/^ *//')" '7 no-new-privs seccomp ' 'as the kernel says'
is "$(while read -r pid; do grep '^Max core' "/proc/$pid/limits"; done <all |
    awk '{ print $5, $6 }' | sort -u)" '0 0' 'no core'
is "$(while read -r pid; do stat -c %u "/proc/$pid/environ"; done <all |
    sort -u)" 0 'and no debugger: not even who has the same uid'
lacks=$(grep -c ' no' shown)
is "$(grep -c '^milter-sysuser: not protected' "$LOG")" \
    "$([ "$lacks" -eq 0 ] || echo 1)$([ "$lacks" -ne 0 ] || echo 0)" \
    'what is missing here is told, if anything is'
# As if it had called something that ends it.
worker=$(ctl status | awk '$1 == "worker" && $2 == 1 { print $3 }')
kill -SYS "$worker"
ok 'a process that the sandbox ends is told of' wait_for grep -q \
    "^milter-sysuser: worker 1 (pid $worker) was ended for a system call" "$LOG"
ok 'the daemon stops' daemon_stop

LIBEXEC=$BARE
daemon_start || bail 'no daemon'
is "$(grep -c '^milter-sysuser: not protected on this system by: ' "$LOG")" 1 \
    'a worker without: one warning'
like "$(cat "$LOG")" '; seccomp of( parent)?( resolver)?( names)?( control)?'\
' worker(;|$)' 'of what and whom'
like "$(protection seccomp)" ' no$' 'the status says so'
is "$(protection chroot)" 'chroot - yes - yes yes' 'and what there is'
like "$(ctl -j status | tr '{' '\n' | grep '"worker 1"')" \
    '"protections":\["chroot","capabilities"\],"unprotected":\["no-new-' \
    'for programs, too'
ok 'the daemon stops' daemon_stop

echo 'sandbox required' | conf_write
timeout 20 "$OBJ/milter-sysuser" -d -L "$BARE" -f "$CONF" </dev/null >out 2>&1
is "$? $(grep -c '^milter-sysuser: not protected on this system by: ' out) $(
    tail -n 1 out)" '1 1 milter-sysuser: start-up failed' \
    'required: it does not start'
LIBEXEC=$OBJ
if [ "$lacks" -eq 0 ]; then
	ok 'but here it does with all of them' daemon_start
else
	skip 1 'this system lacks some'
fi
finish
