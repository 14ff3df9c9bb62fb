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
 * What the configuration becomes in memory: regress/conf sees no more than
 * what is printed of it.
 *
 * SOURCES: obj/parse.c parent/conf.c common/addr.c common/answer.c
 * SOURCES: common/chan.c common/clock.c common/confwire.c common/log.c
 * SOURCES: common/msgtab.c common/wire.c common/xtext.c
 */

#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "parent.h"

#define RELOADS		100
#define BASE		"listen on socket \"/run/m.sock\"\n"

static char	 dir[] = "/tmp/t-parse.XXXXXX";
static char	 error[256];

static char *
write_file(const char *name, const char *text)
{
	static char	 path[128];
	FILE		*f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
	return (path);
}

static struct conf *
parse(const char *text)
{
	return (parse_config(write_file("conf", text), getuid(), error,
	    sizeof(error)));
}

static struct conf *
parse_good(const char *text)
{
	struct conf	*conf = parse(text);

	if (conf == NULL)
		fail_msg("%s", error);
	assert_string_equal(error, "");
	return (conf);
}

static int
setup(void **state)
{
	(void)state;
	(void)umask(022);
	log_init("t-parse", open("/dev/null", O_WRONLY), 0);
	return (mkdtemp(dir) != NULL ? 0 : -1);
}

