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
 * The lines of kernel.h.  A resolver of the tests has them in the file
 * kernel.script where the daemon was started; unit tests bring their own.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "log.h"

struct kernel	 kernel = {
	.socks = TAILQ_HEAD_INITIALIZER(kernel.socks),
	.procs = TAILQ_HEAD_INITIALIZER(kernel.procs)
};
static uint64_t	 gencnt;

#define SCRIPT	"kernel.script"

static void	 script(void) __attribute__((__constructor__));
static void	 kernel_read(const char *);

static const char *const	 whats[K_MAX] = {
	[K_CRED] = "cred", [K_PCBS] = "pcbs", [K_FILES] = "files",
	[K_FDS] = "fds", [K_PROC] = "proc"
};

void
kernel_reset(void)
{
	struct ksock	*s;
	struct kproc	*p;

	while ((s = TAILQ_FIRST(&kernel.socks)) != NULL) {
		TAILQ_REMOVE(&kernel.socks, s, next);
		free(s);
	}
	while ((p = TAILQ_FIRST(&kernel.procs)) != NULL) {
		TAILQ_REMOVE(&kernel.procs, p, next);
		free(p);
	}
	free(kernel.out.data);
	memset(&kernel, 0, sizeof(kernel));
	TAILQ_INIT(&kernel.socks);
	TAILQ_INIT(&kernel.procs);
}

const struct ksock *
kernel_sock(uint32_t id)
{
	struct ksock	*s;

	TAILQ_FOREACH(s, &kernel.socks, next)
		if (s->id == id)
			return (s);
	return (NULL);
}

const struct kproc *
kernel_proc(uint32_t pid)
{
	struct kproc	*p;

	TAILQ_FOREACH(p, &kernel.procs, next)
		if (p->pid == pid)
			return (p);
	return (NULL);
}

static char *
word(char **line)
{
	char	*w;

	while ((w = strsep(line, " \t\n")) != NULL && *w == '\0')
		continue;
	return (w);
}

static char *
need(char **line)
{
	char	*w = word(line);

	if (w == NULL)
		fatalx("kernel: a word is missing");
	return (w);
}

static uint32_t
number(const char *s)
{
	const char	*errstr;
	uint32_t	 n;

	n = strtonum(s, 0, UINT32_MAX, &errstr);
	if (errstr != NULL)
		fatalx("kernel: %s is %s", s, errstr);
	return (n);
}

/* "key=value": the value, if that is the key. */
static const char *
value(const char *w, const char *key)
{
	size_t	 n = strlen(key);

	return (strncmp(w, key, n) == 0 && w[n] == '=' ? w + n + 1 : NULL);
}

static void
endpoint(struct endpoint *e, char **line)
{
	char	*addr = need(line), *port = need(line);

	if (endpoint_parse(e, addr, port) == -1)
		fatalx("kernel: %s %s is no endpoint", addr, port);
}

static void
add_sock(char *line)
{
	struct ksock	*s;
	const char	*v;
	char		*w;
	size_t		 i;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("calloc");
	s->id = number(need(&line));
	endpoint(&s->key.client, &line);
	endpoint(&s->key.server, &line);
	s->state = 4;
	s->gencnt = ++gencnt;
	while ((w = word(&line)) != NULL) {
		const struct { const char *key; uint32_t *number; } keys[] = {
			{ "uid", &s->uid }, { "state", &s->state },
			{ "table", &s->table }, { "queued", &s->queued },
			{ "accepted", &s->accepted }, { "mapped", &s->mapped },
			{ "detached", &s->detached }, { "closed", &s->closed }
		};

		for (i = 0; i < NITEMS(keys); i++)
			if ((v = value(w, keys[i].key)) != NULL) {
				*keys[i].number = number(v);
				break;
			}
		if (i == NITEMS(keys))
			fatalx("kernel: what is %s?", w);
	}
	TAILQ_INSERT_TAIL(&kernel.socks, s, next);
}

