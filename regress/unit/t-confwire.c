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
 * SOURCES: common/confwire.c common/wire.c common/chan.c common/msgtab.c
 * SOURCES: common/addr.c common/answer.c common/xtext.c
 * LIBS: -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=reallocarray
 *
 * A policy on its way to a worker: what arrives is what was sent, or nothing.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sysuser.h"

#define ITEMS_MAX	256
#define MANY		10000
#define SUB_FIRST	100000

/* The numbers of the items: part of the protocol. */
enum {
	TIMEOUT, LOOKUP_TIMEOUT, WANT, TEMPFAIL, STRIP_LOCAL, HEADER,
	LOG_FIELDS, TABLE, RANGES, RULE, RATE, MATCH, PATTERN, SUBS,
	RECORD, KINDS
};

/* The allocation that fails, counted from 1; 0: none does. */
static int	 fail_at;
static int	 reallocs;	/* how many there were */

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_reallocarray(void *, size_t, size_t);
char	*__real_strdup(const char *);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_reallocarray(void *, size_t, size_t);
char	*__wrap_strdup(const char *);

static int
fails(void)
{
	if (fail_at == 0 || --fail_at > 0)
		return (0);
	errno = ENOMEM;
	return (1);
}

void *
__wrap_malloc(size_t size)
{
	return (fails() ? NULL : __real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return (fails() ? NULL : __real_calloc(n, size));
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	reallocs++;
	return (fails() ? NULL : __real_reallocarray(p, n, size));
}

char *
__wrap_strdup(const char *s)
{
	return (fails() ? NULL : __real_strdup(s));
}

/* What was sent, item by item. */
static struct msg	 items[ITEMS_MAX];
static int		 nitems;
static int		 send_limit = -1;	/* what fails, or -1 */

static int
keep(struct msg *m, void *arg)
{
	assert_ptr_equal(arg, &nitems);
	if (nitems == send_limit)
		return (-1);
	assert_in_range(nitems, 0, ITEMS_MAX - 1);
	assert_int_equal(m->type, IMSG_CONF_ITEM);
	assert_int_equal(m->bad, 0);
	assert_int_equal(m->fd, -1);
	items[nitems++] = *m;
	return (0);
}

static int
send_all(const struct policy *p, enum role role)
{
	nitems = 0;
	return (policy_send(p, role, keep, &nitems));
}

/* As CONF_ITEM brings it: the last one that was announced. */
static int
item_of(struct policy *p, struct msg *m)
{
	struct incoming	 in = { p, 1 };

	return (policy_item(&in, m));
}

/* CONF_END, and whether a worker can use what came. */
static int
finish_of(struct policy *p)
{
	struct incoming		 in = { p, 0 };
	static struct msg	 m;
	struct policy		*done = NULL;

	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, p->generation);
	assert_int_equal(policy_end(&in, &m, &done), 0);
	assert_ptr_equal(done, p);
	assert_null(in.policy);
	return (policy_complete(p) ? 0 : -1);
}

/* One item, which is read from its beginning. */
static int
take(struct policy *p, const struct msg *item, size_t len)
{
	static struct msg	 m;

	m = *item;
	m.len = len;
	/* What is not in the message must not be looked at. */
	memset(m.data + len, 0xff, sizeof(m.data) - len);
	return (item_of(p, &m));
}

/* The first n items, which are good. */
static struct policy *
take_first(int n)
{
	struct policy	*p;
	int		 i;

	p = policy_new();
	assert_non_null(p);
	for (i = 0; i < n; i++)
		assert_int_equal(take(p, &items[i], items[i].len), 0);
	return (p);
}

static struct table *
add_table(struct policy *p, uint32_t index, enum table_kind kind)
{
	struct table	*t;

	t = calloc(1, sizeof(*t));
	assert_non_null(t);
	TAILQ_INIT(&t->entries);
	t->index = index;
	t->kind = kind;
	t->name = strdup("name");
	t->file = strdup("/etc/file");
	TAILQ_INSERT_TAIL(&p->tables, t, next);
	return (t);
}

static void
add_entry(struct table *t, const char *name, uint32_t lo, uint32_t hi,
    int known)
{
	struct entry	*e;

	e = calloc(1, sizeof(*e));
	assert_non_null(e);
	e->name = name == NULL ? NULL : strdup(name);
	e->range.lo = lo;
	e->range.hi = hi;
	e->known = known;
	TAILQ_INSERT_TAIL(&t->entries, e, next);
}

static struct rule *
add_rule(struct policy *p, uint32_t number, enum action action, int kept,
    const char *message)
{
	struct rule	*r;

	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	TAILQ_INIT(&r->matches);
	r->number = number;
	r->action = action;
	r->keep = kept;
	r->message = message == NULL ? NULL : strdup(message);
	r->text = strdup("as it is printed");
	TAILQ_INSERT_TAIL(&p->rules, r, next);
	return (r);
}

static void
add_rate(struct rule *r, enum unit unit, uint32_t most, uint32_t seconds)
{
	r->rates[r->nrates++] = (struct rate){ unit, most, seconds };
}

/* With a pattern, unless that is NULL. */
static struct match *
add_match(struct rule *r, enum matcher kind, int negate, uint32_t table,
    const char *pattern)
{
	struct match	*m;

	m = match_new(r, kind);
	assert_non_null(m);
	m->negate = negate;
	m->table = table;
	if (pattern != NULL)
		assert_non_null(pattern_new(m, pattern));
	return (m);
}

/* With a value, or else with two fields. */
static struct header *
add_header(struct policy *p, const char *name, const char *value)
{
	struct header	*h;

	h = header_new(p, name);
	assert_non_null(h);
	if (value != NULL) {
		h->kind = H_VALUE;
		h->value = strdup(value);
	} else
		h->fields = (struct fields){ { F_USER, F_PROGRAM }, 2 };
	return (h);
}

/* Without tables and rules. */
static struct policy *
bare(void)
{
	struct policy	*p;

	p = policy_new();
	assert_non_null(p);
	p->timeout = 7210;
	p->lookup_timeout = 1234;
	p->backend = B_PROC;
	p->ports[0].lo = p->ports[0].hi = 25;
	p->ports[1].lo = 1000;
	p->ports[1].hi = 65535;
	p->nports = 2;
	p->tempfail = 1;
	p->strip_local = 1;
	(void)add_header(p, "X-Sender", NULL);
	p->log_fields = (struct fields){ { F_CMDLINE, F_USER, F_UID }, 3 };
	return (p);
}

