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


/* top: who sends most, once or on a screen of its own. */

#include <sys/types.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define ROWS_MAX	500
#define REFRESH		2000000		/* us */

#define LINES_LEAST	8
#define COLS_LEAST	40
#define COLS_ALL	80		/* from here on all windows fit */
#define COLS_MOST	250
#define HEADING		4		/* lines above the rows */
#define CELL		6		/* columns of a number */
#define NAMES_MOST	64		/* columns of user and program */

#define NO_DAEMON	"no daemon"

#define ENTER		"\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE		"\033[m\033[?25h\033[?1049l"
#define BOLD		"\033[1m"
#define REVERSE		"\033[7m"
#define RED		"\033[31m"

/* Whoever sent something, and how much of it. */
struct row {
	uint32_t	 uid;
	char		 user[NAME_TEXT];
	char		 program[NAME_TEXT];
	uint64_t	 n[SPAN_MAX][TALLY_MAX];
};

static struct top {
	struct row	 coming[ROWS_MAX];	/* until all are there */
	struct row	 rows[ROWS_MAX];	/* as they came */
	struct row	 view[ROWS_MAX];	/* as they are shown */
	size_t		 ncoming, nrows, nview;
	struct status	 status;
	const char	*lost;			/* why nothing is new */
	int		 span;			/* the window that sorts */
	int		 programs;		/* a row for each */
	int		 colour;
	unsigned int	 lines, cols;
} top = { .programs = 1 };

static struct {
	volatile sig_atomic_t	 on;
	struct termios		 saved, raw;
} screen;

static const char *const span_names[SPAN_MAX] = { "minute", "hour", "day" };
static const char *const tally_names[TALLY_MAX] = {
	"messages", "recipients", "rejected", "deferred"
};
static const char *const tally_heads[TALLY_MAX] = {
	"MSGS", "RCPT", "REJ", "DEF"
};

/* Returns 0, or -1 if stdout is no terminal. */
int
terminal_size(unsigned int *lines, unsigned int *cols)
{
	struct winsize	 ws;

	if (!isatty(STDOUT_FILENO))
		return (-1);
	*lines = 24;
	*cols = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 &&
	    ws.ws_col > 0) {
		*lines = ws.ws_row;
		*cols = ws.ws_col;
	}
	return (0);
}

static void
top_row(struct msg *m, void *arg)
{
	struct top	*t = arg;
	struct row	*row;
	char		 user[MAX_NAME + 2], program[MAX_NAME + 2];
	int		 span, tally;

	if (t->ncoming == ROWS_MAX || m->type != IMSG_CTL_TOPROW)
		fail("nonsense from the daemon");
	row = &t->coming[t->ncoming++];
	row->uid = get_u32(m);
	get_str(m, user, sizeof(user));
	get_str(m, program, sizeof(program));
	for (span = 0; span < SPAN_MAX; span++)
		for (tally = 0; tally < TALLY_MAX; tally++)
			row->n[span][tally] = get_u32(m);
	check(m);
	text_user(row->user, sizeof(row->user), row->uid, user);
	text_program(row->program, sizeof(row->program), program);
}

/* What we have stays until there is something new. */
static void
fetch(struct top *t)
{
	struct msg	 m;

	if (ctl.chan.fd == -1 && attach() == -1) {
		t->lost = errno == ENOENT || errno == ECONNREFUSED ?
		    NO_DAEMON : strerror(errno);
		return;
	}
	t->ncoming = 0;
	msg_new(&m, IMSG_CTL_TOP, 1);
	put_u16(&m, ROWS_MAX);
	if (status_try(&t->status) == -1 ||
	    ask_try(&m, IMSG_CTL_OK, top_row, t) == -1) {
		t->lost = ctl.chan.fd == -1 ? NO_DAEMON : ctl.why;
		return;
	}
	memcpy(t->rows, t->coming, t->ncoming * sizeof(t->rows[0]));
	t->nrows = t->ncoming;
	t->lost = NULL;
}

static uint64_t
volume(const struct row *r, int span)
{
	return (r->n[span][TALLY_MESSAGES] + r->n[span][TALLY_REJECTED] +
	    r->n[span][TALLY_DEFERRED]);
}

