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

/* FreeBSD's sysctl(3), and Casper in front of it, over kernel.h. */

#include <sys/param.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/ucred.h>
#include <sys/user.h>

#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp_var.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libcasper.h>
#include <casper/cap_sysctl.h>

#include "kernel.h"
#include "log.h"

#define SO(id)	(0xfffff80000000000 + (id) * 0x1000)
#define PCB(id)	(SO(id) + 8)

/* Names have numbers that change from kernel to kernel. */
enum { OID_CRED4 = 1001, OID_CRED6, OID_PCBS, OID_JAILS };

struct limit {
	int	 mib[8];
	size_t	 len;
	int	 flags;
};

struct cap_channel {
	int	 dead;
};

struct cap_sysctl_limit {
	int	 unused;
};

static struct limit		 limits[32];
static size_t			 nlimits;
static int			 limited;
static struct cap_channel	 channel;
static struct cap_sysctl_limit	 limit;

int
sysctlnametomib(const char *name, int *mib, size_t *len)
{
	const struct { const char *name; int oid; } names[] = {
		{ "net.inet.tcp.getcred", OID_CRED4 },
		{ "net.inet6.tcp6.getcred", OID_CRED6 },
		{ "net.inet.tcp.pcblist", OID_PCBS },
		{ "security.jail.list", OID_JAILS }
	};
	size_t	 i;

	for (i = 0; i < NITEMS(names); i++)
		if (strcmp(names[i].name, name) == 0) {
			mib[0] = 9;
			mib[1] = names[i].oid;
			*len = 2;
			return (0);
		}
	errno = ENOENT;
	return (-1);
}

cap_channel_t *
cap_init(void)
{
	nlimits = 0;
	limited = 0;
	channel.dead = 0;
	return (&channel);
}

cap_channel_t *
cap_service_open(const cap_channel_t *c, const char *name)
{
	if (c != &channel || strcmp(name, "system.sysctl") != 0)
		return (NULL);
	return (&channel);
}

void
cap_close(cap_channel_t *c)
{
	(void)c;
}

cap_sysctl_limit_t *
cap_sysctl_limit_init(cap_channel_t *c)
{
	return (c == &channel ? &limit : NULL);
}

cap_sysctl_limit_t *
cap_sysctl_limit_mib(cap_sysctl_limit_t *l, const int *mib, unsigned int len,
    int flags)
{
	struct limit	*new = &limits[nlimits++];

	memcpy(new->mib, mib, len * sizeof(*mib));
	new->len = len;
	new->flags = flags;
	return (l);
}

int
cap_sysctl_limit(cap_sysctl_limit_t *l)
{
	limited = 1;
	return (l == &limit ? 0 : -1);
}

static int
allowed(const int *mib, size_t len, int flags)
{
	size_t	 i;

	for (i = 0; i < nlimits; i++)
		if ((flags & ~limits[i].flags) == 0 && limits[i].len <= len &&
		    (limits[i].len == len ||
		    limits[i].flags & CAP_SYSCTL_RECURSIVE) &&
		    memcmp(limits[i].mib, mib, limits[i].len *
		    sizeof(*mib)) == 0)
			return (1);
	return (0);
}

/* Without its interface a link-local address is nobody's. */
static int
is_scoped(const struct endpoint *e)
{
	return (e->addr[0] == 0xfe);
}

