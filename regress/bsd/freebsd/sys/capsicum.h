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

/* What we use of FreeBSD's header. */

#ifndef BSD_FREEBSD_SYS_CAPSICUM_H
#define BSD_FREEBSD_SYS_CAPSICUM_H

#include <stdint.h>

typedef struct cap_rights {
	uint64_t		 cr_rights[2];
} cap_rights_t;

#define CAP_ACCEPT		UINT64_C(0x0200000020000000)
#define CAP_EVENT		UINT64_C(0x0400000000000020)
#define CAP_FCNTL		UINT64_C(0x0200000000008000)
#define CAP_FSTAT		UINT64_C(0x0200000000080000)
#define CAP_GETSOCKNAME		UINT64_C(0x0200002000000000)
#define CAP_READ		UINT64_C(0x0200000000000001)
#define CAP_SHUTDOWN		UINT64_C(0x0200010000000000)
#define CAP_WRITE		UINT64_C(0x0200000000000002)

cap_rights_t *__cap_rights_init(int, cap_rights_t *, ...);
#define cap_rights_init(...)	__cap_rights_init(0, __VA_ARGS__, UINT64_C(0))
int	 cap_enter(void);
int	 cap_rights_limit(int, const cap_rights_t *);

#endif
