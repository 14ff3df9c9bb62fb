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
 * Every way in which the client's end of a connection can be held, by real
 * processes of real users, and what the daemon has to say of each: the table
 * rows[] below.  This program plays the MTA, and asks through sysuserctl(8):
 *
 *	matrix -c SYSUSERCTL -s SOCKET -d DIRECTORY [-bor] [-g GROUP]
 *	    [-n NETNS] [NAME ...]
 *
 * It speaks TAP, without numbers and plan.  The directory is for copies of
 * this program that the users can run.  GROUP is the letter of those rows to
 * be tried; NETNS is a network namespace from which 192.0.2.2 is remote;
 * -o says that /etc/subuid, as the daemon sees it, gives 100001 to games; -r
 * that the packet filter redirects port 2525 to 2526; -b that the daemon has
 * the connect-time record: then it knows more, see with_record().
 *
 * Nobody may ever be named who is not in the row.  That less is said than the
 * row has, the user without his process or not all the holders, may be for
 * want of time: then it is asked again for a while.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/io_uring.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP		262
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE	51
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT	30
#endif
#ifndef TCPI_OPT_SYN_DATA
#define TCPI_OPT_SYN_DATA	32
#endif

#define PATIENCE	10000		/* ms, for anything to happen */
#define ASK_AGAIN	60		/* times, 100 ms between them */

/* Who is who in a scene. */
enum who {
	NONE,				/* no process may be named */
	CONNECTOR,			/* it called connect(2) */
	CHILD,				/* forked from the connector */
	RECEIVER,			/* of another user */
	MTA,				/* this program */
	WHO_MAX
};

/* Where a row is tried; letters for -g. */
#define HERE		1		/* m: as it is */
#define HIDEPID		2		/* h: hidepid=2 on the daemon's /proc */
#define OWNNET		4		/* n: in a network namespace */

/* Marks of a row. */
#define F_LATER		1		/* the MTA has not accepted it yet */
#define F_QUICK		2		/* perhaps too quick for us: closed */
#define F_ORPHAN	4		/* before Linux 6.17: closed */
#define F_MPTCP		8		/* the MTA listens with MPTCP */
#define F_SUBUID	16		/* needs games's line in subuid(5) */
#define F_SEARCHED	32		/* with a record as well */
#define F_OTHER		64		/* who connected is another program */
#define F_NAT		128		/* needs the packet filter */
#define F_LEAVES	256		/* it may still be there, or not */

/* A connection and its processes; they all share this memory. */
struct scene {
	const struct row	*row;
	pid_t			 pid[WHO_MAX];
	pid_t			 group;		/* of all but the MTA */
	int			 ready[2];	/* to the MTA: 'r' */
	int			 leash[2];	/* from it: 'g', and the end */
	int			 done[2];	/* among the clients */
	int			 fd;		/* the client's */
	int			 pair[2];	/* to pass it on */
	struct sockaddr_storage	 to;		/* where the client goes */
	struct sockaddr_storage	 second;	/* where else it can go */
	struct sockaddr_storage	 client;	/* the client's end */
	int			 listener[2];
	int			 conn[2];	/* accepted */
	char			 question[256];
	char			 skip[128];
	char			 broken[128];	/* the test, not the daemon */
};

struct row {
	const char	*name;
	int		 where;
	void		(*client)(struct scene *);
	void		(*mta)(struct scene *);	/* before it asks, or NULL */
	const char	*verdict;
	const char	*reason;
	const char	*user;			/* name or #uid */
	enum who	 process;
	int		 holders;
	const char	*owner;			/* of a subordinate uid */
	const char	*holder;		/* if it is another than user */
	const char	*login;			/* NULL: any */
	const char	*program;		/* NULL: any */
	const char	*exe;			/* in our directory */
	const char	*listen;		/* NULL: 127.0.0.1 */
	const char	*to;			/* NULL: there */
	const char	*port;			/* to listen at; NULL: any */
	int		 flags;
	const char	*recorded;		/* user, with a record */
	enum who	 opener;		/* NONE: the connector */
	const char	*todo;			/* why only a record helps */
};

static struct {
	const char	*ctl, *socket, *dir, *netns;
	int		 where;
	int		 record;		/* there is one */
	int		 nat;			/* see F_NAT */
	FILE		*ask, *answer;
	pid_t		 ctl_pid;
	int		 subuid;		/* see F_SUBUID */
	int		 orphans;		/* have an owner: 6.17 */
} env = { .where = HERE };

/* the clients */
static void	 c_open(struct scene *), c_open_12345(struct scene *);
static void	 c_half_closed(struct scene *), c_unread(struct scene *);
static void	 c_unread_exit(struct scene *), c_close(struct scene *);
static void	 c_exit(struct scene *), c_rst(struct scene *);
static void	 c_rst_listen(struct scene *), c_reuse(struct scene *);
static void	 c_reuse_own(struct scene *), c_retake(struct scene *);
static void	 c_reuse_reset(struct scene *);
static void	 c_spray(struct scene *), c_spray_rst(struct scene *);
static void	 c_setuid_after(struct scene *);
static void	 c_setuid_before(struct scene *);
static void	 c_setfsuid(struct scene *), c_euid(struct scene *);
static void	 c_suid_program(struct scene *), c_fchown_root(struct scene *);
static void	 c_again_accepted(struct scene *);
static void	 c_again_listening(struct scene *);
static void	 c_fchown_user(struct scene *), c_fork(struct scene *);
static void	 c_inherit(struct scene *), c_pass(struct scene *);
static void	 c_give(struct scene *), c_flight(struct scene *);
static void	 c_pass_older(struct scene *), c_login(struct scene *);
static void	 c_uring(struct scene *), c_files(struct scene *);
static void	 c_leader(struct scene *), c_exec(struct scene *);
static void	 c_exec_close(struct scene *);
static void	 c_program(struct scene *), c_bash(struct scene *);
static void	 c_container(struct scene *), c_uring_connect(struct scene *);
static void	 c_userns(struct scene *), c_userns_root(struct scene *);
static void	 c_userns_fchown(struct scene *);
static void	 c_userns_setresuid(struct scene *);
static void	 c_pidns(struct scene *), c_undumpable(struct scene *);
static void	 c_mptcp(struct scene *), c_tfo(struct scene *);
static void	 c_nonblock(struct scene *), c_mapped(struct scene *);
static void	 c_bound(struct scene *);
static void	 c_same_port(struct scene *), c_remote(struct scene *);
static void	 c_remote_close(struct scene *), c_remote_rst(struct scene *);
static void	 c_nat(struct scene *), c_nat_close(struct scene *);
static void	 c_nat_rst(struct scene *);
/* what happens then */
static void	 m_settle(struct scene *), m_exit(struct scene *);
static void	 m_close(struct scene *);
static void	 m_shutdown(struct scene *), m_accept_again(struct scene *);
static void	 m_over(struct scene *);
static void	 m_unlink(struct scene *), m_replace(struct scene *);
static void	 m_second(struct scene *), m_first(struct scene *);
static void	 m_swap(struct scene *), m_zero_port(struct scene *);
static void	 m_zero_addr(struct scene *), m_other_port(struct scene *);
static void	 m_foreign(struct scene *), m_words(struct scene *);
static void	 m_brackets(struct scene *), m_prefix(struct scene *);
static void	 m_both(struct scene *), m_long(struct scene *);
static void	 m_as_mapped(struct scene *);

#define OWNED(u, p, n)	.verdict = "owned", .user = u, .process = p, \
			    .holders = n
#define UNKNOWN(r)	.verdict = "unknown", .reason = r
#define REMOTE		.verdict = "remote"
#define NO_QUESTION	.verdict = "error", .reason = "syntax"

