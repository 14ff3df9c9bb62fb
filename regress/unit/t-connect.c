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
 * LIBS: -isystem obj -lbpf
 * NEEDS: obj/connect.skel.h
 *
 * What connect.bpf.c writes in the running kernel, of connections in a network
 * namespace of our own.  The server sees them when they send (TCP(7),
 * TCP_DEFER_ACCEPT), so there is time before.
 */

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../../resolver/connect.h"
#include <connect.skel.h>

#define WATCHED		25
#define SERVED		26	/* not watched; a recorded one was seen there */
#define OPTMEM		"/proc/sys/net/core/optmem_max"

static struct connect_bpf	*skel;
static int			 watched = -1, served = -1;

static void
address(struct sockaddr_in *sin, uint32_t addr, uint16_t port)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(addr);
	sin->sin_port = htons(port);
}

static int
listener(uint16_t port)
{
	struct sockaddr_in	 sin;
	int			 fd, on = 1, sec = 60;

	address(&sin, INADDR_ANY, port);
	assert_true((fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK,
	    0)) != -1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &sec,
	    sizeof(sec)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return (fd);
}

/* From that port, if it is not 0. */
static int
client_from(uint16_t own, uint16_t port)
{
	struct sockaddr_in	 sin;
	int			 fd;

	assert_true((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	address(&sin, INADDR_LOOPBACK, own);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	address(&sin, INADDR_LOOPBACK, port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return (fd);
}

static int
client_to(uint16_t port)
{
	return (client_from(0, port));
}

static void
repair(int fd, int opt, uint32_t value)
{
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, opt, &value,
	    sizeof(value)), 0);
}

/* The sequence numbers of a client, before it sends. */
static struct isns
numbers(int fd)
{
	struct isns	 isns;
	socklen_t	 len = sizeof(isns.client);

	repair(fd, TCP_REPAIR, 1);
	repair(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ,
	    &isns.client, &len), 0);
	repair(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ,
	    &isns.server, &len), 0);
	repair(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
	return (isns);
}

