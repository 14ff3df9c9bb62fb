/*
 * Copyright (c) 2026 the milter-sysuser authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * What FreeBSD's kernel is asked: sysctl(3), by way of libcasper(3).
 *
 * The kernel tells other users' connections and processes to root alone, and
 * nothing of it to a process in capability mode.  So a process of Casper's,
 * forked while we are root, asks in our place.  It can be asked for what is
 * in the table, and for nothing else.
 *
 * Casper has no way to say "nothing": a reply of no bytes makes it hang up,
 * for good.  So nothing is asked whose reply a user could make an empty one:
 * not the processes of one uid, which may have none; not the arguments of a
 * process; nor the path of its file, which is none as soon as it ends.  Among
 * its descriptors there is that path as well, and they are told only while it
 * lives.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/ucred.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libcasper.h>
#include <casper/cap_sysctl.h>

#include "freebsd.h"
#include "log.h"

#define REPLY_FIRST	(64 * 1024)
#define REPLY_MOST	(256 * 1024 * 1024)
#define MIB_MAX		8

static struct {
	const char		*name;		/* looked up, or NULL */
	int			 mib[MIB_MAX];
	size_t			 len;		/* without the number */
	int			 numbered;
	int			 limit;
} questions[ASK_MAX] = {
	[ASK_CRED4] = { .name = "net.inet.tcp.getcred",
	    .limit = CAP_SYSCTL_RDWR },
	[ASK_CRED6] = { .name = "net.inet6.tcp6.getcred",
	    .limit = CAP_SYSCTL_RDWR },
	[ASK_PCBS] = { .name = "net.inet.tcp.pcblist",
	    .limit = CAP_SYSCTL_READ },
	[ASK_FILES] = { .mib = { CTL_KERN, KERN_FILE }, .len = 2,
	    .limit = CAP_SYSCTL_READ },
	[ASK_PROCS] = { .mib = { CTL_KERN, KERN_PROC, KERN_PROC_PROC },
	    .len = 3, .limit = CAP_SYSCTL_READ },
	[ASK_PROC] = { .mib = { CTL_KERN, KERN_PROC, KERN_PROC_PID },
	    .len = 3, .numbered = 1, .limit = CAP_SYSCTL_READ },
	[ASK_FDS] = { .mib = { CTL_KERN, KERN_PROC, KERN_PROC_FILEDESC },
	    .len = 3, .numbered = 1, .limit = CAP_SYSCTL_READ },
	[ASK_ADDRS] = { .mib = { CTL_NET, PF_ROUTE, 0, 0, NET_RT_IFLIST, 0 },
	    .len = 6, .limit = CAP_SYSCTL_READ },
	[ASK_JAILS] = { .name = "security.jail.list",
	    .limit = CAP_SYSCTL_READ }
};

static cap_channel_t	*channel;

static int	 ask_sysctl(enum question, uint32_t, void *, size_t *,
		    const void *, size_t);

/* A kernel without IPv6 lacks a name: who asks for it is told ENOENT. */
static void
find_names(void)
{
	size_t	 i;

	for (i = 0; i < ASK_MAX; i++) {
		if (questions[i].name == NULL)
			continue;
		questions[i].len = MIB_MAX;
		if (sysctlnametomib(questions[i].name, questions[i].mib,
		    &questions[i].len) == -1)
			questions[i].len = 0;
	}
}

/* As root, before the drop. */
void
ask_open(void)
{
	cap_channel_t		*casper;
	cap_sysctl_limit_t	*limit;
	size_t			 i;

	find_names();
	if ((casper = cap_init()) == NULL)
		fatal("casper");
	if ((channel = cap_service_open(casper, "system.sysctl")) == NULL)
		fatal("casper: system.sysctl");
	cap_close(casper);
	if ((limit = cap_sysctl_limit_init(channel)) == NULL)
		fatal("casper");
	for (i = 0; i < ASK_MAX && limit != NULL; i++)
		if (questions[i].len != 0)
			limit = cap_sysctl_limit_mib(limit, questions[i].mib,
			    questions[i].len, questions[i].limit |
			    (questions[i].numbered ? CAP_SYSCTL_RECURSIVE : 0));
	if (limit == NULL || cap_sysctl_limit(limit) == -1)
		fatal("casper: limits");
}

/*
 * Returns -1 with the kernel's errno.  If Casper has hung up, then nothing
 * can be asked ever again: the parent starts us anew, as root.
 */
static int
ask_sysctl(enum question q, uint32_t number, void *old, size_t *oldlen,
    const void *new, size_t newlen)
{
	int	 mib[MIB_MAX + 1];
	size_t	 n = questions[q].len;

	if (n == 0) {
		errno = ENOENT;
		return (-1);
	}
	memcpy(mib, questions[q].mib, sizeof(questions[q].mib));
	if (questions[q].numbered)
		mib[n++] = (int)number;
	if (cap_sysctl(channel, mib, n, old, oldlen, new, newlen) == 0)
		return (0);
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		fatal("casper");
	return (-1);
}

static int
reply_grow(struct reply *r)
{
	uint8_t	*data;
	size_t	 size = r->size == 0 ? REPLY_FIRST : r->size * 2;

	if (size > REPLY_MOST || (data = realloc(r->data, size)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	r->data = data;
	r->size = size;
	return (0);
}

/* What does not fit, or fills the last byte, is asked for again. */
int
ask(enum question q, uint32_t number, struct reply *r)
{
	r->len = 0;
	if (r->size == 0 && reply_grow(r) == -1)
		return (-1);
	for (;;) {
		r->len = r->size;
		if (ask_sysctl(q, number, r->data, &r->len, NULL, 0) == -1) {
			if (errno != ENOMEM) {
				r->len = 0;
				return (-1);
			}
		} else if (r->len < r->size)
			return (0);
		r->len = 0;
		if (reply_grow(r) == -1)
			return (-1);
	}
}

/*
 * Whose is that connection?  One exact question: a socket that listens is no
 * answer.  Returns -1 with ENOENT if there is none, EPERM if we may not ask.
 */
int
ask_cred(const struct conn_key *key, uint32_t *uid)
{
	struct sockaddr_in	 sin[2];
	struct sockaddr_in6	 sin6[2];
	struct xucred		 cred;
	size_t			 len = sizeof(cred);
	int			 i, rv, is4 = endpoint_is4(&key->client);

	for (i = 0; i < 2; i++)
		end_to_sin(i == 0 ? &key->client : &key->server, &sin[i],
		    &sin6[i]);
	rv = is4 ? ask_sysctl(ASK_CRED4, 0, &cred, &len, sin, sizeof(sin)) :
	    ask_sysctl(ASK_CRED6, 0, &cred, &len, sin6, sizeof(sin6));
	if (rv == -1)
		return (-1);
	if (len != sizeof(cred) || cred.cr_version != XUCRED_VERSION) {
		errno = EPROTO;
		return (-1);
	}
	*uid = cred.cr_uid;
	return (0);
}

/* 1: there are jails here; 0: none; -1: can't tell. */
int
ask_jails(void)
{
	size_t	 len = 0;

	if (ask_sysctl(ASK_JAILS, 0, NULL, &len, NULL, 0) == -1)
		return (-1);
	return (len > 0);
}