static void
add_proc(char *line)
{
	struct kproc	*p;
	const char	*v;
	char		*w;
	size_t		 i;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("calloc");
	p->pid = number(need(&line));
	p->start = 1;
	p->ruid = UINT32_MAX;
	while ((w = word(&line)) != NULL) {
		const struct { const char *key; uint32_t *number; } keys[] = {
			{ "uid", &p->uid }, { "ruid", &p->ruid },
			{ "start", &p->start }, { "jid", &p->jid },
			{ "kernel", &p->kernel }
		};

		for (i = 0; i < NITEMS(keys); i++)
			if ((v = value(w, keys[i].key)) != NULL) {
				*keys[i].number = number(v);
				break;
			}
		if (i < NITEMS(keys))
			continue;
		if ((v = value(w, "comm")) != NULL)
			(void)strlcpy(p->comm, v, sizeof(p->comm));
		else if ((v = value(w, "exe")) != NULL)
			(void)strlcpy(p->exe, v, sizeof(p->exe));
		else if ((v = value(w, "cwd")) != NULL)
			(void)strlcpy(p->cwd, v, sizeof(p->cwd));
		else if ((v = value(w, "args")) != NULL)
			(void)strlcpy(p->args, v, sizeof(p->args));
		else if ((v = value(w, "fd")) != NULL && p->nfds < KFDS)
			p->fds[p->nfds++] = number(v);
		else
			fatalx("kernel: what is %s?", w);
	}
	if (p->ruid == UINT32_MAX)
		p->ruid = p->uid;
	TAILQ_INSERT_TAIL(&kernel.procs, p, next);
}

/* The socket, else the process, of that number. */
static void
take_away(uint32_t n)
{
	struct ksock	*s;
	struct kproc	*p;

	TAILQ_FOREACH(s, &kernel.socks, next)
		if (s->id == n) {
			TAILQ_REMOVE(&kernel.socks, s, next);
			free(s);
			return;
		}
	TAILQ_FOREACH(p, &kernel.procs, next)
		if (p->pid == n) {
			TAILQ_REMOVE(&kernel.procs, p, next);
			free(p);
			return;
		}
	fatalx("kernel: no %u", n);
}

static enum kwhat
what(const char *w)
{
	int	 i;

	for (i = 0; i < K_MAX; i++)
		if (strcmp(w, whats[i]) == 0)
			return (i);
	fatalx("kernel: what is %s?", w);
}

static void
add_when(char *line)
{
	if (kernel.nwhen == NITEMS(kernel.when))
		fatalx("kernel: too much happens");
	kernel.when[kernel.nwhen].at = kernel.questions + number(need(&line));
	(void)strlcpy(kernel.when[kernel.nwhen++].line, line,
	    sizeof(kernel.when[0].line));
}

void
kernel_line(const char *text)
{
	char	 buf[1024], *line = buf, *w;

	(void)strlcpy(buf, text, sizeof(buf));
	if ((w = word(&line)) == NULL || *w == '#')
		return;
	if (strcmp(w, "tcp") == 0)
		add_sock(line);
	else if (strcmp(w, "proc") == 0)
		add_proc(line);
	else if (strcmp(w, "addr") == 0 &&
	    kernel.naddrs < NITEMS(kernel.addrs)) {
		if (endpoint_parse(&kernel.addrs[kernel.naddrs++],
		    need(&line), "0") == -1)
			fatalx("kernel: no address");
	} else if (strcmp(w, "jails") == 0)
		kernel.jails = number(need(&line));
	else if (strcmp(w, "deny") == 0)
		kernel.deny[what(need(&line))] = 1;
	else if (strcmp(w, "lie") == 0)
		kernel.lie[what(need(&line))] = 1;
	else if (strcmp(w, "cut") == 0) {
		w = need(&line);
		kernel.cut[what(w)] = number(need(&line));
	} else if (strcmp(w, "grow") == 0)
		kernel.grow = number(need(&line));
	else if (strcmp(w, "gone") == 0)
		take_away(number(need(&line)));
	else if (strcmp(w, "when") == 0)
		add_when(line);
	else
		fatalx("kernel: what is %s?", w);
}

static void
script(void)
{
	if (access(SCRIPT, R_OK) == 0)
		kernel_read(SCRIPT);
}

static void
kernel_read(const char *path)
{
	FILE	*f;
	char	*line = NULL;
	size_t	 size = 0;

	if ((f = fopen(path, "r")) == NULL)
		fatal("%s", path);
	while (getline(&line, &size, f) != -1)
		kernel_line(line);
	free(line);
	fclose(f);
}

/* More of a reply. */
void
kernel_put(const void *p, size_t n)
{
	if (kernel.out.len + n > kernel.out.size) {
		kernel.out.size = (kernel.out.len + n) * 2;
		if ((kernel.out.data = realloc(kernel.out.data,
		    kernel.out.size)) == NULL)
			fatal("realloc");
	}
	memcpy(kernel.out.data + kernel.out.len, p, n);
	kernel.out.len += n;
}

/* A question comes in: what is due becomes true. */
void
kernel_asked(void)
{
	size_t	 i;

	kernel.out.len = 0;
	kernel.out.max = SIZE_MAX;
	kernel.questions++;
	for (i = 0; i < kernel.nwhen; i++)
		if (kernel.when[i].at == kernel.questions)
			kernel_line(kernel.when[i].line);
}