/* Something of all that there is. */
static struct policy *
full(void)
{
	static char	 longest[STR_MAX + 1];
	struct policy	*p = bare();
	struct table	*t;
	struct rule	*r;
	struct match	*m;
	int		 kind;

	memset(longest, 'x', STR_MAX);
	(void)add_header(p, "X-AuthUser", "%u of %{container}");
	add_header(p, longest, NULL)->kind = H_NONE;
	t = add_table(p, 0, TABLE_USERS);
	add_entry(t, "alice", 1000, 1000, 1);
	add_entry(t, NULL, 200000, 265535, ENTRY_SUB);
	add_entry(t, NULL, 100000, 165535, ENTRY_SUB);
	add_entry(t, "nobody's", 7, 7, -1);
	add_entry(t, NULL, 2000, 2999, 1);
	add_entry(t, "not asked", 8, 8, 0);
	add_entry(t, "before the reload", 3000, 3000, ENTRY_OLD);
	add_entry(t, NULL, UINT32_MAX - 1, UINT32_MAX - 1, 1);
	t = add_table(p, 5, TABLE_GROUPS);
	add_entry(t, "staff", 50, 50, 1);
	(void)add_table(p, 6, TABLE_USERS);		/* empty */
	t = add_table(p, 7, TABLE_USERS);
	add_entry(t, "not asked", 0, 0, 0);
	r = add_rule(p, 1, A_PASS, 1, NULL);
	for (kind = 0; kind < M_MAX; kind++)
		add_match(r, kind, kind % 2, kind == M_GROUP ? 5 :
		    kind == M_UID ? 7 : kind == M_USER ? 0 : TABLE_ANY,
		    kind >= M_PROGRAM && kind <= M_SENDER ? "per*" : NULL);
	m = add_match(r, M_EXE, 0, TABLE_ANY, longest);
	assert_non_null(pattern_new(m, ""));
	assert_non_null(pattern_new(m, "php*"));
	(void)add_rule(p, 2, A_REJECT, 0, longest);
	(void)add_rule(p, 3, A_TEMPFAIL, 0, "");
	(void)add_rule(p, 70000, A_DISCARD, 0, NULL);
	r = add_rule(p, UINT32_MAX, A_QUARANTINE, 0, "\xc3\xa9\r\n");
	r->silent = 1;
	add_match(r, M_USER, 0, TABLE_ANY, NULL);
	r = add_rule(p, 5, A_LIMIT, 0, NULL);
	r->bucket = UINT64_C(0xfedcba9876543210);
	add_rate(r, U_MESSAGES, 1, 1);
	while (r->nrates < MAX_RATES)
		add_rate(r, U_RECIPIENTS, UINT32_MAX - 1, MAX_WINDOW);
	return (p);
}

static void
same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
same_fields(const struct fields *a, const struct fields *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->list, b->list, a->n);
}

static void
same_headers(const struct policy *a, const struct policy *b)
{
	const struct header	*h, *i = TAILQ_FIRST(&b->headers);

	assert_int_equal(a->nheaders, b->nheaders);
	TAILQ_FOREACH(h, &a->headers, next) {
		assert_non_null(i);
		assert_int_equal(h->kind, i->kind);
		assert_string_equal(h->name, i->name);
		same_text(h->value != NULL ? h->value : "", i->value);
		same_fields(&h->fields, &i->fields);
		i = TAILQ_NEXT(i, next);
	}
	assert_null(i);
}

static void
same_rates(const struct rule *a, const struct rule *b)
{
	uint32_t	 i;

	assert_int_equal(a->nrates, b->nrates);
	for (i = 0; i < a->nrates; i++) {
		assert_int_equal(a->rates[i].unit, b->rates[i].unit);
		assert_int_equal(a->rates[i].most, b->rates[i].most);
		assert_int_equal(a->rates[i].seconds, b->rates[i].seconds);
	}
}

static void
same_patterns(const struct match *a, const struct match *b)
{
	const struct pattern	*x, *y = STAILQ_FIRST(&b->patterns);

	STAILQ_FOREACH(x, &a->patterns, next) {
		assert_non_null(y);
		assert_string_equal(x->text, y->text);
		y = STAILQ_NEXT(y, next);
	}
	assert_null(y);
}

static void
same_matches(const struct rule *a, const struct rule *b, struct policy *pb)
{
	const struct match	*x, *y = TAILQ_FIRST(&b->matches);

	TAILQ_FOREACH(x, &a->matches, next) {
		assert_non_null(y);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->negate, y->negate);
		assert_int_equal(x->table, y->table);
		same_patterns(x, y);
		if (x->table == TABLE_ANY)
			assert_null(y->set);
		else {
			assert_non_null(y->set);
			assert_ptr_equal(y->set, policy_table(pb, x->table));
		}
		y = TAILQ_NEXT(y, next);
	}
	assert_null(y);
}

/* All but the entries of tables, which no worker gets. */
static void
same_policy(const struct policy *a, struct policy *b)
{
	const struct table	*t, *u = TAILQ_FIRST(&b->tables);
	const struct rule	*r, *s = TAILQ_FIRST(&b->rules);

	assert_int_equal(a->timeout, b->timeout);
	assert_int_equal(a->lookup_timeout, b->lookup_timeout);
	assert_int_equal(a->tempfail, b->tempfail);
	assert_int_equal(a->strip_local, b->strip_local);
	same_headers(a, b);
	same_fields(&a->log_fields, &b->log_fields);
	TAILQ_FOREACH(t, &a->tables, next) {
		assert_non_null(u);
		assert_int_equal(t->index, u->index);
		assert_int_equal(t->kind, u->kind);
		assert_true(TAILQ_EMPTY(&u->entries));
		assert_null(u->name);
		assert_null(u->file);
		u = TAILQ_NEXT(u, next);
	}
	assert_null(u);
	TAILQ_FOREACH(r, &a->rules, next) {
		assert_non_null(s);
		assert_int_equal(r->number, s->number);
		assert_int_equal(r->action, s->action);
		assert_int_equal(r->keep, s->keep);
		assert_int_equal(r->silent, s->silent);
		assert_int_equal(r->bucket, s->bucket);
		same_text(r->text, s->text);
		same_text(r->message, s->message);
		same_rates(r, s);
		same_matches(r, s, b);
		s = TAILQ_NEXT(s, next);
	}
	assert_null(s);
}

static void
t_round_trip(void **state)
{
	static const struct range	 users[] = {
		{ 1000, 1000 }, { 2000, 2999 }, { 3000, 3000 },
		{ UINT32_MAX - 1, UINT32_MAX - 1 }
	};
	static const struct range	 subs[] = {
		{ 100000, 165535 }, { 200000, 265535 }
	};
	struct policy			*p, *q;
	const struct table		*t;
	int				 n;

	(void)state;
	p = full();
	n = send_all(p, ROLE_WORKER);
	assert_int_equal(n, nitems);
	q = take_first(nitems);
	assert_int_equal(finish_of(q), 0);
	assert_int_equal(q->refs, 1);
	same_policy(p, q);
	t = policy_table(q, 0);
	assert_int_equal(t->own.n, NITEMS(users));
	assert_memory_equal(t->own.list, users, sizeof(users));
	assert_int_equal(t->subs.n, NITEMS(subs));
	assert_memory_equal(t->subs.list, subs, sizeof(subs));
	t = policy_table(q, 5);
	assert_int_equal(t->own.n, 1);
	assert_int_equal(t->own.list[0].lo, 50);
	assert_int_equal(t->subs.n, 0);
	assert_int_equal(policy_table(q, 6)->own.n, 0);
	assert_int_equal(policy_table(q, 7)->own.n, 0);
	assert_null(policy_table(q, 1));
	assert_null(policy_table(q, TABLE_ANY));
	policy_free(p);
	policy_free(q);
	policy_free(NULL);
}

