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
 * SOURCES: common/addr.c common/chan.c common/confwire.c common/msgtab.c
 * SOURCES: common/answer.c common/clock.c common/log.c common/wire.c
 * SOURCES: common/xtext.c
 *
 * Every wrong message, on every channel, in every wrong way.
 *
 * First we are the parent of a real child: nonsense from there ends it, with
 * a line that says why.  Then the child's other peers: nonsense from those
 * costs them the channel, and the child serves on; but from one whom the child
 * trusts, a resolver or control, it ends the child.  At last we are the
 * children of a real parent: this program is called by their names and says
 * what is said in files beside it.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sysuser.h"

#define NOBODY		"65534"
#define DAEMON		"1"
#define WAIT		10000		/* ms, for what must come */
#define END_WAIT	3000		/* ms, for a child's end */
#define CASES		256
#define OUT		65536
#define FLOOD		20000
#define LIFE		4711		/* of all other children */

/* One wrong message; payload of zeros, or of data if there is some. */
struct wrong {
	uint32_t	 type;
	size_t		 len;
	int		 fds;		/* that come with it */
	int		 lie;		/* added to the length in its head */
	int		 cut;		/* bytes of it, if not all: no head */
	const char	*why;		/* of "bad message", or NULL: ignored */
	uint8_t		 data[64];
};

/* A real child. */
struct child_proc {
	pid_t		 pid;
	enum role	 role;
	int		 verbose;
	struct chan	 chan;
	int		 err;		/* its stderr */
};

static char	 obj[PATH_MAX], tmp[64], empty[80];
static int	 tests, failures;
static pid_t	 self, daemons[5];	/* who cleans up, and what runs */

static const char *const programs[ROLE_MAX] = {
	[ROLE_RESOLVER] = "resolver", [ROLE_NAMES] = "names",
	[ROLE_CONTROL] = "control", [ROLE_WORKER] = "milterd"
};

/*
 * TAP and waiting.
 */

static int __attribute__((__format__(printf, 2, 3)))
ok(int good, const char *fmt, ...)
{
	va_list	 ap;

	if (!good)
		failures++;
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return (good);
}

static void
diag(const char *what, const char *text)
{
	size_t	 len = strlen(text);

	if (len > 1000)
		text += len - 1000;
	printf("# %s: ", what);
	for (; *text != '\0'; text++) {
		putchar(*text);
		if (*text == '\n' && text[1] != '\0')
			printf("#\t");
	}
	printf("\n");
}

