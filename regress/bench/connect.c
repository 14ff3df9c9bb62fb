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
 * connect PORT SECONDS: what connect(2) takes, to that port of 127.0.0.1 where
 * we listen ourselves.  Prints the median and the 99th percentile in ns.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define MOST	100000		/* connections */

static uint64_t	 ns[MOST];

static int
ns_cmp(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static uint64_t
now_ns(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

/* Reset at its end: none of them is left behind. */
static uint64_t
connect_once(int listener, const struct sockaddr_in *sin)
{
	struct linger	 l = { 1, 0 };
	uint64_t	 t;
	int		 c, s;

	if ((c = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == -1)
		fatal("socket");
	t = now_ns();
	if (connect(c, (const struct sockaddr *)sin, sizeof(*sin)) == -1)
		fatal("connect");
	t = now_ns() - t;
	if ((s = accept(listener, NULL, NULL)) == -1)
		fatal("accept");
	close(c);
	close(s);
	return (t);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	const char		*errstr = NULL;
	uint64_t		 end;
	size_t			 n = 0;
	int			 l, on = 1;

	log_init("connect", -1, 0);
	if (argc != 3)
		fatalx("usage: connect port seconds");
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(strtonum(argv[1], 1, UINT16_MAX, &errstr));
	if (errstr != NULL)
		fatalx("%s: is %s", argv[1], errstr);
	end = now_ns() + strtonum(argv[2], 1, 60, &errstr) * 1000000000;
	if ((l = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 1) == -1)
		fatal("listen");
	while (n < MOST && now_ns() < end)
		ns[n++] = connect_once(l, &sin);
	if (n == 0)
		fatalx("no connection");
	qsort(ns, n, sizeof(*ns), ns_cmp);
	(void)printf("%" PRIu64 "\t%" PRIu64 "\n", ns[n / 2], ns[n * 99 / 100]);
	return (0);
}
