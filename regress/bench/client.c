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

static int			 listener = -1;
static struct sockaddr_in	 address;

void
clients_open(void)
{
	socklen_t	 len = sizeof(address);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&address, len) == -1 ||
	    listen(listener, 16) == -1 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) == -1)
		fatal("listen");
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
be_client(uid_t uid, const char *group, enum hold hold, pid_t parent)
{
	int	 fd;

	closefrom(STDERR_FILENO + 1);
	if (group != NULL && group_join(group) == -1)
		_exit(1);
	become(uid, parent);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		_exit(1);
	reset_on_close(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
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
	struct sockaddr_in	 from;
	struct pollfd		 pfd = { .fd = listener, .events = POLLIN };
	socklen_t		 len = sizeof(from);
	pid_t			 self = getpid();

	c->uid = uid;
	if ((c->pid = fork()) == -1)
		fatal("fork");
	if (c->pid == 0)
		be_client(uid, group, hold, self);
	if (poll(&pfd, 1, PATIENCE) != 1 || (c->fd = accept4(listener,
	    (struct sockaddr *)&from, &len, SOCK_CLOEXEC)) == -1 ||
	    endpoint_from_sa(&c->key.client, (struct sockaddr *)&from) == -1 ||
	    endpoint_from_sa(&c->key.server,
	    (struct sockaddr *)&address) == -1)
		fatalx("a client did not connect");
}

void
client_end(struct client *c)
{
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	close(c->fd);
}
