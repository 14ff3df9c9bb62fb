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
 * Which processes hold a socket?  A bounded search of /proc, which begins
 * where the answer is most likely.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"
#include "log.h"

#define PID_END		(4 * 1024 * 1024 + 1)	/* the kernel's own limit */
#define PID_ENTRY	32		/* bytes in a directory, at most */
#define SPAN_FIRST	4		/* pids, the first step down */
#define SPAN_PIDS	512		/* processes in one step */
#define GO_ON		16		/* see search_shorten() */
#define PATIENCE	8		/* see search_over() */
#define PLACES		4		/* tried before all are listed */
#define YOUNG		4		/* pids, tried before any are listed */
#define SHORT_USEC	200		/* see search_over() */
#define CGROUP_PIDS	64		/* more are no short cut */

/*
 * Processes that had connections of a uid, made in one control group, the last
 * one first.
 */
struct memory {
	uint32_t		 uid;
	uint64_t		 cgroup;	/* or 0 */
	uint32_t		 pids[4];	/* 0: none */
	int			 seen;		/* there was one; */
	int			 fd;		/* where it was */
};

static struct {
	int			 loadavg;
	long			 base;		/* see search_open(), or -1 */
	int			 fd;		/* where one was found last */
	struct memory		 memory[1024];
} state = { .loadavg = -1, .base = -1, .fd = -1 };

/* A search under way. */
struct search {
	const struct sock	*sock;
	const struct budget	*budget;
	struct holder		*list;
	size_t			 n;
	enum source		 source;	/* where we look now */
	uint64_t		 begin, cpu;	/* usec, on the two clocks; cpu
						   is 0 until it takes long */
	uint64_t		 usec;		/* to end after begin */
	int			 over;
};

static long	 read_base(void);
static uint32_t	 last_pid(void);
static size_t	 list_pids(uint32_t, uint32_t, uint32_t *, size_t);
static void	 walk(struct search *,
		    void (*)(struct search *, uint32_t));
static void	 walk_down(struct search *, uint32_t, uint32_t,
		    void (*)(struct search *, uint32_t));
static int	 visited(const struct search *, uint32_t);
static void	 visit(struct search *, uint32_t);
static void	 visit_opener(struct search *);
static void	 visit_likely(struct search *, uint32_t);
static void	 visit_known(struct search *, uint32_t);
static void	 visit_again(struct search *, uint32_t);
static void	 unremember(struct search *, uint32_t);
static void	 visit_young(struct search *);
static void	 visit_open(struct search *, uint32_t, int);
static void	 visit_remembered(struct search *,
		    void (*)(struct search *, uint32_t));
static void	 visit_cgroup(struct search *);
static void	 visit_own(struct search *, uint32_t);
static void	 visit_other(struct search *, uint32_t);
static void	 visit_tasks(struct search *, uint32_t);
static void	 remember(const struct sock *, const struct holder *);
static int	 guess(const struct sock *);
static int	 pid_uid(uint32_t, uint32_t *);
static int	 is_owners(const struct search *, uint32_t);
static uint64_t	 search_time(const struct search *);
static int	 search_over(struct search *);
static void	 search_shorten(struct search *);
static int	 search_fds(struct search *, int, const char *,
		    struct known *);
static int	 find_fd(struct search *, int, const char *, size_t,
		    struct known *);
static int	 has(const struct known *, uint32_t, int, uint64_t);
static void	 find_holder(struct search *, uint32_t, uint32_t, int);
static void	 add_holder(struct search *, struct known *, uint32_t, int);

/*
 * First the processes that had a connection of this uid before, where they had
 * it; those of the control group where the socket was made, if they are few;
 * the youngest ones; and all descriptors of the first.  Then, in three passes,
 * all:
 * processes that run as the socket's owner; the others, to which it was passed
 * or which changed their uid; and, only if none of these has it, threads with
 * descriptors of their own and those whose first thread has ended.
 */
size_t
linux_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	struct search	 s;
	size_t		 i;

	memset(&s, 0, sizeof(s));
	s.sock = sock;
	s.budget = budget;
	s.list = list;
	if (sock->inode == 0)
		return (0);
	s.usec = budget->usec;
	s.begin = clock_usec(CLOCK_MONOTONIC);
	s.source = SRC_BPF;
	visit_opener(&s);
	s.source = SRC_CACHE;
	visit_remembered(&s, visit_known);
	s.source = SRC_CGROUP;
	visit_cgroup(&s);
	s.source = SRC_SCAN;
	visit_young(&s);
	s.source = SRC_CACHE;
	visit_remembered(&s, visit_again);
	s.source = SRC_SCAN;
	walk(&s, visit_own);
	if (s.n > 0)
		search_shorten(&s);
	walk(&s, visit_other);
	if (s.n == 0)
		walk(&s, visit_tasks);
	for (i = 0; i < s.n && i < MAX_HOLDERS; i++)
		remember(sock, &list[i]);
	return (s.n);
}