static int
by_user(const void *a, const void *b)
{
	const struct row	*x = a, *y = b;

	if (x->uid != y->uid)
		return (x->uid < y->uid ? -1 : 1);
	return (strcmp(x->user, y->user));
}

/* No two rows are equal, so that none changes its place without need. */
static int
by_volume(const void *a, const void *b)
{
	const struct row	*x = a, *y = b;
	uint64_t		 n = volume(x, top.span);
	uint64_t		 m = volume(y, top.span);
	int			 order;

	if (n == m) {
		n = volume(x, SPAN_DAY);
		m = volume(y, SPAN_DAY);
	}
	if (n != m)
		return (n > m ? -1 : 1);
	if ((order = strcmp(x->user, y->user)) == 0 &&
	    (order = strcmp(x->program, y->program)) == 0)
		order = by_user(x, y);
	return (order);
}

/* Add to into what from has, under a name if one of them has it. */
static void
row_add(struct row *into, const struct row *from)
{
	int	 span, tally;

	for (span = 0; span < SPAN_MAX; span++)
		for (tally = 0; tally < TALLY_MAX; tally++)
			into->n[span][tally] += from->n[span][tally];
	if (into->user[0] == '#')
		(void)strlcpy(into->user, from->user, sizeof(into->user));
}

/* The rows in their order; without programs there is one for each user. */
static void
arrange(struct top *t)
{
	size_t	 i, n = 0;

	memcpy(t->view, t->rows, t->nrows * sizeof(t->rows[0]));
	t->nview = t->nrows;
	if (!t->programs) {
		qsort(t->view, t->nview, sizeof(t->view[0]), by_user);
		for (i = 0; i < t->nview; i++)
			if (n > 0 && t->view[n - 1].uid == t->view[i].uid)
				row_add(&t->view[n - 1], &t->view[i]);
			else
				t->view[n++] = t->view[i];
		t->nview = n;
	}
	qsort(t->view, t->nview, sizeof(t->view[0]), by_volume);
}

static void
print_plain(const struct top *t)
{
	const struct row	*r;
	size_t			 i, user = 8, program = 8;
	char			 head[SPAN_TEXT];
	int			 span, tally;

	for (i = 0; i < t->nview; i++) {
		user = MAXIMUM(user, strlen(t->view[i].user));
		program = MAXIMUM(program, strlen(t->view[i].program));
	}
	(void)printf("%-*s %-*s", (int)user, "USER", (int)program, "PROGRAM");
	for (span = 0; span < SPAN_MAX; span++)
		for (tally = 0; tally < TALLY_MAX; tally++) {
			(void)snprintf(head, sizeof(head), "%s/%c",
			    tally_heads[tally], span_names[span][0]);
			(void)printf(" %7s", head);
		}
	(void)printf("\n");
	for (i = 0; i < t->nview; i++) {
		r = &t->view[i];
		(void)printf("%-*s %-*s", (int)user, r->user, (int)program,
		    r->program);
		for (span = 0; span < SPAN_MAX; span++)
			for (tally = 0; tally < TALLY_MAX; tally++)
				(void)printf(" %7llu",
				    (unsigned long long)r->n[span][tally]);
		(void)printf("\n");
	}
}

static void
print_json(const struct top *t)
{
	const struct row	*r;
	size_t			 i;
	int			 span, tally;

	json_open(NULL, '{');
	json_open("rows", '[');
	for (i = 0; i < t->nview; i++) {
		r = &t->view[i];
		json_open(NULL, '{');
		json_string("user", r->user);
		if (r->uid != UID_UNKNOWN)
			json_number("uid", r->uid);
		else
			json_null("uid");
		json_string("program", r->program);
		for (span = 0; span < SPAN_MAX; span++) {
			json_open(span_names[span], '{');
			for (tally = 0; tally < TALLY_MAX; tally++)
				json_number(tally_names[tally],
				    r->n[span][tally]);
			json_close();
		}
		json_close();
	}
	json_close();
	json_close();
}

