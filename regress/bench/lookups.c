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
 * What it costs to find out whose a connection is, by each way that there is:
 *
 *	lookups [-a uid] [-c socket] [-d programs] [-f files] [-g group]
 *	    [-i ident-port] [-l lsof] [-n sockets] [-p processes] [-s ss]
 *	    [-t libraries] [-u uids]
 *
 * The ways take turns, a few questions each time, so that whatever else the
 * machine does costs each of them the same share.  It prints a line for each:
 * its name, the median and the 99th percentile in ns, how often it was tried,
 * and how often it found the process; between them, lines with a title only.
 * A way that is not there has no numbers.
 */

#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <linux/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "linux_diag.h"
#include "log.h"

#define ROUNDS		200
#define BATCH		20		/* questions in a turn, if cheap */
#define SHARE		1500		/* ms in all, for each way; */
#define SHARE_COMMAND	5000		/* for programs of others */
#define BUDGET_USEC	5000		/* as pending.c has it */
#define LOOPBACK	1		/* as os_linux.c asks for it */
#define FLOOD_USEC	1000000		/* how long to ask as fast as can be */
#define FLOOD_OPEN	64		/* questions at a time */

#define OWN_UID		62000		/* the first of uids with one client */
#define CROWD		20		/* clients, each a uid of its own */
#define OLD		16		/* more than a uid is remembered for */
#define GROUPED		80		/* more than are kept open; each in its
					   own cgroup */

/* Our clients, all older than the load. */
static struct {
	struct client	 crowd[CROWD];
	struct client	 old[OLD];		/* of one uid of the load */
	struct client	 grouped[GROUPED];	/* of another */
	struct client	 nobody;		/* in flight */
	struct client	 account;		/* its uid has a name */
	struct client	 six;			/* over IPv6, if there is */
	struct client	 recorded;		/* when it connected */
} clients;

static struct {
	const char	*control;
	const char	*programs;
	const char	*group;		/* directory of cgroups 0 to 79 */
	char		*lsof, *ss;
	const char	*libraries;
	uid_t		 account;
	in_port_t	 ident;
	struct load	 load;
} env = { .programs = "obj", .libraries = "", .load = { 100, 10, 100, 20 } };

static int	 waiting[2];		/* where something can be read */
static pid_t	 measurer;

/*
 * One question.  Returns 1 if the process was found, 0 if not, and -1 if this
 * way is not there.  What it took is in ns.
 */
typedef int	 (*way_fn)(unsigned int, uint64_t *);

static int	 ask_bare(unsigned int, uint64_t *);
static int	 ask_record(unsigned int, uint64_t *);
static int	 ask_recorded(unsigned int, uint64_t *);
static int	 ask_uid(unsigned int, uint64_t *);
static int	 ask_seen(unsigned int, uint64_t *);
static int	 ask_six(unsigned int, uint64_t *);
static int	 ask_fresh(unsigned int, uint64_t *);
static int	 ask_group(unsigned int, uint64_t *);
static int	 ask_old(unsigned int, uint64_t *);
static int	 ask_calm(unsigned int, uint64_t *);
static int	 ask_nobody(unsigned int, uint64_t *);
static int	 ask_worker(unsigned int, uint64_t *);
static int	 ask_dialogue(unsigned int, uint64_t *);
static int	 ask_sysuserctl(unsigned int, uint64_t *);
static int	 ask_ident(unsigned int, uint64_t *);
static int	 ask_ss(unsigned int, uint64_t *);
static int	 ask_lsof(unsigned int, uint64_t *);

