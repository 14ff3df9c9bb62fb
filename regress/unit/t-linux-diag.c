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
 * Requests to and replies from the kernel, honest and hostile ones.
 *
 * SOURCES: resolver/linux_diag.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux_diag.h"
#include "../fixtures/linux-diag.h"

#define SEQ	7
#define PORTID	4711
#define COOKIE	0x1234567800001004ULL
#define CGROUP	0xfedcba9876543210ULL

/* A reply being made, to be spoilt. */
struct reply {
	struct nlmsghdr		 nlh;
	struct inet_diag_msg	 msg;
	struct nlattr		 shutdown;
	uint8_t			 value[4];
	struct nlattr		 cgroup;
	uint8_t			 id[8];
};

struct route {
	struct nlmsghdr		 nlh;
	struct rtmsg		 rtm;
	struct rtattr		 table;
	uint32_t		 main;
	struct rtattr		 dst;
	uint8_t			 addr[16];
};

static struct conn_key
make_key(const char *caddr, const char *cport, const char *saddr,
    const char *sport)
{
	struct conn_key	 key;

	assert_int_equal(endpoint_parse(&key.client, caddr, cport), 0);
	assert_int_equal(endpoint_parse(&key.server, saddr, sport), 0);
	return (key);
}

static struct diag_query
make_query(void)
{
	struct diag_query	 q;

	memset(&q, 0, sizeof(q));
	q.seq = SEQ;
	q.portid = PORTID;
	q.key = make_key("192.0.2.1", "40000", "192.0.2.2", "25");
	return (q);
}

/* The right answer to make_query(), in IPv4. */
static struct reply
make_reply(void)
{
	struct reply	 r;
	uint64_t	 cgroup = CGROUP;

	memset(&r, 0, sizeof(r));
	r.nlh.nlmsg_len = sizeof(r);
	r.nlh.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	r.nlh.nlmsg_seq = SEQ;
	r.nlh.nlmsg_pid = PORTID;
	r.msg.idiag_family = AF_INET;
	r.msg.idiag_state = TCP_ESTABLISHED;
	r.msg.id.idiag_sport = htons(40000);
	r.msg.id.idiag_dport = htons(25);
	r.msg.id.idiag_src[0] = inet_addr("192.0.2.1");
	r.msg.id.idiag_dst[0] = inet_addr("192.0.2.2");
	r.msg.id.idiag_cookie[0] = (uint32_t)COOKIE;
	r.msg.id.idiag_cookie[1] = (uint32_t)(COOKIE >> 32);
	r.msg.idiag_uid = 12345;
	r.msg.idiag_inode = 99;
	r.shutdown.nla_len = 5;
	r.shutdown.nla_type = INET_DIAG_SHUTDOWN;
	r.cgroup.nla_len = 12;
	r.cgroup.nla_type = INET_DIAG_CGROUP_ID;
	memcpy(r.id, &cgroup, sizeof(cgroup));
	return (r);
}

/*
 * Decode from memory of exactly this length, so that a sanitizer sees the
 * first byte too many that is read.
 */
static enum nl_reply
decode(const void *buf, size_t len, const struct diag_query *q,
    struct sock *sock)
{
	enum nl_reply	 rv;
	uint8_t		*copy;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, buf, len);
	memset(sock, 0xff, sizeof(*sock));
	rv = diag_reply(copy, len, q, sock);
	free(copy);
	return (rv);
}

static enum sock_state
decoded(const struct reply *r, const struct diag_query *q)
{
	struct sock	 sock;

	assert_int_equal(decode(r, sizeof(*r), q, &sock), NL_DONE);
	if (sock.state != SOCK_OWNED && sock.state != SOCK_ORPHAN) {
		assert_int_equal(sock.uid, 0);
		assert_int_equal(sock.inode, 0);
	}
	return (sock.state);
}

