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
 * SOURCES: common/privdrop.c
 * LIBS: -Wl,--wrap=stat,--wrap=chroot,--wrap=chdir,--wrap=setgroups
 * LIBS: -Wl,--wrap=setresgid,--wrap=setresuid,--wrap=setuid,--wrap=setgid
 *
 * The way down from root: each step in its order, and none that fails is
 * passed over.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "sysuser.h"

static char		 said[512];	/* the calls, in their order */
static char		 why[128];	/* it gave up */
static const char	*failing;	/* this call */
static int		 climbs;	/* root can be had back */
static struct stat	 dir;
static jmp_buf		 died;

int	 __wrap_stat(const char *, struct stat *);
int	 __wrap_chroot(const char *);
int	 __wrap_chdir(const char *);
int	 __wrap_setgroups(size_t, const gid_t *);
int	 __wrap_setresgid(gid_t, gid_t, gid_t);
int	 __wrap_setresuid(uid_t, uid_t, uid_t);
int	 __wrap_setuid(uid_t);
int	 __wrap_setgid(gid_t);

static int
call(const char *name, const char *fmt, ...)
{
	char	 args[64];
	va_list	 ap;
	size_t	 n = strlen(said);

	va_start(ap, fmt);
	(void)vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	(void)snprintf(said + n, sizeof(said) - n, "%s(%s) ", name, args);
	errno = EPERM;
	return (failing != NULL && strcmp(failing, name) == 0 ? -1 : 0);
}

int
__wrap_stat(const char *path, struct stat *st)
{
	*st = dir;
	return (call("stat", "%s", path));
}

int
__wrap_chroot(const char *path)
{
	return (call("chroot", "%s", path));
}

int
__wrap_chdir(const char *path)
{
	return (call("chdir", "%s", path));
}

int
__wrap_setgroups(size_t n, const gid_t *list)
{
	return (call("setgroups", "%zu: %ld", n, (long)list[0]));
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	return (call("setresgid", "%ld %ld %ld", (long)r, (long)e, (long)s));
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	return (call("setresuid", "%ld %ld %ld", (long)r, (long)e, (long)s));
}

int
__wrap_setuid(uid_t uid)
{
	(void)call("setuid", "%ld", (long)uid);
	return (climbs ? 0 : -1);
}

int
__wrap_setgid(gid_t gid)
{
	(void)call("setgid", "%ld", (long)gid);
	return (climbs ? 0 : -1);
}

void
caps_before(int keep)
{
	(void)call("caps_before", "%d", keep);
}

void
caps_after(int keep)
{
	(void)call("caps_after", "%d", keep);
}

void
fatal(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(died, 1);
}

void
fatalx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(died, 1);
}

/* Returns why it gave up, or "" if it did not. */
static const char *
drop(const char *path)
{
	said[0] = why[0] = '\0';
	if (setjmp(died) == 0)
		privdrop(8, 9, path, KEEP_INSPECT);
	return (why);
}

static int
begin(void **state)
{
	(void)state;
	failing = NULL;
	climbs = 0;
	memset(&dir, 0, sizeof(dir));
	dir.st_mode = S_IFDIR | 0755;
	return (0);
}

static void
t_order(void **state)
{
	(void)state;
	assert_string_equal(drop("/d"), "");
	assert_string_equal(said, "stat(/d) chroot(/d) chdir(/) "
	    "caps_before(1) setgroups(1: 9) setresgid(9 9 9) "
	    "setresuid(8 8 8) caps_after(1) setuid(0) setgid(0) ");
	assert_string_equal(drop(NULL), "");
	assert_string_equal(said, "caps_before(1) setgroups(1: 9) "
	    "setresgid(9 9 9) setresuid(8 8 8) caps_after(1) "
	    "setuid(0) setgid(0) ");
}

static void
t_failing(void **state)
{
	static const struct {
		const char	*call;
		const char	*why;
	}	 rows[] = {
		{ "stat",	"/d" },
		{ "chroot",	"chroot /d" },
		{ "chdir",	"chdir" },
		{ "setgroups",	"setgroups" },
		{ "setresgid",	"setresgid 9" },
		{ "setresuid",	"setresuid 8" }
	};
	const char	*last;
	size_t		 i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++) {
		failing = rows[i].call;
		assert_string_equal(drop("/d"), rows[i].why);
		/* And nothing was done after it. */
		last = strstr(said, failing);
		assert_non_null(last);
		assert_string_equal(strchr(last, ')'), ") ");
	}
}

static void
t_directory(void **state)
{
	static const struct {
		uid_t	 uid;
		mode_t	 mode;
	}	 rows[] = { { 8, 0755 }, { 0, 0775 }, { 0, 0757 }, { 0, 01777 } };
	size_t	 i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++) {
		dir.st_uid = rows[i].uid;
		dir.st_mode = S_IFDIR | rows[i].mode;
		assert_string_equal(drop("/d"),
		    "/d: must be root's and writable by nobody else");
		assert_string_equal(said, "stat(/d) ");
	}
}

static void
t_back(void **state)
{
	(void)state;
	climbs = 1;
	assert_string_equal(drop(NULL), "root came back after the drop");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(t_order, begin),
		cmocka_unit_test_setup(t_failing, begin),
		cmocka_unit_test_setup(t_directory, begin),
		cmocka_unit_test_setup(t_back, begin)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
