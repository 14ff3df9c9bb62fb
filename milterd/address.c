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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milterd.h"

#define ATOM	"abcdefghijklmnopqrstuvwxyz" "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		"0123456789" "!#$%&'*+-/=?^_`{|}~" "."
#define SPACE	" \t\r\n"
#define OPERATOR "|%!()<>@,;:\\\".[]"	/* of Postfix */

/*
 * The argument of MAIL FROM in tokens: their text, and for each byte the
 * operator that it is, or WORD.
 */
#define WORD	'w'

struct tokens {
	char	*text;
	char	*kind;
	size_t	 n;
};

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
 * An address without any quotes as one with as few as it can have, for rules
 * compare letters: "a"@b and a@b are the same mailbox.
 */
static char *
external_dup(const char *s)
{
	const char	*at = strrchr(s, '@');
	char		*local, *out, *end;

	if (at == NULL)
		return (strdup(s));
	local = strndup(s, at - s);
	out = malloc(2 * (at - s) + strlen(at) + 3);
	if (local != NULL && out != NULL) {
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

/* The other way: all quotes go. */
static char *
internal_dup(const char *addr)
{
	const char	*at = strrchr(addr, '@');
	size_t		 n = at == NULL ? strlen(addr) : (size_t)(at - addr);
	char		*s = malloc(strlen(addr) + 1);

	if (s != NULL) {
		unquote(s, addr, n);
		(void)stpcpy(s + strlen(s), addr + n);
	}
	return (s);
}

static char *
plain_dup(const char *addr)
{
	const char	*at = strrchr(addr, '@');
	char		*s, *out;

	if (at == NULL || strchr(at, '"') != NULL)
		return (strdup(addr));
	if ((s = internal_dup(addr)) == NULL)
		return (NULL);
	out = external_dup(s);
	free(s);
	return (out);
}

static void
token_add(struct tokens *t, char c, char kind)
{
	t->text[t->n] = c;
	t->kind[t->n++] = kind;
}

/* A word that begins at s, up to a byte of stop; what follows it. */
static const char *
lex_word(struct tokens *t, const char *s, const char *stop)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\') {
			if (*++s == '\0')
				break;
		} else if (strchr(stop, *s) != NULL)
			break;
		token_add(t, *s, WORD);
	}
	return (s);
}

/* What follows the comment at s: they nest, and one may have no end. */
static const char *
lex_comment(const char *s)
{
	int	level = 0;

	for (; *s != '\0'; s++) {
		if (*s == '(')
			level++;
		else if (*s == ')' && --level == 0)
			return (s + 1);
		else if (*s == '\\' && *++s == '\0')
			break;
	}
	return (s);
}

static void
lex(struct tokens *t, const char *s)
{
	while (*s != '\0') {
		if (strchr(SPACE, *s) != NULL)
			s++;
		else if (*s == '(')
			s = lex_comment(s);
		else if (*s == '"') {
			s = lex_word(t, s + 1, "\"");
			s += *s != '\0';
		} else if (*s == '[') {
			token_add(t, '[', WORD);
			s = lex_word(t, s + 1, "]");
			token_add(t, ']', WORD);
			s += *s != '\0';
		} else if (*s != '\\' && strchr(OPERATOR, *s) != NULL) {
			token_add(t, *s, *s);
			s++;
		} else
			s = lex_word(t, s, SPACE OPERATOR);
	}
}

/* Before end, the place behind the last one of these operators. */
static size_t
behind(const struct tokens *t, size_t end, const char *operators)
{
	while (end > 0 && strchr(operators, t->kind[end - 1]) == NULL)
		end--;
	return (end);
}

static void
take(size_t found[2], size_t from, size_t to)
{
	if (from < to) {
		found[0] = from;
		found[1] = to;
	}
}

/*
 * From right to left, where the address is: in brackets, in a group, or all.
 * There is one at most, for of two Postfix takes none.
 */
static void
pick(const struct tokens *t, size_t found[2])
{
	size_t	 i = t->n, end = t->n;
	int	 group = 0;

	found[0] = found[1] = 0;
	while (i > 0) {
		switch (t->kind[i - 1]) {
		case ';':
			group = 1;
			/* FALLTHROUGH */
		case ',':
			take(found, i, end);
			end = --i;
			continue;
		case ':':
			if (!group) {
				i--;
				continue;
			}
			take(found, i, end);
			i = behind(t, i, ",");
			break;
		case '>':
			take(found, i, end);
			end = i - 1;
			i = behind(t, end, "<");
			take(found, i, end);
			i = behind(t, i, ">;,:");
			break;
		default:
			i--;
			continue;
		}
		end = i > 0 ? i - 1 : 0;
	}
	take(found, 0, end);
}

/* What was in quotes in a domain has none now, and Postfix parses it again. */
static void
domain_again(struct tokens *t, char *s)
{
	char	*at = strrchr(s, '@');

	if (at == NULL)
		return;
	t->n = 0;
	lex(t, at + 1);
	memcpy(at + 1, t->text, t->n);
	at[1 + t->n] = '\0';
}

/* What follows the route that s may begin with. */
static char *
after_route(char *s)
{
	char	*colon;

	return (*s == '@' && (colon = strchr(s, ':')) != NULL ? colon + 1 : s);
}

