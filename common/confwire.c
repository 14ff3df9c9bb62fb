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
 * The policy between parent and children: one message per item.  Each kind
 * stands here twice, as it is put and as it is got.
 */

#include <stdlib.h>
#include <string.h>

#include "sysuser.h"

enum kind {
	KIND_TIMEOUT, KIND_LOOKUP_TIMEOUT, KIND_WANT, KIND_TEMPFAIL,
	KIND_STRIP_LOCAL, KIND_HEADER, KIND_LOG_FIELDS, KIND_TABLE,
	KIND_RANGES, KIND_RULE, KIND_RATE, KIND_MATCH, KIND_PATTERN,
	KIND_SUBS, KIND_RECORD
};

#define RANGES_PER_ITEM	512
#define ITEMS_ALWAYS	5	/* of a worker's, whatever is configured */

/* Where the items go. */
struct sink {
	int	 (*send)(struct msg *, void *);
	void	*arg;
	uint32_t n;		/* sent so far */
	struct msg m;
};

const char *const action_names[A_MAX] = {
	"pass", "reject", "tempfail", "discard", "quarantine", "limit"
};

const char *const matcher_names[M_MAX] = {
	"user", "uid", "group", "program", "exe", "cwd", "unit",
	"sender", "unknown"
};

const char *const unit_names[U_MAX] = { "messages", "recipients" };

const char *const backend_names[B_MAX] = { "auto", "bpf", "proc" };

struct policy *
policy_new(void)
{
	struct policy	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	p->refs = 1;
	TAILQ_INIT(&p->headers);
	TAILQ_INIT(&p->tables);
	TAILQ_INIT(&p->rules);
	return (p);
}

static void
table_free(struct table *t)
{
	struct entry	*e;

	while ((e = TAILQ_FIRST(&t->entries)) != NULL) {
		TAILQ_REMOVE(&t->entries, e, next);
		free(e->name);
		free(e);
	}
	free(t->own.list);
	free(t->subs.list);
	free(t->name);
	free(t->file);
	free(t);
}

/* The last header of a policy; NULL if there is no memory. */
struct header *
header_new(struct policy *p, const char *name)
{
	struct header	*h;

	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->name = strdup(name)) == NULL) {
		free(h);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&p->headers, h, next);
	p->nheaders++;
	return (h);
}

/* The last matcher of a rule; NULL if there is no memory. */
struct match *
match_new(struct rule *r, enum matcher kind)
{
	struct match	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (NULL);
	m->kind = kind;
	m->table = TABLE_ANY;
	STAILQ_INIT(&m->patterns);
	TAILQ_INSERT_TAIL(&r->matches, m, next);
	return (m);
}

/* The last pattern of a matcher; NULL if there is no memory. */
struct pattern *
pattern_new(struct match *m, const char *text)
{
	struct pattern	*p;

	if ((p = malloc(sizeof(*p))) == NULL ||
	    (p->text = strdup(text)) == NULL) {
		free(p);
		return (NULL);
	}
	STAILQ_INSERT_TAIL(&m->patterns, p, next);
	return (p);
}

static void
match_free(struct match *m)
{
	struct pattern	*p;

	while ((p = STAILQ_FIRST(&m->patterns)) != NULL) {
		STAILQ_REMOVE_HEAD(&m->patterns, next);
		free(p->text);
		free(p);
	}
	free(m);
}

static void
rule_free(struct rule *r)
{
	struct match	*m;

	while ((m = TAILQ_FIRST(&r->matches)) != NULL) {
		TAILQ_REMOVE(&r->matches, m, next);
		match_free(m);
	}
	free(r->message);
	free(r->text);
	free(r);
}

static void
header_free(struct header *h)
{
	free(h->name);
	free(h->value);
	free(h);
}

