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
 * SOURCES: common/chan.c common/peer.c common/msgtab.c common/wire.c
 * SOURCES: common/addr.c common/log.c
 * LIBS: -levent -Wl,--wrap=malloc -Wl,--wrap=recvmsg -Wl,--wrap=sendmsg
 *
 * Packets and descriptors, through real sockets; the other end is sometimes
 * one that keeps to no rule.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "sysuser.h"

#define FDS		1024		/* none of ours is above */
#define ROUNDS		10000
#define HOSTILE_FDS	20

static struct chan	 parent, worker;	/* two ends of one channel */
static struct msg	 m;
static const char	*why;
static int		 no_memory;

void	*__real_malloc(size_t);
void	*__wrap_malloc(size_t);

void *
__wrap_malloc(size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_malloc(size));
}

/* Who has no room for descriptors is given none. */
static int	 room_for_fds;

/* The kernel has none: so many calls fail. */
static int		 kernel_fails;

ssize_t	 __real_recvmsg(int, struct msghdr *, int);
ssize_t	 __wrap_recvmsg(int, struct msghdr *, int);
ssize_t	 __real_sendmsg(int, const struct msghdr *, int);
ssize_t	 __wrap_sendmsg(int, const struct msghdr *, int);

static int
kernel_memory(void)
{
	if (kernel_fails == 0)
		return (1);
	kernel_fails--;
	errno = ENOMEM;
	return (0);
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *mh, int flags)
{
	room_for_fds = mh->msg_control != NULL;
	return (kernel_memory() ? __real_recvmsg(fd, mh, flags) : -1);
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	return (kernel_memory() ? __real_sendmsg(fd, mh, flags) : -1);
}

static int
count_fds(void)
{
	int	 fd, n = 0;

	for (fd = 0; fd < FDS; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			n++;
	return (n);
}

/* A descriptor that can be told from others; -1 is none of them. */
static int
mark_new(ino_t *ino)
{
	struct stat	 st;
	int		 pair[2];

	assert_int_equal(pipe(pair), 0);
	assert_int_equal(fstat(pair[0], &st), 0);
	close(pair[1]);
	*ino = st.st_ino;
	return (pair[0]);
}

static void
mark_check(int fd, ino_t ino)
{
	struct stat	 st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_true(st.st_ino == ino);
}

static int	 fds_before;

static int
setup(void **state)
{
	int	 pair[2];

	(void)state;
	fds_before = count_fds();
	if (chan_pair(pair) == -1)
		return (-1);
	chan_init(&parent, pair[0], ROLE_PARENT, ROLE_WORKER, 3);
	chan_init(&worker, pair[1], ROLE_WORKER, ROLE_PARENT, 0);
	return (0);
}

/* Whatever a test did, no descriptor stays. */
static int
teardown(void **state)
{
	(void)state;
	no_memory = 0;
	chan_close(&parent);
	chan_close(&worker);
	if (count_fds() == fds_before)
		return (0);
	print_error("%d descriptors leaked\n", count_fds() - fds_before);
	return (-1);
}

static void
running(void)
{
	parent.state = worker.state = S_RUN;
}

static void
listen_new(uint16_t index, int fd)
{
	msg_new(&m, IMSG_LISTEN, index);
	put_u16(&m, index);
	m.fd = fd;
}

/* Empty, legal at any time but with a descriptor: a good one to flood with. */
static void
stats_new(uint32_t id)
{
	msg_new(&m, IMSG_STATS_GET, id);
}

/* Bytes as they are, with any number of descriptors. */
static void
raw_by(const struct chan *c, const void *bytes, size_t len, size_t nfds)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(HOSTILE_FDS * sizeof(int))];
	}		 control;
	struct iovec	 iov;
	struct msghdr	 mh;
	struct cmsghdr	*cmsg;
	int		 fds[HOSTILE_FDS];
	size_t		 i;

	memset(&mh, 0, sizeof(mh));
	memset(&control, 0, sizeof(control));
	iov.iov_base = memcpy(m.data, bytes, len);
	iov.iov_len = len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	if (nfds > 0) {
		for (i = 0; i < nfds; i++)
			fds[i] = STDOUT_FILENO;
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(c->fd, &mh, MSG_NOSIGNAL), len);
}

