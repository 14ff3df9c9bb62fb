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

/* milter-sysuser(8): the parent. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

#define STOP_TIME	12	/* s; children give sessions 10 */
#define LOG_TIME	5	/* s, between looks at syslog's socket */

static struct parent	 env;
static struct event	 stop_timer, log_timer;

static void __attribute__((__noreturn__))
usage(void)
{
	(void)fprintf(stderr,
	    "usage: milter-sysuser [-dnv] [-f file] [-L libexec]\n");
	exit(1);
}

/* How many are at work, to whoever started us, if that changed. */
static void
report(const struct parent *p, unsigned int running)
{
	static unsigned int	 told;
	struct proc		*c;
	unsigned int		 all = 0;

	if (running == told)
		return;
	told = running;
	TAILQ_FOREACH(c, &p->procs, next)
		all++;
	notify_status("%u of %u processes at work", running, all);
}

/* Something changed: who can be fed, are all there, is the last one gone? */
void
parent_step(struct parent *p)
{
	struct proc	*c;
	unsigned int	 running = 0;

	if (p->stopping) {
		TAILQ_FOREACH(c, &p->procs, next)
			if (c->pid != 0)
				return;
		(void)event_loopexit(NULL);
		return;
	}
	peers_feed();
	TAILQ_FOREACH(c, &p->procs, next)
		running += proc_running(c);
	report(p, running);
	if (p->ready)
		return;
	TAILQ_FOREACH(c, &p->procs, next)
		if (!proc_running(c))
			return;
	p->ready = 1;
	guard_tell();
	notify_ready("serving, with %s", p->file);
	if (p->debug)
		log_line("ready");
	else
		log_info("ready");
	errno = log_failed();
	if (errno != 0)
		fatal("stderr");
}

static void
kill_children(void)
{
	struct proc	*p;

	TAILQ_FOREACH(p, &env.procs, next)
		if (p->pid != 0)
			(void)kill(p->pid, SIGKILL);
}

static void
cb_stop(int fd, short event, void *arg)
{
	(void)fd;
	(void)event;
	(void)arg;
	log_warnx("children that would not leave are killed");
	kill_children();
}

/*
 * Children take the closed channel for their order to leave, as they would if
 * we had died.  The second order does not wait for open sessions.
 */
void
parent_stop(struct parent *p)
{
	struct timeval	 tv = { STOP_TIME, 0 };
	struct proc	*c;

	if (p->stopping) {
		kill_children();
		return;
	}
	log_info("stopping");
	notify_stopping();
	p->stopping = 1;
	peers_saved();
	listen_unlink(&p->conf->listen);
	listen_unlink(&p->conf->control);
	close(p->listen_fd);
	close(p->control_fd);
	TAILQ_FOREACH(c, &p->procs, next) {
		(void)evtimer_del(&c->timer);
		(void)chan_flush(&c->peer.chan);
		peer_close(&c->peer);
	}
	evtimer_set(&stop_timer, cb_stop, NULL);
	timer_add(&stop_timer, &tv);
	parent_step(p);
}

static void
cb_signal(int sig, short event, void *arg)
{
	(void)event;
	(void)arg;
	switch (sig) {
	case SIGCHLD:
		proc_reap();
		break;
	case SIGHUP:
		if (!env.stopping)
			load_reload(0, 0);
		break;
	case SIGUSR1:
		peers_stats();
		break;
	default:
		parent_stop(&env);
	}
}

/*
 * syslogd came, or came back with a new socket: connect anew, for all of us.
 */
static void
cb_log(int fd, short event, void *arg)
{
	static struct stat	 last;		/* where we are connected */
	struct timeval		 tv = { LOG_TIME, 0 };
	struct stat		 st;

	(void)event;
	(void)arg;
	/* Soon after the last one it may have the same inode. */
	if (stat(_PATH_LOG, &st) == 0 && (st.st_ino != last.st_ino ||
	    st.st_dev != last.st_dev ||
	    st.st_ctim.tv_sec != last.st_ctim.tv_sec ||
	    st.st_ctim.tv_nsec != last.st_ctim.tv_nsec) &&
	    (fd = log_connect()) != -1) {
		log_setfd(fd);
		peers_newlog();
		last = st;
	}
	timer_add(&log_timer, &tv);
}

static void
signals(void)
{
	static struct event	 ev[5];
	static const int	 sigs[5] = {
		SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1
	};
	size_t			 i;

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NITEMS(sigs); i++) {
		signal_set(&ev[i], sigs[i], cb_signal, NULL);
		if (signal_add(&ev[i], NULL) == -1)
			fatal("signals");
	}
}

/*
 * Descriptors 0 to 2 must be something, or a socket would become stderr; and
 * what else the caller has open is none of our business.
 */
