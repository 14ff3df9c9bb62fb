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
 * Texts of /proc, honest and hostile ones.
 *
 * SOURCES: resolver/linux_proc.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux_proc.h"
#include "../fixtures/linux-proc.h"

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* After "PID (COMM)": up to and with the start time 777, and some more. */
#define TAIL	" S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0 777 0 0 0\n"

/* A copy of exactly this length, for the sanitizers. */
static char *
copy(const char *s, size_t len)
{
	char	*p;

	assert_non_null(p = malloc(len == 0 ? 1 : len));
	memcpy(p, s, len);
	return (p);
}

static void
check_span(struct span s, const char *expect)
{
	if (expect == NULL) {
		assert_null(s.p);
		return;
	}
	assert_non_null(s.p);
	assert_int_equal(s.len, strlen(expect));
	assert_memory_equal(s.p, expect, s.len);
}

static void
t_uint(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	 max;
		int		 rv;
		uint64_t	 value;
	} table[] = {
		{ "0", UINT64_MAX, 0, 0 },
		{ "1", UINT64_MAX, 0, 1 },
		{ "4294967295", UINT32_MAX, 0, UINT32_MAX },
		{ "4294967296", UINT32_MAX, -1, 0 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -1, 0 },
		{ "18446744073709551625", UINT64_MAX, -1, 0 },
		{ "28446744073709551615", UINT64_MAX, -1, 0 },
		{ "99999999999999999999999999999999", UINT64_MAX, -1, 0 },
		{ "", UINT64_MAX, -1, 0 },
		{ "-1", UINT64_MAX, -1, 0 },
		{ "+1", UINT64_MAX, -1, 0 },
		{ " 1", UINT64_MAX, -1, 0 },
		{ "1 ", UINT64_MAX, -1, 0 },
		{ "1\n", UINT64_MAX, -1, 0 },
		{ "01", UINT64_MAX, -1, 0 },
		{ "00", UINT64_MAX, -1, 0 },
		{ "0x1", UINT64_MAX, -1, 0 },
		{ "1a", UINT64_MAX, -1, 0 },
		{ "\xb2", UINT64_MAX, -1, 0 },
	};
	uint64_t	 v;
	size_t		 i;
	char		*p;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		v = 0;
		p = copy(table[i].text, strlen(table[i].text));
		assert_int_equal(proc_uint(p, strlen(table[i].text),
		    table[i].max, &v), table[i].rv);
		assert_true(v == table[i].value);
		free(p);
	}
	assert_int_equal(proc_uint("1\0002", 3, UINT64_MAX, &v), -1);
}

static void
t_pid(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "self", "0", "-1", "2147483648", "1a", "007",
		"4294967297", "18446744073709551617"
	};
	uint32_t	 pid = 77;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++) {
		assert_int_equal(proc_pid(bad[i], &pid), -1);
		assert_int_equal(pid, 77);
	}
	assert_int_equal(proc_pid("1", &pid), 0);
	assert_int_equal(pid, 1);
	assert_int_equal(proc_pid("2147483647", &pid), 0);
	assert_int_equal(pid, INT_MAX);
}

