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
 * A resolver of our own, for whom we are the parent and a worker: what a
 * lookup costs a worker, and how many of them there can be.  There is no
 * process for the names, as if they were all known.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

#define DAEMON		"1"		/* uid and gid to run as */
#define PATIENCE	10000		/* ms, for an answer */

static struct chan	 parent, worker;
static pid_t		 resolver;
static uint32_t		 cookie;

static void
say(struct chan *c, struct msg *m)
{
	if (chan_send(c, m) == -1)
		fatal("to the resolver");
}

static void
hear(struct chan *c, struct msg *m)
{
	struct pollfd	 pfd = { .fd = c->fd, .events = POLLIN };
	const char	*why;
	int		 n;

	while ((n = chan_recv(c, m, &why)) == 0)
		if (poll(&pfd, 1, PATIENCE) == 0)
			fatalx("the resolver does not answer");
	if (n == -1)
		fatalx("the resolver has gone%s%s", why == NULL ? "" : ": ",
		    why == NULL ? "" : why);
}

static void
hear_that(struct chan *c, enum imsg type)
{
	struct msg	 m;

	hear(c, &m);
	if (m.type != type)
		fatalx("the resolver says %s", msgtab[m.type].name);
}

static void NORETURN
be_resolver(const char *dir, int fd)
{
	char	 path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/resolver", dir);
	if (dup2(fd, 3) == -1 || fcntl(3, F_SETFD, 0) == -1)
		_exit(126);
	closefrom(4);
	execl(path, path, "-I1", "-u" DAEMON, "-g" DAEMON, (char *)NULL);
	_exit(127);
}

static int
item_send(struct msg *m, void *arg)
{
	if (arg != NULL)
		say(arg, m);
	return (0);
}

/* What the log of a configuration without words has; nothing of it is slow. */
static void
policy_tell(void)
{
	static const enum field	 fields[] = {
		F_USER, F_UID, F_LOGIN, F_PID, F_PROGRAM, F_EXE, F_CWD, F_UNIT
	};
	struct policy		*p;
	struct msg		 m;

	if ((p = policy_new()) == NULL || header_new(p, "X-Bench") == NULL)
		fatal("a policy");
	p->lookup_timeout = 1000;
	p->ports[0].hi = UINT16_MAX;	/* from 0: all are recorded */
	p->nports = 1;
	while (p->log_fields.n < NITEMS(fields)) {
		p->log_fields.list[p->log_fields.n] = fields[p->log_fields.n];
		p->log_fields.n++;
	}
	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, 1);
	put_u32(&m, policy_send(p, ROLE_RESOLVER, item_send, NULL));
	say(&parent, &m);
	(void)policy_send(p, ROLE_RESOLVER, item_send, &parent);
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, 1);
	say(&parent, &m);
	hear_that(&parent, IMSG_CONF_ACK);
	policy_free(p);
}

/* Start the resolver of that directory. */
void
worker_open(const char *dir)
{
	struct msg	 m;
	int		 channel[2], peer[2];

	if (chan_pair(channel) == -1 || chan_pair(peer) == -1)
		fatal("socketpair");
	if ((resolver = fork()) == -1)
		fatal("fork");
	if (resolver == 0)
		be_resolver(dir, channel[1]);
	close(channel[1]);
	chan_init(&parent, channel[0], ROLE_PARENT, ROLE_RESOLVER, 1);
	hear_that(&parent, IMSG_HELLO);
	msg_new(&m, IMSG_PEER, 0);
	put_u8(&m, ROLE_WORKER);
	put_u16(&m, 1);
	m.fd = peer[1];
	say(&parent, &m);
	policy_tell();
	msg_new(&m, IMSG_START, 0);
	say(&parent, &m);
	hear_that(&parent, IMSG_READY);
	chan_init(&worker, peer[0], ROLE_WORKER, ROLE_RESOLVER, 1);
	worker.state = S_RUN;
}

/* The CPU time of the resolver until now, in us. */
uint64_t
worker_cpu(void)
{
	clockid_t	 clock;

	if (clock_getcpuclockid(resolver, &clock) != 0)
		fatalx("no CPU time of the resolver");
	return (clock_usec(clock));
}

/* It leaves when nobody needs it. */
void
worker_close(void)
{
	chan_close(&worker);
	chan_close(&parent);
	(void)waitpid(resolver, NULL, 0);
}

/* Many of these may be open. */
void
worker_ask(const struct conn_key *key)
{
	struct msg	 m;

	msg_new(&m, IMSG_LOOKUP, ++cookie);
	put_endpoint(&m, &key->client);
	put_endpoint(&m, &key->server);
	put_u64(&m, clock_usec(CLOCK_MONOTONIC));
	say(&worker, &m);
}

/*
 * The next answer: true if it names a process.  Where a machine has so much
 * else to do that a question gets too old, there is none.
 */
int
worker_answer(void)
{
	struct owner	*o;
	struct msg	 m;
	int		 rv;

	hear(&worker, &m);
	if (m.type != IMSG_ANSWER || (o = get_owner(&m)) == NULL)
		fatalx("nonsense from the resolver");
	if (o->verdict != E_OWNED && o->reason != R_TIMEOUT)
		fatalx("the resolver: %s, %s", verdict_names[o->verdict],
		    reason_names[o->reason]);
	rv = o->pid != NO_PID;
	free(o);
	return (rv);
}
