# What Linux needs: libbsd and libcap; and whether libmilter knows "fd:N".
OSCFLAGS != pkg-config --cflags libbsd-overlay libevent libcap 2>/dev/null || :
BSDLIBS != pkg-config --libs libbsd-overlay libbsd-ctor 2>/dev/null || :
CAPLIBS = -lcap
LISTEN != mk/probe-milter 2>/dev/null || :
# As Debian builds its own, as far as the compiler and the machine have it.
HARDEN != CC='$(CC)' CFLAGS='$(CFLAGS)' mk/probe-flags \
	-fstack-protector-strong -fstack-clash-protection -fcf-protection \
	'-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2' '-fPIE -pie' \
	-Wl,-z,relro,-z,now
