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
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "defaults.h"

#define ANSWER_TIME	15000		/* ms */
#define ROWS_MOST	10000		/* of a reply */
#define STOP_TICKS	1500		/* 10 ms each */
#define BLOCK_MAX	(366 * 86400)	/* s */
#define EXIT_LOOKUP	2		/* lookup could not ask */

/* Whom an order is about. */
struct target {
	const char	*name;		/* "" if it is a uid */
	uint32_t	 uid;
	char		 text[ACCOUNT_TEXT];
};

struct ctl	 ctl = { .path = CONTROL_SOCKET, .failure = 1 };

static int	 verb_block(int, char **);
static int	 verb_reload(int, char **);
static int	 verb_stop(int, char **);
static int	 verb_unblock(int, char **);

static const struct verb {
	const char	*name;
	int		 least, most;	/* arguments */
	int		(*fn)(int, char **);
	const char	*needs;		/* if there must be some: in words */
} verbs[] = {
	{ "block",	1, 4,	verb_block,	"a user" },
	{ "lookup",	1, 4,	verb_lookup,	LOOKUP_NEEDS },
	{ "metrics",	0, 0,	verb_metrics,	NULL },
	{ "monitor",	0, 0,	verb_monitor,	NULL },
	{ "reload",	0, 0,	verb_reload,	NULL },
	{ "selftest",	0, 0,	verb_selftest,	NULL },
	{ "status",	0, 0,	verb_status,	NULL },
	{ "stop",	0, 0,	verb_stop,	NULL },
	{ "tables",	0, 0,	verb_tables,	NULL },
	{ "test",	0, 999,	verb_test,	NULL },
	{ "top",	0, 0,	verb_top,	NULL },
	{ "unblock",	1, 2,	verb_unblock,	"a user" }
};

static void NORETURN
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

