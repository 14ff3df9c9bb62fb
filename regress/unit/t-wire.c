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
 * SOURCES: common/wire.c common/addr.c
 *
 * Fields of messages: what is put is got, and nothing else is.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sysuser.h"

#define DATA_MAX	(MSG_MAX - MSG_HEADER)

static struct msg	 m;

static void
begin(void)
{
	memset(&m, 0, sizeof(m));
	m.type = IMSG_MAX;
	m.fd = -1;
}

/* A message that came: len bytes and then nothing to be trusted. */
static void
came(const void *bytes, size_t len)
{
	begin();
	memset(m.data, 0xee, sizeof(m.data));
	memcpy(m.data, bytes, len);
	m.len = len;
}

static void
t_numbers(void **state)
{
	static const struct {
		size_t		 size;
		uint64_t	 v;
		uint8_t		 bytes[8];
	} table[] = {
		{ 1, 0, { 0 } },
		{ 1, 1, { 1 } },
		{ 1, 0x80, { 0x80 } },
		{ 1, UINT8_MAX, { 0xff } },
		{ 2, 0, { 0, 0 } },
		{ 2, 0x1234, { 0x12, 0x34 } },
		{ 2, UINT16_MAX, { 0xff, 0xff } },
		{ 4, 0x12345678, { 0x12, 0x34, 0x56, 0x78 } },
		{ 4, 0x80000000, { 0x80, 0, 0, 0 } },
		{ 4, UINT32_MAX, { 0xff, 0xff, 0xff, 0xff } },
		{ 8, 0x123456789abcdef0, { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc,
		    0xde, 0xf0 } },
		{ 8, 0xf000000000000001, { 0xf0, 0, 0, 0, 0, 0, 0, 1 } },
		{ 8, UINT64_MAX, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff } },
	};
	uint64_t	 v = 0;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		begin();
		switch (table[i].size) {
		case 1:
			put_u8(&m, table[i].v);
			v = get_u8(&m);
			break;
		case 2:
			put_u16(&m, table[i].v);
			v = get_u16(&m);
			break;
		case 4:
			put_u32(&m, table[i].v);
			v = get_u32(&m);
			break;
		case 8:
			put_u64(&m, table[i].v);
			v = get_u64(&m);
			break;
		}
		assert_int_equal(m.len, table[i].size);
		assert_memory_equal(m.data, table[i].bytes, table[i].size);
		assert_true(v == table[i].v);
		assert_int_equal(msg_end(&m), 0);
	}
}

static void
t_strings(void **state)
{
	static char	 longest[STR_MAX + 1];
	static const char *const table[] = {
		"", "a", "www-data", " ", "\r\n", "\xff\xfe\x80", "=+,\"'",
		longest
	};
	char		 buf[STR_MAX + 2];
	size_t		 i, len;

	(void)state;
	memset(longest, 'x', STR_MAX);
	for (i = 0; i < NITEMS(table); i++) {
		begin();
		len = strlen(table[i]);
		put_str(&m, table[i]);
		assert_int_equal(m.len, 2 + len);
		assert_int_equal(m.data[0], len >> 8);
		assert_int_equal(m.data[1], len & 0xff);
		assert_memory_equal(m.data + 2, table[i], len);
		memset(buf, 0xee, sizeof(buf));
		get_str(&m, buf, STR_MAX + 1);
		assert_string_equal(buf, table[i]);
		/* Not a byte beyond the end. */
		assert_int_equal((unsigned char)buf[len + 1], 0xee);
		assert_int_equal(msg_end(&m), 0);
	}
}

static void
t_put_too_long(void **state)
{
	static char	 text[STR_MAX + 2];

	(void)state;
	memset(text, 'x', STR_MAX + 1);
	begin();
	put_u8(&m, 7);
	put_str(&m, text);
	assert_true(m.bad);
	assert_int_equal(m.len, 1);
	put_str(&m, "a");
	assert_int_equal(m.len, 1);
	assert_int_equal(msg_end(&m), -1);
}

