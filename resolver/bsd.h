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


/* What the backends for FreeBSD and OpenBSD have in common. */

#ifndef BSD_H
#define BSD_H

#include "os.h"

struct sockaddr_in;
struct sockaddr_in6;

/* A search for holders, under way. */
struct search {
	const struct sock	*sock;
	const struct budget	*budget;
	struct holder		*list;
	size_t			 n;
	uint64_t		 end;		/* us */
};

/* A link-local address, of which there can be one for each interface. */
#define IS_SCOPED(a)	((a)[0] == 0xfe && ((a)[1] & 0xc0) == 0x80)

/* bsd.c */
void	 end_make(struct endpoint *, int, const void *, uint16_t);
void	 end_to_sin(const struct endpoint *, struct sockaddr_in *,
	    struct sockaddr_in6 *);
int	 end_listens(const struct endpoint *, const struct endpoint *);
int	 end_is_sa(const struct endpoint *, const void *, size_t);
int	 end_nowhere(struct conn_key *);
int	 sock_progress(struct sock *, int);
void	 search_begin(struct search *, const struct sock *,
	    const struct budget *, struct holder *);
int	 search_over(const struct search *);
void	 search_add(struct search *, uint32_t, uint32_t, uint64_t);
int	 wants(const struct found *, enum text);
void	 found_program(struct found *, const char *);

#endif
