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
 * SOURCES: control/ledger.c
 * LIBS: -Wl,--wrap=calloc,--wrap=free
 *
 * What is counted: never too much in any window, never refused without need,
 * and nobody can make the ledger forget somebody else.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"

#define SEC		UINT64_C(1000000)	/* us */
#define HOUR		3600
#define DAY		86400

/* The allocation that fails, counted from 1; 0: none does. */
static int	 fail_at;
static long	 held;		/* allocations that were not freed yet */

void	*__real_calloc(size_t, size_t);
void	 __real_free(void *);
void	*__wrap_calloc(size_t, size_t);
void	 __wrap_free(void *);

void *
__wrap_calloc(size_t n, size_t size)
{
	if (fail_at != 0 && --fail_at == 0) {
		errno = ENOMEM;
		return (NULL);
	}
	held++;
	return (__real_calloc(n, size));
}

void
__wrap_free(void *p)
{
	if (p != NULL)
		held--;
	__real_free(p);
}

static int
fresh(void **state)
{
	(void)state;
	fail_at = 0;
	held = 0;
	return (0);
}

/* The same numbers in each run. */
static uint64_t	 seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return ((seed >> 33) % n);
}

static struct charge_request
request(uint64_t bucket, uint32_t uid, uint32_t recipients)
{
	struct charge_request	 q;

	memset(&q, 0, sizeof(q));
	q.bucket = bucket;
	q.uid = uid;
	q.recipients = recipients;
	return (q);
}

static void
rate(struct charge_request *q, enum unit unit, uint32_t most,
    uint32_t seconds)
{
	q->rates[q->nrates].unit = unit;
	q->rates[q->nrates].most = most;
	q->rates[q->nrates++].seconds = seconds;
}

/* Look at it and charge it: both say that it fits. */
static void
fits(struct ledger *l, const struct charge_request *q, uint64_t now)
{
	struct charge_verdict	 v;

	memset(&v, 'x', sizeof(v));
	assert_int_equal(ledger_look(l, q, now, &v), 0);
	assert_int_equal(v.rate, 0);
	assert_int_equal(v.seconds, 0);
	assert_int_equal(v.alert, 0);
	memset(&v, 'x', sizeof(v));
	assert_int_equal(ledger_charge(l, q, now, &v), 0);
	assert_int_equal(v.rate, 0);
	assert_int_equal(v.seconds, 0);
	assert_int_equal(v.alert, 0);
}

/* It does not, by this rate; returns whether to tell of it. */
static int
over(struct ledger *l, const struct charge_request *q, uint64_t now,
    uint32_t by, uint32_t seconds)
{
	struct charge_verdict	 v;

	assert_int_equal(ledger_charge(l, q, now, &v), 1);
	assert_int_equal(v.rate, by);
	assert_int_equal(v.seconds, seconds);
	return (v.alert);
}

/*
 * The model: a list of all that was charged.
 */
#define CHARGES	1000

struct charged {
	uint64_t	 when;
	uint32_t	 n[U_MAX];
};

static struct charged	 charges[CHARGES];
static size_t		 ncharges;

/* In which of the 60 steps of a window a time lies. */
static uint64_t
step(uint64_t t, uint32_t seconds)
{
	uint64_t	 w = seconds * SEC;

	return (t / w * 60 + t % w * 60 / w);
}

/* What was charged not longer than that ago. */
static uint64_t
model_since(enum unit u, uint64_t now, uint64_t ago)
{
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < ncharges; i++)
		if (now - charges[i].when <= ago)
			sum += charges[i].n[u];
	return (sum);
}

/* What is in the steps that are not wholly outside of the window. */
static uint64_t
model_sum(enum unit u, uint32_t seconds, uint64_t now)
{
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < ncharges; i++)
		if (step(now, seconds) - step(charges[i].when, seconds) <= 60)
			sum += charges[i].n[u];
	return (sum);
}

static uint32_t
units(const struct charge_request *q, const struct rate *r, int look)
{
	return (look || r->unit == U_MESSAGES ? 1 : q->recipients);
}

static int
model_fits(const struct charge_request *q, const struct rate *r, int look,
    uint64_t now)
{
	return (model_sum(r->unit, r->seconds, now) + units(q, r, look) <=
	    r->most);
}

/* Microseconds to wait for a rate: until one of those charged is gone. */
static uint64_t
model_wait(const struct charge_request *q, const struct rate *r, int look,
    uint64_t now)
{
	uint64_t	 w = r->seconds * SEC, last, gone;
	size_t		 i;

	if (model_fits(q, r, look, now))
		return (0);
	for (i = 0; i < ncharges && units(q, r, look) <= r->most; i++) {
		last = step(charges[i].when, r->seconds) + 61;
		gone = last / 60 * w + (last % 60 * w + 59) / 60;
		if (gone > now && model_fits(q, r, look, gone)) {
			assert_false(model_fits(q, r, look, gone - 1));
			return (gone - now);
		}
	}
	return (w);
}

static void
model_charge(const struct charge_request *q, uint64_t now)
{
	uint64_t	 longest = 0;
	size_t		 i;

	for (i = 0; i < q->nrates; i++)
		if (q->rates[i].seconds * SEC > longest)
			longest = q->rates[i].seconds * SEC;
	/* Forget what is of no use, to be faster. */
	for (i = 0; i < ncharges && now - charges[i].when > 2 * longest; i++)
		continue;
	ncharges -= i;
	memmove(charges, charges + i, ncharges * sizeof(charges[0]));
	assert_true(ncharges < CHARGES);
	charges[ncharges].when = now;
	charges[ncharges].n[U_MESSAGES] = 1;
	charges[ncharges++].n[U_RECIPIENTS] = q->recipients;
}

/* What must hold whatever the steps are. */
static void
promises(const struct charge_request *q, int look, uint64_t now, int rv)
{
	const struct rate	*r;
	uint64_t		 w;
	size_t			 i;
	int			 room = 1;

	for (i = 0; i < q->nrates; i++) {
		r = &q->rates[i];
		w = r->seconds * SEC;
		/* Never more than that in any window, ends included. */
		assert_true(model_since(r->unit, now, w) <= r->most);
		/* And a step later there is room again. */
		if (model_since(r->unit, now, w + w / 60) +
		    units(q, r, look) > r->most)
			room = 0;
	}
	if (room)
		assert_int_equal(rv, 0);
}

/* A rule: one to eight rates, some of them with the same window. */
static struct charge_request
any_rule(void)
{
	static const uint32_t	 windows[] = {
		1, 2, 7, 60, 61, 100, HOUR, DAY, MAX_WINDOW
	};
	struct charge_request	 q = request(dice(2), dice(3), 0);
	uint32_t		 i, n = 1 + dice(4), w = dice(7);
	enum unit		 u;

	if (dice(10) == 0)
		n = MAX_RATES;
	for (i = 0; i < n; i++) {
		u = dice(2);
		rate(&q, u, dice(4) == 0 ? dice(4) :
		    1 + dice(u == U_MESSAGES ? 10 : 40),
		    windows[w + dice(NITEMS(windows) - w < 3 ?
		    NITEMS(windows) - w : 3)]);
	}
	return (q);
}

