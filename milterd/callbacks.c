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
 * What libmilter calls.  Callbacks of one session come from different threads,
 * one after the other; all state is in the session.  Whatever fails here, the
 * message goes on as "on failure" says.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "milterd.h"

/* What we change, and what we want to see and need not answer. */
#define ACTIONS		(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)
#define NO_REPLY	(SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_HDR)
#define STEPS		(SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | \
			    SMFIP_NOEOH | SMFIP_NOBODY | NO_REPLY)

#define REPLY_MAX	512

/*
 * Of all our headers in one message.  The MTA looks for each one that is to be
 * deleted from the top, and has room for some thousands: then it fails, and
 * the message is sent again, for days.  No honest mail has so many.
 */
#define COPIES_MAX	100

static sfsistat	 cb_negotiate(SMFICTX *, unsigned long, unsigned long,
		    unsigned long, unsigned long, unsigned long *,
		    unsigned long *, unsigned long *, unsigned long *);
static sfsistat	 cb_connect(SMFICTX *, char *, _SOCK_ADDR *);
static sfsistat	 cb_envfrom(SMFICTX *, char **);
static sfsistat	 cb_envrcpt(SMFICTX *, char **);
static sfsistat	 cb_header(SMFICTX *, char *, char *);
static sfsistat	 cb_eom(SMFICTX *);
static sfsistat	 cb_abort(SMFICTX *);
static sfsistat	 cb_close(SMFICTX *);

static char	 our_name[] = "milter-sysuser";

struct smfiDesc	 callbacks = {
	.xxfi_name = our_name,
	.xxfi_version = SMFI_VERSION,
	.xxfi_flags = ACTIONS,
	.xxfi_connect = cb_connect,
	.xxfi_envfrom = cb_envfrom,
	.xxfi_envrcpt = cb_envrcpt,
	.xxfi_header = cb_header,
	.xxfi_eom = cb_eom,
	.xxfi_abort = cb_abort,
	.xxfi_close = cb_close,
	.xxfi_negotiate = cb_negotiate
};

/* Something of ours failed: what the policy says that mail does then. */
static sfsistat
failed(const struct session *s, const char *what)
{
	log_warnx("%s: this mail goes on %s", what,
	    s != NULL && s->policy->tempfail ? "later" : "without a header");
	return (s != NULL && s->policy->tempfail ? SMFIS_TEMPFAIL :
	    SMFIS_ACCEPT);
}

static struct session *
session_get(SMFICTX *ctx)
{
	struct session	*s = smfi_getpriv(ctx);

	if (s == NULL && (s = session_new()) != NULL &&
	    smfi_setpriv(ctx, s) != MI_SUCCESS) {
		session_free(s);
		s = NULL;
	}
	return (s);
}

/* libmilter wants writable strings and only reads them. */
static int
symbols(SMFICTX *ctx, int stage, const char *list)
{
	char	 copy[128];

	(void)strlcpy(copy, list, sizeof(copy));
	return (smfi_setsymlist(ctx, stage, copy) == MI_SUCCESS);
}

static const char *
symbol(SMFICTX *ctx, const char *name)
{
	char	 copy[32];

	(void)strlcpy(copy, name, sizeof(copy));
	return (smfi_getsymval(ctx, copy));
}

/*
 * As little as we need; the MTA is to send the macros of its own accord.  The
 * queue id is there with Sendmail at MAIL, with Postfix at the end: Sendmail
 * knows no list for the end of a message but its own, unless there is one for
 * the end of the header as well.
 */
static sfsistat
cb_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *pactions,
    unsigned long *psteps, unsigned long *pf2, unsigned long *pf3)
{
	(void)f2;
	(void)f3;
	struct session	*s = session_get(ctx);

	*pf2 = *pf3 = 0;
	if ((actions & ACTIONS) != ACTIONS || (steps & STEPS) != STEPS) {
		log_warnx("the MTA can't do what we need (it has actions %#lx "
		    "and steps %#lx): mail goes on without us; Postfix wants "
		    "milter_protocol = 6", actions, steps);
		*pactions = 0;
		*psteps = steps & STEPS & ~NO_REPLY;
		if (s != NULL)
			s->idle = 1;
		return (SMFIS_CONTINUE);
	}
	*pactions = ACTIONS;
	*psteps = STEPS;
	if (!symbols(ctx, SMFIM_CONNECT, "{daemon_addr} {daemon_port} "
	    "{if_addr} {if_name}") ||
	    !symbols(ctx, SMFIM_ENVFROM, "i f {auth_authen} {mail_addr}") ||
	    !symbols(ctx, SMFIM_EOM, "i"))
		log_warnx("no macros from the MTA");
	return (SMFIS_CONTINUE);
}