/* In the order of the table; titles have no function. */
static const struct way {
	const char	*name;
	way_fn		 ask;
	unsigned int	 batch;
	uint32_t	 share;		/* ms */
} ways[] = {
	{ "in the resolver", NULL, 0, 0 },
	{ "bare sock_diag query", ask_bare, BATCH, SHARE },
	{ "recorded: who", ask_record, BATCH, SHARE },
	{ "recorded: all", ask_recorded, BATCH, SHARE },
	{ "the uid alone", ask_uid, BATCH, SHARE },
	{ "seen before", ask_seen, BATCH, SHARE },
	{ "seen before, ::1", ask_six, BATCH, SHARE },
	{ "fresh process", ask_fresh, 1, SHARE },
	{ "old, in its own cgroup", ask_group, 1, SHARE },
	{ "old, shared uid", ask_old, 1, SHARE },
	{ "seen, all holders", ask_calm, 1, SHARE },
	{ "nobody has it", ask_nobody, 1, SHARE },
	{ "through the processes", NULL, 0, 0 },
	{ "a worker asks", ask_worker, 5, SHARE },
	{ "sysuserctl lookup -", ask_dialogue, 5, SHARE },
	{ "sysuserctl lookup", ask_sysuserctl, 1, SHARE },
	{ "other programs", NULL, 0, 0 },
	{ "oidentd, name only", ask_ident, 1, SHARE },
	{ "ss -tnpe", ask_ss, 1, SHARE_COMMAND },
	{ "lsof, old script", ask_lsof, 1, SHARE_COMMAND }
};

static struct score {
	int		 absent;
	uint64_t	 spent;		/* us */
	uint64_t	*ns;		/* of each question */
	size_t		 n, found;
} scores[NITEMS(ways)];

static uint64_t
now_ns(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

/*
 * In the resolver
 */

/*
 * The measure of all: the question that cannot be left out, ready to be sent,
 * and an answer that nobody reads.
 */
static int
ask_bare(unsigned int i, uint64_t *ns)
{
	static uint8_t		 request[NL_BUFFER];
	static int		 fd = -1;
	static size_t		 len;
	struct diag_query	 q;
	uint8_t			 reply[NL_BUFFER];
	ssize_t			 n;

	(void)i;
	if (fd == -1) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
		    NETLINK_SOCK_DIAG);
		memset(&q, 0, sizeof(q));
		q.ifindex = LOOPBACK;
		q.key = clients.account.key;
		len = diag_request(request, sizeof(request), &q);
	}
	*ns = now_ns();
	n = send(fd, request, len, 0) == -1 ? -1 :
	    recv(fd, reply, sizeof(reply), 0);
	*ns = now_ns() - *ns;
	if (n == -1)
		fatal("sock_diag");
	return (0);
}

/* Somebody waits, as the resolver finds out with poll(2). */
static int
busy(void *arg)
{
	struct pollfd	 pfd = { .fd = waiting[0], .events = POLLIN };

	(void)arg;
	return (poll(&pfd, 1, 0) > 0);
}

/* As on_lookup() and search() do it, with that budget. */
static int
resolve(const struct client *c, const struct budget *budget, uint64_t *ns)
{
	static struct found	 found;
	struct sock		 sock;
	uint64_t		 begin = now_ns();

	memset(&found, 0, sizeof(found));
	found.asked = clock_usec(CLOCK_MONOTONIC);
	found.want = 1U << T_PROGRAM | 1U << T_EXE | 1U << T_CWD | 1U << T_UNIT;
	owner_ask(&os_native, &c->key, &sock, &found);
	owner_search(&os_native, &c->key, &sock, budget, &found);
	*ns = now_ns() - begin;
	if (os_native.rest != NULL)
		os_native.rest();
	if (found.owner.verdict != E_OWNED || found.owner.uid != c->uid ||
	    (found.owner.pid != NO_PID &&
	    found.owner.pid != (uint32_t)c->pid))
		fatalx("a wrong answer: uid %u is %s, uid %u, pid %u", c->uid,
		    verdict_names[found.owner.verdict], found.owner.uid,
		    found.owner.pid);
	return (found.owner.pid != NO_PID);
}

static const struct budget	 no_search;
static const struct budget	 in_haste = { .usec = BUDGET_USEC,
				    .busy = busy };
static const struct budget	 at_leisure = { .usec = BUDGET_USEC };

