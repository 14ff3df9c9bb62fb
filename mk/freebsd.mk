# What FreeBSD needs: libevent is a port, and its libmilter takes no "fd:N".
SYSCONFDIR = $(PREFIX)/etc
OSCFLAGS = -I/usr/local/include
LDFLAGS = -L/usr/local/lib
BACKENDLIBS = -lcasper -lcap_sysctl
LISTEN = dup
CAPS = none
SHUT = bsd
SYSLOG = bsd
SANDBOX = freebsd
