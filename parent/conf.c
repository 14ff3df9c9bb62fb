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
 * The configuration as a whole: defaults, what no single line can tell, the
 * accounts behind its names, and its canonical form.
 */

#include <arpa/inet.h>
#include <netinet/in.h>

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parent.h"

/* Columns of what conf_print() prints: of a list, of all else. */
#define LIST_COLUMNS	78
#define LINE_COLUMNS	4000

#define RULE_TEXT	1000		/* bytes of a rule's text */

/* FNV-1a, 64 bits. */
#define FNV_BASIS	UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME	UINT64_C(0x100000001b3)

/* A line that is being written: to stdout, or folded nowhere into text. */
struct printer {
	FILE			*to;
	size_t			 col;
	int			 list;		/* within { } */
	char			*text;
	size_t			 len;
};

/* Where to tell the first error, and how many there were. */
struct report {
	const struct conf	*conf;
	char			*err;
	size_t			 errsize;
	int			 errors;
};

static const enum field	 header_fields[] = { F_USER, F_PROGRAM };
static const enum field	 log_fields[] = {
	F_USER, F_UID, F_LOGIN, F_PID, F_PROGRAM, F_EXE, F_CWD, F_UNIT
};

static void	 complain(struct report *, const struct where *,
		    const char *, ...) PRINTF(3, 4);
static void	 put(struct printer *, const char *, ...) PRINTF(2, 3);
static void	 put_matches(struct printer *, struct policy *,
		    const struct rule *);
static void	 put_rule(struct printer *, struct policy *,
		    const struct rule *);

jmp_buf	*conf_escape;

/*
 * There is no memory to read a configuration.  At start that is the end; later
 * parse_config() gives up, for the one in force is good.
 */
void
conf_nomem(void)
{
	if (conf_escape != NULL)
		longjmp(*conf_escape, 1);
	fatal("configuration");
}

char *
conf_strdup(const char *s)
{
	char	*new;

	if ((new = strdup(s)) == NULL)
		conf_nomem();
	return (new);
}

void
conf_where(struct where *w, const char *file, int line)
{
	char	*old = w->file;

	w->file = conf_strdup(file);
	free(old);
	w->line = line;
}

/*
 * The one form of an error: file:line: text, or file: text where there is no
 * line.  It goes to the log and, if it is the first, to err.
 */