static void
t_request_v4(void **state)
{
	struct diag_query	 q = make_query();
	struct nlmsghdr		 nlh;
	struct inet_diag_req_v2	 req;
	uint8_t			 buf[256];
	size_t			 len;

	(void)state;
	len = diag_request(buf, sizeof(buf), &q);
	assert_int_equal(len, sizeof(nlh) + sizeof(req));
	memcpy(&nlh, buf, sizeof(nlh));
	memcpy(&req, buf + sizeof(nlh), sizeof(req));
	assert_int_equal(nlh.nlmsg_len, len);
	assert_int_equal(nlh.nlmsg_type, SOCK_DIAG_BY_FAMILY);
	assert_int_equal(nlh.nlmsg_flags, NLM_F_REQUEST);
	assert_int_equal(nlh.nlmsg_seq, SEQ);
	assert_int_equal(req.sdiag_family, AF_INET);
	assert_int_equal(req.sdiag_protocol, IPPROTO_TCP);
	assert_int_equal(req.idiag_states, UINT32_MAX);
	assert_int_equal(req.id.idiag_if, 0);
	assert_int_equal(req.id.idiag_src[0], inet_addr("192.0.2.1"));
	assert_int_equal(req.id.idiag_src[1], 0);
	assert_int_equal(req.id.idiag_dst[0], inet_addr("192.0.2.2"));
	assert_int_equal(ntohs(req.id.idiag_sport), 40000);
	assert_int_equal(ntohs(req.id.idiag_dport), 25);
	assert_int_equal(req.id.idiag_cookie[0], INET_DIAG_NOCOOKIE);
	assert_int_equal(req.id.idiag_cookie[1], INET_DIAG_NOCOOKIE);
	assert_int_equal(diag_request(buf, len, &q), len);
	assert_int_equal(diag_request(buf, len - 1, &q), 0);
}

static void
t_request_v6(void **state)
{
	static const uint8_t	 one[16] = { [15] = 1 };
	struct diag_query	 q = make_query();
	struct inet_diag_req_v2	 req;
	uint8_t			 buf[256];

	(void)state;
	q.key = make_key("::1", "40000", "::1", "25");
	q.cookie = COOKIE;
	assert_true(diag_request(buf, sizeof(buf), &q) > 0);
	memcpy(&req, buf + sizeof(struct nlmsghdr), sizeof(req));
	assert_int_equal(req.sdiag_family, AF_INET6);
	assert_memory_equal(req.id.idiag_src, one, 16);
	assert_memory_equal(req.id.idiag_dst, one, 16);
	assert_int_equal(req.id.idiag_cookie[0], (uint32_t)COOKIE);
	assert_int_equal(req.id.idiag_cookie[1], COOKIE >> 32);

	/* One end each: nothing that exists, but nothing that breaks. */
	q.key = make_key("127.0.0.1", "40000", "::1", "25");
	assert_true(diag_request(buf, sizeof(buf), &q) > 0);
	memcpy(&req, buf + sizeof(struct nlmsghdr), sizeof(req));
	assert_int_equal(req.sdiag_family, AF_INET6);
}

static void
t_reply_right(void **state)
{
	struct diag_query	 q = make_query();
	struct reply		 r = make_reply();
	struct sock		 sock;

	(void)state;
	assert_int_equal(decode(&r, sizeof(r), &q, &sock), NL_DONE);
	assert_int_equal(sock.state, SOCK_OWNED);
	assert_int_equal(sock.uid, 12345);
	assert_int_equal(sock.inode, 99);
	assert_true(sock.cookie == COOKIE);
	assert_true(sock.cgroup == CGROUP);
	assert_int_equal(sock.established, 1);

	q.cookie = COOKIE;
	assert_int_equal(decoded(&r, &q), SOCK_OWNED);

	/* The same connection in IPv6 clothes. */
	r.msg.idiag_family = AF_INET6;
	memcpy(r.msg.id.idiag_src, q.key.client.addr, 16);
	memcpy(r.msg.id.idiag_dst, q.key.server.addr, 16);
	assert_int_equal(decoded(&r, &q), SOCK_OWNED);
}