static void
fill_pcb(const struct ksock *s, struct xtcpcb *xt)
{
	const struct endpoint	*l = &s->key.client, *f = &s->key.server;
	struct xinpcb		*in = &xt->xt_inp;
	int			 is4 = endpoint_is4(l);

	memset(xt, 0, sizeof(*xt));
	xt->xt_len = sizeof(*xt) - (kernel.lie[K_PCBS] ? 8 : 0);
	xt->t_state = s->state;
	in->xi_len = sizeof(*in);
	in->inp_vflag = is4 ? INP_IPV4 : INP_IPV6;
	in->inp_lport = htons(l->port);
	in->inp_fport = htons(f->port);
	if (is4) {
		memcpy(&in->inp_laddr, l->addr + 12, 4);
		memcpy(&in->inp_faddr, f->addr + 12, 4);
	} else {
		memcpy(&in->in6p_laddr, l->addr, 16);
		memcpy(&in->in6p_faddr, f->addr, 16);
		/* The kernel's way to say: on interface 2. */
		if (is_scoped(l))
			in->in6p_laddr.s6_addr[3] = 2;
		if (is_scoped(f))
			in->in6p_faddr.s6_addr[3] = 2;
	}
	in->inp_gencnt = s->gencnt;
	if (s->detached)
		return;
	in->xi_socket.xso_len = sizeof(in->xi_socket);
	in->xi_socket.xso_so = SO(s->id);
	in->xi_socket.so_pcb = PCB(s->id);
	in->xi_socket.so_uid = s->uid;
	in->xi_socket.so_type = SOCK_STREAM;
	in->xi_socket.so_state = s->queued ? 0x1002 : 2;
}

static int
ask_pcbs(void)
{
	const struct ksock	*s;
	struct xinpgen		 head;
	struct xtcpcb		 xt;

	if (kernel.deny[K_PCBS])
		return (EPERM);
	memset(&head, 0, sizeof(head));
	head.xig_len = sizeof(head);
	kernel_put(&head, sizeof(head));
	TAILQ_FOREACH(s, &kernel.socks, next) {
		fill_pcb(s, &xt);
		kernel_put(&xt, sizeof(xt));
	}
	kernel_put(&head, sizeof(head));
	kernel.out.len -= kernel.cut[K_PCBS];
	return (0);
}

static int
same_end(const struct endpoint *e, const uint8_t *addr, size_t n,
    uint16_t port)
{
	return (memcmp(e->addr + 16 - n, addr, n) == 0 &&
	    htons(e->port) == port);
}

/* The local end comes first. */
static int
ask_cred(int oid, const void *new, size_t newlen)
{
	struct sockaddr_in	 sin[2];
	struct sockaddr_in6	 sin6[2];
	const struct ksock	*s;
	struct xucred		 x;

	if (kernel.deny[K_CRED])
		return (EPERM);
	if (newlen != (oid == OID_CRED4 ? sizeof(sin) : sizeof(sin6)))
		return (EINVAL);
	memset(sin, 0, sizeof(sin));
	memset(sin6, 0, sizeof(sin6));
	memcpy(oid == OID_CRED4 ? (void *)sin : (void *)sin6, new, newlen);
	TAILQ_FOREACH(s, &kernel.socks, next) {
		if (s->detached || s->state < 2 ||
		    is_scoped(&s->key.client) || is_scoped(&s->key.server) ||
		    endpoint_is4(&s->key.client) != (oid == OID_CRED4))
			continue;
		if (oid == OID_CRED4 ? same_end(&s->key.client,
		    (uint8_t *)&sin[0].sin_addr, 4, sin[0].sin_port) &&
		    same_end(&s->key.server, (uint8_t *)&sin[1].sin_addr, 4,
		    sin[1].sin_port) : same_end(&s->key.client,
		    sin6[0].sin6_addr.s6_addr, 16, sin6[0].sin6_port) &&
		    same_end(&s->key.server, sin6[1].sin6_addr.s6_addr, 16,
		    sin6[1].sin6_port))
			break;
	}
	if (s == NULL)
		return (ENOENT);
	memset(&x, 0, sizeof(x));
	x.cr_version = XUCRED_VERSION + kernel.lie[K_CRED];
	x.cr_uid = s->uid;
	kernel_put(&x, sizeof(x));
	kernel.out.len -= kernel.cut[K_CRED];
	return (0);
}

