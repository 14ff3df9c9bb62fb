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
 * The backend for OpenBSD over a kernel that is a list of lines.
 *
 * BSD: openbsd resolver/os_openbsd.c regress/bsd/openbsd.c
 * SOURCES: regress/bsd/kernel.c resolver/owner.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "log.h"
#include "scenes.h"

static void
t_scenes(void **state)
{
	(void)state;
	assert_int_equal(scenes_run(), 0);
}

static void
t_process(void **state)
{
	struct found	 f;

	(void)state;
	assert_string_equal(scene_with("jails 0", &f),
	    "owned none 1000 100 1 telnet");
	assert_null(f.owner.text[T_EXE]);
	assert_null(f.owner.text[T_CWD]);
	assert_string_equal(f.owner.text[T_CMDLINE], "telnet");
	assert_int_equal(f.owner.start, 50 * 1000000);
	assert_int_equal(f.owner.login, LOGIN_UNSET);
	assert_int_equal(f.owner.source, SRC_SCAN);
}

/* Every answer can be the first one after a change. */
static void
t_changes(void **state)
{
	static const char *const	 ok = "owned none 1000 100 1 telnet";
	static const char *const	 changes[] = {
		/* The pid is used again, by one who has the socket or not. */
		"gone 100", "proc 100 uid=1000 start=70 comm=next",
		"proc 100 uid=1000 start=70 comm=next fd=1"
	};
	struct found			 f;
	char				 line[128];
	const char			*said;
	int				 i, n;

	(void)state;
	for (n = 1; n < 40; n++) {
		(void)snprintf(line, sizeof(line), "when %d gone 100", n);
		said = scene_with(line, &f);
		if (strcmp(said, ok) != 0)
			assert_string_equal(said, "owned none 1000 0 0 -");
		for (i = 1; i < 3; i++) {
			const char *const lines[] = { V4, V4MTA, MTA, TELNET };
			const char *const client[] = { CLIENT };
			const char *const server[] = { SERVER };

			scene_begin(lines, NITEMS(lines));
			kernel_line(line);
			(void)snprintf(line, sizeof(line), "when %d %s", n,
			    changes[i]);
			kernel_line(line);
			os_native.open();
			said = scene_ask(client, server, &f);
			if (strcmp(said, "owned none 1000 100 1 next") == 0) {
				assert_int_equal(i, 2);
				assert_int_equal(f.owner.start, 70 * 1000000);
			} else if (strcmp(said, ok) == 0)
				assert_int_equal(f.owner.start, 50 * 1000000);
			else
				assert_string_equal(said,
				    "owned none 1000 0 0 -");
			(void)snprintf(line, sizeof(line), "when %d gone 100",
			    n);
		}
	}
}

/* The connection becomes another user's at each moment: never a mixture. */
static void
t_reused(void **state)
{
	struct found	 f;
	char		 line[128];
	const char	*said;
	int		 n;

	(void)state;
	for (n = 1; n < 40; n++) {
		const char *const lines[] = { V4, V4MTA, MTA, TELNET,
		    "proc 200 uid=2000 start=60 comm=thief" };
		const char *const client[] = { CLIENT };
		const char *const server[] = { SERVER };

		scene_begin(lines, NITEMS(lines));
		(void)snprintf(line, sizeof(line), "when %d gone 1", n);
		kernel_line(line);
		(void)snprintf(line, sizeof(line), "when %d tcp 9 127.0.0.1 "
		    "40000 127.0.0.1 25 uid=2000", n);
		kernel_line(line);
		(void)snprintf(line, sizeof(line), "when %d gone 200", n);
		kernel_line(line);
		(void)snprintf(line, sizeof(line), "when %d proc 200 uid=2000 "
		    "start=60 comm=thief fd=9", n);
		kernel_line(line);
		os_native.open();
		said = scene_ask(client, server, &f);
		if (f.owner.verdict == E_OWNED) {
			assert_true(f.owner.uid == 1000 ||
			    f.owner.uid == 2000);
			if (f.owner.pid != NO_PID)
				assert_int_equal(f.owner.pid,
				    f.owner.uid == 1000 ? 100 : 200);
		} else
			assert_memory_equal(said, "unknown", 7);
	}
}

/*
 * A socket that was connected in vain and then listens: the kernel names its
 * owner for connections that are not there.
 */
static void
t_listening(void **state)
{
	const char *const	 lines[] = { MTA, LISTEN, "addr 192.0.2.1",
	    "tcp 2 192.0.2.1 25 192.0.2.9 40000 accepted=1",
	    "tcp 4 0.0.0.0 40000 0.0.0.0 0 state=1 uid=1000",
	    "proc 100 uid=1000 comm=odd fd=4" };
	const char *const	 remote[] = { "192.0.2.9", "40000" };
	const char *const	 server[] = { "192.0.2.1", "25" };
	const char *const	 client[] = { CLIENT }, *const mta[] =
				    { SERVER };
	struct found		 f;
	char			 line[128];
	int			 n;

	(void)state;
	scene_begin(lines, NITEMS(lines));
	os_native.open();
	assert_string_equal(scene_ask(remote, server, &f),
	    "remote none 0 0 0 -");
	assert_string_equal(scene_ask(client, mta, &f),
	    "unknown closed 0 0 0 -");
	/* Another user's connection comes at each moment of the lookup. */
	for (n = 1; n < 20; n++) {
		scene_begin(lines, NITEMS(lines));
		kernel_line(V4MTA);
		(void)snprintf(line, sizeof(line), "when %d tcp 7 127.0.0.1 "
		    "40000 127.0.0.1 25 uid=2000", n);
		kernel_line(line);
		(void)scene_ask(client, mta, &f);
		if (f.owner.verdict == E_OWNED)
			assert_int_equal(f.owner.uid, 2000);
	}
}

