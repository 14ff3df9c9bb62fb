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
 * Subordinate uids.  Who is said to own one has a range with it.
 *
 * SOURCES: resolver/subuid.c
 */

#include "fuzz.h"
#include "names.h"

#define ROOM		1000
#define NAME_ROOM	66

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return (0);
}

static FILE *
file_open(const struct input *in)
{
	FILE	*f;

	REQUIRE((f = tmpfile()) != NULL);
	REQUIRE(fwrite(in->p, 1, in->left, f) == in->left);
	rewind(f);
	return (f);
}

static int
has_range(FILE *f, const char *name, uint32_t uid)
{
	static struct range	 ranges[ROOM];
	size_t			 i, n;

	rewind(f);
	n = subuid_ranges(f, name, UINT32_MAX, ranges, ROOM);
	for (i = 0; i < n; i++) {
		REQUIRE(ranges[i].lo <= ranges[i].hi && ranges[i].lo != 0);
		if (ranges[i].lo <= uid && uid <= ranges[i].hi)
			return (1);
	}
	return (n == ROOM);
}

/* A uid, and the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	uint32_t	 uid = take_int(&in, 4);
	char		 owner[NAME_ROOM] = "";
	FILE		*f;

	if (in.left == 0)
		return (0);
	f = file_open(&in);
	if (subuid_owner(f, uid, owner, sizeof(owner)))
		REQUIRE(owner[0] != '\0' && has_range(f, owner, uid));
	(void)has_range(f, "bob", uid);
	(void)fclose(f);
	return (0);
}
