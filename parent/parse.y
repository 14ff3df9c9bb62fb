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
 * The configuration file: grammar and lexer.  Root reads this file, and only
 * after file_read() has seen that nobody else could have written it; all the
 * same every length, depth and count is bounded.
 *
 * yacc wants globals: everything lives in the one struct parser below, which
 * parse_config() sets up and clears, so that it can be called again.  Words
 * belong to the parser until it is done; what the configuration keeps is a
 * copy.  After an error the half-built configuration is thrown away as a
 * whole, so no action needs to undo anything.
 */

%{
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"

#define MAX_FILE	(64 * 1024 * 1024)
#define MAX_LINE	8192
#define MAX_WORD	1024
#define MAX_ENTRY	256		/* a name in a table or a rule */
#define MAX_GLOB	512
#define MAX_MESSAGE	200
#define MAX_PATTERNS	1000		/* of one matcher */
#define MAX_HEADER	64		/* its name */
#define MAX_VALUE	200		/* of a header */
#define MAX_DEPTH	16		/* of includes */
#define MAX_INCLUDES	256		/* in all */
#define MAX_MACROS	1000
#define MAX_ENTRIES	1000000		/* of one table */
#define MAX_ERRORS	100		/* then we stop */

#define MAX_UID		(UINT32_MAX - 1)	/* the last one is "none" */
#define DIGITS		"0123456789"
#define ALNUM		DIGITS "abcdefghijklmnopqrstuvwxyz" \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A file being read.  Included ones stack up. */
struct input {
	SLIST_ENTRY(input)	 next;
	char			*name;
	dev_t			 dev;
	ino_t			 ino;
	char			*buf;
	size_t			 len;
	size_t			 pos;
	int			 line;		/* of pos */
	int			 ended;		/* its last line is over */
};
SLIST_HEAD(inputs, input);

struct macro {
	TAILQ_ENTRY(macro)	 next;
	char			*name;
	char			*value;
};
TAILQ_HEAD(macros, macro);

/* A string that lives as long as the parser. */
struct word {
	SLIST_ENTRY(word)	 next;
	char			 text[];
};
SLIST_HEAD(words, word);

/* What may be said once only. */
enum statement {
	ST_LISTEN, ST_CONTROL, ST_USER, ST_RESOLVER, ST_NAMES, ST_CHROOT,
	ST_STATEDIR, ST_PREFORK, ST_SANDBOX, ST_TIMEOUT, ST_LOOKUP_TIMEOUT,
	ST_LOG, ST_BACKEND, ST_RECORD, ST_FAILURE, ST_STRIP, ST_MAX
};

static const char *const statements[ST_MAX] = {
	"listen on", "control socket", "user", "resolver user",
	"control user", "chroot", "state directory", "prefork", "sandbox",
	"timeout", "lookup timeout", "log fields", "backend", "record ports",
	"on failure", "strip"
};

/* What the list being read is made of. */
enum list {
	LIST_USERS, LIST_UIDS, LIST_GROUPS, LIST_PATTERNS, LIST_FIELDS,
	LIST_PORTS
};

static struct parser {
	struct conf		*conf;
	struct inputs		 inputs;	/* the current one first */
	int			 depth;
	int			 includes;
	struct macros		 macros;
	int			 nmacros;
	const char		*macro;		/* rest of the one in use */
	struct words		 words;
	struct where		 seen[ST_MAX];
	uid_t			 owner;		/* of files, besides root */

	int			 line;		/* of the last token */
	int			 last;		/* the last token */
	int			 reported;	/* the lexer did already */
	int			 plain;		/* in a table file: no macros */
	int			 assigning;	/* right of a = */
	char			 near[48];	/* its text */
	int			 ntokens;	/* in this line */
	int			 first;		/* the line's first token */
	char			 first_near[48];
	int			 braces;	/* open */

	struct listener		*sock;		/* being described */
	int			 moded;		/* its mode was said */
	struct header		*header;
	struct rule		*rule;
	uint32_t		 nrated;	/* of its rates, with window */
	int			 negate;	/* "not" before the matcher */
	struct match		*match;
	struct table		*table;
	size_t			 nentries;	/* of table or match */
	struct fields		*fields;
	enum list		 list;
	int			 may_be_empty;	/* that list */

	int			 errors;
	int			 stop;		/* enough is enough */
	char			*err;
	size_t			 errsize;
} p;

int	 yyparse(void);
int	 yylex(void);
void	 yyerror(const char *);

static void	 error_at(const char *, int, const char *, ...) PRINTF(3, 4);
static void	 error(const char *, ...) PRINTF(1, 2);
static void	 warning(const char *, ...) PRINTF(1, 2);
static int	 lex_error(const char *, ...) PRINTF(1, 2);
static void	 once(enum statement);
static uint32_t	 number(const char *, const char *, uint32_t, uint32_t);
static void	 set_string(char **, const char *);
static void	 set_directory(char **, const char *, const char *);
static void	 set_account(struct account *, enum statement, const char *);
static void	 socket_begin(struct listener *, enum statement);
static void	 socket_path(const char *);
static void	 socket_inet(const char *, const char *, int);
static void	 socket_mode(const char *);
static void	 socket_name(char **, const char *, const char *);
static void	 macro_set(const char *, const char *);
static char	*macro_join(const char *, const char *);
static void	 include(const char *);
static void	 header_begin(const char *);
static void	 header_value(const char *);
static void	 backend(const char *);
static void	 ports_begin(void);
static void	 port_range(uint32_t, uint32_t);
static void	 port_add(const char *, const char *);
static void	 fields_begin(struct fields *);
static void	 timeout_check(void);
static void	 table_begin(const char *);
static void	 table_file(const char *);
static void	 rule_begin(enum action);
static void	 rule_message(const char *);
static void	 rule_keep(void);
static void	 rule_silent(void);
static void	 rule_end(void);
static void	 rate_add(const char *, enum unit);
static void	 rates_per(const char *);
static void	 rates_end(void);
static struct match *match_begin(enum matcher);
static void	 match_any(void);
static void	 match_table(const char *);
static void	 match_list(enum matcher, enum list);
static void	 match_patterns(enum matcher);
static void	 match_not_from(void);
static void	 item_word(const char *);
static void	 item_keyword(const char *);
static void	 item_range(const char *, const char *);
static void	 item_uid(const char *, const char *);
static void	 list_empty(void);
%}

%union {
	char	*text;
	int	 action;
	int	 unit;
}

%token	<text>	ACCEPT ALL ANY BACKEND CHROOT CONTROL CWD DIRECTORY DISCARD
%token	<text>	EXE PORTS RECORD
%token	<text>	FAILURE FIELDS FROM FROMFILE GROUP HEADER INCLUDE INET
%token	<text>	INSECURE KEEP LIMIT LISTEN LOCAL LOG LOOKUP MESSAGE MESSAGES
%token	<text>	MODE NONE NOT ON OWNER PASS PER PORT PREFORK PROGRAM
%token	<text>	QUARANTINE RECIPIENTS REJECT REQUIRED RESOLVER SANDBOX SENDER
%token	<text>	SOCKET STATE STRIP TABLE TEMPFAIL TIMEOUT TO UID UNIT UNKNOWN
%token	<text>	USER VALUE WANTED
%token	<text>	STRING NUMBER TABLENAME
%token		BROKEN
%type	<text>	value values name
%type	<action> action
%type	<unit>	unit

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar INCLUDE name '\n'	{ include($3); }
		| grammar statement '\n'
		| grammar error '\n'		{ yyerrok; }
		;

