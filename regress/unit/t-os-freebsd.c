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
 * The backend for FreeBSD over a kernel that is a list of lines.
 *
 * BSD: freebsd resolver/os_freebsd.c resolver/freebsd_ask.c resolver/bsd.c
 * BSD: freebsd resolver/freebsd_reply.c regress/bsd/freebsd.c
 * SOURCES: regress/bsd/kernel.c resolver/owner.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <stdlib.h>
#include <unistd.h>

#include "freebsd.h"
#include "log.h"
#include "scenes.h"

static void
t_process(void **state)
{
	struct found	 f;

	(void)state;
	assert_string_equal(scene_with("jails 0", &f),
	    "owned none 1000 100 1 telnet");
	assert_string_equal(f.owner.text[T_EXE], "/usr/bin/telnet");
	assert_string_equal(f.owner.text[T_CWD], "/home/u");
	assert_null(f.owner.text[T_CMDLINE]);
	assert_int_equal(f.owner.start, 50 * 1000000);
	assert_int_equal(f.owner.login, LOGIN_UNSET);
	assert_int_equal(f.owner.source, SRC_SCAN);
}

/* It becomes another process's of the same user. */
static void
t_reused_own(void **state)
{
	struct found	 f;
	const char	*said;
	int		 n;

	(void)state;
	for (n = 4; n < 40; n++) {
		scene_set(V4, V4MTA, MTA, TELNET, NULL);
		scene_when(n, "gone 1");
		scene_when(n, "tcp 9 127.0.0.1 40000 127.0.0.1 25 uid=1000");
		scene_when(n, "proc 200 uid=1000 start=60 comm=next fd=9");
		said = scene_said(&f);
		if (f.owner.pid != NO_PID)
			assert_string_equal(said,
			    "owned none 1000 100 1 telnet");
	}
}

static void
t_jails(void **state)
{
	struct found	 f;

	(void)state;
	/* There is one, and the socket is not its. */
	assert_string_equal(scene_with("jails 1", &f),
	    "owned none 1000 100 1 telnet");
	/* It is: uid 1000 there is somebody else. */
	scene_set(V4, V4MTA, MTA, "jails 1",
	    "proc 100 uid=1000 jid=3 comm=jailed fd=1", NULL);
	assert_string_equal(scene_said(&f), "unknown unsupported 0 0 0 -");
	/* Somebody outside has it as well. */
	kernel_line("proc 101 uid=1000 start=2 comm=outside fd=1");
	assert_string_equal(scene_said(&f), "unknown unsupported 0 0 0 -");
	/* Nobody has it, so nobody knows. */
	kernel_line("gone 100");
	kernel_line("gone 101");
	assert_string_equal(scene_said(&f), "unknown unsupported 0 0 0 -");
	/* A network of its own, with the same addresses: another pcb. */
	scene_set(V4, V4MTA, MTA, TELNET, "jails 1",
	    "proc 90 uid=1000 jid=3 comm=vnet fd=77", NULL);
	assert_string_equal(scene_said(&f), "owned none 1000 100 1 telnet");
}

/*
 * Who is root in a jail can have a socket of any uid, and pass it to a friend
 * outside; who can let a program of that uid inherit it.
 */
static void
t_jails_passed(void **state)
{
	struct found	 f;

	(void)state;
	scene_set(V4, V4MTA, MTA, "jails 1",
	    "proc 100 uid=2000 comm=friend fd=1", NULL);
	assert_string_equal(scene_said(&f), "unknown unsupported 0 0 0 -");
	kernel_line("proc 101 uid=1000 ruid=2000 start=70 comm=setuid fd=1");
	assert_string_equal(scene_said(&f), "unknown unsupported 0 0 0 -");
	/* He himself has it as well. */
	kernel_line("proc 102 uid=1000 start=60 comm=telnet fd=1");
	assert_string_equal(scene_said(&f), "owned none 1000 102 2 telnet");
}

/* A jail ends with its last process, at each moment; another may remain. */
static void
t_jails_ended(void **state)
{
	struct found	 f;
	int		 n;

	(void)state;
	for (n = 1; n < 40; n++) {
		scene_set(V4, V4MTA, MTA, "jails 1",
		    "proc 100 uid=1000 jid=3 comm=jailed fd=1", NULL);
		scene_when(n / 2, "gone 1");
		scene_when(n / 2, "gone 100");
		scene_when(n / 2, n % 2 ? "jails 1" : "jails 0");
		/* What had its socket has another's now. */
		scene_when(n / 2, "proc 200 uid=2000 comm=next fd=1");
		scene_when(n / 2, "tcp 1 127.0.0.1 50000 127.0.0.1 80 "
		    "uid=2000");
		(void)scene_said(&f);
		assert_int_not_equal(f.owner.verdict, E_OWNED);
	}
}