/* Much at once, or now and then, or after a pause. */
static uint64_t
any_time(const struct charge_request *q)
{
	uint64_t	 w = q->rates[dice(q->nrates)].seconds * SEC;

	switch (dice(8)) {
	case 0:
		return (0);
	case 1:
		return (dice(1000));
	case 2:
		return (w / 60);
	case 3:
		return (w - 1 + dice(3));
	case 4:
		return (dice(40) == 0 ? w * dice(1000) : w / 7);
	default:
		return (w * dice(1000) / 20000);
	}
}

static void
model_run(int steps)
{
	struct charge_request	 q = any_rule(), other = q;
	struct charge_verdict	 v;
	struct ledger		*l;
	uint64_t		 now = ((uint64_t)dice(1 << 21) << 31) +
				     dice(1U << 31);
	uint64_t		 wait, longest, quiet[MAX_RATES] = { 0 };
	uint32_t		 i, by, over_by;
	int			 look, rv;

	if (dice(4) == 0)
		now = dice(100) * SEC;		/* just booted */
	ncharges = 0;
	assert_non_null(l = ledger_new());
	other.uid++;
	while (steps-- > 0) {
		now += any_time(&q);
		look = dice(3) == 0;
		q.recipients = dice(3) == 0 ? dice(30) : dice(4);
		longest = over_by = 0;
		for (i = 0; i < q.nrates; i++)
			if ((wait = model_wait(&q, &q.rates[i], look, now)) >
			    longest) {
				longest = wait;
				over_by = i;
			}
		rv = look ? ledger_look(l, &q, now, &v) :
		    ledger_charge(l, &q, now, &v);
		assert_int_equal(rv, longest > 0);
		assert_int_equal(v.rate, over_by);
		assert_int_equal(v.seconds, (longest + SEC - 1) / SEC);
		/* Alerts are per window: find the first rate with it. */
		for (by = 0; q.rates[by].seconds !=
		    q.rates[over_by].seconds; by++)
			continue;
		assert_int_equal(v.alert, rv == 1 && now >= quiet[by]);
		if (v.alert)
			quiet[by] = now + q.rates[by].seconds * SEC;
		if (!look && rv == 0)
			model_charge(&q, now);
		promises(&q, look, now, rv);
		/* What must not matter. */
		if (dice(50) == 0)
			ledger_sweep(l, now);
		if (dice(20) == 0)
			(void)ledger_charge(l, &other, now, &v);
	}
	ledger_free(l);
}

static void
t_model(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		seed = i;
		model_run(1000);
	}
	assert_int_equal(held, 0);
}

/* Worked out by hand: a message at one time, another one when it may be. */
static void
t_times(void **state)
{
	static const struct {
		uint32_t	 window;	/* s */
		uint64_t	 first, then;	/* us */
		uint32_t	 wait;		/* s */
		uint64_t	 free;		/* us */
	} table[] = {
		/* 60 steps of a minute; in the first one since boot. */
		{ HOUR, 0, 0, 3660, 3660 * SEC },
		{ HOUR, 30 * SEC, 30 * SEC, 3630, 3660 * SEC },
		{ HOUR, 60 * SEC - 1, 60 * SEC - 1, 3601, 3660 * SEC },
		{ HOUR, 60 * SEC, 60 * SEC, 3660, 3720 * SEC },
		{ HOUR, 0, 3600 * SEC, 60, 3660 * SEC },
		{ HOUR, 0, 3659 * SEC, 1, 3660 * SEC },
		{ HOUR, 0, 3660 * SEC - 1, 1, 3660 * SEC },
		/* Steps of a second. */
		{ 60, 100 * SEC, 100 * SEC, 61, 161 * SEC },
		{ 60, 100 * SEC + 1, 100 * SEC + 1, 61, 161 * SEC },
		{ 60, 100 * SEC + 1, 160 * SEC, 1, 161 * SEC },
		/* Of 16,666.6 us: the 61st ends at 1,016,666.6. */
		{ 1, 0, 0, 2, 1016667 },
		{ 1, 0, 16667, 1, 1016667 },
		{ 1, 16666, 16666, 2, 1016667 },
		{ 1, 16667, 16667, 2, 1033334 },
		{ DAY, 0, 0, DAY + 1440, (DAY + 1440) * SEC },
		/* Of 44,640 s, late in a long life: 2^52 us are 142 years. */
		{ MAX_WINDOW, 0, 0, 2723040, 2723040 * SEC },
		{ MAX_WINDOW, UINT64_C(1) << 52, UINT64_C(1) << 52, 2719093,
		    UINT64_C(4506318720000000) },
	};
	struct charge_request	 q;
	struct charge_verdict	 v;
	struct ledger		*l;
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_non_null(l = ledger_new());
		q = request(1, 1000, 1);
		rate(&q, U_MESSAGES, 1, table[i].window);
		fits(l, &q, table[i].first);
		if (ledger_look(l, &q, table[i].then, &v) != 1 ||
		    v.seconds != table[i].wait)
			fail_msg("row %zu: %u s", i, v.seconds);
		if (ledger_look(l, &q, table[i].free - 1, &v) != 1)
			fail_msg("row %zu: too soon", i);
		if (ledger_look(l, &q, table[i].free, &v) != 0)
			fail_msg("row %zu: not yet", i);
		ledger_free(l);
	}
}

/* Who waits as long as he is told gets through, and not before. */
static void
t_wait(void **state)
{
	struct charge_request	 q = request(1, 1000, 3);
	struct charge_verdict	 v;
	struct ledger		*l;
	uint64_t		 now = 12345678901;
	int			 i, n;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_RECIPIENTS, 10, 100);
	rate(&q, U_MESSAGES, 20, HOUR);
	for (i = n = 0; i < 200; i++) {
		if (ledger_charge(l, &q, now, &v) == 0) {
			n++;
			now += 7 * SEC;
			continue;
		}
		assert_true(v.seconds > 0);
		now += (v.seconds - 1) * SEC;
		if (v.seconds > 1)
			assert_int_equal(ledger_charge(l, &q, now, &v), 1);
		now += SEC;
		fits(l, &q, now);
		n++;
	}
	assert_int_equal(n, 200);
	ledger_free(l);
}

