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
 * The Linux backend against the living kernel: real connections, real users,
 * and what users do to hide or to have somebody else named.  Needs root.
 *
 * SOURCES: resolver/os_linux.c resolver/owner.c resolver/linux_diag.c
 * SOURCES: resolver/linux_proc.c resolver/linux_cmdline.c resolver/linux_cgroup.c
 * SOURCES: resolver/bpf_none.c resolver/linux_files.c resolver/linux_known.c
 * SOURCES: resolver/linux_search.c common/privdrop.c common/caps_linux.c
 * SOURCES: common/addr.c common/answer.c common/clock.c common/log.c
 * SOURCES: common/wire.c common/xtext.c
 */

#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <pthread.h>
#include <sched.h>
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

#include "linux.h"
#include "log.h"
#include "owner-find.h"

#define VICTIM		12345
#define OTHER		22222
#define USEC		2000000		/* the machine may be slow */
#define ALL		(~(1U << T_CMDLINE))

/* One connection to our listening socket; the client's end is a child's. */
struct conn {
	struct conn_key		 key;
	struct sockaddr_storage	 ss;		/* where we listen */
	socklen_t		 sslen;
	int			 l;		/* listening */
	int			 s;		/* accepted */
	pid_t			 child[4];
	int			 ch[4];		/* to talk to it */
	int			 n;
};

typedef void	 (*client_fn)(const struct conn *, int);

static struct endpoint	 client_addr;	/* nobody else's, for IPv4 */
static const char	*client_argv0;

static void
must(int ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
		_exit(1);
	}
}

/* Two processes take turns: one says, the other waits for it. */
static void
say(int ch)
{
	must(write(ch, "x", 1) == 1, "write");
}

static void
await(int ch)
{
	char	 c;

	assert_int_equal(read(ch, &c, 1), 1);
}

/* In a child, which does not outlive the test. */
static void
obey(int ch)
{
	char	 c;

	if (read(ch, &c, 1) != 1)
		_exit(0);
}

static void
become(uid_t uid)
{
	if (uid == 0)
		return;
	must(setresgid(uid, uid, uid) == 0, "setresgid");
	must(setresuid(uid, uid, uid) == 0, "setresuid");
}

