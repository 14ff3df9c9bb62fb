# What OpenBSD needs: libmilter is a port, and takes no "fd:N".
OSCFLAGS = -I/usr/local/include
LDFLAGS = -L/usr/local/lib
LISTEN = dup
CAPS = none
SHUT = bsd
SYSLOG = bsd
SANDBOX = openbsd
