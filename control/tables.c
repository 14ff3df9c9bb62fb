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
 * <blocked-now>: who is blocked at run time.  Workers have a copy, and the
 * parent keeps one in a file; the table itself is here.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "log.h"

#define ENTRIES_MAX	100000
#define SHOWN_MAX	1000	/* rows of sysuserctl tables */
#define ASKED_MAX	4	/* names that we ask for at a time, unasked */
#define RETRY_TIME	60	/* s, between questions for unknown names */
#define RENEW_TIME	3600	/* s, between those for all names */

/* Somebody who is blocked. */
struct blocked {
	TAILQ_ENTRY(blocked)	 next;
	uint32_t		 key;		/* for workers and questions */
	char			*name;		/* "": only uid counts */
	int			 known;		/* there is a uid: */
	struct range		 ranges[1 + MAX_SUBUIDS];	/* it first */
	size_t			 nranges;
	time_t			 expires;	/* s since 1970, 0: never */
	enum { ASK_NOT, ASK_SOON, ASK_OUT } ask;	/* for the name */
	uint32_t		 request;	/* who waits for that, or 0 */
};

static TAILQ_HEAD(, blocked) table = TAILQ_HEAD_INITIALIZER(table);
static unsigned int	 nentries, nasked;
static uint32_t		 last_key;
static struct event	 ev_expire, ev_retry;

static void	 cb_expire(int, short, void *);
static void	 cb_retry(int, short, void *);

void
tables_init(void)
{
	/* No answer to an earlier control's question is to fit ours. */
	last_key = arc4random();
	evtimer_set(&ev_expire, cb_expire, NULL);
	evtimer_set(&ev_retry, cb_retry, NULL);
}

static struct blocked *
find(const char *name, uint32_t uid)
{
	struct blocked	*b;

	TAILQ_FOREACH(b, &table, next)
		if (strcmp(b->name, name) == 0 &&
		    (*name != '\0' || b->ranges[0].lo == uid))
			break;
	return (b);
}

/* Returns NULL and errno if there is no room. */
static struct blocked *
add(const char *name, int known, uint32_t uid, time_t expires)
{
	struct blocked	*b;

	if (nentries >= ENTRIES_MAX) {
		errno = ENOSPC;
		return (NULL);
	}
	if ((b = calloc(1, sizeof(*b))) == NULL ||
	    (b->name = strdup(name)) == NULL) {
		free(b);
		return (NULL);
	}
	b->key = ++last_key;
	b->known = known;
	b->ranges[0].lo = b->ranges[0].hi = uid;
	b->nranges = 1;
	b->expires = expires;
	b->ask = *name != '\0' ? ASK_SOON : ASK_NOT;
	TAILQ_INSERT_TAIL(&table, b, next);
	nentries++;
	return (b);
}

/* Whom an entry is about, for the log. */
static const char *
whom(const struct blocked *b, char *buf, size_t size)
{
	if (*b->name == '\0' || xtext(buf, size, b->name, MAX_ACCOUNT) == -1)
		(void)snprintf(buf, size, "#%u", b->ranges[0].lo);
	return (buf);
}

/* Who still waits for its name waits in vain. */
static void
drop(struct blocked *b)
{
	struct client	*c = client_find(b->request);

	if (c != NULL)
		client_fail(c, ECANCELED, "unblocked meanwhile");
	TAILQ_REMOVE(&table, b, next);
	nentries--;
	nasked -= b->ask == ASK_OUT;
	free(b->name);
	free(b);
}

static void
table_new(struct msg *m, enum table_op op)
{
	msg_new(m, IMSG_TABLE, 0);
	put_u8(m, op);
}

static void
put_block(struct msg *m, const struct blocked *b, size_t i)
{
	put_u32(m, b->key);
	put_u32(m, b->ranges[i].lo);
	put_u32(m, b->ranges[i].hi);
}

/* The workers' copy of an entry goes. */
static void
retract(const struct blocked *b)
{
	struct msg	 m;

	table_new(&m, TABLE_DELETE);
	put_block(&m, b, 0);
	workers_tell(&m);
}

/* It becomes what ours is: the new ranges replace the old ones. */
static void
publish(const struct blocked *b)
{
	struct msg	 m;
	size_t		 i;

	if (!b->known)
		return;
	table_new(&m, TABLE_ADD);
	for (i = 0; i < b->nranges; i++)
		put_block(&m, b, i);
	workers_tell(&m);
}