static void
pause_ms(long ms)
{
	struct timespec	 ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static void
listen_on(struct conn *c, const char *addr)
{
	struct endpoint	 e;

	memset(c, 0, sizeof(*c));
	c->s = -1;
	assert_int_equal(endpoint_parse(&e, addr, "0"), 0);
	c->sslen = endpoint_to_sa(&e, &c->ss);
	c->l = socket(c->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->l == -1 || bind(c->l, (struct sockaddr *)&c->ss,
	    c->sslen) == -1)
		skip();
	assert_int_equal(listen(c->l, 64), 0);
	assert_int_equal(getsockname(c->l, (struct sockaddr *)&c->ss,
	    &c->sslen), 0);
}

/* Run fn in a child; returns when that says so. */
static void
start(struct conn *c, uid_t uid, client_fn fn)
{
	int	 sv[2];

	assert_true((size_t)c->n < NITEMS(c->child));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	c->child[c->n] = fork();
	assert_int_not_equal(c->child[c->n], -1);
	if (c->child[c->n] == 0) {
		(void)close(sv[0]);
		(void)close(c->l);
		if (c->s != -1)
			(void)close(c->s);
		(void)alarm(60);
		become(uid);
		fn(c, sv[1]);
		say(sv[1]);
		obey(sv[1]);
		_exit(0);
	}
	(void)close(sv[1]);
	c->ch[c->n] = sv[0];
	c->n++;
	await(sv[0]);
}

static void
key_of(struct conn *c, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);

	assert_int_equal(getsockname(c->s, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(endpoint_from_sa(&c->key.client,
	    (const struct sockaddr *)peer), 0);
	assert_int_equal(endpoint_from_sa(&c->key.server,
	    (struct sockaddr *)&ss), 0);
}

static void
take(struct conn *c)
{
	struct sockaddr_storage	 peer;
	socklen_t		 len = sizeof(peer);

	c->s = accept4(c->l, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	assert_int_not_equal(c->s, -1);
	key_of(c, &peer);
}

static void
finish(struct conn *c)
{
	int	 i;

	for (i = 0; i < c->n; i++) {
		(void)close(c->ch[i]);
		(void)kill(c->child[i], SIGKILL);
		(void)waitpid(c->child[i], NULL, 0);
	}
	if (c->s != -1)
		(void)close(c->s);
	(void)close(c->l);
}

static void
find(const struct conn *c, struct found *found)
{
	struct budget	 budget = { USEC, NULL, NULL };

	memset(found, 0, sizeof(*found));
	found->want = ALL;
	owner_find(&os_native, &c->key, &budget, found);
}

/* Owned by uid, held by a child of ours, index or -1 for none. */
static void
check_owned(const struct conn *c, uint32_t uid, int child)
{
	struct found	 f;
	char		 exe[256];
	ssize_t		 n;

	find(c, &f);
	assert_int_equal(f.owner.verdict, E_OWNED);
	assert_int_equal(f.owner.uid, uid);
	if (child == -1) {
		assert_int_equal(f.owner.pid, NO_PID);
		assert_int_equal(f.owner.source, SRC_UIDONLY);
		assert_null(f.owner.text[T_EXE]);
		return;
	}
	assert_int_equal(f.owner.pid, c->child[child]);
	assert_true(f.owner.source == SRC_SCAN ||
	    f.owner.source == SRC_CACHE);
	assert_true(f.owner.start > 0);
	assert_non_null(f.owner.text[T_PROGRAM]);
	assert_non_null(f.owner.text[T_CWD]);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	assert_true(n > 0);
	exe[n] = '\0';
	assert_non_null(f.owner.text[T_EXE]);
	assert_string_equal(f.owner.text[T_EXE], exe);
}

static void
check_unknown(const struct conn *c, enum reason reason)
{
	struct found	 f;

	find(c, &f);
	assert_int_equal(f.owner.verdict, E_UNKNOWN);
	assert_int_equal(f.owner.reason, reason);
	assert_int_equal(f.owner.uid, 0);
	assert_int_equal(f.owner.pid, NO_PID);
	assert_null(f.owner.text[T_EXE]);
}

/* Clients.  The socket is always 50 or more, out of the way of the rest. */

static int
client_socket(const struct endpoint *from)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 fd, high, on = 1;

	len = endpoint_to_sa(from, &ss);
	must((fd = socket(ss.ss_family, SOCK_STREAM, 0)) != -1, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(fd, (struct sockaddr *)&ss, len) == 0, "bind");
	must((high = fcntl(fd, F_DUPFD, 50)) != -1, "dup");
	(void)close(fd);
	return (high);
}

static int
client_open(const struct conn *c)
{
	struct endpoint	 any;
	int		 fd;

	(void)endpoint_parse(&any, "::", "0");
	fd = client_socket(c->ss.ss_family == AF_INET ? &client_addr : &any);
	must(connect(fd, (const struct sockaddr *)&c->ss, c->sslen) == 0,
	    "connect");
	return (fd);
}

static void
client_plain(const struct conn *c, int ch)
{
	(void)ch;
	(void)client_open(c);
}

static void
client_mapped(const struct conn *c, int ch)
{
	struct sockaddr_in6	 sin6;
	struct endpoint		 e, any;
	int			 fd;

	(void)ch;
	(void)endpoint_parse(&any, "::", "0");
	fd = client_socket(&any);
	(void)endpoint_from_sa(&e, (const struct sockaddr *)&c->ss);
	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_family = AF_INET6;
	memcpy(&sin6.sin6_addr, e.addr, 16);
	sin6.sin6_port = htons(e.port);
	must(connect(fd, (struct sockaddr *)&sin6, sizeof(sin6)) == 0,
	    "connect");
}

static void
client_mptcp(const struct conn *c, int ch)
{
	int	 fd;

	(void)ch;
	fd = socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
	if (fd == -1)
		_exit(0);
	must(connect(fd, (const struct sockaddr *)&c->ss, c->sslen) == 0,
	    "connect");
}

static void
client_shutdown(const struct conn *c, int ch)
{
	(void)ch;
	(void)shutdown(client_open(c), SHUT_WR);
}

/* Half-way through, once we have accepted. */
static void
client_close_later(const struct conn *c, int ch)
{
	int	 fd;

	fd = client_open(c);
	say(ch);
	obey(ch);
	(void)close(fd);
}

/* Later the same process, which changes, has another connection. */
static void
client_again(const struct conn *c, int ch)
{
	int	 fd, other;

	fd = client_open(c);
	say(ch);
	obey(ch);
	(void)close(fd);
	(void)prctl(PR_SET_NAME, "changed");
	must(chdir("/proc") == 0, "chdir");
	must(client_open(c) == fd, "the same descriptor");
	say(ch);
	obey(ch);
	other = open("/dev/null", O_RDONLY);
	(void)close(fd);
	must(client_open(c) == fd && dup2(fd, other) == other &&
	    open("/dev/null", O_RDONLY) > other && dup2(0, fd) == fd,
	    "another descriptor");
}

static void
client_reset_later(const struct conn *c, int ch)
{
	struct linger	 linger = { 1, 0 };
	int		 fd;

	fd = client_open(c);
	say(ch);
	obey(ch);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	(void)close(fd);
}

/* More than fits: what is not sent yet keeps the socket when we close it. */
static void
client_orphan_later(const struct conn *c, int ch)
{
	static char	 buf[65536];
	int		 fd;

	fd = client_open(c);
	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	say(ch);
	obey(ch);
	(void)close(fd);
}

static void
client_fork(const struct conn *c, int ch)
{
	(void)ch;
	(void)client_open(c);
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
}

static void
client_inherit(const struct conn *c, int ch)
{
	pid_t	 pid;
	int	 fd;

	fd = client_open(c);
	if ((pid = fork()) == 0) {
		must(dprintf(ch, "%d\n", (int)getpid()) > 0, "dprintf");
		(void)alarm(20);
		(void)pause();
	}
	(void)close(fd);
}

static void
client_setuid(const struct conn *c, int ch)
{
	(void)ch;
	(void)client_open(c);
	become(OTHER);
	(void)prctl(PR_SET_DUMPABLE, 1L);
}

static void
client_not_dumpable(const struct conn *c, int ch)
{
	(void)ch;
	(void)client_open(c);
	must(prctl(PR_SET_DUMPABLE, 0L) == 0, "PR_SET_DUMPABLE");
}

static void
client_evil_name(const struct conn *c, int ch)
{
	(void)ch;
	(void)client_open(c);
	(void)prctl(PR_SET_NAME, "a) R 1 1\n\xff (b");
}

static void
client_many_fds(const struct conn *c, int ch)
{
	struct rlimit	 rl = { 4096, 4096 };
	int		 i;

	(void)ch;
	(void)client_open(c);
	(void)setrlimit(RLIMIT_NOFILE, &rl);
	for (i = 0; i < 900; i++)
		must(open("/dev/null", O_RDONLY) != -1, "/dev/null");
}

static void *
thread_unshared(void *arg)
{
	const struct conn	*c = arg;

	must(unshare(CLONE_FILES) == 0, "unshare");
	(void)client_open(c);
	say(c->ch[3]);
	for (;;)
		(void)pause();
	return (NULL);
}

static void
client_thread(const struct conn *c, int ch)
{
	struct conn	 copy = *c;
	pthread_t	 thread;
	int		 sv[2];

	(void)ch;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0, "socketpair");
	copy.ch[3] = sv[1];
	must(pthread_create(&thread, NULL, thread_unshared, &copy) == 0,
	    "thread");
	obey(sv[0]);
	say(ch);
	obey(ch);
}

static void *
thread_survivor(void *arg)
{
	const struct conn	*c = arg;

	pause_ms(200);
	(void)client_open(c);
	say(c->ch[3]);
	for (;;)
		(void)pause();
	return (NULL);
}

static void
client_leader_exits(const struct conn *c, int ch)
{
	static struct conn	 copy;
	pthread_t		 thread;

	copy = *c;
	copy.ch[3] = ch;
	must(pthread_create(&thread, NULL, thread_survivor, &copy) == 0,
	    "thread");
	pthread_exit(NULL);
}

static void
fd_send(int ch, int fd)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(sizeof(int))];
	} u;
	struct iovec	 iov;
	struct msghdr	 msg;
	char		 c = 'f';

	memset(&u, 0, sizeof(u));
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = &c;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = u.buf;
	msg.msg_controllen = sizeof(u.buf);
	u.hdr.cmsg_len = CMSG_LEN(sizeof(int));
	u.hdr.cmsg_level = SOL_SOCKET;
	u.hdr.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&u.hdr), &fd, sizeof(fd));
	must(sendmsg(ch, &msg, 0) == 1, "sendmsg");
}

