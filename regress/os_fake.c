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
 * A backend that says what it is told to, for a resolver that is tested and
 * never installed.  It reads the file resolver.script in the directory where
 * the daemon was started: each line a client, then what is said of it.
 *
 *	# ADDRESS PORT	key=value ...
 *	127.0.0.1 2501	uid=5 holder=100 program=telnet exe=/usr/bin/telnet
 *	127.0.0.1 2502	sock=none local=no
 *	*		sock=forgotten
 *
 * The first line that fits is taken, * fits all.  A client that is there more
 * than once gets one line after the other, the last one for ever.  \xHH is a
 * byte of a value.
 *
 *	sock=STATE	of the client's end: owned (the default), orphan,
 *			forgotten, none, several, denied, unsupported or
 *			failed
 *	server=STATE	of the server's end; by default owned
 *	established=0	nobody has accepted the server's end
 *	uid=N		owner of the socket; by default 0
 *	local=WORD	of the client: yes (the default), no or unknown
 *	serverlocal=WORD of the server's address
 *	holder=PID	a process that has the socket; of the same uid
 *	holder=PID/UID	of another one.  The first holder is the oldest
 *	holders=N	how many are said to be there, if more
 *	gone=N		so many processes have ended when they are looked at
 *	same=no		the socket is another one in the end
 *	to=ADDRESS/PORT	if the server's end is said to be elsewhere: failed
 *	login=N program=TEXT exe=TEXT cwd=TEXT unit=TEXT container=TEXT
 *	cmdline=TEXT	of the process, whichever it is
 *	delay=MS	before anything is said
 *	search=MS	of CPU time, before the holders are said
 *	crash=yes	nothing is said, ever: the resolver dies
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "os.h"

#define SCRIPT	"resolver.script"

/* One line. */
struct line {
	TAILQ_ENTRY(line)	 next;
	uint64_t		 number;	/* inode of the socket, too */
	int			 any;		/* whoever the client is */
	struct endpoint		 client;
	int			 last;		/* no line of his follows */
	int			 used;

	int			 sock, server;	/* enum sock_state */
	struct endpoint		 to;		/* port 0: anywhere */
	uint32_t		 established;
	uint32_t		 uid, login;
	int			 local, server_local;
	struct holder		 list[MAX_HOLDERS];
	uint32_t		 n, holders;
	uint32_t		 gone, left;
	int			 same, crash;
	uint32_t		 delay, search;
	char			*text[T_MAX];
};

static TAILQ_HEAD(lines, line) lines = TAILQ_HEAD_INITIALIZER(lines);
static struct line	 nobody;	/* whom no line fits */
static struct line	*now = &nobody;	/* whose socket was asked for last */
static struct conn_key	 first;		/* and his connection */

static const char *const states[] = {
	[SOCK_OWNED] = "owned", [SOCK_ORPHAN] = "orphan",
	[SOCK_FORGOTTEN] = "forgotten", [SOCK_NONE] = "none",
	[SOCK_SEVERAL] = "several", [SOCK_DENIED] = "denied",
	[SOCK_UNSUPPORTED] = "unsupported", [SOCK_FAILED] = "failed"
};
static const char *const words[] = { "no", "yes", "unknown" };

static void	 fake_open(void);
static uint32_t	 fake_check(void);
static void	 fake_sock(const struct conn_key *, struct sock *);
static int	 fake_same(const struct conn_key *, const struct sock *);
static int	 fake_local(const struct endpoint *);
static size_t	 fake_holders(const struct sock *, const struct budget *,
		    struct holder[MAX_HOLDERS]);
static int	 fake_process(const struct holder *, struct found *);

const struct os_ops os_native = {
	.name = "fake",
	.keep = KEEP_NOTHING,
	.open = fake_open,
	.check = fake_check,
	.sock = fake_sock,
	.same = fake_same,
	.local = fake_local,
	.holders = fake_holders,
	.process = fake_process
};

/*
 * The script.
 */

/* The index of a word, which must be one of them. */
static int
word(const char *s, const char *const *list, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return (i);
	fatalx(SCRIPT ": what is \"%s\"?", s);
}

static uint32_t
number(const char *s)
{
	const char	*errstr;
	uint32_t	 n;

	n = strtonum(s, 0, UINT32_MAX, &errstr);
	if (errstr != NULL)
		fatalx(SCRIPT ": %s is %s", s, errstr);
	return (n);
}