/* The bytes of an item, one of each kind. */
static void
t_bytes(void **state)
{
	static const struct {
		size_t		 len;
		uint8_t		 bytes[40];
	} table[] = {
		{ 6, { 0, LOOKUP_TIMEOUT, 0, 0, 0x04, 0xd2 } },
		{ 6, { 0, LOG_FIELDS, 3, F_CMDLINE, F_USER, F_UID } },
		{ 6, { 0, TIMEOUT, 0, 0, 0x1c, 0x2a } },
		{ 6, { 0, TEMPFAIL, 0, 0, 0, 1 } },
		{ 6, { 0, STRIP_LOCAL, 0, 0, 0, 1 } },
		{ 18, { 0, HEADER, 0, 8, 'X', '-', 'S', 'e', 'n', 'd', 'e',
		    'r', H_FIELDS, 0, 0, 2, F_USER, F_PROGRAM } },
		{ 11, { 0, HEADER, 0, 1, 'X', H_VALUE, 0, 2, '%', 'u', 0 } },
		{ 8, { 0, TABLE, 0, 0, 0, 9, TABLE_GROUPS, 1 } },
		{ 14, { 0, RANGES, 0, 0, 0, 9, 0, 0, 0, 50, 0, 0, 1, 0 } },
		{ 14, { 0, SUBS, 0, 0, 0, 9, 0, 1, 0x86, 0xa0, 0, 2, 0x86,
		    0x9f } },
		{ 24, { 0, RULE, 0, 0, 0, 3, A_LIMIT, 0, 0, 1, 2, 3, 4, 5, 6,
		    7, 8, 0, 0, 1, 0, 2, 'n', 'o' } },
		{ 11, { 0, RATE, U_RECIPIENTS, 0, 0, 0, 10, 0, 0, 0x0e,
		    0x10 } },
		{ 8, { 0, MATCH, M_GROUP, 1, 0, 0, 0, 9 } },
		{ 8, { 0, MATCH, M_EXE, 0, 0xff, 0xff, 0xff, 0xff } },
		{ 6, { 0, PATTERN, 0, 2, '/', '*' } },
		{ 5, { 0, PATTERN, 0, 1, 'x' } },
		{ 25, { 0, RULE, 0, 0, 0, 4, A_PASS, 1, 1, 0, 0, 0, 0, 0, 0,
		    0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0 } },
	};
	struct policy	*p = bare();
	struct table	*t;
	struct rule	*r;
	struct match	*m;
	int		 i;

	(void)state;
	t = add_table(p, 9, TABLE_GROUPS);
	add_entry(t, NULL, 50, 256, 1);
	add_entry(t, NULL, 100000, 165535, ENTRY_SUB);
	(void)add_header(p, "X", "%u");
	r = add_rule(p, 3, A_LIMIT, 0, "no");
	r->bucket = UINT64_C(0x0102030405060708);
	r->text[0] = '\0';
	add_rate(r, U_RECIPIENTS, 10, 3600);
	(void)add_match(r, M_GROUP, 1, 9, NULL);
	m = add_match(r, M_EXE, 0, TABLE_ANY, "/*");
	assert_non_null(pattern_new(m, "x"));
	r = add_rule(p, 4, A_PASS, 1, NULL);
	(void)strlcpy(r->text, "one", strlen(r->text));
	r->silent = 1;
	assert_int_equal(send_all(p, ROLE_WORKER), NITEMS(table));
	for (i = 0; i < nitems; i++) {
		assert_int_equal(items[i].len, table[i].len);
		assert_memory_equal(items[i].data, table[i].bytes,
		    table[i].len);
	}
	policy_free(p);
}

/* What full() has a use for. */
#define FULL_WANT	(1U << T_PROGRAM | 1U << T_EXE | 1U << T_CWD | \
			    1U << T_UNIT | 1U << T_CONTAINER | 1U << T_CMDLINE)

/*
 * Who is not a worker learns how long a lookup may take, which texts are
 * wanted and what is recorded, nothing else.
 */
static void
t_roles(void **state)
{
	static const struct {
		size_t		 len;
		uint8_t		 bytes[12];
	} expect[] = {
		{ 6, { 0, LOOKUP_TIMEOUT, 0, 0, 0x04, 0xd2 } },
		{ 6, { 0, WANT, 0, 0, FULL_WANT >> 8, FULL_WANT & 0xff } },
		{ 12, { 0, RECORD, B_PROC, 2, 0, 25, 0, 25,
		    0x03, 0xe8, 0xff, 0xff } }
	};
	struct policy		*p = full(), *q;
	int			 role, i;

	(void)state;
	for (role = 0; role < ROLE_MAX; role++) {
		if (role == ROLE_WORKER)
			continue;
		assert_int_equal(send_all(p, role), NITEMS(expect));
		assert_int_equal(nitems, NITEMS(expect));
		for (i = 0; i < nitems; i++) {
			assert_int_equal(items[i].len, expect[i].len);
			assert_memory_equal(items[i].data, expect[i].bytes,
			    expect[i].len);
		}
	}
	q = take_first(nitems);
	assert_int_equal(q->lookup_timeout, 1234);
	assert_int_equal(q->want, FULL_WANT);
	assert_int_equal(q->backend, B_PROC);
	assert_int_equal(q->nports, 2);
	assert_int_equal(q->ports[1].lo, 1000);
	assert_int_equal(q->ports[1].hi, 65535);
	assert_true(TAILQ_EMPTY(&q->headers));
	assert_true(TAILQ_EMPTY(&q->tables));
	assert_true(TAILQ_EMPTY(&q->rules));
	/* For a worker that is not enough. */
	assert_int_equal(finish_of(q), -1);
	policy_free(p);
	policy_free(q);
}