void
policy_free(struct policy *p)
{
	struct header	*h;
	struct table	*t;
	struct rule	*r;

	if (p == NULL)
		return;
	while ((h = TAILQ_FIRST(&p->headers)) != NULL) {
		TAILQ_REMOVE(&p->headers, h, next);
		header_free(h);
	}
	while ((t = TAILQ_FIRST(&p->tables)) != NULL) {
		TAILQ_REMOVE(&p->tables, t, next);
		table_free(t);
	}
	while ((r = TAILQ_FIRST(&p->rules)) != NULL) {
		TAILQ_REMOVE(&p->rules, r, next);
		rule_free(r);
	}
	free(p);
}

/*
 * The table of that index or NULL.  Rules come in the order of the lists in
 * them: we begin at the one found last, or many rules would take for ever.
 */
struct table *
policy_table(struct policy *p, uint32_t index)
{
	struct table	*t = p->found;

	if (t == NULL || t->index > index)
		t = TAILQ_FIRST(&p->tables);
	while (t != NULL && t->index < index)
		t = TAILQ_NEXT(t, next);
	if (t == NULL || t->index != index)
		return (NULL);
	p->found = t;
	return (t);
}

static struct msg *
item(struct sink *s, enum kind kind)
{
	msg_new(&s->m, IMSG_CONF_ITEM, 0);
	put_u16(&s->m, kind);
	return (&s->m);
}

static int
item_send(struct sink *s)
{
	s->n++;
	return (s->send(&s->m, s->arg));
}

static int
send_u32(struct sink *s, enum kind kind, uint32_t v)
{
	put_u32(item(s, kind), v);
	return (item_send(s));
}

static void
put_fields(struct msg *m, const struct fields *f)
{
	size_t	 i;

	put_u8(m, f->n);
	for (i = 0; i < f->n; i++)
		put_u8(m, f->list[i]);
}

static int
send_header(struct sink *s, const struct header *h)
{
	struct msg	*m = item(s, KIND_HEADER);

	put_str(m, h->name);
	put_u8(m, h->kind);
	put_str(m, h->value != NULL ? h->value : "");
	put_fields(m, &h->fields);
	return (item_send(s));
}

/* As many known entries of a table as fit in one item, from e on. */
static int
send_some(struct sink *s, enum kind kind, const struct table *t,
    struct entry **e)
{
	struct msg	*m = item(s, kind);
	uint32_t	 n = 0;

	put_u32(m, t->index);
	for (; *e != NULL && n < RANGES_PER_ITEM; *e = TAILQ_NEXT(*e, next)) {
		if ((*e)->known <= 0 ||
		    ((*e)->known == ENTRY_SUB) != (kind == KIND_SUBS))
			continue;
		put_u32(m, (*e)->range.lo);
		put_u32(m, (*e)->range.hi);
		n++;
	}
	return (item_send(s));
}

/* False while a name in it could not be asked for. */
static int
table_complete(const struct table *t)
{
	const struct entry	*e;

	TAILQ_FOREACH(e, &t->entries, next)
		if (e->known == 0)
			return (0);
	return (1);
}

static int
send_ranges(struct sink *s, enum kind kind, const struct table *t)
{
	struct entry	*e = TAILQ_FIRST(&t->entries);

	while (e != NULL)
		if (send_some(s, kind, t, &e) == -1)
			return (-1);
	return (0);
}

static int
table_has_subs(const struct table *t)
{
	const struct entry	*e;

	TAILQ_FOREACH(e, &t->entries, next)
		if (e->known == ENTRY_SUB)
			return (1);
	return (0);
}

static int
send_table(struct sink *s, const struct table *t)
{
	struct msg	*m = item(s, KIND_TABLE);

	put_u32(m, t->index);
	put_u8(m, t->kind);
	put_u8(m, table_complete(t));
	if (item_send(s) == -1 || send_ranges(s, KIND_RANGES, t) == -1)
		return (-1);
	return (table_has_subs(t) ? send_ranges(s, KIND_SUBS, t) : 0);
}

static int
send_rates(struct sink *s, const struct rule *r)
{
	struct msg	*m;
	uint32_t	 i;

	for (i = 0; i < r->nrates; i++) {
		m = item(s, KIND_RATE);
		put_u8(m, r->rates[i].unit);
		put_u32(m, r->rates[i].most);
		put_u32(m, r->rates[i].seconds);
		if (item_send(s) == -1)
			return (-1);
	}
	return (0);
}