/* By which rate, and what a look knows. */
static void
t_rates(void **state)
{
	struct charge_request	 q = request(1, 1000, 5), r;
	struct charge_verdict	 v;
	struct ledger		*l;
	int			 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 4, 60);
	rate(&q, U_RECIPIENTS, 12, HOUR);
	rate(&q, U_MESSAGES, 6, HOUR);
	fits(l, &q, 0);
	fits(l, &q, 0);
	/* 10 of 12: there is room for a look, not for 5 more. */
	assert_int_equal(ledger_look(l, &q, 0, &v), 0);
	assert_int_equal(over(l, &q, 0, 1, 3660), 1);
	/* That was not counted, nor any of the looks. */
	q.recipients = 1;
	fits(l, &q, 0);
	fits(l, &q, 0);
	/* Now the minute is full, too, but the hour takes longer. */
	assert_int_equal(ledger_look(l, &q, 0, &v), 1);
	assert_int_equal(v.rate, 1);
	assert_int_equal(v.seconds, 3660);
	/* A rule that does not count recipients asks for the minute only. */
	r = request(1, 1000, 500);
	rate(&r, U_MESSAGES, 4, 60);
	rate(&r, U_MESSAGES, 6, HOUR);
	over(l, &r, 0, 0, 61);
	for (i = 0; i < 2; i++)
		fits(l, &r, 61 * SEC);
	over(l, &r, 61 * SEC, 1, 3599);
	/* Another user, another rule: not their business. */
	q.uid++;
	fits(l, &q, 61 * SEC);
	q.uid--;
	q.bucket += UINT64_C(1) << 32;
	fits(l, &q, 61 * SEC);
	ledger_free(l);
}

/* Rates that share a window count each message once. */
static void
t_shared(void **state)
{
	struct charge_request	 q = request(1, 1000, 2);
	struct ledger		*l;
	int			 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 100, HOUR);
	rate(&q, U_RECIPIENTS, 6, HOUR);
	rate(&q, U_MESSAGES, 50, HOUR);
	rate(&q, U_RECIPIENTS, 7, DAY);
	rate(&q, U_RECIPIENTS, 100, HOUR);
	for (i = 0; i < 3; i++)
		fits(l, &q, 0);
	assert_int_equal(ledger_count(l), 2);
	over(l, &q, 0, 3, DAY + 1440);
	q.recipients = 1;
	over(l, &q, 0, 1, 3660);
	fits(l, &q, 3660 * SEC);
	ledger_free(l);
}

/* The list of rates may change under the counts: a reload. */
static void
t_reload(void **state)
{
	struct charge_request	 q = request(1, 1000, 1), r = q;
	struct ledger		*l;
	int			 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 10, HOUR);
	for (i = 0; i < 10; i++)
		fits(l, &q, i * 60 * SEC);
	rate(&r, U_MESSAGES, 3, HOUR);
	/* The first eight must go. */
	over(l, &r, 600 * SEC, 0, 3660 + 7 * 60 - 600);
	fits(l, &r, (3660 + 7 * 60) * SEC);
	ledger_free(l);
}

/* What never fits: told so each time, counted never. */
static void
t_never(void **state)
{
	struct charge_request	 q = request(1, 1000, 11);
	struct charge_verdict	 v;
	struct ledger		*l;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_RECIPIENTS, 10, HOUR);
	assert_int_equal(ledger_look(l, &q, SEC, &v), 0);
	assert_int_equal(over(l, &q, SEC, 0, HOUR), 1);
	assert_int_equal(over(l, &q, 2 * SEC, 0, HOUR), 0);
	q.recipients = UINT32_MAX;
	assert_int_equal(over(l, &q, 2 * SEC, 0, HOUR), 0);
	q.recipients = 10;
	fits(l, &q, 2 * SEC);
	/* A limit of 0 is one. */
	q.rates[0].most = 0;
	q.uid++;
	assert_int_equal(ledger_look(l, &q, 2 * SEC, &v), 1);
	assert_int_equal(v.seconds, HOUR);
	assert_int_equal(v.alert, 1);
	ledger_free(l);
}

/* A message without recipients is one all the same. */
static void
t_none(void **state)
{
	struct charge_request	 q = request(1, 1000, 0);
	struct ledger		*l;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_RECIPIENTS, 1, HOUR);
	rate(&q, U_MESSAGES, 2, HOUR);
	fits(l, &q, 0);
	fits(l, &q, 0);
	over(l, &q, 0, 1, 3660);
	ledger_free(l);
}

/* Alerts: the first, and one more when a window has passed since. */
static void
t_alert(void **state)
{
	struct charge_request	 q = request(1, 1000, 1);
	struct charge_verdict	 v;
	struct ledger		*l;
	int			 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 1, 60);
	rate(&q, U_MESSAGES, 3, HOUR);
	fits(l, &q, 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(over(l, &q, SEC, 0, 60), i == 0);
	assert_int_equal(ledger_look(l, &q, 60 * SEC, &v), 1);
	assert_int_equal(v.alert, 0);
	/* Over again, when a minute has passed since. */
	q.nrates = 1;
	fits(l, &q, 61 * SEC);
	assert_int_equal(over(l, &q, 61 * SEC, 0, 61), 1);
	/* The next window is another matter. */
	q.nrates = 2;
	fits(l, &q, 200 * SEC);
	fits(l, &q, 300 * SEC);
	assert_int_equal(over(l, &q, 300 * SEC, 1, 3660 - 300), 1);
	assert_int_equal(over(l, &q, 310 * SEC, 1, 3660 - 310), 0);
	/* And so is another user. */
	q.uid++;
	fits(l, &q, 310 * SEC);
	assert_int_equal(over(l, &q, 310 * SEC, 0, 61), 1);
	ledger_free(l);
}

/* A sweep frees no bucket that still knows when the last alert was. */
static void
t_alert_sweep(void **state)
{
	struct charge_request	 q = request(1, 1000, 1);
	struct ledger		*l;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 1, 60);
	fits(l, &q, 0);
	assert_int_equal(over(l, &q, 50 * SEC, 0, 11), 1);
	ledger_sweep(l, 70 * SEC);
	assert_int_equal(ledger_count(l), 1);
	fits(l, &q, 70 * SEC);
	assert_int_equal(over(l, &q, 109 * SEC, 0, 22), 0);
	assert_int_equal(over(l, &q, 110 * SEC - 1, 0, 22), 0);
	assert_int_equal(over(l, &q, 110 * SEC, 0, 21), 1);
	ledger_free(l);
}