static long
now_ms(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
nap(void)
{
	(void)poll(NULL, 0, 5);
}

/*
 * Wrong messages.
 */

static struct wrong *
wrong_add(struct wrong *list, size_t *n, uint32_t type, size_t len,
    const char *why)
{
	struct wrong	*w = &list[(*n)++];

	if (*n > CASES)
		errx(1, "more than %d cases", CASES);
	memset(w, 0, sizeof(*w));
	w->type = type;
	w->len = len;
	w->why = why;
	return (w);
}

/* A row that is legal here and now: all ways in which it can be wrong. */
static void
wrong_legal(struct wrong *list, size_t *n, const struct msgrow *row,
    enum role from)
{
	struct wrong	*w;

	if (row->min > 0)
		wrong_add(list, n, row->type, row->min - 1,
		    "too short")->fds = row->fd;
	if (row->max < MSG_MAX - MSG_HEADER)
		wrong_add(list, n, row->type, row->max + 1,
		    "too long")->fds = row->fd;
	wrong_add(list, n, row->type, row->min, row->fd ?
	    "descriptor missing" : "unwanted descriptor")->fds = !row->fd;
	wrong_add(list, n, row->type, row->min, from == ROLE_PARENT ?
	    "too many descriptors" : "unwanted descriptor")->fds = 2;
	w = wrong_add(list, n, row->type, row->min, "wrong length");
	w->fds = row->fd;
	w->lie = 1;
	w = wrong_add(list, n, row->type, row->min, "wrong length");
	w->fds = row->fd;
	w->lie = -1;
}

/* All that the table forbids on such a channel.  Returns how many. */
static size_t
wrong_list(struct wrong *list, enum role from, enum role to, enum state state)
{
	const struct msgrow	*row;
	struct wrong		*w;
	uint32_t		 t;
	size_t			 n = 0;

	for (t = 0; t < IMSG_MAX; t++) {
		row = &msgtab[t];
		if (!(row->from & 1 << from))
			w = wrong_add(list, &n, t, row->min, "not from there");
		else if (!(row->to & 1 << to))
			w = wrong_add(list, &n, t, row->min, "not to here");
		else if (!(row->states & 1 << state))
			w = wrong_add(list, &n, t, row->min, "not now");
		else {
			wrong_legal(list, &n, row, from);
			continue;
		}
		w->fds = row->fd;
	}
	wrong_add(list, &n, IMSG_MAX, 0, "unknown type");
	wrong_add(list, &n, UINT32_MAX, 0, "unknown type");
	wrong_add(list, &n, 0x80000000, 0, "unknown type")->fds = 1;
	wrong_add(list, &n, IMSG_HELLO, MSG_MAX, "wrong length");
	wrong_add(list, &n, IMSG_HELLO, 0, "wrong length")->cut = 1;
	wrong_add(list, &n, IMSG_HELLO, 0, "wrong length")->cut = 11;
	return (n);
}

static const char *
wrong_name(const struct wrong *w)
{
	return (w->type < IMSG_MAX ? msgtab[w->type].name : "?");
}

static void
be32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

/* Returns 0, or -1 if the other end has closed. */
static int
wrong_send(int sock, const struct wrong *w)
{
	static uint8_t	 buf[2 * MSG_MAX];
	union {
		struct cmsghdr	 hdr;
		char		 buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec	 iov = { buf, w->cut ? (size_t)w->cut :
			    MSG_HEADER + w->len };
	struct msghdr	 mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*cmsg;
	int		 fds[2] = { STDIN_FILENO, STDIN_FILENO };

	memset(buf, 0, sizeof(buf));
	be32(buf, w->type);
	be32(buf + 4, w->len + w->lie);
	memcpy(buf + MSG_HEADER, w->data, sizeof(w->data));
	if (w->fds > 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(w->fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(w->fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, w->fds * sizeof(int));
	}
	return (sendmsg(sock, &mh, MSG_NOSIGNAL) == -1 ? -1 : 0);
}

/*
 * Channels.
 */

static void
must_send(struct chan *c, struct msg *m)
{
	if (chan_send(c, m) == -1)
		err(1, "send");
}

/* Returns 1, or 0 if the other end has closed, or -1 if nothing came. */
static int
receive(struct chan *c, struct msg *m, int timeout)
{
	struct pollfd	 pfd = { .fd = c->fd, .events = POLLIN };
	const char	*why;
	int		 n;

	for (;;) {
		(void)chan_flush(c);
		if ((n = chan_recv(c, m, &why)) == 1)
			return (1);
		if (n == -1) {
			if (why != NULL)
				diag("received", why);
			return (0);
		}
		if (poll(&pfd, 1, timeout) == 0)
			return (-1);
	}
}

static int
await(struct chan *c, struct msg *m, enum imsg type)
{
	struct msg	 pong;
	int		 n;

	while ((n = receive(c, m, WAIT)) == 1 && m->type != type) {
		if (m->fd != -1)
			close(msg_claim_fd(m));
		msg_new(&pong, IMSG_PONG, 0);
		if (m->type == IMSG_PING)
			(void)chan_send(c, &pong);
	}
	return (n == 1);
}

/* True if the other end closes it. */
static int
closed(struct chan *c)
{
	struct msg	 m;
	int		 n;

	while ((n = receive(c, &m, WAIT)) == 1)
		continue;
	return (n == 0);
}

/*
 * Real children.
 */

static void
child_exec(enum role role, int verbose, int sock, int errfd)
{
	const char	*flag = verbose ? "-v" : NULL;
	char		 path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", obj, programs[role]);
	if ((sock = fcntl(sock, F_DUPFD, 10)) == -1 || dup2(errfd, 2) == -1 ||
	    dup2(sock, 3) == -1)
		_exit(126);
	closefrom(4);
	switch (role) {
	case ROLE_WORKER:
		execl(path, path, "-I1", "-u" NOBODY, "-g" NOBODY, "-F1", "-c",
		    empty, (char *)NULL);
		break;
	case ROLE_CONTROL:
		execl(path, path, "-I1", "-u" NOBODY, "-g" NOBODY, "-c", empty,
		    flag, (char *)NULL);
		break;
	default:
		execl(path, path, "-I1", "-u" DAEMON, "-g" DAEMON,
		    (char *)NULL);
	}
	_exit(127);
}

static void
child_start(struct child_proc *p, enum role role)
{
	int		 pair[2], errpipe[2];

	if (chan_pair(pair) == -1 || pipe2(errpipe, O_CLOEXEC) == -1)
		err(1, "pipe");
	p->role = role;
	if ((p->pid = fork()) == -1)
		err(1, "fork");
	if (p->pid == 0)
		child_exec(role, p->verbose, pair[1], errpipe[1]);
	close(pair[1]);
	close(errpipe[1]);
	p->err = errpipe[0];
	chan_init(&p->chan, pair[0], ROLE_PARENT, role, 1);
}

/*
 * Wait for its end.  Returns the status of wait(2), or -1; what it said is in
 * text.
 */
static int
child_end(struct child_proc *p, char *text, size_t size)
{
	struct pollfd	 pfd = { .fd = p->err, .events = POLLIN };
	size_t		 n = 0;
	ssize_t		 got;
	int		 status = -1;

	while (n < size - 1 && poll(&pfd, 1, END_WAIT) == 1) {
		if ((got = read(p->err, text + n, size - 1 - n)) <= 0)
			break;
		n += got;
	}
	text[n] = '\0';
	if (poll(&pfd, 1, 0) == 0)
		(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, &status, 0);
	close(p->err);
	chan_close(&p->chan);
	p->pid = 0;
	return (status);
}

/* The orderly way. */
static int
child_stop(struct child_proc *p, char *text, size_t size)
{
	int	 status;

	chan_close(&p->chan);
	status = child_end(p, text, size);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
listener(int type)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", tmp);
	(void)unlink(sun.sun_path);
	if ((fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 64) == -1)
		err(1, "%s", sun.sun_path);
	return (fd);
}

static int
attach(int type)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", tmp);
	if ((fd = socket(AF_UNIX, type, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", sun.sun_path);
	return (fd);
}

static void
send_listen(struct chan *c, uint16_t index, int type)
{
	struct msg	 m;

	msg_new(&m, IMSG_LISTEN, 0);
	put_u16(&m, index);
	m.fd = listener(type);
	must_send(c, &m);
}

static int
policy_item_send(struct msg *m, void *arg)
{
	if (arg != NULL)
		must_send(arg, m);
	return (0);
}

static void
send_policy(struct chan *c, enum role role)
{
	struct policy	*p = policy_new();
	struct msg	 m;

	p->lookup_timeout = 500;
	p->timeout = 7210;
	p->log_fields.n = 1;
	if (header_new(p, "X-Test") == NULL)
		err(1, "header");
	TAILQ_FIRST(&p->headers)->fields.n = 1;
	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, 1);
	put_u32(&m, policy_send(p, role, policy_item_send, NULL));
	must_send(c, &m);
	(void)policy_send(p, role, policy_item_send, c);
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 1);
	must_send(c, &m);
	policy_free(p);
}

/* To state: in S_RUN it has said READY. */
static void
child_run_as(struct child_proc *p, enum role role, enum state state,
    int verbose)
{
	struct msg	 m;
	char		 text[OUT];

	p->verbose = verbose;
	child_start(p, role);
	if (!await(&p->chan, &m, IMSG_HELLO)) {
		(void)child_end(p, text, sizeof(text));
		errx(1, "no HELLO from %s: %s", programs[role], text);
	}
	if (state == S_BOOT)
		return;
	if (role == ROLE_WORKER) {
		send_listen(&p->chan, 0, SOCK_STREAM);
		send_listen(&p->chan, 1, SOCK_STREAM);
	} else if (role == ROLE_CONTROL)
		send_listen(&p->chan, 0, SOCK_SEQPACKET);
	if (role == ROLE_WORKER || role == ROLE_RESOLVER)
		send_policy(&p->chan, role);
	msg_new(&m, IMSG_START, 0);
	must_send(&p->chan, &m);
	if (!await(&p->chan, &m, IMSG_READY)) {
		(void)child_end(p, text, sizeof(text));
		errx(1, "no READY from %s: %s", programs[role], text);
	}
	p->chan.state = S_RUN;
}

static void
child_run(struct child_proc *p, enum role role, enum state state)
{
	child_run_as(p, role, state, 0);
}

static void
send_peer(struct chan *c, enum role role, unsigned int instance, int fd)
{
	struct msg	 m;

	msg_new(&m, IMSG_PEER, LIFE);
	m.fd = fd;
	put_u8(&m, role);
	put_u16(&m, instance);
	must_send(c, &m);
}

/* A channel to a real child as another child has it. */
static void
peer_start(struct child_proc *p, struct chan *c, enum role role,
    unsigned int instance)
{
	int	 pair[2];

	if (chan_pair(pair) == -1)
		err(1, "socketpair");
	send_peer(&p->chan, role, instance, pair[1]);
	chan_init(c, pair[0], role, p->role, 1);
	c->state = S_RUN;
}

static size_t
descriptors(pid_t pid)
{
	char	 path[64];
	DIR	*dir;
	size_t	 n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	if ((dir = opendir(path)) == NULL)
		return (0);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return (n);
}

static int
descriptors_become(pid_t pid, size_t n)
{
	long	 end = now_ms() + WAIT;

	while (descriptors(pid) != n) {
		if (now_ms() > end)
			return (0);
		nap();
	}
	return (1);
}

/* The next lines of its stderr have this one among them. */
static int
says(struct child_proc *p, const char *line)
{
	char		 buf[4096] = "";
	struct pollfd	 pfd = { .fd = p->err, .events = POLLIN };
	size_t		 n = 0;
	ssize_t		 got;

	while (strstr(buf, line) == NULL && n < sizeof(buf) - 1) {
		if (poll(&pfd, 1, WAIT) != 1 || (got = read(p->err, buf + n,
		    sizeof(buf) - 1 - n)) <= 0) {
			diag("it said", buf);
			diag("expected", line);
			return (0);
		}
		n += got;
		buf[n] = '\0';
	}
	return (1);
}

/*
 * From the parent.
 */

static int
dies_of(struct child_proc *p, const char *name, const char *why,
    const char *last)
{
	char	 text[OUT], line[256];
	int	 status = child_end(p, text, sizeof(text));

	(void)snprintf(line, sizeof(line), "bad message %s from %s: %s\n",
	    name, strcmp(last, "the parent makes no sense") == 0 ? "parent" :
	    strcmp(last, "control makes no sense") == 0 ? "control" :
	    "resolver", why);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    strstr(text, line) != NULL && strstr(text, last) != NULL)
		return (1);
	printf("# %s, %s: wait status %#x\n", name, why, status);
	diag("it said", text);
	return (0);
}

static void
from_parent(enum role role, enum state state)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	size_t			 i, n, good = 0;

	n = wrong_list(list, ROLE_PARENT, role, state);
	for (i = 0; i < n && good == i; i++) {
		child_run(&p, role, state);
		(void)wrong_send(p.chan.fd, &list[i]);
		good += dies_of(&p, wrong_name(&list[i]), list[i].why,
		    "the parent makes no sense");
	}
	ok(good == n, "%s ends of each of %zu wrong messages from the parent "
	    "%s", programs[role], n, state == S_BOOT ? "before START" :
	    "later");
}

/* Right by the table, wrong in what they say: up to three messages. */
struct script {
	enum role	 role;
	enum state	 state;
	const char	*what;
	enum imsg	 type[3];
	const char	*payload[3];	/* hexadecimal; f: and a descriptor */
	const char	*why;
};

#define BEGIN(n) "00000001" "0000000" #n
#define END	"00000001"

static const struct script scripts[] = {
	{ ROLE_RESOLVER, S_RUN, "PEER that is the parent",
	    { IMSG_PEER }, { "000001f" }, "malformed" },
	{ ROLE_RESOLVER, S_RUN, "PEER that is a resolver",
	    { IMSG_PEER }, { "010001f" }, "malformed" },
	{ ROLE_RESOLVER, S_RUN, "PEER that is a client",
	    { IMSG_PEER }, { "050001f" }, "malformed" },
	{ ROLE_RESOLVER, S_RUN, "PEER of no role",
	    { IMSG_PEER }, { "ff0001f" }, "malformed" },
	{ ROLE_RESOLVER, S_BOOT, "CONF_ITEM without BEGIN",
	    { IMSG_CONF_ITEM }, { "000100000001" }, "malformed" },
	{ ROLE_WORKER, S_BOOT, "CONF_ITEM without BEGIN",
	    { IMSG_CONF_ITEM }, { "000100000001" }, "malformed" },
	{ ROLE_WORKER, S_RUN, "CONF_ITEM of no kind",
	    { IMSG_CONF_BEGIN, IMSG_CONF_ITEM },
	    { BEGIN(1), "ffff00000001" }, "malformed" },
	{ ROLE_RESOLVER, S_BOOT, "CONF_END without BEGIN",
	    { IMSG_CONF_END }, { END }, "malformed" },
	{ ROLE_RESOLVER, S_RUN, "CONF_ITEM of no kind",
	    { IMSG_CONF_BEGIN, IMSG_CONF_ITEM },
	    { BEGIN(1), "ffff00000001" }, "malformed" },
	{ ROLE_NAMES, S_RUN, "PEER that is a worker",
	    { IMSG_PEER }, { "040001f" }, "malformed" },
	{ ROLE_NAMES, S_RUN, "ID of no kind",
	    { IMSG_ID }, { "02000161" }, "malformed" },
	{ ROLE_NAMES, S_RUN, "ID shorter than it says",
	    { IMSG_ID }, { "00000261" }, "malformed" },
	{ ROLE_NAMES, S_RUN, "ID longer than it says",
	    { IMSG_ID }, { "0000016161" }, "malformed" },
	{ ROLE_NAMES, S_RUN, "ID with NUL",
	    { IMSG_ID }, { "000003610061" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "PEER that is names",
	    { IMSG_PEER }, { "020001f" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "PEER that is a client",
	    { IMSG_PEER }, { "050001f" }, "malformed" },
	{ ROLE_CONTROL, S_BOOT, "SAVED with a name shorter than it says",
	    { IMSG_SAVED }, { "00010000000000" "0000000000000000" },
	    "malformed" },
	{ ROLE_CONTROL, S_RUN, "USERIDOF of no presence",
	    { IMSG_USERIDOF }, { "09000000050000" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "USERIDOF with a range that is missing",
	    { IMSG_USERIDOF }, { "01000000050001" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "USERIDOF with more ranges than there may be",
	    { IMSG_USERIDOF }, { "01000000050021" }, "malformed" },
	{ ROLE_CONTROL, S_BOOT, "LISTEN of another index",
	    { IMSG_LISTEN }, { "0001f" }, "malformed" },
	{ ROLE_CONTROL, S_BOOT, "LISTEN twice",
	    { IMSG_LISTEN, IMSG_LISTEN }, { "0000f", "0000f" }, "malformed" },
	{ ROLE_CONTROL, S_BOOT, "START without LISTEN",
	    { IMSG_START }, { "" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "RESULT shorter than it says",
	    { IMSG_RESULT }, { "00000000000561" }, "malformed" },
	{ ROLE_CONTROL, S_RUN, "RESULT with NUL",
	    { IMSG_RESULT }, { "00000000000100" }, "malformed" },
	{ ROLE_WORKER, S_RUN, "PEER that is names",
	    { IMSG_PEER }, { "020001f" }, "malformed" },
	{ ROLE_WORKER, S_BOOT, "LISTEN of another index",
	    { IMSG_LISTEN }, { "0002f" }, "malformed" },
	{ ROLE_WORKER, S_BOOT, "LISTEN twice",
	    { IMSG_LISTEN, IMSG_LISTEN }, { "0001f", "0001f" }, "malformed" },
	{ ROLE_WORKER, S_BOOT, "START without LISTEN",
	    { IMSG_START }, { "" }, "malformed" },
	{ ROLE_WORKER, S_BOOT, "START without a configuration",
	    { IMSG_LISTEN, IMSG_LISTEN, IMSG_START },
	    { "0000f", "0001f", "" }, "malformed" },
	{ ROLE_WORKER, S_RUN, "configuration without a header",
	    { IMSG_CONF_BEGIN, IMSG_CONF_END },
	    { BEGIN(0), END }, "malformed" }
};

static void
hex_send(struct chan *c, enum imsg type, const char *hex)
{
	struct msg	 m;
	unsigned int	 byte;

	msg_new(&m, type, 0);
	for (; sscanf(hex, "%2x", &byte) == 1 && hex[1] != '\0'; hex += 2)
		put_u8(&m, byte);
	if (*hex == 'f')
		m.fd = listener(SOCK_STREAM);
	(void)chan_send(c, &m);
}

static void
from_parent_scripts(void)
{
	const struct script	*s;
	struct child_proc	 p;
	size_t			 i, last;

	for (s = scripts; s < scripts + NITEMS(scripts); s++) {
		child_run(&p, s->role, s->state);
		for (i = last = 0; i < NITEMS(s->payload) &&
		    s->payload[i] != NULL; i++) {
			hex_send(&p.chan, s->type[i], s->payload[i]);
			last = i;
		}
		ok(dies_of(&p, msgtab[s->type[last]].name, s->why,
		    "the parent makes no sense"), "%s ends of: %s",
		    programs[s->role], s->what);
	}
}

/*
 * Configurations.
 */

#define ITEMS	32

struct items {
	struct msg	 list[ITEMS];
	size_t		 n;
};

static int
item_keep(struct msg *m, void *arg)
{
	struct items	*items = arg;

	if (items->n == ITEMS)
		errx(1, "more than %d items", ITEMS);
	items->list[items->n++] = *m;
	return (0);
}

/* One of everything, but for one flaw. */
static const char *const flaws[] = {
	"no header", "an empty list of fields", "a field that is none",
	"too many fields", "a header of no kind", "too many headers",
	"a range that is backwards", "a table of no kind", "a table twice",
	"a rule of no action", "a rate of nothing", "a rate in no time",
	"a rate in too long a time", "a matcher that is none",
	"a matcher of no table"
};
enum flaw {
	NO_HEADER, NO_FIELDS, BAD_FIELD, MANY_FIELDS, BAD_HEADER, MANY_HEADERS,
	BAD_RANGE, BAD_TABLE, TABLE_TWICE, BAD_ACTION, BAD_RATE, NO_WINDOW,
	LONG_WINDOW, BAD_MATCHER, BAD_MATCH, NO_FLAW
};

static struct table *
flawed_table(struct policy *p, enum flaw flaw)
{
	struct table	*t = calloc(1, sizeof(*t));
	struct entry	*e = calloc(1, sizeof(*e));

	if (t == NULL || e == NULL)
		err(1, "calloc");
	t->index = 3;
	t->kind = flaw == BAD_TABLE ? 99 : TABLE_USERS;
	TAILQ_INIT(&t->entries);
	e->known = 1;
	e->range.lo = flaw == BAD_RANGE ? 8 : 7;
	e->range.hi = 7;
	TAILQ_INSERT_TAIL(&t->entries, e, next);
	TAILQ_INSERT_TAIL(&p->tables, t, next);
	return (t);
}

static void
flawed_header(struct policy *p, enum flaw flaw)
{
	struct header	*h = header_new(p, "X-Test");

	if (h == NULL)
		err(1, "header");
	h->kind = flaw == BAD_HEADER ? H_MAX : H_FIELDS;
	h->fields.n = flaw == MANY_FIELDS ? F_MAX : flaw == NO_FIELDS ? 0 : 1;
	h->fields.list[0] = flaw == BAD_FIELD ? F_MAX : F_USER;
}

static void
flawed_rule(struct policy *p, enum flaw flaw)
{
	struct rule	*r = calloc(1, sizeof(*r));
	struct match	*m;

	if (r == NULL)
		err(1, "calloc");
	r->number = 1;
	r->action = flaw == BAD_ACTION ? A_MAX : A_LIMIT;
	r->nrates = 1;
	r->rates[0].unit = flaw == BAD_RATE ? U_MAX : U_MESSAGES;
	r->rates[0].most = 5;
	r->rates[0].seconds = flaw == NO_WINDOW ? 0 : flaw == LONG_WINDOW ?
	    MAX_WINDOW + 1 : 60;
	TAILQ_INIT(&r->matches);
	TAILQ_INSERT_TAIL(&p->rules, r, next);
	if ((m = match_new(r, flaw == BAD_MATCHER ? M_MAX : M_USER)) == NULL ||
	    pattern_new(m, "*") == NULL)
		err(1, "match");
	m->table = flaw == BAD_MATCH ? 4 : 3;
}

/* The item with the header in it: the first with that name. */
static size_t
header_item(const struct items *items)
{
	size_t	 i;

	for (i = 0; memmem(items->list[i].data, items->list[i].len, "X-Test",
	    6) == NULL; i++)
		continue;
	return (i);
}

/* One field more than there are, of a message that ends in a list of all. */
static void
add_field(struct msg *m)
{
	m->data[m->len - F_MAX - 1]++;
	m->data[m->len++] = F_USER;
}

static void
flawed_items(struct items *items, enum flaw flaw)
{
	struct policy	*p = policy_new();
	size_t		 n;
	int		 i;

	if (p == NULL)
		err(1, "policy");
	p->timeout = p->lookup_timeout = 1000;
	p->log_fields.n = 1;
	flawed_header(p, flaw);
	for (i = 0; flaw == MANY_HEADERS && i < MAX_HEADERS; i++)
		flawed_header(p, flaw);
	flawed_table(p, flaw);
	if (flaw == TABLE_TWICE)
		flawed_table(p, flaw);
	flawed_rule(p, flaw);
	items->n = 0;
	(void)policy_send(p, ROLE_WORKER, item_keep, items);
	n = header_item(items);
	if (flaw == MANY_FIELDS)
		add_field(&items->list[n]);
	if (flaw == NO_HEADER) {
		items->n--;
		memmove(&items->list[n], &items->list[n + 1],
		    (items->n - n) * sizeof(items->list[0]));
	}
	policy_free(p);
}

static void
items_send(struct chan *c, const struct items *items, size_t count)
{
	struct msg	 m;
	size_t		 i;

	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, 2);
	put_u32(&m, count);
	(void)chan_send(c, &m);
	for (i = 0; i < items->n; i++) {
		m = items->list[i];
		(void)chan_send(c, &m);
	}
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 2);
	(void)chan_send(c, &m);
}

/* At some item or at the end. */
static int
items_refused(const struct items *items, size_t count)
{
	struct child_proc	 p;
	char			 text[OUT];
	int			 status;

	child_run(&p, ROLE_WORKER, S_RUN);
	items_send(&p.chan, items, count);
	status = child_end(&p, text, sizeof(text));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    strstr(text, "bad message CONF_") != NULL &&
	    strstr(text, " from parent: malformed\n") != NULL)
		return (1);
	printf("# wait status %#x\n", status);
	diag("it said", text);
	return (0);
}

static void
from_parent_conf(void)
{
	struct items		 good, bad;
	struct child_proc	 p;
	struct msg		 m;
	enum flaw		 flaw;
	size_t			 i, n;

	flawed_items(&good, NO_FLAW);
	child_run(&p, ROLE_WORKER, S_RUN);
	items_send(&p.chan, &good, good.n);
	ok(await(&p.chan, &m, IMSG_CONF_ACK) && get_u32(&m) == 2,
	    "a worker takes a good configuration of %zu items", good.n);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);

	for (flaw = 0; flaw < NO_FLAW; flaw++) {
		flawed_items(&bad, flaw);
		ok(items_refused(&bad, bad.n), "but none with %s",
		    flaws[flaw]);
	}
	ok(items_refused(&good, good.n + 1), "nor with an item too few");
	ok(items_refused(&good, good.n - 1), "nor with an item too many");
	for (i = n = 0; i < good.n; i++) {
		bad = good;
		bad.list[i].len--;
		n += items_refused(&bad, bad.n);
		bad = good;
		bad.list[i].data[bad.list[i].len++] = 0;
		n += items_refused(&bad, bad.n);
	}
	ok(n == 2 * good.n, "nor with an item that is too short or too long");
	bad = good;
	for (i = 0; i < good.n; i++)
		bad.list[i] = good.list[good.n - 1 - i];
	ok(items_refused(&bad, bad.n), "nor with all of them backwards");
}

/*
 * From other peers.
 */

static void
send_lookup_of(struct chan *c, enum imsg type, uint32_t id, uint64_t asked)
{
	struct msg	 m;
	struct endpoint	 a, b;

	(void)endpoint_parse(&a, "127.0.0.1", "1");
	(void)endpoint_parse(&b, "127.0.0.1", "2");
	msg_new(&m, type, id);
	put_endpoint(&m, &a);
	put_endpoint(&m, &b);
	put_u64(&m, asked);
	if (chan_send(c, &m) == -1 && errno != EPIPE && errno != ECONNRESET &&
	    errno != ENOBUFS)
		err(1, "send");
}

static void
send_lookup(struct chan *c, enum imsg type, uint32_t id)
{
	send_lookup_of(c, type, id, clock_usec(CLOCK_MONOTONIC));
}

static int
answered(struct chan *c, uint32_t id)
{
	struct msg	 m;

	send_lookup(c, IMSG_LOOKUP, id);
	return (await(c, &m, IMSG_ANSWER) && m.id == id);
}

/* The parent is told of it, and in which life it was. */
static int
dropped(struct child_proc *p, enum role role, unsigned int instance)
{
	struct msg	 m;

	return (await(&p->chan, &m, IMSG_DROPPED) && m.id == LIFE &&
	    get_u8(&m) == role && get_u16(&m) == instance &&
	    msg_end(&m) == 0);
}

/* Each wrong message of that peer to a resolver that serves another one. */
static void
to_resolver(enum role from)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	struct chan		 other, c;
	char			 line[128], text[OUT];
	size_t			 i, n, fds, min, good = 0;

	child_run(&p, ROLE_RESOLVER, S_RUN);
	peer_start(&p, &other, ROLE_WORKER, 9);
	if (!answered(&other, 1))
		errx(1, "no answer");
	fds = descriptors(p.pid);
	n = wrong_list(list, from, ROLE_RESOLVER, S_RUN);
	if (from == ROLE_NAMES) {
		/* No such presence; a longer name than is there; more. */
		min = msgtab[IMSG_NAMED].min;
		wrong_add(list, &n, IMSG_NAMED, min, "malformed")->data[0] = 9;
		wrong_add(list, &n, IMSG_NAMED, min, "malformed")->data[2] = 64;
		wrong_add(list, &n, IMSG_NAMED, min, "malformed")->data[1] = 1;
		wrong_add(list, &n, IMSG_NAMED, min + 1, "malformed");
	}
	for (i = 0; i < n && good == i; i++) {
		peer_start(&p, &c, from, 1);
		(void)wrong_send(c.fd, &list[i]);
		(void)snprintf(line, sizeof(line), "bad message %s from %s%s: "
		    "%s\n", wrong_name(&list[i]), role_names[from],
		    from == ROLE_CONTROL ? "" : " 1", list[i].why);
		good += closed(&c) && says(&p, line) &&
		    dropped(&p, from, 1) && answered(&other, i + 2);
		chan_close(&c);
	}
	ok(good == n, "resolver drops %s for each of %zu wrong messages and "
	    "answers others", role_names[from], n);
	ok(descriptors_become(p.pid, fds), "and has as many descriptors as "
	    "before");
	chan_close(&other);
	ok(child_stop(&p, text, sizeof(text)), "and leaves when it is told to");
}

/* Questions that are old, or from the future: about another connection. */
static void
stale_questions(void)
{
	static const struct {
		const char	*when;
		int64_t		 age;		/* us; 0: before all time */
		int		 stale;
	} table[] = {
		{ "just now", 1, 0 },
		{ "100 ms ago", 100000, 0 },
		{ "1200 ms ago", 1200000, 1 },
		{ "an hour ago", 3600000000, 1 },
		{ "in an hour", -3600000000, 1 },
		{ "before all time", 0, 1 },
	};
	struct child_proc	 p;
	struct chan		 c;
	struct msg		 m;
	struct owner		*o;
	size_t			 i;

	child_run(&p, ROLE_RESOLVER, S_RUN);
	peer_start(&p, &c, ROLE_WORKER, 1);
	for (i = 0; i < NITEMS(table); i++) {
		send_lookup_of(&c, IMSG_LOOKUP, i, table[i].age == 0 ? 0 :
		    clock_usec(CLOCK_MONOTONIC) - table[i].age);
		o = await(&c, &m, IMSG_ANSWER) ? get_owner(&m) : NULL;
		ok(o != NULL && m.id == i && (o->verdict == E_UNKNOWN &&
		    o->reason == R_TIMEOUT) == table[i].stale,
		    "resolver, asked %s: %s", table[i].when,
		    table[i].stale ? "too late" : "an answer");
		free(o);
	}
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
	chan_close(&c);
}

/* A names process may say what it was not asked. */
static void
names_unasked(void)
{
	struct child_proc	 p;
	struct chan		 other, c;
	struct msg		 m;
	size_t			 i;

	child_run(&p, ROLE_RESOLVER, S_RUN);
	peer_start(&p, &other, ROLE_WORKER, 9);
	peer_start(&p, &c, ROLE_NAMES, 1);
	for (i = 0; i < FLOOD; i++) {
		msg_new(&m, IMSG_NAMED, i);
		while (m.len < msgtab[IMSG_NAMED].min)
			put_u8(&m, 0);
		if (chan_send(&c, &m) == -1) {
			(void)poll(NULL, 0, 1);
			(void)chan_flush(&c);
		}
	}
	ok(answered(&other, 1), "resolver ignores names that it did not ask "
	    "for");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
	chan_close(&other);
	chan_close(&c);
}

static long
memory(pid_t pid)
{
	char	 path[64], line[256];
	FILE	*f;
	long	 kb = -1;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return (kb);
}

/* One asks and asks and never reads; others are answered all the time. */
static void
flood_resolver(void)
{
	struct child_proc	 p;
	struct chan		 other, c;
	struct msg		 m;
	size_t			 i, good = 0, asked = 0;
	long			 before, most = 0, began, slowest = 0;

	child_run(&p, ROLE_RESOLVER, S_RUN);
	peer_start(&p, &other, ROLE_WORKER, 9);
	peer_start(&p, &c, ROLE_WORKER, 1);
	before = memory(p.pid);
	for (i = 0; i < FLOOD; i++) {
		send_lookup(&c, IMSG_LOOKUP, i);
		while (c.queued > CHAN_QUEUE / 2 && chan_flush(&c) == 0)
			nap();
		if (i % 500 != 0)
			continue;
		began = now_ms();
		asked++;
		good += answered(&other, i + 1);
		if (now_ms() - began > slowest)
			slowest = now_ms() - began;
		if (memory(p.pid) > most)
			most = memory(p.pid);
	}
	ok(good == asked && slowest < 1000, "a worker that does not read: "
	    "others are answered (in %ld ms at most)", slowest);
	ok(most - before < 16384, "and it costs little memory (%ld KiB)",
	    most - before);
	ok(says(&p, "") && receive(&c, &m, 0) != -1 && closed(&c),
	    "and it is dropped");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
	chan_close(&other);
	chan_close(&c);
}

static void
client_open(struct chan *c, enum state state)
{
	struct msg	 m;

	chan_init(c, attach(SOCK_SEQPACKET), ROLE_CLIENT, ROLE_CONTROL, 0);
	c->state = S_RUN;
	if (state == S_BOOT)
		return;
	msg_new(&m, IMSG_CTL_HELLO, 0);
	put_u32(&m, PROTOCOL_VERSION);
	must_send(c, &m);
}

/* A client asks, we are the parent that answers. */
static int
client_served(struct child_proc *p)
{
	struct chan	 c;
	struct msg	 m;
	uint32_t	 id;
	int		 good = 0;

	client_open(&c, S_RUN);
	msg_new(&m, IMSG_CTL_STATUS, 7);
	must_send(&c, &m);
	if (await(&p->chan, &m, IMSG_PROCS)) {
		id = m.id;
		msg_new(&m, IMSG_RESULT, id);
		put_u32(&m, 0);
		put_str(&m, "");
		must_send(&p->chan, &m);
		good = await(&c, &m, IMSG_CTL_OK) && m.id == 7;
	}
	chan_close(&c);
	return (good);
}

/* Clients are anybody: what they did is told to who wants to know, with -v. */
static void
to_control(enum state state)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	struct chan		 c;
	char			 line[128];
	size_t			 i, n, fds, good = 0;

	child_run_as(&p, ROLE_CONTROL, S_RUN, 1);
	fds = descriptors(p.pid);
	if (!client_served(&p))
		errx(1, "control does not serve");
	n = wrong_list(list, ROLE_CLIENT, ROLE_CONTROL, state);
	for (i = 0; i < n && good == i; i++) {
		client_open(&c, state);
		(void)wrong_send(c.fd, &list[i]);
		(void)snprintf(line, sizeof(line), "bad message from a "
		    "client: %s\n", list[i].why);
		good += closed(&c) && says(&p, line) && client_served(&p);
		chan_close(&c);
	}
	ok(good == n, "control drops a client for each of %zu wrong messages "
	    "%s HELLO and serves others", n, state == S_BOOT ? "before" :
	    "after");
	ok(descriptors_become(p.pid, fds), "and has as many descriptors as "
	    "before");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* They can't fill the log: without -v not a word of them is in it. */
static void
silent_control(void)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	struct chan		 c;
	char			 text[OUT];
	size_t			 i, n, good = 0;
	int			 stopped;

	child_run(&p, ROLE_CONTROL, S_RUN);
	n = wrong_list(list, ROLE_CLIENT, ROLE_CONTROL, S_RUN);
	for (i = 0; i < n; i++) {
		client_open(&c, S_RUN);
		(void)wrong_send(c.fd, &list[i]);
		good += closed(&c);
		chan_close(&c);
	}
	good += client_served(&p);
	stopped = child_stop(&p, text, sizeof(text));
	if (!ok(good == n + 1 && stopped && text[0] == '\0', "control does "
	    "not log what %zu clients did wrong", n))
		diag("it said", text);
}

