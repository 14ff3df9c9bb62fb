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
 * With -n: do Postfix and the socket fit together, and does it let others say
 * which connection is theirs?  Whatever does not fit is told with what to type.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"
#include "postfix.h"

#define MILTERS		"smtpd_milters"
#define ACTION		"milter_default_action"
#define GROUPS_READ	1024

/* How far a value of smtpd_milters leads. */
enum way {
	WAY_NONE,		/* it does not name us */
	WAY_ASTRAY,		/* it does, but smtpd looks elsewhere */
	WAY_UNKNOWN,		/* we can't tell */
	WAY_HERE,
	WAY_UNUSED		/* no smtpd takes it */
};

struct check {
	struct postfix		 postfix;
	const struct conf	*conf;
	char			*queue;		/* directory */
	int			 chrooted;	/* any smtpd is */
	char			 seen[PATH_MAX];	/* where it looks */
	char			 action[64];	/* of our entry, or empty */
};

static const char *const	 trusting[] = {
	"smtpd_authorized_xclient_hosts",
	"smtpd_upstream_proxy_protocol",
	"postscreen_upstream_proxy_protocol"
};

/* The value of main.cf, to be freed; the default if it is not there. */
static char *
value(struct check *c, const char *name, const char *otherwise)
{
	const struct setting	*s;
	char			*text = NULL;

	s = postfix_setting(&c->postfix.settings, name);
	if (s != NULL)
		text = postfix_expand(&c->postfix, s->value);
	return (text != NULL ? text : conf_strdup(otherwise));
}

/* main.cf, and the line if the setting is there at all. */
static const char *
place(struct check *c, const char *name, char *buf, size_t size)
{
	const struct setting	*s;

	if ((s = postfix_setting(&c->postfix.settings, name)) != NULL)
		(void)snprintf(buf, size, "%s:%d", c->postfix.main_cf,
		    s->line);
	else
		(void)strlcpy(buf, c->postfix.main_cf, size);
	return (buf);
}

/*
 * Who may choose the connection.
 */

static void
check_trusting(const struct settings *list, const char *file)
{
	const struct setting	*s;
	size_t			 i;

	for (i = 0; i < NITEMS(trusting); i++) {
		s = postfix_setting(list, trusting[i]);
		if (s != NULL && *s->value != '\0')
			log_warnx("%s:%d: whoever may use %s can claim the "
			    "connection of any user: list only whom you "
			    "trust", file, s->line, s->name);
	}
}

/*
 * The way to us.
 */

/* The same path for the same file, through whatever links. */
static void
canonical(const char *path, char *buf, size_t size)
{
	char	*slash, dir[PATH_MAX], real[PATH_MAX];

	(void)strlcpy(buf, path, size);
	(void)strlcpy(dir, path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) == NULL || slash == dir)
		return;
	*slash++ = '\0';
	if (realpath(dir, real) != NULL)
		(void)snprintf(buf, size, "%s/%s", real, slash);
}

static int
same_path(const char *a, const char *b)
{
	char	 x[PATH_MAX * 2], y[PATH_MAX * 2];

	canonical(a, x, sizeof(x));
	canonical(b, y, sizeof(y));
	return (strcmp(x, y) == 0);
}

