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
 * The ledger: what is counted for limits and statistics.  Everybody who may
 * send mail can make entries here, so both tables are bounded, and when one
 * is full those go who have counted least.
 */

#include <sys/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define STEPS		60		/* of a window */
#define SLOTS		(STEPS + 1)	/* one is partly outside of it */
#define SECOND		UINT64_C(1000000)
#define EVICT		1024		/* buckets at once, for it is slow */

/*
 * One counter.  A slot is a step of time: the steps are numbered since 0,
 * newest is the last one, and step n is kept in slot[n % SLOTS].
 */
struct window {
	uint64_t		 newest;
	uint64_t		 sum;		/* of all slots */
	uint32_t		 slot[SLOTS];
};

/* What a rule has counted of a user in windows of one length. */
struct bucket {
	RB_ENTRY(bucket)	 entry;
	uint64_t		 rule;		/* its bucket in the policy */
	uint32_t		 uid;
	uint32_t		 seconds;	/* the window's length */
	uint64_t		 used;		/* us, last counted */
	uint64_t		 quiet;		/* us, no alert until then */
	struct window		 counts[U_MAX];
};
RB_HEAD(buckets, bucket);

struct ledger {
	uint64_t		 now;		/* latest that we were told */
	struct buckets		 buckets;
	size_t			 nbuckets;
	struct bucket		*order[BUCKETS_MAX];	/* to sort them */
};

/* What a user has sent by one program. */
struct row {
	RB_ENTRY(row)		 entry;
	uint32_t		 uid;
	char			 program[MAX_NAME + 2];
	char			 user[MAX_NAME + 2];
	struct window		 counts[SPAN_MAX][TALLY_MAX];
};
RB_HEAD(rows, row);

struct stats {
	uint64_t		 now;
	struct rows		 rows;		/* those of a uid together */
	size_t			 nrows;
	struct row		*order[STATS_MAX];
};

static const uint32_t	 span_seconds[SPAN_MAX] = { 60, 3600, 86400 };

static int	 bucket_cmp(const struct bucket *, const struct bucket *);
static int	 row_cmp(const struct row *, const struct row *);

RB_PROTOTYPE(buckets, bucket, entry, bucket_cmp)
RB_GENERATE(buckets, bucket, entry, bucket_cmp)
RB_PROTOTYPE(rows, row, entry, row_cmp)
RB_GENERATE(rows, row, entry, row_cmp)

static int
bucket_cmp(const struct bucket *a, const struct bucket *b)
{
	if (a->rule != b->rule)
		return (a->rule < b->rule ? -1 : 1);
	if (a->uid != b->uid)
		return (a->uid < b->uid ? -1 : 1);
	return (a->seconds < b->seconds ? -1 : a->seconds > b->seconds);
}

static int
row_cmp(const struct row *a, const struct row *b)
{
	if (a->uid != b->uid)
		return (a->uid < b->uid ? -1 : 1);
	return (strcmp(a->program, b->program));
}

/* Windows.  These products stay below 2^63 for some 280 years of uptime. */

/* The step at that time. */
static uint64_t
step_at(uint64_t now, uint32_t seconds)
{
	return (now * STEPS / (seconds * SECOND));
}

/* The first microsecond of a step. */
static uint64_t
step_start(uint64_t step, uint32_t seconds)
{
	return ((step * seconds * SECOND + STEPS - 1) / STEPS);
}

/* Forget what has left the window. */
static void
window_advance(struct window *w, uint32_t seconds, uint64_t now)
{
	uint64_t	 step = step_at(now, seconds);
	uint32_t	*slot;

	if (step - w->newest >= SLOTS) {
		memset(w, 0, sizeof(*w));
		w->newest = step;
	}
	while (w->newest < step) {
		slot = &w->slot[++w->newest % SLOTS];
		w->sum -= *slot;
		*slot = 0;
	}
}

static void
slot_add(struct window *w, uint64_t step, uint32_t n)
{
	uint32_t	*slot = &w->slot[step % SLOTS];

	if (n > UINT32_MAX - *slot)
		n = UINT32_MAX - *slot;
	*slot += n;
	w->sum += n;
}

