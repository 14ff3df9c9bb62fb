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
 * Some fifty users open, close, reset and pass on connections, and take a few
 * ports from each other, as fast as the machine can, while the daemon is
 * asked whose they are:
 *
 *	churn -s SOCKET [-bi] [-n LOOKUPS] [-t SECONDS]
 *
 * It speaks TAP, without numbers and plan, with the figures before it.  With
 * -i some of the clients bind to the interface: then there can be more than
 * one client's end with the same addresses and ports.  -b says that the daemon
 * has the connect-time record: then who has closed is known, until the
 * port is another's.
 *
 * Seats are processes of the users, or rather places for them: who ends there
 * is followed by another one.  Every MTA has a listener of its own, accepts,
 * and asks through the control socket, at once or a little later, and again
 * after it has hung up.  As it does not accept while it asks, it knows
 * whether there was a later connection of the same two ends before the
 * answer.  If so, the question is late: nothing in the kernel tells the two
 * apart, and the later user is a possible answer.  In any other case the true
 * one is the only one.
 *
 * Who made a connection stands in its first packet: the user in the type of
 * service, the seat in the time to live, and in the segment size the number
 * of the record in which the seat notes the processes that have it.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE	51
#endif

#define USERS		50		/* 63 at most: type of service */
#define NUMBERED	20001		/* uids beyond the accounts */
#define SEATS		64
#define MTAS		5
#define PORTS		8		/* of all clients */
#define RECORDS		1024		/* of a seat, then again */
#define SERIALS		16384		/* that a segment size can tell */
#define MSS_BASE	1000
#define TTL_BASE	10
#define HOLDERS		4		/* processes of a connection */
#define HELD		8		/* connections of an MTA */
#define BACKLOG		32
#define PATIENCE	15000		/* ms, for an answer */
#define SHOWN		10		/* wrong answers, of each MTA */
#define OPEN_SHARE	95		/* % of them must be known */

/* Of a connection, from before it is made until its number is used again. */
struct record {
	atomic_uint	 serial;
	atomic_int	 open;		/* processes that will let go of it */
	atomic_uint	 count;		/* of who */
	struct {
		atomic_uint		 pid;
		_Atomic uint64_t	 start;
	}		 who[HOLDERS];	/* have or had it */
};

struct seat {
	unsigned int	 user;
	pid_t		 pid;		/* who sits there */
	uint32_t	 serial;	/* of the next connection */
	struct record	 record[RECORDS];
};

/* What an answer can turn out to be. */
enum kind {
	K_PROCESS,			/* the user and a process of it */
	K_USER,				/* the user only */
	K_LATER,			/* who came later: see above */
	K_REMOTE,			/* that is wrong as well */
	K_WRONG,
	K_REASON,			/* unknown: and the reason */
	K_MAX = K_REASON + R_MAX
};

/* What a question was about. */
enum class {
	C_OPEN,				/* open until the answer, and after */
	C_CLOSED,			/* by the client, perhaps */
	C_ENDED,			/* the MTA has hung up */
	C_SHARED,			/* and not on an earlier one */
	C_LATE,
	C_MAX
};

struct figures {
	uint64_t	 kind[C_MAX][K_MAX];
	uint64_t	 v4, v6;	/* questions */
	uint64_t	 unnamed;	/* no name for a uid that has one */
	uint64_t	 unchecked;	/* processes: the record was too old */
	uint64_t	 unmarked;	/* connections, not asked about */
};

/* All processes share this memory. */
struct shared {
	atomic_bool		 stop;
	_Atomic uint64_t	 asked;
	struct figures		 figures[MTAS];
	struct seat		 seat[SEATS];
};

struct user {
	uint32_t	 uid, gid;
	char		 name[MAX_NAME + 1];	/* or "" */
};

/* Known before anybody is forked, and not changed then. */
static struct {
	const char	*socket;
	int		 interface;	/* clients bind to it */
	int		 record;	/* there is one */
	uint64_t	 lookups;
	uint64_t	 deadline;
	struct user	 user[USERS];
	struct endpoint	 from[2];	/* clients: IPv4, IPv6 */
	in_port_t	 port[MTAS];
	int		 listener[MTAS];
	unsigned int	 mtas;
	char		 exe[4096];
} env = { .lookups = 20000 };

static const char *const	 listen_on[MTAS] = {
	"127.0.0.1", "127.0.0.1", "::1", "::1", "::"
};

static struct shared	*shared;
static uint32_t		 random_state;

/* A connection as its client has it. */
struct life {
	struct seat		*seat;
	struct record		*record;
	int			 fd;
	int			 hasty;		/* does not wait */
	struct sockaddr_storage	 from, to;
	socklen_t		 len;
};

/* A connection as an MTA has it. */
struct held {
	int		 fd;		/* -1: hung up */
	struct conn_key	 key;
	const struct record *record;
	uint32_t	 serial;
	unsigned int	 user;
	uint64_t	 due;		/* to be asked about */
	uint64_t	 later;		/* users since, bits */
};

