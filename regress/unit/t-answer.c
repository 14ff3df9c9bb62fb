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
 * SOURCES: common/answer.c common/xtext.c common/wire.c common/addr.c
 * SOURCES: common/chan.c common/msgtab.c
 * LIBS: -Wl,--wrap=calloc
 *
 * An owner between processes, and in words that can do no harm.
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

/* Where in an answer: the number of groups, and the texts after two of them. */
#define GROUPS_AT	(4 + 5 * 4 + 8)
#define TEXTS_AT	(GROUPS_AT + 2 + 2 * 4)
#define OWNER_MIN	(GROUPS_AT + 2 + T_MAX)
#define HOSTILE		4096

static struct msg	 m, copy;
static int		 no_memory;

void	*__real_calloc(size_t, size_t);
void	*__wrap_calloc(size_t, size_t);

void *
__wrap_calloc(size_t n, size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_calloc(n, size));
}

/* Everything is known; the groups are ngroups of 100, 101 ... */
static void
owner_full(struct owner *o, uint32_t ngroups)
{
	static uint32_t		 groups[MAX_GROUPS + 1];
	static const char *const text[T_MAX] = {
		"alice", "carol", "bob", "perl", "/usr/bin/perl",
		"/home/alice", "cron.service", "docker-1234", "perl -e mail"
	};
	uint32_t		 i;

	memset(o, 0, sizeof(*o));
	o->verdict = E_OWNED;
	o->reason = R_NONE;
	o->source = SRC_BPF;
	o->named = 1;
	o->uid = 1000;
	o->account = 1002;
	o->login = 1001;
	o->pid = 4711;
	o->holders = 2;
	o->start = 0x123456789abcdef0;
	memcpy(o->text, text, sizeof(text));
	for (i = 0; i < NITEMS(groups); i++)
		groups[i] = 100 + i;
	o->groups = groups;
	o->ngroups = ngroups;
}

static void
same_owner(const struct owner *a, const struct owner *b)
{
	size_t	 i;

	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->named, b->named);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->account, b->account);
	assert_int_equal(a->login, b->login);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->holders, b->holders);
	assert_true(a->start == b->start);
	assert_int_equal(a->ngroups, b->ngroups);
	for (i = 0; i < a->ngroups; i++)
		assert_int_equal(a->groups[i], b->groups[i]);
	for (i = 0; i < T_MAX; i++) {
		assert_int_equal(a->text[i] == NULL, b->text[i] == NULL);
		if (a->text[i] != NULL)
			assert_string_equal(a->text[i], b->text[i]);
	}
}

static void
round_trip(const struct owner *o)
{
	struct owner	*got;

	msg_new(&m, IMSG_ANSWER, 1);
	put_owner(&m, o);
	assert_int_equal(m.bad, 0);
	assert_in_range(m.len, msgtab[IMSG_ANSWER].min,
	    msgtab[IMSG_ANSWER].max);
	got = get_owner(&m);
	assert_non_null(got);
	same_owner(o, got);
	free(got);
}

/* All texts, none, each alone, each missing; groups up to the most. */
static void
t_round_trip(void **state)
{
	struct owner	 o, all;
	int		 i, mask;
	uint32_t	 n;

	(void)state;
	owner_full(&all, 3);
	for (mask = 0; mask < 1 << T_MAX; mask++) {
		o = all;
		for (i = 0; i < T_MAX; i++)
			if (!(mask & 1 << i))
				o.text[i] = NULL;
		round_trip(&o);
	}
	for (n = 0; n <= MAX_GROUPS; n++) {
		owner_full(&o, n);
		round_trip(&o);
	}
	for (i = 0; i < R_MAX; i++) {
		owner_unknown(&o, i);
		round_trip(&o);
		assert_int_equal(m.len, OWNER_MIN);
	}
	/* Not named: whatever else is known. */
	o = all;
	o.named = 0;
	round_trip(&o);
	memset(&o, 0xff, sizeof(o));
	o.verdict = E_REMOTE;
	o.reason = R_NONE;
	o.source = SRC_UIDONLY;
	o.named = 1;
	o.ngroups = 0;
	memset(o.text, 0, sizeof(o.text));
	round_trip(&o);
}