/* Also for signal handlers: it calls nothing that they may not call. */
static void
screen_write(const char *s, size_t len)
{
	int	 saved = errno;

	if (write(STDOUT_FILENO, s, len) == -1)
		errno = saved;
}

static void
screen_enter(void)
{
	screen.on = 1;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.raw);
	screen_write(ENTER, sizeof(ENTER) - 1);
}

/* Give the terminal back as it was. */
void
screen_leave(void)
{
	if (!screen.on)
		return;
	screen.on = 0;
	screen_write(LEAVE, sizeof(LEAVE) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.saved);
}

static void
on_end(int sig)
{
	(void)sig;
	screen_leave();
	_exit(0);
}

/* ^Z: stop with the terminal as it was, and come back to a fresh screen. */
static void
on_stop(int sig)
{
	int	 saved = errno;

	(void)sig;
	screen_leave();
	(void)raise(SIGSTOP);
	screen_enter();
	errno = saved;
}

/* A new size: it is enough that the wait for a key ends. */
static void
on_resize(int sig)
{
	(void)sig;
}

static void
handle(int sig, void (*fn)(int))
{
	struct sigaction	 sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	(void)sigfillset(&sa.sa_mask);
	(void)sigaction(sig, &sa, NULL);
}

/*
 * Only while a key is waited for may the signals that draw the screen anew
 * come in; mask is the one for that wait.
 */
static void
screen_init(sigset_t *mask)
{
	sigset_t	 later;

	if (tcgetattr(STDIN_FILENO, &screen.saved) == -1)
		fail("the terminal: %s", strerror(errno));
	screen.raw = screen.saved;
	screen.raw.c_lflag &= ~(ICANON | ECHO);
	screen.raw.c_cc[VMIN] = 1;
	screen.raw.c_cc[VTIME] = 0;
	(void)sigemptyset(&later);
	(void)sigaddset(&later, SIGWINCH);
	(void)sigaddset(&later, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &later, mask);
	(void)sigdelset(mask, SIGWINCH);
	(void)sigdelset(mask, SIGTSTP);
	handle(SIGWINCH, on_resize);
	handle(SIGTSTP, on_stop);
	handle(SIGINT, on_end);
	handle(SIGTERM, on_end);
	handle(SIGHUP, on_end);
	handle(SIGQUIT, on_end);
	handle(SIGPIPE, on_end);
}

/* One line of the screen, whole, so that nothing old is left in it. */
static void
paint(const struct top *t, const char *attr, const char *text, int last)
{
	(void)printf("%s%-*.*s%s%s", t->colour ? attr : "", (int)t->cols,
	    (int)t->cols, text, t->colour && attr[0] != '\0' ? "\033[m" : "",
	    last ? "" : "\r\n");
}

/* One more number at the end of a line. */
static void
add_number(char *line, size_t size, uint64_t n)
{
	char	 text[SPAN_TEXT];
	size_t	 len = strlen(line);

	text_count(text, sizeof(text), n);
	(void)snprintf(line + len, size - len, "%*s", CELL, text);
}

static void
add_text(char *line, size_t size, int width, const char *text)
{
	size_t	 len = strlen(line);

	(void)snprintf(line + len, size - len, "%*s", width, text);
}

/* There is room for all windows, or else for the one that sorts. */
static int
shows(const struct top *t, int span)
{
	return (t->cols >= COLS_ALL || span == t->span);
}

/* Columns that are left for the names. */
static int
names_width(const struct top *t)
{
	int	 numbers = t->cols >= COLS_ALL ? 2 * SPAN_MAX + 2 : TALLY_MAX;
	int	 width = t->cols - numbers * CELL;

	return (width > NAMES_MOST ? NAMES_MOST : width);
}

static void
add_names(const struct top *t, char *line, size_t size, const char *user,
    const char *program)
{
	char	 text[NAME_TEXT];
	int	 width = names_width(t), half = t->programs ? width / 2 : width;

	(void)strlcpy(text, user, sizeof(text));
	text_cut(text, half - (t->programs ? 1 : 0));
	(void)snprintf(line, size, "%-*s", half, text);
	if (t->programs) {
		(void)strlcpy(text, program, sizeof(text));
		text_cut(text, width - half);
		add_text(line, size, half - width, text);
	}
}