/* What comes as a string: bytes, room for it, and what becomes of it. */
static void
t_get_str(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 len, room;
		const char	*expect;	/* NULL: bad */
	} table[] = {
		{ "\0\0", 2, 1, "" },
		{ "\0\1a", 3, 2, "a" },
		{ "\0\3abc", 5, 4, "abc" },		/* it just fits */
		{ "\0\3abc", 5, 3, NULL },
		{ "\0\3abc", 5, 1, NULL },
		{ "\0\1a", 3, 1, NULL },
		{ "\0\1\0", 3, 9, NULL },		/* NUL inside */
		{ "\0\3\0bc", 5, 9, NULL },
		{ "\0\3a\0c", 5, 9, NULL },
		{ "\0\3ab\0", 5, 9, NULL },
		{ "", 0, 9, NULL },			/* cut */
		{ "\0", 1, 9, NULL },
		{ "\0\1", 2, 9, NULL },
		{ "\0\3ab", 4, 9, NULL },
		{ "\1\0ab", 4, 9, NULL },		/* a length that lies */
		{ "\xff\xff""ab", 4, 9, NULL },
	};
	char		 buf[16];
	size_t		 i, j;

	(void)state;
	for (i = 0; i < NITEMS(table); i++) {
		came(table[i].bytes, table[i].len);
		memset(buf, 0xee, sizeof(buf));
		get_str(&m, buf, table[i].room);
		assert_string_equal(buf, table[i].expect != NULL ?
		    table[i].expect : "");
		assert_int_equal(msg_end(&m),
		    table[i].expect != NULL ? 0 : -1);
		for (j = strlen(buf) + 1; j < sizeof(buf); j++)
			assert_int_equal((unsigned char)buf[j], 0xee);
	}
}

static void
t_endpoint(void **state)
{
	static const uint8_t	 bytes[] = {
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x19,
		0x9c, 0x40
	};
	struct endpoint		 e, got;

	(void)state;
	memcpy(e.addr, bytes, sizeof(e.addr));
	e.port = 40000;
	begin();
	put_endpoint(&m, &e);
	assert_int_equal(m.len, sizeof(bytes));
	assert_memory_equal(m.data, bytes, sizeof(bytes));
	memset(&got, 0xee, sizeof(got));
	get_endpoint(&m, &got);
	assert_memory_equal(got.addr, e.addr, sizeof(e.addr));
	assert_int_equal(got.port, 40000);
	assert_int_equal(msg_end(&m), 0);
}

/* One of each, which has the bytes 1, 2, 3 ... */
#define ALL	(1 + 2 + 4 + 8 + 18 + 2 + 5 + 1)

static void
put_all(void)
{
	struct endpoint	 e;
	size_t		 i;

	for (i = 0; i < sizeof(e.addr); i++)
		e.addr[i] = 16 + i;
	e.port = 32 << 8 | 33;
	begin();
	put_u8(&m, 1);
	put_u16(&m, 0x0203);
	put_u32(&m, 0x04050607);
	put_u64(&m, 0x08090a0b0c0d0e0f);
	put_endpoint(&m, &e);
	put_str(&m, "\x24\x25\x26\x27\x28");
	put_u8(&m, 41);
	assert_int_equal(m.bad, 0);
	assert_int_equal(m.len, ALL);
}

/* Of a message that is cut after len bytes; a field is whole or nothing. */
static void
get_all(size_t len)
{
	static const uint8_t	 zero[16];
	struct endpoint		 e;
	char			 buf[8];
	size_t			 i;

	memset(&e, 0xee, sizeof(e));
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(get_u8(&m), len >= 1 ? 1 : 0);
	assert_int_equal(get_u16(&m), len >= 3 ? 0x0203 : 0);
	assert_int_equal(get_u32(&m), len >= 7 ? 0x04050607 : 0);
	assert_true(get_u64(&m) == (len >= 15 ? 0x08090a0b0c0d0e0f : 0));
	get_endpoint(&m, &e);
	if (len >= 31)
		for (i = 0; i < sizeof(e.addr); i++)
			assert_int_equal(e.addr[i], 16 + i);
	else
		assert_memory_equal(e.addr, zero, sizeof(zero));
	assert_int_equal(e.port, len >= 33 ? 32 << 8 | 33 : 0);
	get_str(&m, buf, sizeof(buf));
	assert_string_equal(buf, len >= 40 ? "\x24\x25\x26\x27\x28" : "");
	assert_int_equal(get_u8(&m), len >= 41 ? 41 : 0);
}

