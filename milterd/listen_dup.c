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
 * How a bound socket reaches a libmilter that knows no "fd:N": it makes a
 * socket of its own, of the same family, for it refuses sessions of another,
 * and ours is put in its place.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "milterd.h"

static int	 own = -1;	/* libmilter's */

/* The next descriptor is the one that libmilter's socket gets. */
static int
next_fd(void)
{
	int	 fd;

	if ((fd = dup(STDERR_FILENO)) == -1)
		fatal("dup");
	close(fd);
	return (fd);
}

/* Before the drop: dir is where a socket can be made for a moment. */
void
listen_prepare(int family, const char *dir)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	char			 path[1024], conn[1040];

	(void)snprintf(path, sizeof(path), "%s/own.%ld", dir, (long)getpid());
	if (family == AF_UNIX)
		(void)snprintf(conn, sizeof(conn), "unix:%s", path);
	else
		(void)snprintf(conn, sizeof(conn), family == AF_INET6 ?
		    "inet6:0@[::1]" : "inet:0@127.0.0.1");
	own = next_fd();
	if (smfi_setconn(conn) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS)
		fatalx("libmilter can't listen on %s", conn);
	if (family == AF_UNIX && unlink(path) == -1)
		fatal("%s", path);
	if (getsockname(own, (struct sockaddr *)&ss, &len) == -1 ||
	    ss.ss_family != family)
		fatalx("libmilter's socket is not where it should be");
}

/* Returns the descriptor that libmilter accepts from. */
int
listen_adopt(int fd)
{
	if (dup2(fd, own) == -1)
		fatal("dup2");
	close(fd);
	return (own);
}
