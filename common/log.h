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

/* Logging, in the manner of OpenBSD's daemons; errno survives a call. */

#ifndef LOG_H
#define LOG_H

#include <stdarg.h>

#define PRINTF(f, a)	__attribute__((__format__(printf, f, a)))
#define NORETURN	__attribute__((__noreturn__))

void	 log_init(const char *, int, int);
void	 log_setfd(int);
int	 log_connect(void);
void	 log_hurry(void);
int	 log_failed(void);
void	 log_line(const char *);
void	 vlog(int, const char *, va_list);
void	 log_warn(const char *, ...) PRINTF(1, 2);
void	 log_warnx(const char *, ...) PRINTF(1, 2);
void	 log_info(const char *, ...) PRINTF(1, 2);
void	 log_debug(const char *, ...) PRINTF(1, 2);
void	 fatal(const char *, ...) PRINTF(1, 2) NORETURN;
void	 fatalx(const char *, ...) PRINTF(1, 2) NORETURN;

#endif
