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
 * Replies of the kernel about a connection and about an address.  Whatever
 * they say, nobody is named who does not own that very connection.
 *
 * SOURCES: resolver/linux_diag.c common/addr.c
 */

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include "fuzz.h"
#include "linux_diag.h"

#define PORTID	4711

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return (0);
}

static void
take_end(struct input *in, struct endpoint *e, int v4)
{
	size_t	 i;

	memset(e, 0, sizeof(*e));
	for (i = v4 ? 12 : 0; i < sizeof(e->addr); i++)
		e->addr[i] = take_u8(in);
	if (v4)
		e->addr[10] = e->addr[11] = 0xff;
	e->port = take_int(in, 2);
}

static int
same_end(const struct endpoint *e, const void *addr, uint16_t port, int v4)
{
	return (memcmp(e->addr + (v4 ? 12 : 0), addr, v4 ? 4 : 16) == 0 &&
	    (!v4 || endpoint_is4(e)) && e->port == ntohs(port));
}

/* Seen with other eyes than the decoder's. */
static void
check_owned(const struct input *in, const struct diag_query *q,
    const struct sock *s)
{
	struct nlmsghdr		 nlh;
	struct inet_diag_msg	 m;
	int			 v4;

	REQUIRE(in->left >= sizeof(nlh) + sizeof(m));
	memcpy(&nlh, in->p, sizeof(nlh));
	memcpy(&m, in->p + sizeof(nlh), sizeof(m));
	v4 = m.idiag_family == AF_INET;
	REQUIRE(nlh.nlmsg_seq == q->seq && nlh.nlmsg_pid == q->portid &&
	    nlh.nlmsg_type == 20 && nlh.nlmsg_len <= in->left);
	REQUIRE(m.idiag_state != TCP_LISTEN && m.idiag_state != TCP_SYN_SENT &&
	    m.idiag_state != TCP_CLOSE);
	REQUIRE(same_end(&q->key.client, m.id.idiag_src, m.id.idiag_sport,
	    v4) && same_end(&q->key.server, m.id.idiag_dst, m.id.idiag_dport,
	    v4));
	REQUIRE(s->uid == m.idiag_uid && s->inode == m.idiag_inode);
	/* Uid 0 and inode 0 is what the kernel says of nobody. */
	REQUIRE(s->uid != 0 || s->inode != 0 || s->state == SOCK_FORGOTTEN);
	REQUIRE(m.id.idiag_if == 0 || m.id.idiag_if == q->ifindex);
}

static void
fuzz_diag(struct input *in, int v4)
{
	struct diag_query	 q = { .seq = take_u8(in), .portid = PORTID };
	struct sock		 s;

	q.cookie = take_u8(in);
	q.ifindex = take_u8(in);
	take_end(in, &q.key.client, v4);
	take_end(in, &q.key.server, v4);
	if (diag_reply(in->p, in->left, &q, &s) == NL_DONE &&
	    (s.state == SOCK_OWNED || s.state == SOCK_ORPHAN ||
	    s.state == SOCK_FORGOTTEN))
		check_owned(in, &q, &s);
}

static void
fuzz_route(struct input *in, int v4)
{
	struct route_query	 q = { .seq = take_u8(in), .portid = PORTID };
	int			 local = 7;

	take_end(in, &q.end, v4);
	(void)route_reply(in->p, in->left, &q, &local);
	REQUIRE(local >= -1 && local <= 1);
}

/* Which question, what was asked, and the reply. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	uint8_t		 what = take_u8(&in);

	if (what & 2)
		fuzz_route(&in, what & 1);
	else
		fuzz_diag(&in, what & 1);
	return (0);
}
