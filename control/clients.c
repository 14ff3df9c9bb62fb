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
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

#define CLIENTS_OTHERS	500		/* of them for others than root */
#define OTHERS_ASKING	32		/* of their requests at a time */
#define MONITORS_MAX	32
#define MONITORS_OTHERS	16		/* of them for others than root */
#define MONITOR_QUEUE	256		/* packets that one may be behind */
#define SETTLE_TIME	3		/* s, that workers have for a change */

static struct peers	 clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned int	 nclients, nmonitors;
static int		 listen_fd = -1;
static uint32_t		 last_id;
static struct event	 ev_accept, ev_pause, ev_settle;

/* A client's descriptor is below this one. */
static rlim_t		 root_files, others_files;

static int	 on_hello(struct peer *, struct msg *);
static int	 on_simple(struct peer *, struct msg *);
static int	 on_lookup(struct peer *, struct msg *);
static int	 on_test(struct peer *, struct msg *);
static int	 on_top(struct peer *, struct msg *);
static int	 on_monitor(struct peer *, struct msg *);
static int	 on_tables(struct peer *, struct msg *);
static int	 on_block(struct peer *, struct msg *);
static int	 on_unblock(struct peer *, struct msg *);
static void	 cb_accept(int, short, void *);
static void	 cb_resume(int, short, void *);
static void	 cb_settle(int, short, void *);

static const struct handler client_handlers[] = {
	{ IMSG_CTL_HELLO,	on_hello },
	{ IMSG_CTL_STATUS,	on_simple },
	{ IMSG_CTL_RELOAD,	on_simple },
	{ IMSG_CTL_STOP,	on_simple },
	{ IMSG_CTL_CAPS_GET,	on_simple },
	{ IMSG_CTL_LOOKUP,	on_lookup },
	{ IMSG_CTL_TEST,	on_test },
	{ IMSG_CTL_TOP,		on_top },
	{ IMSG_CTL_MONITOR,	on_monitor },
	{ IMSG_CTL_TABLES,	on_tables },
	{ IMSG_CTL_BLOCK,	on_block },
	{ IMSG_CTL_UNBLOCK,	on_unblock },
	{ IMSG_MAX,		NULL }
};

/* What the socket's group may ask; all else is root's. */
static const enum imsg for_all[] = {
	IMSG_CTL_STATUS, IMSG_CTL_TOP, IMSG_CTL_TABLES, IMSG_CTL_MONITOR,
	IMSG_CTL_TEST
};

/*
 * The kernel gives the lowest descriptor that is free: the upper ones, which
 * clients don't get, are there for workers and the parent whenever they need
 * one.  So for root are some that others don't get.
 */
static void
share_files(void)
{
	struct rlimit	 rl;
	rlim_t		 most = CONTROL_CLIENTS + 2 * CONTROL_FILES, root;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < most)
		most = rl.rlim_cur;
	root_files = most - (most / 2 < CONTROL_FILES ? most / 2 :
	    CONTROL_FILES);
	root = CONTROL_CLIENTS - CLIENTS_OTHERS;
	if (root > root_files / 4)
		root = root_files / 4;
	others_files = root_files - root;
}

void
clients_init(void)
{
	share_files();
	/* No answer to an earlier control's request is to fit ours. */
	last_id = arc4random();
	evtimer_set(&ev_pause, cb_resume, NULL);
	evtimer_set(&ev_settle, cb_settle, NULL);
}

int
clients_listen(int fd)
{
	if (listen_fd != -1) {
		close(fd);
		return (-1);
	}
	listen_fd = fd;
	return (0);
}

/* Returns -1 if there is nothing to listen on. */
int
clients_start(void)
{
	if (listen_fd == -1)
		return (-1);
	event_set(&ev_accept, listen_fd, EV_READ | EV_PERSIST, cb_accept, NULL);
	return (event_add(&ev_accept, NULL));
}

/* No more of them. */
void
clients_stop(void)
{
	if (listen_fd == -1)
		return;
	(void)event_del(&ev_accept);
	(void)evtimer_del(&ev_pause);
	close(listen_fd);
	listen_fd = -1;
}

static void
client_gone(struct peer *p, const char *why)
{
	struct client	*c = p->arg;

	(void)why;
	TAILQ_REMOVE(&clients, p, next);
	nclients--;
	nmonitors -= c->monitor;
	free(c);
}

