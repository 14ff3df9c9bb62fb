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
 * SOURCES: parent/state.c common/xtext.c
 * LIBS: -Wl,--wrap=openat,--wrap=fdopen,--wrap=fsync,--wrap=renameat
 * LIBS: -Wl,--wrap=time,--wrap=calloc
 *
 * The file of those who are blocked at run time: what was written is read
 * again, whatever the names are, and a file that is not ours, or not whole,
 * keeps nobody from starting; what can't be written leaves the old file.
 */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "proc.h"

#define NOW		1750000000
#define HEAD		"milter-sysuser blocks 1\n"
#define MANY_BYTES	(64 * 1024 * 1024)

static char	 dir[64], path[80], bad[80], new[80];
static char	 said[1024];		/* the last warning */
static int	 warnings;
static time_t	 now = NOW;
static int	 fail_open, fail_fdopen, fail_rename, fail_calloc;
static int	 fail_fsync;		/* the first, or the second */

/* What state.c says, and who must not fail it. */
void
log_warnx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	warnings++;
}

void
log_warn(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	warnings++;
}

void
fatal(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

/*
 * What may fail.
 */

int	 __real_openat(int, const char *, int, mode_t);
int	 __wrap_openat(int, const char *, int, mode_t);
FILE	*__real_fdopen(int, const char *);
FILE	*__wrap_fdopen(int, const char *);
int	 __real_fsync(int);
int	 __wrap_fsync(int);
int	 __real_renameat(int, const char *, int, const char *);
int	 __wrap_renameat(int, const char *, int, const char *);
time_t	 __wrap_time(time_t *);
void	*__real_calloc(size_t, size_t);
void	*__wrap_calloc(size_t, size_t);

int
__wrap_openat(int at, const char *name, int flags, mode_t mode)
{
	if (fail_open) {
		errno = EMFILE;
		return (-1);
	}
	return (__real_openat(at, name, flags, mode));
}

FILE *
__wrap_fdopen(int fd, const char *mode)
{
	if (fail_fdopen) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_fdopen(fd, mode));
}

int
__wrap_fsync(int fd)
{
	if (fail_fsync > 0 && --fail_fsync == 0) {
		errno = EIO;
		return (-1);
	}
	return (__real_fsync(fd));
}

int
__wrap_renameat(int from, const char *old, int to, const char *name)
{
	if (fail_rename) {
		errno = EROFS;
		return (-1);
	}
	return (__real_renameat(from, old, to, name));
}

time_t
__wrap_time(time_t *t)
{
	(void)t;
	return (now);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	if (fail_calloc) {
		errno = ENOMEM;
		return (NULL);
	}
	return (__real_calloc(n, size));
}

/*
 * Files.
 */

