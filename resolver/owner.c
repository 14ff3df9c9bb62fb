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
 * The decision who owns the client's end of a connection.  Nothing here
 * knows an operating system: what the kernel says comes through os_ops.
 *
 * Two things are never done: to name somebody for a connection that is not
 * provably the one that the MTA asks about, and to take "uid 0, inode 0",
 * which is what kernels say when they have forgotten, for root.
 */

#include <string.h>

#include "owner.h"

#define RECORD_USEC	60000000	/* to be believed alone */

static int	 from_there(const struct os_ops *, const struct conn_key *,
		    const struct record *);
static int	 single(const struct endpoint *);
static int	 forgotten(const struct sock *);
static enum reason unrecorded(const struct os_ops *, const struct conn_key *,
		    const struct sock *);
static enum reason recorded(const struct os_ops *, const struct conn_key *,
		    const struct sock *, const struct record *);
static void	 opener_now(const struct os_ops *, struct found *);
static void	 opener_is(struct found *);
static void	 ask(const struct os_ops *, const struct conn_key *,
		    struct sock *, struct found *);
static void	 announce(const struct os_ops *, const struct inquiry *,
		    size_t);
static int	 key_valid(const struct conn_key *);
static void	 key_swap(struct conn_key *, const struct conn_key *);
static int	 listens(const struct os_ops *, const struct endpoint *);
static enum reason reason_of(enum sock_state);
static int	 fits(const struct sock *, const struct sock *);
static enum reason server_end(const struct os_ops *, const struct conn_key *,
		    const struct sock *);
static void	 not_there(const struct os_ops *, const struct conn_key *,
		    struct owner *);
static void	 forget_process(struct found *);
static int	 older(const struct holder *, const struct holder *);

/* Who owns it, without the process: see owner_ask_all(). */
void
owner_ask(const struct os_ops *os, const struct conn_key *key,
    struct sock *sock, struct found *found)
{
	const struct inquiry	 q = { key, sock, found };

	owner_begin(os, &q);
	owner_ask_all(os, &q, 1);
}

/* What was recorded. */
void
owner_begin(const struct os_ops *os, const struct inquiry *q)
{
	memset(q->sock, 0, sizeof(*q->sock));
	q->sock->state = SOCK_FAILED;
	owner_unknown(&q->found->owner, R_FAILED);
	q->found->holder_uid = 0;
	q->found->recorded = key_valid(q->key) && os->record != NULL &&
	    os->record(q->key, &q->found->record) == 0;
}

/*
 * Who owns those that have begun, without the process.  What it costs does not
 * depend on how many processes and sockets there are.  sock is for
 * owner_search().
 */
void
owner_ask_all(const struct os_ops *os, const struct inquiry *q, size_t n)
{
	size_t	 i;

	if (os->ahead != NULL)
		announce(os, q, n);
	for (i = 0; i < n; i++) {
		if (!key_valid(q[i].key))
			continue;
		ask(os, q[i].key, q[i].sock, q[i].found);
		if (q[i].found->recorded &&
		    q[i].found->owner.verdict == E_OWNED)
			opener_now(os, q[i].found);
	}
	if (os->ahead != NULL)
		os->ahead(NULL, 0);
}

/* What nearly always will be asked of each: without a record one thing more. */
static void
announce(const struct os_ops *os, const struct inquiry *q, size_t n)
{
	struct conn_key	 keys[AHEAD_MAX], *k;
	size_t		 i, count = 0;

	for (i = 0; i < n && count + 3 <= AHEAD_MAX; i++) {
		if (!key_valid(q[i].key))
			continue;
		k = &keys[count];
		k[0] = *q[i].key;
		key_swap(&k[1], q[i].key);
		count += 2;
		if (q[i].found->recorded)
			continue;
		k[2].client = q[i].key->client;
		endpoint_any(&k[2].server, &q[i].key->client);
		count++;
	}
	os->ahead(keys, count);
}

static void
ask(const struct os_ops *os, const struct conn_key *key, struct sock *sock,
    struct found *found)
{
	struct owner	*owner = &found->owner;
	enum reason	 reason;
	uint32_t	 uid;

