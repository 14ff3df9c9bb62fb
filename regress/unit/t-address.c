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
 * SOURCES: milterd/address.c
 *
 * The sender that rules see, from what the MTA says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "milterd.h"

struct row {
	const char	*arg, *f, *addr, *want;
};

static void
check(const struct row *rows, size_t n)
{
	char	*got;
	size_t	 i;

	for (i = 0; i < n; i++) {
		got = sender_address(rows[i].arg, rows[i].f, rows[i].addr);
		assert_non_null(got);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

/* What Sendmail 8.17 says, of local ones: {mail_addr} is no address. */
static void
sendmail(void **state)
{
	static const struct row	 rows[] = {
		{ "<a@b.test>", "a@b.test", "a", "a@b.test" },
		{ "<A@B.Test>", "A@B.Test", "A@B.Test", "A@B.Test" },
		{ "<@x:a@b.test>", "a@b.test", "a", "a@b.test" },
		{ "<a@b.test.>", "a@b.test", "a", "a@b.test" },
		{ "<a@b.test(x)>", "a@b.test", "a", "a@b.test" },
		{ "<<x@y>@b.test>", "x@y", "x", "x@y" },
		{ "<x@y>,<a@b.test>", "a@b.test", "a", "a@b.test" },
		{ "<a%b.test@localhost>", "a%b.test@h.test", "a",
		    "a%b.test@h.test" },
		{ "<b.test!a@localhost>", "b.test!a@h.test", "b.test!a",
		    "b.test!a@h.test" },
		{ "<>", "", "", "<>" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* It leaves quotes as they came; of two ways to write one, rules see one. */
static void
quotes(void **state)
{
	static const struct row	 rows[] = {
		{ "", "\"a\"@b", NULL, "a@b" },
		{ "", "\"a.b\"@c", NULL, "a.b@c" },
		{ "", "\"a\".\"b\"@c", NULL, "a.b@c" },
		{ "", "\"a\"b@c", NULL, "ab@c" },
		{ "", "\\a@b", NULL, "a@b" },
		{ "", "\"\\a\"@b", NULL, "a@b" },
		{ "", "\"\"a@b", NULL, "a@b" },
		{ "", "\"a b\"@c", NULL, "\"a b\"@c" },
		{ "", "a\\ b@c", NULL, "\"a b\"@c" },
		{ "", "\"a@b\"@c", NULL, "\"a@b\"@c" },
		{ "", "a\\@b@c", NULL, "\"a@b\"@c" },
		{ "", "\"a\\\"b\"@c", NULL, "\"a\\\"b\"@c" },
		{ "", "\"a\\\\b\"@c", NULL, "\"a\\\\b\"@c" },
		{ "", "\"\"@c", NULL, "\"\"@c" },
		{ "", "@c", NULL, "\"\"@c" },
		{ "", "a:;@c", NULL, "\"a:;\"@c" },
		{ "", "\xc3\xa4@c", NULL, "\xc3\xa4@c" },
		{ "", "a!b%c_+-=@d", NULL, "a!b%c_+-=@d" },
		{ "", "a\\@c", NULL, "\"a\\\\\"@c" },
		{ "", "a", NULL, "a" },
		{ "", "\"a@b\"", NULL, "\"a@b\"" },
		{ "", "\"", NULL, "\"" },
		{ "", "\\", NULL, "\\" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Postfix has no f. */
static void
postfix(void **state)
{
	static const struct row	 rows[] = {
		{ "<a@b.test>", NULL, "a@b.test", "a@b.test" },
		{ "<@x:a@b.test>", NULL, "a@b.test", "a@b.test" },
		{ "<\"a\"@b.test>", NULL, "a@b.test", "a@b.test" },
		{ "<a%b.test@localhost>", NULL, "a@b.test",
		    "a%b.test@localhost" },
		{ "<b.test!a@localhost>", NULL, "a@b.test",
		    "b.test!a@localhost" },
		{ "<\"a@b.test\"@localhost>", NULL, "a@b.test",
		    "\"a@b.test\"@localhost" },
		{ "<\"a b\"@c.test>", NULL, "\"a b\"@c.test", "\"a b\"@c.test" },
		{ "<>", NULL, "", "<>" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* What it passes over does not make the sender another one. */
static void
rubble(void **state)
{
	static const struct row	 rows[] = {
		{ "<(%)e@b.test(@a.test>", NULL, "e@b.test", "e@b.test" },
		{ "(%)<e@b.test>(@a.test", NULL, "e@b.test", "e@b.test" },
		{ "(%)e@b.test(@a.test", NULL, "e@b.test", "e@b.test" },
		{ "<(!)e@b.test (x@a.test>", NULL, "e@b.test", "e@b.test" },
		{ "<((%)x)e@b.test(@a.test>", NULL, "e@b.test", "e@b.test" },
		{ "<(\\)%)e@b.test(@a.test>", NULL, "e@b.test", "e@b.test" },
		{ "<e(%)@b.test(x(@a.test)>", NULL, "e@b.test", "e@b.test" },
		{ "\"%@a.test\"<e@b.test>", NULL, "e@b.test", "e@b.test" },
		{ "x%y@a.test<e@b.test>", NULL, "e@b.test", "e@b.test" },
		{ "%:e@b.test;", NULL, "e@b.test", "e@b.test" },
		{ "<<e@b.test>(%@a.test>", NULL, "e@b.test", "e@b.test" },
		{ "<@%:e@b.test>", NULL, "e@b.test", "e@b.test" },
		{ "\"\"<e@b.test>", NULL, "e@b.test", "e@b.test" },
		{ "\"%\"<e@b.test.>", NULL, "e@b.test", "e@b.test" },
		/* and does not hide it */
		{ "(x)e%a.test@localhost(y", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ "x<e%a.test@localhost>", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ ",e%a.test@localhost", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ ":<e%a.test@localhost>", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ "x:e%a.test@localhost;", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ "<<@x:e%a.test@localhost>>", NULL, "e@a.test",
		    "e%a.test@localhost" },
		{ "<\"@x:e%a.test\">", NULL, "e@a.test", "e@a.test" },
		{ "<\"@x:e%(%)a.test\">", NULL, "\"e%(%)a.test\"@h.test",
		    "\"e%(%)a.test\"@h.test" },
		{ "e@a.test@localhost", NULL, "e@a.test",
		    "\"e@a.test\"@localhost" },
		{ "<\"e%a.test\"@localhost.>", NULL, "e@a.test",
		    "e%a.test@localhost" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Nor do quotes, and a domain that was not told or not whole. */
static void
normal(void **state)
{
	static const struct row	 rows[] = {
		{ "<\"a\"@b.test.>", NULL, "a@b.test", "a@b.test" },
		{ "<@x:\"a\"@b.test.>", NULL, "a@b.test", "a@b.test" },
		{ "<\"a@b.test\">", NULL, "a@b.test", "a@b.test" },
		{ "<\"a\">", NULL, "a@h.test", "a@h.test" },
		{ "<a>", NULL, "a@h.test", "a@h.test" },
		{ "<a@b>", NULL, "a@b.h.test", "a@b.h.test" },
		{ "<a\\%b@c.test>", NULL, "a%b@c.test", "a%b@c.test" },
		{ "<\"a!b\"@C.test.>", NULL, "a!b@c.test", "a!b@c.test" },
		{ "<a%b@c>", NULL, "a%b@c.h.test", "a%b@c.h.test" },
		{ "<a%b.test>", NULL, "a@b.test", "a@b.test" },
		{ "<a%b.test.>", NULL, "\"a%b.test.\"@h.test",
		    "\"a%b.test.\"@h.test" },
		{ "<b.test!a>", NULL, "a@b.test", "a@b.test" },
		{ "<\"b.test!a\">", NULL, "a@b.test", "a@b.test" },
		{ "<x!a%b.test>", NULL, "x!a@b.test", "x!a@b.test" },
		{ "<a%b.test>", NULL, "a%b.test@h.test", "a%b.test@h.test" },
		{ "<a%b.test%localhost>", NULL, "a@b.test",
		    "a%b.test@localhost" },
		{ "<localhost!b.test!a>", NULL, "a@b.test",
		    "b.test!a@localhost" },
		{ "<a%b@[::1]>", NULL, "a@b", "a%b@[::1]" },
		{ "<\"a b%c.test\">", NULL, "\"a b\"@c.test", "a b%c.test" },
		{ "a%b@c.test\\\\", NULL, "a@b", "a%b@c.test" },
		{ "a%b@c.test\"\\\"\"", NULL, "a@b", "a%b@c.test" },
		{ "a%b@\"[c", NULL, "a@b", "a%b@[c]" },
		{ "<[[[[", NULL, "a@b", "a@b" },
		{ "[", NULL, "a", "[]" },
		{ "<(%)\"a\"@b.(x>", NULL, "a", "a@b" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* An MTA that says less than both of them. */
static void
argument(void **state)
{
	static const struct row	 rows[] = {
		{ "<a@b>", NULL, NULL, "a@b" },
		{ "a@b", NULL, NULL, "a@b" },
		{ "<a@b>", NULL, "a", "a@b" },
		{ "<a@b(x)>", NULL, NULL, "a@b" },
		{ "<>", NULL, NULL, "<>" },
		{ "", NULL, NULL, "" },
		{ "q[x@y", NULL, NULL, "q[x@y" },
		{ "<", NULL, NULL, "<" },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(sendmail),
		cmocka_unit_test(quotes),
		cmocka_unit_test(postfix),
		cmocka_unit_test(rubble),
		cmocka_unit_test(normal),
		cmocka_unit_test(argument),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
