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
 * The users who are blocked at run time, written atomically, so that they
 * outlive a restart.  control has the table that counts; this is the copy that
 * the next control gets.
 *
 *	milter-sysuser blocks 1
 *	block NAME UID EXPIRES
 *	end ENTRIES
 *
 * NAME is xtext, EXPIRES in seconds since 1970; what is not known or not the
 * case is "-".
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

#define FILE_NAME	"blocks"
#define FILE_NEW	"blocks.new"
#define FILE_BAD	"blocks.bad"
#define FIRST_LINE	"milter-sysuser blocks 1"
#define LINE_SIZE	1024		/* more than an entry can take */

static int	 block_cmp(const struct block *, const struct block *);

RB_HEAD(blocks, block);
RB_PROTOTYPE(blocks, block, entry, block_cmp)
RB_GENERATE(blocks, block, entry, block_cmp)

static struct {
	int		 dir;
	char		*path;		/* of the file, for people */
	struct blocks	 blocks;
	size_t		 n;		/* of them */
	int		 dirty;		/* the file does not say so yet */
} state = { .dir = -1 };

/* A name is one user whatever its uid; without, a uid is. */
static int
block_cmp(const struct block *a, const struct block *b)
{
	int	 rv = strcmp(a->name, b->name);

	if (rv != 0 || *a->name != '\0')
		return (rv);
	return (a->uid < b->uid ? -1 : a->uid > b->uid);
}

static struct block *
block_find(const char *name, uint32_t uid)
{
	struct block	 key;

	(void)strlcpy(key.name, name, sizeof(key.name));
	key.uid = uid;
	return (RB_FIND(blocks, &state.blocks, &key));
}

static void
block_free(struct block *b)
{
	RB_REMOVE(blocks, &state.blocks, b);
	state.n--;
	free(b);
}

static int
expired(uint64_t expires)
{
	return (expires != 0 && expires <= (uint64_t)time(NULL));
}

/* control does not tell us of each that ends by itself. */
static void
drop_expired(void)
{
	struct block	*b, *next;

	RB_FOREACH_SAFE(b, blocks, &state.blocks, next)
		if (expired(b->expires))
			block_free(b);
}

/* In this directory, which is root's alone. */
void
state_init(const char *dir)
{
	if (asprintf(&state.path, "%s/" FILE_NAME, dir) == -1)
		fatal("asprintf");
	state.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state.dir == -1)
		fatal("%s", dir);
	RB_INIT(&state.blocks);
}

const char *
state_path(void)
{
	return (state.path);
}

/*
 * Block a user, or change until when; expires 0 is for good.  It is not
 * written yet.  Returns 0, or -1 and errno: ENOSPC if there are too many.
 */
int
state_set(const char *name, int known, uint32_t uid, uint64_t expires)
{
	struct block	*b;

	if (!known)
		uid = UID_UNKNOWN;
	if ((b = block_find(name, uid)) == NULL) {
		if (state.n >= BLOCKS_MAX)
			drop_expired();
		if (state.n >= BLOCKS_MAX) {
			errno = ENOSPC;
			return (-1);
		}
		if ((b = calloc(1, sizeof(*b))) == NULL)
			return (-1);
		(void)strlcpy(b->name, name, sizeof(b->name));
		b->uid = uid;
		RB_INSERT(blocks, &state.blocks, b);
		state.n++;
	} else if (b->known == known && b->uid == uid &&
	    b->expires == expires)
		return (0);
	b->known = known;
	b->uid = uid;
	b->expires = expires;
	state.dirty = 1;
	return (0);
}

/* The contrary; nor is this written yet. */
void
state_delete(const char *name, uint32_t uid)
{
	struct block	*b;

	if ((b = block_find(name, uid)) == NULL)
		return;
	block_free(b);
	state.dirty = 1;
}

/* The first one after NULL, or NULL after the last. */
struct block *
state_next(struct block *b)
{
	do
		b = b == NULL ? RB_MIN(blocks, &state.blocks) :
		    RB_NEXT(blocks, &state.blocks, b);
	while (b != NULL && expired(b->expires));
	return (b);
}

