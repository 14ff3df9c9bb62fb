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
 * Processes that were found lately, kept open.  A descriptor of /proc/PID
 * belongs to one process for ever: once that has ended, all that is asked
 * through it fails, even if its pid is used again.  So what is read through
 * one is of the process whose start time was read when it was opened, and to
 * read it once more costs a part of opening it again.  What can change in a
 * process, and that is everything but its start, is read each time; also where
 * a link points to, of which it is the name that is kept open.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"

#define KNOWN_MAX	64
#define EACH		(1 + KEPT_MAX)	/* descriptors */
#define SHED		2		/* processes, whose are to be closed */

static const char *const	 names[KEPT_MAX] = {
	[KEPT_CGROUP] = "cgroup",
	[KEPT_COMM] = "comm",
	[KEPT_LOGINUID] = "loginuid",
	[KEPT_CWD] = "cwd",
	[KEPT_EXE] = "exe"
};

static struct {
	struct known		 list[KNOWN_MAX];
	size_t			 n;		/* places; 0 at first */
	uint64_t		 uses;
	int			 shed[SHED * EACH];	/* to be closed */
	size_t			 nshed;
} known;

/* A quarter of our descriptors is for this, shed ones included. */
static size_t
room(void)
{
	struct rlimit	 rl;
	size_t		 n;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    (n = rl.rlim_cur / (4 * EACH)) <= SHED)
		return (1);
	n -= SHED;
	return (n < KNOWN_MAX ? n : KNOWN_MAX);
}

static void
none(struct known *k)
{
	size_t	 i;

	k->pid = NO_PID;
	k->used = 0;
	k->dir = -1;
	k->asked = 0;
	k->at = -1;
	for (i = 0; i < KEPT_MAX; i++)
		k->files[i] = -1;
}

/*
 * To close what belonged to a process that has ended takes longer than to read
 * it: that can wait for known_rest(), where there are descriptors enough.
 */
static void
shed(int fd)
{
	if (fd == -1)
		return;
	if (known.n > 1 && known.nshed < NITEMS(known.shed))
		known.shed[known.nshed++] = fd;
	else
		(void)close(fd);
}

/* When nobody waits for an answer. */
void
known_rest(void)
{
	while (known.nshed > 0)
		(void)close(known.shed[--known.nshed]);
}

static void
forget(struct known *k)
{
	size_t	 i;

	for (i = 0; i < KEPT_MAX; i++)
		shed(k->files[i]);
	shed(k->dir);
	none(k);
}

static struct known *
find(uint32_t pid)
{
	struct known	*k;

	for (k = known.list; k < known.list + known.n; k++)
		if (k->pid == pid)
			return (k);
	return (NULL);
}

/* That of an earlier process of this pid, else the one not used for longest. */
static struct known *
place(uint32_t pid)
{
	struct known	*k, *oldest = known.list;

	if (known.n == 0)
		for (known.n = room(), k = known.list;
		    k < known.list + known.n; k++)
			none(k);
	if ((k = find(pid)) != NULL)
		return (k);
	for (k = known.list; k < known.list + known.n; k++)
		if (k->used < oldest->used)
			oldest = k;
	return (oldest);
}

/*
 * Open it, even if one of that pid is known.  It is good until the next one
 * is opened.  Returns NULL if there is no such process.
 */
struct known *
known_open(uint32_t pid)
{
	int	 dir = pid_open(pid);

	return (dir == -1 ? NULL : known_take(pid, dir));
}

/* Likewise; its directory, which is open, is ours from now on. */
struct known *
known_take(uint32_t pid, int dir)
{
	struct known		*k = place(pid);
	struct proc_stat	 st;
	char			 buf[2048];
	ssize_t			 n = -1;
	int			 fd;

	forget(k);
	k->dir = dir;
	fd = openat(dir, "stat", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1)
		n = record_read(fd, buf, sizeof(buf));
	shed(fd);
	if (n == -1 || proc_stat(buf, n, &st) == -1) {
		forget(k);
		return (NULL);
	}
	k->pid = pid;
	k->start = st.start;
	k->threads = st.threads;
	k->nplaces = 0;
	k->named = st.comm.len < sizeof(k->comm) ? st.comm.len : 0;
	memcpy(k->comm, st.comm.p, k->named);
	k->used = ++known.uses;
	return (k);
}

/* The one that had this pid when it was opened, or NULL. */
struct known *
known_find(uint32_t pid)
{
	struct known	*k;

	if ((k = find(pid)) != NULL) {
		k->used = ++known.uses;
		k->named = 0;
	}
	return (k);
}

void
known_forget(uint32_t pid)
{
	struct known	*k = find(pid);

	if (k != NULL)
		forget(k);
}

/* Has it not ended? */
int
known_lives(const struct known *k)
{
	struct stat	 sb;

	return (fstatat(k->dir, "stat", &sb, AT_SYMLINK_NOFOLLOW) == 0);
}

