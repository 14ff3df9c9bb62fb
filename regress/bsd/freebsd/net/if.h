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

/* What we use of FreeBSD's header, laid out as on amd64. */

#ifndef BSD_FREEBSD_NET_IF_H
#define BSD_FREEBSD_NET_IF_H

#include <stddef.h>

struct ifa_msghdr {
	unsigned short		 ifam_msglen;
	unsigned char		 ifam_version;
	unsigned char		 ifam_type;
	int			 ifam_addrs;
	int			 ifam_flags;
	unsigned short		 ifam_index;
	unsigned short		 pad;
	int			 ifam_metric;
};

_Static_assert(sizeof(struct ifa_msghdr) == 20, "ifa_msghdr");

#endif
