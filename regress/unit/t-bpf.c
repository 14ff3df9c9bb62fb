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
 * SOURCES: resolver/bpf_cgroup.c common/log.c
 * LIBS: -isystem obj -lbpf
 * NEEDS: obj/connect.skel.h
 *
 * Which sessions of the connect-time record are told, which are believed after
 * their end, and which are thrown away: the map is the kernel's, what is in it
 * is ours, and so are the clock and the MTA's sockets.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../resolver/bpf.c"

#define MINUTE	(60 * 1000000ULL)	/* usec */
#define MTA	77			/* cookie of its end */
#define AGAIN	4990

static uint64_t			 now = 1000 * MINUTE;
static const struct range	 ports = { 1, 1 };

uint64_t
clock_usec(clockid_t clock)
{
	(void)clock;
	return (now);
}

static void	 put(uint16_t, uint64_t, uint64_t);

/*
 * All that the MTA has open is of the first hundred ports; and there is one
 * that is taken again just then.
 */
static void
mta_sock(const struct conn_key *reverse, struct sock *sock)
{
	memset(sock, 0, sizeof(*sock));
	assert_int_equal(reverse->client.port, 25);
	if (reverse->server.port < 4100)
		sock->cookie = MTA;
	if (reverse->server.port == AGAIN)
		put(AGAIN, 5, MTA);
}

const struct os_ops	 os_native = { .sock = mta_sock };

static struct conn_key
key(uint16_t port)
{
	struct conn_key	 k;

	memset(&k, 0, sizeof(k));
	k.client.addr[15] = k.server.addr[15] = 1;
	k.client.port = port;
	k.server.port = 25;
	return (k);
}

static int
sessions(void)
{
	return (bpf_map__fd(bpf.skel->maps.sessions));
}

/* Puts it into the map, as if it had begun now. */
static void
put_session(uint16_t port, struct session *s)
{
	struct conn_key	 k = key(port);
	struct session	 none;
	struct tuple	 tuple;

	(void)session_get(&k, &tuple, &none);
	s->opened.pid = port;
	s->since = now * 1000;
	assert_int_equal(bpf_map_update_elem(sessions(), &tuple, s,
	    BPF_ANY), 0);
}

static void
put(uint16_t port, uint64_t client, uint64_t server)
{
	struct session	 s;

	memset(&s, 0, sizeof(s));
	s.opened.cookie = client;
	s.server = server;
	put_session(port, &s);
}

static void
lost(uint16_t port)
{
	struct session	 s;

	memset(&s, 0, sizeof(s));
	s.opened.lost = 1;
	s.server = MTA;
	put_session(port, &s);
}

static int
get(uint16_t port, struct record *r)
{
	struct conn_key	 k = key(port);

	return (linux_record(&k, r));
}

/* With a map that is empty. */
static int
begin(void **state)
{
	struct tuple	 tuple;

	(void)state;
	while (bpf_map_get_next_key(sessions(), NULL, &tuple) == 0)
		(void)bpf_map_delete_elem(sessions(), &tuple);
	bpf.preemptible = 0;
	bpf.tidied = now;
	return (0);
}

static void
t_record(void **state)
{
	struct conn_key	 k = key(4002);
	struct record	 r;
	struct session	 s;
	struct tuple	 tuple;

	(void)state;
	assert_int_equal(get(4000, &r), -1);
	put(4000, 5, MTA);
	now += 3;
	assert_int_equal(get(4000, &r), 0);
	assert_int_equal(r.client, 5);
	assert_int_equal(r.server, MTA);
	assert_int_equal(r.opener.pid, 4000);
	assert_int_equal(r.age, 3);
	assert_int_equal(get(4001, &r), -1);
	/* Only counted: nothing is known of it. */
	put(4001, 0, MTA);
	assert_int_equal(get(4001, &r), -1);
	/* Who it was is lost: then that is what is known. */
	lost(4001);
	assert_int_equal(get(4001, &r), 0);
	assert_true(r.lost);
	assert_int_equal(r.server, MTA);
	/* One that is not there may have been lost, where there is a doubt. */
	(void)session_get(&k, &tuple, &s);
	bpf.skel->bss->doubts[tuple_hash(&tuple)] = 1;
	assert_int_equal(get(4002, &r), -1);
	bpf.skel->bss->served[tuple.server_port] = 1;
	assert_int_equal(get(4002, &r), 0);
	assert_true(r.lost);
	assert_int_equal(get(4003, &r), -1);
	bpf.skel->bss->served[tuple.server_port] = 0;
	bpf.skel->bss->ports[tuple.server_port / 8] |=
	    1U << tuple.server_port % 8;
	assert_int_equal(get(4002, &r), 0);
	bpf.skel->bss->ports[tuple.server_port / 8] = 0;
	bpf.skel->bss->doubts[tuple_hash(&tuple)] = 0;
}

static int
complete(uint16_t port, uint64_t server)
{
	struct conn_key	 k = key(port);
	struct record	 r;

	memset(&r, 0, sizeof(r));
	r.server = server;
	return (linux_complete(&k, &r));
}