statement	: macro
		| socket
		| account
		| place
		| tuning
		| marking
		| table
		| rule
		;

macro		: STRING '=' values		{ macro_set($1, $3); }
		;

values		: value
		| values value			{ $$ = macro_join($1, $2); }
		;

value		: STRING
		| NUMBER
		;

name		: STRING
		| NUMBER			{
			error("%s is a number, not a name: quote it", $1);
			YYERROR;
		}
		;

/* Sockets, accounts, directories: a change needs a restart. */

socket		: LISTEN ON {
			socket_begin(&p.conf->listen, ST_LISTEN);
		} where
		| CONTROL SOCKET {
			socket_begin(&p.conf->control, ST_CONTROL);
		} STRING			{ socket_path($4); }
		  options
		;

where		: SOCKET STRING			{ socket_path($2); }
		  options
		| INET STRING PORT NUMBER INSECURE {
			socket_inet($2, $4, 1);
		}
		| INET STRING PORT NUMBER	{ socket_inet($2, $4, 0); }
		;

options		: /* empty */
		| options option
		;

option		: MODE NUMBER			{ socket_mode($2); }
		| OWNER name			{
			socket_name(&p.sock->owner, "owner", $2);
		}
		| GROUP name			{
			socket_name(&p.sock->group, "group", $2);
		}
		;

account		: USER name			{
			set_account(&p.conf->user, ST_USER, $2);
		}
		| RESOLVER USER name		{
			set_account(&p.conf->resolver, ST_RESOLVER, $3);
		}
		| CONTROL USER name		{
			set_account(&p.conf->names, ST_NAMES, $3);
		}
		;

place		: CHROOT STRING			{
			once(ST_CHROOT);
			set_directory(&p.conf->chroot, "chroot", $2);
		}
		| STATE DIRECTORY STRING	{
			once(ST_STATEDIR);
			set_directory(&p.conf->statedir, "state directory",
			    $3);
		}
		;

tuning		: PREFORK value			{
			once(ST_PREFORK);
			p.conf->prefork = number("prefork", $2, 1, 64);
		}
		| SANDBOX REQUIRED		{
			once(ST_SANDBOX);
			p.conf->sandbox_required = 1;
		}
		| SANDBOX WANTED		{
			once(ST_SANDBOX);
			p.conf->sandbox_required = 0;
		}
		| TIMEOUT value			{
			once(ST_TIMEOUT);
			p.conf->policy->timeout = number("timeout", $2, 1,
			    86400);
			timeout_check();
		}
		| LOOKUP TIMEOUT value		{
			once(ST_LOOKUP_TIMEOUT);
			p.conf->policy->lookup_timeout =
			    number("lookup timeout", $3, 1, 20000);
		}
		| BACKEND name			{ backend($2); }
		| RECORD PORTS			{ ports_begin(); }
		  ports
		| ON FAILURE verdict		{ once(ST_FAILURE); }
		;

ports		: ANY				{ port_range(0, UINT16_MAX); }
		| list
		;

verdict		: ACCEPT			{
			p.conf->policy->tempfail = 0;
		}
		| TEMPFAIL			{
			p.conf->policy->tempfail = 1;
		}
		;

/* What is written into mail and log. */

marking		: HEADER STRING			{ header_begin($2); }
		  content
		| HEADER NONE			{
			header_begin(DEFAULT_HEADER);
			p.header->kind = H_NONE;
		}
		| LOG FIELDS			{
			once(ST_LOG);
			fields_begin(&p.conf->policy->log_fields);
		} list
		| STRIP ALL			{
			once(ST_STRIP);
			p.conf->policy->strip_local = 0;
		}
		| STRIP LOCAL			{
			once(ST_STRIP);
			p.conf->policy->strip_local = 1;
		}
		;

content		: FIELDS			{
			fields_begin(&p.header->fields);
		} list
		| VALUE STRING			{ header_value($2); }
		| NONE				{ p.header->kind = H_NONE; }
		;

/* Lists: what an item means depends on p.list. */

list		: '{' newlines '}'		{ list_empty(); }
		| '{' newlines items '}'
		| '{' newlines items comma '}'
		;

items		: item
		| items comma item
		;

comma		: newline
		| newline ',' newlines
		| ',' newlines
		;

newlines	: /* empty */
		| newline
		;

newline		: '\n'
		| newline '\n'
		;

single		: STRING			{ item_word($1); }
		| range
		;

range		: NUMBER			{ item_range($1, $1); }
		| NUMBER '-' NUMBER		{ item_range($1, $3); }
		;

item		: single
		| UID NUMBER			{ item_uid($2, $2); }
		| UID NUMBER '-' NUMBER		{ item_uid($2, $4); }
		| UID STRING			{
			error("\"%s\" is not a uid: say a number", $2);
		}
		| USER				{ item_keyword($1); }
		| UID				{ item_keyword($1); }
		| OWNER				{ item_keyword($1); }
		| PROGRAM			{ item_keyword($1); }
		| EXE				{ item_keyword($1); }
		| CWD				{ item_keyword($1); }
		| UNIT				{ item_keyword($1); }
		;

/* Tables and rules. */

table		: TABLE TABLENAME		{ table_begin($2); }
		  contents
		;

contents	: FROMFILE STRING		{ table_file($2); }
		| list
		;

rule		: action			{ rule_begin($1); }
		  matchers consequences		{ rule_end(); }
		| LIMIT				{ rule_begin(A_LIMIT); }
		  matchers TO rates		{ rates_end(); }
		  consequences			{ rule_end(); }
		;

action		: PASS				{ $$ = A_PASS; }
		| REJECT			{ $$ = A_REJECT; }
		| TEMPFAIL			{ $$ = A_TEMPFAIL; }
		| DISCARD			{ $$ = A_DISCARD; }
		| QUARANTINE			{ $$ = A_QUARANTINE; }
		;

matchers	: /* empty */
		| matchers not matcher
		;

not		: /* empty */			{ p.negate = 0; }
		| NOT				{ p.negate = 1; }
		;

matcher		: USER ANY			{ match_any(); }
		| USER TABLENAME		{ match_table($2); }
		| USER				{
			match_list(M_USER, LIST_USERS);
		} target
		| UID				{
			match_list(M_UID, LIST_UIDS);
		} target
		| GROUP				{
			match_list(M_GROUP, LIST_GROUPS);
		} target
		| PROGRAM			{
			match_patterns(M_PROGRAM);
		} target
		| EXE				{
			match_patterns(M_EXE);
		} target
		| CWD				{
			match_patterns(M_CWD);
		} target
		| UNIT				{
			match_patterns(M_UNIT);
		} target
		| SENDER			{
			match_patterns(M_SENDER);
		} from target
		| UNKNOWN			{ match_begin(M_UNKNOWN); }
		;

from		: /* empty */
		| FROM
		| NOT FROM			{ match_not_from(); }
		;

target		: single
		| list
		;

/* What a limit allows; the amounts before a "per" share its window. */

rates		: rate
		| rates ',' rate
		;

rate		: amount
		| amount PER value		{ rates_per($3); }
		;

amount		: NUMBER unit			{ rate_add($1, $2); }
		;