/* The longest texts and most groups are the most that the table allows. */
static void
t_largest(void **state)
{
	char		 text[MAX_PATH + 2];
	struct owner	 o;
	size_t		 i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	owner_full(&o, MAX_GROUPS);
	for (i = 0; i < T_MAX; i++)
		o.text[i] = text;
	round_trip(&o);
	assert_int_equal(m.len, msgtab[IMSG_ANSWER].max);
	for (i = 0; i < T_MAX; i++)
		o.text[i] = "";
	round_trip(&o);
}

static void
t_unknown(void **state)
{
	struct owner	 o;
	int		 i;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	owner_unknown(&o, R_BUDGET);
	assert_int_equal(o.verdict, E_UNKNOWN);
	assert_int_equal(o.reason, R_BUDGET);
	assert_int_equal(o.named, 0);
	assert_int_equal(o.login, LOGIN_UNSET);
	assert_int_equal(o.pid, NO_PID);
	assert_int_equal(o.ngroups, 0);
	for (i = 0; i < T_MAX; i++)
		assert_null(o.text[i]);
}

/* An answer with some bytes changed: at, how many, to what. */
static void
t_flaws(void **state)
{
	static const struct {
		size_t		 at, n;
		uint8_t		 bytes[4];
		int		 good;
	} table[] = {
		{ 0, 1, { E_REMOTE }, 1 },
		{ 0, 1, { E_MAX }, 0 },
		{ 0, 1, { 0xff }, 0 },
		{ 1, 1, { R_REDIRECTED }, 1 },
		{ 1, 1, { R_MAX }, 0 },
		{ 1, 1, { 0xff }, 0 },
		{ 2, 1, { SRC_BPF }, 1 },
		{ 2, 1, { SRC_MAX }, 0 },
		{ 2, 1, { 0xff }, 0 },
		{ 3, 1, { 0 }, 1 },
		{ 3, 1, { 1 }, 1 },
		/* Groups: 2 are there. */
		{ GROUPS_AT, 2, { 0, 0 }, 0 },
		{ GROUPS_AT, 2, { 0, 1 }, 0 },
		{ GROUPS_AT, 2, { 0, 2 }, 1 },
		{ GROUPS_AT, 2, { 0, 3 }, 0 },
		{ GROUPS_AT, 2, { 0, MAX_GROUPS }, 0 },
		{ GROUPS_AT, 2, { 0, MAX_GROUPS + 1 }, 0 },
		{ GROUPS_AT, 2, { 0xff, 0xff }, 0 },
		/* The first text, 5 bytes long. */
		{ TEXTS_AT, 3, { 1, 0, 5 }, 1 },
		{ TEXTS_AT, 3, { 0, 0, 5 }, 0 },
		{ TEXTS_AT, 3, { 1, 0, 4 }, 0 },
		{ TEXTS_AT, 3, { 1, 0, 6 }, 0 },
		{ TEXTS_AT, 3, { 1, 0xff, 0xff }, 0 },
		{ TEXTS_AT + 3, 1, { 0 }, 0 },
		{ TEXTS_AT + 7, 1, { 0 }, 0 },
	};
	struct owner	 o, *got;
	size_t		 i;

	(void)state;
	owner_full(&o, 2);
	msg_new(&copy, IMSG_ANSWER, 1);
	put_owner(&copy, &o);
	for (i = 0; i < NITEMS(table); i++) {
		m = copy;
		memcpy(m.data + table[i].at, table[i].bytes, table[i].n);
		got = get_owner(&m);
		/* The caller can tell it from want of memory. */
		if ((got != NULL) != table[i].good || m.bad == table[i].good)
			fail_msg("row %zu", i);
		free(got);
	}
}

static void
t_too_many_groups(void **state)
{
	struct owner	 o;

	(void)state;
	owner_full(&o, MAX_GROUPS + 1);
	msg_new(&m, IMSG_ANSWER, 1);
	put_owner(&m, &o);
	assert_int_equal(m.bad, 0);
	assert_null(get_owner(&m));
	assert_int_equal(m.bad, 1);
}

static void
t_truncated(void **state)
{
	struct owner	 o, *got;
	size_t		 len;

	(void)state;
	owner_full(&o, 5);
	msg_new(&copy, IMSG_ANSWER, 1);
	put_owner(&copy, &o);
	for (len = 0; len <= copy.len + 1; len++) {
		m = copy;
		memset(m.data + len, 0x01, sizeof(m.data) - len);
		m.len = len;
		got = get_owner(&m);
		if (len == copy.len)
			assert_non_null(got);
		else
			assert_null(got);
		free(got);
	}
}

