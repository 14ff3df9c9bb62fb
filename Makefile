# milter-sysuser: GNU make and bmake.  See README.

# BSD make goes into obj of its own accord; GNU make passes this over.
.OBJDIR: ./

PREFIX = /usr/local
LIBEXECDIR = $(PREFIX)/libexec/milter-sysuser
SYSCONFDIR = /etc

CC = cc
YACC = yacc
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	-Wmissing-declarations -Wshadow -Wpointer-arith -Wcast-qual \
	-Wsign-compare

OS != uname -s | tr A-Z a-z
include mk/$(OS).mk

COMPILE = $(CC) -std=c11 -D_GNU_SOURCE $(HARDEN) $(CFLAGS) $(WARNINGS) \
	$(OSCFLAGS) -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -Icommon -Icommon/$(OS)
LINK = $(HARDENLINK) $(LDFLAGS) -levent $(BSDLIBS)

# Every program is compiled from its own directory and common, no other.
COMMON = common/addr.c common/answer.c common/caps_$(CAPS).c common/chan.c \
	common/child.c common/clock.c common/confwire.c common/log.c \
	common/msgtab.c \
	common/peer.c common/privdrop.c common/wire.c common/xtext.c
HEADERS = common/log.h common/sysuser.h common/$(OS)/defaults.h \
	common/$(OS)/packet.h
CONFINE = common/sandbox_$(SANDBOX).c

PARENT = parent/ask.c parent/conf.c parent/guard.c parent/listen.c \
	parent/load.c parent/main.c parent/mta.c parent/notify.c parent/peer.c \
	parent/postfix.c parent/proc.c parent/shut_$(SHUT).c parent/state.c \
	parent/watch.c
RESOLVER = resolver/main.c resolver/names_link.c resolver/owner.c \
	resolver/pending.c resolver/resolver.c
NAMES = resolver/names.c resolver/subuid.c
SEARCHER = resolver/linux_cgroup.c resolver/linux_cmdline.c \
	resolver/linux_diag.c resolver/linux_files.c resolver/linux_known.c \
	resolver/linux_proc.c resolver/linux_search.c resolver/os_linux.c
BACKEND_linux = $(RECORDER) $(SEARCHER)
BACKEND_freebsd = resolver/bsd.c resolver/freebsd_ask.c \
	resolver/freebsd_reply.c resolver/os_freebsd.c
BACKEND_openbsd = resolver/bsd.c resolver/os_openbsd.c
BACKEND = $(BACKEND_$(OS))
MILTERD = milterd/address.c \
	milterd/blocked.c milterd/callbacks.c milterd/header.c \
	milterd/link.c milterd/main.c milterd/policy.c milterd/session.c \
	milterd/syslog_$(SYSLOG).c milterd/tryout.c
CONTROL = control/clients.c control/control.c control/ledger.c \
	control/main.c control/tables.c control/workers.c
SYSUSERCTL = control/json.c control/sender.c control/show.c \
	control/sysuserctl.c control/top.c control/words.c

PROGRAMS = obj/milter-sysuser obj/resolver obj/names obj/milterd obj/control \
	obj/sysuserctl

all: $(PROGRAMS)

obj:
	mkdir -p obj

obj/parse.c: parent/parse.y
	mkdir -p obj
	$(YACC) -o $@ parent/parse.y

obj/milter-sysuser: $(PARENT) obj/parse.c obj/paths parent/parent.h \
	parent/postfix.h parent/proc.h $(COMMON) $(CONFINE) $(HEADERS)
	$(COMPILE) -Iparent -o $@ $(PARENT) obj/parse.c $(COMMON) $(CONFINE) \
	    $(LINK) $(CAPLIBS) $(SANDBOXLIBS)

# What runs in the kernel, and what loads it there.
obj/connect.skel.h: resolver/connect.bpf.c resolver/connect.h
	mkdir -p obj
	mk/bpf resolver/connect.bpf.c $@

obj/cgroup.skel.h: resolver/cgroup.bpf.c
	mkdir -p obj
	mk/bpf resolver/cgroup.bpf.c $@