static void
fd_recv(int ch)
{
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(sizeof(int))];
	} u;
	struct iovec	 iov;
	struct msghdr	 msg;
	char		 c;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = &c;
	iov.iov_len = 1;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = u.buf;
	msg.msg_controllen = sizeof(u.buf);
	must(recvmsg(ch, &msg, 0) == 1 && msg.msg_controllen > 0, "recvmsg");
}

static int	 pass[2];		/* between two children */

static void
client_passes(const struct conn *c, int ch)
{
	int	 fd;

	fd = client_open(c);
	fd_send(pass[0], fd);
	say(ch);
	obey(ch);
	(void)close(fd);
}

static void
client_receives(const struct conn *c, int ch)
{
	(void)c;
	(void)ch;
	fd_recv(pass[1]);
}

/* In flight: sent to ourselves, closed, and nobody takes it out. */
static void
client_in_flight(const struct conn *c, int ch)
{
	int	 fd, sv[2];

	(void)ch;
	fd = client_open(c);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0, "socketpair");
	fd_send(sv[0], fd);
	(void)close(fd);
}

/* From the victim's port. */

static void
client_listens_there(const struct conn *c, int ch)
{
	(void)ch;
	must(listen(client_socket(&c->key.client), 5) == 0, "listen");
}

static void
client_connects_from_there(const struct conn *c, int ch)
{
	(void)ch;
	must(connect(client_socket(&c->key.client),
	    (const struct sockaddr *)&c->ss, c->sslen) == 0, "connect");
}

/* Tests */

static void
plain(const char *addr, client_fn fn)
{
	struct conn	 c;

	listen_on(&c, addr);
	start(&c, VICTIM, fn);
	take(&c);
	check_owned(&c, VICTIM, 0);
	finish(&c);
}

static void
t_v4(void **state)
{
	(void)state;
	plain("127.0.0.1", client_plain);
}

static void
t_v6(void **state)
{
	(void)state;
	plain("::1", client_plain);
}

static void
t_v4_mapped(void **state)
{
	(void)state;
	plain("127.0.0.1", client_mapped);
}

static void
t_half_closed(void **state)
{
	(void)state;
	plain("127.0.0.1", client_shutdown);
}

static void
t_not_dumpable(void **state)
{
	(void)state;
	plain("127.0.0.1", client_not_dumpable);
}

static void
t_many_fds(void **state)
{
	(void)state;
	plain("127.0.0.1", client_many_fds);
}

static void
t_mptcp(void **state)
{
	int	 fd;

	(void)state;
	if ((fd = socket(AF_INET, SOCK_STREAM, 262)) == -1)
		skip();
	(void)close(fd);
	plain("127.0.0.1", client_mptcp);
}

static void
t_root(void **state)
{
	struct conn	 c;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, 0, client_plain);
	take(&c);
	check_owned(&c, 0, 0);
	finish(&c);
}

/* Two connections from one port to two, both right. */
static void
t_same_port_two_servers(void **state)
{
	struct conn	 c, d;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_plain);
	take(&c);
	listen_on(&d, "127.0.0.2");
	d.key = c.key;
	start(&d, OTHER, client_connects_from_there);
	take(&d);
	assert_true(endpoint_equal(&c.key.client, &d.key.client));
	check_owned(&c, VICTIM, 0);
	check_owned(&d, OTHER, 0);
	finish(&d);
	finish(&c);
}

static void
t_evil_name(void **state)
{
	struct conn	 c;
	struct found	 f;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_evil_name);
	take(&c);
	check_owned(&c, VICTIM, 0);
	find(&c, &f);
	assert_string_equal(f.owner.text[T_PROGRAM], "a) R 1 1\n\xff (b");
	finish(&c);
}

static void
t_cmdline(void **state)
{
	struct budget	 budget = { USEC, NULL, NULL };
	struct conn	 c;
	struct found	 f;
	int		 i;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_plain);
	take(&c);
	/* It may be left out on a busy machine, but not always. */
	for (i = 0; i < 100; i++) {
		memset(&f, 0, sizeof(f));
		f.want = 1U << T_CMDLINE;
		owner_find(&os_native, &c.key, &budget, &f);
		if (f.owner.text[T_CMDLINE] != NULL)
			break;
	}
	assert_non_null(f.owner.text[T_CMDLINE]);
	assert_int_equal(strncmp(f.owner.text[T_CMDLINE], client_argv0,
	    MAX_PATH), 0);
	assert_null(f.owner.text[T_EXE]);
	assert_null(f.owner.text[T_PROGRAM]);
	f.want = 0;
	owner_find(&os_native, &c.key, &budget, &f);
	assert_int_equal(f.owner.pid, c.child[0]);
	assert_null(f.owner.text[T_CMDLINE]);
	finish(&c);
}

/* The parent connected, the child inherited: two hold it, the older counts. */
static void
t_fork(void **state)
{
	struct conn	 c;
	struct found	 f;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_fork);
	take(&c);
	pause_ms(20);		/* the older one has another start time */
	find(&c, &f);
	assert_int_equal(f.owner.uid, VICTIM);
	assert_int_equal(f.owner.pid, c.child[0]);
	assert_int_equal(f.owner.holders, 2);
	finish(&c);
}

