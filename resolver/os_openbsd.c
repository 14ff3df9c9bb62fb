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
 * The backend for OpenBSD.  Nothing that is asked here needs a privilege, and
 * no promise of pledge(2) allows it; so the resolver is in an empty chroot,
 * as a user of its own, and is not pledged.
 *
 * tcp.ident names the owner of a socket that was connected with connect(2),
 * so never the MTA's end.  But where there is no such connection, it takes
 * a socket that listens on the port for it; who has called both connect(2)
 * and listen(2) would be named for other people's mail.  So the connection
 * must also be in the list of all.  That list has no owner: there every
 * f_uid is 0.
 */

#include <sys/param.h>
#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/timeout.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_timer.h>
#include <netinet/tcp_var.h>

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bsd.h"
#include "log.h"

#define TRIES		14		/* of a list that grows meanwhile */
#define ALL		(-1)		/* of KERN_FILE_BYPID */

/* A list of files; its room is kept. */
struct files {
	struct kinfo_file	*list;
	size_t			 size;		/* bytes */
	size_t			 n;
};

static struct files	 files;
static uint32_t		 table;		/* the routing table of ours */

static void	 openbsd_open(void);
static uint32_t	 openbsd_check(void);
static void	 openbsd_sock(const struct conn_key *, struct sock *);
static int	 openbsd_same(const struct conn_key *, const struct sock *);
static int	 openbsd_local(const struct endpoint *);
static size_t	 openbsd_holders(const struct sock *, const struct budget *,
		    struct holder[MAX_HOLDERS]);
static int	 openbsd_process(const struct holder *, struct found *);

const struct os_ops os_native = {
	.name = "openbsd",
	.dir = "/var/empty",
	.keep = KEEP_NOTHING,
	.open = openbsd_open,
	.check = openbsd_check,
	.sock = openbsd_sock,
	.same = openbsd_same,
	.local = openbsd_local,
	.holders = openbsd_holders,
	.process = openbsd_process
};

static void
openbsd_open(void)
{
	table = getrtable();
}

static void
end_to_sa(const struct endpoint *e, struct sockaddr_storage *ss)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	end_to_sin(e, &sin, &sin6);
	memset(ss, 0, sizeof(*ss));
	if (endpoint_is4(e))
		memcpy(ss, &sin, sizeof(sin));
	else
		memcpy(ss, &sin6, sizeof(sin6));
}

/*
 * Who connected it, in the routing domain that we were started in, which is
 * to be the MTA's.  1, 0: nobody, or -1.
 */
static int
ident(const struct conn_key *key, uint32_t *uid)
{
	int				 mib[] = { CTL_NET, PF_INET,
					    IPPROTO_TCP, TCPCTL_IDENT };
	struct tcp_ident_mapping	 map;
	size_t				 len = sizeof(map);

	memset(&map, 0, sizeof(map));
	end_to_sa(&key->client, &map.laddr);
	end_to_sa(&key->server, &map.faddr);
	map.rdomain = table;
	if (sysctl(mib, NITEMS(mib), &map, &len, NULL, 0) == -1)
		return (-1);
	if (len != sizeof(map)) {
		errno = EPROTO;
		return (-1);
	}
	*uid = map.euid;
	return (map.euid != -1);
}

/*
 * All sockets, or the files of the processes of a uid or pid.  One that is
 * not there has none.
 */
static int
ask_files(int op, int arg)
{
	int	 mib[] = { CTL_KERN, KERN_FILE, op, arg,
		    sizeof(struct kinfo_file), 0 };
	void	*list;
	size_t	 len;
	int	 i;

	files.n = 0;
	for (i = 0; i < TRIES; i++) {
		mib[5] = 0;
		if (sysctl(mib, NITEMS(mib), NULL, &len, NULL, 0) == -1)
			return (errno == ESRCH ? 0 : -1);
		len += len / 8 + sizeof(struct kinfo_file);
		if (len > files.size) {
			if ((list = realloc(files.list, len)) == NULL)
				return (-1);
			files.list = list;
			files.size = len;
		}
		len = files.size;
		mib[5] = len / sizeof(struct kinfo_file);
		if (sysctl(mib, NITEMS(mib), files.list, &len, NULL, 0) == 0) {
			if (len % sizeof(struct kinfo_file) != 0) {
				errno = EPROTO;
				return (-1);
			}
			files.n = len / sizeof(struct kinfo_file);
			return (0);
		}
		if (errno != ENOMEM)
			return (errno == ESRCH ? 0 : -1);
	}
	return (-1);
}

