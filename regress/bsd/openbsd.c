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

/* OpenBSD's sysctl(2) and getifaddrs(3), over kernel.h. */

#include <sys/param.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>

#include <netinet/in.h>
#include <netinet/tcp_var.h>

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "log.h"

#define SLOP	10		/* records that the kernel adds to a size */

int
getrtable(void)
{
	return (0);
}

static void
fill_sock(const struct ksock *s, struct kinfo_file *kf)
{
	const struct endpoint	*l = &s->key.client, *f = &s->key.server;

	kf->f_type = DTYPE_SOCKET;
	kf->so_type = SOCK_STREAM;
	kf->so_protocol = IPPROTO_TCP;
	kf->so_state = 2 | (s->queued || s->closed ? SS_NOFDREF : 0) |
	    (s->accepted ? 0 : SS_CONNECTOUT);
	kf->so_pcb = UINT64_MAX;
	kf->t_state = s->state;
	kf->inp_rtableid = s->table;
	kf->inp_lport = htons(l->port);
	kf->inp_fport = htons(f->port);
	kf->so_family = endpoint_is4(l) ? AF_INET : AF_INET6;
	if (endpoint_is4(l)) {
		memcpy(kf->inp_laddru, l->addr + 12, 4);
		memcpy(kf->inp_faddru, f->addr + 12, 4);
	} else {
		memcpy(kf->inp_laddru, l->addr, 16);
		memcpy(kf->inp_faddru, f->addr, 16);
	}
}

/* From the tables of connections: no process, and no uid. */
static void
put_socks(void)
{
	const struct ksock	*s;
	struct kinfo_file	 kf;

	TAILQ_FOREACH(s, &kernel.socks, next) {
		if (s->detached)
			continue;
		memset(&kf, 0, sizeof(kf));
		fill_sock(s, &kf);
		kernel_put(&kf, sizeof(kf));
	}
}

static void
put_files(const struct kproc *p)
{
	const struct ksock	*s;
	struct kinfo_file	 kf;
	size_t			 i;

	for (i = 0; i <= p->nfds; i++) {
		memset(&kf, 0, sizeof(kf));
		kf.p_pid = p->pid;
		kf.p_uid = p->uid;
		(void)strlcpy(kf.p_comm, p->comm, sizeof(kf.p_comm));
		if (i == 0) {
			kf.f_type = DTYPE_VNODE;
			kf.fd_fd = KERN_FILE_TEXT;
		} else {
			if ((s = kernel_sock(p->fds[i - 1])) == NULL ||
			    s->closed)
				continue;
			kf.fd_fd = 2 + i;
			kf.f_uid = s->uid;
			fill_sock(s, &kf);
		}
		kernel_put(&kf, sizeof(kf));
	}
}

static int
ask_files(const int *mib)
{
	const struct kproc	*p;
	int			 matched = 0;

	if (kernel.deny[K_FILES])
		return (EPERM);
	if (mib[4] != sizeof(struct kinfo_file) || mib[5] < 0)
		return (EINVAL);
	switch (mib[2]) {
	case KERN_FILE_BYFILE:
		if (mib[3] == DTYPE_SOCKET)
			put_socks();
		break;
	case KERN_FILE_BYPID:
	case KERN_FILE_BYUID:
		TAILQ_FOREACH(p, &kernel.procs, next) {
			if (p->kernel || (mib[2] == KERN_FILE_BYPID ?
			    mib[3] > 0 && p->pid != (uint32_t)mib[3] :
			    mib[3] >= 0 && p->uid != (uint32_t)mib[3]))
				continue;
			matched = 1;
			put_files(p);
		}
		if (mib[2] == KERN_FILE_BYPID && !matched)
			return (ESRCH);
		break;
	default:
		return (EINVAL);
	}
	kernel.out.max = (size_t)mib[5] * sizeof(struct kinfo_file);
	kernel.out.len -= kernel.cut[K_FILES];
	return (0);
}

static int
same_end(const struct endpoint *e, const struct sockaddr_storage *ss)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	memcpy(&sin, ss, sizeof(sin));
	memcpy(&sin6, ss, sizeof(sin6));
	if (endpoint_is4(e))
		return (ss->ss_family == AF_INET &&
		    htons(e->port) == sin.sin_port &&
		    memcmp(e->addr + 12, &sin.sin_addr, 4) == 0);
	return (ss->ss_family == AF_INET6 &&
	    htons(e->port) == sin6.sin6_port &&
	    memcmp(e->addr, &sin6.sin6_addr, 16) == 0);
}

/* Who listens there at that address or at any; the port alone is compared. */
static const struct ksock *
listener(const struct tcp_ident_mapping *m)
{
	const struct ksock	*s;
	struct endpoint		 at;

	TAILQ_FOREACH(s, &kernel.socks, next) {
		at = s->key.client;
		if (endpoint_is_any(&at))
			memcpy(at.addr + (endpoint_is4(&at) ? 12 : 0),
			    (const char *)&m->laddr +
			    (endpoint_is4(&at) ? 4 : 8),
			    endpoint_is4(&at) ? 4 : 16);
		if (s->state == 1 && s->table == m->rdomain &&
		    same_end(&at, &m->laddr))
			return (s);
	}
	return (NULL);
}

