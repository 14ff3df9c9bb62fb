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
 * SOURCES: milterd/header.c common/answer.c common/xtext.c common/wire.c
 * SOURCES: common/addr.c
 * LIBS: -Wl,--wrap=malloc
 *
 * An owner in one line: that of the message, and that of the log.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "milterd.h"

#define FOLD	78		/* columns, with a tab as 8 */
#define HOSTILE	4096

static int	 no_memory;

void	*__real_malloc(size_t);
void	*__wrap_malloc(size_t);

void *
__wrap_malloc(size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_malloc(size));
}

enum { STEFAN, BARE, NOBODY, CLAIMS, CLOSED, TIMEOUT, REMOTE, OWNERS };

static const struct owner owners[OWNERS] = {
	[STEFAN] = {
		.verdict = E_OWNED, .source = SRC_CACHE, .uid = 1000,
		.login = 1001, .pid = 4711, .holders = 1,
		.text = { [T_USER] = "stefan", [T_PROGRAM] = "telnet",
		    [T_EXE] = "/usr/bin/telnet", [T_CWD] = "/home/stefan" }
	},
	[BARE] = {
		.verdict = E_OWNED, .uid = 1000, .login = LOGIN_UNSET,
		.text = { [T_USER] = "stefan" }
	},
	[NOBODY] = {
		.verdict = E_OWNED, .uid = 12345, .login = LOGIN_UNSET,
		.pid = 1, .text = { [T_PROGRAM] = "x" }
	},
	/* Names that would say something else. */
	[CLAIMS] = {
		.verdict = E_OWNED, .uid = 1000, .login = LOGIN_UNSET,
		.pid = 1, .text = { [T_USER] = "-",
		    [T_PROGRAM] = "x user=root\r\nBcc: a@b", [T_EXE] = "--" }
	},
	[CLOSED] = {
		.verdict = E_UNKNOWN, .reason = R_CLOSED, .uid = 1000,
		.text = { [T_USER] = "stefan" }
	},
	[TIMEOUT] = { .verdict = E_UNKNOWN, .reason = R_TIMEOUT },
	[REMOTE] = { .verdict = E_REMOTE }
};

static char		 name[] = "X-Sender-Process-Info";
static struct policy	 policy;

static const struct fields	 usual = { { F_USER, F_PROGRAM }, 2 };
static const struct fields	 log_usual = { { F_USER, F_UID, F_LOGIN, F_PID,
				    F_PROGRAM, F_EXE, F_CWD, F_UNIT }, 8 };
static const struct fields	 nothing = { { 0 }, 0 };

static void
expect_header(const struct fields *f, const struct owner *o,
    const char *expect)
{
	char	*value;

	policy.header = name;
	policy.header_fields = *f;
	value = header_value(&policy, o);
	assert_non_null(value);
	assert_string_equal(value, expect);
	free(value);
}