/* The uid is known without root, where nothing is hidden. */
static void
t_denied(void **state)
{
	struct found	 f;

	(void)state;
	assert_string_equal(scene_with("deny cred", &f),
	    "owned none 1000 100 1 telnet");
	assert_string_equal(scene_with("deny fds", &f),
	    "owned none 1000 0 0 -");
	scene_with("deny cred", &f);
	assert_int_equal(os_native.check() & 1U << CAN_ASK, 0);
	scene_with("jails 0", &f);
	assert_int_not_equal(os_native.check() & 1U << CAN_ASK, 0);
	/* What is left of a connection says root, and is nobody's. */
	(void)scene_with("deny cred", &f);
	kernel_line("gone 1");
	kernel_line("tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=0 detached=1");
	assert_string_equal(scene_said(&f), "unknown denied 0 0 0 -");
	/* Perhaps the connection is only hidden. */
	(void)scene_with("jails 0", &f);
	kernel_line("deny cred");
	kernel_line("gone 1");
	assert_string_equal(scene_said(&f), "unknown denied 0 0 0 -");
}

static void
t_formats(void **state)
{
	static const struct { const char *line, *said; } rows[] = {
		{ "lie cred", "unknown unsupported 0 0 0 -" },
		{ "cut cred 4", "unknown unsupported 0 0 0 -" },
		{ "lie pcbs", "unknown unsupported 0 0 0 -" },
		{ "cut pcbs 64", "unknown unsupported 0 0 0 -" },
		{ "cut pcbs 65", "unknown unsupported 0 0 0 -" },
		{ "cut pcbs 744", "unknown unsupported 0 0 0 -" },
		{ "lie proc", "owned none 1000 0 0 -" },
		{ "cut proc 1", "owned none 1000 100 1 telnet" },
		{ "cut fds 1", "owned none 1000 0 0 -" },
		{ "lie fds", "owned none 1000 0 0 -" },
		{ "grow 3000000", "owned none 1000 100 1 telnet" }
	};
	struct found	 f;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++)
		assert_string_equal(scene_with(rows[i].line, &f),
		    rows[i].said);
}

/* What is found out at the start. */
static void
t_check(void **state)
{
	static const struct { const char *line; int ask, search; } rows[] = {
		{ "jails 0", 1, 1 }, { "deny cred", 0, 1 },
		{ "lie cred", 1, 1 },	/* nothing has these ends */
		{ "lie pcbs", 0, 1 }, { "cut pcbs 8", 0, 1 },
		{ "deny fds", 1, 0 }, { "lie proc", 1, 0 }
	};
	struct found	 f;
	char		 line[64];
	uint32_t	 can;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++) {
		(void)scene_with(rows[i].line, &f);
		(void)snprintf(line, sizeof(line), "proc %ld comm=parent",
		    (long)getppid());
		kernel_line(line);
		can = os_native.check();
		assert_int_equal((can & 1U << CAN_ASK) != 0, rows[i].ask);
		assert_int_equal((can & 1U << CAN_SEARCH) != 0,
		    rows[i].search);
		assert_int_equal(can & (1U << CAN_LOGIN | 1U << CAN_UNIT), 0);
	}
}

/* Whatever bytes come, nothing is read beyond (ASan, valgrind). */
static void
t_garbage(void **state)
{
	struct reply	 r;
	struct conn_key	 key;
	struct tcpconn	 conn;
	struct process	 p;
	uint32_t	 seed = 1, pid;
	size_t		 i, n, pos;
	char		 path[64];

	(void)state;
	assert_int_equal(endpoint_parse(&key.client, CLIENT), 0);
	assert_int_equal(endpoint_parse(&key.server, SERVER), 0);
	for (n = 0; n < 4000; n++) {
		/* Of its very size, so that one byte more is an error. */
		r.len = r.size = n % 2000;
		r.data = malloc(r.size == 0 ? 1 : r.size);
		assert_non_null(r.data);
		for (i = 0; i < r.len; i++) {
			seed = seed * 1103515245 + 12345;
			r.data[i] = i % 4 == 0 && seed & 0x100000 ?
			    seed >> 24 : 0;
		}
		(void)reply_pcb(&r, &key, &conn);
		(void)reply_listens(&r, &key.client);
		(void)reply_local(&r, &key.client);
		(void)reply_holds(&r, 1);
		(void)reply_path(&r, -5, path, sizeof(path));
		for (pos = 0; reply_process(&r, &pos, &p) == 1;)
			continue;
		for (pos = 0; reply_file(&r, &pos, 1, &pid) == 1;)
			continue;
		free(r.data);
	}
}