static void
t_reply_states(void **state)
{
	static const struct {
		uint8_t		 state;
		int		 known, established;
	} table[] = {
		{ 0, 0, 0 },
		{ TCP_ESTABLISHED, 1, 1 },
		{ TCP_SYN_SENT, 0, 0 },
		{ TCP_SYN_RECV, 0, 0 },
		{ TCP_FIN_WAIT1, 1, 0 },
		{ TCP_FIN_WAIT2, 1, 0 },
		{ TCP_TIME_WAIT, 1, 0 },
		{ TCP_CLOSE, 0, 0 },
		{ TCP_CLOSE_WAIT, 1, 0 },
		{ TCP_LAST_ACK, 1, 0 },
		{ TCP_LISTEN, 0, 0 },
		{ TCP_CLOSING, 1, 0 },
		{ 12 /* NEW_SYN_RECV */, 0, 0 },
		{ 13 /* BOUND_INACTIVE */, 0, 0 },
		{ 255, 0, 0 },
	};
	static const struct {
		uint32_t	 uid, inode;
		enum sock_state	 expect;
	} owners[] = {
		{ 12345, 99, SOCK_OWNED },
		{ 0, 99, SOCK_OWNED },
		{ 12345, 0, SOCK_ORPHAN },
		{ 0, 0, SOCK_FORGOTTEN },
	};
	struct diag_query	 q = make_query();
	struct reply		 r = make_reply();
	struct sock		 sock;
	size_t			 i, j;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (j = 0; j < NITEMS(owners); j++) {
			r.msg.idiag_state = table[i].state;
			r.msg.idiag_uid = owners[j].uid;
			r.msg.idiag_inode = owners[j].inode;
			(void)decode(&r, sizeof(r), &q, &sock);
			assert_int_equal(sock.state, table[i].known ?
			    owners[j].expect : SOCK_NONE);
			assert_int_equal(sock.uid, table[i].known ?
			    owners[j].uid : 0);
			assert_int_equal(sock.established,
			    table[i].established);
		}
}

/* Anything of another connection is no answer. */
static void
t_reply_foreign(void **state)
{
	struct diag_query	 q = make_query();
	struct reply		 r;

	(void)state;
	r = make_reply();
	r.msg.id.idiag_sport ^= 1;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	r = make_reply();
	r.msg.id.idiag_dport ^= 1;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	r = make_reply();
	r.msg.id.idiag_src[0] ^= 1;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	r = make_reply();
	r.msg.id.idiag_dst[0] ^= 1;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	r = make_reply();
	r.msg.idiag_family = AF_INET6;	/* the IPv4 bytes are no such address */
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	r = make_reply();
	r.msg.idiag_family = AF_UNIX;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);

	/* Ends swapped: the MTA's end is never the client's. */
	r = make_reply();
	r.msg.id.idiag_sport = htons(25);
	r.msg.id.idiag_dport = htons(40000);
	r.msg.id.idiag_src[0] = inet_addr("192.0.2.2");
	r.msg.id.idiag_dst[0] = inet_addr("192.0.2.1");
	assert_int_equal(decoded(&r, &q), SOCK_NONE);

	r = make_reply();
	q.cookie = COOKIE ^ 1;
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
	q.cookie = COOKIE ^ (1ULL << 63);
	assert_int_equal(decoded(&r, &q), SOCK_NONE);
}