static int
teardown(void **state)
{
	static const char *const	 names[] = { "conf", "names" };
	char				 path[128];
	size_t				 i;

	(void)state;
	for (i = 0; i < NITEMS(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return (rmdir(dir));
}

static const struct table *
expect_table(struct policy *p, uint32_t index, enum table_kind kind,
    const char *name)
{
	const struct table	*t = policy_table(p, index);

	assert_non_null(t);
	assert_int_equal(t->kind, kind);
	if (name == NULL)
		assert_null(t->name);
	else
		assert_string_equal(t->name, name);
	return (t);
}

static const struct entry *
expect_name(const struct entry *e, const char *name)
{
	assert_non_null(e);
	assert_non_null(e->name);
	assert_string_equal(e->name, name);
	assert_int_equal(e->known, 0);
	return (TAILQ_NEXT(e, next));
}

static const struct entry *
expect_range(const struct entry *e, uint32_t lo, uint32_t hi)
{
	assert_non_null(e);
	assert_null(e->name);
	assert_int_equal(e->known, 1);
	assert_int_equal(e->range.lo, lo);
	assert_int_equal(e->range.hi, hi);
	return (TAILQ_NEXT(e, next));
}

static const struct match *
expect_match(const struct match *m, enum matcher kind, int negate)
{
	assert_non_null(m);
	assert_int_equal(m->kind, kind);
	assert_int_equal(m->negate, negate);
	return (m);
}

/* The next of a matcher, which has at least this one. */
static const struct pattern *
expect_pattern(const struct pattern *p, const char *text)
{
	assert_non_null(p);
	assert_string_equal(p->text, text);
	return (STAILQ_NEXT(p, next));
}

static const struct header *
expect_header(const struct header *h, int kind, const char *name)
{
	assert_non_null(h);
	assert_int_equal(h->kind, kind);
	assert_string_equal(h->name, name);
	return (h);
}

static void
defaults(void **state)
{
	struct conf		*conf = parse_good(BASE);
	struct policy		*p = conf->policy;
	const struct header	*h;

	(void)state;
	assert_int_equal(conf->listen.family, AF_UNIX);
	assert_string_equal(conf->listen.path, "/run/m.sock");
	assert_int_equal(conf->listen.mode, 0660);
	assert_null(conf->listen.owner);
	assert_null(conf->listen.group);
	assert_int_equal(conf->listen.at.line, 1);
	assert_int_equal(conf->control.family, AF_UNIX);
	assert_string_equal(conf->control.path, "/run/milter-sysuser.sock");
	assert_int_equal(conf->control.mode, 0660);
	assert_string_equal(conf->user.name, "_sysuser");
	assert_string_equal(conf->resolver.name, "_sysuserres");
	assert_string_equal(conf->names.name, "_sysuser");
	assert_string_equal(conf->chroot, "/run/milter-sysuser");
	assert_string_equal(conf->statedir, "/var/lib/milter-sysuser");
	assert_int_equal(conf->prefork, 2);
	assert_int_equal(p->refs, 1);
	assert_int_equal(p->timeout, 7210);
	assert_int_equal(p->lookup_timeout, 1000);
	assert_int_equal(p->tempfail, 0);
	assert_int_equal(p->strip_local, 0);
	assert_int_equal(p->unlimited, 0);
	assert_int_equal(p->nheaders, 1);
	h = expect_header(TAILQ_FIRST(&p->headers), H_FIELDS,
	    "X-Sender-Process-Info");
	assert_int_equal(h->fields.n, 2);
	assert_int_equal(h->fields.list[0], F_USER);
	assert_int_equal(h->fields.list[1], F_PROGRAM);
	assert_null(h->value);
	assert_null(TAILQ_NEXT(h, next));
	assert_int_equal(p->log_fields.n, 8);
	assert_int_equal(p->log_fields.list[7], F_UNIT);
	assert_true(TAILQ_EMPTY(&p->tables));
	assert_true(TAILQ_EMPTY(&p->rules));
	conf_free(conf);
}

static void
sockets(void **state)
{
	struct conf	*conf;

	(void)state;
	conf = parse_good("listen on inet ::1 port 7357 insecure\n");
	assert_int_equal(conf->listen.family, AF_INET6);
	assert_int_equal(conf->listen.addr.port, 7357);
	assert_int_equal(conf->listen.addr.addr[15], 1);
	conf_free(conf);
	conf = parse_good("listen on inet 127.0.0.2 port 1 insecure\n");
	assert_int_equal(conf->listen.family, AF_INET);
	assert_true(endpoint_is4(&conf->listen.addr));
	assert_int_equal(conf->listen.addr.addr[15], 2);
	conf_free(conf);
	conf = parse_good("listen on socket /a owner o group g mode 0600\n"
	    "control socket /b group h mode 0640\n");
	assert_int_equal(conf->listen.mode, 0600);
	assert_string_equal(conf->listen.owner, "o");
	assert_string_equal(conf->listen.group, "g");
	assert_int_equal(conf->control.mode, 0640);
	assert_null(conf->control.owner);
	assert_string_equal(conf->control.group, "h");
	conf_free(conf);
}

/* rule -> matches -> tables -> entries */
static void
rules(void **state)
{
	struct conf		*conf;
	struct policy	*p;
	const struct rule	*r;
	const struct match	*m;
	const struct table	*t;
	const struct entry	*e;

	(void)state;
	conf = parse_good(BASE "table <t> { a, uid 7, uid 8 - 9 }\n"
	    "pass user <t> keep header\n"
	    "reject not user b user { c, d } message \"1\n\r2\"\n");
	p = conf->policy;

	r = TAILQ_FIRST(&p->rules);
	assert_int_equal(r->number, 1);
	assert_int_equal(r->action, A_PASS);
	assert_int_equal(r->keep, 1);
	assert_null(r->message);
	assert_int_equal(conf->keep.line, 3);
	m = expect_match(TAILQ_FIRST(&r->matches), M_USER, 0);
	t = expect_table(p, m->table, TABLE_USERS, "t");
	e = expect_name(TAILQ_FIRST(&t->entries), "a");
	e = expect_range(e, 7, 7);
	assert_null(expect_range(e, 8, 9));
	assert_null(TAILQ_NEXT(m, next));

	r = TAILQ_NEXT(r, next);
	assert_int_equal(r->number, 2);
	assert_int_equal(r->action, A_REJECT);
	assert_int_equal(r->keep, 0);
	assert_string_equal(r->message, "1  2");
	m = expect_match(TAILQ_FIRST(&r->matches), M_USER, 1);
	t = expect_table(p, m->table, TABLE_USERS, NULL);
	assert_null(expect_name(TAILQ_FIRST(&t->entries), "b"));
	m = expect_match(TAILQ_NEXT(m, next), M_USER, 0);
	t = expect_table(p, m->table, TABLE_USERS, NULL);
	e = expect_name(TAILQ_FIRST(&t->entries), "c");
	assert_null(expect_name(e, "d"));
	assert_null(TAILQ_NEXT(r, next));
	conf_free(conf);
}

static void
matchers(void **state)
{
	struct conf		*conf;
	struct policy	*p;
	const struct rule	*r;
	const struct match	*m;
	const struct table	*t;
	const struct entry	*e;

	(void)state;
	conf = parse_good(BASE "tempfail user any uid 5 not uid { 6, 7 - 8 }\n"
	    "discard group { g, h } not exe \"/x*\" unit u\n"
	    "quarantine unknown\n"
	    "pass\n");
	p = conf->policy;

	r = TAILQ_FIRST(&p->rules);
	assert_int_equal(r->action, A_TEMPFAIL);
	m = expect_match(TAILQ_FIRST(&r->matches), M_USER, 0);
	assert_int_equal(m->table, TABLE_ANY);
	m = expect_match(TAILQ_NEXT(m, next), M_UID, 0);
	t = expect_table(p, m->table, TABLE_USERS, NULL);
	assert_null(expect_range(TAILQ_FIRST(&t->entries), 5, 5));
	m = expect_match(TAILQ_NEXT(m, next), M_UID, 1);
	t = expect_table(p, m->table, TABLE_USERS, NULL);
	e = expect_range(TAILQ_FIRST(&t->entries), 6, 6);
	assert_null(expect_range(e, 7, 8));

	r = TAILQ_NEXT(r, next);
	assert_int_equal(r->action, A_DISCARD);
	m = expect_match(TAILQ_FIRST(&r->matches), M_GROUP, 0);
	t = expect_table(p, m->table, TABLE_GROUPS, NULL);
	e = expect_name(TAILQ_FIRST(&t->entries), "g");
	assert_null(expect_name(e, "h"));
	m = expect_match(TAILQ_NEXT(m, next), M_EXE, 1);
	assert_int_equal(m->table, TABLE_ANY);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "/x*"));
	m = expect_match(TAILQ_NEXT(m, next), M_UNIT, 0);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "u"));

	r = TAILQ_NEXT(r, next);
	assert_int_equal(r->action, A_QUARANTINE);
	m = expect_match(TAILQ_FIRST(&r->matches), M_UNKNOWN, 0);
	assert_null(TAILQ_NEXT(m, next));

	r = TAILQ_NEXT(r, next);
	assert_int_equal(r->number, 4);
	assert_true(TAILQ_EMPTY(&r->matches));
	assert_null(TAILQ_NEXT(r, next));
	conf_free(conf);
}

