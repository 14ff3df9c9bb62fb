# make install and uninstall: where things go, each to be set on make's command
# line; DESTDIR stands before all of them.  What is installed names these paths.

BINDIR = $(PREFIX)/bin
SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/milter-sysuser
EXAMPLEDIR = $(PREFIX)/share/examples/milter-sysuser
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
UNITDIR = $(PREFIX)/lib/systemd/system
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d
RCDIR_freebsd = $(PREFIX)/etc/rc.d
RCDIR_openbsd = /etc/rc.d
RCDIR = $(RCDIR_$(OS))

INSTALL = install
CONF = $(SYSCONFDIR)/milter-sysuser.conf
LIBEXEC = control milterd names resolver
EXAMPLES = milter-sysuser.conf examples/docker.conf examples/old-script.conf \
	examples/shared-hosting.conf examples/university.conf
DOCS = CHANGES LICENSE README SECURITY doc/docker.txt doc/old-script.txt \
	doc/shared-hosting.txt doc/university.txt

SUBST = sed -e 's,/usr/local/libexec/milter-sysuser,$(LIBEXECDIR),g' \
	-e 's,/usr/local/share/examples/milter-sysuser,$(EXAMPLEDIR),g' \
	-e 's,/usr/local/sbin,$(SBINDIR),g' -e 's,/usr/local/bin,$(BINDIR),g' \
	-e 's,/etc/milter-sysuser,$(SYSCONFDIR)/milter-sysuser,g'

# A program that has other paths in it is built again.
obj/paths: always
	@mkdir -p obj
	@echo '$(LIBEXECDIR) $(SYSCONFDIR)' | cmp -s - $@ || \
	    echo '$(LIBEXECDIR) $(SYSCONFDIR)' >$@

always:

# With -j it would begin before all is there, were that asked of install alone.
install: install-all install-$(OS)

install-all: all
	$(INSTALL) -d -m 755 $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) \
	    $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR) \
	    $(DESTDIR)$(EXAMPLEDIR) $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) \
	    $(DESTDIR)$(SYSCONFDIR)
	$(INSTALL) -m 755 obj/sysuserctl $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 obj/milter-sysuser $(DESTDIR)$(SBINDIR)
	for f in $(LIBEXEC); do \
		$(INSTALL) -m 755 obj/$$f $(DESTDIR)$(LIBEXECDIR) || exit 1; \
	done
	umask 022; set -e; for f in 5 8; do \
		for m in *.$$f; do \
			$(SUBST) $$m >$(DESTDIR)$(MANDIR)/man$$f/$$m; \
		done; \
	done
	umask 022; set -e; for f in $(EXAMPLES); do \
		$(SUBST) dist/$$f >$(DESTDIR)$(EXAMPLEDIR)/$${f##*/}; \
	done; for f in $(DOCS); do \
		$(SUBST) $$f >$(DESTDIR)$(DOCDIR)/$${f##*/}; \
	done
	$(INSTALL) -m 644 dist/completion/sysuserctl $(DESTDIR)$(BASHDIR)
	$(INSTALL) -m 644 dist/completion/_sysuserctl $(DESTDIR)$(ZSHDIR)
	[ -e $(DESTDIR)$(CONF) ] || $(INSTALL) -m 644 \
	    $(DESTDIR)$(EXAMPLEDIR)/milter-sysuser.conf $(DESTDIR)$(CONF)

install-linux:
	$(INSTALL) -d -m 755 $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) \
	    $(DESTDIR)$(TMPFILESDIR)
	umask 022; $(SUBST) dist/systemd/milter-sysuser.service \
	    >$(DESTDIR)$(UNITDIR)/milter-sysuser.service
	$(INSTALL) -m 644 dist/systemd/milter-sysuser.sysusers \
	    $(DESTDIR)$(SYSUSERSDIR)/milter-sysuser.conf
	$(INSTALL) -m 644 dist/systemd/milter-sysuser.tmpfiles \
	    $(DESTDIR)$(TMPFILESDIR)/milter-sysuser.conf

install-freebsd install-openbsd:
	$(INSTALL) -d -m 755 $(DESTDIR)$(RCDIR)
	umask 022; $(SUBST) dist/rc.$(OS) >$(DESTDIR)$(RCDIR)/milter_sysuser
	chmod 755 $(DESTDIR)$(RCDIR)/milter_sysuser

# The configuration stays if somebody has changed it, directories of ours go.
uninstall: uninstall-$(OS)
	! cmp -s $(DESTDIR)$(EXAMPLEDIR)/milter-sysuser.conf \
	    $(DESTDIR)$(CONF) || rm -f $(DESTDIR)$(CONF)
	rm -f $(DESTDIR)$(BINDIR)/sysuserctl \
	    $(DESTDIR)$(SBINDIR)/milter-sysuser \
	    $(DESTDIR)$(MANDIR)/man5/milter-sysuser.conf.5 \
	    $(DESTDIR)$(MANDIR)/man8/milter-sysuser.8 \
	    $(DESTDIR)$(MANDIR)/man8/sysuserctl.8 \
	    $(DESTDIR)$(BASHDIR)/sysuserctl $(DESTDIR)$(ZSHDIR)/_sysuserctl
	for f in $(LIBEXEC); do rm -f $(DESTDIR)$(LIBEXECDIR)/$$f; done
	for f in $(EXAMPLES); do \
		rm -f $(DESTDIR)$(EXAMPLEDIR)/$${f##*/}; \
	done
	for f in $(DOCS); do rm -f $(DESTDIR)$(DOCDIR)/$${f##*/}; done
	for d in $(LIBEXECDIR) $(EXAMPLEDIR) $(DOCDIR); do \
		[ ! -d $(DESTDIR)$$d ] || rmdir $(DESTDIR)$$d; \
	done

uninstall-linux:
	rm -f $(DESTDIR)$(UNITDIR)/milter-sysuser.service \
	    $(DESTDIR)$(SYSUSERSDIR)/milter-sysuser.conf \
	    $(DESTDIR)$(TMPFILESDIR)/milter-sysuser.conf

uninstall-freebsd uninstall-openbsd:
	rm -f $(DESTDIR)$(RCDIR)/milter_sysuser

.PHONY: always install install-all install-linux install-freebsd \
	install-openbsd uninstall uninstall-linux uninstall-freebsd \
	uninstall-openbsd

dist:
	mk/dist

deb:
	regress/deps deb
	mk/deb

.PHONY: dist deb