static const struct row rows[] = {
	/* The state of the client's end. */
{ "open", HERE | HIDEPID, c_open, NULL, OWNED("games", CONNECTOR, 1) },
{ "half closed by the client", HERE, c_half_closed, m_settle,
    OWNED("games", CONNECTOR, 1) },
{ "closed with unread data", HERE, c_unread, m_settle,
    OWNED("games", NONE, 0), .flags = F_ORPHAN },
{ "client has exited, with unread data", HERE, c_unread_exit, m_exit,
    OWNED("games", NONE, 0), .flags = F_ORPHAN },
{ "closed, FIN acknowledged", HERE, c_close, m_settle, UNKNOWN("closed"),
    .recorded = "games" },
{ "client has exited, FIN acknowledged", HERE, c_exit, m_exit,
    UNKNOWN("closed"), .recorded = "games" },
{ "closed by the client and then the MTA", HERE, c_close, m_close,
    UNKNOWN("closed") },
{ "reset", HERE, c_rst, NULL, UNKNOWN("closed"), .recorded = "games" },
{ "reset, another user listens there", HERE, c_rst_listen, NULL,
    UNKNOWN("closed"), .recorded = "games", .opener = CHILD },
{ "port taken by another user, not accepted", HERE, c_reuse, NULL,
    UNKNOWN("reused") },
{ "port taken by the same user, not accepted", HERE, c_reuse_own, NULL,
    UNKNOWN("reused") },
{ "port taken by another user, accepted by another server process", HERE,
    c_reuse, m_accept_again, UNKNOWN("reused"), .todo =
    "who had the port before is in no table of the kernel" },
{ "port taken by another user, and reset before it is accepted", HERE,
    c_reuse_reset, m_over, UNKNOWN("closed|reused") },
{ "another user tries for the port, the MTA's end lives", HERE, c_retake,
    NULL, UNKNOWN("closed|reused"), .recorded = "games", .opener = CHILD },
{ "asked about before it is accepted", HERE, c_open, NULL, UNKNOWN("reused"),
    .flags = F_LATER },
{ "half closed by the MTA", HERE, c_open, m_shutdown,
    OWNED("games", CONNECTOR, 1) },
{ "closed by the MTA", HERE, c_open, m_close, UNKNOWN("reused") },
{ "written and exited at once", HERE, c_spray, NULL,
    OWNED("games", NONE, 0), .flags = F_QUICK | F_LEAVES,
    .recorded = "games" },
{ "written and reset at once", HERE, c_spray_rst, NULL,
    OWNED("games", NONE, 0), .flags = F_QUICK | F_LEAVES },

	/* Whose it is if there is more than one uid. */
{ "uid without an account", HERE, c_open_12345, NULL,
    OWNED("#12345", CONNECTOR, 1) },
{ "connected, then setuid", HERE, c_setuid_after, NULL,
    OWNED("root", CONNECTOR, 1), .holder = "games" },
{ "socket, setuid, then connected", HERE, c_setuid_before, NULL,
    OWNED("root", CONNECTOR, 1), .holder = "games" },
{ "setfsuid", HERE, c_setfsuid, NULL,
    OWNED("games", CONNECTOR, 1), .holder = "root" },
{ "effective uid is another", HERE, c_euid, NULL,
    OWNED("news", CONNECTOR, 1) },
{ "set-user-ID program", HERE, c_suid_program, NULL,
    OWNED("root", CONNECTOR, 1), .program = "setuid", .exe = "setuid" },
{ "root accepted it, a user connects it again", HERE, c_again_accepted,
    NULL, UNKNOWN("ambiguous"), .todo =
    "the kernel tells only who made the socket" },
{ "root listened, a user connects it", HERE, c_again_listening, NULL,
    UNKNOWN("ambiguous"), .todo =
    "the kernel tells only who made the socket" },
{ "root gives the socket away by fchown", HERE, c_fchown_root, NULL,
    OWNED("news", CONNECTOR, 1), .holder = "root" },
{ "a user can't by fchown", HERE, c_fchown_user, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "logged in as somebody else", HERE, c_login, NULL,
    OWNED("games", CONNECTOR, 1), .login = "news" },

	/* Which process it is if there is more than one, or none. */
{ "forked, both hold it", HERE | HIDEPID, c_fork, NULL,
    OWNED("games", CONNECTOR, 2) },
{ "forked, the connector is gone", HERE, c_inherit, NULL,
    OWNED("games", CHILD, 1), .flags = F_SEARCHED },
{ "passed to another user and kept", HERE, c_pass, NULL,
    OWNED("games", CONNECTOR, 2) },
{ "passed to another user and closed", HERE | HIDEPID, c_give, NULL,
    OWNED("games", RECEIVER, 1), .holder = "news" },
{ "passed to an older process of the user", HERE, c_pass_older, NULL,
    OWNED("games", RECEIVER, 2) },
{ "passed on and not yet received", HERE, c_flight, NULL,
    OWNED("games", NONE, 0) },
{ "only in a table of io_uring", HERE, c_uring, NULL,
    OWNED("games", NONE, 0) },
{ "connected by io_uring", HERE, c_uring_connect, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "only in the table of a thread", HERE | HIDEPID, c_files, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "the first thread has ended", HERE, c_leader, NULL,
    OWNED("games", CONNECTOR, 1), .flags = F_SEARCHED },
{ "exec after connect", HERE, c_exec, NULL,
    OWNED("games", CONNECTOR, 1), .program = "after", .exe = "after",
    .flags = F_SEARCHED },
{ "exec after connect, and closed", HERE, c_exec_close, m_settle,
    UNKNOWN("closed"), .recorded = "games", .program = "matrix",
    .flags = F_OTHER },
{ "bash with a job in the background", HERE, c_bash, NULL,
    OWNED("games", CONNECTOR, 2), .program = "bash" },
{ "may not be dumped", HERE | HIDEPID, c_undumpable, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "program file", HERE, c_program, NULL,
    OWNED("games", CONNECTOR, 1), .program = "prog", .exe = "prog" },
{ "program file deleted", HERE, c_program, m_unlink,
    OWNED("games", CONNECTOR, 1), .program = "prog",
    .exe = "prog+20(deleted)" },
{ "program file replaced", HERE, c_program, m_replace,
    OWNED("games", CONNECTOR, 1), .program = "prog",
    .exe = "prog+20(deleted)" },

	/* Namespaces. */
{ "user namespace, unmapped", HERE | HIDEPID, c_userns, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "user namespace, root there", HERE, c_userns_root, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "user namespace of two uids, fchown", HERE, c_userns_fchown, NULL,
    OWNED("#100001", CONNECTOR, 1), .holder = "games" },
{ "user namespace of two uids, setresuid", HERE, c_userns_setresuid, NULL,
    OWNED("#100001", CONNECTOR, 1) },
{ "subordinate uid, fchown", HIDEPID, c_userns_fchown, NULL,
    OWNED("#100001", CONNECTOR, 1), .owner = "games", .holder = "games",
    .flags = F_SUBUID },
{ "subordinate uid, setresuid", HIDEPID, c_userns_setresuid, NULL,
    OWNED("#100001", CONNECTOR, 1), .owner = "games", .flags = F_SUBUID },
{ "pid namespace", HERE | HIDEPID, c_pidns, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "client in another network namespace", OWNNET, c_remote, NULL, REMOTE,
    .listen = "192.0.2.2", .recorded = "games" },
{ "the same over IPv6", OWNNET, c_remote, NULL, REMOTE,
    .listen = "2001:db8::2", .recorded = "games" },
{ "client in another network namespace, closed", OWNNET, c_remote_close,
    m_settle, REMOTE, .listen = "192.0.2.2", .recorded = "games" },
{ "client in another network namespace, reset", OWNNET, c_remote_rst, NULL,
    REMOTE, .listen = "192.0.2.2", .recorded = "games" },
{ "container with a network and uids of its own", OWNNET, c_container, NULL,
    REMOTE, .listen = "192.0.2.2", .recorded = "#100033" },

	/* Ways to connect. */
{ "not blocking", HERE, c_nonblock, NULL, OWNED("games", CONNECTOR, 1) },
{ "bound to an interface", HERE, c_bound, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "bound to an interface, IPv6", HERE, c_bound, NULL,
    OWNED("games", CONNECTOR, 1), .listen = "::1" },
{ "MPTCP, the MTA without", HERE, c_mptcp, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "MPTCP, the MTA as well", HERE, c_mptcp, NULL,
    OWNED("games", CONNECTOR, 1), .flags = F_MPTCP },
{ "TCP fast open", OWNNET, c_tfo, NULL, OWNED("games", CONNECTOR, 1) },

	/* Addresses. */
{ "IPv4", OWNNET, c_open, NULL, OWNED("games", CONNECTOR, 1) },
{ "IPv6", HERE | OWNNET, c_open, NULL, OWNED("games", CONNECTOR, 1),
    .listen = "::1" },
{ "IPv6 socket to an IPv4 address", HERE, c_mapped, NULL,
    OWNED("games", CONNECTOR, 1) },
{ "IPv4 to an IPv6 listener", HERE, c_open, NULL,
    OWNED("games", CONNECTOR, 1), .listen = "::", .to = "127.0.0.1" },
{ "IPv6 socket to an IPv4 address, IPv6 listener", HERE, c_mapped, NULL,
    OWNED("games", CONNECTOR, 1), .listen = "::", .to = "127.0.0.1" },
{ "to 127.0.0.5", HERE, c_open, NULL, OWNED("games", CONNECTOR, 1),
    .listen = "127.0.0.5" },
{ "own address that is not loopback", OWNNET, c_open, NULL,
    OWNED("games", CONNECTOR, 1), .listen = "192.0.2.2" },
{ "the same over IPv6, own address", OWNNET, c_open, NULL,
    OWNED("games", CONNECTOR, 1), .listen = "2001:db8::2" },
{ "own address, closed", OWNNET, c_close, m_settle, UNKNOWN("closed"),
    .listen = "192.0.2.2", .recorded = "games" },
{ "redirected", OWNNET, c_nat, NULL, UNKNOWN("redirected"), .port = "2526",
    .flags = F_NAT, .recorded = "games" },
{ "redirected, IPv6", OWNNET, c_nat, NULL, UNKNOWN("redirected"),
    .listen = "::1", .port = "2526", .flags = F_NAT, .recorded = "games" },
{ "redirected and closed", OWNNET, c_nat_close, m_settle, UNKNOWN("closed"),
    .port = "2526", .flags = F_NAT, .recorded = "games" },
{ "redirected and reset", OWNNET, c_nat_rst, NULL, UNKNOWN("closed"),
    .port = "2526", .flags = F_NAT, .recorded = "games" },
{ "one port to two servers, the first", HERE, c_same_port, m_first,
    OWNED("games", CONNECTOR, 1) },
{ "one port to two servers, the second", HERE, c_same_port, m_second,
    OWNED("news", RECEIVER, 1), .opener = RECEIVER },
{ "asked in brackets", HERE, c_open, m_brackets,
    OWNED("games", CONNECTOR, 1), .listen = "::1" },
{ "IPv4 in brackets", HERE, c_open, m_brackets,
    OWNED("games", CONNECTOR, 1) },
{ "asked with IPv6:", HERE, c_open, m_prefix,
    OWNED("games", CONNECTOR, 1), .listen = "::1" },
{ "with both", HERE, c_open, m_both,
    OWNED("games", CONNECTOR, 1), .listen = "::1" },
{ "not compressed", HERE, c_open, m_long,
    OWNED("games", CONNECTOR, 1), .listen = "::1" },
{ "IPv4 as ::ffff:", HERE, c_open, m_as_mapped,
    OWNED("games", CONNECTOR, 1) },

	/* What is no connection of a client. */
{ "the MTA's own end", HERE, c_open, m_swap, UNKNOWN("ambiguous") },
{ "the MTA's own end, IPv6", HERE, c_open, m_swap, UNKNOWN("ambiguous"),
    .listen = "::1" },
{ "port 0", HERE, c_open, m_zero_port, NO_QUESTION },
{ "words", HERE, c_open, m_words, NO_QUESTION },
{ "address 0.0.0.0", HERE, c_open, m_zero_addr, UNKNOWN("failed") },
{ "a port that nobody has", HERE, c_open, m_other_port, UNKNOWN("closed") },
{ "an address of somebody else", HERE, c_open, m_foreign, REMOTE },
};

