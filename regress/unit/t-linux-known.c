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
 * Processes that are kept open: what is read is of that very process and of
 * now, and no more descriptors are held than may be.
 *
 * SOURCES: resolver/linux_known.c resolver/linux_files.c resolver/linux_proc.c
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux.h"

#define MANY	200

/* A child that says what it does. */
struct child_of {
	pid_t	 pid;
	int	 in, out;
};

/* With that pid if it is not 0; -1 if it can't be had. */
static pid_t
fork_as(pid_t pid)
{
	struct clone_args	 args;

	memset(&args, 0, sizeof(args));
	args.exit_signal = SIGCHLD;
	if (pid != 0) {
		args.set_tid = (uintptr_t)&pid;
		args.set_tid_size = 1;
	}
	return (syscall(SYS_clone3, &args, sizeof(args)));
}

/* Each byte that it gets makes it change its name to that letter. */
static int
child_start(struct child_of *c, pid_t pid)
{
	int	 in[2], out[2];
	char	 name[2] = "a";

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	if ((c->pid = fork_as(pid)) == 0) {
		(void)close(in[1]);
		(void)alarm(60);
		do {
			(void)prctl(PR_SET_NAME, name);
			if (write(out[1], name, 1) != 1)
				_exit(1);
		} while (read(in[0], name, 1) == 1);
		_exit(0);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	c->in = in[1];
	c->out = out[0];
	if (c->pid != -1)
		assert_int_equal(read(c->out, name, 1), 1);
	return (c->pid == -1 ? -1 : 0);
}

static void
child_rename(struct child_of *c, char name)
{
	assert_int_equal(write(c->in, &name, 1), 1);
	assert_int_equal(read(c->out, &name, 1), 1);
}

static void
child_end(struct child_of *c)
{
	(void)close(c->in);
	(void)close(c->out);
	/* Others that were forked have our end of the pipe as well. */
	if (c->pid != -1) {
		(void)kill(c->pid, SIGKILL);
		assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	}
}

static int
count_fds(void)
{
	int	 fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

static void
name_is(struct known *k, const char *name)
{
	char	 buf[64];
	ssize_t	 n;

	assert_non_null(k);
	n = known_name(k, buf, sizeof(buf));
	assert_int_equal(n, strlen(name));
	assert_memory_equal(buf, name, n);
}

/* Its name is that of the moment, however it was opened. */
static void
t_name(void **state)
{
	struct child_of	 c, d;
	struct known	*k;
	uint64_t	 start;
	char		 buf[64];

	(void)state;
	assert_int_equal(child_start(&c, 0), 0);
	assert_int_equal(child_start(&d, 0), 0);
	k = known_open(c.pid);
	assert_non_null(k);
	start = k->start;
	name_is(known_get(c.pid, start), "a");
	child_rename(&c, 'b');
	name_is(known_get(c.pid, start), "b");

	/* Opened, and then not asked before others were. */
	assert_non_null(known_open(c.pid));
	child_rename(&c, 'c');
	assert_non_null(known_open(d.pid));
	name_is(known_get(c.pid, start), "c");
	assert_non_null(known_open(c.pid));
	child_rename(&c, 'd');
	name_is(known_find(c.pid), "d");

	assert_true(known_read(known_get(c.pid, start), KEPT_LOGINUID, buf,
	    sizeof(buf)) > 0);
	assert_true(known_read(known_get(c.pid, start), KEPT_CGROUP, buf,
	    sizeof(buf)) > 0);
	child_end(&c);
	k = known_find(c.pid);
	assert_non_null(k);
	assert_int_equal(known_name(k, buf, sizeof(buf)), -1);
	assert_int_equal(known_read(k, KEPT_LOGINUID, buf, sizeof(buf)), -1);
	assert_int_equal(known_read(k, KEPT_CGROUP, buf, sizeof(buf)), -1);
	known_forget(c.pid);
	assert_null(known_find(c.pid));
	assert_null(known_get(c.pid, start));
	child_end(&d);
	known_forget(d.pid);
}

/* Another process gets the pid: it is never taken for the first. */
static void
t_pid_again(void **state)
{
	struct child_of	 c, d;
	struct known	*k;
	uint64_t	 start;
	char		 buf[64];
	int		 i;

	(void)state;
	assert_int_equal(child_start(&c, 0), 0);
	assert_non_null(k = known_open(c.pid));
	start = k->start;
	name_is(k, "a");
	child_end(&c);
	/* Start times are counted in hundredths of a second. */
	(void)usleep(30000);
	for (i = 0; i < 10 && child_start(&d, c.pid) == -1; i++) {
		if (errno != EEXIST) {
			child_end(&d);
			skip();
		}
		child_end(&d);
	}
	if (i == 10)
		skip();		/* somebody else has it */
	child_rename(&d, 'x');
	k = known_get(c.pid, start);
	assert_true(k == NULL || known_name(k, buf, sizeof(buf)) == -1);
	assert_non_null(k = known_open(c.pid));
	assert_true(k->start > start);
	name_is(k, "x");
	assert_null(known_get(c.pid, start));
	child_end(&d);
	known_forget(c.pid);
}

static int
likely(struct known *k, uint64_t inode, uint32_t *tried)
{
	struct place	*p = known_likely(k, inode, tried);

	return (p == NULL ? -1 : p->fd);
}

/* Obeys letters, and says each when that is done. */
static void
obey(int in, int out)
{
	char	 letter = 'r';
	int	 s = -1;

	(void)alarm(60);
	do {
		if (letter == 's' && (s = socket(AF_UNIX, SOCK_STREAM, 0)) != -1)
			(void)dup2(s, 200);
		else if (letter == 'c')
			(void)close(200);
		else if (letter == 'd' && chdir("/usr") == -1)
			_exit(1);
		else if (letter == 'x') {
			(void)dup2(in, STDIN_FILENO);
			(void)execl("/bin/cat", "cat", (char *)NULL);
		}
		if (s != -1)
			(void)close(s);
		s = -1;
		if (write(out, &letter, 1) != 1)
			_exit(1);
	} while (read(in, &letter, 1) == 1);
	_exit(0);
}

static uint64_t
inode_of(pid_t pid, int fd)
{
	struct stat	 sb;
	char		 path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return (stat(path, &sb) == -1 ? 0 : sb.st_ino);
}

/* The descriptor, asked for often enough to be kept open. */
static void
socket_is(struct known *k, int fd, uint64_t inode)
{
	int	 i;

	for (i = 0; i < 3; i++)
		assert_int_equal(known_socket(k, fd), inode);
}

static void
link_is(struct known *k, enum kept what, const char *path)
{
	char	 buf[256];
	int	 i;

	for (i = 0; i < 3; i++) {
		assert_non_null(known_link(k, what, buf, sizeof(buf)));
		assert_string_equal(buf, path);
	}
}

static void *
wait_there(void *arg)
{
	*(pid_t *)arg = gettid();
	for (;;)
		(void)pause();
	return (NULL);
}

/* A thread can be opened like a process, but is none. */
static void
t_leads(void **state)
{
	pthread_t		 thread;
	volatile pid_t		 tid = 0;
	struct known		*k;

	(void)state;
	assert_non_null(k = known_open(getpid()));
	assert_int_equal(known_leads(k), 1);
	assert_int_equal(pthread_create(&thread, NULL, wait_there,
	    (void *)(uintptr_t)&tid), 0);
	while (tid == 0)
		(void)usleep(1000);
	assert_non_null(k = known_open(tid));
	assert_int_equal(known_leads(k), 0);
	assert_non_null(k = known_open(getpid()));
	assert_int_equal(known_leads(k), 1);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	known_forget(tid);
	known_forget(getpid());
}

/* A link that is kept open tells what it is now, not what it was. */
static void
t_links(void **state)
{
	struct child_of	 c;
	struct known	*k;
	char		 buf[256], here[PATH_MAX], cat[PATH_MAX];
	uint64_t	 first;
	int		 in[2], out[2], i;

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(realpath("/bin/cat", cat));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	if ((c.pid = fork()) == 0) {
		(void)close(in[1]);
		obey(in[0], out[1]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	c.in = in[1];
	c.out = out[0];
	assert_int_equal(read(c.out, buf, 1), 1);

	assert_non_null(k = known_open(c.pid));
	socket_is(k, 200, 0);
	child_rename(&c, 's');
	assert_int_not_equal(first = inode_of(c.pid, 200), 0);
	socket_is(k, 200, first);
	socket_is(k, 201, 0);
	socket_is(k, 200, first);
	child_rename(&c, 's');
	assert_int_not_equal(inode_of(c.pid, 200), first);
	socket_is(k, 200, inode_of(c.pid, 200));
	child_rename(&c, 'c');
	socket_is(k, 200, 0);

	link_is(k, KEPT_CWD, here);
	child_rename(&c, 'd');
	link_is(k, KEPT_CWD, "/usr");
	assert_non_null(known_link(k, KEPT_EXE, buf, sizeof(buf)));
	link_is(k, KEPT_EXE, buf);
	assert_string_not_equal(buf, cat);
	assert_int_equal(write(c.in, "x", 1), 1);
	for (i = 0; i < 5000 && (known_link(k, KEPT_EXE, buf, sizeof(buf)) ==
	    NULL || strcmp(buf, cat) != 0); i++)
		(void)usleep(1000);
	link_is(k, KEPT_EXE, cat);
	link_is(k, KEPT_CWD, "/usr");

	assert_int_equal(known_lives(k), 1);
	child_end(&c);
	assert_int_equal(known_lives(k), 0);
	assert_null(known_link(k, KEPT_EXE, buf, sizeof(buf)));
	assert_null(known_link(k, KEPT_CWD, buf, sizeof(buf)));
	socket_is(k, 200, 0);
	known_forget(c.pid);
}

/* Where it was seen; then where the oldest was; each once. */
static void
t_places(void **state)
{
	struct known	*k = known_open(getpid());
	uint32_t	 tried = 0;
	int		 i;

	(void)state;
	assert_non_null(k);
	assert_int_equal(likely(k, 100, &tried), -1);
	known_place(k, 5, 300);
	known_place(k, 6, 100);
	known_place(k, 7, 200);
	assert_int_equal(likely(k, 200, &tried), 7);
	assert_int_equal(likely(k, 200, &tried), 6);
	assert_int_equal(likely(k, 200, &tried), 5);
	assert_int_equal(likely(k, 200, &tried), -1);

	/* Another one in its place; what never was one is not noted. */
	assert_int_equal(known_seen(k, 6, 400), 1);
	assert_int_equal(known_seen(k, 8, 50), 0);
	tried = 0;
	assert_int_equal(likely(k, 1, &tried), 7);
	assert_int_equal(likely(k, 1, &tried), 5);
	assert_int_equal(likely(k, 1, &tried), 6);
	assert_int_equal(likely(k, 1, &tried), -1);

	/* More than there is room for: the oldest go. */
	for (i = 0; i < 100; i++)
		known_place(k, 10 + i, 1000 + i);
	tried = 0;
	assert_int_equal(likely(k, 1099, &tried), 109);
	for (i = 1; i < MAX_PLACES; i++)
		assert_true(likely(k, 1, &tried) > 109 - MAX_PLACES);
	assert_int_equal(likely(k, 1, &tried), -1);

	/* None of it is left for the next process. */
	assert_non_null(k = known_open(getpid()));
	tried = 0;
	assert_int_equal(likely(k, 1099, &tried), -1);
	known_forget(getpid());
}

/* In a process of its own: how much is kept is found out once. */
static void
many(rlim_t files, int most)
{
	struct child_of	 c[MANY];
	struct rlimit	 rl = { files, files };
	struct known	*k;
	char		 buf[64];
	int		 before = count_fds(), i;

	for (i = 0; i < MANY; i++) {
		if ((c[i].pid = fork()) == 0) {
			(void)alarm(60);
			(void)pause();
			_exit(0);
		}
	}
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		_exit(2);
	for (i = 0; i < MANY; i++) {
		k = known_open(c[i].pid);
		if (k == NULL || known_name(k, buf, sizeof(buf)) == -1 ||
		    known_name(k, buf, sizeof(buf)) == -1 ||
		    known_read(k, KEPT_CGROUP, buf, sizeof(buf)) == -1 ||
		    known_read(k, KEPT_LOGINUID, buf, sizeof(buf)) == -1 ||
		    known_link(k, KEPT_EXE, buf, sizeof(buf)) == NULL ||
		    known_link(k, KEPT_EXE, buf, sizeof(buf)) == NULL ||
		    known_link(k, KEPT_CWD, buf, sizeof(buf)) == NULL ||
		    known_link(k, KEPT_CWD, buf, sizeof(buf)) == NULL)
			_exit(3);
		(void)known_socket(k, STDERR_FILENO);
		(void)known_socket(k, STDERR_FILENO);
	}
	i = count_fds() - before;
	known_rest();
	if (count_fds() - before > i)
		_exit(5);
	for (most = i > 0 && i <= most ? 0 : 4, i = 0; i < MANY; i++)
		(void)kill(c[i].pid, SIGKILL);
	_exit(most);
}

static int
many_apart(rlim_t files, int most)
{
	int	 status;
	pid_t	 pid;

	(void)fflush(NULL);
	if ((pid = fork()) == 0)
		many(files, most);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void
t_many(void **state)
{
	(void)state;
	assert_int_equal(many_apart(1024, 256), 0);
	assert_int_equal(many_apart(64, 16), 0);
	assert_int_equal(many_apart(30, 8), 0);
}

static int
setup(void **state)
{
	(void)state;
	proc_dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (proc_dir == -1 ? -1 : 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(t_many),	/* the first */
		cmocka_unit_test(t_leads),
		cmocka_unit_test(t_links),
		cmocka_unit_test(t_name),
		cmocka_unit_test(t_pid_again),
		cmocka_unit_test(t_places),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