unit		: MESSAGE			{ $$ = U_MESSAGES; }
		| MESSAGES			{ $$ = U_MESSAGES; }
		| RECIPIENTS			{ $$ = U_RECIPIENTS; }
		;

consequences	: /* empty */
		| consequences MESSAGE STRING	{ rule_message($3); }
		| consequences KEEP HEADER	{ rule_keep(); }
		| consequences HEADER NONE	{ rule_silent(); }
		;

%%

/*
 * Errors.  Each is logged; the first is what our caller gets to know.
 */

static void
verror(const char *file, int line, const char *fmt, va_list ap)
{
	if (p.stop)
		return;
	conf_error(p.err, p.errsize, file, line, fmt, ap);
	if (++p.errors == MAX_ERRORS) {
		log_warnx("%s:%d: too many errors", file, line);
		p.stop = 1;
	}
}

static void
error_at(const char *file, int line, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	verror(file, line, fmt, ap);
	va_end(ap);
}

/* At the last token; before there is one, of the file as a whole. */
static void
error(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	verror(SLIST_FIRST(&p.inputs)->name, p.line, fmt, ap);
	va_end(ap);
}

static void
warning(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	conf_error(NULL, 0, SLIST_FIRST(&p.inputs)->name, p.line, fmt, ap);
	va_end(ap);
}

/*
 * For yacc alone: what the grammar does not know.  An unknown word could have
 * been a macro to be set, so yacc sees that it is wrong one token late.
 */
void
yyerror(const char *text)
{
	if (!p.reported)
		error("%s near %s", text, p.ntokens == 2 && p.braces == 0 &&
		    p.first == STRING ? p.first_near : p.near);
	p.reported = 0;
	p.braces = 0;
}

/*
 * Memory.
 */

static void *
allocate(size_t size)
{
	void	*new;

	if ((new = calloc(1, size)) == NULL)
		conf_nomem();
	return (new);
}

/* A copy that is freed when the parser is done. */
static char *
keep(const char *text, size_t len)
{
	struct word	*w = allocate(sizeof(*w) + len + 1);

	memcpy(w->text, text, len);
	SLIST_INSERT_HEAD(&p.words, w, next);
	return (w->text);
}

static void
set_string(char **s, const char *text)
{
	char	*old = *s;

	*s = conf_strdup(text);
	free(old);
}

/*
 * Files.
 */

static void
input_free(struct input *s)
{
	free(s->name);
	free(s->buf);
	free(s);
}

/* Why this open file can't be trusted, or NULL. */
static const char *
file_flaw(int fd, struct stat *st)
{
	if (fstat(fd, st) == -1)
		return (strerror(errno));
	if (!S_ISREG(st->st_mode))
		return ("not a regular file");
	if (st->st_uid != 0 && st->st_uid != p.owner)
		return (p.owner == 0 ? "must be owned by root: use chown" :
		    "must be owned by root or by you: use chown");
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return ("must not be writable by group or others: use "
		    "chmod go-w");
	if (st->st_size > MAX_FILE)
		return ("larger than 64 MiB");
	return (NULL);
}

/*
 * Returns what is wrong, or NULL; s->buf is then the file and a NUL.  No memory
 * is what is wrong, too, for nobody would close the file after conf_nomem().
 */
static const char *
file_slurp(struct input *s, int fd, size_t size)
{
	ssize_t	 n;

	if ((s->buf = calloc(1, size + 1)) == NULL)
		return (strerror(errno));
	while (s->len < size) {
		n = read(fd, s->buf + s->len, size - s->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (strerror(errno));
		if (n == 0)
			break;		/* it shrank meanwhile */
		s->len += n;
	}
	if (memchr(s->buf, '\0', s->len) != NULL)
		return ("not a text file");
	return (NULL);
}

/* Returns 0, or -1 if a line is too long; that has been said. */
static int
file_lines(const struct input *s)
{
	const char	*line = s->buf, *eol;
	size_t		 left = s->len, len;
	int		 n;

	for (n = 1; left > 0; n++) {
		eol = memchr(line, '\n', left);
		len = eol != NULL ? (size_t)(eol - line) : left;
		if (len > MAX_LINE) {
			error_at(s->name, n, "line is longer than %d bytes",
			    MAX_LINE);
			return (-1);
		}
		line += len;
		left -= len;
		if (left > 0) {
			line++;
			left--;
		}
	}
	return (0);
}

/* What is wrong with a file is said of the line that names it. */
static void
file_error(const char *name, const char *why)
{
	if (SLIST_EMPTY(&p.inputs))
		error_at(name, 0, "%s", why);
	else
		error("%s: %s", name, why);
}

/*
 * A whole file, if nobody but root and the owner could have written it:
 * checked on the descriptor that it is read from.  NULL if it won't do.
 */
static struct input *
file_read(const char *name)
{
	struct input	*s = allocate(sizeof(*s));
	struct stat	 st;
	const char	*why;
	int		 fd;

	s->name = conf_strdup(name);
	s->line = 1;
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		why = errno == ENOENT ? "is not there: make it, or correct "
		    "its name" : strerror(errno);
	else if ((why = file_flaw(fd, &st)) == NULL) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		why = file_slurp(s, fd, st.st_size);
	}
	if (fd != -1)
		close(fd);
	if (why != NULL)
		file_error(name, why);
	if (why != NULL || file_lines(s) == -1) {
		input_free(s);
		return (NULL);
	}
	s->ended = s->len > 0 && s->buf[s->len - 1] == '\n';
	return (s);
}

/* A relative name means: beside the file that says it. */
static char *
file_beside(const char *name)
{
	const char	*from = SLIST_FIRST(&p.inputs)->name;
	const char	*slash = strrchr(from, '/');
	char		*path;
	int		 len = slash != NULL ? (int)(slash - from + 1) : 0;

	if (*name == '/')
		len = 0;
	if (asprintf(&path, "%.*s%s", len, from, name) == -1)
		conf_nomem();
	return (path);
}

/* As it reads from anywhere, for conf_print(). */
static char *
absolute(const char *path)
{
	char	*cwd, *full;

	if (*path == '/' || (cwd = getcwd(NULL, 0)) == NULL)
		return (conf_strdup(path));
	if (asprintf(&full, "%s/%s", cwd, path) == -1)
		conf_nomem();
	free(cwd);
	return (full);
}

/* Its last line, even if we are behind that line's end. */
static int
input_line(const struct input *s)
{
	return (s->pos == s->len && s->len > 0 && s->buf[s->len - 1] == '\n' ?
	    s->line - 1 : s->line);
}

static void
input_push(struct input *s)
{
	SLIST_INSERT_HEAD(&p.inputs, s, next);
	p.depth++;
}

static void
input_pop(void)
{
	struct input	*s = SLIST_FIRST(&p.inputs);

	SLIST_REMOVE_HEAD(&p.inputs, next);
	p.depth--;
	input_free(s);
}

static void
include(const char *name)
{
	struct input	*s, *outer;
	char		*path = file_beside(name);

	if (p.depth > MAX_DEPTH)
		error("includes are nested deeper than %d", MAX_DEPTH);
	else if (++p.includes > MAX_INCLUDES)
		error("more than %d includes", MAX_INCLUDES);
	else if ((s = file_read(path)) != NULL) {
		SLIST_FOREACH(outer, &p.inputs, next)
			if (outer->dev == s->dev && outer->ino == s->ino)
				break;
		if (outer == NULL)
			input_push(s);
		else {
			error("%s: includes itself: take that out", path);
			input_free(s);
		}
	}
	free(path);
}

