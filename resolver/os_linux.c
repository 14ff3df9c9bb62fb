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
 * The backend for Linux.  The socket, and with it the uid, comes from one
 * exact question to sock_diag; the process from a bounded search of /proc.
 *
 * Everything is reached from the descriptors that open() leaves: two netlink
 * sockets, /proc and /proc/loadavg.  A process ends whenever it likes, so
 * ENOENT, ESRCH and EACCES are normal everywhere below: what can't be read
 * is absent.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <linux/netlink.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "linux_diag.h"
#include "linux_proc.h"
#include "log.h"
#include "os.h"

#define PID_END		(4 * 1024 * 1024 + 1)	/* the kernel's own limit */
#define SPAN_FIRST	16		/* pids, the first step down */
#define SPAN_PIDS	512		/* processes in one step */
#define STALE_MAX	16		/* late replies skipped per question */
#define GO_ON		16		/* see search_shorten() */
#define PATIENCE	8		/* see search_over() */
#define INTERFACES	2048		/* looked at, at most */

/* A socket to the kernel and the number of its last question. */
struct netlink {
	int			 fd;
	uint32_t		 portid;
	uint32_t		 seq;
};

static struct {
	struct netlink		 diag;
	struct netlink		 route;
	enum sock_state		 broken;	/* or SOCK_OWNED: it works */
	int			 proc;		/* /proc */
	int			 loadavg;
	long			 base;		/* see proc_learn(), or -1 */
} linux_os = { .proc = -1, .loadavg = -1, .base = -1 };

/* A search under way. */
struct search {
	const struct sock	*sock;
	const struct budget	*budget;
	struct holder		*list;
	size_t			 n;
	uint64_t		 begin, cpu;	/* usec, on the two clocks */
	uint64_t		 usec;		/* to end after begin */
};

static void	 linux_open(void);
static uint32_t	 linux_check(void);
static void	 linux_sock(const struct conn_key *, struct sock *);
static int	 linux_same(const struct conn_key *, const struct sock *);
static int	 linux_local(const struct endpoint *);
static size_t	 linux_holders(const struct sock *, const struct budget *,
		    struct holder[MAX_HOLDERS]);
static int	 linux_process(const struct holder *, struct found *);

static int	 netlink_open(struct netlink *, int);
static ssize_t	 netlink_send(const struct netlink *, const void *, size_t);
static ssize_t	 netlink_recv(const struct netlink *, void *, size_t);
static int	 diag_ask(const struct conn_key *, uint64_t, uint32_t,
		    struct sock *);
static void	 ask_bound(const struct conn_key *, struct sock *);
static size_t	 interfaces(uint32_t[INTERFACES]);
static void	 diag_test(void);
static int	 own_connection(const struct sockaddr *, socklen_t, int[2],
		    struct conn_key *);
static void	 close_both(int[2]);
static int	 diag_try(const struct sockaddr *, socklen_t);
static int	 diag_orphan(void);
static int	 can_search(void);

static void	 proc_learn(void);
static long	 read_base(void);
static uint32_t	 last_pid(void);
static size_t	 list_pids(uint32_t, uint32_t, uint32_t *, size_t);
static void	 walk(struct search *,
		    void (*)(struct search *, uint32_t));
static void	 walk_down(struct search *, uint32_t, uint32_t,
		    void (*)(struct search *, uint32_t));
static void	 visit_own(struct search *, uint32_t);
static void	 visit_other(struct search *, uint32_t);
static void	 visit_tasks(struct search *, uint32_t);
static int	 is_owners(const struct search *, uint32_t);
static uint64_t	 search_time(const struct search *);
static int	 search_over(const struct search *);
static void	 search_shorten(struct search *);
static int	 search_fds(struct search *, const char *);
static int	 find_fd(struct search *, int, const char *, size_t);
static int	 holds(int, const char *, uint64_t);
static void	 add_holder(struct search *, uint32_t, uint32_t, int);
static int	 open_pid(uint32_t);
static int	 still_holds(int, const struct holder *);
static int	 read_stat(int, char *, size_t, struct proc_stat *);
static ssize_t	 read_file(int, const char *, char *, size_t);
static const char *read_path(int, const char *, char *, size_t);
static const char *copy_span(struct span, char *, size_t);
static int	 wants(const struct found *, enum text);
static void	 process_texts(int, struct found *);
static void	 process_cgroup(int, struct found *);

