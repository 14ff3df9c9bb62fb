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
 * SOURCES: resolver/subuid.c
 *
 * Whose a subordinate uid is: a file that root wrote, perhaps by hand, and
 * tools that are not ours.  A line either says it clearly or not at all.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

#define LAST	(UINT32_MAX - 1)	/* UINT32_MAX is nobody: (uid_t)-1 */

static FILE *
file(const char *text, size_t len)
{
	FILE	*f;

	assert_non_null(f = tmpfile());
	assert_int_equal(fwrite(text, 1, len, f), len);
	rewind(f);
	return (f);
}

/* Whose uid is: the name, or NULL. */
static const char *
owner_len(const char *text, size_t len, uint32_t uid)
{
	static char	 buf[MAX_NAME + 2];
	FILE		*f = file(text, len);
	int		 rv;

	memset(buf, 'x', sizeof(buf));
	rv = subuid_owner(f, uid, buf, sizeof(buf));
	fclose(f);
	assert_in_range(rv, 0, 1);
	return (rv == 1 ? buf : NULL);
}

static const char *
owner(const char *text, uint32_t uid)
{
	return (owner_len(text, strlen(text), uid));
}

static void
same(const char *got, const char *expect, const char *text, uint32_t uid)
{
	if ((got == NULL) != (expect == NULL) || (got != NULL &&
	    strcmp(got, expect) != 0))
		fail_msg("%u: %s, not %s, in \"%s\"", uid,
		    got == NULL ? "nobody" : got,
		    expect == NULL ? "nobody" : expect, text);
}

/* One line, and the uids at and beyond its ends; 0 to 0: it says nothing. */
static void
t_lines(void **state)
{
	static const struct {
		const char	*line;
		uint32_t	 lo, hi;
	} table[] = {
		{ "games:100000:65536", 100000, 165535 },
		{ "games:100000:65536\n", 100000, 165535 },
		{ "games:100000:1", 100000, 100000 },
		{ "games:1:1", 1, 1 },
		{ "games:00100000:065536", 100000, 165535 },
		/* The ends of the world. */
		{ "games:4294967294:1", LAST, LAST },
		{ "games:4294967294:2", 0, 0 },
		{ "games:4294967295:1", 0, 0 },
		{ "games:4294967293:2", LAST - 1, LAST },
		{ "games:4294967293:3", 0, 0 },
		{ "games:1:4294967294", 1, LAST },
		{ "games:1:4294967295", 0, 0 },
		{ "games:2:4294967294", 0, 0 },
		{ "games:0:1", 0, 0 },			/* root's */
		{ "games:0:65536", 0, 0 },
		{ "games:4294967296:1", 0, 0 },
		{ "games:4295067296:65536", 0, 0 },	/* 2^32 + 100000 */
		{ "games:100000:4294967296", 0, 0 },
		{ "games:100000:4295032832", 0, 0 },	/* 2^32 + 65536 */
		{ "games:18446744073709651616:65536", 0, 0 },
		/* None, or less than that. */
		{ "games:100000:0", 0, 0 },
		{ "games:100000:-1", 0, 0 },
		{ "games:-100000:65536", 0, 0 },
		{ "games:-1:1", 0, 0 },
		/* What is missing, or too much. */
		{ "", 0, 0 },
		{ "\n", 0, 0 },
		{ "games", 0, 0 },
		{ "games:", 0, 0 },
		{ "games:100000", 0, 0 },
		{ "games:100000:", 0, 0 },
		{ "games::65536", 0, 0 },
		{ ":100000:65536", 0, 0 },
		{ "::", 0, 0 },
		{ "games:100000:65536:", 0, 0 },
		{ "games:100000:65536:1", 0, 0 },
		{ "games:100000:65536 # his", 0, 0 },
		/* What is no number. */
		{ "games:100000:65536\r\n", 0, 0 },
		{ "games:100000:65536 ", 0, 0 },
		{ "games:100000x:65536", 0, 0 },
		{ "games:0x186a0:65536", 0, 0 },
		{ "games:1e5:65536", 0, 0 },
		{ "games:100000-165535:65536", 0, 0 },
		{ "games:100,000:65536", 0, 0 },
	};
	struct range	 r;
	uint32_t	 lo, hi;
	FILE		*f;
	size_t		 i, n;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		lo = table[i].lo;
		hi = table[i].hi;
		f = file(table[i].line, strlen(table[i].line));
		n = subuid_ranges(f, "games", 5, &r, 1);
		fclose(f);
		if (n != (hi != 0) || (n == 1 && (r.lo != lo || r.hi != hi)))
			fail_msg("\"%s\"", table[i].line);
		same(owner(table[i].line, 0), NULL, table[i].line, 0);
		same(owner(table[i].line, UINT32_MAX), NULL, table[i].line,
		    UINT32_MAX);
		same(owner(table[i].line, 100000), hi != 0 && lo <= 100000 &&
		    hi >= 100000 ? "games" : NULL, table[i].line, 100000);
		if (hi == 0)
			continue;
		same(owner(table[i].line, lo), "games", table[i].line, lo);
		same(owner(table[i].line, hi), "games", table[i].line, hi);
		same(owner(table[i].line, lo - 1), NULL, table[i].line,
		    lo - 1);
		same(owner(table[i].line, hi + 1), NULL, table[i].line,
		    hi + 1);
	}
}

