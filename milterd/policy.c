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
in_ranges(const struct ranges *r, uint32_t id)
{
	size_t	 lo = 0, hi = r->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (id < r->list[mid].lo)
			hi = mid;
		else if (id > r->list[mid].hi)
			lo = mid + 1;
		else
			return (1);
	}
	return (0);
}

/*
 * True, false, or -1 if it can't be told.  A uid is its owner's if names say
 * so, for one in somebody's range may have an account of its own.  Until they
 * have spoken the range counts, or a slow directory would open a gate.
 */
static int
in_users(const struct table *t, const struct owner *o)
{
	if (in_ranges(&t->own, o->uid))
		return (1);
	if (o->named && o->text[T_OWNER] != NULL &&
	    in_ranges(&t->own, o->account))
		return (1);
	if (!o->named && in_ranges(&t->subs, o->uid))
		return (1);
	return (t->complete ? 0 : -1);
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
		if (in_ranges(&t->own, o->groups[i]))
			return (1);
	return (t->complete ? 0 : -1);
}

/* The envelope's addresses are compared without regard to case. */
static int
in_patterns(const struct match *m, const char *text)
{
	const struct pattern	*p;

	if (text == NULL)
		return (-1);
	STAILQ_FOREACH(p, &m->patterns, next)
		if (fnmatch(p->text, text, m->kind == M_SENDER ?
		    FNM_CASEFOLD : 0) == 0)
			return (1);
	return (0);
}

/* Of an owner that is known. */
static int
match_owned(const struct match *m, const struct owner *o, const char *sender)
{
	switch (m->kind) {
	case M_USER:
	case M_UID:
		return (m->set == NULL ? 1 : in_users(m->set, o));
	case M_GROUP:
		return (m->set == NULL ? -1 : in_groups(m->set, o));
	case M_PROGRAM:
		return (in_patterns(m, o->text[T_PROGRAM]));
	case M_EXE:
		return (in_patterns(m, o->text[T_EXE]));
	case M_CWD:
		return (in_patterns(m, o->text[T_CWD]));
	case M_UNIT:
		return (in_patterns(m, o->text[T_UNIT]));
	case M_SENDER:		/* which a test may leave open */
		return (in_patterns(m, sender));
	case M_UNKNOWN:
		return (0);
	case M_MAX:
		break;
	}
	return (-1);
}

/*
 * True, false or -1: of an unknown owner nothing is true, and the contrary
 * neither, but that he is unknown.  What can't be told of a known one is
 * neither true nor false.
 */
static int
match(const struct match *m, const struct owner *o, const char *sender)
{
	int	 rv;

	if (o->verdict != E_OWNED)
		return (m->kind == M_UNKNOWN ? !m->negate : -1);
	rv = match_owned(m, o, sender);
	return (rv != -1 && m->negate ? !rv : rv);
}

/* All that is unknown would share one count: only who says so has that. */
static int
names_unknown(const struct rule *r)
{
	const struct match	*m;

	TAILQ_FOREACH(m, &r->matches, next)
		if (m->kind == M_UNKNOWN && !m->negate)
			return (1);
	return (0);
}

/* Does the rule match?  If not, what is it that did not. */
static enum outcome
rule_outcome(const struct rule *r, const struct owner *o, const char *sender,
    enum matcher *what)
{
	const struct match	*m;
	int			 rv;

	TAILQ_FOREACH(m, &r->matches, next)
		if ((rv = match(m, o, sender)) != 1) {
			*what = m->kind;
			return (rv == 0 ? OUT_FALSE : OUT_OPEN);
		}
	*what = M_MAX;
	if (r->action != A_LIMIT)
		return (OUT_DECIDES);
	if (o->verdict == E_OWNED || names_unknown(r))
		return (OUT_LIMIT);
	*what = M_UNKNOWN;
	return (OUT_FALSE);
}

/*
 * The first rule that matches decides; without one, mail passes.  The first
 * limit before that counts the message.  tell(), if there is one, hears of
 * each rule that was looked at.
 */