static void
raw(const void *bytes, size_t len, size_t nfds)
{
	raw_by(&parent, bytes, len, nfds);
}

/* A header, and a length that need not be true. */
static void
raw_header(uint8_t *p, uint32_t type, uint32_t len, uint32_t id)
{
	uint32_t	 v[3];
	size_t		 i, j;

	v[0] = type;
	v[1] = len;
	v[2] = id;
	for (i = 0; i < 3; i++)
		for (j = 0; j < 4; j++)
			p[4 * i + j] = v[i] >> (24 - 8 * j) & 0xff;
}

static void
expect_message(enum imsg type, uint32_t id)
{
	assert_int_equal(chan_recv(&worker, &m, &why), 1);
	assert_null(why);
	assert_int_equal(m.type, type);
	assert_int_equal(m.id, id);
	assert_int_equal(m.bad, 0);
	assert_int_equal(m.pos, 0);
}

static void
expect_nothing(void)
{
	assert_int_equal(chan_recv(&worker, &m, &why), 0);
	assert_null(why);
}

static void
expect_flaw(const char *reason)
{
	assert_int_equal(chan_recv(&worker, &m, &why), -1);
	assert_non_null(why);
	assert_string_equal(why, reason);
	assert_int_equal(m.fd, -1);
}

static void
t_pair(void **state)
{
	int		 type;
	socklen_t	 len = sizeof(type);

	(void)state;
	assert_int_equal(getsockopt(parent.fd, SOL_SOCKET, SO_TYPE, &type,
	    &len), 0);
	assert_int_equal(type, SOCK_SEQPACKET);
	assert_true(fcntl(parent.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(worker.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(parent.self, ROLE_PARENT);
	assert_int_equal(parent.peer, ROLE_WORKER);
	assert_int_equal(parent.instance, 3);
	assert_int_equal(parent.state, S_BOOT);
	expect_nothing();
}

static void
t_pair_fails(void **state)
{
	struct rlimit	 old, none;
	int		 pair[2];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 0;
	assert_int_equal(chan_pair(pair), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* What is on the wire. */
static void
t_bytes(void **state)
{
	static const uint8_t	 expect[] = {
		0, 0, 0, IMSG_CONF_BEGIN, 0, 0, 0, 8, 1, 2, 3, 4,
		0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 7
	};
	uint8_t			 buf[64];

	(void)state;
	msg_new(&m, IMSG_CONF_BEGIN, 0x01020304);
	put_u32(&m, 0xaabbccdd);
	put_u32(&m, 7);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(recv(worker.fd, buf, sizeof(buf), 0), sizeof(expect));
	assert_memory_equal(buf, expect, sizeof(expect));
}

/* One message is one packet, be it empty or the largest. */
static void
t_boundaries(void **state)
{
	static const size_t	 sizes[] = {
		2, 3, 100, MSG_MAX - MSG_HEADER - 1, MSG_MAX - MSG_HEADER, 2
	};
	size_t			 i, j;

	(void)state;
	for (i = 0; i < NITEMS(sizes); i++) {
		msg_new(&m, IMSG_CONF_ITEM, i);
		for (j = 0; j < sizes[i]; j++)
			put_u8(&m, i + j);
		assert_int_equal(chan_send(&parent, &m), 0);
	}
	msg_new(&m, IMSG_START, UINT32_MAX);
	assert_int_equal(chan_send(&parent, &m), 0);
	for (i = 0; i < NITEMS(sizes); i++) {
		expect_message(IMSG_CONF_ITEM, i);
		assert_int_equal(m.len, sizes[i]);
		for (j = 0; j < sizes[i]; j++)
			assert_int_equal(get_u8(&m), (i + j) & 0xff);
		assert_int_equal(msg_end(&m), 0);
	}
	expect_message(IMSG_START, UINT32_MAX);
	assert_int_equal(m.len, 0);
	assert_int_equal(m.fd, -1);
	expect_nothing();
}

static void
t_once(void **state)
{
	(void)state;
	msg_new(&m, IMSG_START, 0);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(chan_send(&parent, &m), 0);
	expect_message(IMSG_START, 0);
	expect_flaw("twice");
}

static void
t_descriptor(void **state)
{
	ino_t	 ino;
	int	 fd = mark_new(&ino), got;

	(void)state;
	listen_new(1, fd);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(m.fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);	/* ours is gone */
	expect_message(IMSG_LISTEN, 1);
	got = msg_claim_fd(&m);
	assert_int_equal(m.fd, -1);
	assert_int_equal(msg_claim_fd(&m), -1);
	mark_check(got, ino);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	close(got);
}

/* Whatever is wrong with a message, its descriptor does not stay. */
static void
t_descriptor_flaws(void **state)
{
	uint8_t	 good[14] = { 0 }, bare[12];
	size_t	 n;

	(void)state;
	raw_header(good, IMSG_LISTEN, 2, 0);
	raw_header(bare, IMSG_START, 0, 0);
	raw(good, sizeof(good), 0);
	expect_flaw("descriptor missing");
	raw(bare, sizeof(bare), 1);
	expect_flaw("unwanted descriptor");
	for (n = 2; n <= HOSTILE_FDS; n++) {
		raw(good, sizeof(good), n);
		expect_flaw("too many descriptors");
		raw(bare, sizeof(bare), n);
		expect_flaw("too many descriptors");
	}
	raw(good, sizeof(good) - 1, 1);
	expect_flaw("wrong length");
	raw(good, 3, 1);
	expect_flaw("wrong length");
	raw(good, 3, HOSTILE_FDS);
	expect_flaw("wrong length");
	raw_header(good, IMSG_MAX, 2, 0);
	raw(good, sizeof(good), 1);
	expect_flaw("unknown type");
	raw_header(good, IMSG_RESULT, 2, 0);
	raw(good, sizeof(good), 1);
	expect_flaw("not to here");
	assert_int_equal(count_fds(), fds_before + 2);
	/* None of it did harm to what comes after. */
	msg_new(&m, IMSG_START, 0);
	assert_int_equal(chan_send(&parent, &m), 0);
	expect_message(IMSG_START, 0);
}

/*
 * To take a descriptor can be the end of who is pledged: of any but the parent
 * not even one that is closed at once is taken.
 */
static void
t_descriptor_not_taken(void **state)
{
	uint8_t	 pong[MSG_HEADER];
	size_t	 n;

	(void)state;
	running();
	raw_header(pong, IMSG_PONG, 0, 0);
	for (n = 1; n <= HOSTILE_FDS; n++) {
		raw_by(&worker, pong, n == 2 ? 0 : sizeof(pong), n);
		assert_int_equal(chan_recv(&parent, &m, &why), -1);
		assert_int_equal(room_for_fds, 0);
		if (n != 2)
			assert_string_equal(why, "unwanted descriptor");
	}
	assert_int_equal(count_fds(), fds_before + 2);
	raw(pong, sizeof(pong), 1);
	(void)chan_recv(&worker, &m, &why);
	assert_int_equal(room_for_fds, 1);
}

/* No room for one more in the table of the receiver. */
static void
t_descriptor_no_room(void **state)
{
	struct rlimit	 old, none;
	ino_t		 ino;

	(void)state;
	listen_new(0, mark_new(&ino));
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	expect_flaw("too many descriptors");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void
t_short(void **state)
{
	uint8_t	 bytes[MSG_HEADER];
	size_t	 n;

	(void)state;
	raw_header(bytes, IMSG_START, 0, 0);
	for (n = 1; n < sizeof(bytes); n++) {
		raw(bytes, n, 0);
		expect_flaw("wrong length");
	}
}

static void
t_lying_length(void **state)
{
	static const struct {
		size_t		 real;
		uint32_t	 told;
	} table[] = {
		{ 0, 1 }, { 0, 8 }, { 0, UINT32_MAX }, { 8, 0 }, { 8, 7 },
		{ 8, 9 }, { 8, 20 }, { 8, UINT32_MAX - 11 }, { 8, UINT32_MAX },
		{ 8, 0x80000008 }, { 8, 8 + (1 << 16) },
	};
	uint8_t		 bytes[MSG_HEADER + 8] = { 0 };
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		raw_header(bytes, IMSG_CONF_BEGIN, table[i].told, 0);
		raw(bytes, MSG_HEADER + table[i].real, 0);
		expect_flaw("wrong length");
	}
}

/* More than a message can be: the rest is cut, and it is told. */
static void
t_too_big(void **state)
{
	static uint8_t	 bytes[MSG_MAX + 1];
	static const uint32_t told[] = {
		MSG_MAX - MSG_HEADER, MSG_MAX - MSG_HEADER + 1
	};
	struct iovec	 iov = { bytes, sizeof(bytes) };
	struct msghdr	 mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(told); i++) {
		raw_header(bytes, IMSG_CONF_ITEM, told[i], 0);
		assert_int_equal(sendmsg(parent.fd, &mh, MSG_NOSIGNAL),
		    sizeof(bytes));
		expect_flaw("wrong length");
	}
}

static void
t_eof(void **state)
{
	(void)state;
	stats_new(0);
	assert_int_equal(chan_send(&parent, &m), 0);
	running();
	chan_close(&parent);
	assert_int_equal(parent.fd, -1);
	/* What was sent before is not lost. */
	expect_message(IMSG_STATS_GET, 0);
	assert_int_equal(chan_recv(&worker, &m, &why), -1);
	assert_null(why);
	assert_int_equal(chan_send(&worker, &m), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(msg_send(worker.fd, &m), -1);
	assert_int_equal(errno, EPIPE);
	chan_close(&worker);
	assert_int_equal(chan_recv(&worker, &m, &why), -1);
	assert_null(why);
	assert_int_equal(chan_flush(&worker), 0);
	chan_close(&worker);			/* once more does no harm */
}

/* A packet of nothing can't be told from an end: it is one. */
static void
t_empty_packet(void **state)
{
	(void)state;
	raw("", 0, 0);
	assert_int_equal(chan_recv(&worker, &m, &why), -1);
	assert_null(why);
}

/* But it can bring descriptors, and no end does that. */
static void
t_empty_packet_descriptor(void **state)
{
	int	 i;

	(void)state;
	for (i = 1; i <= 3; i++) {
		raw("", 0, i);
		expect_flaw(i == 1 ? "wrong length" : "too many descriptors");
		assert_int_equal(count_fds(), fds_before + 2);
	}
}

/* What can't be sent is not, and its descriptor is closed. */
static void
t_send_fails(void **state)
{
	ino_t	 ino;
	int	 fd;

	(void)state;
	listen_new(0, mark_new(&ino));
	m.bad = 1;
	assert_int_equal(chan_send(&parent, &m), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(m.fd, -1);
	assert_int_equal(msg_send(parent.fd, &m), -1);
	assert_int_equal(errno, EMSGSIZE);
	expect_nothing();
	chan_close(&worker);
	fd = mark_new(&ino);
	listen_new(0, fd);
	assert_int_equal(chan_send(&parent, &m), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	chan_close(&parent);
	listen_new(0, mark_new(&ino));
	assert_int_equal(chan_send(&parent, &m), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(count_fds(), fds_before);
}

/* Send until it does not fit in the socket; returns how many went out. */
static uint32_t
fill(void)
{
	uint32_t	 id;

	running();
	for (id = 0; parent.queued == 0; id++) {
		stats_new(id);
		assert_int_equal(chan_send(&parent, &m), 0);
	}
	assert_true(id > 1);
	return (id - 1);
}

/* Something small that the other end may get from this one. */
static int
queue_send(struct chan *from, uint32_t id)
{
	stats_new(id);
	if (from == &worker) {
		msg_new(&m, IMSG_CONF_ACK, id);
		put_u64(&m, id);
	}
	return (chan_send(from, &m));
}

static void
queue_limit(struct chan *from, struct chan *to, size_t limit)
{
	uint32_t	 id, next = 0;

	running();
	for (id = 0; from->queued < limit; id++)
		assert_int_equal(queue_send(from, id), 0);
	assert_int_equal(queue_send(from, id), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(from->queued, limit);
	/* No room, no harm. */
	assert_int_equal(chan_flush(from), 0);
	assert_int_equal(from->queued, limit);
	/* In order, however flushing and reading take turns. */
	while (next < id) {
		assert_int_equal(chan_recv(to, &m, &why), 1);
		assert_int_equal(m.id, next);
		if (++next % 7 == 0 || next == id - from->queued)
			assert_int_equal(chan_flush(from), 0);
	}
	assert_int_equal(from->queued, 0);
	assert_int_equal(chan_recv(to, &m, &why), 0);
	assert_int_equal(queue_send(from, 1), 0);
	assert_int_equal(from->queued, 0);
	assert_int_equal(chan_recv(to, &m, &why), 1);
	assert_int_equal(m.id, 1);
}

static void
t_queue(void **state)
{
	(void)state;
	queue_limit(&worker, &parent, CHAN_QUEUE);
}

/* The parent's is longer: it sends whole policies, and trusts itself. */
static void
t_queue_parent(void **state)
{
	(void)state;
	/* The largest policy, what frames it, and what else is said then. */
	assert_true(CHAN_QUEUE_PARENT >= POLICY_MAX + 1024);
	queue_limit(&parent, &worker, CHAN_QUEUE_PARENT);
}

/* There is room again, but those who wait go first. */
static void
t_queue_first(void **state)
{
	uint32_t	 sent, i;

	(void)state;
	sent = fill();
	for (i = 0; i < sent; i++)
		expect_message(IMSG_STATS_GET, i);
	stats_new(sent + 1);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(parent.queued, 2);
	expect_nothing();
	assert_int_equal(chan_flush(&parent), 0);
	expect_message(IMSG_STATS_GET, sent);
	expect_message(IMSG_STATS_GET, sent + 1);
	expect_nothing();
}

/* Descriptors and payloads wait with their messages. */
static void
t_queue_descriptors(void **state)
{
	uint32_t	 sent, i;
	ino_t		 ino[10];
	int		 fd;

	(void)state;
	sent = fill();
	for (i = 0; i < NITEMS(ino); i++) {
		msg_new(&m, IMSG_PEER, i);
		put_u8(&m, ROLE_RESOLVER);
		put_u16(&m, i);
		m.fd = fd = mark_new(&ino[i]);
		assert_int_equal(chan_send(&parent, &m), 0);
		assert_int_equal(m.fd, -1);
		assert_true(fcntl(fd, F_GETFD) != -1);	/* still ours */
	}
	for (i = 0; i < sent; i++)
		expect_message(IMSG_STATS_GET, i);
	assert_int_equal(chan_flush(&parent), 0);
	assert_int_equal(parent.queued, 0);
	assert_int_equal(count_fds(), fds_before + 2);
	expect_message(IMSG_STATS_GET, sent);
	for (i = 0; i < NITEMS(ino); i++) {
		expect_message(IMSG_PEER, i);
		assert_int_equal(get_u8(&m), ROLE_RESOLVER);
		assert_int_equal(get_u16(&m), i);
		assert_int_equal(msg_end(&m), 0);
		fd = msg_claim_fd(&m);
		mark_check(fd, ino[i]);
		close(fd);
	}
	expect_nothing();
}

static void
t_queue_closed(void **state)
{
	ino_t	 ino;

	(void)state;
	(void)fill();
	msg_new(&m, IMSG_LOGFD, 0);
	m.fd = mark_new(&ino);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(parent.queued, 2);
	chan_close(&worker);
	assert_int_equal(chan_flush(&parent), -1);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	chan_close(&parent);
	assert_int_equal(parent.queued, 0);
	assert_int_equal(count_fds(), fds_before);
}

static void
t_queue_no_memory(void **state)
{
	ino_t	 ino;
	int	 fd;

	(void)state;
	(void)fill();
	msg_new(&m, IMSG_LOGFD, 0);
	m.fd = fd = mark_new(&ino);
	no_memory = 1;
	assert_int_equal(chan_send(&parent, &m), -1);
	assert_int_equal(errno, ENOMEM);
	no_memory = 0;
	assert_int_equal(parent.queued, 1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* At once or not at all. */
static void
t_msg_send(void **state)
{
	uint32_t	 n = 0, i;

	(void)state;
	running();
	for (;;) {
		stats_new(n);
		if (msg_send(parent.fd, &m) == -1)
			break;
		n++;
	}
	assert_int_equal(errno, EAGAIN);
	for (i = 0; i < n; i++)
		expect_message(IMSG_STATS_GET, i);
	expect_nothing();
}

/* A descriptor each time, good and bad: nothing piles up. */
static void
t_no_leak(void **state)
{
	uint8_t	 bare[MSG_HEADER];
	ino_t	 ino;
	int	 i;

	(void)state;
	raw_header(bare, IMSG_START, 0, 0);
	for (i = 0; i < ROUNDS; i++) {
		listen_new(i & 1, mark_new(&ino));
		assert_int_equal(chan_send(&parent, &m), 0);
		expect_message(IMSG_LISTEN, i & 1);
		close(msg_claim_fd(&m));
		raw(bare, sizeof(bare), 1 + i % 3);
		expect_flaw(i % 3 == 0 ? "unwanted descriptor" :
		    "too many descriptors");
	}
	assert_int_equal(count_fds(), fds_before + 2);
}

/*
 * The same in libevent's loop.
 */

static struct peer	 peer;
static struct {
	int		 calls, gone;
	const char	*why;
	int		 rv;		/* what the handler returns */
	int		 claim;		/* does it take the descriptor? */
	int		 drop;
	int		 pauses, paused_at;	/* how often; calls until then */
} script;

static int
on_listen(struct peer *p, struct msg *msg)
{
	assert_ptr_equal(p, &peer);
	assert_true(msg->fd != -1);
	script.calls++;
	if (script.claim)
		close(msg_claim_fd(msg));
	if (script.drop) {
		peer_drop(p, "enough");
		peer_drop(p, "the first reason counts");
	}
	return (script.rv);
}

static const struct handler	 handlers[] = {
	{ IMSG_LISTEN,	on_listen },
	{ IMSG_MAX,	NULL }
};

static void
cb_gone(struct peer *p, const char *reason)
{
	assert_ptr_equal(p, &peer);
	assert_int_equal(p->chan.fd, -1);
	assert_int_equal(p->open, 0);
	script.gone++;
	script.why = reason;
}

static int	 null = -1;

/* The worker's end becomes a peer's.  What it logs is not of interest here. */
static int
peer_setup(void **state)
{
	if (setup(state) == -1)
		return (-1);
	memset(&script, 0, sizeof(script));
	if ((null = open("/dev/null", O_WRONLY)) == -1)
		return (-1);
	log_init("t-chan", null, 0);
	fds_before++;
	peer_open(&peer, worker.fd, ROLE_WORKER, ROLE_PARENT, 0, handlers,
	    cb_gone);
	worker.fd = -1;
	return (0);
}

static int
peer_teardown(void **state)
{
	peer_close(&peer);
	peer_close(&peer);
	log_init(NULL, -1, 0);
	close(null);
	fds_before--;
	return (teardown(state));
}

static void
turn(void)
{
	(void)event_loop(EVLOOP_NONBLOCK);
}

/* A descriptor that the handler leaves is closed. */
static void
t_peer_descriptor(void **state)
{
	ino_t	 ino;

	(void)state;
	for (script.claim = 0; script.claim <= 1; script.claim++) {
		listen_new(0, mark_new(&ino));
		assert_int_equal(chan_send(&parent, &m), 0);
		turn();
		assert_int_equal(count_fds(), fds_before + 2);
	}
	assert_int_equal(script.calls, 2);
	assert_int_equal(script.gone, 0);
}

/* How a peer ends: once, closed, with the reason. */
static void
t_peer_end(void **state)
{
	static const struct {
		enum imsg	 type;
		size_t		 len;
		int		 fd, rv, drop;
		int		 calls;
		const char	*why;
	} table[] = {
		{ IMSG_LISTEN, 2, 1, -1, 0, 1, "malformed" },
		{ IMSG_LISTEN, 2, 1, 0, 1, 1, "enough" },
		{ IMSG_LISTEN, 2, 1, -1, 1, 1, "enough" },
		{ IMSG_PEER, 3, 1, 0, 0, 0, "nobody waits for it" },
		{ IMSG_LISTEN, 2, 0, 0, 0, 0, "descriptor missing" },
		{ IMSG_MAX, 2, 0, 0, 0, 0, "unknown type" },
		{ IMSG_HELLO, 8, 0, 0, 0, 0, "not from there" },
	};
	uint8_t	 bytes[MSG_HEADER + 8] = { 0 };
	size_t	 i;

	for (i = 0; i < NITEMS(table); i++) {
		if (i > 0)
			assert_int_equal(peer_setup(state), 0);
		script.rv = table[i].rv;
		script.drop = table[i].drop;
		raw_header(bytes, table[i].type, table[i].len, 0);
		/* The second is not looked at any more. */
		raw(bytes, MSG_HEADER + table[i].len, table[i].fd);
		raw(bytes, MSG_HEADER + table[i].len, table[i].fd);
		turn();
		turn();
		assert_int_equal(script.calls, table[i].calls);
		assert_int_equal(script.gone, 1);
		assert_non_null(script.why);
		assert_string_equal(script.why, table[i].why);
		assert_int_equal(count_fds(), fds_before + 1);
		if (i + 1 < NITEMS(table))
			assert_int_equal(peer_teardown(state), 0);
	}
}

static void
t_peer_eof(void **state)
{
	(void)state;
	chan_close(&parent);
	turn();
	turn();
	assert_int_equal(script.gone, 1);
	assert_null(script.why);
}

/* What does not fit goes out when there is room, without being asked. */
static void
t_peer_queue(void **state)
{
	uint32_t	 n;
	int		 rv, size = 4096;	/* so little, it takes turns */

	(void)state;
	assert_int_equal(setsockopt(peer.chan.fd, SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size)), 0);
	for (n = 0; peer.chan.queued < CHAN_QUEUE; n++) {
		msg_new(&m, IMSG_CONF_ACK, n);
		put_u64(&m, 0);
		assert_int_equal(peer_send(&peer, &m), 0);
	}
	for (n = 0; (rv = chan_recv(&parent, &m, &why)) == 1; n++) {
		assert_int_equal(m.id, n);
		turn();
	}
	assert_int_equal(rv, 0);
	assert_int_equal(peer.chan.queued, 0);
	assert_true(n > CHAN_QUEUE);
	assert_int_equal(script.gone, 0);
	m.bad = 1;
	assert_int_equal(peer_send(&peer, &m), -1);
}

static void
cb_pause(struct peer *p)
{
	assert_ptr_equal(p, &peer);
	assert_int_equal(script.gone, 0);
	script.pauses++;
	script.paused_at = script.calls;
}

/* Told after the messages of a turn, also if one of them was the last. */
static void
t_peer_pause(void **state)
{
	int	 i;

	(void)state;
	peer.pause = cb_pause;
	for (i = 0; i < 3; i++) {
		listen_new(0, dup(STDOUT_FILENO));
		assert_int_equal(chan_send(&parent, &m), 0);
	}
	turn();
	assert_int_equal(script.pauses, 1);
	assert_int_equal(script.paused_at, 3);

	listen_new(0, dup(STDOUT_FILENO));
	assert_int_equal(chan_send(&parent, &m), 0);
	chan_close(&parent);
	turn();
	assert_int_equal(script.pauses, 2);
	assert_int_equal(script.paused_at, 4);
	assert_int_equal(script.gone, 1);
}

/* A flood does not keep others waiting for ever, nor is any of it lost. */
static void
t_peer_batch(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 100; i++) {
		listen_new(0, dup(STDOUT_FILENO));
		assert_int_equal(chan_send(&parent, &m), 0);
	}
	(void)event_loop(EVLOOP_NONBLOCK | EVLOOP_ONCE);
	assert_in_range(script.calls, 1, 99);
	turn();
	turn();
	assert_int_equal(script.calls, 100);
	assert_int_equal(script.gone, 0);
}

static void
t_peer_name(void **state)
{
	static const struct {
		enum role	 role;
		const char	*expect;
	} table[] = {
		{ ROLE_PARENT, "parent" }, { ROLE_RESOLVER, "resolver" },
		{ ROLE_NAMES, "names 7" }, { ROLE_CONTROL, "control" },
		{ ROLE_WORKER, "worker 7" }, { ROLE_CLIENT, "client" }
	};
	char		 buf[32];
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		peer.chan.peer = table[i].role;
		peer.chan.instance = 7;
		assert_string_equal(peer_name(&peer, buf, sizeof(buf)),
		    table[i].expect);
	}
}

/* That the kernel has no memory now is nobody's fault, and nothing is lost. */
static void
t_kernel_no_memory(void **state)
{
	ino_t	 ino;
	int	 fd;

	(void)state;
	running();
	kernel_fails = 2;
	msg_new(&m, IMSG_LOGFD, 0);
	m.fd = mark_new(&ino);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(parent.queued, 1);
	assert_int_equal(chan_flush(&parent), 0);
	assert_int_equal(parent.queued, 1);
	stats_new(7);
	assert_int_equal(chan_send(&parent, &m), 0);
	assert_int_equal(chan_flush(&parent), 0);
	assert_int_equal(parent.queued, 0);

	kernel_fails = 1;
	assert_int_equal(chan_recv(&worker, &m, &why), 0);
	assert_int_equal(chan_recv(&worker, &m, &why), 1);
	assert_int_equal(m.type, IMSG_LOGFD);
	fd = msg_claim_fd(&m);
	mark_check(fd, ino);
	close(fd);
	assert_int_equal(chan_recv(&worker, &m, &why), 1);
	assert_int_equal(m.id, 7);
}

#define CHAN(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
#define PEER(t)	cmocka_unit_test_setup_teardown(t, peer_setup, peer_teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		CHAN(t_pair),
		CHAN(t_pair_fails),
		CHAN(t_bytes),
		CHAN(t_boundaries),
		CHAN(t_once),
		CHAN(t_descriptor),
		CHAN(t_descriptor_flaws),
		CHAN(t_descriptor_not_taken),
		CHAN(t_descriptor_no_room),
		CHAN(t_short),
		CHAN(t_lying_length),
		CHAN(t_too_big),
		CHAN(t_eof),
		CHAN(t_empty_packet),
		CHAN(t_empty_packet_descriptor),
		CHAN(t_send_fails),
		CHAN(t_queue),
		CHAN(t_queue_parent),
		CHAN(t_queue_first),
		CHAN(t_queue_descriptors),
		CHAN(t_queue_closed),
		CHAN(t_queue_no_memory),
		CHAN(t_kernel_no_memory),
		CHAN(t_msg_send),
		CHAN(t_no_leak),
		PEER(t_peer_descriptor),
		PEER(t_peer_end),
		PEER(t_peer_eof),
		PEER(t_peer_queue),
		PEER(t_peer_pause),
		PEER(t_peer_batch),
		PEER(t_peer_name),
	};
	struct event_base	*base;
	int			 rv;

	if ((base = event_init()) == NULL)
		return (1);
	rv = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(base);
	return (rv);
}
