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
 * What the parent can't be told of: a child that hangs, and a socket that one
 * of them has shut down for all.  Looked at once in a while.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

/*
 * Turns that a child may take to answer.  Turns and not seconds: while we are
 * stopped ourselves none goes by, so that nobody else is to blame for that.
 * A directory server can keep names for long, and nobody waits for it; but
 * this long means that its module hangs for good.
 */
#define TURN		1	/* s */
#define PATIENCE	5
#ifndef NAMES_PATIENCE
#define NAMES_PATIENCE	60
#endif

static struct parent	*env;
static struct event	 timer;

static void	 cb_watch(int, short, void *);

static void
watch_next(void)
{
	struct timeval	 tv = { TURN, 0 };

	timer_add(&timer, &tv);
}

void
watch_init(struct parent *parent)
{
	env = parent;
	evtimer_set(&timer, cb_watch, NULL);
	watch_next();
}

static void
ask(struct proc *p)
{
	struct msg	 m;

	msg_new(&m, IMSG_PING, 0);
	if (peer_send(&p->peer, &m) == 0)
		p->asked = 1;
}

/* It answered.  Returns -1 if it was not asked. */
int
watch_answer(struct proc *p)
{
	if (p->asked == 0)
		return (-1);
	p->asked = 0;
	return (0);
}

/*
 * Whoever has a listening socket can spoil it for all who share it: make it
 * block, let nobody wait in it, or end it.  The first two are put right; for
 * the last there is a new one, and new children who listen there, for it was
 * one of the old ones, and nobody knows which.  They end before that: one that
 * listens once more on the old one would have its address.  If it has it still,
 * it is gone at the next turn.
 */
static void
mend(int *fd, const struct listener *l, int type, enum role role)
{
	struct proc	*p;
	int		 new;

	if (!socket_shut(*fd)) {
		(void)listen_mend(*fd);
		return;
	}
	log_warnx("a %s has shut its socket down: it gets a new one",
	    role_names[role]);
	TAILQ_FOREACH(p, &env->procs, next)
		if (p->role == role && p->pid != 0)
			proc_kill(p, "is replaced");
	if ((new = listen_bind(l, type)) == -1)
		return;
	close(*fd);
	*fd = new;
	if (listen_locked() == -1)
		log_warn("lock");
}

/* Also when a child died: it may have, because the socket did. */
void
watch_sockets(void)
{
	mend(&env->listen_fd, &env->conf->listen, SOCK_STREAM, ROLE_WORKER);
	mend(&env->control_fd, &env->conf->control, SOCK_SEQPACKET,
	    ROLE_CONTROL);
}

static void
cb_watch(int fd, short event, void *arg)
{
	static time_t	 last;
	struct proc	*p;

	(void)fd;
	(void)event;
	(void)arg;
	if (env->stopping)
		return;
	/* Without memory for the timer that comes again at once. */
	if (uptime() == last) {
		watch_next();
		return;
	}
	last = uptime();
	TAILQ_FOREACH(p, &env->procs, next) {
		if (!proc_running(p))
			continue;
		if (p->asked == 0)
			ask(p);
		else if (p->asked++ >= (p->role == ROLE_NAMES ?
		    NAMES_PATIENCE : PATIENCE))
			proc_kill(p, "does not answer: killing it");
	}
	watch_sockets();
	watch_next();
}