static void
patterns(void **state)
{
	struct conf		*conf;
	const struct match	*m;
	const struct pattern	*p;

	(void)state;
	conf = parse_good(BASE "reject program { \"perl*\", 7z,\n\t7 } cwd /x "
	    "not unit { a } sender \"<>\" sender from b sender not from "
	    "{ c, \"user\" } not sender d\n");
	m = TAILQ_FIRST(&TAILQ_FIRST(&conf->policy->rules)->matches);
	p = STAILQ_FIRST(&expect_match(m, M_PROGRAM, 0)->patterns);
	p = expect_pattern(p, "perl*");
	p = expect_pattern(p, "7z");
	assert_null(expect_pattern(p, "7"));
	m = expect_match(TAILQ_NEXT(m, next), M_CWD, 0);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "/x"));
	m = expect_match(TAILQ_NEXT(m, next), M_UNIT, 1);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "a"));
	m = expect_match(TAILQ_NEXT(m, next), M_SENDER, 0);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "<>"));
	m = expect_match(TAILQ_NEXT(m, next), M_SENDER, 0);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "b"));
	m = expect_match(TAILQ_NEXT(m, next), M_SENDER, 1);
	p = expect_pattern(STAILQ_FIRST(&m->patterns), "c");
	assert_null(expect_pattern(p, "user"));
	m = expect_match(TAILQ_NEXT(m, next), M_SENDER, 1);
	assert_null(expect_pattern(STAILQ_FIRST(&m->patterns), "d"));
	assert_null(TAILQ_NEXT(m, next));
	conf_free(conf);
}

