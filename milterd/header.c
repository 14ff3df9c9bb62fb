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

/* An owner in one line, for the header and for the log: pure. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milterd.h"

#define VALUE_MAX	(3 * MAX_PATH + 8)
#define LINE_ALL	(34 * VALUE_MAX)	/* more do not fit a template */
#define LINE_FOLD	78		/* RFC 5322 section 2.1.1 */
#define WORD_LONG	900		/* there: 998 is too much, and what has
					   no blanks can't be folded */

/* Add key=value, after a space if there is something before. */
static int
add(char *buf, size_t size, const char *key, const char *value)
{
	size_t	 n = strlen(buf);

	if ((size_t)snprintf(buf + n, size - n, "%s%s=%s", n > 0 ? " " : "",
	    key, value) >= size - n)
		return (-1);
	return (0);
}

/*
 * The fields of an owner as "key=value key=value" in buf; what is absent is
 * given as the word for it.  Returns 0, or -1 if buf is too small.
 */
int
owner_line(char *buf, size_t size, const struct fields *fields,
    const struct owner *o, const char *absent)
{
	char	 value[VALUE_MAX];
	size_t	 i;

	buf[0] = '\0';
	if (o->verdict != E_OWNED && (add(buf, size, "user", "unknown") == -1 ||
	    add(buf, size, "reason", reason_names[o->reason]) == -1))
		return (-1);
	for (i = 0; i < fields->n; i++) {
		if (o->verdict != E_OWNED && fields->list[i] == F_USER)
			continue;
		if (field_value(o, fields->list[i], value,
		    sizeof(value)) == -1) {
			(void)strlcpy(value, absent, sizeof(value));
		} else if (strcmp(value, "-") == 0)
			(void)strlcpy(value, "+2D", sizeof(value));
		if (add(buf, size, field_names[fields->list[i]], value) == -1)
			return (-1);
	}
	return (0);
}

/*
 * The value of a header with placeholders, in buf.  What is not known is
 * "unknown", so an account of that name is not quite.  What gets too long is
 * cut before the field that is too much.
 */
static int
template_line(char *buf, size_t size, const char *template,
    const struct owner *o)
{
	const char	*word;
	char		 value[VALUE_MAX], byte[2] = "";
	int		 f;

	buf[0] = '\0';
	while ((f = template_next(&template)) >= 0) {
		if (f >= F_MAX)
			byte[0] = f - F_MAX;
		else if (field_value(o, f, value, sizeof(value)) == -1)
			(void)strlcpy(value, "unknown", sizeof(value));
		else if (strcmp(value, "unknown") == 0)
			(void)strlcpy(value, "+75nknown", sizeof(value));
		word = strrchr(buf, ' ');
		if (f < F_MAX && strlen(value) +
		    strlen(word == NULL ? buf : word) > WORD_LONG)
			return (strlcat(buf, "+2E+2E", size) < size ? 0 : -1);
		if (strlcat(buf, f >= F_MAX ? byte : value, size) >= size)
			return (-1);
	}
	return (f == -1 ? 0 : -1);
}

/* Folded at blanks where it gets long, to be freed; NULL without memory. */
static char *
fold(const char *line, size_t column)
{
	const char	*word, *end;
	char		*value, *out;
	size_t		 len;

	if ((value = out = malloc(2 * strlen(line) + 1)) == NULL)
		return (NULL);
	for (word = line; *word != '\0'; word = end) {
		len = strcspn(word, " ");
		/* No line is to be of blanks alone. */
		if (word != line && len > 0 && column + 1 + len > LINE_FOLD) {
			*out++ = '\n';
			*out++ = '\t';
			column = 8;
		} else if (word != line) {
			*out++ = ' ';
			column++;
		}
		memcpy(out, word, len);
		out += len;
		column += len;
		end = word + len;
		if (*end == ' ')
			end++;
	}
	*out = '\0';
	return (value);
}

/*
 * What a header of ours says of an owner, to be freed.  In a list of fields
 * there is nothing to say of an unknown one but why.  Returns NULL if there
 * is no memory.
 */
char *
header_value(const struct header *h, const struct owner *o)
{
	static const struct fields	 none;
	char				 line[LINE_ALL];
	int				 rv;

	if (h->kind == H_VALUE)
		rv = template_line(line, sizeof(line), h->value, o);
	else
		rv = owner_line(line, sizeof(line), o->verdict == E_OWNED ?
		    &h->fields : &none, o, "unknown");
	return (rv == -1 ? NULL : fold(line, strlen(h->name) + 2));
}