/* A worker says something wrong: that one is dropped, and nobody else. */
static void
worker_to_control(void)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	struct chan		 c;
	char			 line[128];
	size_t			 i, n, fds, min, good = 0;

	child_run(&p, ROLE_CONTROL, S_RUN);
	fds = descriptors(p.pid);
	n = wrong_list(list, ROLE_WORKER, ROLE_CONTROL, S_RUN);
	/* No such question; too many rates, one of nothing, none in fact. */
	min = msgtab[IMSG_CHARGE].min;
	for (i = 0; i < 4; i++) {
		wrong_add(list, &n, IMSG_CHARGE, min, "malformed");
		list[n - 1].data[0] = i == 0 ? CHARGE_MAX : CHARGE_LOOK;
		list[n - 1].data[23] = i == 1 ? MAX_RATES + 1 : i < 3;
		list[n - 1].data[24] = i == 2 ? U_MAX : U_MESSAGES;
		list[n - 1].data[32] = 60;
	}
	min = msgtab[IMSG_EVENT].min;
	wrong_add(list, &n, IMSG_EVENT, min, "malformed")->data[0] = A_MAX;
	wrong_add(list, &n, IMSG_EVENT, min, "malformed")->data[15] = E_MAX;
	wrong_add(list, &n, IMSG_EVENT, min, "malformed")->data[10] = 99;
	wrong_add(list, &n, IMSG_TABLED, 0, "unwanted descriptor")->fds = 1;
	for (i = 0; i < n && good == i; i++) {
		peer_start(&p, &c, ROLE_WORKER, 1);
		(void)wrong_send(c.fd, &list[i]);
		(void)snprintf(line, sizeof(line), "bad message %s from worker "
		    "1: %s\n", wrong_name(&list[i]), list[i].why);
		good += closed(&c) && says(&p, line) &&
		    dropped(&p, ROLE_WORKER, 1) && client_served(&p);
		chan_close(&c);
	}
	ok(good == n, "control drops a worker for each of %zu wrong messages "
	    "and serves others", n);
	ok(descriptors_become(p.pid, fds), "and has as many descriptors as "
	    "before");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* A client of a control, and what control asks us, its parent, for him. */
