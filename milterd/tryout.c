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

/* What the rules would do with somebody: sysuserctl test. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milterd.h"

#define ROWS_MAX	500	/* that are told of */

/* To whom the rules are told. */
struct listener {
	struct peer	*peer;
	uint32_t	 id;
	unsigned int	 rows;
};

static void
tell(const struct rule *r, enum outcome out, enum matcher what, void *arg)
{
	struct listener	*to = arg;
	struct msg	 m;

	if (++to->rows > ROWS_MAX && out != OUT_LIMIT && out != OUT_DECIDES)
		return;
	msg_new(&m, IMSG_TESTROW, to->id);
	put_u32(&m, r->number);
	put_u8(&m, out);
	put_u8(&m, what);
	put_str(&m, r->text != NULL ? r->text : "");
	(void)peer_send(to->peer, &m);
}

/* What the client of the MTA would read, or why the MTA keeps the message. */
static void
reply_text(const struct decision *d, const struct owner *o, char *buf,
    size_t size)
{
	static const char *const	 codes[A_MAX] = {
		[A_REJECT] = "550 5.7.1 ",
		[A_TEMPFAIL] = "451 4.7.1 ",
		[A_QUARANTINE] = ""
	};
	size_t				 n;

	buf[0] = '\0';
	if (codes[d->action] == NULL)
		return;
	n = strlcpy(buf, codes[d->action], size);
	(void)policy_reply(d, o, NULL, buf + n, size - n);
}

/* From control, for a client of its. */
int
on_test(struct peer *peer, struct msg *m)
{
	struct listener	 to = { .peer = peer, .id = m->id };
	struct policy	*p;
	struct decision	 d;
	struct owner	*o;
	struct msg	 reply;
	char		 sender[MAX_SENDER + 2], text[512];

	get_str(m, sender, sizeof(sender));
	if ((o = get_owner(m)) == NULL)
		return (m->bad ? -1 : 0);
	if ((p = policy_ref()) == NULL) {
		free(o);
		return (0);		/* we are just starting */
	}
	if (blocked(o))
		d = (struct decision){ .action = A_REJECT,
		    .builtin = RULE_BLOCKED };
	else
		d = policy_decide(p, o, *sender != '\0' ? sender : NULL, tell,
		    &to);
	reply_text(&d, o, text, sizeof(text));
	msg_new(&reply, IMSG_TESTED, to.id);
	put_u8(&reply, d.action);
	put_u32(&reply, policy_number(&d));
	put_u32(&reply, d.limit == NULL ? 0 : d.limit->number);
	put_str(&reply, text);
	(void)peer_send(peer, &reply);
	policy_unref(p);
	free(o);
	return (0);
}
