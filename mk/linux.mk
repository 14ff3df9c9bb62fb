# What Linux needs: libbsd, libcap and libseccomp; and whether libmilter knows "fd:N".
OSCFLAGS != pkg-config --cflags libbsd-overlay libevent libcap 2>/dev/null || :
BSDLIBS != pkg-config --libs libbsd-overlay libbsd-ctor 2>/dev/null || :
CAPLIBS = -lcap
# With a sanitizer: make SANDBOX=none
SANDBOX = linux
SANDBOXLIBS_linux = -lseccomp
SANDBOXLIBS = $(SANDBOXLIBS_$(SANDBOX))
LISTEN != mk/probe-milter 2>/dev/null || :
CAPS = linux
SHUT = linux
SYSLOG = linux

# The connect-time record, where it can be built.
RECORD != mk/probe-bpf 2>/dev/null || :
RECORDER_bpf = resolver/bpf.c resolver/bpf_cgroup.c
RECORDER_bpf_none = resolver/bpf_none.c
RECORDER = $(RECORDER_$(RECORD))
SKELETON_bpf = obj/cgroup.skel.h obj/connect.skel.h
SKELETON = $(SKELETON_$(RECORD))
BACKENDLIBS_bpf = -lbpf
BACKENDLIBS = $(BACKENDLIBS_$(RECORD))

# As Debian builds its own, as far as the compiler and the machine have it.
HARDEN != CC='$(CC)' CFLAGS='$(CFLAGS)' mk/probe-flags \
	-fstack-protector-strong -fstack-clash-protection -fcf-protection \
	'-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2' -fPIE
HARDENLINK != CC='$(CC)' CFLAGS='$(CFLAGS)' mk/probe-flags '-fPIE -pie' \
	-Wl,-z,relro,-z,now
