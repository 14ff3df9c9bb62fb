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


/* sysuserctl(8): its options, the talk with the daemon, and orders to it. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define CONTROL_SOCKET	"/run/milter-sysuser.sock"
#define ANSWER_TIME	15000		/* ms */
#define STOP_TICKS	1500		/* 10 ms each */
#define BLOCK_MAX	(366 * 86400)	/* s */
#define EXIT_LOOKUP	2		/* lookup could not ask */

/* Whom an order is about. */
struct target {
	const char	*name;		/* "" if it is a uid */
	uint32_t	 uid;
	char		 text[ACCOUNT_TEXT];
};

struct ctl	 ctl = { .failure = 1 };

static int	 verb_block(int, char **);
static int	 verb_reload(int, char **);
static int	 verb_stop(int, char **);
static int	 verb_unblock(int, char **);

static const struct verb {
	const char	*name;
	int		 least, most;	/* arguments */
	int		(*fn)(int, char **);
} verbs[] = {
	{ "block",	1, 4,	verb_block },
	{ "lookup",	1, 4,	verb_lookup },
	{ "metrics",	0, 0,	verb_metrics },
	{ "monitor",	0, 0,	verb_monitor },
	{ "reload",	0, 0,	verb_reload },
	{ "selftest",	0, 0,	verb_selftest },
	{ "status",	0, 0,	verb_status },
	{ "stop",	0, 0,	verb_stop },
	{ "tables",	0, 0,	verb_tables },
	{ "test",	0, 999,	verb_test },
	{ "top",	0, 0,	verb_top },
	{ "unblock",	1, 2,	verb_unblock }
};

void
usage(void)
{
	(void)fprintf(stderr, "usage: sysuserctl [-j] [-s socket] "
	    "status | top | tables | monitor | metrics |\n"
	    "       block user | uid number [for time] | "
	    "unblock user | uid number |\n"
	    "       test [user name | uid number | unknown] [group name] "
	    "[program name]\n"
	    "            [exe path] [cwd path] [unit name] "
	    "[sender address] |\n"
	    "       lookup client-address port server-address port | "
	    "lookup - |\n"
	    "       reload | selftest | stop\n");
	exit(ctl.failure);
}

/* Say why, on the screen that the user came from, and end. */
void
fail(const char *fmt, ...)
{
	char	 text[2 * STR_MAX];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_plain(text);
	screen_leave();
	(void)fprintf(stderr, "sysuserctl: %s\n", text);
	exit(ctl.failure);
}

static void
attach(const char *path)
{
	struct sockaddr_un	 sun;
	struct msg		 m;
	int			 fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		fail("%s: too long for a socket", path);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1)
		fail("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		fail("%s: %s%s", path, errno == ENOENT ||
		    errno == ECONNREFUSED ? "is milter-sysuser running?: " :
		    "", strerror(errno));
	chan_init(&ctl.chan, fd, ROLE_CLIENT, ROLE_CONTROL, 0);
	ctl.chan.state = S_RUN;
	msg_new(&m, IMSG_CTL_HELLO, 0);
	put_u32(&m, PROTOCOL_VERSION);
	if (chan_send(&ctl.chan, &m) == -1)
		fail("%s: %s", path, strerror(errno));
}

/* The next message, or 0 if the daemon closed. */
int
receive(struct msg *m, int timeout)
{
	struct pollfd	 pfd = { .fd = ctl.chan.fd, .events = POLLIN };
	const char	*why;
	int		 n;

	while ((n = chan_recv(&ctl.chan, m, &why)) == 0)
		if ((n = poll(&pfd, 1, timeout)) == 0)
			fail("no answer from the daemon");
		else if (n == -1 && errno != EINTR)
			fail("poll: %s", strerror(errno));
	if (n == -1 && why != NULL)
		fail("nonsense from the daemon: %s", why);
	return (n == 1);
}

/* All of a message was read, and made sense. */
void
check(struct msg *m)
{
	if (msg_end(m) == -1)
		fail("nonsense from the daemon");
}

/*
 * Send a request and read the reply to its end, which is OK or FAIL or the
 * one message that is waited for; row() gets the rest.
 */
void
ask(struct msg *m, enum imsg last, void (*row)(struct msg *, void *),
    void *arg)
{
	char	 text[STR_MAX + 1];

	if (chan_send(&ctl.chan, m) == -1)
		fail(errno == EPIPE ? "the daemon closed the connection" :
		    "the daemon: %s", strerror(errno));
	while (receive(m, ANSWER_TIME)) {
		if (m->type == last)
			return;
		if (m->type == IMSG_CTL_FAIL) {
			(void)get_u32(m);
			get_str(m, text, sizeof(text));
			fail("%s", text);
		}
		if (row == NULL)
			fail("an answer to something else");
		row(m, arg);
	}
	fail("the daemon closed the connection");
}

/* Send an order that ends with OK, and what was said with it. */
static void
order(struct msg *m, char *note, size_t size)
{
	ask(m, IMSG_CTL_OK, NULL, NULL);
	get_str(m, note, size);
	check(m);
	text_plain(note);
}

/* With -j, that is all that an order prints. */
static void
done(const char *note)
{
	json_open(NULL, '{');
	json_bool("ok", 1);
	if (note[0] != '\0')
		json_string("note", note);
	json_close();
}

static int
verb_reload(int argc, char **argv)
{
	static const char	 later[] = "takes effect at the next start "
				    "only: ";
	struct msg		 m;
	char			 text[STR_MAX + 1];
	char			 note[sizeof(text) + sizeof(later)];

	(void)argc;
	(void)argv;
	msg_new(&m, IMSG_CTL_RELOAD, 1);
	order(&m, text, sizeof(text));
	(void)snprintf(note, sizeof(note), "%s%s",
	    text[0] != '\0' ? later : "", text);
	if (ctl.json)
		done(note);
	else if (note[0] != '\0')
		(void)printf("%s\n", note);
	return (0);
}

