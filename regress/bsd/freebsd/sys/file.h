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

#ifndef BSD_FREEBSD_SYS_FILE_H
#define BSD_FREEBSD_SYS_FILE_H

#include <sys/socket.h>

#include_next <sys/file.h>

#define DTYPE_SOCKET	2

struct xfile {
	ksize_t			 xf_size;
	pid_t			 xf_pid;
	uid_t			 xf_uid;
	int			 xf_fd;
	int			 pad1;
	kvaddr_t		 xf_file;
	short			 xf_type;
	char			 pad2[22];
	kvaddr_t		 xf_data;
	char			 pad3[64];
};

_Static_assert(sizeof(struct xfile) == 128, "xfile");
_Static_assert(offsetof(struct xfile, xf_type) == 32, "xf_type");
_Static_assert(offsetof(struct xfile, xf_data) == 56, "xf_data");

#endif
