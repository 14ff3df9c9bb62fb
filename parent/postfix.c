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
 * What Postfix was told: main.cf, postconf(5), and the smtpd services of
 * master.cf, master(5).  It is read, not run, so that anybody may ask; a value
 * with a condition in it is one that we don't know.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parent.h"
#include "postfix.h"

#define BLANKS		" \t\r\n"
#define MAX_EXPAND	10	/* $names within values of $names */
#define CHROOT_FIELD	5	/* of a service, from 1 */
#define COMMAND_FIELD	8

/* Without blanks at both ends. */
static char *
trim(char *s)
{
	size_t	 len;

	s += strspn(s, BLANKS);
	for (len = strlen(s); len > 0 && strchr(BLANKS, s[len - 1]) != NULL; )
		len--;
	s[len] = '\0';
	return (s);
}

static void
append(char **text, const char *more)
{
	char	*new;

	if (asprintf(&new, "%s %s", *text, more) == -1)
		fatal("asprintf");
	free(*text);
	*text = new;
}

static struct setting *
setting_add(struct settings *list, const char *name, const char *value,
    int line)
{
	struct setting	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->name = strdup(name)) == NULL ||
	    (s->value = strdup(value)) == NULL)
		fatal("calloc");
	s->line = line;
	TAILQ_INSERT_TAIL(list, s, next);
	return (s);
}

/* Each line with those that go on below; a comment may stand in between. */
static int
lines_read(const char *path, struct settings *lines)
{
	struct setting	*last = NULL;
	FILE		*f;
	char		*line = NULL, *text;
	size_t		 size = 0;
	int		 n = 0;

	if ((f = fopen(path, "re")) == NULL)
		return (-1);
	while (getline(&line, &size, f) != -1) {
		n++;
		text = line + strspn(line, BLANKS);
		if (*text == '\0' || *text == '#')
			continue;
		if (!isspace((unsigned char)*line))
			last = setting_add(lines, "", trim(line), n);
		else if (last != NULL)
			append(&last->value, trim(text));
	}
	free(line);
	fclose(f);
	return (0);
}

static void
settings_free(struct settings *list)
{
	struct setting	*s;

	while ((s = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, s, next);
		free(s->name);
		free(s->value);
		free(s);
	}
}

/* "name = value" becomes a setting, all else is left out. */
static void
setting_parse(struct settings *list, char *text, int line)
{
	char	*value = strchr(text, '=');

	if (value == NULL)
		return;
	*value++ = '\0';
	(void)setting_add(list, trim(text), trim(value), line);
}

/*
 * The next word of a list: up to a blank or comma, or what is between braces,
 * then without them.  NULL at the end.
 */
char *
postfix_word(char **text)
{
	char	*word = *text + strspn(*text, BLANKS ","), *end;
	int	 depth = 0;

	if (*word == '\0')
		return (NULL);
	if (*word == '{') {
		for (end = ++word; *end != '\0' && (*end != '}' || depth > 0);
		    end++)
			depth += (*end == '{') - (*end == '}');
	} else
		end = word + strcspn(word, BLANKS ",");
	*text = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return (trim(word));
}

/* The options "-o name=value" and "-o { name = value }" of a command. */
static void
options_parse(struct service *s, char *text)
{
	char	*word;

	while ((word = postfix_word(&text)) != NULL) {
		if (strncmp(word, "-o", 2) != 0)
			continue;
		if (word[2] != '\0')
			word += 2;
		else if ((word = postfix_word(&text)) == NULL)
			return;
		setting_parse(&s->options, word, s->line);
	}
}

/* A line of master.cf, if it is an smtpd that serves clients. */
static void
service_parse(struct postfix *p, char *line, int at)
{
	struct service	*s;
	char		*field[COMMAND_FIELD];
	size_t		 i;

	for (i = 0; i < NITEMS(field); i++)
		if ((field[i] = strsep(&line, BLANKS)) == NULL)
			return;
		else if (line != NULL)
			line += strspn(line, BLANKS);
	if (strcmp(field[COMMAND_FIELD - 1], "smtpd") != 0)
		return;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->name = strdup(field[0])) == NULL)
		fatal("calloc");
	s->line = at;
	s->chrooted = field[CHROOT_FIELD - 1][0] == 'y' ||
	    (field[CHROOT_FIELD - 1][0] == '-' && p->old);
	TAILQ_INIT(&s->options);
	TAILQ_INSERT_TAIL(&p->services, s, next);
	if (line != NULL)
		options_parse(s, line);
}

