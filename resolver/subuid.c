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
 * Subordinate uids, subuid(5): lines of name:first:count, where name may be a
 * uid.  The file is root's, but a line that makes no sense is passed over.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* Take a line apart.  Returns the owner, or NULL if it names none. */
static char *
parse(char *line, struct range *r)
{
	const char	*errstr;
	char		*owner, *first, *count;
	uint32_t	 n;

	line[strcspn(line, "\n")] = '\0';
	owner = strsep(&line, ":");
	first = strsep(&line, ":");
	count = line;
	if (owner == NULL || *owner == '\0' || first == NULL || count == NULL)
		return (NULL);
	r->lo = strtonum(first, 1, UINT32_MAX - 1, &errstr);
	if (errstr != NULL)
		return (NULL);
	n = strtonum(count, 1, UINT32_MAX - r->lo, &errstr);
	if (errstr != NULL)
		return (NULL);
	r->hi = r->lo + (n - 1);
	return (owner);
}

/* The ranges of an account, max at most.  Returns their number. */
size_t
subuid_ranges(FILE *f, const char *name, uint32_t uid, struct range *ranges,
    size_t max)
{
	struct range	 r;
	char		 number[16], *line = NULL, *owner;
	size_t		 size = 0, n = 0;

	(void)snprintf(number, sizeof(number), "%u", uid);
	while (n < max && getline(&line, &size, f) != -1)
		if ((owner = parse(line, &r)) != NULL &&
		    (strcmp(owner, name) == 0 || strcmp(owner, number) == 0))
			ranges[n++] = r;
	free(line);
	return (n);
}

/*
 * Whose subordinate that uid is, in buf.  Returns 1; or 0 if it is nobody's
 * or more than one's, for then it could be either's.
 */
int
subuid_owner(FILE *f, uint32_t uid, char *buf, size_t size)
{
	struct range	 r;
	char		*line = NULL, *owner;
	size_t		 linesize = 0;
	int		 found = 0;

	while (found < 2 && getline(&line, &linesize, f) != -1) {
		if ((owner = parse(line, &r)) == NULL || uid < r.lo ||
		    uid > r.hi)
			continue;
		if (found == 1 && strcmp(owner, buf) == 0)
			continue;
		if (strlcpy(buf, owner, size) >= size)
			found = 1;		/* nobody's name */
		found++;
	}
	free(line);
	return (found == 1);
}
