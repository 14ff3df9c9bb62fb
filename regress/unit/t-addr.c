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
 * SOURCES: common/addr.c
 *
 * Addresses as people, MTAs and the system write them.
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sysuser.h"

#define M4(a, b, c, d)	{ [10] = 0xff, 0xff, a, b, c, d }
#define DOC6		{ 0x20, 0x01, 0x0d, 0xb8, [15] = 0x19 }

static void
t_parse(void **state)
{
	static const struct {
		const char	*addr, *port;
		uint8_t		 expect[16];
		uint16_t	 number;
	} table[] = {
		{ "192.0.2.1", "25", M4(192, 0, 2, 1), 25 },
		{ "0.0.0.0", "0", M4(0, 0, 0, 0), 0 },
		{ "255.255.255.255", "65535", M4(255, 255, 255, 255), 65535 },
		{ "[127.0.0.1]", "587", M4(127, 0, 0, 1), 587 },
		{ "::1", "1", { [15] = 1 }, 1 },
		{ "::", "25", { 0 }, 25 },
		{ "[::1]", "25", { [15] = 1 }, 25 },
		{ "2001:db8::19", "25", DOC6, 25 },
		{ "2001:DB8::19", "25", DOC6, 25 },
		{ "[2001:db8::19]", "25", DOC6, 25 },
		/* Sendmail writes all groups. */
		{ "IPv6:2001:db8:0:0:0:0:0:19", "25", DOC6, 25 },
		{ "IPv6:0:0:0:0:0:0:0:1", "25", { [15] = 1 }, 25 },
		{ "IPv6:2001:0db8:0000:0000:0000:0000:0000:0019", "25", DOC6,
		    25 },
		{ "IPv6:2001:db8::19", "25", DOC6, 25 },
		{ "ipv6:2001:db8::19", "25", DOC6, 25 },
		{ "[IPv6:2001:db8::19]", "25", DOC6, 25 },
		{ "[IPv6:2001:db8:0:0:0:0:0:19]", "25", DOC6, 25 },
		{ "[IPv6:2001:0db8:0000:0000:0000:0000:0000:0019]", "25",
		    DOC6, 25 },
		/* The two ways to write an address of IPv4 are one. */
		{ "::ffff:192.0.2.1", "25", M4(192, 0, 2, 1), 25 },
		{ "::ffff:c000:201", "25", M4(192, 0, 2, 1), 25 },
		{ "IPv6:::ffff:192.0.2.1", "25", M4(192, 0, 2, 1), 25 },
		{ "[IPv6:0:0:0:0:0:ffff:192.0.2.1]", "25", M4(192, 0, 2, 1),
		    25 },
		/* The longest that inet_ntop(3) writes. */
		{ "[IPv6:0000:0000:0000:0000:0000:ffff:255.255.255.255]",
		    "25", M4(255, 255, 255, 255), 25 },
	};
	struct endpoint	 e;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		memset(&e, 0xee, sizeof(e));
		if (endpoint_parse(&e, table[i].addr, table[i].port) != 0)
			fail_msg("%s %s", table[i].addr, table[i].port);
		assert_memory_equal(e.addr, table[i].expect, 16);
		assert_int_equal(e.port, table[i].number);
	}
}