/*
 * The lexer.
 */

static const struct keyword {
	const char	*word;
	int		 token;
} keywords[] = {			/* sorted */
	{ "accept",	ACCEPT },
	{ "all",	ALL },
	{ "any",	ANY },
	{ "backend",	BACKEND },
	{ "chroot",	CHROOT },
	{ "control",	CONTROL },
	{ "cwd",	CWD },
	{ "directory",	DIRECTORY },
	{ "discard",	DISCARD },
	{ "exe",	EXE },
	{ "failure",	FAILURE },
	{ "fields",	FIELDS },
	{ "file",	FROMFILE },
	{ "from",	FROM },
	{ "group",	GROUP },
	{ "header",	HEADER },
	{ "include",	INCLUDE },
	{ "inet",	INET },
	{ "insecure",	INSECURE },
	{ "keep",	KEEP },
	{ "limit",	LIMIT },
	{ "listen",	LISTEN },
	{ "local",	LOCAL },
	{ "log",	LOG },
	{ "lookup",	LOOKUP },
	{ "message",	MESSAGE },
	{ "messages",	MESSAGES },
	{ "mode",	MODE },
	{ "none",	NONE },
	{ "not",	NOT },
	{ "on",		ON },
	{ "owner",	OWNER },
	{ "pass",	PASS },
	{ "per",	PER },
	{ "port",	PORT },
	{ "ports",	PORTS },
	{ "prefork",	PREFORK },
	{ "program",	PROGRAM },
	{ "quarantine",	QUARANTINE },
	{ "recipient",	RECIPIENTS },
	{ "recipients",	RECIPIENTS },
	{ "record",	RECORD },
	{ "reject",	REJECT },
	{ "required",	REQUIRED },
	{ "resolver",	RESOLVER },
	{ "sandbox",	SANDBOX },
	{ "sender",	SENDER },
	{ "socket",	SOCKET },
	{ "state",	STATE },
	{ "strip",	STRIP },
	{ "table",	TABLE },
	{ "tempfail",	TEMPFAIL },
	{ "timeout",	TIMEOUT },
	{ "to",	TO },
	{ "uid",	UID },
	{ "unit",	UNIT },
	{ "unknown",	UNKNOWN },
	{ "user",	USER },
	{ "value",	VALUE },
	{ "wanted",	WANTED }
};

static int
keyword_cmp(const void *word, const void *k)
{
	return (strcmp(word, ((const struct keyword *)k)->word));
}

static int
keyword_token(const char *word)
{
	const struct keyword	*k;

	k = bsearch(word, keywords, NITEMS(keywords), sizeof(keywords[0]),
	    keyword_cmp);
	return (k != NULL ? k->token : STRING);
}

/* The byte n ahead of us, of the macro in use or else of the file. */
static int
lex_peek(size_t n)
{
	struct input	*s = SLIST_FIRST(&p.inputs);

	if (p.macro != NULL)
		return (n < strlen(p.macro) ? (unsigned char)p.macro[n] : EOF);
	return (n < s->len - s->pos ? (unsigned char)s->buf[s->pos + n] : EOF);
}

static void
lex_skip(size_t n)
{
	struct input	*s = SLIST_FIRST(&p.inputs);

	if (p.macro != NULL) {
		p.macro += n;
		return;
	}
	for (; n > 0 && s->pos < s->len; n--)
		if (s->buf[s->pos++] == '\n')
			s->line++;
}

static int
lex_error(const char *fmt, ...)
{
	va_list	 ap;
	int	 c;

	va_start(ap, fmt);
	verror(SLIST_FIRST(&p.inputs)->name, p.line, fmt, ap);
	va_end(ap);
	p.reported = 1;
	p.macro = NULL;
	while ((c = lex_peek(0)) != '\n' && c != EOF)
		lex_skip(1);
	return (BROKEN);
}

/*
 * Blanks, comments and line ends after a backslash.  A comment ends with its
 * line whatever stands there: it must not swallow a rule.
 */
static void
lex_blanks(void)
{
	int	 c;

	for (;;) {
		c = lex_peek(0);
		if (c == EOF && p.macro != NULL)
			p.macro = NULL;
		else if (c == ' ' || c == '\t' || c == '\r')
			lex_skip(1);
		else if (c == '\\' && lex_peek(1) == '\n')
			lex_skip(2);
		else if (c == '\\' && lex_peek(1) == '\r' &&
		    lex_peek(2) == '\n')
			lex_skip(3);
		else if (c == '#')
			while ((c = lex_peek(0)) != '\n' && c != EOF)
				lex_skip(1);
		else
			return;
	}
}

/*
 * In quotes, \ makes the quote, itself and the end of the line harmless.
 * Only the text of a message may go over several lines: everywhere else a
 * quote was forgotten.
 */
static int
lex_quoted(int quote)
{
	char	 buf[MAX_WORD];
	size_t	 len = 0;
	int	 c, next;

	for (lex_skip(1); (c = lex_peek(0)) != quote; lex_skip(1)) {
		if (c == EOF || (c == '\n' && p.last != MESSAGE))
			return (lex_error("missing quote: close it on this "
			    "line"));
		if (c == '\\') {
			next = lex_peek(1);
			if (next == quote || next == '\\' || next == '\n')
				lex_skip(1);
			if (next == '\n')
				continue;
			if (next == quote)
				c = quote;
		}
		if (len == sizeof(buf))
			return (lex_error("string is longer than %d bytes",
			    MAX_WORD));
		buf[len++] = c;
	}
	lex_skip(1);
	yylval.text = keep(buf, len);
	return (STRING);
}

static int
is_word(int c)
{
	return (c > ' ' && c != 0x7f && strchr("\"'#$(),<=>\\`{}", c) == NULL);
}

/* 1000-1999 without blanks is three tokens. */
static size_t
range_split(const char *word, size_t len)
{
	size_t	 digits = strspn(word, DIGITS);

	if (digits > 0 && word[digits] == '-' && digits + 1 < len &&
	    strspn(word + digits + 1, DIGITS) == len - digits - 1)
		return (digits);
	return (len);
}

static int
lex_word(void)
{
	char	 buf[MAX_WORD + 1];
	size_t	 len = 0;

	while (is_word(lex_peek(len))) {
		if (len == sizeof(buf) - 1)
			return (lex_error("word is longer than %d bytes",
			    MAX_WORD));
		buf[len] = lex_peek(len);
		len++;
	}
	buf[len] = '\0';
	len = range_split(buf, len);
	lex_skip(len);
	yylval.text = keep(buf, len);
	if (strspn(yylval.text, DIGITS) == len)
		return (NUMBER);
	return (keyword_token(yylval.text));
}

/* <name>: one token, so that a table may have the name of a keyword. */
static int
lex_table(void)
{
	char	 buf[MAX_NAME + 1];
	size_t	 len = 0;
	int	 c;

	for (lex_skip(1); (c = lex_peek(0)) != '>'; lex_skip(1)) {
		if (c == EOF || strchr(ALNUM "-_", c) == NULL)
			return (lex_error("a table is <letters-and-digits>"));
		if (len == MAX_NAME)
			return (lex_error("name of table is longer than %d "
			    "bytes", MAX_NAME));
		buf[len++] = c;
	}
	lex_skip(1);
	if (len == 0)
		return (lex_error("a table is <letters-and-digits>"));
	yylval.text = keep(buf, len);
	return (TABLENAME);
}

