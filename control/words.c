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


/* Names, numbers and times as people read them. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* Encode a name that would otherwise read as something else. */
static void
escape_first(char *buf, size_t size)
{
	char	 rest[NAME_TEXT];

	(void)strlcpy(rest, buf + 1, sizeof(rest));
	(void)snprintf(buf, size, "+%02X%s", (unsigned int)buf[0], rest);
}

/*
 * An account, #uid if that has none, or "unknown".  An account that is called
 * like one of these is none of them.  NAME_TEXT bytes always do.
 */
void
text_user(char *buf, size_t size, uint32_t uid, const char *name)
{
	if (uid == UID_UNKNOWN)
		(void)strlcpy(buf, "unknown", size);
	else if (name[0] == '\0')
		(void)snprintf(buf, size, "#%u", uid);
	else {
		(void)xtext(buf, size, name, MAX_NAME);
		if (buf[0] == '#' || strcmp(buf, "unknown") == 0)
			escape_first(buf, size);
	}
}

/* A program, or "-", which none is called. */
void
text_program(char *buf, size_t size, const char *name)
{
	if (name[0] == '\0')
		(void)strlcpy(buf, "-", size);
	else {
		(void)xtext(buf, size, name, MAX_NAME);
		if (strcmp(buf, "-") == 0)
			escape_first(buf, size);
	}
}

void
text_rule(char *buf, size_t size, uint32_t rule)
{
	if (rule == RULE_NONE)
		(void)strlcpy(buf, "none", size);
	else if (rule == RULE_BLOCKED)
		(void)strlcpy(buf, BLOCKED_NOW, size);
	else if (rule == RULE_COPIES)
		(void)strlcpy(buf, MANY_COPIES, size);
	else
		(void)snprintf(buf, size, "%u", rule);
}

/* Sentences keep their spaces, but can't do anything to a terminal. */
void
text_plain(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			*s = '?';
}

/*
 * At most so many columns.  What was longer ends in a + of its own, which an
 * encoded value never does.
 */
void
text_cut(char *s, size_t width)
{
	size_t	 end, i;

	if (strlen(s) <= width || width == 0)
		return;
	end = width - 1;
	for (i = end > 2 ? end - 2 : 0; i < end; i++)
		if (s[i] == '+')
			end = i;
	(void)strlcpy(s + end, "+", 2);
}

/* In five columns. */
void
text_count(char *buf, size_t size, uint64_t n)
{
	static const char	 units[] = "kMGTPE";
	unsigned int		 tenths, i;

	if (n < 10000) {
		(void)snprintf(buf, size, "%" PRIu64, n);
		return;
	}
	for (i = 0; n >= 1000000; i++)
		n /= 1000;
	tenths = n / 100;
	if (tenths < 1000)
		(void)snprintf(buf, size, "%u.%u%c", tenths / 10, tenths % 10,
		    units[i]);
	else
		(void)snprintf(buf, size, "%u%c", tenths / 10, units[i]);
}

/* Seconds as 3d04h12m: the units that matter, and no zeros at the end. */
void
text_span(char *buf, size_t size, uint32_t s)
{
	uint32_t	 d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	s %= 60;
	if (d > 0 && m > 0)
		(void)snprintf(buf, size, "%ud%02uh%02um", d, h, m);
	else if (d > 0 && h > 0)
		(void)snprintf(buf, size, "%ud%02uh", d, h);
	else if (d > 0)
		(void)snprintf(buf, size, "%ud", d);
	else if (h > 0 && m > 0)
		(void)snprintf(buf, size, "%uh%02um", h, m);
	else if (h > 0)
		(void)snprintf(buf, size, "%uh", h);
	else if (m > 0 && s > 0)
		(void)snprintf(buf, size, "%um%02us", m, s);
	else if (m > 0)
		(void)snprintf(buf, size, "%um", m);
	else
		(void)snprintf(buf, size, "%us", s);
}

void
text_usec(char *buf, size_t size, uint64_t usec)
{
	if (usec < 1000)
		(void)snprintf(buf, size, "%uus", (unsigned int)usec);
	else if (usec < 1000000)
		(void)snprintf(buf, size, "%.3gms", usec / 1e3);
	else
		(void)snprintf(buf, size, "%.3gs", usec / 1e6);
}
