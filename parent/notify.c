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
 * To a service manager that waits for it, such as systemd: how we are.  Each
 * word is a datagram to the socket that NOTIFY_SOCKET names, sd_notify(3); who
 * did not ask for them gets none.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

static struct {
	int			 fd;
	struct sockaddr_un	 sun;
	socklen_t		 len;
	int			 warned;
	struct timeval		 alive;		/* between two WATCHDOG=1 */
	struct event		 timer;
} notify = { .fd = -1 };

static void	 cb_alive(int, short, void *);

static void
notify_send(const char *text)
{
	if (notify.fd == -1 || sendto(notify.fd, text, strlen(text),
	    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&notify.sun,
	    notify.len) != -1 || notify.warned)
		return;
	log_warn("NOTIFY_SOCKET");
	notify.warned = 1;
}

/* How long the service manager waits for a sign of life, or 0: for ever. */
static uint64_t
watchdog_usec(void)
{
	const char	*usec = getenv("WATCHDOG_USEC");
	const char	*pid = getenv("WATCHDOG_PID"), *errstr;
	uint64_t	 n;

	if (usec == NULL || (pid != NULL &&
	    strtonum(pid, 1, INT32_MAX, &errstr) != getpid()))
		return (0);
	n = strtonum(usec, 1, INT64_MAX, &errstr);
	return (errstr == NULL ? n : 0);
}

/*
 * True if somebody waits for us: he wants us as his child, so that we must not
 * go into the background.  A name that begins with @ is abstract.
 */
int
notify_init(void)
{
	const char	*path = getenv("NOTIFY_SOCKET");
	size_t		 len;
	uint64_t	 usec;

	if (path == NULL || *path == '\0')
		return (0);
	len = strlen(path);
	if ((*path != '/' && *path != '@') ||
	    len >= sizeof(notify.sun.sun_path)) {
		log_warnx("NOTIFY_SOCKET: no address of a local socket: unset "
		    "it");
		return (0);
	}
	notify.sun.sun_family = AF_UNIX;
	memcpy(notify.sun.sun_path, path, len);
	if (*path == '@')
		notify.sun.sun_path[0] = '\0';
	notify.len = offsetof(struct sockaddr_un, sun_path) + len;
	if (*path == '/')
		notify.len++;
	if ((notify.fd = socket(AF_UNIX, SOCK_DGRAM, 0)) == -1 ||
	    fcntl(notify.fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("socket");
	if ((usec = watchdog_usec()) > 0) {
		usec /= 2;
		notify.alive.tv_sec = usec / 1000000;
		notify.alive.tv_usec = usec % 1000000;
	}
	return (1);
}

/* The event loop runs: that is what the watchdog is to know. */
void
notify_start(void)
{
	if (timerisset(&notify.alive)) {
		evtimer_set(&notify.timer, cb_alive, NULL);
		cb_alive(-1, 0, NULL);
	}
}

static void
cb_alive(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	notify_send("WATCHDOG=1");
	(void)evtimer_add(&notify.timer, &notify.alive);
}

/* A state of one line that people read. */
static void
vstatus(const char *head, const char *fmt, va_list ap)
{
	char	 text[600], all[1024], *s;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	for (s = text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			*s = '?';
	(void)snprintf(all, sizeof(all), "%sSTATUS=%s", head, text);
	notify_send(all);
}

void
notify_ready(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vstatus("READY=1\n", fmt, ap);
	va_end(ap);
}

void
notify_status(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vstatus("", fmt, ap);
	va_end(ap);
}

/* A READY=1 has to follow; the time tells it from one of an earlier reload. */
void
notify_reloading(void)
{
	struct timespec	 ts;
	char		 text[64];

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		return;
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%ju",
	    (uintmax_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify_send(text);
}

void
notify_stopping(void)
{
	notify_send("STOPPING=1\nSTATUS=open sessions are finished");
}