static int
is_name(const char *name)
{
	size_t	 len = strlen(name);

	return (len > 0 && len <= MAX_NAME && strspn(name, DIGITS) == 0 &&
	    strspn(name, ALNUM "_") == len);
}

static struct macro *
macro_find(const char *name)
{
	struct macro	*m;

	TAILQ_FOREACH(m, &p.macros, next)
		if (strcmp(m->name, name) == 0)
			break;
	return (m);
}

/*
 * $name: from here on its value is read, as if it stood there; but as one
 * string where another macro is made of it.  A value is not searched for
 * macros in turn, so there is no recursion to fear.
 */
static int
lex_macro(void)
{
	struct macro	*m;
	char		 buf[MAX_NAME + 1];
	size_t		 len = 0;
	int		 c;

	if (p.plain)
		return (lex_error("stray $: quote the name"));
	if (p.macro != NULL)
		return (lex_error("a macro can't use another one in quotes"));
	lex_skip(1);
	while ((c = lex_peek(0)) != EOF && strchr(ALNUM "_", c) != NULL) {
		if (len == MAX_NAME)
			return (lex_error("name of macro is longer than %d "
			    "bytes", MAX_NAME));
		buf[len++] = c;
		lex_skip(1);
	}
	buf[len] = '\0';
	if ((m = macro_find(buf)) == NULL)
		return (lex_error("macro \"%s\" not defined: define it above",
		    buf));
	yylval.text = keep(m->value, strlen(m->value));
	if (p.assigning)
		return (STRING);
	p.macro = yylval.text;
	return (0);
}

/* A file ends with its last line, and so does all that stands in it. */
static int
lex_eof(void)
{
	struct input	*s = SLIST_FIRST(&p.inputs);

	if (!s->ended) {
		s->ended = 1;
		return ('\n');
	}
	if (p.braces > 0) {
		p.braces = 0;
		s->ended = 0;
		return (lex_error("list without end: close it with }"));
	}
	if (SLIST_NEXT(s, next) == NULL)
		return (EOF);
	input_pop();
	return (0);
}

/* Returns a token, EOF, or 0: nothing yet, but go on. */
static int
lex_token(void)
{
	int	 c;

	lex_blanks();
	c = lex_peek(0);
	p.line = input_line(SLIST_FIRST(&p.inputs));
	switch (c) {
	case EOF:
		return (lex_eof());
	case '"':
	case '\'':
		return (lex_quoted(c));
	case '<':
		return (lex_table());
	case '$':
		return (lex_macro());
	case '\n':
	case '{':
	case '}':
	case ',':
	case '=':
	case '-':
		lex_skip(1);
		return (c);
	}
	if (is_word(c))
		return (lex_word());
	if (c < ' ' || c == 0x7f)
		return (lex_error("control character: delete it"));
	return (lex_error("stray %c: quote the word", c));
}

/* What yyerror() and the rest of the lexer need to know of the past. */
static void
lex_remember(int token)
{
	if (token == EOF)
		(void)strlcpy(p.near, "end of file", sizeof(p.near));
	else if (token == '\n')
		(void)strlcpy(p.near, "end of line", sizeof(p.near));
	else if (yylval.text != NULL)
		(void)snprintf(p.near, sizeof(p.near), "\"%.40s\"",
		    yylval.text);
	else
		(void)snprintf(p.near, sizeof(p.near), "\"%c\"", token);
	if (p.last == '\n')
		p.ntokens = 0;
	if (++p.ntokens == 1) {
		p.first = token;
		(void)strlcpy(p.first_near, p.near, sizeof(p.first_near));
	}
	if (token == '=' || token == '\n')
		p.assigning = token == '=';
	if (token == '{')
		p.braces++;
	else if (token == '}' && p.braces > 0)
		p.braces--;
	p.last = token;
}

int
yylex(void)
{
	int	 token = 0;

	while (token == 0 && !p.stop) {
		yylval.text = NULL;
		token = lex_token();
	}
	if (token == 0)
		token = EOF;
	lex_remember(token);
	return (token == EOF ? 0 : token);
}

/*
 * Macros.
 */

static char *
macro_join(const char *a, const char *b)
{
	char	 buf[MAX_WORD + 1];
	int	 len;

	len = snprintf(buf, sizeof(buf), "%s %s", a, b);
	if ((size_t)len >= sizeof(buf)) {
		error("value of macro is longer than %d bytes", MAX_WORD);
		len = sizeof(buf) - 1;
	}
	return (keep(buf, len));
}

static void
macro_set(const char *name, const char *value)
{
	struct macro	*m;

	if (!is_name(name)) {
		error("bad name of macro: letters, digits and _ only");
		return;
	}
	if ((m = macro_find(name)) == NULL) {
		if (++p.nmacros > MAX_MACROS) {
			error("more than %d macros", MAX_MACROS);
			return;
		}
		m = allocate(sizeof(*m));
		m->name = conf_strdup(name);
		TAILQ_INSERT_TAIL(&p.macros, m, next);
	}
	set_string(&m->value, value);
}

/*
 * Checks of single values.
 */

static void
once(enum statement st)
{
	const char	*file = SLIST_FIRST(&p.inputs)->name;
	struct where	*w = &p.seen[st];

	if (w->file == NULL)
		conf_where(w, file, p.line);
	else if (strcmp(w->file, file) == 0)
		error("\"%s\" is set twice, first on line %d: keep one",
		    statements[st], w->line);
	else
		error("\"%s\" is set twice, first on %s:%d: keep one",
		    statements[st], w->file, w->line);
}

static uint32_t
number(const char *what, const char *text, uint32_t lo, uint32_t hi)
{
	const char	*errstr;
	uint32_t	 n;

	n = strtonum(text, lo, hi, &errstr);
	if (errstr != NULL) {
		error("%s must be between %u and %u", what, lo, hi);
		return (hi);
	}
	return (n);
}

/* Not empty, of at most max bytes, and each of them can be printed. */
static int
check_text(const char *what, const char *text, size_t max)
{
	const char	*s;
	size_t		 len = strlen(text);

	for (s = text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f) {
			error("%s has a control character", what);
			return (-1);
		}
	if (len == 0)
		error("%s is empty", what);
	else if (len > max)
		error("%s is longer than %zu bytes", what, max);
	else
		return (0);
	return (-1);
}

static int
check_path(const char *what, const char *path)
{
	if (check_text(what, path, MAX_WORD) == -1)
		return (-1);
	if (*path != '/') {
		error("%s \"%s\" is not an absolute path: begin it with /",
		    what, path);
		return (-1);
	}
	return (0);
}

static void
set_directory(char **dir, const char *what, const char *path)
{
	if (check_path(what, path) == -1)
		return;
	if (strspn(path, "/.") == strlen(path))
		error("%s must not be the root directory: make one for it",
		    what);
	else
		set_string(dir, path);
}

static void
set_account(struct account *a, enum statement st, const char *name)
{
	once(st);
	if (check_text(statements[st], name, MAX_ENTRY) == -1)
		return;
	set_string(&a->name, name);
	conf_where(&a->at, SLIST_FIRST(&p.inputs)->name, p.line);
}