/* Nothing is read of a process that neither header, log nor rule has. */
static void
t_want(void **state)
{
	static const struct {
		enum field	 field;
		enum matcher	 matcher;
		uint32_t	 want;		/* beside the two */
	} table[] = {
		{ F_USER,	M_USER,		0 },
		{ F_PROGRAM,	M_PROGRAM,	0 },
		{ F_EXE,	M_EXE,		0 },
		{ F_HOLDER,	M_GROUP,	0 },
		{ F_CWD,	M_CWD,		1U << T_CWD },
		{ F_UNIT,	M_UNIT,		1U << T_UNIT },
		{ F_CONTAINER,	M_UNKNOWN,	1U << T_CONTAINER },
		{ F_CMDLINE,	M_UNKNOWN,	1U << T_CMDLINE },
	};
	static const uint32_t	 always = 1U << T_PROGRAM | 1U << T_EXE;
	struct policy		*p, *q;
	struct header		*h;
	char			 value[64];
	size_t			 i;
	int			 where;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (where = 0; where < 5; where++) {
			p = bare();
			h = TAILQ_FIRST(&p->headers);
			p->log_fields = h->fields;
			if (where == 1)
				h->fields.list[1] = table[i].field;
			else if (where == 2)
				p->log_fields.list[0] = table[i].field;
			else if (where == 3) {
				(void)add_rule(p, 1, A_PASS, 0, NULL);
				add_match(add_rule(p, 2, A_PASS, 0, NULL),
				    table[i].matcher, 1, TABLE_ANY, "*");
			} else if (where == 4) {
				(void)snprintf(value, sizeof(value),
				    "100%%%% %%u %%{%s}",
				    field_names[table[i].field]);
				(void)add_header(p, "X-Value", value);
			}
			assert_int_equal(send_all(p, ROLE_RESOLVER), 3);
			q = take_first(nitems);
			assert_int_equal(q->want, where == 0 || (where == 3 &&
			    table[i].matcher == M_UNKNOWN) ? always :
			    always | table[i].want);
			policy_free(p);
			policy_free(q);
		}
}

/* A table is complete once it is known of each name whether it is one. */
static void
t_complete(void **state)
{
	static const struct {
		size_t	 n;
		int	 known[3];
		int	 complete;
		size_t	 own, subs;
	} table[] = {
		{ 0, { 0 }, 1, 0, 0 },
		{ 1, { 1 }, 1, 1, 0 },
		{ 1, { 0 }, 0, 0, 0 },
		{ 1, { -1 }, 1, 0, 0 },
		{ 1, { ENTRY_OLD }, 1, 1, 0 },
		{ 1, { ENTRY_SUB }, 1, 0, 1 },
		{ 3, { 1, -1, ENTRY_OLD }, 1, 2, 0 },
		{ 3, { 0, 1, 1 }, 0, 2, 0 },
		{ 3, { 1, 1, 0 }, 0, 2, 0 },
		{ 3, { -1, 0, ENTRY_OLD }, 0, 1, 0 },
		/* His are known, another's not yet. */
		{ 3, { 1, ENTRY_SUB, ENTRY_SUB }, 1, 1, 2 },
		{ 3, { 1, ENTRY_SUB, 0 }, 0, 1, 1 },
		{ 3, { 0, ENTRY_OLD, ENTRY_SUB }, 0, 1, 1 },
	};
	struct policy	*p = bare(), *q;
	struct table	*t;
	size_t		 i, j;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		t = add_table(p, i, i % 2 == 0 ? TABLE_USERS : TABLE_GROUPS);
		for (j = 0; j < table[i].n; j++)
			add_entry(t, "name", 2 * j, 2 * j, table[i].known[j]);
	}
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(nitems);
	assert_int_equal(finish_of(q), 0);
	for (i = 0; i < NITEMS(table); i++) {
		t = policy_table(q, i);
		assert_non_null(t);
		if (t->complete != table[i].complete ||
		    t->own.n != table[i].own || t->subs.n != table[i].subs)
			fail_msg("row %zu", i);
	}
	policy_free(p);
	policy_free(q);
}

/* Each item, cut at each byte, and with one byte too many. */
static void
truncated(const struct policy *p, enum role role)
{
	struct policy	*q;
	size_t		 len;
	int		 i, good, kind;

	assert_true(send_all(p, role) > 0);
	for (i = 0; i < nitems; i++) {
		kind = items[i].data[1];
		assert_in_range(kind, 0, KINDS - 1);
		for (len = 0; len <= items[i].len + 1; len++) {
			q = take_first(i);
			good = len == items[i].len;
			/* Ranges have no count: the message's length says. */
			if ((kind == RANGES || kind == SUBS) && len >= 6 &&
			    len < items[i].len && (len - 6) % 8 == 0)
				good = 1;
			assert_int_equal(take(q, &items[i], len),
			    good ? 0 : -1);
			policy_free(q);
		}
	}
}

static void
t_truncated(void **state)
{
	struct policy	*p = full();

	(void)state;
	truncated(p, ROLE_WORKER);
	truncated(p, ROLE_RESOLVER);
	policy_free(p);
}

static void
raw_item(struct msg *m, const uint8_t *bytes, size_t len)
{
	msg_new(m, IMSG_CONF_ITEM, 0);
	memset(m->data, 0, sizeof(m->data));
	memcpy(m->data, bytes, len);
	m->len = len;
}

/* An item on its own, and after all that was sent. */
static void
before_and_after(const struct msg *m, size_t row, int before, int after)
{
	struct policy	*q = take_first(0);

	if (take(q, m, m->len) != before)
		fail_msg("row %zu, kind %d, before", row, m->data[1]);
	policy_free(q);
	q = take_first(nitems);
	if (take(q, m, m->len) != after)
		fail_msg("row %zu, kind %d, after", row, m->data[1]);
	policy_free(q);
}

/*
 * Items that make no sense, after a header, a table 0 and a rule with a
 * matcher, or before them.
 */