struct decision
policy_decide(const struct policy *p, const struct owner *o,
    const char *sender, teller tell, void *arg)
{
	struct decision		 d = { A_PASS, NULL, NULL, RULE_NONE };
	const struct rule	*r;
	enum outcome		 out;
	enum matcher		 what;

	TAILQ_FOREACH(r, &p->rules, next) {
		if (r->action == A_LIMIT && d.limit != NULL)
			continue;
		out = rule_outcome(r, o, sender, &what);
		if (tell != NULL)
			tell(r, out, what, arg);
		if (out == OUT_LIMIT)
			d.limit = r;
		if (out == OUT_DECIDES) {
			d.action = r->action;
			d.rule = r;
			break;
		}
	}
	return (d);
}

/* The number of the rule that decided, or one of RULE_*. */
uint32_t
policy_number(const struct decision *d)
{
	if (d->builtin != RULE_NONE)
		return (d->builtin);
	if (d->action == A_LIMIT)
		return (d->limit->number);
	return (d->rule == NULL ? RULE_NONE : d->rule->number);
}

/* "13 minutes": no less than it is, and no more exact than people are. */
static void
wait_text(uint32_t seconds, char *buf, size_t size)
{
	static const struct {
		uint32_t	 seconds;
		const char	*name;
	} units[] = { { 86400, "days" }, { 3600, "hours" }, { 60, "minutes" } };
	size_t	 i;

	for (i = 0; i < NITEMS(units); i++)
		if (seconds > 2 * units[i].seconds) {
			(void)snprintf(buf, size, "%u %s", (seconds - 1) /
			    units[i].seconds + 1, units[i].name);
			return;
		}
	(void)snprintf(buf, size, "%u second%s", seconds,
	    seconds == 1 ? "" : "s");
}

/*
 * "User bob is over the limit of 200 messages per 1h, try again in 13
 * minutes"; but there is no use in trying again with too many recipients.
 */
static int
limit_reply(const struct charge *c, const char *who, char *buf, size_t size)
{
	const struct rate	*r = c->rate;
	char			 window[16], wait[32], again[64];

	(void)seconds_text(r->seconds, window, sizeof(window));
	wait_text(c->seconds, wait, sizeof(wait));
	(void)snprintf(again, sizeof(again), ", try again in %s", wait);
	/* "1 message" */
	return ((size_t)snprintf(buf, size, "%s is over the limit of %u %.*s "
	    "per %s%s", who, r->most, (int)strlen(unit_names[r->unit]) -
	    (r->most == 1), unit_names[r->unit], window,
	    r->unit == U_RECIPIENTS && c->recipients > r->most ?
	    " with this message alone" : again) < size ? 0 : -1);
}

/*
 * The words for a refused sender, or the reason of a quarantine, in buf; of a
 * limit, what was charged tells.  Returns 0, or -1 if it is too small.
 */
int
policy_reply(const struct decision *d, const struct owner *o,
    const struct charge *c, char *buf, size_t size)
{
	const struct rule	*r = d->action == A_LIMIT ? d->limit : d->rule;
	char			 user[3 * MAX_NAME + 8], who[sizeof(user) + 8];
	int			 known;

	if (r != NULL && r->message != NULL)
		return (strlcpy(buf, r->message, size) < size ? 0 : -1);
	known = field_value(o, F_USER, user, sizeof(user)) == 0;
	(void)snprintf(who, sizeof(who), "%s%s", known ? "User " :
	    "The sending process", known ? user : "");
	if (d->action == A_LIMIT)
		return (limit_reply(c, who, buf, size));
	if (!known)
		return ((size_t)snprintf(buf, size, "%s is not known%s", who,
		    d->action == A_TEMPFAIL ? ", try again later" : "") <
		    size ? 0 : -1);
	return ((size_t)snprintf(buf, size, d->action == A_TEMPFAIL ?
	    "%s can't send mail now, try again later" :
	    "%s is blocked from sending mail", who) < size ? 0 : -1);
}