static void
headers(void **state)
{
	struct conf		*conf;
	const struct header	*h;
	const struct rule	*r;

	(void)state;
	conf = parse_good(BASE "header X-A value \"%u %{uid} 100%% \\\"\"\n"
	    "header X-B fields { owner, user }\nheader none\n"
	    "header X-C none\npass uid 1 header none\nquarantine\n");
	assert_int_equal(conf->policy->nheaders, 4);
	h = TAILQ_FIRST(&conf->policy->headers);
	expect_header(h, H_VALUE, "X-A");
	assert_string_equal(h->value, "%u %{uid} 100%% \"");
	assert_int_equal(h->fields.n, 0);
	h = expect_header(TAILQ_NEXT(h, next), H_FIELDS, "X-B");
	assert_int_equal(h->fields.n, 2);
	assert_int_equal(h->fields.list[0], F_OWNER);
	h = TAILQ_NEXT(h, next);
	expect_header(h, H_NONE, "X-Sender-Process-Info");
	h = expect_header(TAILQ_NEXT(h, next), H_NONE, "X-C");
	assert_null(TAILQ_NEXT(h, next));
	r = TAILQ_FIRST(&conf->policy->rules);
	assert_int_equal(r->silent, 1);
	assert_int_equal(r->keep, 0);
	assert_int_equal(TAILQ_NEXT(r, next)->silent, 0);
	conf_free(conf);
}

/* What is only like the names that mail has a use for: see conf/bad. */
static void
free_names(void **state)
{
	struct conf	*conf;

	(void)state;
	conf = parse_good(BASE "header Authentication-Results-Old none\n"
	    "header X-ARC-Seal none\nheader ARC none\nheader ARCSeal none\n"
	    "header Delivered none\nheader Delivered-Too none\n"
	    "table <Blocked-now> { }\ntable <blocked> { }\n"
	    "table <blocked-now2> { }\nreject user <blocked>\n");
	assert_int_equal(conf->policy->nheaders, 6);
	(void)expect_table(conf->policy, 0, TABLE_USERS, "Blocked-now");
	(void)expect_table(conf->policy, 1, TABLE_USERS, "blocked");
	(void)expect_table(conf->policy, 2, TABLE_USERS, "blocked-now2");
	conf_free(conf);
}

static void
expect_rates(const struct rule *r, const struct rate *rates, size_t n)
{
	size_t	 i;

	assert_non_null(r);
	assert_int_equal(r->action, A_LIMIT);
	assert_int_equal(r->nrates, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(r->rates[i].unit, rates[i].unit);
		assert_int_equal(r->rates[i].most, rates[i].most);
		assert_int_equal(r->rates[i].seconds, rates[i].seconds);
	}
}

/* An amount without "per" has the window of the next one that has. */
static void
limits(void **state)
{
	static const struct rate	 some[] = {
		{ U_MESSAGES, 200, 3600 }, { U_RECIPIENTS, 1000, 3600 },
		{ U_MESSAGES, 2000, 86400 }
	}, all[MAX_RATES] = {
		{ U_MESSAGES, 1, 1 }, { U_RECIPIENTS, 1, 1 },
		{ U_MESSAGES, UINT32_MAX - 1, 120 }, { U_MESSAGES, 3, 7200 },
		{ U_MESSAGES, 4, 2 * 86400 }, { U_MESSAGES, 5, 14 * 86400 },
		{ U_MESSAGES, 6, MAX_WINDOW }, { U_RECIPIENTS, 7, MAX_WINDOW }
	};
	struct conf			*conf;
	const struct rule		*r;

	(void)state;
	conf = parse_good(BASE "limit user any to 200 messages, 1000 "
	    "recipients per 1h, 2000 messages per 1d message \"slow\ndown\"\n"
	    "limit to 1 message, 1 recipient per 1s, 4294967294 messages per "
	    "2m, 3 messages per 120m, 4 messages per 48h, 5 messages per 2w, "
	    "6 messages, 7 recipients per 31d\n");
	r = TAILQ_FIRST(&conf->policy->rules);
	expect_rates(r, some, NITEMS(some));
	assert_string_equal(r->message, "slow down");
	assert_false(TAILQ_EMPTY(&r->matches));
	r = TAILQ_NEXT(r, next);
	expect_rates(r, all, NITEMS(all));
	assert_null(r->message);
	assert_true(TAILQ_EMPTY(&r->matches));
	conf_free(conf);
}

/* On an inet socket anybody could claim to be anybody. */
static void
unlimited(void **state)
{
	static const struct {
		const char	*text;
		int		 unlimited;
	} tests[] = {
		{ BASE "limit to 1 message per 1s\n", 0 },
		{ "listen on inet ::1 port 7 insecure\npass\n", 0 },
		{ "listen on inet ::1 port 7 insecure\n"
		    "limit to 1 message per 1s\n", 1 },
		{ "limit to 1 message per 1s\npass\n"
		    "listen on inet 127.0.0.1 port 7 insecure\n", 1 }
	};
	struct conf	*conf;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(tests); i++) {
		conf = parse_good(tests[i].text);
		assert_int_equal(conf->policy->unlimited, tests[i].unlimited);
		conf_free(conf);
	}
}

