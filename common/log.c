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

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LOG_LINE	8192

/*
 * Set once before there are threads.  The descriptor is a connected syslog
 * socket, for a chrooted process can't call syslog(3) after syslogd came back;
 * -1 means stderr.
 */
static const char	*log_ident;
static int		 log_fd = -1;
static int		 log_verbose;
static int		 log_error;

/*
 * To the syslog socket fd, or to stderr if that is -1, where ident stands
 * before each line unless it is NULL; verbose lets log_debug() speak.
 */
void
log_init(const char *ident, int fd, int verbose)
{
	log_ident = ident;
	log_fd = fd;
	log_verbose = verbose;
	tzset();
}

/* From now on to this syslog socket; the old one is closed. */
void
log_setfd(int fd)
{
	/* Other threads may be logging: the number stays the same. */
	if (log_fd == -1)
		log_fd = fd;
	else {
		(void)dup2(fd, log_fd);
		close(fd);
	}
}

/* Returns a new syslog socket, or -1 and errno. */
int
log_connect(void)
{
	struct sockaddr_un	 sun;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)strlcpy(sun.sun_path, _PATH_LOG, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

/* The errno of the first line that stderr did not take, or 0. */
int
log_failed(void)
{
	return (log_error);
}

/* The one place where a line leaves: whatever came, it stays one line. */
static void
log_write(int level, char *line, size_t len)
{
	char		 head[128], stamp[32];
	struct tm	 tm;
	time_t		 now;
	size_t		 i, n;

	for (i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' ||
		    (unsigned char)line[i] >= 0x7f)
			line[i] = '?';
	if (log_fd == -1) {
		line[len] = '\n';
		if (write(STDERR_FILENO, line, len + 1) == -1 &&
		    log_error == 0)
			log_error = errno;
		return;
	}
	now = time(NULL);
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%b %e %T", &tm) == 0)
		return;
	n = snprintf(head, sizeof(head), "<%d>%s ", LOG_MAIL | level, stamp);
	if (n < sizeof(head)) {
		struct iovec	 iov[2] = { { head, n }, { line, len } };
		struct msghdr	 mh = { .msg_iov = iov, .msg_iovlen = 2 };

		(void)sendmsg(log_fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void
vlog(int level, const char *fmt, va_list ap)
{
	char	 line[LOG_LINE];
	int	 n, m, saved = errno;

	if (log_fd != -1)
		n = snprintf(line, sizeof(line), "milter-sysuser/%s[%ld]: ",
		    log_ident, (long)getpid());
	else if (log_ident != NULL)
		n = snprintf(line, sizeof(line), "%s: ", log_ident);
	else
		n = 0;
	if (n >= 0 && (size_t)n < sizeof(line)) {
		m = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
		if (m > 0)
			n += m;
		if ((size_t)n > sizeof(line) - 2)
			n = sizeof(line) - 2;	/* the line is cut */
		log_write(level, line, n);
	}
	errno = saved;
}

static void
logit(int level, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(level, fmt, ap);
	va_end(ap);
}

/* The same with the text of errno. */
static void
vlog_errno(int level, const char *fmt, va_list ap)
{
	char	 text[1024];
	int	 saved = errno;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	logit(level, "%s: %s", text, strerror(saved));
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog_errno(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list	 ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	vlog(LOG_DEBUG, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog_errno(LOG_CRIT, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, fmt, ap);
	va_end(ap);
	exit(1);
}
