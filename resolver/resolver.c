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
 * The resolver: who owns the client end of that connection?  It answers this
 * to workers and control, tells the parent its counters, and does nothing
 * else for anybody.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "resolver.h"

#define CLIENTS_MAX	80
#define STALE_USEC	1000000		/* of a question */
#define ASKED_MAX	(AHEAD_MAX / 3)	/* lookups, asked for together */

static struct resolver {
	struct peers	 clients;
	struct incoming	 conf;
	int		 quit;
	int		 recording;
	uint32_t	 can;		/* be known here */
	uint32_t	 want;		/* of texts: bits 1 << enum text */
	uint64_t	 counters[STAT_MAX];
	struct pending	*asked[ASKED_MAX];	/* of one client, just now */
	size_t		 nasked;
} env = { .clients = TAILQ_HEAD_INITIALIZER(env.clients) };

static int	 on_peer(struct peer *, struct msg *);
static int	 on_conf_begin(struct peer *, struct msg *);
static int	 on_conf_item(struct peer *, struct msg *);
static int	 on_conf_end(struct peer *, struct msg *);
static int	 on_start(struct peer *, struct msg *);
static int	 on_stats_get(struct peer *, struct msg *);
static int	 on_lookup(struct peer *, struct msg *);
static void	 lookups(struct peer *);
static int	 on_caps_get(struct peer *, struct msg *);

const struct handler resolver_handlers[] = {
	{ IMSG_PEER,		on_peer },
	{ IMSG_LOGFD,		on_logfd },
	{ IMSG_CONF_BEGIN,	on_conf_begin },
	{ IMSG_CONF_ITEM,	on_conf_item },
	{ IMSG_CONF_END,	on_conf_end },
	{ IMSG_START,		on_start },
	{ IMSG_PING,		on_ping },
	{ IMSG_STATS_GET,	on_stats_get },
	{ IMSG_MAX,		NULL }
};

static const struct handler client_handlers[] = {
	{ IMSG_LOOKUP,		on_lookup },
	{ IMSG_CAPS_GET,	on_caps_get },
	{ IMSG_MAX,		NULL }
};

void
resolver_init(void)
{
	pending_init();
}

/* One more of an enum counter. */
void
count(unsigned int what)
{
	env.counters[what]++;
}

/* When we are to leave, the last worker decides when. */
static void
leave(void)
{
	const struct peer	*c;

	if (!env.quit)
		return;
	TAILQ_FOREACH(c, &env.clients, next)
		if (c->chan.peer == ROLE_WORKER)
			return;
	exit(0);
}

/* The parent closed the channel: the order to leave. */
void
resolver_gone(struct peer *parent, const char *why)
{
	(void)parent;
	if (why != NULL)
		fatalx("the parent makes no sense");
	env.quit = 1;
	child_leave();
	leave();
}

static void
client_free(struct peer *c)
{
	pending_forget(c);
	TAILQ_REMOVE(&env.clients, c, next);
	peer_close(c);
	free(c);
}

static void
client_gone(struct peer *c, const char *why)
{
	if (why != NULL)
		child_dropped(c);
	client_free(c);
	leave();
}

