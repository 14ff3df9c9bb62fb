# What Linux needs: libbsd, libcap and libseccomp; and whether libmilter knows "fd:N".
OSCFLAGS != pkg-config --cflags libbsd-overlay libevent libcap 2>/dev/null || :
BSDLIBS != pkg-config --libs libbsd-overlay libbsd-ctor 2>/dev/null || :
CAPLIBS = -lcap
# With a sanitizer: make SANDBOX=none
SANDBOX = linux
SANDBOXLIBS_linux = -lseccomp
SANDBOXLIBS = $(SANDBOXLIBS_$(SANDBOX))
LISTEN != mk/probe-milter 2>/dev/null || :
