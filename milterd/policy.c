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

/* What is to be done with a message: pure. */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "milterd.h"

static int
in_table(const struct table *t, uint32_t id)
{
	size_t	 lo = 0, hi = t->nranges, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (id < t->ranges[mid].lo)
			hi = mid;
		else if (id > t->ranges[mid].hi)
			lo = mid + 1;
		else
			return (1);
	}
	return (0);
}

/*
 * True, false, or -1 if it can't be told: of somebody without an account, or
 * while the directory does not say who else belongs into the table.
 */
static int
in_groups(const struct table *t, const struct owner *o)
{
	uint32_t	 i;

	if (o->text[T_USER] == NULL && o->text[T_OWNER] == NULL)
		return (-1);
	for (i = 0; i < o->ngroups; i++)
		if (in_table(t, o->groups[i]))
			return (1);
	return (t->complete ? 0 : -1);
}

static int
in_glob(const char *glob, const char *text)
{
	if (text == NULL)
		return (-1);
	return (fnmatch(glob, text, 0) == 0);
}

/* Of an owner that is known. */
static int
match_owned(const struct match *m, const struct owner *o)
{
	switch (m->kind) {
	case M_USER:
	case M_UID:
		if (m->set == NULL || in_table(m->set, o->uid) ||
		    (o->text[T_OWNER] != NULL && in_table(m->set, o->account)))
			return (1);
		return (m->set->complete ? 0 : -1);
	case M_GROUP:
		return (m->set == NULL ? -1 : in_groups(m->set, o));
	case M_PROGRAM:
		return (in_glob(m->glob, o->text[T_PROGRAM]));
	case M_EXE:
		return (in_glob(m->glob, o->text[T_EXE]));
	case M_CWD:
		return (in_glob(m->glob, o->text[T_CWD]));
	case M_UNIT:
		return (in_glob(m->glob, o->text[T_UNIT]));
	case M_UNKNOWN:
		return (0);
	case M_MAX:
		break;
	}
	return (-1);
}

/*
 * Of an unknown owner nothing is true, and the contrary neither, but that he
 * is unknown.  What can't be told of a known one is neither true nor false.
 */
static int
match(const struct match *m, const struct owner *o)
{
	int	 rv;

	if (o->verdict != E_OWNED)
		return (m->kind == M_UNKNOWN && !m->negate);
	if ((rv = match_owned(m, o)) == -1)
		return (0);
	return (m->negate ? !rv : rv);
}

/* The first rule that matches; without one, mail passes. */
struct decision
policy_decide(const struct policy *p, const struct owner *o)
{
	struct decision		 d = { A_PASS, NULL };
	const struct rule	*r;
	const struct match	*m;

	TAILQ_FOREACH(r, &p->rules, next) {
		TAILQ_FOREACH(m, &r->matches, next)
			if (!match(m, o))
				break;
		if (m == NULL) {
			d.action = r->action;
			d.rule = r;
			break;
		}
	}
	return (d);
}

/*
 * The words for a refused sender, or the reason of a quarantine, in buf.
 * Returns 0, or -1 if it is too small.
 */
int
policy_reply(const struct decision *d, const struct owner *o, char *buf,
    size_t size)
{
	char	 user[3 * MAX_NAME + 8];

	if (d->rule->message != NULL)
		return (strlcpy(buf, d->rule->message, size) < size ? 0 : -1);
	if (field_value(o, F_USER, user, sizeof(user)) == -1)
		return ((size_t)snprintf(buf, size, "The sending process is "
		    "not known%s", d->action == A_TEMPFAIL ?
		    ", try again later" : "") < size ? 0 : -1);
	return ((size_t)snprintf(buf, size, d->action == A_TEMPFAIL ?
	    "User %s can't send mail now, try again later" :
	    "User %s is blocked from sending mail", user) < size ? 0 : -1);
}
