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

/* The load: idle processes with open files, and connections among them. */

#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

#define READY_FD	3		/* in a child: to say so */
#define EACH		1000		/* connections of one process */
#define PATIENCE	60000		/* ms, for the next one to be ready */

static pid_t	*pids;
static size_t	 npids;

/*
 * In a child: end with the parent, whatever becomes of it.  The change of uid
 * would undo that, so it comes first.
 */
void
become(uid_t uid, pid_t parent)
{
	if (setgroups(0, NULL) == -1 || setresgid(uid, uid, uid) == -1 ||
	    setresuid(uid, uid, uid) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
}

/* So many connections would leave as many behind for a minute. */
void
reset_on_close(int fd)
{
	struct linger	 l = { 1, 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == -1)
		fatal("SO_LINGER");
}

static void
open_files(uint32_t n)
{
	for (; n > READY_FD; n--)
		if (open("/dev/null", O_RDONLY) == -1)
			fatal("a file of the load");
}

/* Both ends of n connections. */
static void
open_connections(uint32_t n)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 c, l, s;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((l = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) == -1)
		fatal("a listener of the load");
	for (; n > 0; n--) {
		if ((c = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
		    connect(c, (struct sockaddr *)&sin, len) == -1 ||
		    (s = accept(l, NULL, NULL)) == -1)
			fatal("a connection of the load");
		reset_on_close(c);
		reset_on_close(s);
	}
	close(l);
}

static void NORETURN
idle(uid_t uid, uint32_t files, uint32_t connections, int ready, pid_t parent)
{
	if (dup2(ready, READY_FD) == -1)
		_exit(1);
	closefrom(READY_FD + 1);
	become(uid, parent);
	open_files(files);
	open_connections(connections);
	if (write(READY_FD, "", 1) != 1)
		_exit(1);
	close(READY_FD);
	for (;;)
		(void)pause();
}

/* Each of them has said that it is ready. */
static void
await(int fd, size_t n)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	char		 buf[4096];
	ssize_t		 got;

	while (n > 0) {
		if (poll(&pfd, 1, PATIENCE) != 1 ||
		    (got = read(fd, buf, sizeof(buf))) <= 0)
			fatalx("the load: %zu processes are not ready", n);
		n -= got;
	}
}

void
load_start(const struct load *l)
{
	uint32_t	 holders = (l->sockets + EACH - 1) / EACH, i;
	uint32_t	 left = l->sockets, n;
	pid_t		 self = getpid(), pid;
	int		 ready[2];

	pids = reallocarray(NULL, l->processes + holders, sizeof(*pids));
	if (pids == NULL || pipe2(ready, O_CLOEXEC) == -1)
		fatal("the load");
	for (i = 0; i < l->processes + holders; i++) {
		n = i < holders ? (left < EACH ? left : EACH) : 0;
		left -= n;
		if ((pid = fork()) == -1)
			fatal("the load: %u of %u processes", i, l->processes);
		if (pid == 0)
			idle(LOAD_UID + i % l->uids, l->files, n, ready[1],
			    self);
		pids[npids++] = pid;
	}
	close(ready[1]);
	await(ready[0], npids);
	close(ready[0]);
}

void
load_end(void)
{
	size_t	 i;

	for (i = 0; i < npids; i++)
		(void)kill(pids[i], SIGKILL);
	for (i = 0; i < npids; i++)
		(void)waitpid(pids[i], NULL, 0);
	free(pids);
	npids = 0;
}
