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
 * <blocked-now>: who is blocked at run time.  control owns the table; what it
 * says is in force for the next MAIL.  While control is away the last word
 * holds.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "milterd.h"

#define FIRST_TIME	2000	/* ms, that the first mail waits for it */

/* A range, of the entry with that key. */
struct block {
	uint32_t	 key;
	int		 sub;		/* of subordinate uids */
	struct range	 range;
};

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 there;
static struct blocks {
	struct block	*list;
	size_t		 n, room;
}			 blocks, coming;
static int		 renewing;	/* from CLEAR to SYNC, in coming */
static int		 complete;	/* we had it all, once */

void
blocked_init(const pthread_condattr_t *monotonic)
{
	(void)pthread_cond_init(&there, monotonic);
}

static void
add(struct blocks *b, const struct block *list, size_t n)
{
	struct block	*new;

	if (n == 0)
		return;
	if (b->n + n > b->room) {
		new = reallocarray(b->list, 2 * b->room + n, sizeof(*new));
		/* A block that is lost is worse than a worker that is. */
		if (new == NULL)
			fatal("blocks");
		b->list = new;
		b->room = 2 * b->room + n;
	}
	memcpy(b->list + b->n, list, n * sizeof(*list));
	b->n += n;
}

static int
key_cmp(const void *a, const void *b)
{
	const uint32_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/* All entries with these keys, in one pass. */
static void
delete(struct blocks *b, uint32_t *keys, size_t nkeys)
{
	size_t	 i, n = 0;

	qsort(keys, nkeys, sizeof(*keys), key_cmp);
	for (i = 0; i < b->n; i++)
		if (bsearch(&b->list[i].key, keys, nkeys, sizeof(*keys),
		    key_cmp) == NULL)
			b->list[n++] = b->list[i];
	b->n = n;
}

/* A new control tells all: until it has, the old table is in force. */
static void
renew(void)
{
	coming.n = 0;
	renewing = 1;
}

/* What we were told is in force. */
static void
settle(void)
{
	if (renewing) {
		free(blocks.list);
		blocks = coming;
		memset(&coming, 0, sizeof(coming));
	}
	renewing = 0;
	complete = 1;
	(void)pthread_cond_broadcast(&there);
}

/*
 * The blocks in a message: those that have the same key come together, first
 * the uid, then its subordinate ones, in place of all that the key had before.
 */
static void
change(struct blocks *b, enum table_op op, struct msg *m)
{
	static struct block	 list[MAX_BLOCKS];
	uint32_t		 keys[MAX_BLOCKS];
	struct block		*new = list;
	size_t			 n;

	for (n = 0; n < MAX_BLOCKS && m->pos < m->len && !m->bad; n++) {
		new = &list[n];
		keys[n] = new->key = get_u32(m);
		new->range.lo = get_u32(m);
		new->range.hi = get_u32(m);
		new->sub = n > 0 && new->key == list[n - 1].key;
		if (new->range.lo > new->range.hi)
			m->bad = 1;
	}
	if (msg_end(m) == -1)
		return;
	if (op == TABLE_DELETE || (op == TABLE_ADD && !renewing))
		delete(b, keys, n);
	if (op == TABLE_ADD)
		add(b, list, n);
}

/* From control: a change of the table.  Returns its kind, or -1. */
int
blocked_change(struct msg *m)
{
	enum table_op	 op = get_u8(m);

	(void)pthread_mutex_lock(&lock);
	change(renewing ? &coming : &blocks, op, m);
	if (op == TABLE_CLEAR && !m->bad)
		renew();
	if (op == TABLE_SYNC && !m->bad)
		settle();
	(void)pthread_mutex_unlock(&lock);
	return (msg_end(m) == -1 || op >= TABLE_OP_MAX ? -1 : (int)op);
}

/* Locked: a worker that is new waits for its table, but not for ever. */
static void
wait_for_it(void)
{
	struct timespec	 end;

	deadline_set(&end, FIRST_TIME);
	while (!complete)
		if (pthread_cond_timedwait(&there, &lock, &end) == ETIMEDOUT &&
		    !complete) {
			log_warnx("control does not say who is blocked: "
			    "nobody is");
			complete = 1;
			(void)pthread_cond_broadcast(&there);
		}
}

/* Subordinate ranges count until names have told whose the uid is. */
static int
has(uint32_t uid, int named)
{
	const struct block	*b;

	for (b = blocks.list; b < blocks.list + blocks.n; b++)
		if (uid >= b->range.lo && uid <= b->range.hi &&
		    !(b->sub && named))
			return (1);
	return (0);
}

/* True if this owner, or whose subordinate he is, is blocked now. */
int
blocked(const struct owner *o)
{
	int	 rv;

	if (o->verdict != E_OWNED)
		return (0);
	(void)pthread_mutex_lock(&lock);
	wait_for_it();
	rv = has(o->uid, o->named) ||
	    (o->named && o->text[T_OWNER] != NULL && has(o->account, 1));
	(void)pthread_mutex_unlock(&lock);
	return (rv);
}