/*
 * Small things
 */
static void __attribute__((__noreturn__, __format__(printf, 1, 2)))
bail(const char *fmt, ...)
{
	va_list	 ap;

	(void)printf("Bail out! ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf(": %s\n", strerror(errno));
	(void)fflush(stdout);
	exit(1);
}

static void
nap(long ms)
{
	struct timespec	 ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

static socklen_t
sa_len(const struct sockaddr_storage *ss)
{
	return (ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6));
}

static in_port_t *
sa_port(struct sockaddr_storage *ss)
{
	void	*p = ss;

	return (ss->ss_family == AF_INET ?
	    &((struct sockaddr_in *)p)->sin_port :
	    &((struct sockaddr_in6 *)p)->sin6_port);
}

static void
sa_parse(struct sockaddr_storage *ss, const char *addr, const char *port)
{
	struct addrinfo	 hints, *ai;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(addr, port, &hints, &ai) != 0)
		bail("%s", addr);
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
}

/* As an MTA says it: IPv4 is IPv4, whatever the socket is. */
static void
sa_text(const struct sockaddr_storage *ss, char *addr, size_t size,
    unsigned int *port)
{
	struct sockaddr_storage	 copy = *ss;
	char			 buf[INET6_ADDRSTRLEN];
	void			*p = &copy;

	*port = ntohs(*sa_port(&copy));
	if (copy.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)p)->sin_addr, buf,
		    sizeof(buf));
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)p)->sin6_addr,
		    buf, sizeof(buf));
	(void)snprintf(addr, size, "%s", strncmp(buf, "::ffff:", 7) == 0 &&
	    strchr(buf, '.') != NULL ? buf + 7 : buf);
}

/*
 * What clients are made of.  Where they can't go on, they say so and end.
 */
static void __attribute__((__noreturn__))
leave(const struct scene *s, char why)
{
	(void)!write(s->ready[1], &why, 1);
	_exit(0);
}

static void __attribute__((__noreturn__))
skip(struct scene *s, const char *why)
{
	(void)snprintf(s->skip, sizeof(s->skip), "%s", why);
	leave(s, 's');
}

static void __attribute__((__noreturn__))
broken(struct scene *s, const char *what)
{
	(void)snprintf(s->broken, sizeof(s->broken), "%s: %s", what,
	    strerror(errno));
	leave(s, 's');
}

/* Until the MTA has asked. */
static void __attribute__((__noreturn__))
linger(const struct scene *s)
{
	char	 c;

	while (read(s->leash[0], &c, 1) > 0)
		continue;
	_exit(0);
}

static void __attribute__((__noreturn__))
stay(const struct scene *s)
{
	(void)!write(s->ready[1], "r", 1);
	linger(s);
}

/* Among the processes of a client. */
static void
mark(const struct scene *s)
{
	(void)!write(s->done[1], "d", 1);
}

static void
await(struct scene *s)
{
	char	 c;

	if (read(s->done[0], &c, 1) != 1)
		broken(s, "await");
}

static void
become_ids(struct scene *s, uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1 ||
	    prctl(PR_SET_DUMPABLE, 1) == -1)
		broken(s, "become");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static const struct passwd *
account(struct scene *s, const char *name)
{
	struct passwd	*pw;

	if ((pw = getpwnam(name)) == NULL)
		broken(s, name);
	return (pw);
}

static void
become(struct scene *s, const char *name)
{
	const struct passwd	*pw = account(s, name);

	become_ids(s, pw->pw_uid, pw->pw_gid);
}

static pid_t
split(struct scene *s)
{
	pid_t	 pid;

	if ((pid = fork()) == -1)
		broken(s, "fork");
	return (pid);
}

static int
new_socket(struct scene *s, int family)
{
	int	 fd;

	if ((fd = socket(family, SOCK_STREAM, 0)) == -1)
		broken(s, "socket");
	return (fd);
}

/* Connected; the name of the client's end is noted. */
static void
reach(struct scene *s, int fd, const struct sockaddr_storage *to)
{
	socklen_t	 len = sizeof(s->client);

	if (connect(fd, (const struct sockaddr *)to, sa_len(to)) == -1)
		broken(s, "connect");
	if (getsockname(fd, (struct sockaddr *)&s->client, &len) == -1)
		broken(s, "getsockname");
}

/* Until the MTA has accepted it. */
static void
accepted(struct scene *s)
{
	char	 c;

	if (read(s->leash[0], &c, 1) != 1)
		broken(s, "leash");
}

static int
dial(struct scene *s)
{
	int	 fd = new_socket(s, s->to.ss_family);

	reach(s, fd, &s->to);
	accepted(s);
	return (fd);
}

static void
reset(int fd)
{
	struct linger	 l = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

/* A socket on the port that the client had. */
static int
same_port(struct scene *s)
{
	struct sockaddr_storage	 ss = s->client;
	int			 fd = new_socket(s, ss.ss_family), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, sa_len(&ss)) == -1)
		broken(s, "bind");
	return (fd);
}

/* A socket that will get this port, though somebody may have it already. */
static int
borrow_port(struct scene *s)
{
	uint32_t	 range = ntohs(*sa_port(&s->client));
	int		 fd = new_socket(s, s->client.ss_family);

	range |= range << 16;
	if (setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
	    sizeof(range)) == -1)
		skip(s, "no IP_LOCAL_PORT_RANGE");
	return (fd);
}

/* Write until the MTA, which does not read, can take no more. */
static void
fill(struct scene *s, int fd)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLOUT };
	char		 buf[65536];

	memset(buf, 'x', sizeof(buf));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		broken(s, "fcntl");
	do {
		while (write(fd, buf, sizeof(buf)) > 0)
			continue;
	} while (poll(&pfd, 1, 100) == 1);
}

static void
send_fd(struct scene *s, int sock, int fd)
{
	char		 c = 0, control[CMSG_SPACE(sizeof(fd))];
	struct iovec	 iov = { &c, 1 };
	struct msghdr	 m;
	struct cmsghdr	*cm;

	memset(&m, 0, sizeof(m));
	memset(control, 0, sizeof(control));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	cm = CMSG_FIRSTHDR(&m);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) == -1)
		broken(s, "sendmsg");
}

/* The descriptor is ours then; we don't need its number. */
static void
recv_fd(struct scene *s, int sock)
{
	char		 c, control[CMSG_SPACE(sizeof(int))];
	struct iovec	 iov = { &c, 1 };
	struct msghdr	 m;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	if (recvmsg(sock, &m, 0) != 1 || CMSG_FIRSTHDR(&m) == NULL)
		broken(s, "recvmsg");
}

static int
try_file(pid_t pid, const char *name, const char *text)
{
	char	 path[64];
	int	 fd, good;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if ((fd = open(path, O_WRONLY)) == -1)
		return (0);
	good = write(fd, text, strlen(text)) != -1;
	close(fd);
	return (good);
}

static void
write_file(struct scene *s, pid_t pid, const char *name, const char *text)
{
	if (!try_file(pid, name, text))
		broken(s, name);
}

