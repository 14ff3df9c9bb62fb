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
 * The contract between owner.c, which decides, and the backend, which knows
 * one operating system.  A backend never guesses: what it can't know it
 * leaves out.
 */

#ifndef OS_H
#define OS_H

#include "sysuser.h"

enum sock_state {
	SOCK_OWNED,		/* the kernel names its owner */
	SOCK_ORPHAN,		/* owner known, but no process has it */
	SOCK_FORGOTTEN,		/* there, but the owner is lost */
	SOCK_NONE,		/* no such connection */
	SOCK_SEVERAL,		/* of this host, and not to be told apart */
	SOCK_DENIED, SOCK_UNSUPPORTED, SOCK_FAILED
};

/* One end of a connection as the kernel keeps it. */
struct sock {
	enum sock_state		 state;
	uint32_t		 uid;		/* OWNED and ORPHAN, if known */
	uint64_t		 inode;		/* what processes hold */
	uint64_t		 cookie;	/* never reused */
	uint64_t		 cgroup;	/* where it was made, or 0 */
	uint32_t		 ifindex;	/* it was asked for on that one */
	uint32_t		 bound;		/* interface it is bound to, or 0 */
	int			 established;	/* neither side has closed */
	int			 fin_seen;	/* knows that the other closed */
	int			 fin_acked;	/* has closed; the other knows */
	int			 listening;	/* NONE: but one listens here */
	int			 attempt;	/* NONE: but one tries to connect */
	struct conn_key		 key;		/* by which holders() finds it,
						   where it has no inode */
};

/*
 * A process that holds a socket, or opened it; below start are notes of
 * the backend.
 */
struct holder {
	uint32_t		 pid;
	uint32_t		 uid;		/* effective, now */
	uint64_t		 start;		/* with pid: unique for ever */
	uint64_t		 inode;		/* of the socket it holds */
	uint32_t		 tid;		/* the one thread, or 0: all */
	enum source		 source;	/* how it was found */
	int			 fd;		/* where, or -1: not seen */
	struct conn_key		 key;		/* of a socket without inode */
	int			 opener;	/* need not hold it, if it is
						   still this program file: */
	uint64_t		 exe, exe_dev;
	uint64_t		 pidfd;		/* inode of its pidfds, or 0 */
};
#define MAX_HOLDERS	64

/*
 * What was remembered of a connection when it was made, for as long as the
 * MTA has its end open.
 */
struct record {
	int			 lost;		/* somebody's, and no more is
						   known */
	uint64_t		 client;	/* cookies of both ends */
	uint64_t		 server;	/* 0: the MTA has closed it */
	int			 shared;	/* the MTA has another end open,
						   of an earlier connection */
	uint64_t		 since;		/* CLOCK_MONOTONIC in usec, */
	uint64_t		 age;		/* and how long ago that is */
	struct endpoint		 source;	/* both ends as the client */
	struct endpoint		 target;	/* knows them */
	int			 ours;		/* in our network namespace */
	int			 timely;	/* the MTA's end heard its clock */
	int			 again;		/* its socket was connected before */
	uint32_t		 uid;		/* of the socket */
	uint32_t		 login;		/* of the process, as below */
	uint64_t		 cgroup;	/* likewise, or 0 */
	struct holder		 opener;
	char			 program[MAX_NAME + 2];
};

/* How long a search for holders may take. */
struct budget {
	uint32_t		 usec;		/* 0: don't search */
	int			(*busy)(void *);/* true: somebody waits, and one
						   holder is enough */
	void			*arg;
};

/*
 * What is found out, with room for its texts, each one byte longer than may
 * be shown, so that a cut can be seen.  The caller says in want which texts
 * of the process it has a use for.  It should not ask for T_CMDLINE without
 * need: that is read from memory of the process, which can make a reader wait.
 */
struct found {
	struct owner		 owner;
	uint32_t		 want;		/* bits 1 << enum text */
	uint32_t		 holder_uid;	/* of owner.pid */
	uint64_t		 asked;		/* when, CLOCK_MONOTONIC in usec */
	struct record		 record;	/* if recorded */
	int			 recorded;
	char			 program[MAX_NAME + 2];
	char			 exe[MAX_PATH + 2];
	char			 cwd[MAX_PATH + 2];
	char			 unit[MAX_PATH + 2];
	char			 container[MAX_PATH + 2];
	char			 cmdline[MAX_PATH + 2];
};

#define AHEAD_MAX	24		/* questions announced together */

struct os_ops {
	const char	*name;
	const char	*dir;		/* to chroot to, or NULL */
	int		 keep;		/* for privdrop() */

	/* As root, before the drop: open what can't be opened later. */
	void		(*open)(void);

	/*
	 * Record connections to these ports, or with B_PROC none.  Returns
	 * NULL, or in words why that can't be.  NULL: there is no record.
	 */
	const char	*(*watch)(enum backend, const struct range *, size_t);

	/* What was recorded of the connection, or -1: nothing. */
	int		(*record)(const struct conn_key *, struct record *);

	/*
	 * True if that is still recorded, and surely no later connection of
	 * these ends went unrecorded.
	 */
	int		(*complete)(const struct conn_key *,
			    const struct record *);

	/* Fill in unit and container of a process that has ended. */
	void		(*group)(const struct record *, struct found *);

	/* After the drop: what can be known here, bits 1 << enum can. */
	uint32_t	(*check)(void);

	/*
	 * The client's end of the connection.  With :: or 0.0.0.0 and port 0
	 * for a server: whether a socket listens at the client's end.
	 */
	void		(*sock)(const struct conn_key *, struct sock *);

	/*
	 * These will be asked for by sock(), in this order, now: the kernel
	 * may be asked for all of them at once, AHEAD_MAX at most.  With none,
	 * what was not asked for after all is not good any more.  Or NULL.
	 */
	void		(*ahead)(const struct conn_key *, size_t);

	/* True if the connection still has this very socket. */
	int		(*same)(const struct conn_key *, const struct sock *);

	/* 1: an address of this host's own; 0: not; -1: can't tell. */
	int		(*local)(const struct endpoint *);

	/*
	 * The processes that hold the socket, those of its uid first, the
	 * newest first, as far as the budget goes.  Returns how many were
	 * found; of more than MAX_HOLDERS only the first are filled in.
	 */
	size_t		(*holders)(const struct sock *, const struct budget *,
			    struct holder[MAX_HOLDERS]);

	/*
	 * Fill in what a process says and what is known of it.  Returns -1 if
	 * it is not, or no longer, the process that the holder names.
	 */
	int		(*process)(const struct holder *, struct found *);

	/* An answer is out: what could wait until then.  Or NULL. */
	void		(*rest)(void);
};

extern const struct os_ops os_native;

#endif
