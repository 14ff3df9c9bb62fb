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

/* Texts below /proc on Linux.  Pure: (buffer, length) in, values out. */

#ifndef LINUX_PROC_H
#define LINUX_PROC_H

#include <sys/types.h>

#include <stdint.h>

/* A piece of the buffer that was read; p is NULL if it is absent. */
struct span {
	const char		*p;
	size_t			 len;
};

/* What we use of /proc/PID/stat. */
struct proc_stat {
	struct span		 comm;
	uint32_t		 threads;
	uint64_t		 start;		/* clock ticks after boot */
};

/* What /proc/PID/cgroup tells. */
struct proc_cgroup {
	struct span		 unit;
	struct span		 container;
};

/* linux_proc.c */
int	 proc_uint(const char *, size_t, uint64_t, uint64_t *);
int	 proc_pid(const char *, uint32_t *);
int	 proc_stat(const char *, size_t, struct proc_stat *);
int	 proc_socket(const char *, size_t, uint64_t *);
int	 proc_loginuid(const char *, size_t, uint32_t *);
int	 proc_lastpid(const char *, size_t, uint32_t *);
void	 proc_cgroup(const char *, size_t, struct proc_cgroup *);
size_t	 proc_igmp(const char *, size_t, uint32_t *, size_t);
size_t	 proc_inet6(const char *, size_t, uint32_t *, size_t);
size_t	 proc_cmdline(const char *, size_t, char *, size_t);

#endif