	os->sock(key, sock);
	/* Of one that was lost it is known that it was made on this host. */
	if (found->recorded && sock->state == SOCK_NONE &&
	    !found->record.lost && !from_there(os, key, &found->record))
		found->recorded = 0;
	if (found->recorded)
		reason = found->record.since >= found->asked ? R_REUSED :
		    recorded(os, key, sock, &found->record);
	else if (sock->state == SOCK_NONE) {
		not_there(os, key, owner);
		return;
	} else
		reason = unrecorded(os, key, sock);
	uid = forgotten(sock) ? found->record.uid : sock->uid;
	/* It had a connection, or listened: who connected it then? */
	if (reason == R_NONE && found->recorded && found->record.again &&
	    found->record.opener.uid != uid)
		reason = R_AMBIGUOUS;
	owner_unknown(owner, reason);
	if (reason != R_NONE)
		return;
	owner->verdict = E_OWNED;
	owner->source = SRC_UIDONLY;
	owner->uid = owner->account = found->holder_uid = uid;
}

/*
 * The kernel has no client with these addresses: is the record of the one who
 * has, or had, the MTA's connection?  The sequence numbers that tie them can be
 * made the same (connect.bpf.c).  But where the client's end had the same
 * addresses, and in this namespace or from an address which nobody of this host
 * has, there was no room for another.  And if packets were sent to another
 * place, there are too few such places to find one with the same clock.
 */
static int
from_there(const struct os_ops *os, const struct conn_key *key,
    const struct record *r)
{
	if (!endpoint_equal(&key->client, &r->source))
		return (0);
	if (r->timely && single(&key->client) && single(&key->server))
		return (1);
	return (endpoint_equal(&key->server, &r->target) &&
	    (r->ours || os->local(&key->client) == 0));
}

/* Not one of the 16 million that loopback has to choose from. */
static int
single(const struct endpoint *end)
{
	return (!endpoint_is_loopback(end) || (end->addr[13] == 0 &&
	    end->addr[14] == 0 && end->addr[15] == 1));
}

/* True if only the record can say whose it was. */
static int
forgotten(const struct sock *sock)
{
	return (sock->state == SOCK_NONE || sock->state == SOCK_FORGOTTEN);
}

/* Without a record: the kernel's tables are all there is. */
static enum reason
unrecorded(const struct os_ops *os, const struct conn_key *key,
    const struct sock *sock)
{
	enum reason	 reason;

	if ((reason = reason_of(sock->state)) == R_NONE)
		reason = server_end(os, key, sock);
	if (reason == R_NONE && listens(os, &key->client) &&
	    !listens(os, &key->server))
		reason = R_AMBIGUOUS;
	if (reason == R_NONE && sock->uid == UID_UNKNOWN)
		reason = R_UNSUPPORTED;
	return (reason);
}

/*
 * With one: it belongs to the MTA's end, so that must be the end which has
 * the tuple now, and the only one.  And if the kernel knows a client with
 * these addresses, it must be the one that was recorded; if not, packets are
 * redirected on their way, and either could be meant.
 *
 * The MTA's end is in no table any more if the client has reset the
 * connection.  Then the record has only itself to prove it.
 */
static enum reason
recorded(const struct os_ops *os, const struct conn_key *key,
    const struct sock *client, const struct record *r)
{
	struct conn_key	 swapped;
	struct sock	 server;

	if (!forgotten(client) && reason_of(client->state) != R_NONE)
		return (reason_of(client->state));
	if (r->lost)
		return (R_AMBIGUOUS);
	if (r->server == 0 || r->shared)
		return (R_REUSED);
	memset(&server, 0, sizeof(server));
	key_swap(&swapped, key);
	os->sock(&swapped, &server);
	switch (server.state) {
	case SOCK_OWNED:
		if (server.cookie != r->server)
			return (R_REUSED);
		return (client->cookie == r->client ||
		    client->state == SOCK_NONE ? R_NONE : R_REDIRECTED);
	case SOCK_NONE:
		/* With TCP fast open it may have been accepted already. */
		if (client->state != SOCK_NONE || client->attempt)
			return (R_REUSED);
		return (r->age < RECORD_USEC && os->complete(key, r) ?
		    R_NONE : R_CLOSED);
	case SOCK_ORPHAN:
	case SOCK_FORGOTTEN:
		return (R_REUSED);
	default:
		return (reason_of(server.state));
	}
}

