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
 * sockets, /proc, and the hierarchy of control groups.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <linux/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"
#include "linux_diag.h"
#include "log.h"

#define REPLY_MAX	512		/* of a usual reply */
#define STALE_MAX	(AHEAD_MAX + 16)	/* late replies skipped per
						   question */
#define LOOPBACK	1		/* its index, in each namespace */
#define INTERFACES	2048		/* looked at, at most */

/* Texts that process_rest() reads. */
#define REST		(1U << T_CWD | 1U << T_UNIT | 1U << T_CONTAINER | \
			    1U << T_CMDLINE)

/* A socket to the kernel and the number of its last question. */
struct netlink {
	int			 fd;
	uint32_t		 portid;
	uint32_t		 seq;
};

/* What was asked before anybody wanted to know. */
struct ahead {
	struct diag_query	 query;
	struct sock		 sock;
	int			 told;
};

static struct {
	struct netlink		 diag;
	struct netlink		 route;
	enum sock_state		 broken;	/* or SOCK_OWNED: it works */
	struct ahead		 ahead[AHEAD_MAX];
	size_t			 nahead, next;	/* used up to next */
} linux_os;

static void	 linux_open(void);
static uint32_t	 linux_check(void);
static void	 linux_sock(const struct conn_key *, struct sock *);
static void	 linux_ahead(const struct conn_key *, size_t);
static int	 linux_same(const struct conn_key *, const struct sock *);
static int	 linux_local(const struct endpoint *);
static int	 linux_process(const struct holder *, struct found *);
static void	 linux_group(const struct record *, struct found *);

static int	 netlink_open(struct netlink *, int);
static ssize_t	 netlink_send(const struct netlink *, const void *, size_t);
static ssize_t	 netlink_recv(const struct netlink *, void *, size_t);
static void	 diag_query(struct diag_query *, const struct conn_key *,
		    uint64_t, uint32_t);
static void	 hear_ahead(void);
static int	 told_ahead(const struct conn_key *, uint64_t, uint32_t,
		    struct sock *);
static int	 diag_ask(const struct conn_key *, uint64_t, uint32_t,
		    struct sock *);
static int	 diag_hear(const struct diag_query *, struct sock *);
static void	 ask_bound(const struct conn_key *, struct sock *);
static size_t	 interfaces(uint32_t[INTERFACES]);
static void	 diag_test(void);
static int	 own_connection(const struct sockaddr *, socklen_t, int[2],
		    struct conn_key *);
static void	 close_both(int[2]);
static int	 diag_try(const struct sockaddr *, socklen_t);
static int	 diag_orphan(void);
static int	 can_search(void);

static int	 still_holds(struct known *, int, const struct holder *);
static int	 opener_process(const struct holder *, struct found *);
static int	 runs(const char *, const struct holder *);
static int	 lives(const struct holder *);
static const char *copy_span(struct span, char *, size_t);
static int	 wants(const struct found *, enum text);
static int	 process_name(struct known *, struct found *);
static void	 process_texts(struct known *, int, struct found *);
static void	 process_rest(struct known *, int, struct found *);
static void	 process_cgroup(struct known *, int, struct found *);
static void	 copy_cgroup(const char *, size_t, struct found *);

const struct os_ops os_native = {
	.name = "linux",
	.dir = "/proc",
	.keep = KEEP_INSPECT,
	.open = linux_open,
	.watch = linux_watch,
	.record = linux_record,
	.complete = linux_complete,
	.group = linux_group,
	.check = linux_check,
	.sock = linux_sock,
	.ahead = linux_ahead,
	.same = linux_same,
	.local = linux_local,
	.holders = linux_holders,
	.process = linux_process,
	.rest = known_rest
};

/* As root, in the network namespace of the MTA. */
static void
linux_open(void)
{
	proc_dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_dir == -1)
		fatal("/proc");
	search_open();
	bpf_open(cgroup_open());

	/* What this kernel lacks is for good; all else a new life may have. */
	linux_os.broken = SOCK_OWNED;
	if (netlink_open(&linux_os.route, NETLINK_ROUTE) == -1) {
		if (diag_error(errno) == SOCK_FAILED)
			fatal("rtnetlink");
		log_warn("rtnetlink");
	}
	if (netlink_open(&linux_os.diag, NETLINK_SOCK_DIAG) == -1) {
		linux_os.broken = diag_error(errno);
		if (linux_os.broken == SOCK_FAILED)
			fatal("sock_diag");
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
	return (readlinkat(proc_dir, path, link, sizeof(link)) != -1);
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
	if (file_read(proc_dir, "self/loginuid", buf, sizeof(buf)) > 0)
		can |= 1U << CAN_LOGIN;
	if (file_read(proc_dir, "self/cgroup", buf, sizeof(buf)) > 0)
		can |= 1U << CAN_UNIT;
	if (bpf_full())
		can |= 1U << CAN_RECORD;
	return (can);
}

