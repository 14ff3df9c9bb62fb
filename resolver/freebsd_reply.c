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
 * What FreeBSD's kernel says, taken apart.  Nothing here asks it anything.
 * The records are copied out, for a reply may be cut off anywhere, and where
 * they are of another size the kernel is not the one that we were built for:
 * then nobody is named.
 */

#include <sys/param.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_var.h>

#include <stddef.h>
#include <string.h>

#include "freebsd.h"

/* Of the kernel's own headers, and of none that a program may include. */
#define KPROC		0x4	/* P_KPROC: a process of the kernel's */
#define QUEUED		0x1800	/* SQ_INCOMP, SQ_COMP: not accepted yet */

#define SA_ROUND(n)	((n) == 0 ? sizeof(long) : roundup2(n, sizeof(long)))

/* The next record of this very size: 1, 0 at the end, or BAD_REPLY. */
static int
record(const struct reply *r, size_t *pos, void *to, size_t size)
{
	if (*pos == r->len)
		return (0);
	if (*pos > r->len || r->len - *pos < size)
		return (BAD_REPLY);
	memcpy(to, r->data + *pos, size);
	*pos += size;
	return (1);
}

/*
 * The next connection of the list: between two heads, each record tells its
 * size.  Without the second head the list is not complete.
 */
static int
record_pcb(const struct reply *r, size_t *pos, struct xtcpcb *xt)
{
	struct xinpgen	 head;

	if (*pos == 0 && (record(r, pos, &head, sizeof(head)) != 1 ||
	    head.xig_len != sizeof(head)))
		return (BAD_REPLY);
	if (r->len - *pos == sizeof(head)) {
		memcpy(&head, r->data + *pos, sizeof(head));
		return (head.xig_len == sizeof(head) ? 0 : BAD_REPLY);
	}
	if (record(r, pos, xt, sizeof(*xt)) != 1 || xt->xt_len != sizeof(*xt))
		return (BAD_REPLY);
	return (1);
}

static void
ends_of(struct conn_key *key, int is4, const struct xtcpcb *xt)
{
	const struct xinpcb	*in = &xt->xt_inp;

	if (is4) {
		end_make(&key->client, 1, &in->inp_laddr, in->inp_lport);
		end_make(&key->server, 1, &in->inp_faddr, in->inp_fport);
	} else {
		end_make(&key->client, 0, &in->in6p_laddr, in->inp_lport);
		end_make(&key->server, 0, &in->in6p_faddr, in->inp_fport);
	}
}

/*
 * The connection whose own end is the key's client.  One without a socket is
 * a handshake that goes on, or what is left of one that is over; both say
 * that they are root's, and are nobody's.
 */
int
reply_pcb(const struct reply *r, const struct conn_key *key,
    struct tcpconn *pcb)
{
	struct xtcpcb	 xt;
	struct conn_key	 k;
	size_t		 pos = 0;
	int		 rv, n = 0, is4 = endpoint_is4(&key->client);

	while ((rv = record_pcb(r, &pos, &xt)) == 1) {
		if (xt.xt_inp.xi_socket.xso_so == 0 ||
		    !(xt.xt_inp.inp_vflag & (is4 ? INP_IPV4 : INP_IPV6)) ||
		    xt.t_state == TCPS_CLOSED || xt.t_state == TCPS_LISTEN)
			continue;
		ends_of(&k, is4, &xt);
		if (!endpoint_equal(&k.client, &key->client) ||
		    !endpoint_equal(&k.server, &key->server))
			continue;
		pcb->so = xt.xt_inp.xi_socket.xso_so;
		pcb->pcb = xt.xt_inp.xi_socket.so_pcb;
		pcb->gencnt = xt.xt_inp.inp_gencnt;
		pcb->uid = xt.xt_inp.xi_socket.so_uid;
		pcb->state = xt.t_state;
		pcb->queued = (xt.xt_inp.xi_socket.so_state & QUEUED) != 0;
		n++;
	}
	if (rv == BAD_REPLY)
		return (BAD_REPLY);
	return (n > 1 ? MANY_FOUND : n);
}

/* Does a socket listen there, at that address or at any? */
int
reply_listens(const struct reply *r, const struct endpoint *at)
{
	struct xtcpcb	 xt;
	struct conn_key	 k;
	size_t		 pos = 0;
	int		 rv, is4 = endpoint_is4(at);

	while ((rv = record_pcb(r, &pos, &xt)) == 1) {
		if (xt.t_state != TCPS_LISTEN ||
		    !(xt.xt_inp.inp_vflag & (is4 ? INP_IPV4 : INP_IPV6)))
			continue;
		ends_of(&k, is4, &xt);
		if (end_listens(&k.client, at))
			return (1);
	}
	return (rv);
}

