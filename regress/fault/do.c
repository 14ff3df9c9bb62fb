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
 * What a test does to a process that no signal can do.
 *
 *	hold PID	its first thread stands still, and its parent is not
 *			told, until our stdin ends
 *	shut PID PATH	its listening socket at that path, or "inet" for any
 *			of TCP, is shut down, as it could do itself
 */

#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FDS	64	/* of it, that are looked at */

static int
hold(pid_t pid)
{
	struct pollfd	 pfd = { .fd = STDIN_FILENO, .events = POLLIN };

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1)
		err(1, "ptrace");
	if (waitpid(pid, NULL, __WALL) == -1)
		err(1, "waitpid");
	printf("held\n");
	fflush(stdout);
	/* Its parent hears of its end when we have. */
	while (poll(&pfd, 1, 20) == 0 && waitpid(pid, NULL, __WALL |
	    WNOHANG) == 0)
		continue;
	return (0);
}

/* True if that is the one. */
static int
is_listener(int fd, const char *path)
{
	union {
		struct sockaddr		 sa;
		struct sockaddr_un	 sun;
		struct sockaddr_storage	 ss;
	}		 u;
	socklen_t	 len = sizeof(u), intlen = sizeof(int);
	int		 on;

	memset(&u, 0, sizeof(u));
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &intlen) == -1 ||
	    !on || getsockname(fd, &u.sa, &len) == -1)
		return (0);
	if (u.sa.sa_family != AF_UNIX)
		return (strcmp(path, "inet") == 0);
	return (strcmp(u.sun.sun_path, path) == 0);
}

static int
shut(pid_t pid, const char *path)
{
	int	 pidfd, fd, i;

	if ((pidfd = syscall(SYS_pidfd_open, pid, 0)) == -1)
		err(1, "pidfd_open");
	for (i = 0; i < FDS; i++) {
		if ((fd = syscall(SYS_pidfd_getfd, pidfd, i, 0)) == -1)
			continue;
		if (is_listener(fd, path)) {
			if (shutdown(fd, SHUT_RDWR) == -1)
				err(1, "shutdown");
			return (0);
		}
		close(fd);
	}
	errx(1, "it does not listen there");
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return (hold(atoi(argv[2])));
	if (argc == 4 && strcmp(argv[1], "shut") == 0)
		return (shut(atoi(argv[2]), argv[3]));
	errx(1, "usage: do hold PID | do shut PID PATH");
}