/*
 * What a host says to itself it hears from its loopback interface.  So the
 * socket that is asked for there is the one that gets the server's packets,
 * also if another one of the same tuple lingers: an unbound socket can have
 * the ports of a bound one.
 */
static void
linux_sock(const struct conn_key *key, struct sock *sock)
{
	(void)diag_ask(key, 0, LOOPBACK, sock);
	if (sock->state == SOCK_NONE && !sock->attempt &&
	    !endpoint_is_any(&key->server) && linux_local(&key->client) == 1)
		ask_bound(key, sock);
}

/*
 * The kernel answers the questions of one message in their order, so the later
 * ones are still asked after the first; it saves us the others' way there, and
 * most of the ways back.
 */
static void
linux_ahead(const struct conn_key *keys, size_t n)
{
	static uint8_t	 buf[NL_BUFFER];
	size_t		 i, len = 0;

	linux_os.nahead = linux_os.next = 0;
	if (linux_os.broken != SOCK_OWNED || n > AHEAD_MAX)
		return;
	for (i = 0; i < n; i++) {
		linux_os.ahead[i].told = 0;
		diag_query(&linux_os.ahead[i].query, &keys[i], 0, LOOPBACK);
		len += diag_request(buf + len, sizeof(buf) - len,
		    &linux_os.ahead[i].query);
	}
	if (n == 0 || netlink_send(&linux_os.diag, buf, len) == -1)
		return;
	linux_os.nahead = n;
	hear_ahead();
}

