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
 * A policy on its way: names become uids and gids, which only a names process
 * may find out, then the children get it, then they acknowledge it.  Names
 * that nobody has, or that a slow directory does not tell in time, are asked
 * for again each minute.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "proc.h"

#define NAMES_TIME	2	/* s, that a load waits for names */
#define ACK_TIME	5	/* s, that a reload waits for children */
#define RETRY_TIME	60	/* s, between questions for unknown names */
#define SLOTS		2	/* questions at a time: one names process
				   each, so that none waits for another */

static struct parent	*env;

/* A question that is out: which entry, and who was asked. */
struct slot {
	struct table		*table;
	struct entry		*entry;
	const struct proc	*asked;
};

static struct load {
	struct policy	*policy;	/* not yet in force, or NULL */
	struct table	*table;		/* walk: where the next name is */
	struct entry	*entry;
	struct slot	 slots[SLOTS];
	uint32_t	 epoch;		/* of the walk, part of the ids */
	unsigned int	 out;		/* slots in use */
	int		 walking;
	int		 changed;	/* since children were told */
	int		 warned;	/* of a directory that fails */
	uint32_t	 generation;
	int		 reloading;	/* until all have acknowledged */
	int		 asked;		/* by control, whose request it is */
	uint32_t	 request;
	char		 restart[256];	/* what the new file can't change now */
	struct event	 names_timer, ack_timer, retry_timer;
} load;

static void	 cb_names(int, short, void *);
static void	 cb_ack(int, short, void *);
static void	 cb_retry(int, short, void *);

void
load_init(struct parent *parent)
{
	env = parent;
	evtimer_set(&load.names_timer, cb_names, NULL);
	evtimer_set(&load.ack_timer, cb_ack, NULL);
	evtimer_set(&load.retry_timer, cb_retry, NULL);
}

static void
timer(struct event *ev, time_t seconds)
{
	struct timeval	 tv = { seconds, 0 };

	timer_add(ev, &tv);
}

static struct policy *
walked(void)
{
	return (load.policy != NULL ? load.policy : env->conf->policy);
}

/* Ask for all names that are not known, from the first table on. */
static void
walk(void)
{
	load.warned = 0;
	load.epoch = (load.epoch + 1) % (ASK_ID / SLOTS);
	memset(load.slots, 0, sizeof(load.slots));
	load.out = 0;
	load.walking = 1;
	load.table = TAILQ_FIRST(&walked()->tables);
	load.entry = load.table == NULL ? NULL :
	    TAILQ_FIRST(&load.table->entries);
	load_pump();
}

/* Where the walk is, or NULL at its end. */
static struct entry *
walk_entry(void)
{
	while (load.table != NULL) {
		for (; load.entry != NULL;
		    load.entry = TAILQ_NEXT(load.entry, next))
			if (load.entry->name != NULL && load.entry->known != 1)
				return (load.entry);
		if ((load.table = TAILQ_NEXT(load.table, next)) != NULL)
			load.entry = TAILQ_FIRST(&load.table->entries);
	}
	return (NULL);
}

/* A names process that has no question open, or NULL. */
struct proc *
load_names(void)
{
	struct proc	*p;
	unsigned int	 i;

	TAILQ_FOREACH(p, &env->procs, next) {
		if (p->role != ROLE_NAMES || !proc_running(p) || ask_busy(p))
			continue;
		for (i = 0; i < SLOTS && load.slots[i].asked != p; i++)
			continue;
		if (i == SLOTS)
			return (p);
	}
	return (NULL);
}

static int
ask(struct entry *e)
{
	struct proc	*p;
	struct msg	 m;
	uint32_t	 i;

	for (i = 0; i < SLOTS && load.slots[i].entry != NULL; i++)
		continue;
	if (i == SLOTS || (p = load_names()) == NULL)
		return (-1);
	msg_new(&m, IMSG_ID, load.epoch * SLOTS + i);
	put_u8(&m, load.table->kind);
	put_str(&m, e->name);
	if (peer_send(&p->peer, &m) == -1)
		return (-1);
	load.slots[i].table = load.table;
	load.slots[i].entry = e;
	load.slots[i].asked = p;
	load.out++;
	return (0);
}