const struct os_ops os_native = {
	.name = "linux",
	.dir = "/proc",
	.keep = KEEP_INSPECT,
	.open = linux_open,
	.check = linux_check,
	.sock = linux_sock,
	.same = linux_same,
	.local = linux_local,
	.holders = linux_holders,
	.process = linux_process
};

/* As root, in the network namespace of the MTA. */
static void
linux_open(void)
{
	linux_os.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (linux_os.proc == -1)
		fatal("/proc");
	linux_os.loadavg = openat(linux_os.proc, "loadavg",
	    O_RDONLY | O_CLOEXEC);
	proc_learn();

	linux_os.broken = SOCK_OWNED;
	if (netlink_open(&linux_os.route, NETLINK_ROUTE) == -1)
		log_warn("rtnetlink");
	if (netlink_open(&linux_os.diag, NETLINK_SOCK_DIAG) == -1) {
		linux_os.broken = diag_error(errno);
		log_warn("sock_diag: nobody can be named");
	} else
		diag_test();
}

/* Our parent is root's, and has a descriptor 0. */
static int
can_search(void)
{
	char	 link[64], path[32];

	(void)snprintf(path, sizeof(path), "%ld/fd/0", (long)getppid());
	return (readlinkat(linux_os.proc, path, link, sizeof(link)) != -1);
}

static uint32_t
linux_check(void)
{
	char		 buf[64];
	uint32_t	 can = 0;

	if (linux_os.broken == SOCK_OWNED)
		can |= 1U << CAN_ASK;
	if (can_search())
		can |= 1U << CAN_SEARCH;
	if (diag_orphan())
		can |= 1U << CAN_ORPHAN;
	if (read_file(linux_os.proc, "self/loginuid", buf, sizeof(buf)) > 0)
		can |= 1U << CAN_LOGIN;
	if (read_file(linux_os.proc, "self/cgroup", buf, sizeof(buf)) > 0)
		can |= 1U << CAN_UNIT;
	return (can);
}

static void
linux_sock(const struct conn_key *key, struct sock *sock)
{
	(void)diag_ask(key, 0, 0, sock);
	if (sock->state == SOCK_NONE && !endpoint_is_any(&key->server) &&
	    linux_local(&key->client) == 1)
		ask_bound(key, sock);
}

/*
 * A socket that is bound to an interface is found only with its index; anyone
 * may bind one, and a link-local address does it by itself.  So a client of
 * this host that seems to have gone is asked for on each interface.  More
 * than one such is not to be told apart.
 */
static void
ask_bound(const struct conn_key *key, struct sock *sock)
{
	static uint32_t	 list[INTERFACES];
	struct sock	 found;
	size_t		 i, n, hits = 0;

	n = interfaces(list);
	for (i = 0; i < n; i++) {
		if (diag_ask(key, 0, list[i], &found) == -1 ||
		    found.state == SOCK_NONE || (hits > 0 &&
		    found.cookie == sock->cookie))
			continue;
		*sock = found;
		hits++;
	}
	if (hits > 1) {
		memset(sock, 0, sizeof(*sock));
		sock->state = SOCK_FAILED;
	}
}

/* The indexes of all interfaces that have an address, some of them twice. */
static size_t
interfaces(uint32_t list[INTERFACES])
{
	static char	 buf[65536];
	size_t		 count = 0;
	ssize_t		 n;

	if ((n = read_file(linux_os.proc, "self/net/igmp", buf,
	    sizeof(buf))) > 0)
		count = proc_igmp(buf, n, list, INTERFACES);
	if ((n = read_file(linux_os.proc, "self/net/if_inet6", buf,
	    sizeof(buf))) > 0)
		count += proc_inet6(buf, n, list + count, INTERFACES - count);
	return (count);
}