/* Uid, pid and program. */
static int
ask_record(unsigned int i, uint64_t *ns)
{
	struct record	 record;
	struct sock	 sock;
	int		 known;

	(void)i;
	*ns = now_ns();
	os_native.sock(&clients.recorded.key, &sock);
	known = os_native.record != NULL &&
	    os_native.record(&clients.recorded.key, &record) == 0;
	*ns = now_ns() - *ns;
	if (known && (record.client != sock.cookie || record.opener.pid !=
	    (uint32_t)clients.recorded.pid))
		fatalx("a wrong record");
	return (known ? 1 : -1);
}

/* The MTA's end and the same process as well, and its exe. */
static int
ask_recorded(unsigned int i, uint64_t *ns)
{
	static struct found	 found;
	struct sock		 sock;

	(void)i;
	memset(&found, 0, sizeof(found));
	found.asked = clock_usec(CLOCK_MONOTONIC);
	found.want = 1U << T_PROGRAM | 1U << T_EXE;
	*ns = now_ns();
	owner_ask(&os_native, &clients.recorded.key, &sock, &found);
	*ns = now_ns() - *ns;
	return (found.owner.source == SRC_BPF ? 1 : -1);
}

static int
ask_uid(unsigned int i, uint64_t *ns)
{
	return (resolve(&clients.crowd[i % CROWD], &no_search, ns));
}

static int
ask_seen(unsigned int i, uint64_t *ns)
{
	return (resolve(&clients.crowd[i % CROWD], &in_haste, ns));
}

static int
ask_six(unsigned int i, uint64_t *ns)
{
	(void)i;
	return (clients_have6() ? resolve(&clients.six, &in_haste, ns) : -1);
}

/* The same when nobody waits: then it looks for more holders as well. */
static int
ask_calm(unsigned int i, uint64_t *ns)
{
	return (resolve(&clients.crowd[i % CROWD], &at_leisure, ns));
}

/*
 * A process that has just begun.  It is we who made it, and each page that we
 * write to afterwards is copied, as it never is for a resolver: so another one
 * is asked for before.
 */
static int
ask_fresh(unsigned int i, uint64_t *ns)
{
	struct client	 c;
	int		 rv;

	client_start(&c, OWN_UID + CROWD, NULL, HELD);
	(void)resolve(&clients.crowd[i % CROWD], &in_haste, ns);
	rv = resolve(&c, &in_haste, ns);
	client_end(&c);
	return (rv);
}

/* In turn, so that none of them is remembered when its turn comes. */
static int
ask_old(unsigned int i, uint64_t *ns)
{
	return (resolve(&clients.old[i % OLD], &in_haste, ns));
}

static int
ask_group(unsigned int i, uint64_t *ns)
{
	return (env.group == NULL ? -1 :
	    resolve(&clients.grouped[i % GROUPED], &in_haste, ns));
}

static int
ask_nobody(unsigned int i, uint64_t *ns)
{
	(void)i;
	return (resolve(&clients.nobody, &at_leisure, ns));
}

/*
 * Through the processes
 */

static int
ask_worker(unsigned int i, uint64_t *ns)
{
	int	 rv;

	*ns = now_ns();
	worker_ask(&clients.crowd[i % CROWD].key);
	rv = worker_answer();
	*ns = now_ns() - *ns;
	return (rv);
}

static int
ask_dialogue(unsigned int i, uint64_t *ns)
{
	int	 rv;

	if (env.control == NULL)
		return (-1);
	*ns = now_ns();
	rv = dialogue_ask(&clients.crowd[i % CROWD]);
	*ns = now_ns() - *ns;
	return (rv);
}

/* A program, and how it names the client's process. */
static int
ask_command(char *const argv[], const char *before, const struct client *c,
    char after, uint64_t *ns)
{
	char	 wanted[32];
	int	 rv;

	(void)snprintf(wanted, sizeof(wanted), "%s%d%c", before, c->pid,
	    after);
	*ns = now_ns();
	rv = command_run(argv, wanted);
	*ns = now_ns() - *ns;
	return (rv);
}

