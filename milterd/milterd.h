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

/* Who answers our questions. */
enum server { TO_RESOLVER, TO_CONTROL, SERVERS };

/*
 * A question to one of them, the first part of what it is about.  All of it,
 * the answer too, belongs to link.c's lock until it is done.
 */
struct ask {
	TAILQ_ENTRY(ask)	 unsent;
	enum server		 to;
	uint32_t		 cookie;
	enum { ASK_NONE, ASK_UNSENT, ASK_SENT, ASK_DONE } state;
	int			 again;		/* asked a second process */
	pthread_cond_t		 cond;
};

/* To the resolver: whose is this connection? */
struct lookup {
	struct ask		 ask;
	struct conn_key		 key;
	uint64_t		 asked;		/* us, monotonic */
	struct owner		*owner;		/* the answer */
};

/* To control: may he, as far as this limit goes? */
struct charge {
	struct ask		 ask;
	enum asking		 what;
	const struct rule	*rule;
	const struct owner	*owner;
	uint32_t		 recipients;
	int			 told;		/* the answer is there: */
	int			 over;
	const struct rate	*rate;		/* that is exceeded, */
	uint32_t		 seconds;	/* for so long */
};

/* What is to be done with one message. */
struct decision {
	enum action		 action;
	const struct rule	*rule;		/* or NULL: none matched */
	const struct rule	*limit;		/* that counts it, or NULL */
	uint32_t		 builtin;	/* RULE_* that did it alone */
};

/* What is known of a message when it has come to its end, for people. */
struct ended {
	const struct decision	*decision;
	const struct owner	*owner;
	uint32_t		 recipients;
	const char		*queue;		/* id, or NULL */
	const char		*sender;
	const char		*login;		/* of SMTP AUTH, or NULL */
};

/* One connection of the MTA: one SMTP session. */
struct session {
	struct policy		*policy;	/* the same to the end */
	struct lookup		 lookup;
	struct owner		*owner;		/* NULL: nobody to name */
	int			 asked;		/* it may be of this host */
	int			 unsure;	/* whose end at the MTA is not
						   known: nobody is named */
	int			 idle;		/* the MTA is too old for us */

	/* The message, from MAIL to its end. */
	char			*sender;
	unsigned int		 recipients;
	int			 copies[MAX_HEADERS];	/* of each of ours
							   that came */
	struct decision		 decision;
	struct charge		 charge;
};

/* address.c */
char	*sender_address(const char *, const char *, const char *);

/* blocked.c */
void	 blocked_init(const pthread_condattr_t *);
int	 blocked_change(struct msg *);
int	 blocked(const struct owner *);

/* callbacks.c */
extern struct smfiDesc	 callbacks;

/* header.c */
char	*header_value(const struct header *, const struct owner *);
int	 owner_line(char *, size_t, const struct fields *,
	    const struct owner *, const char *);

/* link.c */
void	 link_init(void);
void	 link_start(void);
void	 deadline_set(struct timespec *, uint32_t);
int	 link_peer(int, enum role);
void	 link_policy(struct policy *);
struct policy *policy_ref(void);
void	 policy_unref(struct policy *);
void	 link_lookup(struct lookup *, const struct conn_key *);
struct owner *link_owner(struct lookup *, uint32_t);
void	 link_cancel(struct lookup *);
int	 link_charge(struct charge *);
void	 link_event(const struct ended *);
void	 count(enum counter, int64_t);
void	 counters_get(uint64_t[STAT_MAX]);

/* listen_*.c */
void	 listen_prepare(int, const char *);
int	 listen_adopt(int);

/* main.c */
void	 worker_leave(void);

/* policy.c */
typedef void (*teller)(const struct rule *, enum outcome, enum matcher, void *);
struct decision policy_decide(const struct policy *, const struct owner *,
	    const char *, teller, void *);
uint32_t policy_number(const struct decision *);
int	 policy_reply(const struct decision *, const struct owner *,
	    const struct charge *, char *, size_t);

/* session.c */
struct session *session_new(void);
void	 session_free(struct session *);
void	 session_renew(struct session *);
void	 message_reset(struct session *);

/* tryout.c */
int	 on_test(struct peer *, struct msg *);

#endif