static int
usable(struct endpoint *e, const char *addr, const char *port)
{
	return (addr != NULL && endpoint_parse(e, addr, port) == 0 &&
	    !endpoint_is_any(e) && e->port != 0);
}

/*
 * The MTA's end: Postfix tells it in {daemon_addr}.  Sendmail has there the
 * address that it was told to listen on, perhaps the wildcard; the real one
 * is in {if_addr}, but for loopback only in {if_name}, in brackets if it has
 * no name.  What then remains open would be a guess.
 */
static int
server_end(SMFICTX *ctx, struct endpoint *e)
{
	const char	*port = symbol(ctx, "{daemon_port}");
	const char	*name = symbol(ctx, "{if_name}");

	if (port == NULL)
		return (-1);
	if (usable(e, symbol(ctx, "{if_addr}"), port) ||
	    usable(e, symbol(ctx, "{daemon_addr}"), port) ||
	    (name != NULL && *name == '[' && usable(e, name, port)))
		return (0);
	return (-1);
}

/*
 * The MTA does not tell its own end.  Loopback is of this host; of others, who
 * can have connected from an address of ours to the loopback, the resolver
 * knows.  It needs some connection to be asked about: one of the client to
 * itself, and whoever it names is not who it was.
 */
static void
connect_unsure(struct session *s, struct conn_key *key)
{
	if (endpoint_is_loopback(&key->client)) {
		if ((s->owner = malloc(sizeof(*s->owner))) != NULL)
			owner_unknown(s->owner, R_AMBIGUOUS);
		return;
	}
	key->server = key->client;
	key->server.port = key->client.port == 25 ? 26 : 25;
	s->asked = s->unsure = 1;
	link_lookup(&s->lookup, key);
}

/* From the MTA: whom to ask about.  The answer is collected at MAIL. */
static sfsistat
cb_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *addr)
{
	struct session	*s = session_get(ctx);
	struct conn_key	 key;

	(void)hostname;
	if (s != NULL && s->idle)
		return (SMFIS_ACCEPT);
	if (s != NULL)
		session_renew(s);
	if (s == NULL || addr == NULL ||
	    endpoint_from_sa(&key.client, (struct sockaddr *)addr) == -1 ||
	    key.client.port == 0)
		return (SMFIS_NOREPLY);
	if (server_end(ctx, &key.server) == 0) {
		s->asked = 1;
		link_lookup(&s->lookup, &key);
	} else
		connect_unsure(s, &key);
	return (SMFIS_NOREPLY);
}

/*
 * Of an unknown owner, is it certain that he is of this host?  The resolver
 * looks before it says that a client has gone; but where it did not answer, a
 * host that talks to itself is all that is certain.  Nobody's mail from
 * elsewhere is to bounce because our resolver is ill.
 */
static int
located(const struct session *s)
{
	const struct conn_key	*key = &s->lookup.key;

	switch (s->owner->reason) {
	case R_TIMEOUT:
	case R_FAILED:
	case R_BUDGET:
	case R_DENIED:
	case R_UNSUPPORTED:
		return (!s->unsure && (endpoint_is_loopback(&key->client) ||
		    memcmp(key->client.addr, key->server.addr,
		    sizeof(key->client.addr)) == 0));
	default:
		return (1);
	}
}

/* Wait for the owner, if one was asked for.  Returns -1 without memory. */
static int
collect(struct session *s)
{
	if (!s->asked || s->owner != NULL)
		return (0);
	if ((s->owner = link_owner(&s->lookup,
	    s->policy->lookup_timeout)) == NULL)
		return (-1);
	if (s->owner->verdict == E_UNKNOWN && !located(s))
		s->owner->verdict = E_REMOTE;
	if (s->unsure && s->owner->verdict != E_REMOTE)
		owner_unknown(s->owner, R_AMBIGUOUS);
	return (0);
}

static int
is_local(const struct session *s)
{
	return (s->owner != NULL && s->owner->verdict != E_REMOTE);
}

/* The number of copies of a header that stay: the topmost, if the rule says. */
static int
kept(const struct session *s, int copies)
{
	return (copies > 0 && s->decision.rule != NULL &&
	    s->decision.rule->keep);
}