static void
put_proc(const struct kproc *p)
{
	struct kinfo_proc	 ki;

	memset(&ki, 0, sizeof(ki));
	ki.ki_structsize = sizeof(ki) - kernel.lie[K_PROC];
	ki.ki_pid = p->pid;
	ki.ki_uid = p->uid;
	ki.ki_ruid = p->ruid;
	ki.ki_jid = p->jid;
	ki.ki_flag = p->kernel ? 0x4 : 0;
	ki.ki_start.tv_sec = p->start;
	(void)strlcpy(ki.ki_comm, p->comm, sizeof(ki.ki_comm));
	kernel_put(&ki, sizeof(ki));
}

static void
put_path(int fd, const char *path)
{
	struct kinfo_file	 kf;
	size_t			 n = offsetof(struct kinfo_file, kf_path) +
				    strlen(path) + 1;

	memset(&kf, 0, sizeof(kf));
	n = roundup2(n, 8);
	kf.kf_structsize = n;
	kf.kf_type = KF_TYPE_VNODE;
	kf.kf_fd = fd;
	(void)strlcpy(kf.kf_path, path, sizeof(kf.kf_path));
	kernel_put(&kf, n);
}

static void
put_fd(int fd, uint32_t id)
{
	const struct ksock	*s = kernel_sock(id);
	struct kinfo_file	 kf;
	size_t			 n = roundup2(offsetof(struct kinfo_file,
				    kf_path) + 1, 8);

	if (s == NULL || s->closed)
		return;
	memset(&kf, 0, sizeof(kf));
	kf.kf_structsize = kernel.lie[K_FDS] ? 100 : (int)n;
	kf.kf_type = KF_TYPE_SOCKET;
	kf.kf_fd = fd;
	kf.kf_un.kf_sock.kf_sock_type0 = SOCK_STREAM;
	kf.kf_un.kf_sock.kf_sock_pcb = PCB(id);
	kernel_put(&kf, n);
}

static int
ask_proc(int op, uint32_t pid)
{
	const struct kproc	*p = kernel_proc(pid);
	size_t			 i;

	if (op == KERN_PROC_PROC) {
		TAILQ_FOREACH(p, &kernel.procs, next)
			put_proc(p);
		kernel.out.len -= kernel.cut[K_PROC];
		return (0);
	}
	if (p == NULL)
		return (ESRCH);
	switch (op) {
	case KERN_PROC_PID:
		put_proc(p);
		return (0);
	case KERN_PROC_FILEDESC:
		if (kernel.deny[K_FDS])
			return (EPERM);
		if (p->kernel)
			return (0);
		put_path(KF_FD_TYPE_TEXT, p->exe);
		put_path(KF_FD_TYPE_CWD, p->cwd);
		for (i = 0; i < p->nfds; i++)
			put_fd(3 + i, p->fds[i]);
		kernel.out.len -= kernel.cut[K_FDS];
		return (0);
	}
	return (EINVAL);
}

static int
ask_files(void)
{
	const struct kproc	*p;
	const struct ksock	*s;
	struct xfile		 xf;
	size_t			 i;

	TAILQ_FOREACH(p, &kernel.procs, next)
		for (i = 0; i < p->nfds; i++) {
			if ((s = kernel_sock(p->fds[i])) == NULL || s->closed)
				continue;
			memset(&xf, 0, sizeof(xf));
			xf.xf_size = sizeof(xf) - kernel.lie[K_FILES];
			xf.xf_pid = p->pid;
			xf.xf_uid = p->uid;
			xf.xf_fd = 3 + i;
			xf.xf_type = DTYPE_SOCKET;
			xf.xf_data = SO(s->id);
			kernel_put(&xf, sizeof(xf));
		}
	/* Somebody always has a file open. */
	memset(&xf, 0, sizeof(xf));
	xf.xf_size = sizeof(xf);
	xf.xf_pid = 1;
	xf.xf_type = 1;
	kernel_put(&xf, sizeof(xf));
	kernel.out.len -= kernel.cut[K_FILES];
	return (0);
}