static void
t_reply_stale(void **state)
{
	struct diag_query	 q = make_query();
	struct reply		 r = make_reply();
	struct sock		 sock;

	(void)state;
	r.nlh.nlmsg_seq = SEQ - 1;
	assert_int_equal(decode(&r, sizeof(r), &q, &sock), NL_STALE);
	assert_int_equal(sock.state, SOCK_FAILED);
	r.nlh.nlmsg_seq = SEQ;
	r.nlh.nlmsg_pid = PORTID + 1;
	assert_int_equal(decode(&r, sizeof(r), &q, &sock), NL_STALE);
	assert_int_equal(sock.state, SOCK_FAILED);
}

/* Cut at every length: never an owner unless all of the message is there. */
static void
t_reply_short(void **state)
{
	struct diag_query	 q = make_query();
	struct reply		 r = make_reply();
	struct sock		 sock;
	size_t			 len, need;

	(void)state;
	need = sizeof(r.nlh) + sizeof(r.msg);
	for (len = 0; len < sizeof(r); len++) {
		/* The header knows of more than has come. */
		r.nlh.nlmsg_len = sizeof(r);
		(void)decode(&r, len, &q, &sock);
		assert_int_equal(sock.state, SOCK_FAILED);

		/* The header agrees. */
		r.nlh.nlmsg_len = len;
		(void)decode(&r, len, &q, &sock);
		assert_int_equal(sock.state,
		    len < need ? SOCK_FAILED : SOCK_OWNED);
		assert_true(sock.cgroup == 0);

		/* The header knows of less: the rest does not count. */
		(void)decode(&r, sizeof(r), &q, &sock);
		assert_int_equal(sock.state,
		    len < need ? SOCK_FAILED : SOCK_OWNED);
		assert_true(sock.cgroup == 0);
	}
}

/* Lengths of attributes that lie cost the attribute, nothing else. */
static void
t_reply_attributes(void **state)
{
	static const uint16_t	 bad[] = { 0, 1, 3, 4, 5, 7, 200, 65535 };
	struct diag_query	 q = make_query();
	struct reply		 r;
	struct sock		 sock;
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++) {
		r = make_reply();
		r.cgroup.nla_len = bad[i];
		assert_int_equal(decode(&r, sizeof(r), &q, &sock), NL_DONE);
		assert_int_equal(sock.state, SOCK_OWNED);
		assert_true(sock.cgroup == 0);

		r = make_reply();
		r.shutdown.nla_len = bad[i];
		assert_int_equal(decode(&r, sizeof(r), &q, &sock), NL_DONE);
		assert_int_equal(sock.state, SOCK_OWNED);
		assert_true(sock.cgroup == 0 || sock.cgroup == CGROUP);
	}
}

static void
t_reply_error(void **state)
{
	static const struct {
		int		 error;
		enum sock_state	 expect;
	} table[] = {
		{ -ENOENT, SOCK_NONE },
		{ -EPERM, SOCK_DENIED },
		{ -EACCES, SOCK_DENIED },
		{ -EOPNOTSUPP, SOCK_UNSUPPORTED },
		{ -EPROTONOSUPPORT, SOCK_UNSUPPORTED },
		{ -EAFNOSUPPORT, SOCK_UNSUPPORTED },
		{ -ENOMEM, SOCK_FAILED },
		{ -EINVAL, SOCK_FAILED },
		{ 0, SOCK_FAILED },		/* an unasked acknowledgement */
		{ ENOENT, SOCK_FAILED },	/* the wrong sign */
		{ INT32_MIN, SOCK_FAILED },
	};
	struct {
		struct nlmsghdr	 nlh;
		int		 error;
	} m;
	struct diag_query	 q = make_query();
	struct sock		 sock;
	size_t			 i, len;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.nlh.nlmsg_type = NLMSG_ERROR;
	m.nlh.nlmsg_seq = SEQ;
	m.nlh.nlmsg_pid = PORTID;
	for (i = 0; i < NITEMS(table); i++) {
		m.nlh.nlmsg_len = sizeof(m);
		m.error = table[i].error;
		(void)decode(&m, sizeof(m), &q, &sock);
		assert_int_equal(sock.state, table[i].expect);
	}
	m.error = -ENOENT;
	for (len = 0; len < sizeof(m); len++) {
		m.nlh.nlmsg_len = len;
		(void)decode(&m, len, &q, &sock);
		assert_int_equal(sock.state, SOCK_FAILED);
	}
}