/* The one that is in force: the last.  NULL if there is none. */
const struct setting *
postfix_setting(const struct settings *list, const char *name)
{
	const struct setting	*s;

	TAILQ_FOREACH_REVERSE(s, list, settings, next)
		if (strcmp(s->name, name) == 0)
			break;
	return (s);
}

/* The name behind a $, in any of its forms; NULL if it is a condition. */
static const char *
macro_name(const char *s, char *name, size_t size, const char **end)
{
	const char	*close = *s == '{' ? "}" : *s == '(' ? ")" : NULL;
	size_t		 len;

	if (close != NULL)
		s++;
	for (len = 0; isalnum((unsigned char)s[len]) || s[len] == '_'; )
		len++;
	if (len == 0 || len >= size || (close != NULL && s[len] != *close))
		return (NULL);
	memcpy(name, s, len);
	name[len] = '\0';
	*end = s + len + (close != NULL);
	return (name);
}

static int
expand(const struct postfix *p, const char *value, FILE *out, int depth)
{
	const struct setting	*s;
	char			 name[128];

	if (depth > MAX_EXPAND)
		return (-1);
	while (*value != '\0')
		if (*value != '$')
			fputc(*value++, out);
		else if (value[1] == '$') {
			fputc('$', out);
			value += 2;
		} else if (macro_name(value + 1, name, sizeof(name),
		    &value) == NULL)
			return (-1);
		else if ((s = postfix_setting(&p->settings, name)) != NULL &&
		    expand(p, s->value, out, depth + 1) == -1)
			return (-1);
	return (0);
}

/* With the values of all $names in it, to be freed; NULL if we can't tell. */
char *
postfix_expand(const struct postfix *p, const char *value)
{
	FILE	*out;
	char	*text = NULL;
	size_t	 size;
	int	 rv;

	if ((out = open_memstream(&text, &size)) == NULL)
		fatal("open_memstream");
	rv = expand(p, value, out, 0);
	if (fclose(out) == EOF)
		fatal("open_memstream");
	if (rv == 0)
		return (text);
	free(text);
	return (NULL);
}

/* Before Postfix 3 what is not said meant yes. */
static int
is_old(const struct postfix *p)
{
	const struct setting	*s;

	s = postfix_setting(&p->settings, "compatibility_level");
	return (s == NULL || strtod(s->value, NULL) < 1);
}

/* Returns -1 if there is no main.cf in dir: then there is no Postfix. */
int
postfix_read(struct postfix *p, const char *dir)
{
	struct settings	 lines = TAILQ_HEAD_INITIALIZER(lines);
	struct setting	*s;

	memset(p, 0, sizeof(*p));
	TAILQ_INIT(&p->settings);
	TAILQ_INIT(&p->services);
	if (asprintf(&p->main_cf, "%s/main.cf", dir) == -1 ||
	    asprintf(&p->master_cf, "%s/master.cf", dir) == -1)
		fatal("asprintf");
	if (lines_read(p->main_cf, &lines) == -1)
		return (-1);
	TAILQ_FOREACH(s, &lines, next)
		setting_parse(&p->settings, s->value, s->line);
	settings_free(&lines);
	p->old = is_old(p);
	(void)lines_read(p->master_cf, &lines);
	TAILQ_FOREACH(s, &lines, next)
		service_parse(p, s->value, s->line);
	settings_free(&lines);
	return (0);
}

void
postfix_free(struct postfix *p)
{
	struct service	*s;

	while ((s = TAILQ_FIRST(&p->services)) != NULL) {
		TAILQ_REMOVE(&p->services, s, next);
		settings_free(&s->options);
		free(s->name);
		free(s);
	}
	settings_free(&p->settings);
	free(p->main_cf);
	free(p->master_cf);
}