/* A worker may say anything. */
static void
t_nonsense(void **state)
{
	static const struct {
		unsigned int	 unit;
		uint32_t	 seconds, nrates;
	} table[] = {
		/* Of the last of the rates; the others are well. */
		{ U_MESSAGES,	0,		MAX_RATES },
		{ U_MESSAGES,	MAX_WINDOW + 1,	MAX_RATES },
		{ U_MESSAGES,	UINT32_MAX,	MAX_RATES },
		{ U_MAX,	HOUR,		MAX_RATES },
		{ 255,		HOUR,		MAX_RATES },
		{ U_MESSAGES,	HOUR,		0 },
		{ U_MESSAGES,	HOUR,		MAX_RATES + 1 },
		{ U_MESSAGES,	HOUR,		UINT32_MAX },
	};
	struct charge_request	 q;
	struct charge_verdict	 v;
	struct ledger		*l;
	size_t			 i, j;

	(void)state;
	assert_non_null(l = ledger_new());
	for (i = 0; i < NITEMS(table); i++) {
		q = request(1, 1000, 1);
		for (j = 1; j < MAX_RATES; j++)
			rate(&q, U_MESSAGES, 1, HOUR);
		rate(&q, table[i].unit, 1, table[i].seconds);
		q.nrates = table[i].nrates;
		errno = 0;
		assert_int_equal(ledger_look(l, &q, 0, &v), -1);
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_int_equal(ledger_charge(l, &q, 0, &v), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(v.rate, 0);
		assert_int_equal(v.seconds, 0);
		assert_int_equal(v.alert, 0);
	}
	assert_int_equal(ledger_count(l), 0);
	q = request(1, 1000, 1);
	rate(&q, U_RECIPIENTS, 1, MAX_WINDOW);
	fits(l, &q, 0);
	ledger_free(l);
}

/* 100,000 others do not make it forget him who sent most. */
static void
t_flood(void **state)
{
	struct charge_request	 spammer = request(1, 1000, 1), q;
	struct ledger		*l;
	uint64_t		 now = 1000 * SEC;
	uint32_t		 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&spammer, U_MESSAGES, 10000, DAY);
	for (i = 0; i < 10000; i++)
		fits(l, &spammer, now);
	over(l, &spammer, now, 0, DAY + 1440 - 1000);
	for (i = 0; i < 100000; i++) {
		/* Before and after his in any order of keys. */
		q = request(dice(3), i * 2654435761U, 1 + dice(100));
		rate(&q, U_MESSAGES, 10, dice(2) ? HOUR : DAY);
		rate(&q, U_MESSAGES, 100, MAX_WINDOW - i);
		now += 100;
		fits(l, &q, now);
		assert_true(ledger_count(l) <= BUCKETS_MAX);
	}
	assert_true(ledger_count(l) > BUCKETS_MAX / 2);
	over(l, &spammer, now, 0, DAY + 1440 - 1010);
	ledger_free(l);
	assert_int_equal(held, 0);
}

/* Who counted least goes, and of equals who did so longest ago. */
static void
t_evict(void **state)
{
	struct charge_request	 q;
	struct charge_verdict	 v;
	struct ledger		*l;
	uint64_t		 now;
	uint32_t		 i, kept;

	(void)state;
	assert_non_null(l = ledger_new());
	/* An eighth with 9 recipients, the others with 2, in any order. */
	for (i = 0; i < BUCKETS_MAX; i++) {
		q = request(1, i * 2654435761U, i % 8 == 3 ? 9 : 2);
		rate(&q, U_RECIPIENTS, 9, DAY);
		fits(l, &q, i);
	}
	assert_int_equal(ledger_count(l), BUCKETS_MAX);
	now = i;
	q.uid++;
	fits(l, &q, now);
	assert_in_range(ledger_count(l), BUCKETS_MAX * 3 / 4, BUCKETS_MAX - 1);
	/* The newcomer has its bucket. */
	q.recipients = 8;
	over(l, &q, now, 0, DAY + 1440);
	for (i = 3; i < BUCKETS_MAX; i += 8) {
		q.uid = i * 2654435761U;
		assert_int_equal(ledger_look(l, &q, now, &v), 1);
	}
	/* Those with 2 that are still there were the last to come. */
	q.rates[0].most = 2;
	for (i = kept = 0; i < BUCKETS_MAX / 2; i++) {
		q.uid = i * 2654435761U;
		if (i % 8 != 3 && ledger_look(l, &q, now, &v) == 1)
			kept++;
		else if (i % 8 != 3)
			assert_int_equal(kept, 0);
	}
	assert_in_range(kept, 1, BUCKETS_MAX / 2 * 7 / 8 - 1);
	ledger_free(l);
}

/* A request with many windows does not push out its own. */
static void
t_evict_own(void **state)
{
	struct charge_request	 q, own;
	struct ledger		*l;
	uint32_t		 i, fill;
	int			 left;

	(void)state;
	for (left = 0; left < 10; left++) {
		assert_non_null(l = ledger_new());
		own = request(1, 1000, 0);
		rate(&own, U_MESSAGES, 3, 1000);
		fits(l, &own, 0);	/* counted least, longest ago */
		fill = BUCKETS_MAX - 1 - left;
		for (i = 0; i < fill; i++) {
			q = request(2, i, 1);
			rate(&q, U_MESSAGES, 10, HOUR);
			fits(l, &q, 1);
		}
		for (i = 1; i < MAX_RATES; i++)
			rate(&own, U_MESSAGES, 2, 1000 + i);
		fits(l, &own, 2);
		assert_true(ledger_count(l) <= BUCKETS_MAX);
		fits(l, &own, 2);
		over(l, &own, 2, MAX_RATES - 1, 1024);
		/* It may have lost the first message, but none since. */
		own.nrates = 1;
		own.rates[0].most = 2;
		over(l, &own, 2, 0, 1017);
		ledger_free(l);
	}
	assert_int_equal(held, 0);
}

/* Refusals leave only what an alert needs. */
static void
t_refused(void **state)
{
	struct charge_request	 q;
	struct ledger		*l;
	uint32_t		 i;

	(void)state;
	assert_non_null(l = ledger_new());
	for (i = 0; i < 40000; i++) {
		q = request(1, i, 2);
		rate(&q, U_RECIPIENTS, 1, 60);
		rate(&q, U_RECIPIENTS, 1, 61);
		assert_int_equal(over(l, &q, i, 1, 61), 1);
		assert_int_equal(over(l, &q, i, 1, 61), 0);
		assert_true(ledger_count(l) <= BUCKETS_MAX);
	}
	ledger_sweep(l, 62 * SEC);
	assert_int_equal(ledger_count(l), 0);
	ledger_free(l);
}

/* What has left all windows gives its memory back. */
static void
t_idle(void **state)
{
	struct charge_request	 q;
	struct charge_verdict	 v;
	struct ledger		*l;
	uint32_t		 i;

	(void)state;
	assert_non_null(l = ledger_new());
	for (i = 0; i < 5000; i++) {
		q = request(1, i, 1);
		/* A look needs none. */
		rate(&q, U_MESSAGES, 10, i % 2 ? 60 : HOUR);
		assert_int_equal(ledger_look(l, &q, i, &v), 0);
		assert_int_equal(ledger_count(l), i);
		assert_int_equal(ledger_charge(l, &q, i, &v), 0);
	}
	assert_int_equal(held, 5001);
	ledger_sweep(l, 61 * SEC - 1);
	assert_int_equal(ledger_count(l), 5000);
	ledger_sweep(l, 61 * SEC);
	assert_int_equal(ledger_count(l), 2500);
	ledger_sweep(l, 3660 * SEC - 1);
	assert_int_equal(ledger_count(l), 2500);
	ledger_sweep(l, 3660 * SEC);
	assert_int_equal(ledger_count(l), 0);
	assert_int_equal(held, 1);
	ledger_free(l);
	assert_int_equal(held, 0);
	ledger_free(NULL);
}

