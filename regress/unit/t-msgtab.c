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
 * SOURCES: common/msgtab.c
 *
 * common/MESSAGES, which is for people, says what is legal; msgtab.c must say
 * the same, and msg_check() must hold everybody to it.
 */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sysuser.h"

#define MESSAGES	"common/MESSAGES"	/* from the top */
#define LETTERS		"PRNKWC"		/* as in enum role */
#define INDENT		14
#define COLUMNS		80

/* A row as it is for people; sizes twice: as told, and as of the payload. */
struct row {
	char		 name[32];
	unsigned int	 from, to;
	size_t		 min, max;
	int		 fd;
	unsigned int	 states;
	int		 once;
	char		 payload[512];
	char		 purpose[COLUMNS];
	size_t		 paymin, paymax;
};

static struct row	 rows[IMSG_MAX];
static size_t		 nrows;
static int		 lines;			/* read, to tell where */

static unsigned int
roles(const char *letters)
{
	unsigned int	 bits = 0;
	const char	*p;

	for (; *letters != '\0'; letters++) {
		if ((p = strchr(LETTERS, *letters)) == NULL)
			fail_msg("line %d: no such process", lines);
		else
			bits |= 1 << (p - LETTERS);
	}
	return (bits);
}

static unsigned int
states(const char *words)
{
	if (strcmp(words, "BOOT") == 0)
		return (1 << S_BOOT);
	if (strcmp(words, "RUN") == 0)
		return (1 << S_RUN);
	if (strcmp(words, "BOOT|RUN") == 0)
		return (1 << S_BOOT | 1 << S_RUN);
	fail_msg("line %d: no such states", lines);
	return (0);
}