/* One line, as -nv prints it, and never more than a message can carry. */
static void
texts(void **state)
{
	static const char	 dots[] = "...";
	struct conf		*conf;
	const struct rule	*r;
	char			 text[4096];
	int			 i;

	(void)state;
	conf = parse_good(BASE "table <t> { }\n"
	    "reject user <t> program { a,\nb } message \"1\n2\"\n"
	    "limit to 1 message, 2 recipients per 90s, 3 messages per 2w\n"
	    "pass user any keep header\nquarantine header none\n");
	r = TAILQ_FIRST(&conf->policy->rules);
	assert_string_equal(r->text,
	    "reject user <t> program { \"a\", \"b\" } message \"1 2\"");
	r = TAILQ_NEXT(r, next);
	assert_string_equal(r->text, "limit to 1 message, 2 recipients per "
	    "90s, 3 messages per 14d");
	r = TAILQ_NEXT(r, next);
	assert_string_equal(r->text, "pass user any keep header");
	r = TAILQ_NEXT(r, next);
	assert_string_equal(r->text, "quarantine header none");
	conf_free(conf);
	/* As long as may be, and longer. */
	for (i = 0; i < 12; i++) {
		(void)snprintf(text, sizeof(text),
		    BASE "reject exe { \"%0490d\", \"%0*d\303\274\" }\n",
		    0, 482 + i, 0);
		conf = parse_good(text);
		r = TAILQ_FIRST(&conf->policy->rules);
		if (i <= 5) {
			assert_int_equal(strlen(r->text), 995 + i);
			assert_null(strstr(r->text, dots));
		} else {
			assert_string_equal(r->text + strlen(r->text) -
			    strlen(dots), dots);
			/* Nothing is left of the two bytes of a letter. */
			assert_int_equal(strlen(r->text),
			    i == 6 ? 999 : 1000);
			assert_null(strstr(r->text, "\303..."));
		}
		conf_free(conf);
	}
}

/* The bucket of the n-th rule, from 1. */
static uint64_t
bucket(const char *text, unsigned int n)
{
	struct conf		*conf = parse_good(text);
	const struct rule	*r = TAILQ_FIRST(&conf->policy->rules);
	uint64_t		 hash;

	while (n-- > 1)
		assert_non_null(r = TAILQ_NEXT(r, next));
	hash = r->bucket;
	conf_free(conf);
	return (hash);
}

#define HOUR		" to 1 message per 1h\n"
#define TABLE_A		"table <t> { a }\n"
#define TABLE_B		"table <t> { b }\n"

/* Whom a limit counts is known by its matchers alone. */
static void
buckets(void **state)
{
	const uint64_t	 any = bucket(BASE "limit user any" HOUR, 1);
	const uint64_t	 second = bucket(BASE "limit user any" HOUR
			    "limit user any" HOUR, 2);
	const uint64_t	 list = bucket(BASE "limit user { a, b }" HOUR, 1);

	(void)state;
	assert_true(any != 0);
	assert_int_equal(bucket(BASE "pass unknown\nlimit user b" HOUR
	    "limit user any to 7 recipients per 2s message x\n", 3), any);
	assert_int_equal(bucket(BASE "limit user any to 2 messages per 1d\n"
	    "reject user any\nlimit user any" HOUR, 1), any);
	assert_true(second != any);
	assert_int_equal(bucket(BASE "limit user any" HOUR "limit uid 5" HOUR
	    "reject user any\nlimit user any to 3 messages per 1s\n", 4),
	    second);
	assert_true(bucket(BASE "limit user any" HOUR "limit user any" HOUR
	    "limit user any" HOUR, 3) != second);

	assert_true(bucket(BASE "limit" HOUR, 1) != any);
	assert_true(bucket(BASE "limit user a" HOUR, 1) !=
	    bucket(BASE "limit not user a" HOUR, 1));
	assert_true(bucket(BASE "limit exe a" HOUR, 1) !=
	    bucket(BASE "limit cwd a" HOUR, 1));
	assert_int_equal(bucket(BASE "limit user {\n'a'\nb }" HOUR, 1), list);
	assert_true(bucket(BASE "limit user { b, a }" HOUR, 1) != list);
	/* A table is known by its name. */
	assert_int_equal(bucket(BASE TABLE_A "limit user <t>" HOUR, 1),
	    bucket(BASE TABLE_B "limit user <t>" HOUR, 1));
}