static const char *
last_part(const char *path)
{
	const char	*slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

static enum way
way_unix(struct check *c, const char *path, int chrooted)
{
	const struct listener	*l = &c->conf->listen;

	if (l->family != AF_UNIX)
		return (WAY_NONE);
	(void)snprintf(c->seen, sizeof(c->seen), "%s%s%s",
	    *path != '/' || chrooted ? c->queue : "",
	    *path != '/' ? "/" : "", path);
	if (same_path(c->seen, l->path))
		return (WAY_HERE);
	return (strcmp(last_part(path), last_part(l->path)) == 0 ?
	    WAY_ASTRAY : WAY_NONE);
}

/* Our address and port as smtpd_milters has them. */
static void
inet_text(const struct listener *l, char *buf, size_t size)
{
	struct sockaddr_storage	 ss;
	char			 ip[INET6_ADDRSTRLEN] = "?";
	int			 six = l->family == AF_INET6;

	(void)endpoint_to_sa(&l->addr, &ss);
	(void)inet_ntop(l->family, six ?
	    (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr :
	    (void *)&((struct sockaddr_in *)&ss)->sin_addr, ip, sizeof(ip));
	(void)snprintf(buf, size, "inet:%s%s%s:%u", six ? "[" : "", ip,
	    six ? "]" : "", l->addr.port);
}

/* A name of a host could be any address: then the port alone counts. */
static enum way
way_inet(struct check *c, const char *word)
{
	const struct listener	*l = &c->conf->listen;
	const char		*port = strrchr(word, ':');
	char			 text[80];

	if (l->family == AF_UNIX || port == NULL)
		return (WAY_NONE);
	inet_text(l, text, sizeof(text));
	if (strcmp(word, text) == 0)
		return (WAY_HERE);
	if (strcmp(port, strrchr(text, ':')) != 0)
		return (WAY_NONE);
	return (strspn(word + strlen("inet:"), "0123456789.:[]") ==
	    strlen(word + strlen("inet:")) ? WAY_NONE : WAY_HERE);
}

/* One entry: an endpoint, and in braces settings of its own behind it. */
static enum way
way_entry(struct check *c, char *entry, int chrooted)
{
	char		*word = postfix_word(&entry), *option;
	enum way	 way = WAY_NONE;

	if (word == NULL)
		return (WAY_NONE);
	if (strncmp(word, "unix:", 5) == 0)
		way = way_unix(c, word + 5, chrooted);
	else if (strncmp(word, "inet:", 5) == 0)
		way = way_inet(c, word);
	c->action[0] = '\0';
	while (way != WAY_NONE && (option = postfix_word(&entry)) != NULL)
		if (strncmp(option, "default_action=", 15) == 0)
			(void)strlcpy(c->action, option + 15,
			    sizeof(c->action));
	return (way);
}

static enum way
way_find(struct check *c, const char *milters, int chrooted)
{
	char		*text, *rest, *entry;
	enum way	 way = WAY_NONE;

	if ((rest = text = postfix_expand(&c->postfix, milters)) == NULL)
		return (WAY_UNKNOWN);
	while (way == WAY_NONE && (entry = postfix_word(&rest)) != NULL)
		way = way_entry(c, entry, chrooted);
	free(text);
	return (way);
}

/*
 * What to type.
 */

/*
 * The same path without links, in buf.  Below the queue directory: the part
 * after that, else NULL.
 */
static const char *
below_queue(const struct check *c, const char *path, char *buf, size_t size)
{
	char	 queue[PATH_MAX];
	size_t	 len;

	canonical(path, buf, size);
	if (realpath(c->queue, queue) == NULL)
		(void)strlcpy(queue, c->queue, sizeof(queue));
	len = strlen(queue);
	if (strncmp(buf, queue, len) == 0 && buf[len] == '/')
		return (buf + len + 1);
	return (NULL);
}

/* Our entry in smtpd_milters.  0 if no smtpd could open it. */
static int
endpoint_wanted(const struct check *c, char *buf, size_t size)
{
	const struct listener	*l = &c->conf->listen;
	const char		*rest;
	char			 real[PATH_MAX * 2];

	if (l->family != AF_UNIX)
		inet_text(l, buf, size);
	else if ((rest = below_queue(c, l->path, real,
	    sizeof(real))) != NULL)
		(void)snprintf(buf, size, "unix:%s", rest);
	else if (!c->chrooted)
		(void)snprintf(buf, size, "unix:%s", l->path);
	else
		return (0);
	return (1);
}

static const char *
owner_group(const char *owner, char *buf, size_t size)
{
	struct passwd	*pw = getpwnam(owner);
	struct group	*gr = pw == NULL ? NULL : getgrgid(pw->pw_gid);

	(void)strlcpy(buf, gr == NULL ? owner : gr->gr_name, size);
	return (buf);
}

/* A socket that smtpd can't reach at all has to move. */
static void
say_move(struct check *c)
{
	char	*owner = value(c, "mail_owner", "postfix");
	char	 group[256];

	conf_warn(&c->conf->listen.at, "smtpd is locked into %s and can't "
	    "reach this socket; say: listen on socket "
	    "\"%s/private/milter-sysuser.sock\" mode 0660 group \"%s\"",
	    c->queue, c->queue, owner_group(owner, group, sizeof(group)));
	free(owner);
}

static void
say_none(struct check *c, const char *endpoint)
{
	const struct setting	*s;
	char			 at[PATH_MAX];

	s = postfix_setting(&c->postfix.settings, MILTERS);
	log_warnx("%s: "MILTERS" does not lead to this milter; type: "
	    "postconf -e '"MILTERS" = %s%s%s'",
	    place(c, MILTERS, at, sizeof(at)), endpoint,
	    s != NULL && *s->value != '\0' ? ", " : "",
	    s != NULL ? s->value : "");
}

static void
say_astray(struct check *c, const char *endpoint)
{
	char	 at[PATH_MAX];

	log_warnx("%s: smtpd looks for %s, but the socket is %s; name it "
	    "%s in "MILTERS, place(c, MILTERS, at, sizeof(at)), c->seen,
	    c->conf->listen.path, endpoint);
}

static void
say_way(struct check *c, enum way way)
{
	char	 endpoint[PATH_MAX], at[PATH_MAX];

	if (way == WAY_UNUSED)
		return;		/* what each has of its own was said */
	if (way == WAY_HERE)
		log_warnx("%s: "MILTERS" leads to this milter",
		    place(c, MILTERS, at, sizeof(at)));
	else if (way == WAY_UNKNOWN)
		log_warnx("%s: "MILTERS" has a condition: see yourself "
		    "whether it leads to this milter",
		    place(c, MILTERS, at, sizeof(at)));
	else if (!endpoint_wanted(c, endpoint, sizeof(endpoint)))
		say_move(c);
	else if (way == WAY_ASTRAY)
		say_astray(c, endpoint);
	else
		say_none(c, endpoint);
}

/* Each smtpd may have a value of its own, as one behind a filter does. */
static enum way
check_services(struct check *c, const char *milters)
{
	const struct service	*s;
	const struct setting	*own;
	char			 seen[PATH_MAX] = "", action[64] = "";
	enum way		 way, worst = WAY_UNUSED;
	int			 n = 0;

	TAILQ_FOREACH(s, &c->postfix.services, next) {
		own = postfix_setting(&s->options, MILTERS);
		way = way_find(c, own != NULL ? own->value : milters,
		    s->chrooted);
		if (own != NULL && way < WAY_UNKNOWN)
			log_warnx("%s:%d: %s has "MILTERS" of its own: what "
			    "comes in there is not seen by this milter; name "
			    "it there, unless you mean that",
			    c->postfix.master_cf, s->line, s->name);
		if (own != NULL)
			continue;
		if (n++ == 0 || way < worst) {
			worst = way;
			(void)strlcpy(seen, c->seen, sizeof(seen));
		}
		if (way == WAY_HERE)
			(void)strlcpy(action, c->action, sizeof(action));
	}
	if (n == 0 && TAILQ_EMPTY(&c->postfix.services))
		return (way_find(c, milters, 0));
	(void)strlcpy(c->seen, seen, sizeof(c->seen));
	(void)strlcpy(c->action, action, sizeof(c->action));
	return (worst);
}

/*
 * What Postfix may do with the socket.
 */

static int
in_group(const struct passwd *pw, gid_t gid)
{
	gid_t	 groups[GROUPS_READ];
	int	 i, n = GROUPS_READ;

	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) == -1)
		return (pw->pw_gid == gid);
	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return (1);
	return (0);
}

