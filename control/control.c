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
 * The control socket.  Root itself answers nobody: what a client may ask is
 * decided here, by the uid that the kernel says it has.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

#define CLIENTS_MAX	1000
#define CLIENTS_OTHERS	500		/* of them for others than root */

/* Who is connected; each asks one thing at a time. */
struct client {
	struct peer	 peer;
	uid_t		 uid;
	uint32_t	 id;		/* of the open request, or 0 */
	enum imsg	 request;	/* what it asked */
	uint32_t	 its_id;	/* how it calls it */
};

static struct peer	*parent;
static struct peer	 resolver;
static struct peers	 clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned int	 nclients;
static int		 listen_fd = -1;
static int		 quit;
static uint32_t		 last_id;
static struct event	 ev_accept, ev_pause;

static int	 on_peer(struct peer *, struct msg *);
static int	 on_listen(struct peer *, struct msg *);
static int	 on_start(struct peer *, struct msg *);
static int	 on_proc(struct peer *, struct msg *);
static int	 on_result(struct peer *, struct msg *);
static int	 on_answer(struct peer *, struct msg *);
static int	 on_caps(struct peer *, struct msg *);
static int	 on_hello(struct peer *, struct msg *);
static int	 on_request(struct peer *, struct msg *);
static int	 on_lookup(struct peer *, struct msg *);
static int	 on_caps_get(struct peer *, struct msg *);

const struct handler control_handlers[] = {
	{ IMSG_PEER,		on_peer },
	{ IMSG_LOGFD,		on_logfd },
	{ IMSG_LISTEN,		on_listen },
	{ IMSG_START,		on_start },
	{ IMSG_PROC,		on_proc },
	{ IMSG_RESULT,		on_result },
	{ IMSG_MAX,		NULL }
};

static const struct handler resolver_handlers[] = {
	{ IMSG_ANSWER,		on_answer },
	{ IMSG_CAPS,		on_caps },
	{ IMSG_MAX,		NULL }
};

static const struct handler client_handlers[] = {
	{ IMSG_CTL_HELLO,	on_hello },
	{ IMSG_CTL_STATUS,	on_request },
	{ IMSG_CTL_RELOAD,	on_request },
	{ IMSG_CTL_STOP,	on_request },
	{ IMSG_CTL_LOOKUP,	on_lookup },
	{ IMSG_CTL_CAPS_GET,	on_caps_get },
	{ IMSG_MAX,		NULL }
};

/* What a request becomes, and whether only root may make it. */
static const struct {
	enum imsg	 from, to;
	int		 root_only;
} requests[] = {
	{ IMSG_CTL_STATUS,	IMSG_PROCS,	0 },
	{ IMSG_CTL_RELOAD,	IMSG_RELOAD,	1 },
	{ IMSG_CTL_STOP,	IMSG_STOP,	1 },
	{ IMSG_CTL_LOOKUP,	IMSG_LOOKUP,	1 },
	{ IMSG_CTL_CAPS_GET,	IMSG_CAPS_GET,	1 }
};

void
control_init(struct peer *p)
{
	parent = p;
	/* No answer to an earlier control's request is to fit ours. */
	last_id = arc4random();
	resolver.chan.fd = -1;
}

/* The parent closed the channel: leave when the resolver does. */
void
control_gone(struct peer *peer, const char *why)
{
	(void)peer;
	if (why != NULL)
		fatalx("the parent makes no sense");
	if (!resolver.open)
		exit(0);
	quit = 1;
	if (listen_fd != -1) {
		(void)event_del(&ev_accept);
		(void)evtimer_del(&ev_pause);
		close(listen_fd);
	}
	child_leave();
}

static void
client_gone(struct peer *p, const char *why)
{
	(void)why;
	TAILQ_REMOVE(&clients, p, next);
	nclients--;
	free(p->arg);
}

/* The client whose open request that is, or NULL. */
static struct client *
client_find(uint32_t id)
{
	struct client	*c;
	struct peer	*p;

	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		if (id != 0 && c->id == id)
			return (c);
	}
	return (NULL);
}

/* A reply that has more of them to come. */
static void
client_send(struct client *c, struct msg *m)
{
	if (peer_send(&c->peer, m) == -1)
		peer_drop(&c->peer, "does not read");
}

static void
client_ok(struct client *c, const char *text)
{
	struct msg	 m;

	msg_new(&m, IMSG_CTL_OK, c->its_id);
	put_str(&m, text);
	client_send(c, &m);
	c->id = 0;
}

static void
client_fail(struct client *c, int error, const char *text)
{
	struct msg	 m;

	msg_new(&m, IMSG_CTL_FAIL, c->its_id);
	put_u32(&m, error);
	put_str(&m, text);
	client_send(c, &m);
	c->id = 0;
}

/* The same payload under another name and id. */
static void
forward(struct peer *to, struct msg *m, enum imsg type, uint32_t id)
{
	m->type = type;
	m->id = id;
	(void)peer_send(to, m);
}

/* A resolver that died gives no answers. */
static void
resolver_gone(struct peer *peer, const char *why)
{
	struct client	*c;
	struct peer	*p;

	(void)peer;
	if (why != NULL)
		fatalx("the resolver makes no sense");
	if (quit)
		exit(0);
	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		if (c->id != 0 && (c->request == IMSG_CTL_LOOKUP ||
		    c->request == IMSG_CTL_CAPS_GET))
			client_fail(c, EAGAIN, "the resolver is starting");
	}
}

