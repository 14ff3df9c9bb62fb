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
 * Lookups that wait, for a search of the process or for a name.  The owner is
 * found at once, whatever else goes on; searches come when nothing else is to
 * be done, one at a time, each uid in its turn; and at the deadline a lookup
 * is answered with what there is.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "resolver.h"

#define PENDING_MAX	4096
#define POOL_MAX	64		/* kept for the next lookup */
#define SEARCH_USEC	5000		/* one search */
#define SHARE_USEC	50000		/* all for one uid, each second */
#define LEISURE_USEC	10000		/* of it, for holders after the first */
#define SHORT_USEC	100		/* see cpu_since() */
#define TURN_USEC	200		/* searches until others have a word */

static void	 cb_deadline(int, short, void *);
static void	 cb_search(int, short, void *);

static struct pendings	 all = TAILQ_HEAD_INITIALIZER(all);
static struct pendings	 pool = TAILQ_HEAD_INITIALIZER(pool);
static TAILQ_HEAD(turns, account) turns = TAILQ_HEAD_INITIALIZER(turns);
static unsigned int	 npending, npool, nsearches;
static uint64_t		 patience = 500000;	/* us */
static struct event	 ev_deadline, ev_search;

void
pending_init(void)
{
	evtimer_set(&ev_deadline, cb_deadline, NULL);
	/* Whatever workers have to say. */
	(void)event_priority_set(&ev_deadline, TURN_FIRST);
	event_set(&ev_search, -1, 0, cb_search, NULL);
	/* After all that can be read. */
	(void)event_priority_set(&ev_search, TURN_LAST);
}

/* A worker waits so many ms for us; half of it is for name and search. */
void
pending_patience(uint32_t ms)
{
	patience = (uint64_t)ms * 1000 / 2;
}

/* Returns NULL if too many wait already. */
struct pending *
pending_new(struct peer *client, uint32_t id)
{
	struct pending	*p;

	if ((p = TAILQ_FIRST(&pool)) != NULL) {
		TAILQ_REMOVE(&pool, p, next);
		npool--;
	} else if (npending >= PENDING_MAX || (p = malloc(sizeof(*p))) == NULL)
		return (NULL);
	npending++;
	memset(p, 0, sizeof(*p));
	p->client = client;
	p->id = id;
	return (p);
}

/* Of one that does not wait. */
void
pending_free(struct pending *p)
{
	npending--;
	if (p->account != NULL)
		p->account->refs--;
	if (p->holder != NULL)
		p->holder->refs--;
	if (npool < POOL_MAX) {
		TAILQ_INSERT_HEAD(&pool, p, next);
		npool++;
	} else
		free(p);
}

static void
search_begin(struct pending *p)
{
	if (TAILQ_EMPTY(&p->account->searches))
		TAILQ_INSERT_TAIL(&turns, p->account, turn);
	TAILQ_INSERT_TAIL(&p->account->searches, p, insearch);
	nsearches++;
	event_active(&ev_search, EV_TIMEOUT, 1);
}

static void
search_end(struct pending *p)
{
	TAILQ_REMOVE(&p->account->searches, p, insearch);
	if (TAILQ_EMPTY(&p->account->searches))
		TAILQ_REMOVE(&turns, p->account, turn);
	nsearches--;
	p->search = 0;
}

static void
deadline_set(uint64_t now)
{
	struct pending	*p = TAILQ_FIRST(&all);
	struct timeval	 tv = { 0, 0 };

	if (p == NULL) {
		(void)evtimer_del(&ev_deadline);
		return;
	}
	if (p->deadline > now) {
		tv.tv_sec = (p->deadline - now) / 1000000;
		tv.tv_usec = (p->deadline - now) % 1000000;
	}
	timer_add(&ev_deadline, &tv);
}

/* Let it wait for its name, or its search, or both, as it says. */
void
pending_wait(struct pending *p)
{
	uint64_t	 now = clock_usec(CLOCK_MONOTONIC);

	p->deadline = now + patience;
	TAILQ_INSERT_TAIL(&all, p, next);
	if (p->awaits != NULL)
		TAILQ_INSERT_TAIL(&p->awaits->waiting, p, inname);
	if (p->search)
		search_begin(p);
	if (TAILQ_FIRST(&all) == p)
		deadline_set(now);
}

/* It waits no longer, for whatever it was. */
static void
pending_leave(struct pending *p)
{
	int	 first = TAILQ_FIRST(&all) == p;

	if (p->awaits != NULL)
		TAILQ_REMOVE(&p->awaits->waiting, p, inname);
	if (p->search)
		search_end(p);
	p->awaits = NULL;
	TAILQ_REMOVE(&all, p, next);
	if (first)
		deadline_set(clock_usec(CLOCK_MONOTONIC));
}

static void
answer(struct pending *p)
{
	pending_leave(p);
	resolver_reply(p);
	pending_free(p);
}