/* Done when the parent, which leaves last, has gone. */
static int
verb_stop(int argc, char **argv)
{
	struct timespec	 tick = { 0, 10 * 1000 * 1000 };
	struct status	 st = { .n = 0 };
	struct msg	 m;
	char		 note[STR_MAX + 1];
	pid_t		 parent = 0;
	size_t		 n;
	int		 i;

	(void)argc;
	(void)argv;
	status_get(&st);
	for (n = 0; n < st.n; n++)
		if (st.list[n].role == ROLE_PARENT)
			parent = st.list[n].pid;
	msg_new(&m, IMSG_CTL_STOP, 1);
	order(&m, note, sizeof(note));
	for (i = 0; parent > 0 && kill(parent, 0) == 0; i++) {
		if (i == STOP_TICKS)
			fail("it was told to stop, and is still there");
		(void)nanosleep(&tick, NULL);
	}
	if (ctl.json)
		done(note);
	else if (note[0] != '\0')
		(void)printf("%s\n", note);
	return (0);
}

uint32_t
parse_uid(const char *s)
{
	const char	*errstr;
	uint32_t	 uid = strtonum(s, 0, UID_UNKNOWN - 1, &errstr);

	if (errstr != NULL)
		fail("uid %s: is %s", s, errstr);
	return (uid);
}

/* Seconds of a time such as 2h. */
static uint32_t
parse_time(const char *s)
{
	static const struct {
		char		 letter;
		uint32_t	 seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }
	};
	const char	*errstr;
	char		 digits[16];
	size_t		 i, len = strlen(s);
	uint32_t	 n;

	if (len >= 2 && len <= sizeof(digits) &&
	    strspn(s, "0123456789") == len - 1) {
		(void)strlcpy(digits, s, len);
		for (i = 0; i < NITEMS(units); i++) {
			if (units[i].letter != s[len - 1])
				continue;
			n = strtonum(digits, 1, BLOCK_MAX / units[i].seconds,
			    &errstr);
			if (errstr == NULL)
				return (n * units[i].seconds);
		}
	}
	fail("%s: is no time such as 30m, 2h or 7d, up to 366d", s);
}

/*
 * "user" or "uid number".  How many words there are tells them apart, also
 * for a user who is called uid.
 */
static void
parse_target(struct target *t, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[0], "uid") != 0)
		usage();
	t->name = argc == 2 ? "" : argv[0];
	t->uid = argc == 2 ? parse_uid(argv[1]) : UID_UNKNOWN;
	if (argc == 2)
		(void)snprintf(t->text, sizeof(t->text), "uid %u", t->uid);
	else if (t->name[0] == '\0' || strlen(t->name) > MAX_ACCOUNT)
		fail("%s: is no name of a user", t->name);
	else
		(void)xtext(t->text, sizeof(t->text), t->name, MAX_ACCOUNT);
}

static int
verb_block(int argc, char **argv)
{
	struct target	 t;
	struct msg	 m;
	const char	*limit = NULL;
	char		 note[STR_MAX + 1];

	if (argc > 2) {
		argc -= 2;
		if (strcmp(argv[argc], "for") != 0)
			usage();
		limit = argv[argc + 1];
	}
	parse_target(&t, argc, argv);
	msg_new(&m, IMSG_CTL_BLOCK, 1);
	put_str(&m, t.name);
	put_u32(&m, t.uid);
	put_u32(&m, limit == NULL ? 0 : parse_time(limit));
	order(&m, note, sizeof(note));
	if (ctl.json) {
		done(note);
		return (0);
	}
	if (note[0] != '\0')
		(void)fprintf(stderr, "sysuserctl: %s\n", note);
	(void)printf("%s is blocked%s%s\n", t.text,
	    limit == NULL ? "" : " for ", limit == NULL ? "" : limit);
	return (0);
}

static int
verb_unblock(int argc, char **argv)
{
	struct target	 t;
	struct msg	 m;
	char		 note[STR_MAX + 1];

	parse_target(&t, argc, argv);
	msg_new(&m, IMSG_CTL_UNBLOCK, 1);
	put_str(&m, t.name);
	put_u32(&m, t.uid);
	order(&m, note, sizeof(note));
	if (ctl.json) {
		done(note);
		return (0);
	}
	if (note[0] != '\0')
		(void)fprintf(stderr, "sysuserctl: %s\n", note);
	(void)printf("%s is no longer blocked\n", t.text);
	return (0);
}

static const struct verb *
find_verb(const char *name)
{
	size_t	 i;

	for (i = 0; i < NITEMS(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return (&verbs[i]);
	usage();
}

int
main(int argc, char **argv)
{
	const struct verb	*verb;
	const char		*path = CONTROL_SOCKET;
	int			 ch, rv;

	log_init("sysuserctl", -1, 0);
	/* What follows the verb may begin with a minus. */
	while ((ch = getopt(argc, argv, "+js:")) != -1)
		switch (ch) {
		case 'j':
			ctl.json = 1;
			break;
		case 's':
			path = optarg;
			break;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage();
	verb = find_verb(argv[0]);
	if (verb->fn == verb_lookup)
		ctl.failure = EXIT_LOOKUP;
	if (argc - 1 < verb->least || argc - 1 > verb->most)
		usage();
	attach(path);
	rv = verb->fn(argc - 1, argv + 1);
	if (fflush(stdout) == EOF)
		fail("stdout: %s", strerror(errno));
	return (rv);
}