static int
send_match(struct sink *s, const struct match *mt)
{
	const struct pattern	*p;
	struct msg		*m = item(s, KIND_MATCH);

	put_u8(m, mt->kind);
	put_u8(m, mt->negate);
	put_u32(m, mt->table);
	if (item_send(s) == -1)
		return (-1);
	STAILQ_FOREACH(p, &mt->patterns, next) {
		put_str(item(s, KIND_PATTERN), p->text);
		if (item_send(s) == -1)
			return (-1);
	}
	return (0);
}

static int
send_rule(struct sink *s, const struct rule *r)
{
	const struct match	*mt;
	struct msg		*m = item(s, KIND_RULE);

	put_u32(m, r->number);
	put_u8(m, r->action);
	put_u8(m, r->keep);
	put_u8(m, r->silent);
	put_u64(m, r->bucket);
	put_str(m, r->text != NULL ? r->text : "");
	put_u8(m, r->message != NULL);
	put_str(m, r->message != NULL ? r->message : "");
	if (item_send(s) == -1 || send_rates(s, r) == -1)
		return (-1);
	TAILQ_FOREACH(mt, &r->matches, next)
		if (send_match(s, mt) == -1)
			return (-1);
	return (0);
}

/* The fields that a header shows, and those of the log: bits 1 << field. */
static uint32_t
shown(const struct policy *p)
{
	const struct header	*h;
	const char		*v;
	uint32_t		 bits = 0;
	size_t			 i;
	int			 f;

	for (i = 0; i < p->log_fields.n; i++)
		bits |= 1U << p->log_fields.list[i];
	TAILQ_FOREACH(h, &p->headers, next) {
		for (i = 0; i < h->fields.n; i++)
			bits |= 1U << h->fields.list[i];
		v = h->value != NULL ? h->value : "";
		while ((f = template_next(&v)) >= 0)
			if (f < F_MAX)
				bits |= 1U << f;
	}
	return (bits);
}

/*
 * The texts that this policy has a use for, so that no others are read.  A
 * lookup by hand always shows the first two.
 */
static uint32_t
wanted(const struct policy *p)
{
	static const struct {
		enum text	 text;
		enum field	 field;
		enum matcher	 matcher;
	} uses[] = {
		{ T_CWD,	F_CWD,		M_CWD },
		{ T_UNIT,	F_UNIT,		M_UNIT },
		{ T_CONTAINER,	F_CONTAINER,	M_MAX },
		{ T_CMDLINE,	F_CMDLINE,	M_MAX }
	};
	const struct match	*m;
	const struct rule	*r;
	uint32_t		 want = 1U << T_PROGRAM | 1U << T_EXE;
	size_t			 i;

	for (i = 0; i < NITEMS(uses); i++) {
		if (shown(p) & 1U << uses[i].field)
			want |= 1U << uses[i].text;
		TAILQ_FOREACH(r, &p->rules, next)
			TAILQ_FOREACH(m, &r->matches, next)
				if (m->kind == uses[i].matcher)
					want |= 1U << uses[i].text;
	}
	return (want);
}

static int
send_record(struct sink *s, const struct policy *p)
{
	struct msg	*m = item(s, KIND_RECORD);
	size_t		 i;

	put_u8(m, p->backend);
	put_u8(m, p->nports);
	for (i = 0; i < p->nports; i++) {
		put_u16(m, p->ports[i].lo);
		put_u16(m, p->ports[i].hi);
	}
	return (item_send(s));
}

/*
 * Send what that role may know of the policy: the resolver no more than how
 * long it may take, which texts are wanted, and which connections are to be
 * recorded.  Returns the number of items, or -1 if send() did.
 */
