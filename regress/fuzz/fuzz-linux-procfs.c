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
 * What is read of a process by way of a descriptor: the command line, which a
 * thread reads, and the list of a control group.
 *
 * SOURCES: resolver/linux_cmdline.c resolver/linux_cgroup.c
 * SOURCES: resolver/linux_files.c resolver/linux_proc.c common/log.c
 * LIBS: -lpthread -Wl,--wrap=openat,--wrap=setmntent,--wrap=open_tree
 * LIBS: -Wl,--wrap=open_by_handle_at
 */

#include <sys/mman.h>

#include <fcntl.h>
#include <mntent.h>
#include <unistd.h>

#include "fuzz.h"
#include "linux.h"

#define ROOM	64

struct file_handle;

FILE	*__wrap_setmntent(const char *, const char *);
int	 __wrap_open_tree(int, const char *, unsigned int);
int	 __wrap_openat(int, const char *, int, ...);
int	 __wrap_open_by_handle_at(int, struct file_handle *, int);

static char	 mounts[] = "none /sys/fs/cgroup cgroup2 rw 0 0\n";
static int	 text = -1;	/* what any file below /proc has in it */

FILE *
__wrap_setmntent(const char *name, const char *mode)
{
	(void)name;
	(void)mode;
	return (fmemopen(mounts, sizeof(mounts) - 1, "r"));
}

int
__wrap_open_tree(int dir, const char *name, unsigned int flags)
{
	(void)dir;
	(void)name;
	(void)flags;
	return (dup(text));
}

/* They share their offset, and only one is open at a time. */
int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	(void)dir;
	(void)name;
	(void)flags;
	(void)lseek(text, 0, SEEK_SET);
	return (dup(text));
}

int
__wrap_open_by_handle_at(int mount, struct file_handle *fh, int flags)
{
	(void)mount;
	(void)fh;
	(void)flags;
	return (dup(text));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	REQUIRE((text = memfd_create("text", MFD_CLOEXEC)) != -1);
	cgroup_open();
	return (0);
}

static void
fuzz_cmdline(struct input *in)
{
	size_t	 size = 1 + take_u8(in), n;
	char	*buf;

	REQUIRE((buf = malloc(size)) != NULL);
	/* Nothing is right as well: the machine may be slow. */
	if ((n = cmdline_read(0, buf, size)) > 0)
		REQUIRE(n < size && strlen(buf) == n);
	free(buf);
}

static void
fuzz_pids(void)
{
	uint32_t	*pids;
	size_t		 i, n;

	REQUIRE((pids = malloc(ROOM * sizeof(*pids))) != NULL);
	n = cgroup_pids(4711, pids, ROOM);
	REQUIRE(n <= ROOM);
	for (i = 0; i < n; i++)
		REQUIRE(pids[i] != 0);
	free(pids);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input	 in = { data, len };

	REQUIRE(ftruncate(text, 0) == 0);
	if (len > 0)
		REQUIRE(pwrite(text, data, len, 0) == (ssize_t)len);
	fuzz_cmdline(&in);
	fuzz_pids();
	return (0);
}
