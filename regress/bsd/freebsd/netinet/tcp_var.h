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

#ifndef BSD_FREEBSD_NETINET_TCP_VAR_H
#define BSD_FREEBSD_NETINET_TCP_VAR_H

#include <netinet/in_pcb.h>

struct xtcpcb {
	ksize_t			 xt_len;
	struct xinpcb		 xt_inp;
	char			 pad1[160];
	int32_t			 t_state;
	char			 pad2[172];
};

_Static_assert(sizeof(struct xtcpcb) == 744, "xtcpcb");
_Static_assert(offsetof(struct xtcpcb, t_state) == 568, "t_state");

#endif