static void
t_truncated(void **state)
{
	uint8_t	 copy[ALL];
	size_t	 len;

	(void)state;
	put_all();
	memcpy(copy, m.data, sizeof(copy));
	for (len = 0; len <= ALL; len++) {
		came(copy, len);
		get_all(len);
		assert_int_equal(m.bad, len < ALL);
		assert_int_equal(msg_end(&m), len < ALL ? -1 : 0);
		assert_in_range(m.pos, 0, len);
	}
}

/* One flaw, and nothing is read after it, though there would be bytes. */
static void
t_sticky(void **state)
{
	struct endpoint	 e;
	char		 buf[8];

	(void)state;
	came("\0\3a\0c\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25"
	    "\26\27", 28);
	get_str(&m, buf, sizeof(buf));
	assert_true(m.bad);
	assert_int_equal(get_u8(&m), 0);
	assert_int_equal(get_u16(&m), 0);
	assert_int_equal(get_u32(&m), 0);
	assert_true(get_u64(&m) == 0);
	memset(&e, 0xee, sizeof(e));
	get_endpoint(&m, &e);
	assert_true(endpoint_is_any(&e));
	assert_int_equal(e.port, 0);
	memset(buf, 0xee, sizeof(buf));
	get_str(&m, buf, sizeof(buf));
	assert_string_equal(buf, "");
	assert_int_equal(msg_end(&m), -1);
	/* Nor is it forgiven by reading to the end. */
	m.pos = m.len;
	assert_int_equal(msg_end(&m), -1);
}

static void
t_left_over(void **state)
{
	(void)state;
	came("\1\2", 2);
	assert_int_equal(msg_end(&m), -1);
	assert_int_equal(get_u8(&m), 1);
	assert_int_equal(m.bad, 0);
	assert_int_equal(msg_end(&m), -1);
	assert_int_equal(get_u8(&m), 2);
	assert_int_equal(msg_end(&m), 0);
	came("", 0);
	assert_int_equal(msg_end(&m), 0);
}

/* Nothing is put that does not fit as a whole message. */
static void
put_one(size_t i)
{
	struct endpoint	 e;

	endpoint_clear(&e);
	switch (i) {
	case 0:
		put_u8(&m, 1);
		break;
	case 1:
		put_u16(&m, 1);
		break;
	case 2:
		put_u32(&m, 1);
		break;
	case 3:
		put_u64(&m, 1);
		break;
	case 4:
		put_endpoint(&m, &e);
		break;
	case 5:
		put_str(&m, "");
		break;
	case 6:
		put_str(&m, "abc");
		break;
	}
}

static void
t_full(void **state)
{
	static const size_t	 sizes[] = { 1, 2, 4, 8, 18, 2, 5 };
	size_t			 i, left, len;

	(void)state;
	for (i = 0; i < NITEMS(sizes); i++)
		for (left = 0; left <= sizes[i] + 1; left++) {
			begin();
			while (m.len < DATA_MAX - left)
				put_u8(&m, 0x5a);
			assert_int_equal(m.bad, 0);
			put_one(i);
			assert_int_equal(m.bad, left < sizes[i]);
			assert_in_range(m.len, DATA_MAX - left, DATA_MAX);
			/* What would still fit must not follow a gap. */
			len = m.len;
			put_u8(&m, 1);
			assert_int_equal(m.len, len +
			    (left > sizes[i] ? 1 : 0));
			assert_int_equal(m.bad, left <= sizes[i]);
		}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_numbers),
		cmocka_unit_test(t_strings),
		cmocka_unit_test(t_put_too_long),
		cmocka_unit_test(t_get_str),
		cmocka_unit_test(t_endpoint),
		cmocka_unit_test(t_truncated),
		cmocka_unit_test(t_sticky),
		cmocka_unit_test(t_left_over),
		cmocka_unit_test(t_full),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