static struct row *
row_find(const char *name)
{
	size_t	 i;

	for (i = 0; i < nrows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (&rows[i]);
	return (NULL);
}

static void
read_row(const char *line)
{
	char		 from[8], to[8], fd[8], state[16], once[8], rest;
	struct row	*r;

	assert_in_range(nrows, 0, IMSG_MAX - 1);
	r = &rows[nrows];
	if (sscanf(line, "%31s %7s -> %7s %zu..%zu %7s %15s %7s %c", r->name,
	    from, to, &r->min, &r->max, fd, state, once, &rest) != 8)
		fail_msg("line %d: is not a row", lines);
	r->from = roles(from);
	r->to = roles(to);
	r->states = states(state);
	r->fd = strcmp(fd, "yes") == 0;
	assert_true(r->fd || strcmp(fd, "no") == 0);
	r->once = strcmp(once, "once") == 0;
	assert_true(r->once || strcmp(once, "-") == 0);
	nrows++;
}

/* Lines below a row: its payload, to the first without a comma; purpose. */
static void
read_more(const char *line)
{
	struct row	*r = &rows[nrows - 1];
	size_t		 len = strlen(r->payload);

	assert_true(nrows > 0);
	if (len == 0 || r->payload[len - 1] == ',') {
		if (len > 0)
			(void)strlcat(r->payload, " ", sizeof(r->payload));
		assert_true(strlcat(r->payload, line, sizeof(r->payload)) <
		    sizeof(r->payload));
	} else {
		assert_string_equal(r->purpose, "");
		assert_true(strlcpy(r->purpose, line, sizeof(r->purpose)) <
		    sizeof(r->purpose));
	}
}

/* Bytes of one "[N x | N-M x] type name". */
static void
field_size(struct row *r, const char *field)
{
	char		 type[32], name[32], rest;
	unsigned int	 lo = 1, hi = 1, n, max;
	int		 skip = 0;

	if (sscanf(field, "%u-%u x %n", &lo, &hi, &skip) == 2 && skip > 0)
		field += skip;
	else if (sscanf(field, "%u x %n", &lo, &skip) == 1 && skip > 0) {
		hi = lo;
		field += skip;
	} else
		lo = hi = 1;
	if (sscanf(field, "%31s %31s %c", type, name, &rest) != 2)
		fail_msg("%s: a field is a type and a name: %s", r->name,
		    field);
	if (sscanf(type, "u%u%c", &n, &rest) == 1) {
		n /= 8;
		max = n;
	} else if (strcmp(type, "range") == 0)
		n = max = 8;
	else if (strcmp(type, "endpoint") == 0)
		n = max = 18;
	else if (strcmp(type, "rate") == 0)
		n = max = 9;
	else if (strcmp(type, "block") == 0)
		n = max = 12;
	else if (sscanf(type, "string(%u%c", &max, &rest) == 2) {
		n = 2;
		max += 2;
	} else if (strcmp(type, "text") == 0) {
		n = 1;
		max = 1 + 2 + MAX_PATH + 1;
	} else {
		fail_msg("%s: no such type: %s", r->name, type);
		return;
	}
	r->paymin += lo * n;
	r->paymax += hi * max;
}

static void
payload_size(struct row *r)
{
	char		 copy[sizeof(r->payload)], *p = copy, *field;
	struct row	*other;

	if (strcmp(r->payload, "empty") == 0)
		return;
	if (strncmp(r->payload, "as ", 3) == 0) {
		if ((other = row_find(r->payload + 3)) == NULL) {
			fail_msg("%s: as what?", r->name);
			return;
		}
		r->paymin = other->paymin;
		r->paymax = other->paymax;
		return;
	}
	(void)strlcpy(copy, r->payload, sizeof(copy));
	while ((field = strsep(&p, ",")) != NULL)
		field_size(r, field + strspn(field, " "));
}

/* All between the heading of the table and the end of the file. */
static int
read_messages(void **state)
{
	char	 line[256];
	FILE	*f;
	size_t	 i, len;
	int	 table = 0;

	(void)state;
	if ((f = fopen(MESSAGES, "r")) == NULL) {
		perror(MESSAGES);
		return (-1);
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		lines++;
		len = strcspn(line, "\n");
		assert_int_equal(line[len], '\n');
		line[len] = '\0';
		assert_in_range(len, 0, COLUMNS - 1);
		for (i = 0; i < len; i++)
			assert_true(isprint((unsigned char)line[i]));
		assert_true(len == 0 || line[len - 1] != ' ');
		if (!table)
			table = strncmp(line, "NAME  ", 6) == 0;
		else if (strspn(line, " ") == INDENT)
			read_more(line + INDENT);
		else if (strstr(line, " -> ") != NULL)
			read_row(line);
	}
	fclose(f);
	for (i = 0; i < nrows; i++)
		payload_size(&rows[i]);
	return (0);
}

/* The two are the same, in the same order. */
static void
t_messages(void **state)
{
	size_t	 i;

	(void)state;
	assert_int_equal(nrows, IMSG_MAX);
	for (i = 0; i < IMSG_MAX; i++) {
		assert_int_equal(msgtab[i].type, i);
		assert_string_equal(msgtab[i].name, rows[i].name);
		if (msgtab[i].from != rows[i].from ||
		    msgtab[i].to != rows[i].to ||
		    msgtab[i].min != rows[i].min ||
		    msgtab[i].max != rows[i].max ||
		    msgtab[i].fd != rows[i].fd ||
		    msgtab[i].states != rows[i].states ||
		    msgtab[i].once != rows[i].once)
			fail_msg("%s is not the same in " MESSAGES
			    " and msgtab.c", rows[i].name);
	}
}

/* What people read of a message makes sense in itself. */
static void
t_payloads(void **state)
{
	const struct row	*r;

	(void)state;
	for (r = rows; r < rows + nrows; r++) {
		if (r->paymin != r->min || r->paymax != r->max)
			fail_msg("%s: the payload has %zu..%zu bytes", r->name,
			    r->paymin, r->paymax);
		assert_string_not_equal(r->purpose, "");
		assert_in_range(r->max, r->min, MSG_MAX - MSG_HEADER);
		assert_ptr_equal(row_find(r->name), r);
	}
}

/*
 * What each can say to each, in order; who does not stand here is silent.  It
 * is the design: one line more is a decision, not a slip.
 */
static void
t_design(void **state)
{
	static const struct {
		char		 from, to;
		const char	*what;
	} table[] = {
		{ 'P', 'R', " PEER LOGFD CONF_BEGIN CONF_ITEM CONF_END START "
		    "PING STATS_GET" },
		{ 'P', 'N', " PEER LOGFD START PING ID" },
		{ 'P', 'K', " PEER LISTEN LOGFD START PING USERIDOF PROC "
		    "TABLEROW SAVED RESULT" },
		{ 'P', 'W', " PEER LISTEN LOGFD CONF_BEGIN CONF_ITEM CONF_END "
		    "START PING STATS_GET" },
		{ 'R', 'P', " HELLO CONF_ACK READY PONG DROPPED STATS" },
		{ 'R', 'N', " NAME" },
		{ 'R', 'K', " ANSWER CAPS" },
		{ 'R', 'W', " ANSWER" },
		{ 'N', 'P', " HELLO READY PONG IDOF" },
		{ 'N', 'R', " NAMED" },
		{ 'K', 'P', " HELLO READY PONG DROPPED USERID PROCS TABLES "
		    "SAVE RELOAD STOP" },
		{ 'K', 'R', " LOOKUP CAPS_GET" },
		{ 'K', 'W', " VERDICT TABLE TEST" },
		{ 'K', 'C', " CTL_PROC CTL_ANSWER CTL_CAPS CTL_TOPROW "
		    "CTL_EVENT CTL_ALERT CTL_LOST CTL_BLOCKED CTL_TABLEROW "
		    "CTL_TESTROW CTL_TESTED CTL_OK CTL_FAIL" },
		{ 'W', 'P', " HELLO CONF_ACK READY PONG STATS" },
		{ 'W', 'R', " LOOKUP" },
		{ 'W', 'K', " CHARGE EVENT TABLED TESTROW TESTED" },
		{ 'C', 'K', " CTL_HELLO CTL_STATUS CTL_LOOKUP CTL_RELOAD "
		    "CTL_STOP CTL_CAPS_GET CTL_TOP CTL_MONITOR CTL_BLOCK "
		    "CTL_UNBLOCK CTL_TABLES CTL_TEST" },
	};
	char		 what[512];
	const char	*expect;
	size_t		 i;
	int		 from, to;

	(void)state;
	for (from = 0; from < ROLE_MAX; from++)
		for (to = 0; to < ROLE_MAX; to++) {
			what[0] = '\0';
			for (i = 0; i < IMSG_MAX; i++)
				if (msgtab[i].from & 1 << from &&
				    msgtab[i].to & 1 << to) {
					(void)strlcat(what, " ", sizeof(what));
					(void)strlcat(what, msgtab[i].name,
					    sizeof(what));
				}
			expect = "";
			for (i = 0; i < NITEMS(table); i++)
				if (table[i].from == LETTERS[from] &&
				    table[i].to == LETTERS[to])
					expect = table[i].what;
			assert_string_equal(what, expect);
		}
	/* Descriptors come from the parent alone. */
	for (i = 0; i < IMSG_MAX; i++)
		assert_true(!msgtab[i].fd ||
		    msgtab[i].from == 1 << ROLE_PARENT);
}

static void
t_roles(void **state)
{
	static const char *const	 names[] = {
		"parent", "resolver", "names", "control", "worker", "client"
	};
	size_t				 i;

	(void)state;
	assert_int_equal(NITEMS(names), ROLE_MAX);
	for (i = 0; i < ROLE_MAX; i++)
		assert_string_equal(role_names[i], names[i]);
}

/* A message as its row wants it, on a channel that it may come through. */
static void
right(const struct row *r, struct msg *m, struct chan *c)
{
	memset(m, 0, sizeof(*m));
	memset(c, 0, sizeof(*c));
	m->type = r - rows;
	m->fd = r->fd ? 0 : -1;
	m->len = r->min;
	while (!(r->from & 1 << c->peer))
		c->peer++;
	while (!(r->to & 1 << c->self))
		c->self++;
	while (!(r->states & 1 << c->state))
		c->state++;
}

static void
check(const struct row *r, const struct msg *m, const struct chan *c,
    const char *expect)
{
	const char	*why = msg_check(m, c);

	if ((why == NULL) != (expect == NULL) ||
	    (why != NULL && strcmp(why, expect) != 0))
		fail_msg("%s: %s, not %s", r->name, why != NULL ? why : "good",
		    expect != NULL ? expect : "good");
}

/* Each that is allowed to each, now, in all its lengths. */
static void
t_right(void **state)
{
	const struct row	*r;
	struct msg		 m;
	struct chan		 c;

	(void)state;
	for (r = rows; r < rows + nrows; r++) {
		right(r, &m, &c);
		for (c.peer = 0; c.peer < ROLE_MAX; c.peer++)
			for (c.self = 0; c.self < ROLE_MAX; c.self++)
				check(r, &m, &c,
				    !(r->from & 1 << c.peer) ?
				    "not from there" :
				    !(r->to & 1 << c.self) ?
				    "not to here" : NULL);
		right(r, &m, &c);
		for (c.state = S_BOOT; c.state <= S_QUIT; c.state++)
			check(r, &m, &c,
			    r->states & 1 << c.state ? NULL : "not now");
		right(r, &m, &c);
		for (m.len = 0; m.len <= MSG_MAX - MSG_HEADER; m.len++)
			check(r, &m, &c, m.len < r->min ? "too short" :
			    m.len > r->max ? "too long" : NULL);
	}
}

static void
t_once(void **state)
{
	const struct row	*r;
	struct msg		 m;
	struct chan		 c;

	(void)state;
	for (r = rows; r < rows + nrows; r++) {
		right(r, &m, &c);
		c.seen[m.type / 8] = 1 << m.type % 8;
		check(r, &m, &c, r->once ? "twice" : NULL);
		/* all others have come */
		memset(c.seen, 0xff, sizeof(c.seen));
		c.seen[m.type / 8] = ~(1 << m.type % 8);
		check(r, &m, &c, NULL);
	}
	/* There is a bit for each. */
	assert_in_range(IMSG_MAX, 0, 8 * sizeof(((struct chan *)0)->seen));
}

static void
t_descriptor(void **state)
{
	const struct row	*r;
	struct msg		 m;
	struct chan		 c;

	(void)state;
	for (r = rows; r < rows + nrows; r++) {
		right(r, &m, &c);
		m.fd = r->fd ? -1 : 0;
		check(r, &m, &c, r->fd ? "descriptor missing" :
		    "unwanted descriptor");
	}
}

static void
t_unknown(void **state)
{
	static const uint32_t	 types[] = {
		IMSG_MAX, IMSG_MAX + 1, 128, 129, 255, 256, 65536, INT32_MAX,
		(uint32_t)INT32_MAX + 1, UINT32_MAX
	};
	struct msg		 m;
	struct chan		 c;
	size_t			 i;

	(void)state;
	right(rows, &m, &c);
	for (i = 0; i < NITEMS(types); i++) {
		m.type = types[i];
		check(rows, &m, &c, "unknown type");
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_messages),
		cmocka_unit_test(t_payloads),
		cmocka_unit_test(t_design),
		cmocka_unit_test(t_roles),
		cmocka_unit_test(t_right),
		cmocka_unit_test(t_once),
		cmocka_unit_test(t_descriptor),
		cmocka_unit_test(t_unknown),
	};

	return (cmocka_run_group_tests(tests, read_messages, NULL));
}
