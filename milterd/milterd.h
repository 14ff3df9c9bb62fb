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

#ifndef MILTERD_H
#define MILTERD_H

#include <libmilter/mfapi.h>
#include <pthread.h>

#include "sysuser.h"

/*
 * A question to the resolver, part of a session.  All of it belongs to
 * link.c's lock until owner is taken.
 */
struct ask {
	TAILQ_ENTRY(ask)	 unsent;
	struct conn_key		 key;
	uint32_t		 cookie;
	uint64_t		 asked;		/* us, monotonic */
	enum { ASK_NONE, ASK_UNSENT, ASK_SENT, ASK_DONE } state;
	int			 again;		/* asked a second resolver */
	struct timespec		 deadline;	/* monotonic */
	pthread_cond_t		 cond;
	struct owner		*owner;		/* when done */
};

/* What is to be done with one message. */
struct decision {
	enum action		 action;
	const struct rule	*rule;		/* or NULL: none matched */
};

/* One connection of the MTA: one SMTP session. */
struct session {
	struct policy		*policy;	/* the same from first to last */
	struct ask		 ask;
	struct owner		*owner;		/* NULL: nobody to name */
	int			 asked;		/* it may be of this host */
	int			 idle;		/* the MTA is too old for us */

	/* The message, from MAIL to its end. */
	char			*sender;
	unsigned int		 recipients;
	int			 copies;	/* of our header that came */
	struct decision		 decision;
};

/* callbacks.c */
extern struct smfiDesc	 callbacks;

/* header.c */
char	*header_value(const struct policy *, const struct owner *);
int	 owner_line(char *, size_t, const struct fields *,
	    const struct owner *, const char *);

/* link.c */
void	 link_init(void);
int	 link_peer(int);
void	 link_policy(struct policy *);
struct policy *policy_ref(void);
void	 policy_unref(struct policy *);
void	 link_ask(struct ask *, const struct conn_key *, uint32_t);
struct owner *link_wait(struct ask *);
void	 link_cancel(struct ask *);
void	 count(enum counter, int64_t);
void	 counters_get(uint64_t[STAT_MAX]);

/* listen_*.c */
void	 listen_prepare(int, const char *);
int	 listen_adopt(int);

/* policy.c */
struct decision policy_decide(const struct policy *, const struct owner *);
int	 policy_reply(const struct decision *, const struct owner *, char *,
	    size_t);

/* session.c */
struct session *session_new(void);
void	 session_free(struct session *);
void	 session_renew(struct session *);
void	 message_reset(struct session *);

#endif