static void
t_flaws(void **state)
{
	static const struct {
		int		 before, after;
		size_t		 len;
		uint8_t		 bytes[32];
	} table[] = {
		/* The order. */
		{ -1, 0, 6, { 0, RANGES, 0, 0, 0, 0 } },
		{ -1, 0, 14, { 0, RANGES, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
		    2 } },
		{ -1, -1, 14, { 0, RANGES, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
		    2 } },
		{ -1, -1, 6, { 0, RANGES, 0xff, 0xff, 0xff, 0xff } },
		{ -1, 0, 8, { 0, MATCH, M_UNKNOWN, 0, 0xff, 0xff, 0xff,
		    0xff } },
		{ -1, 0, 8, { 0, MATCH, M_USER, 0, 0, 0, 0, 0 } },
		{ -1, -1, 8, { 0, MATCH, M_USER, 0, 0, 0, 0, 1 } },
		{ 0, -1, 8, { 0, TABLE, 0, 0, 0, 0, TABLE_USERS, 1 } },
		{ -1, 0, 11, { 0, RATE, U_MESSAGES, 0, 0, 0, 1, 0, 0, 0,
		    1 } },
		{ -1, 0, 6, { 0, PATTERN, 0, 2, '/', '*' } },
		{ -1, 0, 4, { 0, PATTERN, 0, 0 } },
		/* Beyond the last value. */
		{ 0, 0, 8, { 0, TABLE, 0, 0, 0, 1, TABLE_GROUPS, 0 } },
		{ -1, -1, 8, { 0, TABLE, 0, 0, 0, 1, TABLE_KINDS, 1 } },
		{ -1, -1, 8, { 0, TABLE, 0, 0, 0, 1, 0xff, 1 } },
		{ -1, -1, 7, { 0, TABLE, 0, 0, 0, 1, TABLE_USERS } },
		{ 0, 0, 22, { 0, RULE, 0, 0, 0, 1, A_LIMIT } },
		{ -1, -1, 22, { 0, RULE, 0, 0, 0, 1, A_MAX } },
		{ -1, -1, 22, { 0, RULE, 0, 0, 0, 1, 0xff } },
		{ -1, 0, 8, { 0, MATCH, M_SENDER, 0, 0xff, 0xff, 0xff,
		    0xff } },
		{ -1, -1, 8, { 0, MATCH, M_MAX, 0, 0xff, 0xff, 0xff, 0xff } },
		{ -1, -1, 8, { 0, MATCH, 0xff, 0, 0xff, 0xff, 0xff, 0xff } },
		{ -1, 0, 11, { 0, RATE, U_RECIPIENTS, 0xff, 0xff, 0xff, 0xff,
		    0, 0x28, 0xde, 0x80 } },
		{ -1, -1, 11, { 0, RATE, U_MAX, 0, 0, 0, 1, 0, 0, 0, 1 } },
		{ -1, -1, 11, { 0, RATE, U_MESSAGES, 0, 0, 0, 1, 0, 0x28,
		    0xde, 0x81 } },
		{ -1, -1, 11, { 0, RATE, U_MESSAGES, 0, 0, 0, 1, 0, 0, 0,
		    0 } },
		{ 0, 0, 9, { 0, HEADER, 0, 1, 'Y', H_NONE, 0, 0, 0 } },
		{ -1, -1, 9, { 0, HEADER, 0, 1, 'Y', H_MAX, 0, 0, 0 } },
		{ -1, -1, 9, { 0, HEADER, 0, 1, 'Y', 0xff, 0, 0, 0 } },
		{ 0, 0, 10, { 0, HEADER, 0, 1, 'Y', H_FIELDS, 0, 0, 1,
		    F_CMDLINE } },
		{ -1, -1, 10, { 0, HEADER, 0, 1, 'Y', H_FIELDS, 0, 0, 1,
		    F_MAX } },
		{ -1, -1, 4, { 0, LOG_FIELDS, 1, F_MAX } },
		{ -1, -1, 5, { 0, LOG_FIELDS, 2, F_USER, 0xff } },
		/* Upside down. */
		{ -1, 0, 14, { 0, RANGES, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
		    7 } },
		{ -1, -1, 14, { 0, RANGES, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0,
		    7 } },
		{ -1, -1, 22, { 0, RANGES, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 7,
		    0, 0, 0, 1, 0, 0, 0, 1 } },
		/* Counts that lie. */
		{ 0, 0, 3, { 0, LOG_FIELDS, 0 } },
		{ 0, 0, 3 + F_MAX, { 0, LOG_FIELDS, F_MAX } },
		{ -1, -1, 4 + F_MAX, { 0, LOG_FIELDS, F_MAX + 1 } },
		{ -1, -1, 31, { 0, LOG_FIELDS, 0xff } },
		{ -1, -1, 5, { 0, LOG_FIELDS, 3, F_USER, F_UID } },
		{ -1, -1, 6, { 0, LOG_FIELDS, 2, F_USER, F_UID, F_PID } },
		{ -1, -1, 9, { 0, HEADER, 0, 1, 'Y', H_FIELDS, 0, 0, 0 } },
		{ -1, -1, 10, { 0, HEADER, 0, 1, 'Y', H_FIELDS, 0, 0, 2,
		    F_USER } },
		{ -1, -1, 11, { 0, HEADER, 0, 1, 'Y', H_FIELDS, 0, 0, 1,
		    F_USER, F_UID } },
		{ -1, -1, 10, { 0, HEADER, 0, 1, 'Y', H_VALUE, 0, 2, 'a',
		    0 } },
		{ -1, -1, 9, { 0, HEADER, 0, 1, 0, H_NONE, 0, 0, 0 } },
		{ -1, -1, 9, { 0, HEADER, 0xff, 0xff, 'Y', H_NONE, 0, 0,
		    0 } },
		{ -1, -1, 6, { 0, PATTERN, 0, 3, '/', '*' } },
		{ -1, -1, 6, { 0, PATTERN, 0, 1, '/', '*' } },
		{ -1, -1, 6, { 0, PATTERN, 0, 2, '/', 0 } },
		{ -1, -1, 6, { 0, PATTERN, 0xff, 0xff, '/', '*' } },
		{ -1, -1, 24, { 0, RULE, 0, 0, 0, 1, A_PASS, 0, 0, 0, 0, 0, 0,
		    0, 0, 0, 0, 0, 0, 1, 0, 2, 'a', 0 } },
		{ -1, -1, 24, { 0, RULE, 0, 0, 0, 1, A_PASS, 0, 0, 0, 0, 0, 0,
		    0, 0, 0, 0, 0, 2, 'a', 0, 0, 0, 0 } },
		{ 0, 0, 8, { 0, RECORD, B_PROC, 1, 0, 25, 0, 25 } },
		{ -1, -1, 8, { 0, RECORD, B_MAX, 1, 0, 25, 0, 25 } },
		{ -1, -1, 8, { 0, RECORD, B_AUTO, 1, 0, 25, 0, 24 } },
		{ -1, -1, 8, { 0, RECORD, B_AUTO, 2, 0, 25, 0, 25 } },
		{ -1, -1, 8, { 0, RECORD, B_AUTO, 0, 0, 25, 0, 25 } },
		{ -1, -1, 8, { 0, RECORD, B_AUTO, MAX_PORTS + 1, 0, 25, 0,
		    25 } },
		/* No such kind. */
		{ -1, -1, 6, { 0, KINDS } },
		{ -1, -1, 6, { 1, TIMEOUT } },
		{ -1, -1, 6, { 0xff, 0xff } },
		{ -1, -1, 2, { 0, KINDS } },
		{ -1, -1, 0, { 0 } },
		{ -1, -1, 1, { 0 } },
	};
	static struct msg	 m;
	struct policy		*p;
	size_t			 i;

	(void)state;
	p = policy_new();
	assert_non_null(p);
	(void)add_header(p, "X", NULL);
	(void)add_table(p, 0, TABLE_USERS);
	(void)add_match(add_rule(p, 1, A_PASS, 0, NULL), M_EXE, 0, TABLE_ANY,
	    NULL);
	assert_true(send_all(p, ROLE_WORKER) > 0);
	for (i = 0; i < NITEMS(table); i++) {
		raw_item(&m, table[i].bytes, table[i].len);
		before_and_after(&m, i, table[i].before, table[i].after);
		if (m.len < 2 || m.data[0] != 0 || m.data[1] != RANGES)
			continue;
		/* What subordinate ones must not do is the same. */
		m.data[1] = SUBS;
		before_and_after(&m, i, table[i].before, table[i].after);
	}
	policy_free(p);
}