/* A full table is swept before anybody is pushed out. */
static void
t_idle_first(void **state)
{
	struct charge_request	 q;
	struct charge_verdict	 v;
	struct ledger		*l;
	uint32_t		 i;

	(void)state;
	assert_non_null(l = ledger_new());
	for (i = 0; i < BUCKETS_MAX; i++) {
		/* Those that are idle soon counted more. */
		q = request(1, i, i % 2 ? 9 : 1);
		rate(&q, U_MESSAGES, 1, i % 2 ? 60 : DAY);
		fits(l, &q, 0);
	}
	q.uid = i;
	fits(l, &q, 100 * SEC);
	assert_int_equal(ledger_count(l), BUCKETS_MAX / 2 + 1);
	for (i = 0; i < BUCKETS_MAX; i += 2) {
		q = request(1, i, 1);
		rate(&q, U_MESSAGES, 1, DAY);
		assert_int_equal(ledger_look(l, &q, 100 * SEC, &v), 1);
	}
	ledger_free(l);
}

/* Counters stay at their highest value rather than begin anew. */
static void
t_saturate(void **state)
{
	struct charge_request	 q = request(1, 1000, UINT32_MAX), r = q;
	struct charge_verdict	 v;
	struct ledger		*l;
	int			 i;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 1000, 60);
	rate(&r, U_RECIPIENTS, UINT32_MAX, 60);
	fits(l, &r, 0);
	assert_int_equal(ledger_look(l, &r, 0, &v), 1);
	/* 61 slots, each full: more than 32 bits together. */
	for (i = 0; i < 61 * 3; i++) {
		fits(l, &q, i / 3 * SEC);
		assert_int_equal(ledger_look(l, &r, i / 3 * SEC, &v), 1);
	}
	assert_int_equal(over(l, &r, 60 * SEC, 0, 61), 0);
	r.recipients = 1;
	over(l, &r, 60 * SEC, 0, 61);
	over(l, &r, 120 * SEC, 0, 1);
	/* And nothing is left when all of them have gone. */
	r.recipients = UINT32_MAX;
	fits(l, &r, 121 * SEC);
	ledger_sweep(l, 182 * SEC);
	assert_int_equal(ledger_count(l), 0);
	ledger_free(l);
}

/* Without memory the message passes, uncounted. */
static void
t_nomem(void **state)
{
	struct charge_request	 q = request(1, 1000, 1);
	struct charge_verdict	 v;
	struct ledger		*l;
	int			 first;

	(void)state;
	fail_at = 1;
	assert_null(ledger_new());
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 2, 60);
	rate(&q, U_MESSAGES, 2, HOUR);
	rate(&q, U_MESSAGES, 2, DAY);
	for (first = 3; first > 0; first--) {
		fail_at = first;
		errno = 0;
		assert_int_equal(ledger_charge(l, &q, 0, &v), -1);
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(v.seconds, 0);
		assert_int_equal(v.alert, 0);
		if (first > 1)
			ledger_sweep(l, 0);	/* frees what it got */
		assert_int_equal(ledger_count(l), 0);
	}
	fail_at = 3;
	assert_int_equal(ledger_charge(l, &q, 0, &v), -1);
	/* Not even in the windows that it got. */
	fits(l, &q, 0);
	fits(l, &q, 0);
	over(l, &q, 0, 2, DAY + 1440);
	/* What has its windows needs no memory. */
	fail_at = 1;
	over(l, &q, 0, 2, DAY + 1440);
	assert_int_equal(fail_at, 1);
	/* What never fits stays so, if untold. */
	q = request(1, 1001, 5);
	rate(&q, U_RECIPIENTS, 4, HOUR);
	assert_int_equal(over(l, &q, 0, 0, HOUR), 0);
	assert_int_equal(fail_at, 0);
	assert_int_equal(over(l, &q, 0, 0, HOUR), 1);
	ledger_free(l);
	assert_int_equal(held, 0);
}

/* Time that goes back stands still, and a leap is but a leap. */
static void
t_clock(void **state)
{
	struct charge_request	 q = request(1, 1000, 1);
	struct charge_verdict	 v;
	struct ledger		*l;
	uint64_t		 now = UINT64_C(1) << 50;

	(void)state;
	assert_non_null(l = ledger_new());
	rate(&q, U_MESSAGES, 2, 60);
	fits(l, &q, now);
	fits(l, &q, now - HOUR * SEC);
	assert_int_equal(ledger_look(l, &q, 0, &v), 1);
	assert_in_range(v.seconds, 60, 61);
	ledger_sweep(l, 0);
	assert_int_equal(ledger_count(l), 1);
	over(l, &q, 1, 0, v.seconds);
	over(l, &q, now, 0, v.seconds);
	now = UINT64_C(1) << 53;
	fits(l, &q, now);
	fits(l, &q, now);
	assert_int_equal(ledger_look(l, &q, now, &v), 1);
	ledger_free(l);
}

/*
 * Statistics.
 */
static const uint32_t	 spans[SPAN_MAX] = { 60, HOUR, DAY };

#define ADDS	20000
#define ROWS	(STATS_MAX + 1)

static struct added {
	uint64_t	 when;
	uint32_t	 uid;
	char		 program[MAX_NAME + 2];
	uint32_t	 n[TALLY_MAX];
}			 adds[ADDS];
static size_t		 nadds;
static struct stat_row	 top[ROWS];

static void
add(struct stats *s, uint32_t uid, const char *program, int n, uint64_t now)
{
	while (n-- > 0)
		assert_int_equal(stats_add(s, uid, "", program, A_REJECT, 0,
		    now), 0);
}

/* One at random, into the statistics and into the list. */
static void
add_any(struct stats *s, uint32_t uid, const char *program, uint64_t now)
{
	struct added	*a = &adds[nadds++];
	enum action	 action = dice(A_MAX);
	uint32_t	 recipients = dice(5);

	assert_true(nadds <= ADDS);
	memset(a, 0, sizeof(*a));
	a->when = now;
	a->uid = uid;
	(void)strlcpy(a->program, program, sizeof(a->program));
	if (action == A_REJECT)
		a->n[TALLY_REJECTED] = 1;
	else if (action == A_TEMPFAIL || action == A_LIMIT)
		a->n[TALLY_DEFERRED] = 1;
	else {
		a->n[TALLY_MESSAGES] = 1;
		a->n[TALLY_RECIPIENTS] = recipients;
	}
	assert_int_equal(stats_add(s, uid, "somebody", program, action,
	    recipients, now), 0);
}

/* What a program of a uid, or all of them, have in a window. */
static uint32_t
model_count(uint32_t uid, const char *program, int span, int tally,
    uint64_t now)
{
	uint64_t	 last = step(now, spans[span]);
	uint32_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < nadds; i++)
		if (adds[i].uid == uid && (program == NULL ||
		    strcmp(adds[i].program, program) == 0) &&
		    last - step(adds[i].when, spans[span]) <= 60)
			sum += adds[i].n[tally];
	return (sum);
}

static uint64_t
row_sum(const struct stat_row *r, int span)
{
	uint64_t	 sum = 0;
	int		 i;

	for (i = 0; i < TALLY_MAX; i++)
		sum += r->count[span][i];
	return (sum);
}

