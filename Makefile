# milter-sysuser: GNU make and bmake.  See README.

# BSD make goes into obj of its own accord; GNU make passes this over.
.OBJDIR: ./

PREFIX = /usr/local
LIBEXECDIR = $(PREFIX)/libexec/milter-sysuser

CC = cc
YACC = yacc
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	-Wmissing-declarations -Wshadow -Wpointer-arith -Wcast-qual \
	-Wsign-compare

OS != uname -s | tr A-Z a-z
include mk/$(OS).mk

COMPILE = $(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARNINGS) $(OSCFLAGS) \
	-DLIBEXECDIR='"$(LIBEXECDIR)"' -Icommon
LINK = $(LDFLAGS) -levent $(BSDLIBS)

# Every program is compiled from its own directory and common, no other.
COMMON = common/addr.c common/answer.c common/caps_$(OS).c common/chan.c \
	common/child.c common/clock.c common/confwire.c common/log.c common/msgtab.c \
	common/peer.c common/privdrop.c common/wire.c common/xtext.c
HEADERS = common/log.h common/sysuser.h

PARENT = parent/ask.c parent/conf.c parent/listen.c parent/load.c \
	parent/main.c parent/mta.c parent/peer.c parent/proc.c parent/state.c
RESOLVER = resolver/main.c resolver/names_link.c resolver/owner.c \
	resolver/pending.c resolver/resolver.c
NAMES = resolver/names.c resolver/subuid.c
BACKEND_linux = resolver/linux_cgroup.c resolver/linux_cmdline.c \
	resolver/linux_diag.c resolver/linux_files.c resolver/linux_known.c \
	resolver/linux_proc.c resolver/linux_search.c resolver/os_linux.c
BACKEND = $(BACKEND_$(OS))
MILTERD = milterd/blocked.c milterd/callbacks.c milterd/header.c \
	milterd/link.c milterd/main.c milterd/policy.c milterd/session.c \
	milterd/syslog_$(OS).c milterd/tryout.c
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

obj/milter-sysuser: $(PARENT) obj/parse.c parent/parent.h parent/proc.h \
	$(COMMON) $(HEADERS)
	$(COMPILE) -Iparent -o $@ $(PARENT) obj/parse.c $(COMMON) $(LINK) \
	    $(CAPLIBS)

obj/resolver: $(RESOLVER) $(BACKEND) resolver/os.h resolver/owner.h \
	resolver/resolver.h $(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Iresolver -o $@ $(RESOLVER) $(BACKEND) $(COMMON) $(LINK) \
	    -lpthread $(CAPLIBS)

obj/names: $(NAMES) resolver/names.h $(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Iresolver -o $@ $(NAMES) $(COMMON) $(LINK) $(CAPLIBS)

obj/milterd: $(MILTERD) milterd/listen_$(LISTEN).c milterd/milterd.h \
	$(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Imilterd -o $@ $(MILTERD) milterd/listen_$(LISTEN).c \
	    $(COMMON) $(LINK) -lmilter -lpthread $(CAPLIBS)

obj/control: $(CONTROL) control/control.h control/ledger.h $(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Icontrol -o $@ $(CONTROL) $(COMMON) $(LINK) $(CAPLIBS)

obj/sysuserctl: $(SYSUSERCTL) control/ctl.h $(COMMON) $(HEADERS)
	mkdir -p obj
	$(COMPILE) -Icontrol -o $@ $(SYSUSERCTL) $(COMMON) $(LINK) $(CAPLIBS)

# Tests: see regress/.  deps installs what is missing, if it may.

FAKE = obj/regress/fake
DUP = obj/regress/dup

$(FAKE)/resolver: $(PROGRAMS) $(RESOLVER) regress/os_fake.c
	mkdir -p $(FAKE)
	ln -sf ../../names ../../control ../../milterd $(FAKE)
	$(COMPILE) -Iresolver -o $@ $(RESOLVER) regress/os_fake.c $(COMMON) \
	    $(LINK) $(CAPLIBS)

$(DUP)/milterd: $(PROGRAMS) $(MILTERD) milterd/listen_dup.c
	mkdir -p $(DUP)
	ln -sf ../../names ../../control ../../resolver $(DUP)
	$(COMPILE) -Imilterd -o $@ $(MILTERD) milterd/listen_dup.c $(COMMON) \
	    $(LINK) -lmilter -lpthread $(CAPLIBS)

obj/regress/matrix: regress/owner/matrix.c
	mkdir -p obj/regress
	$(COMPILE) -Werror -o $@ regress/owner/matrix.c $(LINK) -lpthread

obj/regress/churn: regress/owner/churn.c $(COMMON) $(HEADERS)
	mkdir -p obj/regress
	$(COMPILE) -Werror -o $@ regress/owner/churn.c $(COMMON) $(LINK) \
	    $(CAPLIBS)

regress-programs: $(FAKE)/resolver $(DUP)/milterd obj/parse.c \
	obj/regress/matrix obj/regress/churn
	COMPILE='$(COMPILE)' LINK='$(LINK) $(CAPLIBS)' regress/build

check:
	regress/deps check
	$(MAKE) regress-programs
	regress/run obj/regress/t-* regress/*/t-*.sh

# A million lookups instead of some thousand.
check-long: check
	LOOKUPS=1000000 regress/run -t 3600 regress/owner/t-churn.sh

# Never part of check.  regress/bench/run says what a size is.
SIZES = 100 1000 10000
BENCH = regress/bench/client.c regress/bench/command.c regress/bench/load.c \
	regress/bench/lookups.c regress/bench/worker.c

obj/regress/bench/lookups: $(BENCH) regress/bench/bench.h $(BACKEND) \
	resolver/owner.c resolver/os.h resolver/owner.h $(COMMON) $(HEADERS)
	mkdir -p obj/regress/bench
	$(COMPILE) -Werror -Iresolver -o $@ $(BENCH) $(BACKEND) \
	    resolver/owner.c $(COMMON) $(LINK) $(CAPLIBS)

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

demo:
	regress/deps build
	$(MAKE) all
	regress/demo

lint:
	mandoc -Tlint -W warning milter-sysuser.8 milter-sysuser.conf.5 \
	    sysuserctl.8

clean:
	rm -rf obj

.PHONY: all regress-programs check check-long bench demo lint clean