/* More than one line: whose, if there is one answer. */
static void
t_owner(void **state)
{
	static const struct {
		const char	*text;
		uint32_t	 uid;
		const char	*owner;
	} table[] = {
		{ "games:100000:10\nnews:100010:10\n", 100009, "games" },
		{ "games:100000:10\nnews:100010:10\n", 100010, "news" },
		{ "games:100000:10\nnews:100010:10\n", 100020, NULL },
		/* What overlaps is either's: nobody's, in any order. */
		{ "games:100000:10\nnews:100009:10\n", 100008, "games" },
		{ "games:100000:10\nnews:100009:10\n", 100009, NULL },
		{ "games:100000:10\nnews:100009:10\n", 100010, "news" },
		{ "news:100009:10\ngames:100000:10\n", 100009, NULL },
		{ "games:100000:100\nnews:100050:1\n", 100050, NULL },
		{ "games:100000:100\nnews:100050:1\n", 100049, "games" },
		{ "games:100000:10\nnews:100000:10\nman:100000:10\n", 100000,
		    NULL },
		{ "games:1:4294967294\nnews:4294967294:1\n", LAST, NULL },
		{ "games:1:4294967294\nnews:4294967294:1\n", LAST - 1,
		    "games" },
		/* But not with himself. */
		{ "games:100000:10\ngames:100005:10\n", 100007, "games" },
		{ "games:100000:10\ngames:100000:10\nnews:1:9\n", 100000,
		    "games" },
		{ "games:100000:10\ngames:100000:10\nnews:100000:1\n", 100000,
		    NULL },
		/* A name that begins like another. */
		{ "game:100000:10\ngames:100000:10\n", 100000, NULL },
		{ "Games:100000:10\n", 100000, "Games" },
		/* Numbers are owners: it can't be told here if the same. */
		{ "5:100000:10\n", 100000, "5" },
		{ "5:100000:10\n5:100001:10\n", 100001, "5" },
		{ "5:100000:10\n05:100000:10\n", 100000, NULL },
		{ "games:100000:10\n5:100000:10\n", 100000, NULL },
		/* Lines that say nothing do not stand for anybody. */
		{ "news:100000:0\ngames:100000:10\n", 100000, "games" },
		{ "news:99999:4294967295\ngames:100000:10\n", 100000,
		    "games" },
		{ "# news:100000:10:\n\ngames:100000:10\n\n\n", 100000,
		    "games" },
		{ "news\n:100000:10\ngames:100000:10", 100000, "games" },
		{ "games:100000:10 \nnews:100000:10\n", 100000, "news" },
		/* The file is what it is: names are not looked into here. */
		{ "#0:100000:10\n", 100000, "#0" },
		{ "root:100000:10\n", 100000, "root" },
		{ "a b\t\033:100000:10\n", 100000, "a b\t\033" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		same(owner(table[i].text, table[i].uid), table[i].owner,
		    table[i].text, table[i].uid);
}

/* What C takes for an end is none in a file. */
static void
t_nul(void **state)
{
	static const char	 text[] = "games\0:100000:10\nnews:100000\0:10\n"
				    "man:100000:10\0:\n\0\nlp:200000:1\0" "0\n";
	struct range		 r[4];
	FILE			*f;

	(void)state;
	same(owner_len("games\0x:100000:10\n", 18, 100000), NULL, "NUL", 0);
	same(owner_len(text, sizeof(text) - 1, 300000), NULL, "NUL", 0);
	f = file(text, sizeof(text) - 1);
	assert_int_equal(subuid_ranges(f, "games", 5, r, NITEMS(r)), 0);
	rewind(f);
	assert_int_equal(subuid_ranges(f, "news", 9, r, NITEMS(r)), 0);
	fclose(f);
}

/* A name that does not fit is nobody's, and spoils nothing. */
static void
t_long_names(void **state)
{
	static char	 text[100000], name[MAX_NAME + 8];
	const char	*got;
	size_t		 len;

	(void)state;
	memset(name, 'n', sizeof(name));
	for (len = MAX_NAME - 1; len < sizeof(name); len++) {
		(void)snprintf(text, sizeof(text), "%.*s:100000:10\n"
		    "games:200000:10\n", (int)len, name);
		got = owner(text, 100000);
		if (len >= MAX_NAME + 2)
			assert_null(got);
		else {
			assert_non_null(got);
			assert_int_equal(strlen(got), len);
		}
		same(owner(text, 200000), "games", text, 200000);
		/* Nor does it become somebody's whose name is its start. */
		(void)snprintf(text, sizeof(text), "%.*s:100000:10\n"
		    "%.*s:100000:10\n", (int)len, name, MAX_NAME + 1, name);
		if (len != MAX_NAME + 1)
			assert_null(owner(text, 100000));
	}
	memset(text, 'n', sizeof(text));
	(void)snprintf(text + sizeof(text) - 64, 64,
	    ":100000:10\ngames:100005:10\n");
	assert_null(owner(text, 100000));
	assert_null(owner(text, 100005));	/* it is that one's as well */
	same(owner(text, 100010), "games", "a long line", 100010);
}

/* An account's ranges, under its name and its number. */
static void
t_ranges(void **state)
{
	static const char	 text[] =
		"games:100000:10\n"
		"news:200000:10\n"
		"5:300000:1\n"
		"05:400000:1\n"
		"game:500000:1\n"
		"games2:500000:1\n"
		"games:0:10\n"
		"games:100000:10\n"
		"games:4294967294:1";
	static const struct range expect[] = {
		{ 100000, 100009 }, { 300000, 300000 }, { 100000, 100009 },
		{ LAST, LAST }
	};
	struct range		 r[NITEMS(expect) + 2];
	FILE			*f = file(text, sizeof(text) - 1);
	size_t			 max;

	(void)state;
	for (max = 0; max <= NITEMS(expect) + 1; max++) {
		memset(r, 0xee, sizeof(r));
		rewind(f);
		assert_int_equal(subuid_ranges(f, "games", 5, r, max),
		    max < NITEMS(expect) ? max : NITEMS(expect));
		assert_memory_equal(r, expect, sizeof(expect[0]) *
		    (max < NITEMS(expect) ? max : NITEMS(expect)));
		/* Beyond max nothing is written. */
		assert_int_equal(r[max].lo, 0xeeeeeeee);
	}
	rewind(f);
	assert_int_equal(subuid_ranges(f, "nobody", 65534, r, 4), 0);
	rewind(f);
	assert_int_equal(subuid_ranges(f, "", 0, r, 4), 0);
	rewind(f);
	assert_int_equal(subuid_ranges(f, "nobody", UINT32_MAX, r, 4), 0);
	fclose(f);
}

/* A uid is of a table through these ranges exactly if it is his alone... */
static void
t_agree(void **state)
{
	static const char	*names[] = { "games", "news", "man" };
	char			 text[2048] = "", line[64];
	struct range		 r[64];
	const char		*got;
	uint32_t		 x = 88172645, lo, uid;
	size_t			 i, j, n, len, in[NITEMS(names)], sum;
	FILE			*f;

	(void)state;
	for (i = len = 0; i < 24; i++) {
		x = x * 1664525 + 1013904223;
		lo = 100000 + (x >> 16) % 200;
		(void)snprintf(line, sizeof(line), "%s:%u:%u\n", names[i % 3],
		    lo, 1 + (x >> 8) % 12);
		(void)strlcat(text, line, sizeof(text));
	}
	len = strlen(text);
	for (uid = 99990; uid < 100230; uid++) {
		for (j = sum = 0; j < NITEMS(names); j++) {
			f = file(text, len);
			n = subuid_ranges(f, names[j], 1, r, NITEMS(r));
			fclose(f);
			for (i = in[j] = 0; i < n; i++)
				if (uid >= r[i].lo && uid <= r[i].hi)
					in[j] = 1;
			sum += in[j];
		}
		got = owner(text, uid);
		/* ... for what is two accounts' is in both their tables. */
		assert_int_equal(got != NULL, sum == 1);
		for (j = 0; j < NITEMS(names); j++)
			if (got != NULL && strcmp(got, names[j]) == 0)
				assert_int_equal(in[j], 1);
	}
}

/* Many lines: the last one counts as the first does. */
static void
t_many(void **state)
{
	FILE		*f;
	char		 buf[MAX_NAME + 2];
	struct range	 r[MAX_SUBUIDS];
	uint32_t	 i;

	(void)state;
	assert_non_null(f = tmpfile());
	for (i = 0; i < 20000; i++)
		fprintf(f, "u%u:%u:65536\n", i % 10000, 100000 + 65536 * i);
	rewind(f);
	assert_int_equal(subuid_owner(f, 100000 + 65536 * 20000U - 1, buf,
	    sizeof(buf)), 1);
	assert_string_equal(buf, "u9999");
	rewind(f);
	assert_int_equal(subuid_owner(f, 100000 + 65536 * 20000U, buf,
	    sizeof(buf)), 0);
	rewind(f);
	assert_int_equal(subuid_ranges(f, "u9999", 1, r, MAX_SUBUIDS), 2);
	assert_int_equal(r[1].hi, 100000 + 65536 * 20000U - 1);
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_lines),
		cmocka_unit_test(t_owner),
		cmocka_unit_test(t_nul),
		cmocka_unit_test(t_long_names),
		cmocka_unit_test(t_ranges),
		cmocka_unit_test(t_agree),
		cmocka_unit_test(t_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