/* That of n rows, or NULL. */
static const struct stat_row *
row(size_t n, uint32_t uid, const char *program)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (top[i].uid == uid && strcmp(top[i].program, program) == 0)
			return (&top[i]);
	return (NULL);
}

static void
assert_order(size_t n)
{
	int64_t	 d;
	size_t	 i;

	for (i = 1; i < n; i++) {
		if ((d = row_sum(&top[i - 1], SPAN_HOUR) -
		    row_sum(&top[i], SPAN_HOUR)) == 0 &&
		    (d = row_sum(&top[i - 1], SPAN_DAY) -
		    row_sum(&top[i], SPAN_DAY)) == 0 &&
		    (d = (int64_t)top[i].uid - top[i - 1].uid) == 0)
			d = strcmp(top[i].program, top[i - 1].program);
		assert_true(d > 0);
	}
}

static uint64_t
any_pause(void)
{
	switch (dice(100)) {
	case 0:
		return (dice(DAY) * SEC);
	case 1:
	case 2:
		return (dice(HOUR) * SEC);
	default:
		return (dice(4) * dice(10 * SEC));
	}
}

/* Each row has what its program did. */
static void
t_stats_model(void **state)
{
	static const char	*programs[] = {
		"", "cron", "perl", "perl5", "php", "(other)", "z"
	};
	struct stats		*s;
	uint64_t		 now = 0;
	uint32_t		 uid;
	size_t			 i, n;
	int			 span, tally;

	(void)state;
	seed = 1;
	assert_non_null(s = stats_new());
	for (nadds = 0; nadds < ADDS; ) {
		now += any_pause();
		add_any(s, dice(3) ? 1000 : dice(3), programs[dice(NITEMS(
		    programs))], now);
		if (nadds % 200 != 0)
			continue;
		now += any_pause();
		assert_in_range(n = stats_top(s, now, ROWS, top), 0, 28);
		assert_order(n);
		for (i = 0; i < n; i++)
			for (span = 0; span < SPAN_MAX; span++)
				for (tally = 0; tally < TALLY_MAX; tally++)
					assert_int_equal(
					    top[i].count[span][tally],
					    model_count(top[i].uid,
					    top[i].program, span, tally, now));
		/* And whatever has no row did nothing. */
		for (i = 0; i < 4 * NITEMS(programs); i++) {
			uid = i % 4 == 3 ? 1000 : i % 4;
			for (tally = 0; tally < TALLY_MAX; tally++)
				if (row(n, uid, programs[i / 4]) == NULL)
					assert_int_equal(model_count(uid,
					    programs[i / 4], SPAN_DAY, tally,
					    now), 0);
		}
	}
	stats_free(s);
	assert_int_equal(held, 0);
}

/* Whatever a user calls his programs: no more rows, and exact sums. */
static void
t_stats_merge(void **state)
{
	struct stats		*s;
	const struct stat_row	*r;
	uint64_t		 now = 12345 * SEC;
	uint32_t		 uid, sum;
	char			 program[32];
	size_t			 i, n, rows;
	int			 span, tally;

	(void)state;
	seed = 2;
	assert_non_null(s = stats_new());
	for (nadds = 0; nadds < ADDS; ) {
		now += any_pause() / 8;
		(void)snprintf(program, sizeof(program), dice(9) == 0 ?
		    STATS_OTHER : "p%u", dice(40));
		add_any(s, dice(3), dice(2) ? "main" : program, now);
		if (nadds % 500 != 0)
			continue;
		n = stats_top(s, now, ROWS, top);
		assert_order(n);
		for (uid = 0; uid < 3; uid++)
			for (span = 0; span < SPAN_MAX; span++)
				for (tally = 0; tally < TALLY_MAX; tally++) {
					sum = rows = 0;
					for (i = 0; i < n; i++)
						if (top[i].uid == uid) {
							sum += top[i].
							    count[span][tally];
							rows++;
						}
					assert_int_equal(rows, STATS_PROGRAMS);
					assert_int_equal(sum, model_count(uid,
					    NULL, span, tally, now));
					r = row(n, uid, "main");
					assert_non_null(r);
					assert_int_equal(r->count[span][tally],
					    model_count(uid, "main", span,
					    tally, now));
				}
	}
	stats_free(s);
	assert_int_equal(held, 0);
}

/* Which rows become (other): those with the least of today. */
static void
t_stats_other(void **state)
{
	static const char	*names[] = {
		"h", "g", "f", "e", "d", "c", "b", "a"
	};
	const struct stat_row	*r;
	struct stats		*s;
	size_t			 i, n;

	(void)state;
	assert_non_null(s = stats_new());
	for (i = 0; i < 8; i++)
		add(s, 1000, names[i], 10 + i, DAY * SEC);
	/* Its neighbours have nothing to do with it. */
	add(s, 999, "x", 1, DAY * SEC);
	add(s, 1001, "", 1, DAY * SEC);
	assert_int_equal(stats_count(s), 10);
	/* Counted more, but not in a day. */
	add(s, 1000, "c", 0, DAY * SEC);
	add(s, 1000, "new", 1, DAY * SEC);
	assert_int_equal(stats_count(s), 10);
	n = stats_top(s, DAY * SEC, ROWS, top);
	assert_null(row(n, 1000, "h"));
	assert_null(row(n, 1000, "g"));
	for (i = 2; i < 8; i++) {
		assert_non_null(r = row(n, 1000, names[i]));
		assert_int_equal(r->count[SPAN_DAY][TALLY_REJECTED], 10 + i);
	}
	assert_non_null(r = row(n, 1000, STATS_OTHER));
	assert_int_equal(r->count[SPAN_MINUTE][TALLY_REJECTED], 21);
	assert_non_null(row(n, 1000, "new"));
	/* Next is the new one, be it ever so new; then f.  Not (other). */
	add(s, 1000, "f2", 30, DAY * SEC);
	add(s, 1000, "g2", 30, DAY * SEC);
	n = stats_top(s, DAY * SEC, ROWS, top);
	assert_null(row(n, 1000, "new"));
	assert_null(row(n, 1000, "f"));
	assert_non_null(r = row(n, 1000, STATS_OTHER));
	assert_int_equal(r->count[SPAN_HOUR][TALLY_REJECTED], 34);
	/* A day later the old ones count for nothing. */
	add(s, 1000, "e", 1, 3 * DAY * SEC);
	add(s, 1000, "y", 1, 3 * DAY * SEC);
	n = stats_top(s, 3 * DAY * SEC, ROWS, top);
	assert_int_equal(n, 2);
	assert_non_null(row(n, 1000, "e"));
	assert_non_null(row(n, 1000, "y"));
	stats_free(s);
}