static void
client_open(int fd)
{
	struct client	*c;
	uid_t		 uid;
	gid_t		 gid;

	/* Root always finds a place. */
	if (getpeereid(fd, &uid, &gid) == -1 ||
	    nclients >= (uid == 0 ? CONTROL_CLIENTS : CLIENTS_OTHERS) ||
	    (rlim_t)fd >= (uid == 0 ? root_files : others_files) ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
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

/* Out of descriptors: those who are connected go first. */
static void
pause_accept(void)
{
	struct timeval	 tv = { 1, 0 };

	(void)event_del(&ev_accept);
	timer_add(&ev_pause, &tv);
}

static void
cb_resume(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	if (event_add(&ev_accept, NULL) == -1)
		pause_accept();
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

/*
 * Replies.
 */

/* The client whose open request that is, or NULL. */
struct client *
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

/* Part of a reply, as this type; the client may have gone. */
void
client_row(struct client *c, struct msg *m, enum imsg type)
{
	if (c == NULL)
		return;
	m->type = type;
	m->id = c->its_id;
	if (peer_send(&c->peer, m) == -1)
		peer_drop(&c->peer, "does not read");
}

/* The last part of a reply. */
void
client_end(struct client *c, struct msg *m, enum imsg type)
{
	client_row(c, m, type);
	if (c != NULL)
		c->id = 0;
}

void
client_ok(struct client *c, const char *text)
{
	struct msg	 m;

	msg_new(&m, IMSG_CTL_OK, 0);
	put_str(&m, text);
	client_end(c, &m, IMSG_CTL_OK);
}

void
client_fail(struct client *c, int error, const char *text)
{
	struct msg	 m;

	msg_new(&m, IMSG_CTL_FAIL, 0);
	put_u32(&m, error);
	put_str(&m, text);
	client_end(c, &m, IMSG_CTL_FAIL);
}

/* Whoever waits for an answer to such a request will not get it. */
void
clients_fail(enum imsg request, const char *text)
{
	struct client	*c;
	struct peer	*p;

	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		if (c->id != 0 && c->request == request)
			client_fail(c, EAGAIN, text);
	}
}

/*
 * A change of <blocked-now> is done when it is written and all workers have
 * it; late: when its time is over.
 */
static void
settle(struct client *c, int late)
{
	if (!late && (c->saving || !workers_have(c->sync)))
		return;
	if (c->error != 0)
		client_fail(c, c->error, c->text);
	else if (late)
		client_fail(c, ETIMEDOUT, workers_have(c->sync) ? NOT_KEPT :
		    "not every worker answers: it may not be in force there");
	else
		client_ok(c, c->text);
	c->sync = 0;
	c->saving = 0;
}

/* Something that such changes wait for has happened, or their time. */
void
clients_settle(int timer)
{
	struct timeval	 tv = { 1, 0 };
	struct client	*c;
	struct peer	*p;
	int		 left = 0;

	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		if (c->sync == 0)
			continue;
		if (c->until == 0)
			c->until = uptime() + SETTLE_TIME;
		settle(c, timer && uptime() >= c->until);
		left += c->sync != 0;
	}
	if (left > 0 && !evtimer_pending(&ev_settle, NULL))
		timer_add(&ev_settle, &tv);
}

static void
cb_settle(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	clients_settle(1);
}

/*
 * Tell all monitors.  Who does not read loses events, and is told how many
 * when there is room again.
 */
void
monitors_tell(struct msg *m, enum imsg type)
{
	struct client	*c;
	struct peer	*p;
	struct msg	 lost;

	if (nmonitors == 0)
		return;
	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		if (!c->monitor || !p->open)
			continue;
		if (p->chan.queued >= MONITOR_QUEUE) {
			c->lost++;
			continue;
		}
		if (c->lost > 0) {
			msg_new(&lost, IMSG_CTL_LOST, 0);
			put_u32(&lost, c->lost);
			c->lost = 0;
			client_row(c, &lost, IMSG_CTL_LOST);
		}
		client_row(c, m, type);
	}
}

/*
 * Requests: from a client, which may be anybody who can open the socket.
 */

static int
on_hello(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	uint32_t	 version = get_u32(m);

	if (msg_end(m) == -1)
		return (-1);
	if (version != PROTOCOL_VERSION) {
		c->its_id = m->id;
		client_fail(c, EPROTO, "the daemon is of another version: "
		    "restart it");
		return (0);
	}
	p->chan.state = S_RUN;
	return (0);
}

/* How many of those who are not root wait for an answer. */
static unsigned int
others_asking(void)
{
	const struct client	*c;
	struct peer		*p;
	unsigned int		 n = 0;

	TAILQ_FOREACH(p, &clients, next) {
		c = p->arg;
		n += c->id != 0 && c->uid != 0;
	}
	return (n);
}