/* In place: \xHH is a byte. */
static char *
unescape(char *s)
{
	char		*to = s, *from = s;
	unsigned int	 byte;

	while (*from != '\0')
		if (sscanf(from, "\\x%2x", &byte) == 1) {
			*to++ = byte;
			from += 4;
		} else
			*to++ = *from++;
	*to = '\0';
	return (s);
}

static void
set_server(struct line *l, char *value)
{
	char	*port = strchr(value, '/');

	if (port != NULL)
		*port++ = '\0';
	if (port == NULL || endpoint_parse(&l->to, value, port) == -1)
		fatalx(SCRIPT ": %s is no server", value);
}

static void
add_holder(struct line *l, char *value)
{
	struct holder	*h = &l->list[l->n];
	char		*uid = strchr(value, '/');

	if (l->n++ == MAX_HOLDERS)
		fatalx(SCRIPT ": too many holders");
	if (uid != NULL)
		*uid++ = '\0';
	h->pid = number(value);
	h->uid = uid != NULL ? number(uid) : UINT32_MAX;
	h->start = l->n;
	h->source = SRC_SCAN;
}

static void
take(struct line *l, const char *key, char *value)
{
	static const char *const	 texts[T_MAX] = {
		[T_USER] = "", [T_OWNER] = "", [T_HOLDER] = "", [T_PROGRAM] = "program",
		[T_EXE] = "exe", [T_CWD] = "cwd", [T_UNIT] = "unit",
		[T_CONTAINER] = "container", [T_CMDLINE] = "cmdline"
	};
	struct { const char *key; uint32_t *number; } numbers[] = {
		{ "delay", &l->delay }, { "established", &l->established },
		{ "gone", &l->gone }, { "holders", &l->holders },
		{ "login", &l->login }, { "search", &l->search },
		{ "uid", &l->uid }
	};
	struct { const char *key; int *state; } ends[] = {
		{ "server", &l->server }, { "sock", &l->sock }
	};
	struct { const char *key; int *word; } yesno[] = {
		{ "crash", &l->crash }, { "local", &l->local },
		{ "same", &l->same }, { "serverlocal", &l->server_local }
	};
	size_t				 i;

	for (i = 0; i < NITEMS(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].number = number(value);
			return;
		}
	for (i = 0; i < NITEMS(ends); i++)
		if (strcmp(key, ends[i].key) == 0) {
			*ends[i].state = word(value, states, NITEMS(states));
			return;
		}
	for (i = 0; i < NITEMS(yesno); i++)
		if (strcmp(key, yesno[i].key) == 0) {
			*yesno[i].word = word(value, words, NITEMS(words));
			return;
		}
	if (strcmp(key, "holder") == 0)
		add_holder(l, value);
	else if (strcmp(key, "to") == 0)
		set_server(l, value);
	else if ((l->text[word(key, texts, T_MAX)] =
	    strdup(unescape(value))) == NULL)
		fatal("strdup");
}

static struct line *
line_new(void)
{
	struct line	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("calloc");
	l->sock = l->server = SOCK_OWNED;
	l->established = l->local = l->server_local = l->same = l->last = 1;
	l->login = LOGIN_UNSET;
	return (l);
}

static void
script_line(char *text)
{
	struct line	*l = line_new(), *o;
	char		*w, *value, *addr = NULL;

	while ((w = strsep(&text, " \t\n")) != NULL) {
		if (*w == '\0')
			continue;
		if (l->any == 0 && addr == NULL && strcmp(w, "*") == 0)
			l->any = 1;
		else if (l->any == 0 && addr == NULL)
			addr = w;
		else if (l->any == 0 && l->client.port == 0) {
			if (endpoint_parse(&l->client, addr, w) == -1)
				fatalx(SCRIPT ": %s %s is no client", addr, w);
		} else if ((value = strchr(w, '=')) == NULL)
			fatalx(SCRIPT ": what is \"%s\"?", w);
		else {
			*value = '\0';
			take(l, w, value + 1);
		}
	}
	TAILQ_FOREACH(o, &lines, next)
		if (o->any == l->any && endpoint_equal(&o->client, &l->client))
			o->last = 0;
	o = TAILQ_LAST(&lines, lines);
	l->number = o == NULL ? 1 : o->number + 1;
	TAILQ_INSERT_TAIL(&lines, l, next);
}