static void
window_add(struct window *w, uint32_t n)
{
	slot_add(w, w->newest, n);
}

/* Both have been advanced to the same time. */
static void
window_merge(struct window *w, const struct window *other)
{
	size_t	 i;

	for (i = 0; i < SLOTS; i++)
		slot_add(w, i, other->slot[i]);
}

/*
 * How many microseconds until n more fit; 0: now.  If they never will, a
 * window's length.
 */
static uint64_t
window_wait(const struct window *w, uint32_t seconds, uint64_t now,
    uint32_t n, uint32_t most)
{
	uint64_t	 step, left = w->sum;

	if (left + n <= most)
		return (0);
	if (n > most)
		return (seconds * SECOND);
	/* The oldest slot comes after the newest one in the ring. */
	for (step = w->newest + 1; left + n > most; step++)
		left -= w->slot[step % SLOTS];
	return (step_start(step - 1, seconds) - now);
}

/* Limits. */

struct ledger *
ledger_new(void)
{
	struct ledger	*l;

	if ((l = calloc(1, sizeof(*l))) != NULL)
		RB_INIT(&l->buckets);
	return (l);
}

static void
bucket_free(struct ledger *l, struct bucket *b)
{
	RB_REMOVE(buckets, &l->buckets, b);
	l->nbuckets--;
	free(b);
}

void
ledger_free(struct ledger *l)
{
	struct bucket	*b;

	if (l == NULL)
		return;
	while ((b = RB_ROOT(&l->buckets)) != NULL)
		bucket_free(l, b);
	free(l);
}

size_t
ledger_count(const struct ledger *l)
{
	return (l->nbuckets);
}

static void
bucket_advance(struct bucket *b, uint64_t now)
{
	size_t	 i;

	for (i = 0; i < U_MAX; i++)
		window_advance(&b->counts[i], b->seconds, now);
}

/* As it is now, or NULL. */
static struct bucket *
bucket_find(struct ledger *l, const struct charge_request *q,
    uint32_t seconds)
{
	struct bucket	 key, *b;

	key.rule = q->bucket;
	key.uid = q->uid;
	key.seconds = seconds;
	if ((b = RB_FIND(buckets, &l->buckets, &key)) != NULL)
		bucket_advance(b, l->now);
	return (b);
}

/* It may be new.  There is room for it; NULL: but no memory. */
static struct bucket *
bucket_get(struct ledger *l, const struct charge_request *q, uint32_t seconds)
{
	struct bucket	*b;

	if ((b = bucket_find(l, q, seconds)) != NULL)
		return (b);
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	b->rule = q->bucket;
	b->uid = q->uid;
	b->seconds = seconds;
	bucket_advance(b, l->now);
	RB_INSERT(buckets, &l->buckets, b);
	l->nbuckets++;
	return (b);
}

/* Free what says nothing anymore. */
void
ledger_sweep(struct ledger *l, uint64_t now)
{
	struct bucket	*b, *next;

	if (now > l->now)
		l->now = now;
	RB_FOREACH_SAFE(b, buckets, &l->buckets, next) {
		bucket_advance(b, l->now);
		if (b->counts[U_MESSAGES].sum == 0 &&
		    b->counts[U_RECIPIENTS].sum == 0 && l->now >= b->quiet)
			bucket_free(l, b);
	}
}

/* The one that counted less; of equal ones the one that did so earlier. */
static int
bucket_order(const void *x, const void *y)
{
	const struct bucket	*a = *(struct bucket *const *)x;
	const struct bucket	*b = *(struct bucket *const *)y;
	uint64_t		 m, n;

	m = a->counts[U_MESSAGES].sum + a->counts[U_RECIPIENTS].sum;
	n = b->counts[U_MESSAGES].sum + b->counts[U_RECIPIENTS].sum;
	if (m != n)
		return (m < n ? -1 : 1);
	return (a->used < b->used ? -1 : a->used > b->used);
}

/*
 * Make room for n more.  Newcomers, be they never so many, push out each
 * other: who is near a limit has counted more than they.
 */