/*
 * The address in the argument of MAIL FROM, without quotes: as Postfix finds
 * it, whatever stands around it.
 */
static char *
argument_dup(const char *arg)
{
	struct tokens	 t = { 0 };
	size_t		 found[2], len = strlen(arg);
	char		*s, *addr, *out;

	if (len > 1 && arg[0] == '<' && arg[len - 1] == '>') {
		arg++;
		len -= 2;
	}
	s = strndup(arg, len);
	/* each time that it is parsed, a [ without end gets one */
	t.text = malloc(len + 3);
	t.kind = malloc(len + 3);
	out = malloc(len + 3);
	if (s != NULL && t.text != NULL && t.kind != NULL && out != NULL) {
		lex(&t, after_route(s));
		pick(&t, found);
		found[1] -= found[0];
		memcpy(out, t.text + found[0], found[1]);
		out[found[1]] = '\0';
		addr = after_route(out);	/* another, in more brackets */
		memmove(out, addr, strlen(addr) + 1);
		domain_again(&t, out);
	} else {
		free(out);
		out = NULL;
	}
	free(s);
	free(t.text);
	free(t.kind);
	return (out);
}

/* Of an MTA that tells nothing: without brackets and what a comment begins. */
static char *
bare_dup(const char *arg)
{
	size_t	 len = strlen(arg), n;

	if (len > 2 && arg[0] == '<' && arg[len - 1] == '>') {
		arg++;
		len -= 2;
	}
	n = strcspn(arg, "(");
	return (strndup(arg, n > 0 && n < len ? n : len));
}

/* Postfix takes one dot at the end of a domain away. */
static void
cut_dot(char *s)
{
	size_t	 n = strlen(s);

	if (n > 2 && strchr(s, '@') != NULL && s[n - 1] == '.' &&
	    strchr(".@", s[n - 2]) == NULL)
		s[n - 1] = '\0';
}

/* Is addr this address, but for a domain that the MTA may have completed? */
static int
same(const char *s, const char *addr)
{
	size_t	 n = strlen(s);

	return (strncasecmp(s, addr, n) == 0 && (addr[n] == '\0' ||
	    addr[n] == (strchr(s, '@') == NULL ? '@' : '.')));
}

/* Would it be one word in quotes, in which Postfix sees no route? */
static int
one_word(const char *s)
{
	return (needs_quotes(s) || *s == '.' || s[strlen(s) - 1] == '.' ||
	    strstr(s, "..") != NULL);
}

/* An address without @, from a%b or b!a. */
static char *
route_dup(const char *s, int op)
{
	const char	*p = op == '!' ? strchr(s, op) : strrchr(s, op);
	size_t		 size = strlen(s) + 1;
	char		*out;

	if (p == NULL || (out = malloc(size)) == NULL)
		return (NULL);
	if (op == '!')
		(void)snprintf(out, size, "%s@%.*s", p + 1, (int)(p - s), s);
	else
		(void)snprintf(out, size, "%.*s@%s", (int)(p - s), s, p + 1);
	cut_dot(out);
	return (out);
}

/*
 * Did the MTA follow a route in the address s, and further than the sender that
 * it goes on with?  Then that one, else NULL.  Each of ! and % may mean nothing
 * to it.
 */
static char *
further(const char *s, const char *addr)
{
	char	*bang, *percent, *out;

	if (same(s, addr) || (strpbrk(s, "%!") == NULL &&
	    strchr(s, '@') == strrchr(s, '@')))
		return (NULL);
	if (strchr(s, '@') != NULL || one_word(s))
		return (strdup(s));
	bang = route_dup(s, '!');
	percent = route_dup(s, '%');
	out = bang != NULL ? bang : percent;
	if ((bang != NULL && same(bang, addr)) ||
	    (percent != NULL && same(percent, addr)))
		out = NULL;
	if (bang != out)
		free(bang);
	if (percent != out)
		free(percent);
	return (out);
}

/*
 * The sender as the MTA understood it, for whatever is in the brackets of MAIL
 * FROM (a source route, a comment) it parses again; the empty one is <>, and
 * all is to be freed.  arg is what came.  Sendmail tells what it made of it in
 * the macro f, Postfix in {mail_addr}; both may be NULL.
 *
 * But {mail_addr} is where it would deliver to: to a%b@here it is a@b, and
 * that is not the sender.  Then, and if it does not tell all (of local ones
 * Sendmail leaves the domain out there), the sender is what came.  That is
 * parsed the way of Postfix: what it passes over may not make the sender
 * another one, and quotes mean nothing.
 */
char *
sender_address(const char *arg, const char *f, const char *addr)
{
	char	*came, *resolved, *sender, *out = NULL;

	if (f != NULL && *f != '\0')
		return (plain_dup(f));
	if (f != NULL || (addr != NULL && *addr == '\0'))
		return (strdup("<>"));
	if (addr == NULL)
		return (bare_dup(arg));
	if ((came = argument_dup(arg)) == NULL)
		return (NULL);
	cut_dot(came);
	if (strchr(addr, '@') == NULL)
		out = *came == '\0' ? strdup("<>") : external_dup(came);
	else if ((resolved = internal_dup(addr)) != NULL) {
		sender = further(came, resolved);
		out = sender != NULL ? external_dup(sender) : strdup(addr);
		free(sender);
		free(resolved);
	}
	free(came);
	return (out);
}