/*
 * The cookie is never given twice.  A socket that its process has closed in
 * the meantime is still the same one.
 */
static int
linux_same(const struct conn_key *key, const struct sock *sock)
{
	struct sock	 now;

	return (sock->cookie != 0 &&
	    diag_ask(key, sock->cookie, sock->ifindex, &now) == 0 &&
	    (now.state == SOCK_OWNED || now.state == SOCK_ORPHAN ||
	    now.state == SOCK_FORGOTTEN));
}

static int
linux_local(const struct endpoint *end)
{
	uint8_t			 buf[NL_BUFFER];
	struct route_query	 q;
	ssize_t			 n;
	int			 i, local;

	q.seq = ++linux_os.route.seq;
	q.portid = linux_os.route.portid;
	q.end = *end;
	n = route_request(buf, sizeof(buf), &q);
	if (netlink_send(&linux_os.route, buf, n) == -1)
		return (-1);
	for (i = 0; i < STALE_MAX; i++) {
		n = netlink_recv(&linux_os.route, buf, sizeof(buf));
		if (n == -1)
			return (-1);
		if (route_reply(buf, n, &q, &local) == NL_DONE)
			return (local);
	}
	return (-1);
}

/*
 * Three passes: processes that run as the socket's owner; the others, to
 * which it was passed or which changed their uid; and, only if none of these
 * has it, threads with descriptors of their own and those whose first thread
 * has ended.
 */
static size_t
linux_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	struct search	 s;

	memset(&s, 0, sizeof(s));
	s.sock = sock;
	s.budget = budget;
	s.list = list;
	if (sock->inode == 0)
		return (0);
	s.usec = budget->usec;
	s.begin = clock_usec(CLOCK_MONOTONIC);
	s.cpu = clock_usec(CLOCK_THREAD_CPUTIME_ID);
	walk(&s, visit_own);
	if (s.n > 0)
		search_shorten(&s);
	walk(&s, visit_other);
	if (s.n == 0)
		walk(&s, visit_tasks);
	return (s.n);
}

/*
 * The directory stays open meanwhile.  It belongs to this very process: once
 * that has ended, everything below answers ESRCH, even if its pid is used
 * again.  So the start time, read once, proves that all that is read after
 * it is of the process that the holder names; and the look at the descriptor
 * at the end proves that the program told is one that has the connection,
 * and not one that was executed since and has not.
 */
static int
linux_process(const struct holder *h, struct found *found)
{
	char			 buf[2048], path[32];
	struct proc_stat	 st;
	int			 dir, task, rv = -1;

	if ((dir = task = open_pid(h->pid)) == -1)
		return (-1);
	if (read_stat(dir, buf, sizeof(buf), &st) == -1 ||
	    st.start != h->start)
		goto done;
	if (h->tid != 0) {
		/* The first thread may have ended, and its exe with it. */
		(void)snprintf(path, sizeof(path), "task/%u", h->tid);
		if ((task = openat(dir, path, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC)) == -1)
			goto done;
	}
	if (wants(found, T_PROGRAM))
		found->owner.text[T_PROGRAM] = copy_span(st.comm,
		    found->program, sizeof(found->program));
	process_texts(task, found);
	if (still_holds(task, h))
		rv = 0;
done:
	if (task != dir && task != -1)
		(void)close(task);
	(void)close(dir);
	return (rv);
}

/*
 * Connected to the kernel, so that nobody else's packets come in.  The kernel
 * answers both questions before send() returns; the time-out is there so that
 * a surprise can't stop us.
 */
