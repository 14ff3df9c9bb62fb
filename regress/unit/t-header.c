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
 * An owner in one line: those of the message, and that of the log.
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

enum {
	STEFAN, BARE, NOBODY, CLAIMS, NAMED_SO, CLOSED, TIMEOUT, REMOTE, OWNERS
};

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
	/* It is what they are called. */
	[NAMED_SO] = {
		.verdict = E_OWNED, .uid = 1000, .login = LOGIN_UNSET,
		.pid = 1, .text = { [T_USER] = "unknown",
		    [T_PROGRAM] = "unknown", [T_EXE] = "unknown1",
		    [T_CWD] = "+75nknown", [T_UNIT] = "%u%%%{uid}" }
	},
	[CLOSED] = {
		.verdict = E_UNKNOWN, .reason = R_CLOSED, .uid = 1000,
		.text = { [T_USER] = "stefan" }
	},
	[TIMEOUT] = { .verdict = E_UNKNOWN, .reason = R_TIMEOUT },
	[REMOTE] = { .verdict = E_REMOTE }
};

static char		 name[] = "X-Sender-Process-Info";
static struct header	 header = { .name = name };

static const struct fields	 usual = { { F_USER, F_PROGRAM }, 2 };
static const struct fields	 log_usual = { { F_USER, F_UID, F_LOGIN, F_PID,
				    F_PROGRAM, F_EXE, F_CWD, F_UNIT }, 8 };
static const struct fields	 nothing = { { 0 }, 0 };

static void
expect_header(const struct fields *f, const struct owner *o,
    const char *expect)
{
	char	*value;

	header.kind = H_FIELDS;
	header.fields = *f;
	value = header_value(&header, o);
	assert_non_null(value);
	assert_string_equal(value, expect);
	free(value);
}