/* Has he all these bits, as in rwx of one digit? */
static int
may(const struct passwd *pw, uid_t uid, gid_t gid, mode_t mode, mode_t want)
{
	if (pw->pw_uid == uid)
		mode >>= 6;
	else if (in_group(pw, gid))
		mode >>= 3;
	return ((mode & want) == want);
}

static void
check_directory(struct check *c, const struct passwd *pw, const char *dir)
{
	struct stat	 st;

	if (stat(dir, &st) == -1) {
		if (errno == ENOENT)
			conf_warn(&c->conf->listen.at, "the directory %s is "
			    "not there; type: mkdir -p %s", dir, dir);
	} else if (!may(pw, st.st_uid, st.st_gid, st.st_mode, 1))
		log_warnx("%s: Postfix is \"%s\", who may not look into this "
		    "directory; type: chmod o+x %s", dir, pw->pw_name, dir);
}

/* smtpd begins at its queue, or at the root. */
static void
check_directories(struct check *c, const struct passwd *pw)
{
	char		 dir[PATH_MAX], real[PATH_MAX * 2];
	const char	*path = c->conf->listen.path, *rest, *slash;

	if ((rest = below_queue(c, path, real, sizeof(real))) != NULL)
		path = real;
	slash = rest != NULL ? rest - 1 : path;
	for (; slash != NULL; slash = strchr(slash + 1, '/')) {
		if (slash == path)
			continue;
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path),
		    path);
		check_directory(c, pw, dir);
	}
}

