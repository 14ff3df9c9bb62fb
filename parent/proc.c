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

/* The table of children: start them, bury them, start them again. */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

#define BOOT_TIME	10		/* s, from exec to READY */
#define DELAY_MAX	60		/* s, between two lives */
#define STORM		60		/* s, in which 6 deaths are too many */
#define WORKER_STACK	(512 * 1024)	/* of each libmilter thread */
#define WORKER_FILES	16384

static struct parent	*env;

static const char *const programs[ROLE_MAX] = {
	[ROLE_RESOLVER] = "resolver",
	[ROLE_NAMES] = "names",
	[ROLE_CONTROL] = "control",
	[ROLE_WORKER] = "milterd"
};

static void	 cb_timer(int, short, void *);

void
proc_init(struct parent *parent)
{
	env = parent;
	TAILQ_INIT(&env->procs);
}

struct proc *
proc_add(enum role role, unsigned int instance)
{
	struct proc	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("calloc");
	p->role = role;
	p->instance = instance;
	p->peer.chan.fd = -1;
	p->peer.arg = p;
	evtimer_set(&p->timer, cb_timer, p);
	TAILQ_INSERT_TAIL(&env->procs, p, next);
	return (p);
}

/* "worker 2", for people. */
const char *
proc_name(const struct proc *p, char *buf, size_t size)
{
	if (p->role == ROLE_WORKER || p->role == ROLE_NAMES)
		(void)snprintf(buf, size, "%s %u", role_names[p->role],
		    p->instance);
	else
		(void)strlcpy(buf, role_names[p->role], size);
	return (buf);
}

int
proc_running(const struct proc *p)
{
	return (p->pid != 0 && p->peer.open && p->peer.chan.state == S_RUN);
}

/* Whom it runs as. */
const struct account *
proc_account(const struct proc *p)
{
	switch (p->role) {
	case ROLE_RESOLVER:
		return (&env->conf->resolver);
	case ROLE_WORKER:
		return (&env->conf->user);
	default:
		return (&env->conf->names);
	}
}

/*
 * Descriptors: as many as a process needs, or all that the hard limit allows.
 * The soft one, which we may have from a shell, says nothing about us.
 */
static void
limit_files(rlim_t want)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > want)
		rl.rlim_cur = want;
	else
		rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* libmilter makes a thread for each busy session, and each takes a stack. */
static void
limit_stack(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_STACK, &rl) == 0 &&
	    (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur > WORKER_STACK)) {
		rl.rlim_cur = WORKER_STACK;
		(void)setrlimit(RLIMIT_STACK, &rl);
	}
}

static void
child_limits(enum role role)
{
	if (role == ROLE_WORKER) {
		limit_stack();
		limit_files(WORKER_FILES);
	} else if (role == ROLE_CONTROL)
		/* Its own may lie below those of clients, or above. */
		limit_files(CONTROL_CLIENTS + 2 * CONTROL_FILES);
}

/* Put a descriptor where the child looks for it, open across exec. */
static void
place_fd(int fd, int at)
{
	if (fd != at && dup2(fd, at) == -1)
		_exit(126);
	if (fcntl(at, F_SETFD, 0) == -1)
		_exit(126);
}

