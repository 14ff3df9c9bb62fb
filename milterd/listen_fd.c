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
 * How a bound socket reaches a libmilter that knows "fd:N", as Debian's does
 * (its patch socket_activation).
 */

#include <libmilter/mfapi.h>
#include <stdio.h>

#include "log.h"
#include "milterd.h"

/* Before the drop: nothing to do. */
void
listen_prepare(int family, const char *dir)
{
	(void)family;
	(void)dir;
}

/* Returns the descriptor that libmilter accepts from. */
int
listen_adopt(int fd)
{
	char	 conn[32];

	(void)snprintf(conn, sizeof(conn), "fd:%d", fd);
	if (smfi_setconn(conn) != MI_SUCCESS)
		fatalx("libmilter does not take %s", conn);
	return (fd);
}