static void
t_parse_junk(void **state)
{
	static const char *const	 addrs[] = {
		"", "[", "]", "[]", "[[::1]]", "[::1", "::1]", "[127.0.0.1",
		"127.0.0.1]", "IPv6:", "[IPv6:]", "IPv6:[::1]",
		"IPv6:IPv6:::1", "IPv4:127.0.0.1", "localhost", "1.2.3",
		"1.2.3.4.5", "1.2.3.256", "1.2.3.-1", "0x7f.0.0.1",
		"2130706433", " 127.0.0.1", "127.0.0.1 ", "127.0.0.1\n",
		"127.0.0.1:25", "[::1]:25", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "::1::", "12345::", "g::", "::1%lo",
		"fe80::1%eth0", "::/0",
		"0000:0000:0000:0000:0000:ffff:255.255.255.255.",
		"[IPv6:0000:0000:0000:0000:0000:ffff:0255.255.255.255]",
		"111111111111111111111111111111111111111111111111111111111111",
	};
	static const char *const	 ports[] = {
		"", "65536", "99999999999999999999", "-1", "25x", "x", "0x19",
		"25 ", "2 5", "smtp", "25,587"
	};
	struct endpoint			 e;
	size_t				 i;

	(void)state;
	for (i = 0; i < NITEMS(addrs); i++)
		if (endpoint_parse(&e, addrs[i], "25") != -1)
			fail_msg("\"%s\" is no address", addrs[i]);
	for (i = 0; i < NITEMS(ports); i++)
		if (endpoint_parse(&e, "192.0.2.1", ports[i]) != -1)
			fail_msg("\"%s\" is no port", ports[i]);
}

/* What an address is. */
static void
t_kinds(void **state)
{
	static const struct {
		const char	*addr;
		int		 is4, any, loopback;
	} table[] = {
		{ "0.0.0.0",		1, 1, 0 },
		{ "0.0.0.1",		1, 0, 0 },
		{ "126.255.255.255",	1, 0, 0 },
		{ "127.0.0.0",		1, 0, 1 },
		{ "127.0.0.1",		1, 0, 1 },
		{ "127.1.2.3",		1, 0, 1 },
		{ "127.255.255.255",	1, 0, 1 },
		{ "128.0.0.1",		1, 0, 0 },
		{ "192.0.2.1",		1, 0, 0 },
		{ "::",			0, 1, 0 },
		{ "::1",		0, 0, 1 },
		{ "::2",		0, 0, 0 },
		{ "::ffff:0.0.0.0",	1, 1, 0 },
		{ "::ffff:127.0.0.1",	1, 0, 1 },
		{ "::ffff:127.9.9.9",	1, 0, 1 },
		/* None of these is of IPv4. */
		{ "::127.0.0.1",	0, 0, 0 },
		{ "::fffe:127.0.0.1",	0, 0, 0 },
		{ "::1:ffff:127.0.0.1",	0, 0, 0 },
		{ "64:ff9b::127.0.0.1",	0, 0, 0 },
		{ "1::1",		0, 0, 0 },
		{ "fe80::1",		0, 0, 0 },
	};
	struct endpoint	 e;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_int_equal(endpoint_parse(&e, table[i].addr, "25"), 0);
		if (!endpoint_is4(&e) != !table[i].is4 ||
		    !endpoint_is_any(&e) != !table[i].any ||
		    !endpoint_is_loopback(&e) != !table[i].loopback)
			fail_msg("%s", table[i].addr);
	}
	memset(&e, 0xee, sizeof(e));
	endpoint_clear(&e);
	assert_true(endpoint_is_any(&e));
	assert_int_equal(e.port, 0);
}

static void
t_equal(void **state)
{
	static const struct {
		const char	*a, *aport, *b, *bport;
		int		 equal;
	} table[] = {
		{ "192.0.2.1", "25", "192.0.2.1", "25", 1 },
		{ "192.0.2.1", "25", "::ffff:192.0.2.1", "25", 1 },
		{ "192.0.2.1", "25", "192.0.2.1", "26", 0 },
		{ "192.0.2.1", "25", "192.0.2.1", "281", 0 },
		{ "192.0.2.1", "25", "192.0.2.2", "25", 0 },
		{ "192.0.2.1", "25", "::192.0.2.1", "25", 0 },
		{ "::1", "25", "127.0.0.1", "25", 0 },
		{ "::1", "25", "::", "25", 0 },
		{ "1::1", "25", "::1", "25", 0 },
	};
	struct endpoint	 a, b;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_int_equal(endpoint_parse(&a, table[i].a,
		    table[i].aport), 0);
		assert_int_equal(endpoint_parse(&b, table[i].b,
		    table[i].bport), 0);
		assert_int_equal(!!endpoint_equal(&a, &b), table[i].equal);
		assert_int_equal(!!endpoint_equal(&b, &a), table[i].equal);
		assert_true(endpoint_equal(&a, &a));
	}
}