/* The next process. */
int
reply_process(const struct reply *r, size_t *pos, struct process *p)
{
	struct kinfo_proc	 ki;

	switch (record(r, pos, &ki, sizeof(ki))) {
	case 0:
		return (0);
	case 1:
		break;
	default:
		return (BAD_REPLY);
	}
	if (ki.ki_structsize != sizeof(ki))
		return (BAD_REPLY);
	p->pid = ki.ki_pid;
	p->uid = ki.ki_uid;
	p->ruid = ki.ki_ruid;
	p->jid = ki.ki_jid;
	p->kernel = (ki.ki_flag & KPROC) != 0;
	p->start = (uint64_t)ki.ki_start.tv_sec * 1000000 +
	    ki.ki_start.tv_usec;
	ki.ki_comm[sizeof(ki.ki_comm) - 1] = '\0';
	(void)strlcpy(p->comm, ki.ki_comm, sizeof(p->comm));
	return (1);
}

/* The next of all open files that is that socket: whose process has it? */
int
reply_file(const struct reply *r, size_t *pos, uint64_t so, uint32_t *pid)
{
	struct xfile	 xf;
	int		 rv;

	while ((rv = record(r, pos, &xf, sizeof(xf))) == 1) {
		if (xf.xf_size != sizeof(xf))
			return (BAD_REPLY);
		if (xf.xf_type == DTYPE_SOCKET && xf.xf_data == so) {
			*pid = xf.xf_pid;
			return (1);
		}
	}
	return (rv);
}

/*
 * The next descriptor of a process.  These records are as long as their path,
 * and say how long that is.
 */
static int
record_fd(const struct reply *r, size_t *pos, struct kinfo_file *kf)
{
	size_t	 least = offsetof(struct kinfo_file, kf_path), n;
	int	 size;

	if (*pos == r->len)
		return (0);
	if (r->len - *pos < sizeof(size))
		return (BAD_REPLY);
	memcpy(&size, r->data + *pos, sizeof(size));
	n = size < 0 ? 0 : size;
	if (n < least || n > sizeof(*kf) || n > r->len - *pos)
		return (BAD_REPLY);
	memset(kf, 0, sizeof(*kf));
	memcpy(kf, r->data + *pos, n);
	kf->kf_path[sizeof(kf->kf_path) - 1] = '\0';
	*pos += n;
	return (1);
}

/*
 * True if one of the descriptors is the socket of that pcb.  Not its
 * addresses: a jail with a network of its own can have the same ones.
 */
int
reply_holds(const struct reply *r, uint64_t pcb)
{
	struct kinfo_file	 kf;
	size_t			 pos = 0;

	while (record_fd(r, &pos, &kf) == 1)
		if (kf.kf_type == KF_TYPE_SOCKET &&
		    kf.kf_un.kf_sock.kf_sock_type0 == SOCK_STREAM &&
		    kf.kf_un.kf_sock.kf_sock_pcb == pcb)
			return (1);
	return (0);
}

/*
 * The path of what is no descriptor: KF_FD_TYPE_.  Returns 0 if there is
 * none, for its file has gone, or is not to be seen.
 */
int
reply_path(const struct reply *r, int type, char *buf, size_t size)
{
	struct kinfo_file	 kf;
	size_t			 pos = 0;

	while (record_fd(r, &pos, &kf) == 1)
		if (kf.kf_fd == type && kf.kf_type == KF_TYPE_VNODE &&
		    kf.kf_path[0] == '/') {
			(void)strlcpy(buf, kf.kf_path, size);
			return (1);
		}
	return (0);
}

/* The sockaddrs behind a header, in the order of their bits. */
static int
message_is(const uint8_t *p, size_t len, int addrs, const struct endpoint *e)
{
	size_t	 n;
	int	 bit;

	for (bit = 1; bit <= RTA_IFA && len > 0; bit <<= 1) {
		if (!(addrs & bit))
			continue;
		n = p[0];
		if (n > len)
			return (0);
		if (bit == RTA_IFA)
			return (end_is_sa(e, p, n));
		n = SA_ROUND(n);
		if (n > len)
			return (0);
		p += n;
		len -= n;
	}
	return (0);
}

/* 1: an interface has this address; 0: none; BAD_REPLY. */
int
reply_local(const struct reply *r, const struct endpoint *e)
{
	struct ifa_msghdr	 ifa;
	size_t			 pos = 0;

	/* Of all messages the first four bytes are the same. */
	while (pos < r->len) {
		memset(&ifa, 0, sizeof(ifa));
		if (r->len - pos < 4)
			return (BAD_REPLY);
		memcpy(&ifa, r->data + pos, 4);
		if (ifa.ifam_msglen < 4 || ifa.ifam_msglen > r->len - pos ||
		    ifa.ifam_version != RTM_VERSION)
			return (BAD_REPLY);
		if (ifa.ifam_type == RTM_NEWADDR) {
			if (ifa.ifam_msglen < sizeof(ifa))
				return (BAD_REPLY);
			memcpy(&ifa, r->data + pos, sizeof(ifa));
			if (message_is(r->data + pos + sizeof(ifa),
			    ifa.ifam_msglen - sizeof(ifa), ifa.ifam_addrs, e))
				return (1);
		}
		pos += ifa.ifam_msglen;
	}
	return (0);
}