static int
netlink_open(struct netlink *nl, int protocol)
{
	struct sockaddr_nl	 snl;
	struct timeval		 tv = { 0, 100 * 1000 };
	socklen_t		 len = sizeof(snl);
	int			 size = 16 * 1024;

	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (nl->fd == -1)
		return (-1);
	memset(&snl, 0, sizeof(snl));
	snl.nl_family = AF_NETLINK;
	if (connect(nl->fd, (struct sockaddr *)&snl, sizeof(snl)) == -1 ||
	    getsockname(nl->fd, (struct sockaddr *)&snl, &len) == -1 ||
	    setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)) == -1 || setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF,
	    &size, sizeof(size)) == -1) {
		(void)close(nl->fd);
		nl->fd = -1;
		return (-1);
	}
	nl->portid = snl.nl_pid;
	return (0);
}

static ssize_t
netlink_send(const struct netlink *nl, const void *buf, size_t len)
{
	ssize_t	 n;

	do {
		n = send(nl->fd, buf, len, 0);
	} while (n == -1 && errno == EINTR);
	return (n);
}

/* The length may be larger than the buffer: then the reply is a bad one. */
static ssize_t
netlink_recv(const struct netlink *nl, void *buf, size_t size)
{
	ssize_t	 n;

	do {
		n = recv(nl->fd, buf, size, MSG_TRUNC);
	} while (n == -1 && errno == EINTR);
	if (n > (ssize_t)size) {
		errno = EMSGSIZE;
		return (-1);
	}
	return (n);
}

/* Returns 0 if the kernel answered; sock says it all in any case. */
static int
diag_ask(const struct conn_key *key, uint64_t cookie, uint32_t ifindex,
    struct sock *sock)
{
	uint8_t			 buf[NL_BUFFER];
	struct diag_query	 q;
	ssize_t			 n;
	int			 i;

	memset(sock, 0, sizeof(*sock));
	sock->state = linux_os.broken;
	if (linux_os.broken != SOCK_OWNED)
		return (-1);
	q.seq = ++linux_os.diag.seq;
	q.portid = linux_os.diag.portid;
	q.cookie = cookie;
	q.ifindex = ifindex;
	q.key = *key;
	n = diag_request(buf, sizeof(buf), &q);
	if (netlink_send(&linux_os.diag, buf, n) == -1) {
		sock->state = diag_error(errno);
		return (-1);
	}
	sock->state = SOCK_FAILED;
	for (i = 0; i < STALE_MAX; i++) {
		n = netlink_recv(&linux_os.diag, buf, sizeof(buf));
		if (n == -1)
			return (-1);
		if (diag_reply(buf, n, &q, sock) == NL_DONE)
			return (0);
	}
	return (-1);
}

/*
 * A kernel without the module tcp_diag says "no such connection" to every
 * question.  So ask for one that exists: ours.  Asking loads the module where
 * it may be loaded.
 */
static void
diag_test(void)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_family = AF_INET6;
	sin6.sin6_addr = in6addr_loopback;
	if (diag_try((struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    diag_try((struct sockaddr *)&sin6, sizeof(sin6)) == -1)
		log_warnx("sock_diag: no loopback address to test it with");
}

/*
 * A loopback connection of our own, by that address: listening, connected.
 * Returns -1 if there is no such address.
 */
static int
own_connection(const struct sockaddr *sa, socklen_t salen, int fds[2],
    struct conn_key *key)
{
	struct sockaddr_storage	 server, client;
	socklen_t		 slen = sizeof(server), clen = sizeof(client);

	fds[0] = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fds[0] != -1 && fds[1] != -1 && bind(fds[0], sa, salen) != -1 &&
	    listen(fds[0], 1) != -1 &&
	    getsockname(fds[0], (struct sockaddr *)&server, &slen) != -1 &&
	    connect(fds[1], (struct sockaddr *)&server, slen) != -1 &&
	    getsockname(fds[1], (struct sockaddr *)&client, &clen) != -1 &&
	    endpoint_from_sa(&key->client, (struct sockaddr *)&client) != -1 &&
	    endpoint_from_sa(&key->server, (struct sockaddr *)&server) != -1)
		return (0);
	close_both(fds);
	return (-1);
}

