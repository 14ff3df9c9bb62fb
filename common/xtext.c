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

#include <string.h>

#include "sysuser.h"

/*
 * Encode at most max bytes of src as RFC 3461 xtext: what is not printable
 * ASCII, and space, = and +, become +HH.  So a value can end no line, no
 * header and no field of a key=value list.  What was longer ends in "..",
 * encoded, which no value of its own has.  Returns 0, or -1 if dst is too
 * small (max * 3 + 7 bytes always do).
 */
int
xtext(char *dst, size_t size, const char *src, size_t max)
{
	static const char	 hex[] = "0123456789ABCDEF";
	size_t			 n = 0, i;
	unsigned char		 c;
	int			 plain;

	for (i = 0; i < max && (c = src[i]) != '\0'; i++) {
		plain = c > ' ' && c < 0x7f && c != '=' && c != '+';
		if (n + (plain ? 1 : 3) >= size)
			return (-1);
		if (plain)
			dst[n++] = c;
		else {
			dst[n++] = '+';
			dst[n++] = hex[c >> 4];
			dst[n++] = hex[c & 15];
		}
	}
	if (i == max && src[i] != '\0') {
		if (n + 7 > size)
			return (-1);
		memcpy(dst + n, "+2E+2E", 6);
		n += 6;
	}
	if (n >= size)
		return (-1);
	dst[n] = '\0';
	return (0);
}