/* Whatever bytes come, nothing is read or written beyond (ASan, valgrind). */
static void
t_garbage(void **state)
{
	uint32_t	 x = 2463534242;
	struct owner	 o;
	size_t		 i, j, n = 0;
	void		*got;

	(void)state;
	owner_full(&o, 20);
	msg_new(&copy, IMSG_ANSWER, 1);
	put_owner(&copy, &o);
	for (i = 0; i < 20000; i++) {
		m = copy;
		for (j = 0; j < 1 + i % 4; j++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			m.data[x % m.len] = x >> 24;
		}
		if (i % 3 == 0)
			m.len -= x % m.len;
		if ((got = get_owner(&m)) != NULL)
			n++;
		free(got);
	}
	assert_in_range(n, 1, i - 1);
}

static void
t_no_memory(void **state)
{
	struct owner	 o;

	(void)state;
	owner_unknown(&o, R_CLOSED);
	msg_new(&m, IMSG_ANSWER, 1);
	put_owner(&m, &o);
	no_memory = 1;
	assert_null(get_owner(&m));
	no_memory = 0;
	assert_int_equal(m.bad, 0);	/* it is not the message's fault */
}

/* The words that administrators grep for: they stay. */
static void
t_words(void **state)
{
	static const char *const	 verdicts[] = {
		"unknown", "owned", "remote"
	};
	static const char *const	 reasons[] = {
		"none", "closed", "denied", "timeout", "budget", "unsupported",
		"failed", "ambiguous", "reused", "redirected"
	};
	static const char *const	 sources[] = {
		"uid-only", "scan", "cache", "cgroup", "bpf"
	};
	static const char *const	 fields[] = {
		"user", "uid", "owner", "login", "pid", "program", "exe",
		"holders", "holder", "source", "cwd", "unit", "container",
		"cmdline"
	};
	static const char *const	 stats[] = {
		"lookups", "owned", "unknown", "remote", "with-process",
		"sessions", "messages", "tagged", "refused", "stripped",
		"limited", "uncounted"
	};
	size_t				 i;

	(void)state;
	assert_int_equal(NITEMS(verdicts), E_MAX);
	for (i = 0; i < E_MAX; i++)
		assert_string_equal(verdict_names[i], verdicts[i]);
	assert_int_equal(NITEMS(reasons), R_MAX);
	for (i = 0; i < R_MAX; i++)
		assert_string_equal(reason_names[i], reasons[i]);
	assert_int_equal(NITEMS(sources), SRC_MAX);
	for (i = 0; i < SRC_MAX; i++)
		assert_string_equal(source_names[i], sources[i]);
	assert_int_equal(NITEMS(fields), F_MAX);
	for (i = 0; i < F_MAX; i++)
		assert_string_equal(field_names[i], fields[i]);
	assert_int_equal(NITEMS(stats), ST_NAMED);
	for (i = 0; i < ST_NAMED; i++)
		assert_string_equal(stat_names[i], stats[i]);
}

/*
 * The pieces of a template, which stands in memory of just its size, so that
 * ASan and valgrind see a byte too much.  Returns their number; the last of
 * them says how it ended, at is where.
 */
static size_t
pieces_of(const char *template, int *pieces, size_t max, size_t *at)
{
	char		*exact = strdup(template);
	const char	*s = exact;
	size_t		 n = 0;

	assert_non_null(exact);
	do {
		assert_true(n < max);
		*at = s - exact;
		pieces[n] = template_next(&s);
	} while (pieces[n++] >= 0);
	/* There it stays, however often it is asked. */
	assert_int_equal(s - exact, *at);
	assert_int_equal(template_next(&s), pieces[n - 1]);
	assert_int_equal(s - exact, *at);
	free(exact);
	return (n);
}

#define BYTE(c)	(F_MAX + (c))

