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

/* What we use of a BSD's header. */

#ifndef BSD_BOTH_NETINET_IN_H
#define BSD_BOTH_NETINET_IN_H

#include <sys/socket.h>

typedef uint32_t	 in_addr_t;
typedef uint16_t	 in_port_t;

struct in_addr {
	in_addr_t		 s_addr;
};

struct in6_addr {
	union {
		uint8_t		 bytes[16];
		uint32_t	 words[4];
	} u;
#define s6_addr	u.bytes
};

struct sockaddr_in {
	uint8_t			 sin_len;
	sa_family_t		 sin_family;
	in_port_t		 sin_port;
	struct in_addr		 sin_addr;
	char			 sin_zero[8];
};

struct sockaddr_in6 {
	uint8_t			 sin6_len;
	sa_family_t		 sin6_family;
	in_port_t		 sin6_port;
	uint32_t		 sin6_flowinfo;
	struct in6_addr		 sin6_addr;
	uint32_t		 sin6_scope_id;
};

#define IPPROTO_TCP		6
#define IPPROTO_IPV6		41
#define IPV6_V6ONLY		27
#define INADDR_ANY		((in_addr_t)0)
#define INADDR_LOOPBACK		((in_addr_t)0x7f000001)
#define IN_LOOPBACKNET		127
#define INET_ADDRSTRLEN		16
#define INET6_ADDRSTRLEN	46

extern const struct in6_addr	 in6addr_any, in6addr_loopback;

uint32_t htonl(uint32_t);
uint32_t ntohl(uint32_t);
uint16_t htons(uint16_t);
uint16_t ntohs(uint16_t);

_Static_assert(sizeof(struct sockaddr_in) == 16, "sockaddr_in");
_Static_assert(sizeof(struct sockaddr_in6) == 28, "sockaddr_in6");
_Static_assert(sizeof(struct sockaddr_storage) == BSD_STORAGE, "storage");

#endif