/* The process that called connect(2), if it is still the same one. */
static void
opener_now(const struct os_ops *os, struct found *found)
{
	const struct record	*r = &found->record;
	uint32_t		 want = found->want;

	found->want &= ~(1U << T_PROGRAM);
	if (os->process(&r->opener, found) == 0)
		opener_is(found);
	else
		forget_process(found);
	found->want = want;
}

/* What is true of it in any case. */
static void
opener_is(struct found *found)
{
	const struct record	*r = &found->record;
	struct owner		*owner = &found->owner;

	owner->source = SRC_BPF;
	owner->pid = r->opener.pid;
	owner->start = r->opener.start;
	owner->login = r->login;
	owner->text[T_PROGRAM] = r->program[0] != '\0' ? r->program : NULL;
}

/*
 * If no process is known to have the socket, then it is who opened it, who
 * has ended or has become another program.
 */
void
owner_opener(const struct os_ops *os, struct found *found)
{
	if (found->owner.verdict != E_OWNED || !found->recorded ||
	    found->owner.pid != NO_PID)
		return;
	opener_is(found);
	found->holder_uid = found->record.opener.uid;
	os->group(&found->record, found);
}

/*
 * Add the process to what owner_ask() said.
 *
 * What is said of the process must be true of this very socket, so the last
 * question is whether the connection still has it.  If not, the process is
 * forgotten.  The uid stays: the kernel gave it together with the whole
 * 4-tuple while the MTA had its end open, and what became of the socket
 * later does not change who owned it then.
 */
void
owner_search(const struct os_ops *os, const struct conn_key *key,
    const struct sock *sock, const struct budget *budget, struct found *found)
{
	struct holder		 list[MAX_HOLDERS];
	const struct holder	*h;
	size_t			 count, n;

	if (found->owner.verdict != E_OWNED || sock->state != SOCK_OWNED ||
	    budget->usec == 0)
		return;

	count = os->holders(sock, budget, list);
	n = count < MAX_HOLDERS ? count : MAX_HOLDERS;
	while ((h = owner_pick(list, n, sock->uid)) != NULL) {
		if (os->process(h, found) == 0)
			break;
		/* It has ended or let go of the socket: as if never seen. */
		forget_process(found);
		list[h - list] = list[--n];
		count--;
	}
	if (h == NULL)
		return;
	if (!os->same(key, sock)) {
		forget_process(found);
		return;
	}
	found->owner.source = h->source;
	found->owner.pid = h->pid;
	found->owner.start = h->start;
	found->owner.holders = count;
	found->holder_uid = h->uid;
}

/*
 * Of several holders the oldest one that runs as the socket's owner, else
 * the oldest: a child that inherited it, or somebody to whom it was passed,
 * came later.
 */
const struct holder *
owner_pick(const struct holder *list, size_t n, uint32_t uid)
{
	const struct holder	*best = NULL;
	size_t			 i;
	int			 mine;

	for (i = 0; i < n; i++) {
		if (best == NULL) {
			best = &list[i];
			continue;
		}
		mine = list[i].uid == uid;
		if (mine != (best->uid == uid)) {
			if (mine)
				best = &list[i];
		} else if (older(&list[i], best))
			best = &list[i];
	}
	return (best);
}

static int
older(const struct holder *a, const struct holder *b)
{
	if (a->start != b->start)
		return (a->start < b->start);
	return (a->pid < b->pid);
}

/* Callers don't ask for what can't be a connection; the answer is safe. */
static int
key_valid(const struct conn_key *key)
{
	return (key->client.port != 0 && key->server.port != 0 &&
	    !endpoint_is_any(&key->client) && !endpoint_is_any(&key->server) &&
	    !endpoint_equal(&key->client, &key->server));
}

static void
key_swap(struct conn_key *to, const struct conn_key *from)
{
	to->client = from->server;
	to->server = from->client;
}