static void
close_both(int fds[2])
{
	int	 i;

	for (i = 0; i < 2; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
}

/* Returns -1 if there is no such address. */
static int
diag_try(const struct sockaddr *sa, socklen_t salen)
{
	struct conn_key	 key;
	struct sock	 sock;
	int		 fds[2];

	if (own_connection(sa, salen, fds, &key) == -1)
		return (-1);
	linux_sock(&key, &sock);
	close_both(fds);
	if (sock.state != SOCK_OWNED) {
		linux_os.broken = sock.state == SOCK_DENIED ? SOCK_DENIED :
		    SOCK_UNSUPPORTED;
		log_warnx("sock_diag does not work here (no module "
		    "tcp_diag?): nobody can be named");
	}
	return (0);
}

/*
 * Does the kernel keep the owner of a socket that is closed and not yet
 * acknowledged (since Linux 6.17)?  Only somebody other than root can see.
 */
static int
diag_orphan(void)
{
	struct sockaddr_in	 sin;
	struct conn_key		 key;
	struct sock		 sock;
	int			 fds[2];

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (own_connection((struct sockaddr *)&sin, sizeof(sin), fds,
	    &key) == -1)
		return (0);
	(void)close(fds[1]);
	fds[1] = -1;
	linux_sock(&key, &sock);
	close_both(fds);
	return (sock.state == SOCK_ORPHAN);
}

/*
 * A sender is nearly always one of the youngest processes, and listing all
 * of a large /proc costs milliseconds.  The kernel lets us begin in the
 * middle: the position of a process in /proc is its pid and a constant.
 * That is not documented, so the constant is learnt and tried.  If it is not
 * as we think, base is -1 and each step reads from the start: slow, but
 * nothing is missed.
 */
static void
proc_learn(void)
{
	uint32_t	 pid;

	if ((linux_os.base = read_base()) != -1 &&
	    (list_pids(getpid(), getpid() + 1, &pid, 1) != 1 ||
	    pid != (uint32_t)getpid()))
		linux_os.base = -1;
	if (linux_os.base == -1)
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

	if (lseek(linux_os.proc, 0, SEEK_SET) == -1)
		return (-1);
	while ((n = getdents64(linux_os.proc, buf, sizeof(buf))) > 0)
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

	n = pread(linux_os.loadavg, buf, sizeof(buf), 0);
	if (n <= 0 || proc_lastpid(buf, n, &pid) == -1 || pid >= PID_END)
		return (PID_END - 1);
	return (pid);
}

/*
 * The pids from..to-1 that are in use, rising, max at most.  The buffer is
 * small, for what is read beyond the last one was found in vain.
 */
static size_t
list_pids(uint32_t from, uint32_t to, uint32_t *pids, size_t max)
{
	char			 buf[512] __attribute__((aligned(8)));
	const struct dirent64	*d;
	size_t			 count = 0;
	uint32_t		 pid;
	ssize_t			 n, off;

	if (lseek(linux_os.proc, linux_os.base == -1 ? 0 :
	    linux_os.base + (long)from, SEEK_SET) == -1)
		return (0);
	while ((n = getdents64(linux_os.proc, buf, sizeof(buf))) > 0)
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
walk(struct search *s, void (*visit)(struct search *, uint32_t))
{
	uint32_t	 last;

	if (search_over(s))
		return;
	last = last_pid();
	walk_down(s, 1, last + 1, visit);
	walk_down(s, last + 1, PID_END, visit);
}

static void
walk_down(struct search *s, uint32_t from, uint32_t to,
    void (*visit)(struct search *, uint32_t))
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
			visit(s, pids[i - 1]);
		to = low;
		if (n < SPAN_PIDS / 8 && step < PID_END)
			step *= 2;
	}
}

static void
visit_own(struct search *s, uint32_t pid)
{
	char	 path[32];
	int	 fd;

	if (!is_owners(s, pid))
		return;
	(void)snprintf(path, sizeof(path), "%u/fd", pid);
	if ((fd = search_fds(s, path)) != -1)
		add_holder(s, pid, 0, fd);
}

