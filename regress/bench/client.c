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

/* Clients: whose connection is it? */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

#define PATIENCE	10000		/* ms, for a client to connect */

/* Where we listen: over IPv4 and, where there is one, over IPv6. */
static struct door {
	int			 fd;
	struct sockaddr_storage	 ss;
	socklen_t		 len;
} doors[2] = { { .fd = -1 }, { .fd = -1 } };

static int
door_open(struct door *d, const char *addr)
{
	struct endpoint	 e;

	if (endpoint_parse(&e, addr, "0") == -1)
		return (-1);
	d->len = endpoint_to_sa(&e, &d->ss);
	d->fd = socket(d->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->fd != -1 &&
	    bind(d->fd, (struct sockaddr *)&d->ss, d->len) != -1 &&
	    listen(d->fd, 16) != -1 &&
	    getsockname(d->fd, (struct sockaddr *)&d->ss, &d->len) != -1)
		return (0);
	if (d->fd != -1)
		close(d->fd);
	d->fd = -1;
	return (-1);
}

void
clients_open(void)
{
	if (door_open(&doors[0], "127.0.0.1") == -1)
		fatal("listen");
	(void)door_open(&doors[1], "::1");
}

int
clients_have6(void)
{
	return (doors[1].fd != -1);
}

/* Sockets and processes that come from here keep the group for ever. */
static int
group_join(const char *group)
{
	char	 path[PATH_MAX];
	int	 fd, rv;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return (-1);
	rv = write(fd, "0", 1) == 1 ? 0 : -1;
	close(fd);
	return (rv);
}

/* It is in a message that nobody reads: no process has it. */
static int
pass(int fd)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec	 iov = { &control, 1 };
	struct msghdr	 mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int		 pair[2];

	memset(&control, 0, sizeof(control));
	mh.msg_control = &control;
	mh.msg_controllen = sizeof(control.buf);
	control.hdr.cmsg_level = SOL_SOCKET;
	control.hdr.cmsg_type = SCM_RIGHTS;
	control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.hdr), &fd, sizeof(int));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    sendmsg(pair[0], &mh, 0) != 1)
		return (-1);
	return (close(fd));
}

static void NORETURN
be_client(uid_t uid, const char *group, enum hold hold,
    const struct door *d, pid_t parent)
{
	int	 fd;

	closefrom(STDERR_FILENO + 1);
	if (group != NULL && group_join(group) == -1)
		_exit(1);
	become(uid, parent);
	if ((fd = socket(d->ss.ss_family, SOCK_STREAM, 0)) == -1)
		_exit(1);
	reset_on_close(fd);
	if (connect(fd, (const struct sockaddr *)&d->ss, d->len) == -1 ||
	    (hold == IN_FLIGHT && pass(fd) == -1))
		_exit(1);
	for (;;)
		(void)pause();
}

/*
 * A new process of that uid, in that control group if one is named, with a
 * connection to us.
 */
void
client_start(struct client *c, uid_t uid, const char *group, enum hold hold)
{
	struct door		*d = &doors[hold == HELD6];
	struct sockaddr_storage	 from;
	struct pollfd		 pfd = { .fd = d->fd, .events = POLLIN };
	socklen_t		 len = sizeof(from);
	pid_t			 self = getpid();

	c->uid = uid;
	if ((c->pid = fork()) == -1)
		fatal("fork");
	if (c->pid == 0)
		be_client(uid, group, hold, d, self);
	if (poll(&pfd, 1, PATIENCE) != 1 || (c->fd = accept4(d->fd,
	    (struct sockaddr *)&from, &len, SOCK_CLOEXEC)) == -1 ||
	    endpoint_from_sa(&c->key.client, (struct sockaddr *)&from) == -1 ||
	    endpoint_from_sa(&c->key.server, (struct sockaddr *)&d->ss) == -1)
		fatalx("a client did not connect");
}

void
client_end(struct client *c)
{
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	close(c->fd);
}