static int
copies_all(const struct session *s)
{
	unsigned int	 i;
	int		 all = 0;

	for (i = 0; i < s->policy->nheaders; i++)
		all += s->copies[i];
	return (all);
}

/* " stripped=2 kept=yes", " copies=101" or nothing, in buf. */
static void
copies_text(const struct session *s, char *buf, size_t size)
{
	unsigned int	 i;
	int		 all = copies_all(s), keep = 0;

	buf[0] = '\0';
	for (i = 0; i < s->policy->nheaders; i++)
		keep += kept(s, s->copies[i]);
	if (s->decision.builtin == RULE_COPIES)
		(void)snprintf(buf, size, " copies=%d", all);
	else if (all > 0 && s->decision.action != A_DISCARD)
		(void)snprintf(buf, size, " stripped=%d%s", all - keep,
		    keep > 0 ? " kept=yes" : "");
}

static void
rule_text(const struct decision *d, char *buf, size_t size)
{
	uint32_t	 number = policy_number(d);

	if (number == RULE_BLOCKED)
		(void)strlcpy(buf, BLOCKED_NOW, size);
	else if (number == RULE_COPIES)
		(void)strlcpy(buf, MANY_COPIES, size);
	else if (number == RULE_NONE)
		(void)strlcpy(buf, "-", size);
	else
		(void)snprintf(buf, size, "%u", number);
}

/* One line for each MAIL that ends; control hears of it, too. */
static void
log_message(SMFICTX *ctx, const struct session *s)
{
	struct ended	 ended = { &s->decision, s->owner, s->recipients,
			    symbol(ctx, "i"), s->sender,
			    symbol(ctx, "{auth_authen}") };
	char		 owner[6144], sender[3 * MAX_SENDER + 8];
	char		 login[3 * MAX_NAME + 8], id[3 * MAX_QUEUEID + 8];
	char		 rule[16], extra[64], holder[3 * MAX_NAME + 8] = "";

	link_event(&ended);
	if (owner_line(owner, sizeof(owner), &s->policy->log_fields, s->owner,
	    "-") == -1 ||
	    xtext(sender, sizeof(sender), s->sender, MAX_SENDER) == -1 ||
	    xtext(login, sizeof(login), ended.login == NULL ? "" :
	    ended.login, MAX_NAME) == -1 ||
	    xtext(id, sizeof(id), ended.queue == NULL ? "-" : ended.queue,
	    MAX_QUEUEID) == -1) {
		log_warnx("a line for the log is too long");
		return;
	}
	if (!fields_have(&s->policy->log_fields, F_HOLDER))
		(void)field_value(s->owner, F_HOLDER, holder, sizeof(holder));
	rule_text(&s->decision, rule, sizeof(rule));
	copies_text(s, extra, sizeof(extra));
	log_info("queue=%s action=%s rule=%s %s%s%s sender=%s recipients=%u"
	    "%s%s%s", id, action_names[s->decision.action], rule, owner,
	    holder[0] != '\0' ? " holder=" : "", holder,
	    sender, s->recipients, extra, ended.login == NULL ? "" : " auth=",
	    login);
}

/* Of mail from elsewhere: what was done to it.  Nobody is named. */
static void
log_remote(SMFICTX *ctx, const struct session *s, const char *done)
{
	const char	*queue = symbol(ctx, "i");
	char		 id[3 * MAX_QUEUEID + 8], extra[64];

	copies_text(s, extra, sizeof(extra));
	if (extra[0] != '\0' && xtext(id, sizeof(id), queue == NULL ? "-" :
	    queue, MAX_QUEUEID) == 0)
		log_info("queue=%s action=%s%s", id, done, extra);
}

/* The words for too many copies: the name that most of them have. */
static int
copies_reply(const struct session *s, char *buf, size_t size)
{
	const struct header	*h;
	const char		*name = "";
	unsigned int		 i = 0;
	int			 most = 0;

	TAILQ_FOREACH(h, &s->policy->headers, next) {
		if (s->copies[i] > most) {
			most = s->copies[i];
			name = h->name;
		}
		i++;
	}
	return ((size_t)snprintf(buf, size, "Too many header fields %s",
	    name) < size ? 0 : -1);
}

/* The words of a refusal. */
static int
reply_text(const struct session *s, char *buf, size_t size)
{
	if (s->decision.builtin == RULE_COPIES)
		return (copies_reply(s, buf, size));
	return (policy_reply(&s->decision, s->owner, &s->charge, buf, size));
}

