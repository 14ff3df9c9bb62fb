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
 * Fields of messages, one by one: integers in network byte order, strings as
 * a 16-bit length and bytes without NUL.  No struct crosses a process
 * boundary.
 */

#include <string.h>

#include "sysuser.h"

static uint8_t *
room(struct msg *m, size_t n)
{
	uint8_t	*p = m->data + m->len;

	if (m->bad || n > sizeof(m->data) - m->len) {
		m->bad = 1;
		return (NULL);
	}
	m->len += n;
	return (p);
}

static const uint8_t *
take(struct msg *m, size_t n)
{
	const uint8_t	*p = m->data + m->pos;

	if (m->bad || n > m->len - m->pos) {
		m->bad = 1;
		return (NULL);
	}
	m->pos += n;
	return (p);
}

static void
put_int(struct msg *m, uint64_t v, size_t n)
{
	uint8_t	*p = room(m, n);

	if (p != NULL)
		for (; n > 0; v >>= 8)
			p[--n] = v & 0xff;
}

static uint64_t
get_int(struct msg *m, size_t n)
{
	const uint8_t	*p = take(m, n);
	uint64_t	 v = 0;

	if (p != NULL)
		for (; n > 0; n--)
			v = v << 8 | *p++;
	return (v);
}

void
put_u8(struct msg *m, uint8_t v)
{
	put_int(m, v, 1);
}

void
put_u16(struct msg *m, uint16_t v)
{
	put_int(m, v, 2);
}

void
put_u32(struct msg *m, uint32_t v)
{
	put_int(m, v, 4);
}

void
put_u64(struct msg *m, uint64_t v)
{
	put_int(m, v, 8);
}

void
put_str(struct msg *m, const char *s)
{
	size_t	 len = strlen(s);
	uint8_t	*p;

	if (len > STR_MAX) {
		m->bad = 1;
		return;
	}
	put_u16(m, len);
	if ((p = room(m, len)) != NULL)
		memcpy(p, s, len);
}

void
put_endpoint(struct msg *m, const struct endpoint *e)
{
	uint8_t	*p = room(m, sizeof(e->addr));

	if (p != NULL)
		memcpy(p, e->addr, sizeof(e->addr));
	put_u16(m, e->port);
}

uint8_t
get_u8(struct msg *m)
{
	return (get_int(m, 1));
}

uint16_t
get_u16(struct msg *m)
{
	return (get_int(m, 2));
}

uint32_t
get_u32(struct msg *m)
{
	return (get_int(m, 4));
}

uint64_t
get_u64(struct msg *m)
{
	return (get_int(m, 8));
}

/* A string that does not fit or has a NUL inside is a flaw. */
void
get_str(struct msg *m, char *buf, size_t size)
{
	size_t		 len = get_u16(m);
	const uint8_t	*p = NULL;

	if (len >= size)
		m->bad = 1;
	else if ((p = take(m, len)) != NULL && memchr(p, '\0', len) != NULL)
		m->bad = 1;
	if (m->bad)
		len = 0;
	else
		memcpy(buf, p, len);
	buf[len] = '\0';
}

void
get_endpoint(struct msg *m, struct endpoint *e)
{
	const uint8_t	*p = take(m, sizeof(e->addr));

	endpoint_clear(e);
	if (p != NULL)
		memcpy(e->addr, p, sizeof(e->addr));
	e->port = get_u16(m);
}

/*
 * What IDOF and USERIDOF say of a name, to their end: its id and, if it is a
 * user's, those of his subordinates.  There must be room for 1 + MAX_SUBUIDS
 * ranges.  Returns how many there are, or 0 if that makes no sense.
 */
size_t
get_ids(struct msg *m, enum presence *found, struct range *ranges)
{
	size_t	 i, n;

	*found = get_u8(m);
	ranges[0].lo = ranges[0].hi = get_u32(m);
	if ((n = get_u16(m)) > MAX_SUBUIDS || *found >= FOUND_MAX)
		return (0);
	for (i = 1; i <= n; i++) {
		ranges[i].lo = get_u32(m);
		ranges[i].hi = get_u32(m);
		if (ranges[i].lo > ranges[i].hi)
			return (0);
	}
	return (msg_end(m) == -1 ? 0 : n + 1);
}

/* Returns 0 if all was read and made sense, else -1. */
int
msg_end(struct msg *m)
{
	return (m->bad || m->pos != m->len ? -1 : 0);
}