int
policy_send(const struct policy *p, enum role role,
    int (*send)(struct msg *, void *), void *arg)
{
	struct sink		 s = { .send = send, .arg = arg };
	const struct header	*h;
	const struct table	*t;
	const struct rule	*r;

	if (send_u32(&s, KIND_LOOKUP_TIMEOUT, p->lookup_timeout) == -1)
		return (-1);
	if (role != ROLE_WORKER)
		return (send_u32(&s, KIND_WANT, wanted(p)) == -1 ||
		    send_record(&s, p) == -1 ? -1 : (int)s.n);
	put_fields(item(&s, KIND_LOG_FIELDS), &p->log_fields);
	if (item_send(&s) == -1 ||
	    send_u32(&s, KIND_TIMEOUT, p->timeout) == -1 ||
	    send_u32(&s, KIND_TEMPFAIL, p->tempfail) == -1 ||
	    send_u32(&s, KIND_STRIP_LOCAL, p->strip_local) == -1)
		return (-1);
	TAILQ_FOREACH(h, &p->headers, next)
		if (send_header(&s, h) == -1)
			return (-1);
	TAILQ_FOREACH(t, &p->tables, next)
		if (send_table(&s, t) == -1)
			return (-1);
	TAILQ_FOREACH(r, &p->rules, next)
		if (!(p->unlimited && r->action == A_LIMIT) &&
		    send_rule(&s, r) == -1)
			return (-1);
	return (s.n);
}

/*
 * The items of a table when all its names are known, and each user has as many
 * subordinate ranges as he can.
 */
static size_t
table_items(const struct table *t)
{
	const struct entry	*e;
	size_t			 entries = 0, names = 0;

	TAILQ_FOREACH(e, &t->entries, next) {
		entries++;
		names += e->name != NULL;
	}
	if (t->kind != TABLE_USERS || names == 0)
		return (2 + entries / RANGES_PER_ITEM);
	return (3 + entries / RANGES_PER_ITEM +
	    names * MAX_SUBUIDS / RANGES_PER_ITEM);
}

static size_t
rule_items(const struct rule *r)
{
	const struct match	*mt;
	const struct pattern	*p;
	size_t			 n = 1 + r->nrates;

	TAILQ_FOREACH(mt, &r->matches, next) {
		n++;
		STAILQ_FOREACH(p, &mt->patterns, next)
			n++;
	}
	return (n);
}

/*
 * How many items policy_send() makes of it at most, whatever names turn out
 * to be and however we listen: known before anybody is asked.
 */
size_t
policy_items(const struct policy *p)
{
	const struct table	*t;
	const struct rule	*r;
	size_t			 n = ITEMS_ALWAYS + p->nheaders;

	TAILQ_FOREACH(t, &p->tables, next)
		n += table_items(t);
	TAILQ_FOREACH(r, &p->rules, next)
		n += rule_items(r);
	return (n);
}

static char *
get_dup(struct msg *m)
{
	char	 buf[STR_MAX + 1];
	char	*s;

	get_str(m, buf, sizeof(buf));
	if ((s = strdup(buf)) == NULL)
		m->bad = 1;
	return (s);
}

static void
got_fields(struct fields *f, struct msg *m)
{
	size_t	 i, n = get_u8(m);

	if (n > F_MAX) {
		m->bad = 1;
		return;
	}
	for (i = 0; i < n; i++)
		if ((f->list[i] = get_u8(m)) >= F_MAX)
			m->bad = 1;
	f->n = n;
}

static void
got_table(struct policy *p, struct msg *m)
{
	struct table	*t, *last = TAILQ_LAST(&p->tables, tables);

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		m->bad = 1;
		return;
	}
	TAILQ_INIT(&t->entries);
	t->index = get_u32(m);
	t->kind = get_u8(m);
	t->complete = get_u8(m);
	if (t->kind >= TABLE_KINDS ||
	    (last != NULL && last->index >= t->index))
		m->bad = 1;
	TAILQ_INSERT_TAIL(&p->tables, t, next);
}