static void
t_complete(void **state)
{
	struct conn_key	 k = key(4000);
	struct tuple	 tuple;
	struct session	 s;
	struct record	 r;
	__u64		*doubt;

	(void)state;
	put(4000, 5, MTA);
	(void)session_get(&k, &tuple, &s);
	doubt = &bpf.skel->bss->doubts[tuple_hash(&tuple)];
	assert_true(complete(4000, MTA));
	assert_false(complete(4000, MTA + 1));
	assert_false(complete(4001, MTA));
	assert_int_equal(get(4000, &r), 0);
	assert_false(r.shared);
	/* An earlier end may be missing for as long as the MTA can have it. */
	*doubt = s.since - OLD_USEC * 1000 - 1000;
	assert_true(complete(4000, MTA));
	assert_int_equal(get(4000, &r), 0);
	assert_false(r.shared);
	*doubt += 1000;
	assert_false(complete(4000, MTA));
	assert_int_equal(get(4000, &r), 0);
	assert_true(r.shared);
	*doubt = s.since;
	assert_false(complete(4000, MTA));
	*doubt = 0;
}

/* Where programs can be preempted, those that were skipped count, too. */
static void
t_preemptible(void **state)
{
	(void)state;
	bpf.preemptible = 1;
	bpf.missed = 0;
	bpf.since = now - 1;
	put(4000, 5, MTA);
	assert_true(complete(4000, MTA));
	/* As if some had been: whatever is older is doubted from now on. */
	bpf.missed = 12345;
	now += 1;
	assert_false(complete(4000, MTA));
	assert_false(complete(4000, MTA));
	now += 1;
	put(4000, 5, MTA);
	assert_true(complete(4000, MTA));
}

/* Of these ports, how many are in the map? */
static int
count(uint16_t from, uint16_t to)
{
	struct conn_key	 k;
	struct tuple	 tuple;
	struct session	 s;
	int		 n = 0;

	for (; from < to; from++) {
		k = key(from);
		n += session_get(&k, &tuple, &s) == 0;
	}
	return (n);
}

static void
t_tidy(void **state)
{
	struct record	 r;
	uint16_t	 port;
	int		 i;

	(void)state;
	for (port = 4000; port < 4700; port++)
		put(port, 5, port < 4050 ? 0 : MTA);
	now += OLD_USEC - 1;
	for (i = 0; i < 8; i++) {
		bpf.tidied = now - TIDY_USEC - 1;
		(void)get(1, &r);
	}
	assert_int_equal(count(4000, 4700), 700);
	now += 1;
	for (port = 4600; port < 4700; port++)
		put(port, 5, MTA);
	/* A part of them at a time, and not twice within a minute. */
	bpf.tidied = now - TIDY_USEC;
	(void)get(1, &r);
	assert_int_equal(count(4000, 4700), 700);
	bpf.tidied--;
	(void)get(1, &r);
	(void)get(1, &r);
	assert_in_range(count(4000, 4700), 700 - TIDY_COUNT, 699);
	for (i = 0; i < 8; i++) {
		bpf.tidied = now - TIDY_USEC - 1;
		(void)get(1, &r);
	}
	/* Those that are open stay, and those that are young. */
	assert_int_equal(count(4000, 4050), 0);
	assert_int_equal(count(4050, 4100), 50);
	assert_int_equal(count(4100, 4600), 0);
	assert_int_equal(count(4600, 4700), 100);
}

/* Who comes while the one before him is thrown away is lost, and said to be. */
static void
t_tidy_again(void **state)
{
	struct conn_key	 k = key(AGAIN);
	struct tuple	 tuple;
	struct session	 s;
	struct record	 r;

	(void)state;
	put(AGAIN, 5, MTA);
	(void)session_get(&k, &tuple, &s);
	now += OLD_USEC;
	bpf.skel->bss->served[tuple.server_port] = 1;
	(void)get(1, &r);
	assert_int_equal(count(AGAIN, AGAIN + 1), 0);
	assert_int_equal(get(AGAIN, &r), 0);
	assert_true(r.lost);
	put(AGAIN, 5, MTA);
	assert_int_equal(get(AGAIN, &r), 0);
	assert_true(r.shared);
	bpf.skel->bss->served[tuple.server_port] = 0;
	bpf.skel->bss->doubts[tuple_hash(&tuple)] = 0;
}

static void
t_descriptors(void **state)
{
	struct rlimit	 before, few;

	(void)state;
	connect_bpf__destroy(bpf.skel);
	bpf.skel = NULL;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 63;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	bpf_open(-1);
	assert_false(bpf_full());
	assert_string_equal(linux_watch(B_AUTO, &ports, 1),
	    "no more than 63 descriptors");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* What is no control group takes no program, and none is left loaded. */
static void
t_no_cgroup(void **state)
{
	int	 root;

	(void)state;
	assert_true((root = open("/", O_RDONLY | O_DIRECTORY)) != -1);
	assert_int_equal(bpf_cgroup_open(root), -1);
	assert_int_equal(bpf_opener(1), 0);
	close(root);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(t_record, begin),
		cmocka_unit_test_setup(t_complete, begin),
		cmocka_unit_test_setup(t_preemptible, begin),
		cmocka_unit_test_setup(t_tidy, begin),
		cmocka_unit_test_setup(t_tidy_again, begin),
		cmocka_unit_test(t_no_cgroup),
		cmocka_unit_test_setup(t_descriptors, begin)
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root: it loads BPF\n");
		return (0);
	}
	bpf_open(-1);
	if (linux_watch(B_BPF, &ports, 1) != NULL) {
		printf("1..0 # SKIP %s\n", bpf.why);
		return (0);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
