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

TAILQ_HEAD(pendings, pending);

/* An account as names told it, and what its searches have cost us. */
struct account {
	RB_ENTRY(account)	 byuid;
	TAILQ_ENTRY(account)	 byage;
	uint32_t		 uid;
	unsigned int		 refs;		/* pendings that name it */
	char			*name;		/* or NULL */
	char			*owner;		/* whose subordinate it is */
	uint32_t		 owner_uid;
	uint32_t		*groups;
	uint32_t		 ngroups;
	time_t			 told;		/* when; 0: never */
	struct peer		*asked;		/* who, or NULL */
	int			 late;		/* asked, and not in time */
	struct pendings		 waiting;	/* for the name */

	TAILQ_ENTRY(account)	 turn;		/* if searches has some */
	struct pendings		 searches;
	uint64_t		 window;	/* us, when its second began */
	uint32_t		 spent;		/* us of search in it, */
	uint32_t		 leisure;	/* of them with a holder */
	uint64_t		 found;		/* us, when there was one; 0 */
};

/* A lookup whose owner is known, and that waits for more. */
struct pending {
	TAILQ_ENTRY(pending)	 next;		/* all, by deadline */
	TAILQ_ENTRY(pending)	 inname;	/* waiting, of awaits */
	TAILQ_ENTRY(pending)	 insearch;	/* account's searches */
	struct peer		*client;
	uint32_t		 id;
	struct account		*account;	/* of the owner */
	struct account		*holder;	/* of the process, if another */
	struct account		*awaits;	/* one of them, for its name */
	int			 search;	/* waits for its search */
	uint64_t		 asked;		/* us, as the client says */
	uint64_t		 deadline;	/* us */
	struct conn_key		 key;
	struct sock		 sock;
	struct found		 found;
};

/* resolver.c */
extern const struct handler resolver_handlers[];
void	 resolver_init(void);
void	 resolver_gone(struct peer *, const char *);
void	 resolver_reply(struct pending *);
int	 resolver_busy(void);
void	 count(unsigned int);

/* pending.c */
void	 pending_init(void);
void	 pending_patience(uint32_t);
struct pending *pending_new(struct peer *, uint32_t);
int	 pending_holder(struct pending *);
int	 pending_may_search(struct account *);
void	 pending_wait(struct pending *);
void	 pending_free(struct pending *);
void	 pending_named(struct account *);
void	 pending_forget(const struct peer *);

/* names_link.c */
struct account *account_ref(uint32_t);
void	 names_open(int, unsigned int, uint32_t);
int	 names_fresh(struct account *);

#endif