static void
ledger_room(struct ledger *l, size_t n)
{
	struct bucket	*b;
	size_t		 i = 0;

	if (l->nbuckets + n <= BUCKETS_MAX)
		return;
	ledger_sweep(l, l->now);
	RB_FOREACH(b, buckets, &l->buckets)
		l->order[i++] = b;
	qsort(l->order, i, sizeof(l->order[0]), bucket_order);
	for (i = 0; l->nbuckets > BUCKETS_MAX - EVICT; i++)
		bucket_free(l, l->order[i]);
}

/* From a worker: whatever it says must do no harm here. */
static int
request_ok(const struct charge_request *q)
{
	const struct rate	*r;
	uint32_t		 i;

	if (q->nrates == 0 || q->nrates > MAX_RATES)
		return (0);
	for (i = 0; i < q->nrates; i++) {
		r = &q->rates[i];
		if ((unsigned int)r->unit >= U_MAX || r->seconds == 0 ||
		    r->seconds > MAX_WINDOW)
			return (0);
	}
	return (1);
}

/* Tell of somebody over a limit, but not too often. */
static int
alert_due(struct ledger *l, const struct charge_request *q, uint32_t seconds)
{
	struct bucket	*b;

	ledger_room(l, 1);
	if ((b = bucket_get(l, q, seconds)) == NULL || l->now < b->quiet)
		return (0);
	b->quiet = l->now + seconds * SECOND;
	return (1);
}

/* How many of a unit the request means to count. */
static uint32_t
request_units(const struct charge_request *q, enum asking what, enum unit u)
{
	/* Before the first recipient: one at least will come. */
	return (what == CHARGE_LOOK || u == U_MESSAGES ? 1 : q->recipients);
}

static int
judge(struct ledger *l, const struct charge_request *q, enum asking what,
    uint64_t now, struct charge_verdict *v)
{
	static const struct window	 empty;
	const struct bucket		*b;
	const struct rate		*r;
	uint64_t			 wait, longest = 0;
	uint32_t			 i;

	memset(v, 0, sizeof(*v));
	if (!request_ok(q)) {
		errno = EINVAL;
		return (-1);
	}
	if (now > l->now)
		l->now = now;
	for (i = 0; i < q->nrates; i++) {
		r = &q->rates[i];
		b = bucket_find(l, q, r->seconds);
		wait = window_wait(b == NULL ? &empty : &b->counts[r->unit],
		    r->seconds, l->now, request_units(q, what, r->unit),
		    r->most);
		if (wait > longest) {
			longest = wait;
			v->rate = i;
		}
	}
	if (longest == 0)
		return (0);
	v->seconds = (longest + SECOND - 1) / SECOND;
	v->alert = alert_due(l, q, q->rates[v->rate].seconds);
	return (1);
}

int
ledger_look(struct ledger *l, const struct charge_request *q, uint64_t now,
    struct charge_verdict *v)
{
	return (judge(l, q, CHARGE_LOOK, now, v));
}

int
ledger_charge(struct ledger *l, const struct charge_request *q, uint64_t now,
    struct charge_verdict *v)
{
	struct bucket	*b[MAX_RATES];
	uint32_t	 i, j;
	int		 rv;

	if ((rv = judge(l, q, CHARGE_COUNT, now, v)) != 0)
		return (rv);
	for (i = j = 0; i < q->nrates; i++)
		j += bucket_find(l, q, q->rates[i].seconds) == NULL;
	ledger_room(l, j);
	for (i = 0; i < q->nrates; i++)
		if ((b[i] = bucket_get(l, q, q->rates[i].seconds)) == NULL)
			return (-1);
	for (i = 0; i < q->nrates; i++) {
		/* Rates may share a window, which counts it once. */
		for (j = 0; b[j] != b[i]; j++)
			continue;
		if (j < i)
			continue;
		b[i]->used = l->now;
		window_add(&b[i]->counts[U_MESSAGES], 1);
		window_add(&b[i]->counts[U_RECIPIENTS], q->recipients);
	}
	return (0);
}

/* Statistics. */

