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
 * A kernel that is a list of lines: sockets, processes and what goes wrong.
 * freebsd.c and openbsd.c, beside this, tell it to a backend as the kernel of
 * that system would.
 *
 *	tcp ID LADDR LPORT FADDR FPORT [key=value ...]	a socket
 *		uid=N		who made it; by default 0
 *		state=N		TCPS_ of it; by default 4, established
 *		queued=1	nobody has accepted it
 *		accepted=1	it was not made with connect(2)
 *		detached=1	there is no socket any more, only its pcb
 *		closed=1	no process has it
 *		mapped=1	IPv4, from a socket of IPv6
 *		table=N		its routing table
 *	proc PID [key=value ...]			a process
 *		uid=N ruid=N start=N jid=N comm=TEXT exe=TEXT cwd=TEXT args=TEXT
 *		kernel=1	one of the kernel's own
 *		fd=ID		it has that socket; as often as need be
 *	addr ADDR	of an interface
 *	jails N		there are so many
 *	deny WHAT	EPERM for it: cred, pcbs, files, fds
 *	lie WHAT	records of another size or version
 *	cut WHAT N	so many bytes are missing at the end
 *	grow N		FreeBSD: no list fits into less than N bytes; OpenBSD:
 *			the next N lists have grown since their size was told
 *	gone ID, gone PID	take away a socket or a process
 *	when N LINE	LINE becomes true before the Nth question from now
 */

#ifndef KERNEL_H
#define KERNEL_H

#include "sysuser.h"

#define KFDS	8

struct ksock {
	TAILQ_ENTRY(ksock)	 next;
	uint32_t		 id;
	struct conn_key		 key;
	uint32_t		 uid, state, table;
	uint32_t		 queued, accepted, detached, closed, mapped;
	uint64_t		 gencnt;	/* each one its own */
};
TAILQ_HEAD(ksocks, ksock);

struct kproc {
	TAILQ_ENTRY(kproc)	 next;
	uint32_t		 pid, uid, ruid, start, jid, kernel;
	char			 comm[64], exe[512], cwd[512], args[64];
	uint32_t		 fds[KFDS];
	size_t			 nfds;
};
TAILQ_HEAD(kprocs, kproc);

enum kwhat { K_CRED, K_PCBS, K_FILES, K_FDS, K_PROC, K_MAX };

struct kernel {
	struct ksocks		 socks;
	struct kprocs		 procs;
	struct endpoint		 addrs[8];
	size_t			 naddrs;
	uint32_t		 jails;
	int			 deny[K_MAX], lie[K_MAX];
	uint32_t		 cut[K_MAX];
	uint32_t		 grow;		/* of the next list */
	uint32_t		 questions;	/* so far */
	struct { uint32_t at; char line[256]; } when[8];
	size_t			 nwhen;
	int			 empty;		/* there was an empty reply */
	struct {
		uint8_t		*data;
		size_t		 len, size;
		size_t		 max;		/* OpenBSD: that the caller
						   has a use for */
	}			 out;		/* a reply that is made */
};

extern struct kernel	 kernel;

void	 kernel_reset(void);
void	 kernel_line(const char *);
void	 kernel_asked(void);
void	 kernel_put(const void *, size_t);
const struct ksock *kernel_sock(uint32_t);
const struct kproc *kernel_proc(uint32_t);

#endif