/* This program once more, for a user to run. */
static void
copy_self(struct scene *s, const char *name, mode_t mode, gid_t gid)
{
	char	 path[256], buf[65536];
	ssize_t	 n;
	int	 from, to;

	(void)snprintf(path, sizeof(path), "%s/%s", env.dir, name);
	if ((from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) == -1 ||
	    (to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0700)) == -1)
		broken(s, path);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			broken(s, "write");
	if (fchown(to, 0, gid) == -1 || fchmod(to, mode) == -1)
		broken(s, "fchmod");
	close(from);
	close(to);
}

/* See helper(). */
static void __attribute__((__noreturn__))
run(struct scene *s, const char *name, const char *addr, const char *port)
{
	char	 path[256], ready[16], leash[16];

	(void)snprintf(path, sizeof(path), "%s/%s", env.dir, name);
	(void)snprintf(ready, sizeof(ready), "%d", s->ready[1]);
	(void)snprintf(leash, sizeof(leash), "%d", s->leash[0]);
	execl(path, name, "-x", ready, leash, addr, port, (char *)NULL);
	broken(s, path);
}

static void __attribute__((__noreturn__))
run_dial(struct scene *s, const char *name)
{
	char		 addr[INET6_ADDRSTRLEN], text[16];
	unsigned int	 port;

	sa_text(&s->to, addr, sizeof(addr), &port);
	(void)snprintf(text, sizeof(text), "%u", port);
	run(s, name, addr, text);
}

/*
 * The clients
 */
static void
c_open(struct scene *s)
{
	become(s, "games");
	if (s->row->flags & F_LATER)
		reach(s, new_socket(s, s->to.ss_family), &s->to);
	else
		s->fd = dial(s);
}

static void
c_open_12345(struct scene *s)
{
	become_ids(s, 12345, 12345);
	s->fd = dial(s);
}

static void
c_half_closed(struct scene *s)
{
	c_open(s);
	(void)shutdown(s->fd, SHUT_WR);
}

static void
c_unread(struct scene *s)
{
	c_open(s);
	fill(s, s->fd);
	close(s->fd);
}

static void
c_unread_exit(struct scene *s)
{
	c_open(s);
	fill(s, s->fd);
	leave(s, 'r');
}

static void
c_close(struct scene *s)
{
	c_open(s);
	close(s->fd);
}

static void
c_exit(struct scene *s)
{
	c_open(s);
	leave(s, 'r');
}

static void
c_rst(struct scene *s)
{
	c_open(s);
	reset(s->fd);
}

/*
 * A socket on a port of its own: connect(2) alone may take one that others
 * have with another server, and then nobody can bind it again.
 */
static int
own_port(struct scene *s)
{
	s->client = s->to;
	*sa_port(&s->client) = 0;
	return (same_port(s));
}

/* games has had its connection, and is gone. */
static void
reset_and_gone(struct scene *s)
{
	pid_t	 pid;

	if ((pid = split(s)) == 0) {
		become(s, "games");
		s->fd = own_port(s);
		reach(s, s->fd, &s->to);
		accepted(s);
		reset(s->fd);
		_exit(0);
	}
	s->pid[CHILD] = pid;
	(void)waitpid(pid, NULL, 0);
}

static void
c_rst_listen(struct scene *s)
{
	reset_and_gone(s);
	become(s, "news");
	if (listen(same_port(s), 5) == -1)
		broken(s, "listen");
}

static void
c_reuse(struct scene *s)
{
	reset_and_gone(s);
	become(s, "news");
	reach(s, same_port(s), &s->to);
}

static void
c_reuse_own(struct scene *s)
{
	reset_and_gone(s);
	become(s, "games");
	reach(s, same_port(s), &s->to);
}

/* See m_over(). */
static void
c_reuse_reset(struct scene *s)
{
	int	 fd;

	reset_and_gone(s);
	become(s, "news");
	fd = same_port(s);
	(void)!write(s->ready[1], "r", 1);
	accepted(s);
	reach(s, fd, &s->to);
	reset(fd);
	mark(s);
	linger(s);
}

/* The connection waits for the MTA to close; its port is asked for again. */
static void
c_retake(struct scene *s)
{
	pid_t	 pid;
	int	 fd;

	if ((pid = split(s)) == 0) {
		c_close(s);
		_exit(0);
	}
	s->pid[CHILD] = pid;
	(void)waitpid(pid, NULL, 0);
	nap(1200);		/* when the kernel may give it again */
	become(s, "news");
	fd = borrow_port(s);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)connect(fd, (struct sockaddr *)&s->to, sa_len(&s->to));
}

static void
c_spray(struct scene *s)
{
	become(s, "games");
	s->fd = new_socket(s, s->to.ss_family);
	reach(s, s->fd, &s->to);
	(void)!write(s->fd, "QUIT\r\n", 6);
	leave(s, 'r');
}

static void
c_spray_rst(struct scene *s)
{
	become(s, "games");
	s->fd = new_socket(s, s->to.ss_family);
	reach(s, s->fd, &s->to);
	(void)!write(s->fd, "QUIT\r\n", 6);
	reset(s->fd);
	leave(s, 'r');
}

static void
c_setuid_after(struct scene *s)
{
	s->fd = dial(s);
	become(s, "games");
}

static void
c_setuid_before(struct scene *s)
{
	s->fd = new_socket(s, s->to.ss_family);
	become(s, "games");
	reach(s, s->fd, &s->to);
	accepted(s);
}

static void
c_setfsuid(struct scene *s)
{
	(void)setfsuid(account(s, "games")->pw_uid);
	s->fd = dial(s);
}

static void
c_euid(struct scene *s)
{
	uid_t	 games = account(s, "games")->pw_uid;

	if (setresuid(games, account(s, "news")->pw_uid, games) == -1)
		broken(s, "setresuid");
	s->fd = dial(s);
}

static void
c_suid_program(struct scene *s)
{
	copy_self(s, "setuid", 04710, account(s, "games")->pw_gid);
	become(s, "games");
	run_dial(s, "setuid");
}

/* Root's, somewhere else than the MTA's; leaves its address in sa. */
static int
listening(struct scene *s, struct sockaddr_storage *sa)
{
	socklen_t	 len = sizeof(*sa);
	int		 fd = new_socket(s, s->to.ss_family);

	*sa = s->to;
	if (sa->ss_family == AF_INET6)
		((struct sockaddr_in6 *)sa)->sin6_port = 0;
	else
		((struct sockaddr_in *)sa)->sin_port = 0;
	if (bind(fd, (struct sockaddr *)sa, sa_len(sa)) == -1 ||
	    listen(fd, 5) == -1 ||
	    getsockname(fd, (struct sockaddr *)sa, &len) == -1)
		broken(s, "listen");
	return (fd);
}

static void
c_again_accepted(struct scene *s)
{
	struct sockaddr_storage	 sa;
	struct sockaddr		 none = { .sa_family = AF_UNSPEC };
	int			 l = listening(s, &sa);

	reach(s, new_socket(s, sa.ss_family), &sa);
	if ((s->fd = accept(l, NULL, NULL)) == -1)
		broken(s, "accept");
	become(s, "games");
	if (connect(s->fd, &none, sizeof(none)) == -1)
		broken(s, "disconnect");
	reach(s, s->fd, &s->to);
	accepted(s);
}

static void
c_again_listening(struct scene *s)
{
	struct sockaddr_storage	 sa;

	s->fd = listening(s, &sa);
	become(s, "games");
	if (shutdown(s->fd, SHUT_RDWR) == -1)
		broken(s, "shutdown");
	reach(s, s->fd, &s->to);
	accepted(s);
}

static void
c_fchown_root(struct scene *s)
{
	s->fd = dial(s);
	if (fchown(s->fd, account(s, "news")->pw_uid, -1) == -1)
		broken(s, "fchown");
}

static void
c_fchown_user(struct scene *s)
{
	c_open(s);
	if (fchown(s->fd, account(s, "news")->pw_uid, -1) == 0 ||
	    fchown(s->fd, 0, -1) == 0)
		broken(s, "fchown works");
}

static void
c_fork(struct scene *s)
{
	pid_t	 pid;

	c_open(s);
	if ((pid = split(s)) == 0)
		linger(s);
	s->pid[CHILD] = pid;
}

static void
c_inherit(struct scene *s)
{
	pid_t	 pid;

	if ((pid = split(s)) == 0) {
		c_fork(s);
		_exit(0);
	}
	s->pid[CONNECTOR] = pid;
	(void)waitpid(pid, NULL, 0);
}

static void
pass(struct scene *s, const char *to, int keep)
{
	pid_t	 pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair) == -1)
		broken(s, "socketpair");
	if ((pid = split(s)) == 0) {
		become(s, to);
		recv_fd(s, s->pair[0]);
		mark(s);
		linger(s);
	}
	s->pid[RECEIVER] = pid;
	c_open(s);
	send_fd(s, s->pair[1], s->fd);
	await(s);
	if (!keep)
		close(s->fd);
}

static void
c_pass(struct scene *s)
{
	pass(s, "news", 1);
}

static void
c_give(struct scene *s)
{
	pass(s, "news", 0);
}