static void
t_template(void **state)
{
	static const struct {
		const char	*template;
		size_t		 at;		/* where it ends */
		int		 pieces[8];
	} table[] = {
		{ "", 0, { -1 } },
		{ "a", 1, { BYTE('a'), -1 } },
		{ "%u", 2, { F_USER, -1 } },
		{ "u%uu", 4, { BYTE('u'), F_USER, BYTE('u'), -1 } },
		{ "%%", 2, { BYTE('%'), -1 } },
		{ "%%u", 3, { BYTE('%'), BYTE('u'), -1 } },
		{ "%%%u", 4, { BYTE('%'), F_USER, -1 } },
		{ "%%%%", 4, { BYTE('%'), BYTE('%'), -1 } },
		{ "%{pid}%{uid}", 12, { F_PID, F_UID, -1 } },
		{ "%{exe}}", 7, { F_EXE, BYTE('}'), -1 } },
		{ "{u}", 3, { BYTE('{'), BYTE('u'), BYTE('}'), -1 } },
		{ "%%{u}", 5, { BYTE('%'), BYTE('{'), BYTE('u'), BYTE('}'),
		    -1 } },
		{ "\r\n\x80\xff", 4, { BYTE('\r'), BYTE('\n'), BYTE(0x80),
		    BYTE(0xff), -1 } },
		/* Flaws: it stops before them. */
		{ "%", 0, { -2 } },
		{ "%%%", 2, { BYTE('%'), -2 } },
		{ "%u%", 2, { F_USER, -2 } },
		{ "a%U", 1, { BYTE('a'), -2 } },
		{ "% u", 0, { -2 } },
		{ "%s%n", 0, { -2 } },
		{ "%}", 0, { -2 } },
		{ "%{", 0, { -2 } },
		{ "%{}", 0, { -2 } },
		{ "%{u}", 0, { -2 } },
		{ "%{user", 0, { -2 } },
		{ "%{pid}%{uid", 6, { F_PID, -2 } },
		{ "%{ user}", 0, { -2 } },
		{ "%{user }", 0, { -2 } },
		{ "%{%{user}", 0, { -2 } },
		{ "%{reason}", 0, { -2 } },
		{ "%\x80", 0, { -2 } },
	};
	int	 pieces[8];
	size_t	 i, j, n, at;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		n = pieces_of(table[i].template, pieces, NITEMS(pieces), &at);
		for (j = 0; j < n; j++)
			if (pieces[j] != table[i].pieces[j])
				fail_msg("row %zu, piece %zu: %d", i, j,
				    pieces[j]);
		if (at != table[i].at)
			fail_msg("row %zu ends at %zu", i, at);
	}
}

/* Each name, but none that is cut, longer or in capitals; each byte. */
static void
t_template_all(void **state)
{
	char	 text[32];
	int	 pieces[4], f, c;
	size_t	 at, len;

	(void)state;
	for (f = 0; f < F_MAX; f++) {
		len = snprintf(text, sizeof(text), "%%{%s}", field_names[f]);
		assert_int_equal(pieces_of(text, pieces, 4, &at), 2);
		assert_int_equal(pieces[0], f);
		assert_int_equal(at, len);
		(void)snprintf(text, sizeof(text), "%%{%sx}", field_names[f]);
		(void)pieces_of(text, pieces, 4, &at);
		assert_int_equal(pieces[0], -2);
		(void)snprintf(text, sizeof(text), "%%{%.*s}", (int)len - 4,
		    field_names[f]);
		(void)pieces_of(text, pieces, 4, &at);
		assert_int_equal(pieces[0], f == F_HOLDERS ? F_HOLDER : -2);
		(void)snprintf(text, sizeof(text), "%%{%c%s}",
		    field_names[f][0] - 'a' + 'A', field_names[f] + 1);
		(void)pieces_of(text, pieces, 4, &at);
		assert_int_equal(pieces[0], -2);
	}
	for (c = 1; c <= UINT8_MAX; c++) {
		(void)snprintf(text, sizeof(text), "%c", c);
		assert_int_equal(pieces_of(text, pieces, 4, &at),
		    c == '%' ? 1 : 2);
		assert_int_equal(pieces[0], c == '%' ? -2 : BYTE(c));
		(void)snprintf(text, sizeof(text), "%%%c", c);
		(void)pieces_of(text, pieces, 4, &at);
		assert_int_equal(pieces[0], c == 'u' ? (int)F_USER :
		    c == '%' ? BYTE('%') : -2);
	}
}