struct stats *
stats_new(void)
{
	struct stats	*s;

	if ((s = calloc(1, sizeof(*s))) != NULL)
		RB_INIT(&s->rows);
	return (s);
}

static void
row_free(struct stats *s, struct row *r)
{
	RB_REMOVE(rows, &s->rows, r);
	s->nrows--;
	free(r);
}

void
stats_free(struct stats *s)
{
	struct row	*r;

	if (s == NULL)
		return;
	while ((r = RB_ROOT(&s->rows)) != NULL)
		row_free(s, r);
	free(s);
}

size_t
stats_count(const struct stats *s)
{
	return (s->nrows);
}

static void
row_advance(struct row *r, uint64_t now)
{
	size_t	 i, j;

	for (i = 0; i < SPAN_MAX; i++)
		for (j = 0; j < TALLY_MAX; j++)
			window_advance(&r->counts[i][j], span_seconds[i], now);
}

/* All that it did, well or badly, was work for the MTA. */
static uint64_t
row_sum(const struct row *r, unsigned int span)
{
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < TALLY_MAX; i++)
		sum += r->counts[span][i].sum;
	return (sum);
}

static struct row *
row_find(struct stats *s, uint32_t uid, const char *program)
{
	struct row	 key;

	key.uid = uid;
	(void)strlcpy(key.program, program, sizeof(key.program));
	return (RB_FIND(rows, &s->rows, &key));
}

/* The first one of a uid or, if it has none, of a later one; or NULL. */
static struct row *
row_first(struct stats *s, uint32_t uid)
{
	struct row	 key;

	key.uid = uid;
	key.program[0] = '\0';
	return (RB_NFIND(rows, &s->rows, &key));
}

static int
row_is_other(const struct row *r)
{
	return (strcmp(r->program, STATS_OTHER) == 0);
}

/* Add what a row has to another one, both as they are now, and free it. */
static void
row_merge(struct stats *s, struct row *to, struct row *r)
{
	size_t	 i, j;

	for (i = 0; i < SPAN_MAX; i++)
		for (j = 0; j < TALLY_MAX; j++)
			window_merge(&to->counts[i][j], &r->counts[i][j]);
	row_free(s, r);
}

/* Make a row the uid's other one, or a part of it. */
static void
row_to_other(struct stats *s, struct row *r)
{
	struct row	*other;

	if ((other = row_find(s, r->uid, STATS_OTHER)) != NULL) {
		row_merge(s, other, r);
		return;
	}
	RB_REMOVE(rows, &s->rows, r);
	(void)strlcpy(r->program, STATS_OTHER, sizeof(r->program));
	RB_INSERT(rows, &s->rows, r);
}

/* The uid's row that counted least, if it may not have one more; or NULL. */
static struct row *
stats_surplus(struct stats *s, uint32_t uid)
{
	struct row	*r, *low = NULL;
	size_t		 n = 0;

	for (r = row_first(s, uid); r != NULL && r->uid == uid;
	    r = RB_NEXT(rows, &s->rows, r)) {
		n++;
		row_advance(r, s->now);
		if (!row_is_other(r) && (low == NULL ||
		    row_sum(r, SPAN_DAY) < row_sum(low, SPAN_DAY)))
			low = r;
	}
	return (n < STATS_PROGRAMS ? NULL : low);
}

/* See that there may be one more row: the one that counted least goes. */
static void
stats_room(struct stats *s)
{
	struct row	*r, *low = NULL, *other;

	if (s->nrows < STATS_MAX)
		return;
	RB_FOREACH(r, rows, &s->rows) {
		row_advance(r, s->now);
		if (low == NULL ||
		    row_sum(r, SPAN_DAY) < row_sum(low, SPAN_DAY))
			low = r;
	}
	if (!row_is_other(low) &&
	    (other = row_find(s, low->uid, STATS_OTHER)) != NULL)
		row_merge(s, other, low);
	else
		row_free(s, low);
}

