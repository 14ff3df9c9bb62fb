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
 * The backend for FreeBSD.  The list of all connections says whose the socket
 * is; before it is fetched, one exact question tells if there is anything to
 * be found in it, for most clients of a mail server are other hosts.
 *
 * A uid in a jail is not the host's, and nothing that is said of a socket
 * tells a jail's from the host's: only its processes do.  So while there are
 * jails, only a socket that is held outside of them, and by nobody inside, is
 * somebody's; and his only if he has it himself, for out of a jail a socket of
 * any uid can be passed to a friend.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/user.h>

#include <netinet/in.h>
#include <netinet/tcp_fsm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "freebsd.h"
#include "log.h"

#define PROCESSES	8192		/* of one uid, looked at at most */

/* The last replies; their room is kept. */
static struct reply	 pcbs, files, processes, other;

static void	 freebsd_open(void);
static uint32_t	 freebsd_check(void);
static void	 freebsd_sock(const struct conn_key *, struct sock *);
static int	 freebsd_same(const struct conn_key *, const struct sock *);
static int	 freebsd_local(const struct endpoint *);
static size_t	 freebsd_holders(const struct sock *, const struct budget *,
		    struct holder[MAX_HOLDERS]);
static int	 freebsd_process(const struct holder *, struct found *);

const struct os_ops os_native = {
	.name = "freebsd",
	.dir = "/var/empty",
	.keep = KEEP_NOTHING,
	.open = freebsd_open,
	.check = freebsd_check,
	.sock = freebsd_sock,
	.same = freebsd_same,
	.local = freebsd_local,
	.holders = freebsd_holders,
	.process = freebsd_process
};

static void
freebsd_open(void)
{
	ask_open();
}

/* No connection has these ends: the kernel says so, if it may be asked. */
static enum sock_state
try_cred(void)
{
	struct conn_key	 key;
	uint32_t	 uid;

	if (!end_nowhere(&key))
		return (SOCK_FAILED);
	if (ask_cred(&key, &uid) == 0 || errno == ENOENT)
		return (SOCK_OWNED);
	return (errno == EPERM ? SOCK_DENIED : SOCK_UNSUPPORTED);
}

/* What the kernel says of the connection: as reply_pcb(), or NO_REPLY. */
static int
find_pcb(const struct conn_key *key, struct tcpconn *pcb)
{
	if (ask(ASK_PCBS, 0, &pcbs) == -1)
		return (NO_REPLY);
	return (reply_pcb(&pcbs, key, pcb));
}

/* Where it listens, for an end that nobody can be connected to. */
static void
sock_listening(const struct conn_key *key, struct sock *sock)
{
	int	 rv = BAD_REPLY;

	if (ask(ASK_PCBS, 0, &pcbs) == 0)
		rv = reply_listens(&pcbs, &key->client);
	sock->state = rv == BAD_REPLY ? SOCK_FAILED : SOCK_NONE;
	sock->listening = rv == 1;
}

/* The next process: 1, 0 it has ended, or BAD_REPLY. */
static int
find_process(uint32_t pid, struct process *p)
{
	size_t	 pos = 0;

	if (ask(ASK_PROC, pid, &other) == -1)
		return (errno == ESRCH ? 0 : BAD_REPLY);
	if (reply_process(&other, &pos, p) != 1 || p->pid != pid)
		return (BAD_REPLY);
	return (1);
}

/*
 * The kernel tells it, and in the format that we were built for.  Our parent
 * is root's, and has descriptors.
 */
static uint32_t
freebsd_check(void)
{
	struct process	 p;
	struct endpoint	 nowhere;
	uint32_t	 can = 0;

	endpoint_clear(&nowhere);
	if (try_cred() == SOCK_OWNED && ask(ASK_PCBS, 0, &pcbs) == 0 &&
	    reply_listens(&pcbs, &nowhere) != BAD_REPLY)
		can |= 1U << CAN_ASK | 1U << CAN_ORPHAN;
	if (find_process(getppid(), &p) == 1 &&
	    ask(ASK_FDS, p.pid, &other) == 0)
		can |= 1U << CAN_SEARCH;
	return (can);
}

/*
 * 1: the socket's owner has it; 0: others have; -1: nobody does, or somebody
 * in a jail.  A program that is another user's but for its file is not his.
 */
static int
held_outside(const struct tcpconn *pcb)
{
	struct process	 p;
	size_t		 pos = 0;
	uint32_t	 pid, last = NO_PID;
	int		 rv, n = 0, own = 0;

	if (ask(ASK_FILES, 0, &files) == -1)
		return (-1);
	while ((rv = reply_file(&files, &pos, pcb->so, &pid)) == 1) {
		if (pid == last)
			continue;
		last = pid;
		if (find_process(pid, &p) != 1 || p.jid != 0)
			return (-1);
		if (p.uid == pcb->uid && p.ruid == pcb->uid)
			own = 1;
		n++;
	}
	return (rv == 0 && n > 0 ? own : -1);
}

/* That the socket is still the same is true of its processes, then, too. */
static void
beside_jails(const struct tcpconn *pcb, struct sock *sock)
{
	int	 own = held_outside(pcb);

	if (own == -1 || !freebsd_same(&sock->key, sock))
		sock->state = SOCK_UNSUPPORTED;
	else if (!own)
		sock->uid = UID_UNKNOWN;
}

static void
sock_fill(const struct tcpconn *pcb, struct sock *sock)
{
	sock->uid = pcb->uid;
	sock->inode = pcb->pcb;
	sock->cookie = pcb->gencnt;
	if (sock_progress(sock, pcb->state))
		sock->state = pcb->queued ? SOCK_FORGOTTEN : SOCK_OWNED;
}

/*
 * A uid that only one of the two answers names is of a socket that has come
 * or gone in between.
 */