static void
timeout_check(void)
{
	if (p.conf->policy->timeout < 3600)
		warning("warning: timeout is below 3600 seconds: mail of a "
		    "slow client would go unfiltered; say: timeout 7210");
}

/*
 * Sockets.
 */

static void
socket_begin(struct listener *l, enum statement st)
{
	once(st);
	p.sock = l;
	conf_where(&l->at, SLIST_FIRST(&p.inputs)->name, p.line);
	p.moded = 0;
}

static void
socket_path(const char *path)
{
	if (check_path("socket", path) == -1)
		return;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		error("path of socket is longer than %zu bytes",
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	p.sock->family = AF_UNIX;
	set_string(&p.sock->path, path);
}

static void
socket_inet(const char *addr, const char *port, int insecure)
{
	struct endpoint	*e = &p.sock->addr;

	int		 good = endpoint_parse(e, addr, "0") == 0;

	e->port = number("port", port, 1, UINT16_MAX);
	p.sock->family = endpoint_is4(e) ? AF_INET : AF_INET6;
	if (!good)
		error("\"%s\" is not an IP address: say 127.0.0.1 or ::1",
		    addr);
	else if (!insecure)
		error("any local user could connect to an inet socket and "
		    "lie: add \"insecure\" if you want that");
	else
		warning("warning: any local user can connect to this socket "
		    "and lie");
}

static void
socket_mode(const char *text)
{
	if (strspn(text, "01234567") != strlen(text) || strlen(text) > 4)
		error("mode must be octal, like 0660");
	else if (p.moded++)
		error("mode is set twice: keep one");
	else if ((p.sock->mode = strtoul(text, NULL, 8)) & S_IRWXO)
		error("mode %s would open the socket to everybody: say "
		    "0660 and a group", text);
	else if (p.sock->mode & ~(mode_t)0770)
		error("mode %s has bits that mean nothing here: say 0660",
		    text);
}

static void
socket_name(char **to, const char *what, const char *name)
{
	if (p.sock == &p.conf->control && to == &p.sock->owner)
		error("the control socket is root's: say group, not owner");
	else if (*to != NULL)
		error("%s is set twice: keep one", what);
	else if (check_text(what, name, MAX_ENTRY) == 0)
		set_string(to, name);
}

/*
 * Header and fields.
 */

/* Whoever tags and strips one of these would break the mail. */
static int
header_is_taken(const char *name)
{
	static const char *const	 taken[] = {
		"Authentication-Results", "Bcc", "Cc", "Date",
		"Delivered-To", "DKIM-Signature", "From", "In-Reply-To",
		"Message-ID", "Received", "References", "Reply-To",
		"Return-Path", "Sender", "Subject", "To"
	};
	size_t				 i;

	for (i = 0; i < NITEMS(taken); i++)
		if (strcasecmp(name, taken[i]) == 0)
			return (1);
	return (strncasecmp(name, "ARC-", 4) == 0 ||
	    strncasecmp(name, "Resent-", 7) == 0 ||
	    strncasecmp(name, "MIME-", 5) == 0 ||
	    strncasecmp(name, "Content-", 8) == 0);
}

/* RFC 5322, 3.6.8: printable US-ASCII without the colon. */
static void
header_name(const char *name)
{
	const unsigned char	*s = (const unsigned char *)name;
	const struct header	*h;

	if (check_text("name of header", name, MAX_HEADER) == -1)
		return;
	while (*s > ' ' && *s < 0x7f && *s != ':')
		s++;
	if (*s != '\0')
		error("\"%s\" can't be the name of a header: printable ASCII, "
		    "no blank, no colon", name);
	else if (header_is_taken(name))
		error("header \"%s\" has another meaning in mail: say X-...",
		    name);
	TAILQ_FOREACH(h, &p.conf->policy->headers, next)
		if (strcasecmp(h->name, name) == 0)
			error("header \"%s\" is there twice: keep one", name);
}

/* Made before its content is read, as a table is. */
static void
header_begin(const char *name)
{
	struct policy	*policy = p.conf->policy;

	if (policy->nheaders == MAX_HEADERS)
		error("more than %d headers", MAX_HEADERS);
	header_name(name);
	if ((p.header = header_new(policy, name)) == NULL)
		conf_nomem();
}

/* What template_next() stopped at, as far as it can be told. */
static int
placeholder_length(const char *s)
{
	if (s[1] == '{')
		return (strcspn(s, "}") + (strchr(s, '}') != NULL));
	return (s[1] != '\0' ? 2 : 1);
}

static void
header_value(const char *text)
{
	const char	*s;
	int		 piece;

	p.header->kind = H_VALUE;
	set_string(&p.header->value, text);
	if (check_text("value of header", text, MAX_VALUE) == -1)
		return;
	if (strspn(text, " ") == strlen(text))
		error("value of header is empty: say header NAME none");
	for (s = text; *s != '\0'; s++)
		if ((unsigned char)*s > 0x7f) {
			error("value of header is not plain ASCII");
			return;
		}
	for (s = text; (piece = template_next(&s)) >= 0; )
		;
	if (piece == -2)
		error("\"%.*s\" is no placeholder: say %%u, %%{FIELD} or "
		    "%%%%", placeholder_length(s), s);
}

static void
fields_begin(struct fields *f)
{
	p.list = LIST_FIELDS;
	p.may_be_empty = 0;
	p.fields = f;
	f->n = 0;
}

static void
backend(const char *name)
{
	struct policy	*policy = p.conf->policy;

	once(ST_BACKEND);
	for (policy->backend = 0; policy->backend < B_MAX; policy->backend++)
		if (strcmp(backend_names[policy->backend], name) == 0)
			return;
	policy->backend = B_AUTO;
	error("backend must be auto, bpf or proc");
}

static void
ports_begin(void)
{
	once(ST_RECORD);
	p.list = LIST_PORTS;
	p.may_be_empty = 0;
	p.conf->policy->nports = 0;
}

static void
port_range(uint32_t lo, uint32_t hi)
{
	struct policy	*policy = p.conf->policy;

	if (policy->nports == MAX_PORTS) {
		error("more than %d ports in a list", MAX_PORTS);
		return;
	}
	policy->ports[policy->nports].lo = lo;
	policy->ports[policy->nports++].hi = hi;
}

static void
port_add(const char *lo, const char *hi)
{
	uint32_t	 from, to;

	from = number("port", lo, 1, UINT16_MAX);
	to = hi == lo ? from : number("port", hi, 1, UINT16_MAX);
	if (from > to)
		error("range %s - %s is backwards: say %s - %s", lo, hi, hi,
		    lo);
	else
		port_range(from, to);
}

static void
field_add(const char *name)
{
	size_t	 i;
	uint8_t	 f;

	for (f = 0; f < F_MAX; f++)
		if (strcmp(field_names[f], name) == 0)
			break;
	if (f == F_MAX) {
		error("unknown field \"%s\": milter-sysuser.conf(5) has "
		    "all of them", name);
		return;
	}
	for (i = 0; i < p.fields->n; i++)
		if (p.fields->list[i] == f) {
			error("field \"%s\" is there twice: keep one", name);
			return;
		}
	p.fields->list[p.fields->n++] = f;
}

/*
 * Tables and the lists that fill them.
 */

static struct table *
table_find(const char *name)
{
	struct table	*t;

	TAILQ_FOREACH(t, &p.conf->policy->tables, next)
		if (t->name != NULL && strcmp(t->name, name) == 0)
			break;
	return (t);
}

static void
table_new(const char *name, enum table_kind kind)
{
	struct tables	*all = &p.conf->policy->tables;
	struct table	*t = allocate(sizeof(*t)), *last;

	last = TAILQ_LAST(all, tables);
	t->index = last != NULL ? last->index + 1 : 0;
	t->kind = kind;
	t->name = name != NULL ? conf_strdup(name) : NULL;
	TAILQ_INIT(&t->entries);
	TAILQ_INSERT_TAIL(all, t, next);
	p.table = t;
	p.nentries = 0;
}

/* Made before its entries are read, so that a flaw in them is all we say. */
static void
table_begin(const char *name)
{
	if (table_find(name) != NULL)
		error("table <%s> is defined twice: rename one", name);
	else if (strcmp(name, BLOCKED_NOW) == 0)
		error("table <%s> is that of sysuserctl block: take another "
		    "name", name);
	table_new(name, TABLE_USERS);
	p.list = LIST_USERS;
	p.may_be_empty = 1;
}

static struct entry *
entry_new(void)
{
	struct entry	*e = allocate(sizeof(*e));

	if (++p.nentries > MAX_ENTRIES) {
		error("more than %d entries in a table", MAX_ENTRIES);
		p.stop = 1;
	}
	TAILQ_INSERT_TAIL(&p.table->entries, e, next);
	return (e);
}

static void
entry_name(const char *name)
{
	entry_new()->name = conf_strdup(name);
}

static void
entry_range(const char *lo, const char *hi)
{
	struct entry	*e = entry_new();

	e->known = 1;
	e->range.lo = number("uid", lo, 0, MAX_UID);
	e->range.hi = hi == lo ? e->range.lo : number("uid", hi, 0, MAX_UID);
	if (e->range.lo > e->range.hi)
		error("range %s - %s is backwards: say %s - %s", lo, hi, hi,
		    lo);
}

static void
pattern_add(const char *text)
{
	if (check_text("pattern", text, MAX_GLOB) == -1)
		return;
	if (++p.nentries > MAX_PATTERNS) {
		if (p.nentries == MAX_PATTERNS + 1)
			error("more than %d patterns in a list",
			    MAX_PATTERNS);
		return;
	}
	if (pattern_new(p.match, text) == NULL)
		conf_nomem();
}

static void
list_empty(void)
{
	if (!p.may_be_empty)
		error("empty list: say at least one");
}

static void
item_word(const char *text)
{
	if (p.list == LIST_FIELDS)
		field_add(text);
	else if (p.list == LIST_UIDS)
		error("\"%s\" is not a uid: say a number", text);
	else if (p.list == LIST_PORTS)
		error("\"%s\" is not a port number: say 25", text);
	else if (p.list == LIST_PATTERNS)
		pattern_add(text);
	else if (check_text("name", text, MAX_ENTRY) == 0)
		entry_name(text);
}

/* A keyword may name a field; an account of that name needs quotes. */
static void
item_keyword(const char *text)
{
	if (p.list == LIST_FIELDS)
		field_add(text);
	else
		error("\"%s\" is a keyword: quote it", text);
}

static void
item_range(const char *lo, const char *hi)
{
	if (p.list == LIST_UIDS)
		entry_range(lo, hi);
	else if (p.list == LIST_PORTS)
		port_add(lo, hi);
	else if (p.list == LIST_FIELDS)
		error("unknown field \"%s\": milter-sysuser.conf(5) has "
		    "all of them", lo);
	else if (p.list == LIST_PATTERNS && lo == hi)
		pattern_add(lo);
	else if (p.list == LIST_PATTERNS)
		error("%s - %s is a range, not a pattern: quote it", lo, hi);
	else
		error("%s is a number, not a name: quote it%s", lo,
		    p.list == LIST_USERS ? " or say uid" : "");
}

static void
item_uid(const char *lo, const char *hi)
{
	if (p.list == LIST_USERS)
		entry_range(lo, hi);
	else
		error("\"uid %s\" has no place in this list", lo);
}

/*
 * Table files speak the words of an inline table, one entry a line, and they
 * share the lexer; but a line is no statement, and keywords are names.
 */

static int
line_token(void)
{
	int	 token;

	while ((token = lex_token()) == 0)
		;
	return (token);
}

/* Returns the token after uid N or uid N - M. */
static int
line_uid(void)
{
	char	*lo;
	int	 token;

	if (line_token() != NUMBER) {
		error("uid and no number: say uid 1000");
		return (BROKEN);
	}
	lo = yylval.text;
	if ((token = line_token()) != '-') {
		item_uid(lo, lo);
		return (token);
	}
	if (line_token() != NUMBER) {
		error("uid and no number after -: say uid 1000 - 1999");
		return (BROKEN);
	}
	item_uid(lo, yylval.text);
	return (line_token());
}

/* Returns the token after the entry, or BROKEN. */
static int
line_entry(int token)
{
	if (token == UID)
		return (line_uid());
	if (token == NUMBER)
		item_range(yylval.text, yylval.text);
	else if (token > UCHAR_MAX && token != TABLENAME && token != BROKEN)
		item_word(yylval.text);
	else {
		if (token != BROKEN)
			error("not a name: quote it");
		return (BROKEN);
	}
	return (line_token());
}

static void
table_line(int token)
{
	int	 c;

	token = line_entry(token);
	if (token == '\n')
		return;
	if (token != BROKEN)
		error("more than one name in a line: give each its own");
	while ((c = lex_peek(0)) != '\n' && c != EOF)
		lex_skip(1);
}

static void
table_file(const char *name)
{
	struct input	*s;
	char		*path = file_beside(name);
	int		 depth = p.depth, line = p.line, token;

	if ((s = file_read(path)) != NULL) {
		p.table->file = absolute(path);
		p.plain = 1;
		input_push(s);
		while (p.depth > depth && !p.stop)
			if ((token = lex_token()) != '\n' && token != 0)
				table_line(token);
		p.plain = 0;
		p.line = line;
	}
	free(path);
}

/*
 * Rules.
 */

static void
rule_begin(enum action action)
{
	struct rules	*all = &p.conf->policy->rules;
	struct rule	*r = allocate(sizeof(*r)), *last;

	last = TAILQ_LAST(all, rules);
	r->number = last != NULL ? last->number + 1 : 1;
	r->action = action;
	TAILQ_INIT(&r->matches);
	TAILQ_INSERT_TAIL(all, r, next);
	p.rule = r;
	p.nrated = 0;
}

static struct match *
match_begin(enum matcher kind)
{
	struct match	*m;

	if ((m = match_new(p.rule, kind)) == NULL)
		conf_nomem();
	m->negate = p.negate;
	return (m);
}

static void
match_any(void)
{
	if (p.negate)
		error("\"not user any\" would never match: say unknown");
	match_begin(M_USER);
}

static void
match_table(const char *name)
{
	struct table	*t;

	if ((t = table_find(name)) == NULL)
		error("unknown table <%s>: define it above", name);
	else
		match_begin(M_USER)->table = t->index;
}

/* Names in a rule are a table without a name. */
static void
match_list(enum matcher kind, enum list list)
{
	table_new(NULL, kind == M_GROUP ? TABLE_GROUPS : TABLE_USERS);
	match_begin(kind)->table = p.table->index;
	p.list = list;
	p.may_be_empty = 0;
}

static void
match_patterns(enum matcher kind)
{
	p.match = match_begin(kind);
	p.nentries = 0;
	p.list = LIST_PATTERNS;
	p.may_be_empty = 0;
}

/* "sender not from": as "not sender". */
static void
match_not_from(void)
{
	if (p.match->negate)
		error("\"not sender not from\" is turned round twice: say "
		    "\"sender from\"");
	p.match->negate = 1;
}

/*
 * What a limit allows.
 */

static void
rate_add(const char *text, enum unit unit)
{
	struct rule	*r = p.rule;
	struct rate	*rate;

	if (r->nrates == MAX_RATES) {
		error("more than %d amounts in a limit", MAX_RATES);
		return;
	}
	rate = &r->rates[r->nrates++];
	rate->unit = unit;
	if (strspn(text, "0") == strlen(text))
		error("a limit of 0 lets nothing pass: say reject");
	else
		rate->most = number("limit", text, 1, UINT32_MAX - 1);
}

/* A number and its unit, in seconds; 0 if it won't do. */
static uint32_t
window(const char *text)
{
	static const struct {
		char		 letter;
		uint32_t	 seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }
	};
	const char	*errstr;
	size_t		 digits = strspn(text, DIGITS), i;
	uint32_t	 n;

	for (i = 0; i < NITEMS(units); i++)
		if (text[digits] == units[i].letter)
			break;
	if (digits > 0 && text[digits] == '\0')
		error("window %s has no unit: say 3600s or 1h", text);
	else if (digits == 0 || i == NITEMS(units) ||
	    text[digits + 1] != '\0')
		error("\"%s\" is not a window: say 90s, 30m, 1h, 1d or 1w",
		    text);
	else {
		n = strtonum(keep(text, digits), 1,
		    MAX_WINDOW / units[i].seconds, &errstr);
		if (errstr == NULL)
			return (n * units[i].seconds);
		error("window must be between 1s and 31d");
	}
	return (0);
}