/* Each field of an owner who is known, and of one of whom little is. */
static void
t_fields(void **state)
{
	static const struct {
		const char	*full, *bare;	/* NULL: nothing is known */
	} table[F_MAX] = {
		[F_USER] =	{ "alice", "#1000" },
		[F_UID] =	{ "1000", "1000" },
		[F_OWNER] =	{ "carol", NULL },
		[F_LOGIN] =	{ "1001", NULL },
		[F_PID] =	{ "4711", NULL },
		[F_PROGRAM] =	{ "perl", NULL },
		[F_EXE] =	{ "/usr/bin/perl", NULL },
		[F_HOLDERS] =	{ "2", NULL },
		[F_HOLDER] =	{ "bob", NULL },
		[F_SOURCE] =	{ "bpf", "uid-only" },
		[F_CWD] =	{ "/home/alice", NULL },
		[F_UNIT] =	{ "cron.service", NULL },
		[F_CONTAINER] =	{ "docker-1234", NULL },
		[F_CMDLINE] =	{ "perl+20-e+20mail", NULL },
	};
	struct owner	 full, bare;
	char		 buf[64];
	size_t		 len;
	int		 f, v;

	(void)state;
	owner_full(&full, 1);
	memset(&bare, 0, sizeof(bare));
	bare.verdict = E_OWNED;
	bare.uid = 1000;
	bare.login = LOGIN_UNSET;
	for (f = 0; f < F_MAX; f++) {
		assert_int_equal(field_value(&full, f, buf, sizeof(buf)), 0);
		assert_string_equal(buf, table[f].full);
		assert_int_equal(field_value(&bare, f, buf, sizeof(buf)),
		    table[f].bare != NULL ? 0 : -1);
		if (table[f].bare != NULL)
			assert_string_equal(buf, table[f].bare);
		/* Room for one byte less than it takes. */
		len = strlen(table[f].full);
		assert_int_equal(field_value(&full, f, buf, len), -1);
		if (table[f].bare != NULL)
			assert_int_equal(field_value(&bare, f, buf,
			    strlen(table[f].bare)), -1);
		/* Of nobody else anything is told. */
		for (v = 0; v < E_MAX; v++)
			if (v != E_OWNED) {
				full.verdict = v;
				assert_int_equal(field_value(&full, f, buf,
				    sizeof(buf)), -1);
			}
		full.verdict = E_OWNED;
	}
	assert_int_equal(field_value(&full, F_MAX, buf, sizeof(buf)), -1);
}

