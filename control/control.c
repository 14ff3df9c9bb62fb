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
 * control: what the parent and the resolver tell it.  What a client asks is
 * handed on to whoever knows, and the answer back.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

static struct peer	*parent;
static struct peer	 resolver;
static int		 quit;

static int	 on_peer(struct peer *, struct msg *);
static int	 on_listen(struct peer *, struct msg *);
static int	 on_saved(struct peer *, struct msg *);
static int	 on_start(struct peer *, struct msg *);
static int	 on_proc(struct peer *, struct msg *);
static int	 on_tablerow(struct peer *, struct msg *);
static int	 on_useridof(struct peer *, struct msg *);
static int	 on_result(struct peer *, struct msg *);
static int	 on_answer(struct peer *, struct msg *);
static int	 on_caps(struct peer *, struct msg *);

const struct handler control_handlers[] = {
	{ IMSG_PEER,		on_peer },
	{ IMSG_LOGFD,		on_logfd },
	{ IMSG_LISTEN,		on_listen },
	{ IMSG_SAVED,		on_saved },
	{ IMSG_START,		on_start },
	{ IMSG_PING,		on_ping },
	{ IMSG_PROC,		on_proc },
	{ IMSG_TABLEROW,	on_tablerow },
	{ IMSG_USERIDOF,	on_useridof },
	{ IMSG_RESULT,		on_result },
	{ IMSG_MAX,		NULL }
};

static const struct handler resolver_handlers[] = {
	{ IMSG_ANSWER,		on_answer },
	{ IMSG_CAPS,		on_caps },
	{ IMSG_MAX,		NULL }
};

void
control_init(struct peer *p)
{
	parent = p;
	resolver.chan.fd = -1;
	clients_init();
	tables_init();
	workers_init();
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
	clients_stop();
	child_leave();
}

/*
 * Ask the parent or the resolver: the same payload under another type and id.
 * Returns 0, or -1 if there is nobody to ask.
 */
int
control_ask(enum imsg type, struct msg *m, uint32_t id)
{
	struct peer	*to = msgtab[type].to & 1 << ROLE_RESOLVER ?
			    &resolver : parent;

	m->type = type;
	m->id = id;
	return (to->open ? peer_send(to, m) : -1);
}

/* A resolver that died gives no answers. */
static void
resolver_gone(struct peer *peer, const char *why)
{
	(void)peer;
	if (why != NULL)
		fatalx("the resolver makes no sense");
	if (quit)
		exit(0);
	clients_fail(IMSG_CTL_LOOKUP, "the resolver is starting");
	clients_fail(IMSG_CTL_CAPS_GET, "the resolver is starting");
}

static int
on_peer(struct peer *peer, struct msg *m)
{
	enum role	 role = get_u8(m);
	unsigned int	 instance = get_u16(m);

	(void)peer;
	if (msg_end(m) == -1)
		return (-1);
	if (role == ROLE_WORKER)
		return (worker_open(msg_claim_fd(m), instance, m->id));
	if (role != ROLE_RESOLVER)
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

static int
on_listen(struct peer *peer, struct msg *m)
{
	(void)peer;
	if (get_u16(m) != 0 || msg_end(m) == -1)
		return (-1);
	return (clients_listen(msg_claim_fd(m)));
}

static int
on_saved(struct peer *peer, struct msg *m)
{
	(void)peer;
	return (tables_saved(m));
}

static int
on_start(struct peer *peer, struct msg *m)
{
	if (msg_end(m) == -1 || clients_start() == -1)
		return (-1);
	workers_start();
	child_ready(peer, sandbox_control());
	tables_start();
	return (0);
}

/* From the parent: one row of a status. */
static int
on_proc(struct peer *peer, struct msg *m)
{
	(void)peer;
	client_row(client_find(m->id), m, IMSG_CTL_PROC);
	return (0);
}

static int
on_tablerow(struct peer *peer, struct msg *m)
{
	(void)peer;
	client_row(client_find(m->id), m, IMSG_CTL_TABLEROW);
	return (0);
}

static int
on_useridof(struct peer *peer, struct msg *m)
{
	(void)peer;
	return (tables_userid(m));
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
	if (c == NULL)
		return (0);
	if (c->saving) {
		c->saving = 0;
		if ((c->error = error) != 0) {
			(void)strlcpy(c->text, "in force, but not kept: ",
			    sizeof(c->text));
			(void)strlcat(c->text, text, sizeof(c->text));
		}
		clients_settle(0);
	} else if (error == 0)
		client_ok(c, c->text[0] != '\0' ? c->text : text);
	else
		client_fail(c, error, text);
	return (0);
}

/* From the resolver; it is the client that reads it. */
static int
on_answer(struct peer *peer, struct msg *m)
{
	(void)peer;
	client_end(client_find(m->id), m, IMSG_CTL_ANSWER);
	return (0);
}

static int
on_caps(struct peer *peer, struct msg *m)
{
	(void)peer;
	client_end(client_find(m->id), m, IMSG_CTL_CAPS);
	return (0);
}