/*
 * Is it a process, and not a thread of one?  A thread that is not the first has
 * that one beside it, even if it has ended.
 */
int
known_leads(const struct known *k)
{
	int	 fd;

	if (k->threads == 1)
		return (1);
	if ((fd = syscall(SYS_pidfd_open, k->pid, 0)) == -1)
		return (0);
	(void)close(fd);
	return (1);
}

/* That very process; it may have ended. */
struct known *
known_get(uint32_t pid, uint64_t start)
{
	struct known	*k = find(pid);

	/* What was opened last has told its name just now. */
	if (k == NULL || k->used != known.uses)
		k = known_find(pid);
	if (k == NULL || k->start != start)
		k = known_open(pid);
	return (k != NULL && k->start == start ? k : NULL);
}

/*
 * Note which socket is there, if connections that were asked for have been
 * there before; what a program keeps open all the time is of no interest.
 */
int
known_seen(struct known *k, int fd, uint64_t inode)
{
	size_t	 i;

	for (i = 0; i < k->nplaces; i++)
		if (k->places[i].fd == fd) {
			k->places[i].inode = inode;
			return (1);
		}
	return (0);
}

/* One that was asked for is there: in the place of the oldest if need be. */
void
known_place(struct known *k, int fd, uint64_t inode)
{
	struct place	*p, *to = k->places;

	if (known_seen(k, fd, inode))
		return;
	if (k->nplaces < MAX_PLACES)
		to = &k->places[k->nplaces++];
	else
		for (p = to; p < k->places + k->nplaces; p++)
			if (p->inode < to->inode)
				to = p;
	to->fd = fd;
	to->inode = inode;
}

/*
 * Where to look for that socket next; NULL if there is no other place.  If it
 * was seen, there; else where the oldest one was, which is the first to have
 * been closed: kernels number sockets upwards.
 */
struct place *
known_likely(struct known *k, uint64_t inode, uint32_t *tried)
{
	struct place	*best = NULL;
	size_t		 i;

	for (i = 0; i < k->nplaces; i++) {
		if (*tried & 1U << i)
			continue;
		if (k->places[i].inode == inode) {
			best = &k->places[i];
			break;
		}
		if (best == NULL || k->places[i].inode < best->inode)
			best = &k->places[i];
	}
	if (best != NULL)
		*tried |= 1U << (best - k->places);
	return (best);
}

/*
 * What it calls itself; -1 if it has ended.  One that has just been opened
 * has just said it.
 */
ssize_t
known_name(struct known *k, char *buf, size_t size)
{
	ssize_t	 n = k->named;

	if (n > 0 && (size_t)n <= size) {
		memcpy(buf, k->comm, n);
		k->named = 0;
		return (n);
	}
	n = known_read(k, KEPT_COMM, buf, size);
	return (n > 0 ? n - (buf[n - 1] == '\n') : -1);
}

/* What such a file says now; -1 if the process has ended. */
ssize_t
known_read(struct known *k, enum kept what, char *buf, size_t size)
{
	if (k->files[what] == -1 && (k->files[what] = openat(k->dir,
	    names[what], O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return (-1);
	return (record_read(k->files[what], buf, size));
}

/*
 * Where such a link points to now; NULL if it can't be told.  Who is asked for
 * the first time may be the last time.
 */
const char *
known_link(struct known *k, enum kept what, char *buf, size_t size)
{
	if (!(k->asked & 1U << what))
		k->asked |= 1U << what;
	else if (k->files[what] == -1)
		k->files[what] = openat(k->dir, names[what],
		    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return (k->files[what] == -1 ? link_read(k->dir, names[what], buf,
	    size) : link_read(k->files[what], "", buf, size));
}

/* The inode of the socket that it has there, or 0. */
uint64_t
known_socket(struct known *k, int fd)
{
	char	 path[32];

	if (k->at == fd && k->files[KEPT_SOCKET] != -1)
		return (socket_at(k->files[KEPT_SOCKET], ""));
	(void)snprintf(path, sizeof(path), "fd/%d", fd);
	if (k->at != fd) {
		shed(k->files[KEPT_SOCKET]);
		k->files[KEPT_SOCKET] = -1;
		k->at = fd;
	} else if ((k->files[KEPT_SOCKET] = openat(k->dir, path,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC)) != -1)
		return (socket_at(k->files[KEPT_SOCKET], ""));
	else if (errno == ENOENT || errno == ESRCH)
		return (0);
	return (socket_at(k->dir, path));
}

/* Likewise of a thread with descriptors of its own. */
ssize_t
thread_read(int task, enum kept what, char *buf, size_t size)
{
	return (file_read(task, names[what], buf, size));
}

const char *
thread_link(int task, enum kept what, char *buf, size_t size)
{
	return (link_read(task, names[what], buf, size));
}