static void
t_only_the_child_has_it(void **state)
{
	struct conn	 c;
	struct found	 f;
	char		 buf[32];
	ssize_t		 n;
	size_t		 len = 0;
	pid_t		 pid;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_inherit);
	take(&c);
	/* The first byte went to start(): "x", or of the number. */
	pause_ms(100);
	while (len < sizeof(buf) - 1 && (n = recv(c.ch[0], buf + len,
	    sizeof(buf) - 1 - len, MSG_DONTWAIT)) > 0)
		len += n;
	buf[len] = '\0';
	find(&c, &f);
	assert_int_equal(f.owner.verdict, E_OWNED);
	assert_int_equal(f.owner.uid, VICTIM);
	assert_int_equal(f.owner.holders, 1);
	pid = f.owner.pid;
	assert_int_not_equal(pid, NO_PID);
	assert_int_not_equal(pid, c.child[0]);
	(void)kill(pid, SIGKILL);
	finish(&c);
}

static void
t_setuid_after_connect(void **state)
{
	struct conn	 c;
	struct found	 f;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, 0, client_setuid);
	take(&c);
	check_owned(&c, 0, 0);
	find(&c, &f);
	assert_int_equal(f.holder_uid, OTHER);
	finish(&c);
}

/* Passed on: the socket stays the first one's, whoever has it. */
static void
t_passed(void **state)
{
	struct conn	 c;
	struct found	 f;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pass), 0);
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_passes);
	take(&c);
	start(&c, OTHER, client_receives);

	check_owned(&c, VICTIM, 0);
	find(&c, &f);
	assert_int_equal(f.owner.holders, 2);
	assert_int_equal(f.holder_uid, VICTIM);

	say(c.ch[0]);
	await(c.ch[0]);
	check_owned(&c, VICTIM, 1);
	find(&c, &f);
	assert_int_equal(f.owner.holders, 1);
	assert_int_equal(f.holder_uid, OTHER);
	finish(&c);
	(void)close(pass[0]);
	(void)close(pass[1]);
}

/* Where one is enough, it is one that runs as the owner of the socket. */
static int
always(void *arg)
{
	(*(int *)arg)++;
	return (1);
}

static void
t_passed_one_is_enough(void **state)
{
	struct conn	 c;
	struct sock	 sock;
	struct holder	 list[MAX_HOLDERS];
	int		 calls = 0;
	struct budget	 budget = { USEC, always, &calls };

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pass), 0);
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_passes);
	take(&c);
	start(&c, OTHER, client_receives);
	os_native.sock(&c.key, &sock);
	assert_int_equal(os_native.holders(&sock, &budget, list), 1);
	assert_true(calls > 0);
	assert_int_equal(list[0].uid, VICTIM);
	assert_int_equal(list[0].pid, c.child[0]);
	finish(&c);
	(void)close(pass[0]);
	(void)close(pass[1]);
}

/* Who is known is looked at again, and said to be what it is then. */
static void
t_again(void **state)
{
	struct conn	 c;
	struct found	 f;
	int		 i;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_again);
	take(&c);
	check_owned(&c, VICTIM, 0);
	for (i = 0; i < 2; i++) {
		(void)close(c.s);
		say(c.ch[0]);
		await(c.ch[0]);
		take(&c);
		check_owned(&c, VICTIM, 0);
		find(&c, &f);
		assert_int_equal(f.owner.source, SRC_CACHE);
		assert_string_equal(f.owner.text[T_PROGRAM], "changed");
		assert_string_equal(f.owner.text[T_CWD], "/proc");
	}
	finish(&c);
}

static void
t_in_flight(void **state)
{
	struct conn	 c;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_in_flight);
	take(&c);
	check_owned(&c, VICTIM, -1);
	finish(&c);
}

static void
t_thread_of_its_own(void **state)
{
	(void)state;
	plain("127.0.0.1", client_thread);
}

static void
t_leader_exited(void **state)
{
	(void)state;
	plain("127.0.0.1", client_leader_exits);
}

/* Closed, our end open: the kernel forgets the uid.  It is not root. */
static void
t_closed(void **state)
{
	struct conn	 c;
	struct sock	 sock;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_close_later);
	take(&c);
	check_owned(&c, VICTIM, 0);
	say(c.ch[0]);
	await(c.ch[0]);
	pause_ms(100);		/* the acknowledgement may be delayed */
	os_native.sock(&c.key, &sock);
	assert_int_equal(sock.state, SOCK_FORGOTTEN);
	check_unknown(&c, R_CLOSED);
	(void)close(c.s);
	c.s = -1;
	pause_ms(20);
	os_native.sock(&c.key, &sock);
	assert_int_equal(sock.state, SOCK_FORGOTTEN);	/* TIME_WAIT */
	check_unknown(&c, R_CLOSED);
	finish(&c);
}

/* Closed with data under way: newer kernels know the uid, older ones not. */
static void
t_orphan(void **state)
{
	struct conn	 c;
	struct sock	 sock;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_orphan_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	os_native.sock(&c.key, &sock);
	if (sock.state == SOCK_ORPHAN) {
		assert_int_equal(sock.uid, VICTIM);
		check_owned(&c, VICTIM, -1);
	} else {
		assert_int_equal(sock.state, SOCK_FORGOTTEN);
		check_unknown(&c, R_CLOSED);
	}
	finish(&c);
}

static void
t_reset(void **state)
{
	struct conn	 c;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_reset_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	check_unknown(&c, R_CLOSED);
	finish(&c);
}

/* The MTA hung up first: nobody is asking any more, and nobody is named. */
static void
t_server_closed(void **state)
{
	struct conn	 c;
	struct sock	 sock;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_plain);
	take(&c);
	(void)close(c.s);
	c.s = -1;
	os_native.sock(&c.key, &sock);
	assert_int_equal(sock.state, SOCK_OWNED);	/* CLOSE_WAIT */
	assert_int_equal(sock.established, 0);
	check_unknown(&c, R_REUSED);
	finish(&c);
}

