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

/* sysuserctl(8) */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sysuser.h"

#define CONTROL_SOCKET	"/run/milter-sysuser.sock"
#define ANSWER_TIME	15000		/* ms */
#define STOP_TICKS	1500		/* 10 ms each */

/* How lookup ends; everything else ends with 0 or 1. */
enum { EXIT_OWNED, EXIT_NOBODY, EXIT_USAGE };

static struct chan	 daemon_chan;
static int		 exit_failure = 1;
static pid_t		 parent_pid;

static int	 verb_lookup(int, char **);
static int	 verb_reload(int, char **);
static int	 verb_selftest(int, char **);
static int	 verb_status(int, char **);
static int	 verb_stop(int, char **);

static const struct verb {
	const char	*name;
	int		 args;		/* most */
	int		(*fn)(int, char **);
} verbs[] = {
	{ "lookup",	4,	verb_lookup },
	{ "reload",	0,	verb_reload },
	{ "selftest",	0,	verb_selftest },
	{ "status",	0,	verb_status },
	{ "stop",	0,	verb_stop }
};

static void __attribute__((__noreturn__))
usage(void)
{
	(void)fprintf(stderr, "usage: sysuserctl [-s socket] status | reload | "
	    "stop | selftest |\n"
	    "       lookup client-address port server-address port | "
	    "lookup -\n");
	exit(exit_failure);
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
		errx(exit_failure, "%s: too long for a socket", path);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1)
		err(exit_failure, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(exit_failure, errno == ENOENT || errno == ECONNREFUSED ?
		    "%s: is milter-sysuser running?" : "%s", path);
	chan_init(&daemon_chan, fd, ROLE_CLIENT, ROLE_CONTROL, 0);
	daemon_chan.state = S_RUN;
	msg_new(&m, IMSG_CTL_HELLO, 0);
	put_u32(&m, PROTOCOL_VERSION);
	if (chan_send(&daemon_chan, &m) == -1)
		err(exit_failure, "%s", path);
}

/* The next message, or 0 if the daemon closed. */
static int
receive(struct msg *m)
{
	struct pollfd	 pfd = { .fd = daemon_chan.fd, .events = POLLIN };
	const char	*why;
	int		 n;

	while ((n = chan_recv(&daemon_chan, m, &why)) == 0)
		if ((n = poll(&pfd, 1, ANSWER_TIME)) == 0)
			errx(exit_failure, "no answer from the daemon");
		else if (n == -1 && errno != EINTR)
			err(exit_failure, "poll");
	if (n == -1 && why != NULL)
		errx(exit_failure, "nonsense from the daemon: %s", why);
	return (n == 1);
}

/*
 * Send a request and read the reply to its end, which is OK or FAIL or the
 * one message that is waited for; row() gets the rest.
 */
static void
ask(struct msg *m, enum imsg last, void (*row)(struct msg *))
{
	char	 text[STR_MAX + 1];

	if (chan_send(&daemon_chan, m) == -1)
		err(exit_failure, "the daemon");
	while (receive(m)) {
		if (m->type == last)
			return;
		if (m->type == IMSG_CTL_FAIL) {
			(void)get_u32(m);
			get_str(m, text, sizeof(text));
			errx(exit_failure, "%s", text);
		}
		if (row == NULL)
			errx(exit_failure, "an answer to something else");
		row(m);
	}
	errx(exit_failure, "the daemon closed the connection");
}

static void
ask_ok(enum imsg type, const char *prefix)
{
	struct msg	 m;
	char		 text[STR_MAX + 1];

	msg_new(&m, type, 1);
	ask(&m, IMSG_CTL_OK, NULL);
	get_str(&m, text, sizeof(text));
	if (text[0] != '\0')
		(void)printf("%s%s\n", prefix, text);
}

static int
verb_reload(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ask_ok(IMSG_CTL_RELOAD, "takes effect at the next start only: ");
	return (0);
}

/* The rows of a status, of which only the parent's counts here. */
static void
stop_row(struct msg *m)
{
	enum role	 role = get_u8(m);

	(void)get_u16(m);
	if (role == ROLE_PARENT)
		parent_pid = get_u32(m);
}

/* Done when the parent, which leaves last, has gone. */
static int
verb_stop(int argc, char **argv)
{
	struct timespec	 tick = { 0, 10 * 1000 * 1000 };
	struct msg	 m;
	int		 i;

	(void)argc;
	(void)argv;
	msg_new(&m, IMSG_CTL_STATUS, 1);
	ask(&m, IMSG_CTL_OK, stop_row);
	ask_ok(IMSG_CTL_STOP, "");
	for (i = 0; i < STOP_TICKS && parent_pid > 0; i++) {
		if (kill(parent_pid, 0) == -1)
			return (0);
		(void)nanosleep(&tick, NULL);
	}
	errx(exit_failure, "it was told to stop, and is still there");
}

