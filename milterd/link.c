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
 * The channels to resolver and control, and all that libmilter's threads
 * share.  Threads send questions and wait for their answers; the main thread
 * alone reads.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "milterd.h"

#define OPEN_MAX_ASKS	1024	/* a power of 2, part of the cookie */
#define CHARGE_TIME	1000	/* ms, that a limit may take to tell */
#define EVENTS_MAX	1024	/* that wait to be sent */
#define LONELY_TIME	90	/* s, without one of them: more than the parent
				   waits before it starts it again */

/* An event that waits for room in the channel. */
struct event_kept {
	STAILQ_ENTRY(event_kept) next;
	struct msg		 m;
};

/* The two ends that we have of a channel, and what is under way there. */
static struct link {
	struct peer		 peer;		/* the main thread's */
	struct event		 writable;
	struct event		 lonely;
	int			 send_fd;	/* the threads' */
	int			 full;		/* until it is writable */
	struct ask		*asks[OPEN_MAX_ASKS];	/* by cookie */
	uint32_t		 last_cookie;
	TAILQ_HEAD(, ask)	 unsent;
} links[SERVERS];

/* For all here, for struct ask and for the references to policies. */
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_condattr_t monotonic;
static STAILQ_HEAD(, event_kept) events = STAILQ_HEAD_INITIALIZER(events);
static unsigned int	 nevents;
static struct policy	*policy;
static uint64_t		 counters[STAT_MAX];
static int		 wake[2];		/* the main thread */

static int	 on_answer(struct peer *, struct msg *);
static int	 on_verdict(struct peer *, struct msg *);
static int	 on_table(struct peer *, struct msg *);
static void	 server_gone(struct peer *, const char *);
static void	 cb_wake(int, short, void *);
static void	 cb_writable(int, short, void *);
static void	 cb_lonely(int, short, void *);

static const struct handler resolver_handlers[] = {
	{ IMSG_ANSWER,		on_answer },
	{ IMSG_MAX,		NULL }
};

static const struct handler control_handlers[] = {
	{ IMSG_VERDICT,		on_verdict },
	{ IMSG_TABLE,		on_table },
	{ IMSG_TEST,		on_test },
	{ IMSG_MAX,		NULL }
};

