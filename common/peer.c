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

/* Channels in libevent's loop: the one place that reads them there. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define BATCH	64	/* messages of one peer before others have a turn */

static void
peer_finish(struct peer *p)
{
	const char	*why = p->why;

	peer_close(p);
	p->gone(p, why);
}

static const char *
peer_handle(struct peer *p, struct msg *m)
{
	const struct handler	*h;
	const char		*why = NULL;

	for (h = p->handlers; h->fn != NULL && h->type != m->type; h++)
		continue;
	if (h->fn == NULL)
		why = "nobody waits for it";
	else if (h->fn(p, m) == -1)
		why = "malformed";
	if (m->fd != -1)
		close(msg_claim_fd(m));
	return (why);
}

/* Clients come as often as they like: they are not to fill the log. */
static void
bad_message(const struct peer *p, const struct msg *m, const char *why)
{
	char	 name[32];

	if (p->chan.peer == ROLE_CLIENT)
		log_debug("bad message from a client: %s", why);
	else
		log_warnx("bad message %s from %s: %s",
		    (unsigned int)m->type < IMSG_MAX ?
		    msgtab[m->type].name : "?",
		    peer_name(p, name, sizeof(name)), why);
}

/*
 * Who fills his turn has a later one until he has no more to say: whoever
 * comes first, and never ends, would else be the only one.
 */
static void
peer_turn(struct peer *p, int busy)
{
	if (busy != p->busy && event_priority_set(&p->ev_read, busy ?
	    p->later : p->priority) == 0)
		p->busy = busy;
}

/*
 * From a peer: trust nothing that msg_check() has not seen.  Returns true if
 * there is no more now.
 */
static int
peer_read(struct peer *p)
{
	struct msg	 m;
	const char	*why;
	int		 i, n = 0, batch;

	/*
	 * One of the control socket's clients waits for each reply, and names
	 * for what each question leads it to, while the parent may ask whether
	 * it lives.
	 */
	batch = p->chan.peer == ROLE_CLIENT || p->chan.self == ROLE_NAMES ?
	    1 : BATCH;
	for (i = 0; i < batch && p->open; i++) {
		m.type = IMSG_MAX;
		if ((n = chan_recv(&p->chan, &m, &why)) == 0)
			return (1);
		if (n == 1)
			why = peer_handle(p, &m);
		if (n == -1 || why != NULL)
			break;
	}
	if (p->open && i < batch) {
		if (why != NULL)
			bad_message(p, &m, why);
		p->why = why;
		p->open = 0;
	}
	return (0);
}

static void
cb_read(int fd, short event, void *arg)
{
	struct peer	*p = arg;
	int		 quiet;

	(void)fd;
	(void)event;
	quiet = peer_read(p);
	if (p->pause != NULL)
		p->pause(p);
	if (!p->open)
		peer_finish(p);
	else
		peer_turn(p, !quiet);
}

/* Other turns than TURN_NEXT for all it says. */
void
peer_priority(struct peer *p, int priority, int later)
{
	p->priority = priority;
	p->later = later;
	(void)event_priority_set(&p->ev_read, priority);
}

/* A peer that the loop has no memory for is of no use. */
static void
peer_watch(struct peer *p, struct event *ev)
{
	if (event_add(ev, NULL) == -1)
		peer_drop(p, "no memory for it");
}

static void
cb_write(int fd, short event, void *arg)
{
	struct peer	*p = arg;

	(void)fd;
	(void)event;
	if (chan_flush(&p->chan) == 0 && p->chan.queued > 0)
		peer_watch(p, &p->ev_write);
	/* An error shows when we read. */
}

/* Take over the descriptor and serve it in the current event loop. */
void
peer_open(struct peer *p, int fd, enum role self, enum role role,
    unsigned int instance, const struct handler *handlers,
    void (*gone)(struct peer *, const char *))
{
	chan_init(&p->chan, fd, self, role, instance);
	p->handlers = handlers;
	p->gone = gone;
	p->pause = NULL;
	p->why = NULL;
	p->open = 1;
	p->busy = 0;
	p->priority = p->later = TURN_NEXT;
	event_set(&p->ev_read, fd, EV_READ | EV_PERSIST, cb_read, p);
	event_set(&p->ev_write, fd, EV_WRITE, cb_write, p);
	peer_watch(p, &p->ev_read);
}

/* Returns what chan_send() returns. */
int
peer_send(struct peer *p, struct msg *m)
{
	int	 rv = chan_send(&p->chan, m);

	if (rv == 0 && p->chan.queued > 0)
		peer_watch(p, &p->ev_write);
	return (rv);
}

/*
 * For handlers: the peer is not worth listening to any more.  gone() is called
 * from the event loop, not from here.
 */
void
peer_drop(struct peer *p, const char *why)
{
	if (!p->open)
		return;
	p->open = 0;
	p->why = why;
	event_active(&p->ev_read, EV_READ, 1);
}

/*
 * It did not get what it must know: drop it; errno is of peer_send().  That it
 * died shows when we read.
 */
void
peer_missed(struct peer *p)
{
	if (errno != EPIPE && errno != ECONNRESET)
		peer_drop(p, "does not read");
}

/* Close it without calling gone(). */
void
peer_close(struct peer *p)
{
	if (p->chan.fd == -1)
		return;
	(void)event_del(&p->ev_read);
	(void)event_del(&p->ev_write);
	chan_close(&p->chan);
	p->open = 0;
}

/* "resolver", "worker 2": for people. */
const char *
peer_name(const struct peer *p, char *buf, size_t size)
{
	enum role	 role = p->chan.peer;

	if (role == ROLE_WORKER || role == ROLE_NAMES)
		(void)snprintf(buf, size, "%s %u", role_names[role],
		    p->chan.instance);
	else
		(void)strlcpy(buf, role_names[role], size);
	return (buf);
}

/* A timer that is never lost: without memory for it, it is due at once. */
void
timer_add(struct event *ev, const struct timeval *tv)
{
	if (evtimer_add(ev, tv) == -1)
		event_active(ev, EV_TIMEOUT, 1);
}