/* To one that was there before the connector. */
static void
c_pass_older(struct scene *s)
{
	pid_t	 pid;

	s->pid[RECEIVER] = getpid();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair) == -1)
		broken(s, "socketpair");
	nap(50);		/* start times have 10 ms */
	if ((pid = split(s)) == 0) {
		s->pid[CONNECTOR] = getpid();
		c_open(s);
		send_fd(s, s->pair[1], s->fd);
		linger(s);
	}
	become(s, "games");
	recv_fd(s, s->pair[0]);
}

/* Logged in as news, so to say, and then changed to games. */
static void
c_login(struct scene *s)
{
	char	 uid[16];

	(void)snprintf(uid, sizeof(uid), "%u", account(s, "news")->pw_uid);
	if (!try_file(getpid(), "loginuid", uid))
		skip(s, "no login uid");
	c_open(s);
}

static void
c_flight(struct scene *s)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair) == -1)
		broken(s, "socketpair");
	c_open(s);
	send_fd(s, s->pair[1], s->fd);
	close(s->fd);
}

static void
c_uring(struct scene *s)
{
	struct io_uring_params	 p;
	long			 ring;

	memset(&p, 0, sizeof(p));
	c_open(s);
	if ((ring = syscall(SYS_io_uring_setup, 4, &p)) == -1)
		skip(s, "no io_uring");
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES,
	    &s->fd, 1) == -1)
		broken(s, "io_uring_register");
	close(s->fd);
}

/* The rings of io_uring, as long as they are of use. */
static int
uring_submit(long ring, const struct io_uring_params *p,
    const struct io_uring_sqe *sqe)
{
	struct io_uring_sqe	*sqes;
	struct io_uring_cqe	*cqe;
	uint8_t			*sq, *cq;
	size_t			 len;

	len = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	sq = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
	    IORING_OFF_SQ_RING);
	len = p->cq_off.cqes + p->cq_entries * sizeof(*cqe);
	cq = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
	    IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p->sq_entries * sizeof(*sqes),
	    PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return (-1);
	sqes[0] = *sqe;
	((uint32_t *)(void *)(sq + p->sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(sq + p->sq_off.tail), 1,
	    __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
	    NULL, 0) != 1)
		return (-1);
	cqe = (void *)(cq + p->cq_off.cqes);
	errno = -cqe->res;
	return (cqe->res);
}

/* A thread of the kernel's connects for us. */
static void
c_uring_connect(struct scene *s)
{
	struct io_uring_params	 p;
	struct io_uring_sqe	 sqe;
	long			 ring;

	become(s, "games");
	memset(&p, 0, sizeof(p));
	if ((ring = syscall(SYS_io_uring_setup, 4, &p)) == -1)
		skip(s, "no io_uring");
	s->fd = new_socket(s, s->to.ss_family);
	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = IORING_OP_CONNECT;
	sqe.flags = IOSQE_ASYNC;
	sqe.fd = s->fd;
	sqe.addr = (uintptr_t)&s->to;
	sqe.off = sa_len(&s->to);
	if (uring_submit(ring, &p, &sqe) < 0)
		broken(s, "io_uring");
	accepted(s);
}

static void *
files_thread(void *arg)
{
	struct scene	*s = arg;

	if (unshare(CLONE_FILES) == -1)
		broken(s, "unshare");
	s->fd = dial(s);
	mark(s);
	for (;;)
		pause();
}

static void
c_files(struct scene *s)
{
	pthread_t	 thread;

	become(s, "games");
	if ((errno = pthread_create(&thread, NULL, files_thread, s)) != 0)
		broken(s, "pthread_create");
	await(s);
}

/* Until the process or thread has ended; path is its stat in proc(5). */
static void
ended(struct scene *s, const char *path)
{
	char	 buf[256];
	ssize_t	 n;
	int	 fd, i;

	for (i = 0; i < PATIENCE / 10; i++, nap(10)) {
		if ((fd = open(path, O_RDONLY)) == -1)
			return;
		n = read(fd, buf, sizeof(buf) - 1);
		buf[n > 0 ? n : 0] = '\0';
		close(fd);
		if (strstr(buf, ") Z") != NULL)
			return;
	}
	broken(s, "it does not end");
}

static void *
leader_thread(void *arg)
{
	struct scene	*s = arg;
	char		 path[64];

	s->fd = dial(s);
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
	    getpid());
	ended(s, path);
	stay(s);
}

static void
c_leader(struct scene *s)
{
	pthread_t	 thread;

	become(s, "games");
	if ((errno = pthread_create(&thread, NULL, leader_thread, s)) != 0)
		broken(s, "pthread_create");
	pthread_exit(NULL);
}

static void
c_exec(struct scene *s)
{
	copy_self(s, "after", 0755, 0);
	c_open(s);
	run(s, "after", NULL, NULL);
}

static void
c_exec_close(struct scene *s)
{
	copy_self(s, "after", 0755, 0);
	c_open(s);
	(void)fcntl(s->fd, F_SETFD, FD_CLOEXEC);
	run(s, "after", NULL, NULL);
}

static void
c_program(struct scene *s)
{
	copy_self(s, "prog", 0755, 0);
	become(s, "games");
	run_dial(s, "prog");
}

static void
c_bash(struct scene *s)
{
	char		 addr[INET6_ADDRSTRLEN], path[64], ready[16];
	unsigned int	 port;

	sa_text(&s->to, addr, sizeof(addr), &port);
	(void)snprintf(path, sizeof(path), "/dev/tcp/%s/%u", addr, port);
	(void)snprintf(ready, sizeof(ready), "%d", s->ready[1]);
	become(s, "games");
	execl("/bin/bash", "bash", "-c", "exec 3<>$0 || exit\n"
	    "sleep 60 & printf r >&$1; wait", path, ready, (char *)NULL);
	skip(s, "no bash");
}

static void
new_userns(struct scene *s)
{
	if (unshare(CLONE_NEWUSER) == -1)
		skip(s, "no user namespaces");
}

static void
c_userns(struct scene *s)
{
	become(s, "games");
	new_userns(s);
	s->fd = dial(s);
}

static void
c_userns_root(struct scene *s)
{
	const struct passwd	*pw = account(s, "games");
	char			 map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", pw->pw_uid);
	become(s, "games");
	new_userns(s);
	write_file(s, getpid(), "uid_map", map);
	if (setresuid(0, 0, 0) == -1)
		broken(s, "setresuid");
	s->fd = dial(s);
	if (fchown(s->fd, 0, -1) == -1)	/* himself */
		broken(s, "fchown");
}

/* A user namespace that root gives its uids and gids to. */
static void
userns_mapped(struct scene *s, const char *user, const char *uids,
    const char *gids, void (*then)(struct scene *))
{
	char	 c;
	int	 go[2];
	pid_t	 pid;

	if (pipe(go) == -1)
		broken(s, "pipe");
	if ((pid = split(s)) == 0) {
		become(s, user);
		new_userns(s);
		mark(s);
		if (read(go[0], &c, 1) != 1)
			broken(s, "the map");
		then(s);
		stay(s);
	}
	s->pid[CONNECTOR] = pid;
	await(s);
	write_file(s, pid, "uid_map", uids);
	write_file(s, pid, "gid_map", gids);
	(void)!write(go[1], "g", 1);
	(void)waitpid(pid, NULL, 0);
	_exit(0);
}

/* As newuidmap(1) does it for somebody with a range in /etc/subuid. */
static void
userns_of_two(struct scene *s, void (*then)(struct scene *))
{
	const struct passwd	*pw = account(s, "games");
	char			 uids[64], gids[32];

	(void)snprintf(uids, sizeof(uids), "0 %u 1\n1 100001 1\n",
	    pw->pw_uid);
	(void)snprintf(gids, sizeof(gids), "0 %u 1\n", pw->pw_gid);
	userns_mapped(s, "games", uids, gids, then);
}

static void
two_fchown(struct scene *s)
{
	s->fd = dial(s);
	if (fchown(s->fd, 1, -1) == -1)
		broken(s, "fchown");
}

static void
two_setresuid(struct scene *s)
{
	if (setresuid(1, 1, 1) == -1)
		broken(s, "setresuid");
	s->fd = dial(s);
}

static void
c_userns_fchown(struct scene *s)
{
	userns_of_two(s, two_fchown);
}

static void
c_userns_setresuid(struct scene *s)
{
	userns_of_two(s, two_setresuid);
}

static void
c_pidns(struct scene *s)
{
	pid_t	 pid;

	if (unshare(CLONE_NEWPID) == -1)
		skip(s, "no pid namespaces");
	if ((pid = split(s)) == 0) {
		if (getpid() != 1)
			broken(s, "getpid");
		c_open(s);
		mark(s);
		linger(s);
	}
	s->pid[CONNECTOR] = pid;
	await(s);
}

static void
c_undumpable(struct scene *s)
{
	become(s, "games");
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		broken(s, "prctl");
	s->fd = dial(s);
}

static void
c_mptcp(struct scene *s)
{
	become(s, "games");
	s->fd = socket(s->to.ss_family, SOCK_STREAM, IPPROTO_MPTCP);
	if (s->fd == -1)
		skip(s, "no MPTCP");
	reach(s, s->fd, &s->to);
	accepted(s);
}

