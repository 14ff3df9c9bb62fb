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
 * What workers ask and tell: whether somebody is over his limit, and which
 * messages have come to their end.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "ledger.h"
#include "log.h"

#define WORKERS_MAX	64
#define TOP_MAX		500
#define SWEEP_TIME	60	/* s */

struct worker {
	struct peer	 peer;
	uint32_t	 synced;	/* it has all up to this change */
};

static struct peers	 workers = TAILQ_HEAD_INITIALIZER(workers);
static unsigned int	 nworkers;
static uint32_t		 last_sync;
static int		 started;	/* we know who is blocked */
static struct ledger	*ledger;
static struct stats	*stats;
static struct event	 ev_sweep;

static int	 on_charge(struct peer *, struct msg *);
static int	 on_event(struct peer *, struct msg *);
static int	 on_tabled(struct peer *, struct msg *);
static int	 on_testrow(struct peer *, struct msg *);
static int	 on_tested(struct peer *, struct msg *);
static void	 cb_sweep(int, short, void *);

static const struct handler worker_handlers[] = {
	{ IMSG_CHARGE,		on_charge },
	{ IMSG_EVENT,		on_event },
	{ IMSG_TABLED,		on_tabled },
	{ IMSG_TESTROW,		on_testrow },
	{ IMSG_TESTED,		on_tested },
	{ IMSG_MAX,		NULL }
};

static uint64_t
now(void)
{
	return (clock_usec(CLOCK_MONOTONIC));
}

void
workers_init(void)
{
	if ((ledger = ledger_new()) == NULL || (stats = stats_new()) == NULL)
		fatal("ledger");
	evtimer_set(&ev_sweep, cb_sweep, NULL);
	cb_sweep(-1, 0, NULL);
}

/* What nobody has used for long is forgotten. */
static void
cb_sweep(int fd, short event, void *arg)
{
	struct timeval	 tv = { SWEEP_TIME, 0 };

	(void)fd;
	(void)event;
	(void)arg;
	ledger_sweep(ledger, now());
	stats_sweep(stats, now());
	timer_add(&ev_sweep, &tv);
}

static void
worker_free(struct peer *w)
{
	TAILQ_REMOVE(&workers, w, next);
	nworkers--;
	peer_close(w);
	free(w->arg);
}

/* What it was asked, nobody answers; what it had to learn, it need not. */
static void
worker_gone(struct peer *w, const char *why)
{
	if (why != NULL)
		child_dropped(w);
	worker_free(w);
	clients_fail(IMSG_CTL_TEST, "the worker died");
	clients_settle(0);
}

/* Is all done that you were told?  The answer has the same id. */
static void
sync_new(struct msg *m)
{
	msg_new(m, IMSG_TABLE, last_sync);
	put_u8(m, TABLE_SYNC);
}

/* Tell a worker who is blocked, if we were told. */
static void
worker_begin(struct peer *w)
{
	struct msg	 m;

	if (!started)
		return;
	sync_new(&m);
	if (tables_tell(w) == -1 || peer_send(w, &m) == -1)
		peer_missed(w);
}

/* Those who came before START wait for that, or keep an earlier table. */
void
workers_start(void)
{
	struct peer	*w;

	started = 1;
	TAILQ_FOREACH(w, &workers, next)
		worker_begin(w);
}

