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


/* What the backends for FreeBSD and OpenBSD have in common. */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp_fsm.h>

#include <string.h>

#include "bsd.h"

/* Link-local addresses can have the number of the interface in the middle. */
void
end_make(struct endpoint *e, int is4, const void *addr, uint16_t port)
{
	memset(e, 0, sizeof(*e));
	if (is4) {
		e->addr[10] = e->addr[11] = 0xff;
		memcpy(e->addr + 12, addr, 4);
	} else {
		memcpy(e->addr, addr, 16);
		if (IS_SCOPED(e->addr))
			e->addr[2] = e->addr[3] = 0;
	}
	e->port = ntohs(port);
}

/* As both; which one it is, endpoint_is4() says. */
void
end_to_sin(const struct endpoint *e, struct sockaddr_in *sin,
    struct sockaddr_in6 *sin6)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_len = sizeof(*sin);
	sin->sin_family = AF_INET;
	sin->sin_port = htons(e->port);
	memcpy(&sin->sin_addr, e->addr + 12, 4);
	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_len = sizeof(*sin6);
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(e->port);
	memcpy(&sin6->sin6_addr, e->addr, 16);
}

/* Who listens at that end, at its address or at any, listens here, too. */
int
end_listens(const struct endpoint *end, const struct endpoint *here)
{
	return (end->port == here->port &&
	    endpoint_is4(end) == endpoint_is4(here) &&
	    (endpoint_is_any(end) || memcmp(end->addr, here->addr, 16) == 0));
}

/* Is it that address?  The kernel may have cut it short. */
int
end_is_sa(const struct endpoint *e, const void *sa, size_t len)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;
	struct endpoint		 own;

	memset(&sin, 0, sizeof(sin));
	memset(&sin6, 0, sizeof(sin6));
	memcpy(&sin, sa, len < sizeof(sin) ? len : sizeof(sin));
	memcpy(&sin6, sa, len < sizeof(sin6) ? len : sizeof(sin6));
	if (sin.sin_family == AF_INET)
		end_make(&own, 1, &sin.sin_addr, 0);
	else if (sin.sin_family == AF_INET6)
		end_make(&own, 0, &sin6.sin6_addr, 0);
	else
		return (0);
	return (memcmp(own.addr, e->addr, 16) == 0);
}

/* Ends that no connection has, to see whether we may ask. */
int
end_nowhere(struct conn_key *key)
{
	return (endpoint_parse(&key->client, "127.0.0.1", "1") == 0 &&
	    endpoint_parse(&key->server, "127.0.0.1", "1") == 0);
}

/* What the state, TCPS_, says.  Returns 0 if it is no connection yet. */
int
sock_progress(struct sock *sock, int state)
{
	sock->established = state == TCPS_ESTABLISHED;
	sock->fin_seen = state == TCPS_CLOSE_WAIT || state == TCPS_CLOSING ||
	    state == TCPS_LAST_ACK || state == TCPS_TIME_WAIT;
	sock->fin_acked = state == TCPS_FIN_WAIT_2 || state == TCPS_TIME_WAIT;
	if (state != TCPS_SYN_SENT && state != TCPS_SYN_RECEIVED)
		return (1);
	sock->state = SOCK_NONE;
	sock->attempt = 1;
	return (0);
}

void
search_begin(struct search *s, const struct sock *sock,
    const struct budget *budget, struct holder *list)
{
	s->sock = sock;
	s->budget = budget;
	s->list = list;
	s->n = 0;
	s->end = clock_usec(CLOCK_MONOTONIC) + budget->usec;
}

/* The kernel does the work, so it is time that counts here. */
int
search_over(const struct search *s)
{
	if (s->n > 0 && s->budget->busy != NULL &&
	    s->budget->busy(s->budget->arg))
		return (1);
	return (clock_usec(CLOCK_MONOTONIC) >= s->end);
}

/* This process has the socket, perhaps more than once. */
void
search_add(struct search *s, uint32_t pid, uint32_t uid, uint64_t start)
{
	struct holder	*h;
	size_t		 i;

	for (i = 0; i < s->n && i < MAX_HOLDERS; i++)
		if (s->list[i].pid == pid)
			return;
	if (s->n++ >= MAX_HOLDERS)
		return;
	h = &s->list[i];
	memset(h, 0, sizeof(*h));
	h->pid = pid;
	h->uid = uid;
	h->start = start;
	h->inode = s->sock->inode;
	h->key = s->sock->key;
	h->source = SRC_SCAN;
	h->fd = -1;
}

int
wants(const struct found *found, enum text text)
{
	return ((found->want & 1U << text) != 0);
}

void
found_program(struct found *found, const char *comm)
{
	if (!wants(found, T_PROGRAM) || comm[0] == '\0')
		return;
	(void)strlcpy(found->program, comm, sizeof(found->program));
	found->owner.text[T_PROGRAM] = found->program;
}
