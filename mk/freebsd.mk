# What FreeBSD needs: libevent is a port, and its libmilter takes no "fd:N".
OSCFLAGS = -I/usr/local/include
LDFLAGS = -L/usr/local/lib
BACKENDLIBS = -lcasper -lcap_sysctl
LISTEN = dup
CAPS = none
SYSLOG = bsd
SANDBOX = freebsd
