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
 * The file of those who are blocked.  Whatever is in it, what was understood
 * is written so that the same is understood again.
 *
 * SOURCES: parent/state.c common/xtext.c common/log.c
 * LIBS: -Wl,--wrap=openat,--wrap=renameat,--wrap=unlinkat,--wrap=fsync
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "proc.h"

#define KEPT	64

int	 __wrap_openat(int, const char *, int, ...);
int	 __wrap_renameat(int, const char *, int, const char *);
int	 __wrap_unlinkat(int, const char *, int);
int	 __wrap_fsync(int);

static int	 old = -1, new = -1;	/* the file, and the next one */

static int
again(int fd, int flags)
{
	char	 path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (open(path, flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)));
}

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	(void)dir;
	if (strcmp(name, "blocks") == 0)
		return (again(old, flags));
	REQUIRE(strcmp(name, "blocks.new") == 0 && flags & O_EXCL);
	REQUIRE(ftruncate(new, 0) == 0);
	return (again(new, flags));
}

int
__wrap_renameat(int from, const char *name, int to, const char *other)
{
	int	 fd = old;

	(void)from;
	(void)to;
	(void)other;
	if (strcmp(name, "blocks.new") == 0) {
		old = new;
		new = fd;
	}
	return (0);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	(void)dir;
	(void)name;
	(void)flags;
	return (0);
}

int
__wrap_fsync(int fd)
{
	(void)fd;
	return (0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	REQUIRE((old = memfd_create("old", MFD_CLOEXEC)) != -1 &&
	    (new = memfd_create("new", MFD_CLOEXEC)) != -1 &&
	    fchmod(old, 0600) == 0 && fchmod(new, 0600) == 0);
	log_init("fuzz", open("/dev/null", O_WRONLY), 0);
	state_init("/");
	return (0);
}

static size_t
blocks_get(struct block *list)
{
	struct block	*b;
	size_t		 n = 0;

	for (b = state_next(NULL); b != NULL && n < KEPT; b = state_next(b)) {
		REQUIRE(b->known || b->name[0] != '\0');
		list[n++] = *b;
	}
	return (n);
}

static void
blocks_drop(void)
{
	struct block	*b, copy;

	while ((b = state_next(NULL)) != NULL) {
		copy = *b;
		state_delete(copy.name, copy.uid);
	}
}

/* One that is long past comes and goes, so that there is something to write. */
static void
blocks_write(void)
{
	REQUIRE(state_set("+", 1, 1, 1) == 0);
	state_delete("+", 1);
	REQUIRE(state_write() == 0);
}

static void
compare(const struct block *a, const struct block *b)
{
	REQUIRE(strcmp(a->name, b->name) == 0);
	REQUIRE(a->known == b->known && a->expires == b->expires);
	REQUIRE(!a->known || a->uid == b->uid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct block	 before[KEPT], after[KEPT];
	size_t			 i, n;

	REQUIRE(ftruncate(old, 0) == 0);
	if (len > 0)
		REQUIRE(pwrite(old, data, len, 0) == (ssize_t)len);
	state_read();
	n = blocks_get(before);
	blocks_write();
	blocks_drop();
	state_read();
	REQUIRE(blocks_get(after) == n);
	for (i = 0; i < n; i++)
		compare(&before[i], &after[i]);
	blocks_drop();
	blocks_write();
	return (0);
}