/* After a rule there is no pattern before its first matcher. */
static void
t_pattern_alone(void **state)
{
	static struct msg	 m;
	struct policy		*p = bare(), *q;
	struct rule		*r;

	(void)state;
	r = add_rule(p, 1, A_PASS, 0, NULL);
	(void)add_match(r, M_EXE, 0, TABLE_ANY, "x");
	(void)add_rule(p, 2, A_PASS, 0, NULL);
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(nitems);
	msg_new(&m, IMSG_CONF_ITEM, 0);
	put_u16(&m, PATTERN);
	put_str(&m, "x");
	assert_int_equal(item_of(q, &m), -1);
	policy_free(p);
	policy_free(q);
}

/* One header more, and one rate more, than a worker has room for. */
static void
t_too_many(void **state)
{
	static struct msg	 m;
	struct policy		*p = bare(), *q;
	struct rule		*r = add_rule(p, 1, A_LIMIT, 0, NULL);

	(void)state;
	while (p->nheaders < MAX_HEADERS)
		(void)add_header(p, "X-Next", "%u");
	while (r->nrates < MAX_RATES)
		add_rate(r, U_MESSAGES, 1, 1);
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(nitems);
	assert_int_equal(finish_of(q), 0);
	same_policy(p, q);
	msg_new(&m, IMSG_CONF_ITEM, 0);
	put_u16(&m, RATE);
	put_u8(&m, U_MESSAGES);
	put_u32(&m, 1);
	put_u32(&m, 1);
	assert_int_equal(item_of(q, &m), -1);
	assert_int_equal(TAILQ_FIRST(&q->rules)->nrates, MAX_RATES);
	policy_free(q);
	(void)add_header(p, "X-Last", "%u");
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(5 + MAX_HEADERS);
	assert_int_equal(items[5 + MAX_HEADERS].data[1], HEADER);
	assert_int_equal(take(q, &items[5 + MAX_HEADERS],
	    items[5 + MAX_HEADERS].len), -1);
	policy_free(p);
	policy_free(q);
}

/* Where limits are off no worker hears of them. */
static void
t_unlimited(void **state)
{
	struct policy	*p = full(), *q;
	struct rule	*r;

	(void)state;
	p->unlimited = 1;
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(nitems);
	assert_int_equal(finish_of(q), 0);
	TAILQ_FOREACH(r, &q->rules, next)
		assert_int_not_equal(r->action, A_LIMIT);
	r = TAILQ_LAST(&q->rules, rules);
	assert_int_equal(r->action, A_QUARANTINE);
	policy_free(p);
	policy_free(q);
}

/* All kinds that are not, with any payload that a message can have. */
static void
t_unknown_kinds(void **state)
{
	static struct msg	 m;
	struct policy		*p = take_first(0);
	unsigned int		 kind;

	(void)state;
	for (kind = KINDS; kind <= UINT16_MAX; kind++) {
		msg_new(&m, IMSG_CONF_ITEM, 0);
		put_u16(&m, kind);
		if (kind % 2)
			put_u32(&m, kind);
		assert_int_equal(item_of(p, &m), -1);
	}
	policy_free(p);
}

/* Of a single value the last one counts. */
static void
t_twice(void **state)
{
	struct policy	*p = bare(), *q;
	int		 i;

	(void)state;
	assert_true(send_all(p, ROLE_WORKER) > 0);
	q = take_first(nitems);
	p->timeout++;
	p->lookup_timeout++;
	p->tempfail = p->strip_local = 0;
	p->log_fields = (struct fields){ { F_PID }, 1 };
	assert_true(send_all(p, ROLE_WORKER) > 0);
	for (i = 0; i < nitems; i++)
		if (items[i].data[1] != HEADER)
			assert_int_equal(take(q, &items[i], items[i].len), 0);
	same_policy(p, q);
	policy_free(p);
	policy_free(q);
}

/* Without a header a worker can't work. */
static void
t_incomplete(void **state)
{
	struct policy	*p = bare(), *q;
	int		 i, skip;

	(void)state;
	assert_int_equal(send_all(p, ROLE_WORKER), 6);
	for (skip = 0; skip < nitems; skip++) {
		q = take_first(0);
		for (i = 0; i < nitems; i++)
			if (i != skip)
				assert_int_equal(take(q, &items[i],
				    items[i].len), 0);
		assert_int_equal(finish_of(q),
		    items[skip].data[1] == HEADER ? -1 : 0);
		policy_free(q);
	}
	policy_free(p);
}

/* Out of step: items that nobody announced, an end too early or of another. */
static void
t_steps(void **state)
{
	struct incoming		 in = { NULL, 0 };
	static struct msg	 m;
	struct policy		*done = NULL;

	(void)state;
	assert_int_equal(policy_item(&in, &items[0]), -1);
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 7);
	assert_int_equal(policy_end(&in, &m, &done), -1);
	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, 7);
	put_u32(&m, 1);
	assert_int_equal(policy_begin(&in, &m), 0);
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 7);
	assert_int_equal(policy_end(&in, &m, &done), -1);
	in.items = 0;
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 8);
	assert_int_equal(policy_end(&in, &m, &done), -1);
	assert_int_equal(policy_item(&in, &items[0]), -1);
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 7);
	assert_int_equal(policy_end(&in, &m, &done), 0);
	assert_int_equal(done->generation, 7);
	policy_free(done);
}

/* Sending stops where it fails. */
static void
t_send_fails(void **state)
{
	struct policy	*p = full();
	int		 n;

	(void)state;
	n = send_all(p, ROLE_WORKER);
	for (send_limit = 0; send_limit < n; send_limit++) {
		assert_int_equal(send_all(p, ROLE_WORKER), -1);
		assert_int_equal(nitems, send_limit);
	}
	assert_int_equal(send_all(p, ROLE_WORKER), n);
	send_limit = -1;
	policy_free(p);
}

/* Each allocation fails in its turn: that item is refused, no more. */
static void
t_no_memory(void **state)
{
	struct policy	*p = full(), *q;
	int		 i, n, rv;

	(void)state;
	fail_at = 1;
	q = policy_new();
	assert_null(q);
	assert_true(send_all(p, ROLE_WORKER) > 0);
	for (n = 1;; n++) {
		q = take_first(0);
		fail_at = n;
		for (i = rv = 0; i < nitems && rv == 0; i++)
			rv = take(q, &items[i], items[i].len);
		assert_int_equal(rv, fail_at == 0 ? -1 : 0);
		policy_free(q);
		if (fail_at > 0)
			break;
	}
	assert_true(n > 20);		/* so many were tried */
	fail_at = 0;
	policy_free(p);
}