static void
t_reply_type(void **state)
{
	static const uint16_t	 types[] = {
		0, NLMSG_NOOP, NLMSG_DONE, NLMSG_OVERRUN, 18 /* TCPDIAG */,
		RTM_NEWROUTE, 65535
	};
	struct diag_query	 q = make_query();
	struct reply		 r = make_reply();
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(types); i++) {
		r.nlh.nlmsg_type = types[i];
		assert_int_equal(decoded(&r, &q), SOCK_FAILED);
	}
}

static void
t_reply_captured(void **state)
{
	static const uint16_t	 little = 1;
	static const struct {
		const uint8_t	*buf;
		size_t		 len;
		const char	*addr, *cport, *sport;
		enum sock_state	 expect;
		uint32_t	 uid;
	} table[] = {
#define R(x)	x, sizeof(x)
		{ R(reply_v4), "127.0.0.1", "36306", "59047", SOCK_OWNED,
		    12345 },
		{ R(reply_fin_wait2), "127.0.0.1", "36306", "59047",
		    SOCK_FORGOTTEN, 0 },
		{ R(reply_v6), "::1", "60854", "50829", SOCK_OWNED, 12345 },
		{ R(reply_mapped), "127.0.0.1", "38698", "54739", SOCK_OWNED,
		    12345 },
		{ R(reply_orphan), "127.0.0.1", "42232", "36949", SOCK_ORPHAN,
		    12345 },
		{ R(reply_none), "127.0.0.1", "1", "36949", SOCK_NONE, 0 },
		{ R(reply_listen), "127.0.0.1", "57343", "36949", SOCK_NONE,
		    0 },
		/* Whatever is right, is not for another connection. */
		{ R(reply_v4), "127.0.0.2", "36306", "59047", SOCK_NONE, 0 },
		{ R(reply_v4), "::1", "36306", "59047", SOCK_NONE, 0 },
		{ R(reply_v6), "::1", "60854", "50830", SOCK_NONE, 0 },
		{ R(route_local4), "127.0.0.1", "36306", "59047",
		    SOCK_FAILED, 0 },
	};
	struct diag_query	 q = make_query();
	struct sock		 sock;
	size_t			 i;

	(void)state;
	if (*(const uint8_t *)&little != 1)
		skip();
	for (i = 0; i < NITEMS(table); i++) {
		q.seq = table[i].buf == route_local4 ? 8 : SEQ;
		q.key = make_key(table[i].addr, table[i].cport,
		    table[i].addr, table[i].sport);
		assert_int_equal(decode(table[i].buf, table[i].len, &q,
		    &sock), NL_DONE);
		assert_int_equal(sock.state, table[i].expect);
		assert_int_equal(sock.uid, table[i].uid);
		if (sock.state == SOCK_OWNED)
			assert_true(sock.cgroup == 1);
	}
}

static struct route_query
make_route_query(const char *addr)
{
	struct route_query	 q;

	memset(&q, 0, sizeof(q));
	q.seq = SEQ;
	q.portid = PORTID;
	assert_int_equal(endpoint_parse(&q.end, addr, "0"), 0);
	return (q);
}

static int
decode_route(const void *buf, size_t len, const struct route_query *q)
{
	uint8_t		*copy;
	int		 local = 77;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, buf, len);
	(void)route_reply(copy, len, q, &local);
	free(copy);
	return (local);
}