/* On the screen that the user came from. */
static void
complain(const char *fmt, va_list ap)
{
	char	 text[2 * STR_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text_plain(text);
	screen_leave();
	(void)fprintf(stderr, "sysuserctl: %s\n", text);
}

/* Say why, and end. */
void
fail(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	exit(ctl.failure);
}

/* Say what is wrong with the words of the command, and which are right. */
void
misuse(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	usage();
}

/* There is no such word there. */
void
misuse_word(const char *verb, const char *word)
{
	if (strcmp(word, "-j") == 0 || strcmp(word, "-s") == 0)
		misuse("%s: stands before the command", word);
	misuse("%s: what is \"%s\"?", verb, word);
}

/* Connect to the daemon.  Returns 0, or -1 and errno. */
int
attach(void)
{
	struct sockaddr_un	 sun;
	struct msg		 m;
	int			 fd, saved;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, ctl.path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		fail("%s: too long for a socket", ctl.path);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1)
		fail("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	chan_init(&ctl.chan, fd, ROLE_CLIENT, ROLE_CONTROL, 0);
	ctl.chan.state = S_RUN;
	msg_new(&m, IMSG_CTL_HELLO, 0);
	put_u32(&m, PROTOCOL_VERSION);
	/* If the daemon does not want us, what we ask will tell. */
	(void)chan_send(&ctl.chan, &m);
	return (0);
}

/* Say why there is no daemon at the path, and end. */
static void NORETURN
fail_attach(int error)
{
	struct stat	 st;

	if (error == EACCES)
		fail("%s: only root and the group of the socket may use it",
		    ctl.path);
	if (error == EPROTOTYPE ||
	    (stat(ctl.path, &st) == 0 && !S_ISSOCK(st.st_mode)))
		fail("%s: is not the control socket of milter-sysuser: name "
		    "that with -s", ctl.path);
	if (error == ENOENT || error == ECONNREFUSED)
		fail("%s: is milter-sysuser running? Start it, or name its "
		    "control socket with -s", ctl.path);
	fail("%s: %s", ctl.path, strerror(error));
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
			fail("no answer from the daemon: try again, or see "
			    "its log");
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

/* The daemon has gone.  Returns -1. */
static int
lost(void)
{
	chan_close(&ctl.chan);
	(void)strlcpy(ctl.why, "the daemon closed the connection",
	    sizeof(ctl.why));
	return (-1);
}

/* It won't.  Returns -1 if it may do so at another time. */
static int
refused(struct msg *m)
{
	int	 error = get_u32(m);

	get_str(m, ctl.why, sizeof(ctl.why));
	check(m);
	if (error != EAGAIN)
		fail("%s", ctl.why);
	text_plain(ctl.why);
	return (-1);
}

/*
 * Send a request and read the reply to its end, which is OK or FAIL or the
 * one message that is waited for; row() gets the rest.  Returns 0, or -1 and
 * ctl.why if there is no answer now; the channel is closed if the daemon has
 * gone.
 */
int
ask_try(struct msg *m, enum imsg last, void (*row)(struct msg *, void *),
    void *arg)
{
	unsigned int	 rows = 0;

	if (chan_send(&ctl.chan, m) == -1) {
		if (errno == EPIPE || errno == ECONNRESET)
			return (lost());
		fail("the daemon: %s", strerror(errno));
	}
	while (receive(m, ANSWER_TIME)) {
		if (m->type == last)
			return (0);
		if (m->type == IMSG_CTL_FAIL)
			return (refused(m));
		if (row == NULL)
			fail("an answer to something else");
		if (++rows > ROWS_MOST)
			fail("nonsense from the daemon");
		row(m, arg);
	}
	return (lost());
}

/* The same for those who can't go on without an answer. */
void
ask(struct msg *m, enum imsg last, void (*row)(struct msg *, void *),
    void *arg)
{
	if (ask_try(m, last, row, arg) == -1)
		fail("%s", ctl.why);
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
	free(st.list);
	msg_new(&m, IMSG_CTL_STOP, 1);
	order(&m, note, sizeof(note));
	for (i = 0; parent > 0 && kill(parent, 0) == 0; i++) {
		if (i == STOP_TICKS)
			fail("it was told to stop, and is still there: see "
			    "its log");
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
 * A user by his name, or as #uid, which is how we print one who has none.
 * Returns the name, or NULL and the uid.
 */
const char *
parse_user(const char *s, uint32_t *uid)
{
	size_t	 len = strlen(s);

	if (s[0] == '#') {
		*uid = parse_uid(s + 1);
		return (NULL);
	}
	if (len == 0 || len > MAX_ACCOUNT)
		fail("%s: is no name of a user", s);
	if (strspn(s, "0123456789") == len)
		fail("%s: is a number: say \"uid %s\"", s, s);
	if (strcmp(s, "any") == 0)
		fail("any: is everybody: name one user");
	if (s[0] == '<')
		fail("%s: is a table: name one user", s);
	return (s);
}

/*
 * "user" or "uid number".  That all else comes in pairs tells them apart, also
 * for a user who is called uid.  Returns how many words that were.
 */
static int
parse_target(struct target *t, int argc, char **argv)
{
	int	 words = argc % 2 == 0 && strcmp(argv[0], "uid") == 0 ? 2 : 1;

	t->uid = UID_UNKNOWN;
	if (words == 2) {
		t->name = NULL;
		t->uid = parse_uid(argv[1]);
	} else
		t->name = parse_user(argv[0], &t->uid);
	if (t->name == NULL) {
		t->name = "";
		(void)snprintf(t->text, sizeof(t->text), "uid %u", t->uid);
	} else
		(void)xtext(t->text, sizeof(t->text), t->name, MAX_ACCOUNT);
	return (words);
}

/* What may follow: "for time".  Returns the time, or NULL. */
static const char *
parse_for(int argc, char **argv)
{
	if (argc == 0)
		return (NULL);
	if (argc > 2)
		misuse_word("block", argv[2]);
	if (strcmp(argv[argc - 1], "for") == 0)
		misuse("block: \"for\" needs a time");
	if (strcmp(argv[0], "for") != 0)
		misuse("block: say \"for\" before the time");
	return (argv[1]);
}

/* The note of a block says that nobody has the name. */
static void
print_blocked(const struct target *t, const char *limit, const char *note)
{
	if (note[0] == '\0')
		(void)printf("%s is blocked%s%s\n", t->text,
		    limit == NULL ? "" : " for ", limit == NULL ? "" : limit);
	else {
		(void)fprintf(stderr, "sysuserctl: %s\n", note);
		(void)printf("%s will be blocked as soon as somebody has this "
		    "name%s%s\n", t->text,
		    limit == NULL ? "" : ", if that is within ",
		    limit == NULL ? "" : limit);
	}
}

static int
verb_block(int argc, char **argv)
{
	struct target	 t;
	struct msg	 m;
	const char	*limit;
	char		 note[STR_MAX + 1];
	int		 words = parse_target(&t, argc, argv);

	limit = parse_for(argc - words, argv + words);
	msg_new(&m, IMSG_CTL_BLOCK, 1);
	put_str(&m, t.name);
	put_u32(&m, t.uid);
	put_u32(&m, limit == NULL ? 0 : parse_time(limit));
	order(&m, note, sizeof(note));
	if (ctl.json)
		done(note);
	else
		print_blocked(&t, limit, note);
	return (0);
}

static int
verb_unblock(int argc, char **argv)
{
	struct target	 t;
	struct msg	 m;
	char		 note[STR_MAX + 1];
	int		 words = parse_target(&t, argc, argv);

	if (argc > words)
		misuse_word("unblock", argv[words]);
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

/*
 * Descriptors 0 to 2 must be something, or what we print would go to the
 * daemon; and what can't be printed is to be an error.
 */
static void
standard_fds(void)
{
	int	 fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd == -1)
		fail("/dev/null: %s", strerror(errno));
	close(fd);
}

static const struct verb *
find_verb(const char *name)
{
	size_t	 i;

	for (i = 0; i < NITEMS(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return (&verbs[i]);
	misuse("unknown command \"%s\"", name);
}

/* As many words as the command takes, and no option; test looks itself. */
static void
check_words(const struct verb *v, int argc, char **argv)
{
	int	 i;

	for (i = 0; i < argc && v->fn != verb_test; i++)
		if (strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "-s") == 0)
			misuse_word(v->name, argv[i]);
	if (argc < v->least)
		misuse("%s: needs %s", v->name, v->needs);
	if (argc > 0 && v->most == 0)
		misuse("%s: takes no argument", v->name);
	if (argc > v->most)
		misuse_word(v->name, argv[v->most]);
}

int
main(int argc, char **argv)
{
	const struct verb	*verb;
	int			 ch, rv;

	standard_fds();
	log_init("sysuserctl", -1, 0);
	/* What follows the verb may begin with a minus. */
	while ((ch = getopt(argc, argv, "+js:")) != -1)
		switch (ch) {
		case 'j':
			ctl.json = 1;
			break;
		case 's':
			ctl.path = optarg;
			break;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		misuse("needs a command");
	verb = find_verb(argv[0]);
	if (verb->fn == verb_lookup)
		ctl.failure = EXIT_LOOKUP;
	check_words(verb, argc - 1, argv + 1);
	if (attach() == -1)
		fail_attach(errno);
	rv = verb->fn(argc - 1, argv + 1);
	if (fflush(stdout) == EOF)
		fail("stdout: %s", strerror(errno));
	return (rv);
}