void
conf_error(char *err, size_t errsize, const char *file, int line,
    const char *fmt, va_list ap)
{
	char	 text[2048], all[4096], at[16] = "";
	char	*s;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (line > 0)
		(void)snprintf(at, sizeof(at), "%d:", line);
	(void)snprintf(all, sizeof(all), "%s:%s %s", file, at, text);
	for (s = all; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
	log_warnx("%s", all);
	if (errsize > 0 && *err == '\0')
		(void)strlcpy(err, all, errsize);
}

/* A default has no line of its own: then it is the file's last one. */
static void
complain(struct report *r, const struct where *at, const char *fmt, ...)
{
	va_list	 ap;

	if (at == NULL || at->line == 0)
		at = &r->conf->end;
	va_start(ap, fmt);
	conf_error(r->err, r->errsize, at->file, at->line, fmt, ap);
	va_end(ap);
	r->errors++;
}

/* What is no error. */
void
conf_warn(const struct where *at, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	conf_error(NULL, 0, at->file, at->line, fmt, ap);
	va_end(ap);
}

/*
 * Defaults and end.
 */

/* SMTP, submissions, submission. */
static const struct range record_ports[] = {
	{ 25, 25 }, { 465, 465 }, { 587, 587 }
};

static void
fields_set(struct fields *f, const enum field *list, size_t n)
{
	for (f->n = 0; f->n < n; f->n++)
		f->list[f->n] = list[f->n];
}

static struct policy *
policy_default(void)
{
	struct policy	*p;

	if ((p = policy_new()) == NULL)
		conf_nomem();
	p->timeout = 7210;
	p->lookup_timeout = 1000;
	p->nports = NITEMS(record_ports);
	memcpy(p->ports, record_ports, sizeof(record_ports));
	fields_set(&p->log_fields, log_fields, NITEMS(log_fields));
	return (p);
}

/* In force if there is no header statement at all. */
static void
header_default(struct policy *p)
{
	struct header	*h;

	if ((h = header_new(p, DEFAULT_HEADER)) == NULL)
		conf_nomem();
	fields_set(&h->fields, header_fields, NITEMS(header_fields));
}

/* What holds if the file says nothing; "listen on" it must say. */
struct conf *
conf_new(void)
{
	struct conf	*conf;

	if ((conf = calloc(1, sizeof(*conf))) == NULL)
		conf_nomem();
	conf->listen.family = AF_UNSPEC;
	conf->listen.mode = 0660;
	conf->control.family = AF_UNIX;
	conf->control.path = conf_strdup(CONTROL_SOCKET);
	conf->control.mode = 0660;
	conf->user.name = conf_strdup("_sysuser");
	conf->resolver.name = conf_strdup("_sysuserres");
	conf->chroot = conf_strdup(CHROOT_DIR);
	conf->statedir = conf_strdup(STATE_DIR);
	conf->prefork = 2;
	conf->policy = policy_default();
	return (conf);
}

static void
listener_free(struct listener *l)
{
	free(l->path);
	free(l->owner);
	free(l->group);
	free(l->at.file);
}

static void
account_free(struct account *a)
{
	free(a->name);
	free(a->at.file);
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	listener_free(&conf->listen);
	listener_free(&conf->control);
	account_free(&conf->user);
	account_free(&conf->resolver);
	account_free(&conf->names);
	free(conf->chroot);
	free(conf->statedir);
	free(conf->end.file);
	free(conf->keep.file);
	policy_free(conf->policy);
	free(conf);
}

/*
 * Rules as a text, and whom a limit counts.
 */

static void
text_begin(struct printer *pr)
{
	memset(pr, 0, sizeof(*pr));
	if ((pr->to = open_memstream(&pr->text, &pr->len)) == NULL)
		conf_nomem();
}

static void
text_end(struct printer *pr)
{
	if (fclose(pr->to) == EOF)
		conf_nomem();
}

/* At most RULE_TEXT bytes of it, and no character in parts. */
static void
text_cut(struct printer *pr)
{
	static const char	 dots[] = "...";
	size_t			 len = RULE_TEXT - strlen(dots);

	if (pr->len <= RULE_TEXT)
		return;
	while ((pr->text[len] & 0xc0) == 0x80 && len > 0)
		len--;
	(void)strlcpy(pr->text + len, dots, sizeof(dots));
}

static uint64_t
fnv1a(const char *data, size_t len)
{
	uint64_t	 hash = FNV_BASIS;
	size_t		 i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * FNV_PRIME;
	return (hash);
}

/*
 * A limit's counts are found again after a reload by what its matchers say,
 * so that they survive another amount or another place among the rules.
 */
static void
rule_describe(struct policy *p, struct rule *r)
{
	struct printer	 pr;

	text_begin(&pr);
	put_rule(&pr, p, r);
	text_end(&pr);
	text_cut(&pr);
	r->text = conf_strdup(pr.text);
	free(pr.text);
	if (r->action != A_LIMIT)
		return;
	text_begin(&pr);
	put_matches(&pr, p, r);
	text_end(&pr);
	r->bucket = fnv1a(pr.text, pr.len);
	free(pr.text);
}

static int
bucket_cmp(const void *a, const void *b)
{
	const struct rule *const	*x = a, *const *y = b;

	if ((*x)->bucket != (*y)->bucket)
		return ((*x)->bucket < (*y)->bucket ? -1 : 1);
	return ((*x)->number < (*y)->number ? -1 : 1);
}

/*
 * Limits with the same matchers don't share counts: the n-th of them is told
 * apart by n.  Sorted, they stand together, in the order of the file.
 */
static void
buckets_number(struct policy *p)
{
	struct rule	*r, **limits;
	uint64_t	 bucket = 0;
	size_t		 i, n = 0;
	uint32_t	 nth = 0;

	TAILQ_FOREACH(r, &p->rules, next)
		n += r->action == A_LIMIT;
	if ((limits = calloc(n + 1, sizeof(*limits))) == NULL)
		conf_nomem();
	n = 0;
	TAILQ_FOREACH(r, &p->rules, next)
		if (r->action == A_LIMIT)
			limits[n++] = r;
	qsort(limits, n, sizeof(*limits), bucket_cmp);
	for (i = 0; i < n; i++) {
		nth = i > 0 && limits[i]->bucket == bucket ? nth + 1 : 0;
		bucket = limits[i]->bucket;
		limits[i]->bucket = (bucket ^ nth) * FNV_PRIME;
	}
	free(limits);
}

/*
 * Checks.
 */

static int
below(const char *path, const char *dir)
{
	size_t	 len = strlen(dir);

	return (path != NULL && strncmp(path, dir, len) == 0 &&
	    path[len] == '/');
}

/* What the file left open, and what follows from it as a whole. */
static void
conf_complete(struct conf *conf)
{
	struct policy	*p = conf->policy;
	struct rule	*r;

	if (conf->names.name == NULL)
		conf->names.name = conf_strdup(conf->user.name);
	if (TAILQ_EMPTY(&p->headers))
		header_default(p);
	TAILQ_FOREACH(r, &p->rules, next)
		rule_describe(p, r);
	buckets_number(p);
	TAILQ_FOREACH(r, &p->rules, next)
		if (r->action == A_LIMIT)
			break;
	p->unlimited = r != NULL && (conf->listen.family == AF_INET ||
	    conf->listen.family == AF_INET6);
	if (p->unlimited)
		conf_warn(&conf->listen.at, "warning: limits are off: any "
		    "local user could charge others");
}

/* Returns 0, or -1 if parts that are good alone don't go together. */
int
conf_check(struct conf *conf, char *err, size_t errsize)
{
	struct report	 r = { conf, err, errsize, 0 };
	size_t		 n;

	if (conf->listen.family == AF_UNSPEC)
		complain(&r, NULL, "no \"listen on\": where does the mail "
		    "server connect?  As in: listen on socket \""
		    "/var/spool/postfix/private/milter-sysuser.sock\" "
		    "group \"postfix\"");
	if (conf->listen.family == AF_UNIX &&
	    strcmp(conf->listen.path, conf->control.path) == 0)
		complain(&r, &conf->listen.at,
		    "the control socket has the same path: move one");
	if (below(conf->listen.path, conf->chroot))
		complain(&r, &conf->listen.at,
		    "is in the chroot, which must be empty: move it");
	if (below(conf->control.path, conf->chroot))
		complain(&r, &conf->control.at,
		    "is in the chroot, which must be empty: move it");
	if (strcmp(conf->chroot, conf->statedir) == 0)
		complain(&r, NULL, "chroot and state directory are the same: "
		    "name two");
	if (conf->keep.line != 0 && conf->policy->strip_local)
		complain(&r, &conf->keep,
		    "keep header would be trust in anybody under strip "
		    "local: say strip all");
	if (r.errors != 0)
		return (-1);
	conf_complete(conf);
	if ((n = policy_items(conf->policy)) <= POLICY_MAX)
		return (0);
	complain(&r, NULL, "rules and tables make %zu items, and a worker "
	    "takes %d: join rules, or put users and uids into tables", n,
	    POLICY_MAX);
	return (-1);
}

static int
account_find(struct report *r, struct account *a)
{
	struct passwd	*pw;

	if ((pw = getpwnam(a->name)) == NULL) {
		complain(r, &a->at, "unknown user \"%s\": make that account, "
		    "as README says", a->name);
		return (-1);
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	if (a->uid != 0 && a->gid != 0)
		return (0);
	complain(r, &a->at, "user \"%s\" has %s 0: name another", a->name,
	    a->uid == 0 ? "uid" : "gid");
	return (-1);
}

static void
listener_find(struct report *r, struct listener *l)
{
	struct passwd	*pw;
	struct group	*gr;

	if (l->owner != NULL) {
		if ((pw = getpwnam(l->owner)) != NULL)
			l->uid = pw->pw_uid;
		else
			complain(r, &l->at, "unknown user \"%s\": is the "
			    "mail server installed?", l->owner);
	}
	if (l->group != NULL) {
		if ((gr = getgrnam(l->group)) != NULL)
			l->gid = gr->gr_gid;
		else
			complain(r, &l->at, "unknown group \"%s\": %s",
			    l->group, l == &r->conf->control ?
			    "make that group, or name another" :
			    "is the mail server installed?  Sendmail needs "
			    "none: say mode 0600");
	}
}

/* Names of accounts become numbers.  Returns 0, or -1 if one won't do. */
int
conf_accounts(struct conf *conf, char *err, size_t errsize)
{
	struct report	 r = { conf, err, errsize, 0 };
	struct account	*names = &conf->names;
	int		 user, resolver, control = -1;

	if (errsize > 0)
		*err = '\0';
	listener_find(&r, &conf->listen);
	listener_find(&r, &conf->control);
	user = account_find(&r, &conf->user);
	resolver = account_find(&r, &conf->resolver);
	if (strcmp(names->name, conf->user.name) != 0)
		control = account_find(&r, names);
	else {
		names->uid = conf->user.uid;
		names->gid = conf->user.gid;
	}
	if (resolver == 0 && user == 0 &&
	    conf->resolver.uid == conf->user.uid)
		complain(&r, &conf->resolver.at, "resolver user \"%s\" must "
		    "not be the same as user: name another",
		    conf->resolver.name);
	if (resolver == 0 && control == 0 && conf->resolver.uid == names->uid)
		complain(&r, &conf->resolver.at, "resolver user \"%s\" must "
		    "not be the same as control user: name another",
		    conf->resolver.name);
	return (r.errors == 0 ? 0 : -1);
}

/*
 * The canonical form.
 */

/*
 * A word, after a blank if it is not the first.  A list is folded so that
 * it can be read, all else so that the lexer, which has a limit, can; but
 * not a text in memory.
 */
static void
put(struct printer *pr, const char *fmt, ...)
{
	va_list	 ap;
	char	*word;
	size_t	 len, max = pr->list ? LIST_COLUMNS : LINE_COLUMNS;

	va_start(ap, fmt);
	if (vasprintf(&word, fmt, ap) == -1)
		conf_nomem();
	va_end(ap);
	len = strlen(word);
	if (pr->to == stdout && pr->col > 0 && pr->col + 1 + len > max) {
		fputs(pr->list ? "\n\t" : " \\\n\t", pr->to);
		pr->col = 8;
	} else if (pr->col > 0) {
		fputc(' ', pr->to);
		pr->col++;
	}
	fputs(word, pr->to);
	pr->col += len;
	free(word);
}

static void
put_end(struct printer *pr)
{
	fputc('\n', pr->to);
	pr->col = 0;
}

/* In quotes, with those bytes behind a \ that the lexer takes apart. */
static void
put_quoted(struct printer *pr, const char *text, const char *after)
{
	char	*buf, *d;

	if ((d = buf = malloc(2 * strlen(text) + 1)) == NULL)
		conf_nomem();
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*d++ = '\\';
		*d++ = *text;
	}
	*d = '\0';
	put(pr, "\"%s\"%s", buf, after);
	free(buf);
}

static void
put_string(const char *what, const char *text)
{
	struct printer	 pr = { .to = stdout };

	put(&pr, "%s", what);
	put_quoted(&pr, text, "");
	put_end(&pr);
}

static void
put_listener(const char *what, const struct listener *l)
{
	struct printer		 pr = { .to = stdout };
	struct sockaddr_storage	 ss;
	char			 ip[INET6_ADDRSTRLEN] = "?";

	put(&pr, "%s", what);
	if (l->family == AF_UNIX) {
		put_quoted(&pr, l->path, "");
		put(&pr, "mode %04o", (unsigned int)l->mode);
		if (l->owner != NULL) {
			put(&pr, "owner");
			put_quoted(&pr, l->owner, "");
		}
		if (l->group != NULL) {
			put(&pr, "group");
			put_quoted(&pr, l->group, "");
		}
	} else {
		(void)endpoint_to_sa(&l->addr, &ss);
		(void)inet_ntop(l->family, l->family == AF_INET ?
		    (void *)&((struct sockaddr_in *)&ss)->sin_addr :
		    (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr,
		    ip, sizeof(ip));
		put(&pr, "\"%s\" port %u insecure", ip, l->addr.port);
	}
	put_end(&pr);
}

static void
put_fields(struct printer *pr, const struct fields *f)
{
	size_t	 i;

	put(pr, "fields {");
	pr->list = 1;
	for (i = 0; i < f->n; i++)
		put(pr, "%s%s", field_names[f->list[i]],
		    i + 1 < f->n ? "," : "");
	put(pr, "}");
	pr->list = 0;
}

static void
put_range(struct printer *pr, const struct range *r, const char *before,
    const char *comma)
{
	if (r->lo == r->hi)
		put(pr, "%s%u%s", before, r->lo, comma);
	else
		put(pr, "%s%u - %u%s", before, r->lo, r->hi, comma);
}

static void
put_entry(struct printer *pr, const struct entry *e, const char *uid)
{
	const char	*comma = TAILQ_NEXT(e, next) != NULL ? "," : "";

	if (e->name != NULL)
		put_quoted(pr, e->name, comma);
	else
		put_range(pr, &e->range, uid, comma);
}

static void
put_entries(struct printer *pr, const struct table *t, const char *uid)
{
	const struct entry	*e;

	put(pr, "{");
	pr->list = 1;
	TAILQ_FOREACH(e, &t->entries, next)
		put_entry(pr, e, uid);
	put(pr, "}");
	pr->list = 0;
}

static void
put_table(const struct table *t)
{
	struct printer	 pr = { .to = stdout };

	put(&pr, "table <%s>", t->name);
	if (t->file != NULL) {
		put(&pr, "file");
		put_quoted(&pr, t->file, "");
	} else
		put_entries(&pr, t, "uid ");
	put_end(&pr);
}

/* A table without a name stands in the rule: alone, or in a list. */
static void
put_target(struct printer *pr, const struct match *m, const struct table *t)
{
	const struct entry	*e;
	const char		*uid = m->kind == M_UID ? "" : "uid ";

	if (m->table == TABLE_ANY)
		put(pr, "any");
	else if (t->name != NULL)
		put(pr, "<%s>", t->name);
	else if ((e = TAILQ_FIRST(&t->entries)) != NULL &&
	    TAILQ_NEXT(e, next) == NULL &&
	    (e->name != NULL || m->kind == M_UID))
		put_entry(pr, e, uid);
	else
		put_entries(pr, t, uid);
}

/* One pattern stands alone, more in a list. */
static void
put_patterns(struct printer *pr, const struct match *m)
{
	const struct pattern	*first = STAILQ_FIRST(&m->patterns), *pt;

	if (first != NULL && STAILQ_NEXT(first, next) == NULL) {
		put_quoted(pr, first->text, "");
		return;
	}
	put(pr, "{");
	pr->list = 1;
	STAILQ_FOREACH(pt, &m->patterns, next)
		put_quoted(pr, pt->text,
		    STAILQ_NEXT(pt, next) != NULL ? "," : "");
	put(pr, "}");
	pr->list = 0;
}

static void
put_matches(struct printer *pr, struct policy *p, const struct rule *r)
{
	const struct match	*m;

	TAILQ_FOREACH(m, &r->matches, next) {
		if (m->negate)
			put(pr, "not");
		put(pr, "%s", matcher_names[m->kind]);
		if (m->kind <= M_GROUP)
			put_target(pr, m, policy_table(p, m->table));
		else if (m->kind != M_UNKNOWN)
			put_patterns(pr, m);
	}
}

/* Neighbours with the same window share one "per". */
static void
put_rates(struct printer *pr, const struct rule *r)
{
	const struct rate	*rate = r->rates, *end = rate + r->nrates;
	const char		*unit;
	char			 window[16];
	int			 len, shared;

	for (; rate < end; rate++) {
		unit = unit_names[rate->unit];
		len = strlen(unit) - (rate->most == 1);
		shared = rate + 1 < end && rate[1].seconds == rate->seconds;
		put(pr, "%u %.*s%s", rate->most, len, unit,
		    shared ? "," : "");
		if (!shared)
			put(pr, "per %s%s", seconds_text(rate->seconds,
			    window, sizeof(window)),
			    rate + 1 < end ? "," : "");
	}
}

static void
put_rule(struct printer *pr, struct policy *p, const struct rule *r)
{
	put(pr, "%s", action_names[r->action]);
	put_matches(pr, p, r);
	if (r->nrates > 0) {
		put(pr, "to");
		put_rates(pr, r);
	}
	if (r->message != NULL) {
		put(pr, "message");
		put_quoted(pr, r->message, "");
	}
	if (r->keep)
		put(pr, "keep header");
	if (r->silent)
		put(pr, "header none");
}

static void
put_header(const struct header *h)
{
	struct printer	 pr = { .to = stdout };

	put(&pr, "header");
	put_quoted(&pr, h->name, "");
	if (h->kind == H_FIELDS)
		put_fields(&pr, &h->fields);
	else if (h->kind == H_VALUE) {
		put(&pr, "value");
		put_quoted(&pr, h->value, "");
	} else
		put(&pr, "none");
	put_end(&pr);
}

static void
put_ports(const struct policy *p)
{
	struct printer		 pr = { .to = stdout };
	const struct range	*r;

	put(&pr, "record ports");
	if (p->nports == 1 && p->ports[0].lo == 0)
		put(&pr, "any");
	else {
		put(&pr, "{");
		pr.list = 1;
		for (r = p->ports; r < p->ports + p->nports; r++)
			put_range(&pr, r, "",
			    r + 1 < p->ports + p->nports ? "," : "");
		put(&pr, "}");
		pr.list = 0;
	}
	put_end(&pr);
}

static void
put_policy(struct policy *p)
{
	struct printer		 pr = { .to = stdout };
	const struct header	*h;
	const struct table	*t;
	const struct rule	*r;

	printf("timeout %u\n", p->timeout);
	printf("lookup timeout %u\n", p->lookup_timeout);
	printf("backend %s\n", backend_names[p->backend]);
	put_ports(p);
	TAILQ_FOREACH(h, &p->headers, next)
		put_header(h);
	put(&pr, "log");
	put_fields(&pr, &p->log_fields);
	put_end(&pr);
	printf("on failure %s\n", p->tempfail ? "tempfail" : "accept");
	printf("strip %s\n", p->strip_local ? "local" : "all");
	TAILQ_FOREACH(t, &p->tables, next)
		if (t->name != NULL)
			put_table(t);
	TAILQ_FOREACH(r, &p->rules, next) {
		put_rule(&pr, p, r);
		put(&pr, "# rule %u", r->number);
		put_end(&pr);
	}
}

/* All that was understood, defaults too, in a form that parses to itself. */
void
conf_print(const struct conf *conf)
{
	put_listener(conf->listen.family == AF_UNIX ? "listen on socket" :
	    "listen on inet", &conf->listen);
	put_listener("control socket", &conf->control);
	put_string("user", conf->user.name);
	put_string("resolver user", conf->resolver.name);
	put_string("control user", conf->names.name);
	put_string("chroot", conf->chroot);
	put_string("state directory", conf->statedir);
	printf("prefork %u\n", conf->prefork);
	printf("sandbox %s\n", conf->sandbox_required ? "required" :
	    "wanted");
	put_policy(conf->policy);
}

/*
 * A new configuration in place of an old one.
 */

static int
differ(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != b);
	return (strcmp(a, b) != 0);
}

static int
listener_differs(const struct listener *a, const struct listener *b)
{
	return (a->family != b->family || differ(a->path, b->path) ||
	    !endpoint_equal(&a->addr, &b->addr) || a->mode != b->mode ||
	    differ(a->owner, b->owner) || differ(a->group, b->group));
}

/*
 * The statements that only a restart can change, and that are to be, in buf.
 * Returns how many.
 */
int
conf_restart(const struct conf *old, const struct conf *new, char *buf,
    size_t size)
{
	const struct {
		const char	*name;
		int		 differs;
	} table[] = {
		{ "listen on", listener_differs(&old->listen, &new->listen) },
		{ "control socket",
		    listener_differs(&old->control, &new->control) },
		{ "user", differ(old->user.name, new->user.name) },
		{ "resolver user",
		    differ(old->resolver.name, new->resolver.name) },
		{ "control user", differ(old->names.name, new->names.name) },
		{ "chroot", differ(old->chroot, new->chroot) },
		{ "state directory", differ(old->statedir, new->statedir) },
		{ "prefork", old->prefork != new->prefork },
		{ "sandbox",
		    old->sandbox_required != new->sandbox_required }
	};
	size_t	 i;
	int	 n = 0;

	*buf = '\0';
	for (i = 0; i < NITEMS(table); i++)
		if (table[i].differs) {
			if (n++ > 0)
				(void)strlcat(buf, ", ", size);
			(void)strlcat(buf, table[i].name, size);
		}
	return (n);
}