/* All of it, for a worker that is new.  Returns 0 or -1. */
int
tables_tell(struct peer *worker)
{
	const struct blocked	*b;
	struct msg		 m;
	size_t			 i, n = 0;

	table_new(&m, TABLE_CLEAR);
	if (peer_send(worker, &m) == -1)
		return (-1);
	table_new(&m, TABLE_ADD);
	TAILQ_FOREACH(b, &table, next) {
		if (!b->known)
			continue;
		/* The ranges of one entry stay together. */
		if (n + b->nranges > MAX_BLOCKS) {
			if (peer_send(worker, &m) == -1)
				return (-1);
			table_new(&m, TABLE_ADD);
			n = 0;
		}
		for (i = 0; i < b->nranges; i++, n++)
			put_block(&m, b, i);
	}
	return (peer_send(worker, &m));
}

/* The parent's copy; its answer goes to that request, if there is one. */
static int
save(const struct blocked *b, enum table_op op, uint32_t request)
{
	struct msg	 m;

	msg_new(&m, IMSG_SAVE, 0);
	put_u8(&m, op);
	put_str(&m, b->name);
	put_u8(&m, b->known);
	put_u32(&m, b->ranges[0].lo);
	put_u64(&m, b->expires);
	return (control_ask(IMSG_SAVE, &m, request));
}

/* The same for a client, who waits until it is done. */
static void
keep(struct client *c, const struct blocked *b, enum table_op op)
{
	c->saving = 1;
	if (save(b, op, c->id) == 0)
		return;
	c->saving = 0;
	c->error = EAGAIN;
	(void)strlcpy(c->text, NOT_KEPT, sizeof(c->text));
}

/* The next names that are to be asked for. */
static void
ask(void)
{
	struct blocked	*b;
	struct msg	 m;
	int		 waited;

	/* Those whom a client waits for go first. */
	for (waited = 1; waited >= 0; waited--)
		TAILQ_FOREACH(b, &table, next) {
			if (b->ask != ASK_SOON || (b->request != 0) != waited)
				continue;
			if (nasked >= ASKED_MAX && !waited)
				return;
			msg_new(&m, IMSG_USERID, 0);
			put_str(&m, b->name);
			if (control_ask(IMSG_USERID, &m, b->key) == -1)
				return;
			b->ask = ASK_OUT;
			nasked++;
		}
}

/* Whoever waits for this change: it is under way now. */
static void
begun(struct client *c)
{
	c->sync = workers_sync();
	clients_settle(0);
}

/*
 * Time.
 */

/* Wake when the next one is over; clocks are set, so look each minute. */
static void
expire_set(void)
{
	const struct blocked	*b;
	struct timeval		 tv = { RETRY_TIME, 0 };
	time_t			 now = time(NULL);

	TAILQ_FOREACH(b, &table, next)
		if (b->expires != 0 && b->expires - now < tv.tv_sec)
			tv.tv_sec = b->expires > now ? b->expires - now : 0;
	timer_add(&ev_expire, &tv);
}

static void
cb_expire(int fd, short event, void *arg)
{
	struct blocked	*b, *next;
	struct msg	 m;
	time_t		 now = time(NULL);
	size_t		 n = 0;
	char		 name[3 * MAX_ACCOUNT + 8];

	(void)fd;
	(void)event;
	(void)arg;
	table_new(&m, TABLE_DELETE);
	for (b = TAILQ_FIRST(&table); b != NULL; b = next) {
		next = TAILQ_NEXT(b, next);
		if (b->expires == 0 || b->expires > now)
			continue;
		log_info("unblocked: user=%s, its time is over",
		    whom(b, name, sizeof(name)));
		(void)save(b, TABLE_DELETE, 0);
		/* A clock that is set can end them all. */
		put_block(&m, b, 0);
		if (++n % MAX_BLOCKS == 0) {
			workers_tell(&m);
			table_new(&m, TABLE_DELETE);
		}
		drop(b);
	}
	if (n % MAX_BLOCKS != 0)
		workers_tell(&m);
	expire_set();
}

static void
cb_retry(int fd, short event, void *arg)
{
	static time_t	 renewed;
	struct timeval	 tv = { RETRY_TIME, 0 };
	struct blocked	*b;
	int		 all;

	(void)fd;
	(void)event;
	(void)arg;
	if (renewed == 0)
		renewed = uptime();
	if ((all = uptime() - renewed >= RENEW_TIME))
		renewed = uptime();
	TAILQ_FOREACH(b, &table, next)
		if (b->ask == ASK_NOT && *b->name != '\0' && (all || !b->known))
			b->ask = ASK_SOON;
	ask();
	timer_add(&ev_retry, &tv);
}

/*
 * From the parent.
 */

/* What was kept of an earlier control.  Returns -1 if it makes no sense. */
int
tables_saved(struct msg *m)
{
	char		 name[MAX_ACCOUNT + 1];
	int		 known;
	uint32_t	 uid;
	time_t		 expires;

	get_str(m, name, sizeof(name));
	known = get_u8(m);
	uid = get_u32(m);
	expires = get_u64(m);
	if (msg_end(m) == -1)
		return (-1);
	if (add(name, known, uid, expires) == NULL)
		log_warn("block of \"%s\"", name);
	return (0);
}