/* The policy is as good as it gets for now: put it in force. */
static void
settle(void)
{
	struct proc	*p;

	(void)evtimer_del(&load.names_timer);
	if (load.policy != NULL) {
		if (env->conf->policy != load.policy)
			policy_free(env->conf->policy);
		env->conf->policy = load.policy;
		load.policy = NULL;
		load.changed = 1;
	}
	if (load.changed) {
		load.changed = 0;
		env->conf->policy->generation = ++load.generation;
		TAILQ_FOREACH(p, &env->procs, next)
			if (p->fed)
				peers_policy(p);
		if (load.reloading)
			timer(&load.ack_timer, ACK_TIME);
		load_acked();
	}
	parent_step(env);
}

/* Go on asking; settle when all is answered. */
void
load_pump(void)
{
	struct entry	*e;

	if (!load.walking)
		return;
	while ((e = walk_entry()) != NULL) {
		if (ask(e) == -1)
			return;
		load.entry = TAILQ_NEXT(load.entry, next);
	}
	if (load.out > 0)
		return;
	load.walking = 0;
	timer(&load.retry_timer, RETRY_TIME);
	settle();
}

/*
 * A user's subordinate uids follow him in the table.  Returns -1 if there is
 * no memory for them.
 */
static int
subordinate(struct table *t, struct entry *e, const struct range *r)
{
	struct entry	*sub;

	if ((sub = calloc(1, sizeof(*sub))) == NULL)
		return (-1);
	sub->range = *r;
	sub->known = ENTRY_SUB;
	TAILQ_INSERT_AFTER(&t->entries, e, sub, next);
	return (0);
}

/* What was found out of a name; without memory, what is more important. */
static void
learn(struct table *t, struct entry *e, const struct range *ranges, size_t n)
{
	e->known = 1;
	e->range = ranges[0];
	while (--n > 0)
		if (subordinate(t, e, &ranges[n]) == -1) {
			log_warn("subordinate uids of \"%s\"", e->name);
			return;
		}
}

/*
 * From names, which trusts a directory: an id and, of a user, the ranges that
 * are his as well; or that there is none.
 */
void
load_idof(struct proc *p, uint32_t id, enum presence found,
    const struct range *ranges, size_t n)
{
	struct slot	*s = &load.slots[id % SLOTS];
	struct entry	*e = s->entry;

	if (id / SLOTS != load.epoch || e == NULL || s->asked != p)
		return;		/* of an earlier walk */
	s->entry = NULL;
	s->asked = NULL;
	load.out--;
	if (found == FOUND_YES) {
		learn(s->table, e, ranges, n);
		load.changed = 1;
	} else if (found == FOUND_NO) {
		if (e->known != -1) {
			log_warnx("nobody has the name \"%s\": correct it, "
			    "or make that %s", e->name, s->table->kind ==
			    TABLE_GROUPS ? "group" : "account");
			load.changed = 1;
		}
		e->known = -1;
	} else if (!load.warned) {
		log_warnx("names can't be looked up now, \"%s\" for one: "
		    "they will be tried again; does getent(1) find it?",
		    e->name);
		load.warned = 1;
	}
	ask_pump();		/* control's turn */
	load_pump();
}

/* A names process died: what it was asked, another one is. */
void
load_lost(const struct proc *p)
{
	unsigned int	 i, lost = 0;

	for (i = 0; i < SLOTS; i++)
		if (load.slots[i].asked == p)
			lost++;
	if (lost > 0)
		walk();
	load_acked();
}

/* At start: this policy, before any child has one. */
void
load_start(struct policy *policy)
{
	load.policy = policy;
	timer(&load.names_timer, NAMES_TIME);
	walk();
}

/* False while the children have to wait for names. */
int
load_settled(void)
{
	return (load.policy == NULL);
}

static void
finish(int error, const char *text)
{
	(void)evtimer_del(&load.ack_timer);
	load.reloading = 0;
	if (error != 0 || *text == '\0')
		notify_ready("%s", error != 0 ? text : "configuration loaded");
	else
		notify_ready("configuration loaded, but not before the next "
		    "start: %s", text);
	if (load.asked)
		peers_result(load.request, error, text);
	load.asked = 0;
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct entry *const	*x = a, *const *y = b;

	return (strcmp((*x)->name, (*y)->name));
}