/* Ranges as they come, and as they are searched. */
static void
t_ranges(void **state)
{
	static const struct {
		size_t		 nin;
		struct range	 in[6];
		size_t		 nout;
		struct range	 out[6];
	} table[] = {
		{ 0, { { 0, 0 } }, 0, { { 0, 0 } } },
		{ 1, { { 5, 5 } }, 1, { { 5, 5 } } },
		{ 3, { { 9, 9 }, { 5, 5 }, { 7, 7 } },
		    3, { { 5, 5 }, { 7, 7 }, { 9, 9 } } },
		{ 3, { { 5, 5 }, { 5, 5 }, { 5, 5 } }, 1, { { 5, 5 } } },
		/* Within, over the edge, at the edge, beside it. */
		{ 2, { { 1, 9 }, { 3, 4 } }, 1, { { 1, 9 } } },
		{ 2, { { 3, 4 }, { 1, 9 } }, 1, { { 1, 9 } } },
		{ 2, { { 1, 5 }, { 3, 9 } }, 1, { { 1, 9 } } },
		{ 2, { { 1, 5 }, { 5, 9 } }, 1, { { 1, 9 } } },
		{ 2, { { 1, 5 }, { 7, 9 } }, 2, { { 1, 5 }, { 7, 9 } } },
		/* The long one swallows all that follow. */
		{ 4, { { 1, 100 }, { 2, 3 }, { 50, 60 }, { 100, 101 } },
		    1, { { 1, 101 } } },
		{ 3, { { 1, 1 }, { 1, 3 }, { 1, 2 } }, 1, { { 1, 3 } } },
		/* The ends of the world. */
		{ 3, { { UINT32_MAX, UINT32_MAX }, { 0, 0 },
		    { 0, UINT32_MAX } }, 1, { { 0, UINT32_MAX } } },
		{ 2, { { UINT32_MAX, UINT32_MAX }, { 0, 0 } },
		    2, { { 0, 0 }, { UINT32_MAX, UINT32_MAX } } },
		{ 2, { { UINT32_MAX - 1, UINT32_MAX }, { 0, UINT32_MAX - 1 } },
		    1, { { 0, UINT32_MAX } } },
	};
	static const struct range	 other = { 6, 8 };
	struct policy			*p, *q;
	struct ranges			*to, *not;
	struct table			*t;
	size_t				 i, j;
	int				 sub;

	(void)state;
	for (i = 0; i < 2 * NITEMS(table); i++) {
		sub = i % 2;
		p = bare();
		t = add_table(p, 0, TABLE_USERS);
		/* One of the others is in the way, and is not mixed in. */
		add_entry(t, NULL, other.lo, other.hi, sub ? 1 : ENTRY_SUB);
		for (j = 0; j < table[i / 2].nin; j++)
			add_entry(t, NULL, table[i / 2].in[j].lo,
			    table[i / 2].in[j].hi, sub ? ENTRY_SUB : 1);
		assert_true(send_all(p, ROLE_WORKER) > 0);
		q = take_first(nitems);
		assert_int_equal(finish_of(q), 0);
		t = policy_table(q, 0);
		to = sub ? &t->subs : &t->own;
		not = sub ? &t->own : &t->subs;
		assert_int_equal(to->n, table[i / 2].nout);
		assert_memory_equal(to->list, table[i / 2].out,
		    table[i / 2].nout * sizeof(struct range));
		assert_int_equal(not->n, 1);
		assert_memory_equal(not->list, &other, sizeof(other));
		policy_free(p);
		policy_free(q);
	}
}

/* How many items of that kind there are of a table. */
static int
items_of(int kind, uint8_t table)
{
	int	 i, n = 0;

	for (i = 0; i < nitems; i++)
		n += items[i].data[1] == kind && items[i].data[5] == table;
	return (n);
}

/* Subordinate uids come if there are some, after the table's own. */
static void
t_subs(void **state)
{
	struct policy	*p = bare(), *q;
	struct table	*t;
	int		 i;

	(void)state;
	t = add_table(p, 1, TABLE_USERS);
	add_entry(t, "alice", 1000, 1000, 1);
	t = add_table(p, 2, TABLE_USERS);
	add_entry(t, "bob", 1001, 1001, 1);
	add_entry(t, NULL, 100000, 165535, ENTRY_SUB);
	add_entry(t, "nobody's", 0, 0, -1);
	t = add_table(p, 3, TABLE_USERS);
	add_entry(t, NULL, 300000, 365535, ENTRY_SUB);
	(void)add_table(p, 4, TABLE_USERS);
	assert_true(send_all(p, ROLE_WORKER) > 0);
	assert_int_equal(items_of(SUBS, 1), 0);
	assert_int_equal(items_of(SUBS, 2), 1);
	assert_int_equal(items_of(SUBS, 3), 1);
	assert_int_equal(items_of(SUBS, 4), 0);
	for (i = 1; i < nitems; i++)
		if (items[i].data[1] == SUBS) {
			assert_int_equal(items[i - 1].data[1], RANGES);
			assert_int_equal(items[i - 1].data[5],
			    items[i].data[5]);
		}
	q = take_first(nitems);
	assert_int_equal(finish_of(q), 0);
	assert_int_equal(policy_table(q, 1)->subs.n, 0);
	assert_int_equal(policy_table(q, 2)->subs.n, 1);
	assert_int_equal(policy_table(q, 2)->own.n, 1);
	assert_int_equal(policy_table(q, 3)->subs.n, 1);
	assert_int_equal(policy_table(q, 3)->own.n, 0);
	assert_int_equal(policy_table(q, 4)->subs.n, 0);
	policy_free(p);
	policy_free(q);
}

/* Numbers that look as if by chance, the same each time. */
static uint32_t
chance(void)
{
	static uint32_t	 x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return (x);
}

/*
 * Large tables, more than one of them, in more than one item each: single ids
 * that are all apart, every third without an account; any ranges; and users
 * with two subordinate ranges each.
 */