/* The process may be of another user: true if his name is to be waited for. */
int
pending_holder(struct pending *p)
{
	if (p->holder != NULL || p->found.owner.pid == NO_PID ||
	    p->found.holder_uid == p->found.owner.uid ||
	    (p->holder = account_ref(p->found.holder_uid)) == NULL ||
	    names_fresh(p->holder))
		return (0);
	p->awaits = p->holder;
	return (1);
}

/* Something it waited for is there: is there more? */
static void
pending_next(struct pending *p)
{
	if (p->search || p->awaits != NULL)
		return;
	if (pending_holder(p))
		TAILQ_INSERT_TAIL(&p->awaits->waiting, p, inname);
	else
		answer(p);
}

/* The name of the account is there, or will not come. */
void
pending_named(struct account *a)
{
	struct pending	*p;

	while ((p = TAILQ_FIRST(&a->waiting)) != NULL) {
		TAILQ_REMOVE(&a->waiting, p, inname);
		p->awaits = NULL;
		pending_next(p);
	}
}

/* Nobody waits for the answers to this client. */
void
pending_forget(const struct peer *client)
{
	struct pending	*p, *next;

	for (p = TAILQ_FIRST(&all); p != NULL; p = next) {
		next = TAILQ_NEXT(p, next);
		if (p->client == client) {
			pending_leave(p);
			pending_free(p);
		}
	}
}

static void
cb_deadline(int fd, short event, void *arg)
{
	struct pending	*p;
	uint64_t	 now = clock_usec(CLOCK_MONOTONIC);

	(void)fd;
	(void)event;
	(void)arg;
	while ((p = TAILQ_FIRST(&all)) != NULL && p->deadline <= now) {
		if (p->awaits != NULL && !p->awaits->late) {
			log_debug("no name for uid %u in time",
			    p->awaits->uid);
			p->awaits->late = 1;
		}
		answer(p);
	}
	deadline_set(now);
}

/*
 * Asked when there is a holder.  True if one has to be enough: others wait, or
 * this uid has had its share of the search for more.
 */
static int
busy(void *arg)
{
	struct account	*a = arg;

	if (nsearches > 1 || a->leisure >= LEISURE_USEC || resolver_busy())
		return (1);
	if (a->found == 0)
		a->found = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
	return (0);
}

/* Nobody can keep us busy with searches through his own processes. */
static uint32_t
share(struct account *a)
{
	uint64_t	 now = clock_usec(CLOCK_MONOTONIC);

	if (now - a->window >= 1000000) {
		a->window = now;
		a->spent = a->leisure = 0;
	}
	if (a->spent >= SHARE_USEC)
		return (0);
	return (SHARE_USEC - a->spent < SEARCH_USEC ?
	    SHARE_USEC - a->spent : SEARCH_USEC);
}

/* Else there is nothing to wait for: the owner is all that it gets. */
int
pending_may_search(struct account *a)
{
	return (share(a) > 0);
}

/*
 * CPU time since an earlier moment, of which both clocks tell: that a busy
 * machine lets us wait is nobody's fault.  The clock of the CPU is slow to
 * read; a short time is not worth it.
 */
static uint64_t
cpu_since(uint64_t begin, uint64_t cpu)
{
	uint64_t	 usec = clock_usec(CLOCK_MONOTONIC) - begin;

	return (usec < SHORT_USEC ? usec :
	    clock_usec(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void
search(struct pending *p)
{
	struct account	*a = p->account;
	struct budget	 budget = { .busy = busy, .arg = a };
	uint64_t	 begin, cpu;

	if ((budget.usec = share(a)) == 0)
		return;
	a->found = 0;
	begin = clock_usec(CLOCK_MONOTONIC);
	cpu = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
	owner_search(&os_native, &p->key, &p->sock, &budget, &p->found);
	a->spent += cpu_since(begin, cpu);
	if (a->found != 0)
		a->leisure += clock_usec(CLOCK_PROCESS_CPUTIME_ID) - a->found;
}

/* One search, for the uid whose turn it is. */
static void
search_next(void)
{
	struct account	*a = TAILQ_FIRST(&turns);
	struct pending	*p;

	TAILQ_REMOVE(&turns, a, turn);
	TAILQ_INSERT_TAIL(&turns, a, turn);
	p = TAILQ_FIRST(&a->searches);
	search(p);
	owner_opener(&os_native, &p->found);
	search_end(p);
	pending_next(p);
	if (os_native.rest != NULL)
		os_native.rest();
}

/* One that is long, or some short ones; then let others have a word. */
static void
cb_search(int fd, short event, void *arg)
{
	uint64_t	 begin = clock_usec(CLOCK_MONOTONIC);

	(void)fd;
	(void)event;
	(void)arg;
	while (nsearches > 0) {
		search_next();
		if (clock_usec(CLOCK_MONOTONIC) - begin >= TURN_USEC)
			break;
	}
	if (nsearches > 0)
		event_active(&ev_search, EV_TIMEOUT, 1);
}
