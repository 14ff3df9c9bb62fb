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

#ifndef BSD_FREEBSD_SYS_SYSCTL_H
#define BSD_FREEBSD_SYS_SYSCTL_H

#include <stddef.h>

#define CTL_KERN		1
#define CTL_NET			4
#define KERN_PROC		14
#define KERN_FILE		15
#define KERN_PROC_PID		1
#define KERN_PROC_PROC		8
#define KERN_PROC_FILEDESC	33

#define NET_RT_IFLIST		3

int	 sysctlnametomib(const char *, int *, size_t *);

#endif