static void
visit_other(struct search *s, uint32_t pid)
{
	char	 path[32];
	int	 fd;

	if (is_owners(s, pid))
		return;
	(void)snprintf(path, sizeof(path), "%u/fd", pid);
	if ((fd = search_fds(s, path)) != -1) {
		add_holder(s, pid, 0, fd);
		search_shorten(s);
	}
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
	dir = openat(linux_os.proc, path,
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
			if ((fd = search_fds(s, path)) != -1)
				add_holder(s, pid, tid, fd);
		}
	(void)close(dir);
}

/* A process that may not be dumped keeps its uid on this directory. */
static int
is_owners(const struct search *s, uint32_t pid)
{
	struct stat	 sb;
	char		 path[16];

	(void)snprintf(path, sizeof(path), "%u", pid);
	return (fstatat(linux_os.proc, path, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_uid == s->sock->uid);
}

static uint64_t
search_time(const struct search *s)
{
	return (clock_usec(CLOCK_MONOTONIC) - s->begin);
}

/*
 * On a busy machine most of the time that goes by is not ours: then it is the
 * CPU time that counts, whose clock is slow to read, up to a limit.
 */
static int
search_over(const struct search *s)
{
	uint64_t	 usec;

	if (s->n > 0 && s->budget->busy != NULL &&
	    s->budget->busy(s->budget->arg))
		return (1);
	if ((usec = search_time(s)) < s->usec)
		return (0);
	return (usec >= s->usec * PATIENCE ||
	    clock_usec(CLOCK_THREAD_CPUTIME_ID) - s->cpu >= s->usec);
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

/* The descriptor in this directory that is the socket, or -1. */
static int
search_fds(struct search *s, const char *path)
{
	char	 buf[8192] __attribute__((aligned(8)));
	ssize_t	 n;
	int	 dir, fd = -1;

	dir = openat(linux_os.proc, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1)
		return (-1);
	while (fd == -1 && !search_over(s) &&
	    (n = getdents64(dir, buf, sizeof(buf))) > 0)
		fd = find_fd(s, dir, buf, n);
	(void)close(dir);
	return (fd);
}

/* The highest first: a connection was opened after the program's files. */
static int
find_fd(struct search *s, int dir, const char *buf, size_t len)
{
	const struct dirent64	*d;
	uint16_t		 at[8192 / 24];
	uint64_t		 fd;
	size_t			 n = 0, off;

	for (off = 0; off < len && n < NITEMS(at); off += d->d_reclen) {
		d = (const struct dirent64 *)(buf + off);
		at[n++] = off;
	}
	while (n > 0) {
		d = (const struct dirent64 *)(buf + at[--n]);
		if (proc_uint(d->d_name, strlen(d->d_name), INT_MAX,
		    &fd) == 0 && holds(dir, d->d_name, s->sock->inode))
			return (fd);
		if (n % 16 == 0 && search_over(s))
			break;
	}
	return (-1);
}

static int
holds(int dir, const char *name, uint64_t inode)
{
	char		 link[64];
	uint64_t	 found;
	ssize_t		 n;

	n = readlinkat(dir, name, link, sizeof(link));
	return (n > 0 && (size_t)n < sizeof(link) &&
	    proc_socket(link, n, &found) == 0 && found == inode);
}

/* Name the process for ever, and see that it is that one which has it. */
static void
add_holder(struct search *s, uint32_t pid, uint32_t tid, int fd)
{
	struct holder		 h;
	struct proc_stat	 st;
	struct stat		 sb;
	char			 buf[2048], path[32];
	int			 dir, task;

	if ((dir = task = open_pid(pid)) == -1)
		return;
	if (tid != 0) {
		(void)snprintf(path, sizeof(path), "task/%u", tid);
		task = openat(dir, path,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	memset(&h, 0, sizeof(h));
	h.pid = pid;
	h.tid = tid;
	h.fd = fd;
	h.inode = s->sock->inode;
	if (task != -1 && fstat(dir, &sb) == 0 &&
	    read_stat(dir, buf, sizeof(buf), &st) == 0 &&
	    still_holds(task, &h)) {
		h.uid = sb.st_uid;
		h.start = st.start;
		if (s->n < MAX_HOLDERS)
			s->list[s->n] = h;
		s->n++;
	}
	if (task != dir && task != -1)
		(void)close(task);
	(void)close(dir);
}

static int
open_pid(uint32_t pid)
{
	char	 path[16];

	(void)snprintf(path, sizeof(path), "%u", pid);
	return (openat(linux_os.proc, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static int
still_holds(int task, const struct holder *h)
{
	char	 path[32];

	if (h->fd == -1)
		return (1);
	(void)snprintf(path, sizeof(path), "fd/%d", h->fd);
	return (holds(task, path, h->inode));
}

static int
read_stat(int dir, char *buf, size_t size, struct proc_stat *st)
{
	ssize_t	 n;

	if ((n = read_file(dir, "stat", buf, size)) == -1)
		return (-1);
	return (proc_stat(buf, n, st));
}

/* As much as fits; files of /proc are made anew for each reader. */
static ssize_t
read_file(int dir, const char *name, char *buf, size_t size)
{
	size_t	 len = 0;
	ssize_t	 n;
	int	 fd;

	if ((fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return (-1);
	do {
		n = read(fd, buf + len, size - len);
		if (n > 0)
			len += n;
	} while (len < size && (n > 0 || (n == -1 && errno == EINTR)));
	(void)close(fd);
	return (n == -1 ? -1 : (ssize_t)len);
}

/* Where a link points to; NULL for what kernel threads have, nothing. */
static const char *
read_path(int dir, const char *name, char *buf, size_t size)
{
	ssize_t	 n;

	if ((n = readlinkat(dir, name, buf, size - 1)) <= 0)
		return (NULL);
	buf[n] = '\0';
	return (buf);
}

static const char *
copy_span(struct span s, char *buf, size_t size)
{
	if (s.p == NULL || s.len == 0)
		return (NULL);
	if (s.len > size - 1)
		s.len = size - 1;
	memcpy(buf, s.p, s.len);
	buf[s.len] = '\0';
	return (buf);
}

static int
wants(const struct found *found, enum text text)
{
	return ((found->want & 1U << text) != 0);
}

/* What the caller wants to know; absent is what can't be read. */
static void
process_texts(int dir, struct found *found)
{
	struct owner	*owner = &found->owner;
	char		 buf[16];
	ssize_t		 n;

	owner->login = LOGIN_UNSET;
	if ((n = read_file(dir, "loginuid", buf, sizeof(buf))) != -1)
		(void)proc_loginuid(buf, n, &owner->login);
	if (wants(found, T_EXE))
		owner->text[T_EXE] = read_path(dir, "exe", found->exe,
		    sizeof(found->exe));
	if (wants(found, T_CWD))
		owner->text[T_CWD] = read_path(dir, "cwd", found->cwd,
		    sizeof(found->cwd));
	if (wants(found, T_UNIT) || wants(found, T_CONTAINER))
		process_cgroup(dir, found);
	if (wants(found, T_CMDLINE) && cmdline_read(dir, found->cmdline,
	    sizeof(found->cmdline)) > 0)
		found->owner.text[T_CMDLINE] = found->cmdline;
}

static void
process_cgroup(int dir, struct found *found)
{
	struct proc_cgroup	 cg;
	char			 buf[8192];
	ssize_t			 n;

	if ((n = read_file(dir, "cgroup", buf, sizeof(buf))) == -1)
		return;
	proc_cgroup(buf, n, &cg);
	found->owner.text[T_UNIT] = copy_span(cg.unit, found->unit,
	    sizeof(found->unit));
	found->owner.text[T_CONTAINER] = copy_span(cg.container,
	    found->container, sizeof(found->container));
}
