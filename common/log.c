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
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LOG_LINE	8192
#define PATIENCE	100		/* ms, for who reads a pipe slowly */
#define PIECES		8		/* of a line, and attempts */

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
 * Whoever reads our stderr must not hold up mail: see log_hurry().  Threads
 * share how many lines were lost, whether the last one was cut off, and
 * whether to wait is of any use.
 */
static enum { PATIENT, PIPE, SOCKET }	 err_kind;
static int				 err_fd = STDERR_FILENO;
static atomic_uint			 err_lost;
static atomic_int			 err_cut, err_stuck;

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

/*
 * For what serves: from now on no line waits for long until somebody reads
 * stderr, if that is a pipe or a socket.  To make the pipe non-blocking would
 * do so for others who have it, too: ours is opened anew.  Where the system
 * can't do that, another process can fill the pipe after poll(2) found room,
 * and we wait; but for one more line, of those that they write.
 */
void
log_hurry(void)
{
	struct stat	 st;
	int		 fd, flags;

	if (fstat(STDERR_FILENO, &st) == -1)
		return;
	if (S_ISSOCK(st.st_mode))
		err_kind = SOCKET;
	if (!S_ISFIFO(st.st_mode))
		return;
	err_kind = PIPE;
	fd = open("/dev/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	/* Elsewhere that is but another number for the same one. */
	flags = fcntl(fd, F_GETFL);
	if (flags != -1 && flags & O_NONBLOCK)
		err_fd = fd;
	else
		close(fd);
}

/* What it takes now; with room in a pipe, that much does not block. */
static ssize_t
err_write(const char *p, size_t len)
{
	if (err_kind == SOCKET)
		return (send(err_fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL));
	return (write(err_fd, p, len > PIPE_BUF ? PIPE_BUF : len));
}

/* Returns 0, or -1 if that was not, or not all, taken in time. */
static int
err_put(const char *p, size_t len, int patience)
{
	struct pollfd	 pfd = { err_fd, POLLOUT, 0 };
	size_t		 left = len;
	ssize_t		 n;
	int		 i;

	for (i = 0; left > 0 && i < PIECES; i++) {
		n = poll(&pfd, 1, patience);
		if (n == 0)
			break;
		if (n == 1 && (n = err_write(p, left)) > 0) {
			p += n;
			left -= n;
		} else if (errno != EAGAIN && errno != EINTR) {
			if (log_error == 0)
				log_error = errno;
			break;
		}
	}
	if (left > 0 && left < len)
		err_cut = 1;
	return (left == 0 ? 0 : -1);
}

/* True if it takes lines again, and was told how many are missing. */
static int
err_back(unsigned int lost)
{
	char	 line[256];
	int	 n, cut = atomic_exchange(&err_cut, 0);

	n = snprintf(line, sizeof(line), "%s%.64s%slines lost, for nobody "
	    "read them: %u\n", cut ? "\n" : "", log_ident == NULL ? "" :
	    log_ident, log_ident == NULL ? "" : ": ", lost);
	if (err_put(line, n, 0) == 0)
		return (1);
	err_lost += lost;
	if (cut)
		err_cut = 1;
	return (0);
}

/* Who was waited for once is not waited for again until he reads. */
static void
err_line(const char *line, size_t len)
{
	unsigned int	 lost = atomic_exchange(&err_lost, 0);

	if ((lost > 0 && !err_back(lost)) ||
	    err_put(line, len, err_stuck ? 0 : PATIENCE) == -1) {
		err_stuck = 1;
		err_lost++;
	} else
		err_stuck = 0;
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
		if (err_kind != PATIENT)
			err_line(line, len + 1);
		else if (write(STDERR_FILENO, line, len + 1) == -1 &&
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

/* With -d, for programs that look for it: the line and no more. */
void
log_line(const char *text)
{
	char	 line[LOG_LINE];

	(void)strlcpy(line, text, sizeof(line) - 1);
	log_write(LOG_INFO, line, strlen(line));
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