static int
ask_sysuserctl(unsigned int i, uint64_t *ns)
{
	const struct client	*c = &clients.crowd[i % CROWD];
	char			 path[1024], sock[1024], from[8], to[8];
	char			 opt[] = "-s", verb[] = "lookup";
	char			 host[] = "127.0.0.1";
	char			*argv[] = { path, opt, sock, verb, host, from,
				    host, to, NULL };

	if (env.control == NULL)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/sysuserctl", env.programs);
	(void)strlcpy(sock, env.control, sizeof(sock));
	(void)snprintf(from, sizeof(from), "%u", c->key.client.port);
	(void)snprintf(to, sizeof(to), "%u", c->key.server.port);
	return (ask_command(argv, " pid=", c, ' ', ns));
}

/*
 * Other programs
 */

/* The answer has no process: the name counts. */
static int
ask_ident(unsigned int i, uint64_t *ns)
{
	int	 rv;

	(void)i;
	if (env.ident == 0)
		return (-1);
	*ns = now_ns();
	rv = ident_ask(env.ident, &clients.account);
	*ns = now_ns() - *ns;
	return (rv);
}

static int
ask_ss(unsigned int i, uint64_t *ns)
{
	const struct client	*c = &clients.account;
	char			 opt[] = "-tnpe", filter[64];
	char			*argv[] = { env.ss, opt, filter, NULL };

	(void)i;
	if (env.ss == NULL)
		return (-1);
	(void)snprintf(filter, sizeof(filter), "sport = :%u and dport = :%u",
	    c->key.client.port, c->key.server.port);
	return (ask_command(argv, "pid=", c, ',', ns));
}

/* As the script does, but for sudo; no account of this name need exist. */
static int
ask_lsof(unsigned int i, uint64_t *ns)
{
	const struct client	*c = &clients.account;
	char			 a[] = "-a", f[] = "-F", fields[] = "cL";
	char			 net[] = "-i", filter[64], u[] = "-u";
	char			 mta[] = "^1";
	char			*argv[] = { env.lsof, a, f, fields, net,
				    filter, u, mta, NULL };

	(void)i;
	if (env.lsof == NULL)
		return (-1);
	(void)snprintf(filter, sizeof(filter), "4tcp@127.0.0.1:%u",
	    c->key.client.port);
	return (ask_command(argv, "p", c, '\n', ns));
}

/*
 * Turns
 */

static void
ask_once(const struct way *w, struct score *s, unsigned int i)
{
	uint64_t	 ns;
	int		 rv;

	if ((rv = w->ask(i, &ns)) == -1) {
		s->absent = 1;
		return;
	}
	s->ns[s->n++] = ns;
	s->found += rv;
}

/* The first of many is not counted: it is about what came before it. */
static void
turn(const struct way *w, struct score *s, unsigned int round)
{
	uint64_t	 begin = clock_usec(CLOCK_MONOTONIC), ns;
	unsigned int	 i;

	/* What takes long is spread over all rounds. */
	if (w->ask == NULL || s->absent ||
	    s->spent > (uint64_t)w->share * 1000 * round / ROUNDS)
		return;
	if (w->batch > 1 && w->ask(round * w->batch, &ns) == -1)
		s->absent = 1;
	for (i = 0; i < w->batch && !s->absent; i++)
		ask_once(w, s, round * w->batch + i);
	s->spent += clock_usec(CLOCK_MONOTONIC) - begin;
}

static int
ns_cmp(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static void
report(const struct way *w, struct score *s)
{
	if (w->ask == NULL) {
		(void)printf("%s\n", w->name);
		return;
	}
	if (s->absent || s->n == 0) {
		(void)printf("%s\t-\t-\t0\t0\n", w->name);
		return;
	}
	qsort(s->ns, s->n, sizeof(*s->ns), ns_cmp);
	(void)printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%zu\t%zu\n", w->name,
	    s->ns[s->n / 2], s->ns[s->n * 99 / 100], s->n, s->found);
}