static void
paint_row(const struct top *t, const struct row *r)
{
	const uint64_t	*now = r->n[SPAN_MINUTE];
	char		 line[COLS_MOST + 1];
	int		 span, tally;

	add_names(t, line, sizeof(line), r->user, r->program);
	for (span = 0; span < SPAN_MAX; span++)
		for (tally = 0; tally < TALLY_REJECTED; tally++)
			if (shows(t, span))
				add_number(line, sizeof(line),
				    r->n[span][tally]);
	for (tally = TALLY_REJECTED; tally < TALLY_MAX; tally++)
		add_number(line, sizeof(line), r->n[t->span][tally]);
	paint(t, now[TALLY_REJECTED] + now[TALLY_DEFERRED] > 0 ? RED : "",
	    line, 0);
}

/* The names of the columns, and above them the windows; [...] sorts. */
static void
paint_heads(const struct top *t)
{
	char	 line[COLS_MOST + 1], text[SPAN_TEXT];
	int	 span, tally;

	add_names(t, line, sizeof(line), "", "");
	for (span = 0; span < SPAN_MAX; span++) {
		(void)snprintf(text, sizeof(text), span == t->span ? "[1 %s]" :
		    "1 %s", span_names[span]);
		if (shows(t, span))
			add_text(line, sizeof(line), 2 * CELL, text);
	}
	(void)snprintf(text, sizeof(text), "[1 %s]", span_names[t->span]);
	if (t->cols >= COLS_ALL)
		add_text(line, sizeof(line), 2 * CELL, text);
	paint(t, BOLD, line, 0);

	add_names(t, line, sizeof(line), "USER", "PROGRAM");
	for (span = 0; span < SPAN_MAX; span++)
		for (tally = 0; tally < TALLY_REJECTED; tally++)
			if (shows(t, span))
				add_text(line, sizeof(line), CELL,
				    tally_heads[tally]);
	for (tally = TALLY_REJECTED; tally < TALLY_MAX; tally++)
		add_text(line, sizeof(line), CELL, tally_heads[tally]);
	paint(t, REVERSE, line, 0);
}

/* The daemon, and the time. */
static void
paint_daemon(const struct top *t)
{
	struct tm	 tm;
	time_t		 now = time(NULL);
	char		 line[COLS_MOST + 1], up[SPAN_TEXT] = "-";
	char		 sessions[SPAN_TEXT], lookups[SPAN_TEXT];
	char		 clock[SPAN_TEXT] = "";
	size_t		 i;

	for (i = 0; i < t->status.n; i++)
		if (t->status.list[i].role == ROLE_PARENT)
			text_span(up, sizeof(up), t->status.list[i].seconds);
	text_count(sessions, sizeof(sessions), t->status.total[ST_SESSIONS]);
	text_count(lookups, sizeof(lookups), t->status.total[ST_LOOKUPS]);
	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(clock, sizeof(clock), "%T", &tm);
	if (t->lost != NULL)
		(void)snprintf(line, sizeof(line), "%s, trying again",
		    t->lost);
	else if (t->cols >= COLS_ALL)
		(void)snprintf(line, sizeof(line), "milter-sysuser  up %s  "
		    "sessions %s  lookups %s", up, sessions, lookups);
	else
		(void)snprintf(line, sizeof(line), "up %s  sessions %s", up,
		    sessions);
	add_text(line, sizeof(line), t->cols - strlen(line), clock);
	paint(t, BOLD, line, 0);
}

/* All users together. */
static void
paint_totals(const struct top *t)
{
	struct row	 sum;
	char		 line[COLS_MOST + 1] = "", n[SPAN_TEXT];
	size_t		 i, len;
	int		 tally, wide = t->cols >= COLS_ALL;

	memset(&sum, 0, sizeof(sum));
	for (i = 0; i < t->nrows; i++)
		row_add(&sum, &t->rows[i]);
	if (wide)
		(void)snprintf(line, sizeof(line), "1 %s:  ",
		    span_names[t->span]);
	for (tally = 0; tally < TALLY_MAX; tally++) {
		text_count(n, sizeof(n), sum.n[t->span][tally]);
		len = strlen(line);
		(void)snprintf(line + len, sizeof(line) - len, "%s %s  ",
		    wide ? tally_names[tally] : tally_heads[tally], n);
	}
	paint(t, "", line, 0);
}