/*
 * Where somebody listens, and nobody at the other end, is the server: then
 * the question is the wrong way round.  A client that listens on its own port
 * as well is still one, for the MTA listens too.
 */
static int
listens(const struct os_ops *os, const struct endpoint *end)
{
	struct conn_key	 key;
	struct sock	 sock;

	memset(&sock, 0, sizeof(sock));
	key.client = *end;
	endpoint_any(&key.server, end);
	os->sock(&key, &sock);
	return (sock.state == SOCK_NONE && sock.listening);
}

static enum reason
reason_of(enum sock_state state)
{
	switch (state) {
	case SOCK_OWNED:
	case SOCK_ORPHAN:
		return (R_NONE);
	case SOCK_FORGOTTEN:
	case SOCK_NONE:
		return (R_CLOSED);
	case SOCK_DENIED:
		return (R_DENIED);
	case SOCK_UNSUPPORTED:
		return (R_UNSUPPORTED);
	case SOCK_SEVERAL:
		return (R_AMBIGUOUS);
	case SOCK_FAILED:
		break;
	}
	return (R_FAILED);
}

/*
 * Are they two ends of one connection?  Where sockets are bound to interfaces,
 * one that lost its other end can linger beside the one that has its ports
 * now.  It shows if only one of the two knows that the client has closed.
 * For the moment that an acknowledgement takes, this is so of honest ones as
 * well; they are given up if nobody holds the socket any more, and such a
 * bound one in any case.
 */
static int
fits(const struct sock *client, const struct sock *server)
{
	if (client->bound != 0 && client->state != SOCK_OWNED)
		return (0);
	return (server->fin_seen == client->fin_acked ||
	    (client->bound == 0 && client->state == SOCK_OWNED));
}

/*
 * The MTA asks about a connection that it has accepted.  If nobody has
 * accepted the server's end of this one (it is in the queue of the listening
 * socket), then it is a later one: the first has ended and its port is used
 * again, perhaps by somebody else.  A server's end that the MTA has closed
 * looks the same and gets the same answer; no message comes from there.
 *
 * A server's end that is not there at all is a later connection whose
 * handshake the full queue does not let end.  But where the server's address
 * is not this host's own, the MTA is in another network namespace or on
 * another host, and nothing can be asked.
 */
static enum reason
server_end(const struct os_ops *os, const struct conn_key *key,
    const struct sock *client)
{
	struct conn_key	 swapped;
	struct sock	 sock;

	memset(&sock, 0, sizeof(sock));
	key_swap(&swapped, key);
	os->sock(&swapped, &sock);
	switch (sock.state) {
	case SOCK_OWNED:
		return (fits(client, &sock) ? R_NONE : R_CLOSED);
	case SOCK_ORPHAN:
	case SOCK_FORGOTTEN:
		return (R_REUSED);
	case SOCK_NONE:
		return (os->local(&key->server) == 0 ? R_NONE : R_REUSED);
	default:
		return (reason_of(sock.state));
	}
}

/*
 * The kernel has no such connection.  If the client is of this host, it has
 * closed; or, if the MTA's end lives on, the client's end has another
 * destination, because the packets are redirected.
 */
static void
not_there(const struct os_ops *os, const struct conn_key *key,
    struct owner *owner)
{
	struct conn_key	 swapped;
	struct sock	 sock;

	switch (os->local(&key->client)) {
	case 0:
		owner_unknown(owner, R_NONE);
		owner->verdict = E_REMOTE;
		return;
	case 1:
		break;
	default:
		owner_unknown(owner, R_FAILED);
		return;
	}
	memset(&sock, 0, sizeof(sock));
	key_swap(&swapped, key);
	os->sock(&swapped, &sock);
	owner_unknown(owner, sock.state == SOCK_OWNED && sock.established ?
	    R_REDIRECTED : R_CLOSED);
}

static void
forget_process(struct found *found)
{
	struct owner	*owner = &found->owner;

	owner->source = SRC_UIDONLY;
	owner->login = LOGIN_UNSET;
	owner->pid = NO_PID;
	owner->start = 0;
	owner->holders = 0;
	memset(owner->text, 0, sizeof(owner->text));
	found->holder_uid = owner->uid;
}