/* They follow their table. */
static void
got_ranges(struct policy *p, enum kind kind, struct msg *m)
{
	struct table	*t = TAILQ_LAST(&p->tables, tables);
	struct ranges	*to;
	struct range	*new, *r;
	size_t		 n, room;

	if (get_u32(m) != (t == NULL ? TABLE_ANY : t->index) || t == NULL) {
		m->bad = 1;
		return;
	}
	to = kind == KIND_SUBS ? &t->subs : &t->own;
	n = (m->len - m->pos) / (2 * sizeof(uint32_t));
	if (to->n + n > to->room) {
		room = 2 * to->room + n;
		if ((new = reallocarray(to->list, room,
		    sizeof(*new))) == NULL) {
			m->bad = 1;
			return;
		}
		to->list = new;
		to->room = room;
	}
	for (; n > 0; n--) {
		r = &to->list[to->n++];
		r->lo = get_u32(m);
		r->hi = get_u32(m);
		if (r->lo > r->hi)
			m->bad = 1;
	}
}

static void
got_header(struct policy *p, struct msg *m)
{
	char		 name[STR_MAX + 1];
	struct header	*h;

	get_str(m, name, sizeof(name));
	if ((h = header_new(p, name)) == NULL) {
		m->bad = 1;
		return;
	}
	h->kind = get_u8(m);
	h->value = get_dup(m);
	got_fields(&h->fields, m);
	if (h->kind >= H_MAX || (h->kind == H_FIELDS && h->fields.n == 0) ||
	    p->nheaders > MAX_HEADERS)
		m->bad = 1;
}

static void
got_rule(struct policy *p, struct msg *m)
{
	struct rule	*r;
	int		 own;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		m->bad = 1;
		return;
	}
	TAILQ_INIT(&r->matches);
	TAILQ_INSERT_TAIL(&p->rules, r, next);
	r->number = get_u32(m);
	r->action = get_u8(m);
	r->keep = get_u8(m);
	r->silent = get_u8(m);
	r->bucket = get_u64(m);
	r->text = get_dup(m);
	own = get_u8(m);
	r->message = get_dup(m);
	if (r->action >= A_MAX)
		m->bad = 1;
	if (!own) {
		free(r->message);
		r->message = NULL;
	}
}

/* It follows its rule. */
static void
got_rate(struct policy *p, struct msg *m)
{
	struct rule	*r = TAILQ_LAST(&p->rules, rules);
	struct rate	*rate;

	if (r == NULL || r->nrates == MAX_RATES) {
		m->bad = 1;
		return;
	}
	rate = &r->rates[r->nrates++];
	rate->unit = get_u8(m);
	rate->most = get_u32(m);
	rate->seconds = get_u32(m);
	if (rate->unit >= U_MAX || rate->seconds == 0 ||
	    rate->seconds > MAX_WINDOW)
		m->bad = 1;
}

/* It follows its rule. */
static void
got_match(struct policy *p, struct msg *m)
{
	struct rule	*r = TAILQ_LAST(&p->rules, rules);
	enum matcher	 kind = get_u8(m);
	struct match	*mt;

	if (r == NULL || kind >= M_MAX || (mt = match_new(r, kind)) == NULL) {
		m->bad = 1;
		return;
	}
	mt->negate = get_u8(m);
	mt->table = get_u32(m);
	if (mt->table != TABLE_ANY &&
	    (mt->set = policy_table(p, mt->table)) == NULL)
		m->bad = 1;
}

/* It follows its matcher. */
static void
got_pattern(struct policy *p, struct msg *m)
{
	struct rule	*r = TAILQ_LAST(&p->rules, rules);
	struct match	*mt = r == NULL ? NULL :
			    TAILQ_LAST(&r->matches, matches);
	char		 text[STR_MAX + 1];

	get_str(m, text, sizeof(text));
	if (mt == NULL || pattern_new(mt, text) == NULL)
		m->bad = 1;
}

