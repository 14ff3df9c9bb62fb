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
 * Requests to and replies from the Linux kernel.  A reply that is not, in
 * every field that could be different, the answer to the question is no
 * answer: with SO_REUSEADDR anybody can listen on the port of a victim whose
 * connection has been reset, and the kernel then shows the listener.
 */

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <errno.h>
#include <string.h>

#include "linux_diag.h"

/* A netlink message, taken out of its envelope. */
struct packet_view {
	uint16_t		 type;
	const uint8_t		*data;
	size_t			 len;
};

enum envelope { ENV_GOOD, ENV_BAD, ENV_STALE };

static enum envelope open_envelope(const void *, size_t, uint32_t, uint32_t,
		    struct packet_view *);
static int	 error_of(const struct packet_view *);
static const uint8_t *find_attr(const uint8_t *, size_t, uint16_t, size_t);
static void	 put_addr(void *, const struct endpoint *, int);
static void	 get_addr(struct endpoint *, const void *, uint16_t, int);
static int	 same_tuple(const struct inet_diag_msg *,
		    const struct conn_key *);
static int	 is_connection(uint8_t);
static void	 diag_decode(const struct packet_view *,
		    const struct diag_query *, struct sock *);
static int	 route_decode(const struct packet_view *,
		    const struct route_query *);

/* The exact query: no dump, so it costs the same however many there are. */
size_t
diag_request(void *buf, size_t size, const struct diag_query *q)
{
	struct {
		struct nlmsghdr		 nlh;
		struct inet_diag_req_v2	 req;
	} m;
	struct inet_diag_sockid	*id = &m.req.id;
	int			 v4;

	memset(&m, 0, sizeof(m));
	m.nlh.nlmsg_len = sizeof(m);
	m.nlh.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	m.nlh.nlmsg_flags = NLM_F_REQUEST;
	m.nlh.nlmsg_seq = q->seq;
	m.nlh.nlmsg_pid = q->portid;

	v4 = endpoint_is4(&q->key.client) && endpoint_is4(&q->key.server);
	m.req.sdiag_family = v4 ? AF_INET : AF_INET6;
	m.req.sdiag_protocol = IPPROTO_TCP;
	m.req.idiag_states = UINT32_MAX;
	put_addr(id->idiag_src, &q->key.client, v4);
	put_addr(id->idiag_dst, &q->key.server, v4);
	id->idiag_sport = htons(q->key.client.port);
	id->idiag_dport = htons(q->key.server.port);
	id->idiag_if = q->ifindex;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (q->cookie != 0) {
		id->idiag_cookie[0] = (uint32_t)q->cookie;
		id->idiag_cookie[1] = (uint32_t)(q->cookie >> 32);
	}
	if (sizeof(m) > size)
		return (0);
	memcpy(buf, &m, sizeof(m));
	return (sizeof(m));
}

/* From the kernel; trusted to be its, and to have this length. */
enum nl_reply
diag_reply(const void *buf, size_t len, const struct diag_query *q,
    struct sock *sock)
{
	struct packet_view	 p;

	memset(sock, 0, sizeof(*sock));
	sock->state = SOCK_FAILED;
	switch (open_envelope(buf, len, q->seq, q->portid, &p)) {
	case ENV_STALE:
		return (NL_STALE);
	case ENV_BAD:
		return (NL_DONE);
	case ENV_GOOD:
		break;
	}
	if (p.type == NLMSG_ERROR)
		sock->state = diag_error(error_of(&p));
	else if (p.type == SOCK_DIAG_BY_FAMILY)
		diag_decode(&p, q, sock);
	return (NL_DONE);
}

/* What an errno, of the kernel or of a system call, says of the socket. */
enum sock_state
diag_error(int error)
{
	switch (error) {
	case ENOENT:
		return (SOCK_NONE);
	case EPERM:
	case EACCES:
		return (SOCK_DENIED);
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
	case EAFNOSUPPORT:
	case ENOSYS:
		return (SOCK_UNSUPPORTED);
	default:
		return (SOCK_FAILED);
	}
}