/* A v6 socket that speaks IPv4 is found by the IPv4 question. */
static void
t_mapped(void **state)
{
	const char *const	 client[] = { "::ffff:127.0.0.1", "40000" };
	const char *const	 server[] = { "::ffff:127.0.0.1", "25" };
	struct found		 f;

	(void)state;
	(void)scene_with("jails 0", &f);
	assert_string_equal(scene_ask(client, server, &f),
	    "owned none 1000 100 1 telnet");
}

/* Link-local addresses are told apart from the interface's number. */
static void
t_scoped(void **state)
{
	const char *const	 client[] = { "fe80::1", "40000" };
	const char *const	 server[] = { "fe80::1", "25" };
	struct found		 f;

	(void)state;
	scene_set("addr fe80::1", MTA, TELNET,
	    "tcp 1 fe80::1 40000 fe80::1 25 uid=1000",
	    "tcp 2 fe80::1 25 fe80::1 40000 accepted=1", NULL);
	assert_string_equal(scene_ask(client, server, &f),
	    "owned none 1000 100 1 telnet");
	kernel_line("tcp 7 fe80::1 40000 fe80::1 25 uid=2000");
	assert_string_equal(scene_ask(client, server, &f),
	    "unknown failed 0 0 0 -");
}

/* As is a connection that has such an address at one end only. */
static void
t_scoped_end(void **state)
{
	const char *const	 client[] = { "2001:db8::1", "40000" };
	const char *const	 server[] = { "fe80::1", "25" };
	struct found		 f;

	(void)state;
	scene_set("addr fe80::1", "addr 2001:db8::1", MTA, TELNET,
	    "tcp 1 2001:db8::1 40000 fe80::1 25 uid=1000",
	    "tcp 2 fe80::1 25 2001:db8::1 40000 accepted=1", NULL);
	assert_string_equal(scene_ask(client, server, &f),
	    "owned none 1000 100 1 telnet");
}

/* A process of the kernel's has no file: such a question would end Casper. */
static void
t_kernel(void **state)
{
	struct found	 f;

	(void)state;
	scene_set(MTA, V4MTA, "tcp 1 127.0.0.1 40000 127.0.0.1 25 uid=0",
	    "proc 2 kernel=1 comm=kernel fd=1", NULL);
	assert_string_equal(scene_said(&f), "owned none 0 0 0 -");
	assert_int_equal(kernel.empty, 0);
}

/* The search does not take them as they come. */
static void
t_newest(void **state)
{
	struct budget	 budget = { .usec = 10000000 };
	struct holder	 list[MAX_HOLDERS];
	struct conn_key	 key;
	struct sock	 sock;

	(void)state;
	scene_set(V4, V4MTA, MTA, TELNET,
	    "proc 300 uid=1000 start=60 comm=child fd=1", NULL);
	assert_int_equal(endpoint_parse(&key.client, CLIENT), 0);
	assert_int_equal(endpoint_parse(&key.server, SERVER), 0);
	os_native.sock(&key, &sock);
	assert_int_equal(os_native.holders(&sock, &budget, list), 2);
	assert_int_equal(list[0].pid, 300);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		SCENE_TESTS,
		cmocka_unit_test(t_process),
		cmocka_unit_test(t_reused_own),
		cmocka_unit_test(t_jails),
		cmocka_unit_test(t_jails_passed),
		cmocka_unit_test(t_jails_ended),
		cmocka_unit_test(t_denied),
		cmocka_unit_test(t_formats),
		cmocka_unit_test(t_check),
		cmocka_unit_test(t_garbage),
		cmocka_unit_test(t_mapped),
		cmocka_unit_test(t_scoped),
		cmocka_unit_test(t_scoped_end),
		cmocka_unit_test(t_kernel),
		cmocka_unit_test(t_newest)
	};

	log_init("t-os-freebsd", -1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