static int
rate_is_known(const struct rule *r, const struct rate *rate)
{
	const struct rate	*other;

	for (other = r->rates; other < rate; other++)
		if (other->unit == rate->unit &&
		    other->seconds == rate->seconds)
			return (1);
	return (0);
}

static void
rates_per(const char *text)
{
	struct rule	*r = p.rule;
	struct rate	*rate;
	uint32_t	 seconds = window(text);

	for (; p.nrated < r->nrates; p.nrated++) {
		rate = &r->rates[p.nrated];
		rate->seconds = seconds;
		if (seconds != 0 && rate_is_known(r, rate))
			error("%s per %s are limited twice: keep one",
			    unit_names[rate->unit], text);
	}
}

static void
rates_end(void)
{
	const struct rule	*r = p.rule;
	const struct rate	*rate = &r->rates[p.nrated];

	if (p.nrated < r->nrates)
		error("limit of %u %s has no window: say per 1h", rate->most,
		    unit_names[rate->unit]);
}

/*
 * The text goes into an SMTP reply: a line of ASCII.  Whatever could end
 * that line becomes a blank.
 */
static void
rule_message(const char *text)
{
	struct rule	*r = p.rule;
	char		*s;

	if (r->action == A_PASS || r->action == A_DISCARD)
		error("message is for reject, tempfail, quarantine and limit "
		    "only");
	else if (r->message != NULL)
		error("message is set twice: keep one");
	set_string(&r->message, text);
	for (s = r->message; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
		if ((unsigned char)*s > 0x7f) {
			error("message is not plain ASCII");
			return;
		}
	}
	if (strspn(r->message, " ") == strlen(r->message))
		error("message is empty: say some text, or leave it out");
	else
		(void)check_text("message", r->message, MAX_MESSAGE);
}

