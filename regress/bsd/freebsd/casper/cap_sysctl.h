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

#ifndef BSD_FREEBSD_CASPER_CAP_SYSCTL_H
#define BSD_FREEBSD_CASPER_CAP_SYSCTL_H

#include <stddef.h>

#define CAP_SYSCTL_READ		0x01
#define CAP_SYSCTL_WRITE	0x02
#define CAP_SYSCTL_RDWR		(CAP_SYSCTL_READ | CAP_SYSCTL_WRITE)
#define CAP_SYSCTL_RECURSIVE	0x04

typedef struct cap_sysctl_limit	 cap_sysctl_limit_t;

cap_sysctl_limit_t *cap_sysctl_limit_init(cap_channel_t *);
cap_sysctl_limit_t *cap_sysctl_limit_mib(cap_sysctl_limit_t *, const int *,
	    unsigned int, int);
int	 cap_sysctl_limit(cap_sysctl_limit_t *);
int	 cap_sysctl(cap_channel_t *, const int *, unsigned int, void *,
	    size_t *, const void *, size_t);

#endif