/*
 * A sender is nearly always one of the youngest processes, and listing all
 * of a large /proc costs milliseconds.  The kernel lets us begin in the
 * middle: the position of a process in /proc is its pid and a constant.
 * That is not documented, so the constant is learnt and tried.  If it is not
 * as we think, base is -1 and each step reads from the start: slow, but
 * nothing is missed.
 */
void
search_open(void)
{
	uint32_t	 pid;

	state.loadavg = openat(proc_dir, "loadavg", O_RDONLY | O_CLOEXEC);
	if ((state.base = read_base()) != -1 &&
	    (list_pids(getpid(), getpid() + 1, &pid, 1) != 1 ||
	    pid != (uint32_t)getpid()))
		state.base = -1;
	if (state.base == -1)
		log_debug("/proc can't be entered in the middle");
}

/* The position of an entry stands in the one before it. */
static long
read_base(void)
{
	char			 buf[2048]
				    __attribute__((aligned(8)));
	const struct dirent64	*d;
	long			 before = -1;
	uint32_t		 pid;
	ssize_t			 n, off;

	if (lseek(proc_dir, 0, SEEK_SET) == -1)
		return (-1);
	while ((n = getdents64(proc_dir, buf, sizeof(buf))) > 0)
		for (off = 0; off < n; off += d->d_reclen) {
			d = (const struct dirent64 *)(buf + off);
			if (before != -1 && proc_pid(d->d_name, &pid) == 0)
				return (before - (long)pid);
			before = d->d_off;
		}
	return (-1);
}

/* Where to begin.  Any answer is right, a good one is quick. */
static uint32_t
last_pid(void)
{
	char		 buf[128];
	uint32_t	 pid;
	ssize_t		 n;

	n = pread(state.loadavg, buf, sizeof(buf), 0);
	if (n <= 0 || proc_lastpid(buf, n, &pid) == -1 || pid >= PID_END)
		return (PID_END - 1);
	return (pid);
}

/*
 * The pids from..to-1 that are in use, rising, max at most.  No more is read
 * than they can take: what is beyond the last one costs as much to find.
 */
static size_t
list_pids(uint32_t from, uint32_t to, uint32_t *pids, size_t max)
{
	char			 buf[512] __attribute__((aligned(8)));
	const struct dirent64	*d;
	size_t			 count = 0, size = sizeof(buf);
	uint32_t		 pid;
	ssize_t			 n, off;

	if (lseek(proc_dir, state.base == -1 ? 0 :
	    state.base + (long)from, SEEK_SET) == -1)
		return (0);
	if (to - from < size / PID_ENTRY)
		size = (to - from) * PID_ENTRY;
	while ((n = getdents64(proc_dir, buf, size)) > 0)
		for (off = 0; off < n; off += d->d_reclen) {
			d = (const struct dirent64 *)(buf + off);
			if (proc_pid(d->d_name, &pid) == -1 || pid < from)
				continue;
			if (pid >= to || count == max)
				return (count);
			pids[count++] = pid;
		}
	return (count);
}

/*
 * From the youngest process to the oldest: down from the pid that was given
 * last, and then, for pids start again from below, down from the end.
 */
static void
walk(struct search *s, void (*look)(struct search *, uint32_t))
{
	uint32_t	 last;

	if (search_over(s))
		return;
	last = last_pid();
	walk_down(s, 1, last + 1, look);
	walk_down(s, last + 1, PID_END, look);
}

static void
walk_down(struct search *s, uint32_t from, uint32_t to,
    void (*look)(struct search *, uint32_t))
{
	uint32_t	 pids[SPAN_PIDS], low, step = SPAN_FIRST;
	size_t		 i, n;

	while (to > from && !search_over(s)) {
		low = to - from > step ? to - step : from;
		n = list_pids(low, to, pids, SPAN_PIDS);
		if (n == SPAN_PIDS && to - low > SPAN_PIDS) {
			/* Perhaps not all of them: a smaller step. */
			step = SPAN_PIDS;
			continue;
		}
		for (i = n; i > 0 && !search_over(s); i--)
			look(s, pids[i - 1]);
		to = low;
		if (n < SPAN_PIDS / 8 && step < PID_END)
			step *= 2;
	}
}