static void
t_header(void **state)
{
	static const struct fields	 turned = { { F_PROGRAM, F_USER }, 2 };
	static const struct fields	 more = { { F_EXE, F_UID, F_SOURCE,
					    F_HOLDERS, F_PID }, 5 };
	static const struct fields	 one = { { F_UNIT }, 1 };
	static const struct {
		const struct fields	*fields;
		int			 who;
		const char		*expect;
	} table[] = {
		{ &usual, STEFAN, "user=stefan program=telnet" },
		{ &usual, BARE, "user=stefan program=unknown" },
		{ &usual, NOBODY, "user=#12345 program=x" },
		{ &usual, CLAIMS,
		    "user=+2D program=x+20user+3Droot+0D+0ABcc:+20a@b" },
		{ &usual, CLOSED, "user=unknown reason=closed" },
		{ &usual, TIMEOUT, "user=unknown reason=timeout" },
		{ &turned, STEFAN, "program=telnet user=stefan" },
		{ &turned, CLOSED, "user=unknown reason=closed" },
		{ &more, STEFAN, "exe=/usr/bin/telnet uid=1000 source=cache "
		    "holders=1\n\tpid=4711" },
		{ &more, CLOSED, "user=unknown reason=closed" },
		{ &one, STEFAN, "unit=unknown" },
		{ &one, TIMEOUT, "user=unknown reason=timeout" },
		{ &nothing, STEFAN, "" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		expect_header(table[i].fields, &owners[table[i].who],
		    table[i].expect);
}

/* Each reason that there is, by its word. */
static void
t_reasons(void **state)
{
	struct owner	 o;
	char		 expect[64];
	int		 i;

	(void)state;
	for (i = R_CLOSED; i < R_MAX; i++) {
		owner_unknown(&o, i);
		(void)snprintf(expect, sizeof(expect), "user=unknown "
		    "reason=%s", reason_names[i]);
		expect_header(&usual, &o, expect);
	}
}

static void
t_log_line(void **state)
{
	static const struct fields	 no_user = { { F_UID, F_PROGRAM }, 2 };
	static const struct {
		const struct fields	*fields;
		int			 who;
		const char		*expect;
	} table[] = {
		{ &log_usual, STEFAN, "user=stefan uid=1000 login=1001 "
		    "pid=4711 program=telnet exe=/usr/bin/telnet "
		    "cwd=/home/stefan unit=-" },
		{ &log_usual, BARE, "user=stefan uid=1000 login=- pid=- "
		    "program=- exe=- cwd=- unit=-" },
		{ &log_usual, NOBODY, "user=#12345 uid=12345 login=- pid=1 "
		    "program=x exe=- cwd=- unit=-" },
		{ &log_usual, CLAIMS, "user=+2D uid=1000 login=- pid=1 "
		    "program=x+20user+3Droot+0D+0ABcc:+20a@b exe=-- cwd=- "
		    "unit=-" },
		{ &log_usual, CLOSED, "user=unknown reason=closed uid=- "
		    "login=- pid=- program=- exe=- cwd=- unit=-" },
		{ &no_user, STEFAN, "uid=1000 program=telnet" },
		{ &no_user, CLOSED, "user=unknown reason=closed uid=- "
		    "program=-" },
		{ &usual, REMOTE, "user=unknown reason=none program=-" },
		{ &nothing, STEFAN, "" },
		{ &nothing, CLOSED, "user=unknown reason=closed" },
	};
	char	 buf[256];
	size_t	 i, j, len;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		len = strlen(table[i].expect);
		for (j = 1; j < sizeof(buf); j++) {
			memset(buf, 0xee, sizeof(buf));
			if (owner_line(buf, j, table[i].fields,
			    &owners[table[i].who], "-") != (j > len ? 0 : -1))
				fail_msg("row %zu in %zu bytes", i, j);
			if (j > len)
				assert_string_equal(buf, table[i].expect);
			assert_int_equal((unsigned char)buf[j], 0xee);
		}
	}
}

/*
 * What no header may have, whoever made it: any byte but printable ones, a
 * line break that is not ours, a line that is too long though it could be
 * folded, a fold that was not needed.
 */
static void
check_header(const char *header, const char *value)
{
	const char	*p, *next;
	size_t		 column = strlen(header) + 2, len;
	int		 first = 1;

	for (p = value; *p != '\0'; p = next) {
		len = strcspn(p, " \n");
		assert_true(len > 0);
		next = p + len;
		for (; p < next; p++)
			assert_in_range((unsigned char)*p, 0x21, 0x7e);
		column += len;
		assert_true(first || column <= FOLD);
		first = 0;
		if (*next == '\n') {
			assert_int_equal(next[1], '\t');
			next += 2;
			if (column + 1 + strcspn(next, " \n") <= FOLD)
				fail_msg("no need to fold: %s", value);
			column = 8;
			first = 1;
		} else if (*next == ' ') {
			next++;
			column++;
		}
		assert_true(*next != '\0' || next[-1] > ' ');
	}
}

/* Words of every length, so that lines end at every column. */
static void
t_fold(void **state)
{
	static const struct fields	 f = { { F_USER, F_PROGRAM, F_HOLDER,
					    F_USER, F_PROGRAM, F_HOLDER }, 6 };
	char				 text[3][65], line[1024], *value, *p;
	char				 header[81];
	struct owner			 o = owners[STEFAN];
	size_t				 i, a, b;

	(void)state;
	policy.header_fields = f;
	policy.header = header;
	o.text[T_USER] = text[0];
	o.text[T_PROGRAM] = text[1];
	o.text[T_HOLDER] = text[2];
	for (a = 1; a <= 64; a++)
		for (b = 1; b <= 64; b++) {
			memset(text, 'x', sizeof(text));
			text[0][a] = text[1][b] = '\0';
			text[2][1 + (a * 7 + b) % 64] = '\0';
			memset(header, 'X', sizeof(header));
			header[1 + (a + b) % 80] = '\0';
			value = header_value(&policy, &o);
			assert_non_null(value);
			check_header(header, value);
			/* But for the folds it is the line. */
			for (p = value, i = 0; *p != '\0'; p++)
				if (*p != '\t')
					line[i++] = *p == '\n' ? ' ' : *p;
			line[i] = '\0';
			free(value);
			value = calloc(1, sizeof(line));
			assert_non_null(value);
			assert_int_equal(owner_line(value, sizeof(line), &f,
			    &o, "unknown"), 0);
			assert_string_equal(line, value);
			free(value);
		}
}

/* A line of 78 columns is left as it is, one of 79 is folded. */
static void
t_fold_edge(void **state)
{
	static const struct fields	 f = { { F_USER, F_PROGRAM, F_HOLDER },
					    3 };
	char				 user[65], program[65], holder[65];
	char				 expect[256];
	struct owner			 o = owners[STEFAN];
	size_t				 more;

	(void)state;
	o.text[T_USER] = user;
	o.text[T_PROGRAM] = program;
	o.text[T_HOLDER] = holder;
	for (more = 0; more <= 1; more++) {
		/* 21 + 2 of the name, 5 + 20 user, 1, 8 + 21 program: 78. */
		(void)snprintf(user, sizeof(user), "%020d", 0);
		(void)snprintf(program, sizeof(program), "%0*d",
		    (int)(21 + more), 0);
		(void)strlcpy(holder, "h", sizeof(holder));
		(void)snprintf(expect, sizeof(expect), "user=%s%sprogram=%s%s"
		    "holder=h", user, more ? "\n\t" : " ", program,
		    more ? " " : "\n\t");
		expect_header(&f, &o, expect);
		/* Below: 8, 8 + 24 program, 1, 7 + 30 holder: 78. */
		(void)snprintf(user, sizeof(user), "%060d", 0);
		(void)snprintf(program, sizeof(program), "%024d", 0);
		(void)snprintf(holder, sizeof(holder), "%0*d",
		    (int)(30 + more), 0);
		(void)snprintf(expect, sizeof(expect), "user=%s\n\tprogram=%s%s"
		    "holder=%s", user, program, more ? "\n\t" : " ", holder);
		expect_header(&f, &o, expect);
	}
}

/* All texts are much too long and of the worst bytes; all fields are told. */
static void
t_hostile(void **state)
{
	static const char *const	 worst[] = {
		"\n", "\r\n", "\r\n ", "\n\t", "\r", "\x85", "\xe2\x80\xa8",
		"\r\nBcc: victim@example.org\r\n\r\n", "= +", "\"\\", "\033[2J",
		"\v\f", "a", " a"
	};
	char				 text[HOSTILE + 1], line[6144], *value;
	struct owner			 o = owners[STEFAN];
	size_t				 i, j;

	(void)state;
	policy.header = name;
	for (i = 0; i < F_MAX; i++)
		policy.header_fields.list[i] = i;
	policy.header_fields.n = F_MAX;
	o.uid = o.pid = o.holders = UINT32_MAX;
	o.login = UINT32_MAX - 1;
	for (i = 0; i < T_MAX; i++)
		o.text[i] = text;
	for (i = 0; i < NITEMS(worst); i++) {
		for (j = 0; j < HOSTILE; j++)
			text[j] = worst[i][j % strlen(worst[i])];
		text[j] = '\0';
		value = header_value(&policy, &o);
		assert_non_null(value);
		check_header(name, value);
		/* One = in each field, one field after the other. */
		for (j = 0; value[j] != '\0'; j++)
			if (value[j] == '\n' || value[j] == '\t')
				value[j] = ' ';
		free(value);
		assert_int_equal(owner_line(line, sizeof(line),
		    &policy.header_fields, &o, "-"), 0);
		value = line;
		for (j = 0; j < F_MAX; j++) {
			assert_int_equal(strncmp(value, field_names[j],
			    strlen(field_names[j])), 0);
			value += strlen(field_names[j]);
			assert_int_equal(*value++, '=');
			value += strcspn(value, " =");
			assert_int_equal(*value, j + 1 < F_MAX ? ' ' : '\0');
			value++;
		}
	}
}

/* More than the configuration allows: told, and not written beyond. */
static void
t_too_long(void **state)
{
	char		 text[MAX_PATH + 2];
	struct owner	 o = owners[STEFAN];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	o.text[T_EXE] = text;
	policy.header = name;
	memset(policy.header_fields.list, F_EXE, F_MAX);
	policy.header_fields.n = F_MAX;
	assert_null(header_value(&policy, &o));
}

static void
t_no_memory(void **state)
{
	(void)state;
	policy.header = name;
	policy.header_fields = usual;
	no_memory = 1;
	assert_null(header_value(&policy, &owners[STEFAN]));
	no_memory = 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_header),
		cmocka_unit_test(t_reasons),
		cmocka_unit_test(t_log_line),
		cmocka_unit_test(t_fold),
		cmocka_unit_test(t_fold_edge),
		cmocka_unit_test(t_hostile),
		cmocka_unit_test(t_too_long),
		cmocka_unit_test(t_no_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
