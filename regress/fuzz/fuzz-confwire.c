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
 * A policy as it comes from the parent, item by item; and what a worker does
 * with one that was taken.
 *
 * SOURCES: common/confwire.c common/wire.c common/addr.c common/answer.c
 * SOURCES: common/xtext.c common/clock.c common/log.c milterd/policy.c
 * SOURCES: milterd/header.c common/chan.c common/msgtab.c
 */

#include "fuzz.h"
#include "milterd.h"

#define GENERATION	7

static uint32_t	 groups[] = { 100, 1000 };

static const struct owner	 owners[] = {
	{ .verdict = E_UNKNOWN, .reason = R_CLOSED, .login = LOGIN_UNSET },
	{ .verdict = E_OWNED, .source = SRC_SCAN, .named = 1, .uid = 1000,
	    .account = 1000, .login = 1000, .pid = 4711, .holders = 1,
	    .text = { [T_USER] = "bob", [T_PROGRAM] = "perl",
	    [T_EXE] = "/usr/bin/perl", [T_CWD] = "/", [T_UNIT] = "x.service" },
	    .groups = groups, .ngroups = 2 },
	{ .verdict = E_OWNED, .uid = 100001, .account = 1000,
	    .login = LOGIN_UNSET, .text = { [T_OWNER] = "bob" } }
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return (0);
}

static void
check_ranges(const struct ranges *r)
{
	size_t	 i;

	for (i = 0; i < r->n; i++) {
		REQUIRE(r->list[i].lo <= r->list[i].hi);
		REQUIRE(i == 0 || r->list[i - 1].hi < r->list[i].lo);
	}
}

static void
use(const struct policy *p, const struct owner *o)
{
	struct charge		 charge = { .seconds = 7 };
	struct decision		 d;
	const struct header	*h;
	char			 text[6144];

	d = policy_decide(p, o, "bob@example.org", NULL, NULL);
	REQUIRE(d.action < A_MAX);
	charge.rate = d.limit == NULL || d.limit->nrates == 0 ? NULL :
	    &d.limit->rates[0];
	(void)policy_reply(&d, o, &charge, text, sizeof(text));
	if (charge.rate != NULL) {
		d.action = A_LIMIT;
		(void)policy_reply(&d, o, &charge, text, sizeof(text));
	}
	(void)owner_line(text, sizeof(text), &p->log_fields, o, "-");
	TAILQ_FOREACH(h, &p->headers, next)
		if (h->kind != H_NONE)
			free(header_value(h, o));
}

/* What we would send on is what we would take. */
static int
take_again(struct msg *m, void *arg)
{
	REQUIRE(!m->bad);
	REQUIRE(policy_item(arg, m) == 0);
	return (0);
}

static void
check_policy(const struct policy *p)
{
	struct incoming	 in = { NULL, UINT32_MAX };
	struct table	*t;
	size_t		 i;

	TAILQ_FOREACH(t, &p->tables, next) {
		check_ranges(&t->own);
		check_ranges(&t->subs);
	}
	for (i = 0; i < NITEMS(owners); i++)
		use(p, &owners[i]);
	REQUIRE((in.policy = policy_new()) != NULL);
	REQUIRE(policy_send(p, ROLE_WORKER, take_again, &in) > 0);
	REQUIRE(in.policy->nheaders == p->nheaders);
	policy_free(in.policy);
}

/* One item is a part of the input; all come between BEGIN and END. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len }, part;
	struct incoming	 conf = { NULL, 0 };
	struct policy	*p = NULL;
	struct msg	 m;
	int		 rv;

	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, GENERATION);
	put_u32(&m, UINT32_MAX);
	REQUIRE(policy_begin(&conf, &m) == 0);
	for (rv = 0; in.left > 0 && rv == 0;) {
		part = take_part(&in);
		msg_new(&m, IMSG_CONF_ITEM, 0);
		m.len = part.left < sizeof(m.data) ? part.left :
		    sizeof(m.data);
		if (m.len > 0)
			memcpy(m.data, part.p, m.len);
		rv = policy_item(&conf, &m);
	}
	conf.items = 0;
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, GENERATION);
	if (rv == 0)
		REQUIRE(policy_end(&conf, &m, &p) == 0);
	if (p != NULL)
		check_policy(p);
	policy_free(p);
	policy_free(conf.policy);
	return (0);
}