/* A TCP socket of our routing table, and the ends that it has. */
static int
is_tcp(const struct kinfo_file *kf, struct conn_key *key)
{
	int	 is4;

	if (kf->f_type != DTYPE_SOCKET || kf->so_type != SOCK_STREAM ||
	    kf->so_protocol != IPPROTO_TCP || kf->inp_rtableid != table ||
	    (kf->so_family != AF_INET && kf->so_family != AF_INET6))
		return (0);
	is4 = kf->so_family == AF_INET;
	end_make(&key->client, is4, kf->inp_laddru, (uint16_t)kf->inp_lport);
	end_make(&key->server, is4, kf->inp_faddru, (uint16_t)kf->inp_fport);
	return (1);
}

static int
is_connection(const struct kinfo_file *kf, const struct conn_key *key)
{
	struct conn_key	 k;

	return (is_tcp(kf, &k) && kf->t_state != TCPS_CLOSED &&
	    kf->t_state != TCPS_LISTEN &&
	    endpoint_equal(&k.client, &key->client) &&
	    endpoint_equal(&k.server, &key->server));
}

/* Of all sockets the one with these ends; NULL also if it is not the only. */
static const struct kinfo_file *
find_socket(const struct conn_key *key)
{
	const struct kinfo_file	*found = NULL;
	size_t			 i;

	for (i = 0; i < files.n; i++) {
		if (!is_connection(&files.list[i], key))
			continue;
		if (found != NULL)
			return (NULL);
		found = &files.list[i];
	}
	return (found);
}

static int
find_listening(const struct endpoint *at)
{
	struct conn_key	 k;
	size_t		 i;

	for (i = 0; i < files.n; i++)
		if (is_tcp(&files.list[i], &k) &&
		    files.list[i].t_state == TCPS_LISTEN &&
		    end_listens(&k.client, at))
			return (1);
	return (0);
}

static enum sock_state
state_of_errno(void)
{
	switch (errno) {
	case EPERM:
	case EACCES:
		return (SOCK_DENIED);
	case EOPNOTSUPP:
	case ENOPROTOOPT:
	case EPROTO:
		return (SOCK_UNSUPPORTED);
	default:
		return (SOCK_FAILED);
	}
}

/*
 * A socket that connected is the owner's that ident() named.  One that was
 * accepted has an owner as well, whom the kernel does not tell: it is there,
 * and nobody's.
 */
static void
sock_fill(const struct kinfo_file *kf, int named, uint32_t uid,
    struct sock *sock)
{
	sock->uid = UID_UNKNOWN;
	if (!sock_progress(sock, kf->t_state))
		return;
	if (kf->so_state & SS_CONNECTOUT) {
		sock->state = !named ? SOCK_FAILED :
		    kf->so_state & SS_NOFDREF ? SOCK_ORPHAN : SOCK_OWNED;
		if (named)
			sock->uid = uid;
	} else
		sock->state = kf->so_state & SS_NOFDREF ? SOCK_FORGOTTEN :
		    SOCK_OWNED;
}

static void
openbsd_sock(const struct conn_key *key, struct sock *sock)
{
	const struct kinfo_file	*kf;
	uint32_t		 uid = UID_UNKNOWN, again;
	int			 named = 0;

	memset(sock, 0, sizeof(*sock));
	sock->key = *key;
	if (!endpoint_is_any(&key->server) &&
	    (named = ident(key, &uid)) == -1) {
		sock->state = state_of_errno();
		return;
	}
	sock->state = SOCK_NONE;
	/* Most clients of a mail server are other hosts: no need for a list. */
	if (!named && openbsd_local(&key->client) == 0)
		return;
	if (ask_files(KERN_FILE_BYFILE, DTYPE_SOCKET) == -1) {
		sock->state = state_of_errno();
		return;
	}
	if (endpoint_is_any(&key->server))
		sock->listening = find_listening(&key->client);
	else if ((kf = find_socket(key)) != NULL) {
		sock_fill(kf, named, uid, sock);
		/* The same before and after: so it is of this connection. */
		if (named && (ident(key, &again) != 1 || again != uid))
			sock->state = SOCK_FAILED;
	}
}

/*
 * The kernel tells us nothing that is never given again.  So this says that
 * the connection has the same owner; that a process holds it, and since
 * when that lives, is asked for just before.
 */
static int
openbsd_same(const struct conn_key *key, const struct sock *sock)
{
	uint32_t	 uid;

	return (ident(key, &uid) == 1 && uid == sock->uid);
}

static int
openbsd_local(const struct endpoint *e)
{
	struct ifaddrs	*list, *ifa;
	int		 rv = 0;

	if (endpoint_is_loopback(e))
		return (1);
	if (getifaddrs(&list) == -1)
		return (-1);
	for (ifa = list; ifa != NULL && !rv; ifa = ifa->ifa_next)
		rv = ifa->ifa_addr != NULL &&
		    end_is_sa(e, ifa->ifa_addr, ifa->ifa_addr->sa_len);
	freeifaddrs(list);
	return (rv);
}

