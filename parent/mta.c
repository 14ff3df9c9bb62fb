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
 * With -n: does the mail server let others say which connection is theirs?
 * Of Postfix that stands in main.cf, postconf(5).
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parent.h"

static const char *const	 trusting[] = {
	"smtpd_authorized_xclient_hosts",
	"smtpd_upstream_proxy_protocol",
	"postscreen_upstream_proxy_protocol"
};

/* The one of them that this line sets, or NULL; value is what follows =. */
static const char *
setting(const char *line, const char **value)
{
	size_t	 i, len = strcspn(line, " \t=");

	*value = strchr(line, '=');
	for (i = 0; i < NITEMS(trusting) && *value != NULL; i++)
		if (strlen(trusting[i]) == len &&
		    strncmp(line, trusting[i], len) == 0) {
			(*value)++;
			return (trusting[i]);
		}
	return (NULL);
}

static int
blank(const char *s)
{
	return (s[strspn(s, " \t\r\n")] == '\0');
}

/* Warn of what path, if it can be read, allows.  A value may go on below. */
void
mta_check(const char *path)
{
	FILE		*f;
	const char	*name = NULL, *value;
	char		*line = NULL;
	size_t		 size = 0;
	int		 at = 0, n = 0;

	if ((f = fopen(path, "re")) == NULL)
		return;
	while (getline(&line, &size, f) != -1) {
		n++;
		if (*line == '#' || blank(line))
			continue;
		value = line;
		if (!isspace((unsigned char)*line)) {
			name = setting(line, &value);
			at = n;
		}
		if (name != NULL && !blank(value)) {
			log_warnx("%s:%d: whoever may use %s can claim the "
			    "connection of any user", path, at, name);
			name = NULL;
		}
	}
	free(line);
	fclose(f);
}
