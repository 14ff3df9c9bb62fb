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
 * What the parent tells its children and hears from them.  They are less
 * trusted, all of them: whatever one sends costs that one its life at worst.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

#define COUNT_TIME	500	/* ms, that a status waits for counters */
#define WAITING_MAX	64	/* questions for a status at a time */
#define SAVING_MAX	1000	/* clients of control that wait for a write */
#define SAVE_PAUSE	1000000	/* us, between writes of the blocks, */
#define SAVE_AHEAD	(15 * SAVE_PAUSE)	/* but for some in a row */
#define CONTROL_QUEUE	8192	/* packets, that control does not read */
#define FILE_SHOWN	1000	/* bytes of a table's file name */

static struct parent	*env;

/* Who talks to whom: the client first, who lives by the server's answers. */
static const struct {
	enum role	 client, server;
} edges[] = {
	{ ROLE_WORKER,	ROLE_RESOLVER },
	{ ROLE_CONTROL,	ROLE_RESOLVER },
	{ ROLE_WORKER,	ROLE_CONTROL },
	{ ROLE_RESOLVER, ROLE_NAMES },
};

/* Those who wait until the children have told their counters. */
static struct {
	uint32_t	 ids[WAITING_MAX];
	size_t		 n;
	int		 log;		/* SIGUSR1 waits as well */
	struct event	 timer;
} waiting;

/*
 * Requests to save a block, which are in memory and not yet on the disk.
 * control is not to keep the disk and us busy: the whole file is written once
 * a second on average.  An administrator who has a few of them does not wait.
 */
static struct {
	uint32_t	 ids[SAVING_MAX];
	size_t		 n;
	uint64_t	 due;		/* us: by then, as many as there were
					   would have been one a second */
	struct event	 timer;
} saving;

static int	 on_hello(struct peer *, struct msg *);
static int	 on_ready(struct peer *, struct msg *);
static int	 on_pong(struct peer *, struct msg *);
static int	 on_dropped(struct peer *, struct msg *);
static int	 on_conf_ack(struct peer *, struct msg *);
static int	 on_idof(struct peer *, struct msg *);
static int	 on_stats(struct peer *, struct msg *);
static int	 on_procs(struct peer *, struct msg *);
static int	 on_tables(struct peer *, struct msg *);
static int	 on_userid(struct peer *, struct msg *);
static int	 on_save(struct peer *, struct msg *);
static int	 on_reload(struct peer *, struct msg *);
static int	 on_stop(struct peer *, struct msg *);
static void	 cb_counted(int, short, void *);
static void	 cb_saved(int, short, void *);

const struct handler parent_handlers[] = {
	{ IMSG_HELLO,		on_hello },
	{ IMSG_READY,		on_ready },
	{ IMSG_PONG,		on_pong },
	{ IMSG_DROPPED,		on_dropped },
	{ IMSG_CONF_ACK,	on_conf_ack },
	{ IMSG_IDOF,		on_idof },
	{ IMSG_STATS,		on_stats },
	{ IMSG_PROCS,		on_procs },
	{ IMSG_TABLES,		on_tables },
	{ IMSG_USERID,		on_userid },
	{ IMSG_SAVE,		on_save },
	{ IMSG_RELOAD,		on_reload },
	{ IMSG_STOP,		on_stop },
	{ IMSG_MAX,		NULL }
};

void
peers_init(struct parent *parent)
{
	env = parent;
	evtimer_set(&waiting.timer, cb_counted, NULL);
	evtimer_set(&saving.timer, cb_saved, NULL);
}

/* The channel is closed, or not worth keeping. */
void
peers_gone(struct peer *peer, const char *why)
{
	struct proc	*p = peer->arg;

	if (env->stopping)
		return;
	if (why != NULL)
		proc_kill(p, "is no good: killing it");
	else if (p->pid != 0)
		(void)kill(p->pid, SIGKILL);	/* most likely it is dead */
}

/* Send a message with a duplicate of a descriptor that stays ours. */
static void
send_fd(struct proc *p, struct msg *m, int fd)
{
	if ((m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 5)) == -1)
		log_warn("dup");
	else if (peer_send(&p->peer, m) == -1)
		log_warn("send");
}