static void
c_tfo(struct scene *s)
{
	struct tcp_info	 info;
	socklen_t	 len = sizeof(info);
	int		 on = 1;

	become(s, "games");
	s->fd = new_socket(s, s->to.ss_family);
	if (setsockopt(s->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on,
	    sizeof(on)) == -1)
		skip(s, "no fast open");
	reach(s, s->fd, &s->to);
	(void)!write(s->fd, "QUIT\r\n", 6);
	accepted(s);
	if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    (info.tcpi_options & TCPI_OPT_SYN_DATA) == 0)
		skip(s, "no fast open");
}

static void
c_nonblock(struct scene *s)
{
	struct pollfd	 pfd;

	become(s, "games");
	s->fd = new_socket(s, s->to.ss_family);
	(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	(void)connect(s->fd, (struct sockaddr *)&s->to, sa_len(&s->to));
	pfd.fd = s->fd;
	pfd.events = POLLOUT;
	(void)poll(&pfd, 1, PATIENCE);
	accepted(s);
}

/* Anybody may do this since Linux 5.7; and a query finds it only there. */
static void
c_bound(struct scene *s)
{
	become(s, "games");
	s->fd = new_socket(s, s->to.ss_family);
	if (setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == -1)
		skip(s, "SO_BINDTODEVICE");
	reach(s, s->fd, &s->to);
	accepted(s);
}

static void
c_mapped(struct scene *s)
{
	struct sockaddr_storage	 ss;
	char			 addr[INET6_ADDRSTRLEN], text[16];
	char			 mapped[INET6_ADDRSTRLEN + 8];
	unsigned int		 port;

	sa_text(&s->to, addr, sizeof(addr), &port);
	(void)snprintf(text, sizeof(text), "%u", port);
	(void)snprintf(mapped, sizeof(mapped), "::ffff:%s", addr);
	sa_parse(&ss, mapped, text);
	become(s, "games");
	s->fd = new_socket(s, AF_INET6);
	reach(s, s->fd, &ss);
	accepted(s);
}

/* games and news from one port to two servers. */
static void
c_same_port(struct scene *s)
{
	pid_t	 pid;
	int	 fd;

	if ((pid = split(s)) == 0) {
		await(s);
		become(s, "news");
		fd = same_port(s);
		reach(s, fd, &s->second);
		stay(s);
	}
	s->pid[RECEIVER] = pid;
	become(s, "games");
	s->fd = own_port(s);
	reach(s, s->fd, &s->to);
	accepted(s);
	mark(s);
	linger(s);
}

static void
go_away(struct scene *s)
{
	int	 fd;

	if (env.netns == NULL)
		skip(s, "no other network namespace");
	if ((fd = open(env.netns, O_RDONLY)) == -1 ||
	    setns(fd, CLONE_NEWNET) == -1)
		broken(s, "setns");
}

static void
c_remote(struct scene *s)
{
	go_away(s);
	c_open(s);
}

static void
c_remote_close(struct scene *s)
{
	c_remote(s);
	close(s->fd);
}

static void
c_remote_rst(struct scene *s)
{
	c_remote(s);
	reset(s->fd);
}

static void
www_there(struct scene *s)
{
	if (setresuid(33, 33, 33) == -1)
		broken(s, "setresuid");
	s->fd = dial(s);
}

static void
c_container(struct scene *s)
{
	go_away(s);
	userns_mapped(s, "root", "0 100000 65536", "0 100000 65536",
	    www_there);
}

/* To another port, from which the packet filter sends it to the MTA's. */
static void
c_nat(struct scene *s)
{
	struct sockaddr_storage	 to = s->to;

	*sa_port(&to) = htons(2525);
	become(s, "games");
	s->fd = new_socket(s, to.ss_family);
	reach(s, s->fd, &to);
	accepted(s);
}

static void
c_nat_close(struct scene *s)
{
	c_nat(s);
	close(s->fd);
}

static void
c_nat_rst(struct scene *s)
{
	c_nat(s);
	reset(s->fd);
}

/*
 * What happens between, in the MTA
 */
static void
ask_for(struct scene *s, const struct sockaddr_storage *client,
    const struct sockaddr_storage *server, const char *form)
{
	char		 caddr[INET6_ADDRSTRLEN], saddr[INET6_ADDRSTRLEN];
	char		 cform[64], sform[64];
	unsigned int	 cport, sport;

	sa_text(client, caddr, sizeof(caddr), &cport);
	sa_text(server, saddr, sizeof(saddr), &sport);
	(void)snprintf(cform, sizeof(cform), "%s%s%s", form, caddr,
	    form[0] == '[' ? "]" : "");
	(void)snprintf(sform, sizeof(sform), "%s%s%s", form, saddr,
	    form[0] == '[' ? "]" : "");
	(void)snprintf(s->question, sizeof(s->question), "%s %u %s %u", cform,
	    cport, sform, sport);
}

static void
take(struct scene *s, int n)
{
	struct pollfd	 pfd = { .fd = s->listener[n], .events = POLLIN };

	if (poll(&pfd, 1, PATIENCE) != 1 ||
	    (s->conn[n] = accept4(pfd.fd, NULL, NULL, SOCK_CLOEXEC)) == -1)
		bail("%s: accept", s->row->name);
}

/* Longer than an acknowledgement may be delayed. */
static void
m_settle(struct scene *s)
{
	(void)s;
	nap(250);
}

static void
m_exit(struct scene *s)
{
	char	 path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat",
	    s->pid[CONNECTOR]);
	ended(s, path);
	m_settle(s);
}

static void
m_close(struct scene *s)
{
	m_settle(s);
	close(s->conn[0]);
	s->conn[0] = -1;
	m_settle(s);
}

static void
m_shutdown(struct scene *s)
{
	(void)shutdown(s->conn[0], SHUT_WR);
	m_settle(s);
}

static void
m_accept_again(struct scene *s)
{
	s->listener[1] = s->listener[0];
	take(s, 1);
	s->listener[1] = -1;
}

/*
 * The connection is over, and another one has its port, which is reset while
 * it waits to be accepted: nobody asks about that one.
 */
static void
m_over(struct scene *s)
{
	struct pollfd	 pfd = { .fd = s->done[0], .events = POLLIN };

	close(s->conn[0]);
	s->conn[0] = -1;
	(void)!write(s->leash[1], "g", 1);
	if (poll(&pfd, 1, PATIENCE) != 1)
		bail("%s: nobody connects", s->row->name);
}

static void
m_unlink(struct scene *s)
{
	char	 path[256];

	(void)s;
	(void)snprintf(path, sizeof(path), "%s/prog", env.dir);
	if (unlink(path) == -1)
		bail("%s", path);
}

static void
m_replace(struct scene *s)
{
	char	 from[256], to[256];

	copy_self(s, "new", 0755, 0);
	(void)snprintf(from, sizeof(from), "%s/new", env.dir);
	(void)snprintf(to, sizeof(to), "%s/prog", env.dir);
	if (rename(from, to) == -1)
		bail("%s", to);
}

static void
m_first(struct scene *s)
{
	take(s, 1);
}

static void
m_second(struct scene *s)
{
	take(s, 1);
	ask_for(s, &s->client, &s->second, "");
}

static void
m_swap(struct scene *s)
{
	ask_for(s, &s->to, &s->client, "");
}

static void
m_zero_port(struct scene *s)
{
	*sa_port(&s->client) = 0;
	ask_for(s, &s->client, &s->to, "");
}

static void
m_words(struct scene *s)
{
	(void)snprintf(s->question, sizeof(s->question), "who is there?");
}

static void
m_zero_addr(struct scene *s)
{
	struct sockaddr_storage	 any;

	sa_parse(&any, "0.0.0.0", "0");
	*sa_port(&any) = *sa_port(&s->client);
	ask_for(s, &any, &s->to, "");
}

/* 1: nobody connects from there. */
static void
m_other_port(struct scene *s)
{
	*sa_port(&s->client) = htons(1);
	ask_for(s, &s->client, &s->to, "");
}

static void
m_foreign(struct scene *s)
{
	struct sockaddr_storage	 ss;

	sa_parse(&ss, "198.51.100.9", "40000");
	ask_for(s, &ss, &s->to, "");
}

static void
m_brackets(struct scene *s)
{
	ask_for(s, &s->client, &s->to, "[");
}

static void
m_prefix(struct scene *s)
{
	ask_for(s, &s->client, &s->to, "IPv6:");
}

static void
m_both(struct scene *s)
{
	ask_for(s, &s->client, &s->to, "[IPv6:");
}

static void
m_long(struct scene *s)
{
	(void)snprintf(s->question, sizeof(s->question),
	    "IPv6:0:0:0:0:0:0:0:1 %u IPv6:0:0:0:0:0:0:0:1 %u",
	    ntohs(*sa_port(&s->client)), ntohs(*sa_port(&s->to)));
}

static void
m_as_mapped(struct scene *s)
{
	ask_for(s, &s->client, &s->to, "::ffff:");
}

/*
 * The MTA
 */
static int
open_listener(const char *addr, const char *port, int protocol,
    struct sockaddr_storage *ss)
{
	socklen_t	 len = sizeof(*ss);
	int		 fd, off = 0, on = 1, queue = 16;