static void
rule_keep(void)
{
	if (p.rule->action != A_PASS)
		error("keep header is for pass only");
	else if (p.rule->keep++)
		error("keep header is set twice: keep one");
	else if (p.conf->keep.line == 0)
		conf_where(&p.conf->keep, SLIST_FIRST(&p.inputs)->name,
		    p.line);
}

static void
rule_silent(void)
{
	if (p.rule->action != A_PASS && p.rule->action != A_QUARANTINE)
		error("header none is for pass and quarantine only");
	else if (p.rule->silent++)
		error("header none is set twice: keep one");
}

/* Every other matcher is false for an unknown owner. */
static void
rule_end(void)
{
	struct match	*m;
	int		 unknown = 0, known = 0;

	TAILQ_FOREACH(m, &p.rule->matches, next)
		if (m->kind == M_UNKNOWN && !m->negate)
			unknown = 1;
		else
			known = 1;
	if (unknown && known)
		warning("warning: rule %u can't match: of an unknown owner "
		    "nothing else is true; say unknown alone",
		    p.rule->number);
	if (p.rule->keep && p.rule->silent)
		error("keep header and header none don't go together: keep "
		    "one");
}

/*
 * The parser's life.
 */

static void
parser_init(uid_t owner, char *err, size_t errsize)
{
	memset(&p, 0, sizeof(p));
	SLIST_INIT(&p.inputs);
	SLIST_INIT(&p.words);
	TAILQ_INIT(&p.macros);
	p.owner = owner;
	p.err = err;
	p.errsize = errsize;
	if (errsize > 0)
		*err = '\0';
}

static void
parser_free(void)
{
	struct macro	*m;
	struct word	*w;
	size_t		 i;

	while (!SLIST_EMPTY(&p.inputs))
		input_pop();
	while ((m = TAILQ_FIRST(&p.macros)) != NULL) {
		TAILQ_REMOVE(&p.macros, m, next);
		free(m->name);
		free(m->value);
		free(m);
	}
	while ((w = SLIST_FIRST(&p.words)) != NULL) {
		SLIST_REMOVE_HEAD(&p.words, next);
		free(w);
	}
	for (i = 0; i < NITEMS(p.seen); i++)
		free(p.seen[i].file);
	memset(&p, 0, sizeof(p));
}

/* What is missing is missed on the last line. */
static void
parser_end(const struct input *s)
{
	conf_where(&p.conf->end, s->name, input_line(s));
}

/* True if it is good. */
static int
parse(const char *path)
{
	struct input	*s;

	p.conf = conf_new();
	if ((s = file_read(path)) == NULL)
		return (0);
	input_push(s);
	if (yyparse() != 0 || p.errors > 0)
		return (0);
	parser_end(s);
	return (conf_check(p.conf, p.err, p.errsize) != -1);
}

/*
 * The configuration in that file, which must be root's or owner's.  NULL if
 * there is an error: all of them are in the log, the first one in err too.
 */
struct conf *
parse_config(const char *path, uid_t owner, char *err, size_t errsize)
{
	struct conf	*conf;
	jmp_buf		 escape;
	volatile int	 good = 0;

	parser_init(owner, err, errsize);
	conf_escape = &escape;
	if (setjmp(escape) == 0)
		good = parse(path);
	else {
		log_warn("%s", path);
		(void)snprintf(err, errsize, "%s: %s", path, strerror(errno));
	}
	conf_escape = NULL;
	conf = p.conf;
	parser_free();
	if (good)
		return (conf);
	conf_free(conf);
	return (NULL);
}
