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

/* What the files of the FreeBSD backend share. */

#ifndef FREEBSD_H
#define FREEBSD_H

#include "bsd.h"

/* What the kernel said, in a buffer that is kept and grows. */
struct reply {
	uint8_t			*data;
	size_t			 size;
	size_t			 len;
};

/* What can be asked; a number may follow. */
enum question {
	ASK_CRED4, ASK_CRED6,	/* whose a connection is, tcp(4) */
	ASK_PCBS,		/* all connections */
	ASK_FILES,		/* all open files of all processes */
	ASK_PROCS,		/* all processes */
	ASK_PROC,		/* of a pid: the process itself */
	ASK_FDS,		/*	its descriptors, its file */
	ASK_ADDRS,		/* addresses of the interfaces */
	ASK_JAILS,		/* how much there is to say of them */
	ASK_MAX
};

/* A connection, as the list of all has it. */
struct tcpconn {
	uint64_t		 so;		/* kernel addresses of the */
	uint64_t		 pcb;		/*	socket and its pcb */
	uint64_t		 gencnt;	/* never given twice */
	uint32_t		 uid;
	int			 state;		/* TCPS_ */
	int			 queued;	/* nobody has accepted it */
};

/* A process of the list of all. */
struct process {
	uint32_t		 pid, uid, ruid;
	int			 jid;		/* 0: in no jail, or in ours */
	int			 kernel;
	uint64_t		 start;		/* us */
	char			 comm[20];
};

#define NO_REPLY	(-2)	/* it could not be asked */
#define BAD_REPLY	(-1)	/* is not what this kernel should say */
#define MANY_FOUND	2	/* more than one, not to be told apart */

/* freebsd_ask.c */
void	 ask_open(void);
int	 ask(enum question, uint32_t, struct reply *);
int	 ask_cred(const struct conn_key *, uint32_t *);
int	 ask_jails(void);

/* freebsd_reply.c */
int	 reply_pcb(const struct reply *, const struct conn_key *,
	    struct tcpconn *);
int	 reply_listens(const struct reply *, const struct endpoint *);
int	 reply_process(const struct reply *, size_t *, struct process *);
int	 reply_file(const struct reply *, size_t *, uint64_t, uint32_t *);
int	 reply_holds(const struct reply *, uint64_t);
int	 reply_path(const struct reply *, int, char *, size_t);
int	 reply_local(const struct reply *, const struct endpoint *);

#endif
