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

/* What differs between the BSDs in the headers of both. */

#ifndef BSD_FREEBSD_BSD_OS_H
#define BSD_FREEBSD_BSD_OS_H

#define AF_INET6	28
#define BSD_NOSIGNAL	0x20000
#define BSD_SOCK_CLOEXEC	0x10000000
#define BSD_CMSG_CLOEXEC	0x40000
#define BSD_STORAGE	128

typedef uint64_t	 kvaddr_t;
typedef uint64_t	 ksize_t;

#endif