/* The victim's connection is reset, and another user listens on its port. */
static void
t_listen_trap(void **state)
{
	struct conn	 c;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_reset_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	start(&c, OTHER, client_listens_there);
	check_unknown(&c, R_CLOSED);
	finish(&c);
}

/* ... or connects from it, and nobody has accepted that yet. */
static void
t_reused(void **state)
{
	struct conn	 c;
	struct sock	 sock;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_reset_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	start(&c, OTHER, client_connects_from_there);
	os_native.sock(&c.key, &sock);
	assert_int_equal(sock.state, SOCK_OWNED);
	assert_int_equal(sock.uid, OTHER);
	check_unknown(&c, R_REUSED);
	finish(&c);
}

/*
 * ... and the handshake has not ended on the server's side, whose end is not
 * a socket yet.  So it is too when the queue of the listening one is full.
 */
static void
t_reused_in_handshake(void **state)
{
	struct conn	 c;
	struct sock	 sock;
	int		 seconds = 30;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_reset_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	assert_int_equal(setsockopt(c.l, IPPROTO_TCP, TCP_DEFER_ACCEPT,
	    &seconds, sizeof(seconds)), 0);
	start(&c, OTHER, client_connects_from_there);
	os_native.sock(&c.key, &sock);
	assert_int_equal(sock.state, SOCK_OWNED);
	assert_int_equal(sock.uid, OTHER);
	assert_int_equal(sock.established, 1);
	check_unknown(&c, R_REUSED);
	finish(&c);
}

/* A socket that vanishes without a word, as if it had another destination. */
static void
client_vanish_later(const struct conn *c, int ch)
{
	int	 fd, on = 1;

	fd = client_open(c);
	say(ch);
	obey(ch);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
	(void)close(fd);
}

static void
t_redirected(void **state)
{
	struct conn	 c;
	int		 fd, on = 1;

	(void)state;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == -1) {
		(void)close(fd);
		skip();
	}
	(void)close(fd);
	listen_on(&c, "127.0.0.1");
	start(&c, 0, client_vanish_later);
	take(&c);
	say(c.ch[0]);
	await(c.ch[0]);
	check_unknown(&c, R_REDIRECTED);
	finish(&c);
}

static void
t_remote(void **state)
{
	struct conn	 c;
	struct found	 f;

	(void)state;
	memset(&c, 0, sizeof(c));
	(void)endpoint_parse(&c.key.client, "203.0.113.9", "40000");
	(void)endpoint_parse(&c.key.server, "127.0.0.1", "25");
	find(&c, &f);
	assert_int_equal(f.owner.verdict, E_REMOTE);
	assert_int_equal(f.owner.pid, NO_PID);

	(void)endpoint_parse(&c.key.client, "2001:db8::9", "40000");
	(void)endpoint_parse(&c.key.server, "::1", "25");
	find(&c, &f);
	assert_int_equal(f.owner.verdict, E_REMOTE);

	/* Ours, but there is no such connection. */
	(void)endpoint_parse(&c.key.client, "127.0.0.1", "1");
	(void)endpoint_parse(&c.key.server, "127.0.0.1", "2");
	check_unknown(&c, R_CLOSED);
}

static void
t_local(void **state)
{
	struct endpoint	 e;

	(void)state;
	(void)endpoint_parse(&e, "127.0.0.1", "25");
	assert_int_equal(os_native.local(&e), 1);
	(void)endpoint_parse(&e, "127.99.1.2", "25");
	assert_int_equal(os_native.local(&e), 1);
	(void)endpoint_parse(&e, "203.0.113.9", "25");
	assert_int_equal(os_native.local(&e), 0);
	(void)endpoint_parse(&e, "2001:db8::9", "25");
	assert_int_equal(os_native.local(&e), 0);
}

/* A program that was replaced while it runs. */
static void
client_other_program(const struct conn *c, int ch)
{
	char	 port[8], *argv[4];
	struct endpoint	 e;
	char	 name[] = "/tmp/t-os-linux.XXXXXX", self[256];
	ssize_t	 n;
	int	 from, to;
	char	 buf[65536];

	(void)endpoint_from_sa(&e, (const struct sockaddr *)&c->ss);
	(void)snprintf(port, sizeof(port), "%u", e.port);
	must((to = mkstemp(name)) != -1, "mkstemp");
	must((from = open("/proc/self/exe", O_RDONLY)) != -1, "open");
	while ((n = read(from, buf, sizeof(buf))) > 0)
		must(write(to, buf, n) == n, "write");
	must(fchmod(to, 0755) == 0, "fchmod");
	(void)close(to);
	(void)close(from);
	(void)snprintf(self, sizeof(self), "%d", ch);
	argv[0] = name;
	argv[1] = port;
	argv[2] = self;
	argv[3] = NULL;
	(void)execv(name, argv);
	_exit(1);
}

/* This is what the copy does; it is told the port and the channel. */
static int
other_program(char **argv)
{
	struct conn	 c;
	struct endpoint	 e;
	int		 ch = atoi(argv[2]);

	if (endpoint_parse(&e, "127.0.0.1", argv[1]) == -1 ||
	    endpoint_parse(&client_addr, "127.77.0.1", "0") == -1)
		return (1);
	c.sslen = endpoint_to_sa(&e, &c.ss);
	(void)client_open(&c);
	(void)unlink(argv[0]);
	say(ch);
	obey(ch);
	return (0);
}

static void
t_deleted_program(void **state)
{
	static const char	 end[] = " (deleted)";
	struct conn		 c;
	struct found		 f;
	const char		*exe;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_other_program);
	take(&c);
	find(&c, &f);
	assert_int_equal(f.owner.uid, VICTIM);
	assert_int_equal(f.owner.pid, c.child[0]);
	exe = f.owner.text[T_EXE];
	assert_non_null(exe);
	assert_int_equal(strncmp(exe, "/tmp/t-os-linux.", 16), 0);
	assert_string_equal(exe + strlen(exe) - strlen(end), end);
	finish(&c);
}