static void
standard_fds(void)
{
	int	 fd;

	closefrom(STDERR_FILENO + 1);
	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

/* With -n: only look at the configuration. */
static void __attribute__((__noreturn__))
check(struct conf *conf, int verbose)
{
	if (verbose)
		conf_print(conf);
	if (fflush(stdout) == EOF)
		fatal("stdout");
	mta_check(conf);
	conf_free(conf);
	(void)fprintf(stderr, "configuration OK\n");
	exit(0);
}

/* Not realpath(3): a link may lead to another file by the next reload. */
static const char *
absolute(const char *path)
{
	char	 cwd[1024], *all;

	if (*path == '/')
		return (path);
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		fatal("getcwd");
	if (asprintf(&all, "%s/%s", cwd, path) == -1)
		fatal("asprintf");
	return (all);
}

/* However we leave, but for a signal that can't be caught. */
static void
unlink_sockets(void)
{
	if (env.listen_fd != 0)
		listen_unlink(&env.conf->listen);
	if (env.control_fd != 0)
		listen_unlink(&env.conf->control);
}

static int
must_bind(const struct listener *l, int type)
{
	int	 fd;

	if ((fd = listen_bind(l, type)) == -1)
		exit(1);
	return (fd);
}

/* What can fail does so here, on the caller's terminal. */
static void
prepare(const char *libexec)
{
	if (geteuid() != 0)
		fatalx("must be started as root");
	if ((env.libexec = realpath(libexec, NULL)) == NULL)
		fatal("%s, for the other programs (-L)", libexec);
	env.file = absolute(env.file);
	(void)umask(022);
	listen_lock(env.conf->statedir);
	state_init(env.conf->statedir);
	state_read();
	chroot_make(env.conf->chroot);
	if (atexit(unlink_sockets) != 0)
		fatalx("atexit");
	env.listen_fd = must_bind(&env.conf->listen, SOCK_STREAM);
	env.control_fd = must_bind(&env.conf->control, SOCK_SEQPACKET);
	env.drain_fd = listen_drain(env.conf->statedir);
	(void)umask(077);
}

static void
detach(void)
{
	int	 fd, awaited;

	awaited = notify_init();
	if (env.debug)
		return;
	if ((fd = log_connect()) == -1)
		log_warn("%s: will log as soon as it is there", _PATH_LOG);
	if (!awaited && daemon(0, 0) == -1)
		fatal("daemon");
	log_init("parent", fd, env.verbose);
}

static void
children(void)
{
	struct proc	*p;
	unsigned int	 i;

	(void)proc_add(ROLE_RESOLVER, 1);
	(void)proc_add(ROLE_NAMES, 1);
	(void)proc_add(ROLE_NAMES, 2);
	(void)proc_add(ROLE_CONTROL, 1);
	for (i = 1; i <= env.conf->prefork; i++)
		(void)proc_add(ROLE_WORKER, i);
	TAILQ_FOREACH(p, &env.procs, next)
		proc_spawn(p);
}

int
main(int argc, char **argv)
{
	const char	*libexec = LIBEXECDIR;
	char		 err[512];
	int		 ch, nflag = 0;

	standard_fds();
	log_init(NULL, -1, 0);
	env.file = CONF_FILE;
	while ((ch = getopt(argc, argv, "df:L:nv")) != -1)
		switch (ch) {
		case 'd':
			env.debug = 1;
			break;
		case 'f':
			env.file = optarg;
			break;
		case 'L':
			libexec = optarg;
			break;
		case 'n':
			nflag = 1;
			break;
		case 'v':
			env.verbose = 1;
			break;
		default:
			usage();
		}
	if (argc != optind)
		usage();
	env.conf = parse_config(env.file, nflag ? getuid() : 0, err,
	    sizeof(err));
	if (env.conf == NULL || conf_accounts(env.conf, err, sizeof(err)) == -1)
		return (1);
	if (nflag)
		check(env.conf, env.verbose);
	log_init("milter-sysuser", -1, env.verbose);
	if (env.debug)
		log_hurry();
	prepare(libexec);
	detach();

	env.started = uptime();
	if (event_init() == NULL)
		fatalx("no event loop");
	proc_init(&env);
	peers_init(&env);
	load_init(&env);
	ask_init(&env);
	if (!env.debug) {
		evtimer_set(&log_timer, cb_log, NULL);
		cb_log(-1, 0, NULL);
	}
	if (listen_locked() == -1)
		fatal("lock");
	signals();
	guard_init(&env);
	children();
	load_start(env.conf->policy);
	watch_init(&env);
	notify_start();
	setproctitle("parent [%s]", env.file);
	(void)event_dispatch();
	log_info("stopped");
	return (0);
}