static void
table_files(void **state)
{
	struct conf		*conf;
	const struct table	*t;
	const struct entry	*e;

	(void)state;
	(void)write_file("names", "# names\n\n alice\t# she\nuser\n"
	    "\"John # Smith\"\n'1000'\nuid 1000\nuid 5-7\nuid 8 - 9\nlast");
	conf = parse_good(BASE "table <t> file \"names\"\n"
	    "table <u> { b }\n");
	t = TAILQ_FIRST(&conf->policy->tables);
	assert_int_equal(t->index, 0);
	assert_int_equal(*t->file, '/');
	e = expect_name(TAILQ_FIRST(&t->entries), "alice");
	e = expect_name(e, "user");
	e = expect_name(e, "John # Smith");
	e = expect_name(e, "1000");
	e = expect_range(e, 1000, 1000);
	e = expect_range(e, 5, 7);
	e = expect_range(e, 8, 9);
	assert_null(expect_name(e, "last"));
	t = TAILQ_NEXT(t, next);
	assert_int_equal(t->index, 1);
	assert_null(t->file);
	assert_null(expect_name(TAILQ_FIRST(&t->entries), "b"));
	conf_free(conf);
}

/* The caller gets the first one, with its place. */
static void
first_error(void **state)
{
	char	 want[256];

	(void)state;
	assert_null(parse(BASE "prefork 0\nprefork 0\nx\n"));
	(void)snprintf(want, sizeof(want),
	    "%s/conf:2: prefork must be between 1 and 64", dir);
	assert_string_equal(error, want);
	assert_null(parse("user a\n\n\n"));
	(void)snprintf(want, sizeof(want), "%s/conf:3: no \"listen on\": ",
	    dir);
	assert_memory_equal(error, want, strlen(want));
	assert_null(parse_config("/nonexistent", 0, error, sizeof(error)));
	assert_string_equal(error, "/nonexistent: is not there: make it, or "
	    "correct its name");
	assert_null(parse_config("/nonexistent", 0, error, 10));
	assert_string_equal(error, "/nonexist");
}

static void
accounts(void **state)
{
	struct conf	*conf;

	(void)state;
	conf = parse_good(BASE "user nobody\nresolver user daemon\n"
	    "control user daemon\n");
	assert_int_equal(conf_accounts(conf, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "conf:3: resolver user \"daemon\" must "
	    "not be the same as control user: name another"));
	conf_free(conf);
	conf = parse_good(BASE "user nobody\nresolver user daemon\n");
	assert_int_equal(conf_accounts(conf, error, sizeof(error)), 0);
	assert_string_equal(error, "");
	assert_int_not_equal(conf->user.uid, 0);
	assert_int_not_equal(conf->user.uid, conf->resolver.uid);
	assert_int_equal(conf->user.uid, conf->names.uid);
	assert_int_equal(conf->user.gid, conf->names.gid);
	conf_free(conf);
}

/* All are counted and named; in too small a buffer, as many as fit. */
static void
expect_restart(const struct conf *old, const struct conf *new, int n,
    const char *what)
{
	char	 buf[256];
	size_t	 size;

	for (size = 1; size <= sizeof(buf); size++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(conf_restart(old, new, buf, size), n);
		assert_int_equal(strlen(buf), strlen(what) < size ?
		    strlen(what) : size - 1);
		assert_memory_equal(buf, what, strlen(buf));
		if (size < sizeof(buf))
			assert_int_equal((unsigned char)buf[size], 0xee);
	}
}

#define ALL		"prefork 3\nstate directory /y\nchroot /x\n" \
			    "control user c\nresolver user r\nuser u\n" \
			    "control socket \"/x\"\n"
#define ALL_NAMES	"control socket, user, resolver user, control user, " \
			    "chroot, state directory, prefork"