static int
ident(struct tcp_ident_mapping *m)
{
	const struct ksock	*s;

	if (kernel.deny[K_CRED])
		return (EPERM);
	if (m->faddr.ss_family != AF_INET && m->faddr.ss_family != AF_INET6)
		return (EINVAL);
	TAILQ_FOREACH(s, &kernel.socks, next)
		if (!s->detached && s->state > 1 && s->table == m->rdomain &&
		    same_end(&s->key.client, &m->laddr) &&
		    same_end(&s->key.server, &m->faddr))
			break;
	if (s == NULL)
		s = listener(m);
	m->euid = m->ruid = s != NULL && !s->accepted ? (int)s->uid : -1;
	kernel_put(m, sizeof(*m));
	kernel.out.len -= kernel.cut[K_CRED];
	return (0);
}

static int
ask_proc(const int *mib)
{
	const struct kproc	*p = kernel_proc(mib[3]);
	struct kinfo_proc	 kp;

	if (mib[2] != KERN_PROC_PID || mib[4] != sizeof(kp))
		return (EINVAL);
	if (p == NULL)
		return (0);
	memset(&kp, 0, sizeof(kp));
	kp.p_pid = p->pid;
	kp.p_uid = p->uid;
	kp.p_ustart_sec = p->start;
	(void)strlcpy(kp.p_comm, p->comm, sizeof(kp.p_comm));
	kernel_put(&kp, sizeof(kp));
	kernel.out.len -= kernel.cut[K_PROC];
	return (0);
}

/* The pointers are those of the reader. */
static int
ask_args(const int *mib, void *old)
{
	const struct kproc	*p = kernel_proc(mib[2]);
	char			*ptr[2] = { (char *)old + sizeof(ptr), NULL };

	if (p == NULL || mib[3] != KERN_PROC_ARGV)
		return (ESRCH);
	kernel_put(ptr, sizeof(ptr));
	kernel_put(p->args, strlen(p->args) + 1);
	return (0);
}

static int
answer(const int *mib, size_t len, void *old, const size_t *oldlen)
{
	struct tcp_ident_mapping	 m;

	if (len == 4 && mib[0] == CTL_NET && mib[1] == PF_INET &&
	    mib[2] == IPPROTO_TCP && mib[3] == TCPCTL_IDENT) {
		if (old == NULL)
			return (EINVAL);
		if (*oldlen < sizeof(m))
			return (ENOMEM);
		memcpy(&m, old, sizeof(m));
		return (ident(&m));
	}
	if (len == 6 && mib[0] == CTL_KERN && mib[1] == KERN_FILE)
		return (ask_files(mib));
	if (len == 6 && mib[0] == CTL_KERN && mib[1] == KERN_PROC)
		return (ask_proc(mib));
	if (len == 4 && mib[0] == CTL_KERN && mib[1] == KERN_PROC_ARGS)
		return (ask_args(mib, old));
	return (EOPNOTSUPP);
}

int
sysctl(const int *mib, unsigned int len, void *old, size_t *oldlen, void *new,
    size_t newlen)
{
	int	 error;

	kernel_asked();
	error = new != NULL || newlen != 0 ? EINVAL :
	    answer(mib, len, old, oldlen);
	if (error == 0 && old == NULL) {
		*oldlen = kernel.out.len + SLOP * sizeof(struct kinfo_file);
		return (0);
	}
	if (error == 0 && (*oldlen < kernel.out.len ||
	    kernel.out.max < kernel.out.len ||
	    (kernel.grow > 0 && mib[1] == KERN_FILE && kernel.grow-- > 0)))
		error = ENOMEM;
	if (error != 0) {
		errno = error;
		return (-1);
	}
	if (kernel.out.len > 0)
		memcpy(old, kernel.out.data, kernel.out.len);
	*oldlen = kernel.out.len;
	return (0);
}

int
getifaddrs(struct ifaddrs **list)
{
	struct ifaddrs		*ifa;
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;
	size_t			 i;

	kernel_asked();
	*list = NULL;
	for (i = 0; i < kernel.naddrs; i++) {
		if ((ifa = calloc(1, sizeof(*ifa) + sizeof(sin6))) == NULL)
			return (-1);
		ifa->ifa_addr = (struct sockaddr *)(ifa + 1);
		memset(&sin, 0, sizeof(sin));
		sin.sin_len = sizeof(sin);
		sin.sin_family = AF_INET;
		memcpy(&sin.sin_addr, kernel.addrs[i].addr + 12, 4);
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_len = sizeof(sin6);
		sin6.sin6_family = AF_INET6;
		memcpy(&sin6.sin6_addr, kernel.addrs[i].addr, 16);
		if (kernel.addrs[i].addr[0] == 0xfe)
			sin6.sin6_addr.s6_addr[3] = 2;
		if (endpoint_is4(&kernel.addrs[i]))
			memcpy(ifa->ifa_addr, &sin, sizeof(sin));
		else
			memcpy(ifa->ifa_addr, &sin6, sizeof(sin6));
		ifa->ifa_next = *list;
		*list = ifa;
	}
	return (0);
}

void
freeifaddrs(struct ifaddrs *list)
{
	struct ifaddrs	*next;

	for (; list != NULL; list = next) {
		next = list->ifa_next;
		free(list);
	}
}