/* Our parent is root's, and has descriptors. */
static uint32_t
openbsd_check(void)
{
	struct conn_key	 key;
	uint32_t	 uid, can = 0;

	if (end_nowhere(&key) && ident(&key, &uid) != -1 &&
	    ask_files(KERN_FILE_BYFILE, DTYPE_SOCKET) == 0)
		can |= 1U << CAN_ASK | 1U << CAN_ORPHAN;
	if (ask_files(KERN_FILE_BYPID, getppid()) == 0 && files.n > 0)
		can |= 1U << CAN_SEARCH;
	return (can);
}

/* 1, 0: there is no such process, for which the kernel says nothing; -1. */
static int
find_process(uint32_t pid, struct kinfo_proc *kp)
{
	int	 mib[] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid,
		    sizeof(*kp), 1 };
	size_t	 len = sizeof(*kp);

	memset(kp, 0, sizeof(*kp));
	if (sysctl(mib, NITEMS(mib), kp, &len, NULL, 0) == -1)
		return (errno == ESRCH ? 0 : -1);
	if (len == 0)
		return (0);
	return (len == sizeof(*kp) && kp->p_pid == (int32_t)pid ? 1 : -1);
}

static uint64_t
start_of(const struct kinfo_proc *kp)
{
	return (kp->p_ustart_sec * 1000000 + kp->p_ustart_usec);
}

/* The files of a process stand together. */
static void
search_files(struct search *s, int op, int arg)
{
	const struct kinfo_file	*kf;
	struct kinfo_proc	 kp;
	uint32_t		 last = NO_PID;
	size_t			 i;

	if (ask_files(op, arg) == -1)
		return;
	for (i = 0; i < files.n && !search_over(s); i++) {
		kf = &files.list[i];
		if (kf->p_pid == last || kf->fd_fd < 0 ||
		    !is_connection(kf, &s->sock->key) ||
		    !(kf->so_state & SS_CONNECTOUT))
			continue;
		last = kf->p_pid;
		if (find_process(last, &kp) == 1)
			search_add(s, last, kp.p_uid, start_of(&kp));
	}
}

/* Processes of its uid; if none has it, all. */
static size_t
openbsd_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	struct search	 s;

	search_begin(&s, sock, budget, list);
	search_files(&s, KERN_FILE_BYUID, sock->uid);
	if (s.n == 0 && !search_over(&s))
		search_files(&s, KERN_FILE_BYPID, ALL);
	return (s.n);
}

/* The kernel gives pointers of the process first, then what they point to. */
static void
process_cmdline(uint32_t pid, struct found *found)
{
	static char	*args[NCARGS / sizeof(char *)];
	int		 mib[] = { CTL_KERN, KERN_PROC_ARGS, (int)pid,
			    KERN_PROC_ARGV };
	size_t		 len = sizeof(args), used = 0, n;
	char		*buf = found->cmdline, *end = (char *)args;
	int		 i;

	/* Who has made a mess of his own arguments shows nobody else's. */
	memset(args, 0, sizeof(args));
	if (sysctl(mib, NITEMS(mib), args, &len, NULL, 0) == -1 ||
	    len < sizeof(args[0]) || len > sizeof(args))
		return;
	end += len;
	for (i = 0; args[i] != NULL && (char *)&args[i + 1] < end; i++) {
		if (args[i] < (char *)args || args[i] >= end)
			return;
		n = strnlen(args[i], end - args[i]);
		if (used > 0 && used < sizeof(found->cmdline) - 1)
			buf[used++] = ' ';
		if (n > sizeof(found->cmdline) - 1 - used)
			n = sizeof(found->cmdline) - 1 - used;
		memcpy(buf + used, args[i], n);
		used += n;
	}
	buf[used] = '\0';
	if (used > 0)
		found->owner.text[T_CMDLINE] = buf;
}

static int
still_holds(const struct holder *h)
{
	size_t	 i;

	if (ask_files(KERN_FILE_BYPID, h->pid) == -1)
		return (0);
	for (i = 0; i < files.n; i++)
		if (is_connection(&files.list[i], &h->key))
			return (1);
	return (0);
}

/*
 * The kernel has no path of a program, and a user no need to tell the truth
 * in argv: there is no exe.
 */
static int
openbsd_process(const struct holder *h, struct found *found)
{
	struct kinfo_proc	 kp;

	if (find_process(h->pid, &kp) != 1 || start_of(&kp) != h->start)
		return (-1);
	found->owner.login = LOGIN_UNSET;
	if (wants(found, T_CMDLINE))
		process_cmdline(h->pid, found);
	if (!still_holds(h) || find_process(h->pid, &kp) != 1 ||
	    start_of(&kp) != h->start || kp.p_uid != h->uid)
		return (-1);
	kp.p_comm[sizeof(kp.p_comm) - 1] = '\0';
	found_program(found, kp.p_comm);
	return (0);
}
