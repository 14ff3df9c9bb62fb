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
	time_t			 started;
	uint32_t		 restarts;
	unsigned int		 delay;		/* s, before the next life */
	time_t			 deaths[6];	/* the last ones, a ring */
	int			 parked;	/* will not live again */
	struct event		 timer;		/* boot's end; next life */
	uint64_t		 counters[STAT_MAX];
	int			 counting;	/* asked for its counters */
};
TAILQ_HEAD(procs, proc);

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
void	 peers_stats(void);
void	 peers_policy(struct proc *);
void	 peers_result(uint32_t, int, const char *);

/* load.c */
void	 load_init(struct parent *);
void	 load_start(struct policy *);
void	 load_reload(int, uint32_t);
int	 load_settled(void);
void	 load_pump(void);
void	 load_idof(struct proc *, uint32_t, enum presence,
	    const struct range *, size_t);
void	 load_lost(const struct proc *);
void	 load_acked(void);

/* listen.c */
void	 listen_lock(const char *);
void	 listen_locked(void);
int	 listen_bind(const struct listener *, int);
int	 listen_drain(const char *);
void	 listen_unlink(const struct listener *);
void	 chroot_make(const char *);

#endif