static int
on_peer(struct peer *peer, struct msg *m)
{
	enum role	 role = get_u8(m);

	(void)peer;
	(void)get_u16(m);
	if (msg_end(m) == -1 || role != ROLE_RESOLVER)
		return (-1);
	if (resolver.open) {
		peer_close(&resolver);
		resolver_gone(&resolver, NULL);
	}
	peer_open(&resolver, msg_claim_fd(m), ROLE_CONTROL, role, 1,
	    resolver_handlers, resolver_gone);
	resolver.chan.state = S_RUN;
	return (0);
}

static void
cb_resume(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	(void)event_add(&ev_accept, NULL);
}

/* Out of descriptors: those who are connected go first. */
static void
pause_accept(void)
{
	struct timeval	 tv = { 1, 0 };

	(void)event_del(&ev_accept);
	(void)evtimer_add(&ev_pause, &tv);
}

static void
client_open(int fd)
{
	struct client	*c;
	uid_t		 uid;
	gid_t		 gid;

	/* Root always finds a place. */
	if (getpeereid(fd, &uid, &gid) == -1 ||
	    nclients >= (uid == 0 ? CLIENTS_MAX : CLIENTS_OTHERS) || (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->uid = uid;
	c->peer.arg = c;
	peer_open(&c->peer, fd, ROLE_CONTROL, ROLE_CLIENT, 0, client_handlers,
	    client_gone);
	TAILQ_INSERT_TAIL(&clients, &c->peer, next);
	nclients++;
}

static void
cb_accept(int fd, short event, void *arg)
{
	int	 new;

	(void)event;
	(void)arg;
	if ((new = accept(fd, NULL, NULL)) != -1)
		client_open(new);
	else if (errno == EMFILE || errno == ENFILE)
		pause_accept();
}

static int
on_listen(struct peer *peer, struct msg *m)
{
	(void)peer;
	if (get_u16(m) != 0 || msg_end(m) == -1 || listen_fd != -1)
		return (-1);
	listen_fd = msg_claim_fd(m);
	return (0);
}

static int
on_start(struct peer *peer, struct msg *m)
{
	if (msg_end(m) == -1 || listen_fd == -1)
		return (-1);
	event_set(&ev_accept, listen_fd, EV_READ | EV_PERSIST, cb_accept, NULL);
	evtimer_set(&ev_pause, cb_resume, NULL);
	(void)event_add(&ev_accept, NULL);
	child_ready(peer);
	return (0);
}

/* From the parent: one row of a status. */
static int
on_proc(struct peer *peer, struct msg *m)
{
	struct client	*c = client_find(m->id);

	(void)peer;
	if (c != NULL)
		forward(&c->peer, m, IMSG_CTL_PROC, c->its_id);
	return (0);
}

/* From the parent: the end of what it was asked. */
static int
on_result(struct peer *peer, struct msg *m)
{
	struct client	*c = client_find(m->id);
	uint32_t	 error = get_u32(m);
	char		 text[STR_MAX + 1];

	(void)peer;
	get_str(m, text, sizeof(text));
	if (msg_end(m) == -1)
		return (-1);
	if (c != NULL && error == 0)
		client_ok(c, text);
	else if (c != NULL)
		client_fail(c, error, text);
	return (0);
}

/* From the resolver; it is the client that reads it. */
static void
answered(struct msg *m, enum imsg type)
{
	struct client	*c = client_find(m->id);

	if (c != NULL) {
		forward(&c->peer, m, type, c->its_id);
		c->id = 0;
	}
}

static int
on_answer(struct peer *peer, struct msg *m)
{
	(void)peer;
	answered(m, IMSG_CTL_ANSWER);
	return (0);
}

static int
on_caps(struct peer *peer, struct msg *m)
{
	(void)peer;
	answered(m, IMSG_CTL_CAPS);
	return (0);
}

/* From a client, which may be anybody who can open the socket. */
static int
on_hello(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	uint32_t	 version = get_u32(m);

	if (msg_end(m) == -1)
		return (-1);
	if (version != PROTOCOL_VERSION) {
		c->its_id = m->id;
		client_fail(c, EPROTO, "the daemon is of another version");
		return (0);
	}
	p->chan.state = S_RUN;
	return (0);
}

/* Begin a request.  Returns its type for the one who answers, or -1. */
static int
request_begin(struct client *c, const struct msg *m)
{
	size_t	 i;

	for (i = 0; i < NITEMS(requests) && requests[i].from != m->type; i++)
		continue;
	if (i == NITEMS(requests))
		return (-1);
	c->its_id = m->id;
	if (requests[i].root_only && c->uid != 0) {
		client_fail(c, EPERM, "only root may do that");
		return (-1);
	}
	c->request = m->type;
	if (++last_id == 0)
		last_id = 1;
	c->id = last_id;
	return (requests[i].to);
}

static int
on_request(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	int		 type;

	if (msg_end(m) == -1 || c->id != 0)
		return (-1);
	if ((type = request_begin(c, m)) != -1)
		forward(parent, m, type, c->id);
	return (0);
}

/* A question for the resolver that makes sense so far. */
static void
ask_resolver(struct client *c, struct msg *m)
{
	int	 type;

	if ((type = request_begin(c, m)) == -1)
		return;
	if (resolver.open)
		forward(&resolver, m, type, c->id);
	else
		client_fail(c, EAGAIN, "the resolver is starting");
}

static int
on_lookup(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	struct endpoint	 e;

	get_endpoint(m, &e);
	get_endpoint(m, &e);
	(void)get_u64(m);
	if (msg_end(m) == -1 || c->id != 0)
		return (-1);
	ask_resolver(c, m);
	return (0);
}

static int
on_caps_get(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;

	if (msg_end(m) == -1 || c->id != 0)
		return (-1);
	ask_resolver(c, m);
	return (0);
}