/* No such process, another one with that pid, one that let go. */
static void
t_process(void **state)
{
	struct conn	 c;
	struct found	 f;
	struct budget	 budget = { USEC, NULL, NULL };
	struct holder	 list[MAX_HOLDERS], h;
	struct sock	 sock;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_close_later);
	take(&c);
	os_native.sock(&c.key, &sock);
	assert_int_equal(os_native.same(&c.key, &sock), 1);
	assert_int_equal(os_native.holders(&sock, &budget, list), 1);
	h = list[0];
	memset(&f, 0, sizeof(f));
	f.want = ALL;
	assert_int_equal(os_native.process(&h, &f), 0);
	h.start++;
	assert_int_equal(os_native.process(&h, &f), -1);
	h = list[0];
	h.pid = 4194304;
	assert_int_equal(os_native.process(&h, &f), -1);
	h = list[0];
	h.inode++;
	assert_int_equal(os_native.process(&h, &f), -1);
	h = list[0];
	h.tid = 1;
	assert_int_equal(os_native.process(&h, &f), -1);
	h = list[0];
	h.fd = -1;		/* not seen: only the process counts */
	assert_int_equal(os_native.process(&h, &f), 0);

	sock.cookie++;
	assert_int_equal(os_native.same(&c.key, &sock), 0);
	sock.cookie = 0;
	assert_int_equal(os_native.same(&c.key, &sock), 0);

	say(c.ch[0]);
	await(c.ch[0]);
	assert_int_equal(os_native.process(&list[0], &f), -1);
	finish(&c);
	assert_int_equal(os_native.process(&list[0], &f), -1);
}

/* What is asked ahead is the answer to that, once, and then no more. */
static void
t_ahead(void **state)
{
	struct conn	 c, d;
	struct conn_key	 keys[2], many[AHEAD_MAX];
	struct sock	 sock;
	int		 i;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_close_later);
	take(&c);
	listen_on(&d, "127.0.0.1");
	start(&d, OTHER, client_plain);
	take(&d);
	keys[0] = c.key;
	keys[1] = d.key;

	os_native.ahead(keys, 2);
	for (i = 0; i < 2; i++) {
		os_native.sock(&keys[i], &sock);
		assert_int_equal(sock.state, SOCK_OWNED);
		assert_int_equal(sock.uid, i == 0 ? VICTIM : OTHER);
	}
	/* In another order, or not at all, or many times. */
	os_native.ahead(keys, 2);
	for (i = 1; i >= 0; i--) {
		os_native.sock(&keys[i], &sock);
		assert_int_equal(sock.state, SOCK_OWNED);
		assert_int_equal(sock.uid, i == 0 ? VICTIM : OTHER);
	}
	for (i = 0; i < 1000; i++)
		os_native.ahead(keys, i % 3);
	os_native.sock(&keys[1], &sock);
	assert_int_equal(sock.uid, OTHER);

	/* As many as may be, all told before it closes. */
	for (i = 0; i < AHEAD_MAX; i++)
		many[i] = keys[i % 2];
	os_native.ahead(many, AHEAD_MAX);
	say(c.ch[0]);
	await(c.ch[0]);
	for (i = 0; i < AHEAD_MAX; i++) {
		os_native.sock(&many[i], &sock);
		assert_int_equal(sock.state, SOCK_OWNED);
		assert_int_equal(sock.uid, i % 2 == 0 ? VICTIM : OTHER);
	}
	os_native.ahead(NULL, 0);
	os_native.sock(&keys[0], &sock);
	assert_int_not_equal(sock.state, SOCK_OWNED);
	os_native.sock(&keys[1], &sock);
	assert_int_equal(sock.uid, OTHER);
	finish(&d);
	finish(&c);
}

/* The search ends in time, and a holder is enough where somebody waits. */
static void
t_budget(void **state)
{
	struct conn	 c;
	struct sock	 sock;
	struct budget	 budget;
	struct holder	 list[MAX_HOLDERS];
	uint64_t	 begin, usec, best = UINT64_MAX;
	int		 i, calls = 0;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_fork);
	take(&c);
	os_native.sock(&c.key, &sock);
	budget = (struct budget){ USEC, always, &calls };
	assert_int_equal(os_native.holders(&sock, &budget, list), 1);
	assert_true(calls > 0);

	/*
	 * Nobody has it: of CPU time the whole budget, not more but for the
	 * last look.  The clock on the wall is the machine's affair.
	 */
	sock.inode = 1;
	budget = (struct budget){ 1000, NULL, NULL };
	for (i = 0; i < 20; i++) {
		begin = clock_usec(CLOCK_THREAD_CPUTIME_ID);
		assert_int_equal(os_native.holders(&sock, &budget, list), 0);
		usec = clock_usec(CLOCK_THREAD_CPUTIME_ID) - begin;
		if (usec < best)
			best = usec;
	}
	assert_true(best < 2000);
	finish(&c);
}

static void
write_text(const char *file, const char *text)
{
	int	 fd;

	must((fd = open(file, O_WRONLY)) != -1, file);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), file);
	(void)close(fd);
}

/* Run a part of a test in a process of its own, that it may spoil. */
static int
apart(void (*fn)(void))
{
	int	 status;
	pid_t	 pid;

	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		(void)alarm(60);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

#define APART_SKIP	77

static int
found_is(const struct conn *c, uint32_t uid, pid_t pid)
{
	struct found	 f;

	find(c, &f);
	return (f.owner.verdict == E_OWNED && f.owner.uid == uid &&
	    (pid_t)f.owner.pid == pid && f.owner.text[T_EXE] != NULL &&
	    f.owner.text[T_EXE][0] == '/');
}

/* As it is in the resolver: in a chroot, of another uid, two capabilities. */
static void
dropped(void)
{
	struct conn	 c;
	struct found	 f;
	char		 exe[256];
	ssize_t		 n;

	must((n = readlink("/proc/self/exe", exe, sizeof(exe) - 1)) > 0,
	    "exe");
	exe[n] = '\0';
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_not_dumpable);
	take(&c);
	privdrop(1, 1, os_native.dir, os_native.keep);
	find(&c, &f);
	must(f.owner.uid == VICTIM && (pid_t)f.owner.pid == c.child[0],
	    "the owner");
	must(f.owner.text[T_EXE] != NULL &&
	    strcmp(f.owner.text[T_EXE], exe) == 0, "exe");
	must(f.owner.text[T_CWD] != NULL, "cwd");
	(void)close(c.ch[0]);
}