static int
send_peer(struct proc *to, const struct proc *other, int fd)
{
	struct msg	 m;

	msg_new(&m, IMSG_PEER, other->life);
	m.fd = fd;
	put_u8(&m, other->role);
	put_u16(&m, other->instance);
	return (peer_send(&to->peer, &m));
}

/* Join the two by a new channel, if they are to talk to each other. */
static void
join(struct proc *a, struct proc *b)
{
	int	 pair[2];
	size_t	 i;

	for (i = 0; i < NITEMS(edges); i++)
		if ((a->role == edges[i].client && b->role == edges[i].server) ||
		    (b->role == edges[i].client && a->role == edges[i].server))
			break;
	if (i == NITEMS(edges))
		return;
	if (chan_pair(pair) == -1) {
		log_warn("socketpair");
		peer_drop(&a->peer, "no channel for it");
		return;
	}
	if (send_peer(a, b, pair[0]) == -1)
		peer_missed(&a->peer);
	if (send_peer(b, a, pair[1]) == -1)
		peer_missed(&b->peer);
}

static int
policy_message(struct msg *m, void *arg)
{
	return (peer_send(arg, m));
}

/* The items are counted first, so that BEGIN can announce them. */
static int
policy_count(struct msg *m, void *arg)
{
	(void)m;
	(void)arg;
	return (0);
}

/*
 * Send a child the policy in force, if it gets one at all.  Its queue has room
 * for one: who has not yet acknowledged the last one gets this one, or what is
 * in force by then, when he has.
 */
void
peers_policy(struct proc *p)
{
	const struct policy	*policy = env->conf->policy;
	struct msg		 m;
	int			 n;

	if ((p->role != ROLE_WORKER && p->role != ROLE_RESOLVER) ||
	    !p->peer.open)
		return;
	p->stale = p->unacked;
	if (p->stale)
		return;
	n = policy_send(policy, p->role, policy_count, NULL);
	msg_new(&m, IMSG_CONF_BEGIN, 0);
	put_u32(&m, policy->generation);
	put_u32(&m, n);
	if (peer_send(&p->peer, &m) == -1 ||
	    policy_send(policy, p->role, policy_message, &p->peer) == -1)
		goto fail;
	msg_new(&m, IMSG_CONF_END, 0);
	put_u32(&m, policy->generation);
	if (peer_send(&p->peer, &m) == -1)
		goto fail;
	p->unacked = 1;
	return;
fail:
	peer_missed(&p->peer);
}

static void
send_listener(struct proc *p, uint16_t index, int fd)
{
	struct msg	 m;

	msg_new(&m, IMSG_LISTEN, 0);
	put_u16(&m, index);
	send_fd(p, &m, fd);
}

/* Who is blocked, as the last control knew it. */
static void
send_blocks(struct proc *p)
{
	struct block	*b;
	struct msg	 m;

	for (b = state_next(NULL); b != NULL; b = state_next(b)) {
		msg_new(&m, IMSG_SAVED, 0);
		put_str(&m, b->name);
		put_u8(&m, b->known);
		put_u32(&m, b->uid);
		put_u64(&m, b->expires);
		if (peer_send(&p->peer, &m) == -1) {
			peer_missed(&p->peer);
			return;
		}
	}
}

/* Give all who said HELLO what they need to START, if it is there. */
void
peers_feed(void)
{
	struct proc	*p;
	struct msg	 m;

	TAILQ_FOREACH(p, &env->procs, next) {
		if (!p->hello || p->fed || !p->peer.open)
			continue;
		if (p->role == ROLE_WORKER && !load_settled())
			continue;
		if (p->role == ROLE_WORKER) {
			send_listener(p, 0, env->listen_fd);
			send_listener(p, 1, env->drain_fd);
		} else if (p->role == ROLE_CONTROL)
			send_listener(p, 0, env->control_fd);
		peers_policy(p);
		if (!p->peer.open)
			continue;
		msg_new(&m, IMSG_START, 0);
		(void)peer_send(&p->peer, &m);
		p->fed = 1;
	}
}

static int
on_hello(struct peer *peer, struct msg *m)
{
	struct proc	*o, *p = peer->arg;
	uint32_t	 version = get_u32(m), pid = get_u32(m);

	if (msg_end(m) == -1 || pid != (uint32_t)p->pid)
		return (-1);
	if (version != PROTOCOL_VERSION) {
		log_warnx("%s is of another version: install all programs "
		    "anew, and restart", role_names[p->role]);
		return (-1);
	}
	p->hello = 1;
	/* Before it meets workers, who learn from it who is blocked. */
	if (p->role == ROLE_CONTROL)
		send_blocks(p);
	TAILQ_FOREACH(o, &env->procs, next)
		if (o != p && o->hello && o->peer.open)
			join(p, o);
	peers_feed();
	return (0);
}