/* Names may have got other uids since. */
void
tables_start(void)
{
	expire_set();
	cb_retry(-1, 0, NULL);
}

/* What names said.  True if the entry is another than before. */
static int
named(struct blocked *b, enum presence found, const struct range *ranges,
    size_t n)
{
	char	 name[3 * MAX_ACCOUNT + 8];

	if (found == FOUND_NO && b->known)
		log_info("nobody has the name %s any more: uid %u stays "
		    "blocked", whom(b, name, sizeof(name)), b->ranges[0].lo);
	if (found != FOUND_YES)
		return (0);	/* who was known stays blocked */
	if (b->known && n == b->nranges &&
	    memcmp(ranges, b->ranges, n * sizeof(*ranges)) == 0)
		return (0);
	b->known = 1;
	memcpy(b->ranges, ranges, n * sizeof(*ranges));
	b->nranges = n;
	return (1);
}

/* The uid of a name, and the subordinate uids. */
int
tables_userid(struct msg *m)
{
	struct range	 ranges[1 + MAX_SUBUIDS];
	enum presence	 found;
	struct blocked	*b;
	struct client	*c;
	size_t		 n;
	int		 changed;

	if ((n = get_ids(m, &found, ranges)) == 0)
		return (-1);
	TAILQ_FOREACH(b, &table, next)
		if (b->key == m->id && b->ask == ASK_OUT)
			break;
	if (b == NULL)
		return (0);		/* unblocked since */
	b->ask = ASK_NOT;
	nasked--;
	if ((changed = named(b, found, ranges, n)) != 0)
		publish(b);
	c = client_find(b->request);
	b->request = 0;
	if (c != NULL) {
		if (!b->known)
			(void)snprintf(c->text, sizeof(c->text), "%s "
			    "\"%s\" now: blocked as soon as somebody has",
			    found == FOUND_NO ? "nobody has the name" :
			    "it can't be found out who has the name", b->name);
		keep(c, b, TABLE_ADD);
		begun(c);
	} else if (changed)
		(void)save(b, TABLE_ADD, 0);
	ask();
	return (0);
}

/*
 * From a client.
 */

/* Block an account, or uid if name is "", for so many seconds; 0: for good. */
void
tables_block(struct client *c, const char *name, uint32_t uid,
    uint32_t seconds)
{
	struct blocked	*b = find(name, uid);
	time_t		 expires = seconds == 0 ? 0 : time(NULL) + seconds;
	char		 text[3 * MAX_ACCOUNT + 8], span[16];
	int		 fresh = b == NULL;

	if (b != NULL && client_find(b->request) != NULL) {
		client_fail(c, EBUSY, "somebody else is just blocking him");
		return;
	}
	if (b == NULL &&
	    (b = add(name, *name == '\0', uid, expires)) == NULL) {
		client_fail(c, errno, strerror(errno));
		return;
	}
	b->expires = expires;
	(void)snprintf(span, sizeof(span), "for %us", seconds);
	log_info("blocked: user=%s %s", whom(b, text, sizeof(text)),
	    seconds == 0 ? "for good" : span);
	expire_set();
	if (*name != '\0') {
		b->request = c->id;
		if (b->ask == ASK_NOT)
			b->ask = ASK_SOON;
		ask();
		return;			/* tables_userid() goes on */
	}
	if (fresh)
		publish(b);	/* the others are in force all the time */
	keep(c, b, TABLE_ADD);
	begun(c);
}

void
tables_unblock(struct client *c, const char *name, uint32_t uid)
{
	struct blocked	*b = find(name, uid);
	char		 text[3 * MAX_ACCOUNT + 8];

	if (b == NULL) {
		client_fail(c, ENOENT, "nobody of that name is blocked by "
		    "sysuserctl");
		return;
	}
	log_info("unblocked: user=%s", whom(b, text, sizeof(text)));
	retract(b);
	keep(c, b, TABLE_DELETE);
	drop(b);
	begun(c);
}

/* The rows of <blocked-now>. */
void
tables_show(struct client *c)
{
	const struct blocked	*b;
	struct msg		 m;
	time_t			 now = time(NULL);
	unsigned int		 n = 0;

	if (nentries > SHOWN_MAX)
		(void)snprintf(c->text, sizeof(c->text), "%u more are blocked",
		    nentries - SHOWN_MAX);
	TAILQ_FOREACH(b, &table, next) {
		if (++n > SHOWN_MAX)
			break;
		msg_new(&m, IMSG_CTL_BLOCKED, 0);
		put_str(&m, b->name);
		put_u8(&m, b->known);
		put_u32(&m, b->ranges[0].lo);
		put_u32(&m, b->expires == 0 ? 0 :
		    b->expires > now ? b->expires - now : 1);
		client_row(c, &m, IMSG_CTL_BLOCKED);
	}
}