static void
got_record(struct policy *p, struct msg *m)
{
	size_t	 i, n;

	p->backend = get_u8(m);
	n = get_u8(m);
	if (p->backend >= B_MAX || n > MAX_PORTS) {
		m->bad = 1;
		return;
	}
	for (i = 0; i < n; i++) {
		p->ports[i].lo = get_u16(m);
		p->ports[i].hi = get_u16(m);
		if (p->ports[i].lo > p->ports[i].hi)
			m->bad = 1;
	}
	p->nports = n;
}

/* Take one item.  Returns 0, or -1 if it made no sense. */
static int
take_item(struct policy *p, struct msg *m)
{
	enum kind	 kind = get_u16(m);

	switch (kind) {
	case KIND_TIMEOUT:
		p->timeout = get_u32(m);
		break;
	case KIND_LOOKUP_TIMEOUT:
		p->lookup_timeout = get_u32(m);
		break;
	case KIND_WANT:
		p->want = get_u32(m);
		break;
	case KIND_TEMPFAIL:
		p->tempfail = get_u32(m) != 0;
		break;
	case KIND_STRIP_LOCAL:
		p->strip_local = get_u32(m) != 0;
		break;
	case KIND_HEADER:
		got_header(p, m);
		break;
	case KIND_LOG_FIELDS:
		got_fields(&p->log_fields, m);
		break;
	case KIND_TABLE:
		got_table(p, m);
		break;
	case KIND_RANGES:
	case KIND_SUBS:
		got_ranges(p, kind, m);
		break;
	case KIND_RULE:
		got_rule(p, m);
		break;
	case KIND_RATE:
		got_rate(p, m);
		break;
	case KIND_MATCH:
		got_match(p, m);
		break;
	case KIND_PATTERN:
		got_pattern(p, m);
		break;
	case KIND_RECORD:
		got_record(p, m);
		break;
	default:
		return (-1);
	}
	return (msg_end(m));
}

static int
range_cmp(const void *a, const void *b)
{
	const struct range	*x = a, *y = b;

	return (x->lo < y->lo ? -1 : x->lo > y->lo);
}

/* Make them fit for searching. */
static void
sort_ranges(struct ranges *r)
{
	size_t	 i, n = 0;

	if (r->n == 0)
		return;
	qsort(r->list, r->n, sizeof(*r->list), range_cmp);
	for (i = 0; i < r->n; i++)
		if (n > 0 && r->list[i].lo <= r->list[n - 1].hi) {
			if (r->list[n - 1].hi < r->list[i].hi)
				r->list[n - 1].hi = r->list[i].hi;
		} else
			r->list[n++] = r->list[i];
	r->n = n;
}

static void
sort_tables(struct policy *p)
{
	struct table	*t;

	TAILQ_FOREACH(t, &p->tables, next) {
		sort_ranges(&t->own);
		sort_ranges(&t->subs);
	}
}

/*
 * The messages that bring a policy, for their handlers: each returns 0, or -1
 * if it made no sense.  CONF_BEGIN:
 */
int
policy_begin(struct incoming *in, struct msg *m)
{
	uint32_t	 generation = get_u32(m);

	in->items = get_u32(m);
	if (msg_end(m) == -1)
		return (-1);
	policy_free(in->policy);
	if ((in->policy = policy_new()) == NULL)
		return (-1);
	in->policy->generation = generation;
	return (0);
}

/* CONF_ITEM: */
int
policy_item(struct incoming *in, struct msg *m)
{
	if (in->policy == NULL || in->items == 0)
		return (-1);
	in->items--;
	return (take_item(in->policy, m));
}

/* CONF_END; the policy is the caller's then, who puts it in force. */
int
policy_end(struct incoming *in, struct msg *m, struct policy **done)
{
	uint32_t	 generation = get_u32(m);

	if (msg_end(m) == -1 || in->policy == NULL || in->items != 0 ||
	    generation != in->policy->generation)
		return (-1);
	sort_tables(in->policy);
	*done = in->policy;
	in->policy = NULL;
	return (0);
}

/* True if a worker can work with it. */
int
policy_complete(const struct policy *p)
{
	return (!TAILQ_EMPTY(&p->headers));
}