static int
on_ready(struct peer *peer, struct msg *m)
{
	struct proc	*p = peer->arg;
	uint32_t	 protections = get_u32(m);

	if (msg_end(m) == -1 || !p->fed || protections >> PROT_MAX != 0)
		return (-1);
	if (guard_ready(p, protections) == -1) {
		peer_drop(peer, "is not protected");
		return (0);
	}
	peer->chan.state = S_RUN;
	(void)evtimer_del(&p->timer);
	if (p->role == ROLE_CONTROL && p->restarts > 0)
		log_warnx("control was restarted: what limits had counted is "
		    "lost, they begin anew");
	load_pump();
	ask_pump();
	parent_step(env);
	return (0);
}

static int
on_pong(struct peer *peer, struct msg *m)
{
	return (msg_end(m) == -1 ? -1 : watch_answer(peer->arg));
}

/*
 * From a resolver or a control that does not listen to another child any more,
 * in the life that it was told of: that one needs a new life.
 */
static int
on_dropped(struct peer *peer, struct msg *m)
{
	struct proc	*o, *p = peer->arg;
	enum role	 role = get_u8(m);
	unsigned int	 instance = get_u16(m);
	char		 why[64];

	if (msg_end(m) == -1 || (role != ROLE_WORKER &&
	    (p->role != ROLE_RESOLVER || (role != ROLE_NAMES &&
	    role != ROLE_CONTROL))))
		return (-1);
	TAILQ_FOREACH(o, &env->procs, next)
		if (o->role == role && o->instance == instance &&
		    o->life == m->id && o->pid != 0)
			break;
	if (o != NULL) {
		(void)snprintf(why, sizeof(why), "was dropped by %s: killing "
		    "it", role_names[p->role]);
		proc_kill(o, why);
	}
	return (0);
}

static int
on_conf_ack(struct peer *peer, struct msg *m)
{
	struct proc	*p = peer->arg;
	uint32_t	 generation = get_u32(m), error = get_u32(m);

	if (msg_end(m) == -1)
		return (-1);
	if (error != 0)
		return (-1);	/* what we sent was right: it is ill */
	if (!p->unacked)
		return (-1);
	p->unacked = 0;
	p->generation = generation;
	if (p->stale)
		peers_policy(p);
	load_acked();
	return (0);
}

static int
on_idof(struct peer *peer, struct msg *m)
{
	struct range	 ranges[1 + MAX_SUBUIDS];
	enum presence	 found;
	size_t		 n;

	if ((n = get_ids(m, &found, ranges)) == 0)
		return (-1);
	if (m->id & ASK_ID)
		ask_idof(peer->arg, m->id, found, ranges, n);
	else
		load_idof(peer->arg, m->id, found, ranges, n);
	return (0);
}

/* To control, unless it is away: who asked it is then, too. */
void
peers_control(struct msg *m)
{
	struct proc	*p;

	TAILQ_FOREACH(p, &env->procs, next) {
		if (p->role != ROLE_CONTROL || !proc_running(p))
			continue;
		(void)peer_send(&p->peer, m);
		/* It may ask for more than it ever reads. */
		if (p->peer.chan.queued > CONTROL_QUEUE)
			peer_drop(&p->peer, "does not read");
	}
}

/* An answer to control, which hands it to its client. */
void
peers_result(uint32_t id, int error, const char *text)
{
	struct msg	 m;
	char		 cut[STR_MAX];

	(void)strlcpy(cut, text, sizeof(cut));
	msg_new(&m, IMSG_RESULT, id);
	put_u32(&m, error);
	put_str(&m, cut);
	peers_control(&m);
}