/* Of a socket that was accepted the kernel names no owner. */
static void
t_accepted(void **state)
{
	const char *const	 lines[] = { V4, V4MTA, MTA, TELNET };
	const char *const	 client[] = { CLIENT }, *const mta[] =
				    { SERVER };
	struct found		 f;

	(void)state;
	scene_begin(lines, NITEMS(lines));
	os_native.open();
	assert_string_equal(scene_ask(mta, client, &f),
	    "unknown unsupported 0 0 0 -");
}

/* Another routing domain has the same addresses, and other connections. */
static void
t_domains(void **state)
{
	struct found	 f;

	(void)state;
	assert_string_equal(scene_with("tcp 8 127.0.0.1 40000 127.0.0.1 25 "
	    "uid=2000 table=1", &f), "owned none 1000 100 1 telnet");
	kernel_line("gone 1");
	{
		const char *const client[] = { CLIENT };
		const char *const server[] = { SERVER };

		assert_int_not_equal(strncmp(scene_ask(client, server, &f),
		    "owned", 5), 0);
	}
}

static void
t_denied(void **state)
{
	struct found	 f;

	(void)state;
	assert_string_equal(scene_with("deny cred", &f),
	    "unknown denied 0 0 0 -");
	assert_int_equal(os_native.check() & 1U << CAN_ASK, 0);
	assert_string_equal(scene_with("deny files", &f),
	    "unknown denied 0 0 0 -");
	(void)scene_with("jails 0", &f);
	assert_int_not_equal(os_native.check() & 1U << CAN_ASK, 0);
}

static void
t_formats(void **state)
{
	static const struct { const char *line, *said; } rows[] = {
		{ "cut cred 4", "unknown unsupported 0 0 0 -" },
		{ "cut files 4", "unknown unsupported 0 0 0 -" },
		{ "cut proc 4", "owned none 1000 0 0 -" },
		{ "grow 10", "owned none 1000 100 1 telnet" },
		{ "grow 20", "unknown failed 0 0 0 -" }
	};
	struct found	 f;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++)
		assert_string_equal(scene_with(rows[i].line, &f),
		    rows[i].said);
}

static void
t_local(void **state)
{
	static const struct { const char *addr; int local; } rows[] = {
		{ "127.0.0.1", 1 }, { "127.9.9.9", 1 }, { "::1", 1 },
		{ "192.0.2.1", 1 }, { "192.0.2.2", 0 }, { "2001:db8::1", 1 },
		{ "2001:db8::2", 0 }, { "fe80::1", 1 }, { "fe80::2", 0 }
	};
	static const char *const	 lines[] = { MTA, "addr 192.0.2.1",
	    "addr 2001:db8::1", "addr fe80::1" };
	struct endpoint			 e;
	size_t				 i;

	(void)state;
	scene_begin(lines, NITEMS(lines));
	os_native.open();
	for (i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(endpoint_parse(&e, rows[i].addr, "1"), 0);
		assert_int_equal(os_native.local(&e), rows[i].local);
	}
}

static int
always(void *arg)
{
	(void)arg;
	return (1);
}

/* When others wait, one holder is enough; no time at all is no search. */
static void
t_budget(void **state)
{
	const char *const	 lines[] = { V4, V4MTA, MTA, TELNET,
	    "proc 300 uid=1000 start=60 comm=child fd=1" };
	struct budget		 budget = { 10000000, always, NULL };
	struct holder		 list[MAX_HOLDERS];
	struct conn_key		 key;
	struct sock		 sock;

	(void)state;
	scene_begin(lines, NITEMS(lines));
	os_native.open();
	assert_int_equal(endpoint_parse(&key.client, CLIENT), 0);
	assert_int_equal(endpoint_parse(&key.server, SERVER), 0);
	os_native.sock(&key, &sock);
	assert_int_equal(sock.state, SOCK_OWNED);
	assert_int_equal(os_native.holders(&sock, &budget, list), 1);
	budget.busy = NULL;
	assert_int_equal(os_native.holders(&sock, &budget, list), 2);
	budget.usec = 0;
	assert_int_equal(os_native.holders(&sock, &budget, list), 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_scenes),
		cmocka_unit_test(t_process),
		cmocka_unit_test(t_changes),
		cmocka_unit_test(t_reused),
		cmocka_unit_test(t_listening),
		cmocka_unit_test(t_accepted),
		cmocka_unit_test(t_domains),
		cmocka_unit_test(t_denied),
		cmocka_unit_test(t_formats),
		cmocka_unit_test(t_local),
		cmocka_unit_test(t_budget)
	};

	log_init("t-os-openbsd", -1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
