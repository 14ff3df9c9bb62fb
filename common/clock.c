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

#include <stdio.h>
#include <time.h>

#include "log.h"
#include "sysuser.h"

/* Microseconds on that clock. */
uint64_t
clock_usec(clockid_t clock)
{
	struct timespec	 ts;

	if (clock_gettime(clock, &ts) == -1)
		fatal("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

/* Seconds on the clock that nobody sets. */
time_t
uptime(void)
{
	return (clock_usec(CLOCK_MONOTONIC) / 1000000);
}

/* The class of a time: 2 n for [2^n, 1.5 * 2^n), 2 n + 1 up to 2^(n + 1). */
unsigned int
time_class(uint64_t usec)
{
	unsigned int	 class = 0;

	while (class < TIME_MAX - 1 && usec >= time_bound(class))
		class++;
	return (class);
}

/* Microseconds at which the class ends. */
uint64_t
time_bound(unsigned int class)
{
	uint64_t	 power = (uint64_t)1 << class / 2;

	return (class % 2 == 0 ? power + power / 2 : 2 * power);
}

/* A time span in words of the configuration: "1h", "90s"; exact. */
const char *
seconds_text(uint32_t seconds, char *buf, size_t size)
{
	static const struct {
		uint32_t	 seconds;
		char		 letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t	 i = 0;

	while (seconds % units[i].seconds != 0)
		i++;
	(void)snprintf(buf, size, "%u%c", seconds / units[i].seconds,
	    units[i].letter);
	return (buf);
}