static int
print_block(FILE *f, const struct block *b)
{
	char	 name[3 * MAX_ACCOUNT + 7], uid[16] = "-", expires[32] = "-";

	if (strcmp(b->name, "-") == 0)
		(void)strlcpy(name, "+2D", sizeof(name));
	else if (*b->name == '\0')
		(void)strlcpy(name, "-", sizeof(name));
	else
		(void)xtext(name, sizeof(name), b->name, MAX_ACCOUNT);
	if (b->known)
		(void)snprintf(uid, sizeof(uid), "%u", b->uid);
	if (b->expires != 0)
		(void)snprintf(expires, sizeof(expires), "%" PRIu64,
		    b->expires);
	return (fprintf(f, "block %s %s %s\n", name, uid, expires));
}

static int
print_all(FILE *f)
{
	struct block	*b;

	if (fprintf(f, FIRST_LINE "\n") < 0)
		return (-1);
	RB_FOREACH(b, blocks, &state.blocks)
		if (print_block(f, b) < 0)
			return (-1);
	if (fprintf(f, "end %zu\n", state.n) < 0 || fflush(f) == EOF)
		return (-1);
	return (fsync(fileno(f)));
}

static int
write_new(void)
{
	FILE	*f;
	int	 fd, rv, saved;

	(void)unlinkat(state.dir, FILE_NEW, 0);
	if ((fd = openat(state.dir, FILE_NEW, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return (-1);
	if ((f = fdopen(fd, "w")) == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	rv = print_all(f);
	saved = errno;
	if (fclose(f) == EOF && rv == 0)
		return (-1);
	errno = saved;
	return (rv);
}

/*
 * Write what was changed: a crash leaves the old file or the new one, whole.
 * Returns 0, or -1 and errno; then the change is only in memory, and the next
 * call tries again.
 */
int
state_write(void)
{
	int	 saved;

	if (!state.dirty)
		return (0);
	drop_expired();
	if (write_new() == -1 ||
	    renameat(state.dir, FILE_NEW, state.dir, FILE_NAME) == -1) {
		saved = errno;
		(void)unlinkat(state.dir, FILE_NEW, 0);
		errno = saved;
		return (-1);
	}
	if (fsync(state.dir) == -1)
		return (-1);
	state.dirty = 0;
	return (0);
}

/* The contrary of xtext(), which never yields what this refuses. */
static int
decode(char *dst, size_t size, const char *src)
{
	static const char	 hex[] = "0123456789ABCDEF";
	const char		*hi, *lo;
	unsigned char		 c;
	size_t			 n = 0;

	for (; (c = *src) != '\0'; src++) {
		if (c == '+') {
			if (src[1] == '\0' || src[2] == '\0' ||
			    (hi = strchr(hex, src[1])) == NULL ||
			    (lo = strchr(hex, src[2])) == NULL)
				return (-1);
			c = (hi - hex) << 4 | (lo - hex);
			src += 2;
		} else if (c <= ' ' || c >= 0x7f || c == '=')
			return (-1);
		if (c == '\0' || n + 1 >= size)
			return (-1);
		dst[n++] = c;
	}
	dst[n] = '\0';
	return (n > 0 ? 0 : -1);
}

/* strtonum(3) alone would take blanks and signs. */
static int
number(const char *s, uint64_t min, uint64_t max, uint64_t *n)
{
	const char	*errstr;

	if (*s < '0' || *s > '9')
		return (-1);
	*n = strtonum(s, min, max, &errstr);
	return (errstr == NULL ? 0 : -1);
}

/* Keep an entry.  Returns what is wrong with it, or NULL. */
static const char *
read_block(char *line)
{
	const char	*word = strsep(&line, " "), *id = strsep(&line, " ");
	const char	*uid = strsep(&line, " "), *until = strsep(&line, " ");
	char		 name[MAX_ACCOUNT + 1] = "";
	uint64_t	 n = UID_UNKNOWN, expires = 0;
	int		 known;

	if (strcmp(word, "block") != 0 || until == NULL || line != NULL)
		return ("is not \"block NAME UID EXPIRES\"");
	if (strcmp(id, "-") != 0 && decode(name, sizeof(name), id) == -1)
		return ("has no good name");
	if ((known = strcmp(uid, "-") != 0) &&
	    number(uid, 0, UID_UNKNOWN - 1, &n) == -1)
		return ("has no good uid");
	if (strcmp(until, "-") != 0 &&
	    number(until, 1, INT64_MAX, &expires) == -1)
		return ("has no good time");
	if (*name == '\0' && !known)
		return ("has neither a name nor a uid");
	if (!expired(expires) && state_set(name, known, n, expires) == -1)
		fatal("calloc");
	return (NULL);
}

/* Returns what is wrong, at this line, or NULL. */
static const char *
read_all(FILE *f, unsigned int *at)
{
	char		 line[LINE_SIZE], end[32];
	const char	*why;
	size_t		 n = 0;

	for (*at = 1; ; ++*at) {
		if (fgets(line, sizeof(line), f) == NULL)
			return (ferror(f) ? strerror(errno) : "has no end");
		if (strchr(line, '\n') == NULL)
			return ("is cut, too long or has a NUL");
		line[strcspn(line, "\n")] = '\0';
		if (*at == 1 && strcmp(line, FIRST_LINE) != 0)
			return ("is not \"" FIRST_LINE "\"");
		if (*at == 1)
			continue;
		if (strncmp(line, "end ", 4) == 0)
			break;
		if (n++ == BLOCKS_MAX)
			return ("is an entry too many");
		if ((why = read_block(line)) != NULL)
			return (why);
	}
	(void)snprintf(end, sizeof(end), "end %zu", n);
	if (strcmp(line, end) != 0)
		return ("is not the number of entries");
	++*at;
	return (fgetc(f) == EOF ? NULL : "follows the end");
}

/* The open file if it is one that we wrote, or NULL and what is wrong. */
static FILE *
open_file(const char **why)
{
	struct stat	 st;
	FILE		*f = NULL;
	int		 fd;

	*why = NULL;
	fd = openat(state.dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (NULL);
	if (fd == -1 || fstat(fd, &st) == -1)
		*why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		*why = "is no regular file";
	else if (st.st_uid != geteuid())
		*why = "must be root's";
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		*why = "must not be writable by group or others";
	else if ((f = fdopen(fd, "r")) == NULL)
		*why = strerror(errno);
	if (f == NULL && fd != -1)
		close(fd);
	return (f);
}

/*
 * Out of the way, for people to look at.  A block is a protection: those that
 * could be read stay, and are written anew at once.
 */
static void
set_aside(unsigned int line, const char *why)
{
	char	 at[16] = "";

	if (line != 0)
		(void)snprintf(at, sizeof(at), ":%u", line);
	log_warnx("%s%s: %s: it is set aside as %s.bad, %zu blocks that stand "
	    "before are used: block the others anew", state.path, at, why,
	    state.path, state.n);
	(void)unlinkat(state.dir, FILE_BAD, 0);
	(void)unlinkat(state.dir, FILE_BAD, AT_REMOVEDIR);
	if (renameat(state.dir, FILE_NAME, state.dir, FILE_BAD) == -1)
		log_warn("%s.bad", state.path);
	state.dirty = state.n > 0;
	if (state_write() == -1)
		log_warn("%s", state.path);
}

/* At start.  That there is no file is nothing to speak of. */
void
state_read(void)
{
	const char	*why;
	unsigned int	 line = 0;
	FILE		*f;

	if ((f = open_file(&why)) != NULL) {
		why = read_all(f, &line);
		fclose(f);
	}
	state.dirty = 0;
	if (why != NULL)
		set_aside(line, why);
}
