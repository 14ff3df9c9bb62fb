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


/* What sysuserctl(8) prints for programs: JSON, and lines of key=value. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

#define DEPTH_MAX	8

static struct {
	char	 ends[DEPTH_MAX];	/* what closes what is open */
	int	 depth;
	int	 some;			/* the innermost is not empty */
} out;

static void
quoted(const char *s)
{
	unsigned char	 c;

	(void)putchar('"');
	for (; (c = *s) != '\0'; s++)
		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	(void)putchar('"');
}

/* What stands before a value; elements of an array have no name. */
static void
before(const char *name)
{
	if (out.some)
		(void)putchar(',');
	out.some = 1;
	if (name != NULL) {
		quoted(name);
		(void)putchar(':');
	}
}

/* Begin an object, '{', or an array, '['. */
void
json_open(const char *name, char bracket)
{
	before(name);
	(void)putchar(bracket);
	out.ends[out.depth++] = bracket == '{' ? '}' : ']';
	out.some = 0;
}

/* End it; the outermost ends its line as well. */
void
json_close(void)
{
	(void)putchar(out.ends[--out.depth]);
	out.some = out.depth > 0;
	if (out.depth == 0)
		(void)putchar('\n');
}

void
json_null(const char *name)
{
	before(name);
	(void)printf("null");
}

void
json_bool(const char *name, int v)
{
	before(name);
	(void)printf(v ? "true" : "false");
}

void
json_number(const char *name, uint64_t v)
{
	before(name);
	(void)printf("%" PRIu64, v);
}

void
json_string(const char *name, const char *s)
{
	before(name);
	quoted(s);
}

/* One line of key=value, or with -j an object. */
void
record_open(void)
{
	if (ctl.json)
		json_open(NULL, '{');
	else
		out.some = 0;
}

/* The value is encoded already, or a word of ours. */
void
record_string(const char *key, const char *value)
{
	if (ctl.json)
		json_string(key, value);
	else
		(void)printf("%s%s=%s", out.some++ ? " " : "", key, value);
}

void
record_number(const char *key, uint64_t v)
{
	if (ctl.json)
		json_number(key, v);
	else
		(void)printf("%s%s=%" PRIu64, out.some++ ? " " : "", key, v);
}

/* A number, or a word where no rule was at work. */
void
record_rule(uint32_t rule)
{
	char	 text[SPAN_TEXT];

	text_rule(text, sizeof(text), rule);
	if (rule == RULE_NONE || rule == RULE_BLOCKED || rule == RULE_COPIES)
		record_string("rule", text);
	else
		record_number("rule", rule);
}

/* Whoever waits for the line gets it now. */
void
record_close(void)
{
	if (ctl.json)
		json_close();
	else {
		(void)putchar('\n');
		out.some = 0;
	}
	if (fflush(stdout) == EOF)
		fail("stdout: %s", strerror(errno));
}