/* They are all there already; one that is not is asked for again. */
static void
hear_ahead(void)
{
	static uint8_t	 replies[AHEAD_MAX][REPLY_MAX];
	struct iovec	 iov[AHEAD_MAX];
	struct mmsghdr	 mm[AHEAD_MAX];
	struct ahead	*a, *next = linux_os.ahead;
	struct ahead	*end = linux_os.ahead + linux_os.nahead;
	int		 i, n;

	memset(mm, 0, linux_os.nahead * sizeof(mm[0]));
	for (i = 0; i < (int)linux_os.nahead; i++) {
		iov[i].iov_base = replies[i];
		iov[i].iov_len = sizeof(replies[i]);
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(linux_os.diag.fd, mm, linux_os.nahead, MSG_DONTWAIT,
	    NULL);
	for (i = 0; i < n; i++) {
		if (mm[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		/* One that is late belongs to no question here. */
		for (a = next; a < end && diag_reply(replies[i],
		    mm[i].msg_len, &a->query, &a->sock) != NL_DONE; a++)
			continue;
		if (a < end) {
			a->told = 1;
			next = a + 1;
		}
	}
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
		    found.bound != list[i] || (hits > 0 &&
		    found.cookie == sock->cookie))
			continue;
		*sock = found;
		hits++;
	}
	if (hits > 1) {
		memset(sock, 0, sizeof(*sock));
		sock->state = SOCK_SEVERAL;
	}
}

/* The indexes of all interfaces that have an address, some of them twice. */
static size_t
interfaces(uint32_t list[INTERFACES])
{
	static char	 buf[65536];
	size_t		 count = 0;
	ssize_t		 n;

	if ((n = file_read(proc_dir, "self/net/igmp", buf,
	    sizeof(buf))) > 0)
		count = proc_igmp(buf, n, list, INTERFACES);
	if ((n = file_read(proc_dir, "self/net/if_inet6", buf,
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
 * All that is read is of the process that the holder names, for its directory
 * is; see linux_known.c.  That it has a name at all says that it is still
 * there.  The look at the descriptor at the end proves that the program told
 * is one that has the connection, and not one that was executed since and has
 * not.
 */
static int
linux_process(const struct holder *h, struct found *found)
{
	struct known	*k;
	char		 path[32];
	int		 task, rv = -1;

	if (h->opener)
		return (opener_process(h, found));
	if ((k = known_get(h->pid, h->start)) == NULL ||
	    process_name(k, found) == -1)
		return (-1);
	task = k->dir;
	if (h->tid != 0) {
		/* The first thread may have ended, and its exe with it. */
		(void)snprintf(path, sizeof(path), "task/%u", h->tid);
		if ((task = openat(k->dir, path, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC)) == -1)
			return (-1);
	}
	process_texts(k, task, found);
	if (still_holds(k, task, h))
		rv = 0;
	if (task != k->dir)
		(void)close(task);
	return (rv);
}

static int
still_holds(struct known *k, int task, const struct holder *h)
{
	char	 path[32];

	if (h->fd == -1)
		return (1);
	if (task == k->dir)
		return (known_socket(k, h->fd) == h->inode);
	(void)snprintf(path, sizeof(path), "fd/%d", h->fd);
	return (holds(task, path, h->inode));
}

/*
 * Who opened the socket may have let go of it; but it must be the same process
 * and, for its name is from then, the same program.  It existed before it is
 * looked at; so if it exists afterwards, its pid was its own all the time.
 */
static int
opener_process(const struct holder *h, struct found *found)
{
	char		 path[32];
	struct stat	 self;
	struct known	*k;

	(void)snprintf(path, sizeof(path), "%u/exe", h->pid);
	if (wants(found, T_EXE))
		found->owner.text[T_EXE] = link_read(proc_dir, path,
		    found->exe, sizeof(found->exe));
	if (!runs(path, h))
		return (-1);
	(void)snprintf(path, sizeof(path), "%u", h->pid);
	if (fstatat(proc_dir, path, &self, 0) == -1)
		return (-1);
	found->holder_uid = self.st_uid;
	if ((found->want & REST) != 0) {
		if ((k = known_get(h->pid, h->start)) == NULL)
			return (-1);
		process_rest(k, k->dir, found);
	}
	return (lives(h) ? 0 : -1);
}

/*
 * True if the program file is that one.  It may lie in a file system of the
 * user's making, which is not asked: it could let us wait for ever.  What some
 * file systems tell of a file is not what the kernel calls it; then fdinfo has
 * the number (since Linux 5.14).
 */
static int
runs(const char *path, const struct holder *h)
{
	char		 buf[512], name[32];
	const char	*ino;
	struct statx	 sx;
	ssize_t		 n;
	int		 fd;

	if (h->exe == 0 || statx(proc_dir, path,
	    AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
	    STATX_INO, &sx) == -1)
		return (0);
	if (sx.stx_ino == h->exe && makedev(sx.stx_dev_major,
	    sx.stx_dev_minor) == h->exe_dev)
		return (1);
	if ((fd = openat(proc_dir, path, O_PATH | O_CLOEXEC)) == -1)
		return (0);
	(void)snprintf(name, sizeof(name), "self/fdinfo/%d", fd);
	n = file_read(proc_dir, name, buf, sizeof(buf) - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return ((ino = strstr(buf, "\nino:\t")) != NULL &&
	    strtoull(ino + 6, NULL, 10) == h->exe);
}

/* True if it is still the process with that pid. */
static int
lives(const struct holder *h)
{
	char			 buf[2048], path[32];
	struct proc_stat	 st;
	struct stat		 sb;
	ssize_t			 n;
	int			 fd, same = 0;

	/* By its pidfd, which costs the half, or else by its start time. */
	if (h->pidfd != 0 &&
	    (fd = syscall(SYS_pidfd_open, h->pid, 0)) != -1) {
		same = fstat(fd, &sb) == 0 && sb.st_ino == h->pidfd;
		(void)close(fd);
	}
	if (same)
		return (1);
	(void)snprintf(path, sizeof(path), "%u/stat", h->pid);
	n = file_read(proc_dir, path, buf, sizeof(buf));
	return (n != -1 && proc_stat(buf, n, &st) == 0 &&
	    st.start == h->start);
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
	int			 size = 64 * 1024;

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

static void
diag_query(struct diag_query *q, const struct conn_key *key, uint64_t cookie,
    uint32_t ifindex)
{
	q->seq = ++linux_os.diag.seq;
	q->portid = linux_os.diag.portid;
	q->cookie = cookie;
	q->ifindex = ifindex;
	q->key = *key;
}

/* True if that was asked ahead, in this order; each is told once. */
static int
told_ahead(const struct conn_key *key, uint64_t cookie, uint32_t ifindex,
    struct sock *sock)
{
	const struct ahead	*a;
	size_t			 i;

	for (i = linux_os.next; i < linux_os.nahead; i++) {
		a = &linux_os.ahead[i];
		if (!a->told || a->query.cookie != cookie ||
		    a->query.ifindex != ifindex ||
		    !endpoint_equal(&a->query.key.client, &key->client) ||
		    !endpoint_equal(&a->query.key.server, &key->server))
			continue;
		*sock = a->sock;
		linux_os.next = i + 1;
		return (1);
	}
	return (0);
}

/* Returns 0 if the kernel answered; sock says it all in any case. */
static int
diag_ask(const struct conn_key *key, uint64_t cookie, uint32_t ifindex,
    struct sock *sock)
{
	uint8_t			 buf[NL_BUFFER];
	struct diag_query	 query;
	ssize_t			 n;

	memset(sock, 0, sizeof(*sock));
	sock->state = linux_os.broken;
	if (linux_os.broken != SOCK_OWNED)
		return (-1);
	if (told_ahead(key, cookie, ifindex, sock))
		return (0);
	diag_query(&query, key, cookie, ifindex);
	n = diag_request(buf, sizeof(buf), &query);
	if (netlink_send(&linux_os.diag, buf, n) == -1) {
		sock->state = diag_error(errno);
		return (-1);
	}
	return (diag_hear(&query, sock));
}

static int
diag_hear(const struct diag_query *q, struct sock *sock)
{
	uint8_t	 buf[NL_BUFFER];
	ssize_t	 n;
	int	 i;

	sock->state = SOCK_FAILED;
	for (i = 0; i < STALE_MAX; i++) {
		n = netlink_recv(&linux_os.diag, buf, sizeof(buf));
		if (n == -1)
			return (-1);
		if (diag_reply(buf, n, q, sock) == NL_DONE)
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
		log_warnx("sock_diag: no loopback address to test it with; "
		    "type: ip link set lo up");
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
	if (sock.state == SOCK_FAILED)
		fatalx("sock_diag does not answer a test: is memory short?");
	if (sock.state != SOCK_OWNED) {
		linux_os.broken = sock.state == SOCK_DENIED ? SOCK_DENIED :
		    SOCK_UNSUPPORTED;
		log_warnx("sock_diag does not work here (no module "
		    "tcp_diag?): nobody can be named; type: modprobe "
		    "tcp_diag");
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

/* What it calls itself.  Returns -1 if it has ended. */
static int
process_name(struct known *k, struct found *found)
{
	struct span	 comm;
	char		 buf[MAX_NAME + 2];
	ssize_t		 n;

	if ((n = known_name(k, buf, sizeof(buf))) == -1)
		return (-1);
	if (wants(found, T_PROGRAM)) {
		comm.p = buf;
		comm.len = n;
		found->owner.text[T_PROGRAM] = copy_span(comm, found->program,
		    sizeof(found->program));
	}
	return (0);
}

/* What the kernel says of the process, or of its thread that counts. */
static ssize_t
task_read(struct known *k, int task, enum kept what, char *buf, size_t size)
{
	return (task == k->dir ? known_read(k, what, buf, size) :
	    thread_read(task, what, buf, size));
}

static const char *
task_link(struct known *k, int task, enum kept what, char *buf, size_t size)
{
	return (task == k->dir ? known_link(k, what, buf, size) :
	    thread_link(task, what, buf, size));
}

/* What the caller wants to know; absent is what can't be read. */
static void
process_texts(struct known *k, int task, struct found *found)
{
	struct owner	*owner = &found->owner;
	char		 buf[16];
	ssize_t		 n;

	owner->login = LOGIN_UNSET;
	if ((n = task_read(k, task, KEPT_LOGINUID, buf, sizeof(buf))) != -1)
		(void)proc_loginuid(buf, n, &owner->login);
	if (wants(found, T_EXE))
		owner->text[T_EXE] = task_link(k, task, KEPT_EXE, found->exe,
		    sizeof(found->exe));
	process_rest(k, task, found);
}

static void
process_rest(struct known *k, int task, struct found *found)
{
	if (wants(found, T_CWD))
		found->owner.text[T_CWD] = task_link(k, task, KEPT_CWD,
		    found->cwd, sizeof(found->cwd));
	if (wants(found, T_UNIT) || wants(found, T_CONTAINER))
		process_cgroup(k, task, found);
	if (wants(found, T_CMDLINE) && cmdline_read(task, found->cmdline,
	    sizeof(found->cmdline)) > 0)
		found->owner.text[T_CMDLINE] = found->cmdline;
}

static void
process_cgroup(struct known *k, int task, struct found *found)
{
	char	 buf[8192];
	ssize_t	 n;

	if ((n = task_read(k, task, KEPT_CGROUP, buf, sizeof(buf))) != -1)
		copy_cgroup(buf, n, found);
}

static void
linux_group(const struct record *r, struct found *found)
{
	char	 buf[8192];
	ssize_t	 n;

	if ((wants(found, T_UNIT) || wants(found, T_CONTAINER)) &&
	    (n = cgroup_line(r->cgroup, buf, sizeof(buf))) != -1)
		copy_cgroup(buf, n, found);
}

static void
copy_cgroup(const char *buf, size_t len, struct found *found)
{
	struct proc_cgroup	 cg;

	proc_cgroup(buf, len, &cg);
	found->owner.text[T_UNIT] = copy_span(cg.unit, found->unit,
	    sizeof(found->unit));
	found->owner.text[T_CONTAINER] = copy_span(cg.container,
	    found->container, sizeof(found->container));
}