static void
take_turns(void)
{
	unsigned int	 round;
	size_t		 i;

	for (i = 0; i < NITEMS(ways); i++)
		if (ways[i].ask != NULL && (scores[i].ns = reallocarray(NULL,
		    (size_t)ROUNDS * ways[i].batch, sizeof(uint64_t))) == NULL)
			fatal("memory");
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < NITEMS(ways); i++)
			turn(&ways[i], &scores[i], round);
	for (i = 0; i < NITEMS(ways); i++)
		report(&ways[i], &scores[i]);
}

static const struct conn_key *
known(unsigned int i)
{
	return (&clients.crowd[i % CROWD].key);
}

/* Its user's share of the searches is soon spent: then it is the uid alone. */
static const struct conn_key *
unknown(unsigned int i)
{
	(void)i;
	return (&clients.nobody.key);
}

/*
 * A worker with many sessions, that asks as fast as it is answered: how many
 * per second, and the CPU time in ns that each costs the resolver and us.  A
 * machine that has other work to do shows in the first of them.
 */
static void
flood(const char *name, const struct conn_key *(*key)(unsigned int))
{
	uint64_t	 begin, us, theirs, ours;
	unsigned int	 i;
	size_t		 n = 0;

	begin = clock_usec(CLOCK_MONOTONIC);
	theirs = worker_cpu();
	ours = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < FLOOD_OPEN; i++)
		worker_ask(key(i));
	do {
		(void)worker_answer();
		n++;
		worker_ask(key(i++));
	} while ((us = clock_usec(CLOCK_MONOTONIC) - begin) < FLOOD_USEC);
	for (i = 0; i < FLOOD_OPEN; i++)
		(void)worker_answer();
	n += FLOOD_OPEN;
	theirs = worker_cpu() - theirs;
	ours = clock_usec(CLOCK_PROCESS_CPUTIME_ID) - ours;
	(void)printf("%s\t%.0f\t%.0f\t%.0f\n", name, n * 1e6 / us,
	    theirs * 1e3 / n, ours * 1e3 / n);
}

