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


/* What the files of sysuserctl(8) share. */

#ifndef CTL_H
#define CTL_H

#include "log.h"
#include "sysuser.h"

#define NAME_TEXT	(3 * MAX_NAME + 8)	/* encoded, with its NUL */
#define PATH_TEXT	(3 * MAX_PATH + 8)
#define ACCOUNT_TEXT	(3 * MAX_ACCOUNT + 8)
#define SPAN_TEXT	24			/* a time or a number */

#define MAXIMUM(a, b)	((a) > (b) ? (a) : (b))
#define FOREVER		-1			/* ms, for receive() */
#define LOOKUP_NEEDS	"two addresses, each with its port"

struct ctl {
	const char		*path;		/* of the socket */
	struct chan		 chan;		/* to the daemon */
	char			 why[STR_MAX + 1]; /* ask_try() failed */
	int			 json;		/* -j */
	int			 failure;	/* exit status of an error */
};
extern struct ctl ctl;

/* One process of the daemon. */
struct process {
	enum role		 role;
	unsigned int		 instance;
	uint32_t		 pid, uid;
	uint32_t		 seconds;	/* since it began */
	uint32_t		 restarts;
	int			 running;
	uint32_t		 protections;	/* bits 1 << that */
	uint32_t		 missing;	/* meant for it */
};

/* What the daemon says of itself. */
struct status {
	struct process		*list;
	size_t			 n, room;
	uint64_t		 total[STAT_MAX];
};

/* sysuserctl.c */
void	 fail(const char *, ...) PRINTF(1, 2) NORETURN;
void	 misuse(const char *, ...) PRINTF(1, 2) NORETURN;
void	 misuse_word(const char *, const char *) NORETURN;
int	 attach(void);
int	 receive(struct msg *, int);
void	 check(struct msg *);
int	 ask_try(struct msg *, enum imsg, void (*)(struct msg *, void *),
	    void *);
void	 ask(struct msg *, enum imsg, void (*)(struct msg *, void *), void *);
uint32_t parse_uid(const char *);
const char *parse_user(const char *, uint32_t *);

/* sender.c */
void	 record_owner(const struct owner *, enum field);
int	 verb_lookup(int, char **);
int	 verb_selftest(int, char **);
int	 verb_test(int, char **);

/* show.c */
int	 status_try(struct status *);
void	 status_get(struct status *);
int	 verb_status(int, char **);
int	 verb_metrics(int, char **);
int	 verb_tables(int, char **);
int	 verb_monitor(int, char **);

/* top.c */
int	 terminal_size(unsigned int *, unsigned int *);
void	 screen_leave(void);
int	 verb_top(int, char **);

/* words.c */
void	 text_user(char *, size_t, uint32_t, const char *);
void	 text_program(char *, size_t, const char *);
void	 text_rule(char *, size_t, uint32_t);
void	 text_plain(char *);
void	 text_cut(char *, size_t);
void	 text_count(char *, size_t, uint64_t);
void	 text_span(char *, size_t, uint32_t);
void	 text_usec(char *, size_t, uint64_t);

/* json.c */
void	 json_open(const char *, char);
void	 json_close(void);
void	 json_null(const char *);
void	 json_bool(const char *, int);
void	 json_number(const char *, uint64_t);
void	 json_string(const char *, const char *);
void	 record_open(void);
void	 record_string(const char *, const char *);
void	 record_number(const char *, uint64_t);
void	 record_rule(uint32_t);
void	 record_close(void);

#endif