static void
t_dropped(void **state)
{
	(void)state;
	assert_int_equal(apart(dropped), 0);
}

/* A namespace of pids, so that nobody else is disturbed. */
static void
proc_of_its_own(const char *options)
{
	int	 status;
	pid_t	 pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) == -1)
		_exit(APART_SKIP);
	if ((pid = fork()) != 0) {
		(void)waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("proc", "/proc", "proc", 0, options) == -1)
		_exit(APART_SKIP);
	os_native.open();
}

static void
hidden(void)
{
	proc_of_its_own("hidepid=2");
	dropped();
}

static void
t_hidepid(void **state)
{
	int	 rv;

	(void)state;
	if ((rv = apart(hidden)) == APART_SKIP)
		skip();
	assert_int_equal(rv, 0);
}

/*
 * Pids start again from below: the younger process has the lower pid; and
 * there are far more processes than a step has room for.
 */
static void
wrapped(void)
{
	struct conn	 c[6];
	size_t		 i;
	int		 low = 0, high = 0;

	proc_of_its_own(NULL);
	for (i = 0; i < 700; i++)
		if (fork() == 0) {
			become(OTHER);
			(void)pause();
			_exit(0);
		}
	for (i = 0; i < NITEMS(c); i++) {
		/* The kernel's limit is 32768 or 4194304. */
		if (i == 2)
			write_text("/proc/sys/kernel/ns_last_pid", "32766");
		if (i == 3)
			write_text("/proc/sys/kernel/ns_last_pid", "1299");
		listen_on(&c[i], "127.0.0.1");
		start(&c[i], VICTIM, client_plain);
		take(&c[i]);
		low += c[i].child[0] < 2000;
		high += c[i].child[0] > 30000;
	}
	must(low == 5 && high == 1, "pids as planned");
	for (i = 0; i < NITEMS(c); i++)
		must(found_is(&c[i], VICTIM, c[i].child[0]), "found");
	/* From far above: a long way with nothing, then too many at once. */
	write_text("/proc/sys/kernel/ns_last_pid", "32766");
	for (i = 0; i < NITEMS(c); i++)
		must(found_is(&c[i], VICTIM, c[i].child[0]), "found again");
}

static void
t_pids_wrapped(void **state)
{
	int	 rv;

	(void)state;
	if ((rv = apart(wrapped)) == APART_SKIP)
		skip();
	assert_int_equal(rv, 0);
}

/* Many processes between the sender and the last pid. */
static void
t_many_processes(void **state)
{
	struct conn	 c;
	pid_t		 pids[700];
	size_t		 i;

	(void)state;
	listen_on(&c, "127.0.0.1");
	start(&c, VICTIM, client_plain);
	take(&c);
	for (i = 0; i < NITEMS(pids); i++)
		if ((pids[i] = fork()) == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)close(c.s);
			become(i % 2 == 0 ? VICTIM : OTHER);
			(void)alarm(60);
			(void)pause();
			_exit(0);
		}
	check_owned(&c, VICTIM, 0);
	for (i = 0; i < NITEMS(pids); i++)
		if (pids[i] > 0)
			(void)kill(pids[i], SIGKILL);
	for (i = 0; i < NITEMS(pids); i++)
		if (pids[i] > 0)
			(void)waitpid(pids[i], NULL, 0);
	finish(&c);
}

/*
 * Two users take the same few ports from each other as fast as they can.
 * Who made a connection stands in its first packet, as type of service, so
 * that the answer can be checked even if the client has gone again.
 */
#define CHURN		20000
#define CHURN_PORTS	4

static void
client_churn(const struct conn *c, int ch)
{
	struct linger	 linger = { 1, 0 };
	struct endpoint	 from = c->key.client;
	int		 fd, i, on = 1, tos = getuid() == VICTIM ? 4 : 8;
	struct sockaddr_storage	 ss;
	socklen_t	 len;

	(void)ch;
	if (fork() != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0;; i++) {
		from.port = c->key.client.port + i % CHURN_PORTS;
		len = endpoint_to_sa(&from, &ss);
		must((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1, "socket");
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
		    sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
		    sizeof(linger));
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
		/* The other one may have it just now. */
		if (bind(fd, (struct sockaddr *)&ss, len) == 0 &&
		    connect(fd, (const struct sockaddr *)&c->ss,
		    c->sslen) == 0 && i % 7 == 0)
			pause_ms(1);
		(void)close(fd);
	}
}

static uint32_t
first_packet_uid(int fd)
{
	uint8_t		 syn[256];
	socklen_t	 len = sizeof(syn);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn,
	    &len), 0);
	assert_true(len >= 20);
	assert_true(syn[1] == 4 || syn[1] == 8);
	return (syn[1] == 4 ? VICTIM : OTHER);
}