static void
paint_keys(const struct top *t, size_t hidden)
{
	char	 line[COLS_MOST + 1];
	size_t	 len;

	(void)strlcpy(line, t->cols >= COLS_ALL ? "q quit  m minute  h hour  "
	    "d day  p programs  space refresh" :
	    "q quit  m h d window  p programs", sizeof(line));
	len = strlen(line);
	if (hidden > 0 && t->cols > len + 12)
		(void)snprintf(line + len, sizeof(line) - len, "%*zu more",
		    (int)(t->cols - len - strlen(" more")), hidden);
	paint(t, BOLD, line, 1);
}

/* All in one write, so that nothing flickers. */
static void
draw(struct top *t)
{
	static char	 buffer[65536];
	size_t		 i, room;

	(void)terminal_size(&t->lines, &t->cols);
	if (t->cols > COLS_MOST)
		t->cols = COLS_MOST;
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	(void)printf("\033[H");
	if (t->lines < LINES_LEAST || t->cols < COLS_LEAST) {
		(void)printf("\033[2J");
		paint(t, "", "too small", 1);
	} else {
		arrange(t);
		room = t->lines - HEADING - 1;
		paint_daemon(t);
		paint_totals(t);
		paint_heads(t);
		for (i = 0; i < room; i++)
			if (i < t->nview)
				paint_row(t, &t->view[i]);
			else
				paint(t, "", i == 0 ? "no mail yet" : "", 0);
		paint_keys(t, t->nview > room ? t->nview - room : 0);
	}
	if (fflush(stdout) == EOF)
		fail("the terminal: %s", strerror(errno));
}

/*
 * The next key; a space when it is time, q at the end of the input, 0 if there
 * is nothing but to draw again.
 */
static int
wait_key(uint64_t due, const sigset_t *mask)
{
	struct pollfd	 pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec	 ts;
	uint64_t	 now = clock_usec(CLOCK_MONOTONIC);
	char		 key;

	if (now >= due)
		return (' ');
	ts.tv_sec = (due - now) / 1000000;
	ts.tv_nsec = (due - now) % 1000000 * 1000;
	switch (ppoll(&pfd, 1, &ts, mask)) {
	case 0:
		return (' ');
	case -1:
		return (errno == EINTR ? 0 : 'q');
	}
	return (read(STDIN_FILENO, &key, 1) == 1 ? key : 'q');
}

static void
press(struct top *t, int key)
{
	switch (key) {
	case 'm':
		t->span = SPAN_MINUTE;
		break;
	case 'h':
		t->span = SPAN_HOUR;
		break;
	case 'd':
		t->span = SPAN_DAY;
		break;
	case 'p':
		t->programs = !t->programs;
		break;
	}
}

static void
live(struct top *t)
{
	sigset_t	 mask;
	uint64_t	 due;
	int		 key;

	screen_init(&mask);
	screen_enter();
	do {
		due = clock_usec(CLOCK_MONOTONIC) + REFRESH;
		do {
			draw(t);
			key = wait_key(due, &mask);
			press(t, key);
		} while (key != ' ' && key != 'q');
		if (key == ' ')
			fetch(t);
	} while (key != 'q');
	screen_leave();
}

/* A terminal that can do what live() asks of it. */
static int
is_screen(const char *term)
{
	return (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0);
}

int
verb_top(int argc, char **argv)
{
	const char	*plain = getenv("NO_COLOR");

	(void)argc;
	(void)argv;
	top.colour = plain == NULL || plain[0] == '\0';
	fetch(&top);
	if (top.lost != NULL)
		fail("%s", ctl.why);
	if (!ctl.json && is_screen(getenv("TERM")))
		live(&top);
	else {
		arrange(&top);
		if (ctl.json)
			print_json(&top);
		else
			print_plain(&top);
	}
	free(top.status.list);
	return (0);
}