static struct route
make_route(int family, const struct route_query *q)
{
	struct route	 r;

	memset(&r, 0, sizeof(r));
	r.nlh.nlmsg_len = family == AF_INET ? sizeof(r) - 12 : sizeof(r);
	r.nlh.nlmsg_type = RTM_NEWROUTE;
	r.nlh.nlmsg_seq = SEQ;
	r.nlh.nlmsg_pid = PORTID;
	r.rtm.rtm_family = family;
	r.rtm.rtm_type = RTN_LOCAL;
	r.table.rta_type = RTA_TABLE;
	r.table.rta_len = RTA_LENGTH(4);
	r.dst.rta_type = RTA_DST;
	r.dst.rta_len = RTA_LENGTH(family == AF_INET ? 4 : 16);
	memcpy(r.addr, q->end.addr + (family == AF_INET ? 12 : 0),
	    family == AF_INET ? 4 : 16);
	return (r);
}

static void
t_route_request(void **state)
{
	struct route_query	 q = make_route_query("192.0.2.1");
	struct nlmsghdr		 nlh;
	struct rtmsg		 rtm;
	uint8_t			 buf[256];

	(void)state;
	assert_int_equal(route_request(buf, sizeof(buf), &q), 36);
	memcpy(&nlh, buf, sizeof(nlh));
	memcpy(&rtm, buf + 16, sizeof(rtm));
	assert_int_equal(nlh.nlmsg_len, 36);
	assert_int_equal(nlh.nlmsg_type, RTM_GETROUTE);
	assert_int_equal(rtm.rtm_family, AF_INET);
	assert_int_equal(rtm.rtm_dst_len, 32);
	assert_memory_equal(buf + 32, "\300\0\2\1", 4);

	q = make_route_query("2001:db8::1");
	assert_int_equal(route_request(buf, sizeof(buf), &q), 48);
	memcpy(&rtm, buf + 16, sizeof(rtm));
	assert_int_equal(rtm.rtm_family, AF_INET6);
	assert_int_equal(rtm.rtm_dst_len, 128);
	assert_memory_equal(buf + 32, q.end.addr, 16);
	assert_int_equal(route_request(buf, 47, &q), 0);
}

static void
t_route_reply(void **state)
{
	static const int	 families[] = { AF_INET, AF_INET6 };
	struct route_query	 q;
	struct route		 r;
	size_t			 i, len, full;
	int			 local;

	(void)state;
	for (i = 0; i < NITEMS(families); i++) {
		q = make_route_query(i == 0 ? "192.0.2.1" : "2001:db8::1");
		r = make_route(families[i], &q);
		full = r.nlh.nlmsg_len;
		assert_int_equal(decode_route(&r, full, &q), 1);
		r.rtm.rtm_type = RTN_UNICAST;
		assert_int_equal(decode_route(&r, full, &q), 0);
		r.rtm.rtm_type = RTN_BROADCAST;
		assert_int_equal(decode_route(&r, full, &q), 0);
		r.rtm.rtm_type = RTN_LOCAL;

		r.addr[1] ^= 1;		/* another address */
		assert_int_equal(decode_route(&r, full, &q), -1);
		r.addr[1] ^= 1;
		r.rtm.rtm_family = families[1 - i];
		assert_int_equal(decode_route(&r, full, &q), -1);
		r.rtm.rtm_family = families[i];
		r.dst.rta_type = RTA_SRC;
		assert_int_equal(decode_route(&r, full, &q), -1);
		r.dst.rta_type = RTA_DST;
		r.dst.rta_len = RTA_LENGTH(3);
		assert_int_equal(decode_route(&r, full, &q), -1);
		r.dst.rta_len = 0xffff;
		assert_int_equal(decode_route(&r, full, &q), -1);
		r = make_route(families[i], &q);
		r.nlh.nlmsg_seq++;
		assert_int_equal(route_reply(&r, full, &q, &local), NL_STALE);
		r = make_route(families[i], &q);
		for (len = 0; len < full; len++) {
			r.nlh.nlmsg_len = full;
			assert_int_equal(decode_route(&r, len, &q), -1);
			r.nlh.nlmsg_len = len;
			assert_int_equal(decode_route(&r, len, &q), -1);
		}
	}
}