static uint32_t
client_asks(struct child_proc *p, struct chan *c)
{
	struct msg	 m;

	client_open(c, S_RUN);
	msg_new(&m, IMSG_CTL_STATUS, 7);
	must_send(c, &m);
	if (!await(&p->chan, &m, IMSG_PROCS))
		errx(1, "no PROCS");
	return (m.id);
}

/* The next that comes is the end of his reply, and no row of another's. */
static int
client_told(struct child_proc *p, struct chan *c, uint32_t id)
{
	struct msg	 m;

	msg_new(&m, IMSG_RESULT, id);
	put_u32(&m, 0);
	put_str(&m, "");
	must_send(&p->chan, &m);
	return (receive(c, &m, WAIT) == 1 && m.type == IMSG_CTL_OK &&
	    m.id == 7);
}

static void
send_testrow(struct chan *c, uint32_t id)
{
	struct msg	 m;

	msg_new(&m, IMSG_TESTROW, id);
	put_u32(&m, 3);
	put_u8(&m, OUT_DECIDES);
	put_u8(&m, M_MAX);
	put_str(&m, "reject");
	must_send(c, &m);
}

static void
send_tested(struct chan *c, uint32_t id)
{
	struct msg	 m;

	msg_new(&m, IMSG_TESTED, id);
	put_u8(&m, A_REJECT);
	put_u32(&m, 3);
	put_u32(&m, 0);
	put_str(&m, "no");
	must_send(c, &m);
}