/* Refuse, in words that can do no harm to the SMTP reply. */
static sfsistat
refuse(SMFICTX *ctx, struct session *s)
{
	int	 later = s->decision.action != A_REJECT;
	char	 code[] = "550", xcode[] = "5.7.1";
	char	 text[REPLY_MAX], safe[2 * REPLY_MAX];
	size_t	 i, n = 0;

	if (later) {
		(void)strlcpy(code, "451", sizeof(code));
		(void)strlcpy(xcode, "4.7.1", sizeof(xcode));
	}
	if (reply_text(s, text, sizeof(text)) == 0) {
		for (i = 0; text[i] != '\0'; i++) {
			if (text[i] == '%')
				safe[n++] = '%';
			safe[n++] = text[i] < ' ' || text[i] > '~' ? ' ' :
			    text[i];
		}
		safe[n] = '\0';
		(void)smfi_setreply(ctx, code, xcode, safe);
	}
	count(ST_REFUSED, 1);
	if (s->decision.action == A_LIMIT)
		count(ST_LIMITED, 1);
	if (is_local(s))
		log_message(ctx, s);
	else
		log_remote(ctx, s, "reject rule=" MANY_COPIES);
	message_reset(s);
	return (later ? SMFIS_TEMPFAIL : SMFIS_REJECT);
}

/*
 * Is the message over the limit that counts it?  If so that is what decides.
 * While control does not tell, mail flows.
 */
static int
over_limit(struct session *s, enum asking what)
{
	struct charge	*c = &s->charge;

	if (s->decision.limit == NULL)
		return (0);
	c->what = what;
	c->rule = s->decision.limit;
	c->owner = s->owner;
	c->recipients = s->recipients;
	if (link_charge(c) == -1)
		log_warnx("rule %u: control does not tell what is counted: "
		    "mail goes on without limit", c->rule->number);
	if (c->over)
		s->decision.action = A_LIMIT;
	return (c->over);
}

static sfsistat
cb_envfrom(SMFICTX *ctx, char **argv)
{
	struct session	*s = session_get(ctx);

	if (s == NULL)
		return (failed(s, "no memory for a session"));
	message_reset(s);
	s->sender = sender_address(argv[0], symbol(ctx, "f"),
	    symbol(ctx, "{mail_addr}"));
	if (s->sender == NULL || collect(s) == -1)
		return (failed(s, "no memory for a message"));
	/* Who is only perhaps from elsewhere loses his copies in any case. */
	if (!is_local(s))
		return (s->policy->strip_local && s->owner != NULL &&
		    s->owner->reason == R_NONE ? SMFIS_ACCEPT : SMFIS_CONTINUE);
	if (blocked(s->owner)) {
		s->decision.action = A_REJECT;
		s->decision.builtin = RULE_BLOCKED;
	} else
		s->decision = policy_decide(s->policy, s->owner, s->sender,
		    NULL, NULL);
	if (over_limit(s, CHARGE_LOOK) || s->decision.action == A_REJECT ||
	    s->decision.action == A_TEMPFAIL)
		return (refuse(ctx, s));
	return (SMFIS_CONTINUE);
}

static sfsistat
cb_envrcpt(SMFICTX *ctx, char **argv)
{
	struct session	*s = smfi_getpriv(ctx);

	(void)argv;
	if (s != NULL)
		s->recipients++;
	return (SMFIS_NOREPLY);
}

/* The count stops where the sum of all would not be an int. */
static sfsistat
cb_header(SMFICTX *ctx, char *name, char *value)
{
	struct session		*s = smfi_getpriv(ctx);
	const struct header	*h;
	unsigned int		 i = 0;

	(void)value;
	if (s != NULL)
		TAILQ_FOREACH(h, &s->policy->headers, next) {
			if (strcasecmp(name, h->name) == 0 &&
			    s->copies[i] < INT_MAX / MAX_HEADERS)
				s->copies[i]++;
			i++;
		}
	return (SMFIS_NOREPLY);
}

/*
 * Delete the copies of a header that came, but the topmost keep.  From the
 * last to the first, for Postfix counts anew after each and Sendmail does not;
 * and before ours is inserted, for that counts as well.
 */
static int
strip_header(SMFICTX *ctx, const struct header *h, int copies, int keep)
{
	int	 i;

	for (i = copies; i > keep; i--)
		if (smfi_chgheader(ctx, h->name, i, NULL) != MI_SUCCESS)
			return (-1);
	if (copies > keep)
		count(ST_STRIPPED, copies - keep);
	return (0);
}