/* To the system's form and back, and as text. */
static void
t_sockaddr(void **state)
{
	static const struct {
		const char	*addr, *port;
		int		 family;
		const char	*text;
	} table[] = {
		{ "192.0.2.1", "25", AF_INET, "192.0.2.1:25" },
		{ "0.0.0.0", "0", AF_INET, "0.0.0.0:0" },
		{ "::ffff:127.0.0.1", "65535", AF_INET, "127.0.0.1:65535" },
		{ "::1", "587", AF_INET6, "[::1]:587" },
		{ "2001:db8::1", "40000", AF_INET6, "[2001:db8::1]:40000" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888", "65535", AF_INET6,
		    "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
	};
	struct sockaddr_storage	 ss;
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;
	struct endpoint		 e, back;
	size_t			 i, len;
	char			 buf[64];

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		assert_int_equal(endpoint_parse(&e, table[i].addr,
		    table[i].port), 0);
		memset(&ss, 0xee, sizeof(ss));
		assert_int_equal(endpoint_to_sa(&e, &ss),
		    table[i].family == AF_INET ? sizeof(sin) : sizeof(sin6));
		assert_int_equal(ss.ss_family, table[i].family);
		if (ss.ss_family == AF_INET) {
			memcpy(&sin, &ss, sizeof(sin));
			assert_int_equal(ntohs(sin.sin_port), e.port);
			assert_memory_equal(&sin.sin_addr, e.addr + 12, 4);
		} else {
			memcpy(&sin6, &ss, sizeof(sin6));
			assert_int_equal(ntohs(sin6.sin6_port), e.port);
			assert_int_equal(sin6.sin6_scope_id, 0);
			assert_int_equal(sin6.sin6_flowinfo, 0);
		}
		memset(&back, 0xee, sizeof(back));
		assert_int_equal(endpoint_from_sa(&back,
		    (struct sockaddr *)&ss), 0);
		assert_true(endpoint_equal(&e, &back));

		memset(&ss, 0xee, sizeof(ss));
		assert_int_equal(endpoint_to_mapped(&e, &ss), sizeof(sin6));
		assert_int_equal(ss.ss_family, AF_INET6);
		memcpy(&sin6, &ss, sizeof(sin6));
		assert_memory_equal(&sin6.sin6_addr, e.addr, 16);
		assert_int_equal(endpoint_from_sa(&back,
		    (struct sockaddr *)&ss), 0);
		assert_true(endpoint_equal(&e, &back));

		len = strlen(table[i].text);
		memset(buf, 0xee, sizeof(buf));
		assert_ptr_equal(endpoint_text(&e, buf, len + 1), buf);
		assert_string_equal(buf, table[i].text);
		assert_string_equal(endpoint_text(&e, buf, len), "?");
		assert_string_equal(endpoint_text(&e, buf, 2), "?");
		assert_string_equal(endpoint_text(&e, buf, 1), "");
	}
}

static void
t_other_family(void **state)
{
	static const int	 families[] = { AF_UNSPEC, AF_UNIX, 99 };
	struct sockaddr_storage	 ss;
	struct endpoint		 e;
	size_t			 i;

	(void)state;
	for (i = 0; i < NITEMS(families); i++) {
		memset(&ss, 0xee, sizeof(ss));
		ss.ss_family = families[i];
		memset(&e, 0xee, sizeof(e));
		assert_int_equal(endpoint_from_sa(&e, (struct sockaddr *)&ss),
		    -1);
		assert_true(endpoint_is_any(&e));
		assert_int_equal(e.port, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_parse),
		cmocka_unit_test(t_parse_junk),
		cmocka_unit_test(t_kinds),
		cmocka_unit_test(t_equal),
		cmocka_unit_test(t_sockaddr),
		cmocka_unit_test(t_other_family),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
