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
 * Many connections, for t-record.sh:
 *
 *	record serve PORT
 *	record spray PORT COUNT exit|close|reset
 *	record flood PORT COUNT HELD [own]
 *
 * The server listens on all addresses of IPv4 and greets.  It keeps its end
 * of what comes from 127.0.0.1 or from elsewhere, whatever the client does;
 * the other 127.* are the flood's, and closed as soon as the client has.
 *
 * Who sprays is a process for each connection, which writes and exits; closes
 * and stays; or resets as soon as it is greeted, and stays.  Their ports and
 * pids are printed, and "done" when all have exited.
 *
 * A flood is COUNT connections by some processes, closed and reset in turns,
 * while HELD others are open; with "own", to a server of its own in namespaces
 * of its own.  It prints "held" and "done".
 *
 * All stay until they are killed.
 */

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT	24
#endif

#define LIFE		900		/* s, of anything here */
#define FLOODERS	3
#define EVENTS		256

enum how { EXIT, CLOSE, RESET };

static void __attribute__((__noreturn__, __format__(printf, 1, 2)))
bail(const char *fmt, ...)
{
	int	 error = errno;
	va_list	 ap;

	(void)printf("Bail out! ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf(": %s\n", strerror(error));
	(void)fflush(stdout);
	_exit(1);
}

static void
address(struct sockaddr_in *sin, uint32_t addr, unsigned int port)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(addr);
	sin->sin_port = htons(port);
}

/* A process of ours, which does not outlive us. */
static pid_t
start(void)
{
	pid_t	 pid;

	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		bail("fork");
	if (pid == 0) {
		(void)alarm(LIFE);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	return (pid);
}

/* Until we are killed. */
static void __attribute__((__noreturn__))
stay(void)
{
	for (;;)
		pause();
}

static void
set_reset(int fd)
{
	struct linger	 l = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/*
 * The server
 */
static int
listener(unsigned int port)
{
	struct sockaddr_in	 sin;
	int			 fd, on = 1;

	address(&sin, INADDR_ANY, port);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4096) == -1)
		bail("port %u", port);
	return (fd);
}

static int
of_flood(const struct sockaddr_in *sin)
{
	uint32_t	 addr = ntohl(sin->sin_addr.s_addr);

	return (addr >> 24 == 127 && addr != INADDR_LOOPBACK);
}

static void
take(int epfd, int listening)
{
	struct epoll_event	 e;
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 fd;

	if ((fd = accept(listening, (struct sockaddr *)&sin, &len)) == -1)
		return;
	(void)send(fd, "220 here\r\n", 10, MSG_NOSIGNAL);
	if (!of_flood(&sin))
		return;
	e.events = EPOLLIN;
	e.data.fd = fd;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e) == -1)
		bail("epoll");
}

static void __attribute__((__noreturn__))
serve(int listening)
{
	struct epoll_event	 e[EVENTS];
	int			 epfd, i, n;

	(void)alarm(LIFE);
	if ((epfd = epoll_create1(0)) == -1)
		bail("epoll");
	e[0].events = EPOLLIN;
	e[0].data.fd = listening;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, listening, &e[0]) == -1)
		bail("epoll");
	for (;;) {
		n = epoll_wait(epfd, e, EVENTS, -1);
		for (i = 0; i < n; i++)
			if (e[i].data.fd == listening)
				take(epfd, listening);
			else
				close(e[i].data.fd);
	}
}

/*
 * Clients
 */
static int
reach(uint32_t from, unsigned int port)
{
	struct sockaddr_in	 sin;
	int			 fd, on = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		bail("socket");
	if (from != 0) {
		address(&sin, from, 0);
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		    sizeof(on));
		if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
			bail("bind");
	}
	address(&sin, INADDR_LOOPBACK, port);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		bail("connect");
	return (fd);
}

static void __attribute__((__noreturn__))
spray_one(unsigned int port, enum how how)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	char			 line[32], c;
	int			 fd = reach(0, port);

	(void)send(fd, "MAIL\r\n", 6, MSG_NOSIGNAL);
	if (getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		bail("getsockname");
	if (how == RESET) {
		(void)recv(fd, &c, 1, 0);
		set_reset(fd);
	}
	if (how != EXIT)
		close(fd);
	/* One write, so that lines stay whole. */
	(void)snprintf(line, sizeof(line), "%u %d\n", ntohs(sin.sin_port),
	    getpid());
	(void)!write(STDOUT_FILENO, line, strlen(line));
	if (how != EXIT)
		stay();
	_exit(0);
}

static void __attribute__((__noreturn__))
spray(unsigned int port, int count, const char *word)
{
	enum how	 how = word[0] == 'e' ? EXIT :
			    word[0] == 'c' ? CLOSE : RESET;
	int		 i;

	for (i = 0; i < count; i++)
		if (start() == 0)
			spray_one(port, how);
	if (how == EXIT) {
		while (wait(NULL) != -1)
			continue;
		(void)printf("done\n");
		(void)fflush(stdout);
	}
	stay();
}

/* The n-th address of a flooder, from which some thousands are connected. */
static uint32_t
address_of(int flooder, int n)
{
	return (0x7f000000U | (unsigned int)(flooder + 1) << 16 |
	    (unsigned int)(n / 4096 + 1));
}

static void __attribute__((__noreturn__))
flood_one(unsigned int port, int flooder, int count)
{
	int	 fd, i;

	for (i = 0; i < count; i++) {
		fd = reach(address_of(flooder, i), port);
		if (i % 2 == 0)
			set_reset(fd);
		close(fd);
	}
	_exit(0);
}

/* As root of a namespace that nobody else is in. */
static void
own_network(void)
{
	struct ifreq	 ifr;
	int		 fd;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "lo");
	ifr.ifr_flags = IFF_UP;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 ||
	    (fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    ioctl(fd, SIOCSIFFLAGS, &ifr) == -1)
		bail("own network");
	close(fd);
}

static void __attribute__((__noreturn__))
flood(unsigned int port, int count, int held, int own)
{
	pid_t	 pid[FLOODERS];
	int	 i, listening, status;

	if (own) {
		own_network();
		listening = listener(port);
		if (start() == 0)
			serve(listening);
		close(listening);
	}
	for (i = 0; i < held; i++)
		(void)reach(address_of(FLOODERS, i), port);
	(void)printf("held\n");
	for (i = 0; i < FLOODERS; i++)
		if ((pid[i] = start()) == 0)
			flood_one(port, i, count / FLOODERS);
	for (i = 0; i < FLOODERS; i++)
		if (waitpid(pid[i], &status, 0) == -1 || status != 0)
			exit(1);
	(void)printf("done\n");
	(void)fflush(stdout);
	stay();
}

static void __attribute__((__noreturn__))
usage(void)
{
	(void)fprintf(stderr, "usage: record serve port\n"
	    "\trecord spray port count exit|close|reset\n"
	    "\trecord flood port count held [own]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct rlimit	 rl;
	int		 listening;

	(void)alarm(LIFE);
	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		listening = listener(atoi(argv[2]));
		(void)printf("ready\n");
		(void)fflush(stdout);
		serve(listening);
	}
	if (argc == 5 && strcmp(argv[1], "spray") == 0)
		spray(atoi(argv[2]), atoi(argv[3]), argv[4]);
	if (argc >= 5 && strcmp(argv[1], "flood") == 0)
		flood(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argc > 5);
	usage();
}