static void
check_rights(struct check *c)
{
	const struct listener	*l = &c->conf->listen;
	const struct passwd	*pw;
	char			*owner, group[256];

	if (l->family != AF_UNIX)
		return;
	owner = value(c, "mail_owner", "postfix");
	if ((pw = getpwnam(owner)) != NULL) {
		if (!may(pw, l->uid, l->gid, l->mode, 6))
			conf_warn(&l->at, "Postfix is \"%s\", who may not use "
			    "this socket; say: listen on socket \"%s\" "
			    "mode 0660 group \"%s\"", owner, l->path,
			    owner_group(owner, group, sizeof(group)));
		check_directories(c, pw);
	}
	free(owner);
}

/* What becomes of mail without us; who wants it to wait has said so. */
static void
check_action(struct check *c)
{
	char	*action = value(c, ACTION, "tempfail");
	char	 at[PATH_MAX];

	if (c->conf->policy->tempfail)
		;
	else if (c->action[0] != '\0' && strcmp(c->action, "accept") != 0)
		log_warnx("%s: default_action=%s: no mail while this milter "
		    "is away; say: default_action=accept",
		    place(c, MILTERS, at, sizeof(at)), c->action);
	else if (c->action[0] == '\0' && strcmp(action, "accept") != 0)
		log_warnx("%s: "ACTION" is %s: no mail while this milter is "
		    "away; type: postconf -e "ACTION"=accept",
		    place(c, ACTION, at, sizeof(at)), action);
	free(action);
}

static void
check_others(struct check *c)
{
	char	*protocol = value(c, "milter_protocol", "6");
	char	*maps = value(c, "smtpd_milter_maps", "");
	char	 at[PATH_MAX];

	if (strtol(protocol, NULL, 10) < 6)
		log_warnx("%s: milter_protocol is below 6; type: "
		    "postconf -e milter_protocol=6",
		    place(c, "milter_protocol", at, sizeof(at)));
	if (*maps != '\0')
		log_warnx("%s: smtpd_milter_maps may lead some clients past "
		    "this milter: see that no address of this host is there",
		    place(c, "smtpd_milter_maps", at, sizeof(at)));
	free(protocol);
	free(maps);
}

/* Postfix, if there is one; MAIL_CONFIG names its directory to it as well. */
void
mta_check(const struct conf *conf)
{
	const char		*dir = getenv("MAIL_CONFIG");
	struct check		 c = { .conf = conf };
	const struct setting	*milters;
	const struct service	*s;
	enum way		 way;

	if (postfix_read(&c.postfix, dir != NULL ? dir : POSTFIX_DIR) == -1) {
		postfix_free(&c.postfix);
		return;
	}
	c.queue = value(&c, "queue_directory", "/var/spool/postfix");
	check_trusting(&c.postfix.settings, c.postfix.main_cf);
	TAILQ_FOREACH(s, &c.postfix.services, next) {
		check_trusting(&s->options, c.postfix.master_cf);
		c.chrooted |= s->chrooted;
	}
	milters = postfix_setting(&c.postfix.settings, MILTERS);
	way = check_services(&c, milters != NULL ? milters->value : "");
	say_way(&c, way);
	check_rights(&c);
	check_action(&c);
	check_others(&c);
	free(c.queue);
	postfix_free(&c.postfix);
}