/* A worker answers a request that was another's to answer. */
static void
worker_meddles(void)
{
	static const enum imsg	 types[] = { IMSG_TESTROW, IMSG_TESTED };
	struct child_proc	 p;
	struct chan		 worker, c;
	char			 line[128];
	uint32_t		 id;
	size_t			 i, fds;
	int			 good;

	child_run(&p, ROLE_CONTROL, S_RUN);
	fds = descriptors(p.pid);
	for (i = 0; i < NITEMS(types); i++) {
		peer_start(&p, &worker, ROLE_WORKER, 1);
		id = client_asks(&p, &c);
		if (types[i] == IMSG_TESTROW)
			send_testrow(&worker, id);
		else
			send_tested(&worker, id);
		(void)snprintf(line, sizeof(line), "bad message %s from worker "
		    "1: malformed\n", msgtab[types[i]].name);
		good = closed(&worker) && says(&p, line);
		ok(good && client_told(&p, &c, id), "control drops a worker "
		    "for %s in answer to something else, and the client does "
		    "not get it", msgtab[types[i]].name);
		chan_close(&c);
		chan_close(&worker);
	}
	ok(client_served(&p) && descriptors_become(p.pid, fds), "and serves "
	    "others");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* To an open test, one that is over and none at all, it may say so. */
static void
worker_tests(void)
{
	struct child_proc	 p;
	struct chan		 worker, c;
	struct owner		 o;
	struct msg		 m;
	uint32_t		 id;
	int			 good;

	child_run(&p, ROLE_CONTROL, S_RUN);
	peer_start(&p, &worker, ROLE_WORKER, 1);
	client_open(&c, S_RUN);
	owner_unknown(&o, R_CLOSED);
	msg_new(&m, IMSG_CTL_TEST, 9);
	put_str(&m, "");
	put_owner(&m, &o);
	must_send(&c, &m);
	good = await(&worker, &m, IMSG_TEST);
	id = m.id;
	send_testrow(&worker, id);
	send_tested(&worker, id);
	ok(good && receive(&c, &m, WAIT) == 1 && m.type == IMSG_CTL_TESTROW &&
	    m.id == 9 && receive(&c, &m, WAIT) == 1 &&
	    m.type == IMSG_CTL_TESTED && m.id == 9, "the answer to a test is "
	    "the client's");
	send_testrow(&worker, id);
	send_tested(&worker, id);
	send_testrow(&worker, 0);
	send_tested(&worker, id + 1000);
	good = client_served(&p) && receive(&worker, &m, 0) == -1;
	ok(good && receive(&c, &m, 0) == -1, "more of it is nobody's, and no "
	    "harm");
	chan_close(&c);
	chan_close(&worker);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/*
 * One who sends all his requests at once waits after each, so that another one
 * has his turn.
 */
#define AT_ONCE	20

static void
client_turns(void)
{
	struct child_proc	 p;
	struct chan		 greedy, other;
	struct msg		 m;
	uint32_t		 first;
	int			 i, good;

	child_run(&p, ROLE_CONTROL, S_RUN);
	client_open(&greedy, S_RUN);
	client_open(&other, S_RUN);
	/* The greedy one comes last here, for then he is looked at first. */
	msg_new(&m, IMSG_CTL_TOP, 1);
	put_u16(&m, 0);
	must_send(&other, &m);
	good = await(&other, &m, IMSG_CTL_OK);
	msg_new(&m, IMSG_CTL_TOP, 1);
	put_u16(&m, 0);
	must_send(&greedy, &m);
	good &= await(&greedy, &m, IMSG_CTL_OK);
	/* Both have sent all before control sees the first. */
	(void)kill(p.pid, SIGSTOP);
	for (i = 0; i <= AT_ONCE; i++) {
		msg_new(&m, i < AT_ONCE ? IMSG_CTL_TOP : IMSG_CTL_STATUS, 2);
		if (i < AT_ONCE)
			put_u16(&m, 0);
		must_send(&greedy, &m);
	}
	if (greedy.queued > 0)
		errx(1, "too many at once");
	msg_new(&m, IMSG_CTL_STATUS, 7);
	must_send(&other, &m);
	(void)kill(p.pid, SIGCONT);
	good &= await(&p.chan, &m, IMSG_PROCS);
	first = m.id;
	ok(good && client_told(&p, &other, first), "a client with %d requests "
	    "at once does not hold up another", AT_ONCE);
	ok(await(&p.chan, &m, IMSG_PROCS) && m.id != first, "and has his turn, "
	    "too");
	chan_close(&greedy);
	chan_close(&other);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/*
 * Workers that never stop, and read what they are told: three of them, so that
 * there is always something from one.
 */
#define FLOODERS	3

static void
flood_fill(struct msg *m, enum imsg type)
{
	struct endpoint	 a;
	struct owner	 o;

	msg_new(m, type, 1);
	switch (type) {
	case IMSG_LOOKUP:
		(void)endpoint_parse(&a, "127.0.0.1", "1");
		put_endpoint(m, &a);
		put_endpoint(m, &a);
		put_u64(m, clock_usec(CLOCK_MONOTONIC));
		break;
	case IMSG_CHARGE:
		put_u8(m, CHARGE_LOOK);
		put_u32(m, 1);
		put_u64(m, 1);
		put_u32(m, 5);
		put_u32(m, 1);
		put_str(m, "games");
		put_u8(m, 1);
		put_u8(m, U_MESSAGES);
		put_u32(m, 1000);
		put_u32(m, 60);
		break;
	default:
		owner_unknown(&o, R_CLOSED);
		put_u8(m, A_PASS);
		put_u32(m, 1);
		put_u32(m, 1);
		put_str(m, "Q");
		put_str(m, "a@example.test");
		put_str(m, "");
		put_owner(m, &o);
	}
}

static pid_t
flooder(struct chan *c, enum imsg type)
{
	struct pollfd	 pfd = { .fd = c->fd, .events = POLLIN | POLLOUT };
	uint8_t		 answer[MSG_MAX];
	struct msg	 m;
	pid_t		 pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid != 0)
		return (pid);
	while (poll(&pfd, 1, -1) == 1 && !(pfd.revents & POLLHUP)) {
		while (recv(c->fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			continue;
		flood_fill(&m, type);
		while (msg_send(c->fd, &m) == 0)
			continue;
	}
	_exit(0);
}

/* What others want of it meanwhile; for the resolver its parent and control. */
static int
others_served(struct child_proc *p, struct chan *control)
{
	struct msg	 m;

	if (p->role == ROLE_CONTROL)
		return (client_served(p));
	msg_new(&m, IMSG_STATS_GET, 0);
	must_send(&p->chan, &m);
	return (await(&p->chan, &m, IMSG_STATS) && answered(control, 1));
}

static void
worker_floods(enum role to, enum imsg type)
{
	struct child_proc	 p;
	struct chan		 c[FLOODERS], control = { .fd = -1 };
	pid_t			 pids[FLOODERS];
	long			 began, took, slowest = 0;
	int			 i, good = 0;

	child_run(&p, to, S_RUN);
	if (to == ROLE_RESOLVER)
		peer_start(&p, &control, ROLE_CONTROL, 1);
	for (i = 0; i < FLOODERS; i++) {
		peer_start(&p, &c[i], ROLE_WORKER, i + 1);
		pids[i] = flooder(&c[i], type);
	}
	for (i = 0; i < 10 && good == i; i++) {
		began = now_ms();
		good += others_served(&p, &control);
		if ((took = now_ms() - began) > slowest)
			slowest = took;
	}
	ok(good == 10 && slowest < 2500, "workers that send %s without end: "
	    "%s serves others (in %ld ms at most)", msgtab[type].name,
	    programs[to], slowest);
	for (i = 0; i < FLOODERS; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
		chan_close(&c[i]);
	}
	chan_close(&control);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* Two workers with the same cookie: each has his answer, and nothing else. */
static void
answers_apart(void)
{
	struct child_proc	 p;
	struct chan		 a, b;
	struct msg		 m;
	int			 good;

	child_run(&p, ROLE_RESOLVER, S_RUN);
	peer_start(&p, &a, ROLE_WORKER, 1);
	peer_start(&p, &b, ROLE_WORKER, 2);
	good = answered(&a, 7) && receive(&b, &m, 0) == -1 &&
	    answered(&b, 7) && receive(&a, &m, 100) == -1 &&
	    receive(&b, &m, 0) == -1;
	ok(good, "an answer goes to who asked, and to nobody else");
	chan_close(&a);
	chan_close(&b);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* It never says that it knows who is blocked now: the client need not wait. */
static void
worker_deaf(void)
{
	struct child_proc	 p;
	struct chan		 worker, c;
	struct msg		 m;
	long			 began;
	uint32_t		 id;
	int			 good;

	child_run(&p, ROLE_CONTROL, S_RUN);
	peer_start(&p, &worker, ROLE_WORKER, 1);
	client_open(&c, S_RUN);
	began = now_ms();
	msg_new(&m, IMSG_CTL_BLOCK, 7);
	put_str(&m, "");
	put_u32(&m, 5);
	put_u32(&m, 0);
	must_send(&c, &m);
	good = await(&p.chan, &m, IMSG_SAVE);
	id = m.id;
	msg_new(&m, IMSG_RESULT, id);
	put_u32(&m, 0);
	put_str(&m, "");
	must_send(&p.chan, &m);
	good &= receive(&c, &m, WAIT) == 1 && m.id == 7;
	ok(good && now_ms() - began < 6000, "a worker that never learns does "
	    "not keep root waiting (%ld ms)", now_ms() - began);
	ok(client_served(&p), "nor anybody else");
	chan_close(&c);
	chan_close(&worker);
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

static void
control_others(void)
{
	struct child_proc	 p;
	struct chan		 c;
	struct msg		 m;
	size_t			 i;
	char			 text[STR_MAX + 1];

	child_run(&p, ROLE_CONTROL, S_RUN);
	client_open(&c, S_BOOT);
	msg_new(&m, IMSG_CTL_HELLO, 3);
	put_u32(&m, PROTOCOL_VERSION + 1);
	must_send(&c, &m);
	ok(await(&c, &m, IMSG_CTL_FAIL) && m.id == 3 &&
	    get_u32(&m) == EPROTO, "a client of another version is told so");
	get_str(&m, text, sizeof(text));
	chan_close(&c);

	client_open(&c, S_RUN);
	msg_new(&m, IMSG_CTL_STATUS, 1);
	must_send(&c, &m);
	msg_new(&m, IMSG_CTL_STATUS, 2);
	must_send(&c, &m);
	ok(closed(&c), "one that asks again before the answer is dropped");
	chan_close(&c);
	(void)await(&p.chan, &m, IMSG_PROCS);
	msg_new(&m, IMSG_RESULT, m.id);
	put_u32(&m, 0);
	put_str(&m, "");
	must_send(&p.chan, &m);
	ok(client_served(&p), "and its answer is nobody's");

	/* There is no resolver, so each of these gets an answer at once. */
	client_open(&c, S_RUN);
	for (i = 0; i < FLOOD; i++) {
		msg_new(&m, IMSG_CTL_LOOKUP, i);
		while (m.len < msgtab[IMSG_CTL_LOOKUP].min)
			put_u8(&m, 0);
		if (msg_send(c.fd, &m) == -1 && errno == EAGAIN) {
			(void)poll(NULL, 0, 1);
			i--;
		} else if (m.bad || errno == EPIPE || errno == ECONNRESET)
			break;
		errno = 0;
	}
	ok(i < FLOOD, "one that does not read is dropped (after %zu)", i);
	ok(client_served(&p), "and others are served");
	chan_close(&c);

	/* What belongs to no request is ignored. */
	msg_new(&m, IMSG_PROC, 4711);
	while (m.len < PROC_SIZE)
		put_u8(&m, 0);
	must_send(&p.chan, &m);
	ok(client_served(&p), "rows and results of no request are ignored");
	(void)kill(p.pid, SIGKILL);
	(void)child_end(&p, (char[64]){ 0 }, 64);
}

/* No such verdict, reason, source; more groups, text, bytes than are there. */
static size_t
wrong_answers(struct wrong *list)
{
	static const int	 at[] = { 0, 1, 2, 32, 33, 37 };
	size_t			 i, n = 0, min = msgtab[IMSG_ANSWER].min;

	for (i = 0; i < NITEMS(at); i++)
		wrong_add(list, &n, IMSG_ANSWER, min,
		    "malformed")->data[at[i]] = 99;
	wrong_add(list, &n, IMSG_ANSWER, min + 1, "malformed");
	return (n);
}

/* No such change, a range that is backwards; an owner that is none. */
static size_t
wrong_orders(struct wrong *list)
{
	size_t	 n = 0, min = msgtab[IMSG_TEST].min;

	wrong_add(list, &n, IMSG_TABLE, 13, "malformed")->data[0] =
	    TABLE_OP_MAX;
	wrong_add(list, &n, IMSG_TABLE, 13, "malformed")->data[5] = 1;
	wrong_add(list, &n, IMSG_TEST, min, "malformed")->data[2] = 99;
	wrong_add(list, &n, IMSG_TEST, min, "malformed")->data[1] = 64;
	wrong_add(list, &n, IMSG_TEST, min + 1, "malformed");
	return (n);
}

/* Who answers is trusted more than those who ask. */
static void
from_server(enum role from, enum role to, int special)
{
	struct wrong		 list[CASES];
	struct child_proc	 p;
	struct chan		 c;
	size_t			 i, n, good = 0;

	n = !special ? wrong_list(list, from, to, S_RUN) :
	    from == ROLE_RESOLVER ? wrong_answers(list) : wrong_orders(list);
	for (i = 0; i < n && good == i; i++) {
		child_run(&p, to, S_RUN);
		peer_start(&p, &c, from, 1);
		(void)wrong_send(c.fd, &list[i]);
		good += dies_of(&p, wrong_name(&list[i]), list[i].why,
		    from == ROLE_RESOLVER ? "resolver makes no sense" :
		    "control makes no sense");
		chan_close(&c);
	}
	ok(good == n, "%s ends of each of %zu wrong %s from %s", programs[to],
	    n, special ? "contents" : "messages", role_names[from]);
}

/*
 * We are the children.  Files beside the program, all with numbers in them:
 * "state" when to say something wrong, "case.PROGRAM" what, counted from 0
 * (a worker adds its own number less 1), "always" in every life; "go" comes
 * when S_RUN is reached by all.  "lives.PROGRAM.N" has a byte for each life.
 * "play" is what a control does in its first life; how that went is in
 * "played", and in "kept" how many blocks it was given.
 */

static char	 beside[PATH_MAX];
static int	 blocks_kept;		/* SAVED, of this life */

static int
file_number(const char *name, int otherwise)
{
	char	 path[2 * PATH_MAX];
	FILE	*f;
	int	 n = otherwise;

	(void)snprintf(path, sizeof(path), "%s/%s", beside, name);
	if ((f = fopen(path, "r")) == NULL)
		return (otherwise);
	if (fscanf(f, "%d", &n) != 1)
		n = otherwise;
	fclose(f);
	return (n);
}

static int
file_exists(const char *name)
{
	char	 path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", beside, name);
	return (access(path, F_OK) == 0);
}

/* Which life this is, from 1. */
static int
fake_life(enum role role, int instance)
{
	char		 path[2 * PATH_MAX];
	struct stat	 st;
	int		 fd;

	(void)snprintf(path, sizeof(path), "%s/lives.%s.%d", beside,
	    programs[role], instance);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1 ||
	    write(fd, "x", 1) != 1 || fstat(fd, &st) == -1)
		err(1, "%s", path);
	close(fd);
	return (st.st_size);
}

static void __attribute__((__format__(printf, 2, 3)))
file_put(const char *name, const char *fmt, ...)
{
	char	 path[2 * PATH_MAX], new[2 * PATH_MAX];
	va_list	 ap;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/%s", beside, name);
	(void)snprintf(new, sizeof(new), "%s/%s.new", beside, name);
	if ((f = fopen(new, "w")) == NULL)
		err(1, "%s", new);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	if (fclose(f) == EOF || rename(new, path) == -1)
		err(1, "%s", path);
}

/*
 * Names: some are known, one is never found, and one kills.  Returns -1 if
 * there is no answer.
 */
static int
fake_idof(struct msg *reply, struct msg *m)
{
	char	 name[STR_MAX + 1];

	(void)get_u8(m);
	get_str(m, name, sizeof(name));
	if (strcmp(name, "mute") == 0)
		return (-1);
	if (strcmp(name, "die") == 0)
		exit(0);
	msg_new(reply, IMSG_IDOF, m->id);
	put_u8(reply, strcmp(name, "sub") == 0 || strcmp(name, "max") == 0 ||
	    strncmp(name, "name", 4) == 0 ? FOUND_YES : FOUND_NO);
	put_u32(reply, strcmp(name, "max") == 0 ? UINT32_MAX : 5);
	if (strcmp(name, "sub") != 0)
		put_u16(reply, 0);
	else {
		put_u16(reply, 1);
		put_u32(reply, 100000);
		put_u32(reply, 165535);
	}
	return (0);
}

/* What a good child would do. */
static void
fake_handle(struct chan *c, struct msg *m)
{
	struct msg	 reply;
	uint32_t	 generation;
	size_t		 i;

	switch (m->type) {
	case IMSG_CONF_END:
		generation = get_u32(m);
		msg_new(&reply, IMSG_CONF_ACK, 0);
		put_u32(&reply, generation);
		put_u32(&reply, 0);
		break;
	case IMSG_PING:
		if (file_exists("hang"))
			return;
		msg_new(&reply, IMSG_PONG, 0);
		break;
	case IMSG_START:
		if (c->self == ROLE_CONTROL)
			file_put("kept", "%d", blocks_kept);
		msg_new(&reply, IMSG_READY, 0);
		put_u32(&reply, (1U << PROT_MAX) - 1);
		c->state = S_RUN;
		break;
	case IMSG_STATS_GET:
		msg_new(&reply, IMSG_STATS, 0);
		for (i = 0; i < STAT_MAX; i++)
			put_u64(&reply, 0);
		break;
	case IMSG_ID:
		if (fake_idof(&reply, m) == -1)
			return;
		break;
	case IMSG_SAVED:
		blocks_kept++;
		return;
	default:
		if (m->fd != -1)
			close(msg_claim_fd(m));
		return;
	}
	if (chan_send(c, &reply) == -1)
		exit(0);	/* the parent has gone */
}

/* Blocks that make no sense, and names that are none. */
static void
wrong_saves(struct wrong *list, size_t *n)
{
	/* op, name, known, uid, expires */
	static const char	*saves[] = {
		"00" "0000" "01" "00000005" "0000000000000000",
		"03" "0000" "01" "00000005" "0000000000000000",
		"04" "0000" "01" "00000005" "0000000000000000",
		"ff" "0000" "01" "00000005" "0000000000000000",
		"01" "0000" "00" "00000005" "0000000000000000",
		"02" "0000" "00" "00000005" "0000000000000000",
		"01" "0000" "02" "00000005" "0000000000000000",
		"01" "0000" "01" "ffffffff" "0000000000000000",
		"01" "0000" "01" "00000005" "8000000000000000",
		"01" "0001" "01" "00000005" "0000000000000000",
		"01" "0000" "01" "00000005" "0000000000000000" "00",
		"01" "000100" "01" "00000005" "0000000000000000",
		"01" "0101" "01" "00000005" "0000000000000000" "00"
	};
	static const char	*names[] = { "0000", "000100", "0002" "61",
				    "0001" "6161" };
	struct wrong		*w;
	const char		*hex;
	size_t			 i, k;

	for (i = 0; i < NITEMS(saves) + NITEMS(names); i++) {
		hex = i < NITEMS(saves) ? saves[i] : names[i - NITEMS(saves)];
		w = wrong_add(list, n, i < NITEMS(saves) ? IMSG_SAVE :
		    IMSG_USERID, strlen(hex) / 2, "malformed");
		for (k = 0; k < w->len; k++)
			(void)sscanf(hex + 2 * k, "%2hhx", &w->data[k]);
	}
}

/* All wrong things that such a child can say to its parent. */
static size_t
fake_cases(struct wrong *list, enum role role, enum state state)
{
	size_t	 n = wrong_list(list, role, ROLE_PARENT, state);

	/* Nobody drops who is as much trusted as he is, or more. */
	if (msgtab[IMSG_DROPPED].from & 1 << role) {
		wrong_add(list, &n, IMSG_DROPPED, 3, "malformed")->data[0] =
		    role;
		wrong_add(list, &n, IMSG_DROPPED, 3, "malformed")->data[0] =
		    ROLE_RESOLVER;
		wrong_add(list, &n, IMSG_DROPPED, 3, "malformed")->data[0] =
		    ROLE_MAX;
	}
	if (state == S_BOOT) {
		/* HELLO of another version, of another process; too soon */
		wrong_add(list, &n, IMSG_HELLO, 8, "malformed")->data[3] = 99;
		wrong_add(list, &n, IMSG_HELLO, 8, "malformed")->data[3] =
		    PROTOCOL_VERSION;
		wrong_add(list, &n, IMSG_READY, 4, "malformed");
		return (n);
	}
	if (msgtab[IMSG_STATS].from & 1 << role)
		wrong_add(list, &n, IMSG_STATS, msgtab[IMSG_STATS].min,
		    "malformed");
	if (role == ROLE_NAMES)
		wrong_add(list, &n, IMSG_IDOF, msgtab[IMSG_IDOF].min,
		    "malformed")->data[0] = 9;
	if (role == ROLE_CONTROL)
		wrong_saves(list, &n);
	if (role == ROLE_RESOLVER || role == ROLE_WORKER)
		wrong_add(list, &n, IMSG_CONF_ACK, 8, "malformed")->data[7] =
		    1;
	/* Of no configuration that it was sent. */
	if (role == ROLE_RESOLVER || role == ROLE_WORKER)
		wrong_add(list, &n, IMSG_CONF_ACK, 8, "malformed");
	return (n);
}

/*
 * What a control may do that is not wrong, but too much.
 */

enum play {
	PLAY_NONE, PLAY_NAMES, PLAY_TABLES, PLAY_MUTE, PLAY_BUSY, PLAY_SAVE,
	PLAY_FLOOD_SAVE, PLAY_FLOOD_USERID, PLAY_FLOOD_TABLES,
	PLAY_FLOOD_RELOAD, PLAY_PACE
};

#define MUTES	70	/* more than the parent takes at a time */
#define BUSY	2000
#define BURST	32
#define UNPACED	16	/* writes of the blocks that need not wait */
#define PACED	3	/* and some that do */
#define HEAPED	5000	/* changes that come together: more than may wait */
#define HEAP	1000	/* for a write */

static void
send_userid(struct chan *c, uint32_t id, const char *name)
{
	struct msg	 m;

	msg_new(&m, IMSG_USERID, id);
	put_str(&m, name);
	must_send(c, &m);
}

/* One name after the other: how they are found. */
static void
play_names(struct chan *c)
{
	static const char	*names[] = {
		"other", "sub", "max", "die", "other"
	};
	struct msg		 m;
	char			 text[256] = "", one[64];
	unsigned int		 found, uid, n;
	size_t			 i;

	for (i = 0; i < NITEMS(names); i++) {
		send_userid(c, i, names[i]);
		if (!await(c, &m, IMSG_USERIDOF) || m.id != i)
			errx(1, "no USERIDOF of \"%s\"", names[i]);
		found = get_u8(&m);
		uid = get_u32(&m);
		n = get_u16(&m);
		if (found != FOUND_YES)
			(void)snprintf(one, sizeof(one), "%s %u; ", names[i],
			    found);
		else
			(void)snprintf(one, sizeof(one), "%s %u %u %u; ",
			    names[i], found, uid, n);
		(void)strlcat(text, one, sizeof(text));
	}
	file_put("played", "%s", text);
}

/* What is in the tables of the configuration. */
static void
play_tables(struct chan *c)
{
	struct msg	 m;
	char		 text[256] = "", one[128], name[MAX_NAME + 1];
	char		 file[STR_MAX + 1];
	uint32_t	 entries, unknown;

	msg_new(&m, IMSG_TABLES, 7);
	must_send(c, &m);
	while (receive(c, &m, WAIT) == 1 && m.id == 7 &&
	    m.type == IMSG_TABLEROW) {
		get_str(&m, name, sizeof(name));
		get_str(&m, file, sizeof(file));
		entries = get_u32(&m);
		unknown = get_u32(&m);
		(void)snprintf(one, sizeof(one), "%s (%zu) %u %u; ", name,
		    strlen(file), entries, unknown);
		(void)strlcat(text, one, sizeof(text));
	}
	if (m.type != IMSG_RESULT || m.id != 7 || get_u32(&m) != 0)
		errx(1, "no RESULT of TABLES");
	file_put("played", "%s", text);
}

/* Await so many answers, each of another question; count the failures. */
static int
failures_of(struct chan *c, unsigned int n)
{
	static uint8_t	 seen[BUSY];
	struct msg	 m;
	unsigned int	 i;
	int		 failed = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++) {
		if (!await(c, &m, IMSG_USERIDOF) || m.id >= BUSY ||
		    seen[m.id]++)
			errx(1, "answer %u", i);
		failed += get_u8(&m) == FOUND_FAILED;
	}
	return (failed);
}

/* Names that are not found, more than there may be; then another one. */
static void
play_mute(struct chan *c)
{
	long		 began = now_ms();
	uint32_t	 i;
	int		 failed;

	for (i = 0; i < MUTES; i++)
		send_userid(c, i, "mute");
	failed = failures_of(c, MUTES);
	file_put("played", "%d failed after %s", failed,
	    now_ms() - began >= 4900 && now_ms() - began < 6500 ? "5 s" :
	    "another time");
}

/* A lot, while the configuration is read again and again. */
static void
play_busy(struct chan *c)
{
	uint32_t	 i;
	int		 failed = 0;

	for (i = 0; i < BUSY; i++) {
		send_userid(c, i % BURST, "other");
		if (i % BURST == BURST - 1)
			failed += failures_of(c, BURST);
	}
	failed += failures_of(c, BUSY % BURST);
	file_put("played", "%d failed", failed);
}

static void
put_save(struct msg *m, enum table_op op, const char *name, uint32_t uid)
{
	put_u8(m, op);
	put_str(m, name);
	put_u8(m, 1);
	put_u32(m, uid);
	put_u64(m, 0);
}

/* Three, one of them twice, and one that goes again; then we die. */
static void
play_save(struct chan *c)
{
	static const struct {
		enum table_op	 op;
		const char	*name;
		uint32_t	 uid;
	} saves[] = {
		{ TABLE_ADD, "games", 5 }, { TABLE_ADD, "a\nend 1\n", 6 },
		{ TABLE_ADD, "news", 9 }, { TABLE_ADD, "games", 55 },
		{ TABLE_ADD, "", 7 }, { TABLE_DELETE, "news", 9 },
		{ TABLE_DELETE, "nobody", 1 }
	};
	struct msg	 m;
	size_t		 i;

	for (i = 0; i < NITEMS(saves); i++) {
		msg_new(&m, IMSG_SAVE, 100 + i);
		put_save(&m, saves[i].op, saves[i].name, saves[i].uid);
		must_send(c, &m);
	}
	for (i = 0; i < NITEMS(saves); i++)
		if (!await(c, &m, IMSG_RESULT) || m.id != 100 + i ||
		    get_u32(&m) != 0)
			errx(1, "no RESULT of save %zu", i);
	file_put("played", "saved");
	exit(1);
}

static void
send_save(struct chan *c, uint32_t id, uint32_t uid)
{
	struct msg	 m;

	msg_new(&m, IMSG_SAVE, id);
	put_save(&m, TABLE_ADD, "", uid);
	must_send(c, &m);
	while (c->queued > CHAN_QUEUE / 2 && chan_flush(c) == 0)
		nap();
}

/* One change after the other, each of them written: ms for n of them. */
static long
saves_paced(struct chan *c, uint32_t uid, uint32_t n)
{
	long		 began = now_ms();
	struct msg	 m;

	for (; n > 0; n--, uid++) {
		send_save(c, 1, uid);
		if (!await(c, &m, IMSG_RESULT) || get_u32(&m) != 0)
			errx(1, "no RESULT of a save");
	}
	return (now_ms() - began);
}

/*
 * A lot of changes together wait for one write: who asked is told then, and of
 * those that are too many at once.  A change that nobody asked for is none.
 */
static void
play_pace(struct chan *c)
{
	struct msg	 m;
	long		 first, burst, paced, began;
	uint32_t	 i, error, room, refused = 0;

	first = saves_paced(c, 1, 1);
	burst = first + saves_paced(c, 2, UNPACED - 1);
	paced = saves_paced(c, UNPACED + 1, PACED);
	began = now_ms();
	for (i = 0; i < HEAPED; i++)
		send_save(c, 100 + i, 1000 + i);
	for (i = 0; i < HEAPED; i++) {
		if (!await(c, &m, IMSG_RESULT))
			errx(1, "no RESULT of a heap");
		if ((error = get_u32(&m)) == EAGAIN)
			refused++;
		else if (error != 0)
			errx(1, "error %u", error);
	}
	/* With each write there is room again. */
	room = HEAP * (1 + (now_ms() - began) / 1000);
	for (i = 0; i < HEAPED; i++)
		send_save(c, 0, 1000 + i);
	/* These are in memory when it has read this. */
	msg_new(&m, IMSG_TABLES, 7);
	must_send(c, &m);
	if (!await(c, &m, IMSG_RESULT) || m.id != 7)
		errx(1, "no RESULT of TABLES");
	file_put("played", "%s, %s, %s", first < paced / PACED ? "at once" :
	    "late", burst + paced >= PACED * 1000 ? "paced" : "hurried",
	    refused + room >= HEAPED && refused <= HEAPED - HEAP ? "refused" :
	    "wrong");
}

/* One asks and asks and never reads. */
static void
play_flood(struct chan *c, enum imsg type)
{
	struct pollfd	 pfd = { .fd = c->fd, .events = POLLOUT };
	struct msg	 m;
	char		 name[32];
	uint32_t	 i;

	for (i = 0; i < FLOOD; i++) {
		msg_new(&m, type, i);
		(void)snprintf(name, sizeof(name), "user %u", i);
		if (type == IMSG_SAVE)
			put_save(&m, TABLE_ADD, name, i);
		else if (type == IMSG_USERID)
			put_str(&m, name);
		while (msg_send(c->fd, &m) == -1) {
			if (errno != EAGAIN && errno != ENOBUFS)
				return;
			(void)poll(&pfd, 1, 1000);
		}
	}
}

static void
play(struct chan *c, enum play what)
{
	switch (what) {
	case PLAY_NAMES:
		play_names(c);
		break;
	case PLAY_TABLES:
		play_tables(c);
		break;
	case PLAY_MUTE:
		play_mute(c);
		break;
	case PLAY_BUSY:
		play_busy(c);
		break;
	case PLAY_SAVE:
		play_save(c);
		break;
	case PLAY_PACE:
		play_pace(c);
		break;
	case PLAY_FLOOD_SAVE:
		play_flood(c, IMSG_SAVE);
		break;
	case PLAY_FLOOD_USERID:
		play_flood(c, IMSG_USERID);
		break;
	case PLAY_FLOOD_TABLES:
		play_flood(c, IMSG_TABLES);
		break;
	case PLAY_FLOOD_RELOAD:
		play_flood(c, IMSG_RELOAD);
		break;
	default:
		break;
	}
}

static int
fake_main(enum role role, int argc, char **argv)
{
	struct wrong	 list[CASES];
	struct chan	 c;
	struct msg	 m;
	enum state	 state;
	char		 name[32];
	enum play	 game = PLAY_NONE;
	int		 i, instance = 1, what, n, said = 0;

	(void)strlcpy(beside, argv[0], sizeof(beside));
	*strrchr(beside, '/') = '\0';
	for (i = 1; i < argc; i++)
		if (strncmp(argv[i], "-I", 2) == 0)
			instance = atoi(argv[i] + 2);
	(void)snprintf(name, sizeof(name), "case.%s", programs[role]);
	what = file_number(name, -1);
	if (what != -1 && role == ROLE_WORKER)
		what += instance - 1;
	state = file_number("state", S_RUN);
	n = fake_cases(list, role, state);
	if (role == ROLE_CONTROL)
		game = file_number("play", PLAY_NONE);
	if (fake_life(role, instance) > 1 && !file_exists("always")) {
		what = -1;
		game = PLAY_NONE;
	}
	if (what >= n)
		what = -1;

	chan_init(&c, 3, role, ROLE_PARENT, 0);
	if (what != -1 && state == S_BOOT) {
		(void)wrong_send(3, &list[what]);
		said = 1;
	} else {
		msg_new(&m, IMSG_HELLO, 0);
		put_u32(&m, PROTOCOL_VERSION);
		put_u32(&m, getpid());
		(void)chan_send(&c, &m);
	}
	for (;;) {
		if ((n = receive(&c, &m, 5)) == 1)
			fake_handle(&c, &m);
		else if (n == 0)
			return (0);
		if (what != -1 && !said && c.state == S_RUN &&
		    file_exists("go")) {
			(void)wrong_send(3, &list[what]);
			said = 1;
		}
		if (game != PLAY_NONE && c.state == S_RUN &&
		    file_exists("go")) {
			play(&c, game);
			game = PLAY_NONE;
		}
	}
}

/*
 * A real parent.
 */

struct daemon_proc {
	pid_t	 pid;
	char	 dir[80];
	char	 text[OUT];		/* what it has said */
};

static void
daemon_file(const struct daemon_proc *d, const char *name, int number)
{
	char	 path[2 * PATH_MAX];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/libexec/%s", d->dir, name);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	fprintf(f, "%d\n", number);
	fclose(f);
}

static void
daemon_conf(const struct daemon_proc *d, int prefork)
{
	char	 path[2 * PATH_MAX];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/conf", d->dir);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	fprintf(f, "listen on socket \"%s/milter\"\n"
	    "control socket \"%s/control\"\nuser \"nobody\"\n"
	    "resolver user \"daemon\"\nchroot \"%s/empty\"\n"
	    "state directory \"%s/state\"\nprefork %d\n"
	    "pass user \"nobody-at-all\"\n",
	    d->dir, d->dir, d->dir, d->dir, prefork);
	fclose(f);
}

/* A folder of children; fakes are bits of the roles that we play. */
static void
daemon_new(struct daemon_proc *d, int prefork, unsigned int fakes)
{
	static int	 number;
	char		 from[2 * PATH_MAX], to[2 * PATH_MAX];
	enum role	 r;

	memset(d, 0, sizeof(*d));
	(void)snprintf(d->dir, sizeof(d->dir), "%s/%d", tmp, number++);
	(void)snprintf(to, sizeof(to), "%s/libexec", d->dir);
	if (mkdir(d->dir, 0755) == -1 || mkdir(to, 0755) == -1)
		err(1, "%s", to);
	for (r = ROLE_RESOLVER; r <= ROLE_WORKER; r++) {
		(void)snprintf(to, sizeof(to), "%s/libexec/%s", d->dir,
		    programs[r]);
		memset(from, 0, sizeof(from));
		if (!(fakes & 1 << r))
			(void)snprintf(from, sizeof(from), "%s/%s", obj,
			    programs[r]);
		else if (readlink("/proc/self/exe", from,
		    sizeof(from) - 1) == -1)
			err(1, "readlink");
		if (symlink(from, to) == -1)
			err(1, "%s", to);
	}
	daemon_conf(d, prefork);
}

static void
daemon_start(struct daemon_proc *d)
{
	char	 path[2 * PATH_MAX], lib[2 * PATH_MAX], conf[2 * PATH_MAX];
	char	 out[2 * PATH_MAX];
	int	 fd;

	(void)snprintf(path, sizeof(path), "%s/milter-sysuser", obj);
	(void)snprintf(lib, sizeof(lib), "%s/libexec", d->dir);
	(void)snprintf(conf, sizeof(conf), "%s/conf", d->dir);
	(void)snprintf(out, sizeof(out), "%s/log", d->dir);
	if ((fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	    0600)) == -1)
		err(1, "%s", out);
	if ((d->pid = fork()) == -1)
		err(1, "fork");
	if (d->pid == 0) {
		if (dup2(fd, 2) == -1)
			_exit(126);
		execl(path, path, "-d", "-L", lib, "-f", conf, (char *)NULL);
		_exit(127);
	}
	close(fd);
	for (fd = 0; fd < (int)NITEMS(daemons) - 1 && daemons[fd] != 0; fd++)
		continue;
	daemons[fd] = d->pid;
}

/* Read all that it has said. */
static const char *
daemon_text(struct daemon_proc *d)
{
	char	 path[2 * PATH_MAX];
	ssize_t	 n;
	int	 fd;

	(void)snprintf(path, sizeof(path), "%s/log", d->dir);
	if ((fd = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	n = read(fd, d->text, sizeof(d->text) - 1);
	d->text[n > 0 ? n : 0] = '\0';
	close(fd);
	return (d->text);
}

static int
daemon_says(struct daemon_proc *d, const char *line, int timeout)
{
	long	 end = now_ms() + timeout;

	while (strstr(daemon_text(d), line) == NULL) {
		if (now_ms() > end) {
			diag("the daemon said", d->text);
			diag("expected", line);
			return (0);
		}
		nap();
	}
	return (1);
}

/* Returns its status of wait(2), or -1. */
static int
daemon_end(struct daemon_proc *d, int timeout)
{
	long	 end = now_ms() + timeout;
	int	 i, status = -1;

	while (waitpid(d->pid, &status, WNOHANG) == 0) {
		if (now_ms() > end) {
			(void)kill(d->pid, SIGKILL);
			(void)waitpid(d->pid, &status, 0);
			status = -1;
			break;
		}
		nap();
	}
	for (i = 0; i < (int)NITEMS(daemons); i++)
		if (daemons[i] == d->pid)
			daemons[i] = 0;
	d->pid = 0;
	return (status);
}

static int
daemon_exits(struct daemon_proc *d, int timeout, int code)
{
	int	 status = daemon_end(d, timeout);

	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code)
		return (1);
	printf("# wait status %#x\n", status);
	diag("the daemon said", daemon_text(d));
	return (0);
}

static int
daemon_stop(struct daemon_proc *d)
{
	(void)kill(d->pid, SIGTERM);
	return (daemon_exits(d, 3 * WAIT, 0));
}

/* Before it is ready, a wrong message means that there is no start. */
static void
parent_boot(enum role role)
{
	struct daemon_proc	 d;
	struct wrong		 list[CASES];
	char			 line[256], name[32];
	size_t			 i, n, good = 0;

	n = fake_cases(list, role, S_BOOT);
	(void)snprintf(name, sizeof(name), "case.%s", programs[role]);
	for (i = 0; i < n && good == i; i++) {
		daemon_new(&d, 1, ~0U);
		daemon_file(&d, "state", S_BOOT);
		daemon_file(&d, name, i);
		daemon_start(&d);
		if (!daemon_exits(&d, WAIT, 1))
			continue;
		(void)snprintf(line, sizeof(line), "milter-sysuser: bad message"
		    " %s from %s%s: %s\n", wrong_name(&list[i]),
		    role_names[role], role == ROLE_WORKER ? " 1" : role ==
		    ROLE_NAMES ? strstr(daemon_text(&d), " from names 2:") ?
		    " 2" : " 1" : "", list[i].why);
		good += daemon_says(&d, line, 0) && daemon_says(&d,
		    "milter-sysuser: start-up failed\n", 0);
	}
	ok(good == n, "the parent gives up for each of %zu wrong messages of "
	    "%s at start", n, role_names[role]);
}

/* True if that many lives have begun. */
static int
lived(const struct daemon_proc *d, enum role role, int instance, int n)
{
	char		 path[2 * PATH_MAX];
	struct stat	 st;

	(void)snprintf(path, sizeof(path), "%s/libexec/lives.%s.%d", d->dir,
	    programs[role], instance);
	return (stat(path, &st) != -1 && st.st_size >= n);
}

/* The same, in time. */
static int
lives(const struct daemon_proc *d, enum role role, int instance, int n)
{
	long	 end = now_ms() + WAIT;

	while (!lived(d, role, instance, n)) {
		if (now_ms() > end)
			return (0);
		nap();
	}
	return (1);
}

/* The one of that child is in the log, and it lives again. */
static int
parent_did(struct daemon_proc *d, const struct wrong *w, enum role role,
    int instance)
{
	char	 line[256], name[64];

	if (role == ROLE_WORKER || role == ROLE_NAMES)
		(void)snprintf(name, sizeof(name), "%s %d", role_names[role],
		    instance);
	else
		(void)strlcpy(name, role_names[role], sizeof(name));
	(void)snprintf(line, sizeof(line), "milter-sysuser: bad message %s from"
	    " %s: %s\nmilter-sysuser: %s is no good: killing it\n",
	    wrong_name(w), name, w->why, name);
	if (!daemon_says(d, line, WAIT))
		return (0);
	(void)snprintf(line, sizeof(line), "milter-sysuser: %s (pid ", name);
	return (daemon_says(d, line, WAIT) && lives(d, role, instance, 2));
}

/* Resolver, names and control at the same time, one wrong message each. */
static void
parent_run(void)
{
	static const enum role	 roles[] = {
		ROLE_RESOLVER, ROLE_NAMES, ROLE_CONTROL
	};
	struct daemon_proc	 d;
	struct wrong		 list[3][CASES];
	char			 name[32];
	size_t			 i, k, n[3], most = 0, sum = 0, good = 0;
	int			 stopped = 0;

	for (k = 0; k < 3; k++) {
		n[k] = fake_cases(list[k], roles[k], S_RUN);
		sum += n[k];
		if (n[k] > most)
			most = n[k];
	}
	for (i = 0; i < most && (size_t)stopped == i; i++) {
		daemon_new(&d, 1, ~0U);
		for (k = 0; k < 3; k++) {
			(void)snprintf(name, sizeof(name), "case.%s",
			    programs[roles[k]]);
			daemon_file(&d, name, i);
		}
		daemon_start(&d);
		if (!daemon_says(&d, "ready\n", WAIT))
			continue;
		daemon_file(&d, "go", 1);
		for (k = 0; k < 3; k++)
			if (i < n[k])
				good += parent_did(&d, &list[k][i],
				    roles[k], 1);
		stopped += daemon_stop(&d);
	}
	ok(good == sum, "the parent replaces children for each of %zu wrong "
	    "messages of resolver, names and control", sum);
	ok((size_t)stopped == most, "and lives on");
}

static void
parent_workers(void)
{
	struct daemon_proc	 d;
	struct wrong		 list[CASES];
	size_t			 i, k, n, batch, good = 0;

	n = fake_cases(list, ROLE_WORKER, S_RUN);
	for (i = 0; i < n; i += batch) {
		batch = n - i < 32 ? n - i : 32;
		daemon_new(&d, batch, 1 << ROLE_WORKER);
		daemon_file(&d, "case.milterd", i);
		daemon_start(&d);
		if (!daemon_says(&d, "ready\n", 2 * WAIT))
			break;
		daemon_file(&d, "go", 1);
		for (k = 0; k < batch && good == i + k; k++)
			good += parent_did(&d, &list[i + k], ROLE_WORKER,
			    k + 1);
		if (!daemon_stop(&d))
			break;
	}
	ok(good == n && i >= n, "the parent replaces workers for each of %zu "
	    "wrong messages", n);
}

/*
 * A control that asks much, of a real parent.
 */

static int
daemon_file_is(const struct daemon_proc *d, const char *name,
    const char *expect, int timeout)
{
	char	 path[2 * PATH_MAX], text[256];
	long	 end = now_ms() + timeout;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/libexec/%s", d->dir, name);
	for (;;) {
		text[0] = '\0';
		if ((f = fopen(path, "r")) != NULL) {
			text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
			fclose(f);
		}
		if (strcmp(text, expect) == 0)
			return (1);
		if (now_ms() > end)
			break;
		nap();
	}
	diag("expected", expect);
	diag("got", text);
	return (0);
}

static void
play_start(struct daemon_proc *d, enum play what)
{
	daemon_new(d, 1, ~0U);
	daemon_file(d, "play", what);
	daemon_start(d);
	(void)daemon_says(d, "ready\n", WAIT);
	daemon_file(d, "go", 1);
}

static void
parent_names(void)
{
	struct daemon_proc	 d;

	play_start(&d, PLAY_NAMES);
	ok(daemon_file_is(&d, "played", "other 0; sub 1 5 1; max 0; die 2; "
	    "other 0; ", WAIT), "control gets its answers from names, and one "
	    "if they die");
	ok(lives(&d, ROLE_NAMES, 1, 2) && lives(&d, ROLE_NAMES, 2, 2) &&
	    daemon_stop(&d) && !lived(&d, ROLE_NAMES, 1, 3) &&
	    !lived(&d, ROLE_NAMES, 2, 3), "which is of that question, once "
	    "each");

	play_start(&d, PLAY_MUTE);
	ok(daemon_file_is(&d, "played", "70 failed after 5 s", 2 * WAIT),
	    "and in time if they do not answer");
	ok(daemon_stop(&d), "and the daemon stops");
}

static void __attribute__((__format__(printf, 2, 3)))
daemon_rules(const struct daemon_proc *d, const char *fmt, ...)
{
	char	 path[2 * PATH_MAX];
	va_list	 ap;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/conf", d->dir);
	if ((f = fopen(path, "a")) == NULL)
		err(1, "%s", path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static void
daemon_names(const struct daemon_proc *d, int n)
{
	char	 path[2 * PATH_MAX];
	FILE	*f;
	int	 i;

	(void)snprintf(path, sizeof(path), "%s/names", d->dir);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	for (i = 0; i < n; i++)
		fprintf(f, "name%d\n", i);
	fclose(f);
}

static void
parent_tables(void)
{
	struct daemon_proc	 d;
	char			 expect[128];

	daemon_new(&d, 1, ~0U);
	daemon_rules(&d, "table <file> file \"%s/names\"\n"
	    "table <some> { \"sub\", \"other\", \"name\", \"sub\" }\n"
	    "reject user <some>\nreject user <file>\n"
	    "reject user { \"sub\", \"other\" }\n", d.dir);
	daemon_names(&d, 3);
	daemon_file(&d, "play", PLAY_TABLES);
	(void)snprintf(expect, sizeof(expect),
	    "file (%zu) 3 0; some (0) 4 1; ", strlen(d.dir) +
	    strlen("/names"));
	daemon_start(&d);
	(void)daemon_says(&d, "ready\n", WAIT);
	daemon_file(&d, "go", 1);
	ok(daemon_file_is(&d, "played", expect, WAIT), "tables: what stands "
	    "in them is counted, not what else is a user's");
	ok(daemon_stop(&d), "and the daemon stops");
}

/* Names of the configuration and control's are asked for in turn. */
static void
parent_busy(void)
{
	struct daemon_proc	 d;

	daemon_new(&d, 1, ~0U);
	daemon_names(&d, BUSY);
	daemon_rules(&d, "table <many> file \"%s/names\"\n"
	    "reject user <many>\n", d.dir);
	daemon_file(&d, "play", PLAY_BUSY);
	daemon_start(&d);
	(void)daemon_says(&d, "ready\n", WAIT);
	(void)kill(d.pid, SIGHUP);
	daemon_file(&d, "go", 1);
	ok(daemon_file_is(&d, "played", "0 failed", WAIT), "control's names "
	    "do not wait for %d of the configuration", BUSY);
	ok(daemon_says(&d, "configuration loaded\n", WAIT) &&
	    strstr(daemon_text(&d), "slow") == NULL, "nor do those wait");
	ok(daemon_stop(&d), "and the daemon stops");
}

static void
parent_saves(void)
{
	static const char	 lost[] = "milter-sysuser: control was "
				    "restarted: what limits had counted is "
				    "lost, they begin anew\n";
	struct daemon_proc	 d;

	play_start(&d, PLAY_SAVE);
	ok(daemon_file_is(&d, "played", "saved", WAIT) &&
	    lives(&d, ROLE_CONTROL, 1, 2) && daemon_says(&d, lost, WAIT),
	    "a control that died is missed");
	ok(daemon_file_is(&d, "kept", "3", WAIT), "the next one learns whom "
	    "it had blocked");
	ok(daemon_stop(&d), "the daemon stops");
	daemon_file(&d, "kept", 0);
	daemon_file(&d, "play", PLAY_NONE);
	daemon_start(&d);
	ok(daemon_file_is(&d, "kept", "3", WAIT), "and starts again with "
	    "them");
	ok(strstr(strstr(daemon_text(&d), lost) + 1, lost) == NULL,
	    "and misses nothing");
	ok(daemon_stop(&d), "and stops");
}

/* The disk is not kept busy, and nothing is lost by that. */
static void
parent_pace(void)
{
	struct daemon_proc	 d;
	char			 sum[16];

	play_start(&d, PLAY_PACE);
	ok(daemon_file_is(&d, "played", "at once, paced, refused", 6 * WAIT),
	    "one change is written at once, many not faster than one a "
	    "second, too many are refused");
	ok(daemon_stop(&d), "the daemon stops");
	daemon_file(&d, "kept", 0);
	daemon_file(&d, "play", PLAY_NONE);
	daemon_start(&d);
	(void)snprintf(sum, sizeof(sum), "%d", UNPACED + PACED + HEAPED);
	ok(daemon_file_is(&d, "kept", sum, WAIT), "and has written all before");
	ok(daemon_stop(&d), "and stops");
}

static void
parent_floods(void)
{
	static const struct {
		enum play	 play;
		const char	*what;
	} floods[] = {
		{ PLAY_FLOOD_SAVE, "SAVE" }, { PLAY_FLOOD_USERID, "USERID" },
		{ PLAY_FLOOD_TABLES, "TABLES" },
		{ PLAY_FLOOD_RELOAD, "RELOAD" }
	};
	struct daemon_proc	 d;
	long			 before;
	size_t			 i;

	for (i = 0; i < NITEMS(floods); i++) {
		daemon_new(&d, 1, ~0U);
		daemon_file(&d, "play", floods[i].play);
		daemon_start(&d);
		(void)daemon_says(&d, "ready\n", WAIT);
		before = memory(d.pid);
		daemon_file(&d, "go", 1);
		ok(daemon_says(&d, "milter-sysuser: control is no good: "
		    "killing it\n", 3 * WAIT) &&
		    lives(&d, ROLE_CONTROL, 1, 2) &&
		    daemon_says(&d, "they begin anew\n", WAIT),
		    "a control that sends %d x %s and does not read is "
		    "replaced", FLOOD, floods[i].what);
		ok(memory(d.pid) - before < 16384, "it cost little memory "
		    "(%ld KiB)", memory(d.pid) - before);
		ok(daemon_stop(&d), "and the daemon stops");
	}
}

/* Those who do not learn: four daemons at the same time. */
static void
parent_storm(void)
{
	struct daemon_proc	 d[4];
	enum role		 roles[4] = {
		ROLE_RESOLVER, ROLE_WORKER, ROLE_NAMES, ROLE_CONTROL
	};
	char			 name[32];
	long			 began, took;
	int			 i;

	for (i = 0; i < 4; i++) {
		daemon_new(&d[i], i == 0 ? 1 : 2, 1 << roles[i]);
		daemon_file(&d[i], "always", 1);
		(void)snprintf(name, sizeof(name), "case.%s",
		    programs[roles[i]]);
		daemon_file(&d[i], name, 0);
		daemon_start(&d[i]);
	}
	/* Worker 2 and names 2 say something wrong, too, in all their lives. */
	for (i = 0; i < 4; i++)
		(void)daemon_says(&d[i], "ready\n", WAIT);
	began = now_ms();
	for (i = 0; i < 4; i++)
		daemon_file(&d[i], "go", 1);
	ok(daemon_exits(&d[0], 40000, 1), "a resolver that never learns ends "
	    "it all");
	took = now_ms() - began;
	ok(took >= 14000 && took < 25000, "after the pauses between its lives "
	    "(%ld ms)", took);
	ok(daemon_says(&d[0], "milter-sysuser: resolver died 6 times within 60 "
	    "seconds and is not started again: see above why, then restart "
	    "milter-sysuser\nmilter-sysuser: nothing works without a "
	    "resolver: giving up\n", 0), "and says so");
	ok(lives(&d[0], ROLE_RESOLVER, 1, 6) &&
	    strstr(daemon_text(&d[0]), "died 7") == NULL, "in its sixth life");
	ok(daemon_exits(&d[1], 5000, 1) && daemon_says(&d[1], "milter-sysuser: "
	    "nothing works without a worker: giving up\n", 0),
	    "so do the last workers");
	ok(daemon_exits(&d[3], 5000, 1) && daemon_says(&d[3], "milter-sysuser: "
	    "nothing works without a control: giving up\n", 0),
	    "so does a control");
	ok(daemon_says(&d[2], "names 1 died 6 times within 60 seconds and "
	    "rests for as long: does what nsswitch.conf names work?\n", 5000) &&
	    daemon_says(&d[2], "names 2 died 6 times within 60 seconds and "
	    "rests for as long: does what nsswitch.conf names work?\n", 5000),
	    "names have a rest");
	ok(waitpid(d[2].pid, NULL, WNOHANG) == 0 && daemon_stop(&d[2]),
	    "and the daemon lives on without");
}

/* However we end. */
static void
clean_up(void)
{
	pid_t	 pid;
	size_t	 i;

	if (getpid() != self)
		return;
	for (i = 0; i < NITEMS(daemons); i++)
		if (daemons[i] != 0)
			(void)kill(daemons[i], SIGKILL);
	if ((pid = fork()) == 0) {
		execlp("rm", "rm", "-rf", tmp, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static void
on_signal(int sig)
{
	(void)sig;
	clean_up();
	_exit(1);
}

static void
find_programs(void)
{
	char	 path[PATH_MAX] = "";
	char	*slash;
	int	 i;

	if (getenv("OBJ") != NULL && realpath(getenv("OBJ"), obj) != NULL)
		return;
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) == -1)
		err(1, "readlink");
	for (i = 0; i < 2; i++)
		if ((slash = strrchr(path, '/')) != NULL)
			*slash = '\0';
	(void)strlcpy(obj, path, sizeof(obj));
}

int
main(int argc, char **argv)
{
	const char	*name = strrchr(argv[0], '/');
	enum role	 r;

	name = name != NULL ? name + 1 : argv[0];
	(void)signal(SIGPIPE, SIG_IGN);
	for (r = ROLE_RESOLVER; r <= ROLE_WORKER; r++)
		if (strcmp(name, programs[r]) == 0)
			return (fake_main(r, argc, argv));
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root: children drop it\n");
		return (0);
	}
	find_programs();
	(void)strlcpy(tmp, "/tmp/milter-sysuser.XXXXXX", sizeof(tmp));
	if (mkdtemp(tmp) == NULL || chmod(tmp, 0755) == -1)
		err(1, "%s", tmp);
	self = getpid();
	(void)atexit(clean_up);
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGINT, on_signal);
	(void)snprintf(empty, sizeof(empty), "%s/empty", tmp);
	if (mkdir(empty, 0755) == -1)
		err(1, "%s", empty);

	for (r = ROLE_RESOLVER; r <= ROLE_WORKER; r++) {
		from_parent(r, S_BOOT);
		from_parent(r, S_RUN);
	}
	from_parent_scripts();
	from_parent_conf();
	to_resolver(ROLE_WORKER);
	to_resolver(ROLE_CONTROL);
	to_resolver(ROLE_NAMES);
	stale_questions();
	names_unasked();
	flood_resolver();
	to_control(S_BOOT);
	to_control(S_RUN);
	silent_control();
	client_turns();
	control_others();
	worker_to_control();
	worker_meddles();
	worker_tests();
	worker_floods(ROLE_CONTROL, IMSG_EVENT);
	worker_floods(ROLE_CONTROL, IMSG_CHARGE);
	worker_floods(ROLE_RESOLVER, IMSG_LOOKUP);
	worker_deaf();
	answers_apart();
	from_server(ROLE_RESOLVER, ROLE_WORKER, 0);
	from_server(ROLE_RESOLVER, ROLE_WORKER, 1);
	from_server(ROLE_RESOLVER, ROLE_CONTROL, 0);
	from_server(ROLE_RESOLVER, ROLE_NAMES, 0);
	from_server(ROLE_CONTROL, ROLE_WORKER, 0);
	from_server(ROLE_CONTROL, ROLE_WORKER, 1);
	for (r = ROLE_RESOLVER; r <= ROLE_WORKER; r++)
		parent_boot(r);
	parent_run();
	parent_workers();
	parent_names();
	parent_tables();
	parent_busy();
	parent_saves();
	parent_pace();
	parent_floods();
	parent_storm();
	printf("1..%d\n", tests);
	return (failures > 0);
}