/* A program that calls itself so shares the row. */
static void
t_stats_claim(void **state)
{
	struct stats		*s;
	const struct stat_row	*r;
	char			 program[8] = "a";
	size_t			 n;

	(void)state;
	assert_non_null(s = stats_new());
	add(s, 1000, STATS_OTHER, 1, 0);
	for (; program[0] < 'h'; program[0]++)
		add(s, 1000, program, 2, 0);
	assert_int_equal(stats_count(s), 8);
	add(s, 1000, "z", 2, 0);
	assert_int_equal(stats_count(s), 8);
	n = stats_top(s, 0, ROWS, top);
	assert_non_null(r = row(n, 1000, STATS_OTHER));
	assert_int_equal(r->count[SPAN_DAY][TALLY_REJECTED], 3);
	assert_null(row(n, 1000, "a"));
	/* When it comes as the ninth it is one all the same. */
	program[0] = 'a';
	for (; program[0] <= 'h'; program[0]++)
		add(s, 1001, program, 2, 0);
	assert_int_equal(stats_count(s), 16);
	add(s, 1001, STATS_OTHER, 1, 0);
	assert_in_range(stats_count(s), 15, 16);
	n = stats_top(s, 0, ROWS, top);
	assert_non_null(r = row(n, 1001, STATS_OTHER));
	assert_in_range(r->count[SPAN_DAY][TALLY_REJECTED], 3, 5);
	assert_int_equal(r->count[SPAN_DAY][TALLY_REJECTED] % 2, 1);
	stats_free(s);
}

/* A full table: the least goes, into its user's (other) if there is one. */
static void
t_stats_full(void **state)
{
	const struct stat_row	*r;
	struct stats		*s;
	char			 program[8] = "a";
	uint32_t		 i;
	size_t			 n;

	(void)state;
	assert_non_null(s = stats_new());
	for (; program[0] <= 'h'; program[0]++)
		add(s, 50, program, 5, 0);
	add(s, 50, "i", 3, 0);	/* a, b: (other) */
	for (i = 100; stats_count(s) < STATS_MAX; i++)
		add(s, i, "x", i == 200 ? 2 : 4, 0);
	add(s, 50, "c", 1, 0);
	/* Who is there already needs no room. */
	add(s, 300, "x", 1, 0);
	n = stats_top(s, 0, ROWS, top);
	assert_int_equal(n, STATS_MAX);
	add(s, 10, "new", 9, 0);
	n = stats_top(s, 0, ROWS, top);
	assert_int_equal(n, STATS_MAX);
	assert_null(row(n, 200, "x"));
	assert_non_null(row(n, 10, "new"));
	add(s, 11, "new", 9, 0);
	n = stats_top(s, 0, ROWS, top);
	assert_int_equal(n, STATS_MAX);
	assert_null(row(n, 50, "i"));
	assert_non_null(r = row(n, 50, STATS_OTHER));
	assert_int_equal(r->count[SPAN_DAY][TALLY_REJECTED], 13);
	assert_non_null(row(n, 11, "new"));
	/* An (other) that is the least goes as well. */
	for (i = 100; i < 100 + STATS_MAX; i++)
		if (row(n, i, "x") != NULL)
			add(s, i, "x", 20, 0);
	for (i = 10; i < 12; i++)
		add(s, i, "new", 20, 0);
	for (program[0] = 'c'; program[0] <= 'h'; program[0]++)
		add(s, 50, program, 20, 0);
	add(s, 12, "new", 1, 0);
	n = stats_top(s, 0, ROWS, top);
	assert_int_equal(n, STATS_MAX);
	assert_null(row(n, 50, STATS_OTHER));
	stats_free(s);
	assert_int_equal(held, 0);
}

/* 100,000 newcomers do not push out him who sent most. */
static void
t_stats_flood(void **state)
{
	struct stats	*s;
	char		 program[16];
	uint32_t	 i;

	(void)state;
	assert_non_null(s = stats_new());
	add(s, 1000, "spam", 1000, 0);
	for (i = 0; i < 20000; i++) {
		(void)snprintf(program, sizeof(program), "%u", i);
		add(s, i % 3 == 0 ? 1000 : i, program, 1, i);
		assert_true(stats_count(s) <= STATS_MAX);
	}
	assert_int_equal(stats_count(s), STATS_MAX);
	assert_int_equal(stats_top(s, i, 1, top), 1);
	assert_int_equal(top[0].uid, 1000);
	/* His other programs may come before it, all in one. */
	if (strcmp(top[0].program, STATS_OTHER) == 0) {
		assert_int_equal(stats_top(s, i, 2, top), 2);
		top[0] = top[1];
	}
	assert_string_equal(top[0].program, "spam");
	assert_int_equal(top[0].count[SPAN_HOUR][TALLY_REJECTED], 1000);
	stats_free(s);
}

static void
t_stats_idle(void **state)
{
	struct stats	*s;
	uint32_t	 i;

	(void)state;
	assert_non_null(s = stats_new());
	for (i = 0; i < 1000; i++)
		add(s, i, "x", 1, i < 500 ? 0 : 1440 * SEC);
	assert_int_equal(held, 1001);
	stats_sweep(s, 61 * 1440 * SEC - 1);
	assert_int_equal(stats_count(s), 1000);
	stats_sweep(s, 0);		/* no time passes */
	assert_int_equal(stats_count(s), 1000);
	stats_sweep(s, 61 * 1440 * SEC);
	assert_int_equal(stats_count(s), 500);
	assert_int_equal(stats_top(s, 62 * 1440 * SEC, ROWS, top), 0);
	assert_int_equal(stats_count(s), 0);
	assert_int_equal(held, 1);
	stats_free(s);
	stats_free(NULL);
	assert_int_equal(held, 0);
}

