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
 * SOURCES: common/clock.c
 * LIBS: -Wl,--wrap=clock_gettime
 *
 * Times: as they are read, as they are counted, and in words.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "sysuser.h"

/* What the clock says, and which was asked; NULL: it fails. */
static const struct timespec	*now;
static clockid_t		 asked;
static jmp_buf			 died;

int	 __wrap_clock_gettime(clockid_t, struct timespec *);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	asked = clock;
	if (now == NULL) {
		errno = EINVAL;
		return (-1);
	}
	*ts = *now;
	return (0);
}

void
fatal(const char *fmt, ...)
{
	(void)fmt;
	longjmp(died, 1);
}

static void
t_clock(void **state)
{
	static const struct {
		struct timespec	 ts;
		uint64_t	 usec;
		time_t		 up;
	} table[] = {
		{ { 0, 0 }, 0, 0 },
		{ { 0, 999 }, 0, 0 },
		{ { 0, 1000 }, 1, 0 },
		{ { 0, 999999999 }, 999999, 0 },
		{ { 1, 0 }, 1000000, 1 },
		{ { 1, 500000000 }, 1500000, 1 },
		/* More than 32 bits of either. */
		{ { 4295, 1999 }, UINT64_C(4295000001), 4295 },
		{ { 5000000000, 999999999 }, UINT64_C(5000000000999999),
		    5000000000 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		now = &table[i].ts;
		assert_true(clock_usec(CLOCK_REALTIME) == table[i].usec);
		assert_int_equal(asked, CLOCK_REALTIME);
		assert_true(uptime() == table[i].up);
		assert_int_equal(asked, CLOCK_MONOTONIC);
	}
	now = NULL;
	if (setjmp(died) == 0) {
		(void)clock_usec(CLOCK_REALTIME);
		fail_msg("a clock that fails tells a time");
	}
}

/* The bounds of the first classes, and of the last that has one. */
static void
t_bounds(void **state)
{
	static const uint64_t	 bounds[] = {
		1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128
	};
	unsigned int		 i;

	(void)state;
	for (i = 0; i < NITEMS(bounds); i++)
		assert_true(time_bound(i) == bounds[i]);
	assert_true(time_bound(TIME_MAX - 2) == 12582912);
	for (i = 1; i < TIME_MAX; i++) {
		assert_true(time_bound(i) > time_bound(i - 1));
		/* What is told is wrong by half of it at most. */
		assert_true(i < 3 || 2 * time_bound(i) <=
		    3 * time_bound(i - 1));
	}
	/* No 32 bits are full, should there ever be more. */
	assert_true(time_bound(64) == UINT64_C(6442450944));
}

/* A time is in the class that ends after it and does not begin after it. */
static void
t_classes(void **state)
{
	static const uint64_t	 late[] = {
		UINT64_C(3600000000), UINT64_C(1) << 32, UINT64_C(1) << 63,
		UINT64_MAX
	};
	uint64_t		 usec;
	unsigned int		 i, class;

	(void)state;
	assert_int_equal(time_class(0), 0);
	for (usec = 0; usec < 100000; usec++) {
		class = time_class(usec);
		assert_true(usec < time_bound(class));
		assert_true(class == 0 || usec >= time_bound(class - 1));
	}
	for (i = 0; i < TIME_MAX - 1; i++) {
		assert_int_equal(time_class(time_bound(i) - 1), i);
		assert_int_equal(time_class(time_bound(i)), i + 1);
	}
	for (i = 0; i < NITEMS(late); i++)
		assert_int_equal(time_class(late[i]), TIME_MAX - 1);
}

static void
t_seconds(void **state)
{
	static const struct {
		uint32_t	 seconds;
		const char	*expect;
	} table[] = {
		{ 1, "1s" },
		{ 59, "59s" },
		{ 60, "1m" },
		{ 61, "61s" },
		{ 90, "90s" },
		{ 120, "2m" },
		{ 3540, "59m" },
		{ 3599, "3599s" },
		{ 3600, "1h" },
		{ 3601, "3601s" },
		{ 3660, "61m" },
		{ 5400, "90m" },
		{ 82800, "23h" },
		{ 86399, "86399s" },
		{ 86400, "1d" },
		{ 86460, "1441m" },
		{ 90000, "25h" },
		{ 172800, "2d" },
		{ 604800, "7d" },
		{ MAX_WINDOW, "31d" },
		{ MAX_WINDOW - 1, "2678399s" },
		{ UINT32_MAX, "4294967295s" },
	};
	char	 buf[16];
	size_t	 i, size;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_ptr_equal(seconds_text(table[i].seconds, buf,
		    sizeof(buf)), buf);
		assert_string_equal(buf, table[i].expect);
		/* It is cut rather than written beyond. */
		for (size = 1; size < sizeof(buf) - 1; size++) {
			memset(buf, 0xee, sizeof(buf));
			(void)seconds_text(table[i].seconds, buf, size);
			assert_true(strlen(buf) < size);
			assert_int_equal(strncmp(buf, table[i].expect,
			    size - 1), 0);
			assert_int_equal((unsigned char)buf[size], 0xee);
		}
	}
}

/* Nothing is lost in the words, and they are the shortest. */
static void
t_seconds_exact(void **state)
{
	static const char	 letters[] = "dhms";
	static const uint32_t	 units[] = { 86400, 3600, 60, 1 };
	uint32_t		 s, n;
	char			 buf[16], *end;
	const char		*unit;
	size_t			 i;

	(void)state;
	for (s = 1; s <= MAX_WINDOW; s += s < 200000 ? 1 : 599) {
		(void)seconds_text(s, buf, sizeof(buf));
		n = strtoul(buf, &end, 10);
		unit = strchr(letters, *end);
		assert_non_null(unit);
		assert_int_equal(end[1], '\0');
		assert_int_equal(n * units[unit - letters], s);
		for (i = 0; letters + i < unit; i++)
			assert_int_not_equal(s % units[i], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_clock),
		cmocka_unit_test(t_bounds),
		cmocka_unit_test(t_classes),
		cmocka_unit_test(t_seconds),
		cmocka_unit_test(t_seconds_exact),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