static void
put_len(const char *text, size_t len)
{
	FILE	*f;

	(void)unlink(path);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
put(const char *text)
{
	put_len(text, strlen(text));
}

/* The file's text, or "" if there is none. */
static const char *
text_of(const char *name)
{
	static char	 buf[65536];
	FILE		*f;
	size_t		 n = 0;

	if ((f = fopen(name, "r")) != NULL) {
		n = fread(buf, 1, sizeof(buf) - 1, f);
		fclose(f);
	}
	buf[n] = '\0';
	return (buf);
}

static int
exists(const char *name)
{
	struct stat	 st;

	return (lstat(name, &st) != -1);
}

static size_t
count(void)
{
	struct block	*b;
	size_t		 n = 0;

	for (b = state_next(NULL); b != NULL; b = state_next(b))
		n++;
	return (n);
}

static const struct block *
find(const char *name, uint32_t uid)
{
	struct block	*b;

	for (b = state_next(NULL); b != NULL; b = state_next(b))
		if (strcmp(b->name, name) == 0 && (*name != '\0' ||
		    b->uid == uid))
			return (b);
	return (NULL);
}

/* Nobody is blocked, and there is no file. */
static int
fresh(void **unused)
{
	struct block	*b;

	(void)unused;
	now = NOW;
	fail_open = fail_fdopen = fail_fsync = fail_rename = fail_calloc = 0;
	while ((b = state_next(NULL)) != NULL)
		state_delete(b->name, b->uid);
	(void)rmdir(path);
	(void)rmdir(bad);
	(void)rmdir(new);
	(void)state_write();
	assert_int_equal(count(), 0);
	(void)unlink(path);
	(void)unlink(bad);
	(void)unlink(new);
	warnings = 0;
	said[0] = '\0';
	return (0);
}

/* What is in memory is forgotten, as by a restart. */
static void
reread(void)
{
	char	 kept[96];

	(void)snprintf(kept, sizeof(kept), "%s/kept", dir);
	if (rename(path, kept) == -1)
		assert_int_equal(errno, ENOENT);
	(void)fresh(NULL);
	if (rename(kept, path) == -1)
		assert_int_equal(errno, ENOENT);
	state_read();
}

/*
 * The tests.
 */

static void
t_none(void **unused)
{
	(void)unused;
	assert_string_equal(state_path(), path);
	state_read();
	assert_int_equal(warnings, 0);
	assert_int_equal(count(), 0);
	/* Nothing is changed, so nothing is written. */
	assert_int_equal(state_write(), 0);
	state_delete("nobody", UID_UNKNOWN);
	assert_int_equal(state_write(), 0);
	assert_false(exists(path));
}

static void
t_format(void **unused)
{
	struct stat	 st;

	(void)unused;
	assert_int_equal(state_set("news", 1, 9, NOW + 3600), 0);
	assert_int_equal(state_set("games", 0, 77, 0), 0);
	assert_int_equal(state_set("", 1, 100001, 0), 0);
	assert_int_equal(state_set("a b", 1, 0, 0), 0);
	assert_int_equal(state_set("-", 1, 4294967294U, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block - 100001 -\n"
	    "block +2D 4294967294 -\n"
	    "block a+20b 0 -\n"
	    "block games - -\n"
	    "block news 9 1750003600\n"
	    "end 5\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_uid, geteuid());
	assert_false(exists(new));
	assert_int_equal(find("games", 0)->uid, UID_UNKNOWN);
}

/* Names that would be something else in the file if they could. */
static void
t_names(void **unused)
{
	static const char	*names[] = {
		"games", " ", "a b", "-", "--", "+", "+2D", "=", "a\nblock b",
		"\n", "end 1", "\001\177\033[1m", "j\303\266rg", "\377\376",
		"block", "#", "0", "4294967295", "\r\n", "\t", "%s%n",
	};
	char			 longest[MAX_ACCOUNT + 1];
	char			 widest[MAX_ACCOUNT + 1];
	const struct block	*b;
	size_t			 i;

	(void)unused;
	memset(longest, 'x', sizeof(longest));
	memset(widest, '\200', sizeof(widest));
	longest[MAX_ACCOUNT] = widest[MAX_ACCOUNT] = '\0';
	for (i = 0; i < NITEMS(names); i++)
		assert_int_equal(state_set(names[i], i % 2, i, i % 3 == 0 ? 0 :
		    (uint64_t)INT64_MAX - i), 0);
	assert_int_equal(state_set(longest, 1, 1, 0), 0);
	assert_int_equal(state_set(widest, 1, 4294967294U, INT64_MAX), 0);
	assert_int_equal(state_set("", 1, 0, 0), 0);
	assert_int_equal(state_set("", 1, 1, INT64_MAX), 0);
	assert_int_equal(state_write(), 0);
	reread();
	assert_string_equal(said, "");
	assert_int_equal(count(), NITEMS(names) + 4);
	for (i = 0; i < NITEMS(names); i++) {
		assert_non_null(b = find(names[i], 0));
		assert_int_equal(b->known, i % 2);
		assert_int_equal(b->uid, i % 2 ? i : UID_UNKNOWN);
		assert_int_equal(b->expires, i % 3 == 0 ? 0 :
		    (uint64_t)INT64_MAX - i);
	}
	assert_int_equal(find(longest, 0)->uid, 1);
	assert_int_equal(find(widest, 0)->uid, 4294967294U);
	assert_int_equal(find(widest, 0)->expires, INT64_MAX);
	assert_int_equal(find("", 0)->expires, 0);
	assert_int_equal(find("", 1)->expires, INT64_MAX);
}

/* Who is the same: by name if there is one, else by uid. */
static void
t_same(void **unused)
{
	(void)unused;
	assert_int_equal(state_set("games", 0, 0, 0), 0);
	assert_int_equal(state_set("games", 1, 5, NOW + 10), 0);
	assert_int_equal(state_set("news", 1, 5, 0), 0);
	assert_int_equal(state_set("", 1, 5, 0), 0);
	assert_int_equal(state_set("", 1, 6, 0), 0);
	assert_int_equal(count(), 4);
	assert_int_equal(find("games", 0)->uid, 5);
	assert_int_equal(find("games", 0)->expires, NOW + 10);
	state_delete("games", 77);
	assert_null(find("games", 0));
	state_delete("", 5);
	assert_null(find("", 5));
	assert_non_null(find("", 6));
	assert_non_null(find("news", 0));
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block - 6 -\nblock news 5 -\nend 2\n");
	/* The same again is no change, something else is. */
	(void)unlink(path);
	assert_int_equal(state_set("news", 1, 5, 0), 0);
	state_delete("games", 5);
	assert_int_equal(state_write(), 0);
	assert_false(exists(path));
	assert_int_equal(state_set("news", 0, 5, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block - 6 -\nblock news - -\nend 2\n");
	assert_int_equal(state_set("news", 0, 0, NOW + 9), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block - 6 -\nblock news - 1750000009\nend 2\n");
	state_delete("news", 0);
	state_delete("", 6);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD "end 0\n");
	reread();
	assert_int_equal(warnings, 0);
}

static void
t_expiry(void **unused)
{
	(void)unused;
	assert_int_equal(state_set("soon", 1, 1, NOW + 1), 0);
	assert_int_equal(state_set("later", 1, 2, NOW + 2), 0);
	assert_int_equal(state_set("never", 1, 3, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_int_equal(count(), 3);
	now++;
	assert_int_equal(count(), 2);
	assert_null(find("soon", 0));
	/* Of the one who is gone by himself nothing need be written. */
	assert_non_null(strstr(text_of(path), "soon"));
	assert_int_equal(state_set("never", 1, 4, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block later 2 1750000002\nblock never 4 -\nend 2\n");
	/* Who is over is not read. */
	reread();
	assert_int_equal(count(), 2);
	now = NOW + 2;
	put(HEAD "block later 2 1750000002\nblock never 4 -\nend 2\n");
	state_delete("never", 0);
	state_read();
	assert_int_equal(count(), 1);
	/* An end that is over is taken, and leaves nothing. */
	assert_int_equal(state_set("past", 1, 1, 1), 0);
	assert_null(find("past", 0));
	assert_int_equal(state_write(), 0);
	assert_null(strstr(text_of(path), "past"));
	assert_int_equal(warnings, 0);
	assert_true(exists(path));
}

static void
t_damage(void **unused)
{
	static const struct {
		const char	*text;
		int		 line, kept;
		const char	*why;
	} table[] = {
		{ "", 1, 0, "has no end" },
		{ "\n", 1, 0, "is not \"milter-sysuser blocks 1\"" },
		{ "milter-sysuser blocks 2\nend 0\n", 1, 0, "is not" },
		{ "milter-sysuser blocks 1", 1, 0, "is cut" },
		{ " milter-sysuser blocks 1\nend 0\n", 1, 0, "is not" },
		{ "end 0\n", 1, 0, "is not" },
		{ HEAD, 2, 0, "has no end" },
		{ HEAD "block a 1 -\n", 3, 1, "has no end" },
		{ HEAD "block a 1 -\nblock b 2 -", 3, 1, "is cut" },
		{ HEAD "block a 1 -\nend 1", 3, 1, "is cut" },
		/* As many as it says. */
		{ HEAD "end 1\n", 2, 0, "is not the number" },
		{ HEAD "block a 1 -\nend 0\n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend 2\n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend 01\n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend 1 \n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend \n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend -1\n", 3, 1, "is not the number" },
		{ HEAD "block a 1 -\nend\n", 3, 1, "is not \"block" },
		{ HEAD "block a 1 -\nend 1\n\n", 4, 1, "follows the end" },
		{ HEAD "end 0\nx", 3, 0, "follows the end" },
		{ HEAD "end 0\nblock a 1 -\n", 3, 0, "follows the end" },
		/* Fields that are missing, or too many. */
		{ HEAD "\nend 0\n", 2, 0, "is not \"block" },
		{ HEAD "block\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a 1\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a 1 - \nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a 1 - -\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block  a 1 -\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD " block a 1 -\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "Block a 1 -\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a 1\t-\nend 1\n", 2, 0, "is not \"block" },
		{ HEAD "block a 1 -\r\nend 1\r\n", 2, 0, "no good time" },
		{ HEAD "garbage\n", 2, 0, "is not \"block" },
		/* Names. */
		{ HEAD "block  1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block a=b 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block + 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block +2 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block +2g 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block +2d 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block a+00 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block \303\266 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block a\033 1 -\nend 1\n", 2, 0, "no good name" },
		{ HEAD "block - - -\nend 1\n", 2, 0, "neither" },
		/* Numbers. */
		{ HEAD "block a 4294967295 -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a 4294967296 -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a 18446744073709551617 -\n", 2, 0, "good uid" },
		{ HEAD "block a -1 -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a +1 -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a  -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a 1x -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a 0x1 -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a b -\nend 1\n", 2, 0, "good uid" },
		{ HEAD "block a 1 0\nend 1\n", 2, 0, "good time" },
		{ HEAD "block a 1 -5\nend 1\n", 2, 0, "good time" },
		{ HEAD "block a 1 \nend 1\n", 2, 0, "good time" },
		{ HEAD "block a 1 1750000001.5\nend 1\n", 2, 0, "good time" },
		{ HEAD "block a 1 9223372036854775808\n", 2, 0, "good time" },
		{ HEAD "block a 1 never\nend 1\n", 2, 0, "good time" },
		/* What stands before is used, not what comes then. */
		{ HEAD "block a 1 -\nblock b 2 1750000009\nblock c x -\n"
		    "block d 4 -\nend 4\n", 4, 2, "good uid" },
		{ HEAD "block a 1 1\nblock b 2 -\nblock c 3\nend 3\n", 4, 1,
		    "is not \"block" },
	};
	char	 expect[256];
	size_t	 i, n;

	(void)unused;
	for (i = 0; i < NITEMS(table); i++) {
		(void)fresh(NULL);
		put(table[i].text);
		state_read();
		n = snprintf(expect, sizeof(expect), "%s:%d: ", path,
		    table[i].line);
		if (warnings != 1 || strncmp(said, expect, n) != 0 ||
		    strstr(said, table[i].why) == NULL ||
		    strcmp(text_of(bad), table[i].text) != 0 ||
		    count() != (size_t)table[i].kept ||
		    exists(path) != (table[i].kept > 0))
			fail_msg("\"%s\": %d: %s", table[i].text, warnings,
			    said);
		(void)snprintf(expect, sizeof(expect), "set aside as %s, %d "
		    "blocks that stand before are used", bad, table[i].kept);
		assert_non_null(strstr(said, expect));
		/* That is what the next start finds. */
		reread();
		assert_int_equal(warnings, 0);
		assert_int_equal(count(), table[i].kept);
	}
}

/* What C takes for an end is none; and lines that do not fit. */
static void
t_damage_long(void **unused)
{
	static const char	 nul[] = HEAD "block a 1 -\nblock b\0 1 -\n"
				    "end 2\n";
	static const char	 nul_end[] = HEAD "end 0\0\n";
	char			 text[8192], name[MAX_ACCOUNT + 8];
	size_t			 len;

	(void)unused;
	put_len(nul, sizeof(nul) - 1);
	state_read();
	assert_non_null(strstr(said, ":3: is cut, too long or has a NUL"));
	assert_int_equal(count(), 1);
	(void)fresh(NULL);
	put_len(nul_end, sizeof(nul_end) - 1);
	state_read();
	assert_non_null(strstr(said, ":2: is cut"));

	memset(name, 'n', sizeof(name));
	for (len = MAX_ACCOUNT - 1; len < MAX_ACCOUNT + 3; len++) {
		(void)fresh(NULL);
		(void)snprintf(text, sizeof(text), HEAD "block %.*s 1 -\n"
		    "end 1\n", (int)len, name);
		put(text);
		state_read();
		assert_int_equal(warnings, len > MAX_ACCOUNT);
		assert_int_equal(count(), len <= MAX_ACCOUNT);
	}
	for (len = 900; len < 5000; len++) {
		if (len == 1100)
			len = 4000;
		(void)fresh(NULL);
		(void)snprintf(text, sizeof(text), HEAD "%0*d\nend 1\n",
		    (int)len, 0);
		put(text);
		state_read();
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(said, ":2: "));
	}
}

/* What is there instead of a file; and files that others could write. */
static void
t_kinds(void **unused)
{
	static const mode_t	 modes[] = { 0620, 0602, 0666, 01602 };
	char			 target[80];
	struct stat		 st;
	size_t			 i;

	(void)unused;
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	put(HEAD "block a 1 -\nend 1\n");
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink("target", path), 0);
	state_read();
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(said, "blocks: Too many levels"));
	assert_int_equal(count(), 0);
	assert_int_equal(lstat(bad, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	(void)unlink(target);

	/* An older one goes, even a directory. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(mkdir(path, 0700), 0);
		warnings = 0;
		state_read();
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(said, "blocks: is no regular file: "));
		assert_false(exists(path));
		assert_int_equal(lstat(bad, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
	}
	assert_int_equal(mkfifo(path, 0600), 0);
	warnings = 0;
	state_read();
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(said, "blocks: is no regular file: "));
	assert_int_equal(lstat(bad, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));

	for (i = 0; i < NITEMS(modes); i++) {
		put(HEAD "block a 1 -\nend 1\n");
		assert_int_equal(chmod(path, modes[i]), 0);
		warnings = 0;
		state_read();
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(said, "must not be writable"));
		assert_int_equal(count(), 0);
		assert_false(exists(path));
	}
	if (geteuid() == 0) {
		put(HEAD "block a 1 -\nend 1\n");
		assert_int_equal(chown(path, 1, 0), 0);
		warnings = 0;
		state_read();
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(said, "must be root's"));
		assert_int_equal(count(), 0);
	}
}

/* One that can't be opened, read or set aside. */
static void
t_read_fails(void **unused)
{
	(void)unused;
	put(HEAD "block a 1 -\nend 1\n");
	fail_open = 1;
	state_read();
	fail_open = 0;
	assert_non_null(strstr(said, "blocks: Too many open files"));
	assert_false(exists(path));

	put(HEAD "block a 1 -\nend 1\n");
	fail_fdopen = 1;
	state_read();
	fail_fdopen = 0;
	assert_non_null(strstr(said, "blocks: Cannot allocate memory"));
	assert_int_equal(count(), 0);

	/* Then it stays, and so do those who could be read. */
	put(HEAD "block a 1 -\nrubbish\n");
	warnings = 0;
	fail_rename = 1;
	state_read();
	fail_rename = 0;
	assert_int_equal(warnings, 3);
	assert_string_equal(text_of(path), HEAD "block a 1 -\nrubbish\n");
	assert_int_equal(count(), 1);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD "block a 1 -\nend 1\n");
}

/* Each way to fail leaves the old file, and what was changed in memory. */
static void
fails(int error, const char *how)
{
	static const char	 old[] = HEAD "block a 1 -\nend 1\n";

	if (state_write() != -1 || errno != error)
		fail_msg("%s: %s", how, strerror(errno));
	if (strcmp(text_of(path), old) != 0 || exists(new))
		fail_msg("%s: the file is another one", how);
	assert_non_null(find("b", 0));
	/* It is not forgotten that there is something to write. */
	fail_open = fail_fdopen = fail_fsync = fail_rename = 0;
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block a 1 -\nblock b 2 -\nend 2\n");
	state_delete("b", 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), old);
	assert_int_equal(state_set("b", 1, 2, 0), 0);
}

static void
t_write_fails(void **unused)
{
	struct rlimit	 old, small = { 30, RLIM_INFINITY };
	size_t		 i;

	(void)unused;
	assert_int_equal(state_set("a", 1, 1, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_int_equal(state_set("b", 1, 2, 0), 0);

	fail_open = 1;
	fails(EMFILE, "open");
	fail_fdopen = 1;
	fails(ENOMEM, "fdopen");
	fail_fsync = 1;
	fails(EIO, "fsync");
	fail_rename = 1;
	fails(EROFS, "rename");

	/* A full disk, so to speak. */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(state_write(), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_string_equal(text_of(path), HEAD "block a 1 -\nend 1\n");
	assert_false(exists(new));
	/* And one that is full in the middle. */
	for (i = 0; i < 1000; i++)
		assert_int_equal(state_set("", 1, i, 0), 0);
	small.rlim_cur = 9000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(state_write(), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_string_equal(text_of(path), HEAD "block a 1 -\nend 1\n");
	assert_false(exists(new));
	for (i = 0; i < 1000; i++)
		state_delete("", i);

	/* The directory's: the new file is there, and perhaps not for long. */
	fail_fsync = 2;
	assert_int_equal(state_write(), -1);
	assert_int_equal(errno, EIO);
	(void)unlink(path);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD
	    "block a 1 -\nblock b 2 -\nend 2\n");

	/* Without memory it is not even a change. */
	fail_calloc = 1;
	assert_int_equal(state_set("c", 1, 3, 0), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(state_set("a", 1, 4, 0), 0);
	fail_calloc = 0;
	assert_null(find("c", 0));
	assert_int_equal(find("a", 0)->uid, 4);
}

/* What somebody left in the way of the new file. */
static void
t_in_the_way(void **unused)
{
	char		 target[80];
	struct stat	 st;

	(void)unused;
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(symlink("target", new), 0);
	assert_int_equal(state_set("a", 1, 1, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_false(exists(target));
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);

	assert_int_equal(mkfifo(new, 0600), 0);
	assert_int_equal(state_set("a", 1, 2, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD "block a 2 -\nend 1\n");

	assert_int_equal(mkdir(new, 0700), 0);
	assert_int_equal(state_set("a", 1, 3, 0), 0);
	assert_int_equal(state_write(), -1);
	assert_int_equal(errno, EEXIST);
	assert_string_equal(text_of(path), HEAD "block a 2 -\nend 1\n");
	assert_int_equal(rmdir(new), 0);
	assert_int_equal(state_write(), 0);
	assert_string_equal(text_of(path), HEAD "block a 3 -\nend 1\n");

	/* A symbolic link in its place is replaced, not followed. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(state_set("a", 1, 4, 0), 0);
	assert_int_equal(state_write(), 0);
	assert_false(exists(target));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* As many as there may be, with names as long as they may be. */
static void
t_many(void **unused)
{
	char			 name[MAX_ACCOUNT + 1];
	struct timespec		 began, ended;
	struct stat		 st;
	const struct block	*b;
	FILE			*f;
	uint32_t		 i;

	(void)unused;
	memset(name, '\377', sizeof(name));
	name[MAX_ACCOUNT] = '\0';
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	for (i = 0; i < BLOCKS_MAX; i++) {
		(void)snprintf(name + MAX_ACCOUNT - 6, 7, "%06u", i);
		assert_int_equal(state_set(name, 1, i, i == 50000 ? NOW + 5 :
		    0), 0);
	}
	assert_int_equal(state_set("one more", 1, 1, 0), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(state_set("", 1, 1, 0), -1);
	/* Who is in may be changed. */
	assert_int_equal(state_set(name, 0, 0, 0), 0);
	assert_int_equal(state_write(), 0);
	/* What was written is not too much to be read. */
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > MANY_BYTES);
	reread();
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_string_equal(said, "");
	assert_int_equal(count(), BLOCKS_MAX);
	assert_non_null(b = find(name, 0));
	assert_int_equal(b->known, 0);
	assert_true(ended.tv_sec - began.tv_sec < 30);

	/* There is room when one is over. */
	assert_int_equal(state_set("one more", 1, 1, 0), -1);
	now = NOW + 5;
	assert_int_equal(count(), BLOCKS_MAX - 1);
	assert_int_equal(state_set("one more", 1, 1, 0), 0);
	assert_int_equal(state_set("two more", 1, 1, 0), -1);
	state_delete(name, 0);
	assert_int_equal(state_set("two more", 1, 1, 0), 0);

	/* A file with one more than that. */
	(void)fresh(NULL);
	assert_non_null(f = fopen(path, "w"));
	fprintf(f, HEAD);
	for (i = 0; i <= BLOCKS_MAX; i++)
		fprintf(f, "block - %u %s\n", i, i % 2 ? "1" : "-");
	fprintf(f, "end %u\n", i);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	state_read();
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(said, ":100002: is an entry too many"));
	assert_int_equal(count(), BLOCKS_MAX / 2);
	/* And a large one of nothing. */
	(void)fresh(NULL);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(ftruncate(fileno(f), (off_t)1 << 32), 0);
	fclose(f);
	state_read();
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(said, ":1: is cut"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(t_none, fresh),
		cmocka_unit_test_setup(t_format, fresh),
		cmocka_unit_test_setup(t_names, fresh),
		cmocka_unit_test_setup(t_same, fresh),
		cmocka_unit_test_setup(t_expiry, fresh),
		cmocka_unit_test_setup(t_damage, fresh),
		cmocka_unit_test_setup(t_damage_long, fresh),
		cmocka_unit_test_setup(t_kinds, fresh),
		cmocka_unit_test_setup(t_read_fails, fresh),
		cmocka_unit_test_setup(t_write_fails, fresh),
		cmocka_unit_test_setup(t_in_the_way, fresh),
		cmocka_unit_test_setup(t_many, fresh),
	};
	int			 rv;

	(void)umask(022);
	(void)strlcpy(dir, "/tmp/milter-sysuser.XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL)
		return (1);
	(void)snprintf(path, sizeof(path), "%s/blocks", dir);
	(void)snprintf(bad, sizeof(bad), "%s/blocks.bad", dir);
	(void)snprintf(new, sizeof(new), "%s/blocks.new", dir);
	state_init(dir);
	rv = cmocka_run_group_tests(tests, NULL, NULL);
	(void)fresh(NULL);
	/* What a test left that did not get to its end. */
	(void)snprintf(bad, sizeof(bad), "%s/target", dir);
	(void)unlink(bad);
	(void)snprintf(bad, sizeof(bad), "%s/kept", dir);
	(void)unlink(bad);
	(void)rmdir(dir);
	return (rv);
}