static void
t_stat(void **state)
{
	static const struct {
		const char	*text;
		const char	*comm;
		uint32_t	 threads;
		uint64_t	 start;
	} good[] = {
		{ stat_cat, "cat", 1, 218761 },
		{ stat_kthreadd, "kthreadd", 1, 25 },
		{ "1 ()" TAIL, "", 4, 777 },
		{ "1 ())" TAIL, ")", 4, 777 },
		{ "1 (()" TAIL, "(", 4, 777 },
		{ "1 (a) S 1 1 1)" TAIL, "a) S 1 1 1", 4, 777 },
		{ "1 (a)\n2 (b) R 1)" TAIL, "a)\n2 (b) R 1", 4, 777 },
		{ "1 (a\r\nX: \xff\x01 b)" TAIL, "a\r\nX: \xff\x01 b", 4,
		    777 },
	};
	static const char *const bad[] = {
		"",
		"1",
		"1 (",
		"1 )",
		"1 )(" TAIL,
		"1 (a",
		"1 (a)",
		"1 (a) ",
		"1 (a)S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0 777 0 0\n",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0 777",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0 -77 0 0\n",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 -4 0 777 0\n",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0 "
		    "18446744073709551616 0\n",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4294967296 0 "
		    "777 0\n",
		"1 (a) S 1 2 3 -1 -1 0 0 0 0 0 0 0 0 0 -2 -20 4 0  777 0\n",
	};
	struct proc_stat	 st;
	size_t			 i, len;
	char			*p;

	(void)state;
	for (i = 0; i < NITEMS(good); i++) {
		p = copy(good[i].text, strlen(good[i].text));
		assert_int_equal(proc_stat(p, strlen(good[i].text), &st), 0);
		check_span(st.comm, good[i].comm);
		assert_int_equal(st.threads, good[i].threads);
		assert_true(st.start == good[i].start);
		free(p);
	}
	for (i = 0; i < NITEMS(bad); i++) {
		p = copy(bad[i], strlen(bad[i]));
		assert_int_equal(proc_stat(p, strlen(bad[i]), &st), -1);
		free(p);
	}
	/* Cut at every length: the right start time or none. */
	for (i = 0; i < NITEMS(good); i++)
		for (len = 0; len < strlen(good[i].text); len++) {
			p = copy(good[i].text, len);
			if (proc_stat(p, len, &st) == 0)
				assert_true(st.start == good[i].start);
			free(p);
		}
}

/* No kernel has such a long one, but nothing depends on that. */
static void
t_stat_long(void **state)
{
	struct proc_stat	 st;
	char			 buf[5000];
	size_t			 len;

	(void)state;
	memcpy(buf, "1 (", 3);
	for (len = 3; len < 4096; len += 2)
		memcpy(buf + len, ")\n", 2);
	memcpy(buf + len, ")" TAIL, sizeof(")" TAIL) - 1);
	len += sizeof(")" TAIL) - 1;
	assert_int_equal(proc_stat(buf, len, &st), 0);
	assert_int_equal(st.comm.len, 4094);
	assert_true(st.start == 777);
	/* What a reader with a small buffer would see of it. */
	assert_int_equal(proc_stat(buf, 2048, &st), -1);
}

static void
t_socket(void **state)
{
	static const struct {
		const char	*text;
		int		 rv;
		uint64_t	 inode;
	} table[] = {
		{ "socket:[1]", 0, 1 },
		{ "socket:[94187]", 0, 94187 },
		{ "socket:[18446744073709551615]", 0, UINT64_MAX },
		{ "socket:[18446744073709551616]", -1, 0 },
		{ "socket:[]", -1, 0 },
		{ "socket:[", -1, 0 },
		{ "socket:]", -1, 0 },
		{ "socket:[1", -1, 0 },
		{ "socket:1]", -1, 0 },
		{ "socket:[-1]", -1, 0 },
		{ "socket:[01]", -1, 0 },
		{ "socket:[1] ", -1, 0 },
		{ "socket:[1]]", -1, 0 },
		{ "socket:[1] (deleted)", -1, 0 },
		{ "/tmp/socket:[1]", -1, 0 },
		{ " socket:[1]", -1, 0 },
		{ "pipe:[1]", -1, 0 },
		{ "", -1, 0 },
	};
	uint64_t	 inode;
	size_t		 i;
	char		*p;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		inode = 0;
		p = copy(table[i].text, strlen(table[i].text));
		assert_int_equal(proc_socket(p, strlen(table[i].text),
		    &inode), table[i].rv);
		assert_true(inode == table[i].inode);
		free(p);
	}
}