/* Is this address one of the host's own?  Its route is then a local one. */
size_t
route_request(void *buf, size_t size, const struct route_query *q)
{
	struct {
		struct nlmsghdr	 nlh;
		struct rtmsg	 rtm;
		struct rtattr	 rta;
		uint8_t		 addr[16];
	} m;
	size_t	 alen, len;
	int	 v4;

	v4 = endpoint_is4(&q->end);
	alen = v4 ? 4 : 16;
	len = sizeof(m) - sizeof(m.addr) + alen;

	memset(&m, 0, sizeof(m));
	m.nlh.nlmsg_len = len;
	m.nlh.nlmsg_type = RTM_GETROUTE;
	m.nlh.nlmsg_flags = NLM_F_REQUEST;
	m.nlh.nlmsg_seq = q->seq;
	m.nlh.nlmsg_pid = q->portid;
	m.rtm.rtm_family = v4 ? AF_INET : AF_INET6;
	m.rtm.rtm_dst_len = alen * 8;
	m.rta.rta_type = RTA_DST;
	m.rta.rta_len = RTA_LENGTH(alen);
	put_addr(m.addr, &q->end, v4);
	if (len > size)
		return (0);
	memcpy(buf, &m, len);
	return (len);
}

/* local: 1 or 0, or -1 if the kernel does not tell. */
enum nl_reply
route_reply(const void *buf, size_t len, const struct route_query *q,
    int *local)
{
	struct packet_view	 p;

	*local = -1;
	switch (open_envelope(buf, len, q->seq, q->portid, &p)) {
	case ENV_STALE:
		return (NL_STALE);
	case ENV_BAD:
		return (NL_DONE);
	case ENV_GOOD:
		break;
	}
	if (p.type == RTM_NEWROUTE)
		*local = route_decode(&p, q);
	else if (p.type == NLMSG_ERROR) {
		switch (error_of(&p)) {
		case ENETUNREACH:
		case EHOSTUNREACH:
		case EACCES:		/* a "prohibit" route */
		case EINVAL:		/* a "blackhole" route */
			*local = 0;
			break;
		}
	}
	return (NL_DONE);
}

static enum envelope
open_envelope(const void *buf, size_t len, uint32_t seq, uint32_t portid,
    struct packet_view *p)
{
	struct nlmsghdr	 nlh;

	if (len < sizeof(nlh))
		return (ENV_BAD);
	memcpy(&nlh, buf, sizeof(nlh));
	if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len)
		return (ENV_BAD);
	if (nlh.nlmsg_seq != seq || nlh.nlmsg_pid != portid)
		return (ENV_STALE);
	p->type = nlh.nlmsg_type;
	p->data = (const uint8_t *)buf + sizeof(nlh);
	p->len = nlh.nlmsg_len - sizeof(nlh);
	return (ENV_GOOD);
}

/* The errno in a NLMSG_ERROR; 0 for one that makes no sense. */
static int
error_of(const struct packet_view *p)
{
	int	 error;

	if (p->len < sizeof(error))
		return (0);
	memcpy(&error, p->data, sizeof(error));
	return (error < 0 && error > -4096 ? -error : 0);
}

/* An attribute's value if it has at least that length, else NULL. */
static const uint8_t *
find_attr(const uint8_t *data, size_t len, uint16_t type, size_t want)
{
	struct nlattr	 nla;
	size_t		 step;

	while (len >= sizeof(nla)) {
		memcpy(&nla, data, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_len > len)
			return (NULL);
		if ((nla.nla_type & NLA_TYPE_MASK) == type)
			return (nla.nla_len - sizeof(nla) >= want ?
			    data + sizeof(nla) : NULL);
		step = NLA_ALIGN(nla.nla_len);
		if (step >= len)
			return (NULL);
		data += step;
		len -= step;
	}
	return (NULL);
}

static void
put_addr(void *to, const struct endpoint *end, int v4)
{
	if (v4)
		memcpy(to, end->addr + 12, 4);
	else
		memcpy(to, end->addr, 16);
}

