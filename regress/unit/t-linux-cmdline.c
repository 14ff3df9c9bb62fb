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
 * SOURCES: resolver/linux_cmdline.c resolver/linux_proc.c
 * LIBS: -lpthread
 *
 * Who lets the reader of his command line wait keeps nobody else waiting.  A
 * FIFO without data stands for his page.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux.h"

static char	 top[] = "/tmp/milter-sysuser.XXXXXX";

/* A directory as of a process, with what its cmdline says; NULL: a FIFO. */
static int
process(const char *name, const char *cmdline, size_t len)
{
	char	 path[128];
	int	 dir, fd;

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true((dir = open(path, O_RDONLY | O_DIRECTORY)) != -1);
	if (cmdline == NULL)
		assert_int_equal(mkfifoat(dir, "cmdline", 0600), 0);
	else {
		assert_true((fd = openat(dir, "cmdline", O_WRONLY | O_CREAT,
		    0600)) != -1);
		assert_int_equal(write(fd, cmdline, len), len);
		close(fd);
	}
	return (dir);
}

static void
remove_process(const char *name, int dir)
{
	char	 path[128];

	(void)unlinkat(dir, "cmdline", 0);
	close(dir);
	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	(void)rmdir(path);
}

/* A reader who got no turn in time is asked again: what is said in the end. */
static size_t
read_until_told(int dir, char *buf, size_t size)
{
	size_t	 n;
	int	 i;

	for (i = 0; (n = cmdline_read(dir, buf, size)) == 0 && i < 1000; i++)
		(void)usleep(10000);
	return (n);
}

static void
t_read(void **state)
{
	char	 buf[64] = "";
	int	 dir = process("1", "ls\0-l", 6), none;

	(void)state;
	assert_int_equal(read_until_told(dir, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "ls -l");
	remove_process("1", dir);
	none = process("2", "", 0);
	assert_int_equal(cmdline_read(none, buf, sizeof(buf)), 0);
	(void)unlinkat(none, "cmdline", 0);
	assert_int_equal(cmdline_read(none, buf, sizeof(buf)), 0);
	remove_process("2", none);
}

static void
t_hangs(void **state)
{
	char	 buf[64] = "";
	int	 slow = process("3", NULL, 0), other = process("4", "vi", 3);
	int	 fd, i;

	(void)state;
	assert_true((fd = openat(slow, "cmdline", O_RDWR)) != -1);
	/* The reader is free: this one is his. */
	assert_int_equal(read_until_told(other, buf, sizeof(buf)), 2);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(cmdline_read(slow, buf, sizeof(buf)), 0);
	/* Nobody has one now, and that is said at once, as often as asked. */
	for (i = 0; i < 1000; i++)
		assert_int_equal(cmdline_read(other, buf, sizeof(buf)), 0);
	/* What comes in the end is the answer to nobody's question. */
	assert_int_equal(write(fd, "late", 5), 5);
	assert_int_equal(read_until_told(other, buf, sizeof(buf)), 2);
	assert_string_equal(buf, "vi");
	close(fd);
	remove_process("3", slow);
	remove_process("4", other);
}

static int
begin(void **state)
{
	(void)state;
	return (mkdtemp(top) == NULL ? -1 : 0);
}

static int
end(void **state)
{
	(void)state;
	return (rmdir(top));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_read),
		cmocka_unit_test(t_hangs)
	};

	return (cmocka_run_group_tests(tests, begin, end));
}