static int
visited(const struct search *s, uint32_t pid)
{
	size_t	 i;

	for (i = 0; i < s->n && i < MAX_HOLDERS; i++)
		if (s->list[i].pid == pid)
			return (1);
	return (0);
}

/* Look at one process, unless it was looked at with success before. */
static void
visit(struct search *s, uint32_t pid)
{
	char	 path[32];
	int	 fd;

	if (visited(s, pid))
		return;
	(void)snprintf(path, sizeof(path), "%u/fd", pid);
	if ((fd = search_fds(s, proc_dir, path, known_find(pid))) != -1)
		find_holder(s, pid, 0, fd);
}

/*
 * To list the descriptors of a process costs as much as to try many: so first
 * where another one of this uid had its connection.
 */
static void
visit_likely(struct search *s, uint32_t pid)
{
	char	 path[32];
	int	 fd = guess(s->sock);

	(void)snprintf(path, sizeof(path), "%u/fd/%d", pid, fd);
	if (fd != -1 && !visited(s, pid) &&
	    holds(proc_dir, path, s->sock->inode))
		find_holder(s, pid, 0, fd);
	else
		visit(s, pid);
}

/* Who closes a connection and opens another one gets the same descriptor. */
static void
visit_known(struct search *s, uint32_t pid)
{
	struct known	*k = known_find(pid);
	struct place	*p;
	uint32_t	 tried = 0;
	int		 i;

	if (k == NULL || visited(s, pid))
		return;
	for (i = 0; i < PLACES &&
	    (p = known_likely(k, s->sock->inode, &tried)) != NULL; i++)
		if ((p->inode = known_socket(k, p->fd)) == s->sock->inode) {
			add_holder(s, k, 0, p->fd);
			return;
		}
	if (!known_lives(k))
		unremember(s, pid);
}

/* What is remembered of that kind; others may have the same place. */
static struct memory *
memory_of(const struct sock *sock)
{
	uint64_t	 n = (sock->uid + 1) * 2654435761U ^
			    sock->cgroup * 0x9e3779b97f4a7c15U;

	return (&state.memory[(n ^ n >> 32) % NITEMS(state.memory)]);
}

static int
is_of(const struct memory *m, const struct sock *sock)
{
	return (m->seen && m->uid == sock->uid && m->cgroup == sock->cgroup);
}

/* That process held such a connection: it is looked at first next time. */
static void
remember(const struct sock *sock, const struct holder *h)
{
	struct memory	*m = memory_of(sock);
	size_t		 i;

	if (!is_of(m, sock))
		memset(m, 0, sizeof(*m));
	m->uid = sock->uid;
	m->cgroup = sock->cgroup;
	m->seen = 1;
	m->fd = state.fd = h->fd;
	for (i = 0; i < NITEMS(m->pids) - 1 && m->pids[i] != h->pid; i++)
		continue;
	memmove(m->pids + 1, m->pids, i * sizeof(m->pids[0]));
	m->pids[0] = h->pid;
}

/* Where such programs, or else any, had their connection last, or -1. */
static int
guess(const struct sock *sock)
{
	const struct memory	*m = memory_of(sock);

	return (is_of(m, sock) ? m->fd : state.fd);
}

/* The process that is said to have opened the socket, or one of its threads. */
static void
visit_opener(struct search *s)
{
	uint32_t	 pid = bpf_opener(s->sock->cookie);

	if (pid == 0)
		return;
	visit(s, pid);
	if (s->n == 0)
		visit_tasks(s, pid);
}

static void
visit_remembered(struct search *s, void (*look)(struct search *, uint32_t))
{
	struct memory	*m = memory_of(s->sock);
	size_t		 i;

	if (!is_of(m, s->sock))
		return;
	for (i = 0; i < NITEMS(m->pids) && !search_over(s); i++)
		if (m->pids[i] != 0)
			look(s, m->pids[i]);
}

/* Look at it as visit() does, and remember it no longer if it has ended. */
static void
visit_again(struct search *s, uint32_t pid)
{
	uint32_t	 uid;

	if (pid_uid(pid, &uid) == 0)
		visit(s, pid);
	else
		unremember(s, pid);
}

