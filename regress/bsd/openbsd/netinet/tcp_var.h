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

/* What we use of OpenBSD's header, laid out as on amd64. */

#ifndef BSD_OPENBSD_NETINET_TCP_VAR_H
#define BSD_OPENBSD_NETINET_TCP_VAR_H

#include <netinet/in.h>

#define TCPCTL_IDENT	9

struct tcp_ident_mapping {
	struct sockaddr_storage	 faddr, laddr;
	int			 euid, ruid;
	unsigned int		 rdomain;
};

_Static_assert(sizeof(struct tcp_ident_mapping) == 528, "tcp_ident_mapping");

#endif