/* The named entries of all tables of a kind, sorted; NULL without memory. */
static struct entry **
entries_sorted(const struct policy *p, enum table_kind kind, size_t *n)
{
	struct entry	**list = NULL, **new, *e;
	struct table	 *t;
	size_t		  room = 0;

	*n = 0;
	TAILQ_FOREACH(t, &p->tables, next)
		TAILQ_FOREACH(e, &t->entries, next) {
			if (t->kind != kind || e->name == NULL)
				continue;
			if (*n == room) {
				room = 2 * room + 64;
				if ((new = reallocarray(list, room,
				    sizeof(*list))) == NULL) {
					free(list);
					return (NULL);
				}
				list = new;
			}
			list[(*n)++] = e;
		}
	if (*n > 0)
		qsort(list, *n, sizeof(*list), entry_cmp);
	return (list);
}

/*
 * Names that were known stay known until they are asked for again, or a slow
 * directory would make a reload forget them.  Their subordinates follow when
 * it answers.
 */
static void
inherit(struct policy *new, const struct policy *old, enum table_kind kind)
{
	struct entry	**list, **found, *e;
	struct table	 *t;
	size_t		  n;

	if ((list = entries_sorted(old, kind, &n)) == NULL)
		return;
	TAILQ_FOREACH(t, &new->tables, next)
		TAILQ_FOREACH(e, &t->entries, next) {
			if (t->kind != kind || e->name == NULL)
				continue;
			found = bsearch(&e, list, n, sizeof(*list), entry_cmp);
			if (found != NULL && (*found)->known > 0) {
				e->range = (*found)->range;
				e->known = ENTRY_OLD;
			}
		}
	free(list);
}

/*
 * SIGHUP or sysuserctl reload: read the file again.  A flaw in it, and the
 * old policy stays in force.
 */
void
load_reload(int asked, uint32_t request)
{
	struct conf	*conf;
	char		 err[512];

	if (load.reloading) {
		if (asked)
			peers_result(request, EBUSY, "a reload is under way: "
			    "try again");
		return;
	}
	notify_reloading();
	if ((conf = parse_config(env->file, 0, err, sizeof(err))) == NULL) {
		log_warnx("the configuration in force stays");
		notify_ready("the configuration in force stays: %s", err);
		if (asked)
			peers_result(request, EINVAL, err);
		return;
	}
	load.reloading = 1;
	load.asked = asked;
	load.request = request;
	if (conf_restart(env->conf, conf, load.restart,
	    sizeof(load.restart)) > 0)
		log_warnx("takes effect at the next start only: %s: restart "
		    "it when you can", load.restart);
	if (load.policy != env->conf->policy)
		policy_free(load.policy);
	load.policy = conf->policy;
	conf->policy = NULL;
	/* It is the socket that we have that counts. */
	load.policy->unlimited = env->conf->listen.family != AF_UNIX;
	conf_free(conf);
	inherit(load.policy, env->conf->policy, TABLE_USERS);
	inherit(load.policy, env->conf->policy, TABLE_GROUPS);
	timer(&load.names_timer, NAMES_TIME);
	walk();
}

/* Somebody acknowledged, or left: is it all of them? */
void
load_acked(void)
{
	struct proc	*p;

	if (!load.reloading || load.policy != NULL)
		return;
	TAILQ_FOREACH(p, &env->procs, next)
		if (p->fed && proc_running(p) &&
		    (p->role == ROLE_WORKER || p->role == ROLE_RESOLVER) &&
		    p->generation != env->conf->policy->generation)
			return;
	log_info("configuration loaded");
	finish(0, load.restart);
}

/* What is known by now is put in force, and again what comes later. */
static void
cb_names(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	if (load.policy != NULL)
		log_warnx("names in the configuration are not all known yet: "
		    "the directory is slow; they count when it answers");
	if (load.policy != NULL || load.changed)
		settle();
	if (load.walking)
		timer(&load.names_timer, NAMES_TIME);
}

static void
cb_ack(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	log_warnx("not every process took the new configuration: reload "
	    "again");
	finish(ETIMEDOUT, "not every process took the new configuration: "
	    "reload again");
}

static void
cb_retry(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	if (!load.walking)
		walk();
}