static void
t_loginuid(void **state)
{
	uint32_t	 uid = 77;

	(void)state;
	assert_int_equal(proc_loginuid("", 0, &uid), -1);
	assert_int_equal(proc_loginuid("\n", 1, &uid), -1);
	assert_int_equal(proc_loginuid("-1", 2, &uid), -1);
	assert_int_equal(proc_loginuid("4294967296", 10, &uid), -1);
	assert_int_equal(proc_loginuid("1\n\n", 3, &uid), -1);
	assert_int_equal(uid, 77);
	assert_int_equal(proc_loginuid("4294967295", 10, &uid), 0);
	assert_int_equal(uid, UINT32_MAX);
	assert_int_equal(proc_loginuid("1000\n", 5, &uid), 0);
	assert_int_equal(uid, 1000);
}

static void
t_lastpid(void **state)
{
	static const char	 good[] = "0.00 0.01 0.05 2/84 4362\n";
	static const char *const bad[] = {
		"", "\n", "4362\n", "0.00 0.01 0.05 2/84 4362",
		"0.00 0.01 0.05 2/84 \n", "0.00 0.01 0.05 2/84\n",
		"0.00 0.01 0.05 2/84 2147483648\n", "0.00 -1\n",
	};
	uint32_t	 pid = 77;
	size_t		 i;
	char		*p;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++) {
		p = copy(bad[i], strlen(bad[i]));
		assert_int_equal(proc_lastpid(p, strlen(bad[i]), &pid), -1);
		free(p);
	}
	assert_int_equal(pid, 77);
	assert_int_equal(proc_lastpid(good, sizeof(good) - 1, &pid), 0);
	assert_int_equal(pid, 4362);
}

static void
t_cgroup(void **state)
{
	const struct cgroup_case	*c;
	struct proc_cgroup		 cg;
	size_t				 i, len;
	char				*p;

	(void)state;
	for (i = 0; i < NITEMS(cgroups); i++) {
		c = &cgroups[i];
		p = copy(c->text, strlen(c->text));
		proc_cgroup(p, strlen(c->text), &cg);
		check_span(cg.unit, c->unit);
		check_span(cg.container, c->container);
		free(p);
	}
	/* Cut: the last line, which has no end, is not believed. */
	for (i = 0; i < NITEMS(cgroups); i++)
		for (len = 0; len < strlen(cgroups[i].text); len++) {
			c = &cgroups[i];
			p = copy(c->text, len);
			proc_cgroup(p, len, &cg);
			if (strchr(c->text, '\n') == strrchr(c->text, '\n')) {
				assert_null(cg.unit.p);
				assert_null(cg.container.p);
			}
			free(p);
		}
}

static void
t_cmdline(void **state)
{
	static const struct {
		const char	*in;
		size_t		 len, size;
		const char	*out;
	} table[] = {
		{ "", 0, 16, "" },
		{ "\0\0\0", 3, 16, "" },
		{ "a\0", 2, 16, "a" },
		{ "a", 1, 16, "a" },
		{ "a\0b\0c\0", 6, 16, "a b c" },
		{ "a\0\0b\0", 5, 16, "a  b" },
		{ "title of mine\0\0\0\0\0", 18, 16, "title of mine" },
		{ "abcdefgh\0", 9, 9, "abcdefgh" },
		{ "abcdefgh\0", 9, 8, "abcdefg" },
		{ "abcdefgh\0", 9, 1, "" },
		{ "a\nb\xff\0", 5, 16, "a\nb\xff" },
	};
	char	 out[16], *p;
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		memset(out, 'x', sizeof(out));
		p = copy(table[i].in, table[i].len);
		assert_int_equal(proc_cmdline(p, table[i].len, out,
		    table[i].size), strlen(table[i].out));
		assert_string_equal(out, table[i].out);
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_uint),
		cmocka_unit_test(t_pid),
		cmocka_unit_test(t_stat),
		cmocka_unit_test(t_stat_long),
		cmocka_unit_test(t_socket),
		cmocka_unit_test(t_loginuid),
		cmocka_unit_test(t_lastpid),
		cmocka_unit_test(t_cgroup),
		cmocka_unit_test(t_cmdline),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
