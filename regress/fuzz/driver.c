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
 * Runs a harness over its corpus, where there is no libFuzzer: each file as
 * it is, cut in many places, and changed there.  Without arguments the corpus
 * is the one with the name of the program.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define CORPUS		"regress/fuzz/corpus/"
#define PREFIX		"t-fuzz-"
#define INPUT_MAX	65536
#define PLACES		100		/* of an input, to cut and change */

/* It may read its input to the end, and not a byte more. */
static void
run(const uint8_t *data, size_t len)
{
	uint8_t	*copy;

	if ((copy = malloc(len > 0 ? len : 1)) == NULL)
		err(1, "malloc");
	memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
run_changed(uint8_t *data, size_t len)
{
	size_t	 i;

	run(data, len);
	for (i = 0; i < len; i += 1 + len / PLACES) {
		run(data, i);
		data[i] ^= 1 << i % 8;
		run(data, len);
		data[i] = ~data[i];
		run(data, len);
		data[i] = ~data[i] ^ 1 << i % 8;
	}
}

static void
run_file(const char *path)
{
	static uint8_t	 data[INPUT_MAX];
	size_t		 len;
	FILE		*f;

	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	len = fread(data, 1, sizeof(data), f);
	if (ferror(f) || !feof(f))
		errx(1, "%s: can't be read, or too long", path);
	(void)fclose(f);
	run_changed(data, len);
}

static int
is_visible(const struct dirent *d)
{
	return (d->d_name[0] != '.');
}

static const char *
corpus(const char *program)
{
	const char	*name = strrchr(program, '/');
	static char	 path[256];

	name = name == NULL ? program : name + 1;
	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0)
		errx(1, "%s: has no corpus", name);
	(void)snprintf(path, sizeof(path), CORPUS "%s",
	    name + sizeof(PREFIX) - 1);
	return (path);
}

int
main(int argc, char **argv)
{
	struct dirent	**list;
	const char	 *dir;
	char		  path[512];
	int		  i, n;

	(void)LLVMFuzzerInitialize(&argc, &argv);
	if (argc > 1) {
		for (i = 1; i < argc; i++)
			run_file(argv[i]);
		return (0);
	}
	dir = corpus(argv[0]);
	if ((n = scandir(dir, &list, is_visible, alphasort)) == -1)
		err(1, "%s", dir);
	(void)printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
		    list[i]->d_name);
		run_file(path);
		(void)printf("ok %d - %s\n", i + 1, list[i]->d_name);
		(void)fflush(stdout);
		free(list[i]);
	}
	free(list);
	return (n > 0 ? 0 : 1);
}
