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
 * The worker's side of its channels.  The main thread alone reads them; the
 * threads of libmilter send lookups and wait for the answers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "milterd.h"

#define OPEN_MAX_ASKS	1024	/* a power of 2, part of the cookie */

/* For all below, for struct ask and for the references to policies. */
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_condattr_t monotonic;
static struct ask	*asks[OPEN_MAX_ASKS];	/* by cookie */
static uint32_t		 last_cookie;
static TAILQ_HEAD(, ask) unsent = TAILQ_HEAD_INITIALIZER(unsent);
static int		 send_fd = -1;		/* to the resolver */
static struct policy	*policy;
static uint64_t		 counters[STAT_MAX];

static struct peer	 resolver;		/* the main thread's */

static int	 on_answer(struct peer *, struct msg *);

static const struct handler resolver_handlers[] = {
	{ IMSG_ANSWER,		on_answer },
	{ IMSG_MAX,		NULL }
};

void
link_init(void)
{
	resolver.chan.fd = -1;
	if (pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0)
		fatalx("no condition on the monotonic clock");
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

/* The policy in force; it stays as it is until policy_unref(). */
struct policy *
policy_ref(void)
{
	struct policy	*p;

	(void)pthread_mutex_lock(&lock);
	p = policy;
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

/* Locked: send what waits to be sent, as far as the channel takes it. */
static void
push(void)
{
	struct ask	*a;
	struct msg	 m;

	while (send_fd != -1 && (a = TAILQ_FIRST(&unsent)) != NULL) {
		msg_new(&m, IMSG_LOOKUP, a->cookie);
		put_endpoint(&m, &a->key.client);
		put_endpoint(&m, &a->key.server);
		put_u64(&m, a->asked);
		if (msg_send(send_fd, &m) == -1)
			return;		/* the next answer makes room */
		TAILQ_REMOVE(&unsent, a, unsent);
		a->state = ASK_SENT;
	}
}

/* Locked: the answer is there, or never will be (NULL). */
static void
done(struct ask *a, struct owner *owner)
{
	if (a->state == ASK_UNSENT)
		TAILQ_REMOVE(&unsent, a, unsent);
	asks[a->cookie % OPEN_MAX_ASKS] = NULL;
	a->state = ASK_DONE;
	a->owner = owner;
}

/*
 * The resolver died: what it was asked, the next one is, but only once.  A
 * question that kills is not to kill for ever.
 */
static void
resolver_gone(struct peer *peer, const char *why)
{
	struct ask	*a;
	size_t		 i;

	(void)peer;
	if (why != NULL)
		fatalx("the resolver makes no sense");
	(void)pthread_mutex_lock(&lock);
	if (send_fd != -1)
		close(send_fd);
	send_fd = -1;
	for (i = 0; i < OPEN_MAX_ASKS; i++) {
		if ((a = asks[i]) == NULL || a->state != ASK_SENT)
			continue;
		if (a->again++) {
			done(a, NULL);
			(void)pthread_cond_signal(&a->cond);
		} else {
			a->state = ASK_UNSENT;
			TAILQ_INSERT_TAIL(&unsent, a, unsent);
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

/* A channel to a resolver, perhaps a new one.  Returns 0 or -1. */
int
link_peer(int fd)
{
	int	 dupfd;

	/* Threads have an end of their own, which is closed under the lock. */
	if ((dupfd = dup(fd)) == -1) {
		close(fd);
		return (-1);
	}
	if (resolver.open) {
		peer_close(&resolver);
		resolver_gone(&resolver, NULL);
	}
	peer_open(&resolver, fd, ROLE_WORKER, ROLE_RESOLVER, 1,
	    resolver_handlers, resolver_gone);
	resolver.chan.state = S_RUN;
	(void)pthread_mutex_lock(&lock);
	send_fd = dupfd;
	push();
	(void)pthread_mutex_unlock(&lock);
	return (0);
}

/*
 * Begin to ask who owns the client end; the answer is waited for no longer
 * than timeout ms from now.  Never blocks.
 */
void
link_ask(struct ask *a, const struct conn_key *key, uint32_t timeout)
{
	uint32_t	 i;

	a->key = *key;
	a->again = 0;
	a->asked = clock_usec(CLOCK_MONOTONIC);
	a->owner = NULL;
	(void)pthread_cond_init(&a->cond, &monotonic);
	(void)clock_gettime(CLOCK_MONOTONIC, &a->deadline);
	a->deadline.tv_sec += timeout / 1000;
	a->deadline.tv_nsec += timeout % 1000 * 1000000L;
	if (a->deadline.tv_nsec >= 1000000000L) {
		a->deadline.tv_nsec -= 1000000000L;
		a->deadline.tv_sec++;
	}
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < OPEN_MAX_ASKS; i++)
		if (asks[++last_cookie % OPEN_MAX_ASKS] == NULL)
			break;
	a->cookie = last_cookie;
	if (i == OPEN_MAX_ASKS)
		a->state = ASK_DONE;	/* too many: it stays unknown */
	else {
		asks[a->cookie % OPEN_MAX_ASKS] = a;
		a->state = ASK_UNSENT;
		TAILQ_INSERT_TAIL(&unsent, a, unsent);
		push();
	}
	(void)pthread_mutex_unlock(&lock);
}

static struct owner *
unknown(enum reason reason)
{
	struct owner	*o;

	if ((o = malloc(sizeof(*o))) != NULL)
		owner_unknown(o, reason);
	return (o);
}

/*
 * The answer, to be freed, at the deadline at the latest; NULL only if there
 * is no memory.  To be called once.
 */
struct owner *
link_wait(struct ask *a)
{
	struct owner	*o;
	int		 error = 0;

	(void)pthread_mutex_lock(&lock);
	while (a->state != ASK_DONE && error == 0)
		error = pthread_cond_timedwait(&a->cond, &lock, &a->deadline);
	if (a->state != ASK_DONE)
		done(a, NULL);
	o = a->owner;
	a->owner = NULL;
	(void)pthread_mutex_unlock(&lock);
	if (o != NULL)
		return (o);
	return (unknown(error == ETIMEDOUT ? R_TIMEOUT : R_FAILED));
}

/* Nobody wants to know any more. */
void
link_cancel(struct ask *a)
{
	(void)pthread_mutex_lock(&lock);
	if (a->state != ASK_DONE)
		done(a, NULL);
	(void)pthread_mutex_unlock(&lock);
	free(a->owner);
	(void)pthread_cond_destroy(&a->cond);
}

/* From the resolver, which knows more than we do. */
static int
on_answer(struct peer *peer, struct msg *m)
{
	struct owner	*owner;
	struct ask	*a;

	(void)peer;
	owner = get_owner(m);
	if (owner == NULL && m->bad)
		return (-1);
	(void)pthread_mutex_lock(&lock);
	a = asks[m->id % OPEN_MAX_ASKS];
	if (a != NULL && a->cookie == m->id) {
		done(a, owner);
		owner = NULL;
		(void)pthread_cond_signal(&a->cond);
	}
	push();
	(void)pthread_mutex_unlock(&lock);
	free(owner);		/* it came too late */
	return (0);
}