static void
t_churn(void **state)
{
	struct budget	 budget = { 0, NULL, NULL };
	struct conn	 c;
	struct found	 f;
	uint32_t	 uid;
	int		 i, on = 1, owned = 0, reused = 0, closed = 0;

	(void)state;
	listen_on(&c, "127.0.0.1");
	assert_int_equal(setsockopt(c.l, IPPROTO_TCP, TCP_SAVE_SYN, &on,
	    sizeof(on)), 0);
	c.key.client = client_addr;
	c.key.client.port = 20300;
	start(&c, VICTIM, client_churn);
	start(&c, OTHER, client_churn);
	memset(&f, 0, sizeof(f));
	for (i = 0; i < CHURN; i++) {
		take(&c);
		uid = first_packet_uid(c.s);
		budget.usec = i % 8 == 0 ? 300 : 0;
		owner_find(&os_native, &c.key, &budget, &f);
		if (f.owner.verdict == E_OWNED) {
			assert_int_equal(f.owner.uid, uid);
			owned++;
		} else if (f.owner.reason == R_REUSED)
			reused++;
		/* Redirected: so it looks while the reset is on its way. */
		else if (f.owner.reason == R_CLOSED ||
		    f.owner.reason == R_REDIRECTED)
			closed++;
		else
			fail_msg("reason %d", f.owner.reason);
		(void)close(c.s);
		c.s = -1;
	}
	print_message("owned %d, reused %d, closed %d, wrong 0\n", owned,
	    reused, closed);
	finish(&c);
}

/* A group of version 2, new and ours, and its id; else the test is skipped. */
static uint64_t
group_new(char *path, size_t size, const char *name)
{
	struct mntent	*me;
	struct stat	 st;
	FILE		*f;

	assert_non_null(f = setmntent("/proc/self/mounts", "re"));
	while ((me = getmntent(f)) != NULL &&
	    strcmp(me->mnt_type, "cgroup2") != 0)
		continue;
	if (me != NULL)
		(void)snprintf(path, size, "%s/%s", me->mnt_dir, name);
	endmntent(f);
	if (me == NULL || mkdir(path, 0755) == -1)
		skip();
	assert_int_equal(stat(path, &st), 0);
	return (st.st_ino);
}

/* In a child: what is read of that group, with and without all rights. */
static int
group_said(uint64_t id, const char *expected, int rights)
{
	const cap_value_t	 admin = CAP_SYS_ADMIN;
	cap_t			 caps;
	char			 buf[256] = "";
	pid_t			 pid;
	int			 status;

	assert_non_null(caps = cap_get_proc());
	if ((pid = fork()) == 0) {
		if (!rights)
			must(cap_set_flag(caps, CAP_EFFECTIVE, 1, &admin,
			    CAP_CLEAR) == 0 && cap_set_proc(caps) == 0, "caps");
		if (cgroup_open() == -1 ||
		    cgroup_line(id, buf, sizeof(buf)) == -1)
			(void)strlcpy(buf, "nothing", sizeof(buf));
		if (strcmp(buf, expected) != 0)
			(void)fprintf(stderr, "%s, not %s\n", buf, expected);
		_exit(strcmp(buf, expected) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)cap_free(caps);
	return (status);
}

/* As the unit of systemd has it: nobody there may make a mount. */
static void
t_group(void **state)
{
	char		 name[64], path[256], expected[96];
	uint64_t	 id;
	int		 with, without;

	(void)state;
	(void)snprintf(name, sizeof(name), "t-os-linux-%d.service", getpid());
	(void)snprintf(expected, sizeof(expected), "0::/%s\n", name);
	id = group_new(path, sizeof(path), name);
	with = group_said(id, expected, 1);
	without = group_said(id, expected, 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(with, 0);
	assert_int_equal(without, 0);
	assert_int_equal(group_said(1, "0::/\n", 0), 0);
}

static int
setup(void **state)
{
	char	 text[32];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	log_init("t-os-linux", 1, 0);
	(void)snprintf(text, sizeof(text), "127.77.%u.%u",
	    (unsigned int)getpid() / 250 % 250, (unsigned int)getpid() % 250);
	assert_int_equal(endpoint_parse(&client_addr, text, "0"), 0);
	os_native.open();
	return (0);
}

static int
not_root(void **state)
{
	(void)state;
	print_message("not root: SKIP\n");
	return (0);
}

static void
t_skip(void **state)
{
	(void)state;
	skip();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	 nothing[] = {
		cmocka_unit_test(t_skip),
	};
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_v4),
		cmocka_unit_test(t_v6),
		cmocka_unit_test(t_v4_mapped),
		cmocka_unit_test(t_mptcp),
		cmocka_unit_test(t_half_closed),
		cmocka_unit_test(t_not_dumpable),
		cmocka_unit_test(t_many_fds),
		cmocka_unit_test(t_root),
		cmocka_unit_test(t_same_port_two_servers),
		cmocka_unit_test(t_evil_name),
		cmocka_unit_test(t_cmdline),
		cmocka_unit_test(t_fork),
		cmocka_unit_test(t_only_the_child_has_it),
		cmocka_unit_test(t_setuid_after_connect),
		cmocka_unit_test(t_passed),
		cmocka_unit_test(t_passed_one_is_enough),
		cmocka_unit_test(t_again),
		cmocka_unit_test(t_in_flight),
		cmocka_unit_test(t_thread_of_its_own),
		cmocka_unit_test(t_leader_exited),
		cmocka_unit_test(t_closed),
		cmocka_unit_test(t_group),
		cmocka_unit_test(t_orphan),
		cmocka_unit_test(t_reset),
		cmocka_unit_test(t_server_closed),
		cmocka_unit_test(t_listen_trap),
		cmocka_unit_test(t_reused),
		cmocka_unit_test(t_reused_in_handshake),
		cmocka_unit_test(t_redirected),
		cmocka_unit_test(t_remote),
		cmocka_unit_test(t_local),
		cmocka_unit_test(t_deleted_program),
		cmocka_unit_test(t_process),
		cmocka_unit_test(t_ahead),
		cmocka_unit_test(t_budget),
		cmocka_unit_test(t_dropped),
		cmocka_unit_test(t_hidepid),
		cmocka_unit_test(t_pids_wrapped),
		cmocka_unit_test(t_many_processes),
		cmocka_unit_test(t_churn),
	};

	client_argv0 = argv[0];
	if (argc == 3)
		return (other_program(argv));
	if (geteuid() != 0)
		return (cmocka_run_group_tests(nothing, not_root, NULL));
	return (cmocka_run_group_tests(tests, setup, NULL));
}