/* A client of nobody, with those numbers. */
static int
twin(const struct isns *isns)
{
	struct sockaddr_in	 sin;
	int			 fd;

	address(&sin, INADDR_LOOPBACK + 8, WATCHED);
	assert_true((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	repair(fd, TCP_REPAIR, 1);
	repair(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	repair(fd, TCP_QUEUE_SEQ, isns->client);
	repair(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	repair(fd, TCP_QUEUE_SEQ, isns->server);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return (fd);
}

static struct tuple
tuple_of(int fd)
{
	struct sockaddr_in	 own, peer;
	struct tuple		 tuple;
	socklen_t		 len = sizeof(own);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	memset(&tuple, 0, sizeof(tuple));
	memset(tuple.client + 10, 0xff, 2);
	memcpy(tuple.client + 12, &own.sin_addr, 4);
	memset(tuple.server + 10, 0xff, 2);
	memcpy(tuple.server + 12, &peer.sin_addr, 4);
	tuple.client_port = own.sin_port;
	tuple.server_port = peer.sin_port;
	return (tuple);
}

static struct session
session_of(const struct tuple *tuple)
{
	struct session	 session;

	memset(&session, 0, sizeof(session));
	(void)bpf_map_lookup_elem(bpf_map__fd(skel->maps.sessions), tuple,
	    &session);
	return (session);
}

/* It sends, so that the server sees it: the server's end. */
static int
end_of(int fd, int listening)
{
	struct pollfd	 pfd = { .fd = listening, .events = POLLIN };
	int		 end;

	assert_int_equal(send(fd, "QUIT\r\n", 6, 0), 6);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_true((end = accept(listening, NULL, NULL)) != -1);
	return (end);
}

/* What was recorded, when the server sees it? */
static struct session
seen(int fd, int listening)
{
	struct tuple	 tuple = tuple_of(fd);
	struct session	 session;
	int		 end = end_of(fd, listening);

	session = session_of(&tuple);
	close(end);
	return (session);
}

static uint64_t
cookie(int fd)
{
	uint64_t	 c = 0;
	socklen_t	 len = sizeof(c);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c, &len), 0);
	return (c);
}

/* How many there are; and none after this, if they are to go. */
static int
entries(const struct bpf_map *map, int go)
{
	char	 key[sizeof(struct tuple)], next[sizeof(key)], *last = NULL;
	int	 fd = bpf_map__fd(map), n = 0;

	while (bpf_map_get_next_key(fd, last, next) == 0) {
		n++;
		memcpy(key, next, sizeof(key));
		last = go ? NULL : key;
		if (go)
			assert_int_equal(bpf_map_delete_elem(fd, key), 0);
	}
	return (n);
}

/* How many are counted in the marks; all of them if any is not 0. */
static unsigned int
marks(void)
{
	static uint64_t	 values[1U << 20];
	static uint32_t	 keys[1U << 20];
	uint32_t	 batch, n = 1U << 20, i;
	unsigned int	 sum = 0;

	assert_int_equal(bpf_map__max_entries(skel->maps.marks), n);
	(void)bpf_map_lookup_batch(bpf_map__fd(skel->maps.marks), NULL, &batch,
	    keys, values, &n, NULL);
	assert_int_equal(n, 1U << 20);
	for (i = 0; i < n; i++) {
		sum += (uint32_t)values[i];
		assert_true((uint32_t)values[i] != 0 || values[i] == 0);
	}
	return (sum);
}

/* Of connections that are closed; the last packets may be on their way. */
static void
nothing_left(void)
{
	int	 fd, n;

	for (n = 0; n < 500 && entries(skel->maps.sessions, 0) +
	    entries(skel->maps.waiting, 0) != 0; n++) {
		while ((fd = accept(watched, NULL, NULL)) != -1)
			close(fd);
		(void)usleep(10000);
	}
	assert_int_equal(entries(skel->maps.sessions, 0), 0);
	assert_int_equal(entries(skel->maps.waiting, 0), 0);
	assert_int_equal(entries(skel->maps.elsewhere, 0), 0);
	assert_int_equal(marks(), 0);
}

/* Who waits is counted until his end is closed. */
static void
t_waits(void **state)
{
	struct session	 s;
	uint64_t	 c;
	int		 fd, other;

	(void)state;
	fd = client_to(WATCHED);
	other = client_to(WATCHED);
	c = cookie(fd);
	assert_int_equal(marks(), 2);
	assert_int_equal(entries(skel->maps.waiting, 0), 2);
	s = seen(fd, watched);
	assert_int_equal(s.opened.cookie, c);
	assert_int_equal(s.opened.pid, getpid());
	assert_false(s.opened.lost);
	assert_int_equal(entries(skel->maps.waiting, 0), 1);
	close(fd);
	close(other);
	nothing_left();
}

/* Who was pushed out is not taken for one from elsewhere, who is that is. */
static void
t_pushed_out(void **state)
{
	struct session	 s;
	int		 fd, remote;

	(void)state;
	fd = client_to(WATCHED);
	remote = client_to(SERVED);
	assert_int_equal(entries(skel->maps.waiting, 1), 1);
	s = seen(fd, watched);
	assert_true(s.opened.lost);
	s = seen(remote, served);
	assert_int_equal(s.opened.cookie, 0);
	assert_false(s.opened.lost);
	assert_true(s.server != 0);
	close(fd);
	close(remote);
	nothing_left();
}

/* Nor if he, or another, opens and closes one with the same numbers. */
static void
t_twin(void **state)
{
	struct session	 s;
	struct isns	 isns;
	int		 fd, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fd = client_to(WATCHED);
		isns = numbers(fd);
		if (i == 0)
			assert_int_equal(entries(skel->maps.waiting, 1), 1);
		close(twin(&isns));
		s = seen(fd, watched);
		assert_true(s.opened.lost);
		close(fd);
		nothing_left();
	}
}

/* Any number may be chosen; and two of a kind don't stay for ever. */
static void
t_chosen(void **state)
{
	const struct isns	 isns[] = { { 0, 0 }, { 1, 0 }, { 0, 1 },
				     { UINT32_MAX, UINT32_MAX } };
	size_t			 i;
	int			 fd, other;

	(void)state;
	for (i = 0; i < sizeof(isns) / sizeof(isns[0]); i++) {
		fd = twin(&isns[i]);
		assert_int_equal(marks(), 1);
		assert_int_equal(entries(skel->maps.waiting, 0), 1);
		other = twin(&isns[i]);
		assert_int_equal(marks(), 2);
		assert_int_equal(entries(skel->maps.waiting, 0), 1);
		close(other);
		assert_int_equal(entries(skel->maps.waiting, 0), 1);
		close(fd);
		nothing_left();
	}
}

/* What memory a socket here may have; true if it could be set. */
static int
optmem(const char *bytes)
{
	FILE	*fp;
	int	 done;

	if ((fp = fopen(OPTMEM, "w")) == NULL)
		return (0);
	done = fputs(bytes, fp) >= 0;
	return (fclose(fp) == 0 && done);
}

/* A client whose socket may have no memory for what is said of it. */
static int
poor(void)
{
	int	 fd;

	if (!optmem("1"))
		skip();		/* before Linux 6.9 it is everybody's */
	fd = client_to(WATCHED);
	assert_true(optmem("131072"));
	return (fd);
}

static void
t_elsewhere(void **state)
{
	struct session	 s;
	uint64_t	 c;
	int		 fd;

	(void)state;
	fd = poor();
	c = cookie(fd);
	assert_int_equal(entries(skel->maps.elsewhere, 0), 1);
	s = seen(fd, watched);
	assert_int_equal(s.opened.cookie, c);
	assert_int_equal(s.opened.pid, getpid());
	assert_false(s.opened.lost);
	close(fd);
	nothing_left();
	fd = poor();
	assert_int_equal(entries(skel->maps.waiting, 1), 1);
	s = seen(fd, watched);
	assert_true(s.opened.lost);
	close(fd);
	nothing_left();
}

/* Where there is no place either, nobody is believed to be from elsewhere. */
static void
t_crowded(void **state)
{
	struct client { struct opened o; struct isns i; uint64_t n; } c;
	struct session	 s;
	uint64_t	 key;
	int		 fd, map = bpf_map__fd(skel->maps.elsewhere);
	uint32_t	 n = bpf_map__max_entries(skel->maps.elsewhere);

	(void)state;
	memset(&c, 0, sizeof(c));
	assert_int_equal(bpf_map__value_size(skel->maps.elsewhere), sizeof(c));
	for (key = 1ULL << 60; key < (1ULL << 60) + n; key++)
		assert_int_equal(bpf_map_update_elem(map, &key, &c, BPF_ANY),
		    0);
	fd = client_to(SERVED);
	s = seen(fd, served);
	close(fd);
	assert_false(s.opened.lost);
	fd = poor();
	s = seen(fd, watched);
	assert_true(s.opened.lost);
	close(fd);
	fd = client_to(SERVED);
	s = seen(fd, served);
	assert_true(s.opened.lost);
	close(fd);
	/* who has a place is named */
	fd = client_to(WATCHED);
	s = seen(fd, watched);
	assert_false(s.opened.lost);
	assert_int_equal(s.opened.pid, getpid());
	close(fd);
	/* and after ten minutes all is as it was */
	skel->bss->crowded -= 600 * 1000000000ULL;
	fd = client_to(SERVED);
	s = seen(fd, served);
	assert_false(s.opened.lost);
	close(fd);
	assert_int_equal(entries(skel->maps.elsewhere, 1), n);
	nothing_left();
}

/* Who was connecting before his port was watched: nobody knows who he is. */
static void
t_before(void **state)
{
	struct sock_filter	 none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog	 drop = { 1, &none };
	struct pollfd		 pfd;
	struct sockaddr_in	 sin;
	struct session		 s;
	uint8_t			*byte, had;

	(void)state;
	byte = &skel->bss->ports[htons(WATCHED) / 8];
	had = *byte;
	*byte = 0;
	assert_int_equal(setsockopt(watched, SOL_SOCKET, SO_ATTACH_FILTER,
	    &drop, sizeof(drop)), 0);
	address(&sin, INADDR_LOOPBACK, WATCHED);
	pfd.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	pfd.events = POLLOUT;
	(void)connect(pfd.fd, (struct sockaddr *)&sin, sizeof(sin));
	*byte = had;
	assert_int_equal(setsockopt(watched, SOL_SOCKET, SO_DETACH_FILTER,
	    &drop, sizeof(drop)), 0);
	assert_int_equal(poll(&pfd, 1, 30000), 1);
	s = seen(pfd.fd, watched);
	assert_true(s.opened.lost);
	close(pfd.fd);
	nothing_left();
}

/* From that port; it resets the connection, and the server's end stays. */
static int
reset_from(uint16_t own)
{
	const struct linger	 reset = { 1, 0 };
	int			 fd = client_from(own, WATCHED), end;

	end = end_of(fd, watched);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset)), 0);
	close(fd);
	return (end);
}