static void
send_proc(uint32_t id, const struct proc *p)
{
	const uint32_t	 protections = p == NULL ? env->protections :
			    p->protections;
	struct msg	 m;
	size_t		 i;

	msg_new(&m, IMSG_PROC, id);
	put_u8(&m, p == NULL ? ROLE_PARENT : p->role);
	put_u16(&m, p == NULL ? 0 : p->instance);
	put_u32(&m, p == NULL ? (uint32_t)getpid() : (uint32_t)p->pid);
	put_u32(&m, p == NULL ? 0 : proc_account(p)->uid);
	put_u32(&m, p == NULL ? uptime() - env->started :
	    uptime() - p->started);
	put_u32(&m, p == NULL ? 0 : p->restarts);
	put_u8(&m, p == NULL ? 1 : proc_running(p));
	put_u32(&m, protections);
	put_u32(&m, sandbox_meant(p == NULL ? ROLE_PARENT : p->role) &
	    ~protections);
	for (i = 0; i < STAT_MAX; i++)
		put_u64(&m, p == NULL ? 0 : p->earlier[i] + p->counters[i]);
	peers_control(&m);
}

static void
log_counters(void)
{
	const struct proc	*p;
	uint64_t		 sum[ST_NAMED] = { 0 };
	char			 line[512];
	size_t			 i, n = 0;

	TAILQ_FOREACH(p, &env->procs, next)
		for (i = 0; i < ST_NAMED; i++)
			sum[i] += p->earlier[i] + p->counters[i];
	for (i = 0; i < ST_NAMED && n < sizeof(line); i++)
		n += snprintf(line + n, sizeof(line) - n, " %s=%llu",
		    stat_names[i], (unsigned long long)sum[i]);
	log_info("statistics:%s", line);
}

/* All have told their counters, or have had their time. */
static void
counted(void)
{
	const struct proc	*p;
	size_t			 i;

	(void)evtimer_del(&waiting.timer);
	if (waiting.log)
		log_counters();
	waiting.log = 0;
	for (i = 0; i < waiting.n; i++) {
		send_proc(waiting.ids[i], NULL);
		TAILQ_FOREACH(p, &env->procs, next)
			send_proc(waiting.ids[i], p);
		peers_result(waiting.ids[i], 0, "");
	}
	waiting.n = 0;
}

static void
cb_counted(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	counted();
}

static void
count(void)
{
	struct timeval	 tv = { 0, COUNT_TIME * 1000 };
	struct proc	*p;
	struct msg	 m;

	if (evtimer_pending(&waiting.timer, NULL))
		return;
	TAILQ_FOREACH(p, &env->procs, next) {
		if (p->counting || !proc_running(p) ||
		    (p->role != ROLE_RESOLVER && p->role != ROLE_WORKER))
			continue;
		msg_new(&m, IMSG_STATS_GET, 0);
		if (peer_send(&p->peer, &m) == 0)
			p->counting = 1;
	}
	timer_add(&waiting.timer, &tv);
}

/* SIGUSR1. */
void
peers_stats(void)
{
	waiting.log = 1;
	count();
}

static int
on_stats(struct peer *peer, struct msg *m)
{
	struct proc	*p = peer->arg;
	size_t		 i;

	for (i = 0; i < STAT_MAX; i++)
		p->counters[i] = get_u64(m);
	if (msg_end(m) == -1 || !p->counting)
		return (-1);
	p->counting = 0;
	TAILQ_FOREACH(p, &env->procs, next)
		if (p->counting && proc_running(p))
			return (0);
	counted();
	return (0);
}

static int
on_procs(struct peer *peer, struct msg *m)
{
	(void)peer;
	if (msg_end(m) == -1)
		return (-1);
	if (waiting.n == WAITING_MAX) {
		peers_result(m->id, EAGAIN, "too many ask at once");
		return (0);
	}
	waiting.ids[waiting.n++] = m->id;
	count();
	return (0);
}

static void
send_table(uint32_t id, const struct table *t)
{
	const struct entry	*e;
	struct msg		 m;
	char			 name[MAX_NAME + 1], file[FILE_SHOWN + 1];
	uint32_t		 entries = 0, unknown = 0;

	TAILQ_FOREACH(e, &t->entries, next) {
		entries += e->known != ENTRY_SUB;
		unknown += e->known <= 0;
	}
	(void)strlcpy(name, t->name, sizeof(name));
	(void)strlcpy(file, t->file != NULL ? t->file : "", sizeof(file));
	msg_new(&m, IMSG_TABLEROW, id);
	put_str(&m, name);
	put_str(&m, file);
	put_u32(&m, entries);
	put_u32(&m, unknown);
	peers_control(&m);
}

