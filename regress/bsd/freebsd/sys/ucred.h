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

#ifndef BSD_FREEBSD_SYS_UCRED_H
#define BSD_FREEBSD_SYS_UCRED_H

#include <sys/types.h>

#include <stddef.h>

#define XUCRED_VERSION	0

struct xucred {
	unsigned int		 cr_version;
	uid_t			 cr_uid;
	short			 cr_ngroups;
	gid_t			 cr_groups[16];
	void			*pad;
};

_Static_assert(sizeof(struct xucred) == 88, "xucred");
_Static_assert(offsetof(struct xucred, cr_groups) == 12, "cr_groups");

#endif
