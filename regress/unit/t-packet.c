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
 *
 * SOURCES: common/msgtab.c common/wire.c common/addr.c common/log.c
 * LIBS: -Wl,--wrap=sendmsg
 *
 * Packets where they are a stream with marks, as on FreeBSD: a part is no
 * packet yet, and what did not fit follows.  A stream is one without marks.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../common/freebsd/packet.h"
#include "../../common/chan.c"

#define PACKETS	60
#define BYTES	4000

static struct chan	 from, to;
static struct msg	 m;
static const char	*why;

static size_t		 most;		/* bytes at a time, or 0: all */

ssize_t	 __real_sendmsg(int, const struct msghdr *, int);
ssize_t	 __wrap_sendmsg(int, const struct msghdr *, int);

/* A socket that takes a part. */
ssize_t
__wrap_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	struct msghdr	 less = *mh;
	struct iovec	 iov[2];
	size_t		 i, left = most;

	if (most == 0 || mh->msg_iovlen > 2)
		return (__real_sendmsg(fd, mh, flags));
	for (i = 0; i < mh->msg_iovlen; i++) {
		iov[i] = mh->msg_iov[i];
		if (iov[i].iov_len > left)
			iov[i].iov_len = left;
		left -= iov[i].iov_len;
	}
	less.msg_iov = iov;
	return (__real_sendmsg(fd, &less, flags));
}

static int
setup(void **state)
{
	int	 pair[2];

	(void)state;
	most = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return (-1);
	chan_init(&from, pair[0], ROLE_PARENT, ROLE_WORKER, 1);
	chan_init(&to, pair[1], ROLE_WORKER, ROLE_PARENT, 0);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	chan_close(&from);
	chan_close(&to);
	return (0);
}

/* However many parts it comes in, it is one message, and not before. */
static void
t_parts(void **state)
{
	uint8_t		 head[MSG_HEADER], all[MSG_HEADER + 2];
	struct iovec	 iov[2];
	size_t		 i, n;

	(void)state;
	msg_new(&m, IMSG_LISTEN, 7);
	put_u16(&m, 0x1234);
	packet_parts(&m, head, iov);
	memcpy(all, head, sizeof(head));
	memcpy(all + sizeof(head), m.data, 2);
	to.state = S_BOOT;
	for (i = 0; i < sizeof(all); i++) {
		assert_int_equal(chan_recv(&to, &m, &why), 0);
		assert_null(why);
		assert_int_equal(write(from.fd, &all[i], 1), 1);
	}
	/* It came whole; that it lacks its descriptor is another thing. */
	assert_int_equal(chan_recv(&to, &m, &why), -1);
	assert_non_null(why);
	assert_int_equal(m.type, IMSG_LISTEN);
	assert_int_equal(m.id, 7);
	n = m.len;
	assert_int_equal(n, 2);
}

/* A length that no message has is not waited for. */
static void
t_flawed(void **state)
{
	uint8_t	 head[MSG_HEADER] = { [4] = 0xff, [5] = 0xff };

	(void)state;
	assert_int_equal(write(from.fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(chan_recv(&to, &m, &why), -1);
	assert_string_equal(why, "wrong length");
}

static void
t_closed(void **state)
{
	(void)state;
	chan_close(&from);
	assert_int_equal(chan_recv(&to, &m, &why), -1);
	assert_null(why);
}

static void
message(size_t i)
{
	size_t	 j;

	msg_new(&m, IMSG_CONF_ITEM, i);
	for (j = 0; j < BYTES; j++)
		m.data[j] = i + j;
	m.len = BYTES;
}

/* Taken in parts of any size: no byte is lost, or comes twice. */
static void
t_flush(void **state)
{
	uint8_t		*got;
	size_t		 i, j, n = 0, size = PACKETS * (MSG_HEADER + BYTES);
	const uint8_t	*p;
	ssize_t		 r;

	(void)state;
	got = malloc(size + 1);
	assert_non_null(got);
	for (i = 0; i < PACKETS; i++) {
		message(i);
		most = 1 + i * 37;
		assert_int_equal(chan_send(&from, &m), 0);
	}
	/* After the first part of the first message all had to wait. */
	assert_int_equal(from.queued, PACKETS);
	assert_int_equal(STAILQ_FIRST(&from.queue)->sent, 1);
	most = 577;
	while (n < size) {
		assert_int_equal(chan_flush(&from), 0);
		r = read(to.fd, got + n, size - n);
		assert_true(r > 0);
		n += r;
	}
	assert_int_equal(n, size);
	assert_int_equal(from.queued, 0);
	for (i = 0, p = got; i < PACKETS; i++) {
		assert_int_equal(get_be32(p + 4), BYTES);
		assert_int_equal(get_be32(p + 8), i);
		p += MSG_HEADER;
		for (j = 0; j < BYTES; j++, p++)
			assert_int_equal(*p, (uint8_t)(i + j));
	}
	free(got);
}

/* Who can't queue ends the channel: half a message can't be followed. */
static void
t_send(void **state)
{
	char	 c[1024];

	(void)state;
	message(1);
	assert_int_equal(msg_send(from.fd, &m), 0);
	assert_int_equal(read(to.fd, c, sizeof(c)), sizeof(c));
	most = 100;
	assert_int_equal(msg_send(from.fd, &m), -1);
	assert_int_equal(errno, EPIPE);
	while (read(to.fd, c, sizeof(c)) > 0)
		continue;
	assert_int_equal(read(to.fd, c, sizeof(c)), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(t_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(t_flawed, setup, teardown),
		cmocka_unit_test_setup_teardown(t_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(t_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(t_send, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
