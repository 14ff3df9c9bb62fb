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

/* The sender's address, as the MTA understood it: pure. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milterd.h"

#define ATOM	"abcdefghijklmnopqrstuvwxyz" "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		"0123456789" "!#$%&'*+-/=?^_`{|}~" "."

/* Does a local part need quotes?  Bytes that are not ASCII don't. */
static int
needs_quotes(const char *s)
{
	if (*s == '\0')
		return (1);
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x80 && strchr(ATOM, *s) == NULL)
			return (1);
	return (0);
}

/* The first n bytes of s without quotes and backslashes, into to. */
static void
unquote(char *to, const char *s, size_t n)
{
	const char	*end = s + n;

	for (; s < end; s++) {
		if (*s == '"')
			continue;
		if (*s == '\\' && s + 1 < end)
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

static char *
quote(char *to, const char *s)
{
	*to++ = '"';
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			*to++ = '\\';
		*to++ = *s;
	}
	*to++ = '"';
	return (to);
}

/*
 * An address with as few quotes as it can have, for rules compare letters:
 * "a"@b and a@b are the same mailbox.
 */
static char *
plain_dup(const char *addr)
{
	const char	*at = strrchr(addr, '@');
	char		*local, *out, *end;
	size_t		 n;

	if (at == NULL || strchr(at, '"') != NULL)
		return (strdup(addr));
	n = at - addr;
	local = malloc(n + 1);
	out = malloc(2 * n + strlen(at) + 3);
	if (local != NULL && out != NULL) {
		unquote(local, addr, n);
		if (needs_quotes(local))
			end = quote(out, local);
		else
			end = stpcpy(out, local);
		(void)stpcpy(end, at);
	} else {
		free(out);
		out = NULL;
	}
	free(local);
	return (out);
}

/* The argument of MAIL FROM, without brackets and what a comment begins. */
static char *
argument_dup(const char *arg)
{
	char	*s;
	size_t	 len = strlen(arg);

	if (len > 2 && arg[0] == '<' && arg[len - 1] == '>') {
		arg++;
		len -= 2;
	}
	if ((s = strndup(arg, len)) != NULL && s[strcspn(s, "(")] == '(' &&
	    *s != '(')
		s[strcspn(s, "(")] = '\0';
	return (s);
}

/*
 * The sender as the MTA understood it, for whatever is in the brackets of MAIL
 * FROM (a source route, a comment) it parses again; the empty one is <>, and
 * all is to be freed.  arg is what came.  Sendmail tells what it made of it in
 * the macro f, Postfix in {mail_addr}; both may be NULL.
 *
 * But {mail_addr} is where it would deliver to: to a%b@here it is a@b, and
 * that is not the sender.  Then, and if it does not tell all (of local ones
 * Sendmail leaves the domain out there), the sender is what came.
 */
char *
sender_address(const char *arg, const char *f, const char *addr)
{
	const char	*there, *here;
	char		*came;

	if (f != NULL && *f != '\0')
		return (plain_dup(f));
	if (f != NULL || (addr != NULL && *addr == '\0'))
		return (strdup("<>"));
	if ((came = argument_dup(arg)) == NULL || addr == NULL ||
	    (there = strrchr(addr, '@')) == NULL)
		return (came);
	here = strrchr(came, '@');
	if (strpbrk(came, "%!\"") != NULL &&
	    (here == NULL || strcasecmp(here, there) != 0))
		return (came);
	free(came);
	return (strdup(addr));
}
