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

/* What the parts of control have to say to each other. */

#ifndef CONTROL_H
#define CONTROL_H

#include "sysuser.h"

/* Who is connected to the control socket; each asks one thing at a time. */
struct client {
	struct peer		 peer;
	uid_t			 uid;
	uint32_t		 id;		/* of the open request, or 0 */
	enum imsg		 request;	/* what it asked */
	uint32_t		 its_id;	/* how it calls it */
	int			 monitor;	/* is told of each message */
	uint32_t		 lost;		/* that it was not told of */

	/* block and unblock: what is still to be done before the reply. */
	int			 saving;	/* parent writes the file */
	uint32_t		 sync;		/* workers are to have this */
	time_t			 until;		/* for so long, uptime */
	int			 error;
	char			 text[STR_MAX];	/* of the reply */
};

#define NOT_KEPT	"in force, but perhaps not kept: the parent does not " \
			    "answer"

/* control.c */
extern const struct handler control_handlers[];
void	 control_init(struct peer *);
void	 control_gone(struct peer *, const char *);
int	 control_ask(enum imsg, struct msg *, uint32_t);

/* clients.c */
void	 clients_init(void);
int	 clients_listen(int);
int	 clients_start(void);
void	 clients_stop(void);
struct client *client_find(uint32_t);
void	 client_row(struct client *, struct msg *, enum imsg);
void	 client_end(struct client *, struct msg *, enum imsg);
void	 client_ok(struct client *, const char *);
void	 client_fail(struct client *, int, const char *);
void	 clients_fail(enum imsg, const char *);
void	 clients_settle(int);
void	 monitors_tell(struct msg *, enum imsg);

/* tables.c */
void	 tables_init(void);
int	 tables_saved(struct msg *);
void	 tables_start(void);
int	 tables_userid(struct msg *);
void	 tables_block(struct client *, const char *, uint32_t, uint32_t);
void	 tables_unblock(struct client *, const char *, uint32_t);
void	 tables_show(struct client *);
int	 tables_tell(struct peer *);

/* workers.c */
void	 workers_init(void);
void	 workers_start(void);
int	 worker_open(int, unsigned int, uint32_t);
int	 workers_test(struct msg *, uint32_t);
void	 workers_tell(struct msg *);
uint32_t workers_sync(void);
int	 workers_have(uint32_t);
void	 workers_top(struct client *, unsigned int);

#endif