/* As many descriptors as we may have; children get the same. */
static void
raise_files(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* One of the crowd, while it is easy to find: that is remembered. */
static void
meet(unsigned int i)
{
	uint64_t	 ns;

	if (ask_seen(i, &ns) == 0 || ask_worker(i, &ns) == 0 ||
	    ask_dialogue(i, &ns) == 0)
		fatalx("a fresh client is not found");
}

static void
start_clients(void)
{
	static const struct range	 any = { 0, UINT16_MAX };
	char				 group[PATH_MAX];
	uint64_t			 ns;
	unsigned int			 i;

	clients_open();
	if (os_native.watch != NULL)
		(void)os_native.watch(B_AUTO, &any, 1);
	client_start(&clients.recorded, OWN_UID + CROWD + 2, NULL, HELD);
	if (os_native.watch != NULL)
		(void)os_native.watch(B_PROC, NULL, 0);
	client_start(&clients.account, env.account, NULL, HELD);
	client_start(&clients.nobody, LOAD_UID + 1, NULL, IN_FLIGHT);
	if (clients_have6())
		client_start(&clients.six, OWN_UID + CROWD + 1, NULL, HELD6);
	for (i = 0; i < CROWD; i++) {
		client_start(&clients.crowd[i], OWN_UID + i, NULL, HELD);
		meet(i);
	}
	if (clients_have6())
		(void)ask_six(0, &ns);
	for (i = 0; i < OLD; i++)
		client_start(&clients.old[i], LOAD_UID, NULL, HELD);
	for (i = 0; i < GROUPED && env.group != NULL; i++) {
		(void)snprintf(group, sizeof(group), "%s/%u", env.group, i);
		client_start(&clients.grouped[i], LOAD_UID + 2, group, HELD);
	}
}

static void
end_clients(void)
{
	unsigned int	 i;

	client_end(&clients.recorded);
	client_end(&clients.account);
	client_end(&clients.nobody);
	if (clients_have6())
		client_end(&clients.six);
	for (i = 0; i < CROWD; i++)
		client_end(&clients.crowd[i]);
	for (i = 0; i < OLD; i++)
		client_end(&clients.old[i]);
	for (i = 0; i < GROUPED && env.group != NULL; i++)
		client_end(&clients.grouped[i]);
}

static void NORETURN
usage(void)
{
	(void)fprintf(stderr, "usage: lookups [-a uid] [-c socket] "
	    "[-d programs] [-f files] [-g group]\n"
	    "            [-i ident-port] [-l lsof] [-n sockets] "
	    "[-p processes] [-s ss]\n"
	    "            [-t libraries] [-u uids]\n");
	exit(2);
}

static uint32_t
number(const char *s, uint32_t least, uint32_t most)
{
	const char	*errstr;
	uint32_t	 n = strtonum(s, least, most, &errstr);

	if (errstr != NULL)
		fatalx("%s: is %s", s, errstr);
	return (n);
}

static void
options(int argc, char **argv)
{
	int	 ch;

	while ((ch = getopt(argc, argv, "a:c:d:f:g:i:l:n:p:s:t:u:")) != -1)
		switch (ch) {
		case 'a':
			env.account = number(optarg, 1, 65533);
			break;
		case 'c':
			env.control = optarg;
			break;
		case 'd':
			env.programs = optarg;
			break;
		case 'f':
			env.load.files = number(optarg, 3, 10000);
			break;
		case 'g':
			env.group = optarg;
			break;
		case 'i':
			env.ident = number(optarg, 1, UINT16_MAX);
			break;
		case 'l':
			env.lsof = optarg;
			break;
		case 'n':
			env.load.sockets = number(optarg, 0, 200000);
			break;
		case 'p':
			env.load.processes = number(optarg, 1, 100000);
			break;
		case 's':
			env.ss = optarg;
			break;
		case 't':
			env.libraries = optarg;
			break;
		case 'u':
			env.load.uids = number(optarg, 1, 500);
			break;
		default:
			usage();
		}
	if (optind != argc || env.account == 0)
		usage();
}

/* The parent of them all. */
static int
measure(void)
{
	char	 path[1024];

	raise_files();
	if (pipe2(waiting, O_CLOEXEC) == -1 || write(waiting[1], "", 1) != 1)
		fatal("pipe");
	command_env(env.libraries);
	os_native.open();
	worker_open(env.programs);
	(void)snprintf(path, sizeof(path), "%s/sysuserctl", env.programs);
	if (env.control != NULL)
		dialogue_open(path, env.control);
	start_clients();
	load_start(&env.load);
	take_turns();
	flood("known processes per second", known);
	flood("the uid alone per second", unknown);
	worker_close();
	if (env.control != NULL)
		dialogue_close();
	load_end();
	end_clients();
	return (0);
}

static void
cb_end(int sig)
{
	(void)kill(measurer, sig);
}

/* If it ends before its time, its children end too, and come to us. */
static int
watch(void)
{
	int	 rv = 1, status;
	pid_t	 pid;

	(void)signal(SIGHUP, cb_end);
	(void)signal(SIGINT, cb_end);
	(void)signal(SIGTERM, cb_end);
	while ((pid = waitpid(-1, &status, 0)) != -1 || errno == EINTR)
		if (pid == measurer && WIFEXITED(status))
			rv = WEXITSTATUS(status);
	return (rv);
}

int
main(int argc, char **argv)
{
	pid_t	 self = getpid();

	log_init("lookups", -1, 0);
	options(argc, argv);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    (measurer = fork()) == -1)
		fatal("fork");
	if (measurer != 0)
		return (watch());
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != self)
		return (1);
	return (measure());
}