static void
freebsd_sock(const struct conn_key *key, struct sock *sock)
{
	struct tcpconn	 pcb;
	uint32_t	 uid = UID_UNKNOWN;
	int		 asked = 0, denied = 0, jails;

	memset(sock, 0, sizeof(*sock));
	sock->key = *key;
	if (endpoint_is_any(&key->server)) {
		sock_listening(key, sock);
		return;
	}
	/* Of a link-local address the exact question needs the interface. */
	if (!IS_SCOPED(key->client.addr) && !IS_SCOPED(key->server.addr)) {
		asked = ask_cred(key, &uid) == 0;
		denied = !asked && errno == EPERM;
		sock->state = asked || denied || errno == ENOENT ? SOCK_NONE :
		    errno == EPROTO ? SOCK_UNSUPPORTED : SOCK_FAILED;
		if (!asked && !denied)
			return;
	}
	/* A jail is there as long as its sockets are: so, before they go. */
	jails = ask_jails();
	switch (find_pcb(key, &pcb)) {
	case 0:
		/* Perhaps it is only hidden from us. */
		sock->state = denied && freebsd_local(&key->client) != 0 ?
		    SOCK_DENIED : SOCK_NONE;
		return;
	case 1:
		break;
	case BAD_REPLY:
		sock->state = SOCK_UNSUPPORTED;
		return;
	default:
		sock->state = SOCK_FAILED;
		return;
	}
	sock_fill(&pcb, sock);
	if (asked && pcb.uid != uid)
		sock->state = SOCK_FAILED;
	if (sock->state == SOCK_OWNED && jails == -1)
		sock->state = SOCK_UNSUPPORTED;
	if (sock->state == SOCK_OWNED && jails == 1)
		beside_jails(&pcb, sock);
}

/* The number of a pcb is never given again while the kernel runs. */
static int
freebsd_same(const struct conn_key *key, const struct sock *sock)
{
	struct tcpconn	 pcb;

	return (sock->cookie != 0 && find_pcb(key, &pcb) == 1 &&
	    pcb.gencnt == sock->cookie);
}

static int
freebsd_local(const struct endpoint *e)
{
	if (endpoint_is_loopback(e))
		return (1);
	if (ask(ASK_ADDRS, 0, &other) == -1)
		return (-1);
	return (reply_local(&other, e));
}

static int
newer(const void *a, const void *b)
{
	const struct process	*p = a, *q = b;

	if (p->start != q->start)
		return (p->start < q->start ? 1 : -1);
	return (p->pid < q->pid ? 1 : -1);
}

/* The kernel's own processes have no program. */
static int
is_candidate(const struct process *p)
{
	return (p->jid == 0 && !p->kernel);
}

/* Processes that run as the socket's owner, the newest first. */
static void
search_own(struct search *s)
{
	static struct process	 list[PROCESSES];
	struct process		 p;
	size_t			 i, n = 0, pos = 0;

	if (ask(ASK_PROCS, 0, &processes) == -1)
		return;
	while (n < PROCESSES && reply_process(&processes, &pos, &p) == 1)
		if (p.uid == s->sock->uid && is_candidate(&p))
			list[n++] = p;
	qsort(list, n, sizeof(list[0]), newer);
	for (i = 0; i < n && !search_over(s); i++)
		if (ask(ASK_FDS, list[i].pid, &other) == 0 &&
		    reply_holds(&other, s->sock->inode))
			search_add(s, list[i].pid, list[i].uid, list[i].start);
}

/* All open files: it was passed to another user, or he became another. */
static void
search_all(struct search *s, uint64_t so)
{
	struct process	 p;
	size_t		 pos = 0;
	uint32_t	 pid, last = NO_PID;

	if (ask(ASK_FILES, 0, &files) == -1)
		return;
	while (!search_over(s) && reply_file(&files, &pos, so, &pid) == 1) {
		if (pid != last && find_process(pid, &p) == 1 &&
		    is_candidate(&p))
			search_add(s, pid, p.uid, p.start);
		last = pid;
	}
}

static size_t
freebsd_holders(const struct sock *sock, const struct budget *budget,
    struct holder list[MAX_HOLDERS])
{
	struct search	 s;
	struct tcpconn	 pcb;

	search_begin(&s, sock, budget, list);
	if (find_pcb(&sock->key, &pcb) != 1 || pcb.gencnt != sock->cookie)
		return (0);
	search_own(&s);
	if (s.n == 0 && !search_over(&s))
		search_all(&s, pcb.so);
	return (s.n);
}

/*
 * One reply has the connection among the descriptors, and the path of the
 * program.  The start that comes after it was there before, when it was found
 * to be a holder, so the pid was not used again meanwhile; and as its name is
 * the same before and after, it is the name of what has the connection.
 */
static int
freebsd_process(const struct holder *h, struct found *found)
{
	struct process	 before, p;

	if (find_process(h->pid, &before) != 1 ||
	    ask(ASK_FDS, h->pid, &files) == -1 ||
	    !reply_holds(&files, h->inode) ||
	    find_process(h->pid, &p) != 1)
		return (-1);
	if (p.start != h->start || p.uid != h->uid ||
	    strcmp(p.comm, before.comm) != 0)
		return (-1);
	found->owner.login = LOGIN_UNSET;
	if (wants(found, T_EXE) && reply_path(&files, KF_FD_TYPE_TEXT,
	    found->exe, sizeof(found->exe)))
		found->owner.text[T_EXE] = found->exe;
	if (wants(found, T_CWD) && reply_path(&files, KF_FD_TYPE_CWD,
	    found->cwd, sizeof(found->cwd)))
		found->owner.text[T_CWD] = found->cwd;
	found_program(found, p.comm);
	return (0);
}
