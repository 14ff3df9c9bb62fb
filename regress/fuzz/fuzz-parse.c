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
 * The configuration, and that what is printed of it parses to itself.  Files
 * are parts of the input: the configuration, and two that it can name.
 *
 * SOURCES: obj/parse.c parent/conf.c common/addr.c common/answer.c
 * SOURCES: common/chan.c common/clock.c common/confwire.c common/log.c
 * SOURCES: common/msgtab.c common/wire.c common/xtext.c
 * LIBS: -Wl,--wrap=open
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "parent.h"

static struct file {
	const char	*name;
	int		 fd;		/* the same each time it is named */
} files[] = {
	{ .name = "/conf" }, { .name = "/inc" }, { .name = "/names" }
};

int	 __real_open(const char *, int, ...);
int	 __wrap_open(const char *, int, ...);

/* No other file is there. */
int
__wrap_open(const char *name, int flags, ...)
{
	char	 path[32];
	size_t	 i;

	(void)flags;
	for (i = 0; i < NITEMS(files); i++)
		if (strcmp(name, files[i].name) == 0) {
			(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
			    files[i].fd);
			return (__real_open(path, O_RDONLY | O_CLOEXEC));
		}
	errno = ENOENT;
	return (-1);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t	 i;

	(void)argc;
	(void)argv;
	for (i = 0; i < NITEMS(files); i++) {
		files[i].fd = memfd_create("conf", MFD_CLOEXEC);
		REQUIRE(files[i].fd != -1 &&
		    fchmod(files[i].fd, 0600) == 0);
	}
	log_init("fuzz", __real_open("/dev/null", O_WRONLY), 0);
	return (0);
}

static void
file_write(struct file *f, const void *text, size_t len)
{
	REQUIRE(ftruncate(f->fd, 0) == 0);
	REQUIRE(pwrite(f->fd, text, len, 0) == (ssize_t)len);
}

static struct conf *
parse(void)
{
	struct conf	*conf;
	char		 why[256];

	conf = parse_config(files[0].name, getuid(), why, sizeof(why));
	REQUIRE(conf != NULL || why[0] != '\0');
	return (conf);
}

/* To be freed. */
static char *
print(const struct conf *conf)
{
	FILE	*was = stdout;
	char	*text;
	size_t	 len;

	REQUIRE((stdout = open_memstream(&text, &len)) != NULL);
	conf_print(conf);
	REQUIRE(fclose(stdout) == 0);
	stdout = was;
	REQUIRE(strlen(text) == len);
	return (text);
}

/* Tables stay in their files: those are not written anew. */
static void
check_print(const struct conf *conf)
{
	struct conf	*again;
	char		*text = print(conf), *more;

	file_write(&files[0], text, strlen(text));
	REQUIRE((again = parse()) != NULL);
	more = print(again);
	REQUIRE(strcmp(text, more) == 0);
	conf_free(again);
	free(text);
	free(more);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };
	struct conf	*conf;
	char		*text;
	size_t		 i;

	/* The two others first: each ends with a NUL. */
	for (i = NITEMS(files); i-- > 0;) {
		text = i > 0 ? take_string(&in) : NULL;
		if (text != NULL)
			file_write(&files[i], text, strlen(text));
		else
			file_write(&files[i], in.p, in.left);
		free(text);
	}
	if ((conf = parse()) != NULL)
		check_print(conf);
	conf_free(conf);
	return (0);
}
