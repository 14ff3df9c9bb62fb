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
 * BSD: openbsd resolver/os_openbsd.c resolver/bsd.c regress/bsd/openbsd.c
 * SOURCES: regress/bsd/kernel.c resolver/owner.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */


#include "log.h"
#include "scenes.h"

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

/*
 * A socket that was connected in vain and then listens: the kernel names its
 * owner for connections that are not there.
 */
static void
t_listening(void **state)
{
	static const char *const	 lines[] = { MTA, LISTEN,
	    "addr 192.0.2.1",
	    "tcp 2 192.0.2.1 25 192.0.2.9 40000 accepted=1",
	    "tcp 4 0.0.0.0 40000 0.0.0.0 0 state=1 uid=1000",
	    "proc 100 uid=1000 comm=odd fd=4" };
	const char *const		 remote[] = { "192.0.2.9", "40000" };
	const char *const		 server[] = { "192.0.2.1", "25" };
	struct found			 f;
	int				 n;

	(void)state;
	scene_begin(lines, NITEMS(lines));
	assert_string_equal(scene_ask(remote, server, &f),
	    "remote none 0 0 0 -");
	assert_string_equal(scene_said(&f), "unknown closed 0 0 0 -");
	/* Another user's connection comes at each moment of the lookup. */
	for (n = 1; n < 20; n++) {
		scene_begin(lines, NITEMS(lines));
		kernel_line(V4MTA);
		scene_when(n, "tcp 7 127.0.0.1 40000 127.0.0.1 25 uid=2000");
		(void)scene_said(&f);
		if (f.owner.verdict == E_OWNED)
			assert_int_equal(f.owner.uid, 2000);
	}
}

/* Of a socket that was accepted the kernel names no owner. */
static void
t_accepted(void **state)
{
	const char *const	 client[] = { CLIENT }, *const mta[] =
				    { SERVER };
	struct found		 f;

	(void)state;
	scene_set(V4, V4MTA, MTA, TELNET, NULL);
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
	assert_int_not_equal(strncmp(scene_said(&f), "owned", 5), 0);
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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		SCENE_TESTS,
		cmocka_unit_test(t_process),
		cmocka_unit_test(t_listening),
		cmocka_unit_test(t_accepted),
		cmocka_unit_test(t_domains),
		cmocka_unit_test(t_denied),
		cmocka_unit_test(t_formats)
	};

	log_init("t-os-openbsd", -1, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
