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
 * Two questions to the Linux kernel: sock_diag(7) about one connection and
 * rtnetlink(7) about one address.  Pure: they build and read buffers.
 */

#ifndef LINUX_DIAG_H
#define LINUX_DIAG_H

#include "os.h"

#define NL_BUFFER	4096		/* longer than any reply */

/* What a reply must repeat. */
struct diag_query {
	uint32_t		 seq;		/* of this question */
	uint32_t		 portid;	/* netlink's name for us */
	uint64_t		 cookie;	/* this very one, or 0 */
	uint32_t		 ifindex;	/* of one bound to it, or 0 */
	struct conn_key		 key;
};

struct route_query {
	uint32_t		 seq;
	uint32_t		 portid;
	struct endpoint		 end;		/* only its address counts */
};

enum nl_reply {
	NL_DONE,				/* the answer is filled in */
	NL_STALE				/* not ours: read on */
};

/* linux_diag.c */
size_t	 diag_request(void *, size_t, const struct diag_query *);
enum nl_reply diag_reply(const void *, size_t, const struct diag_query *,
	    struct sock *);
enum sock_state diag_error(int);
size_t	 route_request(void *, size_t, const struct route_query *);
enum nl_reply route_reply(const void *, size_t, const struct route_query *,
	    int *);

#endif
