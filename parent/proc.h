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

/* The running parent: its children and what it holds for them. */

#ifndef PROC_H
#define PROC_H

#include <sys/tree.h>

#include "parent.h"

/* One child, through all its lives. */
struct proc {
	TAILQ_ENTRY(proc)	 next;
	enum role		 role;
	unsigned int		 instance;
	pid_t			 pid;		/* 0: not running */
	struct peer		 peer;
	int			 hello;		/* said HELLO in this life */
	int			 fed;		/* has had CONF and START */
	uint32_t		 generation;	/* of the policy it acked */
	int			 unacked;	/* the policy that it was sent */
	int			 stale;		/* that is not the last one */
	uint32_t		 life;		/* which one this is */
	time_t			 started;
	uint32_t		 restarts;
	unsigned int		 delay;		/* s, before the next life */
	time_t			 deaths[6];	/* the last ones, a ring */
	int			 parked;	/* will not live again */
	struct event		 timer;		/* boot's end; next life */
	uint64_t		 counters[STAT_MAX];	/* of this life */
	uint64_t		 earlier[STAT_MAX];	/* of the ones before */
	int			 counting;	/* asked for its counters */
	uint32_t		 protections;	/* as it said in READY */
	unsigned int		 asked;		/* turns since PING, or 0 */
};
TAILQ_HEAD(procs, proc);

/* One who is blocked at run time, as it is kept for the next control. */
struct block {
	RB_ENTRY(block)		 entry;
	char			 name[MAX_ACCOUNT + 1];	/* or "": only uid */
	int			 known;		/* uid is */
	uint32_t		 uid;
	uint64_t		 expires;	/* s since 1970, or 0 */
};
#define BLOCKS_MAX	100000

/* In the id of a question to names: it is control's, not the policy's. */
#define ASK_ID		0x80000000U

struct parent {
	struct conf		*conf;		/* in force */
	const char		*file;
	const char		*libexec;	/* absolute */
	int			 debug;
	int			 verbose;
	int			 listen_fd, control_fd;
	int			 drain_fd;	/* nobody connects to it */
	time_t			 started;
	int			 ready;		/* once all were READY */
	int			 stopping;
	uint32_t		 protections;	/* our own */
	struct procs		 procs;
};

/* main.c */
void	 parent_step(struct parent *);
void	 parent_stop(struct parent *);

/* proc.c */
void	 proc_init(struct parent *);
struct proc *proc_add(enum role, unsigned int);
void	 proc_spawn(struct proc *);
void	 proc_kill(struct proc *, const char *);
void	 proc_reap(void);
int	 proc_running(const struct proc *);
const struct account *proc_account(const struct proc *);
const char *proc_name(const struct proc *, char *, size_t);

/* peer.c */
extern const struct handler parent_handlers[];
void	 peers_init(struct parent *);
void	 peers_gone(struct peer *, const char *);
void	 peers_feed(void);
void	 peers_newlog(void);
void	 peers_saved(void);
void	 peers_stats(void);
void	 peers_policy(struct proc *);
void	 peers_control(struct msg *);
void	 peers_result(uint32_t, int, const char *);

/* load.c */
void	 load_init(struct parent *);
void	 load_start(struct policy *);
void	 load_reload(int, uint32_t);
int	 load_settled(void);
struct proc *load_names(void);
void	 load_pump(void);
void	 load_idof(struct proc *, uint32_t, enum presence,
	    const struct range *, size_t);
void	 load_lost(const struct proc *);
void	 load_acked(void);

/* ask.c */
void	 ask_init(struct parent *);
int	 ask_busy(const struct proc *);
void	 ask_pump(void);
void	 ask_user(uint32_t, const char *);
void	 ask_idof(const struct proc *, uint32_t, enum presence,
	    const struct range *, size_t);
void	 ask_lost(const struct proc *);

/* notify.c */
int	 notify_init(void);
void	 notify_start(void);
void	 notify_ready(const char *, ...) PRINTF(1, 2);
void	 notify_status(const char *, ...) PRINTF(1, 2);
void	 notify_reloading(void);
void	 notify_stopping(void);

/* state.c */
void	 state_init(const char *);
void	 state_read(void);
const char *state_path(void);
int	 state_set(const char *, int, uint32_t, uint64_t);
void	 state_delete(const char *, uint32_t);
struct block *state_next(struct block *);
int	 state_write(void);

/* guard.c */
void	 guard_init(struct parent *);
int	 guard_ready(struct proc *, uint32_t);
void	 guard_tell(void);

/* listen.c */
void	 listen_lock(const char *);
int	 listen_locked(void);
int	 listen_bind(const struct listener *, int);
int	 listen_mend(int);
int	 listen_drain(const char *);
void	 listen_unlink(const struct listener *);
void	 chroot_make(const char *);

/* shut_OS.c */
int	 socket_shut(int);

/* watch.c */
void	 watch_init(struct parent *);
int	 watch_answer(struct proc *);
void	 watch_sockets(void);

#endif