/* The same for a value with placeholders; NULL: it makes no sense. */
static void
expect_template(const char *template, const struct owner *o,
    const char *expect)
{
	char	 text[256], *value;

	assert_true(strlcpy(text, template, sizeof(text)) < sizeof(text));
	header.kind = H_VALUE;
	header.value = text;
	value = header_value(&header, o);
	header.value = NULL;
	if (expect == NULL)
		assert_null(value);
	else {
		assert_non_null(value);
		assert_string_equal(value, expect);
	}
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
		{ &usual, NAMED_SO, "user=unknown program=unknown" },
		{ &usual, CLOSED, "user=unknown reason=closed" },
		{ &usual, TIMEOUT, "user=unknown reason=timeout" },
		{ &usual, REMOTE, "user=unknown reason=none" },
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

static void
t_value(void **state)
{
	static const struct {
		const char	*template;
		int		 who;
		const char	*expect;	/* NULL: it makes no sense */
	} table[] = {
		{ "%u", STEFAN, "stefan" },
		{ "%{user}", STEFAN, "stefan" },
		{ "%u%u", STEFAN, "stefanstefan" },
		{ "<%u@host> by %{program}, uid %{uid}", STEFAN,
		    "<stefan@host> by telnet, uid 1000" },
		{ "%{exe} %{source} %{login} %{pid} %{holders}", STEFAN,
		    "/usr/bin/telnet cache 1001 4711 1" },
		{ "none here", STEFAN, "none here" },
		{ "", STEFAN, "" },
		{ "%%", STEFAN, "%" },
		{ "%%u", STEFAN, "%u" },
		{ "%%%u", STEFAN, "%stefan" },
		{ "%%{uid}%%", STEFAN, "%{uid}%" },
		{ "100%% %%%% {uid} }", STEFAN, "100% %% {uid} }" },
		{ "%{uid}}", STEFAN, "1000}" },
		{ "%uid", STEFAN, "stefanid" },
		{ "\xc3\xa4%u\xff", STEFAN, "\xc3\xa4stefan\xff" },
		{ "user=%u reason=closed", STEFAN,
		    "user=stefan reason=closed" },
		/* Not known, or so called. */
		{ "%u %{program} %{unit}", BARE, "stefan unknown unknown" },
		{ "%u/%{owner}", NOBODY, "#12345/unknown" },
		{ "%u %{uid} %{reason}", CLOSED, NULL },
		{ "%u %{uid} %{source}", CLOSED, "unknown unknown unknown" },
		{ "by %u", TIMEOUT, "by unknown" },
		{ "by %u", REMOTE, "by unknown" },
		{ "unknown %u", NAMED_SO, "unknown +75nknown" },
		{ "%{program} %{exe} %{cwd}", NAMED_SO,
		    "+75nknown unknown1 +2B75nknown" },
		/* A value is not read again, and can break nothing. */
		{ "%{unit}", NAMED_SO, "%u%%%{uid}" },
		{ "%u %{program}", CLAIMS,
		    "- x+20user+3Droot+0D+0ABcc:+20a@b" },
		/* Flaws, wherever they are. */
		{ "%", STEFAN, NULL },
		{ "%u %", STEFAN, NULL },
		{ "%%%", STEFAN, NULL },
		{ "%x", STEFAN, NULL },
		{ "%U", STEFAN, NULL },
		{ "% u", STEFAN, NULL },
		{ "%s%n", STEFAN, NULL },
		{ "%{", STEFAN, NULL },
		{ "%{}", STEFAN, NULL },
		{ "%{user", STEFAN, NULL },
		{ "%{User}", STEFAN, NULL },
		{ "%{ user}", STEFAN, NULL },
		{ "%{users}", STEFAN, NULL },
		{ "%{use}", STEFAN, NULL },
		{ "%{user%u}", STEFAN, NULL },
		{ "%{reason}", STEFAN, NULL },
		{ "%{%u}", STEFAN, NULL },
		{ "%{user}%{", STEFAN, NULL },
		{ "%{", CLOSED, NULL },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++)
		expect_template(table[i].template, &owners[table[i].who],
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
check_header(const char *head, const char *value)
{
	const char	*p, *next;
	size_t		 column = strlen(head) + 2, len;
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

/* But for the folds it is the line. */
static void
unfold(char *value)
{
	char	*to = value;

	for (; *value != '\0'; value++) {
		if (*value == '\n' && value[1] == '\t')
			*++value = ' ';
		*to++ = *value;
	}
	*to = '\0';
}

#define LONG	"a-word-of-100-bytes-that-can-not-be-folded-because-there-" \
		"is-no-blank-anywhere-in-it-to-do-so-at-all-"

/* Words of every length, so that lines end at every column. */
static void
t_fold(void **state)
{
	static const struct fields	 f = { { F_USER, F_PROGRAM, F_HOLDER,
					    F_USER, F_PROGRAM, F_HOLDER }, 6 };
	char				 text[3][65], line[1024], *value;
	char				 head[81], template[] = "user=%u "
					    "program=%{program} "
					    "holder=%{holder} user=%u program="
					    "%{program} holder=%{holder}";
	struct header			 h = { .name = head, .fields = f,
					    .value = template };
	struct owner			 o = owners[STEFAN];
	size_t				 a, b;

	(void)state;
	o.text[T_USER] = text[0];
	o.text[T_PROGRAM] = text[1];
	o.text[T_HOLDER] = text[2];
	for (a = 1; a <= 64; a++)
		for (b = 1; b <= 64; b++) {
			memset(text, 'x', sizeof(text));
			text[0][a] = text[1][b] = '\0';
			text[2][1 + (a * 7 + b) % 64] = '\0';
			memset(head, 'X', sizeof(head));
			head[1 + (a + b) % 80] = '\0';
			h.kind = b % 2 == 0 ? H_FIELDS : H_VALUE;
			value = header_value(&h, &o);
			assert_non_null(value);
			check_header(head, value);
			unfold(value);
			assert_int_equal(owner_line(line, sizeof(line), &f,
			    &o, "unknown"), 0);
			assert_string_equal(value, line);
			free(value);
		}
}

/*
 * Blanks in a row stay, but for the last at the end; no line is of blanks
 * alone, which some take for the end of the header.
 */
static void
t_fold_blanks(void **state)
{
	char		 text[256], *value;
	struct header	 h = { .kind = H_VALUE, .name = name, .value = text };
	const char	*line;
	size_t		 word, blanks, len;

	(void)state;
	for (word = 0; word <= 100; word++)
		for (blanks = 0; blanks <= 100; blanks++) {
			len = snprintf(text, sizeof(text), "%.*s%*sab%*s",
			    (int)word, LONG, (int)blanks, "",
			    (int)(blanks % 5), "");
			value = header_value(&h, &owners[STEFAN]);
			assert_non_null(value);
			for (line = value; (line = strchr(line, '\n')) != NULL;
			    line++) {
				assert_int_equal(line[1], '\t');
				assert_int_not_equal(line[2 + strspn(line + 2,
				    " \t")], '\n');
				assert_int_not_equal(line[2 + strspn(line + 2,
				    " \t")], '\0');
			}
			unfold(value);
			if (text[len - 1] == ' ')
				text[len - 1] = '\0';
			assert_string_equal(value, text);
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

/* All of a line are there, one after the other, with one = in each. */
static void
check_fields(const char *line)
{
	size_t	 i;

	for (i = 0; i < F_MAX; i++) {
		assert_int_equal(strncmp(line, field_names[i],
		    strlen(field_names[i])), 0);
		line += strlen(field_names[i]);
		assert_int_equal(*line++, '=');
		line += strcspn(line, " =");
		assert_int_equal(*line, i + 1 < F_MAX ? ' ' : '\0');
		line++;
	}
}

/* All texts are much too long and of the worst bytes; all fields are told. */
static void
t_hostile(void **state)
{
	static const char *const	 worst[] = {
		"\n", "\r\n", "\r\n ", "\n\t", "\r", "\x85", "\xe2\x80\xa8",
		"\r\nBcc: victim@example.org\r\n\r\n", "= +", "\"\\", "\033[2J",
		"\v\f", "a", " a", "%u", "%{exe}", "%%", "%n%s", "unknown"
	};
	char				 text[HOSTILE + 1], line[6144], *value;
	char				 template[512] = "";
	struct header			 h = { .name = name,
					    .value = template };
	struct owner			 o = owners[STEFAN];
	size_t				 i, j;

	(void)state;
	h.fields.n = F_MAX;
	for (i = 0; i < F_MAX; i++) {
		h.fields.list[i] = i;
		j = strlen(template);
		(void)snprintf(template + j, sizeof(template) - j,
		    "%s%s=%%{%s}", i > 0 ? " " : "", field_names[i],
		    field_names[i]);
	}
	o.uid = o.pid = o.holders = UINT32_MAX;
	o.login = UINT32_MAX - 1;
	for (i = 0; i < T_MAX; i++)
		o.text[i] = text;
	for (i = 0; i < NITEMS(worst); i++) {
		for (j = 0; j < HOSTILE; j++)
			text[j] = worst[i][j % strlen(worst[i])];
		text[j] = '\0';
		assert_int_equal(owner_line(line, sizeof(line), &h.fields, &o,
		    "-"), 0);
		check_fields(line);
		for (h.kind = H_FIELDS; h.kind <= H_VALUE; h.kind++) {
			value = header_value(&h, &o);
			assert_non_null(value);
			check_header(name, value);
			unfold(value);
			assert_string_equal(value, line);
			free(value);
		}
	}
}

/* What can't be folded is cut where a line would be too long for mail. */
static void
t_too_long(void **state)
{
	static char	 template[4096] = "";
	char		 text[MAX_PATH + 2], *value;
	struct header	 h = { .kind = H_FIELDS, .name = name,
			    .value = template };
	struct owner	 o = owners[STEFAN];
	size_t		 i;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	o.text[T_EXE] = text;
	h.kind = H_VALUE;
	for (i = 0; i < 33; i++)
		(void)strlcat(template, "%{exe}", sizeof(template));
	value = header_value(&h, &o);
	assert_non_null(value);
	assert_in_range(strlen(value), 3 * MAX_PATH, 998 - sizeof(name));
	assert_string_equal(value + strlen(value) - 12, "+2E+2E+2E+2E");
	free(value);
	/* With blanks all of it is there, more than any statement has. */
	template[0] = '\0';
	for (i = 0; i < 33; i++)
		(void)strlcat(template, "%{exe} ", sizeof(template));
	value = header_value(&h, &o);
	assert_non_null(value);
	assert_in_range(strlen(value), 33 * 3 * MAX_PATH, 34 * 3 * MAX_PATH);
	free(value);
	for (i = 0; i < 33; i++)
		(void)strlcat(template, "%{exe} ", sizeof(template));
	assert_null(header_value(&h, &o));
}

/* There is a longest value: it is whole, and one byte more is refused. */
static void
t_longest(void **state)
{
	static char	 text[40001];
	char		*value;
	struct header	 h = { .kind = H_VALUE, .name = name, .value = text };
	size_t		 lo = 0, hi = sizeof(text) - 1, mid;

	(void)state;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		memset(text, 'x', mid);
		text[mid] = '\0';
		if ((value = header_value(&h, &owners[STEFAN])) == NULL)
			hi = mid;
		else {
			assert_string_equal(value, text);
			lo = mid;
		}
		free(value);
	}
	assert_in_range(lo, F_MAX * 3 * MAX_PATH, sizeof(text) - 2);
}

static void
t_no_memory(void **state)
{
	static char	 template[] = "%u";
	struct header	 h = { .kind = H_FIELDS, .name = name,
			    .fields = usual, .value = template };

	(void)state;
	no_memory = 1;
	assert_null(header_value(&h, &owners[STEFAN]));
	h.kind = H_VALUE;
	assert_null(header_value(&h, &owners[STEFAN]));
	no_memory = 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_header),
		cmocka_unit_test(t_value),
		cmocka_unit_test(t_reasons),
		cmocka_unit_test(t_log_line),
		cmocka_unit_test(t_fold),
		cmocka_unit_test(t_fold_blanks),
		cmocka_unit_test(t_fold_edge),
		cmocka_unit_test(t_hostile),
		cmocka_unit_test(t_too_long),
		cmocka_unit_test(t_longest),
		cmocka_unit_test(t_no_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