static void
t_large(void **state)
{
	static uint8_t		 in[65536 + 100];
	struct policy		*p = bare(), *q;
	struct table		*t;
	uint32_t		 i, j, lo, hi;
	size_t			 n;

	(void)state;
	t = add_table(p, 1, TABLE_USERS);
	for (i = 0; i < MANY; i++)
		add_entry(t, "user", 3 * (i * 7919 % MANY), 3 *
		    (i * 7919 % MANY), i * 7919 % MANY % 3 == 0 ? -1 : 1);
	t = add_table(p, 2, TABLE_GROUPS);
	for (i = 0; i < MANY; i++) {
		lo = chance() % 65536;
		hi = lo + chance() % (i % 100 == 0 ? 100 : 3);
		add_entry(t, NULL, lo, hi, 1);
		for (j = lo; j <= hi; j++)
			in[j] = 1;
	}
	t = add_table(p, 3, TABLE_USERS);
	for (i = 0; i < MANY; i++) {
		add_entry(t, "user", 2 * i, 2 * i, 1);
		for (j = 0; j < 2; j++)
			add_entry(t, NULL, SUB_FIRST + 100 * (2 * i + j),
			    SUB_FIRST + 100 * (2 * i + j) + 50, ENTRY_SUB);
	}
	assert_true(send_all(p, ROLE_WORKER) > 0);
	assert_in_range(items_of(SUBS, 3), 2 * MANY / 512, 2 * MANY / 512 + 2);
	reallocs = 0;
	q = take_first(nitems);
	/* Not for each item anew: room doubles. */
	assert_in_range(reallocs, 4, 24);
	assert_int_equal(finish_of(q), 0);
	t = policy_table(q, 1);
	assert_true(t->own.room >= t->own.n);
	assert_int_equal(t->own.n, MANY - (MANY + 2) / 3);
	for (i = 0, n = 0; i < MANY; i++)
		if (i % 3 != 0) {
			assert_int_equal(t->own.list[n].lo, 3 * i);
			assert_int_equal(t->own.list[n++].hi, 3 * i);
		}
	t = policy_table(q, 2);
	for (n = 0; n < t->own.n; n++) {
		if (n > 0)
			assert_true(t->own.list[n].lo > t->own.list[n - 1].hi);
		for (j = t->own.list[n].lo; j <= t->own.list[n].hi; j++) {
			assert_int_equal(in[j], 1);
			in[j] = 0;
		}
	}
	for (j = 0; j < sizeof(in); j++)
		assert_int_equal(in[j], 0);	/* none is missing */
	t = policy_table(q, 3);
	assert_int_equal(t->own.n, MANY);
	assert_int_equal(t->subs.n, 2 * MANY);
	assert_true(t->subs.room >= t->subs.n);
	for (n = 0; n < t->subs.n; n++) {
		assert_int_equal(t->subs.list[n].lo, SUB_FIRST + 100 * n);
		assert_int_equal(t->subs.list[n].hi, SUB_FIRST + 100 * n + 50);
	}
	policy_free(p);
	policy_free(q);
}

/*
 * How many items it can be is known before the names are: never more of them
 * are sent, and no less if all users have all the subordinate uids they can.
 */
static void
t_items(void **state)
{
	struct policy	*p = full();
	struct table	*t;
	struct entry	*e, *sub;
	size_t		 before;
	int		 i;

	(void)state;
	assert_in_range(send_all(p, ROLE_WORKER), 1, policy_items(p));
	p->unlimited = 1;
	before = policy_items(p);
	p->unlimited = 0;
	assert_int_equal(policy_items(p), before);
	policy_free(p);

	p = bare();
	(void)add_rule(p, 1, A_REJECT, 0, NULL);
	(void)add_match(TAILQ_FIRST(&p->rules), M_EXE, 0, TABLE_ANY, "x");
	add_rate(TAILQ_FIRST(&p->rules), U_MESSAGES, 1, 1);
	assert_int_equal(policy_items(p), send_all(p, ROLE_WORKER));
	before = policy_items(p);
	(void)pattern_new(TAILQ_FIRST(&TAILQ_FIRST(&p->rules)->matches), "y");
	assert_int_equal(policy_items(p), before + 1);
	assert_int_equal(policy_items(p), send_all(p, ROLE_WORKER));

	t = add_table(p, 0, TABLE_GROUPS);
	for (i = 0; i < 1000; i++)
		add_entry(t, "group", i, i, 1);
	assert_int_equal(policy_items(p), send_all(p, ROLE_WORKER));
	t = add_table(p, 1, TABLE_USERS);
	for (i = 0; i < 1000; i++)
		add_entry(t, "user", i, i, 0);
	before = policy_items(p);
	assert_in_range(send_all(p, ROLE_WORKER), 1, before);
	TAILQ_FOREACH(e, &t->entries, next) {
		if (e->known == ENTRY_SUB)
			continue;
		e->known = 1;
		for (i = 0; i < MAX_SUBUIDS; i++) {
			sub = calloc(1, sizeof(*sub));
			assert_non_null(sub);
			sub->known = ENTRY_SUB;
			TAILQ_INSERT_AFTER(&t->entries, e, sub, next);
		}
	}
	assert_int_equal(send_all(p, ROLE_WORKER), before);
	policy_free(p);
}

/* Tables are found in whatever order they are asked for. */
static void
t_table(void **state)
{
	static const uint32_t	 there[] = { 1, 4, 5, 9 };
	struct policy		*p = bare();
	uint32_t		 i, j;

	(void)state;
	assert_null(policy_table(p, 0));
	for (i = 0; i < NITEMS(there); i++)
		(void)add_table(p, there[i], TABLE_USERS);
	for (i = 0; i < NITEMS(there); i++)
		for (j = 0; j < NITEMS(there); j++) {
			assert_int_equal(policy_table(p, there[i])->index,
			    there[i]);
			assert_int_equal(policy_table(p, there[j])->index,
			    there[j]);
			assert_null(policy_table(p, there[j] + 2));
			assert_null(policy_table(p, 0));
		}
	policy_free(p);
}

/* The words of the configuration, of what is printed of it and of the log. */
static void
t_words(void **state)
{
	static const char *const	 actions[] = {
		"pass", "reject", "tempfail", "discard", "quarantine",
		"limit"
	};
	static const char *const	 matchers[] = {
		"user", "uid", "group", "program", "exe", "cwd", "unit",
		"sender", "unknown"
	};
	static const char *const	 units[] = {
		"messages", "recipients"
	};
	size_t				 i;

	(void)state;
	assert_int_equal(NITEMS(actions), A_MAX);
	for (i = 0; i < A_MAX; i++)
		assert_string_equal(action_names[i], actions[i]);
	assert_int_equal(NITEMS(matchers), M_MAX);
	for (i = 0; i < M_MAX; i++)
		assert_string_equal(matcher_names[i], matchers[i]);
	assert_int_equal(NITEMS(units), U_MAX);
	for (i = 0; i < U_MAX; i++)
		assert_string_equal(unit_names[i], units[i]);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_round_trip),
		cmocka_unit_test(t_bytes),
		cmocka_unit_test(t_roles),
		cmocka_unit_test(t_want),
		cmocka_unit_test(t_complete),
		cmocka_unit_test(t_truncated),
		cmocka_unit_test(t_flaws),
		cmocka_unit_test(t_pattern_alone),
		cmocka_unit_test(t_too_many),
		cmocka_unit_test(t_unlimited),
		cmocka_unit_test(t_unknown_kinds),
		cmocka_unit_test(t_twice),
		cmocka_unit_test(t_incomplete),
		cmocka_unit_test(t_steps),
		cmocka_unit_test(t_send_fails),
		cmocka_unit_test(t_no_memory),
		cmocka_unit_test(t_ranges),
		cmocka_unit_test(t_subs),
		cmocka_unit_test(t_large),
		cmocka_unit_test(t_items),
		cmocka_unit_test(t_table),
		cmocka_unit_test(t_words),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