static int
strip(SMFICTX *ctx, const struct session *s)
{
	const struct header	*h;
	unsigned int		 i = 0;

	TAILQ_FOREACH(h, &s->policy->headers, next) {
		if (strip_header(ctx, h, s->copies[i],
		    kept(s, s->copies[i])) == -1)
			return (-1);
		i++;
	}
	return (0);
}

static int
insert(SMFICTX *ctx, const struct header *h, const struct owner *o)
{
	char	*value;
	int	 rv;

	if ((value = header_value(h, o)) == NULL)
		return (-1);
	rv = smfi_insheader(ctx, 0, h->name, value);
	free(value);
	return (rv == MI_SUCCESS ? 0 : -1);
}

/*
 * Each on top of the others: the first one is the last to be inserted.
 * Returns whether there was one, or -1.
 */
static int
tag(SMFICTX *ctx, const struct session *s)
{
	const struct header	*h;
	unsigned int		 i = s->policy->nheaders;
	int			 tagged = 0;

	if (s->decision.rule != NULL && s->decision.rule->silent)
		return (0);
	TAILQ_FOREACH_REVERSE(h, &s->policy->headers, headers, next) {
		i--;
		if (h->kind == H_NONE || kept(s, s->copies[i]))
			continue;
		if (insert(ctx, h, s->owner) == -1)
			return (-1);
		tagged = 1;
	}
	return (tagged);
}

static int
quarantine(SMFICTX *ctx, const struct session *s)
{
	char	 reason[REPLY_MAX];

	if (s->decision.action != A_QUARANTINE)
		return (0);
	if (policy_reply(&s->decision, s->owner, NULL, reason,
	    sizeof(reason)) == -1)
		return (-1);
	return (smfi_quarantine(ctx, reason) == MI_SUCCESS ? 0 : -1);
}

/* A message from elsewhere: nothing of ours is to be in it. */
static sfsistat
finish_remote(SMFICTX *ctx, const struct session *s)
{
	if (strip(ctx, s) == -1)
		return (failed(s, "can't delete a header"));
	log_remote(ctx, s, "strip");
	return (SMFIS_CONTINUE);
}

/*
 * What can fail comes first: what is counted is not refused any more.  Mail
 * that goes on though we failed is counted and logged like all other.
 */
static sfsistat
finish(SMFICTX *ctx, struct session *s)
{
	int		 discard = s->decision.action == A_DISCARD;
	int		 tagged = 0;
	sfsistat	 rv = discard ? SMFIS_DISCARD : SMFIS_CONTINUE;

	if (!discard && (strip(ctx, s) == -1 ||
	    (tagged = tag(ctx, s)) == -1))
		rv = failed(s, "can't change the header");
	else if (quarantine(ctx, s) == -1)
		rv = failed(s, "can't quarantine");
	if (rv == SMFIS_TEMPFAIL)
		return (rv);
	if (over_limit(s, CHARGE_COUNT))
		return (refuse(ctx, s));
	count(ST_MESSAGES, 1);
	count(ST_TAGGED, tagged == 1);
	log_message(ctx, s);
	return (rv);
}

/*
 * More copies than we delete?  That decides before anything is deleted or
 * counted.  From what is discarded nothing is deleted, and whoever sent it is
 * to hear nothing.
 */
static int
too_many(const struct session *s)
{
	return (copies_all(s) > COPIES_MAX &&
	    s->decision.action != A_DISCARD);
}

static sfsistat
refuse_copies(SMFICTX *ctx, struct session *s)
{
	s->decision = (struct decision){ .action = A_REJECT,
	    .builtin = RULE_COPIES };
	return (refuse(ctx, s));
}

static sfsistat
cb_eom(SMFICTX *ctx)
{
	struct session	*s = smfi_getpriv(ctx);
	sfsistat	 rv;

	if (s == NULL)
		return (failed(s, "no session"));
	if (too_many(s))
		return (refuse_copies(ctx, s));
	rv = is_local(s) ? finish(ctx, s) : finish_remote(ctx, s);
	message_reset(s);
	return (rv);
}

static sfsistat
cb_abort(SMFICTX *ctx)
{
	struct session	*s = smfi_getpriv(ctx);

	if (s != NULL)
		message_reset(s);
	return (SMFIS_CONTINUE);
}

static sfsistat
cb_close(SMFICTX *ctx)
{
	struct session	*s = smfi_getpriv(ctx);

	if (s != NULL) {
		(void)smfi_setpriv(ctx, NULL);
		session_free(s);
	}
	return (SMFIS_CONTINUE);
}