/* What each action counts as. */
static void
t_stats_actions(void **state)
{
	static const uint32_t	 expect[A_MAX][TALLY_MAX] = {
		[A_PASS] =	{ 1, 7, 0, 0 },
		[A_DISCARD] =	{ 1, 7, 0, 0 },
		[A_QUARANTINE] = { 1, 7, 0, 0 },
		[A_REJECT] =	{ 0, 0, 1, 0 },
		[A_TEMPFAIL] =	{ 0, 0, 0, 1 },
		[A_LIMIT] =	{ 0, 0, 0, 1 },
	};
	struct stats		*s;
	unsigned int		 action;
	int			 span;

	(void)state;
	for (action = 0; action < A_MAX; action++) {
		assert_non_null(s = stats_new());
		assert_int_equal(stats_add(s, 1, "u", "p", action, 7, 0), 0);
		assert_int_equal(stats_top(s, 0, ROWS, top), 1);
		for (span = 0; span < SPAN_MAX; span++)
			assert_memory_equal(top[0].count[span],
			    expect[action], sizeof(expect[action]));
		stats_free(s);
	}
	assert_non_null(s = stats_new());
	errno = 0;
	assert_int_equal(stats_add(s, 1, "u", "p", A_MAX, 7, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(stats_count(s), 0);
	stats_free(s);
}

/* Most in the hour, then in the day, then by uid and program. */
static void
t_stats_top(void **state)
{
	static const struct {
		uint32_t	 uid;
		const char	*program;
		int		 before, now;
	} table[] = {
		/* In the order that is to come out. */
		{ 5,	"b",	0,	9 },
		{ 4,	"a",	50,	8 },
		{ 9,	"a",	40,	8 },
		{ 1,	"a",	0,	8 },
		{ 1,	"b",	0,	8 },
		{ 2,	"a",	0,	8 },
		{ 3000000000U,	"a",	0,	8 },
		{ 7,	"",	99,	0 },
		{ 7,	"a",	98,	0 },
	};
	struct stats		*s;
	size_t			 i, j, n;

	(void)state;
	assert_non_null(s = stats_new());
	for (i = 0; i < NITEMS(table); i++) {
		j = i * 4 % NITEMS(table);
		add(s, table[j].uid, table[j].program, table[j].before, 0);
	}
	for (i = 0; i < NITEMS(table); i++) {
		j = i * 4 % NITEMS(table);
		add(s, table[j].uid, table[j].program, table[j].now,
		    2 * HOUR * SEC);
	}
	for (n = 0; n <= NITEMS(table) + 1; n++) {
		memset(top, 'x', sizeof(top));
		i = stats_top(s, 2 * HOUR * SEC, n, top);
		assert_int_equal(i, n > NITEMS(table) ? NITEMS(table) : n);
		/* No row more than that was written. */
		assert_int_equal(top[i].uid, 0x78787878);
		while (i-- > 0) {
			assert_int_equal(top[i].uid, table[i].uid);
			assert_string_equal(top[i].program, table[i].program);
			assert_int_equal(row_sum(&top[i], SPAN_DAY),
			    table[i].before + table[i].now);
			assert_int_equal(row_sum(&top[i], SPAN_MINUTE),
			    table[i].now);
		}
	}
	stats_free(s);
}

/* Names: the latest that was heard, in all rows of the uid; cut if long. */
static void
t_stats_names(void **state)
{
	struct stats	*s;
	char		 name[200];
	size_t		 i;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_non_null(s = stats_new());
	assert_int_equal(stats_add(s, 1, NULL, NULL, A_PASS, 1, 0), 0);
	assert_int_equal(stats_top(s, 0, ROWS, top), 1);
	assert_string_equal(top[0].user, "");
	assert_string_equal(top[0].program, "");
	assert_int_equal(stats_add(s, 1, "old", "", A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 2, "two", "p", A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 0, "zero", "p", A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 1, "new", "p", A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 1, "", "p", A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 1, NULL, "q", A_PASS, 1, 0), 0);
	assert_int_equal(stats_top(s, 0, ROWS, top), 5);
	for (i = 0; i < 5; i++)
		assert_string_equal(top[i].user, top[i].uid == 0 ? "zero" :
		    top[i].uid == 2 ? "two" :
		    strcmp(top[i].program, "q") == 0 ? "" : "new");
	/* One byte more than MAX_NAME says that there was more. */
	assert_int_equal(stats_add(s, 3, name, name, A_PASS, 1, 0), 0);
	assert_int_equal(stats_add(s, 3, name, name, A_PASS, 8, 0), 0);
	assert_int_equal(stats_top(s, 0, 1, top), 1);
	assert_int_equal(top[0].uid, 3);
	assert_int_equal(top[0].count[SPAN_DAY][TALLY_RECIPIENTS], 9);
	assert_int_equal(strlen(top[0].user), MAX_NAME + 1);
	assert_int_equal(strlen(top[0].program), MAX_NAME + 1);
	stats_free(s);
}

/* Numbers that are too high are the highest. */
static void
t_stats_saturate(void **state)
{
	struct stats	*s;
	char		 program[16];
	int		 i, span;

	(void)state;
	assert_non_null(s = stats_new());
	/* In a slot, over several of them, and in a merger. */
	for (i = 0; i < 20; i++) {
		(void)snprintf(program, sizeof(program), "p%d", i / 2);
		assert_int_equal(stats_add(s, 1, "", program, A_PASS,
		    UINT32_MAX, i * 2 * SEC), 0);
	}
	assert_int_equal(stats_top(s, 40 * SEC, ROWS, top), STATS_PROGRAMS);
	for (i = 0; i < STATS_PROGRAMS; i++)
		for (span = 0; span < SPAN_MAX; span++)
			assert_int_equal(
			    top[i].count[span][TALLY_RECIPIENTS], UINT32_MAX);
	assert_int_equal(stats_top(s, 2 * DAY * SEC, ROWS, top), 0);
	stats_free(s);
}

static void
t_stats_nomem(void **state)
{
	struct stats	*s;
	uint32_t	 i;

	(void)state;
	fail_at = 1;
	assert_null(stats_new());
	assert_non_null(s = stats_new());
	fail_at = 1;
	errno = 0;
	assert_int_equal(stats_add(s, 1, "u", "p", A_PASS, 1, 0), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(stats_count(s), 0);
	for (i = 0; i < STATS_MAX; i++)
		add(s, i, "p", 1, 0);
	/* Nobody goes for one who does not come. */
	fail_at = 1;
	assert_int_equal(stats_add(s, i, "u", "p", A_PASS, 1, 0), -1);
	assert_int_equal(stats_count(s), STATS_MAX);
	assert_int_equal(stats_add(s, 0, "u", "p", A_PASS, 1, 0), 0);
	stats_free(s);
	assert_int_equal(held, 0);
}

/* As for the ledger. */
static void
t_stats_clock(void **state)
{
	struct stats	*s;

	(void)state;
	assert_non_null(s = stats_new());
	add(s, 1, "p", 1, HOUR * SEC);
	add(s, 1, "p", 1, 0);
	assert_int_equal(stats_top(s, 1, ROWS, top), 1);
	assert_int_equal(top[0].count[SPAN_MINUTE][TALLY_REJECTED], 2);
	assert_int_equal(stats_top(s, (HOUR + 61) * SEC, ROWS, top), 1);
	assert_int_equal(top[0].count[SPAN_MINUTE][TALLY_REJECTED], 0);
	assert_int_equal(top[0].count[SPAN_HOUR][TALLY_REJECTED], 2);
	stats_free(s);
}

#define TEST(f)	cmocka_unit_test_setup(f, fresh)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(t_model),
		TEST(t_times),
		TEST(t_wait),
		TEST(t_rates),
		TEST(t_shared),
		TEST(t_reload),
		TEST(t_never),
		TEST(t_none),
		TEST(t_alert),
		TEST(t_alert_sweep),
		TEST(t_nonsense),
		TEST(t_flood),
		TEST(t_evict),
		TEST(t_evict_own),
		TEST(t_refused),
		TEST(t_idle),
		TEST(t_idle_first),
		TEST(t_saturate),
		TEST(t_nomem),
		TEST(t_clock),
		TEST(t_stats_model),
		TEST(t_stats_merge),
		TEST(t_stats_other),
		TEST(t_stats_claim),
		TEST(t_stats_full),
		TEST(t_stats_flood),
		TEST(t_stats_idle),
		TEST(t_stats_actions),
		TEST(t_stats_top),
		TEST(t_stats_names),
		TEST(t_stats_saturate),
		TEST(t_stats_nomem),
		TEST(t_stats_clock),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