obj/resolver: $(RESOLVER) $(BACKEND) $(SKELETON) resolver/os.h \
	resolver/owner.h resolver/resolver.h $(COMMON) $(CONFINE) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Iresolver -isystem obj -o $@ $(RESOLVER) $(BACKEND) \
	    $(COMMON) $(CONFINE) $(LINK) -lpthread $(CAPLIBS) $(BACKENDLIBS) \
	    $(SANDBOXLIBS)

obj/names: $(NAMES) resolver/names.h $(COMMON) $(CONFINE) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Iresolver -o $@ $(NAMES) $(COMMON) $(CONFINE) $(LINK) \
	    $(CAPLIBS) $(SANDBOXLIBS)

obj/milterd: $(MILTERD) milterd/listen_$(LISTEN).c milterd/milterd.h \
	$(COMMON) $(CONFINE) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Imilterd -o $@ $(MILTERD) milterd/listen_$(LISTEN).c \
	    $(COMMON) $(CONFINE) $(LINK) -lmilter -lpthread $(CAPLIBS) \
	    $(SANDBOXLIBS)

obj/control: $(CONTROL) control/control.h control/ledger.h $(COMMON) \
	$(CONFINE) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Icontrol -o $@ $(CONTROL) $(COMMON) $(CONFINE) $(LINK) \
	    $(CAPLIBS) $(SANDBOXLIBS)