/* That process has ended. */
static void
unremember(struct search *s, uint32_t pid)
{
	struct memory	*m = memory_of(s->sock);
	size_t		 i;

	for (i = 0; i < NITEMS(m->pids); i++)
		if (is_of(m, s->sock) && m->pids[i] == pid)
			m->pids[i] = 0;
	known_forget(pid);
}

/*
 * A process that may well be it, looked at through its directory, which is
 * opened once.  A thread has such a directory as well, in which it looks like a
 * process; it only is in no list.
 */
static void
visit_open(struct search *s, uint32_t pid, int dir)
{
	struct known	*k;
	char		 path[32];
	int		 fd = guess(s->sock);

	(void)snprintf(path, sizeof(path), "fd/%d", fd);
	if (fd == -1 || !holds(dir, path, s->sock->inode))
		fd = search_fds(s, dir, "fd", NULL);
	if (fd == -1) {
		(void)close(dir);
		return;
	}
	if ((k = known_take(pid, dir)) == NULL)
		return;
	if (known_leads(k))
		add_holder(s, k, 0, fd);
	else
		known_forget(pid);
}

/*
 * Who has just begun is one of the last few that have got a pid.  To list them
 * costs more than to try.
 */
static void
visit_young(struct search *s)
{
	struct stat	 sb;
	uint32_t	 last, i;
	int		 dir;

	if (s->n > 0)
		return;
	last = last_pid();
	for (i = 0; i < YOUNG && i < last && !search_over(s); i++) {
		if ((dir = pid_open(last - i)) == -1)
			continue;
		if (fstat(dir, &sb) == 0 && sb.st_uid == s->sock->uid)
			visit_open(s, last - i, dir);
		else
			(void)close(dir);
	}
}

static void
visit_cgroup(struct search *s)
{
	uint32_t	 pids[CGROUP_PIDS];
	size_t		 n;
	int		 dir;

	if (s->n > 0 || s->sock->cgroup == 0)
		return;
	n = cgroup_pids(s->sock->cgroup, pids, NITEMS(pids));
	while (n > 0 && !search_over(s)) {
		visit_known(s, pids[--n]);
		if (!visited(s, pids[n]) && (dir = pid_open(pids[n])) != -1)
			visit_open(s, pids[n], dir);
	}
}

static void
visit_own(struct search *s, uint32_t pid)
{
	if (is_owners(s, pid))
		visit_likely(s, pid);
}

static void
visit_other(struct search *s, uint32_t pid)
{
	size_t	 before = s->n;

	if (is_owners(s, pid))
		return;
	visit(s, pid);
	if (s->n > before)
		search_shorten(s);
}

/* The threads of a process, each with its own table of descriptors. */
static void
visit_tasks(struct search *s, uint32_t pid)
{
	char			 buf[2048] __attribute__((aligned(8)));
	char			 path[64];
	const struct dirent64	*d;
	uint32_t		 tid;
	ssize_t			 n, off;
	int			 dir, fd;

	if (!is_owners(s, pid))
		return;
	(void)snprintf(path, sizeof(path), "%u/task", pid);
	dir = openat(proc_dir, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1)
		return;
	while (!search_over(s) && s->n == 0 &&
	    (n = getdents64(dir, buf, sizeof(buf))) > 0)
		for (off = 0; off < n && s->n == 0 && !search_over(s);
		    off += d->d_reclen) {
			d = (const struct dirent64 *)(buf + off);
			if (proc_pid(d->d_name, &tid) == -1 || tid == pid)
				continue;
			(void)snprintf(path, sizeof(path), "%u/task/%u/fd",
			    pid, tid);
			fd = search_fds(s, proc_dir, path, NULL);
			if (fd != -1)
				find_holder(s, pid, tid, fd);
		}
	(void)close(dir);
}

static int
pid_uid(uint32_t pid, uint32_t *uid)
{
	struct stat	 sb;
	char		 path[16];

	(void)snprintf(path, sizeof(path), "%u", pid);
	if (fstatat(proc_dir, path, &sb, AT_SYMLINK_NOFOLLOW) == -1)
		return (-1);
	*uid = sb.st_uid;
	return (0);
}

/* A process that may not be dumped keeps its uid on its directory. */
static int
is_owners(const struct search *s, uint32_t pid)
{
	uint32_t	 uid;

	return (pid_uid(pid, &uid) == 0 && uid == s->sock->uid);
}