static void
t_numbers(void **state)
{
	struct owner	 o;
	char		 buf[16];

	(void)state;
	memset(&o, 0, sizeof(o));
	o.verdict = E_OWNED;
	o.uid = UINT32_MAX;
	o.login = 0;
	assert_int_equal(field_value(&o, F_UID, buf, 11), 0);
	assert_string_equal(buf, "4294967295");
	assert_int_equal(field_value(&o, F_UID, buf, 10), -1);
	assert_int_equal(field_value(&o, F_USER, buf, 12), 0);
	assert_string_equal(buf, "#4294967295");
	assert_int_equal(field_value(&o, F_USER, buf, 11), -1);
	assert_int_equal(field_value(&o, F_LOGIN, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "0");
	o.uid = 0;
	assert_int_equal(field_value(&o, F_UID, buf, 2), 0);
	assert_string_equal(buf, "0");
}

/* How a text is written, at most max bytes of it; the bounds are exact. */
static void
t_xtext(void **state)
{
	static const struct {
		const char	*text;
		size_t		 max;
		const char	*expect;
	} table[] = {
		{ "", 64, "" },
		{ "alice", 64, "alice" },
		{ "a b", 64, "a+20b" },
		{ "a=b", 64, "a+3Db" },
		{ "a+b", 64, "a+2Bb" },
		{ "+2E+2E", 64, "+2B2E+2B2E" },
		{ "..", 64, ".." },
		{ "\r\n", 64, "+0D+0A" },
		{ "\t\v\f\b\a", 64, "+09+0B+0C+08+07" },
		{ "\033[2J", 64, "+1B[2J" },
		{ "\177", 64, "+7F" },
		{ "~!", 64, "~!" },
		{ "\"'`\\<>(){}%$;,#@", 64, "\"'`\\<>(){}%$;,#@" },
		{ "\xc3\xa9", 64, "+C3+A9" },
		{ "\xc3", 64, "+C3" },
		{ "\xff\xfe\x80\x9b", 64, "+FF+FE+80+9B" },
		/* Cut, or just not. */
		{ "abc", 3, "abc" },
		{ "abcd", 3, "abc+2E+2E" },
		{ "ab\nd", 3, "ab+0A+2E+2E" },
		{ "\n\n", 1, "+0A+2E+2E" },
		{ "a", 0, "+2E+2E" },
		{ "", 0, "" },
	};
	char		 buf[64];
	size_t		 i, j, size;
	int		 fits;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		for (size = 0; size < sizeof(buf); size++) {
			fits = size > strlen(table[i].expect);
			memset(buf, 0xee, sizeof(buf));
			if (xtext(buf, size, table[i].text, table[i].max) !=
			    (fits ? 0 : -1))
				fail_msg("row %zu in %zu bytes", i, size);
			if (fits)
				assert_string_equal(buf, table[i].expect);
			/* Not a byte beyond. */
			for (j = size; j < sizeof(buf); j++)
				assert_int_equal((unsigned char)buf[j], 0xee);
		}
}

/* Every byte that there is, and what is left of it. */
static void
t_xtext_bytes(void **state)
{
	char	 text[2] = "", buf[8], expect[8];
	int	 c;

	(void)state;
	for (c = 1; c <= UINT8_MAX; c++) {
		text[0] = c;
		assert_int_equal(xtext(buf, sizeof(buf), text, 64), 0);
		if (c > 0x20 && c < 0x7f && c != '+' && c != '=')
			(void)snprintf(expect, sizeof(expect), "%c", c);
		else
			(void)snprintf(expect, sizeof(expect), "+%02X", c);
		assert_string_equal(buf, expect);
	}
}

/* max * 3 + 7 bytes always do, and no fewer. */
static void
t_xtext_worst(void **state)
{
	char		 text[MAX_PATH + 2], buf[MAX_PATH * 3 + 7];
	size_t		 max;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (max = 0; max <= MAX_PATH; max++) {
		assert_int_equal(xtext(buf, max * 3 + 7, text, max), 0);
		assert_int_equal(strlen(buf), max * 3 + 6);
		assert_int_equal(xtext(buf, max * 3 + 6, text, max), -1);
	}
}

/* Each text of an owner, much too long and of the worst bytes. */
static void
t_hostile(void **state)
{
	static const struct {
		enum text	 text;
		enum field	 field;
		size_t		 max;
	} table[] = {
		{ T_USER, F_USER, 64 }, { T_OWNER, F_OWNER, 64 },
		{ T_HOLDER, F_HOLDER, 64 }, { T_PROGRAM, F_PROGRAM, 64 },
		{ T_EXE, F_EXE, 255 }, { T_CWD, F_CWD, 255 },
		{ T_UNIT, F_UNIT, 255 },
		{ T_CONTAINER, F_CONTAINER, 255 },
		{ T_CMDLINE, F_CMDLINE, 255 }
	};
	static const char	 bytes[] = "\r\n =+\"\033\xff\x80x";
	char			 text[HOSTILE + 1], buf[3 * MAX_PATH + 8];
	struct owner		 o;
	size_t			 i, j, len;

	(void)state;
	assert_int_equal(NITEMS(table), T_MAX);
	for (i = 0; i < HOSTILE; i++)
		text[i] = bytes[i % (sizeof(bytes) - 1)];
	text[i] = '\0';
	for (i = 0; i < NITEMS(table); i++) {
		owner_full(&o, 0);
		o.text[table[i].text] = text;
		assert_int_equal(field_value(&o, table[i].field, buf,
		    sizeof(buf)), 0);
		len = strlen(buf);
		assert_string_equal(buf + len - 6, "+2E+2E");
		/* What was taken of it, counted back from what was written. */
		for (j = 0; buf[j] != '\0'; j++) {
			assert_in_range((unsigned char)buf[j], 0x21, 0x7e);
			assert_int_not_equal(buf[j], '=');
			len -= buf[j] == '+' ? 2 : 0;
		}
		assert_int_equal(len, table[i].max + 2);
		/* Of its longest length it is not cut. */
		text[table[i].max] = '\0';
		assert_int_equal(field_value(&o, table[i].field, buf,
		    sizeof(buf)), 0);
		assert_null(strstr(buf, "+2E"));
		text[table[i].max] = bytes[table[i].max %
		    (sizeof(bytes) - 1)];
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_round_trip),
		cmocka_unit_test(t_largest),
		cmocka_unit_test(t_unknown),
		cmocka_unit_test(t_flaws),
		cmocka_unit_test(t_too_many_groups),
		cmocka_unit_test(t_truncated),
		cmocka_unit_test(t_garbage),
		cmocka_unit_test(t_no_memory),
		cmocka_unit_test(t_words),
		cmocka_unit_test(t_template),
		cmocka_unit_test(t_template_all),
		cmocka_unit_test(t_fields),
		cmocka_unit_test(t_numbers),
		cmocka_unit_test(t_xtext),
		cmocka_unit_test(t_xtext_bytes),
		cmocka_unit_test(t_xtext_worst),
		cmocka_unit_test(t_hostile),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