/* Who is counted no more is not taken for a later one when he ends. */
static void
t_forgotten(void **state)
{
	struct tuple	 tuple;
	struct session	 s;
	uint16_t	 own;
	int		 fd, ends[3];

	(void)state;
	fd = client_to(WATCHED);
	tuple = tuple_of(fd);
	own = ntohs(tuple.client_port);
	close(end_of(fd, watched));
	close(fd);
	nothing_left();
	ends[0] = reset_from(own);
	close(reset_from(own));
	s = session_of(&tuple);
	assert_int_equal(s.others, 1);
	assert_int_equal(s.server, 0);
	/* as bpf.c does when it is old */
	assert_int_equal(entries(skel->maps.sessions, 1), 1);
	ends[1] = reset_from(own);
	ends[2] = reset_from(own);
	assert_int_equal(session_of(&tuple).others, 1);
	close(ends[0]);
	assert_int_equal(session_of(&tuple).others, 1);
	close(ends[1]);
	s = session_of(&tuple);
	assert_int_equal(s.others, 0);
	assert_int_equal(s.server, cookie(ends[2]));
	close(ends[2]);
	nothing_left();
}

/* Returns why it can't be loaded, or NULL. */
static const char *
load(void)
{
	struct stat	 net, pid;
	struct ifreq	 ifr;
	uint16_t	 port = htons(WATCHED);
	int		 fd;

	if (geteuid() != 0)
		return ("needs root: it loads BPF");
	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "lo");
	ifr.ifr_flags = IFF_UP;
	if (unshare(CLONE_NEWNET) == -1 ||
	    (fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    ioctl(fd, SIOCSIFFLAGS, &ifr) == -1)
		return ("needs network namespaces");
	close(fd);
	if (stat("/proc/self/ns/net", &net) == -1 ||
	    stat("/proc/self/ns/pid", &pid) == -1 ||
	    (skel = connect_bpf__open()) == NULL)
		return ("no /proc, or no libbpf");
	skel->rodata->our_netns = net.st_ino;
	skel->rodata->our_pidns = pid.st_ino;
	if (connect_bpf__load(skel) != 0 || connect_bpf__attach(skel) != 0)
		return ("the kernel takes no BPF");
	skel->bss->ports[port / 8] |= 1U << port % 8;
	skel->bss->served[htons(SERVED)] = 1;
	watched = listener(WATCHED);
	served = listener(SERVED);
	return (NULL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_waits),
		cmocka_unit_test(t_pushed_out),
		cmocka_unit_test(t_twin),
		cmocka_unit_test(t_chosen),
		cmocka_unit_test(t_elsewhere),
		cmocka_unit_test(t_crowded),
		cmocka_unit_test(t_before),
		cmocka_unit_test(t_forgotten)
	};
	const char		*why;

	if ((why = load()) != NULL) {
		printf("1..0 # SKIP %s\n", why);
		return (0);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
