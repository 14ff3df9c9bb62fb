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
 * SOURCES: parent/shut_bsd.c
 *
 * A listening socket that is in order, and one that is not.  This system says
 * the latter as those do, if both directions are shut down.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "proc.h"

/* One that listens at a free port of 127.0.0.1. */
static int
listening(struct sockaddr_in *sin)
{
	socklen_t	 len = sizeof(*sin);
	int		 fd;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return (fd);
}

static void
in_order(void **state)
{
	struct sockaddr_in	 sin;
	int			 fd = listening(&sin), client;

	(void)state;
	assert_false(socket_shut(fd));
	assert_true((client = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	assert_int_equal(connect(client, (struct sockaddr *)&sin,
	    sizeof(sin)), 0);
	assert_false(socket_shut(fd));
	/* Nor does it matter that the one who waits has gone. */
	close(client);
	assert_false(socket_shut(fd));
	close(fd);
}

static void
shut_down(void **state)
{
	struct sockaddr_in	 sin;
	int			 fd = listening(&sin);

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_true(socket_shut(fd));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(shut_down)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