void
link_init(void)
{
	struct link	*l;

	if (pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0)
		fatalx("no condition on the monotonic clock");
	blocked_init(&monotonic);
	for (l = links; l < links + SERVERS; l++) {
		l->peer.chan.fd = -1;
		l->send_fd = -1;
		TAILQ_INIT(&l->unsent);
	}
	if (pipe(wake) == -1 || fcntl(wake[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(wake[1], F_SETFL, O_NONBLOCK) == -1)
		fatal("pipe");
}

/* In the main thread, when its loop is there. */
void
link_start(void)
{
	static struct event	 ev;

	event_set(&ev, wake[0], EV_READ | EV_PERSIST, cb_wake, NULL);
	if (event_add(&ev, NULL) == -1)
		fatal("pipe");
}

void
count(enum counter what, int64_t n)
{
	(void)pthread_mutex_lock(&lock);
	counters[what] += n;
	(void)pthread_mutex_unlock(&lock);
}

void
counters_get(uint64_t copy[STAT_MAX])
{
	(void)pthread_mutex_lock(&lock);
	memcpy(copy, counters, sizeof(counters));
	(void)pthread_mutex_unlock(&lock);
}

/*
 * The policy in force, which stays as it is until policy_unref(); NULL before
 * there is one.
 */
struct policy *
policy_ref(void)
{
	struct policy	*p;

	(void)pthread_mutex_lock(&lock);
	if ((p = policy) != NULL)
		p->refs++;
	(void)pthread_mutex_unlock(&lock);
	return (p);
}

void
policy_unref(struct policy *p)
{
	int	 last;

	(void)pthread_mutex_lock(&lock);
	last = --p->refs == 0;
	(void)pthread_mutex_unlock(&lock);
	if (last)
		policy_free(p);
}

/* A new policy for the sessions to come. */
void
link_policy(struct policy *new)
{
	struct policy	*old;

	(void)pthread_mutex_lock(&lock);
	old = policy;
	policy = new;
	(void)pthread_mutex_unlock(&lock);
	if (old != NULL)
		policy_unref(old);
}

/* So many ms from now, on the monotonic clock. */
void
deadline_set(struct timespec *ts, uint32_t ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += ms % 1000 * 1000000L;
	if (ts->tv_nsec >= 1000000000L) {
		ts->tv_nsec -= 1000000000L;
		ts->tv_sec++;
	}
}

/*
 * Sending.
 */

static void
put_lookup(struct msg *m, const struct lookup *l)
{
	msg_new(m, IMSG_LOOKUP, l->ask.cookie);
	put_endpoint(m, &l->key.client);
	put_endpoint(m, &l->key.server);
	put_u64(m, l->asked);
}

/* Who has no uid that we know shares the count of all those. */
static void
put_charge(struct msg *m, const struct charge *c)
{
	const struct owner	*o = c->owner;
	const struct rule	*r = c->rule;
	const char		*name = o->text[o->text[T_OWNER] != NULL ?
				    T_OWNER : T_USER];
	char			 user[MAX_NAME + 2];
	uint32_t		 i;

	(void)strlcpy(user, name != NULL ? name : "", sizeof(user));
	msg_new(m, IMSG_CHARGE, c->ask.cookie);
	put_u8(m, c->what);
	put_u32(m, r->number);
	put_u64(m, r->bucket);
	put_u32(m, o->verdict == E_OWNED ? o->account : UID_UNKNOWN);
	put_u32(m, c->recipients);
	put_str(m, user);
	put_u8(m, r->nrates);
	for (i = 0; i < r->nrates; i++) {
		put_u8(m, r->rates[i].unit);
		put_u32(m, r->rates[i].most);
		put_u32(m, r->rates[i].seconds);
	}
}

/* Locked: the channel is full, the main thread is to see when it is not. */
static void
wait_writable(struct link *l)
{
	if (errno != EAGAIN && errno != ENOBUFS)
		return;		/* it is dead, as its reader will see */
	l->full = 1;
	(void)!write(wake[1], "", 1);
}

/* Locked: send what waits to be sent, as far as the channel takes it. */
static void
push(struct link *l)
{
	struct event_kept	*e;
	struct ask		*a;
	struct msg		 m;

	while (l->send_fd != -1 && !l->full &&
	    (a = TAILQ_FIRST(&l->unsent)) != NULL) {
		if (a->to == TO_RESOLVER)
			put_lookup(&m, (struct lookup *)a);
		else
			put_charge(&m, (struct charge *)a);
		if (msg_send(l->send_fd, &m) == -1) {
			wait_writable(l);
			return;
		}
		TAILQ_REMOVE(&l->unsent, a, unsent);
		a->state = ASK_SENT;
	}
	if (l != &links[TO_CONTROL])
		return;
	while (l->send_fd != -1 && !l->full &&
	    (e = STAILQ_FIRST(&events)) != NULL) {
		if (msg_send(l->send_fd, &e->m) == -1) {
			wait_writable(l);
			return;
		}
		STAILQ_REMOVE_HEAD(&events, next);
		nevents--;
		free(e);
	}
}

static void
cb_wake(int fd, short event, void *arg)
{
	struct link	*l;
	char		 bytes[64];

	(void)event;
	(void)arg;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
	(void)pthread_mutex_lock(&lock);
	for (l = links; l < links + SERVERS; l++)
		if (l->full && l->peer.open &&
		    event_add(&l->writable, NULL) == -1)
			event_active(&l->writable, EV_WRITE, 1);
	(void)pthread_mutex_unlock(&lock);
}

static void
cb_writable(int fd, short event, void *arg)
{
	struct link	*l = arg;

	(void)fd;
	(void)event;
	(void)pthread_mutex_lock(&lock);
	l->full = 0;
	push(l);
	(void)pthread_mutex_unlock(&lock);
}

/*
 * Asking and waiting.
 */

/* Locked: it is not waited for any more. */
static void
done(struct ask *a)
{
	struct link	*l = &links[a->to];

	if (a->state == ASK_UNSENT)
		TAILQ_REMOVE(&l->unsent, a, unsent);
	if (a->state != ASK_DONE)
		l->asks[a->cookie % OPEN_MAX_ASKS] = NULL;
	a->state = ASK_DONE;
}

/* Put a question on its way. */
static void
ask(struct ask *a, enum server to)
{
	struct link	*l = &links[to];
	uint32_t	 i;

	a->to = to;
	a->again = 0;
	(void)pthread_cond_init(&a->cond, &monotonic);
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < OPEN_MAX_ASKS; i++)
		if (l->asks[++l->last_cookie % OPEN_MAX_ASKS] == NULL)
			break;
	a->cookie = l->last_cookie;
	if (i == OPEN_MAX_ASKS)
		a->state = ASK_DONE;	/* too many: it stays unanswered */
	else {
		l->asks[a->cookie % OPEN_MAX_ASKS] = a;
		a->state = ASK_UNSENT;
		TAILQ_INSERT_TAIL(&l->unsent, a, unsent);
		push(l);
	}
	(void)pthread_mutex_unlock(&lock);
}

/* Locked: until it is answered, for ms at most.  Returns 0 or ETIMEDOUT. */
static int
await(struct ask *a, uint32_t ms)
{
	struct timespec	 end;
	int		 error = 0;

	deadline_set(&end, ms);
	while (a->state != ASK_DONE && error == 0)
		error = pthread_cond_timedwait(&a->cond, &lock, &end);
	done(a);
	return (error);
}

/* Locked: the open question with that cookie; its asker may go on. */
static struct ask *
answered(enum server from, uint32_t cookie)
{
	struct ask	*a = links[from].asks[cookie % OPEN_MAX_ASKS];

	if (a == NULL || a->cookie != cookie || a->state != ASK_SENT)
		return (NULL);		/* it came too late */
	done(a);
	(void)pthread_cond_signal(&a->cond);
	return (a);
}

/* Begin to ask who owns the client end.  Never blocks. */
void
link_lookup(struct lookup *l, const struct conn_key *key)
{
	l->key = *key;
	l->asked = clock_usec(CLOCK_MONOTONIC);
	l->owner = NULL;
	ask(&l->ask, TO_RESOLVER);
}

/*
 * The answer, to be freed, for which a message waits ms at most; NULL only if
 * there is no memory.  To be called once.
 */
struct owner *
link_owner(struct lookup *l, uint32_t ms)
{
	struct owner	*o;
	int		 error;

	(void)pthread_mutex_lock(&lock);
	error = await(&l->ask, ms);
	o = l->owner;
	l->owner = NULL;
	(void)pthread_mutex_unlock(&lock);
	if (o == NULL && (o = malloc(sizeof(*o))) != NULL)
		owner_unknown(o, error == ETIMEDOUT ? R_TIMEOUT : R_FAILED);
	return (o);
}

/* Nobody wants to know any more. */
void
link_cancel(struct lookup *l)
{
	(void)pthread_mutex_lock(&lock);
	done(&l->ask);
	(void)pthread_mutex_unlock(&lock);
	free(l->owner);
	(void)pthread_cond_destroy(&l->ask.cond);
}

/*
 * Ask whether a message is over its limit, which is in c->over then.  Returns
 * 0, or -1 if control did not tell in time: then mail flows.
 */
int
link_charge(struct charge *c)
{
	int	 told;

	c->told = c->over = 0;
	ask(&c->ask, TO_CONTROL);
	(void)pthread_mutex_lock(&lock);
	(void)await(&c->ask, CHARGE_TIME);
	told = c->told;
	if (!told)
		counters[ST_UNCOUNTED]++;
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_cond_destroy(&c->ask.cond);
	return (told ? 0 : -1);
}

static void
put_event(struct msg *m, const struct ended *e)
{
	char	 queue[MAX_QUEUEID + 2], sender[MAX_SENDER + 2];
	char	 login[MAX_NAME + 2];

	(void)strlcpy(queue, e->queue != NULL ? e->queue : "", sizeof(queue));
	(void)strlcpy(sender, e->sender, sizeof(sender));
	(void)strlcpy(login, e->login != NULL ? e->login : "", sizeof(login));
	msg_new(m, IMSG_EVENT, 0);
	put_u8(m, e->decision->action);
	put_u32(m, policy_number(e->decision));
	put_u32(m, e->recipients);
	put_str(m, queue);
	put_str(m, sender);
	put_str(m, login);
	put_owner(m, e->owner);
}

/* Locked: without a detour if nothing else waits. */
static int
event_send(struct link *l, struct msg *m)
{
	if (l->send_fd == -1 || l->full || nevents > 0)
		return (-1);
	return (msg_send(l->send_fd, m));
}

/* Locked: keep it until there is room in the channel. */
static int
event_keep(const struct msg *m)
{
	struct event_kept	*e;

	if (nevents >= EVENTS_MAX || (e = malloc(sizeof(*e))) == NULL)
		return (-1);
	e->m = *m;
	STAILQ_INSERT_TAIL(&events, e, next);
	nevents++;
	return (0);
}

/*
 * Tell control that a message has come to its end.  While there is no room in
 * the channel some are kept; what is too much is counted and forgotten.
 */
void
link_event(const struct ended *ended)
{
	struct link	*l = &links[TO_CONTROL];
	struct msg	 m;

	put_event(&m, ended);
	(void)pthread_mutex_lock(&lock);
	if (event_send(l, &m) == -1) {
		if (event_keep(&m) == -1)
			counters[ST_UNCOUNTED]++;
		else
			push(l);
	}
	(void)pthread_mutex_unlock(&lock);
}

/*
 * Reading.
 */

/* From the resolver, which knows more than we do. */
static int
on_answer(struct peer *peer, struct msg *m)
{
	struct owner	*owner;
	struct lookup	*l;

	(void)peer;
	owner = get_owner(m);
	if (owner == NULL && m->bad)
		return (-1);
	(void)pthread_mutex_lock(&lock);
	l = (struct lookup *)answered(TO_RESOLVER, m->id);
	if (l != NULL) {
		l->owner = owner;
		owner = NULL;
	}
	(void)pthread_mutex_unlock(&lock);
	free(owner);
	return (0);
}

static int
on_verdict(struct peer *peer, struct msg *m)
{
	struct charge	*c;
	int		 over = get_u8(m);
	uint8_t		 rate = get_u8(m);
	uint32_t	 seconds = get_u32(m);
	int		 rv = msg_end(m);

	(void)peer;
	(void)pthread_mutex_lock(&lock);
	c = (struct charge *)answered(TO_CONTROL, m->id);
	if (c != NULL && rate >= c->rule->nrates)
		rv = -1;
	if (c != NULL && rv == 0) {
		c->told = 1;
		c->over = over;
		c->rate = &c->rule->rates[rate];
		c->seconds = seconds;
	}
	(void)pthread_mutex_unlock(&lock);
	return (rv);
}

static int
on_table(struct peer *peer, struct msg *m)
{
	struct msg	 reply;
	int		 op = blocked_change(m);

	if (op == TABLE_SYNC) {
		msg_new(&reply, IMSG_TABLED, m->id);
		(void)peer_send(peer, &reply);
	}
	return (op == -1 ? -1 : 0);
}

/*
 * The process died: what it was asked, the next one is, but only once.  A
 * question that kills is not to kill for ever.
 */
static void
server_lost(struct link *l)
{
	struct timeval	 tv = { LONELY_TIME, 0 };
	struct ask	*a;
	size_t		 i;

	(void)event_del(&l->writable);
	evtimer_set(&l->lonely, cb_lonely, NULL);
	timer_add(&l->lonely, &tv);
	(void)pthread_mutex_lock(&lock);
	if (l->send_fd != -1)
		close(l->send_fd);
	l->send_fd = -1;
	l->full = 0;
	for (i = 0; i < OPEN_MAX_ASKS; i++) {
		if ((a = l->asks[i]) == NULL || a->state != ASK_SENT)
			continue;
		if (a->again++) {
			done(a);
			(void)pthread_cond_signal(&a->cond);
		} else {
			a->state = ASK_UNSENT;
			TAILQ_INSERT_TAIL(&l->unsent, a, unsent);
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

/*
 * It has not died, for there is no other: it has dropped us, and nobody but a
 * new worker will get a channel to it.
 */
static void
cb_lonely(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	log_warnx("resolver or control does not want us: leaving");
	worker_leave();
}

static void
server_gone(struct peer *peer, const char *why)
{
	if (why != NULL)
		fatalx("%s makes no sense", role_names[peer->chan.peer]);
	server_lost(peer->arg);
}

/* A channel to one of them, perhaps a new one.  Returns 0 or -1. */
int
link_peer(int fd, enum role role)
{
	enum server	 to = role == ROLE_RESOLVER ? TO_RESOLVER : TO_CONTROL;
	struct link	*l = &links[to];
	int		 dupfd;

	/* Threads have an end of their own, which is closed under the lock. */
	if ((dupfd = dup(fd)) == -1) {
		close(fd);
		return (-1);
	}
	if (l->peer.open) {
		peer_close(&l->peer);
		server_lost(l);
	}
	if (evtimer_initialized(&l->lonely))
		(void)evtimer_del(&l->lonely);
	l->peer.arg = l;
	peer_open(&l->peer, fd, ROLE_WORKER, role, 1, to == TO_RESOLVER ?
	    resolver_handlers : control_handlers, server_gone);
	l->peer.chan.state = S_RUN;
	event_set(&l->writable, dupfd, EV_WRITE, cb_writable, l);
	(void)pthread_mutex_lock(&lock);
	l->send_fd = dupfd;
	push(l);
	(void)pthread_mutex_unlock(&lock);
	return (0);
}