	sa_parse(ss, addr, port);
	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC, protocol);
	if (fd == -1)
		return (-1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
	if (bind(fd, (struct sockaddr *)ss, sa_len(ss)) == -1 ||
	    listen(fd, 16) == -1 ||
	    getsockname(fd, (struct sockaddr *)ss, &len) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Returns -1 if this host has no such address. */
static int
scene_open(struct scene *s, const struct row *row)
{
	const char	*addr = row->listen == NULL ? "127.0.0.1" : row->listen;
	char		 port[16];
	int		 protocol = row->flags & F_MPTCP ? IPPROTO_MPTCP : 0;

	memset(s, 0, sizeof(*s));
	s->row = row;
	s->pid[MTA] = getpid();
	s->conn[0] = s->conn[1] = -1;
	s->listener[0] = open_listener(addr, row->port == NULL ? "0" :
	    row->port, protocol, &s->to);
	s->listener[1] = open_listener(addr, "0", protocol, &s->second);
	if (s->listener[0] == -1 || s->listener[1] == -1)
		return (-1);
	if (row->to != NULL) {
		(void)snprintf(port, sizeof(port), "%u",
		    ntohs(*sa_port(&s->to)));
		sa_parse(&s->to, row->to, port);
	}
	if (pipe(s->ready) == -1 || pipe(s->leash) == -1 ||
	    pipe(s->done) == -1)
		bail("pipe");
	return (0);
}

static void
scene_client(struct scene *s)
{
	(void)setpgid(0, 0);
	(void)alarm(60);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	s->pid[CONNECTOR] = getpid();
	close(s->listener[0]);
	close(s->listener[1]);
	close(s->ready[0]);
	close(s->leash[1]);
	s->row->client(s);
	stay(s);
}

/* Accept, tell the client to go on, and wait until it is ready. */
static void
scene_play(struct scene *s)
{
	struct pollfd	 pfd[2];
	int		 later = s->row->flags & F_LATER, ready = 0;
	char		 c;

	pfd[0].fd = s->ready[0];
	pfd[1].fd = later ? -1 : s->listener[0];
	pfd[0].events = pfd[1].events = POLLIN;
	while (!ready || pfd[1].fd != -1) {
		if (poll(pfd, 2, PATIENCE) <= 0) {
			(void)snprintf(s->broken, sizeof(s->broken),
			    "nothing happens");
			return;
		}
		if (pfd[1].fd != -1 && pfd[1].revents != 0) {
			take(s, 0);
			(void)!write(s->leash[1], "g", 1);
			pfd[1].fd = -1;
		}
		if (pfd[0].revents != 0) {
			if (read(s->ready[0], &c, 1) != 1 || c != 'r')
				return;
			ready = 1;
			pfd[0].fd = -1;
		}
	}
	ask_for(s, &s->client, &s->to, "");
}

/* The addresses as the MTA sees them, for helpers don't tell. */
static void
scene_names(struct scene *s)
{
	struct sockaddr_storage	 peer;
	socklen_t		 len = sizeof(peer);

	if (s->conn[0] != -1 && getpeername(s->conn[0],
	    (struct sockaddr *)&peer, &len) == 0) {
		s->client = peer;
		ask_for(s, &s->client, &s->to, "");
	}
}

static void
close_fds(int fds[2])
{
	int	 i;

	for (i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

/* Nothing is left of it, whatever became of the processes' parents. */
static void
scene_end(struct scene *s)
{
	char	 path[256];
	size_t	 i;
	static const char *const names[] = { "setuid", "after", "prog", "new" };

	close(s->leash[1]);
	(void)kill(-s->group, SIGKILL);
	while (waitpid(-s->group, NULL, 0) != -1 || errno == EINTR)
		continue;
	close(s->ready[0]);
	close_fds(s->done);
	close_fds(s->conn);
	close_fds(s->listener);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", env.dir, names[i]);
		(void)unlink(path);
	}
}

/*
 * The question and the answer
 */
static void
ctl_start(void)
{
	int	 to[2], from[2];

	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1 ||
	    (env.ctl_pid = fork()) == -1)
		bail("sysuserctl");
	if (env.ctl_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(to[0], 0);
		(void)dup2(from[1], 1);
		execl(env.ctl, "sysuserctl", "-s", env.socket, "lookup", "-",
		    (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	if ((env.ask = fdopen(to[1], "w")) == NULL ||
	    (env.answer = fdopen(from[0], "r")) == NULL)
		bail("fdopen");
}

/* One line goes there, one comes back. */
static void
ctl_ask(const char *question, char *answer, size_t size)
{
	struct pollfd	 pfd = { .fd = fileno(env.answer), .events = POLLIN };

	(void)fprintf(env.ask, "%s\n", question);
	if (fflush(env.ask) == EOF || poll(&pfd, 1, 2 * PATIENCE) != 1 ||
	    fgets(answer, size, env.answer) == NULL)
		bail("no answer from sysuserctl");
	answer[strcspn(answer, "\n")] = '\0';
	if (poll(&pfd, 1, 0) != 0)
		bail("more than one line from sysuserctl");
}

/* Returns the value of a field, or NULL if it is not there. */
static const char *
field(const char *line, const char *name, char *buf, size_t size)
{
	const char	*p = line;
	size_t		 len = strlen(name);

	for (; p != NULL; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strncmp(p, name, len) == 0 && p[len] == '=') {
			p += len + 1;
			(void)snprintf(buf, size, "%.*s",
			    (int)strcspn(p, " "), p);
			return (buf);
		}
	}
	return (NULL);
}

static int
field_is(const char *line, const char *name, const char *value)
{
	char		 buf[1024];
	const char	*got = field(line, name, buf, sizeof(buf));

	if (got == NULL || value == NULL)
		return (got == value);
	return (strcmp(got, value) == 0);
}

static long
field_number(const char *line, const char *name)
{
	char	 buf[64];

	return (field(line, name, buf, sizeof(buf)) == NULL ? 0 : atol(buf));
}

/* "a|b", or "*" for any. */
static int
one_of(const char *line, const char *list)
{
	char	 copy[64], *word, *next = copy;

	if (list == NULL || strcmp(list, "*") == 0)
		return (1);
	(void)snprintf(copy, sizeof(copy), "%s", list);
	while ((word = strsep(&next, "|")) != NULL)
		if (field_is(line, "reason", word))
			return (1);
	return (0);
}

static uid_t
uid_of(const char *user)
{
	struct passwd	*pw;

	if (user[0] == '#')
		return (atoi(user + 1));
	if ((pw = getpwnam(user)) == NULL)
		bail("%s", user);
	return (pw->pw_uid);
}

enum worth { WRONG, LESS, RIGHT };

/* Nobody is named. */
static enum worth
judge_unknown(const char *line, const char *verdict, const char *reason)
{
	char	 buf[64];

	return (field_is(line, "verdict", verdict) && one_of(line, reason) &&
	    field(line, "user", buf, sizeof(buf)) == NULL &&
	    field(line, "uid", buf, sizeof(buf)) == NULL &&
	    field(line, "pid", buf, sizeof(buf)) == NULL ? RIGHT : WRONG);
}

/* What is said of a process that is the row's. */
static int
process_is(const struct scene *s, const char *line)
{
	const struct row	*row = s->row;
	char			 exe[512];

	(void)snprintf(exe, sizeof(exe), "%s/%s", env.dir,
	    row->exe == NULL ? "" : row->exe);
	return (row->process != NONE &&
	    field_number(line, "pid") == s->pid[row->process] &&
	    field_is(line, "holder", row->holder) && (row->program == NULL ||
	    field_is(line, "program", row->program)) && (row->exe == NULL ||
	    field_is(line, "exe", exe)) && (row->login == NULL ||
	    (uid_t)field_number(line, "login") == uid_of(row->login)));
}

/*
 * Of who has ended, or is another program by now, no program file is told; who
 * is about to end may have been there a moment ago.
 */
static enum worth
judge_opener(const struct scene *s, const char *line)
{
	char	 buf[4096], path[64], own[4096] = "";
	int	 runs, told;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe",
	    s->pid[s->row->process]);
	runs = readlink(path, buf, sizeof(buf)) != -1 &&
	    !(s->row->flags & F_OTHER);
	told = field(line, "exe", buf, sizeof(buf)) != NULL;
	if (told && s->row->flags & F_LEAVES && !runs)
		runs = readlink("/proc/self/exe", own, sizeof(own) - 1) != -1 &&
		    strcmp(buf, own) == 0;
	return (process_is(s, line) && field_is(line, "holders", NULL) &&
	    field(line, "program", buf, sizeof(buf)) != NULL && told == runs ?
	    RIGHT : WRONG);
}

static enum worth
judge_process(const struct scene *s, const char *line)
{
	const struct row	*row = s->row;
	long			 pid = field_number(line, "pid");
	long			 holders = field_number(line, "holders");

	if (env.record && !(row->flags & F_SEARCHED))
		return (field_is(line, "source", "bpf") ?
		    judge_opener(s, line) : WRONG);
	/* Nobody was found, in time. */
	if (env.record && field_is(line, "source", "bpf") &&
	    pid == s->pid[CONNECTOR])
		return (LESS);
	if (pid == 0)
		return (field_is(line, "source", "uid-only") && holders == 0 &&
		    field_is(line, "holder", NULL) &&
		    field_is(line, "program", NULL) &&
		    field_is(line, "exe", NULL) ?
		    row->process == NONE ? RIGHT : LESS : WRONG);
	/* Not all were seen, so it may be another one of them. */
	if (holders > 0 && holders < row->holders && getpgid(pid) == s->group)
		return (LESS);
	return (process_is(s, line) && holders == row->holders ?
	    RIGHT : WRONG);
}

static enum worth
judge(struct scene *s, const char *line)
{
	const struct row	*row = s->row;
	char			 uid[16];

	if (strcmp(row->verdict, "owned") != 0)
		return (judge_unknown(line, row->verdict, row->reason));
	if (row->flags & F_QUICK && field_is(line, "verdict", "unknown"))
		return (judge_unknown(line, "unknown", "closed|reused"));
	if (row->flags & F_ORPHAN && !env.orphans)
		return (judge_unknown(line, "unknown", "closed"));
	(void)snprintf(uid, sizeof(uid), "%u", uid_of(row->user));
	if (!field_is(line, "verdict", "owned") ||
	    !field_is(line, "reason", NULL) ||
	    !field_is(line, "user", row->user) ||
	    !field_is(line, "uid", uid) ||
	    ((row->owner != NULL || row->user[0] != '#') &&
	    !field_is(line, "owner", row->owner)))
		return (WRONG);
	/* Half gone, it is found by one way or the other. */
	if (row->flags & F_LEAVES &&
	    (!env.record || !field_is(line, "source", "bpf")) &&
	    field_number(line, "pid") == s->pid[CONNECTOR] &&
	    field_number(line, "holders") == 1)
		return (RIGHT);
	return (judge_process(s, line));
}

static const char *
text(const char *s)
{
	return (s == NULL ? "-" : s);
}

static void
explain(const struct scene *s, const char *answer)
{
	static const char *const	 who[] = {
		"none", "connector", "child", "receiver", "mta"
	};
	const struct row		*r = s->row;
	int				 i;

	(void)printf("#    asked: %s\n#      got: %s\n", s->question, answer);
	(void)printf("# expected: verdict=%s reason=%s user=%s owner=%s "
	    "process=%s holders=%d holder=%s\n", r->verdict, text(r->reason),
	    text(r->user), text(r->owner), who[r->process], r->holders,
	    text(r->holder));
	for (i = CONNECTOR; i < WHO_MAX; i++)
		if (s->pid[i] != 0)
			(void)printf("# %s is %d\n", who[i], s->pid[i]);
}

/* Returns true if it is as the table says. */
static int
scene_ask(struct scene *s)
{
	enum worth	 worth = LESS;
	char		 answer[8192];
	int		 i;

	for (i = 0; i < ASK_AGAIN && worth == LESS; i++) {
		if (i > 0)
			nap(100);
		ctl_ask(s->question, answer, sizeof(answer));
		worth = judge(s, answer);
	}
	(void)printf("%sok - %s%s%s\n", worth == RIGHT ? "" : "not ",
	    s->row->name, s->row->todo == NULL ? "" : " # TODO ",
	    s->row->todo == NULL ? "" : s->row->todo);
	if (worth != RIGHT)
		explain(s, answer);
	return (worth == RIGHT || s->row->todo != NULL);
}

/*
 * With the connect-time record, what is said is of the process that called
 * connect(2), and how many hold the socket is not known; unless that process
 * has gone or become another one, and one that has the socket is found.
 */
static void
with_record(struct row *row)
{
	enum who	 opener = row->opener == NONE ? CONNECTOR :
			    row->opener;

	row->todo = NULL;
	if (row->recorded != NULL) {
		row->verdict = "owned";
		row->user = row->recorded;
		row->reason = NULL;
		row->flags &= ~F_QUICK;
		row->process = opener;
	}
	if (row->flags & F_SEARCHED)
		return;
	row->flags &= ~F_ORPHAN;
	if (row->process != opener)
		row->holder = NULL;
	row->process = opener;
	row->holders = 0;
}

/* What the row needs and is not here, or NULL. */
static const char *
missing(const struct row *row)
{
	if (row->flags & F_SUBUID && !env.subuid)
		return ("no /etc/subuid");
	if (row->flags & F_NAT && !env.nat)
		return ("no packet filter that redirects");
	return (NULL);
}

/* Returns true unless something is wrong. */
static int
row_try(const struct row *row, struct scene *s)
{
	const char	*why = missing(row);
	pid_t		 pid;
	int		 good = 1;

	if (why != NULL) {
		(void)printf("ok - %s # SKIP %s\n", row->name, why);
		return (1);
	}
	if (scene_open(s, row) == -1) {
		(void)printf("ok - %s # SKIP no such socket: %s\n", row->name,
		    strerror(errno));
		close_fds(s->listener);
		return (1);
	}
	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		bail("fork");
	if (pid == 0)
		scene_client(s);
	(void)setpgid(pid, pid);
	s->group = pid;
	close(s->leash[0]);
	close(s->ready[1]);
	scene_play(s);
	if (s->broken[0] != '\0') {
		(void)printf("not ok - %s\n# the test: %s\n", row->name,
		    s->broken);
		good = 0;
	} else if (s->question[0] == '\0')
		(void)printf("ok - %s # SKIP %s\n", row->name,
		    s->skip[0] == '\0' ? "it does not work here" : s->skip);
	else {
		scene_names(s);
		if (row->mta != NULL)
			row->mta(s);
		good = scene_ask(s);
	}
	scene_end(s);
	return (good);
}

/*
 * What users run, copied to a directory that they can reach; perhaps with the
 * set-user-ID bit.  All it does is to connect, if it is told where, and wait.
 */
static int
helper(int argc, char **argv)
{
	struct sockaddr_storage	 ss;
	int			 ready, leash, fd;
	char			 c;

	(void)alarm(60);
	if (argc < 4)
		return (2);
	ready = atoi(argv[2]);
	leash = atoi(argv[3]);
	if (argc == 6) {
		/* "setuid" in a place where that is not honoured. */
		if (strcmp(argv[0], "setuid") == 0 && geteuid() != 0) {
			(void)!write(ready, "s", 1);
			return (0);
		}
		sa_parse(&ss, argv[4], argv[5]);
		fd = socket(ss.ss_family, SOCK_STREAM, 0);
		if (fd == -1 || connect(fd, (struct sockaddr *)&ss,
		    sa_len(&ss)) == -1 || read(leash, &c, 1) != 1)
			return (1);
	}
	(void)!write(ready, "r", 1);
	while (read(leash, &c, 1) > 0)
		continue;
	return (0);
}

/* Linux 6.17 and later keep the owner of a socket that nobody holds. */
static int
kernel_keeps_orphans(void)
{
	struct utsname	 u;
	int		 major = 0, minor = 0;

	if (uname(&u) == -1 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
		bail("uname");
	return (major > 6 || (major == 6 && minor >= 17));
}

static int
wanted(const struct row *row, int argc, char **argv)
{
	int	 i;

	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], row->name) == 0)
			return (1);
	return (argc == 0 && (row->where & env.where) != 0);
}

static void __attribute__((__noreturn__))
usage(void)
{
	(void)fprintf(stderr, "usage: matrix -c sysuserctl -s socket "
	    "-d directory [-bor] [-g h|m|n]\n\t[-n netns] [name ...]\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	int	 ch;

	while ((ch = getopt(argc, argv, "bc:d:g:n:ors:")) != -1)
		switch (ch) {
		case 'b':
			env.record = 1;
			break;
		case 'c':
			env.ctl = optarg;
			break;
		case 'd':
			env.dir = optarg;
			break;
		case 'g':
			env.where = *optarg == 'h' ? HIDEPID :
			    *optarg == 'n' ? OWNNET : HERE;
			break;
		case 'n':
			env.netns = optarg;
			break;
		case 'o':
			env.subuid = 1;
			break;
		case 'r':
			env.nat = 1;
			break;
		case 's':
			env.socket = optarg;
			break;
		default:
			usage();
		}
	if (env.ctl == NULL || env.socket == NULL || env.dir == NULL)
		usage();
}

int
main(int argc, char **argv)
{
	struct scene	*s;
	struct row	 row;
	size_t		 i;
	int		 bad = 0;

	if (argc > 1 && strcmp(argv[1], "-x") == 0)
		return (helper(argc, argv));
	if (getuid() != geteuid())
		return (2);
	options(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	env.orphans = kernel_keeps_orphans();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		bail("prctl");
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		bail("mmap");
	ctl_start();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (wanted(&rows[i], argc - optind, argv + optind)) {
			row = rows[i];
			if (env.record)
				with_record(&row);
			bad += !row_try(&row, s);
		}
	(void)fclose(env.ask);
	(void)waitpid(env.ctl_pid, NULL, 0);
	return (bad > 0);
}