static uint64_t	 totals[STAT_MAX];

static void
status_row(struct msg *m)
{
	enum role	 role = get_u8(m);
	unsigned int	 instance = get_u16(m);
	uint32_t	 pid = get_u32(m), uid = get_u32(m);
	uint32_t	 seconds = get_u32(m), restarts = get_u32(m);
	int		 running = get_u8(m);
	char		 name[32];
	size_t		 i;

	for (i = 0; i < STAT_MAX; i++)
		totals[i] += get_u64(m);
	if (msg_end(m) == -1 || role >= ROLE_MAX)
		errx(exit_failure, "nonsense from the daemon");
	if (role == ROLE_WORKER || role == ROLE_NAMES)
		(void)snprintf(name, sizeof(name), "%s %u", role_names[role],
		    instance);
	else
		(void)strlcpy(name, role_names[role], sizeof(name));
	(void)printf("%-12s %8u %6u %9u %9u  %s\n", name, pid, uid, seconds,
	    restarts, running ? "running" : "down");
}

static int
verb_status(int argc, char **argv)
{
	struct msg	 m;
	size_t		 i;

	(void)argc;
	(void)argv;
	(void)printf("%-12s %8s %6s %9s %9s  %s\n", "PROCESS", "PID", "UID",
	    "SECONDS", "RESTARTS", "STATE");
	msg_new(&m, IMSG_CTL_STATUS, 1);
	ask(&m, IMSG_CTL_OK, status_row);
	for (i = 0; i < STAT_MAX; i++)
		(void)printf("%s%s=%llu", i == 0 ? "\n" : " ", stat_names[i],
		    (unsigned long long)totals[i]);
	(void)printf("\n");
	return (0);
}

static struct owner *
lookup(const struct conn_key *key)
{
	struct owner	*o;
	struct msg	 m;

	msg_new(&m, IMSG_CTL_LOOKUP, 1);
	put_endpoint(&m, &key->client);
	put_endpoint(&m, &key->server);
	put_u64(&m, clock_usec(CLOCK_MONOTONIC));
	ask(&m, IMSG_CTL_ANSWER, NULL);
	if ((o = get_owner(&m)) == NULL)
		errx(exit_failure, "nonsense from the daemon");
	return (o);
}

/* One line for one owner. */
static void
print_owner(const struct owner *o)
{
	char	 value[3 * MAX_PATH + 8];
	int	 f;

	(void)printf("verdict=%s", verdict_names[o->verdict]);
	if (o->verdict == E_UNKNOWN)
		(void)printf(" reason=%s", reason_names[o->reason]);
	for (f = 0; f <= F_SOURCE; f++)
		if (field_value(o, f, value, sizeof(value)) == 0)
			(void)printf(" %s=%s", field_names[f], value);
	(void)printf("\n");
}

/* Returns 0, or -1 if that is no connection. */
static int
parse_key(char **argv, struct conn_key *key)
{
	if (endpoint_parse(&key->client, argv[0], argv[1]) == -1 ||
	    endpoint_parse(&key->server, argv[2], argv[3]) == -1 ||
	    key->client.port == 0 || key->server.port == 0)
		return (-1);
	return (0);
}

static void
lookup_line(char *line)
{
	struct conn_key	 key;
	struct owner	*o;
	char		*argv[5], *word;
	int		 argc = 0;

	while ((word = strsep(&line, " \t\r\n")) != NULL)
		if (*word != '\0' && argc < 5)
			argv[argc++] = word;
	if (argc != 4 || parse_key(argv, &key) == -1) {
		(void)printf("verdict=error reason=syntax\n");
		return;
	}
	o = lookup(&key);
	print_owner(o);
	free(o);
}

static int
lookup_stdin(void)
{
	char	*line = NULL;
	size_t	 size = 0;

	while (getline(&line, &size, stdin) != -1) {
		lookup_line(line);
		(void)fflush(stdout);
	}
	free(line);
	return (ferror(stdin) ? EXIT_USAGE : 0);
}

static int
verb_lookup(int argc, char **argv)
{
	struct conn_key	 key;
	struct owner	*o;
	int		 owned;

	if (argc == 1 && strcmp(argv[0], "-") == 0)
		return (lookup_stdin());
	if (argc != 4)
		usage();
	if (parse_key(argv, &key) == -1)
		errx(EXIT_USAGE, "%s %s %s %s: is no connection", argv[0],
		    argv[1], argv[2], argv[3]);
	o = lookup(&key);
	print_owner(o);
	owned = o->verdict == E_OWNED;
	free(o);
	return (owned ? EXIT_OWNED : EXIT_NOBODY);
}

