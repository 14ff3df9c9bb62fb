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

/* What Postfix was told, as milter-sysuser -n reads it. */

#ifndef POSTFIX_H
#define POSTFIX_H

#include <sys/queue.h>

struct setting {
	TAILQ_ENTRY(setting)	 next;
	char			*name;
	char			*value;		/* as it stands there */
	int			 line;
};
TAILQ_HEAD(settings, setting);

/* An smtpd of master.cf. */
struct service {
	TAILQ_ENTRY(service)	 next;
	char			*name;
	int			 line;
	int			 chrooted;
	struct settings		 options;	/* instead of main.cf's */
};
TAILQ_HEAD(services, service);

struct postfix {
	char			*main_cf;	/* names of the files */
	char			*master_cf;
	struct settings		 settings;
	struct services		 services;
	int			 old;		/* has the defaults of 2.x */
};

/* postfix.c */
int	 postfix_read(struct postfix *, const char *);
void	 postfix_free(struct postfix *);
const struct setting *postfix_setting(const struct settings *, const char *);
char	*postfix_expand(const struct postfix *, const char *);
char	*postfix_word(char **);

#endif