/*
 * Begin a request.  Returns 1, or 0 if the client may not ask that and has
 * been told so, or -1 if it does not wait for its replies.
 */
static int
begin(struct client *c, const struct msg *m)
{
	size_t	 i;

	if (c->id != 0 || c->monitor || c->peer.chan.queued > 0)
		return (-1);
	c->its_id = m->id;
	for (i = 0; i < NITEMS(for_all) && for_all[i] != m->type; i++)
		continue;
	if (i == NITEMS(for_all) && c->uid != 0) {
		client_fail(c, EPERM, "only root may do that");
		return (0);
	}
	/* They must not take from root what parent and workers can do. */
	if (c->uid != 0 && others_asking() >= OTHERS_ASKING) {
		client_fail(c, EAGAIN, "too many ask at once: try again");
		return (0);
	}
	c->request = m->type;
	if (++last_id == 0)
		last_id = 1;
	c->id = last_id;
	c->error = 0;
	c->until = 0;
	c->text[0] = '\0';
	return (1);
}

/* Let somebody else answer, who is asked by that type. */
static void
hand_on(struct client *c, struct msg *m, enum imsg type)
{
	if (control_ask(type, m, c->id) == -1)
		client_fail(c, EAGAIN, type == IMSG_LOOKUP ||
		    type == IMSG_CAPS_GET ? "the resolver is starting: try "
		    "again" : "the daemon is about to stop");
}

static int
on_simple(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	int		 rv;

	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) == 1)
		hand_on(c, m, m->type == IMSG_CTL_STATUS ? IMSG_PROCS :
		    m->type == IMSG_CTL_RELOAD ? IMSG_RELOAD :
		    m->type == IMSG_CTL_STOP ? IMSG_STOP : IMSG_CAPS_GET);
	return (rv == -1 ? -1 : 0);
}

static int
on_lookup(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	struct endpoint	 e;
	int		 rv;

	get_endpoint(m, &e);
	get_endpoint(m, &e);
	(void)get_u64(m);
	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) == 1)
		hand_on(c, m, IMSG_LOOKUP);
	return (rv == -1 ? -1 : 0);
}

/* A worker gets nothing that it would not understand. */
static int
on_test(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	struct owner	*o;
	char		 sender[MAX_SENDER + 2];
	int		 rv;

	get_str(m, sender, sizeof(sender));
	if ((o = get_owner(m)) == NULL)
		return (-1);
	free(o);
	if ((rv = begin(c, m)) == 1 && workers_test(m, c->id) == -1)
		client_fail(c, EAGAIN, "no worker is there: try again");
	return (rv == -1 ? -1 : 0);
}

static int
on_top(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	uint16_t	 rows = get_u16(m);
	int		 rv;

	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) == 1)
		workers_top(c, rows);
	return (rv == -1 ? -1 : 0);
}

static int
on_monitor(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	int		 rv;

	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) != 1)
		return (rv);
	if (nmonitors >= (c->uid == 0 ? MONITORS_MAX : MONITORS_OTHERS)) {
		client_fail(c, EAGAIN, "too many monitors: end one");
		return (0);
	}
	c->monitor = 1;
	c->id = 0;
	nmonitors++;
	return (0);
}

static int
on_tables(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	int		 rv;

	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) == 1) {
		tables_show(c);
		hand_on(c, m, IMSG_TABLES);
	}
	return (rv == -1 ? -1 : 0);
}

static int
on_block(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	char		 name[MAX_ACCOUNT + 1];
	uint32_t	 uid, seconds;
	int		 rv;

	get_str(m, name, sizeof(name));
	uid = get_u32(m);
	seconds = get_u32(m);
	if (msg_end(m) == -1 || (name[0] == '\0' && uid == UID_UNKNOWN))
		return (-1);
	if ((rv = begin(c, m)) == 1)
		tables_block(c, name, uid, seconds);
	return (rv == -1 ? -1 : 0);
}

static int
on_unblock(struct peer *p, struct msg *m)
{
	struct client	*c = p->arg;
	char		 name[MAX_ACCOUNT + 1];
	uint32_t	 uid;
	int		 rv;

	get_str(m, name, sizeof(name));
	uid = get_u32(m);
	if (msg_end(m) == -1)
		return (-1);
	if ((rv = begin(c, m)) == 1)
		tables_unblock(c, name, uid);
	return (rv == -1 ? -1 : 0);
}