struct mta {
	int		 listener;
	struct figures	*figures;
	struct chan	 chan;
	struct held	 held[HELD];
	size_t		 n;
	unsigned int	 shown;
};

/* what clients do with a connection */
static void	 a_stay(struct life *), a_close(struct life *);
static void	 a_reset(struct life *), a_half(struct life *);
static void	 a_half_close(struct life *), a_write(struct life *);
static void	 a_leave(struct life *), a_share(struct life *);
static void	 a_exit(struct life *), a_again(struct life *);

static void	(*const acts[])(struct life *) = {
	a_stay, a_stay, a_stay, a_stay, a_stay, a_stay, a_stay, a_stay,
	a_close, a_close, a_reset, a_reset, a_half, a_half, a_half_close,
	a_write, a_leave, a_share, a_exit, a_again
};

/*
 * Small things
 */
static void __attribute__((__noreturn__, __format__(printf, 1, 2)))
bail(const char *fmt, ...)
{
	int	 error = errno;
	va_list	 ap;

	(void)printf("Bail out! ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf(": %s\n", strerror(error));
	(void)fflush(stdout);
	_exit(1);
}

static uint64_t
now(void)
{
	return (clock_usec(CLOCK_MONOTONIC));
}

static void
nap(uint32_t us)
{
	struct timespec	 ts = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&ts, NULL);
}

/* Differs among processes, and does not ask the kernel. */
static void
random_seed(void)
{
	random_state = (uint32_t)getpid() * 2654435761U ^ (uint32_t)now();
	random_state |= 1;
}

static uint32_t
pick(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return (random_state % n);
}

