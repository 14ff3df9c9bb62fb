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
 * SOURCES: milterd/policy.c common/answer.c common/xtext.c common/wire.c
 * SOURCES: common/addr.c common/clock.c common/log.c common/confwire.c
 * SOURCES: common/chan.c common/msgtab.c
 *
 * Rules, owners and senders, and what becomes of the message.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "milterd.h"

/* Who sends, in the order of the columns of the tables below. */
enum {
	UNKNOWN,	/* the kernel no longer knows */
	ALICE,		/* all is known */
	BARE,		/* alice too, but no process was found */
	NOBODY,		/* a uid without an account */
	GROUPLESS,	/* an account without groups */
	ROOT,
	SUB,		/* a subordinate uid of alice's */
	OWNERS
};

static const uint32_t	 alice_groups[] = { 1000, 4, 50 };
static const uint32_t	 root_groups[] = { 0 };

static const struct owner owners[OWNERS] = {
	[UNKNOWN] = {
		/* What is left of it must not count. */
		.verdict = E_UNKNOWN, .reason = R_CLOSED, .named = 1,
		.uid = 1000, .account = 1000,
		.text = { [T_USER] = "alice", [T_PROGRAM] = "perl",
		    [T_EXE] = "/usr/bin/perl", [T_CWD] = "/home/alice",
		    [T_UNIT] = "cron.service" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[ALICE] = {
		.verdict = E_OWNED, .named = 1, .uid = 1000, .account = 1000,
		.pid = 4711,
		.text = { [T_USER] = "alice", [T_PROGRAM] = "perl",
		    [T_EXE] = "/usr/bin/perl", [T_CWD] = "/home/alice",
		    [T_UNIT] = "cron.service" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[BARE] = {
		.verdict = E_OWNED, .named = 1, .uid = 1000, .account = 1000,
		.text = { [T_USER] = "alice" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[NOBODY] = {
		.verdict = E_OWNED, .named = 1, .uid = 70000, .account = 70000,
		.pid = 4712,
		.text = { [T_PROGRAM] = "telnet", [T_EXE] = "/usr/bin/telnet",
		    [T_CWD] = "/", [T_UNIT] = "session-2.scope" }
	},
	[GROUPLESS] = {
		.verdict = E_OWNED, .named = 1, .uid = 33, .account = 33,
		.pid = 4713,
		.text = { [T_USER] = "www-data", [T_PROGRAM] = "perl5.36",
		    [T_EXE] = "/opt/perl", [T_CWD] = "/home/bob" }
	},
	[ROOT] = {
		.verdict = E_OWNED, .named = 1, .uid = 0, .account = 0, .pid = 1,
		.text = { [T_USER] = "root", [T_PROGRAM] = "cron" },
		.groups = root_groups, .ngroups = NITEMS(root_groups)
	},
	[SUB] = {
		.verdict = E_OWNED, .named = 1, .uid = 100001,
		.account = 1000, .pid = 4714, .text = { [T_OWNER] = "alice",
		    [T_PROGRAM] = "curl", [T_EXE] = "/usr/bin/curl",
		    [T_CWD] = "/srv", [T_UNIT] = "libpod-1.scope" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
};

/* Sorted and apart, as policy_finish() leaves them. */
static struct range	 some[] = {
	{ 1000, 1000 }, { 2000, 2999 }, { 65536, 70000 }
};
static struct range	 staff[] = { { 50, 50 } };
static struct range	 all[] = { { 0, UINT32_MAX } };
static struct range	 zero[] = { { 0, 0 } };
static struct range	 subs[] = { { 100000, 165535 } };

enum {
	ANY, SOME, STAFF, EMPTY, ALL, ZERO, SUBS,
	/* Not all of their names could be asked for. */
	SOME_YET, STAFF_YET, NONE_YET,
	TABLES
};

#define TABLE(r, n, c)	{ .own = { r, n, n }, .complete = c }

static const struct table	 tables[TABLES] = {
	[SOME] =	TABLE(some, NITEMS(some), 1),
	[STAFF] =	TABLE(staff, NITEMS(staff), 1),
	[EMPTY] =	TABLE(NULL, 0, 1),
	[ALL] =		TABLE(all, NITEMS(all), 1),
	[ZERO] =	TABLE(zero, NITEMS(zero), 1),
	[SUBS] =	TABLE(subs, NITEMS(subs), 1),
	[SOME_YET] =	TABLE(some, NITEMS(some), 0),
	[STAFF_YET] =	TABLE(staff, NITEMS(staff), 0),
	[NONE_YET] =	TABLE(NULL, 0, 0),
};

#define SENDER	"Alice@Example.org"

/* One matcher as the tests write it: its patterns have a | between them. */
struct spec {
	enum matcher	 kind;
	int		 negate;
	int		 table;
	const char	*globs;
};

#define MATCHES	3
#define RULES	6

struct rule_spec {
	enum action	 action;
	size_t		 n;
	struct spec	 match[MATCHES];
};

static struct policy	*policy;

static int
forget(void **state)
{
	(void)state;
	policy_free(policy);
	policy = NULL;
	return (0);
}

static struct match *
add_match(struct rule *r, const struct spec *s)
{
	struct match	*m = match_new(r, s->kind);
	char		 list[512], *rest = list, *glob;

	assert_non_null(m);
	m->negate = s->negate;
	if (s->table != ANY) {
		m->table = s->table;
		m->set = &tables[s->table];
	}
	if (s->globs == NULL)
		return (m);
	assert_true(strlcpy(list, s->globs, sizeof(list)) < sizeof(list));
	while ((glob = strsep(&rest, "|")) != NULL)
		assert_non_null(pattern_new(m, glob));
	return (m);
}

static struct rule *
add_rule(enum action action)
{
	struct rule	*last = TAILQ_LAST(&policy->rules, rules);
	struct rule	*r;

	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	TAILQ_INIT(&r->matches);
	TAILQ_INSERT_TAIL(&policy->rules, r, next);
	r->number = last == NULL ? 1 : last->number + 1;
	r->action = action;
	return (r);
}

static void
build(const struct rule_spec *spec, size_t n)
{
	struct rule	*r;
	size_t		 i, j;

	policy_free(policy);
	policy = policy_new();
	assert_non_null(policy);
	for (i = 0; i < n; i++) {
		r = add_rule(spec[i].action);
		for (j = 0; j < spec[i].n; j++)
			(void)add_match(r, &spec[i].match[j]);
	}
}

/* The only matcher that there is. */
static struct match *
the_match(void)
{
	return (TAILQ_FIRST(&TAILQ_FIRST(&policy->rules)->matches));
}

/* What was told of the rules, in that order. */
#define ROWS	1001
struct row {
	uint32_t	 number;
	enum outcome	 out;
	enum matcher	 what;
};
static struct row	 told[ROWS];
static size_t		 ntold;

static void
note(const struct rule *r, enum outcome out, enum matcher what, void *arg)
{
	assert_ptr_equal(arg, told);
	assert_true(ntold < ROWS);
	told[ntold++] = (struct row){ r->number, out, what };
}

/* It is the same whether somebody listens or not. */
static struct decision
decision(const struct owner *o, const char *sender)
{
	struct decision	 d, quiet;

	ntold = 0;
	d = policy_decide(policy, o, sender, note, told);
	quiet = policy_decide(policy, o, sender, NULL, NULL);
	assert_int_equal(d.action, quiet.action);
	assert_ptr_equal(d.rule, quiet.rule);
	assert_ptr_equal(d.limit, quiet.limit);
	assert_int_equal(d.builtin, RULE_NONE);
	assert_int_equal(quiet.builtin, RULE_NONE);
	assert_int_equal(d.action, d.rule == NULL ? A_PASS : d.rule->action);
	assert_int_not_equal(d.action, A_LIMIT);
	return (d);
}

static unsigned int
number(const struct rule *r)
{
	return (r == NULL ? 0 : r->number);
}

/* The number of the rule that decides, 0 for none. */
static unsigned int
decide(const struct owner *o)
{
	return (number(decision(o, SENDER).rule));
}

/*
 * One rule of one matcher: was it told right?  What neither is true nor its
 * contrary can't be told.
 */
static int
told_right(int yes, int contrary, enum matcher kind)
{
	if (ntold != 1 || told[0].number != 1)
		return (0);
	if (yes)
		return (told[0].out == OUT_DECIDES && told[0].what == M_MAX);
	return (told[0].out == (contrary ? OUT_FALSE : OUT_OPEN) &&
	    told[0].what == kind);
}

/* Of whom it is not known who he is, all that is known does not count. */
static void
check_strangers(size_t row, int expect)
{
	struct owner	 o;
	int		 who, v;

	for (who = 0; who < OWNERS; who++)
		for (v = 0; v < E_MAX; v++) {
			o = owners[who];
			o.verdict = v;
			if (v != E_OWNED && decide(&o) != (unsigned int)expect)
				fail_msg("row %zu, owner %d, %s", row, who,
				    verdict_names[v]);
		}
}

/* One matcher, and its contrary: is it true of each? */
static void
t_matchers(void **state)
{
	static const struct {
		enum matcher	 kind;
		int		 table;
		const char	*glob;
		/* unknown alice bare nobody groupless root sub */
		int		 plain[OWNERS], not[OWNERS];
	} table[] = {
		{ M_USER, ANY, NULL,
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_USER, SOME, NULL,
		    { 0, 1, 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 1, 1, 0 } },
		{ M_USER, EMPTY, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1, 1 } },
		{ M_USER, ZERO, NULL,
		    { 0, 0, 0, 0, 0, 1, 0 }, { 0, 1, 1, 1, 1, 0, 1 } },
		{ M_UID, SOME, NULL,
		    { 0, 1, 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 1, 1, 0 } },
		{ M_UID, ALL, NULL,
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_UID, EMPTY, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1, 1 } },
		{ M_UID, SUBS, NULL,
		    { 0, 0, 0, 0, 0, 0, 1 }, { 0, 1, 1, 1, 1, 1, 0 } },
		/* Of a uid without an account no groups are known. */
		{ M_GROUP, STAFF, NULL,
		    { 0, 1, 1, 0, 0, 0, 1 }, { 0, 0, 0, 0, 1, 1, 0 } },
		{ M_GROUP, ZERO, NULL,
		    { 0, 0, 0, 0, 0, 1, 0 }, { 0, 1, 1, 0, 1, 0, 1 } },
		{ M_GROUP, ALL, NULL,
		    { 0, 1, 1, 0, 0, 1, 1 }, { 0, 0, 0, 0, 1, 0, 0 } },
		{ M_GROUP, EMPTY, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 0, 1, 1, 1 } },
		{ M_GROUP, ANY, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/*
		 * Who is not in a table that lacks names may belong into it:
		 * neither is true.  Who is in it is in it.
		 */
		{ M_USER, SOME_YET, NULL,
		    { 0, 1, 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_UID, SOME_YET, NULL,
		    { 0, 1, 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_USER, NONE_YET, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_GROUP, STAFF_YET, NULL,
		    { 0, 1, 1, 0, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_GROUP, NONE_YET, NULL,
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/* What was not found can't be told from anything. */
		{ M_PROGRAM, ANY, "perl",
		    { 0, 1, 0, 0, 0, 0, 0 }, { 0, 0, 0, 1, 1, 1, 1 } },
		{ M_PROGRAM, ANY, "perl*",
		    { 0, 1, 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0, 1, 1 } },
		{ M_PROGRAM, ANY, "*",
		    { 0, 1, 0, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_EXE, ANY, "/usr/*",
		    { 0, 1, 0, 1, 0, 0, 1 }, { 0, 0, 0, 0, 1, 0, 0 } },
		{ M_EXE, ANY, "*/perl",
		    { 0, 1, 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0, 0, 1 } },
		{ M_CWD, ANY, "/home/*",
		    { 0, 1, 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0, 0, 1 } },
		{ M_CWD, ANY, "/",
		    { 0, 0, 0, 1, 0, 0, 0 }, { 0, 1, 0, 0, 1, 0, 1 } },
		{ M_UNIT, ANY, "*.service",
		    { 0, 1, 0, 0, 0, 0, 0 }, { 0, 0, 0, 1, 0, 0, 1 } },
		{ M_UNIT, ANY, "session-?.scope",
		    { 0, 0, 0, 1, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0, 1 } },
		/* One of a list is enough; the contrary wants none. */
		{ M_PROGRAM, ANY, "ruby|telnet|perl*",
		    { 0, 1, 0, 1, 1, 0, 0 }, { 0, 0, 0, 0, 0, 1, 1 } },
		{ M_EXE, ANY, "/opt/*|/nowhere",
		    { 0, 0, 0, 0, 1, 0, 0 }, { 0, 1, 0, 1, 0, 0, 1 } },
		{ M_CWD, ANY, "/srv|/",
		    { 0, 0, 0, 1, 0, 0, 1 }, { 0, 1, 0, 0, 1, 0, 0 } },
		{ M_UNIT, ANY, "*.service|*.scope",
		    { 0, 1, 0, 1, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/* An unknown one may say what he likes. */
		{ M_SENDER, ANY, "*@example.org",
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ M_SENDER, ANY, "bob@*|carol@*",
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1, 1 } },
		{ M_UNKNOWN, ANY, NULL,
		    { 1, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1, 1 } },
		{ M_MAX, ANY, "*",
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
	};
	struct rule_spec	 r = { A_REJECT, 1,
				    { { M_USER, 0, 0, NULL } } };
	const int		*yes, *no;
	size_t			 i;
	int			 who, negate;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (negate = 0; negate <= 1; negate++) {
			r.match[0] = (struct spec){ table[i].kind, negate,
			    table[i].table, table[i].glob };
			yes = negate ? table[i].not : table[i].plain;
			no = negate ? table[i].plain : table[i].not;
			build(&r, 1);
			for (who = 0; who < OWNERS; who++)
				if (decide(&owners[who]) !=
				    (unsigned int)yes[who] || !told_right(
				    yes[who], no[who], table[i].kind))
					fail_msg("row %zu%s, owner %d", i,
					    negate ? ", not" : "", who);
			check_strangers(i, yes[UNKNOWN]);
		}
}

/* Which rule decides: the first of which all is true. */
static void
t_rules(void **state)
{
	static const struct {
		size_t			 n;
		struct rule_spec	 rules[RULES];
		unsigned int		 expect[OWNERS];
	} table[] = {
		/* No rules at all. */
		{ 0, { { A_PASS, 0, { { M_USER, 0, 0, NULL } } } },
		    { 0, 0, 0, 0, 0, 0, 0 } },
		/* A bare action is true even of an unknown owner. */
		{ 1, { { A_DISCARD, 0, { { M_USER, 0, 0, NULL } } } },
		    { 1, 1, 1, 1, 1, 1, 1 } },
		{ 2, { { A_PASS, 0, { { M_USER, 0, 0, NULL } } },
		    { A_REJECT, 0, { { M_USER, 0, 0, NULL } } } },
		    { 1, 1, 1, 1, 1, 1, 1 } },
		/* All of a rule, in any order. */
		{ 1, { { A_REJECT, 2, { { M_USER, 0, SOME, NULL },
		    { M_PROGRAM, 0, ANY, "perl*" } } } },
		    { 0, 1, 0, 0, 0, 0, 0 } },
		{ 1, { { A_REJECT, 2, { { M_PROGRAM, 0, ANY, "perl*" },
		    { M_USER, 0, SOME, NULL } } } },
		    { 0, 1, 0, 0, 0, 0, 0 } },
		{ 1, { { A_REJECT, 3, { { M_PROGRAM, 0, ANY, "*" },
		    { M_USER, 1, SOME, NULL }, { M_GROUP, 1, ZERO, NULL } } } },
		    { 0, 0, 0, 0, 1, 0, 0 } },
		/* It can't be unknown and alice. */
		{ 1, { { A_REJECT, 2, { { M_UNKNOWN, 0, ANY, NULL },
		    { M_USER, 0, SOME, NULL } } } },
		    { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { { A_REJECT, 2, { { M_UNKNOWN, 1, ANY, NULL },
		    { M_USER, 0, SOME, NULL } } } },
		    { 0, 1, 1, 1, 0, 0, 1 } },
		/* The first that matches, be it to pass. */
		{ 4, { { A_PASS, 1, { { M_USER, 0, ZERO, NULL } } },
		    { A_TEMPFAIL, 1, { { M_UNKNOWN, 0, ANY, NULL } } },
		    { A_QUARANTINE, 1, { { M_GROUP, 0, STAFF, NULL } } },
		    { A_REJECT, 1, { { M_USER, 0, ANY, NULL } } } },
		    { 2, 3, 3, 4, 4, 1, 3 } },
		{ 3, { { A_REJECT, 1, { { M_PROGRAM, 0, ANY, "telnet" } } },
		    { A_PASS, 1, { { M_USER, 0, ANY, NULL } } },
		    { A_REJECT, 0, { { M_USER, 0, 0, NULL } } } },
		    { 3, 2, 2, 1, 2, 2, 2 } },
		/* Nobody is refused because nothing is known of him. */
		{ 2, { { A_REJECT, 1, { { M_USER, 1, SOME, NULL } } },
		    { A_REJECT, 1, { { M_EXE, 1, ANY, "/usr/*" } } } },
		    { 0, 0, 0, 0, 1, 1, 0 } },
		/* Nor because nothing is known of the others. */
		{ 2, { { A_REJECT, 1, { { M_USER, 1, SOME_YET, NULL } } },
		    { A_REJECT, 1, { { M_USER, 0, ZERO, NULL } } } },
		    { 0, 0, 0, 0, 0, 2, 0 } },
		{ 3, { { A_REJECT, 1, { { M_GROUP, 1, NONE_YET, NULL } } },
		    { A_REJECT, 2, { { M_USER, 0, SOME_YET, NULL },
		    { M_PROGRAM, 0, ANY, "perl" } } },
		    { A_PASS, 0, { { M_USER, 0, 0, NULL } } } },
		    { 3, 2, 3, 3, 3, 3, 3 } },
		/* Nobody sends in another name, but who does not may send. */
		{ 2, { { A_PASS, 2, { { M_USER, 0, ZERO, NULL },
		    { M_SENDER, 0, ANY, "*@example.org" } } },
		    { A_REJECT, 2, { { M_USER, 0, ANY, NULL },
		    { M_SENDER, 1, ANY, "alice@*" } } } },
		    { 0, 0, 0, 0, 0, 1, 0 } },
	};
	size_t	 i;
	int	 who;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		build(table[i].rules, table[i].n);
		for (who = 0; who < OWNERS; who++)
			if (decide(&owners[who]) != table[i].expect[who])
				fail_msg("row %zu, owner %d", i, who);
	}
}

#define AS	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
t_globs(void **state)
{
	static const struct {
		const char	*glob, *text;
		int		 expect;
	} table[] = {
		{ "perl", "perl", 1 },
		{ "perl", "perl5", 0 },
		{ "perl", "/usr/bin/perl", 0 },
		{ "perl", "Perl", 0 },
		{ "", "", 1 },
		{ "", "a", 0 },
		{ "*", "", 1 },
		{ "*", "/a/b/c", 1 },
		{ "*", ".hidden", 1 },
		{ "?", "", 0 },
		{ "?", "a", 1 },
		{ "?", "/", 1 },
		{ "/home/*/bin/*", "/home/a/b/bin/c/d", 1 },
		{ "[a-c]x", "bx", 1 },
		{ "[a-c]x", "dx", 0 },
		{ "[!a-c]x", "dx", 1 },
		{ "\\*", "*", 1 },
		{ "\\*", "a", 0 },
		{ "php[0-9].[0-9]", "php8.2", 1 },
		{ "a b", "a b", 1 },
		{ "*x", "\r\n\033x", 1 },
		{ "\xff*", "\xff\xfe", 1 },
		{ "* (deleted)", "/tmp/a (deleted)", 1 },
		/* Brackets that are none, or are odd. */
		{ "[", "[", 1 },
		{ "[a", "[a", 1 },
		{ "[]", "[]", 1 },
		{ "[]]", "]", 1 },
		{ "[!]]", "]", 0 },
		{ "[[]x", "[x", 1 },
		{ "[a-]", "-", 1 },
		{ "[A-Z]", "q", 0 },
		{ "a]", "a]", 1 },
		{ "\\[x]", "[x]", 1 },
		{ "\\[x]", "x", 0 },
		{ "php{7,8}", "php8", 0 },
		{ "php{7,8}", "php{7,8}", 1 },
		{ "%s%n", "%s%n", 1 },
		/* A worker that tries all ways is stuck here. */
		{ "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", AS AS AS AS, 0 },
	};
	static const enum matcher	 kinds[] = {
		M_PROGRAM, M_EXE, M_CWD, M_UNIT
	};
	static const enum text		 texts[] = {
		T_PROGRAM, T_EXE, T_CWD, T_UNIT
	};
	struct rule_spec		 r = { A_REJECT, 1,
					    { { M_EXE, 0, ANY, NULL } } };
	struct owner			 o;
	size_t				 i, j;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (j = 0; j < NITEMS(kinds); j++) {
			memset(&o, 0, sizeof(o));
			o.verdict = E_OWNED;
			o.text[texts[j]] = table[i].text;
			r.match[0].kind = kinds[j];
			r.match[0].globs = table[i].glob;
			build(&r, 1);
			if ((int)decide(&o) != table[i].expect)
				fail_msg("row %zu", i);
		}
}

/*
 * Tables of every small size, each id in and around them: their own ranges, or
 * the subordinate ones for somebody who is not named.
 */
static void
search(struct table *t, struct ranges *r, int named)
{
	struct rule_spec	 spec = { A_REJECT, 1,
				    { { M_UID, 0, EMPTY, NULL } } };
	struct owner		 o;
	struct range		*ranges = r->list;
	size_t			 i;

	memset(&o, 0, sizeof(o));
	o.verdict = E_OWNED;
	o.named = named;
	for (i = 0; i < r->room; i++) {
		ranges[i].lo = 10 * i + 5;
		ranges[i].hi = ranges[i].lo + i % 4;
	}
	build(&spec, 1);
	the_match()->set = t;
	for (r->n = 0; r->n <= r->room; r->n++)
		for (o.uid = 0; o.uid < 140; o.uid++) {
			o.account = o.uid;
			for (i = 0; i < r->n; i++)
				if (o.uid >= ranges[i].lo &&
				    o.uid <= ranges[i].hi)
					break;
			assert_int_equal(decide(&o), i < r->n);
		}
	/* The last of many is found as well. */
	ranges[0] = (struct range){ 0, 0 };
	ranges[1] = (struct range){ UINT32_MAX, UINT32_MAX };
	r->n = 2;
	o.uid = o.account = UINT32_MAX;
	assert_int_equal(decide(&o), 1);
	o.uid = o.account = UINT32_MAX - 1;
	assert_int_equal(decide(&o), 0);
	o.uid = o.account = 0;
	assert_int_equal(decide(&o), 1);
}

static void
t_search(void **state)
{
	static struct range	 ranges[12];
	struct ranges		 r = { ranges, 0, NITEMS(ranges) };
	struct table		 own = { .own = r }, sub = { .subs = r };

	(void)state;
	search(&own, &own.own, 1);
	search(&own, &own.own, 0);
	search(&sub, &sub.subs, 0);
}

/* Who has the uid is not always who is meant by it. */
static const struct {
	const char	*what;
	struct owner	 o;
	int		 expect;	/* of TEAM; -1: can't be told */
} people[] = {
	{ "alice", { .named = 1, .uid = 1000, .account = 1000,
	    .text = { [T_USER] = "alice" } }, 1 },
	{ "the last of a range", { .named = 1, .uid = 2999, .account = 2999,
	    .text = { [T_USER] = "zoe" } }, 1 },
	{ "a uid of nobody's that stands there", { .named = 1, .uid = 2500,
	    .account = 2500 }, 1 },
	{ "bob", { .named = 1, .uid = 1001, .account = 1001,
	    .text = { [T_USER] = "bob" } }, 0 },
	{ "another alice", { .named = 1, .uid = 1001, .account = 1001,
	    .text = { [T_USER] = "alice" } }, 0 },
	{ "root", { .named = 1, .text = { [T_USER] = "root" } }, 0 },
	{ "nobody", { .named = 1, .uid = 3000, .account = 3000 }, 0 },

	{ "alice's subordinate", { .named = 1, .uid = 100001,
	    .account = 1000, .text = { [T_OWNER] = "alice" } }, 1 },
	{ "one in a range of hers that we don't know", { .named = 1,
	    .uid = 300000, .account = 1000,
	    .text = { [T_OWNER] = "alice" } }, 1 },
	{ "one who has a name, too", { .named = 1, .uid = 300000,
	    .account = 1000, .text = { [T_USER] = "box",
	    [T_OWNER] = "alice" } }, 1 },
	{ "bob's subordinate", { .named = 1, .uid = 300000,
	    .account = 1001, .text = { [T_OWNER] = "bob" } }, 0 },
	{ "bob's in a range that was alice's", { .named = 1, .uid = 100001,
	    .account = 1001, .text = { [T_OWNER] = "bob" } }, 0 },
	{ "one whose owner lies in her range", { .named = 1, .uid = 300000,
	    .account = 100001, .text = { [T_OWNER] = "box" } }, 0 },

	/* In her range, but not hers: names know better. */
	{ "an account", { .named = 1, .uid = 100001, .account = 100001,
	    .text = { [T_USER] = "box" } }, 0 },
	{ "the first of them", { .named = 1, .uid = 100000,
	    .account = 100000, .text = { [T_USER] = "box" } }, 0 },
	{ "the last of them", { .named = 1, .uid = 165535,
	    .account = 165535, .text = { [T_USER] = "box" } }, 0 },
	{ "nobody's", { .named = 1, .uid = 100001, .account = 100001 }, 0 },
	/* Without the owner's name there is no owner. */
	{ "a number that is left", { .named = 1, .uid = 100001,
	    .account = 1000 }, 0 },

	/* Names have not spoken. */
	{ "her uid, not named", { .uid = 1000, .account = 1000 }, 1 },
	{ "a uid in her range, not named", { .uid = 100001,
	    .account = 100001 }, 1 },
	{ "the first of it", { .uid = 100000, .account = 100000 }, 1 },
	{ "the last of it", { .uid = 165535, .account = 165535 }, 1 },
	{ "one before it", { .uid = 99999, .account = 99999 }, 0 },
	{ "one after it", { .uid = 165536, .account = 165536 }, 0 },
	{ "somebody, not named", { .uid = 1001, .account = 1001 }, 0 },
	{ "root, not named", { .uid = 0 }, 0 },
	/* What else is there must not count. */
	{ "not named, with an owner", { .uid = 300000, .account = 1000,
	    .text = { [T_OWNER] = "alice" } }, 0 },
	{ "not named, with a name", { .uid = 1001, .account = 1000,
	    .text = { [T_USER] = "alice" } }, 0 },
	{ "not named, in her range, with a name", { .uid = 100001,
	    .account = 100001, .text = { [T_USER] = "box" } }, 1 },
};

static void
expect_match(const struct owner *o, enum matcher kind, int negate,
    const struct table *t, int expect, const char *what)
{
	struct rule_spec	 r = { A_REJECT, 1,
				    { { kind, negate, EMPTY, NULL } } };
	int			 yes = expect == !negate;
	int			 no = expect == negate;

	build(&r, 1);
	the_match()->set = t;
	if (decide(o) != (unsigned int)yes || !told_right(yes, no, kind))
		fail_msg("%s%s, %s of a table that is%s complete, told %d",
		    negate ? "not " : "", matcher_names[kind], what,
		    t->complete ? "" : " not", told[0].out);
}

static void
t_named(void **state)
{
	static struct range		 own[] = {
		{ 1000, 1000 }, { 2000, 2999 }
	};
	static const enum matcher	 kinds[] = { M_USER, M_UID };
	struct table			 team = { .own = { own, 2, 2 },
					    .subs = { subs, 1, 1 } };
	struct owner			 o;
	size_t				 i, k;
	int				 negate, v, expect;

	(void)state;
	for (i = 0; i < NITEMS(people); i++)
		for (k = 0; k < 2 * 2 * NITEMS(kinds); k++) {
			o = people[i].o;
			o.verdict = E_OWNED;
			team.complete = k & 1;
			negate = k >> 1 & 1;
			/* Who is not there may be of a name not yet known. */
			expect = people[i].expect == 0 && !team.complete ? -1 :
			    people[i].expect;
			expect_match(&o, kinds[k >> 2], negate, &team, expect,
			    people[i].what);
			for (v = 0; v < E_MAX; v++) {
				o.verdict = v;
				if (v != E_OWNED)
					expect_match(&o, kinds[k >> 2], negate,
					    &team, -1, people[i].what);
			}
		}
}

/* Subordinate ids are users, no groups; and any user is any user. */
static void
t_named_others(void **state)
{
	static const uint32_t	 groups[] = { 100001 };
	struct table		 t = { .complete = 1,
				    .subs = { subs, 1, 1 } };
	struct rule_spec	 any = { A_REJECT, 1,
				    { { M_USER, 0, ANY, NULL } } };
	struct owner		 o = { .verdict = E_OWNED, .uid = 100001,
				    .account = 100001, .groups = groups,
				    .ngroups = 1 };

	(void)state;
	expect_match(&o, M_GROUP, 0, &t, -1, "without an account");
	expect_match(&o, M_GROUP, 1, &t, -1, "without an account");
	o.named = 1;
	expect_match(&o, M_GROUP, 0, &t, -1, "of nobody");
	o.text[T_USER] = "box";
	expect_match(&o, M_GROUP, 0, &t, 0, "of an account");
	expect_match(&o, M_GROUP, 1, &t, 0, "of an account");
	for (o.named = 0; o.named <= 1; o.named++) {
		build(&any, 1);
		assert_int_equal(decide(&o), 1);
	}
}

/* Any of the groups in any of the ranges, the last in the last too. */
static void
t_many_groups(void **state)
{
	uint32_t		 groups[MAX_GROUPS];
	struct rule_spec	 r = { A_REJECT, 1,
				    { { M_GROUP, 0, STAFF, NULL } } };
	struct owner		 o = owners[ALICE];
	size_t			 i;

	(void)state;
	build(&r, 1);
	for (i = 0; i < NITEMS(groups); i++)
		groups[i] = 1000 + i;
	o.groups = groups;
	o.ngroups = NITEMS(groups);
	assert_int_equal(decide(&o), 0);
	for (i = 0; i < NITEMS(groups); i++) {
		groups[i] = 50;
		assert_int_equal(decide(&o), 1);
		groups[i] = 51;
	}
}

/* The address in the envelope, as the MTA gives it to us. */
static void
t_senders(void **state)
{
	static const struct {
		const char	*globs, *sender;
		int		 expect;
	} table[] = {
		{ "alice@example.org", "alice@example.org", 1 },
		{ "alice@example.org", "ALICE@EXAMPLE.ORG", 1 },
		{ "ALICE@Example.ORG", "alice@example.org", 1 },
		{ "*@EXAMPLE.org", "Alice@eXample.Org", 1 },
		{ "[a-c]*@x", "BOB@X", 1 },
		{ "[A-C]*@x", "bob@x", 1 },
		{ "[!a-c]*@x", "BOB@x", 0 },
		{ "*@example.org", "alice@example.org.evil.net", 0 },
		{ "*@example.org", "alice@evil-example.org", 0 },
		{ "*@example.org", "alice@sub.example.org", 0 },
		{ "*@*.example.org", "alice@sub.example.org", 1 },
		{ "*@example.org", "\"a@evil.net\"@example.org", 1 },
		{ "*@example.org", "", 0 },
		{ "*@example.org", "alice", 0 },
		{ "alice@example.org", "alice@example.org ", 0 },
		{ "a.b@x", "a+b@x", 0 },
		/* What bounces and news are sent from. */
		{ "<>", "<>", 1 },
		{ "<>", "", 0 },
		{ "", "<>", 0 },
		{ "", "", 1 },
		{ "*", "<>", 1 },
		{ "*@*", "<>", 0 },
		{ "??", "<>", 1 },
		/* Some of a list. */
		{ "<>|*@a|*@b", "<>", 1 },
		{ "<>|*@a|*@b", "x@A", 1 },
		{ "<>|*@a|*@b", "x@B", 1 },
		{ "<>|*@a|*@b", "x@c", 0 },
		{ "|x", "", 1 },
		/* Bytes are bytes, and only letters of ASCII have a case. */
		{ "\xc3\xa4@x", "\xc3\xa4@X", 1 },
		{ "\xc3\xa4@x", "\xc3\x84@x", 0 },
		{ "\xc3\xa4*", "\xc3\xa4\xff\xfe", 1 },
		{ "?@x", "\xc3\xa4@x", 0 },
		{ "*@x", "\r\n\033@x", 1 },
		{ "*@x", "%s%n@x", 1 },
		{ "a[b@x", "A[B@x", 1 },
		{ "\\[a]@x", "[A]@x", 1 },
		{ "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", AS AS AS AS, 0 },
		/* Without any nothing is true, nor is the contrary. */
		{ "*", NULL, -1 },
		{ "", NULL, -1 },
	};
	struct rule_spec	 r = { A_REJECT, 1,
				    { { M_SENDER, 0, ANY, NULL } } };
	int			 yes, no, expect;
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (r.match[0].negate = 0; r.match[0].negate <= 1;
		    r.match[0].negate++) {
			r.match[0].globs = table[i].globs;
			build(&r, 1);
			expect = table[i].expect;
			yes = expect == !r.match[0].negate;
			no = expect == r.match[0].negate;
			if (number(decision(&owners[BARE],
			    table[i].sender).rule) != (unsigned int)yes ||
			    !told_right(yes, no, M_SENDER))
				fail_msg("row %zu%s", i, r.match[0].negate ?
				    ", not" : "");
			assert_null(decision(&owners[UNKNOWN],
			    table[i].sender).rule);
			assert_int_equal(told[0].out, OUT_OPEN);
		}
	/* Of no patterns at all none fits. */
	for (r.match[0].negate = 0; r.match[0].negate <= 1;
	    r.match[0].negate++) {
		r.match[0].globs = NULL;
		build(&r, 1);
		assert_int_equal(decide(&owners[ALICE]), r.match[0].negate);
	}
}

#define LIMIT(kind, not, t)	{ A_LIMIT, 1, { { kind, not, t, NULL } } }
#define BARE_RULE(action)	{ action, 0, { { M_USER, 0, 0, NULL } } }

/* Which limit counts the message, and which rule decides all the same. */
static void
t_limits(void **state)
{
	static const struct {
		size_t			 n;
		struct rule_spec	 rules[RULES];
		unsigned int		 limit[OWNERS], rule[OWNERS];
	} table[] = {
		{ 1, { LIMIT(M_USER, 0, SOME) },
		    { 0, 1, 1, 1, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { LIMIT(M_USER, 1, SOME) },
		    { 0, 0, 0, 0, 1, 1, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { LIMIT(M_USER, 1, SOME_YET) },
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/* All that is unknown has one count, where it is named. */
		{ 1, { BARE_RULE(A_LIMIT) },
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { LIMIT(M_UNKNOWN, 0, ANY) },
		    { 1, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { LIMIT(M_UNKNOWN, 1, ANY) },
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 2, { BARE_RULE(A_LIMIT), LIMIT(M_UNKNOWN, 0, ANY) },
		    { 2, 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { { A_LIMIT, 2, { { M_UNKNOWN, 0, ANY, NULL },
		    { M_UNKNOWN, 0, ANY, NULL } } } },
		    { 1, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		{ 1, { { A_LIMIT, 2, { { M_UNKNOWN, 0, ANY, NULL },
		    { M_SENDER, 0, ANY, "*" } } } },
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/* The first that matches, and no other. */
		{ 3, { LIMIT(M_USER, 0, ZERO), LIMIT(M_GROUP, 0, STAFF),
		    LIMIT(M_USER, 0, ANY) },
		    { 0, 2, 2, 3, 3, 1, 2 }, { 0, 0, 0, 0, 0, 0, 0 } },
		/* It does not end the search; what decides does. */
		{ 4, { LIMIT(M_USER, 0, SOME),
		    { A_REJECT, 1, { { M_USER, 0, ZERO, NULL } } },
		    LIMIT(M_USER, 0, ANY), BARE_RULE(A_PASS) },
		    { 0, 1, 1, 1, 3, 0, 1 }, { 4, 4, 4, 4, 4, 2, 4 } },
		{ 2, { BARE_RULE(A_PASS), LIMIT(M_USER, 0, ANY) },
		    { 0, 0, 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1, 1, 1 } },
		{ 3, { LIMIT(M_USER, 0, ANY), LIMIT(M_USER, 0, ANY),
		    { A_TEMPFAIL, 1, { { M_GROUP, 0, STAFF, NULL } } } },
		    { 0, 1, 1, 1, 1, 1, 1 }, { 0, 3, 3, 0, 0, 0, 3 } },
		{ 6, { LIMIT(M_UNKNOWN, 0, ANY),
		    { A_LIMIT, 1, { { M_PROGRAM, 0, ANY, "curl|cron" } } },
		    { A_QUARANTINE, 1, { { M_EXE, 0, ANY, "*/telnet" } } },
		    { A_LIMIT, 1, { { M_SENDER, 0, ANY, "alice@*" } } },
		    { A_DISCARD, 1, { { M_UNKNOWN, 0, ANY, NULL } } },
		    { A_REJECT, 1, { { M_PROGRAM, 0, ANY, "perl*" } } } },
		    { 1, 4, 4, 0, 4, 2, 2 }, { 5, 6, 0, 3, 6, 0, 0 } },
	};
	struct decision		 d;
	size_t			 i;
	int			 who;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		build(table[i].rules, table[i].n);
		for (who = 0; who < OWNERS; who++) {
			d = decision(&owners[who], SENDER);
			if (number(d.limit) != table[i].limit[who] ||
			    number(d.rule) != table[i].rule[who])
				fail_msg("row %zu, owner %d: limit %u, rule %u",
				    i, who, number(d.limit), number(d.rule));
		}
	}
}

/* What sysuserctl test prints: each rule that was looked at, and why not. */
static void
t_told(void **state)
{
	static const struct rule_spec	 spec[] = {
		{ A_REJECT, 2, { { M_USER, 0, SOME, NULL },
		    { M_PROGRAM, 0, ANY, "telnet" } } },
		BARE_RULE(A_LIMIT),
		{ A_REJECT, 2, { { M_EXE, 1, ANY, "/usr/*" },
		    { M_GROUP, 0, NONE_YET, NULL } } },
		LIMIT(M_UNKNOWN, 0, ANY),
		{ A_PASS, 1, { { M_SENDER, 0, ANY, "alice@*" } } },
		BARE_RULE(A_DISCARD),
	};
	static const struct {
		int		 who;
		const char	*sender;
		size_t		 n;
		struct row	 rows[RULES];
	} table[] = {
		/* The second limit is not looked at, nor what is after 5. */
		{ ALICE, SENDER, 4, {
		    { 1, OUT_FALSE, M_PROGRAM }, { 2, OUT_LIMIT, M_MAX },
		    { 3, OUT_FALSE, M_EXE }, { 5, OUT_DECIDES, M_MAX } } },
		{ BARE, "<>", 5, {
		    { 1, OUT_OPEN, M_PROGRAM }, { 2, OUT_LIMIT, M_MAX },
		    { 3, OUT_OPEN, M_EXE }, { 5, OUT_FALSE, M_SENDER },
		    { 6, OUT_DECIDES, M_MAX } } },
		{ GROUPLESS, "", 5, {
		    { 1, OUT_FALSE, M_USER }, { 2, OUT_LIMIT, M_MAX },
		    { 3, OUT_OPEN, M_GROUP }, { 5, OUT_FALSE, M_SENDER },
		    { 6, OUT_DECIDES, M_MAX } } },
		{ NOBODY, SENDER, 1, { { 1, OUT_DECIDES, M_MAX } } },
		/* A test may leave open who is said to send. */
		{ ALICE, NULL, 5, {
		    { 1, OUT_FALSE, M_PROGRAM }, { 2, OUT_LIMIT, M_MAX },
		    { 3, OUT_FALSE, M_EXE }, { 5, OUT_OPEN, M_SENDER },
		    { 6, OUT_DECIDES, M_MAX } } },
		/* A limit for all does not count him: he is unknown. */
		{ UNKNOWN, SENDER, 6, {
		    { 1, OUT_OPEN, M_USER }, { 2, OUT_FALSE, M_UNKNOWN },
		    { 3, OUT_OPEN, M_EXE }, { 4, OUT_LIMIT, M_MAX },
		    { 5, OUT_OPEN, M_SENDER }, { 6, OUT_DECIDES, M_MAX } } },
	};
	size_t	 i, j;

	(void)state;
	build(spec, NITEMS(spec));
	for (i = 0; i < NITEMS(table); i++) {
		(void)decision(&owners[table[i].who], table[i].sender);
		assert_int_equal(ntold, table[i].n);
		for (j = 0; j < ntold; j++)
			if (told[j].number != table[i].rows[j].number ||
			    told[j].out != table[i].rows[j].out ||
			    told[j].what != table[i].rows[j].what)
				fail_msg("row %zu, rule %u", i,
				    told[j].number);
	}
}

/* A thousand rules, every third of them a limit; each decides once. */
static void
t_many_rules(void **state)
{
	static const enum action	 actions[] = {
		A_LIMIT, A_REJECT, A_TEMPFAIL
	};
	char				 name[16];
	struct spec			 spec = { M_PROGRAM, 0, ANY, name };
	struct owner			 o = owners[ALICE];
	struct decision			 d;
	unsigned int			 i;

	(void)state;
	build(NULL, 0);
	for (i = 1; i <= 1000; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		(void)add_match(add_rule(actions[i % 3]), &spec);
	}
	o.text[T_PROGRAM] = name;
	for (i = 1; i <= 1000; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		d = decision(&o, SENDER);
		assert_int_equal(number(d.limit), i % 3 == 0 ? i : 0);
		assert_int_equal(number(d.rule), i % 3 == 0 ? 0 : i);
		/* After a limit no other is looked at. */
		assert_int_equal(ntold, i % 3 == 0 ? 1000 - (1000 - i) / 3 :
		    i);
	}
	(void)strlcpy(name, "p1001", sizeof(name));
	d = decision(&o, SENDER);
	assert_null(d.rule);
	assert_null(d.limit);
	assert_int_equal(ntold, 1000);
	(void)add_rule(A_DISCARD);
	assert_int_equal(decide(&o), 1001);
}

/* As the log, sysuserctl and the events have it. */
static void
t_number(void **state)
{
	static const struct rule	 seven = { .number = 7 };
	static const struct rule	 nine = { .number = 9 };
	static const struct {
		struct decision	 d;
		uint32_t	 expect;
	} table[] = {
		{ { A_PASS, NULL, NULL, 0 }, RULE_NONE },
		{ { A_PASS, NULL, &nine, 0 }, RULE_NONE },
		{ { A_PASS, &seven, NULL, 0 }, 7 },
		{ { A_REJECT, &seven, &nine, 0 }, 7 },
		{ { A_LIMIT, &seven, &nine, 0 }, 9 },
		{ { A_LIMIT, NULL, &nine, 0 }, 9 },
		{ { A_REJECT, NULL, NULL, RULE_BLOCKED }, RULE_BLOCKED },
		{ { A_REJECT, &seven, &nine, RULE_BLOCKED }, RULE_BLOCKED },
		{ { A_REJECT, NULL, NULL, RULE_COPIES }, RULE_COPIES },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		assert_int_equal(policy_number(&table[i].d), table[i].expect);
}

/* The reply takes just that room, and not a byte less. */
static void
expect_reply(const struct decision *d, const struct owner *o,
    const struct charge *c, const char *expect)
{
	char	 buf[256];
	size_t	 len = strlen(expect);

	assert_int_equal(policy_reply(d, o, c, buf, len + 1), 0);
	assert_string_equal(buf, expect);
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(policy_reply(d, o, c, buf, len), -1);
	assert_int_equal((unsigned char)buf[len], 0xee);
}

static void
t_reply(void **state)
{
	static char	 own[] = "no mail from perl, please";
	static char	 percent[] = "100% %s%n%m <%u>";
	static const struct {
		enum action	 action;
		int		 who;
		char		*message;
		const char	*expect;
	} table[] = {
		{ A_REJECT, ALICE, NULL,
		    "User alice is blocked from sending mail" },
		{ A_QUARANTINE, ALICE, NULL,
		    "User alice is blocked from sending mail" },
		{ A_TEMPFAIL, ALICE, NULL,
		    "User alice can't send mail now, try again later" },
		{ A_REJECT, NOBODY, NULL,
		    "User #70000 is blocked from sending mail" },
		{ A_REJECT, SUB, NULL,
		    "User #100001 is blocked from sending mail" },
		{ A_REJECT, UNKNOWN, NULL,
		    "The sending process is not known" },
		{ A_TEMPFAIL, UNKNOWN, NULL,
		    "The sending process is not known, try again later" },
		{ A_REJECT, ALICE, own, "no mail from perl, please" },
		{ A_TEMPFAIL, UNKNOWN, own, "no mail from perl, please" },
		{ A_REJECT, ALICE, percent, "100% %s%n%m <%u>" },
	};
	static char	 other[] = "the limit's own words";
	struct rule	 r, limit = { .message = other };
	struct decision	 d = { .rule = &r, .limit = &limit };
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		memset(&r, 0, sizeof(r));
		r.message = table[i].message;
		d.action = r.action = table[i].action;
		expect_reply(&d, &owners[table[i].who], NULL,
		    table[i].expect);
	}
	/* No rule decided: <blocked-now> did. */
	d = (struct decision){ .action = A_REJECT, .builtin = RULE_BLOCKED };
	expect_reply(&d, &owners[ALICE], NULL,
	    "User alice is blocked from sending mail");
	expect_reply(&d, &owners[SUB], NULL,
	    "User #100001 is blocked from sending mail");
}

/* What is charged says which limit it was, and for how long. */
static void
t_reply_limit(void **state)
{
	static char	 own[] = "slowly, please: 100%";
	static char	 other[] = "what the deciding rule says";
	static const struct {
		int		 who;
		struct rate	 rate;
		uint32_t	 recipients, seconds;
		char		*message;
		const char	*expect;
	} table[] = {
		{ ALICE, { U_MESSAGES, 200, 3600 }, 1, 754, NULL,
		    "User alice is over the limit of 200 messages per 1h, "
		    "try again in 13 minutes" },
		{ ALICE, { U_RECIPIENTS, 1, 86400 }, 1, 1, NULL,
		    "User alice is over the limit of 1 recipient per 1d, "
		    "try again in 1 second" },
		{ NOBODY, { U_MESSAGES, 0, 90 }, 0, 0, NULL,
		    "User #70000 is over the limit of 0 messages per 90s, "
		    "try again in 0 seconds" },
		{ UNKNOWN, { U_MESSAGES, 10, 120 }, 1, 60, NULL,
		    "The sending process is over the limit of 10 messages "
		    "per 2m, try again in 60 seconds" },
		{ ROOT, { U_RECIPIENTS, UINT32_MAX, UINT32_MAX }, UINT32_MAX,
		    UINT32_MAX, NULL, "User root is over the limit of "
		    "4294967295 recipients per 4294967295s, try again in "
		    "49711 days" },
		/* Too many in one message are too many at any time. */
		{ ALICE, { U_RECIPIENTS, 10, 3600 }, 11, 754, NULL,
		    "User alice is over the limit of 10 recipients per 1h "
		    "with this message alone" },
		{ ALICE, { U_RECIPIENTS, 10, 3600 }, 10, 754, NULL,
		    "User alice is over the limit of 10 recipients per 1h, "
		    "try again in 13 minutes" },
		{ UNKNOWN, { U_RECIPIENTS, 0, 60 }, 1, 0, NULL,
		    "The sending process is over the limit of 0 recipients "
		    "per 1m with this message alone" },
		{ ALICE, { U_MESSAGES, 10, 3600 }, 11, 754, NULL,
		    "User alice is over the limit of 10 messages per 1h, "
		    "try again in 13 minutes" },
		{ ALICE, { U_MESSAGES, 200, 3600 }, 1, 754, own,
		    "slowly, please: 100%" },
		{ ALICE, { U_RECIPIENTS, 1, 3600 }, 2, 754, own,
		    "slowly, please: 100%" },
		{ UNKNOWN, { U_MESSAGES, 200, 3600 }, 1, 754, own,
		    "slowly, please: 100%" },
	};
	struct rule	 limit = { .action = A_LIMIT };
	struct rule	 r = { .action = A_PASS, .message = other };
	struct decision	 d = { .action = A_LIMIT, .limit = &limit };
	struct charge	 c = { .rule = &limit, .told = 1, .over = 1 };
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		limit.message = table[i].message;
		c.rate = &table[i].rate;
		c.recipients = table[i].recipients;
		c.seconds = table[i].seconds;
		d.rule = NULL;
		expect_reply(&d, &owners[table[i].who], &c, table[i].expect);
		d.rule = &r;
		expect_reply(&d, &owners[table[i].who], &c, table[i].expect);
	}
}

/* How long: never less than it is, and twice a unit in the smaller one. */
static void
t_reply_wait(void **state)
{
	static const struct {
		uint32_t	 seconds;
		const char	*expect;
	} table[] = {
		{ 0, "0 seconds" }, { 1, "1 second" }, { 59, "59 seconds" },
		{ 60, "60 seconds" }, { 61, "61 seconds" },
		{ 120, "120 seconds" }, { 121, "3 minutes" },
		{ 179, "3 minutes" }, { 180, "3 minutes" },
		{ 181, "4 minutes" }, { 780, "13 minutes" },
		{ 781, "14 minutes" }, { 3600, "60 minutes" },
		{ 7140, "119 minutes" }, { 7141, "120 minutes" },
		{ 7200, "120 minutes" }, { 7201, "3 hours" },
		{ 10800, "3 hours" }, { 10801, "4 hours" },
		{ 86400, "24 hours" }, { 172800, "48 hours" },
		{ 172801, "3 days" }, { 259200, "3 days" },
		{ 259201, "4 days" }, { MAX_WINDOW, "31 days" },
		{ MAX_WINDOW + 1, "32 days" },
		/* Nothing of ours says so; it must not end too soon. */
		{ UINT32_MAX - 86399, "49710 days" },
		{ UINT32_MAX - 86398, "49710 days" },
		{ UINT32_MAX, "49711 days" },
	};
	struct rate	 rate = { U_MESSAGES, 5, 86400 };
	struct rule	 limit = { .action = A_LIMIT };
	struct decision	 d = { .action = A_LIMIT, .limit = &limit };
	struct charge	 c = { .rule = &limit, .rate = &rate };
	char		 expect[128];
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		c.seconds = table[i].seconds;
		(void)snprintf(expect, sizeof(expect), "User alice is over "
		    "the limit of 5 messages per 1d, try again in %s",
		    table[i].expect);
		expect_reply(&d, &owners[ALICE], &c, expect);
	}
}

/* A name from a directory gets into an SMTP reply: encoded, and cut. */
static void
t_reply_hostile(void **state)
{
	static const struct rate	 rate = { U_MESSAGES, 1, 60 };
	static const struct {
		enum action	 action;
		const char	*end;
	} table[] = {
		{ A_REJECT, "%+2E+2E is blocked from sending mail" },
		{ A_TEMPFAIL, "%+2E+2E can't send mail now, try again later" },
		{ A_LIMIT, "%+2E+2E is over the limit of 1 message per 1m, "
		    "try again in 5 seconds" },
	};
	char				 text[4096], buf[512];
	struct owner			 o = owners[ALICE];
	struct rule			 r = { .number = 1 };
	struct decision			 d = { .rule = &r, .limit = &r };
	struct charge			 c = { .rate = &rate, .seconds = 5 };
	size_t				 i, j;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\r\n\xff%"[i % 4];
	text[i] = '\0';
	o.text[T_USER] = text;
	for (i = 0; i < NITEMS(table); i++) {
		d.action = table[i].action;
		assert_int_equal(policy_reply(&d, &o, &c, buf, sizeof(buf)),
		    0);
		for (j = 0; buf[j] != '\0'; j++)
			assert_in_range((unsigned char)buf[j], 0x20, 0x7e);
		assert_string_equal(strchr(buf, '\0') -
		    strlen(table[i].end), table[i].end);
		assert_memory_equal(buf, "User +0D+0A+FF%+0D", 18);
	}
	/* However long it gets, nothing after it is lost. */
	memset(text, '\n', MAX_NAME + 1);
	text[MAX_NAME + 1] = '\0';
	for (i = 0; i < NITEMS(table); i++) {
		d.action = table[i].action;
		assert_int_equal(policy_reply(&d, &o, &c, buf, sizeof(buf)),
		    0);
		assert_int_equal(strspn(buf + 5, "+0A2E"),
		    3 * MAX_NAME + 6);
		assert_memory_equal(strchr(buf + 5, ' '),
		    strchr(table[i].end, ' '),
		    strlen(strchr(table[i].end, ' ')) + 1);
	}
	o.text[T_USER] = "%s%n";
	d.action = A_LIMIT;
	expect_reply(&d, &o, &c, "User %s%n is over the limit of 1 message "
	    "per 1m, try again in 5 seconds");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_teardown(t_matchers, forget),
		cmocka_unit_test_teardown(t_rules, forget),
		cmocka_unit_test_teardown(t_globs, forget),
		cmocka_unit_test_teardown(t_search, forget),
		cmocka_unit_test_teardown(t_named, forget),
		cmocka_unit_test_teardown(t_named_others, forget),
		cmocka_unit_test_teardown(t_many_groups, forget),
		cmocka_unit_test_teardown(t_senders, forget),
		cmocka_unit_test_teardown(t_limits, forget),
		cmocka_unit_test_teardown(t_told, forget),
		cmocka_unit_test_teardown(t_many_rules, forget),
		cmocka_unit_test(t_number),
		cmocka_unit_test(t_reply),
		cmocka_unit_test(t_reply_limit),
		cmocka_unit_test(t_reply_wait),
		cmocka_unit_test(t_reply_hostile),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