static int
on_tables(struct peer *peer, struct msg *m)
{
	const struct table	*t;

	(void)peer;
	if (msg_end(m) == -1)
		return (-1);
	TAILQ_FOREACH(t, &env->conf->policy->tables, next)
		if (t->name != NULL)
			send_table(m->id, t);
	peers_result(m->id, 0, "");
	return (0);
}

static int
on_userid(struct peer *peer, struct msg *m)
{
	char	 name[MAX_ACCOUNT + 1];

	(void)peer;
	get_str(m, name, sizeof(name));
	if (msg_end(m) == -1 || *name == '\0')
		return (-1);
	ask_user(m->id, name);
	return (0);
}

/* What was changed by a lot of requests is written once; at the end, too. */
void
peers_saved(void)
{
	uint64_t	 now, began = clock_usec(CLOCK_MONOTONIC);
	char		 text[STR_MAX];
	size_t		 i;
	int		 error = 0;

	(void)evtimer_del(&saving.timer);
	text[0] = '\0';
	if (state_write() == -1) {
		error = errno;
		log_warn("%s", state_path());
		(void)snprintf(text, sizeof(text), "%s: %s", state_path(),
		    strerror(error));
	}
	for (i = 0; i < saving.n; i++)
		peers_result(saving.ids[i], error, text);
	saving.n = 0;
	now = clock_usec(CLOCK_MONOTONIC);
	if (saving.due < now)
		saving.due = now;
	saving.due += SAVE_PAUSE + (now - began);
}

static void
cb_saved(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	peers_saved();
}

/*
 * Keep a change in memory; it is written when control has no more of them, if
 * it is not too early.  Who asks as 0 wants no answer.
 */
static void
save(uint32_t id)
{
	struct timeval	 tv = { 0, 0 };
	uint64_t	 soon = clock_usec(CLOCK_MONOTONIC) + SAVE_AHEAD;

	if (id != 0)
		saving.ids[saving.n++] = id;
	if (saving.due > soon) {
		tv.tv_sec = (saving.due - soon) / 1000000;
		tv.tv_usec = (saving.due - soon) % 1000000;
	}
	if (!evtimer_pending(&saving.timer, NULL))
		timer_add(&saving.timer, &tv);
}

static int
on_save(struct peer *peer, struct msg *m)
{
	enum table_op	 op = get_u8(m);
	char		 name[MAX_ACCOUNT + 1], text[64];
	uint8_t		 known;
	uint32_t	 uid;
	uint64_t	 expires;
	int		 error;

	(void)peer;
	get_str(m, name, sizeof(name));
	known = get_u8(m);
	uid = get_u32(m);
	expires = get_u64(m);
	if (msg_end(m) == -1 || (op != TABLE_ADD && op != TABLE_DELETE) ||
	    known > 1 || (known && uid == UID_UNKNOWN) ||
	    (*name == '\0' && !known) || expires > INT64_MAX)
		return (-1);
	if (m->id != 0 && saving.n == SAVING_MAX) {
		peers_result(m->id, EAGAIN, "too many changes at once: try "
		    "again");
		return (0);
	}
	if (op == TABLE_DELETE)
		state_delete(name, uid);
	else if (state_set(name, known, uid, expires) == -1) {
		error = errno;
		(void)snprintf(text, sizeof(text), "no room for it beside %d "
		    "others", BLOCKS_MAX);
		peers_result(m->id, error, error == ENOSPC ? text :
		    strerror(error));
		return (0);
	}
	save(m->id);
	return (0);
}

static int
on_reload(struct peer *peer, struct msg *m)
{
	(void)peer;
	if (msg_end(m) == -1)
		return (-1);
	load_reload(1, m->id);
	return (0);
}

static int
on_stop(struct peer *peer, struct msg *m)
{
	(void)peer;
	if (msg_end(m) == -1)
		return (-1);
	peers_result(m->id, 0, "");
	parent_stop(env);
	return (0);
}

/* syslogd is another one than before: children in a chroot can't reconnect. */
void
peers_newlog(void)
{
	struct proc	*p;
	struct msg	 m;
	int		 fd;

	TAILQ_FOREACH(p, &env->procs, next) {
		if (!p->peer.open || (fd = log_connect()) == -1)
			continue;
		msg_new(&m, IMSG_LOGFD, 0);
		m.fd = fd;
		(void)peer_send(&p->peer, &m);
	}
}
