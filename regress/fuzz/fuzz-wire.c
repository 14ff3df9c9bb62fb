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
 * Packets as they come from a peer: through a socket, past the message table,
 * and the fields taken out.
 *
 * SOURCES: common/chan.c common/msgtab.c common/wire.c common/addr.c
 * SOURCES: common/answer.c common/xtext.c
 */

#include <fcntl.h>

#include "packet.h"
#include "sysuser.h"

#define FDS_LOOKED_AT	64

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return (0);
}

/* So many descriptors are open. */
static int
open_fds(void)
{
	int	 fd, n = 0;

	for (fd = 0; fd < FDS_LOOKED_AT; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

static int
same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

/* What is sent again says the same. */
static void
check_owner(const struct owner *o)
{
	struct msg	 m;
	struct owner	*again;
	int		 i;

	REQUIRE(o->verdict < E_MAX && o->reason < R_MAX &&
	    o->source < SRC_MAX && o->ngroups <= MAX_GROUPS);
	msg_new(&m, IMSG_ANSWER, 0);
	put_owner(&m, o);
	REQUIRE(!m.bad);
	REQUIRE((again = get_owner(&m)) != NULL);
	REQUIRE(again->verdict == o->verdict && again->uid == o->uid &&
	    again->pid == o->pid && again->start == o->start &&
	    again->account == o->account && again->login == o->login &&
	    again->ngroups == o->ngroups);
	if (o->ngroups > 0)
		REQUIRE(memcmp(again->groups, o->groups,
		    o->ngroups * sizeof(*o->groups)) == 0);
	for (i = 0; i < T_MAX; i++)
		REQUIRE(same_text(again->text[i], o->text[i]));
	free(again);
}

static void
read_owner(struct msg *m)
{
	struct owner	*o;

	if ((o = get_owner(m)) == NULL) {
		REQUIRE(m->bad);
		return;
	}
	REQUIRE(msg_end(m) == 0);
	check_owner(o);
	free(o);
}

static void
read_ids(struct msg *m)
{
	struct range	 ranges[1 + MAX_SUBUIDS];
	enum presence	 found;
	size_t		 i, n;

	n = get_ids(m, &found, ranges);
	REQUIRE(n <= NITEMS(ranges));
	for (i = 0; i < n; i++)
		REQUIRE(ranges[i].lo <= ranges[i].hi);
}

/* Fields in an order that the id of the message chooses. */
static void
read_fields(struct msg *m)
{
	struct endpoint	 e;
	char		 text[STR_MAX + 1];
	uint32_t	 way;

	for (way = m->id; way > 0 && !m->bad; way >>= 3)
		switch (way & 7) {
		case 0:
			(void)get_u8(m);
			break;
		case 1:
			(void)get_u16(m);
			break;
		case 2:
			(void)get_u32(m);
			break;
		case 3:
			(void)get_u64(m);
			break;
		case 4:
			get_endpoint(m, &e);
			break;
		default:
			text[0] = '\0';
			get_str(m, text, way & 1 ? sizeof(text) : 16);
			REQUIRE(!m->bad || text[0] == '\0');
			break;
		}
	REQUIRE(m->pos <= m->len);
}

static void
read_message(struct msg *m, const struct chan *c)
{
	const struct msgrow	*row = &msgtab[m->type];

	REQUIRE(m->type < IMSG_MAX && m->len >= row->min &&
	    m->len <= row->max && (m->fd != -1) == row->fd &&
	    row->from & 1U << c->peer && row->to & 1U << c->self);
	switch (m->type) {
	case IMSG_ANSWER:
	case IMSG_CTL_ANSWER:
		read_owner(m);
		break;
	case IMSG_IDOF:
	case IMSG_USERIDOF:
		read_ids(m);
		break;
	default:
		read_fields(m);
	}
	if (m->fd != -1)
		close(msg_claim_fd(m));
}

/* Roles, the state, then packets: descriptors, length, bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len }, packet;
	struct chan	 c;
	struct msg	 m;
	const char	*why;
	int		 pair[2], fds = open_fds(), rv = 1;

	REQUIRE(chan_pair(pair) == 0);
	chan_init(&c, pair[0], take_u8(&in) % ROLE_MAX,
	    take_u8(&in) % ROLE_MAX, 1);
	c.state = take_u8(&in) % (S_QUIT + 1);
	while (in.left > 0 && rv == 1) {
		int	 nfds = take_u8(&in) % (PACKET_FDS + 1);

		packet = take_part(&in);
		packet_send(pair[1], &packet, nfds);
		if ((rv = chan_recv(&c, &m, &why)) == 1)
			read_message(&m, &c);
		else
			REQUIRE(rv == 0 || m.fd == -1);
	}
	close(pair[1]);
	chan_close(&c);
	REQUIRE(open_fds() == fds);
	return (0);
}
