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

#ifndef BSD_FREEBSD_SYS_SOCKETVAR_H
#define BSD_FREEBSD_SYS_SOCKETVAR_H

#include <sys/socket.h>

struct xsocket {
	ksize_t			 xso_len;
	kvaddr_t		 xso_so;
	kvaddr_t		 so_pcb;
	char			 pad1[72];
	int32_t			 xso_protocol;
	int32_t			 xso_family;
	char			 pad2[16];
	uid_t			 so_uid;
	char			 pad3[32];
	int16_t			 so_type;
	int16_t			 so_options;
	int16_t			 so_linger;
	int16_t			 so_state;
	char			 pad4[76];
};

_Static_assert(sizeof(struct xsocket) == 240, "xsocket");
_Static_assert(offsetof(struct xsocket, so_uid) == 120, "so_uid");
_Static_assert(offsetof(struct xsocket, so_state) == 162, "so_state");

#endif
