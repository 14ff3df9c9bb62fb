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

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sysuser.h"

static const uint8_t	 mapped[12] = { [10] = 0xff, [11] = 0xff };

/* No address, no port. */
void
endpoint_clear(struct endpoint *e)
{
	memset(e, 0, sizeof(*e));
}

/* :: or 0.0.0.0, as the other is of the one or the other family. */
void
endpoint_any(struct endpoint *e, const struct endpoint *other)
{
	endpoint_clear(e);
	if (endpoint_is4(other))
		memcpy(e->addr, mapped, sizeof(mapped));
}

int
endpoint_is4(const struct endpoint *e)
{
	return (memcmp(e->addr, mapped, sizeof(mapped)) == 0);
}

/* True of :: and 0.0.0.0, which nobody can be connected to. */
int
endpoint_is_any(const struct endpoint *e)
{
	static const uint8_t	 zero[16];
	size_t			 skip = endpoint_is4(e) ? sizeof(mapped) : 0;

	return (memcmp(e->addr + skip, zero, sizeof(zero) - skip) == 0);
}

int
endpoint_is_loopback(const struct endpoint *e)
{
	static const uint8_t	 loopback[16] = { [15] = 1 };

	if (endpoint_is4(e))
		return (e->addr[sizeof(mapped)] == IN_LOOPBACKNET);
	return (memcmp(e->addr, loopback, sizeof(loopback)) == 0);
}

int
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return (a->port == b->port &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0);
}

/* Returns 0, or -1 for another family. */
int
endpoint_from_sa(struct endpoint *e, const struct sockaddr *sa)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	endpoint_clear(e);
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&sin, sa, sizeof(sin));
		memcpy(e->addr, mapped, sizeof(mapped));
		memcpy(e->addr + sizeof(mapped), &sin.sin_addr, 4);
		e->port = ntohs(sin.sin_port);
		return (0);
	case AF_INET6:
		memcpy(&sin6, sa, sizeof(sin6));
		memcpy(e->addr, &sin6.sin6_addr, sizeof(e->addr));
		e->port = ntohs(sin6.sin6_port);
		return (0);
	default:
		return (-1);
	}
}

/*
 * An address as people and MTAs write it: 192.0.2.1, 2001:db8::1, either in
 * brackets, or with Sendmail's and RFC 5321's IPv6: before it; and a port.
 * Returns 0, or -1 if it is anything else.
 */
int
endpoint_parse(struct endpoint *e, const char *addr, const char *port)
{
	char		 buf[INET6_ADDRSTRLEN + sizeof("[IPv6:]")];
	const char	*errstr;
	char		*p = buf;
	size_t		 len;

	endpoint_clear(e);
	if (strlcpy(buf, addr, sizeof(buf)) >= sizeof(buf))
		return (-1);
	len = strlen(buf);
	if (*p == '[') {
		if (buf[len - 1] != ']')
			return (-1);
		buf[len - 1] = '\0';
		p++;
	}
	if (strncasecmp(p, "IPv6:", 5) == 0)
		p += 5;
	if (inet_pton(AF_INET, p, e->addr + sizeof(mapped)) == 1)
		memcpy(e->addr, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, p, e->addr) != 1)
		return (-1);
	e->port = strtonum(port, 0, UINT16_MAX, &errstr);
	return (errstr == NULL ? 0 : -1);
}

/* As AF_INET6 whatever it is; returns the length of what is in ss. */
socklen_t
endpoint_to_mapped(const struct endpoint *e, struct sockaddr_storage *ss)
{
	struct sockaddr_in6	 sin6;

	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_family = AF_INET6;
	memcpy(&sin6.sin6_addr, e->addr, sizeof(e->addr));
	sin6.sin6_port = htons(e->port);
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &sin6, sizeof(sin6));
	return (sizeof(sin6));
}

/* As what it is; returns the length of what is in ss. */
socklen_t
endpoint_to_sa(const struct endpoint *e, struct sockaddr_storage *ss)
{
	struct sockaddr_in	 sin;

	if (!endpoint_is4(e))
		return (endpoint_to_mapped(e, ss));
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	memcpy(&sin.sin_addr, e->addr + sizeof(mapped), 4);
	sin.sin_port = htons(e->port);
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &sin, sizeof(sin));
	return (sizeof(sin));
}

/* "192.0.2.1:25" or "[2001:db8::1]:25", in buf, for a log line. */
const char *
endpoint_text(const struct endpoint *e, char *buf, size_t size)
{
	char	 ip[INET6_ADDRSTRLEN];
	int	 is4 = endpoint_is4(e);

	if (inet_ntop(is4 ? AF_INET : AF_INET6, is4 ?
	    e->addr + sizeof(mapped) : e->addr, ip, sizeof(ip)) == NULL ||
	    (size_t)snprintf(buf, size, is4 ? "%s:%u" : "[%s]:%u", ip,
	    e->port) >= size)
		(void)strlcpy(buf, "?", size);
	return (buf);
}