/* A worker; a second of that name takes the place of the first. */
int
worker_open(int fd, unsigned int instance, uint32_t life)
{
	struct worker	*w;
	struct peer	*p, *next;

	for (p = TAILQ_FIRST(&workers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		if (p->chan.instance == instance)
			worker_gone(p, NULL);
	}
	if (nworkers >= WORKERS_MAX ||
	    (w = calloc(1, sizeof(*w))) == NULL) {
		close(fd);
		return (-1);
	}
	w->peer.arg = w;
	peer_open(&w->peer, fd, ROLE_CONTROL, ROLE_WORKER, instance,
	    worker_handlers, worker_gone);
	if (!w->peer.open && !started) {
		/* It may have sessions, and is not to die for our sake. */
		peer_close(&w->peer);
		free(w);
		return (-1);
	}
	w->peer.chan.state = S_RUN;
	w->peer.life = life;
	/* Their mail waits. */
	peer_priority(&w->peer, TURN_FIRST, TURN_NEXT);
	TAILQ_INSERT_TAIL(&workers, &w->peer, next);
	nworkers++;
	worker_begin(&w->peer);
	return (0);
}

/* A change of <blocked-now>, for all of them. */
void
workers_tell(struct msg *m)
{
	struct peer	*w;

	TAILQ_FOREACH(w, &workers, next)
		if (w->open && peer_send(w, m) == -1)
			peer_missed(w);
}

/* They are to tell when they have all this; workers_have() knows. */
uint32_t
workers_sync(void)
{
	struct msg	 m;

	if (++last_sync == 0)
		last_sync = 1;
	sync_new(&m);
	workers_tell(&m);
	return (last_sync);
}

/* True if all of them have what they were told until that sync. */
int
workers_have(uint32_t sync)
{
	const struct worker	*w;
	struct peer		*p;

	TAILQ_FOREACH(p, &workers, next) {
		w = p->arg;
		if (p->open && (int32_t)(w->synced - sync) < 0)
			return (0);
	}
	return (1);
}

static int
on_tabled(struct peer *peer, struct msg *m)
{
	struct worker	*w = peer->arg;

	if (msg_end(m) == -1)
		return (-1);
	w->synced = m->id;
	clients_settle(0);
	return (0);
}

/* Let one of them try its rules; -1 if there is none. */
int
workers_test(struct msg *m, uint32_t id)
{
	struct peer	*w;

	m->type = IMSG_TEST;
	m->id = id;
	TAILQ_FOREACH(w, &workers, next)
		if (w->open)
			return (peer_send(w, m));
	return (-1);
}

/* From a worker: it can't meddle with what it was not asked. */
static int
tested(struct msg *m, enum imsg type,
    void (*pass_on)(struct client *, struct msg *, enum imsg))
{
	struct client	*c = client_find(m->id);

	if (c != NULL && c->request != IMSG_CTL_TEST)
		return (-1);
	pass_on(c, m, type);
	return (0);
}

static int
on_testrow(struct peer *peer, struct msg *m)
{
	(void)peer;
	return (tested(m, IMSG_CTL_TESTROW, client_row));
}

static int
on_tested(struct peer *peer, struct msg *m)
{
	(void)peer;
	return (tested(m, IMSG_CTL_TESTED, client_end));
}

/*
 * Limits.
 */

/* Once for each who is over a limit, and again when its time has passed. */
static void
alert(uint32_t rule, uint32_t uid, const char *user, const struct rate *rate,
    uint32_t seconds)
{
	struct msg	 m;
	char		 name[3 * MAX_NAME + 8], window[16];

	if (uid == UID_UNKNOWN)
		(void)strlcpy(name, "unknown", sizeof(name));
	else if (*user == '\0' ||
	    xtext(name, sizeof(name), user, MAX_NAME) == -1)
		(void)snprintf(name, sizeof(name), "#%u", uid);
	log_warnx("limit reached: user=%s rule=%u %u %s per %s, ends in %us",
	    name, rule, rate->most, unit_names[rate->unit],
	    seconds_text(rate->seconds, window, sizeof(window)), seconds);
	msg_new(&m, IMSG_CTL_ALERT, 0);
	put_u32(&m, rule);
	put_u32(&m, uid);
	put_str(&m, user);
	put_u8(&m, rate->unit);
	put_u32(&m, rate->most);
	put_u32(&m, rate->seconds);
	put_u32(&m, seconds);
	monitors_tell(&m, IMSG_CTL_ALERT);
}

/* Returns -1 if the request makes no sense. */
static int
get_request(struct msg *m, struct charge_request *r, uint32_t *rule,
    char *user, size_t size)
{
	uint32_t	 i;

	*rule = get_u32(m);
	r->bucket = get_u64(m);
	r->uid = get_u32(m);
	r->recipients = get_u32(m);
	get_str(m, user, size);
	if ((r->nrates = get_u8(m)) > MAX_RATES)
		return (-1);
	for (i = 0; i < r->nrates; i++) {
		r->rates[i].unit = get_u8(m);
		r->rates[i].most = get_u32(m);
		r->rates[i].seconds = get_u32(m);
	}
	return (msg_end(m));
}

/* Each message may fail, but each minute is told of once. */
static void
complain(const char *what)
{
	static time_t	 warned;

	if (warned != 0 && uptime() - warned < SWEEP_TIME)
		return;
	warned = uptime();
	log_warn("%s", what);
}

/* From a worker: it can lie about its sessions, but it can't hurt us. */
static int
on_charge(struct peer *peer, struct msg *m)
{
	struct charge_request	 r;
	struct charge_verdict	 v;
	struct msg		 reply;
	enum asking		 what = get_u8(m);
	uint32_t		 rule;
	char			 user[MAX_NAME + 2];
	int			 over;

	if (get_request(m, &r, &rule, user, sizeof(user)) == -1 ||
	    what >= CHARGE_MAX)
		return (-1);
	over = what == CHARGE_LOOK ? ledger_look(ledger, &r, now(), &v) :
	    ledger_charge(ledger, &r, now(), &v);
	if (over == -1 && errno == EINVAL)
		return (-1);
	if (over == -1)
		complain("a message is not counted");
	msg_new(&reply, IMSG_VERDICT, m->id);
	put_u8(&reply, over == 1);
	put_u8(&reply, over == 1 ? v.rate : 0);
	put_u32(&reply, over == 1 ? v.seconds : 0);
	if (peer_send(peer, &reply) == -1)
		peer_missed(peer);
	if (over == 1 && v.alert)
		alert(rule, r.uid, user, &r.rates[v.rate], v.seconds);
	return (0);
}

/*
 * Who sent what.
 */

/* Whose mail it is: as limits see it, so the owner of a subordinate uid. */
static void
add(const struct owner *o, enum action action, uint32_t recipients)
{
	const char	*user = o->text[T_OWNER] != NULL ? o->text[T_OWNER] :
			    o->text[T_USER];
	uint32_t	 uid = o->verdict == E_OWNED ? o->account :
			    UID_UNKNOWN;

	if (stats_add(stats, uid, user, o->text[T_PROGRAM], action, recipients,
	    now()) == -1)
		complain("a message is missing in the statistics");
}

static int
on_event(struct peer *peer, struct msg *m)
{
	char		 queue[MAX_QUEUEID + 2], sender[MAX_SENDER + 2];
	char		 login[MAX_NAME + 2];
	enum action	 action = get_u8(m);
	struct owner	*o;
	uint32_t	 recipients;

	(void)peer;
	(void)get_u32(m);
	recipients = get_u32(m);
	get_str(m, queue, sizeof(queue));
	get_str(m, sender, sizeof(sender));
	get_str(m, login, sizeof(login));
	if ((o = get_owner(m)) == NULL || action >= A_MAX) {
		free(o);
		return (m->bad || action >= A_MAX ? -1 : 0);
	}
	add(o, action, recipients);
	free(o);
	monitors_tell(m, IMSG_CTL_EVENT);
	return (0);
}

/* The busiest rows, and the end of the reply. */
void
workers_top(struct client *c, unsigned int max)
{
	static struct stat_row	 rows[TOP_MAX];
	struct msg		 m;
	size_t			 i, n;
	int			 span, tally;

	n = stats_top(stats, now(), max < TOP_MAX ? max : TOP_MAX, rows);
	for (i = 0; i < n; i++) {
		msg_new(&m, IMSG_CTL_TOPROW, 0);
		put_u32(&m, rows[i].uid);
		put_str(&m, rows[i].user);
		put_str(&m, rows[i].program);
		for (span = 0; span < SPAN_MAX; span++)
			for (tally = 0; tally < TALLY_MAX; tally++)
				put_u32(&m, rows[i].count[span][tally]);
		client_row(c, &m, IMSG_CTL_TOPROW);
	}
	client_ok(c, "");
}
