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

#include <stdlib.h>
#include <string.h>

#include "milterd.h"

/* Returns NULL if there is no memory. */
struct session *
session_new(void)
{
	struct session	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->policy = policy_ref();
	count(ST_SESSIONS, 1);
	return (s);
}

/* From MAIL to MAIL nothing is left. */
void
message_reset(struct session *s)
{
	free(s->sender);
	s->sender = NULL;
	s->recipients = 0;
	memset(s->copies, 0, sizeof(s->copies));
	memset(&s->decision, 0, sizeof(s->decision));
}

/* A connection begins: whoever made an earlier one is of no interest. */
void
session_renew(struct session *s)
{
	if (s->asked)
		link_cancel(&s->lookup);
	s->asked = s->unsure = 0;
	free(s->owner);
	s->owner = NULL;
	message_reset(s);
}

void
session_free(struct session *s)
{
	session_renew(s);
	policy_unref(s->policy);
	free(s);
	count(ST_SESSIONS, -1);
}