/* As root, in the parent's directory. */
static void
fake_open(void)
{
	FILE	*f;
	char	*text = NULL;
	size_t	 size = 0;

	if ((f = fopen(SCRIPT, "r")) == NULL)
		fatal(SCRIPT);
	while (getline(&text, &size, f) != -1)
		if (text[0] != '#' && text[0] != '\n')
			script_line(text);
	free(text);
	fclose(f);
	nobody.sock = SOCK_NONE;
}

/*
 * What is said.
 */

static void
pause_ms(uint32_t ms)
{
	struct timespec	 ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

static void
spin_ms(uint32_t ms)
{
	clock_t	 end = clock() + (clock_t)ms * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		continue;
}

/* Searches come later than the question for the socket. */
static struct line *
line_numbered(uint64_t number)
{
	struct line	*l;

	TAILQ_FOREACH(l, &lines, next)
		if (l->number == number)
			return (l);
	return (&nobody);
}

static struct line *
line_of(const struct endpoint *client)
{
	struct line	*l;

	TAILQ_FOREACH(l, &lines, next)
		if ((l->any || endpoint_equal(&l->client, client)) &&
		    (l->last || !l->used))
			return (l);
	return (&nobody);
}

/* The server's end is asked for right after the client's. */
static int
is_swapped(const struct conn_key *key)
{
	return (endpoint_equal(&key->client, &first.server) &&
	    endpoint_equal(&key->server, &first.client));
}

/* This system knows everything. */
static uint32_t
fake_check(void)
{
	return ((1U << CAN_MAX) - 1);
}

static void
fake_sock(const struct conn_key *key, struct sock *sock)
{
	memset(sock, 0, sizeof(*sock));
	sock->state = SOCK_NONE;
	if (endpoint_is_any(&key->server))
		return;			/* nobody listens anywhere */
	if (is_swapped(key)) {
		sock->state = (enum sock_state)now->server;
		sock->established = now->established;
		return;
	}
	first = *key;
	now = line_of(&key->client);
	now->used = 1;
	pause_ms(now->delay);
	if (now->crash)
		abort();
	sock->state = now->to.port == 0 ||
	    endpoint_equal(&key->server, &now->to) ? (enum sock_state)now->sock
	    : SOCK_FAILED;
	sock->inode = now->number;
	sock->uid = now->uid;
	sock->established = 1;
}

static int
fake_same(const struct conn_key *key, const struct sock *sock)
{
	(void)key;
	return (line_numbered(sock->inode)->same);
}

static int
fake_local(const struct endpoint *e)
{
	int	 said = endpoint_equal(e, &first.client) ? now->local :
		    now->server_local;

	return (said > 1 ? -1 : said);
}

static size_t
fake_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	struct line	*l = line_numbered(sock->inode);
	uint32_t	 i;

	(void)budget;
	spin_ms(l->search);
	l->left = l->gone;
	for (i = 0; i < l->n; i++) {
		list[i] = l->list[i];
		list[i].inode = sock->inode;
		if (list[i].uid == UINT32_MAX)
			list[i].uid = sock->uid;
	}
	return (l->holders > l->n ? l->holders : l->n);
}

static const char *
text_copy(const struct line *l, const struct found *f, enum text t, char *buf,
    size_t size)
{
	if (l->text[t] == NULL || !(f->want & 1U << t))
		return (NULL);
	(void)strlcpy(buf, l->text[t], size);
	return (buf);
}

static int
fake_process(const struct holder *h, struct found *f)
{
	struct line	*l = line_numbered(h->inode);
	const char	**text = f->owner.text;

	if (l->left > 0) {
		l->left--;
		return (-1);
	}
	f->owner.login = l->login;
	text[T_PROGRAM] = text_copy(l, f, T_PROGRAM, f->program,
	    sizeof(f->program));
	text[T_EXE] = text_copy(l, f, T_EXE, f->exe, sizeof(f->exe));
	text[T_CWD] = text_copy(l, f, T_CWD, f->cwd, sizeof(f->cwd));
	text[T_UNIT] = text_copy(l, f, T_UNIT, f->unit, sizeof(f->unit));
	text[T_CONTAINER] = text_copy(l, f, T_CONTAINER, f->container,
	    sizeof(f->container));
	text[T_CMDLINE] = text_copy(l, f, T_CMDLINE, f->cmdline,
	    sizeof(f->cmdline));
	return (0);
}