static void
restart(void **state)
{
	static const struct {
		const char	*text;
		int		 n;
		const char	*what;
	} tests[] = {
		{ "timeout 7000\ntable <t> { }\nreject user <t>\n"
		    "header \"X-A\" fields { uid }\nlog fields { uid }\n"
		    "header none\nlimit user any to 1 message per 1h\n"
		    "strip local\non failure tempfail\nlookup timeout 1\n",
		    0, "" },
		{ "chroot \"/run/milter-sysuser\"\nprefork 2\n", 0, "" },
		{ "control socket \"/x\"\n", 1, "control socket" },
		{ "control socket \"/run/milter-sysuser.sock\" group g\n",
		    1, "control socket" },
		{ "control socket \"/run/milter-sysuser.sock\" mode 0600\n",
		    1, "control socket" },
		/* control has that user, if it has none of its own. */
		{ "user x\n", 2, "user, control user" },
		{ "user x\ncontrol user _sysuser\n", 1, "user" },
		{ "resolver user x\n", 1, "resolver user" },
		{ "control user x\n", 1, "control user" },
		{ "chroot /x\n", 1, "chroot" },
		{ "state directory /x\n", 1, "state directory" },
		{ "prefork 3\n", 1, "prefork" },
		/* In their own order, not that of the file. */
		{ "prefork 3\nuser x\n", 3,
		    "user, control user, prefork" },
		{ "chroot /x\nreject unknown\nresolver user x\n", 2,
		    "resolver user, chroot" },
		{ ALL, 7, ALL_NAMES }
	};
	struct conf	*old = parse_good(BASE), *new;
	char		 text[512];
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(tests); i++) {
		(void)snprintf(text, sizeof(text), BASE "%s", tests[i].text);
		new = parse_good(text);
		expect_restart(old, new, tests[i].n, tests[i].what);
		/* Back to what it was is a change as well. */
		expect_restart(new, old, tests[i].n, tests[i].what);
		expect_restart(new, new, 0, "");
		conf_free(new);
	}
	new = parse_good("listen on inet 127.0.0.1 port 1 insecure\n");
	expect_restart(old, new, 1, "listen on");
	conf_free(old);
	old = parse_good("listen on inet 127.0.0.1 port 2 insecure\n");
	expect_restart(old, new, 1, "listen on");
	conf_free(new);
	new = parse_good("listen on inet 127.0.0.1 port 2 insecure\n" ALL);
	expect_restart(old, new, 7, ALL_NAMES);
	conf_free(new);
	new = parse_good("listen on inet 127.0.0.1 port 3 insecure\n" ALL);
	expect_restart(old, new, 8, "listen on, " ALL_NAMES);
	conf_free(new);
	conf_free(old);
}

/* Many rules, good and bad: what is lost each time would be seen. */
static void
reloads(void **state)
{
	struct rusage	 before, after;
	char		*text;
	size_t		 len = 0, size = 1 << 17;
	unsigned int	 i;

	(void)state;
	assert_non_null(text = malloc(size));
	len = strlcpy(text, BASE "m = \"user\"\n", size);
	for (i = 0; len < size - 200; i++)
		len += snprintf(text + len, size - len, "%s $m { \"u%u\", "
		    "x } exe { \"/%u\", b } %s message \"m %u\"\n",
		    i % 2 ? "limit" : "reject", i, i,
		    i % 2 ? "to 2 messages per 1h" : "", i);
	for (i = 0; i < RELOADS; i++) {
		conf_free(parse_good(text));
		(void)strlcpy(text + len, i % 2 ? "" : "table <x {\n",
		    size - len);
		if (i % 2 == 0)
			assert_null(parse(text));
		if (i == RELOADS / 10)
			assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
		text[len] = '\0';
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	assert_in_range(after.ru_maxrss, 0, before.ru_maxrss + 16 * 1024);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(sockets),
		cmocka_unit_test(rules),
		cmocka_unit_test(matchers),
		cmocka_unit_test(patterns),
		cmocka_unit_test(headers),
		cmocka_unit_test(free_names),
		cmocka_unit_test(limits),
		cmocka_unit_test(unlimited),
		cmocka_unit_test(texts),
		cmocka_unit_test(buckets),
		cmocka_unit_test(table_files),
		cmocka_unit_test(first_error),
		cmocka_unit_test(accounts),
		cmocka_unit_test(restart),
		cmocka_unit_test(reloads)
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