static void
t_route_error(void **state)
{
	static const struct {
		int	 error, local;
	} table[] = {
		{ -ENETUNREACH, 0 }, { -EHOSTUNREACH, 0 }, { -EACCES, 0 },
		{ -EINVAL, 0 }, { -ENOMEM, -1 }, { -EPERM, -1 },
		{ -EOPNOTSUPP, -1 }, { 0, -1 }, { ENETUNREACH, -1 },
	};
	struct {
		struct nlmsghdr	 nlh;
		int		 error;
	} m;
	struct route_query	 q = make_route_query("192.0.2.1");
	size_t			 i;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.nlh.nlmsg_len = sizeof(m);
	m.nlh.nlmsg_type = NLMSG_ERROR;
	m.nlh.nlmsg_seq = SEQ;
	m.nlh.nlmsg_pid = PORTID;
	for (i = 0; i < NITEMS(table); i++) {
		m.error = table[i].error;
		assert_int_equal(decode_route(&m, sizeof(m), &q),
		    table[i].local);
	}
}

static void
t_route_captured(void **state)
{
	static const uint16_t	 little = 1;
	static const struct {
		const uint8_t	*buf;
		size_t		 len;
		const char	*addr;
		int		 local;
	} table[] = {
		{ R(route_local4), "127.0.0.1", 1 },
		{ R(route_local6), "::1", 1 },
		{ R(route_far4), "192.0.2.77", 0 },
		{ R(route_far6), "2001:db8::1", 0 },
		{ R(route_local4), "127.0.0.2", -1 },
		{ R(route_local4), "::1", -1 },
		{ R(route_far4), "192.0.2.78", -1 },
	};
	struct route_query	 q;
	size_t			 i;

	(void)state;
	if (*(const uint8_t *)&little != 1)
		skip();
	for (i = 0; i < NITEMS(table); i++) {
		q = make_route_query(table[i].addr);
		q.seq = 8;
		assert_int_equal(decode_route(table[i].buf, table[i].len,
		    &q), table[i].local);
	}
}

/* Every byte of a right reply turned over: never another's uid. */
static void
t_reply_flipped(void **state)
{
	struct diag_query	 q = make_query();
	struct reply		 good = make_reply();
	struct sock		 sock;
	uint8_t			 buf[sizeof(good)];
	size_t			 i, owner;
	int			 bit;

	(void)state;
	q.cookie = COOKIE;
	owner = sizeof(good.nlh) + offsetof(struct inet_diag_msg, idiag_uid);
	for (i = 0; i < sizeof(buf); i++)
		for (bit = 0; bit < 8; bit++) {
			if (i >= owner && i < owner + 8)
				continue;
			memcpy(buf, &good, sizeof(buf));
			buf[i] ^= 1 << bit;
			(void)decode(buf, sizeof(buf), &q, &sock);
			if (sock.state == SOCK_OWNED)
				assert_int_equal(sock.uid, 12345);
			else
				assert_int_equal(sock.uid, 0);
		}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_request_v4),
		cmocka_unit_test(t_request_v6),
		cmocka_unit_test(t_reply_right),
		cmocka_unit_test(t_reply_states),
		cmocka_unit_test(t_reply_foreign),
		cmocka_unit_test(t_reply_stale),
		cmocka_unit_test(t_reply_short),
		cmocka_unit_test(t_reply_attributes),
		cmocka_unit_test(t_reply_error),
		cmocka_unit_test(t_reply_type),
		cmocka_unit_test(t_reply_captured),
		cmocka_unit_test(t_reply_flipped),
		cmocka_unit_test(t_route_request),
		cmocka_unit_test(t_route_reply),
		cmocka_unit_test(t_route_error),
		cmocka_unit_test(t_route_captured),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