static void
set(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* Closed with a reset. */
static void
set_reset(int fd)
{
	struct linger	 l = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* Of this process, in clock ticks, as the daemon tells it. */
static uint64_t
own_start(void)
{
	char	 buf[1024], *p;
	ssize_t	 n;
	int	 fd, i;

	if ((fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC)) == -1 ||
	    (n = read(fd, buf, sizeof(buf) - 1)) <= 0)
		bail("/proc/self/stat");
	close(fd);
	buf[n] = '\0';
	p = strrchr(buf, ')');
	for (i = 2; i < 22 && p != NULL; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		bail("/proc/self/stat");
	return (strtoull(p, NULL, 10));
}

/*
 * Records
 */

/* This process has it; it says so before it can be asked about, or soon. */
static void
record_holder(struct record *r)
{
	unsigned int	 i = atomic_fetch_add(&r->count, 1);

	if (i >= HOLDERS)
		bail("too many have a connection");
	atomic_store(&r->who[i].start, own_start());
	atomic_store(&r->who[i].pid, (unsigned int)getpid());
}

static void
record_begin(struct life *l)
{
	struct record	*r = &l->seat->record[l->seat->serial % RECORDS];
	int		 i;

	atomic_store(&r->serial, l->seat->serial);
	for (i = 0; i < HOLDERS; i++)
		atomic_store(&r->who[i].pid, 0);
	atomic_store(&r->count, 0);
	atomic_store(&r->open, 1);
	record_holder(r);
	l->record = r;
}

/* From now on it may be closed, as far as this process goes. */
static void
let_go(struct life *l)
{
	atomic_fetch_sub(&l->record->open, 1);
}

/*
 * Clients
 */

/* Where to and where from; by IPv6 sockets to IPv4 addresses as well. */
static void
choose(struct life *l)
{
	socklen_t	(*sa)(const struct endpoint *,
			    struct sockaddr_storage *) = endpoint_to_sa;
	struct endpoint	 to, from;
	unsigned int	 i = pick(env.mtas);
	const char	*addr = listen_on[i];
	int		 v6;

	if (strcmp(addr, "::") == 0)
		addr = pick(2) == 0 ? "127.0.0.1" : "::1";
	v6 = strchr(addr, ':') != NULL;
	(void)endpoint_parse(&to, addr, "0");
	to.port = env.port[i];
	from = env.from[v6];
	from.port += pick(PORTS);
	if (!v6 && pick(4) == 0)
		sa = endpoint_to_mapped;
	(void)sa(&from, &l->from);
	l->len = sa(&to, &l->to);
}

/* The port is taken whoever has it already, to whichever other end. */
static int
place(struct life *l)
{
	uint32_t	 range = env.from[0].port;

	set(l->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	range |= (range + PORTS - 1) << 16;
	if (pick(4) == 0 && setsockopt(l->fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE,
	    &range, sizeof(range)) == 0) {
		set(l->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (l->from.ss_family == AF_INET)
			((struct sockaddr_in *)(void *)&l->from)->sin_port = 0;
		else
			((struct sockaddr_in6 *)(void *)&l->from)->sin6_port =
			    0;
	}
	if (env.interface && pick(8) == 0)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	return (bind(l->fd, (struct sockaddr *)&l->from, l->len));
}

/* What the first packet tells; IPv6 sockets can go to IPv4 addresses. */
static void
mark(struct life *l)
{
	const struct seat	*s = l->seat;
	int			 tos = (s->user + 1) << 2;
	int			 ttl = TTL_BASE + (s - shared->seat);

	set(l->fd, IPPROTO_IP, IP_TOS, tos);
	set(l->fd, IPPROTO_IP, IP_TTL, ttl);
	if (l->to.ss_family == AF_INET6) {
		set(l->fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
		set(l->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
	}
	set(l->fd, IPPROTO_TCP, TCP_MAXSEG, MSS_BASE + s->serial % SERIALS);
}

/* Returns 0, or -1 if there is no connection; one may have been tried. */
static int
dial(struct life *l)
{
	record_begin(l);
	mark(l);
	if (connect(l->fd, (struct sockaddr *)&l->to, l->len) == 0 ||
	    (errno == EINPROGRESS && l->hasty)) {
		l->seat->serial++;
		return (0);
	}
	/* Nothing was sent if all is taken. */
	if (errno != EADDRNOTAVAIL && errno != EADDRINUSE)
		l->seat->serial++;
	let_go(l);
	return (-1);
}

/* Until the MTA hangs up, or for that time. */
static void
stay(const struct life *l, int ms)
{
	struct pollfd	 pfd = { .fd = l->fd, .events = POLLIN };
	char		 buf[64];

	while (poll(&pfd, 1, ms) == 1)
		if (recv(l->fd, buf, sizeof(buf), 0) <= 0)
			return;
}

static void
end(struct life *l)
{
	let_go(l);
	close(l->fd);
}

static void
a_stay(struct life *l)
{
	stay(l, 100);
	end(l);
}

static void
a_close(struct life *l)
{
	nap(pick(2000));
	end(l);
}

static void
a_reset(struct life *l)
{
	if (pick(2) == 0)
		nap(pick(1000));
	set_reset(l->fd);
	end(l);
}

static void
a_half(struct life *l)
{
	(void)shutdown(l->fd, SHUT_WR);
	stay(l, 100);
	end(l);
}

static void
a_half_close(struct life *l)
{
	(void)shutdown(l->fd, SHUT_WR);
	nap(pick(1000));
	end(l);
}

static void
a_write(struct life *l)
{
	(void)send(l->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	end(l);
}

/* A child that has it too, and does not live long. */
static void
bear(struct life *l)
{
	atomic_fetch_add(&l->record->open, 1);
	switch (fork()) {
	case -1:
		bail("fork");
	case 0:
		(void)alarm(10);
		random_seed();
		record_holder(l->record);
		if (pick(2) == 0)
			set_reset(l->fd);
		stay(l, pick(20));
		let_go(l);
		_exit(0);
	}
}

/* The child alone. */
static void
a_leave(struct life *l)
{
	bear(l);
	end(l);
	if (pick(4) == 0)
		_exit(0);
}

static void
a_share(struct life *l)
{
	bear(l);
	stay(l, 20);
	end(l);
}

static void
a_exit(struct life *l)
{
	nap(pick(500));
	let_go(l);
	_exit(0);
}

/* The same socket once more. */
static void
a_again(struct life *l)
{
	struct sockaddr	 none;

	nap(pick(500));
	let_go(l);
	memset(&none, 0, sizeof(none));
	none.sa_family = AF_UNSPEC;
	if (connect(l->fd, &none, sizeof(none)) == 0 && dial(l) == 0) {
		stay(l, 20);
		let_go(l);
	}
	close(l->fd);
}

/* Nobody else gets this port for a while. */
static void
squat(void)
{
	struct life	 l;

	memset(&l, 0, sizeof(l));
	choose(&l);
	l.fd = socket(l.from.ss_family, SOCK_STREAM, 0);
	set(l.fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(l.fd, (struct sockaddr *)&l.from, l.len) == 0 &&
	    listen(l.fd, 1) == 0)
		nap(pick(1000));
	close(l.fd);
}

/* One connection, from its beginning to its end. */
static void
live(struct seat *seat)
{
	struct timeval	 tv = { 0, 20000 };
	struct life	 l;

	memset(&l, 0, sizeof(l));
	l.seat = seat;
	choose(&l);
	/* Some wait until the kernel tries again. */
	if (pick(32) == 0)
		tv.tv_sec = 1;
	l.hasty = pick(16) == 0;
	l.fd = socket(l.to.ss_family, SOCK_STREAM |
	    (l.hasty ? SOCK_NONBLOCK : 0), 0);
	if (l.fd == -1)
		bail("socket");
	(void)setsockopt(l.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (place(&l) == -1 || dial(&l) == -1) {
		close(l.fd);
		nap(pick(1000));
		return;
	}
	if (l.hasty) {
		if (pick(2) == 0)
			set_reset(l.fd);
		end(&l);
	} else
		acts[pick(NITEMS(acts))](&l);
}

static void
comm_of(const struct user *u, char *buf, size_t size)
{
	(void)snprintf(buf, size, "churn.%u", u->uid);
}

static void __attribute__((__noreturn__))
sit(struct seat *seat, pid_t manager)
{
	const struct user	*u = &env.user[seat->user];
	char			 comm[16];

	comm_of(u, comm, sizeof(comm));
	if (setgroups(0, NULL) == -1 || setresgid(u->gid, u->gid,
	    u->gid) == -1 || setresuid(u->uid, u->uid, u->uid) == -1 ||
	    prctl(PR_SET_DUMPABLE, 1) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    prctl(PR_SET_NAME, comm) == -1)
		bail("become");
	(void)signal(SIGCHLD, SIG_IGN);
	random_seed();
	while (!atomic_load(&shared->stop) && getppid() == manager) {
		if (pick(64) == 0)
			squat();
		live(seat);
	}
	_exit(0);
}

/*
 * The MTA: questions and answers
 */
static void
attach(struct mta *m)
{
	struct sockaddr_un	 sun;
	struct msg		 msg;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, env.socket, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		bail("%s: too long", env.socket);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		bail("%s", env.socket);
	chan_init(&m->chan, fd, ROLE_CLIENT, ROLE_CONTROL, 0);
	m->chan.state = S_RUN;
	msg_new(&msg, IMSG_CTL_HELLO, 0);
	put_u32(&msg, PROTOCOL_VERSION);
	if (chan_send(&m->chan, &msg) == -1)
		bail("%s", env.socket);
}

static struct owner *
lookup(struct mta *m, const struct conn_key *key)
{
	struct pollfd	 pfd = { .fd = m->chan.fd, .events = POLLIN };
	struct owner	*o;
	struct msg	 msg;
	const char	*why;
	char		 text[STR_MAX + 1];
	int		 n;

	msg_new(&msg, IMSG_CTL_LOOKUP, 1);
	put_endpoint(&msg, &key->client);
	put_endpoint(&msg, &key->server);
	put_u64(&msg, now());
	if (chan_send(&m->chan, &msg) == -1)
		bail("to the daemon");
	while ((n = chan_recv(&m->chan, &msg, &why)) == 0)
		if (poll(&pfd, 1, PATIENCE) != 1)
			bail("no answer from the daemon");
	if (n != 1)
		bail("the daemon closed the connection");
	if (msg.type == IMSG_CTL_FAIL) {
		(void)get_u32(&msg);
		get_str(&msg, text, sizeof(text));
		bail("the daemon says: %s", text);
	}
	if (msg.type != IMSG_CTL_ANSWER || (o = get_owner(&msg)) == NULL)
		bail("nonsense from the daemon");
	return (o);
}

/* Is it the text, or NULL? */
static int
text_is(const struct owner *o, enum text t, const char *text)
{
	return (o->text[t] == NULL || strcmp(o->text[t], text) == 0);
}

static int
no_process(const struct owner *o)
{
	int	 i;

	for (i = T_HOLDER; i < T_MAX; i++)
		if (o->text[i] != NULL)
			return (0);
	return (o->pid == NO_PID && o->holders == 0 && o->start == 0 &&
	    o->source == SRC_UIDONLY);
}

/* A child may have been seen before it could write its name down. */
static int
had_it(struct mta *m, const struct held *h, const struct owner *o)
{
	const struct record	*r = h->record;
	int			 found = 0, i, tries;

	for (tries = 0; tries < 100 && !found; tries++) {
		if (tries > 0)
			nap(10000);
		for (i = 0; i < HOLDERS; i++)
			if (atomic_load(&r->who[i].pid) == o->pid &&
			    atomic_load(&r->who[i].start) == o->start)
				found = 1;
		if (atomic_load(&r->serial) != h->serial) {
			m->figures->unchecked++;
			return (1);
		}
	}
	return (found);
}

static enum kind
judge_process(struct mta *m, const struct held *h, const struct owner *o)
{
	char	 comm[16];

	if (o->pid == NO_PID)
		return (no_process(o) ? K_USER : K_WRONG);
	comm_of(&env.user[h->user], comm, sizeof(comm));
	/* Who opened a socket is recorded; not how many hold it. */
	if (o->source == SRC_BPF ? !env.record || o->holders != 0 :
	    o->holders == 0)
		return (K_WRONG);
	return (o->source != SRC_UIDONLY && o->text[T_HOLDER] == NULL &&
	    text_is(o, T_PROGRAM, comm) && text_is(o, T_EXE, env.exe) &&
	    had_it(m, h, o) ? K_PROCESS : K_WRONG);
}

static enum kind
judge(struct mta *m, const struct held *h, const struct owner *o)
{
	const struct user	*u;
	unsigned int		 i;

	if (o->verdict == E_REMOTE)
		return (K_REMOTE);
	if (o->verdict == E_UNKNOWN)
		return (o->reason != R_NONE && no_process(o) &&
		    o->text[T_USER] == NULL ? K_REASON + o->reason : K_WRONG);
	for (i = 0; i < USERS && env.user[i].uid != o->uid; i++)
		continue;
	if (i == USERS)
		return (K_WRONG);
	u = &env.user[i];
	if (o->text[T_USER] == NULL)
		m->figures->unnamed += u->name[0] != '\0';
	if (!text_is(o, T_USER, u->name) || o->reason != R_NONE)
		return (K_WRONG);
	if (h->later != 0)
		return (i == h->user ? K_USER :
		    h->later & 1ULL << i ? K_LATER : K_WRONG);
	return (i == h->user ? judge_process(m, h, o) : K_WRONG);
}

static void
show(const struct held *h, enum class class, const struct owner *o)
{
	static const char *const	 was[C_MAX] = {
		"open", "closed", "ended", "shared", "late"
	};
	char				 client[64], server[64];
	int				 i;

	(void)printf("# WRONG (%s): %s to %s is of uid %u:",
	    was[class], endpoint_text(&h->key.client, client, sizeof(client)),
	    endpoint_text(&h->key.server, server, sizeof(server)),
	    env.user[h->user].uid);
	for (i = 0; i < HOLDERS; i++)
		(void)printf(" %u/%" PRIu64,
		    atomic_load(&h->record->who[i].pid),
		    atomic_load(&h->record->who[i].start));
	(void)printf("\n#   answer: %s %s uid %u pid %u/%" PRIu64
	    " holders %u source %s", verdict_names[o->verdict],
	    reason_names[o->reason], o->uid, o->pid, o->start, o->holders,
	    source_names[o->source]);
	for (i = 0; i < T_MAX; i++)
		(void)printf(" %s", o->text[i] == NULL ? "-" : o->text[i]);
	(void)printf("\n");
}

/* The state of our end. */
static int
tcp_state(const struct held *h)
{
	struct tcp_info	 ti;
	socklen_t	 len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	(void)getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	return (ti.tcpi_state);
}

/* True if we hold another one of the same two ends. */
static int
shares(const struct mta *m, const struct held *h)
{
	size_t	 i;

	for (i = 0; i < m->n; i++)
		if (&m->held[i] != h && m->held[i].fd != -1 &&
		    endpoint_equal(&m->held[i].key.client, &h->key.client) &&
		    endpoint_equal(&m->held[i].key.server, &h->key.server))
			return (1);
	return (0);
}

static enum class
class_of(const struct mta *m, const struct held *h)
{
	if (h->later != 0)
		return (C_LATE);
	if (h->fd == -1)
		return (C_ENDED);
	if (env.record && shares(m, h))
		return (C_SHARED);
	return (tcp_state(h) != TCP_CLOSE &&
	    atomic_load(&h->record->open) > 0 &&
	    atomic_load(&h->record->serial) == h->serial ? C_OPEN : C_CLOSED);
}

static void
ask(struct mta *m, struct held *h)
{
	struct owner	*o = lookup(m, &h->key);
	enum class	 class = class_of(m, h);
	enum kind	 kind = judge(m, h, o);

	m->figures->kind[class][kind]++;
	if (endpoint_is4(&h->key.client))
		m->figures->v4++;
	else
		m->figures->v6++;
	if ((kind == K_WRONG || kind == K_REMOTE) && m->shown++ < SHOWN)
		show(h, class, o);
	free(o);
	atomic_fetch_add(&shared->asked, 1);
}

/*
 * The MTA: connections
 */

/* Returns 0, or -1 if the first packet is lost: then nobody knows. */
static int
truth(struct held *h)
{
	uint8_t		 syn[256];
	const uint8_t	*tcp;
	socklen_t	 len = sizeof(syn);
	unsigned int	 tos, ttl, mss, v6;

	if (getsockopt(h->fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) == -1 ||
	    len < 44)
		return (-1);
	v6 = syn[0] >> 4 == 6;
	tos = v6 ? (syn[0] << 4 & 0xf0) | syn[1] >> 4 : syn[1];
	ttl = (v6 ? syn[7] : syn[8]) - TTL_BASE;
	tcp = syn + (v6 ? 40 : 20);
	mss = (tcp[22] << 8 | tcp[23]) - MSS_BASE;
	h->user = (tos >> 2) - 1;
	if (tcp + 24 > syn + len || tcp[20] != TCPOPT_MAXSEG ||
	    h->user >= USERS || ttl >= SEATS || mss >= SERIALS ||
	    shared->seat[ttl].user != h->user)
		bail("a first packet of somebody else");
	h->record = &shared->seat[ttl].record[mss % RECORDS];
	h->serial = atomic_load(&h->record->serial);
	return (h->serial % SERIALS == mss ? 0 : -1);
}

static uint64_t
soon(void)
{
	switch (pick(8)) {
	case 0:
	case 1:
		return (now() + pick(1000));
	case 2:
		return (now() + pick(5000));
	case 3:
		return (now() + pick(20000));
	default:
		return (0);
	}
}

/*
 * What the client has closed is reset, or else the client's port would be of
 * no use for a second.
 */
static void
hang_up(struct held *h)
{
	if (pick(tcp_state(h) == TCP_CLOSE_WAIT ? 64 : 2) != 0)
		set_reset(h->fd);
	close(h->fd);
	h->fd = -1;
}

static void
take(struct mta *m)
{
	struct sockaddr_storage	 client, server;
	struct held		*h = &m->held[m->n];
	socklen_t		 clen = sizeof(client), slen = sizeof(server);
	size_t			 i;

	memset(h, 0, sizeof(*h));
	h->fd = accept(m->listener, (struct sockaddr *)&client, &clen);
	if (h->fd == -1)
		return;
	if (getsockname(h->fd, (struct sockaddr *)&server, &slen) == -1 ||
	    endpoint_from_sa(&h->key.client, (struct sockaddr *)&client) ||
	    endpoint_from_sa(&h->key.server, (struct sockaddr *)&server))
		bail("accept");
	if (truth(h) == -1) {
		/* What is late now, and by whom, is not known either. */
		m->figures->unmarked++;
		for (i = 0; i < m->n; i++)
			m->held[i].later = UINT64_MAX;
		close(h->fd);
		return;
	}
	for (i = 0; i < m->n; i++)
		if (endpoint_equal(&m->held[i].key.client, &h->key.client) &&
		    endpoint_equal(&m->held[i].key.server, &h->key.server))
			m->held[i].later |= 1ULL << h->user;
	if (pick(4) == 0)
		(void)send(h->fd, "220\r\n", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
	h->due = soon();
	m->n++;
}

/* Ask; then keep it for another question, with or without our end of it. */
static void
visit(struct mta *m, struct held *h)
{
	int	 ended = h->fd == -1;

	ask(m, h);
	if (!ended && pick(4) != 0)
		hang_up(h);
	if (!ended && (h->fd != -1 || pick(4) == 0)) {
		h->due = soon();
		return;
	}
	if (h->fd != -1)
		hang_up(h);
	*h = m->held[--m->n];
}

/* For a connection, or until a question is due. */
static void
await(const struct mta *m)
{
	struct pollfd	 pfd = { .fd = m->listener, .events = POLLIN };
	struct timespec	 ts;
	uint64_t	 t = now(), us = 20000;
	size_t		 i;

	for (i = 0; i < m->n; i++)
		if (m->held[i].due <= t + us)
			us = m->held[i].due <= t ? 0 : m->held[i].due - t;
	ts.tv_sec = 0;
	ts.tv_nsec = us * 1000;
	if (m->n == HELD)
		pfd.fd = -1;
	(void)ppoll(&pfd, 1, &ts, NULL);
}

static int
over(void)
{
	return (atomic_load(&shared->stop) || now() >= env.deadline ||
	    atomic_load(&shared->asked) >= env.lookups);
}

static void __attribute__((__noreturn__))
serve(unsigned int number)
{
	struct mta	*m;
	uint64_t	 t;
	size_t		 i;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    (m = calloc(1, sizeof(*m))) == NULL)
		bail("mta");
	m->listener = env.listener[number];
	m->figures = &shared->figures[number];
	random_seed();
	attach(m);
	while (!over()) {
		await(m);
		if (m->n < HELD)
			take(m);
		t = now();
		for (i = m->n; i-- > 0 && !over();)
			if (m->held[i].due <= t)
				visit(m, &m->held[i]);
	}
	(void)fflush(stdout);
	_exit(0);
}

/*
 * Before and after
 */

/* Accounts that every system has; the rest are numbers. */
static void
find_users(void)
{
	static const char *const	 names[] = {
		"root", "bin", "sys", "games", "man", "lp", "mail", "news",
		"uucp", "proxy", "www-data", "backup", "list", "irc", "nobody"
	};
	const struct passwd		*pw;
	struct user			*u = env.user;
	uint32_t			 uid = NUMBERED;
	size_t				 i;

	for (i = 0; i < NITEMS(names); i++)
		if ((pw = getpwnam(names[i])) != NULL) {
			u->uid = pw->pw_uid;
			u++->gid = pw->pw_gid;
		}
	while (u < env.user + USERS) {
		u->uid = uid;
		u++->gid = uid++;
	}
	/* Of two accounts with one uid the first counts, here and there. */
	for (u = env.user; u < env.user + USERS; u++)
		if ((pw = getpwuid(u->uid)) != NULL)
			(void)strlcpy(u->name, pw->pw_name, sizeof(u->name));
}

/* Returns a listening socket, -1 if there is no such address. */
static int
listener(const char *addr, in_port_t *port)
{
	struct sockaddr_storage	 ss;
	struct endpoint		 e;
	socklen_t		 len;
	int			 fd;

	(void)endpoint_parse(&e, addr, "0");
	len = endpoint_to_sa(&e, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return (-1);
	set(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	if (ss.ss_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    listen(fd, BACKLOG) == -1 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    endpoint_from_sa(&e, (struct sockaddr *)&ss) == -1) {
		close(fd);
		return (-1);
	}
	*port = e.port;
	return (fd);
}

/* Without IPv6 there are only the first two. */
static void
find_listeners(void)
{
	unsigned int	 i;

	for (i = 0; i < MTAS; i++) {
		env.listener[i] = listener(listen_on[i], &env.port[i]);
		if (env.listener[i] == -1)
			break;
	}
	env.mtas = i == MTAS ? MTAS : 2;
	if (i < 2)
		bail("no listener");
}

/* Nobody has these ports, of either family. */
static int
ports_free(void)
{
	struct sockaddr_storage	 ss;
	struct endpoint		 e;
	socklen_t		 len;
	int			 fd, free = 1, i, v6;

	for (v6 = 0; v6 < (env.mtas > 2 ? 2 : 1); v6++)
		for (i = 0; i < PORTS; i++) {
			e = env.from[v6];
			e.port += i;
			len = endpoint_to_sa(&e, &ss);
			fd = socket(ss.ss_family, SOCK_STREAM, 0);
			if (bind(fd, (struct sockaddr *)&ss, len) == -1)
				free = 0;
			close(fd);
		}
	return (free);
}

/* IP_LOCAL_PORT_RANGE takes no ports but those that every client may get. */
static void
find_ports(void)
{
	char		 addr[32];
	in_port_t	 port;
	int		 fd, i;

	(void)snprintf(addr, sizeof(addr), "127.78.%u.%u", 1 + pick(250),
	    1 + pick(250));
	(void)endpoint_parse(&env.from[0], addr, "0");
	(void)endpoint_parse(&env.from[1], "::1", "0");
	for (i = 0; i < 100; i++) {
		if ((fd = listener("127.0.0.1", &port)) == -1)
			break;
		close(fd);
		env.from[0].port = env.from[1].port = port;
		if (port < UINT16_MAX - PORTS && ports_free())
			return;
	}
	bail("no free ports");
}

static void
start_seat(struct seat *seat)
{
	pid_t	 self = getpid(), pid;

	if ((pid = fork()) == -1)
		bail("fork");
	if (pid == 0)
		sit(seat, self);
	seat->pid = pid;
}

static void
start(pid_t mta[MTAS])
{
	unsigned int	 i;

	for (i = 0; i < env.mtas; i++) {
		if ((mta[i] = fork()) == -1)
			bail("fork");
		if (mta[i] == 0)
			serve(i);
	}
	for (i = 0; i < MTAS; i++)
		if (env.listener[i] != -1)
			close(env.listener[i]);
	for (i = 0; i < SEATS; i++) {
		shared->seat[i].user = i % USERS;
		start_seat(&shared->seat[i]);
	}
}

/* Who left a seat is followed by another.  Children of theirs come here too. */
static void
seat_left(pid_t pid)
{
	int	 i;

	for (i = 0; i < SEATS; i++)
		if (shared->seat[i].pid == pid) {
			shared->seat[i].pid = 0;
			if (!atomic_load(&shared->stop))
				start_seat(&shared->seat[i]);
		}
}

/* Until no process is left.  Returns how many failed. */
static unsigned int
manage(const pid_t mta[MTAS])
{
	unsigned int	 failed = 0, i, left = env.mtas;
	int		 status;
	pid_t		 pid;

	while ((pid = waitpid(-1, &status, 0)) != -1 || errno == EINTR) {
		if (pid == -1)
			continue;
		if (status != 0) {
			(void)printf("# process %d: status 0x%x\n", pid,
			    status);
			failed++;
		}
		for (i = 0; i < env.mtas; i++)
			left -= mta[i] == pid;
		/* The seats see that for themselves, in little time. */
		if (left == 0 || failed > 0)
			atomic_store(&shared->stop, 1);
		seat_left(pid);
	}
	return (failed);
}

static void
add_up(struct figures *sum)
{
	const struct figures	*f;
	unsigned int		 i, k;

	memset(sum, 0, sizeof(*sum));
	for (f = shared->figures; f < shared->figures + MTAS; f++) {
		for (i = 0; i < C_MAX; i++)
			for (k = 0; k < K_MAX; k++)
				sum->kind[i][k] += f->kind[i][k];
		sum->v4 += f->v4;
		sum->v6 += f->v6;
		sum->unnamed += f->unnamed;
		sum->unchecked += f->unchecked;
		sum->unmarked += f->unmarked;
	}
}

static uint64_t
asked(const struct figures *f, enum class class)
{
	uint64_t	 n = 0;
	int		 k;

	for (k = 0; k < K_MAX; k++)
		n += f->kind[class][k];
	return (n);
}

static void
print_class(const struct figures *f, enum class class)
{
	static const char *const	 heads[C_MAX] = {
		"still open", "closed by the client, perhaps",
		"the MTA has hung up", "an earlier one is not hung up",
		"late"
	};
	static const char *const	 kinds[K_REASON] = {
		"user and process", "user", "later user", "REMOTE", "WRONG"
	};
	int				 k;

	(void)printf("# %s: %" PRIu64, heads[class], asked(f, class));
	for (k = 0; k < K_MAX; k++)
		if (f->kind[class][k] > 0)
			(void)printf("%s %s %" PRIu64, k == 0 ? ":" : ",",
			    k < K_REASON ? kinds[k] :
			    reason_names[k - K_REASON], f->kind[class][k]);
	(void)printf("\n");
}

static int
result(int good, const char *what)
{
	(void)printf("%sok - %s\n", good ? "" : "not ", what);
	return (!good);
}

/* Returns how much is not as it should be. */
static int
report(const struct figures *f, uint64_t us)
{
	uint64_t	 all = 0, closed, open, owned, wrong = 0;
	int		 bad = 0, i;

	for (i = 0; i < C_MAX; i++) {
		print_class(f, i);
		all += asked(f, i);
		wrong += f->kind[i][K_WRONG] + f->kind[i][K_REMOTE];
	}
	open = asked(f, C_OPEN);
	closed = asked(f, C_CLOSED);
	owned = f->kind[C_OPEN][K_PROCESS] + f->kind[C_OPEN][K_USER];
	(void)printf("# %" PRIu64 " lookups in %.1f s, %.0f per second; "
	    "IPv4 %" PRIu64 ", IPv6 %" PRIu64 "\n", all, us / 1e6,
	    us == 0 ? 0 : all * 1e6 / us, f->v4, f->v6);
	(void)printf("# wrong %" PRIu64 "; of those still open %.2f%% owned, "
	    "%.2f%% with a process\n", wrong, open == 0 ? 0 :
	    owned * 100.0 / open, open == 0 ? 0 :
	    f->kind[C_OPEN][K_PROCESS] * 100.0 / open);
	(void)printf("# accounts without a name %" PRIu64 ", processes not "
	    "checked %" PRIu64 ", connections without a mark %" PRIu64 "\n",
	    f->unnamed, f->unchecked, f->unmarked);
	bad += result(all >= env.lookups, "all questions are answered");
	bad += result(wrong == 0, "nobody is blamed for another's connection");
	bad += result(owned > 0 && owned * 100 >= open * OPEN_SHARE,
	    "who is still connected is known");
	bad += result(f->kind[C_OPEN][K_PROCESS] > 0 && f->v4 > 0 &&
	    (f->v6 > 0 || env.mtas < MTAS) && closed > 0 &&
	    asked(f, C_ENDED) > 0 && (f->unchecked + f->unmarked) * 100 < all,
	    "there was something of everything");
	if (env.record)
		bad += result(f->kind[C_CLOSED][K_PROCESS] > 0 &&
		    (f->kind[C_CLOSED][K_PROCESS] +
		    f->kind[C_CLOSED][K_REASON + R_REUSED]) * 100 >=
		    closed * OPEN_SHARE,
		    "so is who has closed, until another has the port");
	return (bad);
}

static void __attribute__((__noreturn__))
usage(void)
{
	(void)fprintf(stderr,
	    "usage: churn -s socket [-bi] [-n lookups] [-t seconds]\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	const char	*errstr = NULL;
	uint64_t	 seconds = 60;
	int		 ch;

	while (errstr == NULL && (ch = getopt(argc, argv, "bin:s:t:")) != -1)
		switch (ch) {
		case 'b':
			env.record = 1;
			break;
		case 'i':
			env.interface = 1;
			break;
		case 'n':
			env.lookups = strtonum(optarg, 1, 1000000000,
			    &errstr);
			break;
		case 's':
			env.socket = optarg;
			break;
		case 't':
			seconds = strtonum(optarg, 1, 86400, &errstr);
			break;
		default:
			usage();
		}
	if (errstr != NULL || env.socket == NULL || optind != argc)
		usage();
	env.deadline = now() + seconds * 1000000;
}

int
main(int argc, char **argv)
{
	struct figures	 sum;
	uint64_t	 begin;
	pid_t		 mta[MTAS];
	ssize_t		 n;

	log_init("churn", -1, 0);
	options(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	if (getuid() != 0)
		bail("not root");
	n = readlink("/proc/self/exe", env.exe, sizeof(env.exe) - 1);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n == -1 || shared == MAP_FAILED ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		bail("start");
	random_seed();
	find_users();
	find_listeners();
	find_ports();
	begin = now();
	start(mta);
	if (manage(mta) > 0)
		return (1);
	add_up(&sum);
	return (report(&sum, now() - begin) > 0);
}
