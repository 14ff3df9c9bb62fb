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

/*
 * libmilter calls syslog(3), which can't reach syslogd from a chroot: its
 * lines go where ours go.  These are the names by which glibc's programs call
 * it, and the program's come first (ld.so(8)).
 */

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "log.h"

void	 __syslog_chk(int, int, const char *, ...) PRINTF(3, 4);

static void
relay(int priority, const char *fmt, va_list ap)
{
	char	 text[1024];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (LOG_PRI(priority) <= LOG_WARNING)
		log_warnx("libmilter: %s", text);
	else
		log_debug("libmilter: %s", text);
}

void
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list	 ap;

	(void)flag;
	va_start(ap, fmt);
	relay(priority, fmt, ap);
	va_end(ap);
}

/* In brackets: with _FORTIFY_SOURCE clang has a macro of that name. */
void
(syslog)(int priority, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	relay(priority, fmt, ap);
	va_end(ap);
}
