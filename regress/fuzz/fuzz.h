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
 * What the harnesses share.  An input is taken apart from its front; what is
 * no longer there is 0 or empty, so that any input is a whole one.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t		*p;
	size_t			 left;
};

/* What must hold whatever the input was. */
#define REQUIRE(what) do {						\
	if (!(what)) {							\
		(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,	\
		    __LINE__, #what);					\
		abort();						\
	}								\
} while (0)

/* Called once before all inputs, and for each input. */
int	 LLVMFuzzerInitialize(int *, char ***);
int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static inline uint8_t
take_u8(struct input *in)
{
	if (in->left == 0)
		return (0);
	in->left--;
	return (*in->p++);
}

static inline uint32_t
take_int(struct input *in, int bytes)
{
	uint32_t	 v = 0;

	while (bytes-- > 0)
		v = v << 8 | take_u8(in);
	return (v);
}

/* Bytes as many as two bytes before them say, or as there are. */
static inline struct input
take_part(struct input *in)
{
	size_t		 len = take_int(in, 2);
	struct input	 part = { in->p, len < in->left ? len : in->left };

	in->p += part.left;
	in->left -= part.left;
	return (part);
}

/* A string, to be freed: up to the next NUL, or all that is left. */
static inline char *
take_string(struct input *in)
{
	size_t		 len;
	char		*s;

	len = in->left == 0 ? 0 : strnlen((const char *)in->p, in->left);
	REQUIRE((s = malloc(len + 1)) != NULL);
	if (len > 0)
		memcpy(s, in->p, len);
	s[len] = '\0';
	in->p += len;
	in->left -= len;
	(void)take_u8(in);
	return (s);
}

#endif
