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
 * SOURCES: common/addr.c
 *
 * Rules and owners, and what becomes of the message.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
		.verdict = E_UNKNOWN, .reason = R_CLOSED,
		.uid = 1000, .account = 1000,
		.text = { [T_USER] = "alice", [T_PROGRAM] = "perl",
		    [T_EXE] = "/usr/bin/perl", [T_CWD] = "/home/alice",
		    [T_UNIT] = "cron.service" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[ALICE] = {
		.verdict = E_OWNED, .uid = 1000, .account = 1000, .pid = 4711,
		.text = { [T_USER] = "alice", [T_PROGRAM] = "perl",
		    [T_EXE] = "/usr/bin/perl", [T_CWD] = "/home/alice",
		    [T_UNIT] = "cron.service" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[BARE] = {
		.verdict = E_OWNED, .uid = 1000, .account = 1000,
		.text = { [T_USER] = "alice" },
		.groups = alice_groups, .ngroups = NITEMS(alice_groups)
	},
	[NOBODY] = {
		.verdict = E_OWNED, .uid = 70000, .account = 70000, .pid = 4712,
		.text = { [T_PROGRAM] = "telnet", [T_EXE] = "/usr/bin/telnet",
		    [T_CWD] = "/", [T_UNIT] = "session-2.scope" }
	},
	[GROUPLESS] = {
		.verdict = E_OWNED, .uid = 33, .account = 33, .pid = 4713,
		.text = { [T_USER] = "www-data", [T_PROGRAM] = "perl5.36",
		    [T_EXE] = "/opt/perl", [T_CWD] = "/home/bob" }
	},
	[ROOT] = {
		.verdict = E_OWNED, .uid = 0, .account = 0, .pid = 1,
		.text = { [T_USER] = "root", [T_PROGRAM] = "cron" },
		.groups = root_groups, .ngroups = NITEMS(root_groups)
	},
	[SUB] = {
		.verdict = E_OWNED, .uid = 100001, .account = 1000,
		.pid = 4714, .text = { [T_OWNER] = "alice",
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

#define TABLE(r, n, c)	{ .ranges = r, .nranges = n, .complete = c }

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

/* One matcher as the tests write it. */
struct spec {
	enum matcher	 kind;
	int		 negate;
	int		 table;
	const char	*glob;
};

#define MATCHES	3
#define RULES	4

struct rule_spec {
	enum action	 action;
	size_t		 n;
	struct spec	 match[MATCHES];
};

static struct policy	 policy;
static struct rule	 rules[RULES];
static struct match	 matches[RULES][MATCHES];
static char		 globs[RULES][MATCHES][64];

static void
build(const struct rule_spec *spec, size_t n)
{
	const struct spec	*s;
	struct match		*m;
	size_t			 i, j;

	memset(&policy, 0, sizeof(policy));
	memset(rules, 0, sizeof(rules));
	memset(matches, 0, sizeof(matches));
	TAILQ_INIT(&policy.rules);
	for (i = 0; i < n; i++) {
		TAILQ_INIT(&rules[i].matches);
		TAILQ_INSERT_TAIL(&policy.rules, &rules[i], next);
		rules[i].number = i + 1;
		rules[i].action = spec[i].action;
		for (j = 0; j < spec[i].n; j++) {
			s = &spec[i].match[j];
			m = &matches[i][j];
			TAILQ_INSERT_TAIL(&rules[i].matches, m, next);
			m->kind = s->kind;
			m->negate = s->negate;
			m->table = s->table == ANY ? TABLE_ANY :
			    (uint32_t)s->table;
			m->set = s->table == ANY ? NULL : &tables[s->table];
			(void)strlcpy(globs[i][j], s->glob == NULL ? "" :
			    s->glob, sizeof(globs[i][j]));
			m->glob = globs[i][j];
		}
	}
}

/* The number of the rule that decides, 0 for none. */
static unsigned int
decide(int who)
{
	struct decision	 d;

	d = policy_decide(&policy, &owners[who]);
	if (d.rule == NULL) {
		assert_int_equal(d.action, A_PASS);
		return (0);
	}
	assert_int_equal(d.action, d.rule->action);
	return (d.rule->number);
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
		{ M_UNKNOWN, ANY, NULL,
		    { 1, 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1, 1 } },
		{ M_MAX, ANY, "*",
		    { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0 } },
	};
	struct rule_spec	 r = { A_REJECT, 1,
				    { { M_USER, 0, 0, NULL } } };
	size_t			 i;
	int			 who;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		r.match[0].kind = table[i].kind;
		r.match[0].table = table[i].table;
		r.match[0].glob = table[i].glob;
		for (r.match[0].negate = 0; r.match[0].negate <= 1;
		    r.match[0].negate++) {
			build(&r, 1);
			for (who = 0; who < OWNERS; who++)
				if (decide(who) != (unsigned int)
				    (r.match[0].negate ? table[i].not[who] :
				    table[i].plain[who]))
					fail_msg("row %zu%s, owner %d", i,
					    r.match[0].negate ? ", not" : "",
					    who);
		}
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
	};
	size_t	 i;
	int	 who;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		build(table[i].rules, table[i].n);
		for (who = 0; who < OWNERS; who++)
			if (decide(who) != table[i].expect[who])
				fail_msg("row %zu, owner %d", i, who);
	}
}

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
			r.match[0].glob = table[i].glob;
			build(&r, 1);
			if ((policy_decide(&policy, &o).rule != NULL) !=
			    table[i].expect)
				fail_msg("row %zu", i);
		}
}