static struct row *
row_get(struct stats *s, uint32_t uid, const char *program)
{
	struct row	*r;

	if ((r = row_find(s, uid, program)) != NULL)
		return (r);
	/* Users call programs as they like: those that sent least go. */
	while ((r = stats_surplus(s, uid)) != NULL)
		row_to_other(s, r);
	if ((r = row_find(s, uid, program)) != NULL)
		return (r);		/* "(other)", just made */
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	stats_room(s);
	r->uid = uid;
	(void)strlcpy(r->program, program, sizeof(r->program));
	RB_INSERT(rows, &s->rows, r);
	s->nrows++;
	return (r);
}

/*
 * All rows of a uid have the name that was heard last.  Not to have heard
 * it, for the directory is away, takes it from none.
 */
static void
stats_name(struct stats *s, uint32_t uid, const char *user)
{
	struct row	*r;

	for (r = row_first(s, uid); r != NULL && r->uid == uid;
	    r = RB_NEXT(rows, &s->rows, r))
		(void)strlcpy(r->user, user, sizeof(r->user));
}

static void
row_add(struct row *r, unsigned int tally, uint32_t n)
{
	size_t	 i;

	for (i = 0; i < SPAN_MAX; i++)
		window_add(&r->counts[i][tally], n);
}

int
stats_add(struct stats *s, uint32_t uid, const char *user,
    const char *program, enum action action, uint32_t recipients,
    uint64_t now)
{
	struct row	*r;

	if ((unsigned int)action >= A_MAX) {
		errno = EINVAL;
		return (-1);
	}
	if (now > s->now)
		s->now = now;
	if ((r = row_get(s, uid, program == NULL ? "" : program)) == NULL)
		return (-1);
	row_advance(r, s->now);
	if (user != NULL && *user != '\0')
		stats_name(s, uid, user);
	switch (action) {
	case A_REJECT:
		row_add(r, TALLY_REJECTED, 1);
		break;
	case A_TEMPFAIL:
	case A_LIMIT:
		row_add(r, TALLY_DEFERRED, 1);
		break;
	default:
		row_add(r, TALLY_MESSAGES, 1);
		row_add(r, TALLY_RECIPIENTS, recipients);
		break;
	}
	return (0);
}

/* Free what did nothing for a day. */
void
stats_sweep(struct stats *s, uint64_t now)
{
	struct row	*r, *next;

	if (now > s->now)
		s->now = now;
	RB_FOREACH_SAFE(r, rows, &s->rows, next) {
		row_advance(r, s->now);
		if (row_sum(r, SPAN_DAY) == 0)
			row_free(s, r);
	}
}

/* More in the last hour comes first, then in the last day. */
static int
row_order(const void *x, const void *y)
{
	const struct row	*a = *(struct row *const *)x;
	const struct row	*b = *(struct row *const *)y;
	uint64_t		 m, n;

	m = row_sum(a, SPAN_HOUR);
	n = row_sum(b, SPAN_HOUR);
	if (m == n) {
		m = row_sum(a, SPAN_DAY);
		n = row_sum(b, SPAN_DAY);
	}
	if (m != n)
		return (m > n ? -1 : 1);
	return (row_cmp(a, b));
}

static void
row_export(const struct row *r, struct stat_row *out)
{
	uint64_t	 sum;
	size_t		 i, j;

	out->uid = r->uid;
	(void)strlcpy(out->user, r->user, sizeof(out->user));
	(void)strlcpy(out->program, r->program, sizeof(out->program));
	for (i = 0; i < SPAN_MAX; i++)
		for (j = 0; j < TALLY_MAX; j++) {
			sum = r->counts[i][j].sum;
			out->count[i][j] = sum < UINT32_MAX ? sum :
			    UINT32_MAX;
		}
}

size_t
stats_top(struct stats *s, uint64_t now, size_t max, struct stat_row *rows)
{
	struct row	*r;
	size_t		 i, n = 0;

	stats_sweep(s, now);
	RB_FOREACH(r, rows, &s->rows)
		s->order[n++] = r;
	qsort(s->order, n, sizeof(s->order[0]), row_order);
	for (i = 0; i < n && i < max; i++)
		row_export(s->order[i], &rows[i]);
	return (i);
}