/* A worker or control; a second of that name takes the place of the first. */
static int
client_open(int fd, enum role role, unsigned int instance, uint32_t life)
{
	struct peer	*c, *next;
	size_t		 n = 0;

	for (c = TAILQ_FIRST(&env.clients); c != NULL; c = next, n++) {
		next = TAILQ_NEXT(c, next);
		if (c->chan.peer == role && c->chan.instance == instance)
			client_free(c);
	}
	if (n >= CLIENTS_MAX || (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return (-1);
	}
	peer_open(c, fd, ROLE_RESOLVER, role, instance, client_handlers,
	    client_gone);
	if (!c->open) {
		/* It may have sessions, and is not to die for our sake. */
		peer_close(c);
		free(c);
		return (-1);
	}
	c->chan.state = S_RUN;
	c->life = life;
	c->pause = lookups;
	/* The lookups of workers go first; a flood of them goes last. */
	peer_priority(c, role == ROLE_WORKER ? TURN_FIRST : TURN_NEXT,
	    TURN_LAST);
	TAILQ_INSERT_TAIL(&env.clients, c, next);
	return (0);
}

static int
on_peer(struct peer *parent, struct msg *m)
{
	enum role	 role = get_u8(m);
	unsigned int	 instance = get_u16(m);

	(void)parent;
	if (msg_end(m) == -1)
		return (-1);
	switch (role) {
	case ROLE_WORKER:
	case ROLE_CONTROL:
		return (client_open(msg_claim_fd(m), role, instance, m->id));
	case ROLE_NAMES:
		names_open(msg_claim_fd(m), instance, m->id);
		return (0);
	default:
		return (-1);
	}
}

static int
on_conf_begin(struct peer *parent, struct msg *m)
{
	(void)parent;
	return (policy_begin(&env.conf, m));
}

static int
on_conf_item(struct peer *parent, struct msg *m)
{
	(void)parent;
	return (policy_item(&env.conf, m));
}

/*
 * Without the record the search goes on as ever, so it is no failure, unless
 * at the start of a daemon that was told to have it.
 */
static void
watch(const struct peer *parent, const struct policy *p)
{
	const char	*why;

	if (os_native.watch != NULL)
		why = os_native.watch(p->backend, p->ports, p->nports);
	else
		why = p->backend == B_BPF ? "not on this system" : NULL;
	env.recording = os_native.watch != NULL && p->backend != B_PROC &&
	    why == NULL;
	if (why == NULL)
		return;
	if (p->backend == B_BPF && parent->chan.state == S_BOOT)
		fatalx("no start without a record, unless you say backend "
		    "auto; backend bpf: %s", why);
	log_warnx("no connect-time record (%s): processes are searched for",
	    why);
}

/*
 * It says how long a worker waits for us, which texts are of use, and which
 * connections are to be recorded.
 */
static int
on_conf_end(struct peer *parent, struct msg *m)
{
	struct policy	*p;

	if (policy_end(&env.conf, m, &p) == -1)
		return (-1);
	pending_patience(p->lookup_timeout);
	env.want = p->want;
	watch(parent, p);
	child_ack(parent, p->generation);
	policy_free(p);
	return (0);
}

static int
on_start(struct peer *parent, struct msg *m)
{
	static const char *const	 missing[CAN_MAX] = {
		[CAN_ASK] = "whose a connection is: every sender is unknown",
		[CAN_SEARCH] = "processes of other users: there is no pid, "
		    "program and exe",
		[CAN_ORPHAN] = "the owner of a connection that its client has "
		    "closed (before Linux 6.17): who hangs up is unknown",
		[CAN_LOGIN] = "login uids",
		[CAN_UNIT] = "units and containers"
		/* CAN_RECORD: watch() said why */
	};
	int				 i;

	if (msg_end(m) == -1)
		return (-1);
	env.can = os_native.check();
	for (i = 0; i < CAN_MAX; i++)
		if (!(env.can & 1U << i) && missing[i] != NULL)
			log_warnx("not known on this system: %s", missing[i]);
	child_ready(parent, sandbox_resolver());
	return (0);
}

static int
on_caps_get(struct peer *client, struct msg *m)
{
	struct msg	 reply;

	msg_new(&reply, IMSG_CAPS, m->id);
	put_u32(&reply, env.recording ? env.can :
	    env.can & ~(1U << CAN_RECORD));
	(void)peer_send(client, &reply);
	return (msg_end(m));
}

static int
on_stats_get(struct peer *parent, struct msg *m)
{
	struct msg	 reply;
	size_t		 i;

	msg_new(&reply, IMSG_STATS, 0);
	for (i = 0; i < STAT_MAX; i++)
		put_u64(&reply, env.counters[i]);
	(void)peer_send(parent, &reply);
	return (msg_end(m));
}

/* True if a worker has asked for something meanwhile. */
int
resolver_busy(void)
{
	struct pollfd	 pfd[CLIENTS_MAX];
	struct peer	*c;
	nfds_t		 n = 0;

	TAILQ_FOREACH(c, &env.clients, next)
		if (c->chan.peer == ROLE_WORKER && n < CLIENTS_MAX) {
			pfd[n].fd = c->chan.fd;
			pfd[n].events = POLLIN;
			pfd[n++].revents = 0;
		}
	return (poll(pfd, n, 0) > 0);
}

/* What else there is to find out about an owner.  True if it takes time. */
static int
owned(struct pending *p)
{
	if ((p->account = account_ref(p->found.owner.uid)) == NULL)
		return (0);
	p->search = p->sock.state == SOCK_OWNED &&
	    p->found.owner.pid == NO_PID && pending_may_search(p->account);
	if (!p->search)
		owner_opener(&os_native, &p->found);
	if (!names_fresh(p->account))
		p->awaits = p->account;
	return (p->search || p->awaits != NULL || pending_holder(p));
}

/* Too many wait already. */
static void
refuse(struct peer *client, uint32_t id)
{
	struct msg	 none;
	struct owner	 unknown;

	owner_unknown(&unknown, R_BUDGET);
	msg_new(&none, IMSG_ANSWER, id);
	put_owner(&none, &unknown);
	(void)peer_send(client, &none);
}

/* From a worker: trust the length, nothing else. */
static int
on_lookup(struct peer *client, struct msg *m)
{
	struct pending	*p;

	if ((p = pending_new(client, m->id)) == NULL) {
		refuse(client, m->id);
		return (0);
	}
	get_endpoint(m, &p->key.client);
	get_endpoint(m, &p->key.server);
	p->asked = get_u64(m);
	if (msg_end(m) == -1) {
		pending_free(p);
		return (-1);
	}
	env.asked[env.nasked++] = p;
	if (env.nasked == ASKED_MAX)
		lookups(client);
	return (0);
}

/*
 * A question that was long on its way may be about an earlier connection than
 * the one that has these ports now.
 */
static int
stale(struct pending *p)
{
	p->found.want = env.want;
	p->found.asked = p->asked;
	if (clock_usec(CLOCK_MONOTONIC) - p->asked <= STALE_USEC)
		return (0);
	owner_unknown(&p->found.owner, R_TIMEOUT);
	return (1);
}

/* Its owner is found out: answer, or wait for more. */
static void
lookup_next(struct pending *p)
{
	count(ST_LOOKUPS);
	count(p->found.owner.verdict == E_OWNED ? ST_OWNED :
	    p->found.owner.verdict == E_REMOTE ? ST_REMOTE : ST_UNKNOWN);
	if (p->found.owner.verdict == E_OWNED && owned(p))
		pending_wait(p);
	else {
		resolver_reply(p);
		pending_free(p);
	}
}

/* This client has said enough for now: ask for all of it together. */
static void
lookups(struct peer *client)
{
	struct inquiry	 q[ASKED_MAX];
	struct pending	*p;
	size_t		 i, n = 0;

	(void)client;
	for (i = 0; i < env.nasked; i++) {
		p = env.asked[i];
		if (stale(p))
			continue;
		q[n] = (struct inquiry){ &p->key, &p->sock, &p->found };
		owner_begin(&os_native, &q[n++]);
	}
	owner_ask_all(&os_native, q, n);
	for (i = 0; i < env.nasked; i++)
		lookup_next(env.asked[i]);
	env.nasked = 0;
}

/* The process is another user's: his name, or #uid. */
static const char *
holder_name(const struct pending *p, char *buf, size_t size)
{
	if (p->holder != NULL && p->holder->name != NULL)
		return (p->holder->name);
	(void)snprintf(buf, size, "#%u", p->found.holder_uid);
	return (buf);
}

/* From the question to now, of workers; how the process was found, of all. */
static void
count_reply(const struct pending *p)
{
	if (p->found.owner.verdict == E_OWNED)
		count(ST_SOURCE + p->found.owner.source);
	if (p->found.owner.pid != NO_PID)
		count(ST_PROCESS);
	if (p->client->chan.peer == ROLE_WORKER)
		count(ST_TIME + time_class(clock_usec(CLOCK_MONOTONIC) -
		    p->asked));
}

/* Answer with what is known. */
void
resolver_reply(struct pending *p)
{
	struct owner	*o = &p->found.owner;
	struct account	*a = p->account;
	struct msg	 m;
	char		 number[16];

	owner_opener(&os_native, &p->found);
	if (a != NULL) {
		o->named = a->told != 0;
		o->text[T_USER] = a->name;
		o->text[T_OWNER] = a->owner;
		if (a->owner != NULL)
			o->account = a->owner_uid;
		o->groups = a->groups;
		o->ngroups = a->ngroups;
	}
	if (o->pid != NO_PID && p->found.holder_uid != o->uid)
		o->text[T_HOLDER] = holder_name(p, number, sizeof(number));
	msg_new(&m, IMSG_ANSWER, p->id);
	put_owner(&m, o);
	count_reply(p);
	/* Who does not read his answers gets no more of them. */
	if (peer_send(p->client, &m) == -1 && errno == ENOBUFS)
		peer_drop(p->client, "does not read");
}