static uint64_t
search_time(const struct search *s)
{
	return (clock_usec(CLOCK_MONOTONIC) - s->begin);
}

/*
 * On a busy machine most of the time that goes by is not ours: then it is the
 * CPU time that counts, whose clock is slow to read, up to a limit.  A short
 * search does without.
 */
static int
search_over(struct search *s)
{
	uint64_t	 usec;

	if (s->over)
		return (1);
	if (s->n > 0 && s->budget->busy != NULL &&
	    s->budget->busy(s->budget->arg)) {
		s->over = 1;
		return (1);
	}
	usec = search_time(s);
	if (usec >= SHORT_USEC && s->cpu == 0)
		s->cpu = clock_usec(CLOCK_THREAD_CPUTIME_ID);
	if (usec >= s->usec)
		s->over = usec >= s->usec * PATIENCE ||
		    clock_usec(CLOCK_THREAD_CPUTIME_ID) - s->cpu >= s->usec;
	return (s->over);
}

/*
 * Once a holder is known, the processes of other users can add to the number
 * of holders, but the one to name does not change.  To read all descriptors
 * of a host takes tens of milliseconds, so only a small part of the budget is
 * spent on that.
 */
static void
search_shorten(struct search *s)
{
	uint64_t	 usec = search_time(s) + s->budget->usec / GO_ON;

	if (usec < s->usec)
		s->usec = usec;
}

/*
 * The descriptor in this directory that is the socket, or -1.  What is seen of
 * a process that is known is noted, as a hint for the next time.
 */
static int
search_fds(struct search *s, int at, const char *path, struct known *k)
{
	char	 buf[8192] __attribute__((aligned(8)));
	ssize_t	 n;
	int	 dir, fd = -1;

	dir = openat(at, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1)
		return (-1);
	while (fd == -1 && !search_over(s) &&
	    (n = getdents64(dir, buf, sizeof(buf))) > 0)
		fd = find_fd(s, dir, buf, n, k);
	(void)close(dir);
	return (fd);
}

/* The highest first: a connection was opened after the program's files. */
static int
find_fd(struct search *s, int dir, const char *buf, size_t len,
    struct known *k)
{
	const struct dirent64	*d;
	uint16_t		 at[8192 / 24];
	uint64_t		 fd, inode;
	size_t			 n = 0, off;

	for (off = 0; off < len && n < NITEMS(at); off += d->d_reclen) {
		d = (const struct dirent64 *)(buf + off);
		at[n++] = off;
	}
	while (n > 0) {
		d = (const struct dirent64 *)(buf + at[--n]);
		if (proc_uint(d->d_name, strlen(d->d_name), INT_MAX,
		    &fd) == 0 && (inode = socket_at(dir, d->d_name)) != 0) {
			if (k != NULL)
				(void)known_seen(k, fd, inode);
			if (inode == s->sock->inode)
				return (fd);
		}
		if (n % 16 == 0 && search_over(s))
			break;
	}
	return (-1);
}

/* Has that process, or its thread, the socket there? */
static int
has(const struct known *k, uint32_t tid, int fd, uint64_t inode)
{
	char	 path[64];

	if (tid != 0)
		(void)snprintf(path, sizeof(path), "task/%u/fd/%d", tid, fd);
	else
		(void)snprintf(path, sizeof(path), "fd/%d", fd);
	return (holds(k->dir, path, inode));
}

/* Name the process for ever, and see that it is that one which has it. */
static void
find_holder(struct search *s, uint32_t pid, uint32_t tid, int fd)
{
	struct known	*k = known_find(pid);

	/* Perhaps an earlier process of that pid is known. */
	if (k != NULL && has(k, tid, fd, s->sock->inode))
		add_holder(s, k, tid, fd);
	else if ((k = known_open(pid)) != NULL &&
	    has(k, tid, fd, s->sock->inode))
		add_holder(s, k, tid, fd);
}

static void
add_holder(struct search *s, struct known *k, uint32_t tid, int fd)
{
	struct holder	 h;
	struct stat	 sb;

	if (fstat(k->dir, &sb) == -1)
		return;
	memset(&h, 0, sizeof(h));
	h.pid = k->pid;
	h.uid = sb.st_uid;
	h.start = k->start;
	h.tid = tid;
	h.fd = fd;
	h.inode = s->sock->inode;
	h.source = s->source;
	if (tid == 0)
		known_place(k, fd, h.inode);
	if (s->n < MAX_HOLDERS)
		s->list[s->n] = h;
	s->n++;
}
