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

/* The program milterd: one worker. */

#include <sys/types.h>
#include <sys/socket.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "milterd.h"

#define DRAIN_TICK	100		/* ms */
#define DRAIN_LEAST	10		/* ticks: a session just accepted is
					   not counted yet */
#define DRAIN_MOST	100		/* ticks */

static struct worker {
	struct incoming	 conf;
	int		 configured;
	int		 listen_fd;
	int		 drain_fd;
	int		 leaving;
	unsigned int	 ticks;		/* of draining */
	struct event	 timer;
} env = { .listen_fd = -1, .drain_fd = -1 };

static void	 cb_drain(int, short, void *);

static int
on_peer(struct peer *parent, struct msg *m)
{
	enum role	 role = get_u8(m);

	(void)parent;
	(void)get_u16(m);
	if (msg_end(m) == -1 ||
	    (role != ROLE_RESOLVER && role != ROLE_CONTROL))
		return (-1);
	return (link_peer(msg_claim_fd(m), role));
}

/* The first is to be listened on, the second takes its place in the end. */
static int
on_listen(struct peer *parent, struct msg *m)
{
	uint16_t	 index = get_u16(m);
	int		*fd = index == 0 ? &env.listen_fd : &env.drain_fd;

	(void)parent;
	if (msg_end(m) == -1 || index > 1 || *fd != -1)
		return (-1);
	*fd = msg_claim_fd(m);
	return (0);
}

static int
on_conf_begin(struct peer *parent, struct msg *m)
{
	(void)parent;
	return (policy_begin(&env.conf, m));
}

static int
on_conf_item(struct peer *parent, struct msg *m)
{
	(void)parent;
	return (policy_item(&env.conf, m));
}

static int
on_conf_end(struct peer *parent, struct msg *m)
{
	struct policy	*p;

	if (policy_end(&env.conf, m, &p) == -1)
		return (-1);
	if (!policy_complete(p)) {
		policy_free(p);
		return (-1);
	}
	(void)smfi_settimeout(p->timeout);
	env.configured = 1;
	child_ack(parent, p->generation);
	link_policy(p);
	return (0);
}

static void *
milter(void *arg)
{
	(void)arg;
	if (smfi_main() != MI_SUCCESS)
		log_warnx("libmilter gave up");
	/* Not the one that asked for an end: start again. */
	_exit(1);
	return (NULL);
}

static int
on_start(struct peer *parent, struct msg *m)
{
	pthread_t	 thread;
	sigset_t	 none;
	uint32_t	 protections;
	int		 error;

	if (msg_end(m) == -1 || env.listen_fd == -1 || env.drain_fd == -1 ||
	    !env.configured)
		return (-1);
	env.listen_fd = listen_adopt(env.listen_fd);
	protections = sandbox_milterd();
	if ((error = pthread_create(&thread, NULL, milter, NULL)) != 0)
		fatalx("pthread_create: %s", strerror(error));
	/*
	 * Signals that we ignore are thrown away only where this thread does
	 * not block them; else libmilter would take them and cut sessions off.
	 */
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
	child_ready(parent, protections);
	return (0);
}

static int
on_stats_get(struct peer *parent, struct msg *m)
{
	struct msg	 reply;
	uint64_t	 counters[STAT_MAX];
	size_t		 i;

	counters_get(counters);
	msg_new(&reply, IMSG_STATS, 0);
	for (i = 0; i < STAT_MAX; i++)
		put_u64(&reply, counters[i]);
	(void)peer_send(parent, &reply);
	return (msg_end(m));
}

static void
tick(void)
{
	struct timeval	 tv = { 0, DRAIN_TICK * 1000 };

	timer_add(&env.timer, &tv);
}

/* Until the open sessions are over, but not for ever. */
static void
cb_drain(int fd, short event, void *arg)
{
	uint64_t	 counters[STAT_MAX];

	(void)fd;
	(void)event;
	(void)arg;
	counters_get(counters);
	env.ticks++;
	if (env.ticks >= DRAIN_MOST ||
	    (env.ticks >= DRAIN_LEAST && counters[ST_SESSIONS] == 0))
		_exit(0);
	tick();
}

/* Take no more sessions, finish those that are open, and go. */
void
worker_leave(void)
{
	if (env.leaving++)
		return;
	if (env.listen_fd == -1 || dup2(env.drain_fd, env.listen_fd) == -1)
		_exit(0);
	evtimer_set(&env.timer, cb_drain, NULL);
	tick();
}

/* The parent closed the channel. */
static void
parent_gone(struct peer *parent, const char *why)
{
	(void)parent;
	if (why != NULL)
		fatalx("the parent makes no sense");
	worker_leave();
}

int
main(int argc, char **argv)
{
	static const struct handler	 handlers[] = {
		{ IMSG_PEER,		on_peer },
		{ IMSG_LISTEN,		on_listen },
		{ IMSG_LOGFD,		on_logfd },
		{ IMSG_CONF_BEGIN,	on_conf_begin },
		{ IMSG_CONF_ITEM,	on_conf_item },
		{ IMSG_CONF_END,	on_conf_end },
		{ IMSG_START,		on_start },
		{ IMSG_PING,		on_ping },
		{ IMSG_STATS_GET,	on_stats_get },
		{ IMSG_MAX,		NULL }
	};
	struct child			 child;
	struct peer			 parent;
	sigset_t			 all;

	child_init(&child, ROLE_WORKER, argc, argv);
	if (smfi_register(callbacks) != MI_SUCCESS)
		fatalx("libmilter is not the one that we were built for: "
		    "build this anew");
	listen_prepare(child.family, child.dir);
	child_drop(&child, KEEP_NOTHING);
	/* Threads inherit this: no signal is anybody's but libmilter's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	link_init();
	child_serve(&child, &parent, handlers, parent_gone);
	link_start();
	setproctitle("worker %u", child.instance);
	(void)event_dispatch();
	return (1);
}
