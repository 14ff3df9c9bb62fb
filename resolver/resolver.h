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

#ifndef RESOLVER_H
#define RESOLVER_H

#include <sys/tree.h>

#include "owner.h"
#include "sysuser.h"

/*
 * An account as names told it, and what its owner has cost us.  Names are
 * never waited for in the middle of things: who waits is in waiting.
 */
struct account {
	RB_ENTRY(account)	 byuid;
	TAILQ_ENTRY(account)	 byage;
	uint32_t		 uid;
	char			*name;		/* or NULL */
	uint32_t		*groups;
	uint32_t		 ngroups;
	time_t			 told;		/* when; 0: never */
	struct peer		*asked;		/* who, or NULL */
	int			 late;		/* asked, and not in time */
	TAILQ_HEAD(, pending)	 waiting;
	struct event		 timer;		/* they wait until then */
	uint64_t		 window;	/* us, its second began */
	uint32_t		 spent;		/* us of search in it */
};

/* An answer that lacks nothing but the name. */
struct pending {
	TAILQ_ENTRY(pending)	 next;
	struct peer		*client;
	uint32_t		 id;
	struct found		 found;
};

/* resolver.c */
extern const struct handler resolver_handlers[];
void	 resolver_gone(struct peer *, const char *);
void	 resolver_reply(struct peer *, uint32_t, struct found *,
	    const struct account *);
uint64_t now_usec(void);

/* names_link.c */
struct account *account_get(uint32_t);
void	 names_open(int, unsigned int);
int	 names_fresh(struct account *);
int	 names_wait(struct account *, struct peer *, uint32_t,
	    const struct found *);
void	 names_forget(const struct peer *);
void	 names_patience(uint32_t);

#endif