/* In the child, which shares nothing with us but descriptors 0 to 4. */
static void
child_exec(const struct proc *p, int fd, int logfd)
{
	char			 path[1024], instance[16], uid[16], gid[16];
	char			 family[16];
	char			*argv[16];
	static char		*envp[] = { (char *)"PATH=/usr/bin:/bin",
				    (char *)"MALLOC_ARENA_MAX=2", NULL };
	const struct account	*a = proc_account(p);
	sigset_t		 none;
	int			 n = 0, null;

	(void)setsid();
	if (logfd != -1)
		logfd = fcntl(logfd, F_DUPFD, 5);
	place_fd(fd, 3);
	if (logfd != -1)
		place_fd(logfd, 4);
	closefrom(logfd != -1 ? 5 : 4);
	if (!env->debug && (null = open("/dev/null", O_RDWR)) != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	child_limits(p->role);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);

	(void)snprintf(path, sizeof(path), "%s/%s", env->libexec,
	    programs[p->role]);
	(void)snprintf(instance, sizeof(instance), "-I%u", p->instance);
	(void)snprintf(uid, sizeof(uid), "-u%u", (unsigned int)a->uid);
	(void)snprintf(gid, sizeof(gid), "-g%u", (unsigned int)a->gid);
	(void)snprintf(family, sizeof(family), "-F%d",
	    env->conf->listen.family);
	argv[n++] = path;
	argv[n++] = instance;
	argv[n++] = uid;
	argv[n++] = gid;
	if (env->verbose)
		argv[n++] = (char *)"-v";
	if (logfd != -1)
		argv[n++] = (char *)"-l";
	if (p->role == ROLE_WORKER)
		argv[n++] = family;
	if (p->role == ROLE_WORKER || p->role == ROLE_CONTROL) {
		argv[n++] = (char *)"-c";
		argv[n++] = env->conf->chroot;
	}
	argv[n] = NULL;
	execve(path, argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Begin a life of a child; it says HELLO when it is there. */
void
proc_spawn(struct proc *p)
{
	struct timeval	 tv = { BOOT_TIME, 0 };
	int		 pair[2], logfd;

	if (chan_pair(pair) == -1) {
		log_warn("socketpair");
		proc_kill(p, "could not be started");
		return;
	}
	logfd = env->debug ? -1 : log_connect();
	switch (p->pid = fork()) {
	case -1:
		p->pid = 0;
		log_warn("fork");
		close(pair[0]);
		close(pair[1]);
		if (logfd != -1)
			close(logfd);
		proc_kill(p, "could not be started");
		return;
	case 0:
		child_exec(p, pair[1], logfd);
		/* NOTREACHED */
	}
	close(pair[1]);
	if (logfd != -1)
		close(logfd);
	p->hello = p->fed = p->counting = p->asked = 0;
	p->protections = 0;
	p->unacked = p->stale = 0;
	p->life++;
	p->generation = 0;
	p->started = uptime();
	peer_open(&p->peer, pair[0], ROLE_PARENT, p->role, p->instance,
	    parent_handlers, peers_gone);
	timer_add(&p->timer, &tv);
}

/* What it counted stays counted; what was open then is not any more. */
static void
keep_counters(struct proc *p)
{
	size_t	 i;

	p->counters[ST_SESSIONS] = 0;
	for (i = 0; i < STAT_MAX; i++)
		p->earlier[i] += p->counters[i];
	memset(p->counters, 0, sizeof(p->counters));
}

/*
 * Too many deaths.  Nothing works without resolver, control and a worker; but
 * names only run what the administrator has made NSS, which may be on its way
 * to another version: they are tried again, seldom.
 */
static void
proc_park(struct proc *p)
{
	struct timeval	 tv = { DELAY_MAX, 0 };
	struct proc	*o;
	char		 name[32];

	(void)proc_name(p, name, sizeof(name));
	if (p->role == ROLE_NAMES) {
		log_warnx("%s died %zu times within %d seconds and rests for "
		    "as long: does what nsswitch.conf names work?", name,
		    NITEMS(p->deaths), STORM);
		timer_add(&p->timer, &tv);
		p->restarts++;
		return;
	}
	p->parked = 1;
	log_warnx("%s died %zu times within %d seconds and is not started "
	    "again: see above why, then restart milter-sysuser", name,
	    NITEMS(p->deaths), STORM);
	TAILQ_FOREACH(o, &env->procs, next)
		if (o->role == p->role && !o->parked)
			return;
	fatalx("nothing works without a %s: giving up", role_names[p->role]);
}

/*
 * When the next life is due; the first time at once.  Six deaths within a
 * minute are too many: exec makes each life a new guess for an attacker, and
 * a message that kills must not kill for ever.
 */
static void
proc_again(struct proc *p)
{
	struct timeval	 tv = { 0, 0 };
	time_t		 now = uptime();

	keep_counters(p);
	memmove(p->deaths + 1, p->deaths, sizeof(p->deaths) -
	    sizeof(p->deaths[0]));
	p->deaths[0] = now;
	if (p->deaths[NITEMS(p->deaths) - 1] != 0 &&
	    now - p->deaths[NITEMS(p->deaths) - 1] < STORM) {
		proc_park(p);
		return;
	}
	if (p->deaths[1] == 0 || now - p->deaths[1] > STORM)
		p->delay = 0;
	tv.tv_sec = p->delay;
	p->delay = p->delay == 0 ? 1 : p->delay * 2;
	if (p->delay > DELAY_MAX)
		p->delay = DELAY_MAX;
	p->restarts++;
	timer_add(&p->timer, &tv);
}

/* Its boot took too long, or its next life is due. */
static void
cb_timer(int fd, short event, void *arg)
{
	struct proc	*p = arg;

	(void)fd;
	(void)event;
	if (p->pid != 0)
		proc_kill(p, "did not get ready in time");
	else if (!env->stopping)
		proc_spawn(p);
}

/* End a life, if there is one; its burial comes with SIGCHLD. */
void
proc_kill(struct proc *p, const char *why)
{
	struct timeval	 tv = { 0, 0 };
	char		 name[32];

	log_warnx("%s %s", proc_name(p, name, sizeof(name)), why);
	peer_close(&p->peer);
	(void)evtimer_del(&p->timer);
	if (p->pid != 0)
		(void)kill(p->pid, SIGKILL);
	else if (!env->ready)
		fatalx("start-up failed");
	else {
		/* It did not even begin to live: that is no death. */
		p->delay = p->delay == 0 ? 1 : p->delay;
		tv.tv_sec = p->delay;
		timer_add(&p->timer, &tv);
	}
}

static void
proc_died(struct proc *p, int status)
{
	char	 name[32];

	(void)proc_name(p, name, sizeof(name));
	if (env->stopping)
		log_debug("%s has left", name);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_warnx("%s (pid %ld) was ended for a system call that it "
		    "has no use for: broken into? If not, report it", name,
		    (long)p->pid);
	else if (WIFSIGNALED(status))
		log_warnx("%s (pid %ld) was ended by signal %d", name,
		    (long)p->pid, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 127)
		log_warnx("%s: no program %s/%s: install it, or say -L", name,
		    env->libexec, programs[p->role]);
	else
		log_warnx("%s (pid %ld) left with status %d", name,
		    (long)p->pid, WEXITSTATUS(status));
	p->pid = 0;
	peer_close(&p->peer);
	(void)evtimer_del(&p->timer);
	ask_lost(p);
	load_lost(p);
	if (env->stopping)
		return;
	if (!env->ready)
		fatalx("start-up failed");
	watch_sockets();
	proc_again(p);
}

/* Nobody tells a second time that it died. */
static pid_t
next_dead(int *status)
{
	pid_t	 pid;

	do {
		pid = waitpid(-1, status, WNOHANG | WUNTRACED);
	} while (pid == -1 && errno == EINTR);
	return (pid);
}

/* Some child died or stopped; a stopped one is of no use either. */
void
proc_reap(void)
{
	struct proc	*p;
	pid_t		 pid;
	int		 status;
	char		 name[32];

	while ((pid = next_dead(&status)) > 0) {
		TAILQ_FOREACH(p, &env->procs, next)
			if (p->pid == pid)
				break;
		if (p == NULL)
			continue;
		if (WIFSTOPPED(status)) {
			log_warnx("%s (pid %ld) was stopped: killing it",
			    proc_name(p, name, sizeof(name)), (long)pid);
			(void)kill(pid, SIGKILL);
		} else
			proc_died(p, status);
	}
	parent_step(env);
}