/* Tables of every small size, each id in and around them. */
static void
t_search(void **state)
{
	static struct range	 ranges[12];
	struct table		 t = { .ranges = ranges };
	struct rule_spec	 r = { A_REJECT, 1,
				    { { M_UID, 0, EMPTY, NULL } } };
	struct owner		 o;
	size_t			 i;

	(void)state;
	memset(&o, 0, sizeof(o));
	o.verdict = E_OWNED;
	for (i = 0; i < NITEMS(ranges); i++) {
		ranges[i].lo = 10 * i + 5;
		ranges[i].hi = ranges[i].lo + i % 4;
	}
	build(&r, 1);
	matches[0][0].set = &t;
	for (t.nranges = 0; t.nranges <= NITEMS(ranges); t.nranges++)
		for (o.uid = 0; o.uid < 140; o.uid++) {
			o.account = o.uid;
			for (i = 0; i < t.nranges; i++)
				if (o.uid >= ranges[i].lo &&
				    o.uid <= ranges[i].hi)
					break;
			assert_int_equal(policy_decide(&policy,
			    &o).rule != NULL, i < t.nranges);
		}
	/* The last of many is found as well. */
	ranges[0] = (struct range){ 0, 0 };
	ranges[1] = (struct range){ UINT32_MAX, UINT32_MAX };
	t.nranges = 2;
	o.uid = o.account = UINT32_MAX;
	assert_non_null(policy_decide(&policy, &o).rule);
	o.uid = o.account = UINT32_MAX - 1;
	assert_null(policy_decide(&policy, &o).rule);
	o.uid = o.account = 0;
	assert_non_null(policy_decide(&policy, &o).rule);
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
	assert_null(policy_decide(&policy, &o).rule);
	for (i = 0; i < NITEMS(groups); i++) {
		groups[i] = 50;
		assert_non_null(policy_decide(&policy, &o).rule);
		groups[i] = 51;
	}
}

static void
t_reply(void **state)
{
	static char	 own[] = "no mail from perl, please";
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
	};
	struct decision	 d;
	struct rule	 r;
	char		 buf[64];
	size_t		 i, len;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		memset(&r, 0, sizeof(r));
		r.message = table[i].message;
		d.action = r.action = table[i].action;
		d.rule = &r;
		len = strlen(table[i].expect);
		assert_int_equal(policy_reply(&d, &owners[table[i].who], buf,
		    len + 1), 0);
		assert_string_equal(buf, table[i].expect);
		assert_int_equal(policy_reply(&d, &owners[table[i].who], buf,
		    len), -1);
	}
}

/* A name from a directory gets into an SMTP reply: encoded, and cut. */
static void
t_reply_hostile(void **state)
{
	char		 text[4096], buf[512];
	struct owner	 o = owners[ALICE];
	struct decision	 d;
	struct rule	 r;
	size_t		 i;

	(void)state;
	memset(&r, 0, sizeof(r));
	d.action = A_REJECT;
	d.rule = &r;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\r\n\xff%"[i % 4];
	text[i] = '\0';
	o.text[T_USER] = text;
	assert_int_equal(policy_reply(&d, &o, buf, sizeof(buf)), 0);
	for (i = 0; buf[i] != '\0'; i++)
		assert_in_range((unsigned char)buf[i], 0x20, 0x7e);
	assert_non_null(strstr(buf, "%+2E+2E is blocked"));
	assert_memory_equal(buf, "User +0D+0A+FF%+0D", 18);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_matchers),
		cmocka_unit_test(t_rules),
		cmocka_unit_test(t_globs),
		cmocka_unit_test(t_search),
		cmocka_unit_test(t_many_groups),
		cmocka_unit_test(t_reply),
		cmocka_unit_test(t_reply_hostile),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