obj/sysuserctl: $(SYSUSERCTL) control/ctl.h $(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Icontrol -o $@ $(SYSUSERCTL) $(COMMON) $(LINK) $(CAPLIBS)

# Tests: see regress/.  deps installs what is missing, if it may.

FAKE = obj/regress/fake
DUP = obj/regress/dup
BARE = obj/regress/bare
NONE = obj/regress/none
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(FAKE)/resolver: $(PROGRAMS) $(RESOLVER) regress/os_fake.c
	mkdir -p $(FAKE)
	ln -sf ../../names ../../control ../../milterd $(FAKE)
	$(COMPILE) -Iresolver -o $@ $(RESOLVER) regress/os_fake.c $(COMMON) \
	    $(CONFINE) $(LINK) $(CAPLIBS) $(SANDBOXLIBS)

$(DUP)/milterd: $(PROGRAMS) $(MILTERD) milterd/listen_dup.c
	mkdir -p $(DUP)
	ln -sf ../../names ../../control ../../resolver $(DUP)
	$(COMPILE) -Imilterd -o $@ $(MILTERD) milterd/listen_dup.c $(COMMON) \
	    $(CONFINE) $(LINK) -lmilter -lpthread $(CAPLIBS) $(SANDBOXLIBS)

$(BARE)/milterd: $(PROGRAMS) $(MILTERD) common/sandbox_none.c
	mkdir -p $(BARE)
	ln -sf ../../names ../../control ../../resolver $(BARE)
	$(COMPILE) -Imilterd -o $@ $(MILTERD) milterd/listen_$(LISTEN).c \
	    $(COMMON) common/sandbox_none.c $(LINK) -lmilter -lpthread \
	    $(CAPLIBS)

# As where there is no libbpf.
$(NONE)/resolver: $(PROGRAMS) $(RESOLVER) $(BACKEND) resolver/bpf_none.c
	mkdir -p $(NONE)
	ln -sf ../../names ../../control ../../milterd $(NONE)
	$(COMPILE) -Iresolver -o $@ $(RESOLVER) $(SEARCHER) \
	    $(RECORDER_bpf_none) $(COMMON) $(CONFINE) $(LINK) -lpthread \
	    $(CAPLIBS) $(SANDBOXLIBS)

obj/regress/record: regress/owner/record.c
	mkdir -p obj/regress
	$(COMPILE) -Werror -o $@ regress/owner/record.c $(LINK)

obj/regress/matrix: regress/owner/matrix.c
	mkdir -p obj/regress
	$(COMPILE) -Werror -o $@ regress/owner/matrix.c $(LINK) -lpthread

obj/regress/churn: regress/owner/churn.c $(COMMON) $(HEADERS)
	mkdir -p obj/regress
	$(COMPILE) -Werror -o $@ regress/owner/churn.c $(COMMON) $(LINK) \
	    $(CAPLIBS)

# A parent that does not let names hang for a minute.
obj/regress/impatient/milter-sysuser: obj/milter-sysuser
	mkdir -p obj/regress/impatient
	$(COMPILE) -Iparent -DNAMES_PATIENCE=2 -o $@ $(PARENT) obj/parse.c \
	    $(COMMON) $(CONFINE) $(LINK) $(CAPLIBS) $(SANDBOXLIBS)

obj/regress/fault/do: regress/fault/do.c
	mkdir -p obj/regress/fault
	$(COMPILE) -Werror -o $@ regress/fault/do.c

# The programs with calls that fail, by the names that the sources know them by.
FAULT = obj/regress/fault
FAULTY = $(COMPILE) -U_FORTIFY_SOURCE -Werror @$(FAULT)/wrap \
	regress/fault/fault.c
FAULTYLIBS = $(COMMON) $(CONFINE) $(LINK) $(CAPLIBS) $(SANDBOXLIBS)

$(FAULT)/milterd: $(PROGRAMS) regress/fault/fault.c
	mkdir -p $(FAULT)
	sed -n -e 's/^FAIL([^,]*, \([a-z_0-9]*\),.*/-Wl,--wrap=\1/p' \
	    -e 's/^__wrap_\([a-z_]*\)(.*/-Wl,--wrap=\1/p' \
	    regress/fault/fault.c >$(FAULT)/wrap
	$(FAULTY) -Iparent -o $(FAULT)/milter-sysuser $(PARENT) obj/parse.c \
	    $(FAULTYLIBS)
	$(FAULTY) -Iresolver -isystem obj -o $(FAULT)/resolver $(RESOLVER) \
	    $(BACKEND) $(FAULTYLIBS) -lpthread $(BACKENDLIBS)
	$(FAULTY) -Iresolver -o $(FAULT)/names $(NAMES) $(FAULTYLIBS)
	$(FAULTY) -Icontrol -o $(FAULT)/control $(CONTROL) $(FAULTYLIBS)
	$(FAULTY) -Icontrol -o $(FAULT)/sysuserctl $(SYSUSERCTL) $(FAULTYLIBS)
	$(FAULTY) -Imilterd -o $@ $(MILTERD) milterd/listen_$(LISTEN).c \
	    $(FAULTYLIBS) -lmilter -lpthread

regress-programs: $(FAKE)/resolver $(DUP)/milterd $(BARE)/milterd \
	$(NONE)/resolver obj/parse.c obj/regress/matrix obj/regress/churn \
	obj/regress/record $(FAULT)/do $(FAULT)/milterd \
	obj/regress/impatient/milter-sysuser
	COMPILE='$(COMPILE)' LINK='$(LINK) $(CAPLIBS)' regress/build
	OUT=obj/regress/asan COMPILE='$(COMPILE) $(SANITIZE)' \
	    LINK='$(LINK) $(CAPLIBS)' regress/build \
	    regress/unit/t-os-freebsd.c regress/unit/t-os-openbsd.c
	for os in freebsd openbsd; do \
		dir=obj/regress/bsd/$$os; \
		test $$dir/resolver -nt obj/regress/t-os-$$os && continue; \
		ln -sf ../../../names ../../../control ../../../milterd $$dir; \
		$(COMPILE) -Werror -Iresolver -Iregress/bsd -o $$dir/resolver \
		    $(RESOLVER) $$dir/*.o regress/bsd/kernel.c \
		    common/sandbox_none.c \
		    $(COMMON:common/caps_linux.c=common/caps_none.c) \
		    $(LINK) || exit 1; \
	done

check:
	regress/deps check
	$(MAKE) regress-programs
	regress/run -j 2 obj/regress/t-* regress/*/t-*.sh

# A million lookups instead of some thousand, and each call that can fail; under
# sanitizers; and the Debian package.
check-long: check check-sanitize
	regress/deps deb
	regress/run -t 1200 regress/install/long/t-*.sh
	regress/deps kernel
	regress/run -t 3600 regress/kernel/long/t-*.sh
	FAULTS=3000 regress/run -t 7200 regress/fault/t-fault-start.sh \
	    regress/fault/t-fault-lookup.sh regress/fault/t-fault-message.sh \
	    regress/fault/t-fault-ctl.sh regress/fault/t-fault-reload.sh \
	    regress/fault/t-fault-restart.sh
	LOOKUPS=1000000 regress/run -t 3600 regress/owner/t-churn.sh

# Mail for an hour while everything else happens; a short one is in check.
MINUTES = 60
soak:
	regress/deps check
	$(MAKE) regress-programs
	MINUTES=$(MINUTES) regress/run -v -t $$(($(MINUTES) * 60 + 900)) \
	    regress/soak/t-soak.sh

# With programs that notice what they do wrong.
check-sanitize: $(PROGRAMS)
	regress/deps sanitize
	$(MAKE) $(FAKE)/resolver
	regress/check/sanitize address
	regress/check/sanitize thread
	regress/check/sanitize valgrind

# Never part of check.  regress/bench/run says what a size is.
SIZES = 100 1000 10000
BENCH = regress/bench/client.c regress/bench/command.c regress/bench/load.c \
	regress/bench/lookups.c regress/bench/worker.c

obj/regress/bench/lookups: $(BENCH) regress/bench/bench.h $(BACKEND) \
	$(SKELETON) resolver/owner.c resolver/os.h resolver/owner.h \
	$(COMMON) $(HEADERS)
	mkdir -p obj/regress/bench
	$(COMPILE) -Werror -Iresolver -isystem obj -o $@ $(BENCH) $(BACKEND) \
	    resolver/owner.c $(COMMON) $(LINK) $(CAPLIBS) $(BACKENDLIBS)

obj/regress/bench/empty: regress/bench/empty.c
	mkdir -p obj/regress/bench
	$(COMPILE) -Werror -o $@ regress/bench/empty.c $(LINK) -lmilter \
	    -lpthread

obj/regress/bench/connect: regress/bench/connect.c $(COMMON) $(HEADERS)
	mkdir -p obj/regress/bench
	$(COMPILE) -Werror -o $@ regress/bench/connect.c $(COMMON) $(LINK) \
	    $(CAPLIBS)

bench: $(PROGRAMS) obj/regress/bench/lookups obj/regress/bench/empty \
	obj/regress/bench/connect
	regress/bench/run $(SIZES)

# Every file of that system's build; make OS=freebsd syntax works elsewhere.
syntax: obj/parse.c $(SKELETON)
	COMPILE='$(COMPILE)' regress/syntax $(OS) $(PARENT) obj/parse.c \
	    $(RESOLVER) $(BACKEND) $(NAMES) $(MILTERD) \
	    milterd/listen_$(LISTEN).c $(CONTROL) $(SYSUSERCTL) $(COMMON) \
	    $(CONFINE)

# Each decoder for TIME seconds, or those in FUZZ; needs clang.  What crashes
# is kept in obj/fuzz, and becomes a unit test.
TIME = 60
FUZZ =
FUZZFLAGS = -O1 -g -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined

fuzz-programs: obj/parse.c
	OUT=obj/fuzz DRIVER= COMPILE='$(COMPILE)' LINK='$(LINK) $(CAPLIBS)' \
	    regress/build regress/fuzz/fuzz-*.c

fuzz:
	regress/deps fuzz
	$(MAKE) CC=clang CFLAGS='$(FUZZFLAGS)' HARDEN= fuzz-programs
	regress/fuzz/run $(TIME) $(FUZZ)

demo:
	regress/deps build
	$(MAKE) all
	regress/demo

# What the compilers' analyzers find, and how much the tests reach.
analyze: obj/parse.c $(SKELETON)
	regress/deps analyze
	COMPILE='$(COMPILE)' regress/check/analyze

coverage:
	regress/deps coverage
	regress/check/coverage

lint:
	mandoc -Tlint -W warning milter-sysuser.8 milter-sysuser.conf.5 \
	    sysuserctl.8

clean:
	rm -rf obj

include mk/install.mk

.PHONY: all regress-programs check check-long check-sanitize soak bench \
	syntax fuzz-programs fuzz demo analyze coverage lint clean