/*
 * A connection of our own, of that family to that address, accepted.  Returns
 * 0, or -1 if this host has none such.
 */
static int
own_connection(int family, const char *addr, int fds[3], struct conn_key *key)
{
	struct sockaddr_storage	 ss;
	struct endpoint		 e;
	socklen_t		 len;
	int			 off = 0;

	fds[0] = fds[1] = fds[2] = -1;
	if (endpoint_parse(&e, addr, "0") == -1)
		return (-1);
	len = endpoint_to_sa(&e, &ss);
	if ((fds[0] = socket(ss.ss_family, SOCK_STREAM, 0)) == -1 ||
	    bind(fds[0], (struct sockaddr *)&ss, len) == -1 ||
	    listen(fds[0], 1) == -1 ||
	    getsockname(fds[0], (struct sockaddr *)&ss, &len) == -1 ||
	    endpoint_from_sa(&key->server, (struct sockaddr *)&ss) == -1 ||
	    (fds[1] = socket(family, SOCK_STREAM, 0)) == -1)
		return (-1);
	if (family == AF_INET6 && ss.ss_family == AF_INET) {
		(void)setsockopt(fds[1], IPPROTO_IPV6, IPV6_V6ONLY, &off,
		    sizeof(off));
		len = endpoint_to_mapped(&key->server, &ss);
	}
	if (connect(fds[1], (struct sockaddr *)&ss, len) == -1)
		return (-1);
	len = sizeof(ss);
	if (getsockname(fds[1], (struct sockaddr *)&ss, &len) == -1 ||
	    endpoint_from_sa(&key->client, (struct sockaddr *)&ss) == -1 ||
	    (fds[2] = accept(fds[0], NULL, NULL)) == -1)
		return (-1);
	return (0);
}

static int
selftest_one(const char *what, int family, const char *addr)
{
	struct conn_key	 key;
	struct owner	*o;
	int		 fds[3], i, good = 1;

	if (own_connection(family, addr, fds, &key) == -1)
		(void)printf("%-12s not on this host\n", what);
	else {
		o = lookup(&key);
		good = o->verdict == E_OWNED && o->uid == getuid();
		if (!good)
			(void)printf("%-12s WRONG: ", what);
		else if (o->pid == (uint32_t)getpid())
			(void)printf("%-12s user and process: ", what);
		else
			(void)printf("%-12s user only: ", what);
		print_owner(o);
		free(o);
	}
	for (i = 0; i < 3; i++)
		if (fds[i] != -1)
			close(fds[i]);
	return (good);
}

/* What can be known on this system, as the resolver found it. */
static void
selftest_caps(void)
{
	static const char *const	 what[CAN_MAX] = {
		[CAN_ASK] = "the user of a connection",
		[CAN_SEARCH] = "the process: pid, program, exe",
		[CAN_ORPHAN] = "the user of one who hung up, for a moment",
		[CAN_LOGIN] = "the login uid",
		[CAN_UNIT] = "unit and container",
	};
	struct msg			 m;
	uint32_t			 can;
	int				 i;

	msg_new(&m, IMSG_CTL_CAPS_GET, 1);
	ask(&m, IMSG_CTL_CAPS, NULL);
	can = get_u32(&m);
	for (i = 0; i < CAN_MAX; i++)
		(void)printf("%-44s %s\n", what[i],
		    can & 1U << i ? "yes" : "no");
	/* What no resolver of this version looks for. */
	(void)printf("%-44s no\n%-44s no\n\n",
	    "clients in other network namespaces",
	    "who hung up long ago (needs a BPF record)");
}

/* Does the daemon know who we are? */
static int
verb_selftest(int argc, char **argv)
{
	int	 good;

	(void)argc;
	(void)argv;
	selftest_caps();
	good = selftest_one("IPv4", AF_INET, "127.0.0.1");
	good &= selftest_one("IPv6", AF_INET6, "::1");
	good &= selftest_one("IPv4-mapped", AF_INET6, "127.0.0.1");
	return (good ? 0 : 1);
}

int
main(int argc, char **argv)
{
	const char	*path = CONTROL_SOCKET;
	size_t		 i;
	int		 ch, rv;

	log_init("sysuserctl", -1, 0);
	while ((ch = getopt(argc, argv, "s:")) != -1)
		switch (ch) {
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
	for (i = 0; i < NITEMS(verbs); i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			break;
	if (i < NITEMS(verbs) && verbs[i].fn == verb_lookup)
		exit_failure = EXIT_USAGE;
	if (i == NITEMS(verbs) || argc - 1 > verbs[i].args)
		usage();
	attach(path);
	rv = verbs[i].fn(argc - 1, argv + 1);
	if (fflush(stdout) == EOF)
		err(exit_failure, "stdout");
	return (rv);
}
