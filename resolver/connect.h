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
 * What connect.bpf.c remembers, and bpf.c reads.  Without holes: the kernel
 * compares and copies bytes.
 */

#ifndef CONNECT_H
#define CONNECT_H

#include <linux/types.h>

/* Who called connect(2). */
struct opened {
	__u64	 cookie;	/* of the client's socket */
	__u64	 start;		/* of the process, ns since boot */
	__u64	 pidfd_inode;	/* of its pidfds, or 0 before Linux 6.9 */
	__u64	 exe_inode;
	__u32	 exe_dev;	/* as the kernel writes it: 12 + 20 bits */
	__u32	 pid;		/* of the process, not the thread; here */
	__u32	 uid;		/* of the socket */
	__u32	 euid;		/* of the process */
	__u32	 login;		/* audit's, or 4294967295 */
	__u32	 clock;		/* what its timestamps are ahead of ours, ms */
	__u16	 port;		/* of its ends, in network order: its own */
	__u16	 peer_port;	/* and the other one, as it knows them; */
	__u8	 ours;		/* in the MTA's network namespace; */
	__u8	 again;		/* the socket had a connection before */
	__u16	 lost;		/* it is not known who it was */
	__u64	 cgroup;	/* its id in the hierarchy of version 2 */
	char	 program[16];	/* comm of the thread */
	__u8	 addr[16];	/* of its ends, likewise */
	__u8	 peer[16];
};

/* A connection as the MTA's end of it says; IPv4 as ::ffff:. */
struct tuple {
	__u8	 client[16];
	__u8	 server[16];
	__u16	 client_port;	/* both in network order */
	__u16	 server_port;
};

/*
 * Tuples that share a lock share what becomes of it.  A sum, for the verifier
 * of Linux 6.1 knows no bounds of an exclusive or.
 */
#define TUPLE_LOCKS	65536

static inline __u32
tuple_hash(const struct tuple *t)
{
	return ((t->client_port + (t->client_port >> 8) + t->client[15]) %
	    TUPLE_LOCKS);
}

/* The initial sequence numbers of both ends, as each end knows them. */
struct isns {
	__u32	 client;
	__u32	 server;
};

/* One of the MTA's connections. */
struct session {
	struct opened	 opened;
	__u64		 server;	/* cookie of the MTA's end, 0: gone */
	__u64		 since;		/* CLOCK_MONOTONIC, ns */
	__u64		 others;	/* earlier ends of this tuple that the
					   MTA has not closed */
	__u64		 timely;	/* the MTA hears that client's clock */
	__u64		 first;		/* cookie of the first end counted here */
};

#endif