/* A netmask is cut short, an interface has a name, then comes the address. */
static int
ask_addrs(void)
{
	struct ifa_msghdr	 ifa;
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;
	uint8_t			 mask[8] = { 5, AF_INET, 0, 0, 255 };
	uint8_t			 link[24] = { 20, AF_LINK }, zero[8] = { 0 };
	size_t			 i, n;
	int			 is4;

	memset(&ifa, 0, sizeof(ifa));
	ifa.ifam_msglen = 8;
	ifa.ifam_version = RTM_VERSION;
	ifa.ifam_type = RTM_IFINFO;
	kernel_put(&ifa, 8);
	for (i = 0; i < kernel.naddrs; i++) {
		is4 = endpoint_is4(&kernel.addrs[i]);
		n = is4 ? sizeof(sin) : 32;
		ifa.ifam_msglen = sizeof(ifa) + sizeof(mask) + sizeof(link) +
		    n;
		ifa.ifam_type = RTM_NEWADDR;
		ifa.ifam_addrs = RTA_NETMASK | RTA_IFP | RTA_IFA;
		kernel_put(&ifa, sizeof(ifa));
		kernel_put(mask, sizeof(mask));
		kernel_put(link, sizeof(link));
		memset(&sin, 0, sizeof(sin));
		sin.sin_len = sizeof(sin);
		sin.sin_family = AF_INET;
		memcpy(&sin.sin_addr, kernel.addrs[i].addr + 12, 4);
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_len = sizeof(sin6);
		sin6.sin6_family = AF_INET6;
		memcpy(&sin6.sin6_addr, kernel.addrs[i].addr, 16);
		if (is_scoped(&kernel.addrs[i]))
			sin6.sin6_addr.s6_addr[3] = 2;
		if (is4)
			kernel_put(&sin, sizeof(sin));
		else {
			kernel_put(&sin6, sizeof(sin6));
			kernel_put(zero, n - sizeof(sin6));
		}
	}
	return (0);
}

static int
answer(const int *mib, size_t len, const void *new, size_t newlen)
{
	char	 jail[3000] = { 0 };
	size_t	 i;

	if (len == 2 && mib[0] == 9)
		switch (mib[1]) {
		case OID_CRED4:
		case OID_CRED6:
			return (ask_cred(mib[1], new, newlen));
		case OID_PCBS:
			return (ask_pcbs());
		case OID_JAILS:
			for (i = 0; i < kernel.jails; i++)
				kernel_put(jail, sizeof(jail));
			return (0);
		}
	if (len == 2 && mib[0] == CTL_KERN && mib[1] == KERN_FILE)
		return (kernel.deny[K_FILES] ? EPERM : ask_files());
	if (len >= 3 && mib[0] == CTL_KERN && mib[1] == KERN_PROC)
		return (ask_proc(mib[2], len > 3 ? mib[3] : 0));
	if (len == 6 && mib[0] == CTL_NET && mib[1] == PF_ROUTE &&
	    mib[4] == NET_RT_IFLIST)
		return (ask_addrs());
	return (ENOENT);
}

/* Casper hangs up when the kernel had nothing to say. */
int
cap_sysctl(cap_channel_t *c, const int *mib, unsigned int len, void *old,
    size_t *oldlen, const void *new, size_t newlen)
{
	int	 error;

	kernel_asked();
	if (c->dead)
		error = EPIPE;
	else if (!limited || !allowed(mib, len, (oldlen != NULL ?
	    CAP_SYSCTL_READ : 0) | (new != NULL ? CAP_SYSCTL_WRITE : 0)))
		error = 93;	/* ENOTCAPABLE */
	else
		error = answer(mib, len, new, newlen);
	if (error == 0 && old == NULL) {
		*oldlen = kernel.out.len;
		return (0);
	}
	if (error == 0 && (*oldlen < kernel.out.len || (kernel.grow > *oldlen &&
	    kernel.out.len > sizeof(struct xucred))))
		error = ENOMEM;
	if (error == 0 && kernel.out.len == 0) {
		kernel.empty = c->dead = 1;
		error = EPIPE;
	}
	if (error != 0) {
		errno = error;
		return (-1);
	}
	memcpy(old, kernel.out.data, kernel.out.len);
	*oldlen = kernel.out.len;
	return (0);
}
