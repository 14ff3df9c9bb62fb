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
 * Loaded into the private Sendmail: what it would ask this machine is always
 * the same, and its log goes to the file $MAILLOG.
 */

#include <sys/socket.h>
#include <sys/utsname.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME	"mta.test"

int		 hosts_ctl(char *, char *, char *, char *);
void		 __syslog_chk(int, int, const char *, ...)
		    __attribute__((format(printf, 3, 4)));
static void	 log_find(void) __attribute__((constructor));

static char	*path;

/* Sendmail soon clears its environment. */
static void
log_find(void)
{
	const char	*value = getenv("MAILLOG");

	path = value == NULL ? NULL : strdup(value);
}

/* A name without a dot would cost a minute. */
int
gethostname(char *name, size_t size)
{
	return (snprintf(name, size, "%s", NAME) < (int)size ? 0 : -1);
}

int
uname(struct utsname *u)
{
	memset(u, 0, sizeof(*u));
	(void)snprintf(u->sysname, sizeof(u->sysname), "Linux");
	(void)snprintf(u->nodename, sizeof(u->nodename), "%s", NAME);
	return (0);
}

/* /etc/hosts.allow is about the Sendmail that is installed. */
int
hosts_ctl(char *daemon, char *name, char *addr, char *user)
{
	(void)daemon;
	(void)name;
	(void)addr;
	(void)user;
	return (1);
}

static struct hostent *
host(const char *name, const void *addr, int family)
{
	static char		 official[64], bytes[sizeof(struct in6_addr)];
	static char		*none[1], *addrs[2] = { bytes, NULL };
	static struct hostent	 h;

	h.h_length = family == AF_INET ? sizeof(struct in_addr) :
	    sizeof(struct in6_addr);
	(void)snprintf(official, sizeof(official), "%s", name);
	memcpy(bytes, addr, h.h_length);
	h.h_name = official;
	h.h_aliases = none;
	h.h_addrtype = family;
	h.h_addr_list = addrs;
	return (&h);
}

/* 127.0.0.1, also if mapped, and ::1 are localhost; nothing else has a name. */
struct hostent *
gethostbyaddr(const void *addr, socklen_t len, int family)
{
	const struct in_addr	 loopback = { htonl(INADDR_LOOPBACK) };
	struct in6_addr		 mapped;

	(void)inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped);
	if ((family == AF_INET && len == sizeof(loopback) &&
	    memcmp(addr, &loopback, len) == 0) ||
	    (family == AF_INET6 && len == sizeof(mapped) &&
	    (memcmp(addr, &in6addr_loopback, len) == 0 ||
	    memcmp(addr, &mapped, len) == 0)))
		return (host("localhost", addr, family));
	h_errno = HOST_NOT_FOUND;
	return (NULL);
}

struct hostent *
gethostbyname2(const char *name, int family)
{
	const struct in_addr	 loopback = { htonl(INADDR_LOOPBACK) };

	if (strcasecmp(name, "localhost") == 0 || strcasecmp(name, NAME) == 0)
		return (host(name, family == AF_INET ? (const void *)&loopback :
		    &in6addr_loopback, family));
	h_errno = HOST_NOT_FOUND;
	return (NULL);
}

/* What _FORTIFY_SOURCE makes of syslog(3). */
void
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list		 ap;
	char		 line[4096];
	int		 fd, n, len;

	(void)priority;
	(void)flag;
	n = snprintf(line, sizeof(line), "sendmail[%d]: ", (int)getpid());
	va_start(ap, fmt);
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (len < 0 || path == NULL)
		return;
	len = strlen(line);
	line[len++] = '\n';
	if ((fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)) == -1)
		return;
	if (write(fd, line, len) != len)
		abort();
	(void)close(fd);
}