/* An IPv4 address becomes ::ffff:a.b.c.d, as all endpoints have it. */
static void
get_addr(struct endpoint *end, const void *from, uint16_t port, int v4)
{
	memset(end, 0, sizeof(*end));
	if (v4) {
		end->addr[10] = end->addr[11] = 0xff;
		memcpy(end->addr + 12, from, 4);
	} else
		memcpy(end->addr, from, 16);
	end->port = ntohs(port);
}

static int
same_tuple(const struct inet_diag_msg *m, const struct conn_key *key)
{
	struct endpoint	 src, dst;
	int		 v4;

	if (m->idiag_family != AF_INET && m->idiag_family != AF_INET6)
		return (0);
	v4 = m->idiag_family == AF_INET;
	get_addr(&src, m->id.idiag_src, m->id.idiag_sport, v4);
	get_addr(&dst, m->id.idiag_dst, m->id.idiag_dport, v4);
	return (endpoint_equal(&src, &key->client) &&
	    endpoint_equal(&dst, &key->server));
}

/*
 * The states of a socket that is, or was, one end of a whole connection.
 * SYN_SENT is missing for a reason: where the MTA already has a connection
 * this is a later attempt to make another one from the same port.
 */
static int
is_connection(uint8_t state)
{
	switch (state) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_TIME_WAIT:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		return (1);
	default:
		return (0);
	}
}

static void
diag_decode(const struct packet_view *p, const struct diag_query *q,
    struct sock *sock)
{
	struct inet_diag_msg	 m;
	const uint8_t		*cgroup;
	uint64_t		 cookie;

	if (p->len < sizeof(m))
		return;
	memcpy(&m, p->data, sizeof(m));
	cookie = m.id.idiag_cookie[0] | (uint64_t)m.id.idiag_cookie[1] << 32;
	sock->state = SOCK_NONE;
	sock->listening = m.idiag_state == TCP_LISTEN;
	sock->attempt = m.idiag_state == TCP_SYN_SENT && same_tuple(&m, &q->key);
	if (!is_connection(m.idiag_state) || !same_tuple(&m, &q->key) ||
	    (q->cookie != 0 && q->cookie != cookie) ||
	    (m.id.idiag_if != 0 && q->ifindex != m.id.idiag_if))
		return;

	sock->cookie = cookie;
	sock->ifindex = q->ifindex;
	sock->bound = m.id.idiag_if;
	sock->uid = m.idiag_uid;
	sock->inode = m.idiag_inode;
	sock->established = m.idiag_state == TCP_ESTABLISHED;
	sock->fin_seen = m.idiag_state == TCP_CLOSE_WAIT ||
	    m.idiag_state == TCP_LAST_ACK;
	sock->fin_acked = m.idiag_state == TCP_FIN_WAIT2 ||
	    m.idiag_state == TCP_TIME_WAIT;
	if (sock->inode != 0)
		sock->state = SOCK_OWNED;
	else if (sock->uid != 0)
		sock->state = SOCK_ORPHAN;
	else
		sock->state = SOCK_FORGOTTEN;
	cgroup = find_attr(p->data + NLMSG_ALIGN(sizeof(m)),
	    p->len - sizeof(m), INET_DIAG_CGROUP_ID, sizeof(sock->cgroup));
	if (cgroup != NULL)
		memcpy(&sock->cgroup, cgroup, sizeof(sock->cgroup));
}

static int
route_decode(const struct packet_view *p, const struct route_query *q)
{
	struct rtmsg	 rtm;
	const uint8_t	*dst;
	size_t		 alen;
	int		 v4;

	v4 = endpoint_is4(&q->end);
	alen = v4 ? 4 : 16;
	if (p->len < sizeof(rtm))
		return (-1);
	memcpy(&rtm, p->data, sizeof(rtm));
	dst = find_attr(p->data + sizeof(rtm), p->len - sizeof(rtm), RTA_DST,
	    alen);
	if (rtm.rtm_family != (v4 ? AF_INET : AF_INET6) || dst == NULL ||
	    memcmp(dst, q->end.addr + (v4 ? 12 : 0), alen) != 0)
		return (-1);
	return (rtm.rtm_type == RTN_LOCAL);
}
