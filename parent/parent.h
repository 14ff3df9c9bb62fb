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

#ifndef PARENT_H
#define PARENT_H

#include <setjmp.h>

#include "defaults.h"
#include "sysuser.h"

/* Where in the configuration something was said; line 0: nowhere. */
struct where {
	char			*file;
	int			 line;
};

/* A socket that is to be bound. */
struct listener {
	int			 family;	/* AF_UNSPEC: not configured */
	char			*path;		/* AF_UNIX */
	struct endpoint		 addr;		/* AF_INET, AF_INET6 */
	mode_t			 mode;
	char			*owner;		/* account or NULL: root */
	char			*group;		/* group or NULL: root's */
	uid_t			 uid;		/* of owner */
	gid_t			 gid;		/* of group */
	struct where		 at;
};

struct account {
	char			*name;
	uid_t			 uid;
	gid_t			 gid;
	struct where		 at;
};

/*
 * The configuration file, understood.  policy is what workers get to know;
 * the rest is the parent's own and needs a restart to change.
 */
struct conf {
	struct listener		 listen;
	struct listener		 control;
	struct account		 user;		/* milterd */
	struct account		 resolver;
	struct account		 names;		/* control and names */
	char			*chroot;
	char			*statedir;
	uint32_t		 prefork;
	int			 sandbox_required;
	struct policy		*policy;
	struct where		 end;		/* last line of the file */
	struct where		 keep;		/* first "keep header" */
};

#define CONF_FILE	SYSCONFDIR "/milter-sysuser.conf"
#define DEFAULT_HEADER	"X-Sender-Process-Info"

/* parse.y */
struct conf *parse_config(const char *, uid_t, char *, size_t);

/* mta.c */
void	 mta_check(const struct conf *);

/* conf.c */
extern jmp_buf	*conf_escape;
void	 conf_nomem(void) __attribute__((__noreturn__));
char	*conf_strdup(const char *);
void	 conf_where(struct where *, const char *, int);
void	 conf_error(char *, size_t, const char *, int, const char *, va_list);
void	 conf_warn(const struct where *, const char *, ...) PRINTF(2, 3);
struct conf *conf_new(void);
void	 conf_free(struct conf *);
int	 conf_check(struct conf *, char *, size_t);
int	 conf_accounts(struct conf *, char *, size_t);
void	 conf_print(const struct conf *);
int	 conf_restart(const struct conf *, const struct conf *, char *,
	    size_t);

#endif
